//! The steps of a played run in words, each at its virtual time. Decides nothing.

use crate::base::clock::format_duration;
use crate::event::{Event, Record};
use crate::plan::Plan;

use super::staging::NOT_JUDGED;
use super::view::said;

/// One step of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Virtual milliseconds since the run began.
    pub at_ms: u64,
    pub text: String,
}

pub(super) fn trail(plan: &Plan, records: &[Record]) -> Vec<Step> {
    records
        .iter()
        .filter_map(|record| {
            let at_ms = record.at.0.max(0) as u64;
            line(plan, &record.event).map(|text| Step { at_ms, text })
        })
        .collect()
}

fn line(plan: &Plan, event: &Event) -> Option<String> {
    let own = event.node().and_then(|node| plan.nodes.get(node as usize));
    let key = own.map_or("the run", |node| node.key.as_str());
    Some(match event {
        Event::RunStarted { lane, .. } => format!("lane {lane} starts"),
        Event::RunFinished { status, cause, .. } => {
            format!("the run stops: {}{}", status.word(), because(cause.as_deref()))
        }
        Event::RunCancelling { by } => format!("the run is ended by {by}"),
        Event::StageStarted { attempt: 1, .. } => format!("{key} starts"),
        Event::StageStarted { attempt, .. } => format!("{key} starts (attempt {attempt})"),
        Event::AttemptFinished { outcome, .. } => {
            let exit = outcome.exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
            let word = crate::engine::apply::describe(outcome);
            match outcome.status {
                crate::event::AttemptStatus::Succeeded => format!("{key} ends{exit}"),
                _ => format!("{key} ends: {word}"),
            }
        }
        Event::StageWaiting { on, detail, until, .. } => {
            let until =
                until.map(|until| format!(", until {}", format_duration(until.0))).unwrap_or_default();
            format!("{key} waits ({}): {detail}{until}", word(*on))
        }
        Event::GateJudged { checks, error: None, .. } if checks.iter().any(|c| c.text == NOT_JUDGED) => {
            format!("{key} {NOT_JUDGED}")
        }
        Event::GateJudged { checks, error: None, .. } => {
            let checks: Vec<String> = checks
                .iter()
                .map(|check| {
                    format!("`{}` {}", check.text, if check.held { "holds" } else { "does not hold" })
                })
                .collect();
            format!("{key} is judged: {}", checks.join(", "))
        }
        Event::GateJudged { error: Some(why), .. } => format!("{key} cannot be judged: {why}"),
        Event::StageFinished { status, reason, .. } => {
            format!("{key} {}{}", said(*status), because(reason.as_deref()))
        }
        Event::StagesBlocked { nodes, .. } => {
            let keys: Vec<&str> = nodes
                .iter()
                .filter_map(|node| plan.nodes.get(*node as usize))
                .map(|n| n.key.as_str())
                .collect();
            format!("{key} blocks {}", keys.join(", "))
        }
        Event::ApprovalGiven { by, approved, .. } => {
            format!("{by} {} {key}", if *approved { "approves" } else { "rejects" })
        }
        Event::ApprovalExpired { .. } => format!("the approval of {key} expires"),
        Event::ConfirmAnswered { yes, .. } => {
            format!("{key} is {}", if *yes { "confirmed" } else { "not confirmed" })
        }
        Event::FinallyFinished { node: None, .. } => "finally of the lane".to_owned(),
        Event::FinallyFinished { .. } => format!("finally of {key}"),
        Event::Note { text, .. } => format!("note: {text}"),
        _ => return None,
    })
}

fn because(reason: Option<&str>) -> String {
    reason.map(|reason| format!(": {reason}")).unwrap_or_default()
}

fn word(on: crate::event::WaitFor) -> &'static str {
    use crate::event::WaitFor;
    match on {
        WaitFor::Approval => "people",
        WaitFor::Retry => "to try again",
        WaitFor::Lock => "lock",
        WaitFor::Pool => "pool",
        WaitFor::Breaker => "breaker",
    }
}
