//! What the database is, looked at without changing anything: sound, damaged, gone, or another's. Decides which of these
//! can be healed; does not heal.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::{Kind, StoreError};
use super::{DATABASE, Store, backup, lineage, schema};
use crate::base::Timestamp;

/// How every SQLite database begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// What was found where the database should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// No run was ever recorded here.
    Absent,
    Sound,
    /// Its tables are of an earlier version; the next run brings them up to date.
    Older,
    /// Gone or damaged: set aside, and what can be had of it and of the copy takes its place.
    Broken(StoreError),
    /// Not ours to touch: a person must say what is true.
    Refused(StoreError),
}

/// The database and its copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub condition: Condition,
    pub path: PathBuf,
    pub bytes: u64,
    /// Of its write-ahead log.
    pub log_bytes: u64,
    /// When the copy was made.
    pub copy: Option<Timestamp>,
}

/// Looks at the database in the state folder. Reads all of it.
pub fn look(dir: &Path) -> Health {
    let path = dir.join(DATABASE);
    let size = |path: &Path| fs::metadata(path).map_or(0, |meta| meta.len());
    Health {
        bytes: size(&path),
        log_bytes: size(&lineage::log_path(&path)),
        copy: backup::made(&path),
        condition: condition(dir, &path),
        path,
    }
}

fn condition(dir: &Path, path: &Path) -> Condition {
    // Before SQLite has it open: closing a descriptor of ours would drop its locks.
    if let Some(what) = beginning(path) {
        return Condition::Broken(StoreError::damaged(path, what));
    }
    let opened = Store::open_existing_read_only(dir);
    match opened.and_then(|store| store.map(|store| deep(&store, path)).transpose()) {
        Ok(None) if fs::metadata(path).is_ok_and(|meta| meta.len() > 0) => Condition::Older,
        Ok(None) => Condition::Absent,
        Ok(Some(condition)) => condition,
        Err(error) => match error.kind {
            Kind::Damaged => Condition::Broken(error),
            Kind::Other => Condition::Refused(error),
        },
    }
}

/// What is wrong with a file that is no database at all.
fn beginning(path: &Path) -> Option<&'static str> {
    let mut header = [0; 16];
    let mut file = File::open(path).ok()?;
    match file.read(&mut header) {
        Ok(0) => None,
        Ok(read) if read == MAGIC.len() && &header == MAGIC => None,
        Ok(_) => Some("it does not begin as a database does"),
        Err(_) => None,
    }
}

fn deep(store: &Store, path: &Path) -> Result<Condition, StoreError> {
    store.require_sound()?;
    let conn = store.conn();
    schema::require_tables(&conn, path)?;
    Ok(Condition::Sound)
}

/// Whether the file at `path` is a database of ours without damage. Nothing is changed.
pub(super) fn is_sound(path: &Path) -> bool {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(conn) = Connection::open_with_flags(path, flags) else { return false };
    let check = || conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    matches!(schema::require_current(&conn, path), Ok(schema::Found::Current | schema::Found::Older))
        && check().is_ok_and(|line| line == "ok")
}
