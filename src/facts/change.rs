//! What a change is: put together from git and the flags, once a run. Runs nothing itself.

use std::collections::BTreeMap;
use std::path::Path;

use super::git::{Difference, Git};
use super::{ChangeFlags, convention, short};
use crate::workspace::tree;

/// The change as recorded with a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChangeInfo {
    pub id: String,
    /// The conventional-commit type.
    pub kind: String,
    /// Relative to the root, sorted.
    pub files: Vec<String>,
    pub branch: String,
    pub base: String,
    pub added: u64,
    pub deleted: u64,
    /// Every commit subject since the base keeps to the convention.
    pub conventional: bool,
    /// A commit since the base marks a breaking change.
    pub breaking: bool,
    /// The messages of the commits since the base, newest first.
    pub messages: Vec<String>,
    /// HEAD; empty without one.
    pub sha: String,
    /// A hash of who commits here; empty when git does not know.
    pub author: String,
    /// The commit of the base; none without one.
    pub base_commit: Option<String>,
    /// Lines added and deleted of each file, where they are known.
    pub lines: BTreeMap<String, (u64, u64)>,
}

/// An untracked file larger than this counts no lines.
const LARGEST_COUNTED: u64 = 4 << 20;

impl ChangeInfo {
    /// Whether any changed file matches one of the globs.
    pub fn touches(&self, globs: &[String]) -> Result<bool, String> {
        let globs = tree::globs(globs)?;
        Ok(self.files.iter().any(|file| globs.is_match(file)))
    }

    /// Whether a commit message matches the regular expression.
    pub fn says(&self, pattern: &str) -> Result<bool, String> {
        let pattern = crate::expr::pattern::regex(pattern)?;
        Ok(self.messages.iter().any(|message| pattern.is_match(message)))
    }

    /// Whether every changed file does; false when nothing changed.
    pub fn only(&self, globs: &[String]) -> Result<bool, String> {
        let globs = tree::globs(globs)?;
        Ok(!self.files.is_empty() && self.files.iter().all(|file| globs.is_match(file)))
    }
}

/// Gathers the change; without git only the flags tell of it.
pub(super) fn gather(git: Option<&Git>, root: &Path, flags: &ChangeFlags, base: Option<&str>) -> ChangeInfo {
    let mut change = match git {
        Some(git) => from_git(git, root, flags, base),
        None => from_flags(flags),
    };
    if let (true, Some(base)) = (change.base.is_empty(), base) {
        change.base = base.into();
    }
    if let Some(id) = &flags.id {
        change.id = id.clone();
    }
    if let Some(kind) = &flags.kind {
        change.kind = kind.clone();
    }
    change.added = flags.added.unwrap_or(change.added);
    change.deleted = flags.deleted.unwrap_or(change.deleted);
    change
}

fn from_flags(flags: &ChangeFlags) -> ChangeInfo {
    let files = flags.files.clone().unwrap_or_default();
    let messages: Vec<String> = flags.message.iter().cloned().collect();
    let subjects: Vec<String> = messages.iter().map(|text| convention::subject(text).to_string()).collect();
    ChangeInfo {
        id: "local".into(),
        kind: convention::change_type(&subjects, "", &files).into(),
        files,
        conventional: convention::all_conventional(&subjects),
        breaking: convention::breaking(&messages),
        messages,
        ..ChangeInfo::default()
    }
}

fn from_git(git: &Git, root: &Path, flags: &ChangeFlags, wanted: Option<&str>) -> ChangeInfo {
    let base = git.sha.as_ref().and_then(|_| git.base(wanted));
    let (messages, difference) = match &base {
        Some((_, commit)) => git.since(commit),
        None => (Vec::new(), git.uncommitted()),
    };
    let Difference { mut files, mut added, deleted, mut lines } = difference;
    files.extend(git.local_files());
    files.sort();
    files.dedup();
    for file in git.untracked_files() {
        let count = lines_of(&root.join(&file));
        added += count;
        lines.insert(file, (count, 0));
    }
    let files = flags.files.clone().unwrap_or(files);
    let messages = flags.message.as_ref().map_or(messages, |message| vec![message.clone()]);
    let subjects: Vec<String> = messages.iter().map(|text| convention::subject(text).to_string()).collect();
    let sha = git.sha.clone().unwrap_or_default();
    let id = [&git.branch, &short(&sha)].into_iter().find(|name| !name.is_empty()).cloned();
    ChangeInfo {
        id: id.unwrap_or_else(|| "local".into()),
        kind: convention::change_type(&subjects, &git.branch, &files).into(),
        files,
        branch: git.branch.clone(),
        base_commit: base.as_ref().map(|(_, commit)| commit.clone()),
        base: base.map(|(name, _)| name).unwrap_or_default(),
        added,
        deleted,
        conventional: convention::all_conventional(&subjects),
        breaking: convention::breaking(&messages),
        messages,
        sha,
        author: git.author.clone(),
        lines,
    }
}

/// Lines of a text file; 0 for what is none.
fn lines_of(path: &Path) -> u64 {
    let small =
        std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() <= LARGEST_COUNTED);
    let bytes = if small { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    if bytes.contains(&0) {
        return 0;
    }
    let unfinished = bytes.last().is_some_and(|last| *last != b'\n');
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + u64::from(unfinished)
}
