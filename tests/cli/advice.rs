//! `wfl explain`: what is promised without history, and what history adds.

use wfl::base::Timestamp;
use wfl::event::{RunStatus, Status};
use wfl::history::{Mode, Past, PastChange, PastStage};
use wfl::store::Store;

use crate::faults::subject::Subject;

const LANE: &str = "\
param ticket: string
stage build { exec \"true\" }
stage docs { when change.touches(\"docs/**\"); exec \"true\" }
stage notes { when ticket == \"A\"; exec \"true\" }
lane l { include build, docs, notes }
";

fn committed() -> Subject {
    let subject = Subject::with(LANE);
    subject.commit_all("fix: start");
    subject
}

#[test]
fn without_history_the_rules_speak_and_numbers_are_null() {
    let advice = committed().json(&["explain", "l", "--files", "src/a.rs", "--format", "json"]);
    assert_eq!(advice["recommended"], serde_json::json!(["build", "notes"]), "{advice}");
    assert!(advice["estimate"]["seconds"].is_null() && advice["estimate"]["low"].is_null());
    assert_eq!(advice["history"]["runs"], 0);
    assert_eq!(advice["confidence"], 0.0);
    assert!(advice["baseline"].is_object());
    let docs = &advice["stages"][1];
    assert_eq!((&docs["name"], &docs["keep"]), (&"docs".into(), &false.into()));
    assert!(docs["probability"].is_number() && docs["reasons"][0].is_string());
}

#[test]
fn the_change_at_hand_decides() {
    let advice = committed().json(&["explain", "l", "--files", "docs/a.md,src/b.rs", "--format", "json"]);
    assert_eq!(advice["stages"][1]["keep"], true, "{advice}");
}

#[test]
fn few_runs_are_counted_and_change_nothing() {
    let subject = committed();
    for _ in 0..5 {
        subject.end(&["run", "l", "--set", "ticket=B"]).expect_code(0);
    }
    let advice = subject.json(&["explain", "l", "--set", "ticket=B", "--format", "json"]);
    assert_eq!(advice["history"]["runs"], 5);
    assert!(advice["confidence"].as_f64().is_some_and(|sure| sure > 0.0 && sure <= 0.5));
    let (low, mid, high) =
        (&advice["estimate"]["low"], &advice["estimate"]["seconds"], &advice["estimate"]["high"]);
    assert!(low.as_f64() <= mid.as_f64() && mid.as_f64() <= high.as_f64() && low.is_number(), "{advice}");
    subject.end(&["explain", "l"]).expect_code(0).says("5 runs");
}

const CHECKS: &str = "\
stage build { exec \"true\" }
stage unit { needs build; exec \"true\" }
stage lint { exec \"true\" }
stage deploy { once; exec \"true\" }
lane l { include build, unit, lint, deploy }
lane release { recommend off; include build, unit, lint }
";

fn stage(name: &str, status: Status, ms: u64) -> PastStage {
    PastStage {
        name: name.into(),
        stage: name.into(),
        number: None,
        kind: "stage".into(),
        status,
        reason: None,
        began_ms: (ms > 0).then_some(0),
        duration_ms: ms,
        attempts: 1,
        cpu_ms: 0,
        memory: 0,
        io: 0,
        measures: Default::default(),
    }
}

/// Changes of documents never needed `unit`; every fourth change of `src/api/` failed it, and no other did.
fn past(number: usize, lane: &str) -> Past {
    let (kind, file) = [("docs", "docs/a.md"), ("fix", "src/api/a.rs"), ("fix", "src/ui/b.rs")][number % 3];
    let unit = match number % 12 {
        n if n % 3 == 0 => stage("unit", Status::Skipped, 0),
        4 => stage("unit", Status::Failed, 4_000),
        _ => stage("unit", Status::Succeeded, 4_000),
    };
    let ok = Status::Succeeded;
    Past {
        id: format!("run-{number:04}"),
        project: String::new(),
        source: "test".into(),
        lane: lane.into(),
        status: RunStatus::Succeeded,
        started: Timestamp(1_700_000_000_000 + number as i64 * 86_400_000),
        duration_ms: 5_000,
        change: PastChange {
            id: format!("change-{number}"),
            kind: kind.into(),
            files: vec![file.into()],
            count: 1,
            added: 4,
            deleted: 2,
            ..PastChange::default()
        },
        stages: vec![stage("build", ok, 1_000), unit, stage("lint", ok, 500), stage("deploy", ok, 100)],
        mode: Mode::Full,
    }
}

fn with_history(runs: usize, lane: &str) -> Subject {
    let subject = Subject::with(CHECKS);
    subject.commit_all("fix: start");
    let past: Vec<Past> = (0..runs).map(|number| past(number, lane)).collect();
    Store::open(&subject.state).expect("a store").remember(&past).expect("remembered");
    subject
}

fn explained(subject: &Subject, more: &[&str]) -> serde_json::Value {
    subject.json(&[&["explain", "l", "--format", "json"], more].concat())
}

const DOCS: [&str; 4] = ["--files", "docs/x.md", "--change-type", "docs"];

#[test]
fn history_leaves_out_what_such_changes_never_needed_and_counts_them() {
    let subject = with_history(300, "l");
    let advice = explained(&subject, &DOCS);
    assert_eq!(advice["recommended"], serde_json::json!(["build", "lint", "deploy"]), "{advice}");
    assert_eq!(advice["alternative"]["recommended"].as_array().map(Vec::len), Some(4));
    let unit = &advice["stages"][1];
    assert_eq!(unit["decided"], "not-needed");
    assert!(
        unit["reasons"].to_string().contains("`docs/` only: 100 of 100 such changes did not need it"),
        "{unit}"
    );
    assert!(unit["interval"]["low"].as_f64() <= unit["probability"].as_f64());
    assert!(advice["saved_seconds"].as_f64() > Some(3.0), "{advice}");
    assert!(advice["baseline"]["model"].as_f64() > advice["baseline"]["constant"].as_f64(), "{advice}");
    assert!(advice["versions"]["model"].is_number() && advice["history"]["events"] == 1200);
    let text = subject.end(&[&["explain", "l"], &DOCS[..]].concat()).expect_code(0);
    assert!(text.out.lines().all(|line| line.chars().count() <= 100), "{}", text.out);
    text.says("less than all that the lane's rules keep");
}

#[test]
fn the_second_time_a_snapshot_says_the_same_and_a_damaged_one_is_no_error() {
    let subject = with_history(120, "l");
    let first = explained(&subject, &DOCS);
    assert_eq!(explained(&subject, &DOCS), first);
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the state");
    let changed = database.execute("UPDATE advice SET data = zeroblob(100)", []).expect("a row");
    assert_eq!(changed, 1, "a snapshot is kept");
    assert_eq!(explained(&subject, &DOCS)["recommended"], first["recommended"]);
}

#[test]
fn runs_since_the_snapshot_are_learned() {
    let subject = with_history(120, "l");
    assert_eq!(explained(&subject, &DOCS)["history"]["runs"], 120);
    let store = Store::open(&subject.state).expect("a store");
    store.remember(&[past(120, "l"), past(121, "other")]).expect("remembered");
    let advice = explained(&subject, &DOCS);
    assert_eq!((&advice["history"]["runs"], &advice["versions"]["updates"]), (&121.into(), &1.into()));
    // One that comes late is learned with all others, in its place.
    store.remember(&[Past { id: "late".into(), ..past(3, "l") }]).expect("remembered");
    let advice = explained(&subject, &DOCS);
    assert_eq!((&advice["history"]["runs"], &advice["versions"]["updates"]), (&122.into(), &0.into()));
}

#[test]
fn a_stated_risk_leaves_out_more_but_no_effect_and_says_what_it_was_tested_on() {
    let subject = with_history(900, "l");
    let files = ["--files", "src/ui/b.rs", "--change-type", "fix"];
    assert_eq!(explained(&subject, &files)["recommended"].as_array().map(Vec::len), Some(4));
    let safe = explained(&subject, &[&files[..], &["--safe"]].concat());
    assert_eq!(safe["effort"], "safe");
    assert_eq!(safe["stages"][1]["decided"], "low-risk", "{safe}");
    assert_eq!(safe["stages"][3]["keep"], true, "an effect is never left out: {safe}");
    let validation = &safe["validation"];
    assert!(
        validation["failures"].as_u64() >= Some(7) && validation["recall"].as_f64() >= Some(0.98),
        "{safe}"
    );
    assert!(safe["risked"].as_f64().is_some_and(|risk| risk > 0.0 && risk < 0.1), "{safe}");
    let api = ["--files", "src/api/a.rs", "--change-type", "fix", "--safe"];
    assert_eq!(explained(&subject, &api)["stages"][1]["keep"], true);
    subject
        .end(&[&["explain", "l", "--safe"], &files[..]].concat())
        .expect_code(0)
        .says("it would have found");
    subject.end(&["explain", "l", "--safe", "--fast"]).expect_code(2);
}

#[test]
fn a_lane_that_forbids_it_keeps_all() {
    let subject = with_history(300, "release");
    let asked = ["explain", "release", "--fast", "--format", "json", "--files", "docs/x.md"];
    let advice = subject.json(&asked);
    assert_eq!(advice["recommended"].as_array().map(Vec::len), Some(3), "{advice}");
    assert!(advice["basis"].to_string().contains("recommend off"), "{advice}");
}

#[test]
fn why_shows_evidence_on_both_sides_and_the_nearest_runs() {
    let subject = with_history(300, "l");
    let asked = ["explain", "l", "--why", "unit", "--files", "src/api/a.rs", "--change-type", "fix"];
    let why = subject.json(&[&asked[..], &["--format", "json"]].concat());
    assert_eq!(why["failed"]["of"], 200, "{why}");
    let evidence = why["evidence"].to_string();
    assert!(evidence.contains("files in `src/api/`") && evidence.contains("\"for\""), "{evidence}");
    assert!(why["nearest"][0]["alike"].as_f64() > Some(0.6), "{why}");
    assert_eq!(why["nearest"][0]["files"], serde_json::json!(["src/api/a.rs"]), "{why}");
    assert!(why["nearest"][0]["run"].as_str().is_some_and(|run| run.starts_with("run-")));
    subject.end(&asked).expect_code(0).says("evidence, strongest first").says(" % alike");
    subject
        .end(&["explain", "l", "--why", "nothing"])
        .expect_code(2)
        .says("it has build, unit, lint, deploy");
}

#[test]
fn what_if_compares_another_change_with_this_one() {
    let subject = with_history(300, "l");
    let asked = ["--files", "src/api/a.rs", "--change-type", "fix", "--what-if", "files=docs/a.md,type=docs"];
    let advice = explained(&subject, &asked);
    let found = &advice["what_if"][0]["difference"];
    assert_eq!(found["left"], serde_json::json!(["unit"]), "{advice}");
    let text = subject.end(&[&["explain", "l"], &asked[..]].concat()).expect_code(0);
    text.says("what if files=docs/a.md,type=docs:").says("leaves out unit");
    subject.end(&["explain", "l", "--what-if", "docs/a.md"]).expect_code(2).says("files=src/a.rs");
}

#[test]
fn another_projects_runs_are_not_used_unless_they_were_brought_here_on_purpose() {
    let subject = with_history(60, "l");
    let foreign = |number: usize| Past {
        project: "0123456789abcdef".into(),
        source: String::new(),
        ..past(number, "l")
    };
    let strays: Vec<Past> = (100..160).map(|at| Past { id: format!("stray-{at}"), ..foreign(at) }).collect();
    let store = Store::open(&subject.state).expect("a store");
    store.remember(&strays).expect("remembered");
    drop(store);
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the state");
    database.execute("UPDATE past SET imported = 0 WHERE id LIKE 'stray-%'", []).expect("rows");
    assert_eq!(explained(&subject, &DOCS)["history"]["runs"], 60);
}
