//! The engine's only fold: one event changes the state, O(1), or O(cone) for `stages.blocked`. Refuses what cannot
//! follow. Used live and on resume alike; decides nothing.

mod people;
mod repair;
mod rollback;
mod run;
mod stage;

pub(super) use repair::never_acted;
pub use run::describe;

use crate::base::Timestamp;
use crate::event::{Event, NodeIndex, Status};
use crate::plan::Plan;

use super::state::{Impossible, Phase, RunState};

/// Folds `event`, recorded at `at`, into `state`; an error leaves the state unusable.
pub fn apply(plan: &Plan, state: &mut RunState, at: Timestamp, event: &Event) -> Result<(), Impossible> {
    admit(state, event)?;
    super::advice::fold(state, event);
    state.events += 1;
    match event {
        Event::RunStarted { .. }
        | Event::RunResumed { .. }
        | Event::RunCancelling { .. }
        | Event::RunFinished { .. }
        | Event::FinallyFinished { .. }
        | Event::AdviceTaken(_)
        | Event::Note { .. } => run::fold(plan, state, event)?,
        Event::ApprovalRequested { .. }
        | Event::ApprovalGiven { .. }
        | Event::ApprovalExpired { .. }
        | Event::ApprovalVoided { .. }
        | Event::ConfirmAnswered { .. } => people::fold(plan, state, event)?,
        Event::RepairStarted { .. }
        | Event::RepairFinished { .. }
        | Event::RepairRefused { .. }
        | Event::RepairTold { .. } => repair::fold(state, event)?,
        Event::RollbackStarted { .. }
        | Event::RollbackFinished { .. }
        | Event::UndoStarted { .. }
        | Event::UndoFinished { .. }
        | Event::SnapshotTaken { .. }
        | Event::ResultRevoked { .. } => rollback::fold(plan, state, event)?,
        _ => stage::fold(plan, state, event)?,
    }
    state.last = at;
    if super::precheck::ends_work(event) {
        state.calm = at;
    }
    Ok(())
}

/// Only a run that is under way takes events, and only of stages it has.
fn admit(state: &RunState, event: &Event) -> Result<(), Impossible> {
    let fits = match (state.phase, event) {
        (Phase::New, Event::RunStarted { .. }) => true,
        (Phase::Running | Phase::Stopped(_), Event::RunResumed { .. }) => true,
        (_, Event::RunStarted { .. } | Event::RunResumed { .. }) => false,
        (phase, _) => phase == Phase::Running,
    };
    if !fits {
        return Err(refused(event, None, "the run is not in a state that allows it"));
    }
    match event.node() {
        Some(node) if node as usize >= state.nodes.len() => {
            Err(refused(event, Some(node), "the plan has no such stage"))
        }
        _ => Ok(()),
    }
}

fn name_of(event: &Event) -> &'static str {
    match event {
        Event::RunStarted { .. } => "run.started",
        Event::RunResumed { .. } => "run.resumed",
        Event::RunCancelling { .. } => "run.cancelling",
        Event::RunFinished { .. } => "run.finished",
        Event::FactsRead { .. } => "facts.read",
        Event::StageWaiting { .. } => "stage.waiting",
        Event::StageStarted { .. } => "stage.started",
        Event::AttemptFinished { .. } => "attempt.finished",
        Event::AttemptRefused { .. } => "attempt.refused",
        Event::GateJudged { .. } => "gate.judged",
        Event::StageFinished { .. } => "stage.finished",
        Event::StagesBlocked { .. } => "stages.blocked",
        Event::StageUnknown { .. } => "stage.unknown",
        Event::StageResolved { .. } => "stage.resolved",
        Event::StageReset { .. } => "stage.reset",
        Event::ApprovalRequested { .. } => "approval.requested",
        Event::ApprovalGiven { .. } => "approval.given",
        Event::ApprovalExpired { .. } => "approval.expired",
        Event::ApprovalVoided { .. } => "approval.voided",
        Event::ConfirmAnswered { .. } => "confirm.answered",
        Event::FinallyFinished { .. } => "finally.finished",
        Event::Note { .. } => "note",
        Event::LeaseTaken { .. } => "lease.taken",
        Event::LeaseReleased { .. } => "lease.released",
        Event::BreakerProbed { .. } => "breaker.probed",
        Event::BreakerCounted { .. } => "breaker.counted",
        Event::BreakerOpened { .. } => "breaker.opened",
        Event::BreakerClosed { .. } => "breaker.closed",
        Event::StageCompared { .. } => "stage.compared",
        Event::StageRecorded { .. } => "stage.recorded",
        Event::ResultRevoked { .. } => "result.revoked",
        Event::RepairStarted { .. } => "repair.started",
        Event::RepairFinished { .. } => "repair.finished",
        Event::RepairRefused { .. } => "repair.refused",
        Event::RepairTold { .. } => "repair.told",
        Event::FailureSeen { .. } => "failure.seen",
        Event::FailureTold { .. } => "failure.told",
        Event::RollbackStarted { .. } => "rollback.started",
        Event::UndoStarted { .. } => "undo.started",
        Event::UndoFinished { .. } => "undo.finished",
        Event::RollbackFinished { .. } => "rollback.finished",
        Event::SnapshotTaken { .. } => "snapshot.taken",
        Event::AdviceTaken(_) => "advice.taken",
    }
}

fn refused(event: &Event, node: Option<NodeIndex>, why: &str) -> Impossible {
    Impossible { what: name_of(event).to_owned(), node, why: why.to_owned() }
}

fn ensure(holds: bool, event: &Event, why: &str) -> Result<(), Impossible> {
    if holds { Ok(()) } else { Err(refused(event, event.node(), why)) }
}

/// The stage ended: what waits for it waits for one less. An unknown stage has not ended for anybody else.
fn settle(state: &mut RunState, node: NodeIndex, status: Status) {
    state.node_mut(node).status = status;
    state.node_mut(node).wait = None;
    if status == Status::Unknown || state.node(node).settled {
        return;
    }
    state.node_mut(node).settled = true;
    state.node_mut(node).ended = state.events;
    for at in state.dependents.range(node) {
        let (to, _) = state.dependents.target(at);
        let dependent = state.node_mut(to);
        dependent.unmet = dependent.unmet.saturating_sub(1);
        if dependent.unmet == 0 && matches!(dependent.status, Status::Pending | Status::Waiting) {
            state.fresh.push(to);
        }
    }
}

/// The stage runs again: what waits for it waits for one more.
fn unsettle(state: &mut RunState, node: NodeIndex) {
    if !std::mem::replace(&mut state.node_mut(node).settled, false) {
        return;
    }
    for at in state.dependents.range(node) {
        let (to, _) = state.dependents.target(at);
        state.node_mut(to).unmet += 1;
    }
}

/// The stage is pending again; its tool runs again for it.
fn begin_again(plan: &Plan, state: &mut RunState, node: NodeIndex) {
    unsettle(state, node);
    state.node_mut(node).begin_again();
    if let Some(tool) = plan.nodes[node as usize].gate.as_ref().and_then(|gate| gate.tool.as_ref()) {
        state.tools.remove(tool);
    }
    if state.node(node).unmet == 0 {
        state.fresh.push(node);
    }
}
