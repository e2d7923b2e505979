//! Commits of a change taken apart: the conventional form, what breaks, tickets. Knows no file.

use std::collections::BTreeSet;

use regex::Regex;

use crate::facts::convention;
use crate::facts::git::Git;

/// Hash, author, subject, body.
const FORMAT: &str = "%h%x1f%aN%x1f%s%x1f%b";

/// Words that look like tickets and are names of standards.
const STANDARDS: &[&str] = &[
    "AES", "BASE", "CVE", "CWE", "ED", "HTTP", "IEC", "IEEE", "IPV", "ISO", "MD", "PEP", "RFC", "RSA", "SHA",
    "TLS", "UCS", "UTC", "UTF", "WIN", "X",
];

/// One commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// Short.
    pub hash: String,
    pub author: String,
    pub subject: String,
    pub body: String,
    /// The type of a conventional subject; empty for another.
    pub kind: String,
    pub scope: String,
    /// The subject without type and scope.
    pub words: String,
    /// What it says that it breaks; the words themselves where only the `!` says so.
    pub breaks: Option<String>,
}

/// The commits since `base`, newest first.
pub(super) fn read(git: &Git, base: &str) -> Vec<Commit> {
    git.commits(base, FORMAT).iter().map(|record| commit(record)).collect()
}

fn commit(record: &str) -> Commit {
    let mut fields = record.splitn(4, '\u{1f}').map(str::trim);
    let mut next = || fields.next().unwrap_or_default().to_owned();
    let (hash, author, subject, body) = (next(), next(), next(), next());
    let parts = convention::parts(&subject);
    let words = parts.as_ref().map_or(subject.as_str(), |parts| parts.words).to_owned();
    let marked = parts.as_ref().is_some_and(|parts| parts.breaking);
    Commit {
        kind: parts.as_ref().map_or("", |parts| parts.kind).to_owned(),
        scope: parts.as_ref().map_or("", |parts| parts.scope).to_owned(),
        breaks: footer(&body).or_else(|| marked.then(|| words.clone())),
        words,
        hash,
        author,
        subject,
        body,
    }
}

/// `BREAKING CHANGE: words`, to the end of its paragraph.
fn footer(body: &str) -> Option<String> {
    let mut lines = body.lines().skip_while(|line| breaking(line).is_none());
    let first = breaking(lines.next()?)?.trim();
    let rest = lines.take_while(|line| !line.trim().is_empty()).map(str::trim);
    let words: Vec<&str> = [first].into_iter().chain(rest).filter(|line| !line.is_empty()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

fn breaking(line: &str) -> Option<&str> {
    line.strip_prefix("BREAKING CHANGE:").or_else(|| line.strip_prefix("BREAKING-CHANGE:"))
}

pub(super) fn authors(commits: &[Commit]) -> Vec<String> {
    let names: BTreeSet<&str> =
        commits.iter().map(|commit| commit.author.as_str()).filter(|name| !name.is_empty()).collect();
    names.into_iter().map(str::to_owned).collect()
}

/// `ABC-123` and `#12` in the branch, the subjects and the bodies; those of the branch first.
pub(super) fn tickets(branch: &str, commits: &[Commit]) -> Vec<String> {
    let Ok(form) = Regex::new(r"\b([A-Z][A-Z0-9]{1,9})-[1-9]\d*\b|(?:^|[\s(\[:,/])(#[1-9]\d*)\b") else {
        return Vec::new();
    };
    let mut found: Vec<String> = Vec::new();
    let texts = commits.iter().flat_map(|commit| [&commit.subject, &commit.body]);
    for text in std::iter::once(branch).chain(texts.map(String::as_str)) {
        for hit in form.captures_iter(text) {
            let ticket = match (hit.get(1), hit.get(2)) {
                (Some(project), _) if STANDARDS.contains(&project.as_str()) => continue,
                (None, Some(number)) => number.as_str(),
                _ => hit.get(0).map_or("", |hit| hit.as_str()),
            };
            if !found.iter().any(|known| known == ticket) {
                found.push(ticket.to_owned());
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(subject: &str, body: &str) -> Commit {
        commit(&format!("1a2b3c4\u{1f}Ada\u{1f}{subject}\u{1f}{body}\n"))
    }

    #[test]
    fn a_record_is_taken_apart() {
        let commit = record("feat(api)!: drop x", "Why.\n\nBREAKING CHANGE: x is gone,\nuse y.\n\nRefs: #1");
        assert_eq!((commit.kind.as_str(), commit.scope.as_str()), ("feat", "api"));
        assert_eq!(commit.words, "drop x");
        assert_eq!(commit.breaks.as_deref(), Some("x is gone, use y."));
        assert_eq!(record("fix!: y", "").breaks.as_deref(), Some("y"));
        assert_eq!(record("Added b", ""), Commit { words: "Added b".into(), ..record("Added b", "") });
        assert_eq!(record("Added b", "").breaks, None);
        assert_eq!(record("a\u{1f}b", "").subject, "a");
    }

    #[test]
    fn tickets_are_told_from_standards_and_versions() {
        let commits = [record("fix: PAY-7 as in UTF-8 (#12)", "See ABC-1, PAY-7, SHA-256, v1-2, a#3, x-4.")];
        assert_eq!(tickets("feat/HOT-42-now", &commits), ["HOT-42", "PAY-7", "#12", "ABC-1"]);
    }
}
