//! Folds what repair rules do for a stage whose attempt failed: counts that bound them, and whether the next attempt is
//! theirs. Knows no rule.

use crate::event::{Asked, AttemptStatus, Event, FailureClass, NodeIndex, Outcome, Status, WaitFor};

use super::super::repair::likeness;
use super::super::state::{Impossible, NodeState, Repairs, RunState, Wait};
use super::ensure;

pub(super) fn fold(state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    match event {
        Event::RepairStarted { node, rule, number, again, .. } => {
            let stage = state.node_mut(*node);
            ensure(failed(stage), event, "no attempt of it has failed")?;
            let mended = repairs(stage);
            ensure(mended.open.is_none(), event, "another repair of it has not ended")?;
            ensure(*number == mended.count + 1, event, "repairs are numbered one by one")?;
            mended.count = *number;
            mended.open = Some((rule.clone(), *again));
            mended.tried.push(rule.clone());
            *mended.acted.entry(rule.clone()).or_default() += 1;
            state.repairs = state.repairs.saturating_add(1);
            let now = state.reckoned;
            state.node_mut(*node).since = now;
        }
        Event::RepairFinished { node, rule, outcome } => return finished(state, event, *node, rule, outcome),
        Event::RepairRefused { node, rule, .. } => {
            let stage = state.node_mut(*node);
            ensure(failed(stage), event, "no attempt of it has failed")?;
            repairs(stage).tried.push(rule.clone());
        }
        Event::RepairTold { node, rule, .. } => {
            repairs(state.node_mut(*node)).untold.retain(|(other, ..)| other != rule);
        }
        _ => {}
    }
    Ok(())
}

fn finished(
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    rule: &str,
    outcome: &Outcome,
) -> Result<(), Impossible> {
    let stage = state.node_mut(node);
    let open = stage.repairs.as_mut().and_then(|mended| mended.open.take());
    let (_, again) = open
        .filter(|(open, _)| open == rule)
        .ok_or_else(|| super::refused(event, Some(node), "no such repair began"))?;
    // What was read before it acted is not what there is now.
    stage.facts.retain(|(asked, _)| !matches!(asked, Asked::Repair | Asked::Verify));
    let (attempt, how) = (stage.attempt, stage.outcome.as_deref().map(likeness).unwrap_or_default());
    if outcome.status == AttemptStatus::Succeeded {
        let unbegun = stage.outcome.as_ref().is_some_and(|failed| never_acted(failed.class));
        repairs(stage).untold.push((rule.to_owned(), attempt, how));
        if again {
            repairs(stage).again = true;
            stage.cleared |= unbegun;
            stage.status = Status::Waiting;
            stage.wait = Some(Wait { on: WaitFor::Retry, until: None });
        }
    }
    let since = state.node(node).since;
    state.took(since, outcome.duration_ms);
    let now = state.reckoned;
    state.node_mut(node).since = now;
    Ok(())
}

/// The commands of such an attempt did nothing at all.
pub(in crate::engine) fn never_acted(class: Option<FailureClass>) -> bool {
    matches!(class, Some(FailureClass::NotStarted | FailureClass::NeedLost | FailureClass::Busy))
}

/// Whether the attempt that starts now follows from a repair; what was tried for the last one counts no more.
pub(super) fn follows(stage: &mut NodeState) -> bool {
    let Some(mended) = stage.repairs.as_mut() else { return false };
    mended.tried.clear();
    std::mem::take(&mut mended.again)
}

/// An attempt that failed, and nothing else begun for the stage.
fn failed(stage: &NodeState) -> bool {
    let bad = |outcome: &Outcome| outcome.status != AttemptStatus::Succeeded;
    stage.status == Status::Running && !stage.open && stage.outcome.as_deref().is_some_and(bad)
}

fn repairs(stage: &mut NodeState) -> &mut Repairs {
    stage.repairs.get_or_insert_default()
}
