//! What the newest earlier run said of the tests, for the change's documents. Starts nothing; a state that cannot be read
//! tells nothing.

use serde_json::{Value as Json, json};

use crate::event::Status;
use crate::history::{Filter, History, StageSummary};

use super::Place;

/// So many runs are looked through.
const RUNS: usize = 20;

/// The newest run that holds results of tests: which, and how each ended. Null without one.
pub(super) fn tests(place: &Place) -> Json {
    let state = place.existing_state().ok().flatten();
    state.and_then(|store| newest(&store)).unwrap_or(Json::Null)
}

fn newest(history: &dyn History) -> Option<Json> {
    let runs = history.runs(&Filter { limit: Some(RUNS), ..Filter::default() }).ok()?;
    runs.into_iter().find_map(|run| {
        let stages = history.stages(&run.id).ok()?;
        let results: Vec<Json> = stages.iter().filter(|stage| of_tests(stage)).map(result).collect();
        let sha: String = run.change.sha.chars().take(7).collect();
        let found = json!({ "run": run.id, "lane": run.lane, "sha": sha, "results": results });
        (!results.is_empty()).then_some(found)
    })
}

/// A stage or gate that ran tests, by its name or what it measured.
fn of_tests(stage: &StageSummary) -> bool {
    let named = stage.stage.contains("test") && stage.stage != "test-plan";
    let measured = ["tests", "pass-rate"].iter().any(|name| stage.measures.contains_key(*name));
    let ended =
        matches!(stage.status, Status::Succeeded | Status::Failed | Status::TimedOut | Status::Warned);
    ended && (named || measured)
}

fn result(stage: &StageSummary) -> Json {
    let measures: Vec<Json> =
        stage.measures.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    let seconds = (stage.duration_ms as f64 / 100.0).round() / 10.0;
    json!({ "stage": stage.name, "status": stage.status, "seconds": seconds, "measures": measures })
}
