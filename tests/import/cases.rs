//! The cases of the original's own tests of its lane file; where they say "decide", docs/import.md says what and why.

use super::{SEED, import, refused, text};
use crate::faults::subject::Subject;

/// The one refusal, which must name all of these.
#[track_caller]
fn one(yaml: &str, words: &[&str]) {
    let found = refused(yaml);
    assert_eq!(found.len(), 1, "{found:?}");
    for word in words {
        assert!(found[0].contains(word), "no {word} in {}", found[0]);
    }
}

fn lane(settings: &str) -> String {
    format!("a:\n  description: \"A lane\"\n  stages: [0, 1]\n{settings}")
}

const EXAMPLE: &str = "\
fast:
  name: fast
  description: Quick
  stages:
    - 0
    - 1
  parallel: true
  timeout: 300
  quality_gates: {enabled: true, ruff: true, mypy: false, pytest: false, bandit: false, coverage_threshold: 50.0, required_passes: [ruff]}
full:
  description: All
  stages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  timeout: 3600
  quality_gates: {coverage_threshold: 85.0, required_passes: [ruff, mypy, pytest, bandit]}
enterprise:
  description: More
  stages: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
  timeout: 7200
  quality_gates: {coverage_threshold: 90.0}
";

#[test]
fn cl_01_lanes_keep_their_stages_times_and_thresholds() {
    let text = text(EXAMPLE);
    let parts: Vec<&str> = text.split("\nlane ").skip(1).collect();
    let holds = |index: usize, words: &[&str]| {
        words.iter().for_each(|word| assert!(parts[index].contains(word), "no {word} in {}", parts[index]));
    };
    holds(
        0,
        &["fast {", "std.lanes.setup, std.lanes.version\n", "lines >= 50%", "timeout  5m", "parallel auto"],
    );
    holds(1, &["full {", "std.lanes.review\n", "lines >= 85%", "timeout  1h", "bandit, coverage"]);
    holds(2, &["enterprise {", "std.lanes.pull-request\n", "lines >= 90%", "timeout  2h", "parallel off"]);
}

#[test]
fn cl_02_and_03_thresholds_and_tools_that_cannot_be() {
    one(&lane("  quality_gates:\n    coverage_threshold: 150\n"), &["5:25", "coverage_threshold", "150"]);
    let wrong = lane("  quality_gates: {required_passes: [\"ruff\", \"invalid_gate\"]}\n");
    one(&wrong, &["required_passes", "invalid_gate", "ruff, mypy, pytest, bandit"]);
    one(&lane("  quality_gates: {skip: [rufff]}\n"), &["skip", "rufff", "did you mean `ruff`"]);
    one(&lane("  quality_gates: {mypy: false, required_passes: [mypy]}\n"), &["mypy", "switched off"]);
}

#[test]
fn cl_04_what_is_not_said_is_what_the_original_took() {
    let (_, said) = import(&lane(""));
    let entries = said["account"].to_string();
    for words in ["coverage at least 70 %", "must pass: ruff, mypy, pytest", "one stage at a time", "an hour"]
    {
        assert!(entries.contains(words), "no {words} in {entries}");
    }
    let text = text(&lane(""));
    assert!(text.contains("parallel off\n  timeout  1h"), "{text}");
    assert!(
        text.contains("std.python.ruff, std.python.mypy, std.python.pytest, bandit-advice, coverage"),
        "{text}"
    );
}

#[test]
fn cl_05_and_06_a_lane_that_is_wrong_in_one_place_has_one_error() {
    one("a:\n  name: \"\"\n  stages: [0]\n", &["2:3", "name"]);
    one("a:\n  description: x\n  stages: []\n", &["3:3", "stages"]);
    one("a:\n  stages: [0, 15]\n", &["2:15", "15", "0 to 12"]);
    one(&lane("  timeout: -100\n"), &["4:3", "timeout", "-100"]);
    one("a:\n  stages: [0, 1, 1, 2]\n", &["2:18", "stage 1 stands in the list already"]);
    one("a:\n  description: x\n", &["1:1", "names its stages"]);
    one("a: 3\n", &["1:1", "a lane is a map"]);
    one("a:\n  stages: [true]\n", &["`true` is no stage"]);
    one(&lane("  timeout: 30m\n"), &["`30m` is no timeout"]);
    one(&lane("  parallel: 3\n"), &["`parallel` is true or false"]);
}

#[test]
fn cl_07_and_08_files_of_another_kind_and_files_that_are_not_there() {
    let subject = Subject::new();
    subject.write("lanes.txt", EXAMPLE);
    subject.end(&["import", "lanes", "lanes.txt"]).expect_code(2).says("is no YAML file");
    subject.end(&["import", "lanes", "lanes.yaml"]).expect_code(2).says("cannot be read");
    // Where nobody names a file, none is no error.
    subject.end(&["import", "lanes"]).expect_code(0).says("nothing to import");
    subject.write(".workflow/lanes.yaml", EXAMPLE);
    subject.end(&["import", "lanes"]).expect_code(0).says("lane enterprise");
}

#[test]
fn cl_09_and_10_empty_files_and_broken_ones() {
    for empty in ["", "# later\n", "lanes:\n", "lanes: {}\n", "{}\n"] {
        let (code, said) = import(empty);
        assert_eq!((code, &said["text"]), (0, &serde_json::Value::Null), "{empty:?}");
    }
    let (code, said) = import("invalid: [yaml: syntax:");
    assert_eq!(code, 2);
    assert!(said.as_str().is_some_and(|said| said.contains("lanes.yaml:1:")), "{said}");
    let (code, said) = import("a:\n  stages: [0]\na:\n  stages: [1]\n");
    assert!(
        code == 2 && said.as_str().is_some_and(|said| said.contains("lanes.yaml:3:1: `a` stands twice")),
        "{said}"
    );
    one("- a\n- b\n", &["1:1", "a map of lanes"]);
}

#[test]
fn cl_11_good_lanes_are_imported_beside_a_wrong_one_which_is_told() {
    let (code, said) = import("good:\n  stages: [0]\nbad:\n  stages: [99]\n");
    assert_eq!((code, &said["lanes"]), (1, &serde_json::json!(["good"])), "{said}");
    assert!(
        said["text"].as_str().is_some_and(|text| text.contains("lane good") && !text.contains("lane bad"))
    );
}

#[test]
fn cl_12_built_in_lanes_are_only_replaced_by_who_says_so() {
    one("docs:\n  stages: [0]\n", &["docs", "built-in", "--override"]);
    one("mine:\n  name: Heavy\n  stages: [0]\n", &["heavy", "built-in"]);
    let subject = Subject::new();
    subject.write(
        "lanes.yaml",
        "docs:\n  description: Ours\n  stages: [1]\n  quality_gates: {enabled: false}\n",
    );
    let output = ["import", "lanes", "lanes.yaml", "--override", "--output", ".wfl/lanes.wfl"];
    subject.end(&output).expect_code(0);
    subject.end(&["show", "docs", "--resolved"]).expect_code(0).says("Ours");
}

#[test]
fn cl_13_a_lane_that_is_not_there_is_an_error() {
    let subject = Subject::new();
    subject.write("lanes.yaml", SEED);
    subject.end(&["import", "lanes", "lanes.yaml", "--output", "lanes.wfl"]).expect_code(0);
    subject.end(&["run", "relese"]).expect_code(2).says("there is no lane `relese`").says("`release`");
}

#[test]
fn cl_14_the_originals_example_loses_nothing() {
    let text = text(SEED);
    for kept in [
        "notify email(\"devops@team.com\") on failure",
        "approve  1 from \"release-team\" before std.lanes.git",
        "approve 1 from \"security\" before std.lanes.git",
        "gates    strict",
        "gates    strict { skip std.python.pytest because \"the lane file skips it\" }",
        "timeout  10m",
        "category = \"risk\"",
        "# no planning",
    ] {
        assert!(text.contains(kept), "no {kept} in:\n{text}");
    }
}

#[test]
fn cl_15_keys_that_nobody_knows_are_refused_with_the_nearest() {
    one(&lane("  timout: 3\n"), &["4:3", "`timout` is not a key", "did you mean `timeout`"]);
    one(
        &lane("  quality_gates: {coverage: 3}\n"),
        &["quality_gates.coverage", "did you mean `coverage_threshold`"],
    );
    one(&lane("  notifications: {on_fail: true}\n"), &["on_fail", "did you mean `on_failure`"]);
    one("version: 1\nlanes:\n  a: {stages: [0]}\n", &["1:1 version", "beside `lanes:`"]);
}
