//! A copy of the database beside it, at most once a day, for the day on which the database is damaged; and the check
//! that finds such damage. Restores nothing by itself: a person decides which of the two is to be believed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::error::StoreError;
use super::{Store, place};
use crate::base::Timestamp;
use crate::event::RunId;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// A larger database is not copied: the copy would take longer than people wait at the end of a run.
const LARGEST: u64 = 256 << 20;
/// Among the locks of runs; no run is called so.
pub(super) const LOCK: &str = "backup";

pub(super) fn path(database: &Path) -> PathBuf {
    database.with_file_name("backup.db")
}

/// When the copy was made.
pub(super) fn made(database: &Path) -> Option<Timestamp> {
    let at = fs::metadata(path(database)).ok()?.modified().ok()?;
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp(since.as_millis().min(i64::MAX as u128) as i64))
}

impl Store {
    /// Copies the database when the last copy, or without one the oldest run, is older than a day. The database is
    /// checked first: a damaged one never takes the place of a sound copy.
    pub fn back_up_if_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let database = self.path();
        let size = fs::metadata(&database).map_or(0, |meta| meta.len());
        if size > LARGEST || !self.backup_is_due(now)? {
            return Ok(false);
        }
        // Whoever else ends a run just now makes the same copy; what a killed one left is overwritten.
        let Ok(_alone) = self.acquire(&RunId(LOCK.into())) else { return Ok(false) };
        self.require_sound()?;
        let (fresh, to) = (database.with_file_name("backup.new"), path(&database));
        let copied = self.copy_to(&fresh).and_then(|()| {
            fs::rename(&fresh, &to).map_err(|e| StoreError::io(&e, "cannot write the copy of the state", &to))
        });
        if copied.is_err() {
            let _ = fs::remove_file(&fresh);
        }
        place::sync_parent(&to);
        copied.map(|()| true)
    }

    /// Refuses a database whose pages contradict each other. Reads all of it.
    pub fn require_sound(&self) -> Result<(), StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut check = conn.prepare("PRAGMA quick_check(1)")?;
            check.query_map([], |row| row.get(0))?.collect()
        };
        match read().map_err(|e| self.error(&e))?.into_iter().find(|line| line != "ok") {
            None => Ok(()),
            Some(found) => Err(StoreError::damaged(&self.path(), &found)),
        }
    }

    fn backup_is_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let oldest = || -> Result<Option<i64>, StoreError> {
            let read = self.conn().query_row("SELECT min(started) FROM run", [], |row| row.get(0));
            read.map_err(|e| self.error(&e))
        };
        let since = match made(&self.path()) {
            Some(at) => Some(at.0),
            None => oldest()?,
        };
        Ok(since.is_some_and(|since| now.0.saturating_sub(since) > DAY.as_millis() as i64))
    }

    fn copy_to(&self, fresh: &Path) -> Result<(), StoreError> {
        let _ = fs::remove_file(fresh);
        place::prepare_file(fresh)?;
        let copied = self.conn().execute("VACUUM INTO ?1", [fresh.display().to_string()]);
        copied.map_err(|e| self.error(&e))?;
        File::open(fresh)
            .and_then(|file| file.sync_all())
            .map_err(|e| StoreError::io(&e, "cannot write the copy of the state", fresh))
    }
}
