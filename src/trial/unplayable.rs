//! What the engine cannot do yet and a test would need: refused, never passed over. Notifications, rollback, repair
//! rules and breakers do nothing in a run that goes well, so a lane that has them is played until it would matter.

use crate::base::Value;
use crate::diag::Diagnostic;
use crate::engine::RunState;
use crate::event::{AttemptStatus, Event, Status};
use crate::expr::Expr;
use crate::model::{self, Model, NotYet, ResolvedLane};
use crate::plan::{self, Plan};

use super::rehearsal::Played;

/// Refused before anything is played.
pub(super) fn before(model: &Model, lane: &ResolvedLane) -> Result<(), Vec<Diagnostic>> {
    let refused: Vec<Diagnostic> = plan::concerning(model, lane)
        .into_iter()
        .filter(|entry| !matters_later(entry))
        .map(|entry| in_a_test(entry, "the lane has it"))
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

fn matters_later(entry: &NotYet) -> bool {
    let what = entry.what.as_str();
    [NotYet::NOTIFY, NotYet::ROLLBACK, NotYet::BREAKER, NotYet::REPAIR, NotYet::REPAIRS].contains(&what)
}

/// Refused because of what happened in the run.
pub(super) fn after(model: &Model, lane: &ResolvedLane, played: &Played) -> Result<(), Vec<Diagnostic>> {
    let failed = played.state.first_failure.is_some();
    let failed_attempt = played.records.iter().any(|record| {
        matches!(&record.event, Event::AttemptFinished { outcome, .. }
            if matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut))
    });
    let refused: Vec<Diagnostic> = plan::concerning(model, lane)
        .into_iter()
        .filter_map(|entry| {
            let why = match entry.what.as_str() {
                NotYet::ROLLBACK if failed => "a stage failed, and what was done would be undone now",
                NotYet::REPAIR | NotYet::REPAIRS if failed_attempt => {
                    "an attempt failed, and a rule could have mended it"
                }
                NotYet::BREAKER if opens(model, lane, &played.plan, &played.state, entry) => {
                    "so many stages failed that the breaker would have opened"
                }
                _ => return None,
            };
            Some(in_a_test(entry, why))
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

fn in_a_test(entry: &NotYet, why: &str) -> Diagnostic {
    let found = plan::refusal(entry);
    let message = format!("{} cannot be played yet: {why}", entry.what);
    Diagnostic { message, ..found }.help("nothing is known of what the test expects")
}

/// Breakers count stages whose attempts ran out.
fn opens(model: &Model, lane: &ResolvedLane, plan: &Plan, state: &RunState, entry: &NotYet) -> bool {
    let stages = (0u32..).zip(&lane.stages);
    stages.into_iter().any(|(index, stage)| {
        let retry = stage.retry.as_ref().filter(|retry| retry.span == entry.span);
        let Some(breaker) = retry.and_then(|retry| retry.breaker.as_ref()) else { return false };
        let failures = breaker.failures.as_ref().map_or(1, |expr| count(model, expr));
        let ran_out = |node: &u32| {
            let status = state.node(*node).status;
            matches!(status, Status::Failed | Status::TimedOut | Status::Warned)
        };
        let instances = plan.stages.get(index as usize).map_or(&[][..], |stage| &stage.nodes);
        instances.iter().filter(|node| ran_out(node)).count() >= failures
    })
}

fn count(model: &Model, expr: &Expr) -> usize {
    match model::constant(model, expr) {
        Some(Value::Int(count)) => usize::try_from(*count).unwrap_or(1).max(1),
        _ => 1,
    }
}
