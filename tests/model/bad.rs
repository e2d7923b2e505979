//! Files that say little or nothing: a clear word or a null with its reason, never a panic, never a made-up figure.

use serde_json::Value;

use super::{process, with_log};
use crate::faults::subject::Subject;

fn report(text: &str) -> Value {
    let subject = with_log(text);
    let ended = subject.end(&["model", "eval", "log.csv", "--format", "json"]).expect_code(0);
    assert!(!ended.out.contains("NaN"), "{}", ended.out);
    serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("no JSON: {}", ended.out))
}

fn noted(report: &Value, words: &str) {
    assert!(report["notes"].to_string().contains(words), "`{words}` in {}", report["notes"]);
}

#[test]
fn what_is_no_log_is_refused_with_a_reason() {
    let subject = Subject::new();
    subject.write("empty.csv", "");
    subject.write("header.csv", "case,activity,timestamp\n");
    subject.write("binary.csv", [0u8, 159, 146, 150, 0, 0, 1, 2, 255]);
    for name in ["empty.csv", "header.csv", "binary.csv", "missing.csv"] {
        for format in ["human", "json"] {
            let ended = subject.end(&["model", "eval", name, "--format", format]).expect_code(2);
            assert!(
                ended.err.starts_with("error: ") && ended.out.is_empty(),
                "{name}: {}{}",
                ended.out,
                ended.err
            );
        }
    }
}

#[test]
fn one_case_cannot_be_judged_and_it_is_said() {
    let report = report("case,activity,timestamp\n1,a,2025-01-01T00:00:00Z\n1,b,2025-01-01T00:01:00Z\n");
    assert_eq!((&report["next_stage"], &report["train_seconds"]), (&Value::Null, &Value::Null));
    noted(&report, "nothing to hold back");
}

#[test]
fn cases_all_alike_are_a_constant_answer() {
    let mut text = String::from("case,activity,timestamp\n");
    for case in 0..30 {
        for (at, stage) in ["a", "b", "c"].iter().enumerate() {
            text.push_str(&format!(
                "{case},{stage},2025-01-01T{:02}:{:02}:00Z\n",
                case % 24,
                at + case / 24 * 10
            ));
        }
    }
    let found = report(&text);
    noted(&found, "same stages");
    assert_eq!(found["stage_set"], Value::Null);
    let said = with_log(&text).end(&["model", "eval", "log.csv"]).expect_code(0).out;
    assert!(said.contains("says nothing"), "{said}");
}

#[test]
fn one_activity_and_one_event_a_case() {
    let one = |events: usize| {
        let mut text = String::from("case,activity,timestamp\n");
        for case in 0..20 {
            (0..events)
                .for_each(|at| text.push_str(&format!("{case},a,2025-01-{:02}T00:0{at}:00Z\n", case + 1)));
        }
        report(&text)
    };
    noted(&one(3), "one activity only");
    assert_eq!(one(1)["next_stage"], Value::Null);
}

#[test]
fn without_times_there_is_no_time_to_tell_and_the_rest_stands() {
    let timeless: String = process(60, 1)
        .lines()
        .map(|line| format!("{}\n", line.split(',').take(2).collect::<Vec<_>>().join(",")))
        .collect();
    let found = report(&timeless);
    assert_eq!(found["remaining_time"], Value::Null);
    assert!(found["next_stage"]["accuracy"].is_f64(), "{found}");
    noted(&found, "no times");
}

#[test]
fn times_that_run_backwards_are_put_in_order() {
    let text = process(60, 2);
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].reverse();
    let found = report(&format!("{}\n", lines.join("\n")));
    assert!(found["remaining_time"]["mae_seconds"].as_f64() >= Some(0.0), "{found}");
    assert_eq!(found["log"]["cases"], 60);
}

/// So many rows, four a case, of so many activities.
fn many(rows: usize, activities: usize) -> String {
    let mut text = String::from("case,activity,timestamp\n");
    for row in 0..rows {
        let (day, minute, stage) = (1 + row / 1440 % 28, row % 1440, row * 7 % activities);
        let (hour, minute) = (minute / 60, minute % 60);
        text.push_str(&format!("{},stage {stage},2025-01-{day:02}T{hour:02}:{minute:02}:00Z\n", row / 4));
    }
    text
}

#[test]
fn very_many_activities_are_too_many_for_sets_and_more_name_each_event() {
    let found = report(&many(3_600, 1_200));
    assert_eq!(found["stage_set"], Value::Null);
    noted(&found, "too many");
    let subject = with_log(&many(12_000, 12_000));
    subject.end(&["model", "eval", "log.csv"]).expect_code(2).says("that column names each event");
}
