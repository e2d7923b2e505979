//! Events as JSON for programs: one object a line, stages by name instead of index, values as plain JSON.

use std::io::Write;

use serde_json::{Map, Value as Json, json};

use crate::base::{Timestamp, Value};
use crate::event::{Event, NodeIndex, Record};
use crate::port::Observer;

/// Stage names by node index.
pub type Names = Vec<String>;

/// The contract's form of an event: `seq`, `at`, `run`, `type`, then the event's own fields.
pub fn event(run: &str, names: &Names, record: &Record) -> Json {
    let mut fields = match serde_json::to_value(&record.event) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    };
    let kind = fields.shift_remove("type").unwrap_or(Json::Null);
    let mut object = Map::new();
    object.insert("seq".into(), json!(record.seq));
    object.insert("at".into(), json!(record.at.rfc3339()));
    object.insert("run".into(), json!(run));
    object.insert("type".into(), kind);
    name_stages(names, &mut fields, &mut object);
    plain_values(names, &record.event, &mut fields);
    for name in ["until", "expires"] {
        if let Some(at) = fields.get_mut(name).filter(|at| at.is_i64()) {
            *at = json!(Timestamp(at.as_i64().unwrap_or_default()).rfc3339());
        }
    }
    object.extend(fields);
    Json::Object(object)
}

fn name_stages(names: &Names, fields: &mut Map<String, Json>, object: &mut Map<String, Json>) {
    if let Some(node) = fields.shift_remove("node") {
        object.insert("stage".into(), named(names, &node));
    }
    if let Some(root) = fields.get_mut("root") {
        *root = named(names, root);
    }
    if let Some(Json::Array(nodes)) = fields.shift_remove("nodes") {
        object.insert("stages".into(), nodes.iter().map(|node| named(names, node)).collect());
    }
}

fn named(names: &Names, node: &Json) -> Json {
    let index = node.as_u64().and_then(|index| usize::try_from(index).ok());
    index.and_then(|index| names.get(index)).map_or(Json::Null, |name| json!(name))
}

/// Tagged values (`{"int": 3}`) are how events are stored; programs get the bare value.
fn plain_values(names: &Names, event: &Event, fields: &mut Map<String, Json>) {
    let plain = |values: &std::collections::BTreeMap<String, Value>| -> Json {
        values.iter().map(|(name, value)| (name.clone(), value.to_json())).collect::<Map<_, _>>().into()
    };
    match event {
        Event::StageFinished { outputs, .. } => {
            fields.insert("outputs".into(), plain(outputs));
        }
        Event::StageRecorded { result: Some(result), .. } => {
            if let Some(Json::Object(fields)) = fields.get_mut("result") {
                fields.insert("outputs".into(), plain(&result.outputs));
            }
        }
        Event::GateJudged { measures, .. } => {
            fields.insert("measures".into(), plain(measures));
        }
        Event::FactsRead { .. } => {
            if let Some(Json::Object(values)) = fields.get_mut("values") {
                values.iter_mut().for_each(|(_, fact)| *fact = plain_fact(fact));
            }
        }
        Event::RollbackStarted { .. } | Event::RollbackFinished { .. } => name_rolled_back(names, fields),
        _ => {}
    }
}

fn name_rolled_back(names: &Names, fields: &mut Map<String, Json>) {
    for name in ["to", "failed"] {
        match fields.get_mut(name) {
            Some(Json::Array(nodes)) => nodes.iter_mut().for_each(|node| *node = named(names, node)),
            Some(node) => *node = named(names, node),
            None => {}
        }
    }
    if let Some(Json::Object(after)) = fields.get_mut("after") {
        let node = after.shift_remove("node").unwrap_or(Json::Null);
        after.insert("stage".into(), named(names, &node));
    }
}

/// `{"read": {"int": 3}}` → `3`; `{"failed": "why"}` → `{"error": "why"}`.
fn plain_fact(fact: &Json) -> Json {
    match fact.get("read").map(|value| serde_json::from_value::<Value>(value.clone())) {
        Some(Ok(value)) => value.to_json(),
        _ => json!({ "error": fact.get("failed") }),
    }
}

/// Writes each event to `out` as it happens.
pub struct JsonLines<W: Write + Send> {
    run: String,
    names: Names,
    out: W,
}

impl<W: Write + Send> JsonLines<W> {
    pub fn new(run: impl Into<String>, names: Names, out: W) -> Self {
        JsonLines { run: run.into(), names, out }
    }
}

impl<W: Write + Send> Observer for JsonLines<W> {
    fn event(&mut self, record: &Record) {
        let line = event(&self.run, &self.names, record);
        // A reader that went away changes nothing: the journal has the event.
        let _ = writeln!(self.out, "{line}").and_then(|()| self.out.flush());
    }
}

/// The name of a node for people; an index out of range is shown as its number.
pub fn name(names: &Names, node: NodeIndex) -> String {
    names.get(node as usize).cloned().unwrap_or_else(|| format!("#{node}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Status;
    use std::collections::BTreeMap;

    #[test]
    fn an_event_names_its_stage_and_gives_plain_values() {
        let event_in = Event::StageFinished {
            node: 1,
            status: Status::Succeeded,
            reason: None,
            outputs: BTreeMap::from([("app".to_string(), Value::Path("dist/app".into()))]),
            duration_ms: 7,
        };
        let record = Record { seq: 4, at: Timestamp(0), event: event_in };
        let line = event("r1", &vec!["build".into(), "unit".into()], &record);
        assert_eq!(
            line.to_string(),
            r#"{"seq":4,"at":"1970-01-01T00:00:00.000Z","run":"r1","type":"stage.finished","stage":"unit","status":"succeeded","reason":null,"outputs":{"app":"dist/app"},"duration_ms":7}"#
        );
    }

    #[test]
    fn times_read_like_the_time_of_the_event() {
        let expires = Some(Timestamp(1_000));
        let event_in = Event::ApprovalRequested { node: 0, count: 1, group: "g".into(), expires };
        let record = Record { seq: 1, at: Timestamp(0), event: event_in };
        let line = event("r", &vec!["a".into()], &record);
        assert_eq!(line["expires"], "1970-01-01T00:00:01.000Z");
    }

    #[test]
    fn a_blocked_cone_lists_names() {
        let record =
            Record { seq: 1, at: Timestamp(0), event: Event::StagesBlocked { root: 0, nodes: vec![1, 9] } };
        let line = event("r", &vec!["a".into(), "b".into()], &record);
        assert_eq!(line["stages"], json!(["b", null]));
        assert_eq!(line["root"], json!("a"));
    }
}
