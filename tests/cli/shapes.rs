//! The JSON other programs rely on.

use super::FAILS;
use crate::faults::subject::Subject;

#[test]
fn runs_are_a_list_newest_first() {
    let subject = Subject::with("stage a { exec \"true\" }\n");
    assert_eq!(subject.json(&["runs", "--format", "json"]), serde_json::json!([]));
    assert!(!subject.state.exists(), "looking makes no state");
    for _ in 0..2 {
        subject.end(&["run", "all.wfl", "--change-id", "CH-1", "--change-type", "fix"]).expect_code(0);
    }
    let runs = subject.json(&["runs", "--format", "json"]);
    let runs = runs.as_array().expect("a list");
    assert_eq!(runs.len(), 2);
    assert!(runs[0]["started"].as_str() >= runs[1]["started"].as_str());
    assert_eq!(runs[0]["change"]["id"], "CH-1");
    assert_eq!(runs[0]["change"]["type"], "fix");
    assert_eq!(subject.json(&["runs", "--format", "json", "-n", "1"]).as_array().map(Vec::len), Some(1));
    let none = subject.json(&["runs", "--format", "json", "--change-type", "docs"]);
    assert_eq!(none.as_array().map(Vec::len), Some(0));
}

#[test]
fn show_tells_run_stages_and_attempts() {
    let subject = Subject::with(FAILS);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let shown = subject.json(&["show", "last", "--format", "json"]);
    assert_eq!(shown["run"]["status"], "failed");
    assert!(shown["run"]["id"].is_string() && shown["run"]["lane"].is_string());
    let unit = &shown["stages"][1];
    assert_eq!((&unit["name"], &unit["status"]), (&"unit".into(), &"failed".into()));
    assert_eq!(unit["attempts"][0]["status"], "failed");
    assert_eq!(unit["attempts"][0]["exit"], 3);
    assert!(unit["duration_ms"].is_u64() && unit["number"].is_null() && unit["reason"].is_string());
    assert_eq!(shown["stages"][2]["status"], "blocked");
}

#[test]
fn lanes_and_graphs_are_given_in_their_formats() {
    let subject = Subject::with(
        "param p: string\nstage a { env { P = p }; exec \"true\" }\nstage b { needs a; exec \"true\" }\nlane l { about \"One\"; include b }\n",
    );
    let lanes = subject.json(&["lanes", "--format", "json"]);
    let own = &lanes[0];
    assert_eq!((&own["name"], &own["about"]), (&"l".into(), &"One".into()));
    assert_eq!(own["stages"], serde_json::json!(["a", "b"]));
    assert!(lanes.as_array().is_some_and(|all| all.iter().any(|lane| lane["std"] == true)));
    let graph = |format: &str| subject.end(&["graph", "l", "--format", format]).expect_code(0).out;
    assert!(graph("mermaid").starts_with("flowchart"));
    assert!(graph("dot").contains("digraph"));
    assert!(graph("svg").contains("<svg"));
    assert!(serde_json::from_str::<serde_json::Value>(&graph("json")).is_ok());
}

#[test]
fn a_diagnostic_s_page_is_there_as_text_and_json() {
    let subject = Subject::new();
    subject.end(&["explain", "e401"]).expect_code(0).says("output-not-produced");
    let page = subject.json(&["explain", "output-not-produced", "--format", "json"]);
    assert_eq!(page["code"], "E401");
}
