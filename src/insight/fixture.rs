//! Past runs for tests of this layer. Knows no store.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::history::{Change, RunSummary, StageSummary};

use super::PastRun;

pub fn change(kind: &str, files: &[&str]) -> Change {
    Change {
        kind: kind.into(),
        files: files.iter().map(|file| file.to_string()).collect(),
        ..Change::default()
    }
}

pub fn past(change: Change, stages: &[(&str, Status, u64)]) -> PastRun {
    let stage = |(name, status, ms): &(&str, Status, u64)| StageSummary {
        name: name.to_string(),
        stage: name.to_string(),
        number: None,
        kind: "stage".into(),
        status: *status,
        reason: None,
        started: None,
        finished: None,
        duration_ms: *ms,
        attempts: Vec::new(),
        outputs: BTreeMap::new(),
        measures: BTreeMap::new(),
        undo: None,
    };
    let run = RunSummary {
        id: "r".into(),
        lane: "l".into(),
        status: RunStatus::Succeeded,
        started: Timestamp(0),
        finished: Some(Timestamp(1)),
        duration_ms: stages.iter().map(|stage| stage.2).sum(),
        change,
        params: BTreeMap::new(),
        cause: None,
        exit: None,
    };
    PastRun { run, stages: stages.iter().map(stage).collect() }
}
