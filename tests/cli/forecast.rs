//! How long it will take: no number without history, one from it, and an interval from five runs on.

use crate::faults::subject::Subject;

const LANE: &str = "\
stage build { exec \"true\" }
stage unit { needs build; exec \"true\" }
lane l { include unit }
";

#[test]
fn a_first_run_promises_nothing_and_later_ones_say_what_they_know() {
    let subject = Subject::with(LANE);
    let dry = subject.end(&["run", "l", "--dry-run"]).expect_code(0);
    assert!(dry.err.contains("no history yet, so no estimate"), "{}", dry.err);
    let first = subject.end(&["run", "l"]).expect_code(0);
    assert!(!first.err.contains("about "), "{}", first.err);
    let second = subject.end(&["run", "l"]).expect_code(0);
    assert!(second.err.contains("about ") && second.err.contains(", from 1 run\n"), "{}", second.err);
    assert!(!second.err.contains("80 %"), "one run says nothing of a range: {}", second.err);
    (0..4).for_each(|_| drop(subject.end(&["run", "l"]).expect_code(0)));
    let later = subject.end(&["run", "l", "--dry-run"]).expect_code(0);
    assert!(later.err.contains("(80 %: ") && later.err.contains(", from 6 runs"), "{}", later.err);
    let plan = subject.json(&["run", "l", "--dry-run", "--format", "json"]);
    let number = |name: &str| plan["estimate"][name].as_f64().expect("a number");
    assert!(number("low") <= number("seconds") && number("seconds") <= number("high"), "{plan}");
}

#[test]
fn a_stage_without_history_is_named_and_not_made_up() {
    let subject = Subject::with(LANE);
    subject.end(&["run", "l"]).expect_code(0);
    let more = LANE.replace("lane l {", "stage lint { exec \"true\" }\nlane l { include lint\n");
    subject.write("all.wfl", format!("wfl 1\n{more}"));
    let dry = subject.end(&["run", "l", "--dry-run"]).expect_code(0);
    assert!(dry.err.contains("lint has no history yet and is not counted"), "{}", dry.err);
}

#[test]
fn only_runs_that_ended_well_say_how_long_a_stage_takes() {
    let subject = Subject::with("stage unit { exec \"false\" }\nlane l { include unit }\n");
    subject.end(&["run", "l"]).expect_code(1);
    let dry = subject.end(&["run", "l", "--dry-run"]).expect_code(0);
    assert!(dry.err.contains("no history yet"), "{}", dry.err);
}
