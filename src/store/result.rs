//! Results that runs share: rows that follow from the events, one a key, and the files of which copies are kept. A row
//! belongs to the run that recorded it last and goes with that run. Compares no key and reads no file.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::{Db, locked};
use crate::base::Timestamp;
use crate::event::{Files, Keyed, NodeIndex, RunId};
use crate::port::Stored;

/// Looks results up.
pub struct StoreResults {
    db: Db,
    path: PathBuf,
}

const OF_KEY: &str = "SELECT run.id, result.data, result.files, result.revoked FROM result \
                      JOIN run ON run.num = result.run WHERE key = ?1";
const NEWEST: &str = "SELECT run.id, result.data, result.files, result.revoked FROM result \
                      JOIN run ON run.num = result.run WHERE stage = ?1 ORDER BY at DESC, result.num DESC LIMIT 1";

impl StoreResults {
    pub(super) fn new(db: Db, path: PathBuf) -> Self {
        StoreResults { db, path }
    }

    /// The result under the key, and the newest of the stage.
    pub fn find(&self, stage: &str, key: &str) -> Result<(Option<Stored>, Option<Stored>), StoreError> {
        let conn = locked(&self.db);
        let find = || -> rusqlite::Result<(Option<Stored>, Option<Stored>)> {
            let (mut same, mut newest) = (conn.prepare_cached(OF_KEY)?, conn.prepare_cached(NEWEST)?);
            let same = same.query_row([key], stored).optional()?.flatten();
            Ok((same, newest.query_row([stage], stored).optional()?.flatten()))
        };
        find().map_err(|e| StoreError::sqlite(&e, &self.path))
    }

    /// Contents of which a copy is still wanted.
    pub fn kept(&self, now: Timestamp) -> Result<BTreeSet<String>, StoreError> {
        let conn = locked(&self.db);
        let kept = || -> rusqlite::Result<BTreeSet<String>> {
            let mut select = conn.prepare_cached("SELECT DISTINCT hash FROM kept WHERE until > ?1")?;
            select.query_map([now.0], |row| row.get(0))?.collect()
        };
        kept().map_err(|e| StoreError::sqlite(&e, &self.path))
    }
}

/// A row that another version wrote in a form of its own is no result for this one.
fn stored(row: &Row<'_>) -> rusqlite::Result<Option<Stored>> {
    let (data, files): (String, String) = (row.get(1)?, row.get(2)?);
    let read = serde_json::from_str::<Keyed>(&data).ok().zip(serde_json::from_str::<Files>(&files).ok());
    let (run, revoked) = (RunId(row.get(0)?), row.get(3)?);
    Ok(read.map(|(keyed, files)| Stored { run, keyed, files, revoked }))
}

/// What a stage left, within the transaction of its event.
pub(super) fn recorded(
    conn: &Connection,
    (run, node, at): (i64, NodeIndex, Timestamp),
    files: &Files,
    result: Option<&Keyed>,
) -> rusqlite::Result<()> {
    for (path, mark) in files {
        let Some(until) = mark.kept else { continue };
        conn.prepare_cached(
            "INSERT OR REPLACE INTO kept(run, node, path, hash, until) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![run, node, path, mark.hash, until.0])?;
    }
    let Some(keyed) = result else { return Ok(()) };
    let stage = keyed.parts.get("stage").map_or("", String::as_str);
    // Two runs may record the same key: the later one stays. What was revoked stays so.
    conn.prepare_cached(
        "INSERT INTO result(key, stage, run, at, data, files) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT(key) DO UPDATE SET run = excluded.run, at = excluded.at, data = excluded.data, \
         files = excluded.files WHERE excluded.at >= result.at AND result.revoked IS NULL",
    )?
    .execute(params![keyed.key, stage, run, at.0, super::json(keyed), super::json(files)])?;
    Ok(())
}

pub(super) fn revoked(conn: &Connection, key: &str, reason: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE result SET revoked = ?2 WHERE key = ?1")?.execute([key, reason])?;
    Ok(())
}

pub(super) fn dropped(conn: &Connection, key: &str) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM result WHERE key = ?1")?.execute([key])?;
    Ok(())
}
