//! What a change consists of: commits, files by kind, and what its lines add and take away. Gathered once, when a fact
//! of it is first asked for; judges nothing.

mod commits;
mod lines;
mod names;
pub(super) mod patch;
mod summary;
mod tests_by_name;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use super::change::ChangeInfo;
use super::git::Git;
use crate::base::Value;
use crate::workspace::kind::{self, Kind};

pub use commits::Commit;
pub use lines::{Mention, Place, Touched};
pub use names::{Name, State as NameState};

/// Of a change's patch, and of its untracked files together, as much is read.
const MOST: u64 = 16 << 20;
/// An untracked file larger than this is no text to read.
const LARGEST: u64 = 1 << 20;

/// A change taken apart.
#[derive(Clone, Debug, Default)]
pub struct Details {
    pub change: ChangeInfo,
    /// Newest first, without merges.
    pub commits: Vec<Commit>,
    pub authors: Vec<String>,
    pub tickets: Vec<String>,
    /// How many of the files differ from what is committed.
    pub uncommitted: usize,
    /// Sorted by path.
    pub files: Vec<File>,
    /// Public names that came, went or changed.
    pub names: Vec<Name>,
    /// Options of the command line (`--name`) that came, and that went.
    pub options: (Vec<String>, Vec<String>),
    /// `TODO` and its like in added comments.
    pub open: Vec<Place>,
    /// Words in added comments that forbid to go on: `DO NOT MERGE`.
    pub stops: Vec<Place>,
    /// Added lines of documents that say that something is not written yet; code in them counts too.
    pub drafts: Vec<Place>,
    /// Documents of which lines came or went, and which.
    pub documents: BTreeMap<String, Touched>,
    /// Added calls that leave out all other tests: `it.only(…)`.
    pub focused: Vec<Place>,
    /// Targets and scripts that added lines call: `npm run NAME`, `make NAME`.
    pub mentions: Vec<Mention>,
    /// Source files that are there and have no touched test.
    pub untested: Vec<String>,
    /// Test files that went although what they test, by its name, is there still: test and source.
    pub abandoned: Vec<(String, String)>,
    /// How the project's tests are run.
    pub test_commands: Vec<String>,
    /// The change log, when the change touches code and not it.
    pub changelog: Option<String>,
}

/// One changed file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub path: String,
    pub kind: Kind,
    pub state: State,
    pub added: u64,
    pub deleted: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    New,
    Changed,
    Removed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            State::New => "new",
            State::Changed => "changed",
            State::Removed => "removed",
        }
    }
}

impl Details {
    /// Paths of the files of these kinds that are there.
    pub fn present(&self, kinds: &[Kind]) -> impl Iterator<Item = &str> {
        let there = |file: &&File| file.state != State::Removed && kinds.contains(&file.kind);
        self.files.iter().filter(there).map(|file| file.path.as_str())
    }

    /// Paths of the files that are not there any more.
    pub fn removed(&self) -> impl Iterator<Item = &str> {
        self.files.iter().filter(|file| file.state == State::Removed).map(|file| file.path.as_str())
    }

    /// All as one JSON text, long lists cut.
    pub fn json(&self) -> serde_json::Value {
        summary::of(self)
    }

    /// The fact `change.NAME`.
    pub(super) fn fact(&self, name: &str) -> Value {
        let texts = |texts: &mut dyn Iterator<Item = &str>| {
            Value::List(texts.map(|text| Value::String(text.to_owned())).collect())
        };
        match name {
            "commits" => texts(&mut self.commits.iter().map(|commit| commit.subject.as_str())),
            "authors" => texts(&mut self.authors.iter().map(String::as_str)),
            "tickets" => texts(&mut self.tickets.iter().map(String::as_str)),
            "kinds" => {
                let kinds: BTreeSet<Kind> = self.files.iter().map(|file| file.kind).collect();
                texts(&mut kinds.into_iter().map(Kind::name))
            }
            _ => Value::List(self.removed().map(|path| Value::Path(path.to_owned())).collect()),
        }
    }
}

/// Takes the change apart; without git only the files' names tell of it.
pub(super) fn gather(git: Option<&Git>, root: &Path, change: &ChangeInfo) -> Details {
    let mut details = Details { change: change.clone(), ..Details::default() };
    let (mut collected, mut untracked) = (lines::Collected::of(&change.files), BTreeSet::new());
    if let Some(git) = git {
        let base = change.base_commit.as_deref();
        details.commits = base.map(|base| commits::read(git, base)).unwrap_or_default();
        if !change.files.is_empty() {
            collected.patch(&git.patch(base, MOST));
        }
        details.uncommitted = git.local_files().iter().filter(|file| collected.knows(file)).count();
        untracked = git.untracked_files().into_iter().filter(|file| collected.knows(file)).collect();
    }
    read_untracked(root, &untracked, &mut collected);
    details.authors = commits::authors(&details.commits);
    details.tickets = commits::tickets(&change.branch, &details.commits);
    details.files = files(root, change, &collected, &untracked);
    let tracked = || git.map(Git::tracked_files).unwrap_or_default();
    tests_by_name::look(&mut details, root, &collected, &tracked);
    details.names = collected.names.changed();
    details.options = collected.options.changed();
    details.open = collected.open;
    details.stops = collected.stops;
    details.drafts = collected.drafts;
    details.focused = collected.focused;
    details.documents = collected.documents;
    details.mentions = collected.mentions;
    details.changelog = changelog(root, &details.files);
    details
}

/// Every line of an untracked file is added.
fn read_untracked(root: &Path, untracked: &BTreeSet<String>, collected: &mut lines::Collected) {
    let mut left = MOST;
    for path in untracked {
        let full = root.join(path);
        let Ok(meta) = fs::symlink_metadata(&full) else { continue };
        if !meta.is_file() || meta.len() > LARGEST.min(left) {
            continue;
        }
        left -= meta.len();
        let bytes = fs::read(&full).unwrap_or_default();
        if !bytes.contains(&0) {
            collected.whole(path, &String::from_utf8_lossy(&bytes));
        }
    }
}

fn files(
    root: &Path,
    change: &ChangeInfo,
    collected: &lines::Collected,
    untracked: &BTreeSet<String>,
) -> Vec<File> {
    let none = BTreeMap::new();
    let counts = if change.lines.is_empty() { &none } else { &change.lines };
    let file = |path: &String| {
        let (added, deleted) = counts.get(path).copied().unwrap_or_default();
        let full = root.join(path);
        let there = fs::symlink_metadata(&full).is_ok();
        let state = match there {
            false => State::Removed,
            true if untracked.contains(path) || collected.created.contains(path) => State::New,
            true => State::Changed,
        };
        File { path: path.clone(), kind: kind_of(path, &full), state, added, deleted }
    };
    change.files.iter().map(file).collect()
}

/// By its name; without an ending, also by a first line that calls a shell.
fn kind_of(path: &str, full: &Path) -> Kind {
    let kind = kind::of(path);
    let bare = path.rsplit('/').next().is_some_and(|name| !name.contains('.'));
    if kind == Kind::Other && bare && shell_line(full).is_some() { Kind::Script } else { kind }
}

/// The shell that a file's first line calls: `sh`, `bash`, ….
pub fn shell_line(path: &Path) -> Option<String> {
    let mut start = [0; 128];
    let is_file = fs::symlink_metadata(path).is_ok_and(|meta| meta.is_file());
    let length = if is_file { fs::File::open(path).ok()?.read(&mut start).ok()? } else { 0 };
    let text = String::from_utf8_lossy(&start[..length]);
    let mut words = text.lines().next()?.strip_prefix("#!")?.split_whitespace();
    let program = words.next()?.rsplit('/').next()?;
    let named = words.find(|word| !word.starts_with('-'));
    let shell = if program == "env" { named? } else { program };
    matches!(shell, "sh" | "bash" | "dash" | "ksh" | "zsh").then(|| shell.to_owned())
}

/// A change log that the change leaves as it was although it changes code.
fn changelog(root: &Path, files: &[File]) -> Option<String> {
    let is_log = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let stem = lower.split('.').next().unwrap_or(&lower);
        matches!(stem, "changelog" | "changes" | "history" | "news")
    };
    if !files.iter().any(|file| file.kind == Kind::Code) || files.iter().any(|file| is_log(&file.path)) {
        return None;
    }
    let entries = fs::read_dir(root).ok()?.flatten();
    let names = entries.filter(|entry| entry.path().is_file()).map(|entry| entry.file_name());
    let mut found: Vec<String> =
        names.filter_map(|name| name.into_string().ok()).filter(|name| is_log(name)).collect();
    found.sort();
    found.into_iter().next()
}
