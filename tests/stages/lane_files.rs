//! Lane files as people get them wrong: each mistake is one error that names it; what is right stays usable.

use crate::faults::subject::Subject;

const STAGES: &str = "stage a { number 0; exec \"true\" }\nstage b { number 1; exec \"true\" }\n";

/// `check` of one lane: its short output.
fn findings(text: &str) -> Vec<String> {
    let subject = Subject::with(text);
    let ended = subject.end(&["check", "all.wfl", "--format", "short"]);
    ended.out.lines().filter(|line| line.contains("error[")).map(str::to_string).collect()
}

#[track_caller]
fn one(text: &str, code: &str, word: &str) {
    let found = findings(text);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains(code) && found[0].contains(word), "{found:#?}");
}

#[test]
fn a_coverage_of_150_percent_names_the_threshold() {
    one(
        "gate coverage { exec \"true\"; out r = \"r\"; measure lines: percent = text(out.r); require lines >= 150% }\n",
        "E602",
        "`lines`",
    );
}

#[test]
fn an_unknown_gate_is_named() {
    one(&format!("{STAGES}lane l {{ include a, invalid_gate }}\n"), "E202", "invalid_gate");
}

#[test]
fn defaults_are_stated_and_work() {
    let subject = Subject::with(&format!("{STAGES}lane l {{ include a, b }}\n"));
    subject.end(&["check", "all.wfl"]).expect_code(0);
    subject.end(&["run", "l"]).expect_code(0);
}

#[test]
fn names_numbers_and_times_out_of_range_are_one_error_each() {
    let found = findings(&format!("{STAGES}lane {{ include a }}\n"));
    assert_eq!(found.len(), 1, "{found:#?}");
    one(&format!("{STAGES}lane empty {{ about \"nothing\" }}\n"), "E212", "empty");
    one(&format!("{STAGES}lane l {{ include 15 }}\n"), "E202", "15");
    one(&format!("{STAGES}lane l {{ include a; timeout -100s }}\n"), "E122", "timeout");
}

#[test]
fn two_stages_of_one_number_are_an_error() {
    one(
        "stage a { number 1; exec \"true\" }\nstage b { number 1; exec \"true\" }\nlane l { include a, b }\n",
        "E206",
        "1",
    );
}

#[test]
fn another_ending_is_refused() {
    let subject = Subject::with("");
    subject.write("lanes.yaml", "lanes: []\n");
    subject.end(&["check", "lanes.yaml"]).expect_code(2).says(".wfl");
}

#[test]
fn without_a_file_the_built_in_lanes_are_there() {
    let subject = Subject::new();
    subject.end(&["check"]).expect_code(0);
    subject.end(&["lanes"]).expect_code(0).says("hotfix");
}

#[test]
fn an_empty_file_is_no_error() {
    let subject = Subject::new();
    subject.write("all.wfl", "");
    subject.end(&["check", "all.wfl"]).expect_code(0);
}

#[test]
fn one_bad_lane_leaves_the_good_one_checked_and_refuses_to_run() {
    let subject =
        Subject::with(&format!("{STAGES}lane good {{ include a }}\nlane bad {{ include nowhere }}\n"));
    let checked = subject.end(&["check", "all.wfl", "--format", "short"]).expect_code(1);
    assert_eq!(checked.out.matches("error[").count(), 1, "{}", checked.out);
    subject.end(&["run", "good"]).expect_code(2);
}

#[test]
fn an_unknown_lane_on_the_command_line_is_an_error_with_the_nearest() {
    let subject = Subject::with(&format!("{STAGES}lane quick {{ include a }}\n"));
    subject.end(&["run", "quikc"]).expect_code(2).says("quick");
}

#[test]
fn an_unknown_key_names_the_nearest() {
    one(&format!("{STAGES}lane l {{ include a; tiemout 5m }}\n"), "E101", "tiemout");
    let subject = Subject::with(&format!("{STAGES}lane l {{ include a; tiemout 5m }}\n"));
    subject.end(&["check", "all.wfl", "--format", "short"]).says("timeout");
}
