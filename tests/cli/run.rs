//! `wfl run`, `resume`, `logs`, `why`: one run from its start to its end.

use serde_json::Value;

use super::{FAILS, committed};
use crate::faults::subject::Subject;

#[test]
fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let subject = Subject::with(
        "stage a { exec \"touch\", \"ran\" }\nstage b { needs a; when 1 > 2; exec \"true\" }\nlane l { include b }\n",
    );
    let ended = subject.end(&["run", "l", "--dry-run"]).expect_code(0);
    assert!(ended.out.contains("needs a") && ended.out.contains("skipped"), "{}", ended.out);
    assert!(!subject.root.join("ran").exists() && !subject.state.exists());
    let plan: Value = subject.json(&["run", "l", "--dry-run", "--format", "json"]);
    assert_eq!(plan["stages"][0]["name"], "a");
    assert_eq!(plan["stages"][1]["runs"], false);
    assert!(plan["estimate"]["seconds"].is_null());
}

#[test]
fn events_are_numbered_without_gaps_and_the_last_one_is_the_end() {
    let subject = Subject::with(FAILS);
    let ended = subject.end(&["run", "all.wfl", "--format", "json"]).expect_code(1);
    let events: Vec<Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).expect("one event a line")).collect();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], index + 1);
        assert!(event["at"].as_str().is_some_and(|at| at.ends_with('Z')));
        assert!(event["run"].is_string() && event["type"].is_string());
    }
    let last = events.last().expect("events");
    assert_eq!((&last["type"], &last["status"]), (&"run.finished".into(), &"failed".into()));
    assert_eq!(last["stage"], "unit");
}

#[test]
fn the_first_failure_is_told_last_and_resume_goes_on_from_it() {
    let subject = Subject::with(FAILS);
    let failed = subject.end(&["run", "all.wfl"]).expect_code(1);
    let tail = failed.err.rsplit("unit: ").next().unwrap_or_default();
    assert!(
        tail.contains("broken") && tail.contains("wfl logs") && tail.contains("wfl resume"),
        "{}",
        failed.err
    );
    assert!(failed.out.is_empty(), "a person's report is no data: {}", failed.out);
    subject.write("good", "");
    subject.end(&["resume", "last"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    assert!(subject.statuses(&run).values().all(|status| status == "succeeded"));
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["stages"][0]["attempts"].as_array().map(Vec::len), Some(1), "build was kept");
    assert_eq!(shown["stages"][1]["attempts"].as_array().map(Vec::len), Some(2));
}

#[test]
fn logs_give_bytes_as_they_were_and_attempts_apart() {
    let subject = Subject::with(FAILS);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(subject.end(&["logs", "last", "unit"]).expect_code(0).out, "testing\nbroken\n");
    assert_eq!(subject.end(&["logs", "last", "build", "--attempt", "1"]).expect_code(0).out, "building\n");
    subject.end(&["logs", "last", "unit", "--attempt", "9"]).expect_code(2);
    subject.end(&["logs", "last", "unt"]).expect_code(2).says("`unit`");
}

#[test]
fn the_log_of_a_finally_is_there_too() {
    let subject = Subject::with("stage a { exec \"false\"; finally { exec \"echo\", \"tidied\" } }\n");
    subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(subject.end(&["logs", "last", "a"]).expect_code(0).out, "tidied\n");
}

#[test]
fn why_answers_in_one_sentence_with_the_events() {
    let subject = committed(
        "stage a { when git.branch == \"nowhere\"; exec \"true\" }\nstage b { needs a; exec \"true\" }\nstage c { exec \"false\" }\nstage d { needs c; exec \"true\" }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(1);
    subject.end(&["why", "last", "a"]).expect_code(0).says("It was skipped").says("git.branch");
    subject.end(&["why", "last", "b"]).expect_code(0).says("a");
    subject.end(&["why", "last", "c"]).expect_code(0).says("It failed");
    let blocked: Value = subject.json(&["why", "last", "d", "--format", "json"]);
    assert_eq!(blocked["status"], "blocked");
    assert!(
        blocked["answer"].as_str().is_some_and(|text| text.contains("needs c, which failed")),
        "{blocked}"
    );
    assert!(blocked["steps"][0]["seq"].is_u64());
}

#[test]
fn a_changed_definition_is_refused_with_the_difference_unless_adopted() {
    let subject = Subject::with(FAILS);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let text = subject.read("all.wfl").replace("echo testing", "echo tested");
    subject.write("all.wfl", text);
    subject.write("good", "");
    let refused = subject.end(&["resume", "last"]).expect_code(2);
    assert!(
        refused.err.contains("-  echo testing") && refused.err.contains("+  echo tested"),
        "{}",
        refused.err
    );
    subject.end(&["resume", "last", "--adopt"]).expect_code(0);
    subject.end(&["logs", "last", "unit", "--attempt", "2"]).expect_code(0).says("tested");
}

#[test]
fn a_run_is_resumed_from_any_folder_of_its_project() {
    let subject = committed(FAILS);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    subject.write("good", "");
    subject.write("deep/er/x", "");
    let mut command = subject.wfl(&["resume", "last"]);
    command.current_dir(subject.root.join("deep/er"));
    subject.end_of(command).expect_code(0);
}

#[test]
fn output_is_prefixed_or_grouped_as_asked() {
    let subject = Subject::with("stage a { exec \"echo\", \"hello\" }\n");
    let prefixed = subject.end(&["run", "all.wfl", "--output", "prefixed"]).expect_code(0);
    assert!(
        prefixed.err.lines().any(|line| line.starts_with("a ") && line.ends_with(" hello")),
        "{}",
        prefixed.err
    );
    let grouped = subject.end(&["run", "all.wfl", "--output", "grouped"]).expect_code(0);
    assert!(grouped.err.contains("    hello\n"), "{}", grouped.err);
    assert!(!subject.end(&["run", "all.wfl"]).expect_code(0).err.contains("hello"));
}

#[test]
fn old_runs_are_cleaned_by_the_project_s_own_measure() {
    let subject = Subject::with("project { keep { runs 1d; logs 0s } }\nstage a { exec \"echo\", \"x\" }\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let shown = subject.json(&["clean", "--dry-run", "--format", "json"]);
    assert_eq!(shown["logs"].as_array().map(Vec::len), Some(1), "{shown}");
    subject.end(&["logs", "last", "a"]).expect_code(0).says("x");
    subject.end(&["clean"]).expect_code(0);
    assert_eq!(subject.end(&["logs", "last", "a"]).expect_code(0).out, "");
    assert!(subject.newest_run().is_some(), "the run itself stays");
}

#[test]
fn an_absent_output_fails_the_attempt() {
    let subject = Subject::with(
        "stage a { exec \"true\"; out z = \"z\"; retry { attempts 2; backoff constant(1ms) } }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    for attempt in [0, 1] {
        let attempt = &shown["stages"][0]["attempts"][attempt];
        assert_eq!((&attempt["status"], &attempt["exit"]), (&"failed".into(), &0.into()), "{shown}");
        assert!(attempt["error"].as_str().is_some_and(|error| error.contains("is not there")), "{shown}");
    }
}

/// A gate that passes, and a stage after it that writes `file`.
fn edits_after_a_gate(file: &str) -> Subject {
    let subject = Subject::with(&format!(
        "gate tidy {{\n  exec    \"true\"\n  measure status: int = exit\n  require status == 0\n}}\n\
         stage late {{\n  follows tidy\n  run sh \"\"\"\n    sleep 0.1\n    echo changed > {file}\n    \"\"\"\n}}\n",
    ));
    std::fs::write(subject.root.join("tracked"), "as judged").expect("a file");
    subject.git(&["init", "-q"]);
    subject.git(&["add", "-A"]);
    subject.git(&["-c", "user.name=Ada", "-c", "user.email=ada@team.example", "commit", "-q", "-m", "all"]);
    subject
}

#[test]
fn a_stage_that_edits_what_a_gate_has_judged_is_noticed() {
    let ended = edits_after_a_gate("tracked").end(&["run", "all.wfl"]).expect_code(0);
    assert!(ended.err.contains("after gate `tidy` had judged, the tree changed: tracked;"), "{}", ended.err);
    let ended = edits_after_a_gate("untracked").end(&["run", "all.wfl"]).expect_code(0);
    assert!(!ended.err.contains("the tree changed"), "{}", ended.err);
}
