//! Folds what takes effects back: which stages in which order, how far each undo got, snapshots of the files. Decides
//! nothing.

use crate::event::{AttemptStatus, Event, NodeIndex, Outcome};
use crate::plan::Plan;

use super::super::state::{Impossible, Rollback, RunState};
use super::ensure;

pub(super) fn fold(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    match event {
        Event::RollbackStarted { .. } => started(plan, state, event),
        Event::UndoStarted { node, attempt } => undo_started(state, event, *node, *attempt),
        Event::UndoFinished { node, attempt, outcome } => {
            undo_finished(state, event, (*node, *attempt), outcome)
        }
        Event::RollbackFinished { failed, error, .. } => {
            let rollback = under_way(state, event)?;
            let open = rollback.undone.values().any(|undo| undo.open);
            let all = rollback.nodes.iter().all(|node| rollback.undone.contains_key(node));
            ensure(all && !open, event, "an undo has not ended")?;
            rollback.finished = true;
            rollback.failed.clone_from(failed);
            rollback.error.clone_from(error);
            Ok(())
        }
        Event::SnapshotTaken { node, id } => {
            state.snapshots.push((*node, id.clone()));
            Ok(())
        }
        Event::ResultRevoked { node, from: None, .. } => {
            state.results.remove(node);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn started(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    let Event::RollbackStarted { by, nodes, files, after, .. } = event else { return Ok(()) };
    let known = |node: &NodeIndex| plan.nodes.get(*node as usize).is_some_and(|node| node.undo.is_some());
    ensure(nodes.iter().all(known), event, "a stage of it has nothing to undo")?;
    ensure(state.nodes.iter().all(|node| !node.open), event, "an attempt still runs")?;
    let before = state.rollback.take();
    ensure(before.as_ref().is_none_or(|before| before.finished), event, "it began already")?;
    // A second one brings back the files alone: what was undone stays undone.
    let before = before.unwrap_or_default();
    let again = nodes.iter().any(|node| before.undone.contains_key(node));
    ensure(!again, event, "a stage of it was undone already")?;
    state.rollback = Some(Box::new(Rollback {
        by: by.clone(),
        nodes: nodes.clone(),
        files: files.clone(),
        after: after.clone().or(before.after),
        undone: before.undone,
        finished: false,
        failed: before.failed,
        error: None,
    }));
    Ok(())
}

fn under_way<'a>(state: &'a mut RunState, event: &Event) -> Result<&'a mut Rollback, Impossible> {
    match state.rollback.as_deref_mut().filter(|rollback| !rollback.finished) {
        Some(rollback) => Ok(rollback),
        None => Err(super::refused(event, event.node(), "nothing is being rolled back")),
    }
}

fn undo_started(
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    attempt: u32,
) -> Result<(), Impossible> {
    let rollback = under_way(state, event)?;
    ensure(rollback.nodes.contains(&node), event, "the stage is not to be undone")?;
    let others = rollback.undone.iter().any(|(other, undo)| *other != node && undo.open);
    ensure(!others, event, "another undo runs")?;
    let undo = rollback.undone.entry(node).or_default();
    let fits = !undo.open && !undo.succeeded() && attempt == undo.attempt + 1;
    ensure(fits, event, "the undo runs or has ended")?;
    (undo.attempt, undo.open) = (attempt, true);
    Ok(())
}

fn undo_finished(
    state: &mut RunState,
    event: &Event,
    (node, attempt): (NodeIndex, u32),
    outcome: &Outcome,
) -> Result<(), Impossible> {
    let rollback = under_way(state, event)?;
    let undo = rollback.undone.entry(node).or_default();
    ensure(undo.open && undo.attempt == attempt, event, "no such attempt of the undo runs")?;
    undo.open = false;
    undo.tries += u32::from(matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut));
    undo.last = Some(Box::new(outcome.clone()));
    Ok(())
}
