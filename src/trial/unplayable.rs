//! What the engine cannot do yet and a test would need: refused, never passed over. Notifications and rollback do
//! nothing in a run that goes well, so a lane that has them is played until it would matter.

use crate::diag::Diagnostic;
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
    [NotYet::NOTIFY, NotYet::ROLLBACK].contains(&what)
}

/// Refused because of what happened in the run.
pub(super) fn after(model: &Model, lane: &ResolvedLane, played: &Played) -> Result<(), Vec<Diagnostic>> {
    let failed = played.state.first_failure.is_some();
    let refused: Vec<Diagnostic> = plan::concerning(model, lane)
        .into_iter()
        .filter_map(|entry| {
            let why = match entry.what.as_str() {
                NotYet::ROLLBACK if failed => "a stage failed, and what was done would be undone now",
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
