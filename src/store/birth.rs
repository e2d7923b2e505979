//! A new database made whole under another name and moved into place: two syncs instead of the three that SQLite needs
//! to make an empty file into a database, and no journal. Does not know the tables.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::{Connection, OpenFlags};
use rustix::io::Errno;

use super::error::StoreError;
use super::{place, schema};

/// Where the file's header says how it is written and read, and what stands there for a write-ahead log.
const VERSIONS: (u64, [u8; 2]) = (18, [2, 2]);

/// Makes the database at `path` if nothing is there. Where files cannot be made or moved like this, nothing is made:
/// opening an empty file does it the slow way and says what is wrong. A sync that failed is an error, and is not tried
/// again in another way.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    // A log of another database must not be taken for the new one's.
    let left =
        ["", "-wal", "-journal", "-shm"].iter().any(|end| fs::symlink_metadata(with(path, end)).is_ok());
    if left {
        return Ok(());
    }
    let Some(temporary) = temporary(path) else { return Ok(()) };
    let made = whole(&temporary).and_then(|()| moved(&temporary, path));
    if !matches!(made, Ok(true)) {
        let _ = fs::remove_file(&temporary);
    }
    made.map(drop)
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
fn whole(path: &Path) -> Result<(), StoreError> {
    let sqlite = |e: rusqlite::Error| StoreError::sqlite(&e, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut conn = Connection::open_with_flags(path, flags).map_err(sqlite)?;
    conn.execute_batch("PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;").map_err(sqlite)?;
    conn.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(())).map_err(sqlite)?;
    schema::migrate(&mut conn, path)?;
    conn.close().map_err(|(_, e)| sqlite(e))?;
    let finish = || -> io::Result<()> {
        let file = File::options().write(true).open(path)?;
        file.write_all_at(&VERSIONS.1, VERSIONS.0)?;
        file.sync_all()
    };
    finish().map_err(|e| StoreError::io(&e, "cannot make the state database", path))
}

/// Whether it is there now. A second name, for that is never made over a first one: where another process was first, its
/// database is the one. The folder is synced before there is a log: a log without its database would be refused.
fn moved(from: &Path, to: &Path) -> Result<bool, StoreError> {
    match fs::hard_link(from, to) {
        Ok(()) => {}
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists || e.raw_os_error().is_some_and(no_links) => {
            return Ok(false);
        }
        Err(e) => return Err(StoreError::io(&e, "cannot make the state database", to)),
    }
    let removed = fs::remove_file(from);
    place::sync_parent(to);
    removed.map(|()| true).map_err(|e| StoreError::io(&e, "cannot make the state database", to))
}

/// The file system knows no second names.
fn no_links(code: i32) -> bool {
    [Errno::PERM, Errno::OPNOTSUPP, Errno::NOSYS, Errno::MLINK]
        .iter()
        .any(|errno| errno.raw_os_error() == code)
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
        whole(&mine).unwrap();
        make(&path).unwrap();
        fs::write(&path, "first").unwrap();
        assert_eq!(moved(&mine, &path), Ok(false));
        assert_eq!(fs::read(&path).unwrap(), b"first");
    }
}
