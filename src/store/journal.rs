//! Commits of one run's events: numbered without gaps, with their projections, in one transaction each. After a
//! failed commit nothing more is accepted, for what the disk holds is then not known. Decides no event.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, params};

use super::error::StoreError;
use super::{Db, breaker, inbox, lease, lineage, locked, project};
use crate::base::Timestamp;
use crate::event::{Event, Record, RunStatus};
use crate::port::{Durability, Journal, StateUnsafe};

/// The journal of one run.
pub struct StoreJournal {
    db: Db,
    path: PathBuf,
    run: i64,
    next: u64,
    /// Device and number of the database file: another file under that name is not our state.
    file: (u64, u64),
    /// The same of its log, known from the first commit on.
    log: Option<(u64, u64)>,
    /// How far the database had come when the run ended; to be remembered once that is on the disk.
    epoch: Option<i64>,
    failed: Option<StateUnsafe>,
}

impl StoreJournal {
    pub(super) fn open(db: Db, path: PathBuf, run: i64) -> Result<Self, StoreError> {
        let last: i64 = locked(&db)
            .query_row("SELECT coalesce(max(seq), 0) FROM event WHERE run = ?1", [run], |row| row.get(0))
            .map_err(|e| StoreError::sqlite(&e, &path))?;
        let file = identity(&path).unwrap_or_default();
        Ok(StoreJournal { db, path, run, next: last as u64 + 1, file, log: None, epoch: None, failed: None })
    }

    fn still_there(&self) -> Result<(), StateUnsafe> {
        let log = lineage::log_path(&self.path);
        let gone = match identity(&self.path) == Some(self.file) {
            false => &self.path,
            true if self.log.is_some() && identity(&log) != self.log => &log,
            true => return Ok(()),
        };
        Err(StateUnsafe {
            message: format!("the state database {} was removed or replaced while the run went on", gone.display()),
            help: "what was recorded in it is gone unless a copy exists; look at what ran last before running again"
                .into(),
        })
    }

    fn write(&mut self, records: &[Record], d: Durability) -> Result<(), StateUnsafe> {
        let db = self.db.clone();
        let conn = locked(&db);
        let unsafe_state = |e: rusqlite::Error| self.unsafe_state(&e);
        if d == Durability::Disk {
            // Outside a transaction this takes effect at once; it syncs the whole log, earlier commits included.
            conn.execute_batch("PRAGMA synchronous = FULL").map_err(unsafe_state)?;
        }
        let committed = transaction(&conn, self.run, records, d);
        if committed.is_err() {
            let _ = conn.execute_batch("ROLLBACK");
        }
        if d == Durability::Disk {
            conn.execute_batch("PRAGMA synchronous = NORMAL").map_err(unsafe_state)?;
        }
        let counted = committed.map_err(unsafe_state)?;
        self.epoch = counted.filter(|_| closes(records)).or(self.epoch);
        if d == Durability::Disk
            && let Some(epoch) = self.epoch.take()
        {
            lineage::remember(&conn, &self.path, epoch);
        }
        Ok(())
    }

    fn unsafe_state(&self, error: &rusqlite::Error) -> StateUnsafe {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) {
            return StateUnsafe {
                message: "another program wrote to this run's journal".into(),
                help: "only one engine may run it: end the other, then `wfl resume`".into(),
            };
        }
        StoreError::sqlite(error, &self.path).into()
    }
}

impl Journal for StoreJournal {
    fn commit(&mut self, at: Timestamp, events: &[Event], d: Durability) -> Result<Vec<Record>, StateUnsafe> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let numbered = events.iter().zip(self.next..);
        let records: Vec<Record> =
            numbered.map(|(event, seq)| Record { seq, at, event: event.clone() }).collect();
        // Looked at before: a commit into a file that nobody can find would be acknowledged and lost.
        match self.still_there().and_then(|()| self.write(&records, d)) {
            Ok(()) => {
                self.next += records.len() as u64;
                self.log = self.log.or_else(|| identity(&lineage::log_path(&self.path)));
                Ok(records)
            }
            Err(failed) => {
                // Closing would sync once more, and be told that all is well.
                let conn = locked(&self.db);
                let _ = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
                drop(conn);
                self.failed = Some(failed.clone());
                Err(failed)
            }
        }
    }
}

fn closes(records: &[Record]) -> bool {
    records.iter().any(|record| matches!(record.event, Event::RunFinished { .. }))
}

/// How far the database has come, when a session was opened or closed.
fn transaction(
    conn: &Connection,
    run: i64,
    records: &[Record],
    d: Durability,
) -> rusqlite::Result<Option<i64>> {
    let mut epoch = None;
    conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for record in records {
        let data = serde_json::to_string(&record.event)
            .map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        conn.prepare_cached("INSERT INTO event(run, seq, at, data) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![run, record.seq as i64, record.at.0, data])?;
        project::apply(conn, run, record)?;
        inbox::settle(conn, run, &record.event)?;
        lease::settle(conn, run, record)?;
        breaker::settle(conn, run, record)?;
        if matches!(
            record.event,
            Event::RunStarted { .. } | Event::RunResumed { .. } | Event::RunFinished { .. }
        ) {
            epoch = Some(lineage::count(conn)?);
        }
    }
    if records.is_empty() && d == Durability::Disk {
        // A barrier alone: a transaction that writes nothing would sync nothing.
        conn.prepare_cached("UPDATE run SET barriers = barriers + 1 WHERE num = ?1")?.execute([run])?;
    }
    conn.prepare_cached("COMMIT")?.execute([])?;
    Ok(epoch)
}

/// The events of a run in order. One that cannot be read is an error: resume must not guess.
pub(super) fn events(conn: &Connection, run: &str) -> Result<Vec<Record>, StoreError> {
    let here = Path::new(super::DATABASE);
    let sql =
        "SELECT seq, at, data FROM event JOIN run ON run.num = event.run WHERE run.id = ?1 ORDER BY seq";
    let read = || -> rusqlite::Result<Vec<(i64, i64, String)>> {
        let mut select = conn.prepare_cached(sql)?;
        select.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
    };
    let rows = read().map_err(|e| StoreError::sqlite(&e, here))?;
    rows.into_iter().map(|(seq, at, data)| parsed(seq, at, &data)).collect()
}

/// Stands where the rest of a run is missing, so that nobody takes it for all.
pub(super) const LOST: &str = r#"{"type":"state.lost"}"#;

/// After such an end nothing of the run can have begun.
pub(super) fn ended_for_good(event: &Event) -> bool {
    matches!(event, Event::RunFinished { status: RunStatus::Succeeded | RunStatus::RolledBack, .. })
}

fn parsed(seq: i64, at: i64, data: &str) -> Result<Record, StoreError> {
    if data == LOST {
        return Err(StoreError::new(
            format!(
                "what the run did after its event {} cannot be read: it was lost when the state was damaged",
                seq - 1
            ),
            "a stage that must run only once may have begun since: look at its logs (`wfl logs`), then start a new run",
        ));
    }
    let event = serde_json::from_str(data).map_err(|e| {
        StoreError::new(
            format!("event {seq} of the run cannot be read: {e}"),
            "it was written by another version of wfl, or the database is damaged: `wfl doctor` checks it",
        )
    })?;
    Ok(Record { seq: seq as u64, at: Timestamp(at), event })
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}
