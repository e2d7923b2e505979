//! Errors of the store as a person meets them: what is wrong, and what to do. Does not decide what happens next.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;

use super::backup;
use crate::port::StateUnsafe;

/// Why the state cannot be opened, read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    pub message: String,
    pub help: String,
    pub kind: Kind,
}

/// Whether the database itself is hurt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `wfl doctor --fix` sets it aside and puts together what can still be had.
    Damaged,
    #[default]
    Other,
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

impl From<StoreError> for StateUnsafe {
    fn from(error: StoreError) -> Self {
        StateUnsafe { message: error.message, help: error.help }
    }
}

impl From<StoreError> for crate::history::HistoryError {
    fn from(error: StoreError) -> Self {
        crate::history::HistoryError(format!("{}; {}", error.message, error.help))
    }
}

impl StoreError {
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        StoreError { message: message.into(), help: help.into(), kind: Kind::Other }
    }

    /// What SQLite reported, in the words of the person whose disk it is.
    pub(crate) fn sqlite(error: &rusqlite::Error, path: &Path) -> Self {
        let shown = path.display();
        let Some(code) = error.sqlite_error_code() else {
            let message = format!(
                "the state database {shown} holds something this program does not understand: {error}"
            );
            return StoreError::broken(message, path);
        };
        match code {
            ErrorCode::DiskFull => StoreError::new(
                format!("the disk that holds the state ({shown}) is full"),
                "free some space, then `wfl resume`: nothing that was recorded is lost",
            ),
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => StoreError::damaged(path, &cause(error)),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => StoreError::new(
                format!("the state database {shown} cannot be written ({})", cause(error)),
                "make the folder writable, or set WFL_STATE_DIR to one that is",
            ),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::new(
                format!("another program has kept the state database {shown} locked for 30 seconds"),
                "end it (`wfl runs` shows which runs are live), then try again",
            ),
            ErrorCode::SystemIoFailure => StoreError::new(
                format!("reading or writing the state database {shown} failed ({})", cause(error)),
                "look at the disk's health (`dmesg`), or set WFL_STATE_DIR to another disk",
            ),
            // What its tables should hold is not there: no version of ours left it so.
            ErrorCode::Unknown => {
                let message = format!("the state database {shown} is not as it was made ({})", cause(error));
                StoreError::broken(message, path)
            }
            _ => StoreError::new(
                format!("the state database {shown} refused: {}", cause(error)),
                "this may be a bug of wfl: `wfl doctor` checks the database",
            ),
        }
    }

    /// What is wrong with the pages, how to set them aside, and what can take their place.
    pub(crate) fn damaged(path: &Path, what: &str) -> Self {
        let message = format!("the state database {} is damaged ({what})", path.display());
        StoreError::broken(message, path)
    }

    /// What `wfl doctor --fix` heals.
    pub(crate) fn broken(message: impl Into<String>, path: &Path) -> Self {
        StoreError { kind: Kind::Damaged, ..StoreError::new(message, set_aside(path)) }
    }

    pub(crate) fn io(error: &io::Error, what: &str, path: &Path) -> Self {
        let message = format!("{what} {}: {}", path.display(), plain(error));
        let help = match error.kind() {
            io::ErrorKind::StorageFull => "free some space on that disk",
            _ => "make the folder writable, or set WFL_STATE_DIR to one that is",
        };
        StoreError::new(message, help)
    }

    /// Puts the whole path where only the file's name was known.
    pub(crate) fn at(mut self, path: &Path) -> Self {
        let shown = path.display().to_string();
        if !self.message.contains(&shown) {
            self.message = self.message.replace("state.db", &shown);
            if self.help.starts_with(SET_ASIDE) {
                self.help = set_aside(path);
            }
        }
        self
    }
}

/// How the help for a damaged database begins.
const SET_ASIDE: &str = "`wfl doctor --fix`";

fn set_aside(path: &Path) -> String {
    let from = match backup::made(path) {
        Some(at) => format!("what the copy of {} (backup.db) holds and what can still be read", at.local()),
        None => "what can still be read (there is no copy yet)".to_owned(),
    };
    format!("{SET_ASIDE} sets it aside, deletes nothing, goes on with {from}, and says what is lost")
}

fn cause(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
        other => other.to_string(),
    }
}

/// `permission denied`, without Rust's error number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}
