//! Advice from history: which stages a change needs, how sure that is, and how long it will take. Pure functions over
//! [`crate::history`] records; runs and stores nothing.

pub mod card;
pub mod dataset;
pub mod effort;
pub mod estimate;
pub mod expect;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod forecast;
pub mod ledger;
pub mod model;
pub mod overdue;
pub mod reasons;
pub mod regress;
pub mod replay;
pub mod schedule;
pub mod snapshot;
pub mod suspect;
pub mod times;
pub mod traces;
pub mod what_if;
pub mod why;

pub use effort::{Effort, Validation};
pub use estimate::Estimate;
pub use explain::{Advice, Decided, Knowledge, Lane, LaneStage, Rule, Situation, explain};
pub use model::Model;
pub use what_if::{Difference, difference};
pub use why::{Why, why};

use crate::event::RunStatus;
use crate::history::{Filter, History, HistoryError, RunSummary, StageSummary};

/// A run that ended, with what became of its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct PastRun {
    pub run: RunSummary,
    pub stages: Vec<StageSummary>,
}

/// Runs of the lane that advice looks at, at most.
pub const LIMIT: usize = 500;

/// The lane's finished runs, newest first.
pub fn past_runs(history: &dyn History, lane: &str) -> Result<Vec<PastRun>, HistoryError> {
    let filter = Filter { lane: Some(lane.to_string()), limit: Some(LIMIT), ..Filter::default() };
    let open = |run: &RunSummary| matches!(run.status, RunStatus::Running | RunStatus::Waiting);
    let finished = history.runs(&filter)?.into_iter().filter(|run| run.finished.is_some() && !open(run));
    finished.map(|run| Ok(PastRun { stages: history.stages(&run.id)?, run })).collect()
}
