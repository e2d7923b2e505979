//! What the engine cannot do yet and a test would need: refused, never passed over. Notifications change nothing in
//! a run, so a lane that has them is played.

use crate::diag::Diagnostic;
use crate::model::{Model, NotYet, ResolvedLane};
use crate::plan;

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
    entry.what == NotYet::NOTIFY
}

fn in_a_test(entry: &NotYet, why: &str) -> Diagnostic {
    let found = plan::refusal(entry);
    let message = format!("{} cannot be played yet: {why}", entry.what);
    Diagnostic { message, ..found }.help("nothing is known of what the test expects")
}
