//! Folds the events of single stages: the state machine of `ARCHITECTURE.md`, drawn there. A transition not allowed
//! here is a bug.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{
    Asked, AttemptStatus, Event, FailureClass, Files, Keyed, NodeIndex, Outcome, Status, WaitFor,
};
use crate::expr::facts::FactValues;
use crate::plan::{Effect, Plan, StageKind};

use super::super::retry::wait_ms;
use super::super::state::{Impossible, RunState, Wait};
use super::{begin_again, ensure, settle};

pub(super) fn fold(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    match event {
        Event::FactsRead { node, asked, values } => facts(state, event, *node, *asked, values),
        Event::StageWaiting { node, on, until, .. } => {
            let stage = state.node_mut(*node);
            ensure(stage.is_open_ended() && !stage.open, event, "the stage runs or has ended")?;
            ensure(*on != WaitFor::Retry || stage.tries > 0, event, "there was no attempt to retry")?;
            stage.status = Status::Waiting;
            stage.wait = Some(Wait { on: *on, until: *until });
            count_retry(plan, state, *node, *on);
            Ok(())
        }
        Event::StageStarted { node, attempt, key, inputs } => {
            started(plan, state, event, *node, *attempt)?;
            begun(state, *node, key, inputs);
            Ok(())
        }
        Event::AttemptFinished { node, attempt, outcome } => {
            attempt_finished(state, event, *node, *attempt, outcome)
        }
        Event::AttemptRefused { node, attempt, class, why } => {
            let stage = state.node_mut(*node);
            let judged = stage.status == Status::Running && !stage.open && stage.attempt == *attempt;
            let well = stage.outcome.as_mut().filter(|outcome| outcome.status == AttemptStatus::Succeeded);
            ensure(judged && well.is_some(), event, "no attempt that ended well is to be judged")?;
            if let Some(outcome) = well {
                outcome.status = AttemptStatus::Failed;
                outcome.error = Some(why.clone());
                outcome.class = Some(*class);
            }
            Ok(())
        }
        Event::GateJudged { .. } => judged(plan, state, event),
        Event::StageFinished { node, status, reason, outputs, .. } => {
            finished(plan, state, event, *node, *status)?;
            let gate = plan.nodes[*node as usize].gate.as_ref();
            let shares_tool = gate.is_some_and(|gate| gate.tool.is_some());
            keep_result(state, *node, reason, outputs, shares_tool);
            Ok(())
        }
        Event::StagesBlocked { root, nodes } => blocked(state, event, *root, nodes),
        Event::StageUnknown { node, .. }
        | Event::StageResolved { node, .. }
        | Event::StageReset { node, .. } => mend(plan, state, event, *node),
        Event::StageRecorded { node, files, result } => {
            recorded(state, event, *node, files, result.as_deref())
        }
        _ => Ok(()),
    }
}

fn judged(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    let Event::GateJudged { node, checks, error, inputs, .. } = event else { return Ok(()) };
    let stage = state.node_mut(*node);
    let gate = plan.nodes[*node as usize].kind == StageKind::Gate;
    ensure(gate && stage.is_open_ended() && !stage.open, event, "it is no gate that can be judged now")?;
    let failed = || checks.iter().find(|check| !check.held).map(|check| check.text.clone());
    stage.inputs = inputs.clone().or(stage.inputs.take());
    stage.judged = Some(error.clone().or_else(failed).map_or(Ok(()), Err));
    Ok(())
}

/// One more of the run's retries, after a wait whose length the plan and the attempt determine.
fn count_retry(plan: &Plan, state: &mut RunState, node: NodeIndex, on: WaitFor) {
    if on != WaitFor::Retry {
        return;
    }
    let (tries, attempt) = (state.node(node).tries, state.node(node).attempt);
    let policy = plan.nodes[node as usize].retry.as_ref();
    let wait = policy.map_or(0, |of| wait_ms(of, tries, plan.seed, node, attempt));
    state.node_mut(node).since = state.reckoned.saturating_add(wait);
    state.retries = state.retries.saturating_add(1);
}

fn begun(state: &mut RunState, node: NodeIndex, key: &Option<String>, inputs: &Option<String>) {
    let stage = state.node_mut(node);
    stage.key = key.clone().or(stage.key.take());
    stage.inputs = inputs.clone().or(stage.inputs.take());
}

fn recorded(
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    files: &Files,
    result: Option<&Keyed>,
) -> Result<(), Impossible> {
    let stage = state.node_mut(node);
    ensure(stage.is_open_ended() && !stage.open, event, "the stage runs or has ended")?;
    stage.files.clone_from(files);
    let own = result.filter(|result| result.made_by.is_none()).map(|result| result.key.clone());
    // One that is reused has not started: what its inputs were is known from the key.
    let inputs = result.and_then(|result| result.parts.get("inputs"));
    stage.inputs = stage.inputs.take().or(inputs.cloned());
    state.results.extend(own.map(|key| (node, key)));
    Ok(())
}

fn facts(
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    asked: Asked,
    values: &FactValues,
) -> Result<(), Impossible> {
    let stage = state.node_mut(node);
    ensure(stage.is_open_ended() && !stage.open, event, "nothing is to be judged of the stage now")?;
    match stage.facts.iter_mut().find(|(phase, _)| *phase == asked) {
        Some((_, known)) => known.extend(values.clone()),
        None => stage.facts.push((asked, values.clone())),
    }
    Ok(())
}

fn started(
    plan: &Plan,
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    attempt: u32,
) -> Result<(), Impossible> {
    let spec = &plan.nodes[node as usize];
    if state.node(node).waits_on(WaitFor::Retry) {
        state.took(state.node(node).since, 0);
    }
    let (now, events) = (state.reckoned, state.events);
    state.lane_ended = false;
    let stage = state.node_mut(node);
    stage.since = now;
    let waiting = matches!(stage.status, Status::Pending | Status::Waiting);
    ensure(waiting, event, "the stage runs or has ended")?;
    ensure(stage.unmet == 0, event, "a stage it waits for has not ended")?;
    ensure(attempt == stage.attempt + 1, event, "attempts are numbered one by one")?;
    let again = stage.attempt > 0 && !stage.cleared && !stage.waits_on(WaitFor::Retry);
    ensure(!(again && spec.effect == Effect::Once), event, "a `once` stage started before")?;
    stage.began = events;
    stage.status = Status::Running;
    stage.wait = None;
    stage.open = true;
    stage.cleared = false;
    stage.attempt = attempt;
    stage.tries += u32::from(!super::repair::follows(stage));
    stage.outcome = None;
    stage.facts.retain(|(asked, _)| matches!(asked, Asked::When | Asked::Before));
    if let Some(tool) = spec.gate.as_ref().and_then(|gate| gate.tool.as_ref()) {
        state.tools.insert(tool.clone(), node);
    }
    Ok(())
}

fn attempt_finished(
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    attempt: u32,
    outcome: &Outcome,
) -> Result<(), Impossible> {
    let stage = state.node_mut(node);
    ensure(stage.status == Status::Running && stage.open, event, "no attempt runs")?;
    ensure(stage.attempt == attempt, event, "another attempt runs")?;
    stage.open = false;
    // Nothing of it ever began: it may start as if it had not been tried.
    stage.cleared = outcome.class == Some(FailureClass::NeedLost) && stage.tries == 1;
    stage.outcome = Some(Box::new(outcome.clone()));
    let since = stage.since;
    state.took(since, outcome.duration_ms);
    Ok(())
}

fn finished(
    plan: &Plan,
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    status: Status,
) -> Result<(), Impossible> {
    let spec = &plan.nodes[node as usize];
    let stage = state.node(node);
    ensure(stage.is_open_ended(), event, "its result is recorded already")?;
    ensure(!stage.open, event, "its attempt still runs")?;
    let fits = match status {
        Status::Skipped | Status::Waived | Status::Reused => stage.tries == 0,
        Status::Succeeded => match spec.kind {
            StageKind::Gate => stage.judged == Some(Ok(())),
            StageKind::Stage => spec.actions.is_empty() || stage.attempt_succeeded(),
        },
        Status::Failed | Status::TimedOut | Status::Cancelled | Status::Warned => true,
        _ => false,
    };
    ensure(fits, event, "that end does not follow from what happened")?;
    state.node_mut(node).since = state.reckoned;
    settle(state, node, status);
    let bad = matches!(status, Status::Failed | Status::TimedOut);
    if bad && state.first_failure.is_none() && !plan.tolerated(node) {
        state.first_failure = Some(node);
    }
    Ok(())
}

/// Keeps what later stages and people need of an ended stage, and frees the rest.
fn keep_result(
    state: &mut RunState,
    node: NodeIndex,
    reason: &Option<String>,
    outputs: &BTreeMap<String, Value>,
    shares_tool: bool,
) {
    let stage = state.node_mut(node);
    stage.reason.clone_from(reason);
    stage.outputs.clone_from(outputs);
    stage.facts = Vec::new();
    // Other gates of the tool may yet be judged by its attempt.
    if let Some(outcome) = stage.outcome.as_mut().filter(|_| !shares_tool) {
        outcome.stderr = String::new();
        outcome.stdout = String::new();
    }
}

fn blocked(
    state: &mut RunState,
    event: &Event,
    root: NodeIndex,
    nodes: &[NodeIndex],
) -> Result<(), Impossible> {
    for &node in nodes {
        let known = (node as usize) < state.nodes.len();
        let free = known && matches!(state.node(node).status, Status::Pending | Status::Waiting);
        ensure(free && state.node(node).tries == 0, event, "a stage of the cone runs or has ended")?;
        settle(state, node, Status::Blocked);
        state.node_mut(node).root = Some(root);
    }
    Ok(())
}

fn mend(plan: &Plan, state: &mut RunState, event: &Event, node: NodeIndex) -> Result<(), Impossible> {
    let once = plan.nodes[node as usize].effect == Effect::Once;
    let stage = state.node(node);
    ensure(!stage.open, event, "its attempt still runs")?;
    match event {
        Event::StageUnknown { reason, .. } => {
            ensure(once && stage.attempt > 0, event, "only a `once` stage that started can be unknown")?;
            let sure = matches!(stage.status, Status::Succeeded | Status::Unknown);
            ensure(!sure, event, "its end is known, or asked about already")?;
            super::unsettle(state, node);
            settle(state, node, Status::Unknown);
            state.node_mut(node).reason = Some(reason.clone());
        }
        Event::StageResolved { done, by, .. } => {
            ensure(stage.status == Status::Unknown, event, "the stage is not unknown")?;
            if *done {
                settle(state, node, Status::Succeeded);
                state.node_mut(node).reason = Some(format!("marked done by {by}"));
            } else {
                begin_again(plan, state, node);
                state.node_mut(node).cleared = true;
            }
        }
        Event::StageReset { .. } => {
            let done = once && stage.attempt > 0 && stage.status == Status::Succeeded;
            ensure(!done, event, "a finished `once` stage never runs again")?;
            begin_again(plan, state, node);
        }
        _ => {}
    }
    Ok(())
}
