//! The JSON schema of the sources' workflow history: `workflows`, each with what was changed, which numbered stages ran,
//! and how they did. Knows no store.

use serde_json::{Map, Value, json};

use super::{Batch, id, jsonl};
use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::eventlog::time::{Slashes, parse};
use crate::history::{Mode, Past, PastChange, PastStage};

pub(super) const SOURCE: &str = "sources";
/// The sources' words for types of changes, and ours.
const KINDS: &[(&str, &str)] = &[("feature", "feat"), ("bugfix", "fix"), ("hotfix", "fix")];

/// Our word for a type of change.
pub(super) fn kind(word: &str) -> &str {
    KINDS.iter().find(|(theirs, _)| *theirs == word).map_or(word, |(_, ours)| ours)
}

/// None where the document has another schema.
pub(super) fn read(bytes: &[u8], lane: Option<&str>) -> Option<Batch> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let document: Value = serde_json::from_slice(text).ok()?;
    let list = match &document {
        Value::Object(map) => map.get("workflows")?.as_array()?,
        Value::Array(list) if list.iter().any(|one| one.get("stages_executed").is_some()) => list,
        _ => return None,
    };
    let is_ours = |one: &Value| one.get("stages_executed").is_some() || one.get("lane_used").is_some();
    if !list.is_empty() && !list.iter().any(is_ours) {
        return None;
    }
    let mut batch =
        Batch { kind: "the sources' schema", rows: list.len(), nameless: true, ..Batch::default() };
    for (number, entry) in (1..).zip(list) {
        match one(entry, lane)
            .and_then(|past| jsonl::contradiction(&past).map_or(Ok(past), |what| Err((what, String::new()))))
        {
            Ok(past) => batch.past.push(past),
            Err((what, text)) => batch.complaints.bad(what, number, &text),
        }
    }
    Some(batch)
}

fn one(entry: &Value, lane: Option<&str>) -> Result<Past, (&'static str, String)> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    let shown = |value: Option<&Value>| value.map(Value::to_string).unwrap_or_default();
    let change = text("change_id");
    let started = parse(text("timestamp"), Slashes::Unknown).ms();
    let started = started.ok_or_else(|| ("the timestamp cannot be read", shown(entry.get("timestamp"))))?;
    let Some(numbers) = entry.get("stages_executed").and_then(Value::as_array) else {
        return Err(("it has no list `stages_executed`", change.to_owned()));
    };
    let duration = entry.get("duration_ms").and_then(Value::as_f64).filter(|ms| *ms >= 0.0);
    let duration = duration
        .ok_or_else(|| ("the duration is no number of milliseconds", shown(entry.get("duration_ms"))))?;
    let Some(success) = entry.get("success").and_then(Value::as_bool) else {
        return Err(("`success` is neither true nor false", shown(entry.get("success"))));
    };
    let lane = lane.filter(|_| text("lane_used").is_empty()).unwrap_or(text("lane_used"));
    let lane = if lane.is_empty() { "unknown" } else { lane };
    let mut stages = Vec::new();
    for number in numbers {
        stages.push(stage(number, entry).ok_or_else(|| ("a stage is no number", number.to_string()))?);
    }
    stages.extend(gates(entry));
    let moment = started.to_string();
    Ok(Past {
        id: id(SOURCE, &[change, &moment, lane]),
        project: String::new(),
        source: SOURCE.into(),
        lane: lane.to_owned(),
        status: if success { RunStatus::Succeeded } else { RunStatus::Failed },
        started: Timestamp(started),
        duration_ms: duration as u64,
        change: PastChange {
            id: change.into(),
            kind: kind(text("change_type")).into(),
            ..PastChange::default()
        },
        stages,
        mode: Mode::Full,
    })
}

fn stage(number: &Value, entry: &Value) -> Option<PastStage> {
    let number = u32::try_from(number.as_u64()?).ok()?;
    let profile = entry.get("profile").and_then(|profile| profile.get(format!("stage_{number}")));
    let of = |name: &str| {
        profile.and_then(|profile| profile.get(name)).and_then(Value::as_f64).unwrap_or(0.0).max(0.0)
    };
    let duration = of("duration_ms");
    Some(PastStage {
        number: Some(number),
        duration_ms: duration as u64,
        cpu_ms: (duration * of("cpu_avg") / 100.0) as u64,
        ..PastStage::passed(&format!("stage_{number}"), "stage")
    })
}

fn gates(entry: &Value) -> Vec<PastStage> {
    let results = entry.get("quality_results").and_then(Value::as_object);
    let gate = |(name, passed): (&String, &Value)| {
        let status = if passed.as_bool()? { Status::Succeeded } else { Status::Failed };
        Some(PastStage { status, ..PastStage::passed(name, "gate") })
    };
    results.into_iter().flatten().filter_map(gate).collect()
}

/// The document of these runs, newest last.
pub(super) fn document(past: &[Past]) -> Value {
    let mut past: Vec<&Past> = past.iter().collect();
    past.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    json!({ "workflows": past.into_iter().map(entry).collect::<Vec<_>>() })
}

fn entry(past: &Past) -> Value {
    let ran = |stage: &&PastStage| stage.attempts > 0 || stage.status == Status::Reused;
    let mut numbers = Vec::new();
    let mut profile = Map::new();
    let stages = past.stages.iter().filter(|stage| stage.kind != "gate");
    for (place, stage) in stages.enumerate().filter(|(_, stage)| ran(stage)) {
        // A lane without numbers counts its stages in their order.
        let number = stage.number.map_or(place as u64, u64::from);
        let cpu = (stage.cpu_ms * 100).checked_div(stage.duration_ms).unwrap_or(0);
        numbers.push(number);
        profile
            .insert(format!("stage_{number}"), json!({ "duration_ms": stage.duration_ms, "cpu_avg": cpu }));
    }
    numbers.sort_unstable();
    numbers.dedup();
    let gates = past.stages.iter().filter(|stage| stage.kind == "gate").filter(ran);
    let gates = gates.map(|gate| (gate.name.clone(), Value::from(gate.status == Status::Succeeded)));
    let theirs = if past.change.kind == "feat" { "feature" } else { &past.change.kind };
    json!({
        "change_id": past.change.id,
        "change_type": theirs,
        "timestamp": past.started.rfc3339(),
        "lane_used": past.lane,
        "stages_executed": numbers,
        "duration_ms": past.duration_ms,
        "success": past.status == RunStatus::Succeeded,
        "quality_results": gates.collect::<Map<_, _>>(),
        "profile": profile,
    })
}
