//! The entries of a record's lists: stages, checkpoints, errors. Knows no shape.

use serde_json::{Map, Value};

use super::checkpoints;
use super::fields::{Fields, kind, whole_in};
use super::finding::{Class, Finding, Severity};
use super::reader::state;
use super::record::{Checkpoint, Checkpoints, ErrorNote, Record, Stage};
use super::words::State;

type Range = std::ops::RangeInclusive<i64>;

/// Entries of a list of stages; what comes behind them is kept as it is.
const MOST: usize = 10_000;

const NUMBER: &[&str] =
    &["number", "stage_num", "step_id", "stage_id", "step_num", "phase_num", "stage", "step", "phase", "id"];
const NAME: &[&str] = &["name", "stage_name", "step_name", "phase_name"];

/// The stages of `stages`, `steps` or `phases`, in the order written; what has a number that cannot be is kept.
pub(super) fn stages(fields: &mut Fields, range: &Range) -> Vec<Stage> {
    let names = ["stages", "steps", "phases"];
    let Some(name) = names.into_iter().find(|name| fields.has(name)) else { return Vec::new() };
    let items = match fields.map.get(name) {
        Some(Value::Object(_)) => numbered(fields.map.shift_remove(name)),
        _ => fields.list(&[name]),
    };
    let items = no_more(items, name, fields);
    let mut found = Vec::new();
    let mut refused = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let place = fields.at(&format!("{name}[{index}]"));
        let raw = item.clone();
        let stage = stage(item, &place, fields.findings);
        match stage.number {
            Some(number) if !range.contains(&number) => {
                let what =
                    format!("there is no stage {number}: they go from {} to {}", range.start(), range.end());
                let did = "kept the entry in `other`";
                fields.findings.push(Finding::mended(
                    Class::InvalidStage,
                    Severity::Error,
                    &place,
                    what,
                    did,
                ));
                refused.push(raw);
            }
            _ => found.push(stage),
        }
    }
    if !refused.is_empty() {
        fields.keep("stages_out_of_range", Value::Array(refused));
    }
    let numbers: Vec<i64> = found.iter().filter_map(|stage| stage.number).collect();
    if !numbers.is_sorted() {
        let (what, did) = ("the stages are not in the order of their numbers", "put them in order");
        let place = fields.at(name);
        fields.findings.push(Finding::mended(Class::StageOrder, Severity::Warning, &place, what, did));
    }
    found
}

/// The first of them; the others are told and kept.
fn no_more(mut items: Vec<Value>, name: &str, fields: &mut Fields) -> Vec<Value> {
    if items.len() > MOST {
        let behind = Value::Array(items.split_off(MOST));
        fields.refuse(Class::InvalidStage, name, format!("more than {MOST} entries"), behind);
    }
    items
}

/// `{"0": …, "1": …}` as a list.
fn numbered(value: Option<Value>) -> Vec<Value> {
    let Some(Value::Object(map)) = value else { return Vec::new() };
    let entry = |(name, value): (String, Value)| {
        let mut entry = match value {
            Value::Object(entry) => entry,
            value => Map::from_iter([("status".to_owned(), value)]),
        };
        let key = if name.trim().parse::<i64>().is_ok() { "number" } else { "name" };
        let value = name.trim().parse::<i64>().map_or(Value::String(name), Value::from);
        entry.entry(key).or_insert(value);
        Value::Object(entry)
    };
    map.into_iter().map(entry).collect()
}

fn stage(value: Value, place: &str, findings: &mut Vec<Finding>) -> Stage {
    let map = match value {
        Value::Object(map) => map,
        value => {
            let number = value.as_i64().or_else(|| whole_in(&value));
            let name = match (&value, number) {
                (_, Some(_)) => None,
                (Value::String(text), None) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
                (value, None) => Some(value.to_string()),
            };
            let what = format!("{} is no stage", kind(&value));
            let did = format!("read it as the stage's {}", if number.is_some() { "number" } else { "name" });
            findings.push(Finding::mended(Class::InvalidType, Severity::Error, place, what, did));
            return Stage { number, name, ..Stage::default() };
        }
    };
    let mut fields = Fields::new(map, place, findings);
    let other = nested(&mut fields, "other");
    let earlier = fields.list(&["earlier"]);
    let (status, status_word) = state(&mut fields, &["status", "result", "state"]);
    if status.is_none() {
        let (place, did) = (fields.at("status"), "recorded it as `unrecorded`");
        let what = "a stage has no status";
        fields.findings.push(Finding::mended(Class::MissingField, Severity::Warning, &place, what, did));
    }
    let milliseconds = |fields: &mut Fields| fields.number(&["duration_ms"]).map(|ms| ms / 1000.0);
    let mut stage = Stage {
        number: fields.whole(NUMBER),
        name: fields.name(NAME),
        status: status.unwrap_or_default(),
        status_word,
        reason: fields.name(&["reason", "skip_reason"]),
        started_at: fields.time(&["started_at", "start_time"]),
        ended_at: fields.time(&["ended_at", "completed_at", "end_time"]),
        duration_seconds: fields
            .number(&["duration_seconds", "duration"])
            .or_else(|| milliseconds(&mut fields)),
        attempts: fields.whole(&["attempts"]),
        earlier,
        ..Stage::default()
    };
    let reason = fields.map.get("metrics").and_then(|metrics| metrics.get("reason")).and_then(Value::as_str);
    stage.reason = stage.reason.or(reason.map(str::to_owned));
    stage.errors = errors(&mut fields);
    stage.other = other;
    stage.other.extend(fields.rest());
    stage
}

fn nested(fields: &mut Fields, name: &str) -> Map<String, Value> {
    match fields.map.get(name) {
        Some(Value::Object(_)) => match fields.map.shift_remove(name) {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        },
        _ => Map::new(),
    }
}

fn errors(fields: &mut Fields) -> Vec<ErrorNote> {
    let mut values = fields.list(&["errors"]);
    values.extend(fields.take(&["error", "error_message"]).map(|(_, value)| value));
    let place = fields.at("errors");
    values.into_iter().map(|value| error(value, &place, fields.findings)).collect()
}

pub(super) fn error(value: Value, place: &str, findings: &mut Vec<Finding>) -> ErrorNote {
    let map = match value {
        Value::Object(map) => map,
        Value::String(message) => return ErrorNote { message: Some(message), ..ErrorNote::default() },
        value => return ErrorNote { message: Some(value.to_string()), ..ErrorNote::default() },
    };
    let mut fields = Fields::new(map, place, findings);
    let other = nested(&mut fields, "other");
    let mut note = ErrorNote {
        message: fields.text(&["message", "error_message", "error"]),
        kind: fields.name(&["kind", "error_type", "type", "class"]),
        at: fields.time(&["at", "timestamp", "time"]),
        stage: fields.whole(&["stage", "stage_num"]),
        other,
    };
    note.other.extend(fields.rest());
    note
}

/// The stage of this number; a new one at the end where there is none.
pub(super) fn find(stages: &mut Vec<Stage>, number: i64) -> &mut Stage {
    // The last of several is the newest.
    let at = stages.iter().rposition(|stage| stage.number == Some(number)).unwrap_or_else(|| {
        stages.push(Stage { number: Some(number), ..Stage::default() });
        stages.len() - 1
    });
    &mut stages[at]
}

/// Stages that a list of numbers or names says something of.
pub(super) fn listed(
    stages: &mut Vec<Stage>,
    items: Vec<Value>,
    state: State,
    list: &str,
    range: &Range,
    fields: &mut Fields,
) {
    let mut refused = Vec::new();
    let items = no_more(items, list, fields);
    for (index, item) in items.into_iter().enumerate() {
        let place = fields.at(&format!("{list}[{index}]"));
        let number = item.as_i64().or_else(|| whole_in(&item));
        let mut told = |class, what: String, did: &str| {
            fields.findings.push(Finding::mended(class, Severity::Error, &place, what, did));
        };
        match (number, &item) {
            (Some(number), _) if range.contains(&number) => {
                if !item.is_i64() {
                    told(
                        Class::InvalidType,
                        format!("{item} is no whole number"),
                        &format!("read it as {number}"),
                    );
                }
                settle(find(stages, number), state, &place, fields);
            }
            (Some(number), _) => {
                let class = match state {
                    State::Completed => Class::InvalidCompletedStage,
                    _ => Class::InvalidStage,
                };
                let what =
                    format!("there is no stage {number}: they go from {} to {}", range.start(), range.end());
                told(class, what, "kept it in `other`");
                refused.push(item);
            }
            (None, Value::String(name)) if !name.trim().is_empty() => named(stages, name, state),
            (None, Value::Object(entry)) => {
                let mut entry = entry.clone();
                entry.entry("status").or_insert(state.word().into());
                let stage = stage(Value::Object(entry), &place, fields.findings);
                stages.push(stage);
            }
            _ => {
                told(Class::InvalidType, format!("{} is no stage", kind(&item)), "kept it in `other`");
                refused.push(item);
            }
        }
    }
    if !refused.is_empty() {
        fields.keep(&format!("{list}_out_of_range"), Value::Array(refused));
    }
}

/// What the stage's own entry says goes before what a list says.
fn settle(stage: &mut Stage, state: State, place: &str, fields: &mut Fields) {
    match stage.status {
        State::Unrecorded | State::Pending => stage.status = state,
        there if there == state => {}
        there => {
            let what = format!("listed as {}, but its entry says {}", state.word(), there.word());
            fields.findings.push(Finding::told(Class::Contradiction, Severity::Warning, place, what));
            let number = stage.number.map_or(Value::Null, Value::from);
            fields.keep(&format!("listed_{}", state.word()), number);
        }
    }
}

fn named(stages: &mut Vec<Stage>, name: &str, state: State) {
    match stages.iter_mut().find(|stage| stage.name.as_deref() == Some(name)) {
        Some(stage) if !stage.status.is_settled() => stage.status = state,
        Some(_) => {}
        None => stages.push(Stage { name: Some(name.to_owned()), status: state, ..Stage::default() }),
    }
}

/// The checkpoints, and what they say of attempts.
pub(super) fn checkpoints(record: &mut Record, fields: &mut Fields, range: &Range) {
    if let Some(Value::Object(_)) = fields.map.get("checkpoints") {
        let map = nested(fields, "checkpoints");
        let place = fields.at("checkpoints");
        let mut ours = Fields::new(map, &place, fields.findings);
        let count = |fields: &mut Fields, name| fields.whole(&[name]).and_then(|n| usize::try_from(n).ok());
        let (total, distinct) = (count(&mut ours, "total"), count(&mut ours, "distinct"));
        let items = ours.list(&["kept"]);
        let rest = ours.rest();
        if !rest.is_empty() {
            fields.keep("checkpoints", Value::Object(rest));
        }
        let kept = checkpoints::newest(each(items, &place, range, fields), checkpoints::KEPT);
        record.checkpoints = Checkpoints {
            total: total.unwrap_or(kept.len()).max(kept.len()),
            distinct: distinct.unwrap_or(kept.len()).max(kept.len()),
            kept,
        };
        return;
    }
    let items = fields.list(&["checkpoints"]);
    let place = fields.at("checkpoints");
    let all = each(items, &place, range, fields);
    checkpoints::attempts(&all, &mut record.stages, &place, fields.findings);
    let distinct = checkpoints::distinct(all.clone());
    record.checkpoints = Checkpoints {
        total: all.len(),
        distinct: distinct.len(),
        kept: checkpoints::newest(distinct, checkpoints::KEPT),
    };
}

fn each(items: Vec<Value>, place: &str, range: &Range, fields: &mut Fields) -> Vec<Checkpoint> {
    let mut found = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("{place}[{index}]");
        match item {
            Value::Object(map) => found.push(checkpoint(map, &place, range, fields.findings)),
            item => fields.refuse(
                Class::InvalidType,
                "checkpoints",
                format!("{} is no checkpoint", kind(&item)),
                item,
            ),
        }
    }
    found
}

fn checkpoint(
    map: Map<String, Value>,
    place: &str,
    range: &Range,
    findings: &mut Vec<Finding>,
) -> Checkpoint {
    let mut fields = Fields::new(map, place, findings);
    let other = nested(&mut fields, "other");
    let stage = fields.whole(&["stage", "step_num", "stage_num", "step"]);
    // A rollback of the original marked the copy it made before with this number.
    let known = stage.filter(|number| range.contains(number) || *number == checkpoints::BEFORE_ROLLBACK);
    if let Some(number) = stage.filter(|_| known.is_none()) {
        let what = format!("there is no stage {number}: they go from {} to {}", range.start(), range.end());
        fields.refuse(Class::InvalidStage, "stage", what, number.into());
    }
    let mut checkpoint = Checkpoint {
        id: fields.name(&["id", "checkpoint_id"]),
        stage: known,
        stage_name: fields.name(&["stage_name", "step_name"]),
        at: fields.time(&["at", "timestamp", "created_at"]),
        commit: fields.name(&["commit", "git_commit"]),
        files: fields.list(&["files", "files_snapshot"]),
        notes: fields.name(&["notes"]),
        other,
    };
    checkpoint.other.extend(fields.rest());
    checkpoint
}

/// A reason that says something failed: `Pre-step hooks failed`, but not `0 tests failed`.
pub(super) fn failed_reason(reason: &str) -> bool {
    let head = reason.split(':').next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> =
        head.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).collect();
    let denies =
        |word: &&str| matches!(*word, "0" | "no" | "not" | "none" | "nothing" | "never" | "previously");
    words.len() > 1 && words.ends_with(&["failed"]) && !words.iter().any(denies)
}
