//! Passwords, tokens and keys in files of the project: where they stand and what they are. The value itself is shown to
//! nobody and kept nowhere. Does not know which files matter.

use std::path::Path;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

use super::file;
use crate::base::Value;
use crate::base::credential::{MARKED, is_example, is_random};

/// Marks beside those that the checker looks for in lane files.
const MORE: &[(&str, &str)] = &[
    (r"\bhooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}", "a Slack webhook"),
    (r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", "a SendGrid key"),
    (r"\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{40,}", "an API key"),
    (r"\bhf_[A-Za-z0-9]{34}\b", "a Hugging Face token"),
    (r"\bdop_v1_[a-f0-9]{64}\b", "a DigitalOcean token"),
    (r"\bdckr_pat_[A-Za-z0-9_-]{27}", "a Docker token"),
    (r"\bAccountKey=[A-Za-z0-9+/]{86}==", "an Azure storage key"),
    (r"\bAGE-SECRET-KEY-1[A-Z0-9]{58}", "an age key"),
    (r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}", "a signed token (JWT)"),
];
/// `password = "…"`, `API_KEY: …`, with the quote and the value.
const NAMED: &str = r#"(?i)\b([a-z0-9_-]*(?:passwo?r?d|secret|token|api[_-]?key|access[_-]?key)[a-z0-9_-]*)["']?\s*(?:=|:|=>|:=)\s*(["'`]?)([A-Za-z0-9+/_=-]{16,})"#;
/// `postgres://user:password@host`.
const IN_URL: &str = r#"\b[a-z][a-z0-9+]*://([^/\s:@"'{}$<]+):([^@\s/"'{}$<]{4,})@([^\s/"':]+)"#;

/// By which people say that what stands on the line may stand there.
const ALLOWED: &[&str] = &["wfl: allow(secret)", "gitleaks:allow", "pragma: allowlist secret"];
/// Files in which a value needs no quotes to be one.
const SETTINGS: &[&str] = &["env", "yml", "yaml", "ini", "cfg", "conf", "properties", "toml", "sh", "tf"];
/// Files that programs write, full of hashes.
const LOCKS: &[&str] = &["lock", "sum", "lockb"];
const LOCK_NAMES: &[&str] = &["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml"];
/// How many are told; more change nothing for a gate.
const MOST: usize = 50;
/// Longer lines were written by programs; issuers' marks are still looked for.
const LONGEST_LINE: usize = 4096;

struct Rules {
    marked: Regex,
    named: Regex,
    in_url: Regex,
}

static RULES: LazyLock<Result<Rules, String>> = LazyLock::new(|| {
    let marks: Vec<String> = marks().map(|(pattern, _)| format!("({pattern})")).collect();
    Ok(Rules {
        marked: file::regex(&marks.join("|"))?,
        named: file::regex(NAMED)?,
        in_url: file::regex(IN_URL)?,
    })
});

fn marks() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    MARKED.iter().chain(MORE)
}

/// `path:line: what`, one each, in the order of the files.
pub(super) fn search(root: &Path, files: &[String]) -> Result<Value, String> {
    let rules = RULES.as_ref().map_err(String::clone)?;
    let mut found = Vec::new();
    for path in files {
        let bytes = file::bytes(root, path)?;
        // What holds a NUL is no text.
        if bytes.iter().take(8192).any(|byte| *byte == 0) || !rules.may_hold(&bytes) {
            continue;
        }
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let told = rules.of_line(path, line).map(|what| format!("{path}:{number}: {what}"));
            found.extend(told.map(Value::String));
        }
        if found.len() > MOST {
            found.truncate(MOST);
            break;
        }
    }
    Ok(Value::List(found))
}

impl Rules {
    /// Most files hold nothing like it: one look at the whole tells, before any line is looked at.
    fn may_hold(&self, text: &[u8]) -> bool {
        [&self.marked, &self.named, &self.in_url].iter().any(|rule| rule.is_match(text))
    }

    /// What the line holds, if anything: the first that is found.
    fn of_line(&self, path: &str, line: &[u8]) -> Option<String> {
        let found = self.in_text(path, line)?;
        (!ALLOWED.iter().any(|word| holds(line, word))).then_some(found)
    }

    fn in_text(&self, path: &str, line: &[u8]) -> Option<String> {
        let marked = self.marked.captures(line).and_then(|captures| issued(&captures));
        if marked.is_some() || line.len() > LONGEST_LINE || written_by_programs(path) {
            return marked;
        }
        self.named
            .captures_iter(line)
            .find_map(|captures| named(path, &captures))
            .or_else(|| self.in_url.captures_iter(line).find_map(|captures| in_url(&captures)))
    }
}

fn issued(captures: &Captures<'_>) -> Option<String> {
    let which = (1..captures.len()).find(|index| captures.get(*index).is_some())?;
    let (_, what) = marks().nth(which - 1)?;
    let text = group(captures, 0);
    // The mark itself tells nothing that is secret.
    let mark: String = text.chars().take(4).collect();
    (!is_example(&text)).then(|| match text.starts_with("-----") {
        true => what.to_string(),
        false => format!("{what} ({mark}…, {} characters)", text.chars().count()),
    })
}

fn named(path: &str, captures: &Captures<'_>) -> Option<String> {
    let (name, quote, value) = (group(captures, 1), group(captures, 2), group(captures, 3));
    let setting = !quote.is_empty() || ending(path).is_some_and(|ending| SETTINGS.contains(&ending));
    let real = setting && is_random(&value) && !is_example(&value) && !is_example(&name);
    real.then(|| format!("`{name}` is set to what looks generated ({} characters)", value.len()))
}

fn in_url(captures: &Captures<'_>) -> Option<String> {
    let (user, password, host) = (group(captures, 1), group(captures, 2), group(captures, 3));
    // A host of one word is this machine, or one of a test.
    let local = !host.contains('.') || host == "127.0.0.1" || host == "0.0.0.0";
    let weak = user == password || password.to_ascii_lowercase().starts_with("pass") || is_example(&password);
    (!local && !weak && !host.contains("example")).then(|| format!("a password in an address of {host}"))
}

fn group(captures: &Captures<'_>, index: usize) -> String {
    captures.get(index).map(|text| String::from_utf8_lossy(text.as_bytes()).into_owned()).unwrap_or_default()
}

fn holds(line: &[u8], word: &str) -> bool {
    line.windows(word.len()).any(|part| part == word.as_bytes())
}

fn ending(path: &str) -> Option<&str> {
    Some(path.rsplit('/').next()?.rsplit_once('.')?.1)
}

fn written_by_programs(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    LOCK_NAMES.contains(&name) || ending(path).is_some_and(|ending| LOCKS.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(path), text).unwrap();
        match search(folder.path(), &[path.to_string()]) {
            Ok(Value::List(found)) => found.iter().map(Value::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_is_told_by_place_and_kind_and_never_shown() {
        let random = "Zx81kQp92LmN7vTb".repeat(3);
        for (path, text, what) in [
            (
                "a.py",
                format!("x = 1\nt = 'ghp_{}'\n", &random[..36]),
                "a.py:2: a GitHub token (ghp_…, 40 characters)",
            ),
            ("id", "-----BEGIN OPENSSH PRIVATE KEY-----\n".into(), "id:1: a private key"),
            (
                "a.js",
                format!("const apiKey = \"{random}\";\n"),
                "a.js:1: `apiKey` is set to what looks generated (48 characters)",
            ),
            (
                ".env",
                format!("API_TOKEN={random}\n"),
                ".env:1: `API_TOKEN` is set to what looks generated (48 characters)",
            ),
            (
                "c.yml",
                "url: postgres://app:Wq8xTz31@db.prod.acme.io/x\n".into(),
                "c.yml:1: a password in an address of db.prod.acme.io",
            ),
        ] {
            let said = found(path, &text);
            assert_eq!(said, [what], "{path}");
            assert!(!said[0].contains(&random[..16]) && !said[0].contains("Wq8xTz31"));
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        let random = "Zx81kQp92LmN7vTb".repeat(3);
        for (path, text) in [
            ("a.py", "token = get_token_from_store_2024()\n".to_string()),
            ("a.js", format!("const token = {random};\n")),
            ("a.py", format!("token = 'ghp_{}'  # wfl: allow(secret) revoked\n", &random[..36])),
            ("a.py", "password = 'changeme-1234567890'\n".into()),
            ("a.md", "https://user:password@example.com and postgres://app:Wq8xTz31@localhost/x\n".into()),
            ("package-lock.json", format!("\"token\": \"{random}\"\n")),
            ("a.bin", format!("\0 token = '{random}'")),
            ("a.py", "sha256 = '9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015'\n".into()),
        ] {
            assert_eq!(found(path, &text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_no_clean_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(search(folder.path(), &["gone.py".into()]).unwrap_err().contains("not found"));
    }
}
