//! Results of `wfl test` as people and programs read them. Plays nothing.

pub mod human;
pub mod json;
pub mod junit;

use crate::diag::Diagnostic;
use crate::trial::{Tested, Verdict};

/// What is to be said of a test that did not pass.
fn findings(tested: &Tested) -> &[Diagnostic] {
    match &tested.verdict {
        Verdict::Passed => &[],
        Verdict::Failed(found) | Verdict::Unplayable(found) => found,
    }
}

fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Failed(_) => "failed",
        Verdict::Unplayable(_) => "error",
    }
}
