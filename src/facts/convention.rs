//! The type of a change by convention: commit subjects, the branch's name, the kinds of files. Pure.

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

/// `type(scope)!: subject`.
fn from_subject(subject: &str) -> Option<&'static str> {
    let (head, rest) = subject.split_once(':')?;
    if !rest.starts_with(' ') || rest.trim().is_empty() {
        return None;
    }
    let head = head.strip_suffix('!').unwrap_or(head);
    let word = match head.split_once('(') {
        Some((word, scope)) if scope.ends_with(')') => word,
        Some(_) => return None,
        None => head,
    };
    TYPES.iter().find(|kind| kind.eq_ignore_ascii_case(word)).copied()
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

fn is_docs(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let name = lower.rsplit('/').next().unwrap_or(&lower);
    let by_end = [".md", ".rst", ".adoc", ".txt"].iter().any(|end| name.ends_with(end));
    let code = name.starts_with("requirements") || name == "cmakelists.txt";
    (by_end && !code)
        || lower.starts_with("docs/")
        || lower.starts_with("doc/")
        || name.starts_with("license")
}

fn is_test(file: &str) -> bool {
    let lower = file.to_ascii_lowercase();
    let (folders, name) = lower.rsplit_once('/').unwrap_or(("", &lower));
    let in_folder =
        folders.split('/').any(|folder| matches!(folder, "test" | "tests" | "__tests__" | "spec"));
    let stem = name.split('.').next().unwrap_or(name);
    let by_name = stem.starts_with("test_")
        || stem.ends_with("_test")
        || name.contains(".test.")
        || name.contains(".spec.");
    in_folder || by_name
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
