//! What the engine cannot do yet and a test would need: refused, never passed over. Notifications and
//! repair rules do nothing in a run that goes well, so a lane that has them is played until it would matter.

use crate::diag::Diagnostic;
use crate::event::{AttemptStatus, Event};
use crate::model::{Model, NotYet, ResolvedLane};
use crate::plan;

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
    [NotYet::NOTIFY, NotYet::REPAIR, NotYet::REPAIRS].contains(&what)
}

/// Refused because of what happened in the run.
pub(super) fn after(model: &Model, lane: &ResolvedLane, played: &Played) -> Result<(), Vec<Diagnostic>> {
    let failed_attempt = played.records.iter().any(|record| {
        matches!(&record.event, Event::AttemptFinished { outcome, .. }
            if matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut))
    });
    let refused: Vec<Diagnostic> = plan::concerning(model, lane)
        .into_iter()
        .filter_map(|entry| {
            let why = match entry.what.as_str() {
                NotYet::REPAIR | NotYet::REPAIRS if failed_attempt => {
                    "an attempt failed, and a rule could have mended it"
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
