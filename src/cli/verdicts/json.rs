//! Test results as JSON; `docs/testing.md` documents the keys.

use serde_json::{Value, json};

use crate::base::SourceMap;
use crate::diag::{self, Diagnostic};
use crate::embed::Trial;
use crate::trial::{Coverage, LaneCoverage, Tested};

/// One object, indented, with a newline at its end.
pub fn render(sources: &SourceMap, trial: &Trial, coverage: Option<&Coverage>, trails: bool) -> String {
    let tests: Vec<Value> = trial.tested.iter().map(|tested| test(sources, tested, trails)).collect();
    let mut report = json!({
        "tests": tests,
        "errors": diagnostics(sources, &trial.errors),
        "summary": {
            "passed": trial.passed(),
            "failed": trial.failed(),
            "errors": trial.unplayable(),
            "filtered": trial.known - trial.tested.len(),
        },
    });
    if let Some(coverage) = coverage {
        let files: Vec<Value> = coverage
            .files
            .iter()
            .map(|file| {
                let lanes: Vec<Value> = file.lanes.iter().map(lane).collect();
                json!({ "file": file.file, "lanes": lanes })
            })
            .collect();
        report["coverage"] = json!({ "files": files });
    }
    format!("{report:#}\n")
}

fn test(sources: &SourceMap, tested: &Tested, trails: bool) -> Value {
    let at = sources.position(tested.span);
    let mut entry = json!({
        "name": tested.name,
        "file": sources.get(tested.span.file).path,
        "line": at.line,
        "column": at.column,
        "lane": tested.lane,
        "status": super::word(&tested.verdict),
        "expectations": tested.expectations,
        "findings": diagnostics(sources, super::findings(tested)),
    });
    if trails {
        let steps = tested.trail.iter().map(|step| json!({ "at_ms": step.at_ms, "text": step.text }));
        entry["trail"] = steps.collect();
    }
    entry
}

/// As `wfl check --format json` writes them.
fn diagnostics(sources: &SourceMap, found: &[Diagnostic]) -> Value {
    if found.is_empty() {
        return json!([]);
    }
    let text = diag::render(diag::Format::Json, sources, found, false, 0);
    let mut parsed: Value = serde_json::from_str(&text).unwrap_or_default();
    parsed["diagnostics"].take()
}

fn lane(lane: &LaneCoverage) -> Value {
    let stages: Vec<Value> = lane
        .stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name,
                "kind": if stage.gate { "gate" } else { "stage" },
                "carried_out": stage.carried_out,
                "skipped": stage.skipped,
            })
        })
        .collect();
    let branches: Vec<Value> = lane
        .branches
        .iter()
        .map(|(branch, taken)| json!({ "stage": branch.stage(), "branch": branch.words(), "taken": taken }))
        .collect();
    json!({
        "name": lane.name,
        "tests": lane.tests,
        "stages": stages,
        "stages_carried_out": lane.stages_carried_out(),
        "branches": branches,
        "branches_taken": lane.branches_taken(),
    })
}
