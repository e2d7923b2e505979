//! The type of a change by convention: commit subjects, the branch's name, the kinds of files. Pure.

use crate::workspace::kind::{is_docs, is_test};

/// When nothing tells.
pub(super) const FALLBACK: &str = "chore";

/// Types of conventional commits, strongest first: a branch with a feature and a fix is a feature.
const TYPES: &[&str] =
    &["feat", "fix", "perf", "refactor", "revert", "build", "ci", "test", "docs", "style", "chore"];

/// First words of branch names, and what they mean.
const PREFIXES: &[(&str, &str)] = &[
    ("feature", "feat"),
    ("features", "feat"),
    ("bugfix", "fix"),
    ("bug", "fix"),
    ("hotfix", "fix"),
    ("doc", "docs"),
    ("tests", "test"),
    ("performance", "perf"),
    ("refactoring", "refactor"),
];

/// From the subjects of the change's commits; else the branch's name; else the files; else `chore`.
pub(super) fn change_type(subjects: &[String], branch: &str, files: &[String]) -> &'static str {
    let told: Vec<&'static str> = subjects.iter().filter_map(|subject| from_subject(subject)).collect();
    let strongest = TYPES.iter().find(|kind| told.contains(kind)).copied();
    strongest.or_else(|| from_branch(branch)).or_else(|| from_files(files)).unwrap_or(FALLBACK)
}

/// Whether every subject has the form `type(scope)!: words`. Subjects that git writes itself (merges, reverts) count
/// as fine; no subject at all too.
pub(super) fn all_conventional(subjects: &[String]) -> bool {
    let by_git = |subject: &str| subject.starts_with("Merge ") || subject.starts_with("Revert \"");
    subjects.iter().all(|subject| by_git(subject) || from_subject(subject).is_some())
}

/// Whether a message says that it breaks what was: `feat!: …`, or a line that begins with `BREAKING CHANGE:`.
pub(super) fn breaking(messages: &[String]) -> bool {
    messages.iter().any(|message| {
        let subject = subject(message);
        let marked = subject.split_once(':').is_some_and(|(head, _)| head.ends_with('!'));
        (marked && from_subject(subject).is_some()) || message.lines().any(footer)
    })
}

fn footer(line: &str) -> bool {
    ["BREAKING:", "BREAKING CHANGE:", "BREAKING-CHANGE:"].iter().any(|word| line.starts_with(word))
}

/// The first line of a commit message.
pub(super) fn subject(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}

/// A subject of the form `type(scope)!: words`, taken apart.
pub(super) struct Parts<'a> {
    pub(super) kind: &'static str,
    pub(super) scope: &'a str,
    pub(super) breaking: bool,
    pub(super) words: &'a str,
}

/// None for a subject that does not keep to the convention.
pub(super) fn parts(subject: &str) -> Option<Parts<'_>> {
    let (head, rest) = subject.split_once(':')?;
    if !rest.starts_with(' ') || rest.trim().is_empty() {
        return None;
    }
    let plain = head.strip_suffix('!').unwrap_or(head);
    let (word, scope) = match plain.split_once('(') {
        Some((word, scope)) => (word, scope.strip_suffix(')')?),
        None => (plain, ""),
    };
    let kind = TYPES.iter().find(|kind| kind.eq_ignore_ascii_case(word)).copied()?;
    Some(Parts { kind, scope, breaking: plain.len() < head.len(), words: rest.trim() })
}

/// `type(scope)!: subject`.
fn from_subject(subject: &str) -> Option<&'static str> {
    parts(subject).map(|parts| parts.kind)
}

/// `fix/…`, `feature/…`, also `fix-…`.
fn from_branch(branch: &str) -> Option<&'static str> {
    let word = branch.split_once(['/', '-', '_'])?.0.to_ascii_lowercase();
    let known = TYPES.iter().find(|kind| **kind == word).copied();
    known.or_else(|| PREFIXES.iter().find(|(prefix, _)| *prefix == word).map(|(_, kind)| *kind))
}

/// Documentation or tests alone.
pub(super) fn from_files(files: &[String]) -> Option<&'static str> {
    match files {
        [] => None,
        all if all.iter().all(|file| is_docs(file)) => Some("docs"),
        all if all.iter().all(|file| is_test(file)) => Some("test"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(subjects: &[&str], branch: &str, files: &[&str]) -> &'static str {
        let own = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
        change_type(&own(subjects), branch, &own(files))
    }

    #[test]
    fn subjects_go_first_and_the_strongest_counts() {
        assert_eq!(kind(&["fix(api)!: x", "docs: y"], "feat/x", &[]), "fix");
        assert_eq!(kind(&["docs: y", "feat: z"], "", &[]), "feat");
        assert_eq!(kind(&["fix:no space", "Merge: x", "fix(a: b"], "main", &[]), "chore");
    }

    #[test]
    fn subjects_keep_to_the_convention_or_not() {
        let all =
            |texts: &[&str]| all_conventional(&texts.iter().map(|text| text.to_string()).collect::<Vec<_>>());
        assert!(all(&["feat(api)!: drop x", "Merge branch 'a'"]) && all(&[]));
        assert!(!all(&["feat: a", "Added b"]) && !all(&["feature: a"]) && !all(&["feat: "]));
        assert!(breaking(&["feat!: drop x".into()]) && !breaking(&["feat: add!".into(), "what!: x".into()]));
        assert!(breaking(&["BREAKING: drop x".into()]) && breaking(&["fix: x\n\nBREAKING CHANGE: y".into()]));
        assert!(!breaking(&["docs: say what BREAKING CHANGE: means".into()]));
    }

    #[test]
    fn then_the_branch_then_the_files() {
        assert_eq!(kind(&["wip"], "hotfix/HOT-1", &["README.md"]), "fix");
        assert_eq!(kind(&[], "main", &["README.md", "docs/a.html"]), "docs");
        assert_eq!(kind(&[], "main", &["tests/a.rs", "src/b_test.go"]), "test");
        assert_eq!(kind(&[], "main", &["tests/a.rs", "src/b.go"]), "chore");
        assert_eq!(kind(&[], "", &[]), "chore");
        assert_eq!(kind(&[], "main", &["requirements.txt"]), "chore");
    }
}
