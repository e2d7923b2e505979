//! What events of a rollback carry. Plain data.

use serde::{Deserialize, Serialize};

use super::{NodeIndex, RunStatus};

/// How a run ended before its effects were taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failed {
    pub status: RunStatus,
    pub cause: Option<String>,
    pub node: Option<NodeIndex>,
}
