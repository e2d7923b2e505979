//! Free disk where a stage would write: below a floor it is better not to begin. Frees nothing.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::port::AttemptSpec;

/// What must be free before a stage begins; of a small file system, its twentieth part.
pub const FLOOR: u64 = 50_000_000;
const PART: u64 = 20;

/// How long it is believed that there is enough.
const BELIEVED: Duration = Duration::from_millis(200);

/// Remembers for a moment that there was enough, so that many small stages do not ask again and again.
#[derive(Debug, Default)]
pub(super) struct Watch {
    enough: Mutex<Option<Instant>>,
}

impl Watch {
    pub(super) fn short(&self, spec: &AttemptSpec) -> Option<Short> {
        let own = spec.env.iter().any(|(name, _)| name == "TMPDIR");
        let mut enough = self.enough.lock().unwrap_or_else(PoisonError::into_inner);
        if !own && enough.is_some_and(|at| at.elapsed() < BELIEVED) {
            return None;
        }
        let short = short(spec);
        *enough = short.is_none().then(Instant::now);
        short
    }
}

/// A place, and what it has too little of.
#[derive(Clone, Debug, PartialEq)]
pub struct Short {
    pub place: PathBuf,
    pub what: &'static str,
    pub free: u64,
    pub needed: u64,
}

impl Short {
    /// One line for a person; rules match it.
    pub fn words(&self) -> String {
        let (free, needed) = (megabytes(self.free), megabytes(self.needed));
        format!("disk full: {free} free on {} ({}), {needed} are needed", self.place.display(), self.what)
    }
}

/// The first of the places that an attempt writes to where less is free than it should be: the project, the state, the
/// folder for temporary files.
fn short(spec: &AttemptSpec) -> Option<Short> {
    let own = spec.env.iter().rev().find(|(name, _)| name == "TMPDIR").map(|(_, value)| PathBuf::from(value));
    // The log lies in a folder of its run, in one of all logs, in the state.
    let state = spec.log.as_deref().and_then(|log| log.ancestors().nth(3));
    short_at(&spec.root, "the project")
        .or_else(|| short_at(state?, "the state"))
        .or_else(|| short_at(&own.unwrap_or_else(std::env::temp_dir), "temporary files"))
}

/// Nothing where it cannot be told.
pub fn short_at(place: &Path, what: &'static str) -> Option<Short> {
    let (free, all) = free(place)?;
    let needed = FLOOR.min(all / PART);
    (free < needed).then(|| Short { place: place.to_owned(), what, free, needed })
}

/// Bytes that this user may still write, and how many the file system has.
pub fn free(place: &Path) -> Option<(u64, u64)> {
    let stat = rustix::fs::statvfs(place).ok()?;
    // Some made-up file systems have no blocks at all.
    (stat.f_blocks > 0)
        .then(|| (stat.f_bavail.saturating_mul(stat.f_frsize), stat.f_blocks.saturating_mul(stat.f_frsize)))
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_where_and_how_much() {
        let short = Short { place: "/srv/x".into(), what: "the project", free: 12_300_000, needed: FLOOR };
        assert_eq!(short.words(), "disk full: 12 MB free on /srv/x (the project), 50 MB are needed");
        assert!(free(Path::new("/nowhere/at/all")).is_none());
    }
}
