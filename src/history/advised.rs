//! What a run was advised to leave out, as it is remembered: longer than the run itself. Does not know where it is kept.

use crate::base::Timestamp;
use crate::event::{Advised, RunId};

/// The advice of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunAdvised {
    pub run: RunId,
    pub lane: String,
    pub at: Timestamp,
    pub advised: Advised,
}
