//! The words that status files have for states, and ours for the same. Knows no file.

use serde::Serialize;

/// How a run or one of its stages stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Pending,
    Running,
    Completed,
    Failed,
    Cancelled,
    Skipped,
    /// Stopped before its end; the word of the original for what can be resumed.
    Incomplete,
    /// The file does not say.
    #[default]
    Unrecorded,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Running => "running",
            State::Completed => "completed",
            State::Failed => "failed",
            State::Cancelled => "cancelled",
            State::Skipped => "skipped",
            State::Incomplete => "incomplete",
            State::Unrecorded => "unrecorded",
        }
    }

    /// Nothing of it is left to do.
    pub fn is_settled(self) -> bool {
        matches!(self, State::Completed | State::Skipped)
    }
}

/// The state a word stands for, in any case and with any of `-`, `_` and blanks between its parts.
pub(super) fn state(word: &str) -> Option<State> {
    let word = word.trim().to_lowercase().replace(['-', ' '], "_");
    Some(match word.as_str() {
        "pending" | "not_started" | "todo" | "queued" | "waiting" | "ready" | "new" | "initialized" => {
            State::Pending
        }
        "running" | "in_progress" | "inprogress" | "started" | "active" | "executing" | "resumed" => {
            State::Running
        }
        "completed" | "complete" | "done" | "success" | "succeeded" | "successful" | "passed" | "pass"
        | "ok" | "finished" => State::Completed,
        "failed" | "failure" | "fail" | "error" | "errored" | "timed_out" | "timeout" => State::Failed,
        "cancelled" | "canceled" | "aborted" | "abort" => State::Cancelled,
        "skipped" | "skip" => State::Skipped,
        "incomplete" | "paused" | "interrupted" | "partial" | "suspended" | "stopped" => State::Incomplete,
        "unrecorded" => State::Unrecorded,
        _ => return None,
    })
}
