//! What gates measured in the lane's newest succeeded run on the base branch. Reads history; judges nothing.

use serde_json::Value as Json;

use crate::base::Value;
use crate::event::{RunStatus, Status};
use crate::expr::facts::{BASELINE, Fact, FactKey, FactValues};
use crate::history::{Filter, History, HistoryError, RunSummary};

/// How many runs back a baseline is looked for.
const RUNS: usize = 500;

/// Whether the fact is one that this reads.
pub(super) fn is_baseline(key: &FactKey) -> bool {
    key.name == BASELINE
}

/// Every baseline asked for; absent where no run of the lane has set it.
pub(super) fn read(history: Option<&dyn History>, lane: &str, keys: &[FactKey]) -> FactValues {
    let mut values = FactValues::new();
    let mut open: Vec<&FactKey> = keys.iter().filter(|key| is_baseline(key)).collect();
    if let (Some(history), false) = (history, open.is_empty())
        && let Err(HistoryError(why)) = search(history, lane, &mut open, &mut values)
    {
        values.extend(open.iter().map(|key| (key.id(), Fact::Failed(why.clone()))));
        return values;
    }
    values.extend(open.iter().map(|key| (key.id(), Fact::Read(Value::Absent))));
    values
}

/// Newest first; what is found is taken out of `open`.
fn search(
    history: &dyn History,
    lane: &str,
    open: &mut Vec<&FactKey>,
    values: &mut FactValues,
) -> Result<(), HistoryError> {
    let filter = Filter { lane: Some(lane.to_owned()), limit: Some(RUNS), ..Filter::default() };
    for run in history.runs(&filter)?.iter().filter(|run| sets(run)) {
        let stages = history.stages(&run.id)?;
        open.retain(|key| {
            let [gate, measure] = key.arguments.as_slice() else { return true };
            let (gate, measure) = (gate.to_string(), measure.to_string());
            let judged = stages.iter().find(|stage| stage.stage == gate && stage.status == Status::Succeeded);
            // A measure that had no value, or was of another type then, is not one to compare with.
            let value = judged
                .and_then(|stage| stage.measures.get(&measure))
                .filter(|json| **json != Json::Null)
                .and_then(|json| Value::from_json(json, &key.ty));
            let found = value.is_some();
            values.extend(value.map(|value| (key.id(), Fact::Read(value))));
            !found
        });
        if open.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Runs of other branches are compared with the base branch and never become what others are compared with.
fn sets(run: &RunSummary) -> bool {
    run.status == RunStatus::Succeeded && (run.change.base.is_empty() || run.change.branch == run.change.base)
}
