//! Folds the events of the run as a whole. Knows nothing of single stages but their `finally`.

use crate::event::{AttemptStatus, Event, Outcome};
use crate::plan::Plan;

use super::super::state::{Impossible, Phase, RunState};
use super::ensure;

pub(super) fn fold(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    match event {
        Event::RunStarted { stages, .. } => {
            ensure(*stages as usize == plan.nodes.len(), event, "the plan has another number of stages")?;
            state.phase = Phase::Running;
        }
        Event::RunResumed { .. } => resume(state),
        Event::RunCancelling { by } => state.cancelling = Some(by.clone()),
        Event::RunFinished { status, duration_ms, .. } => {
            state.phase = Phase::Stopped(*status);
            state.worked_before = state.worked_before.saturating_add(*duration_ms);
        }
        Event::FinallyFinished { node, outcome } => {
            let ended = node.is_none_or(|node| state.node(node).status.is_final());
            ensure(ended, event, "the stage has not ended")?;
            let since = node.map_or(state.reckoned, |node| state.node(node).since);
            if let Some(node) = node {
                state.node_mut(*node).finally_done = true;
            }
            state.took(since, outcome.duration_ms);
            if outcome.status != AttemptStatus::Succeeded && state.finally_failed.is_none() {
                state.finally_failed = Some((*node, describe(outcome)));
            }
        }
        _ => {}
    }
    Ok(())
}

fn resume(state: &mut RunState) {
    if state.phase == Phase::Running {
        // The engine died: it worked at least as long as what it ended took. What the wall clock says is no measure.
        state.worked_before = state.worked_before.saturating_add(state.reckoned);
    } else {
        // It had ended and a person goes on with it: what was tried before counts no more.
        state.repairs = 0;
        state.nodes.iter_mut().filter_map(|node| node.repairs.as_mut()).for_each(|of| of.acted.clear());
    }
    (state.reckoned, state.retries) = (0, 0);
    state.nodes.iter_mut().for_each(|node| node.since = 0);
    state.phase = Phase::Running;
    state.cancelling = None;
    state.first_failure = None;
    state.finally_failed = None;
}

/// An attempt's end in words, for reasons and causes.
pub fn describe(outcome: &Outcome) -> String {
    if outcome.status == AttemptStatus::TimedOut && outcome.error.is_none() {
        return format!(
            "timed out after {}",
            crate::base::clock::format_duration(outcome.duration_ms as i64)
        );
    }
    match (&outcome.error, outcome.signal, outcome.exit) {
        (Some(error), _, _) => error.clone(),
        (None, Some(signal), _) => format!("killed by signal {signal}"),
        (None, None, Some(exit)) => format!("exit code {exit}"),
        (None, None, None) => match outcome.status {
            AttemptStatus::Cancelled => "cancelled".to_owned(),
            AttemptStatus::Interrupted => "interrupted".to_owned(),
            _ => "it failed without an exit code".to_owned(),
        },
    }
}
