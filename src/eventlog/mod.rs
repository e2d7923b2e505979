//! Event logs of other programs: CSV and XES, plain or gzipped, to and from [`crate::learn::Log`]. Judges rows and says what
//! it left out; learns nothing.

mod assemble;
mod column;
mod complaint;
mod names;
mod rows;
mod source;
pub mod time;
mod verdict;
pub mod write;
mod xes;

use crate::learn::Log;

pub use column::Words;
pub use complaint::{Complaint, Complaints};
pub use names::Roles;
pub use source::Source;

/// Which columns mean what. What is not named is found by its usual name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    pub case: Option<String>,
    pub activity: Option<String>,
    pub timestamp: Option<String>,
    /// When the activity began, where `timestamp` says when it ended.
    pub start: Option<String>,
    /// How long it took.
    pub duration: Option<String>,
    /// Whether the case, or this part of it, failed. Never guessed.
    pub outcome: Option<String>,
    /// The value of the outcome that means failed, where it is none of the usual words.
    pub failed_when: Option<String>,
    /// Kept whatever it holds.
    pub lane: Option<String>,
    /// Keep columns that hold nothing to learn from, too.
    pub all_columns: bool,
}

/// Name of the column, in milliseconds, made of `duration`, or of `start` and `timestamp`.
pub const DURATION: &str = "duration_ms";
/// What the one event of a row is called where every row is a case.
pub const ROW: &str = "row";

/// A log, and what was wrong with its file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    pub log: Log,
    /// Rows of events in the file, bad ones included.
    pub rows: usize,
    pub complaints: Complaints,
    /// Columns that are not in the log, and why.
    pub left_out: Vec<(String, String)>,
    /// What was assumed.
    pub notes: Vec<String>,
    /// The columns that were used.
    pub roles: Roles,
}

/// Why nothing of a file can be used, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub message: String,
    pub help: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for Refused {}

impl Refused {
    pub(crate) fn new(message: impl Into<String>, help: impl Into<String>) -> Refused {
        Refused { message: message.into(), help: help.into() }
    }
}

/// The bytes of a file, unpacked where it is packed, `most` of them at most; refused where it is binary or empty.
pub fn bytes(source: &Source<'_>, most: u64) -> Result<Vec<u8>, Refused> {
    source::bytes(source, most)
}

/// The first bytes of the same: enough to tell what a file is.
pub fn head(source: &Source<'_>) -> Result<Vec<u8>, Refused> {
    source::open(source).map(|opened| opened.head)
}

/// The names in a table's first line.
pub fn header(head: &[u8]) -> Vec<String> {
    rows::names(head)
}

/// Reads an event log. Rows that cannot be true are left out and told; a file of which more than half is such is refused.
pub fn read(source: &Source<'_>, names: &Names) -> Result<Read, Refused> {
    let opened = source::open(source)?;
    match opened.form {
        source::Form::Xml => xes::read(source.name().as_str(), opened, names),
        source::Form::Table => rows::read(source, opened, names),
    }
}
