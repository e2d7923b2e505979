//! The contract's JSON of runs and stages. Pure: no reading, no writing.

use serde_json::{Value, json};

use crate::event::{FailureClass, RunStatus};
use crate::history::{AttemptSummary, RunSummary, StageSummary};

pub fn run_json(run: &RunSummary) -> Value {
    json!({
        "id": run.id,
        "status": run.status,
        "exit": exit(run),
        "lane": run.lane,
        "started": run.started.rfc3339(),
        "finished": run.finished.map(|at| at.rfc3339()),
        "duration_ms": run.duration_ms,
        "cause": run.cause,
        "change": run.change,
        "params": run.params,
    })
}

/// A run that was rolled back has the code of the failure it was rolled back for.
fn exit(run: &RunSummary) -> i32 {
    match run.status {
        RunStatus::RolledBack => run.exit.unwrap_or(run.status.exit_code()),
        status => status.exit_code(),
    }
}

pub fn stage_json(stage: &StageSummary) -> Value {
    json!({
        "name": stage.name,
        "stage": stage.stage,
        "number": stage.number,
        "kind": stage.kind,
        "status": stage.status,
        "reason": stage.reason,
        "attempts": stage.attempts.iter().map(attempt_json).collect::<Vec<_>>(),
        "started": stage.started.map(|at| at.rfc3339()),
        "finished": stage.finished.map(|at| at.rfc3339()),
        "duration_ms": stage.duration_ms,
        "outputs": stage.outputs,
        "measures": stage.measures,
        "undone": stage.undo.as_deref() == Some("done"),
        "undo": stage.undo,
    })
}

fn attempt_json(attempt: &AttemptSummary) -> Value {
    json!({
        "attempt": attempt.attempt,
        "status": attempt.status,
        "exit": attempt.exit,
        "started": attempt.started.rfc3339(),
        "duration_ms": attempt.duration_ms,
        "error": attempt.error,
        "usage": attempt.usage,
        "class": attempt.class,
        "lasting": attempt.class.map(FailureClass::lasting),
        "injected": attempt.injected,
    })
}
