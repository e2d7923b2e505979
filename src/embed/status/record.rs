//! The one record that every status and checkpoint file of the original systems becomes, as docs/status-import.md
//! describes it. Holds no rule.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::finding::Finding;
use super::shape::Shape;
use super::words::State;

/// What `format` of every record file says.
pub const FORMAT: &str = "wfl.status";
pub const VERSION: u32 = 1;

/// A file of records.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    pub format: &'static str,
    pub version: u32,
    /// What the file was, before the first import.
    pub shape: Shape,
    pub source: Option<String>,
    pub records: Vec<Record>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<Value>,
    /// What was found when it was imported, as told then.
    pub findings: Vec<Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
    /// Pieces of the text that belong to no member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// One run, or one change where the file knows no runs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Record {
    pub workflow_id: Option<String>,
    pub change_id: Option<String>,
    pub lane: Option<String>,
    /// Type of the change, of the workflow, or its command.
    pub kind: Option<String>,
    pub description: Option<String>,
    pub status: State,
    /// The file's own word, where it is another.
    pub status_word: Option<String>,
    pub created_at: Option<String>,
    pub started_at: Option<String>,
    pub updated_at: Option<String>,
    pub completed_at: Option<String>,
    pub current_stage: Option<i64>,
    pub total_stages: Option<i64>,
    pub stages: Vec<Stage>,
    pub completed: Vec<i64>,
    pub failed: Vec<i64>,
    pub skipped: Vec<i64>,
    /// Where to go on; none where nothing is left or nobody knows.
    pub next_stage: Option<i64>,
    pub next_stage_name: Option<String>,
    pub last_successful_stage: Option<i64>,
    pub checkpoints: Checkpoints,
    pub errors: Vec<ErrorNote>,
    pub last_error: Option<String>,
    pub tests_passing: Option<bool>,
    pub plan_path: Option<String>,
    /// Seconds since 1970.
    pub plan_modified: Option<i64>,
    /// What the file itself says of resuming.
    pub recorded_resumable: Option<bool>,
    /// Field → what it was taken from, where the file does not have it.
    pub derived: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

/// A stage, step or phase.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stage {
    pub number: Option<i64>,
    pub name: Option<String>,
    pub status: State,
    pub status_word: Option<String>,
    pub reason: Option<String>,
    pub started_at: Option<String>,
    pub ended_at: Option<String>,
    pub duration_seconds: Option<f64>,
    pub attempts: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ErrorNote>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
    /// Entries of the same stage that came before this one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Value>,
}

/// Checkpoints: how many there were, and the newest of them that differ.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checkpoints {
    pub total: usize,
    pub distinct: usize,
    /// Oldest first.
    pub kept: Vec<Checkpoint>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checkpoint {
    pub id: Option<String>,
    pub stage: Option<i64>,
    pub stage_name: Option<String>,
    pub at: Option<String>,
    pub commit: Option<String>,
    pub files: Vec<Value>,
    pub notes: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ErrorNote {
    pub message: Option<String>,
    pub kind: Option<String>,
    pub at: Option<String>,
    pub stage: Option<i64>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub other: Map<String, Value>,
}

impl Document {
    pub(super) fn new(shape: Shape, source: Option<String>) -> Document {
        Document {
            format: FORMAT,
            version: VERSION,
            shape,
            source,
            records: Vec::new(),
            metrics: Vec::new(),
            findings: Vec::new(),
            other: Map::new(),
            unread: Vec::new(),
        }
    }

    /// Notes what was found; what stands there already is not told again. The result is what is new.
    pub(super) fn note(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut new = Vec::new();
        let mut told: BTreeSet<String> = self.findings.iter().map(Value::to_string).collect();
        for finding in findings {
            let value = serde_json::to_value(&finding).unwrap_or_default();
            if told.insert(value.to_string()) {
                self.findings.push(value);
                new.push(finding);
            }
        }
        new
    }

    /// As it is written to a file.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

impl Record {
    /// Numbers of the stages in a state.
    pub(super) fn numbers(&self, state: State) -> Vec<i64> {
        let mut found: Vec<i64> = self
            .stages
            .iter()
            .filter(|stage| stage.status == state)
            .filter_map(|stage| stage.number)
            .collect();
        found.sort_unstable();
        found
    }
}

impl Checkpoints {
    /// The checkpoint of this id, or `latest`; else what is wrong and what to do.
    pub fn find(&self, id: &str) -> Result<&Checkpoint, (String, String)> {
        let ids: Vec<&str> = self.kept.iter().filter_map(|kept| kept.id.as_deref()).collect();
        let found = match id {
            "latest" => self.kept.last(),
            id => self.kept.iter().rev().find(|kept| kept.id.as_deref() == Some(id)),
        };
        found.ok_or_else(|| match self.kept.is_empty() {
            true => ("the file has no checkpoints".into(), "there is nothing to go back to".into()),
            false => {
                let dropped = self.total - self.kept.len();
                let more =
                    if dropped == 0 { String::new() } else { format!("; {dropped} more were not kept") };
                (format!("there is no checkpoint `{id}`"), format!("there are {}{more}", ids.join(", ")))
            }
        })
    }
}
