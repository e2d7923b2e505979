//! Looking into lanes and expressions: `eval`, `show LANE --resolved`, `lanes diff`.

use serde_json::Value;

use crate::faults::subject::{Ended, Subject};

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).expect("one JSON document")
}

const LANES: &str = "wfl 1

defaults { timeout 30m }

let region = \"eu\"
param tries: int = 2

stage build { exec \"make\" }
stage unit {
  needs   build
  timeout 5m
  exec    \"make\", \"test\"
}
gate size {
  needs   build
  require file.exists(\"Makefile\")
}

lane full {
  about   \"Everything\"
  include unit, size
  timeout 2h
}
lane quick {
  extends  full
  exclude  size because \"measured every night\"
  override stage.build { timeout 1m }
  timeout  10m
}
";

fn subject() -> Subject {
    let subject = Subject::new();
    subject.write("lanes.wfl", LANES);
    subject.write("Makefile", "all:\n");
    subject
}

#[test]
fn an_expression_is_worked_out_with_names_and_facts() {
    let subject = subject();
    subject.commit_all("feat: begin");
    let value = |expression: &str| {
        json(&subject.end(&["eval", expression, "--format", "json"]).expect_code(0))["value"].clone()
    };
    assert_eq!(value("f\"{region}-1\""), "eu-1");
    assert_eq!(value("git.branch == \"main\" and file.exists(\"Makefile\")"), true);
    assert_eq!(value("file.exists(\"nothing\")"), false);
    assert_eq!(value("[x for x in [1, 2, 3] if x > tries]"), serde_json::json!([3]));
    let set = subject.end(&["eval", "tries + 1", "--set", "tries=4", "--format", "json"]).expect_code(0);
    assert_eq!(json(&set), serde_json::json!({ "value": 5, "type": "int", "facts": {} }));
    let facts = json(&subject.end(&["eval", "git.branch", "--format", "json"]).expect_code(0));
    assert_eq!(facts["facts"]["git.branch"], "main");
}

#[test]
fn a_wrong_expression_is_told_at_its_place() {
    let subject = subject();
    subject.end(&["eval", "tries + 2m"]).expect_code(2).says("E105").says("expression:1:");
    subject.end(&["eval", "regoin"]).expect_code(2).says("`region`");
    subject.end(&["eval", "1; 2"]).expect_code(2).says("E011");
    subject.end(&["eval", ""]).expect_code(2);
}

#[test]
fn every_value_of_a_lane_has_the_line_that_set_it() {
    let subject = subject();
    let shown =
        json(&subject.end(&["show", "quick", "--resolved", "--origin", "--format", "json"]).expect_code(0));
    let settings = |name: &str| {
        let stages = shown["stages"].as_array().expect("stages");
        let stage = stages.iter().find(|stage| stage["name"] == name).expect("the stage");
        stage["settings"].clone()
    };
    let timeout = |name: &str| {
        let all = settings(name);
        let found = all.as_array().expect("a list").iter().find(|one| one["keyword"] == "timeout");
        found.expect("a timeout").clone()
    };
    let build = timeout("build");
    assert_eq!((&build["value"], &build["by"]), (&"1m".into(), &"override in lane `quick`".into()));
    assert_eq!(build["place"], "lanes.wfl:27:26");
    assert_eq!(timeout("unit")["by"], Value::Null);
    let lane = shown["settings"].as_array().expect("a list");
    let limit = lane.iter().find(|one| one["keyword"] == "timeout").expect("a timeout");
    assert_eq!((&limit["value"], &limit["by"]), (&"10m".into(), &Value::Null));
    assert!(lane.iter().any(|one| one["keyword"] == "include" && one["by"] == "lane `full`"));
    let full = json(&subject.end(&["show", "full", "--resolved", "--format", "json"]).expect_code(0));
    assert!(
        full.to_string().contains("\"by\":\"defaults\",\"keyword\":\"timeout\"")
            || full.to_string().contains("defaults")
    );
    let text = subject.end(&["show", "quick", "--resolved", "--origin"]).expect_code(0).out;
    assert!(text.contains("lanes.wfl:27:26"), "{text}");
}

#[test]
fn what_a_lane_drops_adds_and_changes_is_told() {
    let subject = subject();
    let ended = subject.end(&["lanes", "diff", "full", "quick"]).expect_code(0);
    assert!(ended.out.contains("gate") && ended.out.contains("size") && ended.out.contains("dropped"));
    assert!(ended.out.contains("build timeout: 30m -> 1m"), "{}", ended.out);
    let found = json(&subject.end(&["lanes", "diff", "quick", "full", "--format", "json"]).expect_code(0));
    assert_eq!(found["added"][0]["name"], "size");
    assert_eq!(found["dropped"], serde_json::json!([]));
    let same = subject.end(&["lanes", "diff", "full", "full"]).expect_code(0);
    assert_eq!(same.out, "full and full hold the same\n");
    subject.end(&["lanes", "diff", "full", "std.lanes.hotfix"]).expect_code(0).says("cargo-fmt");
    subject.end(&["lanes", "diff", "full", "nosuch"]).expect_code(2).says("E951");
}
