//! Which of the known shapes a JSON object has, told by its members and never by the file's name: two of them share one.

use serde::Serialize;
use serde_json::{Map, Value};

/// The shapes of the original systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// Ours.
    Record,
    /// `stages[]` with times, `timing`, `metrics`.
    StatusTracker,
    /// `steps[]` with `result`.
    HelperSteps,
    /// `resumable`, `quality_gates_results`.
    Template,
    /// `overall_status`.
    Specification,
    /// `progress_percent`.
    ProcessDocument,
    /// `change_id`, `status`, `stage`, `timestamp`.
    ErrorRecovery,
    /// `execution_id`, `snapshot`.
    EnhancedTracker,
    /// `workflows` by their ids.
    Resumption,
    /// `checkpoints[]`, `last_successful_step`.
    CheckpointList,
    /// `schema_version` 1.x, phases.
    SmartCheckpoint,
    /// `current_phase` as an object, `checkpoint_data`.
    WorkflowState,
    /// `new_version`, `version_branch`.
    VersionState,
    /// Lines with `error_type`.
    ErrorLog,
    /// Lines with `operation` and `duration_ms`.
    MetricLog,
    /// Profiles with `total_duration_seconds`.
    TimingHistory,
    /// None of these.
    Unknown,
}

const ALL: [Shape; 17] = [
    Shape::Record,
    Shape::StatusTracker,
    Shape::HelperSteps,
    Shape::Template,
    Shape::Specification,
    Shape::ProcessDocument,
    Shape::ErrorRecovery,
    Shape::EnhancedTracker,
    Shape::Resumption,
    Shape::CheckpointList,
    Shape::SmartCheckpoint,
    Shape::WorkflowState,
    Shape::VersionState,
    Shape::ErrorLog,
    Shape::MetricLog,
    Shape::TimingHistory,
    Shape::Unknown,
];

impl Shape {
    pub fn word(self) -> &'static str {
        match self {
            Shape::Record => "record",
            Shape::StatusTracker => "status-tracker",
            Shape::HelperSteps => "helper-steps",
            Shape::Template => "template",
            Shape::Specification => "specification",
            Shape::ProcessDocument => "process-document",
            Shape::ErrorRecovery => "error-recovery",
            Shape::EnhancedTracker => "enhanced-tracker",
            Shape::Resumption => "resumption",
            Shape::CheckpointList => "checkpoint-list",
            Shape::SmartCheckpoint => "smart-checkpoint",
            Shape::WorkflowState => "workflow-state",
            Shape::VersionState => "version-state",
            Shape::ErrorLog => "error-log",
            Shape::MetricLog => "metric-log",
            Shape::TimingHistory => "timing-history",
            Shape::Unknown => "unknown",
        }
    }

    pub(super) fn of_word(word: &str) -> Option<Shape> {
        ALL.into_iter().find(|shape| shape.word() == word)
    }

    /// What every file of this shape has; one of the names between bars is enough.
    pub(super) fn required(self) -> &'static [&'static str] {
        match self {
            Shape::StatusTracker => &["workflow_id", "lane", "status", "started_at"],
            Shape::Template => &["workflow_id", "status"],
            Shape::Specification => &["overall_status|status"],
            Shape::ProcessDocument => &["status"],
            Shape::ErrorRecovery => &["change_id", "status", "stage", "timestamp"],
            Shape::EnhancedTracker => &["execution_id", "change_id"],
            Shape::Resumption => &["change_id", "status", "last_completed_stage|next_stage_num"],
            Shape::CheckpointList => &["change_id"],
            Shape::SmartCheckpoint => {
                &["checkpoint_id", "workflow_type", "project_name", "created_at", "status", "current_phase"]
            }
            Shape::WorkflowState => &["workflow_id", "status"],
            _ => &[],
        }
    }

    /// The numbers its stages can have, where it counts thirteen of them from 0; phases are counted from 1.
    pub(super) fn stages(self, total: Option<i64>) -> std::ops::RangeInclusive<i64> {
        match self {
            Shape::SmartCheckpoint | Shape::WorkflowState => 1..=total.filter(|n| *n > 0).unwrap_or(1000),
            _ => 0..=12,
        }
    }
}

/// One rule a line, the most telling first.
pub(super) fn shape(map: &Map<String, Value>) -> Shape {
    let has = |names: &[&str]| names.iter().any(|name| map.contains_key(*name));
    let is_map = |name: &str| map.get(name).is_some_and(Value::is_object);
    let is_list = |name: &str| map.get(name).is_some_and(Value::is_array);
    let rules = [
        (map.get("format").and_then(Value::as_str) == Some(super::record::FORMAT), Shape::Record),
        (is_list("records"), Shape::Record),
        (is_map("workflows"), Shape::Resumption),
        (has(&["overall_status"]), Shape::Specification),
        (has(&["progress_percent"]), Shape::ProcessDocument),
        (is_map("snapshot") || is_map("data") || has(&["execution_id"]), Shape::EnhancedTracker),
        (is_map("current_phase") || has(&["checkpoint_data", "error_history"]), Shape::WorkflowState),
        (
            has(&["workflow_type", "completed_phases", "replanning_count", "current_phase"]),
            Shape::SmartCheckpoint,
        ),
        (is_list("checkpoints") && !is_list("stages"), Shape::CheckpointList),
        (has(&["quality_gates_results", "resumable", "resume_from_stage", "failed_stages"]), Shape::Template),
        (has(&["total_duration_seconds"]) && is_list("stages"), Shape::TimingHistory),
        (is_list("steps"), Shape::HelperSteps),
        (is_list("stages") || (has(&["workflow_id"]) && has(&["lane", "timing"])), Shape::StatusTracker),
        (has(&["error_type", "error_message"]), Shape::ErrorLog),
        (has(&["operation"]) && has(&["duration_ms"]), Shape::MetricLog),
        (has(&["last_completed_stage", "next_stage_num"]), Shape::Resumption),
        (has(&["last_successful_step"]), Shape::CheckpointList),
        (has(&["completed_steps", "total_steps", "workflow_version"]), Shape::HelperSteps),
        (has(&["change_id", "completed_stages"]), Shape::ErrorRecovery),
        (has(&["status"]) && has(&["stage", "timestamp"]), Shape::ErrorRecovery),
        (has(&["checkpoint_id"]), Shape::SmartCheckpoint),
        (has(&["new_version", "version_branch"]), Shape::VersionState),
        (has(&["workflow_id"]), Shape::StatusTracker),
    ];
    rules.into_iter().find(|(fits, _)| *fits).map_or(Shape::Unknown, |(_, shape)| shape)
}
