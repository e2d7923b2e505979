//! The pages behind `wfl explain CODE`: Markdown with examples that are reported (`wfl fires`), near ones that are
//! not (`wfl silent`), and files these import (`wfl file=PATH`). Knows no code's meaning.

/// One example of a page, or a file that its examples import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    pub kind: Kind<'a>,
    pub text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The code is reported for it.
    Fires,
    /// It looks much the same, and is not reported.
    Silent,
    /// Lies at this path beside the examples.
    File(&'a str),
}

/// The examples of a page, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```wfl ") {
        let Some((info, after)) = after.split_once('\n') else { break };
        let Some(end) = after.find("```") else { break };
        let kind = match info.trim() {
            "fires" => Some(Kind::Fires),
            "silent" => Some(Kind::Silent),
            info => info.strip_prefix("file=").map(Kind::File),
        };
        found.extend(kind.map(|kind| Block { kind, text: &after[..end] }));
        rest = &after[end + 3..];
    }
    found
}

/// The first paragraph below the title: what the code means, in one breath.
pub fn summary(page: &str) -> String {
    let body = page.split_once("\n\n").map_or("", |(_, body)| body);
    let paragraph = body.split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page for a terminal: no title, no fences, examples indented behind a line that says what they are.
pub fn plain(page: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for line in page.split_once("\n\n").map_or("", |(_, body)| body).lines() {
        match line.strip_prefix("```") {
            Some("wfl fires") => out.push_str("This is reported:\n\n"),
            Some("wfl silent") => out.push_str("This is not:\n\n"),
            Some(info) if info.starts_with("wfl file=") => {
                out.push_str(&format!("with {}:\n\n", &info["wfl file=".len()..]));
            }
            Some(_) => {}
            None if inside && !line.is_empty() => out.push_str(&format!("    {line}\n")),
            None => out.push_str(&format!("{line}\n")),
        }
        inside ^= line.starts_with("```");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# E1 name\n\nOne\nline.\n\nMore.\n\n```wfl fires\nwfl 1\n\nx\n```\n\n```wfl silent\ny\n```\n\n```wfl file=a/b.wfl\nz\n```\n";

    #[test]
    fn a_page_is_a_summary_and_examples() {
        assert_eq!(summary(PAGE), "One line.");
        let kinds: Vec<_> = blocks(PAGE).into_iter().map(|block| (block.kind, block.text)).collect();
        assert_eq!(
            kinds,
            [(Kind::Fires, "wfl 1\n\nx\n"), (Kind::Silent, "y\n"), (Kind::File("a/b.wfl"), "z\n")]
        );
    }

    #[test]
    fn a_terminal_sees_no_fences() {
        let text = plain(PAGE);
        assert!(text.starts_with("One\nline.\n"), "{text}");
        assert!(text.contains("This is reported:\n\n    wfl 1\n\n    x\n"), "{text}");
        assert!(!text.contains("```"), "{text}");
    }
}
