//! Whether the database found here is the one that was left here, with all that was written to it. A write-ahead log
//! that is gone or belongs to another database, and a database put back from an older copy, look sound to SQLite: what
//! was recorded would be missing without a word. A small file beside the database remembers its name, how far it had
//! come, and which log it had. Knows no table but its own row, and deletes nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::error::StoreError;
use super::{heal, place};

/// The first bytes of a log that can hold anything: its header.
const LOG_HEADER: usize = 32;
/// A log's first salt grows by one whenever it begins anew; no log begins anew as often as this.
const NEAR: u32 = 1 << 24;
const FORM: &str = "wfl-mark-1";

/// What is remembered: written when a run ended, once it is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    database: String,
    epoch: i64,
    /// Of the log that was there; none when there need be none.
    salt: Option<u32>,
}

fn mark_path(database: &Path) -> PathBuf {
    database.with_file_name("state.mark")
}

pub(super) fn log_path(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

impl Mark {
    /// None when there is no file, or one that a power cut spoiled: then nothing is known.
    fn read(database: &Path) -> Option<Mark> {
        let text = fs::read_to_string(mark_path(database)).ok()?;
        let mut words = text.split_whitespace();
        let form = words.next()?;
        let (database, epoch, salt) = (words.next()?.to_string(), words.next()?.parse().ok()?, words.next()?);
        let mark = Mark { database, epoch, salt: u32::from_str_radix(salt, 16).ok() };
        (form == FORM && words.next() == Some(".")).then_some(mark)
    }

    fn write(&self, database: &Path, durably: bool) -> std::io::Result<()> {
        let salt = self.salt.map_or("none".to_string(), |salt| format!("{salt:08x}"));
        let path = mark_path(database);
        // Of its own for each process: two may end a run at once.
        let fresh = path.with_extension(format!("mark.{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(format!("{FORM} {} {} {salt} .\n", self.database, self.epoch).as_bytes())?;
        if durably {
            file.sync_all()?;
        }
        fs::rename(&fresh, &path)?;
        if durably {
            place::sync_parent(&path);
        }
        Ok(())
    }
}

/// The first salt of the log, when there is a log with a header.
fn salt(database: &Path) -> Option<u32> {
    let mut header = [0; LOG_HEADER];
    File::open(log_path(database)).ok()?.read_exact(&mut header).ok()?;
    let bytes = [header[16], header[17], header[18], header[19]];
    Some(u32::from_be_bytes(bytes))
}

/// Before SQLite opens anything, for it would throw a log without a database away, and take in one of another.
pub(super) fn check_files(database: &Path) -> Result<(), StoreError> {
    if fs::symlink_metadata(database.with_file_name(heal::HEALED)).is_ok() {
        let message = format!("healing the state database {} was cut off", database.display());
        return Err(StoreError::broken(message, database));
    }
    let empty = fs::metadata(database).map_or(0, |meta| meta.len()) == 0;
    let Some(found) = salt(database) else {
        return if empty && Mark::read(database).is_some() { Err(gone(database)) } else { Ok(()) };
    };
    if empty {
        return Err(no_database(database));
    }
    let strange = || {
        let expected = Mark::read(database)?.salt?;
        (found.wrapping_sub(expected) > NEAR).then_some(expected)
    };
    // Twice: the log may have been replaced, rightly, between the two looks.
    match strange() {
        Some(_) if salt(database) == Some(found) && strange().is_some() => Err(foreign_log(database)),
        _ => Ok(()),
    }
}

/// Before a log is made where none is: what the mark says of the old one no longer holds.
pub(super) fn expect_new_log(database: &Path) -> Result<(), StoreError> {
    match Mark::read(database) {
        Some(mark) if mark.salt.is_some() && salt(database).is_none() => Mark { salt: None, ..mark }
            .write(database, true)
            .map_err(|e| StoreError::io(&e, "cannot write", &mark_path(database))),
        _ => Ok(()),
    }
}

/// Refuses a database that is another than was left here, or has not come as far.
pub(super) fn check_row(conn: &Connection, database: &Path) -> Result<(), StoreError> {
    // Read first: the database may only grow meanwhile.
    let Some(mark) = Mark::read(database) else { return Ok(()) };
    let (name, epoch) = row(conn).map_err(|e| StoreError::sqlite(&e, database))?;
    if name != mark.database {
        return Err(swapped(database));
    }
    if epoch < mark.epoch {
        return Err(went_back(database, mark.epoch - epoch));
    }
    Ok(())
}

/// Counts on, in the transaction of an event that opens or closes a session; how far it has come.
pub(super) fn count(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("UPDATE lineage SET epoch = epoch + 1 RETURNING epoch")?
        .query_row([], |row| row.get(0))
}

/// Remembers an epoch that is on the disk. Best effort: an older mark asks for less.
pub(super) fn remember(conn: &Connection, database: &Path, epoch: i64) {
    if let Ok((name, _)) = row(conn) {
        let _ = Mark { database: name, epoch, salt: salt(database) }.write(database, false);
    }
}

/// Before SQLite takes the log into the database and deletes it.
pub(super) fn expect_no_log(database: &Path) {
    if let Some(mark) = Mark::read(database) {
        let _ = Mark { salt: None, ..mark }.write(database, false);
    }
}

fn row(conn: &Connection) -> rusqlite::Result<(String, i64)> {
    conn.query_row("SELECT database, epoch FROM lineage", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

fn no_database(database: &Path) -> StoreError {
    let (shown, log) = (database.display(), log_path(database));
    let message = format!("the state database {shown} is missing, but its log {} is there", log.display());
    let broken = StoreError::broken(message, database);
    let help = format!("put the database back beside its log, or: {}; nothing was changed", broken.help);
    StoreError { help, ..broken }
}

/// It was here when the last run ended.
fn gone(database: &Path) -> StoreError {
    let message = format!("the state database {} is gone or empty", database.display());
    let broken = StoreError::broken(message, database);
    let help = format!("put it back with its log, or: {}; nothing was changed", broken.help);
    StoreError { help, ..broken }
}

fn foreign_log(database: &Path) -> StoreError {
    StoreError::new(
        format!(
            "{} is the log of another database; with it the state would be spoiled",
            log_path(database).display()
        ),
        format!(
            "put the right log back, or move this one away, then: {}; nothing was changed",
            accept(database)
        ),
    )
}

fn swapped(database: &Path) -> StoreError {
    StoreError::new(
        format!("{} is another database than the one that was here", database.display()),
        format!(
            "put the right one back, or, to go on with this one: {}; nothing was changed",
            accept(database)
        ),
    )
}

fn went_back(database: &Path, by: i64) -> StoreError {
    StoreError::new(
        format!(
            "the state database {} is older than it was: {by} starts and ends of runs are missing \
             (its log was removed, or an old copy put back)",
            database.display()
        ),
        format!(
            "put the right files back, or, to go on without them: {}; nothing was changed",
            accept(database)
        ),
    )
}

fn accept(database: &Path) -> String {
    format!("`rm {}`", mark_path(database).display())
}
