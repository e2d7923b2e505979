//! A message without what differs from one time to the next: numbers, hashes, times, sizes, addresses, paths, names of
//! temporary files, and whatever looks like a credential. Codes of errors stay. Linear in the text; applied to its own
//! result it changes nothing.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::base::credential::MARKED;

/// Passes until nothing changes; one nearly always does, and no text needs many.
const PASSES: usize = 8;
/// Letters in a row from which on a word without digits can be a generated one.
const GENERATED: usize = 24;

/// What is looked for, the first that fits at a place; each name says what becomes of it.
const KINDS: &[(&str, &str)] = &[
    ("kept", r"<(?:n|time|size|ip|path|secret|user|tmp)>"),
    (
        "given",
        r#"(?P<key>(?i:[\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|authorization|credentials?)["']?\s*[=:]\s*(?:(?:bearer|basic|token)\s+)?["']?|\b(?:bearer|basic)\s+))(?:<secret>|[^\s'",;<>]{6,})"#,
    ),
    ("marked", ""),
    ("url", r#"[A-Za-z][A-Za-z0-9+.-]*://[^\s'"`<>)\]]*"#),
    ("user", r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    ("uuid", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    (
        "time",
        r"\b\d{4}[-/]\d\d[-/]\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:Z|\s?[+-]\d\d:?\d\d)?\b|\b\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?:\s?[AaPp][Mm])?\b|\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,?\s+)?(?:\d{1,2}\s+)?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\s+\d{1,4}(?:,?\s+\d{4})?\b|\b(?:\d+(?:\.\d+)?(?:ns|µs|us|ms|s|m|h|d))+\b|\b\d+(?:\.\d+)?\s(?:ns|µs|us|ms|s|secs?|seconds?|mins?|minutes?|hours?|hrs?|days?|weeks?|milliseconds?)\b",
    ),
    ("size", r"\b\d+(?:\.\d+)?\s?(?:[KMGTkmgt]i?[Bb]|[Bb]ytes?|B)\b"),
    (
        "ip",
        r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?(?:/\d{1,2})?\b|\[[0-9a-fA-F:.]*:[0-9a-fA-F:.]*\](?::\d{1,5})?|\b(?:[0-9a-fA-F]{1,4}:){3,7}:?[0-9a-fA-F]{1,4}\b|\b[0-9a-fA-F]{1,4}::(?:[0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{1,4}\b",
    ),
    (
        "code",
        r"(?i:\bHTTP(?:/[\d.]+)?\s*(?:error|status|code|response)?:?\s*[1-5]\d\d\b)|(?i:\b(?:status(?:[ _-]?code)?|errno|exit(?:ed)?(?:\s+with)?(?:\s+(?:code|status))?|(?:return|exit|error)[ _-]?code|signal|code|returned(?:\s+error)?)\s*[:=#]?\s*\(?\d{1,3}\b)|\b(?i:error)\s+\d{1,3}\b|\b[45]\d\d:?\s+(?:Bad|Unauthorized|Payment|Forbidden|Not|Method|Proxy|Request|Conflict|Gone|Too|Internal|Service|Gateway|Client|Server|Unprocessable)\b|\bcurl: \(\d+\)|\bSQLSTATE\[\w+\]|\b(?:ORA|CVE|RUSTSEC)-[\d-]+|\bErrno\s-?\d+",
    ),
    (
        "path",
        r#"'(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/])[^'\n<>]*'|"(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/])[^"\n<>]*"|`(?:/|~/|\.{1,2}/|[A-Za-z]:[\\/])[^`\n<>]*`|(?:file:/{0,2})?(?:\b[A-Za-z]:[\\/]|~[\w-]*/|\.{1,2}/|/)[^\s'"`<>|()\[\]{},;:]+(?::\d+){0,2}"#,
    ),
    ("relative", r"@?[\w.+%~-]+(?:[/\\][\w.@+%~=-]+)+[/\\]?(?::\d+){0,2}"),
    (
        "file",
        r"\b[\w+-]+(?:\.[\w+-]+)*\.(?:rs|py|pyc|pyi|js|mjs|cjs|ts|tsx|jsx|json|jsonl|yml|yaml|toml|lock|txt|md|rst|csv|tsv|xml|html|css|c|h|cc|cpp|hpp|cxx|o|a|so|java|kt|class|jar|go|mod|sum|rb|php|sh|bash|zsh|ps1|sql|db|sqlite|log|tmp|bak|swp|pid|sock|cfg|conf|ini|env|pem|key|crt|tgz|gz|zip|tar|xz|bz2|whl|deb|rpm|dmg|png|jpe?g|svg|pdf|wfl|proto|lua|swift|cs|vue|lcov|sarif|out|bin|exe|dll|dylib|patch|diff)\b(?::\d+){0,2}",
    ),
    (
        "version",
        r"\bv?\d+(?:\.\d+)+(?:-?(?i:alpha|beta|rc|dev|pre|post|snapshot|a|b)\d*\b[\w.]*)?(?:\+[\w.]+)?",
    ),
    ("word", r"\w+(?:[-.]\w+)*"),
];

struct Rules {
    kinds: Regex,
    numbers: Regex,
    times: Regex,
    spaces: Regex,
}

static RULES: LazyLock<Option<Rules>> = LazyLock::new(|| {
    let marked: Vec<&str> = MARKED.iter().map(|(pattern, _)| *pattern).collect();
    let marked = marked.join("|");
    let pattern = |(name, pattern): &(&str, &str)| {
        let pattern = if *name == "marked" { marked.as_str() } else { pattern };
        format!("(?P<{name}>{pattern})")
    };
    let all: Vec<String> = KINDS.iter().map(pattern).collect();
    Some(Rules {
        kinds: Regex::new(&all.join("|")).ok()?,
        numbers: Regex::new(r"<n>(?:[-+._:,x×/]+<n>)+").ok()?,
        times: Regex::new(r"<time>(?:[\s,.|-]*(?:UTC|GMT|[A-Z]{3,4}T|<n>)?[\s,.|-]*<time>)+").ok()?,
        spaces: Regex::new(r"\s+").ok()?,
    })
});

/// The message without what differs.
pub fn normalised(message: &str) -> String {
    let Some(rules) = RULES.as_ref() else { return String::new() };
    let plain: String = message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut text = plain;
    for _ in 0..PASSES {
        let next = pass(rules, &text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn pass(rules: &Rules, text: &str) -> String {
    let text = rules.kinds.replace_all(text, |found: &Captures<'_>| replaced(found));
    let text = rules.numbers.replace_all(&text, "<n>");
    let text = rules.times.replace_all(&text, "<time>");
    rules.spaces.replace_all(text.trim(), " ").into_owned()
}

fn replaced(found: &Captures<'_>) -> String {
    let whole = found.get(0).map_or("", |found| found.as_str());
    let kind = KINDS.iter().find(|(name, _)| found.name(name).is_some()).map_or("", |(name, _)| name);
    match kind {
        "given" => format!("{}<secret>", found.name("key").map_or("", |key| key.as_str())),
        "marked" => "<secret>".to_owned(),
        "url" => without_place(whole),
        "user" => "<user>".to_owned(),
        "uuid" | "version" => "<n>".to_owned(),
        "time" => "<time>".to_owned(),
        "size" => "<size>".to_owned(),
        "ip" if whole.bytes().any(|byte| byte.is_ascii_digit()) => "<ip>".to_owned(),
        "code" => without_protocol(whole),
        "path" => quoted_alike(whole),
        "relative" => relative(whole),
        "file" => "<path>".to_owned(),
        "word" => word(whole),
        _ => whole.to_owned(),
    }
}

/// Of a URL the scheme and the host: people, ports, paths and queries differ, and may hold what nobody should see.
fn without_place(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host.trim_end_matches(':'),
    };
    let address = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if address { format!("{scheme}://<ip>") } else { format!("{scheme}://{}", word(host)) }
}

/// `HTTP/1.1 429` and `HTTP/2 429` are one.
fn without_protocol(code: &str) -> String {
    match code.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("http/")) {
        true => format!(
            "HTTP {}",
            code[5..].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').trim_start()
        ),
        false => code.to_owned(),
    }
}

/// Quotes around a path stay.
fn quoted_alike(path: &str) -> String {
    match path.chars().next().filter(|c| matches!(c, '\'' | '"' | '`')) {
        Some(quote) => format!("{quote}<path>{quote}"),
        None => "<path>".to_owned(),
    }
}

/// `src/a.rs`, `target/debug/x` and `12/40`, but not `I/O` and `and/or`.
fn relative(text: &str) -> String {
    let digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let slashes = text.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let ends = text.rsplit(['/', '\\']).next().unwrap_or_default();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/') {
        "<n>".to_owned()
    } else if digits || slashes > 1 || ends.contains('.') {
        "<path>".to_owned()
    } else {
        text.to_owned()
    }
}

/// A word, number, version, hash or name with a number in it.
fn word(text: &str) -> String {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return if is_generated(text) { "<n>".to_owned() } else { text.to_owned() };
    }
    if is_code(text) {
        return text.to_owned();
    }
    if is_temporary(text) {
        return "<tmp>".to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, separator) in text.match_indices(['-', '.', '_']) {
        out.push_str(&part(&text[from..at]));
        out.push_str(separator);
        from = at + separator.len();
    }
    out.push_str(&part(&text[from..]));
    out
}

/// `E0308`, `TS2345`, `SC2086`: letters in capitals and a number behind them.
fn is_code(text: &str) -> bool {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = text.bytes().skip(letters).take_while(u8::is_ascii_digit).count();
    (1..=5).contains(&letters) && (2..=5).contains(&digits) && letters + digits == text.len()
}

/// `tmpab12cd3`, `tmp.X7yZ3w`.
fn is_temporary(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    (lower.starts_with("tmp") || lower.starts_with("temp")) && text.len() >= 7
}

/// A piece between separators.
fn part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut runs, mut inside) = (0, false);
    for c in text.chars() {
        if c.is_numeric() {
            if !inside {
                runs += 1;
                out.push_str("<n>");
            }
        } else {
            out.push(c);
        }
        inside = c.is_numeric();
    }
    let hash = text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    // `3rd`, `12a`: a number with letters behind it.
    let begins = text.starts_with(|c: char| c.is_numeric());
    if runs > 1 || begins || (runs > 0 && (hash || is_generated(text))) { "<n>".to_owned() } else { out }
}

/// Capitals and small letters as a generator mixes them, not as words do.
fn is_generated(text: &str) -> bool {
    if text.len() < GENERATED || !text.is_ascii() || text.contains(['.', '-', '_']) {
        return false;
    }
    let bytes = text.as_bytes();
    let changes =
        bytes.windows(2).filter(|pair| pair[0].is_ascii_uppercase() != pair[1].is_ascii_uppercase()).count();
    // A name in CamelCase changes twice a word of four letters or more.
    changes * 5 >= text.len() * 2
}
