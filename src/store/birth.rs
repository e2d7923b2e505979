//! A new database made whole under another name and then given its own: one sync instead of the four that SQLite needs to
//! make an empty file into a database with a write-ahead log. Does not know the tables.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;
use super::schema;

/// Where the file's header says how it is written and read, and what stands there for a write-ahead log.
const VERSIONS: (u64, [u8; 2]) = (18, [2, 2]);

/// Why a whole database could not be made.
enum Unmade {
    /// Opening an empty file does it the slow way and says what is wrong.
    Otherwise,
    /// A sync that failed is not tried again, on whichever file.
    Sync(io::Error),
}

/// Makes the database at `path` if nothing is there. Where that does not work, nothing is made; an error only if the disk
/// failed to keep it.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    // A log of another database must not be taken for the new one's.
    let left =
        ["", "-wal", "-journal", "-shm"].iter().any(|end| fs::symlink_metadata(with(path, end)).is_ok());
    if left {
        return Ok(());
    }
    let Some(temporary) = temporary(path) else { return Ok(()) };
    let made = whole(&temporary);
    if made.is_ok() {
        named(&temporary, path);
    }
    let _ = fs::remove_file(&temporary);
    match made {
        Err(Unmade::Sync(e)) => Err(StoreError::io(&e, "cannot sync the new state database", path)),
        Ok(()) | Err(Unmade::Otherwise) => Ok(()),
    }
}

fn with(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(end);
    PathBuf::from(name)
}

fn temporary(path: &Path) -> Option<PathBuf> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let temporary = with(path, &format!(".new-{}-{number}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).ok().map(|_| temporary)
}

/// Nobody else knows the file, so that it needs no journal; it is synced once, when SQLite has let go of it.
fn whole(path: &Path) -> Result<(), Unmade> {
    filled(path).map_err(|_| Unmade::Otherwise)?;
    let write = || -> io::Result<File> {
        let file = File::options().write(true).open(path)?;
        file.write_all_at(&VERSIONS.1, VERSIONS.0)?;
        Ok(file)
    };
    write().map_err(|_| Unmade::Otherwise)?.sync_all().map_err(Unmade::Sync)
}

fn filled(path: &Path) -> Result<(), StoreError> {
    let sqlite = |e: rusqlite::Error| StoreError::sqlite(&e, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;").map_err(sqlite)?;
    conn.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(())).map_err(sqlite)?;
    schema::migrate(&mut conn, path)?;
    conn.close().map_err(|(_, e)| sqlite(e))
}

/// A second name, which takes no other file's: another process may have been first, then its database is the one. The
/// folder is synced with the first barrier, for SQLite syncs it with the log it makes there.
fn named(from: &Path, to: &Path) -> bool {
    fs::hard_link(from, to).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> (String, i64) {
        let conn = Connection::open(path).unwrap();
        let mode = conn.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
        (mode, conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap())
    }

    #[test]
    fn a_new_one_has_its_tables_and_a_log_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        make(&path).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        let (mode, tables) = mode(&path);
        assert_eq!((mode.as_str(), tables > 5), ("wal", true));
    }

    #[test]
    fn nothing_is_made_over_or_beside_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        for end in ["", "-wal"] {
            fs::write(with(&path, end), "theirs").unwrap();
            make(&path).unwrap();
            assert_eq!(fs::read(with(&path, end)).unwrap(), b"theirs");
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
            fs::remove_file(with(&path, end)).unwrap();
        }
    }

    #[test]
    fn who_comes_second_leaves_the_first_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db");
        let mine = temporary(&path).unwrap();
        assert!(whole(&mine).is_ok());
        make(&path).unwrap();
        fs::write(&path, "first").unwrap();
        assert!(!named(&mine, &path));
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }
}
