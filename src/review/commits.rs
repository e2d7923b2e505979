//! Commits that no proposal can be made of: without words, or made to be melted into others.

use regex::Regex;

use super::Finding;
use crate::facts::details::{Commit, Details};

pub(super) fn judge(details: &Details) -> Vec<Finding> {
    let Ok(empty) = Regex::new(r"(?i)^(?:wip\b.*|tmp|temp|asdf\w*|xxx*|stuff|checkpoint|save|[\W_]*)$")
    else {
        return Vec::new();
    };
    let base = if details.change.base.is_empty() { "BASE" } else { &details.change.base };
    let finding = |commit: &Commit| {
        let melted = ["fixup!", "squash!", "amend!"].iter().any(|word| commit.subject.starts_with(word));
        let why = match melted {
            true => "is meant to become part of another",
            false if empty.is_match(commit.words.trim()) => "says nothing of what it does",
            false => return None,
        };
        let help = if melted {
            format!("git rebase -i --autosquash {base}")
        } else {
            format!("git rebase -i {base}")
        };
        let message = format!("commit {} ({:?}) {why}: `{help}`", commit.hash, commit.subject);
        Some(Finding { path: None, line: None, message })
    };
    details.commits.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commits_without_words_are_found() {
        let commit = |subject: &str| Commit {
            subject: subject.into(),
            words: subject.strip_prefix("chore: ").unwrap_or(subject).into(),
            ..Commit::default()
        };
        let found = |subject: &str| {
            let details = Details { commits: vec![commit(subject)], ..Details::default() };
            judge(&details).len()
        };
        for subject in
            ["wip", "WIP: more", "chore: wip", "fixup! feat: a", "squash! b", "...", "tmp", "asdfg"]
        {
            assert_eq!(found(subject), 1, "{subject}");
        }
        for subject in ["fix: wiper blades", "Save drafts", "temper the steel", "feat: stuff the bird", "fix"]
        {
            assert_eq!(found(subject), 0, "{subject}");
        }
    }
}
