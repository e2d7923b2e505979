//! How bad a line of a log says it is, by the words that programs commonly begin their lines with. A guess by a stated
//! rule; no line is changed by it.

/// Worse is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

const WORDS: &[(&str, Level)] = &[
    ("error", Level::Error),
    ("err", Level::Error),
    ("fatal", Level::Error),
    ("critical", Level::Error),
    ("crit", Level::Error),
    ("panic", Level::Error),
    ("severe", Level::Error),
    ("alert", Level::Error),
    ("emerg", Level::Error),
    ("fail", Level::Error),
    ("failed", Level::Error),
    ("failure", Level::Error),
    ("e", Level::Error),
    ("warning", Level::Warn),
    ("warn", Level::Warn),
    ("w", Level::Warn),
    ("info", Level::Info),
    ("information", Level::Info),
    ("notice", Level::Info),
    ("note", Level::Info),
    ("i", Level::Info),
    ("debug", Level::Debug),
    ("trace", Level::Debug),
    ("verbose", Level::Debug),
    ("d", Level::Debug),
];

/// How far into a line a level is looked for, and how many words that are no level may stand before it.
const REACH: usize = 200;
const BEFORE: usize = 4;

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// The level of `line`. An indented line without one shares that of the line before it: it goes on with its matter.
pub fn of_line(line: &[u8], before: Option<Level>) -> Option<Level> {
    let indented = matches!(line.first(), Some(b' ' | b'\t'));
    let head = &line[..line.len().min(REACH)];
    let stated = match head.trim_ascii_start().first() {
        Some(b'{') => field(line, b"\"level\"").or_else(|| field(line, b"\"severity\"")),
        _ => leading(head),
    };
    stated.or(before.filter(|_| indented))
}

/// The first word, behind times, names in brackets and places such as `src/x.c:3:1:`; or a field `level=warn`.
fn leading(head: &[u8]) -> Option<Level> {
    let mut passed = 0;
    let mut rest = head;
    while passed <= BEFORE {
        rest = skip_escapes(rest.trim_ascii_start());
        if rest.is_empty() {
            return None;
        }
        let length = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        let (token, after) = rest.split_at(length);
        if let Some(value) = token.strip_prefix(b"level=").or_else(|| token.strip_prefix(b"lvl=")) {
            return word(bare(value), true);
        }
        let marked = token.first().is_some_and(|byte| b"[(<:".contains(byte))
            || token.ends_with(b":")
            || has_code(token);
        match word(bare(token), marked) {
            Some(level) => return Some(level),
            None if passes(token) => {}
            None => return None,
        }
        rest = after;
        passed += 1;
    }
    None
}

/// `error[E0308]:`, as compilers write it.
fn has_code(token: &[u8]) -> bool {
    token.ends_with(b"]:") || token.ends_with(b"]")
}

/// What may stand before a level: a time, a `name=value`, a name in brackets, the place of a compiler's message.
fn passes(token: &[u8]) -> bool {
    let digit = token.first().is_some_and(u8::is_ascii_digit);
    let bracketed = token.first().is_some_and(|byte| b"[(".contains(byte)) || token.ends_with(b"]");
    let place = token.ends_with(b":") && token.iter().any(u8::is_ascii_digit);
    let month = token.len() == 3 && token[0].is_ascii_uppercase();
    let pair = token.contains(&b'=');
    digit || bracketed || place || month || pair || token == b"level" || token == b"-" || token == b"|"
}

/// The word in `token` without what stands around it.
fn bare(token: &[u8]) -> &[u8] {
    let token = strip_front(token);
    let length = token.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(token.len());
    // `errors.rs` and `info-bar` are names.
    let ends = token.get(length).is_none_or(|byte| b":[](),!\"'>|;\x1b".contains(byte));
    if ends { &token[..length] } else { b"" }
}

fn strip_front(token: &[u8]) -> &[u8] {
    let from = token.iter().position(|byte| !b"[(<:\"'*".contains(byte)).unwrap_or(token.len());
    skip_escapes(&token[from..])
}

/// Single letters count only where they are marked: `[E]`, `W:`.
fn word(text: &[u8], marked: bool) -> Option<Level> {
    if text.is_empty() || (text.len() == 1 && !marked) {
        return None;
    }
    WORDS.iter().find(|(word, _)| word.as_bytes().eq_ignore_ascii_case(text)).map(|(_, level)| *level)
}

/// Colours before a word.
fn skip_escapes(mut text: &[u8]) -> &[u8] {
    while let Some(body) = text.strip_prefix(b"\x1b[") {
        match body.iter().position(|byte| byte.is_ascii_alphabetic()) {
            Some(end) => text = &body[end + 1..],
            None => return text,
        }
    }
    text
}

/// The text value of a field of a line of JSON.
fn field(line: &[u8], name: &[u8]) -> Option<Level> {
    let at = memchr::memmem::find(line, name)? + name.len();
    let value = line[at..].trim_ascii_start().strip_prefix(b":")?.trim_ascii_start().strip_prefix(b"\"")?;
    let end = value.iter().position(|byte| *byte == b'"')?;
    word(&value[..end], true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(line: &str) -> Option<Level> {
        of_line(line.as_bytes(), None)
    }

    #[test]
    fn common_lines_are_understood() {
        for line in [
            "error: no such file",
            "ERROR something",
            "error[E0308]: mismatched types",
            "src/x.c:12:3: error: bad",
            "2026-11-21T01:02:03Z ERROR db: gone",
            "2026-11-21 01:02:03,123 [main] ERROR c.x.Y - gone",
            "Nov 21 01:02:03 [x] error: gone",
            "[ERROR] x",
            "\x1b[31merror\x1b[0m: red",
            "::error file=x::y",
            "level=error msg=x",
            "time=1 level=fatal msg=x",
            "{\"time\":1,\"level\":\"error\",\"msg\":\"x\"}",
            "FAILED tests/x.py",
            "[E] x",
            "E: unable to locate",
        ] {
            assert_eq!(level(line), Some(Level::Error), "{line}");
        }
        assert_eq!(level("warning: unused"), Some(Level::Warn));
        assert_eq!(level("  WARN x"), Some(Level::Warn));
        assert_eq!(level("{\"severity\": \"WARNING\"}"), Some(Level::Warn));
        assert_eq!(level("[info] x"), Some(Level::Info));
    }

    #[test]
    fn what_only_mentions_a_level_has_none() {
        for line in [
            "no error here",
            "errors.rs compiled",
            "0 errors",
            "I think so",
            "e",
            "",
            "info-bar shown",
            "{\"a\":1}",
        ] {
            assert_eq!(level(line), None, "{line}");
        }
    }

    #[test]
    fn indented_lines_go_on_with_the_matter() {
        assert_eq!(of_line(b"  at main", Some(Level::Error)), Some(Level::Error));
        assert_eq!(of_line(b"main", Some(Level::Error)), None);
    }
}
