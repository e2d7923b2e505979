//! What dead runs left in the database, and rows that cannot be true: found, and put right from the events. Never
//! touches a run that lives, nor what a stage keeps until it is resolved.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension};

use super::{Store, StoreError, journal, lease, lock, project};
use crate::base::Timestamp;
use crate::event::RunId;

/// What is wrong with the rows of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Poisoned {
    pub run: String,
    pub what: String,
    /// Its rows can be worked out again from its events, which are all there.
    pub rebuilds: bool,
}

/// Runs that were looked at, newest first, until the time was over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    pub runs: usize,
    pub of: usize,
    pub poisoned: Vec<Poisoned>,
}

impl Store {
    /// When the last event was recorded.
    pub fn last_event(&self) -> Result<Option<Timestamp>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Option<i64>> {
            let newest: Option<i64> =
                conn.query_row("SELECT max(num) FROM run", [], |row| row.get(0)).optional()?.flatten();
            conn.query_row("SELECT max(at) FROM event WHERE run = ?1", [newest], |row| row.get(0))
        };
        read().map(|at| at.map(Timestamp)).map_err(|e| self.error(&e))
    }

    /// Runs that hold a lock or a place in line, and have no living engine; not those whose stages must be resolved.
    pub fn dead_holders(&self) -> Result<Vec<String>, StoreError> {
        let conn = self.conn();
        let found = dead(&conn, self).map_err(|e| self.error(&e))?;
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// Gives back what dead runs hold, but for what a stage keeps until it is resolved; whose it was.
    pub fn release_dead(&self) -> Result<Vec<String>, StoreError> {
        let found = dead(&self.conn(), self).map_err(|e| self.error(&e))?;
        let mut released = Vec::new();
        for (number, id) in found {
            // Proved dead until it is done: nobody takes the run up meanwhile.
            let Some(_dead) = lock::prove_dead(&self.dir, &id) else { continue };
            self.write(|tx| lease::clear(tx, number))?;
            released.push(id);
        }
        Ok(released)
    }

    /// Compares the rows of the newest runs with what their events say.
    pub fn poisoned(&self, budget: Duration) -> Result<Looked, StoreError> {
        let until = Instant::now() + budget;
        let mut conn = self.conn();
        let runs = runs(&conn).map_err(|e| self.error(&e))?;
        let mut looked = Looked { of: runs.len(), ..Looked::default() };
        for (number, id) in runs {
            if Instant::now() >= until {
                break;
            }
            looked.runs += 1;
            // What an engine writes just now is not to be waited for.
            if !lock::is_live(&self.dir, &id) {
                let found = poison(&mut conn, number, &id).map_err(|e| self.error(&e))?;
                looked.poisoned.extend(found);
            }
        }
        Ok(looked)
    }

    /// Folders of logs whose run is not recorded.
    pub fn orphaned_logs(&self) -> Result<Vec<String>, StoreError> {
        let known: BTreeSet<String> = {
            let conn = self.conn();
            runs(&conn).map_err(|e| self.error(&e))?.into_iter().map(|(_, id)| id).collect()
        };
        let entries = std::fs::read_dir(self.dir.join("logs")).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        let mut gone: Vec<String> = names.filter(|name| !known.contains(name)).collect();
        gone.sort();
        Ok(gone)
    }

    /// Whether a living engine has any run of the project; its id.
    pub fn living(&self) -> Result<Vec<RunId>, StoreError> {
        let runs = runs(&self.conn()).map_err(|e| self.error(&e))?;
        let live = runs.into_iter().filter(|(_, id)| lock::is_live(&self.dir, id));
        Ok(live.map(|(_, id)| RunId(id)).collect())
    }
}

/// Newest first. A run whose id cannot be read is nobody's to name.
fn runs(conn: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut select = conn.prepare_cached("SELECT num, id FROM run ORDER BY num DESC")?;
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.filter_map(Result::ok).collect())
}

fn dead(conn: &Connection, store: &Store) -> rusqlite::Result<Vec<(i64, String)>> {
    let held = lease::loose(conn)?;
    let mut found: Vec<(i64, String)> = runs(conn)?;
    found.retain(|(number, id)| held.contains(number) && !lock::is_live(&store.dir, id));
    Ok(found)
}

fn poison(conn: &mut Connection, run: i64, id: &str) -> rusqlite::Result<Option<Poisoned>> {
    let poisoned = |what: String, rebuilds| Some(Poisoned { run: id.to_owned(), what, rebuilds });
    let plan: Option<bool> = conn
        .query_row("SELECT json_valid(json) FROM plan WHERE run = ?1", [run], |row| row.get(0))
        .optional()?;
    match plan {
        None => return Ok(poisoned("it has no plan".into(), false)),
        Some(false) => return Ok(poisoned("its plan cannot be read".into(), false)),
        Some(true) => {}
    }
    let records = match journal::events(conn, id) {
        Ok(records) => records,
        Err(error) => return Ok(poisoned(error.message, false)),
    };
    let tx = conn.transaction()?;
    let before = rows(&tx, run);
    project::rebuild(&tx, run, &records)?;
    let after = rows(&tx, run);
    // Looked at only: nothing of it stays.
    tx.rollback()?;
    Ok(match (before, after) {
        (Some(before), Some(after)) if before == after => None,
        _ => poisoned("its rows contradict its events".into(), true),
    })
}

/// What is shown of a run, as one text; none where it cannot be read.
fn rows(conn: &Connection, run: i64) -> Option<String> {
    let parts = [
        "SELECT group_concat(quote(status) || quote(finished) || quote(exit) || quote(cause), ';') FROM run \
         WHERE num = ?1",
        "SELECT group_concat(idx || quote(status) || quote(reason) || quote(attempt) || quote(started) || \
         quote(finished) || quote(duration_ms) || quote(outputs) || quote(measures), ';') FROM node WHERE run = ?1",
        "SELECT group_concat(node || '.' || attempt || quote(started) || quote(status) || quote(exit) || \
         quote(error) || quote(duration_ms), ';') FROM attempt WHERE run = ?1",
    ];
    let read = |sql: &&str| {
        conn.query_row(sql, [run], |row| row.get::<_, Option<String>>(0)).map(Option::unwrap_or_default)
    };
    parts.iter().map(read).collect::<Result<Vec<_>, _>>().ok().map(|parts| parts.join("|"))
}
