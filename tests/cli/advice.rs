//! `wfl explain`: what is promised without history, and what history adds.

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
