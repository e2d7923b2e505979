//! Past runs for tests of this layer. Knows no store.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::history::{Change, Mode, Past, PastChange, PastStage, RunSummary, StageSummary};

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

/// What is remembered of a run of the change, begun at `at`; each stage took a second.
pub fn remembered(id: &str, change: &str, at: i64, stages: &[(&str, Status)]) -> Past {
    let stage = |(name, status): &(&str, Status)| PastStage {
        name: name.to_string(),
        stage: name.to_string(),
        number: None,
        kind: "stage".into(),
        status: *status,
        reason: None,
        began_ms: None,
        duration_ms: 1_000,
        attempts: 1,
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: BTreeMap::new(),
    };
    Past {
        id: id.into(),
        project: String::new(),
        source: String::new(),
        lane: "l".into(),
        status: RunStatus::Succeeded,
        started: Timestamp(at),
        duration_ms: 1_000,
        change: PastChange { id: change.into(), ..PastChange::default() },
        stages: stages.iter().map(stage).collect(),
        mode: Mode::Full,
    }
}
