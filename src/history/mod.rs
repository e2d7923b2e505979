//! What past runs were: the records insight reads and the trait that gives them. Implemented by store; no storage here.

mod advised;
mod past;

pub use advised::RunAdvised;
pub use past::{FILES, Mode, Past, PastChange, PastStage};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::event::{AttemptStatus, FailureClass, Record, RunStatus, Status, Usage};

/// What was changed, as recorded at the start of the run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub files: Vec<String>,
    pub branch: String,
    pub base: String,
    pub added: u64,
    pub deleted: u64,
    /// HEAD when the run started.
    pub sha: String,
    /// A hash of the mail address git makes commits with; never the address.
    pub author: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSummary {
    pub id: String,
    pub lane: String,
    /// Of the last time it stopped; `running` while an engine has it, or after a crash.
    pub status: RunStatus,
    pub started: Timestamp,
    pub finished: Option<Timestamp>,
    /// Milliseconds with an engine at work, over all resumes.
    pub duration_ms: u64,
    pub change: Change,
    pub params: BTreeMap<String, String>,
    /// The first failure, in words.
    pub cause: Option<String>,
    /// Its exit code, once it has one.
    #[serde(default)]
    pub exit: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageSummary {
    /// `unit[shard=2]`.
    pub name: String,
    /// `unit`.
    pub stage: String,
    pub number: Option<u32>,
    /// `stage` or `gate`.
    pub kind: String,
    pub status: Status,
    pub reason: Option<String>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    pub duration_ms: u64,
    pub attempts: Vec<AttemptSummary>,
    /// Plain JSON by output name.
    pub outputs: BTreeMap<String, serde_json::Value>,
    /// Plain JSON by measure name; gates only.
    pub measures: BTreeMap<String, serde_json::Value>,
    /// How far its undo got: `running`, `done`, `failed`.
    #[serde(default)]
    pub undo: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptSummary {
    pub attempt: u32,
    pub status: AttemptStatus,
    pub exit: Option<i32>,
    pub started: Timestamp,
    pub duration_ms: u64,
    pub error: Option<String>,
    pub usage: Usage,
    /// Why it failed, as one word.
    #[serde(default)]
    pub class: Option<FailureClass>,
    /// The user asked for the failure.
    #[serde(default)]
    pub injected: bool,
}

/// What one stage took in one run in which it ended well.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// `unit[shard=2]`.
    pub name: String,
    /// `unit`.
    pub stage: String,
    /// Of the stage, retries and their waits included.
    pub duration_ms: u64,
    /// Of the attempt that ended it, and what that used; nothing when it needed none.
    pub attempt_ms: u64,
    pub usage: Usage,
}

/// Which runs: all set conditions must hold. Newest first.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub lane: Option<String>,
    pub change_type: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub limit: Option<usize>,
}

/// What was learned of a lane, as bytes, and up to where in what is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    pub last: i64,
    pub bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct HistoryError(pub String);

/// Reading side of the store.
pub trait History {
    fn runs(&self, filter: &Filter) -> Result<Vec<RunSummary>, HistoryError>;
    fn run(&self, id: &str) -> Result<Option<RunSummary>, HistoryError>;
    fn stages(&self, run: &str) -> Result<Vec<StageSummary>, HistoryError>;
    /// What the stages took in the lane's newest runs.
    fn samples(&self, lane: &str, runs: usize) -> Result<Vec<Sample>, HistoryError>;
    fn events(&self, run: &str) -> Result<Vec<Record>, HistoryError>;
    /// What is remembered of finished runs, those of other machines and those whose own records are gone included.
    fn past(&self, filter: &Filter) -> Result<Vec<Past>, HistoryError>;
    /// What was learned of the lane, with the runs that came since, oldest first; none while nothing is kept.
    fn learned(&self, _lane: &str) -> Result<Option<(Learned, Vec<Past>)>, HistoryError> {
        Ok(None)
    }
    /// Keeps what was learned of the lane. It can always be learned again, so this may do nothing.
    fn keep_learned(&self, _lane: &str, _learned: &Learned) -> Result<(), HistoryError> {
        Ok(())
    }
    /// Makes what [`History::learned`] counts from sure to hold every run that ended; how far that is.
    fn settle(&self) -> Result<i64, HistoryError> {
        Ok(0)
    }
}
