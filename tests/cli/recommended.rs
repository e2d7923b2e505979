//! `wfl run --recommended` with real processes and a history that was put there: what is left out, asked, shown, recorded,
//! and held against what came.

use std::collections::BTreeMap;

use serde_json::Value;
use wfl::base::Timestamp;
use wfl::event::{RunId, RunStatus, Status};
use wfl::history::{Filter, History, Mode, Past, PastChange, PastStage};
use wfl::store::Store;

use super::committed;
use super::terminal::on_terminal;
use crate::faults::subject::Subject;

/// `types` and `slow` are checks; the gate `size` and the effect `tag` are more than that.
const LANE: &str = "\
stage build { inputs \"src/**\"; run sh \"\"\"
  echo x >> builds
  \"\"\" }
stage types { needs build; run sh \"\"\"
  echo x >> typed; if [ -e bad-types ]; then exit 1; fi
  \"\"\" }
stage slow { needs build; exec \"touch\", \"slowed\" }
stage tag { needs build; idempotent by \"k\"; exec \"touch\", \"tagged\" }
gate size { exec \"touch\", \"judged\"; measure n: int = exit; require n == 0 }
lane l { include build, types, slow, tag, size }
lane release { include build, types; recommend off }
";

/// What the tests ask about.
const DOCS: [&str; 4] = ["--files", "docs/a.md", "--change-type", "docs"];

fn past_stage(name: &str, status: Status) -> PastStage {
    let ran = status != Status::Skipped;
    PastStage {
        name: name.into(),
        stage: name.into(),
        number: None,
        kind: if name == "size" { "gate" } else { "stage" }.into(),
        status,
        reason: (!ran).then(|| "`when change.touches(\"src/**\")` is false".into()),
        began_ms: ran.then_some(0),
        duration_ms: if ran { 30_000 } else { 0 },
        attempts: u32::from(ran),
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: BTreeMap::new(),
    }
}

/// A finished run: changes of `docs/` needed nothing but `build`, all others everything.
fn past(number: i64, lane: &str) -> Past {
    let docs = number % 2 == 0;
    let other = if docs { Status::Skipped } else { Status::Succeeded };
    let stages =
        [("build", Status::Succeeded), ("types", other), ("slow", other), ("tag", other), ("size", other)];
    let file = if docs { "docs/b.md" } else { "src/b.rs" };
    Past {
        id: format!("20260101-0000{:02}-{number:04}", number % 60),
        project: String::new(),
        source: String::new(),
        lane: lane.into(),
        status: RunStatus::Succeeded,
        started: Timestamp(1_767_225_600_000 + number * 3_600_000),
        duration_ms: 60_000,
        change: PastChange {
            id: format!("c{number}"),
            kind: if docs { "docs" } else { "feat" }.into(),
            files: vec![file.into()],
            count: 1,
            ..PastChange::default()
        },
        stages: stages.map(|(name, status)| past_stage(name, status)).into(),
        mode: Mode::Full,
    }
}

/// A project with 120 runs of each lane behind it.
fn project() -> Subject {
    let subject = committed(LANE);
    subject.write("src/a", "one\n");
    let store = Store::open(&subject.state).expect("a store");
    let runs: Vec<Past> = (0..120).map(|number| past(number, "l")).collect();
    store.remember(&runs).expect("remembered");
    subject
}

fn run(subject: &Subject, more: &[&str]) -> crate::faults::subject::Ended {
    let mut arguments = vec!["run", "l", "--recommended"];
    arguments.extend(DOCS);
    arguments.extend(more);
    subject.end(&arguments)
}

fn there(subject: &Subject, file: &str) -> bool {
    subject.root.join(file).exists()
}

#[test]
fn checks_that_such_changes_do_not_need_are_left_out_and_nothing_else() {
    let subject = project();
    run(&subject, &["--yes", "--control", "0"])
        .expect_code(0)
        .says("types")
        .says("leave out 2 of 5 stages")
        .says("2 stages were not run, on advice from 120 runs")
        .says("next: wfl run l");
    assert!(!there(&subject, "typed") && !there(&subject, "slowed"));
    assert!(there(&subject, "judged") && there(&subject, "tagged") && there(&subject, "builds"));
    let statuses = subject.statuses(&subject.newest_run().expect("a run"));
    assert_eq!((statuses["types"].as_str(), statuses["tag"].as_str()), ("skipped", "succeeded"));
}

#[test]
fn a_change_that_needs_them_runs_them() {
    let subject = project();
    let asked = ["run", "l", "--recommended", "--files", "src/c.rs", "--change-type", "feat"];
    subject.end(&asked).expect_code(0).says("leaves nothing out");
    assert!(there(&subject, "typed") && there(&subject, "slowed"));
}

#[test]
fn show_why_and_the_events_say_what_was_left_out() {
    let subject = project();
    let ended = run(&subject, &["--yes", "--control", "0", "--format", "json"]).expect_code(0);
    let events: Vec<Value> = ended.out.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let taken = events.iter().find(|event| event["type"] == "advice.taken").expect("the advice");
    assert_eq!((&taken["course"], &taken["runs"]), (&"followed".into(), &120.into()), "{taken}");
    let names: Vec<&str> = taken["left_out"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|stage| stage["stage"].as_str())
        .collect();
    assert_eq!(names, ["types", "slow"]);
    assert!(taken["by"].as_str().is_some_and(|by| by.contains("--yes")), "{taken}");
    subject.end(&["show", "last"]).expect_code(0).says("2 stages left out by --recommended (types, slow)");
    let shown = subject.json(&["show", "last", "--format", "json"]);
    assert_eq!(shown["advice"]["left_out"][0]["stage"], "types", "{shown}");
    subject
        .end(&["why", "last", "types"])
        .expect_code(0)
        .says("left out by --recommended")
        .says("120 runs")
        .says("`wfl run l` runs it");
}

#[test]
fn nobody_at_a_terminal_and_no_yes_runs_nothing() {
    let subject = project();
    for control in ["0", "100"] {
        run(&subject, &["--control", control])
            .expect_code(2)
            .says("nobody is at a terminal")
            .says("`--yes` agrees");
    }
    assert!(!there(&subject, "builds"));
}

#[test]
fn a_dry_run_shows_it_and_starts_nothing() {
    let subject = project();
    run(&subject, &["--dry-run"]).expect_code(0).says("leave out 2 of 5").says("left out by --recommended");
    assert!(!there(&subject, "builds"));
    assert_eq!(subject.newest_run(), None);
}

#[test]
fn a_person_says_yes_all_or_no() {
    let each =
        [("y\n", 0, false, true), ("a\n", 0, true, true), ("n\n", 1, false, false), ("\n", 1, false, false)];
    for (typed, code, typing, built) in each {
        let subject = project();
        let line = format!("run l --recommended --control 0 {}", DOCS.join(" "));
        let Some((ended, seen)) = on_terminal(&subject, &line, typed) else { return };
        assert!(seen.contains("Run without them?"), "{seen}");
        assert_eq!(ended, Some(code), "{typed:?}: {seen}");
        assert_eq!(
            (there(&subject, "typed"), there(&subject, "builds")),
            (typing, built),
            "{typed:?}: {seen}"
        );
    }
}

#[test]
fn a_control_run_runs_all_of_it_and_is_remembered_as_one() {
    let subject = project();
    run(&subject, &["--yes", "--control", "100"])
        .expect_code(0)
        .says("this run is one of the 100 % that run all of it")
        .says("2 stages would have been left out (types, slow)")
        .says("none of them found anything");
    assert!(there(&subject, "typed") && there(&subject, "slowed"));
    let newest = |subject: &Subject| {
        let store = Store::open(&subject.state).expect("a store");
        store.past(&Filter { limit: Some(1), ..Filter::default() }).expect("runs").remove(0)
    };
    assert_eq!(newest(&subject).mode, Mode::Control);
    run(&subject, &["--yes", "--control", "0"]).expect_code(0);
    assert_eq!(newest(&subject).mode, Mode::Recommended);
    subject.end(&["run", "l"]).expect_code(0);
    assert_eq!(newest(&subject).mode, Mode::Full);
}

#[test]
fn a_lane_that_says_so_is_never_cut() {
    let subject = project();
    subject
        .end(&["run", "release", "--recommended", "--yes"])
        .expect_code(2)
        .says("lane `release` says `recommend off`");
    assert!(!there(&subject, "builds"));
}

#[test]
fn a_stopped_run_goes_on_with_what_it_left_out() {
    let subject = committed(&LANE.replace("exec \"touch\", \"tagged\"", "exec \"test\", \"-e\", \"ready\""));
    subject.write("src/a", "one\n");
    let runs: Vec<Past> = (0..120).map(|number| past(number, "l")).collect();
    Store::open(&subject.state).expect("a store").remember(&runs).expect("remembered");
    run(&subject, &["--yes", "--control", "0"]).expect_code(1);
    subject.write("ready", "");
    subject.end(&["resume", "last"]).expect_code(0).says("2 stages were not run");
    assert!(!there(&subject, "typed") && !there(&subject, "slowed"));
    subject.write("all.wfl", subject.read("all.wfl") + "# more\n");
}

#[test]
fn a_full_run_afterwards_takes_what_was_done() {
    let subject = project();
    run(&subject, &["--yes", "--control", "0"]).expect_code(0);
    subject.end(&["run", "l", "--verify-reuse", "0"]).expect_code(0);
    assert!(there(&subject, "typed"));
    assert_eq!(subject.read("builds"), "x\n", "the result of the recommended run is taken");
}

#[test]
fn what_was_missed_stands_in_the_ledger() {
    let subject = project();
    let ledger = |subject: &Subject| {
        let mut arguments = vec!["explain", "l", "--format", "json"];
        arguments.extend(DOCS);
        subject.json(&arguments)["ledger"].clone()
    };
    assert_eq!(ledger(&subject)["followed"], 0);
    run(&subject, &["--yes", "--control", "0", "--change-id", "x"]).expect_code(0);
    let before = ledger(&subject);
    assert_eq!(
        (&before["followed"], &before["left_out"], &before["later"]["stages"]),
        (&1.into(), &2.into(), &0.into())
    );
    subject.write("bad-types", "");
    let mut full = vec!["run", "l", "--keep-going", "--change-id", "x"];
    full.extend(DOCS);
    subject.end(&full).expect_code(1);
    let after = ledger(&subject);
    assert_eq!((&after["later"]["stages"], &after["later"]["missed"]), (&2.into(), &1.into()), "{after}");
    assert_eq!(after["misses"][0]["stage"], "types");
    // Nothing is forgotten with the runs themselves.
    let store = Store::open(&subject.state).expect("a store");
    for run in store.runs(&Filter::default()).expect("runs") {
        store.delete_run(&RunId(run.id)).expect("deleted");
    }
    drop(store);
    assert_eq!(ledger(&subject)["misses"][0]["stage"], "types");
}

#[test]
fn how_much_is_risked_belongs_to_a_recommendation() {
    let subject = committed(LANE);
    for flag in ["--safe", "--fast"] {
        subject.end(&["run", "l", flag]).expect_code(2).says("--recommended");
    }
    subject.end(&["run", "l", "--recommended", "--safe", "--fast"]).expect_code(2);
    subject.end(&["run", "l", "--recommended", "--control", "101"]).expect_code(2);
}
