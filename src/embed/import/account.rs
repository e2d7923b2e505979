//! What became of every key of an imported file. Decides nothing.

use serde::Serialize;

use crate::load::yaml::At;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// It is in the lanes.
    Imported,
    /// It has no counterpart, and stands in the file as a comment.
    Comment,
    /// It is wrong or not known; its lane was left out.
    Refused,
}

/// One key, or something that is said of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// `hotfix.quality_gates.strict`.
    pub key: String,
    /// From 1; columns in characters.
    pub line: usize,
    pub column: usize,
    pub fate: Fate,
    /// As what, or why.
    pub what: String,
}

impl Entry {
    pub(super) fn new(key: &str, at: At, fate: Fate, what: impl Into<String>) -> Entry {
        Entry { key: key.to_owned(), line: at.line, column: at.column, fate, what: what.into() }
    }
}
