//! What stands in a Markdown text: the section under a heading, the boxes of its checklists. Reads no file, and takes
//! what people see: comments and what a template leaves empty are no content.

/// Boxes of checklists: `- [x]` and `- [ ]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Boxes {
    pub ticked: usize,
    pub open: usize,
}

pub(super) fn boxes(text: &str) -> Boxes {
    let mut boxes = Boxes::default();
    for line in lines(text).iter().filter(|line| line.kind != Kind::Code) {
        match item(&line.text).and_then(ticked) {
            Some((true, said)) if !said.is_empty() => boxes.ticked += 1,
            Some((false, said)) if !said.is_empty() => boxes.open += 1,
            _ => {}
        }
    }
    boxes
}

/// The text below the first heading of this name, with the headings below it, up to the next one of its level;
/// none when there is no such heading.
pub(super) fn section(text: &str, heading: &str) -> Option<String> {
    let lines = lines(text);
    let wanted = name(heading);
    let is = |line: &Line| matches!(line.kind, Kind::Heading(_)) && name(&line.text) == wanted;
    let start = lines.iter().position(is)?;
    let Kind::Heading(level) = lines[start].kind else { return None };
    let below = lines[start + 1..].iter();
    let inside = below.take_while(|line| !matches!(line.kind, Kind::Heading(next) if next <= level));
    let text: Vec<&str> = inside.map(|line| line.text.as_str()).collect();
    Some(text.join("\n").trim().to_owned())
}

/// Whether somebody wrote something below the heading: text that is more than headings, empty items and rules.
pub(super) fn written(text: &str, heading: &str) -> bool {
    let Some(section) = section(text, heading) else { return false };
    lines(&section).iter().any(|line| {
        let said =
            item(&line.text).map_or(line.text.trim(), |said| ticked(said).map_or(said, |(_, said)| said));
        !matches!(line.kind, Kind::Heading(_)) && said.chars().any(char::is_alphanumeric)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Heading(usize),
    Code,
    Text,
}

struct Line {
    text: String,
    kind: Kind,
}

/// The lines without comments, each with what it is.
fn lines(text: &str) -> Vec<Line> {
    let mut found: Vec<Line> = Vec::new();
    let mut fence: Option<&str> = None;
    let mut comment = false;
    for raw in text.lines() {
        if let Some(open) = fence {
            if raw.trim_start().starts_with(open) {
                fence = None;
            }
            found.push(Line { text: raw.to_owned(), kind: Kind::Code });
            continue;
        }
        let shown = without_comments(raw, &mut comment);
        fence = ["```", "~~~"].into_iter().find(|mark| shown.trim_start().starts_with(mark));
        if fence.is_some() {
            found.push(Line { text: shown, kind: Kind::Code });
        } else if let Some(level) = underline(&shown, found.last()) {
            if let Some(line) = found.last_mut() {
                line.kind = Kind::Heading(level);
            }
        } else {
            let kind = level(&shown).map_or(Kind::Text, Kind::Heading);
            found.push(Line { text: shown, kind });
        }
    }
    found
}

/// The rest of a line when what stands in `<!-- … -->` is taken away; `open` goes on into the next line.
fn without_comments(line: &str, open: &mut bool) -> String {
    let (mut rest, mut shown) = (line, String::new());
    loop {
        let mark = if *open { "-->" } else { "<!--" };
        let Some((before, after)) = rest.split_once(mark) else { break };
        if !*open {
            shown.push_str(before);
        }
        *open = !*open;
        rest = after;
    }
    if !*open {
        shown.push_str(rest);
    }
    shown
}

/// `## Heading` → 2.
fn level(line: &str) -> Option<usize> {
    let text = line.trim_start();
    let level = text.bytes().take_while(|byte| *byte == b'#').count();
    let after = text.as_bytes().get(level).is_none_or(|byte| *byte == b' ' || *byte == b'\t');
    ((1..=6).contains(&level) && after && line.len() - text.len() < 4).then_some(level)
}

/// `=====` and `-----` make a heading of the line of words above them.
fn underline(line: &str, above: Option<&Line>) -> Option<usize> {
    let above = above.filter(|line| line.kind == Kind::Text)?;
    let words = above.text.starts_with(char::is_alphanumeric);
    let all = |mark: char| line.len() >= 3 && line.trim_end().chars().all(|c| c == mark);
    match () {
        () if words && all('=') => Some(1),
        () if words && all('-') => Some(2),
        () => None,
    }
}

/// A heading as it is compared: without its marks, its number and capitals.
fn name(heading: &str) -> String {
    let text = heading.trim().trim_matches('#').trim();
    let text = text.trim_matches(['*', '_', '`', ':']).trim();
    let number = text.split_once(char::is_whitespace).filter(|(first, _)| {
        first.starts_with(|c: char| c.is_ascii_digit())
            && first.chars().all(|c| c.is_ascii_digit() || ".)".contains(c))
    });
    number.map_or(text, |(_, rest)| rest.trim()).to_lowercase()
}

/// What a list's item says.
fn item(line: &str) -> Option<&str> {
    let text = line.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = match digits {
        0 => text.strip_prefix(['-', '*', '+'])?,
        _ => text[digits..].strip_prefix(['.', ')'])?,
    };
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest.trim())
}

/// Whether an item's box is ticked, and what the item says; none when it has no box.
fn ticked(said: &str) -> Option<(bool, &str)> {
    let rest = said.strip_prefix('[')?;
    let (mark, said) = rest.split_once(']')?;
    match mark {
        "x" | "X" => Some((true, said.trim())),
        " " | "" => Some((false, said.trim())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BRIEF: &str = "# Brief\n\n## 1. Problem\n\nOrders are lost.\n\n### When\nAt night.\n\n## Goals\n\n<!-- What must be\nreached? -->\n\n- [ ]\n-\n\n## Risks\n```\n## Goals\nreal\n```\n";

    #[test]
    fn a_section_goes_to_the_next_heading_of_its_level() {
        assert_eq!(section(BRIEF, "Problem").as_deref(), Some("Orders are lost.\n\n### When\nAt night."));
        assert_eq!(section(BRIEF, "when").as_deref(), Some("At night."));
        assert_eq!(section(BRIEF, "Prob"), None);
        assert_eq!(section("Goals\n=====\nmore\r\nGoal\n", "goals").as_deref(), Some("more\nGoal"));
    }

    #[test]
    fn what_a_template_leaves_empty_is_not_written() {
        assert!(written(BRIEF, "Problem") && written(BRIEF, "Brief") && written(BRIEF, "Risks"));
        assert!(!written(BRIEF, "Goals"), "comments, empty items and empty boxes are no content");
        assert!(!written(BRIEF, "Nothing"));
        assert!(!written("# A\n## B\n---\n", "A"), "a heading and a rule are no content");
        assert!(written("# A\n<!-- x --> text\n", "A") && !written("# A\n<!-- never closed\ntext\n", "A"));
    }

    #[test]
    fn a_heading_in_code_is_code() {
        assert_eq!(section("```\n# A\nx\n```\n# A\ny\n", "A").as_deref(), Some("y"));
        assert_eq!(section("#A\n#######  A\n", "A"), None);
    }

    #[test]
    fn boxes_are_counted_where_people_see_them() {
        let text = "- [x] one\n* [X] two\n1. [ ] three\n  - [ ] four\n- [ ]\n- [?] five\n[x] six\n<!-- - [ ] seven -->\n```\n- [ ] eight\n```\n";
        assert_eq!(boxes(text), Boxes { ticked: 2, open: 2 });
        assert_eq!(boxes(""), Boxes::default());
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in
            ["\u{feff}# é\n", "1", "1.", "-", "```", "<!---->", "--><!--", "#", "###### ", "é. x", "[x"]
        {
            let _ = (section(text, text), written(text, ""), boxes(text));
        }
    }
}
