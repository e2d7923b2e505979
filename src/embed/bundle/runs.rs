//! What the state holds: the newest runs, their events and the ends of the logs of what failed. Reads; what cannot be read
//! is said, for a damaged state is just when a bundle is made.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::capture::records::Reader;
use crate::capture::scan::{Filter, Line, Scan};
use crate::event::{RunId, Status};
use crate::expr::Kind;
use crate::history::{self, History, RunSummary, StageSummary};
use crate::model::GlobalKind;
use crate::observe::sanitise::last_state;
use crate::plan::{Action, Plan};
use crate::store::Store;

use super::redact::Redactor;
use crate::embed::Project;
use crate::embed::stored::log_path;

/// Runs told in full, runs listed, and lines of a failed stage's log.
const RUNS: usize = 3;
const LISTED: usize = 20;
const LINES: usize = 200;

/// A run as far as it can be read.
pub(super) struct Stored {
    summary: RunSummary,
    plan: Option<Plan>,
    stages: Vec<StageSummary>,
    events: Result<Vec<Value>, String>,
    logs: std::path::PathBuf,
}

pub(super) fn newest(store: &Store) -> Vec<Stored> {
    let filter = history::Filter { limit: Some(RUNS), ..history::Filter::default() };
    store.runs(&filter).unwrap_or_default().into_iter().map(|summary| read(store, summary)).collect()
}

fn read(store: &Store, summary: RunSummary) -> Stored {
    let id = RunId(summary.id.clone());
    let plan = store.load_plan(&id).ok().flatten().and_then(|json| serde_json::from_str(&json).ok());
    let events = match store.events(&id) {
        Ok(records) => Ok(records.iter().map(|record| json!(record)).collect()),
        Err(e) => Err(e.message),
    };
    let stages = store.stages(&summary.id).unwrap_or_default();
    Stored { plan, stages, events, logs: store.log_dir(&id), summary }
}

/// Variables from which lanes read secrets, of the project as it is and as the runs had it.
pub(super) fn secret_sources(project: &Project, stored: &[Stored]) -> BTreeSet<String> {
    let plans = stored.iter().filter_map(|run| run.plan.as_ref());
    let mut names: BTreeSet<String> =
        plans.flat_map(|plan| &plan.secrets).flat_map(|secret| secret.sources.clone()).collect();
    for global in &project.model().globals {
        let GlobalKind::Secret(value) = &global.kind else { continue };
        value.walk(&mut |part| {
            if let Kind::Fact { name, arguments, .. } = &part.kind
                && name == "env"
            {
                names
                    .extend(arguments.iter().filter_map(|name| name.as_value()).map(|name| name.to_string()));
            }
        });
    }
    names
}

/// Programs that the runs' stages start.
pub(super) fn programs(stored: &[Stored]) -> BTreeSet<String> {
    let plans = stored.iter().filter_map(|run| run.plan.as_ref());
    let actions = plans.flat_map(|plan| &plan.nodes).flat_map(|node| &node.actions);
    let program = |action: &Action| match action {
        Action::Script { interpreter, .. } => Some(interpreter.clone()),
        Action::Exec { argv } => argv.first().and_then(|first| first.as_value()).map(|name| name.to_string()),
        _ => None,
    };
    actions.filter_map(program).collect()
}

/// Hashes of files, as they are and as each run had them; their text stays here.
pub(super) fn definitions(project: &Project, stored: &[Stored]) -> Value {
    let hash = |text: &str| Value::String(blake3::hash(text.as_bytes()).to_hex().to_string());
    let now: Map<String, Value> = project
        .sources()
        .iter()
        .filter(|(_, file)| !file.path.starts_with("std/"))
        .map(|(_, file)| (file.path.clone(), hash(&file.text)))
        .collect();
    let runs = stored.iter().filter_map(|run| {
        let plan = run.plan.as_ref()?;
        let files: Map<String, Value> =
            plan.definition.files.iter().map(|(name, text)| (name.clone(), hash(text))).collect();
        Some((run.summary.id.clone(), json!({ "hash": plan.definition.hash, "files": files })))
    });
    json!({ "now": now, "runs": runs.collect::<Map<String, Value>>() })
}

pub(super) fn state(store: Option<&Store>) -> Value {
    let Some(store) = store else { return json!({ "state": "there is none yet, or it cannot be opened" }) };
    let filter = history::Filter { limit: Some(LISTED), ..history::Filter::default() };
    let runs = match store.runs(&filter) {
        Ok(runs) => json!(runs.iter().map(listed).collect::<Vec<_>>()),
        Err(e) => json!({ "unreadable": e.0 }),
    };
    let sound = match store.verify() {
        Ok(wrong) => json!(wrong),
        Err(e) => json!([e.message]),
    };
    json!({
        "folder": store.dir().display().to_string(),
        "schema": store.schema_version(),
        "wrong": sound,
        "runs": runs,
    })
}

fn listed(run: &RunSummary) -> Value {
    json!({
        "id": run.id,
        "lane": run.lane,
        "status": run.status,
        "started": run.started.rfc3339(),
        "duration_ms": run.duration_ms,
        "cause": run.cause,
    })
}

/// Events and logs of one run, redacted.
pub(super) fn files(run: &Stored, redactor: &Redactor) -> Vec<(String, String)> {
    let folder = format!("runs/{}", run.summary.id);
    let events = match &run.events {
        Ok(events) => events.iter().map(|event| format!("{}\n", redactor.value(event))).collect(),
        Err(why) => format!("{}\n", redactor.text(why)),
    };
    let mut files = vec![(format!("{folder}/events.jsonl"), events)];
    let bad = |stage: &StageSummary| {
        matches!(stage.status, Status::Failed | Status::TimedOut | Status::Warned | Status::Unknown)
    };
    for (node, stage) in (0..).zip(&run.stages).filter(|(_, stage)| bad(stage)) {
        let Some(attempt) = stage.attempts.last().map(|attempt| attempt.attempt) else { continue };
        if let Some(text) = last_lines(&log_path(&run.logs, node, attempt)) {
            files.push((format!("{folder}/{}-{attempt}.log", stage.name), redactor.text(&text)));
        }
    }
    files
}

fn last_lines(path: &std::path::Path) -> Option<String> {
    let mut scan = Scan::new(Reader::open(path).ok()??);
    let mut last: VecDeque<String> = VecDeque::with_capacity(LINES + 1);
    let mut each = |line: Line<'_>| {
        last.push_back(format!("{} {}\n", line.stream.word(), last_state(line.bytes, false)));
        if last.len() > LINES {
            last.pop_front();
        }
    };
    let filter = Filter::default();
    while scan.step(&filter, &mut each).ok()? {}
    scan.finish(&filter, &mut each);
    Some(last.into_iter().collect())
}
