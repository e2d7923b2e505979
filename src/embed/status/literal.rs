//! One string or word of damaged JSON. Knows no structure.

use serde_json::Value;

/// A string that was read from its opening quote on.
pub(super) struct Quoted {
    pub text: String,
    /// Bytes that belong to it, with its quotes.
    pub length: usize,
    /// False where the text ends inside it.
    pub complete: bool,
    pub wrong: Option<&'static str>,
}

/// `text` begins with the quote. No JSON string goes over a line's end: there the closing quote is missing.
pub(super) fn string(text: &str, quote: char) -> Quoted {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\n' => return unclosed(&text[..at]),
            c if c == quote => return closed(&text[..=at], quote),
            _ => {}
        }
    }
    Quoted { text: String::new(), length: text.len(), complete: false, wrong: None }
}

fn unclosed(line: &str) -> Quoted {
    let line = line.trim_end();
    let text = line.strip_suffix(',').unwrap_or(line);
    let wrong = Some("a closing quote is missing");
    Quoted { text: unescaped(&text[1..]), length: text.len().max(1), complete: true, wrong }
}

fn closed(token: &str, quote: char) -> Quoted {
    let inner = &token[1..token.len() - 1];
    let length = token.len();
    let done = |text, wrong| Quoted { text, length, complete: true, wrong };
    match serde_json::from_str(token) {
        Ok(text) if quote == '"' => done(text, None),
        _ if quote == '\'' => done(unescaped(inner), Some("a string stands in single quotes")),
        _ => done(unescaped(inner), Some("a string holds what JSON does not allow in one")),
    }
}

/// What a string holds, where a JSON reader refuses it.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('u') => {
                let digits: String = rest.clone().take(4).collect();
                match u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4) {
                    Some(code) => {
                        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                        rest = rest.as_str()[4..].chars();
                    }
                    None => out.push_str("\\u"),
                }
            }
            Some(c @ ('"' | '\'' | '\\' | '/')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    out
}

/// A value without quotes.
pub(super) fn word(text: &str) -> (Value, Option<&'static str>) {
    match text {
        "True" => (Value::Bool(true), Some("a word is Python's, not JSON's")),
        "False" => (Value::Bool(false), Some("a word is Python's, not JSON's")),
        "None" | "undefined" => (Value::Null, Some("a word is Python's, not JSON's")),
        _ if is_too_long(text) => (Value::String(text.to_owned()), Some("a number has too many digits")),
        _ => match serde_json::from_str(text) {
            Ok(value) => (value, None),
            Err(_) => (Value::String(text.to_owned()), Some("a word stands without quotes")),
        },
    }
}

/// A whole number that a reader would round.
fn is_too_long(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole && text.parse::<i64>().is_err() && text.parse::<u64>().is_err()
}
