//! What the states of stages and runs are called, and which of them are ends. Knows no event.

use super::{RunStatus, Status};

impl Status {
    /// A need on a stage in this state is met.
    pub fn meets_need(self) -> bool {
        matches!(self, Status::Succeeded | Status::Reused | Status::Warned | Status::Waived)
    }

    /// No further attempt will follow by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Status::Pending | Status::Ready | Status::Waiting | Status::Running)
    }

    pub fn word(self) -> &'static str {
        match self {
            Status::Pending => "pending",
            Status::Ready => "ready",
            Status::Waiting => "waiting",
            Status::Running => "running",
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
            Status::TimedOut => "timed-out",
            Status::Cancelled => "cancelled",
            Status::Skipped => "skipped",
            Status::Waived => "waived",
            Status::Reused => "reused",
            Status::Warned => "warned",
            Status::Blocked => "blocked",
            Status::Unknown => "unknown",
        }
    }
}

impl RunStatus {
    pub fn word(self) -> &'static str {
        match self {
            RunStatus::Running => "running",
            RunStatus::Waiting => "waiting",
            RunStatus::Succeeded => "succeeded",
            RunStatus::Failed => "failed",
            RunStatus::GateFailed => "gate-failed",
            RunStatus::TimedOut => "timed-out",
            RunStatus::Cancelled => "cancelled",
            RunStatus::Interrupted => "interrupted",
            RunStatus::RolledBack => "rolled-back",
        }
    }

    /// The contract's exit code for a run that stopped with this status.
    pub fn exit_code(self) -> i32 {
        match self {
            RunStatus::Succeeded => 0,
            RunStatus::Failed | RunStatus::Running | RunStatus::Cancelled | RunStatus::RolledBack => 1,
            RunStatus::GateFailed => 3,
            RunStatus::Waiting => 4,
            RunStatus::TimedOut => 5,
            RunStatus::Interrupted => 130,
        }
    }
}
