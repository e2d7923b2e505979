//! Likely failures first, by real runs: what history teaches of the order, where it is kept out, and what is said of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use wfl::base::Timestamp;
use wfl::embed::Order;
use wfl::event::{RunStatus, Status};
use wfl::history::{Mode, Past, PastChange, PastStage};
use wfl::plan::Parallel;
use wfl::store::Store;

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

/// A remembered run of lane `hotfix`, one after the other, with the stages that failed.
fn past(at: i64, source: &str, project: &str, failed: &[&str]) -> Past {
    let stage = |name: &str| PastStage {
        name: name.into(),
        stage: name.into(),
        number: None,
        kind: "stage".into(),
        status: if failed.contains(&name) { Status::Failed } else { Status::Succeeded },
        reason: None,
        began_ms: Some(0),
        duration_ms: 1_000,
        attempts: 1,
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: BTreeMap::new(),
    };
    Past {
        id: format!("{source}{at}"),
        project: project.into(),
        source: source.into(),
        lane: "hotfix".into(),
        status: RunStatus::Failed,
        started: Timestamp(at),
        duration_ms: 3_000,
        change: PastChange::default(),
        stages: ["a", "b", "c"].map(stage).to_vec(),
        mode: Mode::Full,
    }
}

fn starts(store: &Store, root: &Path, order: &Order) -> Vec<String> {
    let drafts = ["a", "b", "c"].map(crate::run::lanes::stage).into_iter().collect();
    let mut plan = crate::run::lanes::lane(drafts);
    (plan.lane, plan.parallel) = ("hotfix".into(), Parallel::Off);
    plan.root = root.into();
    wfl::embed::expect(&mut plan, store, order);
    let mut world = crate::run::fakes::World::new(plan).jobs(1);
    world.run();
    world.starts()
}

#[test]
fn the_risk_of_the_change_at_hand_goes_before_the_past_of_the_stage() {
    let (folder, store) = crate::store::store();
    let starts = |order: &Order| starts(&store, folder.path(), order);
    assert_eq!(starts(&Order::default()), ["a", "b", "c"], "no history");
    store
        .remember(&[past(1, "", "", &["c"]), past(2, "", "", &["c"]), past(3, "", "", &["b"])])
        .expect("kept");
    assert_eq!(starts(&Order::default())[..2], ["c", "b"]);
    let risks = BTreeMap::from([("b".to_owned(), 0.9), ("c".to_owned(), 0.01)]);
    assert_eq!(starts(&Order { risks, ..Order::default() })[0], "b");
    assert_eq!(starts(&Order { fail_first: Some(false), ..Order::default() }), ["a", "b", "c"]);
}

#[test]
fn runs_of_another_project_do_not_count() {
    let subject = committed(LANE);
    let own = wfl::facts::git::project(&subject.root);
    assert!(!own.is_empty());
    for (project, first) in [("0123abcd", "a"), (own.as_str(), "c"), ("", "c")] {
        let (_folder, store) = crate::store::store();
        store.remember(&[past(1, "import", project, &["c"]), past(2, "", "", &[])]).expect("kept");
        assert_eq!(starts(&store, &subject.root, &Order::default())[0], first, "of project {project:?}");
    }
}
