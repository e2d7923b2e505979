//! Likely failures first, by real runs: what history teaches of the order, where it is kept out, and what is said of it.

use serde_json::Value;

use super::committed;
use crate::faults::subject::Subject;

/// Two stages that need nothing of each other: a long one, and a short one that fails while `bad` is there.
const LANE: &str = "\
stage slow { exec \"sh\", \"-c\", \"echo slow >> order; sleep 0.2\" }
stage flaky { exec \"sh\", \"-c\", \"echo flaky >> order; test ! -e bad\" }
lane l { include slow, flaky }
lane all { include slow, flaky; on-failure keep-going }
";

fn one_at_a_time(subject: &Subject, lane: &str, more: &[&str]) -> Vec<String> {
    subject.write("order", "");
    subject.end(&[&["run", lane, "-j", "1", "--no-snapshot"], more].concat());
    subject.read("order").lines().map(str::to_owned).collect()
}

/// A project in which `flaky` failed in the newest run of the lane.
fn failed(lane: &str) -> Subject {
    let subject = committed(LANE);
    subject.write("bad", "");
    assert_eq!(one_at_a_time(&subject, lane, &[]), ["slow", "flaky"], "without history the plan's order");
    subject
}

fn stage<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let stages = plan["stages"].as_array().expect("stages");
    stages.iter().find(|stage| stage["name"] == name).expect("the stage")
}

#[test]
fn a_stage_that_failed_starts_first_and_the_long_one_is_not_begun() {
    let subject = failed("l");
    assert_eq!(one_at_a_time(&subject, "l", &[]), ["flaky"]);
    let why = subject.end(&["why", "last", "flaky"]);
    why.expect_code(0).says("put before others in the line: it failed in its last run");
    assert_eq!(one_at_a_time(&subject, "l", &["--no-fail-first"]), ["slow", "flaky"]);
}

#[test]
fn where_a_failure_does_not_end_the_run_the_order_changes_only_when_asked() {
    let subject = failed("all");
    assert_eq!(one_at_a_time(&subject, "all", &[]), ["slow", "flaky"]);
    assert_eq!(one_at_a_time(&subject, "all", &["--fail-first"]), ["flaky", "slow"]);
    let subject = failed("l");
    assert_eq!(one_at_a_time(&subject, "l", &["--keep-going"]), ["slow", "flaky"]);
}

#[test]
fn a_dry_run_says_the_order_and_what_it_brings() {
    let subject = failed("l");
    let plan = subject.json(&["run", "l", "-j", "1", "--dry-run", "--format", "json"]);
    assert_eq!(plan["stages"][0]["name"], "flaky", "{plan}");
    assert_eq!(
        (&stage(&plan, "flaky")["fails"]["failed"], &stage(&plan, "flaky")["fails"]["of"]),
        (&1.into(), &1.into())
    );
    assert_eq!(stage(&plan, "flaky")["fails"]["ahead"], true, "{plan}");
    let first = &plan["fail_first"]["first_failure_seconds"];
    assert!(first["expected"].as_f64() < first["else"].as_f64(), "{plan}");
    assert_eq!(plan["fail_first"]["seconds"]["expected"], plan["fail_first"]["seconds"]["else"], "{plan}");
    let said =
        subject.end(&["run", "l", "-j", "1", "--dry-run"]).expect_code(0).says("likely failures first");
    said.says("early: failed in its last run");
    let plan = subject.json(&["run", "l", "-j", "1", "--no-fail-first", "--dry-run", "--format", "json"]);
    assert_eq!((&plan["stages"][0]["name"], &plan["fail_first"]), (&"slow".into(), &Value::Null), "{plan}");
}

#[test]
fn a_resumed_run_keeps_the_order_it_began_with() {
    let subject = failed("l");
    assert_eq!(one_at_a_time(&subject, "l", &[]), ["flaky"]);
    let run = subject.newest_run().expect("a run");
    std::fs::remove_file(subject.root.join("bad")).expect("removed");
    subject.write("order", "");
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(subject.read("order").lines().collect::<Vec<_>>(), ["flaky", "slow"]);
}
