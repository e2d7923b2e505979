//! E511: credentials that stand in the file. Looks at the text, comments included: what is committed is known.

use std::sync::LazyLock;

use regex::Regex;

use crate::base::Span;
use crate::base::credential::{MARKED, has_both, is_example, is_random};
use crate::diag::{Diagnostic, codes};

use super::Context;

static ISSUED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let all: Vec<String> = MARKED.iter().map(|(pattern, _)| format!("({pattern})")).collect();
    Regex::new(&all.join("|")).ok()
});
/// `password = "…"`, `API_KEY=…`, with the value.
static NAMED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let name = r"(?:passwo?r?d|secret|token|api[_-]?key|access[_-]?key)";
    Regex::new(&format!(
        r#"(?i)\b([a-z0-9_-]*{name}[a-z0-9_-]*)["']?\s*[=:]\s*["']?([A-Za-z0-9+/_=-]{{16,}})"#
    ))
    .ok()
});
/// `postgres://user:password@host`.
static IN_URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"\b[a-z][a-z0-9+]*://([^/\s:@"'{}$]+):([^@\s/"'{}$]{4,})@([^/\s"':]+)"#).ok()
});

/// What a marked credential cannot be without, as plain text.
const MARKS: &[&str] = &[
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xox",
    "npm_",
    "pypi-",
    "_live_",
    "AIza",
    "PRIVATE KEY",
];
/// The least length of a value that a name gives away.
const VALUE: usize = 16;

pub(super) fn hardcoded(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for unit in context.declared.units.iter().filter(|unit| unit.given && !unit.std) {
        let file = unit.tree.id;
        let text = &context.declared.sources.get(file).text;
        let mut report = |start: usize, end: usize, what: &str| {
            found.push(
                Diagnostic::new(&codes::E511, Span::new(file, start, end), format!("{what} stands in the file"))
                    .label("whoever reads the repository has it")
                    .help("take it back where it was issued, then write `secret NAME = env(\"NAME\")` and hand that to the stage's `env`"),
            );
        };
        // Making the patterns takes longer than checking a small file: most files have no need of them.
        let may = May::look(text);
        for captures in may
            .issued
            .then(|| ISSUED.as_ref())
            .flatten()
            .into_iter()
            .flat_map(|issued| issued.captures_iter(text))
        {
            let which = (1..captures.len()).find(|index| captures.get(*index).is_some());
            if let (Some(hit), Some(which)) = (captures.get(0), which)
                && !is_example(hit.as_str())
            {
                report(hit.start(), hit.end(), MARKED[which - 1].1);
            }
        }
        for captures in may
            .named
            .then(|| NAMED.as_ref())
            .flatten()
            .into_iter()
            .flat_map(|named| named.captures_iter(text))
        {
            let (Some(name), Some(value)) = (captures.get(1), captures.get(2)) else { continue };
            let issued = ISSUED.as_ref().is_some_and(|issued| issued.is_match(value.as_str()));
            if !issued
                && is_random(value.as_str())
                && !is_example(value.as_str())
                && !is_example(name.as_str())
            {
                report(value.start(), value.end(), "what looks like a password or token");
            }
        }
        for captures in
            may.in_url.then(|| IN_URL.as_ref()).flatten().into_iter().flat_map(|url| url.captures_iter(text))
        {
            let (Some(user), Some(password), Some(host)) =
                (captures.get(1), captures.get(2), captures.get(3))
            else {
                continue;
            };
            let local = matches!(host.as_str(), "localhost" | "127.0.0.1" | "db" | "postgres");
            let weak = user.as_str() == password.as_str() || password.as_str().starts_with("pass");
            if !local && !weak && !is_example(password.as_str()) && !host.as_str().contains("example") {
                report(password.start(), password.end(), "a password in an address");
            }
        }
    }
}

/// What a text may hold, told without a pattern; none of them is said of a text wrongly to be absent.
struct May {
    issued: bool,
    named: bool,
    in_url: bool,
}

impl May {
    fn look(text: &str) -> May {
        let of_value = |c: char| c.is_ascii_alphanumeric() || "+/_=-".contains(c);
        May {
            issued: MARKS.iter().any(|mark| text.contains(mark)),
            named: text.split(|c: char| !of_value(c)).any(|run| run.len() >= VALUE && has_both(run)),
            in_url: text.contains("://") && text.contains('@'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_look_misses_nothing_that_a_pattern_finds() {
        let long = "aB3dE6gH9".repeat(6);
        let marked = [
            "AKIAABCDEFGHIJKLMNOP".to_owned(),
            format!("ghp_{long}"),
            format!("github_pat_{long}"),
            format!("glpat-{long}"),
            format!("xoxb-{long}"),
            format!("npm_{}", &long[..36]),
            format!("pypi-{long}"),
            format!("sk_live_{long}"),
            format!("AIza{}", &long[..35]),
            "-----BEGIN RSA PRIVATE KEY-----".to_owned(),
        ];
        assert_eq!(marked.len(), MARKED.len());
        for text in marked {
            assert!(ISSUED.as_ref().unwrap().is_match(&text) && May::look(&text).issued, "{text}");
        }
        assert!(May::look("token=a1b2c3d4e5f6g7h8").named && !May::look("token = \"a-short-one\"").named);
        assert!(May::look("db://me:word1@host").in_url && !May::look("https://host").in_url);
    }
}
