//! The pages behind `wfl explain CODE`: Markdown with examples that are reported (`wfl fires`), near ones that are
//! not (`wfl silent`), and files these import (`wfl file=PATH`). Knows no code's meaning.

use std::borrow::Cow;

/// One example of a page, or a file that its examples import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block<'a> {
    pub kind: Kind<'a>,
    pub text: &'a str,
    /// `\u{…}` stands for a character that a page cannot show.
    pub escaped: bool,
    /// Another code that is always reported together with this one.
    pub with: Option<&'a str>,
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

impl<'a> Block<'a> {
    /// `fires`, `silent` or `file=PATH`, then `escaped` and `with=CODE` as needed; nothing for other words.
    fn new(info: &'a str, text: &'a str) -> Option<Self> {
        let mut words = info.split_whitespace();
        let kind = match words.next()? {
            "fires" => Kind::Fires,
            "silent" => Kind::Silent,
            word => Kind::File(word.strip_prefix("file=")?),
        };
        let mut block = Block { kind, text, escaped: false, with: None };
        for word in words {
            match word.strip_prefix("with=") {
                Some(code) => block.with = Some(code),
                None if word == "escaped" => block.escaped = true,
                None => return None,
            }
        }
        Some(block)
    }

    /// The text as a file would hold it.
    pub fn source(&self) -> Cow<'a, str> {
        if self.escaped { Cow::Owned(unescape(self.text)) } else { Cow::Borrowed(self.text) }
    }

    /// The line before it in a terminal.
    fn caption(&self) -> String {
        let mut caption = match self.kind {
            Kind::Fires => "This is reported".to_owned(),
            Kind::Silent => "This is not".to_owned(),
            Kind::File(path) => format!("with {path}"),
        };
        if let Some(code) = self.with {
            caption.push_str(&format!(", and {code} beside it"));
        }
        if self.escaped {
            caption.push_str(" (each \\u{…} stands for the one character of that number)");
        }
        caption + ":"
    }
}

/// `\u{202e}` → that character; whatever else stays as it is.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\u{");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = part.split_once('}').and_then(|(digits, after)| {
            let number = u32::from_str_radix(digits, 16).ok()?;
            Some((char::from_u32(number)?, after))
        });
        match named {
            Some((c, after)) => {
                out.push(c);
                out.push_str(after);
            }
            None => {
                out.push_str("\\u{");
                out.push_str(part);
            }
        }
    }
    out
}

/// The examples of a page, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```wfl ") {
        let Some((info, after)) = after.split_once('\n') else { break };
        let Some(end) = after.find("```") else { break };
        found.extend(Block::new(info, &after[..end]));
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
            Some(info) if info.starts_with("wfl ") => {
                let block = Block::new(&info["wfl ".len()..], "");
                out.extend(block.map(|block| format!("{}\n\n", block.caption())));
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

    #[test]
    fn an_escaped_example_stands_for_what_a_page_cannot_hold() {
        let page = "# E1 name\n\nText.\n\n```wfl fires escaped with=E2\na\\u{202e}b\\u{x}\n```\n";
        let found = blocks(page);
        assert_eq!((found[0].escaped, found[0].with), (true, Some("E2")));
        assert_eq!(found[0].source(), "a\u{202e}b\\u{x}\n");
        assert!(plain(page).contains("reported, and E2 beside it (each \\u{…} stands"), "{}", plain(page));
        assert!(blocks("```wfl fires twice\nx\n```").is_empty());
    }
}
