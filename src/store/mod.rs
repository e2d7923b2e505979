//! The journal and its projections in SQLite: the only place that names rusqlite. Decides nothing: it keeps what it is
//! told, in order, and gives it back. Does not know how an event came to be.

mod advice;
mod advised;
mod backup;
mod birth;
mod breaker;
mod claim;
pub mod error;
pub mod failure;
pub mod heal;
pub mod health;
pub mod history;
pub mod inbox;
pub mod journal;
pub mod lease;
mod lineage;
pub mod location;
pub mod lock;
pub mod past;
mod place;
mod project;
pub mod repair;
mod resolve;
pub mod result;
mod salvage;
mod schema;
pub mod upkeep;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use crate::base::Timestamp;
use crate::event::{Record, RunId};
use crate::history::Change;
use crate::port::Message;

pub use claim::StoreCommons;
pub use error::StoreError;
pub use inbox::StoreInbox;
pub use journal::StoreJournal;
pub use location::state_dir;
pub use lock::{Held, RunLock};
pub use place::suitable;
pub use result::StoreResults;

/// How long a writer waits for another process's transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);
const DATABASE: &str = "state.db";
/// A write-ahead log shorter than this stays when the program ends: reading it back costs the next one less than two
/// syncs cost this one.
const SHORT_LOG: u64 = 1 << 20;
/// Pages of the log from which on a commit takes it into the database.
const LONG_LOG: std::ffi::c_int = 4000;

/// One project's state: the database, the run locks and the logs beside it.
///
/// A clone-free handle; journals and inboxes made from it share its one connection.
pub struct Store {
    dir: PathBuf,
    db: Db,
}

/// The connection, shared by the store and the journals and inboxes made from it.
pub(crate) type Db = Arc<Mutex<Connection>>;

/// A node as it is first stored with its run.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// `unit[shard=2]`.
    pub key: String,
    /// `unit`.
    pub stage: String,
    pub number: Option<u32>,
    /// `stage` or `gate`.
    pub kind: String,
}

/// What is stored when a run is made, before its first event.
pub struct NewRun<'a> {
    pub id: &'a RunId,
    pub lane: &'a str,
    pub plan_json: &'a str,
    pub nodes: &'a [NewNode],
    pub change: &'a Change,
    pub params: &'a BTreeMap<String, String>,
    pub at: Timestamp,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl Drop for Store {
    /// What must be on the disk is there already, by the last barrier.
    fn drop(&mut self) {
        let log = self.dir.join(format!("{DATABASE}-wal"));
        let short = std::fs::metadata(log).is_ok_and(|log| log.len() < SHORT_LOG);
        let conn = self.conn();
        // A journal that failed has set it: nothing may be synced again.
        if short || conn.db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE) != Ok(false) {
            let _ = conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        } else if conn.is_readonly("main") == Ok(false) {
            lineage::expect_no_log(&self.path());
        }
    }
}

impl Store {
    /// Opens the state in `dir`, making folder and database if they are not there.
    pub fn open(dir: &Path) -> Result<Store, StoreError> {
        let made = place::prepare(dir)?;
        let path = dir.join(DATABASE);
        lineage::check_files(&path)?;
        lineage::expect_new_log(&path)?;
        birth::make(&path)?;
        place::prepare_file(&path)?;
        // Cheap once the database in them was synced.
        made.iter().for_each(|folder| place::sync_parent(folder));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut conn =
            Connection::open_with_flags(&path, flags).map_err(|e| StoreError::sqlite(&e, &path))?;
        let opened = configure(&mut conn)
            .and_then(|()| schema::migrate(&mut conn, &path))
            .and_then(|()| lineage::check_row(&conn, &path));
        opened.map_err(|e| e.at(&path))?;
        Ok(Store { dir: dir.to_path_buf(), db: Arc::new(Mutex::new(conn)) })
    }

    /// Opens the state for reading only; `None` when there is none yet.
    pub fn open_existing_read_only(dir: &Path) -> Result<Option<Store>, StoreError> {
        let path = dir.join(DATABASE);
        lineage::check_files(&path)?;
        if !path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&path, flags).map_err(|e| StoreError::sqlite(&e, &path))?;
        conn.busy_timeout(BUSY_TIMEOUT).map_err(|e| StoreError::sqlite(&e, &path))?;
        match schema::require_current(&conn, &path).map_err(|e| e.at(&path))? {
            schema::Found::Current => {
                lineage::check_row(&conn, &path)?;
                Ok(Some(Store { dir: dir.to_path_buf(), db: Arc::new(Mutex::new(conn)) }))
            }
            schema::Found::Empty => Ok(None),
            // An older one is brought up to date, which needs writing.
            schema::Found::Older => Store::open(dir).map(Some),
        }
    }

    /// The state folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Folder of a run's logs; made by whoever writes the first one.
    pub fn log_dir(&self, run: &RunId) -> PathBuf {
        self.dir.join("logs").join(&run.0)
    }

    /// Where the log of one attempt lies: names that hold `/` or are too long for a file are hashed.
    pub fn log_path(&self, run: &RunId, key: &str, attempt: u32) -> PathBuf {
        self.log_dir(run).join(format!("{}.{attempt}.log", place::file_name(key)))
    }

    /// Stores a new run with its plan and nodes in one transaction. The first `Disk` commit makes it durable too.
    pub fn create_run(&self, new: &NewRun<'_>) -> Result<(), StoreError> {
        self.write(|tx| {
            let change = json(new.change);
            tx.prepare_cached(
                "INSERT INTO run(id, lane, status, started, change_type, change, params) \
                 VALUES (?1, ?2, 'running', ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                new.id.0,
                new.lane,
                new.at.0,
                new.change.kind,
                change,
                json(new.params)
            ])?;
            let run = tx.last_insert_rowid();
            tx.execute("INSERT INTO plan(run, json) VALUES (?1, ?2)", params![run, new.plan_json])?;
            let mut insert = tx.prepare_cached(
                "INSERT INTO node(run, idx, key, stage, number, kind) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for (index, node) in new.nodes.iter().enumerate() {
                insert.execute(params![run, index as i64, node.key, node.stage, node.number, node.kind])?;
            }
            Ok(())
        })
    }

    /// The journal of one run. Only the holder of the run's lock may commit to it.
    pub fn journal(&self, run: &RunId) -> Result<StoreJournal, StoreError> {
        StoreJournal::open(self.db.clone(), self.path(), self.run_row(run)?)
    }

    /// What other commands leave for the engine that owns the run.
    pub fn inbox(&self, run: &RunId) -> Result<StoreInbox, StoreError> {
        Ok(StoreInbox::new(self.db.clone(), self.run_row(run)?))
    }

    /// Results that runs share.
    pub fn results(&self) -> StoreResults {
        StoreResults::new(self.db.clone(), self.path())
    }

    /// Leaves a message for the run's engine; on the disk when this returns.
    pub fn post_message(&self, run: &RunId, message: &Message) -> Result<(), StoreError> {
        let row = self.run_row(run)?;
        inbox::post(&self.conn(), row, message).map_err(|e| self.error(&e))
    }

    /// Replaces what was recorded of the change (the run was adopted with another one).
    pub fn set_change(&self, run: &RunId, change: &Change) -> Result<(), StoreError> {
        let row = self.run_row(run)?;
        self.write(|tx| {
            tx.execute(
                "UPDATE run SET change_type = ?2, change = ?3 WHERE num = ?1",
                params![row, change.kind, json(change)],
            )?;
            Ok(())
        })
    }

    /// Replaces the stored plan: `resume --adopt`.
    pub fn replace_plan(&self, run: &RunId, plan_json: &str) -> Result<(), StoreError> {
        let row = self.run_row(run)?;
        self.write(|tx| {
            tx.execute("UPDATE plan SET json = ?2 WHERE run = ?1", params![row, plan_json])?;
            Ok(())
        })
    }

    /// The plan stored with a run.
    pub fn load_plan(&self, run: &RunId) -> Result<Option<String>, StoreError> {
        self.conn()
            .query_row(
                "SELECT plan.json FROM plan JOIN run ON run.num = plan.run WHERE run.id = ?1",
                [&run.0],
                |row| row.get(0),
            )
            .optional()
            .map_err(|e| self.error(&e))
    }

    /// All events of a run in order.
    pub fn events(&self, run: &RunId) -> Result<Vec<Record>, StoreError> {
        journal::events(&self.conn(), &run.0).map_err(|e| e.at(&self.path()))
    }

    /// Forgets every projection of the run and works it out again from the events.
    pub fn rebuild(&self, run: &RunId) -> Result<(), StoreError> {
        let row = self.run_row(run)?;
        let records = self.events(run)?;
        self.write(|tx| project::rebuild(tx, row, &records))
    }

    /// Number of the schema's steps that the database has taken; none where it cannot be read.
    pub fn schema_version(&self) -> Option<usize> {
        schema::version(&self.conn()).ok()
    }

    /// What is wrong with the database file itself; empty when it is sound. Reads all of it.
    pub fn verify(&self) -> Result<Vec<String>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut check = conn.prepare("PRAGMA integrity_check(20)")?;
            let lines = check.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            Ok(lines.into_iter().filter(|line| line != "ok").collect())
        };
        read().map_err(|e| self.error(&e))
    }

    /// Takes the run for this process, until the lock is dropped or the process ends.
    pub fn acquire(&self, run: &RunId) -> Result<RunLock, lock::AcquireError> {
        lock::acquire(&self.dir, run)
    }

    /// Whether a living engine has the run.
    pub fn is_live(&self, run: &RunId) -> bool {
        lock::is_live(&self.dir, &run.0)
    }

    /// Deletes a run and all that is stored of it, logs included. The caller holds its lock.
    pub fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        let row = self.run_row(run)?;
        self.write(|tx| {
            failure::keep_evidence(tx, row)?;
            past::keep(tx, row)?;
            for table in ["event", "attempt", "node", "plan", "message", "lease", "waiter", "result", "kept"]
            {
                tx.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [row])?;
            }
            tx.execute("DELETE FROM run WHERE num = ?1", [row])?;
            Ok(())
        })?;
        // Files without a row are harmless: a failure here must not bring the row back.
        let _ = std::fs::remove_dir_all(self.log_dir(run));
        let _ = std::fs::remove_file(lock::path(&self.dir, &run.0));
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.dir.join(DATABASE)
    }

    fn conn(&self) -> MutexGuard<'_, Connection> {
        locked(&self.db)
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::sqlite(error, &self.path())
    }

    /// The row number of a run that must exist.
    fn run_row(&self, run: &RunId) -> Result<i64, StoreError> {
        let found = self
            .conn()
            .query_row("SELECT num FROM run WHERE id = ?1", [&run.0], |row| row.get(0))
            .optional()
            .map_err(|e| self.error(&e))?;
        found.ok_or_else(|| resolve::unknown_run(&run.0, &[]))
    }

    /// One `BEGIN IMMEDIATE` transaction: a deferred one could fail half-way when it turns from reader to writer.
    fn write<T>(
        &self,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut conn = self.conn();
        let run = || -> rusqlite::Result<T> {
            let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let value = work(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|e| self.error(&e))
    }
}

/// The connection, also when a thread that held it panicked: SQLite rolled its transaction back.
pub(crate) fn locked(db: &Db) -> MutexGuard<'_, Connection> {
    db.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn configure(conn: &mut Connection) -> Result<(), StoreError> {
    let mut set = || -> rusqlite::Result<String> {
        conn.busy_timeout(BUSY_TIMEOUT)?;
        conn.set_prepared_statement_cache_capacity(64);
        conn.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; \
             PRAGMA journal_size_limit = 67108864;",
        )?;
        conn.wal_hook(Some(take_in_the_log))?;
        conn.execute_batch(inbox::HANDED_OUT)?;
        write_ahead(conn)
    };
    let mode = set().map_err(|e| StoreError::sqlite(&e, Path::new(DATABASE)))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(StoreError::new(
        format!("the state database cannot use a write-ahead log here (it stays in mode `{mode}`)"),
        "set WFL_STATE_DIR to a folder on a local disk",
    ))
}

/// SQLite would do the same by itself, but keep a failure to itself, too, and sync once more at the next commit.
fn take_in_the_log(log: &mut rusqlite::hooks::Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    if pages < LONG_LOG {
        return Ok(());
    }
    match log.checkpoint() {
        Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => Ok(()),
        taken => taken,
    }
}

/// Asks for a write-ahead log; the mode that came of it. The answer comes before the change is on the disk, so the
/// statement is carried to its end: only there would it say that it failed.
fn write_ahead(conn: &Connection) -> rusqlite::Result<String> {
    let mut set = conn.prepare("PRAGMA journal_mode = WAL")?;
    let modes: Vec<String> = set.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(modes.into_iter().next_back().unwrap_or_default())
}

/// Plain data of our own always becomes JSON; were it not to, an empty object is stored.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".into())
}
