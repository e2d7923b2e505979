//! Names, strings and comments as `.wfl` writes them, from text that may hold anything. Knows no lanes.

/// A string in quotes that reads back as the same text.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if hidden(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A comment's text on one line, what cannot be seen written out.
pub(super) fn comment(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' | '\r' => " ".to_owned(),
        c if hidden(c) => format!("\\u{{{:x}}}", u32::from(c)),
        c => c.to_string(),
    };
    text.chars().map(shown).collect::<String>().trim().to_owned()
}

/// Letters, digits and what is printed; anything that is none of it might turn or hide text.
fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0d}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// A name of the language that is as near to the text as may be; none where nothing is left of it.
pub(super) fn name(text: &str, between: char) -> Option<String> {
    let mut out = String::new();
    for c in text.trim().chars() {
        match c.to_ascii_lowercase() {
            c @ ('a'..='z' | '0'..='9' | '_') => out.push(c),
            '-' if between == '-' => out.push('-'),
            _ if !out.is_empty() && !out.ends_with(between) => out.push(between),
            _ => {}
        }
    }
    let out = out.trim_end_matches(between);
    let out = if out.starts_with(|c: char| c.is_ascii_digit()) { format!("_{out}") } else { out.to_owned() };
    (!out.is_empty() && out.len() <= 60).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_hold_what_they_held() {
        assert_eq!(quoted("a \"b\" \\ {c}\n\t\u{202e}"), "\"a \\\"b\\\" \\\\ {c}\\n\\t\\u{202e}\"");
        assert_eq!(comment("a\nb\u{200b} "), "a b\\u{200b}");
    }

    #[test]
    fn names_are_made_of_anything_that_has_letters() {
        assert_eq!(name("My Lane!", '-').as_deref(), Some("my-lane"));
        assert_eq!(name("use-case", '_').as_deref(), Some("use_case"));
        assert_eq!(name("2nd", '-').as_deref(), Some("_2nd"));
        assert_eq!((name("!!", '-'), name("", '-')), (None, None));
    }
}
