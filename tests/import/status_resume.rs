//! Resuming what a status file describes: where, or the first reason why not; checkpoints, and the run that ran away.

use serde_json::{Value, json};
use wfl::base::Timestamp;
use wfl::embed::status::{Plan, Record, resumable};

use super::status_shapes::{CHECKPOINTS, RESUMPTION, SMART, SMART_1_1, TRACKER, import, record};
use crate::faults::subject::Subject;

const HOUR: i64 = 3_600_000;
/// 2026-03-02T10:30:00Z, when the file below was last written.
const WRITTEN: i64 = 1_772_447_400_000;

/// A checkpoint of phase 2 of 5, as the shell tools wrote it.
fn saved(tests: Option<bool>, error: Option<&str>, status: &str) -> Record {
    let text = json!({
        "schema_version": "1.2", "checkpoint_id": "implement_x", "workflow_type": "implement", "project_name": "x",
        "created_at": "2026-03-02T10:30:00Z", "updated_at": "2026-03-02T10:30:00Z", "status": status,
        "current_phase": 2, "total_phases": 5, "completed_phases": [1], "workflow_state": {"plan_path": "plan.md"},
        "last_error": error, "tests_passing": tests, "plan_modification_time": 1_772_000_000,
    });
    import(&text.to_string()).document.expect("a record").records.remove(0)
}

fn after(days: i64, hours: i64) -> Timestamp {
    Timestamp(WRITTEN + (24 * days + hours) * HOUR)
}

#[test]
fn cp_03_the_conditions_of_a_safe_resume_in_their_order() {
    let good = || saved(Some(true), None, "in_progress");
    for days in [0, 1, 3, 6, 7] {
        assert_eq!(resumable(&good(), after(days, 0), Plan::Unmodified), Ok(2), "{days} days");
    }
    assert_eq!(resumable(&good(), after(7, 1), Plan::NotRecorded), Ok(2), "the seventh day counts whole");
    let refused = |record: &Record, days, plan| resumable(record, after(days, 0), plan).unwrap_err();
    let failed = Some("Agent invocation failed");
    let cases = [
        (saved(Some(false), None, "in_progress"), 1, Plan::Unmodified, "Tests failing"),
        (saved(Some(true), failed, "in_progress"), 1, Plan::Unmodified, "errors: Agent invocation failed"),
        (saved(Some(true), None, "completed"), 1, Plan::Unmodified, "status is `completed`"),
        (saved(Some(true), None, "in_progress"), 8, Plan::Unmodified, "8 days old"),
        (saved(Some(true), None, "in_progress"), 1, Plan::Modified, "modified"),
        // Of several the first of the order is told.
        (saved(Some(false), failed, "completed"), 10, Plan::Modified, "Tests failing"),
        (saved(Some(true), failed, "completed"), 10, Plan::Modified, "errors"),
        (saved(None, None, "failed"), 10, Plan::Modified, "status"),
        (saved(None, None, "in_progress"), 10, Plan::Modified, "10 days old"),
    ];
    for (record, days, plan, reason) in cases {
        let said = refused(&record, days, plan);
        assert!(said.contains(reason), "{said}, not {reason}");
    }
}

#[test]
fn cp_03_the_command_looks_at_the_plan_and_the_clock() {
    let subject = Subject::new();
    let verdict =
        || subject.json(&["import", "status", "c.json", "--format", "json"])["files"][0]["resume"][0].clone();
    let now = Timestamp::now();
    let modified = |path: &str| {
        let at = std::fs::metadata(subject.root.join(path)).and_then(|meta| meta.modified()).expect("a time");
        at.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs()
    };
    subject.write("plan.md", "# Plan\n");
    let text = |at: Timestamp, plan: u64| {
        SMART
            .replace("2026-03-02T10:30:00Z", &at.rfc3339())
            .replace("specs/plan.md", "plan.md")
            .replace("\"plan_modification_time\": null", &format!("\"plan_modification_time\": {plan}"))
    };
    subject.write("c.json", text(now, modified("plan.md")));
    assert_eq!(verdict(), json!({"resumable": true, "stage": 3, "reason": null}));
    subject.write("c.json", text(now, 1_700_000_000));
    assert!(verdict()["reason"].as_str().unwrap_or_default().contains("modified"), "{}", verdict());
    subject.write("c.json", text(Timestamp(now.0 - 9 * 24 * HOUR), modified("plan.md")));
    assert!(verdict()["reason"].as_str().unwrap_or_default().contains("9 days old"), "{}", verdict());
    subject.write("c.json", SMART_1_1);
    assert!(
        verdict()["reason"].as_str().unwrap_or_default().contains("Agent invocation failed"),
        "{}",
        verdict()
    );
}

#[test]
fn cp_01_an_incomplete_run_goes_on_at_the_next_stage() {
    let documents = import(RESUMPTION).document.expect("records");
    let first = &documents.records[0];
    assert_eq!((first.next_stage, first.next_stage_name.as_deref()), (Some(4), Some("Checklist")));
    assert_eq!(first.completed, [3]);
    assert_eq!(resumable(first, after(0, 1), Plan::NotRecorded), Ok(4));
}

#[test]
fn cp_02_a_skipped_stage_keeps_its_reason() {
    let tracker = record(TRACKER);
    assert_eq!((&tracker["stages"][1]["status"], &tracker["skipped"]), (&"skipped".into(), &json!([1])));
    assert_eq!(tracker["stages"][1]["reason"], "Not in docs lane");
}

/// A list of checkpoints that says: some work two days before, then `attempts` of stage 0, one a second or so.
fn runaway(attempts: i64, apart: i64) -> String {
    let at = |ms: i64| Timestamp(WRITTEN + ms).rfc3339();
    let entry = |index: i64, stage: i64, ms: i64| {
        json!({"checkpoint_id": format!("checkpoint-{index:04}"), "step_num": stage, "step_name": "Setup",
            "timestamp": at(ms), "files_snapshot": ["todo.md"], "git_commit": "c0ffee", "notes": "Before executing step 0"})
    };
    let earlier = [0, 1, 5, 6]
        .into_iter()
        .enumerate()
        .map(|(index, stage)| entry(index as i64, stage, index as i64 * 30_000));
    let later = (0..attempts).map(|index| entry(10 + index, 0, 48 * HOUR + index * apart));
    let checkpoints: Vec<Value> = earlier.chain(later).collect();
    json!({"change_id": "too-eager", "checkpoints": checkpoints, "last_successful_step": 6}).to_string()
}

#[test]
fn cp_04_the_run_that_ran_away_is_called_so() {
    let imported = import(&runaway(495, 1_122));
    let told: Vec<&str> = imported.findings.iter().map(|finding| finding.what.as_str()).collect();
    assert_eq!(told, ["495 attempts of stage 0 in 9m15s: runaway"]);
    let document = imported.document.expect("a record");
    assert_eq!(document.records[0].stages[0].attempts, Some(496));
    assert_eq!(document.records[0].checkpoints.total, 499);
    // Few attempts, and many with long pauses, are work.
    for text in [runaway(20, 1_122), runaway(60, 20 * 60_000)] {
        assert!(import(&text).findings.is_empty(), "{:?}", import(&text).findings);
    }
}

#[test]
fn cp_05_ten_checkpoints_are_kept_and_none_twice() {
    let record = record(&runaway(495, 1_122));
    let kept = record["checkpoints"]["kept"].as_array().expect("a list");
    assert_eq!(
        (&record["checkpoints"]["total"], &record["checkpoints"]["distinct"]),
        (&499.into(), &4.into())
    );
    let ids: Vec<&Value> = kept.iter().map(|kept| &kept["id"]).collect();
    assert_eq!(
        ids,
        ["checkpoint-0001", "checkpoint-0002", "checkpoint-0003", "checkpoint-0504"],
        "the newest of each"
    );
    let many: Vec<Value> = (0..13)
        .map(|stage| json!({"checkpoint_id": format!("c{stage:02}"), "step_num": stage, "timestamp": format!("2026-03-02T10:{stage:02}:00")}))
        .collect();
    let record = self::record(&json!({"change_id": "x", "checkpoints": many}).to_string());
    let kept = record["checkpoints"]["kept"].as_array().expect("a list");
    assert_eq!((kept.len(), &kept[0]["id"], &kept[9]["id"]), (10, &"c03".into(), &"c12".into()));
    assert_eq!(
        (&record["checkpoints"]["total"], &record["checkpoints"]["distinct"]),
        (&13.into(), &13.into())
    );
}

#[test]
fn st_checkpoints_in_order_the_latest_an_unknown_one_and_none() {
    let subject = Subject::new();
    subject.write("state.json", CHECKPOINTS);
    subject.write("none.json", r#"{"change_id": "x", "checkpoints": [], "last_successful_step": 0}"#);
    let document = import(CHECKPOINTS).document.expect("a record");
    let order: Vec<_> =
        document.records[0].checkpoints.kept.iter().map(|kept| (kept.id.clone(), kept.stage)).collect();
    assert_eq!(order, [(Some("001".to_owned()), Some(3)), (Some("002".to_owned()), Some(6))]);
    let checkpoint = |file: &str, id: &str| subject.end(&["import", "status", file, "--checkpoint", id]);
    checkpoint("state.json", "latest").expect_code(0).says("002").says("6 Scripts");
    checkpoint("state.json", "001").expect_code(0).says("3 Spec");
    checkpoint("state.json", "003").expect_code(2).says("there is no checkpoint `003`").says("001, 002");
    checkpoint("none.json", "latest").expect_code(2).says("the file has no checkpoints");
}

#[test]
fn cp_06_a_stage_whose_hooks_failed_did_not_complete() {
    let text = TRACKER.replace("{\"todos\": 3}", "{\"reason\": \"Pre-step hooks failed\"}");
    let imported = import(&text);
    assert_eq!(imported.findings[0].class.word(), "contradiction");
    let record = record(&text);
    assert_eq!((&record["failed"], &record["completed"]), (&json!([0]), &json!([])));
    assert_eq!(record["stages"][0]["status_word"], "COMPLETED");
    assert_eq!(record["next_stage"], 0);
    let said = resumable(&imported.document.expect("a record").records[0], after(0, 0), Plan::NotRecorded);
    assert_eq!(said.unwrap_err(), "it ended with errors: stage Setup failed: Pre-step hooks failed");
}

/// Reasons that only sound like it.
#[test]
fn cp_06_a_stage_that_completed_stays_completed() {
    for reason in
        ["0 tests failed", "No failures found", "Not applicable", "nothing failed", "retried: hooks failed"]
    {
        let text = TRACKER.replace("{\"todos\": 3}", &format!("{{\"reason\": \"{reason}\"}}"));
        assert!(import(&text).findings.is_empty(), "{reason}: {:?}", import(&text).findings);
    }
}

#[test]
fn cp_07_a_docs_run_that_is_recorded_as_another_is_told() {
    let text = TRACKER.replace("add-search", "try-docs-lane");
    let imported = import(&text);
    assert_eq!(imported.findings[0].class.word(), "lane_in_name");
    assert!(!imported.findings[0].is_repair() && imported.is_clean());
    assert_eq!(record(&text)["lane"], "standard", "a name proves nothing");
    // Words of a change's name that are no lane's.
    for id in ["fix-docs", "docs-laneless", "standard-lane"] {
        let imported = import(&TRACKER.replace("add-search", id));
        assert!(imported.findings.is_empty(), "{:?}", imported.findings);
    }
}

/// The original wrote `1h 1m 1s`; ours is what the language reads, without blanks.
#[test]
fn cp_10_durations_are_written_as_the_language_reads_them() {
    let shown: Vec<String> = [0, 60, 3_600, 3_661]
        .into_iter()
        .map(|seconds| wfl::base::clock::format_duration(seconds * 1000))
        .collect();
    assert_eq!(shown, ["0s", "1m", "1h", "1h1m1s"]);
}

/// What stands in a file goes to a terminal as text.
#[test]
fn hostile_words_are_only_words() {
    let subject = Subject::new();
    let text =
        TRACKER.replace("add-search", "a\\u001b]0;owned\\u0007\\u202eb").replace("RUNNING", "\\u001b[31mred");
    subject.write("status.json", text);
    let said = subject.end(&["import", "status", "status.json"]).expect_code(0);
    assert!(!said.out.contains('\u{1b}') && !said.out.contains('\u{202e}'), "{:?}", said.out);
    assert!(said.out.contains("invalid_status"), "{}", said.out);
}

#[test]
fn standard_input_is_read_and_has_no_place_to_write_to() {
    use std::io::Write;
    use std::process::Stdio;
    let subject = Subject::new();
    let run = |arguments: &[&str]| {
        let mut child =
            subject.wfl(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("wfl starts");
        child.stdin.take().expect("a pipe").write_all(CHECKPOINTS.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("an end");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, out) = run(&["import", "status", "-"]);
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("checkpoint-list") && out.contains("add-search"), "{out}");
    assert_eq!(run(&["import", "status", "-", "--write"]).0, Some(1));
    assert_eq!(run(&["import", "status", "-", "--output", "out"]).0, Some(0));
    assert!(subject.root.join("out/stdin.record.json").exists());
}
