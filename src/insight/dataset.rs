//! From what is remembered of runs to what a model learns from: the words that describe a change, and of each stage whether
//! it was needed and whether it found something. Keeps no state and fits nothing.
//!
//! *Needed* is whether the stage was executed: yes when it ended in any way of its own, no when a rule or a person skipped it.
//! A stage that was left out by `--only`, `--from` or advice was not judged, and one that was blocked or never reached neither.
//! One that was skipped, and failed in a later run of the same change, was needed after all.
//!
//! *Failed* is whether it found something, known only where it ran: it failed, timed out, or failed and was let pass. One
//! that passed at its second try found nothing in the change.

use core::hash::Hasher;

use rustc_hash::FxHashMap;

use crate::base::Timestamp;
use crate::event::Status;
use crate::history::{Change, FILES, Mode, Past, PastChange, PastStage};
use crate::learn::labels::Word;
use crate::plan::LEFT_OUT;

/// Files of a change that are looked at.
const LOOKED_AT: usize = 100;
/// Words of a kind at most, for files, folders and endings.
const OF_A_KIND: usize = 16;
/// Levels of folders.
const LEVELS: usize = 3;
const DAY: i64 = 86_400_000;
/// Later runs of a change belong to it for so long.
const SAME_CHANGE: i64 = 14 * DAY;

/// What a word is about; the numbers are stored with models.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Type,
    Folder,
    Ending,
    File,
    /// All files are in one folder.
    OnlyFolder,
    OnlyEnding,
    Count,
    Churn,
    Branch,
    Author,
    Day,
    Hour,
}

pub const KINDS: usize = 12;

/// A word with its text, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub kind: Kind,
    pub text: String,
    pub word: Word,
}

/// The words of a change, each once, without their texts.
pub fn words(change: &PastChange, at: Option<Timestamp>) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::with_capacity(40);
    each(change, at, &mut |_, _, word| found.push(word));
    found
}

/// The same, to be shown.
pub fn spoken(change: &PastChange, at: Option<Timestamp>) -> Vec<Said> {
    let mut found: Vec<Said> = Vec::new();
    each(change, at, &mut |kind, text, word| found.push(Said { kind, text: text.to_string(), word }));
    found
}

/// FNV-1a: the same on every machine and in every version.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn word(kind: Kind, text: &str) -> Word {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(&[kind as u8]);
    hasher.write(text.as_bytes());
    Word { kind: kind as u8, hash: hasher.finish() }
}

/// Takes a word with its kind and text.
type Take<'a> = dyn FnMut(Kind, &str, Word) + 'a;

fn each(change: &PastChange, at: Option<Timestamp>, take: &mut Take) {
    let mut given = |kind: Kind, text: &str| {
        if !text.is_empty() {
            take(kind, text, word(kind, text));
        }
    };
    given(Kind::Type, &change.kind);
    given(Kind::Author, &change.author);
    given(Kind::Branch, branch(&change.branch));
    let count = change.count.max(change.files.len() as u64);
    given(Kind::Count, count_words(count));
    if count > 0 {
        given(Kind::Churn, churn_words(change.added.saturating_add(change.deleted)));
    }
    if let Some(at) = at {
        given(Kind::Day, day(at));
        given(Kind::Hour, hour(at));
    }
    paths(&change.files, take);
}

fn paths(files: &[String], take: &mut Take) {
    let looked = &files[..files.len().min(LOOKED_AT)];
    let mut few = Few { held: Vec::with_capacity(32), counts: [0; KINDS], take };
    for file in looked {
        let levels = file.match_indices('/').take(LEVELS).map(|(at, _)| &file[..=at]);
        levels.for_each(|folder| few.once(Kind::Folder, folder));
        few.once(Kind::Ending, ending(file));
        few.once(Kind::File, file);
    }
    let Some(first) = looked.first() else { return };
    let (top, last) = (folder(first), ending(first));
    if looked.iter().all(|file| folder(file) == top) {
        few.once(Kind::OnlyFolder, top);
    }
    if looked.iter().all(|file| ending(file) == last) {
        few.once(Kind::OnlyEnding, last);
    }
}

/// Hands on each word once, and bounds how many of a kind there are.
struct Few<'a, 't> {
    held: Vec<Word>,
    counts: [usize; KINDS],
    take: &'a mut Take<'t>,
}

impl Few<'_, '_> {
    fn once(&mut self, kind: Kind, text: &str) {
        if text.is_empty() || self.counts[kind as usize] == OF_A_KIND {
            return;
        }
        let word = word(kind, text);
        if !self.held.contains(&word) {
            self.held.push(word);
            self.counts[kind as usize] += 1;
            (self.take)(kind, text, word);
        }
    }
}

fn folder(file: &str) -> &str {
    file.split_once('/').map_or("./", |(top, _)| &file[..=top.len()])
}

/// `.md`; nothing for a file without one.
fn ending(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    match name.rfind('.') {
        Some(at) if at > 0 => &name[at..],
        _ => "",
    }
}

/// `feature/` of `feature/login`, else the branch itself.
fn branch(name: &str) -> &str {
    name.split_once('/').map_or(name, |(kind, _)| &name[..=kind.len()])
}

fn count_words(count: u64) -> &'static str {
    match count {
        0 => "no file",
        1 => "1 file",
        2..=3 => "2 or 3 files",
        4..=9 => "4 to 9 files",
        10..=29 => "10 to 29 files",
        _ => "30 files or more",
    }
}

fn churn_words(lines: u64) -> &'static str {
    match lines {
        0 => "",
        1..=9 => "fewer than 10 lines",
        10..=49 => "10 to 49 lines",
        50..=199 => "50 to 199 lines",
        200..=999 => "200 to 999 lines",
        _ => "1000 lines or more",
    }
}

fn day(at: Timestamp) -> &'static str {
    // 1970 began on a Thursday.
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    DAYS[at.0.div_euclid(DAY).rem_euclid(7) as usize]
}

fn hour(at: Timestamp) -> &'static str {
    const PARTS: [&str; 4] =
        ["between 0 and 6", "between 6 and 12", "between 12 and 18", "between 18 and 24"];
    PARTS[(at.0.rem_euclid(DAY) / (DAY / 4)).clamp(0, 3) as usize]
}

/// What became of one stage in one run, all instances together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub needed: Option<bool>,
    pub failed: Option<bool>,
    /// Of the longest instance that ran.
    pub ms: Option<u64>,
}

impl Outcome {
    pub fn of(stage: &PastStage, mode: Mode) -> Outcome {
        let ran = |failed| Outcome { needed: Some(true), failed: Some(failed), ms: Some(stage.duration_ms) };
        match stage.status {
            Status::Succeeded => ran(false),
            Status::Failed | Status::TimedOut | Status::Warned => ran(true),
            // It did not run: nothing new was found out of it.
            Status::Reused => Outcome { needed: Some(true), ..Outcome::default() },
            Status::Skipped | Status::Waived if judged(stage, mode) => {
                Outcome { needed: Some(false), ..Outcome::default() }
            }
            _ => Outcome::default(),
        }
    }

    /// One instance that was executed is enough, and one that failed.
    pub fn with(self, other: Outcome) -> Outcome {
        let either = |a: Option<bool>, b: Option<bool>| match (a, b) {
            (Some(a), Some(b)) => Some(a || b),
            (a, b) => a.or(b),
        };
        Outcome {
            needed: either(self.needed, other.needed),
            failed: either(self.failed, other.failed),
            ms: self.ms.max(other.ms),
        }
    }
}

/// Whether a rule or a person decided that the stage was not needed, rather than that it was not asked for.
fn judged(stage: &PastStage, mode: Mode) -> bool {
    let left_out = stage.reason.as_deref().is_some_and(|reason| reason.starts_with(LEFT_OUT));
    !left_out && !matches!(mode, Mode::Part | Mode::Recommended)
}

/// Stages by run, by place in `runs`, that were skipped there and failed in a later run of the same change. `runs` are in
/// order of time, newest first.
pub fn needed_later(runs: &[Past]) -> Vec<Vec<String>> {
    let mut failed: FxHashMap<&str, Vec<(&str, i64)>> = FxHashMap::default();
    let mut found = Vec::with_capacity(runs.len());
    for run in runs {
        let mut here: Vec<String> = Vec::new();
        if let Some(id) = same_change(&run.change) {
            let later = failed.entry(id).or_default();
            for stage in run.stages.iter().filter(|stage| stage.status == Status::Skipped) {
                let soon =
                    |(name, at): &(&str, i64)| *name == stage.stage && at - run.started.0 <= SAME_CHANGE;
                if later.iter().any(soon) && !here.contains(&stage.stage) {
                    here.push(stage.stage.clone());
                }
            }
            let bad = run.stages.iter().filter(|stage| Outcome::of(stage, run.mode).failed == Some(true));
            for stage in bad {
                later.retain(|(name, _)| *name != stage.stage);
                later.push((&stage.stage, run.started.0));
            }
        }
        found.push(here);
    }
    found
}

/// The change's name, where it names one change: a branch on which all changes are made does not.
fn same_change(change: &PastChange) -> Option<&str> {
    let shared = ["main", "master", "trunk", "develop", "local", ""];
    (!shared.contains(&change.id.as_str())).then_some(change.id.as_str())
}

/// What would be remembered of this change.
pub fn remembered(change: &Change) -> PastChange {
    let mut files = change.files.clone();
    files.sort_unstable();
    files.truncate(FILES);
    PastChange {
        id: change.id.clone(),
        kind: change.kind.clone(),
        count: change.files.len() as u64,
        files,
        added: change.added,
        deleted: change.deleted,
        branch: change.branch.clone(),
        author: change.author.clone(),
        sha: change.sha.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::remembered as run;
    use super::*;

    fn texts(files: &[&str]) -> Vec<(Kind, String)> {
        let change = PastChange {
            files: files.iter().map(|file| file.to_string()).collect(),
            ..PastChange::default()
        };
        spoken(&change, None).into_iter().map(|said| (said.kind, said.text)).collect()
    }

    #[test]
    fn each_level_of_folders_is_a_word_and_one_folder_only_too() {
        let found = texts(&["docs/guide/a.md", "docs/b.md"]);
        let has = |kind, text: &str| found.contains(&(kind, text.to_string()));
        assert!(has(Kind::Folder, "docs/") && has(Kind::Folder, "docs/guide/"));
        assert!(has(Kind::OnlyFolder, "docs/") && has(Kind::OnlyEnding, ".md"));
        assert!(has(Kind::Count, "2 or 3 files"));
        let mixed = texts(&["docs/a.md", "src/a.rs", "Makefile"]);
        assert!(!mixed.iter().any(|(kind, _)| matches!(kind, Kind::OnlyFolder | Kind::OnlyEnding)));
    }

    #[test]
    fn a_change_of_ten_thousand_files_has_few_words() {
        let files: Vec<String> = (0..10_000).map(|at| format!("d{at}/e{at}/f{at}.x{at}")).collect();
        let change = PastChange { files, count: 10_000, ..PastChange::default() };
        assert!(words(&change, None).len() < 64);
    }

    #[test]
    fn strange_paths_are_words_like_others() {
        for file in ["", "/", "//", "a/", ".hidden", "ä/ö.ü", "a\u{0}b/c.", "\u{1F600}"] {
            assert!(
                words(&PastChange { files: vec![file.into()], ..PastChange::default() }, None).len() < 20
            );
        }
        assert_eq!((ending(".hidden"), ending("a/b.tar.gz"), ending("Makefile")), ("", ".gz", ""));
    }

    #[test]
    fn times_before_1970_and_at_the_end_of_all_are_days() {
        assert_eq!((day(Timestamp(0)), day(Timestamp(-1))), ("Thursday", "Wednesday"));
        for at in [i64::MIN, -1, i64::MAX] {
            assert!(hour(Timestamp(at)).starts_with("between") && day(Timestamp(at)).ends_with("day"));
        }
    }

    fn outcome(status: Status, reason: Option<&str>, mode: Mode) -> Outcome {
        let mut stage = run(0, "fix", &[], &[("unit", status, 5)]).stages.remove(0);
        stage.reason = reason.map(str::to_string);
        Outcome::of(&stage, mode)
    }

    #[test]
    fn what_nobody_asked_for_was_not_judged() {
        let skipped = |reason, mode| outcome(Status::Skipped, reason, mode).needed;
        assert_eq!(skipped(Some("`when` does not hold"), Mode::Full), Some(false));
        assert_eq!(skipped(Some("left out by --only a"), Mode::Full), None);
        assert_eq!(skipped(None, Mode::Recommended), None);
        assert_eq!(skipped(None, Mode::Part), None);
        assert_eq!(skipped(None, Mode::Control), Some(false));
    }

    #[test]
    fn only_what_ran_found_something_or_nothing() {
        let of = |status| outcome(status, None, Mode::Full).failed;
        assert_eq!(
            (of(Status::Succeeded), of(Status::Failed), of(Status::Warned)),
            (Some(false), Some(true), Some(true))
        );
        assert_eq!((of(Status::Reused), of(Status::Skipped), of(Status::Blocked)), (None, None, None));
        assert_eq!(outcome(Status::Blocked, None, Mode::Full), Outcome::default());
    }

    fn change(id: &str, number: usize, unit: Status) -> Past {
        let mut run = run(number, "fix", &["src/a.rs"], &[("unit", unit, 5)]);
        run.change.id = id.into();
        run
    }

    #[test]
    fn what_failed_later_in_the_same_change_was_needed() {
        let runs = [change("feat-1", 2, Status::Failed), change("feat-1", 1, Status::Skipped)];
        assert_eq!(needed_later(&runs), [vec![], vec!["unit".to_string()]]);
        let other = [change("feat-2", 2, Status::Failed), change("feat-1", 1, Status::Skipped)];
        assert_eq!(needed_later(&other), [Vec::<String>::new(), vec![]]);
        // Everything on `main` has its name; a failure before says nothing of what came after.
        let main = [change("main", 2, Status::Failed), change("main", 1, Status::Skipped)];
        assert_eq!(needed_later(&main), [Vec::<String>::new(), vec![]]);
        let before = [change("feat-1", 2, Status::Skipped), change("feat-1", 1, Status::Failed)];
        assert_eq!(needed_later(&before), [Vec::<String>::new(), vec![]]);
    }
}
