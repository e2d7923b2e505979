//! Objects of any shape as records: one table of names says what each field was called where. Knows no file and decides
//! nothing beyond what stands there.

use serde_json::{Map, Value};

use super::entries;
use super::fields::{Fields, insert};
use super::finding::{Class, Finding, Severity};
use super::record::{Record, Stage};
use super::shape::Shape;
use super::words::{self, State};

/// What each field is called, ours first.
const WORKFLOW: &[&str] = &["workflow_id", "execution_id", "checkpoint_id"];
const KIND: &[&str] = &["kind", "change_type", "workflow_type", "command"];
const STATUS: &[&str] = &["status", "overall_status", "state"];
const CREATED: &[&str] = &["created_at", "timestamps.created_at"];
const STARTED: &[&str] = &["started_at", "start_time", "timestamps.started_at"];
const UPDATED: &[&str] =
    &["updated_at", "last_updated", "timestamp", "saved_at", "timestamps.last_updated_at"];
const COMPLETED_AT: &[&str] = &["completed_at", "end_time", "timestamps.completed_at"];
const CURRENT: &[&str] = &[
    "current_stage",
    "stage",
    "current_step",
    "current_phase.phase_num",
    "current_phase.num",
    "current_phase",
];
const TOTAL: &[&str] = &["total_stages", "total_phases", "total_steps"];
const NEXT: &[&str] = &["next_stage", "next_stage_num", "resume_from_stage"];
const LAST_GOOD: &[&str] = &["last_successful_stage", "last_successful_step", "last_completed_stage"];
const LAST_ERROR: &[&str] = &["last_error", "last_stage_error", "error", "error_message"];
const PLAN: &[&str] = &["plan_path", "workflow_state.plan_path", "checkpoint_data.plan_path"];

/// One object as a record; the numbers of its stages must lie in what `shape` has.
pub(super) fn record(
    mut map: Map<String, Value>,
    shape: Shape,
    is_ours: bool,
    place: &str,
    findings: &mut Vec<Finding>,
) -> Record {
    let (other, derived) = match is_ours {
        true => (object(&mut map, "other"), object(&mut map, "derived")),
        false => Default::default(),
    };
    if shape == Shape::EnhancedTracker && !is_ours {
        flatten(&mut map, "data");
        flatten(&mut map, "snapshot");
    }
    let mut fields = Fields::new(map, place, findings);
    if !is_ours {
        missing(&mut fields, shape);
    }
    let mut record = head(&mut fields);
    record.derived = derived;
    record.total_stages = fields.whole(TOTAL);
    let range = shape.stages(record.total_stages);
    positions(&mut record, &mut fields, &range);
    record.stages = entries::stages(&mut fields, &range);
    listed(&mut record, &mut fields, &range);
    errors(&mut record, &mut fields);
    entries::checkpoints(&mut record, &mut fields, &range);
    record.other = other;
    for (name, value) in fields.rest() {
        insert(&mut record.other, &name, value);
    }
    record
}

fn object(map: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match map.shift_remove(name) {
        Some(Value::Object(inner)) => inner,
        Some(value) if !value.is_null() => Map::from_iter([(name.to_owned(), value)]),
        _ => Map::new(),
    }
}

/// Brings the members of an inner object up.
fn flatten(map: &mut Map<String, Value>, name: &str) {
    if let Some(Value::Object(inner)) = map.get(name).cloned() {
        map.shift_remove(name);
        inner.into_iter().for_each(|(name, value)| insert(map, &name, value));
    }
}

fn missing(fields: &mut Fields, shape: Shape) {
    for names in shape.required() {
        // Where the change's id can come from is looked at when all else is known.
        if *names == "change_id" || names.split('|').any(|name| fields.has(name)) {
            continue;
        }
        let name = names.split('|').next().unwrap_or(names);
        let did = match name {
            "status" | "overall_status" => "recorded it as `unrecorded`",
            _ => "left it empty",
        };
        let (place, what) = (fields.at(name), format!("`{name}` is missing"));
        fields.findings.push(Finding::mended(Class::MissingField, Severity::Error, &place, what, did));
    }
}

fn head(fields: &mut Fields) -> Record {
    let (status, status_word) = state(fields, STATUS);
    Record {
        workflow_id: fields.name(WORKFLOW),
        change_id: fields.name(&["change_id"]),
        lane: fields.name(&["lane"]),
        kind: fields.name(KIND),
        description: fields.text(&["description", "workflow_description"]),
        status: status.unwrap_or_default(),
        status_word,
        created_at: fields.time(CREATED),
        started_at: fields.time(STARTED),
        updated_at: fields.time(UPDATED),
        completed_at: fields.time(COMPLETED_AT),
        tests_passing: fields.flag(&["tests_passing"]),
        plan_path: fields.name(PLAN),
        plan_modified: fields.whole(&["plan_modified", "plan_modification_time"]),
        recorded_resumable: fields.flag(&["recorded_resumable", "resumable"]),
        next_stage_name: fields.name(&["next_stage_name"]),
        ..Record::default()
    }
}

/// The state that a word stands for, and the word where it is another than ours.
pub(super) fn state(fields: &mut Fields, names: &[&str]) -> (Option<State>, Option<String>) {
    let kept = fields.name(&["status_word"]);
    let place = fields.at("status");
    let Some(word) = fields.name(names) else { return (None, kept) };
    match words::state(&word) {
        Some(state) if word == state.word() => (Some(state), kept),
        Some(state) => (Some(state), kept.or(Some(word))),
        None => {
            let what = format!("`{word}` is no status");
            let did = "recorded it as `unrecorded`, the word is in `status_word`";
            fields.findings.push(Finding::mended(Class::InvalidStatus, Severity::Error, &place, what, did));
            (Some(State::Unrecorded), kept.or(Some(word)))
        }
    }
}

type Range = std::ops::RangeInclusive<i64>;

fn positions(record: &mut Record, fields: &mut Fields, range: &Range) {
    let name = fields.name(&["current_phase.phase_name", "current_phase.name"]);
    record.current_stage = within(fields, CURRENT, range);
    record.next_stage = within(fields, NEXT, range);
    record.last_successful_stage = within(fields, LAST_GOOD, range);
    if let Some(name) = name {
        insert(&mut fields.map, "stage_name", Value::String(name));
    }
}

fn within(fields: &mut Fields, names: &[&str], range: &Range) -> Option<i64> {
    let name = names.iter().find(|name| fields.has(name)).copied().unwrap_or_default();
    let number = fields.whole(names)?;
    // -1 is what the tools write before the first stage.
    if range.contains(&number) || (number == -1 && name.starts_with("last_")) {
        return (number >= 0).then_some(number);
    }
    let what = format!("there is no stage {number}: they go from {} to {}", range.start(), range.end());
    fields.refuse(Class::InvalidStage, name, what, number.into());
    None
}

/// Stages that are only listed by state.
fn listed(record: &mut Record, fields: &mut Fields, range: &Range) {
    // How many it were, in files that list the steps themselves.
    let counts = ["completed_steps", "completed_stages", "completed_phases"];
    for name in counts {
        if let Some(count) = fields.map.get(name).filter(|value| value.is_number()).cloned() {
            fields.map.shift_remove(name);
            fields.keep(name, count);
        }
    }
    let lists: [(&[&str], State); 3] = [
        (&["completed", "completed_stages", "completed_phases", "completed_steps"], State::Completed),
        (&["failed", "failed_stages", "failed_phases"], State::Failed),
        (&["skipped", "skipped_stages", "skipped_phases"], State::Skipped),
    ];
    for (names, state) in lists {
        let items = fields.list(names);
        let named = names[1];
        entries::listed(&mut record.stages, items, state, named, range, fields);
    }
    if let Some((name, number)) = fields.name(&["last_stage_name"]).zip(record.last_successful_stage) {
        entries::find(&mut record.stages, number).name.get_or_insert(name);
    }
    if let Some((name, number)) = fields.name(&["stage_name"]).zip(record.current_stage) {
        entries::find(&mut record.stages, number).name.get_or_insert(name);
    }
    if let Some(number) = record.last_successful_stage {
        let stage: &mut Stage = entries::find(&mut record.stages, number);
        if matches!(stage.status, State::Unrecorded | State::Pending) {
            stage.status = State::Completed;
        }
    }
}

fn errors(record: &mut Record, fields: &mut Fields) {
    for (index, value) in fields.list(&["errors", "error_history"]).into_iter().enumerate() {
        let place = fields.at(&format!("errors[{index}]"));
        record.errors.push(entries::error(value, &place, fields.findings));
    }
    let Some((name, value)) = fields.take(LAST_ERROR) else { return };
    match value {
        Value::String(text) => record.last_error = Some(text).filter(|text| !text.trim().is_empty()),
        Value::Object(_) => {
            let place = fields.at(name);
            let note = entries::error(value, &place, fields.findings);
            record.last_error = note.message.clone().or(note.kind.clone());
            record.errors.push(note);
        }
        value => record.last_error = Some(value.to_string()),
    }
}
