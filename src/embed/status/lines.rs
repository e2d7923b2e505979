//! Logs of one JSON object a line: errors by their workflow, metrics with what is of no use marked. Reads no file.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::entries;
use super::finding::{Class, Finding, Severity};
use super::record::{Document, Record};
use super::scan::scan;
use super::shape::{Shape, shape};

/// The lines of a log of ours to read; none where the text is no such log.
pub(super) fn objects(text: &str, unread: &mut Vec<String>) -> Option<(Shape, Vec<Map<String, Value>>)> {
    let parse = |line: &str| serde_json::from_str::<Map<String, Value>>(line.trim()).ok();
    let kind = text.lines().find_map(parse).map(|first| shape(&first))?;
    if !matches!(kind, Shape::ErrorLog | Shape::MetricLog) {
        return None;
    }
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let scanned = scan(line);
        let whole = scanned.wrong.is_empty() && scanned.unread.is_empty();
        match (scanned.roots.into_iter().next(), whole) {
            (Some(Value::Object(map)), true) => found.push(map),
            (Some(Value::Object(map)), false) if !map.is_empty() => {
                unread.push(line.to_owned());
                found.push(map);
            }
            _ => unread.push(line.to_owned()),
        }
    }
    Some((kind, found))
}

/// One record a workflow, in the order in which they first appear.
pub(super) fn errors(lines: Vec<Map<String, Value>>, findings: &mut Vec<Finding>) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut places: BTreeMap<Option<String>, usize> = BTreeMap::new();
    for (index, mut line) in lines.into_iter().enumerate() {
        let place = format!("line {}", index + 1);
        let text =
            |line: &Map<String, Value>, name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        let id = text(&line, "workflow_id");
        let command = text(&line, "command");
        line.shift_remove("workflow_id");
        let note = entries::error(Value::Object(line), &place, findings);
        let at = *places.entry(id.clone()).or_insert_with(|| {
            records.push(Record { workflow_id: id, kind: command, ..Record::default() });
            records.len() - 1
        });
        let record = &mut records[at];
        record.started_at = record.started_at.take().or_else(|| note.at.clone());
        record.updated_at = note.at.clone().or(record.updated_at.take());
        record.last_error = note.message.clone().or(record.last_error.take());
        record.errors.push(note);
    }
    records
}

/// Each line, and whether it measures anything.
pub(super) fn metrics(lines: Vec<Map<String, Value>>, document: &mut Document, findings: &mut Vec<Finding>) {
    let all = lines.len();
    for mut line in lines {
        let named = line.get("operation").and_then(Value::as_str).is_some_and(|name| name != "unknown");
        let lasted = line.get("duration_ms").and_then(Value::as_f64).is_some_and(|ms| ms > 0.0);
        line.insert("usable".into(), json!(named && lasted));
        document.metrics.push(Value::Object(line));
    }
    let useless = document.metrics.iter().filter(|line| line["usable"] == json!(false)).count();
    if useless > 0 {
        let what = format!("{useless} of {all} lines name no operation or measured 0 ms");
        findings.push(Finding::told(Class::UselessMetric, Severity::Warning, "", what));
    }
}
