//! What is remembered of a finished run for learning: small, without secrets, outlives the run's own records, travels between
//! machines. Does not know where it is kept nor what is learned from it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::event::{RunStatus, Status};

/// Paths of one run that are remembered, at most; `PastChange::count` says how many there were.
pub const FILES: usize = 500;

/// One finished run. `id` makes it one with the same record of another machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    pub id: String,
    /// Which project, as a hash that is the same on every machine; empty when unknown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub project: String,
    /// Where it came from when it was no run of this machine: `import`, a file's kind.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    pub lane: String,
    pub status: RunStatus,
    pub started: Timestamp,
    /// Milliseconds with an engine at work.
    pub duration_ms: u64,
    pub change: PastChange,
    pub stages: Vec<PastStage>,
    /// How the run was chosen.
    #[serde(default)]
    pub mode: Mode,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PastChange {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// At most [`FILES`], sorted.
    pub files: Vec<String>,
    /// All of them.
    pub count: u64,
    pub added: u64,
    pub deleted: u64,
    pub branch: String,
    /// A hash of who made it; never a name.
    pub author: String,
    pub sha: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastStage {
    /// `unit[shard=2]`.
    pub name: String,
    /// `unit`.
    pub stage: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// `stage` or `gate`.
    pub kind: String,
    pub status: Status,
    /// Why it was skipped, waived, blocked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Milliseconds after the run's start at which it began, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_ms: Option<u64>,
    pub duration_ms: u64,
    pub attempts: u32,
    /// Processor time, user and system, of all attempts.
    #[serde(default)]
    pub cpu_ms: u64,
    /// Bytes, of the largest attempt.
    #[serde(default)]
    pub memory: u64,
    /// Bytes read and written.
    #[serde(default)]
    pub io: u64,
    /// Numbers a gate measured, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, f64>,
}

impl PastStage {
    /// One that ended well in its first attempt, and of which nothing more is known. `kind` is `stage` or `gate`.
    pub fn passed(name: &str, kind: &str) -> PastStage {
        PastStage {
            name: name.to_owned(),
            stage: name.to_owned(),
            number: None,
            kind: kind.to_owned(),
            status: Status::Succeeded,
            reason: None,
            began_ms: None,
            duration_ms: 0,
            attempts: 1,
            cpu_ms: 0,
            memory: 0,
            io: 0,
            measures: BTreeMap::new(),
        }
    }
}

/// What decided which stages ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// The lane's own rules.
    #[default]
    Full,
    /// A person's `--only` or `--from`.
    Part,
    /// What history advised.
    Recommended,
    /// Advice would have left something out, and the draw said to run all of it to keep the advice honest.
    Control,
}
