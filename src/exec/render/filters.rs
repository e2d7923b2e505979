//! What templates can do to values beyond the engine's own filters: write any text safely into Markdown, and read a text
//! that is JSON. Reads nothing from outside.

use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, Value};

/// Adds them to the environment that templates are filled in.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("md", |text: String| markdown(&text));
    environment.add_filter("code", |text: String| code(&text));
    environment.add_filter("fromjson", from_json);
}

fn from_json(text: String) -> Result<Value, Error> {
    let read: Result<serde_json::Value, _> = serde_json::from_str(&text);
    read.map(|json| Value::from(Serde(json)))
        .map_err(|e| Error::new(ErrorKind::InvalidOperation, format!("`fromjson` was given no JSON: {e}")))
}

/// Text that shows as it is, on one line: nothing in it is markup, a tag, a table's border or a template's brace. Only
/// what stands between two backticks is code, as who wrote it meant.
fn markdown(text: &str) -> String {
    let line = one_line(text);
    let mut escaped = String::with_capacity(line.len() + 8);
    let mut at = 0;
    while let Some(letter) = line[at..].chars().next() {
        let inner = if line[..at].ends_with('`') { None } else { quoted(&line[at..]) };
        if let Some(inner) = inner {
            escaped.push_str(&code(inner));
            at += inner.len() + 2;
            continue;
        }
        if is_markup(letter, &line, at) {
            escaped.push('\\');
        }
        escaped.push(letter);
        at += letter.len_utf8();
    }
    escaped
}

/// What two single backticks enclose at the beginning of the text.
fn quoted(text: &str) -> Option<&str> {
    let (inner, rest) = text.strip_prefix('`')?.split_once('`')?;
    let plain = !inner.is_empty() && !inner.starts_with(' ') && !inner.ends_with(' ');
    (plain && !inner.contains('|') && !rest.starts_with('`')).then_some(inner)
}

/// Whether the letter at this place would be read as markup.
fn is_markup(letter: char, line: &str, at: usize) -> bool {
    match letter {
        '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '{' | '}' | '&' | '~' => true,
        '_' | '$' => {
            let before = line[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            let after = line[at + 1..].chars().next().is_some_and(char::is_alphanumeric);
            !(before && after)
        }
        '+' | '-' | '=' => at == 0,
        // `#12` begins no heading.
        '#' => at == 0 && !line[1..].starts_with(|next: char| next.is_ascii_digit()),
        // `1.` at the beginning of a line would begin a list.
        '.' | ')' => at > 0 && line[..at].bytes().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

/// A code span around any text: longer quotes than it holds itself, and no line break.
fn code(text: &str) -> String {
    let shown: String = text
        .chars()
        .flat_map(|letter| {
            let visible = if letter.is_control() { letter.escape_default().collect() } else { vec![letter] };
            visible.into_iter()
        })
        .collect();
    let longest = shown.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let quotes = "`".repeat(longest + 1);
    let edge = |letter: Option<char>| letter.is_none_or(|letter| letter == '`' || letter == ' ');
    let pad = if edge(shown.chars().next()) || edge(shown.chars().next_back()) { " " } else { "" };
    format!("{quotes}{pad}{shown}{pad}{quotes}")
}

fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of the document sees of the text, and whether it is nothing but text.
    fn seen(escaped: &str) -> Option<String> {
        use pulldown_cmark::{Event, Options, Parser, Tag};
        let document = format!("- {escaped}\n");
        let mut text = String::new();
        for event in Parser::new_ext(&document, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
            match event {
                Event::Text(part) => text.push_str(&part),
                Event::Code(part) => text.push_str(&format!("`{part}`")),
                Event::Start(Tag::List(None) | Tag::Item) | Event::End(_) => {}
                _ => return None,
            }
        }
        Some(text)
    }

    #[test]
    fn no_text_becomes_markup() {
        for text in [
            "fix `a` | b {{ c }} <b>bold</b> & &amp; *x* _y_ snake_case ~~no~~",
            "[link](http://x) ![image](y) <script>alert(1)</script> \\ \\`",
            "# heading",
            "1. one",
            "- - -",
            "+ plus",
            "=== x",
            "a\\",
        ] {
            assert_eq!(seen(&markdown(text)).as_deref(), Some(text), "{}", markdown(text));
        }
        assert_eq!(markdown("two\nlines\r\nand\u{1b}[31m"), "two lines and \\[31m");
        assert_eq!(markdown("use `a_b` and ``c`` or `|`"), "use `a_b` and \\`\\`c\\`\\` or \\`\\|\\`");
        assert_eq!(markdown("`{{ x }}` {{ x }}"), "`{{ x }}` \\{\\{ x \\}\\}");
        assert_eq!(seen("*x*"), None);
    }

    #[test]
    fn code_spans_hold_any_name() {
        for (text, span) in [
            ("src/a b.rs", "`src/a b.rs`"),
            ("a`b", "``a`b``"),
            ("`a`", "`` `a` ``"),
            ("a\nb\tc", "`a\\nb\\tc`"),
            ("dé/ß.md", "`dé/ß.md`"),
        ] {
            assert_eq!(code(text), span);
        }
    }
}
