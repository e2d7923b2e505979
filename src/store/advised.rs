//! What runs were advised to leave out, and what was done with that: one row a run, which outlives the run's own records
//! so that the advice can be held against what came. Judges nothing.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::Store;
use super::error::StoreError;
use crate::base::Timestamp;
use crate::event::{Advised, RunId};
use crate::history::RunAdvised;

/// Rows that are kept; the oldest go first.
const MOST: i64 = 100_000;

/// Writes the row of a run that begins. Another telling of the same run takes its place.
pub(super) fn taken(conn: &Connection, run: i64, at: Timestamp, advised: &Advised) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT OR REPLACE INTO advised(id, lane, at, data) SELECT id, lane, ?2, ?3 FROM run WHERE num = ?1",
        params![run, at.0, super::json(advised)],
    )?;
    let count: i64 = conn.query_row("SELECT count(*) FROM advised", [], |row| row.get(0))?;
    if count > MOST {
        conn.execute(
            "DELETE FROM advised WHERE id IN (SELECT id FROM advised ORDER BY at LIMIT ?1)",
            [count - MOST],
        )?;
    }
    Ok(())
}

/// Those of the runs `which` selects by number that ran all of it because the draw said so.
pub(super) fn controls(conn: &Connection, which: &str) -> rusqlite::Result<BTreeSet<String>> {
    let mut select = conn.prepare(&format!(
        "SELECT run.id FROM run JOIN advised ON advised.id = run.id WHERE num IN ({which}) \
         AND json_valid(data) AND json_extract(data, '$.course') = 'control'"
    ))?;
    select.query_map([], |row| row.get(0))?.collect()
}

impl Store {
    /// What runs were advised, oldest first. A row that cannot be read is left out: it is no evidence.
    pub fn advised(&self) -> Result<Vec<RunAdvised>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<RunAdvised>> {
            let mut select = conn.prepare("SELECT id, lane, at, data FROM advised ORDER BY at, id")?;
            let rows = select.query_map([], |row| {
                let fields: (String, String, i64, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                Ok(fields)
            })?;
            let one = |(id, lane, at, data): (String, String, i64, String)| {
                let advised = serde_json::from_str(&data).ok()?;
                Some(RunAdvised { run: RunId(id), lane, at: Timestamp(at), advised })
            };
            Ok(rows.filter_map(|row| row.ok().and_then(one)).collect())
        };
        read().map_err(|e| self.error(&e))
    }
}
