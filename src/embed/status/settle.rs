//! What follows from a record as it was read: stages once and in order, contradictions, what can be derived, where to go
//! on. Done a second time it changes nothing. Reads no file.

use serde_json::Value;

use super::entries::failed_reason;
use super::finding::{Class, Finding, Severity};
use super::record::{Record, Stage};
use super::shape::Shape;
use super::words::State;

pub(super) fn settle(
    record: &mut Record,
    shape: Shape,
    folder: Option<&str>,
    place: &str,
    findings: &mut Vec<Finding>,
) {
    let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    blanks(record);
    once(record, &at("stages"), findings);
    record.stages.sort_by_key(|stage| stage.number.unwrap_or(i64::MAX));
    contradictions(record, &at("stages"), findings);
    successes(record);
    record.completed = record.numbers(State::Completed);
    record.failed = record.numbers(State::Failed);
    record.skipped = record.numbers(State::Skipped);
    identity(record, shape, folder, &at("change_id"), findings);
    go_on(record, shape);
    lane(record, &at("lane"), findings);
}

/// A name of blanks names nothing.
fn blanks(record: &mut Record) {
    let names = [
        &mut record.workflow_id,
        &mut record.change_id,
        &mut record.lane,
        &mut record.kind,
        &mut record.plan_path,
        &mut record.status_word,
        &mut record.next_stage_name,
        &mut record.last_error,
    ];
    for name in names {
        *name = name.take().filter(|name| !name.trim().is_empty());
    }
}

/// One entry a stage: the later says how it stands, unless only the earlier says that it is done.
fn once(record: &mut Record, place: &str, findings: &mut Vec<Finding>) {
    let mut stages: Vec<Stage> = Vec::new();
    for mut stage in std::mem::take(&mut record.stages) {
        let same = |there: &Stage| stage.number.is_some() && there.number == stage.number;
        let Some(index) = stages.iter().position(same) else {
            stages.push(stage);
            continue;
        };
        let there = &mut stages[index];
        let number = stage.number.unwrap_or_default();
        let what = format!("stage {number} has more than one entry");
        let did = "kept the later, the others are in `earlier`";
        findings.push(Finding::mended(Class::DuplicateStage, Severity::Warning, place, what, did));
        let says_nothing = matches!(stage.status, State::Unrecorded | State::Pending);
        if there.status.is_settled() && says_nothing {
            std::mem::swap(there, &mut stage);
        }
        let mut earlier = std::mem::take(&mut there.earlier);
        earlier.append(&mut stage.earlier);
        let attempts = there.attempts.unwrap_or(1) + stage.attempts.unwrap_or(1);
        let (old, mut new) = (std::mem::take(there), stage);
        earlier.push(serde_json::to_value(&old).unwrap_or_default());
        // What was swapped in front is the one to keep.
        if old.status.is_settled() && matches!(new.status, State::Unrecorded | State::Pending) {
            earlier.pop();
            earlier.push(serde_json::to_value(&new).unwrap_or_default());
            new = old;
        }
        *there = Stage { attempts: Some(attempts), earlier, ..new };
    }
    record.stages = stages;
}

/// A stage that completed because something failed did not complete.
fn contradictions(record: &mut Record, place: &str, findings: &mut Vec<Finding>) {
    for (index, stage) in record.stages.iter_mut().enumerate() {
        let reason = stage.reason.clone().filter(|reason| failed_reason(reason));
        let (State::Completed, Some(reason)) = (stage.status, reason) else { continue };
        let place = format!("{place}[{index}].status");
        let what = format!("it is said to be completed with the reason `{reason}`");
        let did = "recorded it as `failed`, the word is in `status_word`";
        findings.push(Finding::mended(Class::Contradiction, Severity::Error, &place, what, did));
        stage.status = State::Failed;
        stage.status_word.get_or_insert("completed".into());
    }
}

/// Checkpoints say which stages were begun; up to the last successful one they are done.
fn successes(record: &mut Record) {
    let Some(last) = record.last_successful_stage else { return };
    let mut derived = false;
    for stage in &mut record.stages {
        let open = matches!(stage.status, State::Unrecorded) && stage.attempts.is_some();
        if open && stage.number.is_some_and(|number| number <= last) {
            stage.status = State::Completed;
            derived = true;
        }
    }
    if derived {
        record.derived.entry("completed").or_insert("last_successful_stage".into());
    }
}

fn identity(
    record: &mut Record,
    shape: Shape,
    folder: Option<&str>,
    place: &str,
    findings: &mut Vec<Finding>,
) {
    if record.change_id.is_some() {
        return;
    }
    let project = record.other.get("project_name").and_then(Value::as_str).map(str::to_owned);
    let sources = [
        ("project_name", project),
        ("workflow_id", record.workflow_id.clone()),
        // A log holds the errors of many changes.
        ("folder", folder.filter(|_| shape != Shape::ErrorLog).map(str::to_owned)),
    ];
    let found =
        sources.into_iter().find_map(|(name, value)| Some((name, value.filter(|v| !v.trim().is_empty())?)));
    let needs = shape.required().contains(&"change_id") || shape == Shape::Unknown;
    match found {
        Some((source, id)) => {
            if needs {
                let did = format!("took `{id}` from the {}", source.replace('_', " "));
                let what = "`change_id` is missing";
                findings.push(Finding::mended(Class::MissingField, Severity::Error, place, what, did));
            }
            record.derived.insert("change_id".into(), source.into());
            record.change_id = Some(id);
        }
        None if needs => {
            let what = "`change_id` is missing, and nothing else names the change";
            findings.push(Finding::told(Class::MissingField, Severity::Error, place, what));
        }
        None => {}
    }
}

/// Where to go on: what the file says, else what follows from its stages.
fn go_on(record: &mut Record, shape: Shape) {
    if matches!(record.status, State::Completed | State::Cancelled) {
        record.next_stage = None;
        record.next_stage_name = None;
        return;
    }
    if record.next_stage.is_some() {
        return;
    }
    let range = shape.stages(record.total_stages);
    let done = |number: i64| record.completed.contains(&number) || record.skipped.contains(&number);
    let open = record.stages.iter().find(|stage| {
        matches!(stage.status, State::Failed | State::Running | State::Incomplete | State::Cancelled)
    });
    let settled = record.completed.iter().chain(&record.skipped).max();
    let candidates = [
        ("current_stage", record.current_stage.filter(|number| !done(*number))),
        ("last_successful_stage", record.last_successful_stage.map(|number| number + 1)),
        ("stages", open.and_then(|stage| stage.number)),
        ("stages", settled.map(|number| number + 1)),
    ];
    let found = candidates.into_iter().find_map(|(source, number)| Some((source, number?)));
    if let Some((source, number)) = found.filter(|(_, number)| range.contains(number)) {
        record.next_stage = Some(number);
        record.derived.insert("next_stage".into(), source.into());
    }
    let named =
        record.stages.iter().find(|stage| stage.number.is_some() && stage.number == record.next_stage);
    record.next_stage_name = named.and_then(|stage| stage.name.clone());
}

/// A change whose name says another lane than its record is worth a look, no more.
fn lane(record: &Record, place: &str, findings: &mut Vec<Finding>) {
    let (Some(lane), Some(id)) = (&record.lane, &record.change_id) else { return };
    let words: Vec<String> = id.to_lowercase().split(['-', '_', '.', ' ']).map(str::to_owned).collect();
    let says = |name: &&str| words.iter().any(|word| word == name) && words.iter().any(|word| word == "lane");
    let named = ["docs", "standard", "heavy"].into_iter().find(says);
    if let Some(named) = named.filter(|named| *named != lane) {
        let what = format!("the change's name `{id}` says lane {named}, recorded is {lane}");
        findings.push(Finding::told(Class::LaneInName, Severity::Warning, place, what));
    }
}
