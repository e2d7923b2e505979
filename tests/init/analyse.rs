//! `wfl analyse`: each finding with its line, and none once the lane has what it names.

use serde_json::Value;

use crate::faults::subject::Subject;

const CI: &str = "jobs:\n  test:\n    steps:\n      - run: make test\n      - run: make lint\n";
const MAKE: &str = "test:\n\t@true\nlint:\n\t@true\ninstall:\n\tcp a b\n";

/// Kind, file, line and stage of each finding of the lane in `lane.wfl`.
fn found(lane: &str, files: &[(&str, &str)]) -> Vec<String> {
    let subject = Subject::new();
    subject.write("lane.wfl", format!("wfl 1\n{lane}"));
    for (path, text) in files {
        subject.write(path, text);
    }
    let json = subject.json(&["analyse", "lane.wfl", "--format", "json"]);
    let findings = json["findings"].as_array().cloned().unwrap_or_else(|| panic!("no findings: {json}"));
    let text = |value: &Value| value.as_str().unwrap_or("-").to_string();
    let one = |finding: &Value| {
        assert!(!text(&finding["suggestion"]).is_empty() && !text(&finding["message"]).is_empty());
        format!(
            "{} {}:{} {}",
            text(&finding["kind"]),
            text(&finding["file"]),
            finding["line"],
            text(&finding["stage"])
        )
    };
    findings.iter().map(one).collect()
}

const TEST: &str = "stage test { timeout 1m; exec \"make\", \"test\" }\n";
const LINT: &str = "stage lint { timeout 1m; exec \"make\", \"lint\" }\n";

#[test]
fn commands_that_no_stage_runs() {
    let files = [(".github/workflows/ci.yml", CI), ("Makefile", MAKE)];
    assert_eq!(found(TEST, &files), ["not-covered .github/workflows/ci.yml:5 -"]);
    assert_eq!(found(&format!("{TEST}{LINT}"), &files), Vec::<String>::new());
    // A stage that starts a script covers what the script starts.
    let package = "{ \"scripts\": {\n\"test\": \"make test\",\n\"lint\": \"make lint\" } }\n";
    let files = [(".github/workflows/ci.yml", CI), ("package.json", package)];
    let npm = "stage test { timeout 1m; exec \"npm\", \"test\" }\n";
    assert_eq!(
        found(npm, &files),
        ["not-covered .github/workflows/ci.yml:5 -", "not-covered package.json:3 -"]
    );
}

#[test]
fn stages_without_an_end_and_tests_that_may_fail() {
    let lane = "stage test { exec \"make\", \"test\"; allow-failure because \"flaky\" }\n";
    let files = [("Makefile", "test:\n\t@true\n")];
    assert_eq!(found(lane, &files), ["may-fail lane.wfl:2 test", "no-timeout lane.wfl:2 test"]);
    assert_eq!(found(TEST, &files), Vec::<String>::new());
}

#[test]
fn gates_whose_strict_conditions_nobody_asks_for() {
    let gate = "gate size { exec \"true\"; timeout 1m; measure status: int = exit; require status < 2; strict status == 0 }\n";
    let lane = |setting: &str| format!("{gate}## All.\nlane all {{ include size{setting} }}\n");
    assert_eq!(found(&lane(""), &[]), ["not-strict lane.wfl:2 size"]);
    assert_eq!(found(&lane("; gates strict"), &[]), Vec::<String>::new());
}

#[test]
fn effects_that_do_not_wait_for_the_tests() {
    let ship = |needs: &str| format!("{TEST}stage ship {{ {needs}timeout 1m; once; exec \"./ship\" }}\n");
    let files = [("Makefile", "test:\n\t@true\n")];
    assert_eq!(found(&ship(""), &files), ["not-required lane.wfl:3 ship"]);
    assert_eq!(found(&ship("needs test; "), &files), Vec::<String>::new());
}

#[test]
fn it_ends_well_and_says_what_to_write() {
    let subject = Subject::new();
    subject.write("lane.wfl", format!("wfl 1\n{TEST}"));
    subject.write(
        ".github/workflows/ci.yml",
        "jobs:\n  a:\n    steps:\n      - run: cargo test --features \"${{ matrix.f }}\" 2>&1 | tee log\n",
    );
    subject.write("Makefile", MAKE);
    let ended = subject.end(&["analyse", "lane.wfl"]).expect_code(0);
    let ended = ended.says("Makefile:3: the makefile has `make lint` (lint), and no stage does");
    ended.says("stage lint { timeout 20m; exec \"make\", \"lint\" }").says("ci.yml:4: CI runs");
    subject.end(&["analyse", "no-such-lane"]).expect_code(2);
}
