//! Numbers with their units, escapes in strings, and the text of scripts. Knows no grammar.

use std::borrow::Cow;
use std::ops::Range;

use crate::base::{FileId, Span};
use crate::diag::{Code, Diagnostic, codes};

use super::ast::{Ident, Literal, Script};
use super::pieces::without_margin;
use super::token::ScriptRange;

/// Why a number cannot be read: code, message, help.
pub(super) type Refused = (&'static Code, String, String);

const DURATIONS: [(&str, i64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
const SIZES: [(&str, i64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// `10`, `-1_000`, `1.5`, `70%`, `1h30m`, `200MB`.
pub(super) fn number(text: &str) -> Result<Literal, Refused> {
    let plain = match text.contains('_') {
        true => Cow::Owned(text.replace('_', "")),
        false => Cow::Borrowed(text),
    };
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, &*plain),
    };
    if digits.matches('.').count() > 1 && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        let help = format!("write \"{text}\"");
        return Err((&codes::E109, format!("`{text}` is a version, not a number: it needs quotes"), help));
    }
    if let Some(percent) = digits.strip_suffix('%') {
        return float(percent, text).map(|value| Literal::Percent(value * f64::from(sign)));
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match plain.parse() {
            Ok(value) => Ok(Literal::Int(value)),
            Err(_) => Err(too_large(text)),
        };
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return float(digits, text).map(|value| Literal::Float(value * f64::from(sign)));
    }
    with_unit(digits, text, i64::from(sign))
}

fn float(digits: &str, text: &str) -> Result<f64, Refused> {
    match digits.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(unreadable(text)),
    }
}

fn unreadable(text: &str) -> Refused {
    let help = "numbers are written `10`, `1_000`, `1.5`, `70%`, `1h30m`, `200MB`";
    (&codes::E014, format!("`{text}` is not a number"), help.to_owned())
}

fn too_large(text: &str) -> Refused {
    let help = format!("the largest number is {}", i64::MAX);
    (&codes::E014, format!("`{text}` is too large"), help)
}

/// `1h30m` or `200MB`: amounts with units; durations go from the largest unit down.
fn with_unit(digits: &str, text: &str, sign: i64) -> Result<Literal, Refused> {
    let parts = parts(digits).ok_or_else(|| unreadable(text))?;
    if let [(amount, unit)] = parts[..]
        && let Some((_, size)) = SIZES.iter().find(|(name, _)| *name == unit)
    {
        return Ok(Literal::Size(sign * scaled(amount, *size, text)?));
    }
    let mut total = 0i64;
    let mut smaller_than = i64::MAX;
    for (amount, unit) in parts {
        let size = duration_unit(unit).ok_or_else(|| unknown_unit(text, unit))?;
        if size >= smaller_than {
            let help = "write the larger unit first, each once: `1h30m`".to_owned();
            return Err((&codes::E014, format!("the units of `{text}` are out of order"), help));
        }
        smaller_than = size;
        total = total.checked_add(scaled(amount, size, text)?).ok_or_else(|| too_large(text))?;
    }
    Ok(Literal::Duration(sign * total))
}

fn duration_unit(unit: &str) -> Option<i64> {
    DURATIONS.iter().find(|(name, _)| *name == unit).map(|(_, size)| *size)
}

/// `1h30m` → `(1, h) (30, m)`; nothing when it does not alternate so.
fn parts(digits: &str) -> Option<Vec<(&str, &str)>> {
    let mut parts = Vec::new();
    let mut rest = digits;
    while !rest.is_empty() {
        let unit_at = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (amount, after) = rest.split_at(unit_at);
        let next = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        if amount.is_empty() {
            return None;
        }
        parts.push((amount, &after[..next]));
        rest = &after[next..];
    }
    Some(parts)
}

/// `amount` × `size`, which must come out whole.
fn scaled(amount: &str, size: i64, text: &str) -> Result<i64, Refused> {
    if let Ok(whole) = amount.parse::<i64>() {
        return whole.checked_mul(size).ok_or_else(|| too_large(text));
    }
    let value = float(amount, text)? * size as f64;
    if value.abs() > 9e15 {
        return Err(too_large(text));
    }
    if (value - value.round()).abs() > 1e-6 {
        let help = "use a smaller unit".to_owned();
        return Err((&codes::E014, format!("`{text}` is not a whole number of milliseconds or bytes"), help));
    }
    Ok(value.round() as i64)
}

fn unknown_unit(text: &str, unit: &str) -> Refused {
    let meant = match unit.to_ascii_lowercase().as_str() {
        "min" | "mins" | "minute" | "minutes" => Some("m"),
        "sec" | "secs" | "second" | "seconds" => Some("s"),
        "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "day" | "days" => Some("d"),
        "msec" | "millis" => Some("ms"),
        "kb" | "k" => Some("KB"),
        "mb" => Some("MB"),
        "gb" | "g" => Some("GB"),
        "kib" => Some("KiB"),
        "mib" => Some("MiB"),
        "gib" => Some("GiB"),
        "b" => Some("B"),
        _ => None,
    };
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "units are ms s m h d, %, and B KB MB GB KiB MiB GiB".to_owned(),
    };
    (&codes::E014, format!("`{unit}` in `{text}` is not a unit"), help)
}

/// The text of a string without its quotes; `refused` hears of each bad escape and where in `inner` it stands.
pub(super) fn unescape(inner: &str, mut refused: impl FnMut(Range<usize>, String)) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(slash) = rest.find('\\') {
        text.push_str(&rest[..slash]);
        let at = inner.len() - rest.len() + slash;
        let (c, length) = escape(&rest[slash + 1..]);
        match c {
            Some(c) => text.push(c),
            None => refused(at..at + 1 + length, format!("`{}` is no escape", &inner[at..at + 1 + length])),
        }
        rest = &rest[slash + 1 + length..];
    }
    text.push_str(rest);
    text
}

/// Where the pieces of a string's text begin, in the text and between the quotes; a piece ends at an escape.
pub fn string_breaks(inner: &str) -> Vec<(usize, usize)> {
    let mut breaks = vec![(0, 0)];
    let (mut text, mut at) = (0, 0);
    while let Some(slash) = inner[at..].find('\\') {
        let (c, length) = escape(&inner[at + slash + 1..]);
        breaks.push((text + slash, at + slash));
        text += slash + c.map_or(0, char::len_utf8);
        at += slash + 1 + length;
        breaks.push((text, at));
    }
    breaks
}

/// The character an escape stands for, and how many bytes behind the `\` it takes.
fn escape(rest: &str) -> (Option<char>, usize) {
    let Some(first) = rest.chars().next() else { return (None, 0) };
    let simple = match first {
        'n' => Some('\n'),
        't' => Some('\t'),
        '"' | '\\' | '{' | '}' => Some(first),
        _ => None,
    };
    if simple.is_some() || first != 'u' {
        return (simple, first.len_utf8());
    }
    let Some(digits) =
        rest.strip_prefix("u{").and_then(|rest| rest.split_once('}')).map(|(digits, _)| digits)
    else {
        return (None, 1);
    };
    if digits.len() > 6 {
        return (None, 1);
    }
    (u32::from_str_radix(digits, 16).ok().and_then(char::from_u32), digits.len() + 3)
}

/// Takes the closing quotes' indentation from every line of a script.
pub(super) fn script(
    file: FileId,
    source: &str,
    range: &ScriptRange,
    interpreter: Option<Ident>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Script {
    let margin = &source[range.margin.clone()];
    let quotes = Span::new(file, range.margin.end, range.margin.end + 3);
    let body = &source[range.body.clone()];
    let lines = body.matches('\n').count() + 1;
    let mut script = Script {
        interpreter,
        text: String::with_capacity(body.len().saturating_sub(lines * margin.len())),
        line_offsets: Vec::with_capacity(lines),
        interpolated: range.interpolated,
    };
    let mut at = range.body.start;
    for (index, line) in body.split('\n').enumerate() {
        let text = line.strip_suffix('\r').unwrap_or(line);
        let stripped = without_margin(line, margin).unwrap_or_else(|| {
            let space = text.len() - text.trim_start_matches([' ', '\t']).len();
            let span = Span::new(file, at, at + space.max(1));
            diagnostics.push(misplaced(span, &text[..space], margin, quotes));
            &text[space..]
        });
        if index > 0 {
            script.text.push('\n');
        }
        script.line_offsets.push((at + text.len() - stripped.len()) as u32);
        script.text.push_str(stripped);
        at += line.len() + 1;
    }
    script
}

fn misplaced(span: Span, space: &str, margin: &str, quotes: Span) -> Diagnostic {
    let tabs = |text: &str| text.contains('\t');
    let spaces = |text: &str| text.contains(' ');
    let mixed = (tabs(space) && spaces(margin)) || (spaces(space) && tabs(margin));
    let span = if span.end > span.start && space.is_empty() { span.at_start() } else { span };
    let diagnostic = if mixed {
        Diagnostic::new(
            &codes::E007,
            span,
            "this line is indented with other white space than the closing `\"\"\"`",
        )
        .label(if tabs(space) { "tabs here" } else { "spaces here" })
        .help("use the same tabs or spaces in all lines of the script")
    } else {
        Diagnostic::new(
            &codes::E003,
            span,
            "this line is indented less than the closing `\"\"\"` of its script",
        )
        .label("begins too far left")
        .help("indent it at least as far, or move the closing quotes left")
    };
    diagnostic.related(quotes, "this indentation is removed from every line").fix(!mixed, span, margin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_carry_their_units() {
        for (text, wanted) in [
            ("10", Literal::Int(10)),
            ("-1_000", Literal::Int(-1000)),
            ("1.5", Literal::Float(1.5)),
            ("70%", Literal::Percent(70.0)),
            ("12.5%", Literal::Percent(12.5)),
            ("1h30m", Literal::Duration(5_400_000)),
            ("250ms", Literal::Duration(250)),
            ("1.5h", Literal::Duration(5_400_000)),
            ("512MB", Literal::Size(512_000_000)),
            ("2GiB", Literal::Size(2 << 30)),
        ] {
            assert_eq!(number(text), Ok(wanted), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_none_say_why() {
        for (text, code, part) in [
            ("1.4.0", "E109", "quotes"),
            ("99999999999999999999", "E014", "too large"),
            ("10min", "E014", "`min`"),
            ("30m1h", "E014", "order"),
            ("0x10", "E014", "not a number"),
            ("10mb", "E014", "`mb`"),
            ("1.0001s", "E014", "whole"),
            ("9000000000000000000d", "E014", "too large"),
        ] {
            let (found, message, _) = number(text).err().unwrap();
            assert!(found.id == code && message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn escapes_are_read_and_bad_ones_reported() {
        let mut bad = Vec::new();
        let text = unescape(r#"a\n\t\"\\\{\}\u{e9}\q\u{zz}"#, |range, _| bad.push(range));
        assert_eq!(text, "a\n\t\"\\{}é");
        assert_eq!(bad.len(), 2);
        assert_eq!(bad[0], 19..21);
    }

    #[test]
    fn scripts_lose_their_margin_and_keep_their_places() {
        let source = "\"\"\"\r\n    a\r\n\r\n      b\r\n   c\r\n\td\r\n    \"\"\"";
        let range = ScriptRange {
            start: 0,
            body: 5..source.len() - 9,
            margin: source.len() - 7..source.len() - 3,
            interpolated: false,
        };
        let mut diagnostics = Vec::new();
        let script = script(FileId(0), source, &range, None, &mut diagnostics);
        assert_eq!(script.text, "a\n\n  b\nc\nd");
        let firsts: Vec<&str> =
            script.line_offsets.iter().map(|&at| &source[at as usize..at as usize + 1]).collect();
        assert_eq!(firsts, ["a", "\r", " ", "c", "d"]);
        let codes: Vec<&str> = diagnostics.iter().map(|d| d.code.id).collect();
        assert_eq!(codes, ["E003", "E007"]);
    }
}
