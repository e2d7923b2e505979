//! Every shape of the original systems, in files of our own writing, and what each becomes.

use serde_json::Value;
use wfl::embed::status::{Imported, State, of_bytes};

/// What the tool that drew the stages wrote while it ran.
pub const TRACKER: &str = r#"{
  "workflow_id": "add-search",
  "lane": "standard",
  "status": "RUNNING",
  "started_at": "2026-03-02T10:00:00.000100",
  "updated_at": "2026-03-02T10:04:10.250000",
  "stages": [
    {"stage_num": 0, "name": "Setup", "status": "COMPLETED", "started_at": "2026-03-02T10:00:00.000200", "completed_at": "2026-03-02T10:00:01.000200", "duration_seconds": 1.0, "metrics": {"todos": 3}},
    {"stage_num": 1, "name": "Version", "status": "SKIPPED", "started_at": null, "completed_at": null, "duration_seconds": 0.0, "metrics": {"reason": "Not in docs lane"}},
    {"stage_num": 2, "name": "Proposal", "status": "RUNNING", "started_at": "2026-03-02T10:04:00", "completed_at": null, "duration_seconds": null, "metrics": {}}
  ],
  "timing": {"total_elapsed_seconds": 250.25, "within_sla": true},
  "metrics": {"files_modified": 4}
}"#;

pub const HELPERS: &str = r#"{"workflow_version": "0.2.0", "last_updated": "2026-03-02T11:00:00", "total_steps": 2, "completed_steps": 1,
 "steps": [
  {"step_id": 0, "step_name": "Setup", "start_time": "2026-03-02T10:59:00", "end_time": "2026-03-02T10:59:30", "result": "success", "duration_seconds": 30, "metrics": {}, "errors": [], "files_created": ["todo.md"]},
  {"step_id": 1, "step_name": "Version", "start_time": "2026-03-02T10:59:40", "result": "failed", "errors": ["no version"], "files_created": []}
 ]}"#;

pub const TEMPLATE: &str = r#"{"workflow_id": "tidy-docs", "change_type": "docs", "lane": "docs", "started_at": "2026-03-01T08:00:00", "current_stage": 3,
 "completed_stages": [0, 1], "failed_stages": [], "skipped_stages": [2], "status": "in_progress",
 "quality_gates_results": {"status": "SKIP"}, "resumable": true, "resume_from_stage": 3, "last_stage_error": null,
 "execution_times": {"0": 1.5}, "metadata": {"dry_run": false}, "timestamps": {"created_at": "2026-03-01T07:59:00", "last_updated_at": "2026-03-01T08:09:00", "completed_at": null}}"#;

pub const SPECIFICATION: &str = r#"{"change_id": "new-login", "overall_status": "failed", "lane": "heavy", "current_stage": 5, "stages": {"0": {"status": "completed"}, "5": {"status": "failed", "error": "2 tests failed"}}}"#;

pub const PROCESS: &str = r#"{"change_id": "new-logo", "status": "in-progress", "current_step": 4, "progress_percent": 31, "completed_steps": [0, 1, 2, 3], "timestamp": "2026-03-01T08:00:00Z"}"#;

pub const RECOVERY: &str = r#"{"change_id": "test-change-001", "status": "running", "stage": 5, "timestamp": "2026-03-02T10:00:00", "completed_stages": [0, 1, 2, 3, 4]}"#;

pub const ENHANCED: &str = r#"{"execution_id": "0a1b2c3d", "change_id": "faster-start", "lane": "standard",
 "snapshot": {"change_id": "faster-start", "execution_id": "0a1b2c3d", "lane": "standard", "start_time": 1772445600.5, "end_time": null, "status": "in-progress",
  "stages": [{"stage_num": 0, "stage_name": "Setup", "start_time": 1772445600.5, "end_time": 1772445602.0, "duration": 1.5, "status": "completed", "metrics": {}, "error_message": null},
   {"stage_num": 1, "stage_name": "Version", "start_time": 1772445603.0, "end_time": 1772445604.0, "duration": 1, "status": "failed", "metrics": {}, "error_message": "no tag"}],
  "metadata": {"hostname": "build-7"}}, "statistics": {"total_stages": 2}, "saved_at": "2026-03-02T10:00:04"}"#;

pub const RESUMPTION: &str = r#"{"workflows": {
  "tidy-docs": {"change_id": "tidy-docs", "status": "INCOMPLETE", "last_completed_stage": 3, "last_stage_name": "Tasks", "next_stage_num": 4, "next_stage_name": "Checklist", "last_updated": "2026-03-02T10:00:00"},
  "new-login": {"change_id": "new-login", "status": "FAILED", "last_completed_stage": 1, "next_stage_num": 2, "last_updated": "2026-03-02T10:00:00"}}}"#;

pub const CHECKPOINTS: &str = r#"{"change_id": "add-search", "checkpoints": [
  {"checkpoint_id": "001", "step_num": 3, "step_name": "Spec", "timestamp": "2026-03-02T10:00:00.5", "files_snapshot": ["spec.md"], "git_commit": "a1", "notes": "Before executing step 3"},
  {"checkpoint_id": "002", "step_num": 6, "step_name": "Scripts", "timestamp": "2026-03-02T10:05:00", "files_snapshot": ["spec.md", "test.py"], "git_commit": "a1", "notes": "Before executing step 6"}],
 "last_successful_step": 3}"#;

pub const SMART: &str = r#"{"schema_version": "1.2", "checkpoint_id": "implement_search_20260302_100000", "workflow_type": "implement", "project_name": "search", "workflow_description": "", "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:30:00Z", "status": "in_progress", "current_phase": 3, "total_phases": 4, "completed_phases": [1, 2], "workflow_state": {"plan_path": "specs/plan.md", "current_wave": 2, "wave_structure": {"1": [1, 2], "2": [3]}}, "last_error": null, "tests_passing": true, "plan_modification_time": null, "replanning_count": 0, "replan_phase_counts": {}}"#;

pub const SMART_1_0: &str = r#"{"schema_version": "1.0", "checkpoint_id": "plan_x_20260302_100000", "workflow_type": "plan", "project_name": "x", "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z", "status": "completed", "current_phase": 2, "total_phases": 2, "completed_phases": [1, 2], "workflow_state": {}, "last_error": null}"#;

pub const SMART_1_1: &str = r#"{"schema_version": "1.1", "checkpoint_id": "implement_y_20260302_100000", "workflow_type": "implement", "project_name": "y", "created_at": "2026-03-02T10:00:00Z", "updated_at": "2026-03-02T10:00:00Z", "status": "in_progress", "current_phase": 2, "total_phases": 3, "completed_phases": [1], "workflow_state": {}, "last_error": "Agent invocation failed", "replanning_count": 1, "last_replan_reason": "too large", "replan_history": [{"phase": 2, "reason": "too large"}]}"#;

pub const WORKFLOW: &str = r#"{"workflow_id": "wf_12", "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:30:00Z", "status": "in_progress", "command": "/orchestrate", "description": "Search", "current_phase": {"phase_num": 3, "phase_name": "implementation", "progress": 67.5}, "completed_phases": ["research", "planning"], "checkpoint_data": {"plan_path": "specs/plan.md", "files_modified": ["a.lua"]}, "error_history": [{"message": "no answer", "timestamp": "2026-03-01T10:10:00Z"}]}"#;

pub const VERSION: &str = r#"{"new_version": "1.4.0", "version_branch": "release-1.4.0"}"#;

pub const ERRORS: &str = r#"{"timestamp": "2026-03-01T10:00:00Z", "environment": "test", "command": "/build", "workflow_id": "b_1", "user_args": "", "error_type": "execution_error", "error_message": "exit code 1", "source": "trap", "stack": ["1 main"], "context": {"line": 1}}
{"timestamp": "2026-03-01T10:01:00Z", "environment": "test", "command": "/build", "workflow_id": "b_1", "error_type": "file_error", "error_message": "State file not found", "stack": [], "context": {}}
{"timestamp": "2026-03-01T10:02:00Z", "environment": "production", "command": "/plan", "workflow_id": "p_9", "error_type": "parse_error", "error_message": "no heading", "stack": [], "context": {}}
"#;

pub const METRICS: &str = r#"{"timestamp": "2026-03-01T10:00:00Z", "operation": "build", "duration_ms": 1200, "status": "success"}
{"timestamp": "2026-03-01T10:01:00Z", "operation": "unknown", "duration_ms": 0, "status": "unknown"}
"#;

pub const TIMING: &str = r#"[{"workflow_id": "add-search", "lane": "docs", "started_at": "2026-03-01T10:00:00", "completed_at": "2026-03-01T10:01:00", "total_duration_seconds": 60.0, "stages": [{"stage_id": 0, "stage_name": "Setup", "duration_seconds": 5.0, "status": "completed"}]}]"#;

/// Shape → a healthy file of it.
pub const ALL: [(&str, &str); 18] = [
    ("status-tracker", TRACKER),
    ("helper-steps", HELPERS),
    ("template", TEMPLATE),
    ("specification", SPECIFICATION),
    ("process-document", PROCESS),
    ("error-recovery", RECOVERY),
    ("enhanced-tracker", ENHANCED),
    ("resumption", RESUMPTION),
    ("checkpoint-list", CHECKPOINTS),
    ("smart-checkpoint", SMART),
    ("smart-checkpoint", SMART_1_0),
    ("smart-checkpoint", SMART_1_1),
    ("workflow-state", WORKFLOW),
    ("version-state", VERSION),
    ("error-log", ERRORS),
    ("metric-log", METRICS),
    ("timing-history", TIMING),
    (
        "error-recovery",
        r#"{"change_id": "x", "status": "pending", "stage": 0, "timestamp": "2026-03-02T10:00:00"}"#,
    ),
];

pub fn import(text: &str) -> Imported {
    of_bytes("changes/a-change/status.json", Some("a-change"), text.as_bytes())
}

/// The record of a file that has one, as JSON.
#[track_caller]
pub fn record(text: &str) -> Value {
    let imported = import(text);
    let document = imported.document.expect("a record");
    serde_json::to_value(&document.records[0]).expect("JSON")
}

#[test]
fn every_shape_is_known_by_what_it_holds_and_is_clean() {
    for (shape, text) in ALL {
        let imported = import(text);
        assert_eq!(imported.shape.word(), shape, "{text}");
        assert_eq!(imported.repairs(), 0, "{shape}: {:?}", imported.findings);
        assert!(imported.is_clean(), "{shape}: {:?}", imported.findings);
    }
}

/// Two shapes of the original lie at the same path.
#[test]
fn the_name_of_a_file_says_nothing() {
    for (shape, text) in ALL {
        let imported = of_bytes(".checkpoints/state.json", None, text.as_bytes());
        assert_eq!(imported.shape.word(), shape);
    }
}

/// Every text and number of a file, wherever it stands.
fn facts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| facts(item, found)),
        Value::Object(map) => map.values().for_each(|value| facts(value, found)),
        Value::Number(number) => found.push(number.as_f64().map_or(number.to_string(), |n| n.to_string())),
        Value::String(text) => found.push(text.clone()),
        Value::Bool(flag) => found.push(flag.to_string()),
    }
}

/// Words that are turned into ours, and times that are written another way.
fn is_kept(fact: &str, all: &[String]) -> bool {
    all.iter().any(|there| there == fact)
        || fact.parse::<f64>().is_ok_and(|number| number > 1e9)
        || fact == "in-progress"
}

#[test]
fn nothing_that_a_healthy_file_says_is_lost() {
    for (shape, text) in ALL {
        let document = import(text).document.expect("a record");
        let mut after = Vec::new();
        facts(&serde_json::to_value(&document).expect("JSON"), &mut after);
        let mut before = Vec::new();
        text.lines().filter(|_| shape.ends_with("-log")).for_each(|line| {
            facts(&serde_json::from_str(line).expect("JSON"), &mut before);
        });
        if before.is_empty() {
            facts(&serde_json::from_str(text).expect("JSON"), &mut before);
        }
        let lost: Vec<&String> = before.iter().filter(|fact| !is_kept(fact, &after)).collect();
        assert!(lost.is_empty(), "{shape} loses {lost:?}: {document:?}");
    }
}

/// The same with a field that no shape has, which is what the check above would not see if it saw nothing.
#[test]
fn what_nobody_understands_is_carried() {
    let text = RECOVERY.replacen('{', r#"{"colour": {"deep": ["blue"]}, "#, 1);
    assert_eq!(record(&text)["other"]["colour"]["deep"][0], "blue");
    let mut facts_of = Vec::new();
    facts(&serde_json::json!({"a": ["blue", 1, null, true]}), &mut facts_of);
    assert_eq!(facts_of, ["blue", "1", "true"]);
    assert!(!is_kept("blue", &["green".to_owned()]));
}

#[test]
fn states_reasons_times_and_attempts_are_those_of_the_file() {
    let tracker = record(TRACKER);
    assert_eq!(tracker["status"], "running");
    assert_eq!(tracker["status_word"], "RUNNING");
    assert_eq!(tracker["completed"], serde_json::json!([0]));
    assert_eq!(tracker["skipped"], serde_json::json!([1]));
    assert_eq!(tracker["stages"][1]["reason"], "Not in docs lane");
    assert_eq!(tracker["next_stage"], 2);
    assert_eq!(tracker["derived"]["change_id"], "workflow_id");
    assert_eq!(tracker["other"]["timing"]["within_sla"], true);

    let helpers = record(HELPERS);
    assert_eq!((&helpers["status"], &helpers["change_id"]), (&"unrecorded".into(), &"a-change".into()));
    assert_eq!(helpers["derived"]["change_id"], "folder");
    assert_eq!(helpers["stages"][1]["errors"][0]["message"], "no version");
    assert_eq!(helpers["next_stage"], 1);

    let enhanced = record(ENHANCED);
    assert_eq!(enhanced["started_at"], "2026-03-02T10:00:00.5Z");
    assert_eq!(enhanced["stages"][1]["status"], "failed");
    assert_eq!(enhanced["other"]["metadata"]["hostname"], "build-7");

    let workflow = record(WORKFLOW);
    assert_eq!(workflow["current_stage"], 3);
    assert_eq!(workflow["plan_path"], "specs/plan.md");
    let names: Vec<&Value> =
        workflow["stages"].as_array().expect("a list").iter().map(|s| &s["name"]).collect();
    assert_eq!(names, ["implementation", "research", "planning"]);
    assert_eq!(workflow["errors"][0]["message"], "no answer");
}

#[test]
fn a_file_of_several_runs_becomes_several_records() {
    let document = import(RESUMPTION).document.expect("records");
    let ids: Vec<_> = document.records.iter().map(|record| record.change_id.clone()).collect();
    assert_eq!(ids, [Some("tidy-docs".to_owned()), Some("new-login".to_owned())]);
    let document = import(ERRORS).document.expect("records");
    let counts: Vec<usize> = document.records.iter().map(|record| record.errors.len()).collect();
    assert_eq!(counts, [2, 1]);
    assert_eq!(document.records[0].last_error.as_deref(), Some("State file not found"));
    assert_eq!(document.records[0].status, State::Unrecorded);
}

#[test]
fn measurements_that_measure_nothing_are_marked() {
    let imported = import(METRICS);
    let document = imported.document.expect("metrics");
    let usable: Vec<&Value> = document.metrics.iter().map(|line| &line["usable"]).collect();
    assert_eq!(usable, [true, false]);
    assert!(imported.findings[0].what.contains("1 of 2 lines"), "{:?}", imported.findings);
}
