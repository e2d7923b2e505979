//! What stages took in earlier runs, as forecasts and comparisons need it. Judges nothing; knows no plan and no clock.

use crate::event::{RunStatus, Status};
use crate::history::{Mode, Past};

/// What became of a stage's time in one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Took {
    /// Milliseconds; it ended well.
    Ms(f64),
    /// It was skipped.
    Nothing,
    /// An earlier result was taken.
    Reused,
    /// It failed, or was never reached: how long it takes is not known from this run.
    Unknown,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StageTime {
    /// `unit[shard=2]`.
    pub name: String,
    /// `unit`.
    pub stage: String,
    pub took: Took,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RunTimes {
    pub stages: Vec<StageTime>,
    /// Milliseconds with an engine at work, of a run that ended well and was asked for as a whole.
    pub total: Option<f64>,
    pub files: Vec<String>,
    /// Files changed, those included that are not remembered.
    pub count: u64,
}

/// Runs of one lane, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    pub runs: Vec<RunTimes>,
}

impl Times {
    /// `past` newest first, as history gives it.
    pub fn of(past: &[Past]) -> Times {
        let run = |past: &Past| RunTimes {
            stages: past
                .stages
                .iter()
                .map(|stage| StageTime {
                    name: stage.name.clone(),
                    stage: stage.stage.clone(),
                    took: took(stage.status, stage.duration_ms, stage.began_ms.is_some()),
                })
                .collect(),
            total: total(past.status, past.duration_ms).filter(|_| past.mode == Mode::Full),
            files: past.change.files.clone(),
            count: past.change.count,
        };
        Times { runs: past.iter().rev().map(run).collect() }
    }

    /// Milliseconds of the stage in each run in which it ended well, oldest first; the longest of its instances.
    pub fn of_stage(&self, stage: &str) -> Vec<f64> {
        let longest = |run: &RunTimes| {
            let own = run.stages.iter().filter(|own| own.stage == stage).filter_map(|own| match own.took {
                Took::Ms(ms) => Some(ms),
                _ => None,
            });
            own.reduce(f64::max)
        };
        self.runs.iter().filter_map(longest).collect()
    }
}

impl From<&[Past]> for Times {
    fn from(past: &[Past]) -> Times {
        Times::of(past)
    }
}

fn took(status: Status, ms: u64, began: bool) -> Took {
    match status {
        Status::Succeeded | Status::Warned if began || ms > 0 => Took::Ms(ms as f64),
        // What took time did something, whatever its record calls it.
        Status::Skipped | Status::Waived if ms > 0 => Took::Ms(ms as f64),
        Status::Skipped | Status::Waived => Took::Nothing,
        Status::Reused => Took::Reused,
        _ => Took::Unknown,
    }
}

fn total(status: RunStatus, ms: u64) -> Option<f64> {
    (status == RunStatus::Succeeded && ms > 0).then_some(ms as f64)
}
