//! `wfl history` as people use it: what one machine remembers goes to another and back, files of other programs come in,
//! and what must not be taken is refused as a whole.

use std::fs;

use serde_json::Value;

use crate::faults::subject::Subject;

const LANE: &str = "stage build { exec \"true\" }\nstage unit { needs build; exec \"sh\", \"-c\", \"exit 3\" }\n\
                    lane fix { include unit }\n";

fn project() -> Subject {
    let subject = Subject::with(LANE);
    subject.commit_all("fix: start");
    subject
}

/// Another machine with the same project.
fn clone_of(subject: &Subject) -> Subject {
    let other = Subject::new();
    let from = subject.root.display().to_string();
    other.git(&["clone", "-q", &from, "."]);
    other
}

fn ran(subject: &Subject, times: usize) {
    (0..times).for_each(|_| drop(subject.end(&["run", "fix"])));
}

fn exported(subject: &Subject) -> String {
    subject.end(&["history", "export"]).out
}

fn import(subject: &Subject, arguments: &[&str]) -> Value {
    subject.json(&[&["history", "import", "--format", "json"], arguments].concat())
}

fn refused(subject: &Subject, arguments: &[&str]) -> String {
    let before = exported(subject);
    let ended = subject.end(&[&["history", "import"], arguments].concat());
    assert_eq!((ended.code, exported(subject)), (Some(2), before), "{}", ended.err);
    ended.err
}

#[test]
fn two_machines_merge_in_either_order_and_twice() {
    let one = project();
    let two = clone_of(&one);
    ran(&one, 2);
    ran(&two, 1);
    let (of_one, of_two) = (exported(&one), exported(&two));
    assert_eq!((of_one.lines().count(), of_two.lines().count()), (2, 1));
    one.write("two.jsonl", &of_two);
    two.write("one.jsonl", &of_one);
    assert_eq!(import(&one, &["two.jsonl"])["new"], 1);
    assert_eq!(import(&two, &["one.jsonl", "one.jsonl"])["new"], 2);
    assert_eq!(exported(&one), exported(&two), "both know the same now");
    assert_eq!(import(&one, &["two.jsonl"])["same"], 1);
    let summary = one.json(&["history", "--format", "json"]);
    assert_eq!((&summary["runs"], &summary["imported"]), (&Value::from(3), &Value::from(1)));
    // As git's `merge=union` leaves it: each line of both sides once, in any order.
    let third = clone_of(&one);
    third.write("union.jsonl", format!("{of_two}{of_one}"));
    import(&third, &["union.jsonl"]);
    assert_eq!(exported(&third), exported(&one));
}

#[test]
fn a_run_is_told_with_its_author_hashed_and_survives_clean() {
    let subject = project();
    subject.write("all.wfl", format!("wfl 1\nproject {{ keep {{ runs 1ms; logs 1ms }} }}\n{LANE}"));
    ran(&subject, 1);
    let line = exported(&subject);
    let past: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(past["change"]["author"].as_str().map(str::len), Some(12));
    assert!(!line.contains("ada@team.example"), "{line}");
    assert_eq!(past["stages"][1]["status"], "failed");
    assert!(past["project"].as_str().is_some_and(|project| project.len() == 16));
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(subject.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(0));
    assert_eq!(exported(&subject), line);
}

#[test]
fn another_projects_history_is_refused_unless_it_is_asked_for_and_marked_then() {
    let (ours, theirs) = (project(), Subject::with(LANE));
    theirs.commit_all("feat: something else");
    ran(&theirs, 1);
    ours.write("theirs.jsonl", exported(&theirs));
    let said = refused(&ours, &["theirs.jsonl"]);
    assert!(said.contains("of another project") && said.contains("--from-other-project"), "{said}");
    assert_eq!(import(&ours, &["theirs.jsonl", "--from-other-project"])["new"], 1);
    let summary = ours.json(&["history", "--format", "json"]);
    assert_eq!(summary["other_projects"].as_object().map(serde_json::Map::len), Some(1));
    assert_eq!(exported(&ours), exported(&theirs), "their mark stays");
}

#[test]
fn trying_changes_nothing_and_broken_lines_are_told() {
    let subject = project();
    ran(&subject, 2);
    let all = exported(&subject);
    let fresh = clone_of(&subject);
    fresh.write("h.jsonl", format!("<<<<<<< ours\n{all}=======\n{{\"id\":\"x\"}}\n"));
    let tried = import(&fresh, &["h.jsonl", "--dry-run"]);
    assert_eq!((&tried["new"], exported(&fresh).as_str()), (&Value::from(2), ""));
    let file = &tried["files"][0];
    assert_eq!((&file["left_out"], &file["entries"]), (&Value::from(1), &Value::from(3)));
    assert!(file["complaints"].to_string().contains("mark of a merge"), "{file}");
    fresh.write(
        "bad.jsonl",
        format!("{}nothing\n{{\n", all.lines().next().unwrap_or_default().to_owned() + "\n"),
    );
    assert!(refused(&fresh, &["h.jsonl", "bad.jsonl"]).contains("2 of 3 entries"), "one bad file stops all");
}

#[test]
fn an_event_log_becomes_runs_and_what_we_write_comes_back() {
    let subject = project();
    ran(&subject, 2);
    for form in ["csv", "xes", "sources"] {
        let file = format!("out.{form}");
        subject.end(&["history", "export", "--format", form, "--output", &file]).expect_code(0);
        let again = import(&subject, &[&file]);
        assert_eq!((&again["new"], &again["same"]), (&Value::from(0), &Value::from(2)), "{form}: {again}");
        let fresh = clone_of(&subject);
        fs::copy(subject.root.join(&file), fresh.root.join(&file)).expect("a copy");
        assert_eq!(import(&fresh, &[&file])["new"], 2, "{form}");
        assert_eq!(import(&fresh, &[&file])["same"], 2, "{form}");
        let past: Value =
            serde_json::from_str(exported(&fresh).lines().next().expect("a run")).expect("JSON");
        assert_eq!(
            (&past["lane"], &past["status"]),
            (&Value::from("fix"), &Value::from("failed")),
            "{form}: {past}"
        );
        assert_eq!(past["stages"].as_array().map(Vec::len), Some(2), "{form}");
    }
}

#[test]
fn columns_may_be_named_and_one_word_names_the_lane() {
    let subject = project();
    let text =
        "vorgang;was;wann;dauer;ende\n1;build;2026-01-01 10:00;5;ok\n1;test;2026-01-01 10:10;60;kaputt\n";
    subject.write("log.csv", text);
    let named = ["--case", "vorgang", "--activity", "was", "--timestamp", "wann", "--duration", "dauer"];
    let outcome = ["--outcome", "ende", "--failed-when", "kaputt", "--lane", "nightly", "log.csv"];
    assert_eq!(import(&subject, &[&named[..], &outcome[..]].concat())["new"], 1);
    let past: Value = serde_json::from_str(&exported(&subject)).expect("a run");
    assert_eq!((&past["lane"], &past["status"]), (&Value::from("nightly"), &Value::from("failed")));
    assert_eq!(past["stages"][1]["duration_ms"], 60_000);
    assert!(refused(&subject, &["log.csv"]).contains("vorgang, was, wann, dauer, ende"));
}

const RUNS: &str = "change_id,where,run,change_type,lane,started_at,duration_s,stages,outcome\n\
                    a,archive,1,feature,standard,2025-10-20T09:55:13.450314,3.997,0 1 2,completed\n\
                    b,archive,1,docs,pre-lane,2025-10-20T10:47:11,0.39,0 1,failed@1\n\
                    b,archive,2,docs,pre-lane,2025-10-20T11:47:11,9,0 1,stopped@1\n";
const STAGES: &str = "change_id,run,seq,stage,stage_name,started_at,duration_s,attempt,files_snapshot\n\
                      b,1,0,0,Create TODOs,2025-10-20T10:47:11,0.1,1,0\nb,1,1,1,Version Bump,2025-10-20T10:47:11.1,0.2,1,0\n\
                      b,1,2,1,Version Bump,2025-10-20T10:47:11.3,0.09,2,0\n";

#[test]
fn the_original_systems_runs_come_with_their_stages() {
    let subject = project();
    subject.write("history.csv", RUNS);
    subject.write("history_stages.csv", STAGES);
    assert_eq!(import(&subject, &["history_stages.csv", "history.csv"])["new"], 3);
    let lines: Vec<Value> =
        exported(&subject).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(
        (&lines[0]["change"]["type"], &lines[0]["duration_ms"]),
        (&Value::from("feat"), &Value::from(3997))
    );
    let bump = &lines[1]["stages"][1];
    assert_eq!((&bump["name"], &bump["attempts"]), (&Value::from("Version Bump"), &Value::from(2)));
    assert_eq!((&bump["duration_ms"], &bump["status"]), (&Value::from(290), &Value::from("failed")));
    assert_eq!(lines[2]["status"], "cancelled");
    assert!(refused(&subject, &["history_stages.csv"]).contains("without the runs"));
}

#[test]
fn junit_reports_the_sources_schema_and_status_files_are_told_apart_by_what_they_hold() {
    let subject = project();
    subject.write(
        "a",
        "<testsuites><testsuite name=\"u\" time=\"1.5\" timestamp=\"2026-01-01T10:00:00\"><testcase name=\"x\">\
         <failure/></testcase></testsuite></testsuites>",
    );
    subject.write(
        "b",
        "{\"workflows\":[{\"change_id\":\"c\",\"change_type\":\"feature\",\"timestamp\":\"2026-01-02T10:00:00Z\",\
         \"lane_used\":\"standard\",\"stages_executed\":[0,2],\"duration_ms\":3000,\"success\":true,\
         \"quality_results\":{\"ruff\":true},\"profile\":{\"stage_2\":{\"duration_ms\":2000,\"cpu_avg\":50}}}]}",
    );
    subject.write(
        "c",
        "{\"workflow_id\":\"w\",\"change_id\":\"d\",\"status\":\"completed\",\"lane\":\"docs\",\
         \"started_at\":\"2026-01-03T10:00:00\",\"completed_at\":\"2026-01-03T10:05:00\",\"current_stage\":1,\
         \"completed_stages\":[0,1]}",
    );
    let imported = import(&subject, &["a", "b", "c", "--lane", "ci"]);
    let kinds: Vec<&str> =
        imported["files"].as_array().expect("files").iter().filter_map(|f| f["kind"].as_str()).collect();
    assert_eq!(kinds, ["a JUnit report", "the sources' schema", "a status file"], "{imported}");
    let lines: Vec<Value> =
        exported(&subject).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let lanes: Vec<&str> = lines.iter().filter_map(|line| line["lane"].as_str()).collect();
    assert_eq!(lanes, ["ci", "standard", "docs"]);
    assert_eq!(
        (&lines[0]["status"], &lines[0]["stages"][0]["name"]),
        (&Value::from("failed"), &Value::from("u"))
    );
    assert_eq!(
        (&lines[1]["stages"][1]["cpu_ms"], &lines[1]["stages"][1]["number"]),
        (&Value::from(1000), &Value::from(2))
    );
    assert_eq!(lines[2]["duration_ms"], 300_000);
    subject.write("d", "{\"neither\":1}");
    assert!(refused(&subject, &["d"]).contains("JSON of no kind"));
    subject.write("e", "<html></html>");
    assert!(refused(&subject, &["e"]).contains("root `html`"));
    assert!(refused(&subject, &["nosuch"]).contains("cannot read nosuch"));
}

#[test]
fn nothing_is_made_where_nothing_was_and_a_lane_that_is_not_known_gets_the_nearest() {
    let subject = project();
    assert!(subject.end(&["history"]).err.contains("no finished run is remembered yet"));
    assert!(!subject.state.exists());
    ran(&subject, 1);
    let ended = subject.end(&["history", "--lane", "fxi"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.err.contains("`fix`"), "{}", ended.err);
}
