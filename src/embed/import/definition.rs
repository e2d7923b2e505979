//! A lane of the original as plain data, each part what `.wfl` has for it. Reads and writes nothing.

use super::gates::Gates;

/// The thirteen stages by their numbers, as the original ran them and `std.lanes` names them.
pub(super) const STAGES: [&str; 13] = [
    "setup",
    "version",
    "proposal",
    "spec",
    "tasks",
    "test-plan",
    "scripts",
    "doc-review",
    "tests",
    "review",
    "git",
    "archive",
    "pull-request",
];

/// Lanes of the original that only a person who says so replaces.
pub(super) const BUILT_IN: [&str; 3] = ["docs", "standard", "heavy"];

/// Milliseconds of a lane that gives no timeout.
pub(super) const TIMEOUT: i64 = 3_600_000;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Definition {
    pub name: String,
    pub about: Option<String>,
    /// Numbers, each once, in the order written.
    pub stages: Vec<u8>,
    pub gates: Gates,
    pub parallel: bool,
    /// Milliseconds.
    pub timeout: i64,
    pub notify: Notify,
    /// Groups that must agree; empty where nobody is asked.
    pub reviewers: Vec<String>,
    pub meta: Vec<(String, Meta)>,
    /// Comments of the file that stand above the lane.
    pub above: Vec<String>,
    /// Comments inside it, and what has no counterpart.
    pub kept: Vec<String>,
}

/// Who is told of what.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Notify {
    pub events: Vec<&'static str>,
    pub recipients: Vec<String>,
}

/// A plain value of `meta`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meta {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Texts(Vec<String>),
}

/// The stage before which a release is agreed to: the first that touches the outside, else the last.
pub(super) fn approved(stages: &[u8]) -> Option<&'static str> {
    let outside = stages.iter().filter(|stage| **stage >= 10).min();
    let stage = outside.or_else(|| stages.iter().max())?;
    STAGES.get(usize::from(*stage)).copied()
}
