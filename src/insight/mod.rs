//! Advice from history: which stages a change needs, how sure that is, and how long it will take. Pure functions over
//! [`crate::history`] records; runs and stores nothing.

pub mod estimate;
pub mod expect;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod keep;
pub mod ledger;
pub mod replay;

pub use estimate::Estimate;
pub use explain::{Advice, Lane, LaneStage, Rule, Situation, explain};

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
