//! Folds what people were asked and answered. Does not know who may answer.

use crate::event::{Event, NodeIndex, Status, WaitFor};
use crate::plan::Plan;

use super::super::state::{Approvals, Impossible, RunState, Wait};
use super::ensure;

pub(super) fn fold(plan: &Plan, state: &mut RunState, event: &Event) -> Result<(), Impossible> {
    match event {
        Event::ApprovalRequested { node, expires, .. } => {
            let asked = approvals(state, *node).clone();
            let wanted = plan.nodes[*node as usize].approvals.len();
            let free = state.node(*node).is_open_ended() && !state.node(*node).open;
            ensure(free, event, "the stage has started or ended")?;
            ensure(asked.done < wanted && !asked.requested, event, "no approval is due")?;
            let approvals = approvals(state, *node);
            approvals.requested = true;
            approvals.expires = *expires;
            state.node_mut(*node).status = Status::Waiting;
            state.node_mut(*node).wait = Some(Wait { on: WaitFor::Approval, until: *expires });
        }
        Event::ApprovalGiven { node, by, approved, .. } => given(plan, state, event, *node, by, *approved)?,
        Event::ApprovalExpired { node } => {
            ensure(approvals(state, *node).requested, event, "no approval was asked for")?;
            approvals(state, *node).refused = true;
        }
        Event::ApprovalVoided { node, .. } => {
            ensure(!state.node(*node).open, event, "the stage runs")?;
            state.node_mut(*node).approvals = None;
            if state.node(*node).waits_on(WaitFor::Approval) {
                again(state, *node);
            }
        }
        Event::ConfirmAnswered { node, yes, .. } => {
            let free = state.node(*node).is_open_ended() && !state.node(*node).open;
            ensure(free, event, "the stage has started or ended")?;
            state.node_mut(*node).confirmed = Some(*yes);
            if state.node(*node).status == Status::Waiting {
                again(state, *node);
            }
        }
        _ => {}
    }
    Ok(())
}

fn given(
    plan: &Plan,
    state: &mut RunState,
    event: &Event,
    node: NodeIndex,
    by: &str,
    approved: bool,
) -> Result<(), Impossible> {
    let waiting = state.node(node).waits_on(WaitFor::Approval);
    let asked = approvals(state, node);
    ensure(waiting && asked.requested && !asked.refused, event, "no approval was asked for")?;
    ensure(!asked.by.iter().any(|other| other == by), event, "the same person answered before")?;
    if !approved {
        asked.refused = true;
        return Ok(());
    }
    asked.by.push(by.to_owned());
    let needed = plan.nodes[node as usize].approvals.get(asked.done).map_or(1, |approval| approval.count);
    if asked.by.len() as u32 >= needed {
        *asked = Approvals { done: asked.done + 1, ..Approvals::default() };
        again(state, node);
    }
    Ok(())
}

/// No longer waiting for a person: pending, and looked at again.
fn again(state: &mut RunState, node: NodeIndex) {
    state.node_mut(node).status = Status::Pending;
    state.node_mut(node).wait = None;
    if state.node(node).unmet == 0 {
        state.fresh.push(node);
    }
}

fn approvals(state: &mut RunState, node: NodeIndex) -> &mut Approvals {
    state.node_mut(node).approvals.get_or_insert_default()
}
