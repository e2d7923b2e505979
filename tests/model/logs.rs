//! Event logs: the figures, their keys, what is said of them.

use std::io::Write;

use serde_json::Value;

use super::{builds, process, with_log};

const EVAL: &[&str] = &["model", "eval", "log.csv", "--format", "json"];

fn number(report: &Value, path: &str) -> f64 {
    report.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {path}: {report}"))
}

#[test]
fn a_log_gives_every_figure_beside_its_baselines() {
    let report = with_log(&process(300, 1)).json(EVAL);
    for part in ["next_stage", "prequential", "baselines/majority", "baselines/prior", "baselines/markov1"] {
        for key in ["accuracy", "brier", "ece", "n"] {
            number(&report, &format!("/{part}/{key}"));
        }
    }
    for key in [
        "remaining_time/mae_seconds",
        "remaining_time/coverage80",
        "stage_set/micro_f1",
        "stage_set/jaccard",
        "stage_set/exact",
        "stage_set/ece",
        "train_seconds",
        "predict_micros/p50",
        "predict_micros/p99",
        "update_micros",
    ] {
        assert!(number(&report, &format!("/{key}")) >= 0.0, "{key}");
    }
    assert_eq!(report["failure"], Value::Null);
    assert_eq!(report["log"]["cases"], 300);
    assert_eq!(report["log"]["train_cases"], 200);
}

#[test]
fn a_process_with_a_memory_is_told_better_than_by_its_last_step() {
    let report = with_log(&process(300, 2)).json(EVAL);
    let (model, markov) =
        (number(&report, "/next_stage/accuracy"), number(&report, "/baselines/markov1/accuracy"));
    assert!(model > markov + 0.05, "{model} beside {markov}");
    assert!(number(&report, "/next_stage/ece") < 0.08);
}

#[test]
fn people_read_tables_and_a_sentence() {
    let said = with_log(&process(300, 2)).end(&["model", "eval", "log.csv"]).expect_code(0).out;
    for words in [
        "300 cases",
        "200 cases learned from, 100 judged",
        "Markov-1",
        "majority",
        "points better than",
        "cost:",
    ] {
        assert!(said.contains(words), "`{words}` in:\n{said}");
    }
    assert!(!said.contains("NaN") && !said.contains("null"), "{said}");
}

#[test]
fn gzip_and_xes_give_the_same_figures_as_the_table() {
    let text = process(90, 3);
    let subject = with_log(&text);
    let plain = subject.json(EVAL);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).expect("bytes");
    subject.write("log.csv.gz", gzip.finish().expect("gzip"));
    subject.write("log.xes", xes(&text));
    for name in ["log.csv.gz", "log.xes"] {
        let other = subject.json(&["model", "eval", name, "--format", "json"]);
        for key in ["next_stage", "remaining_time", "stage_set", "baselines"] {
            assert_eq!(other[key], plain[key], "{key} of {name}");
        }
    }
}

fn xes(csv: &str) -> String {
    let rows: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let mut text = String::from("<?xml version=\"1.0\"?>\n<log xes.version=\"1.0\">\n");
    for case in rows.chunk_by(|a, b| a[0] == b[0]) {
        text.push_str(&format!("<trace><string key=\"concept:name\" value=\"{}\"/>\n", case[0][0]));
        for row in case {
            text.push_str(&format!(
                "<event><string key=\"concept:name\" value=\"{}\"/><date key=\"time:timestamp\" value=\"{}\"/>\
                 <string key=\"kind\" value=\"{}\"/></event>\n",
                row[1], row[2], row[3]
            ));
        }
        text.push_str("</trace>\n");
    }
    text + "</log>\n"
}

#[test]
fn a_table_of_builds_is_judged_by_its_outcome_and_noise_is_called_noise() {
    let arguments = &["model", "eval", "log.csv", "--outcome", "failed", "--format", "json"];
    let report = with_log(&builds(900, false)).json(arguments);
    assert!(number(&report, "/failure/auc") > 0.68, "{}", report["failure"]);
    assert!(number(&report, "/failure/brier") < number(&report, "/baselines/failure/prior/brier"));
    // The twin: the same columns, and outcomes that have nothing to do with them.
    let noise = with_log(&builds(900, true));
    let report = noise.json(arguments);
    assert!((0.4..0.6).contains(&number(&report, "/failure/auc")), "{}", report["failure"]);
    let said = noise.end(&["model", "eval", "log.csv", "--outcome", "failed"]).expect_code(0).out;
    assert!(said.contains("nothing can be left out on its word"), "{said}");
}

#[test]
fn columns_may_be_named_dropped_and_the_order_chosen() {
    let renamed = process(60, 4).replace("case,activity,timestamp,kind", "a,b,c,kind");
    let subject = with_log(&renamed);
    subject.end(&["model", "eval", "log.csv"]).expect_code(2);
    let named = [
        "model",
        "eval",
        "log.csv",
        "--case",
        "a",
        "--activity",
        "b",
        "--timestamp",
        "c",
        "--format",
        "json",
    ];
    let by = |more: &[&str]| subject.json(&[&named[..], more].concat());
    assert_eq!(
        (by(&[])["order"].as_str(), by(&["--order", "file"])["order"].as_str()),
        (Some("start"), Some("file"))
    );
    let dropped = by(&["--drop", "kind"]);
    assert!(dropped["left_out"].to_string().contains("by `--drop`"), "{}", dropped["left_out"]);
    let ended = subject.end(&[&named[..], &["--drop", "knid"]].concat()).expect_code(2);
    assert!(ended.err.contains("knid") && ended.err.contains("kind"), "{}", ended.err);
}

#[test]
fn the_same_seed_gives_the_same_figures() {
    let subject = with_log(&process(90, 5));
    let (one, two) = (subject.json(EVAL), subject.json(EVAL));
    for key in ["next_stage", "prequential", "remaining_time", "stage_set", "baselines", "snapshot_bytes"] {
        assert_eq!(one[key], two[key], "{key}");
    }
}

#[test]
fn of_a_table_of_verdicts_the_order_is_measured() {
    let mut text = String::from("Id;Name;BuildId;Duration;LastRun;Verdict;Cycle\n");
    // The eleventh of twelve checks is the one that fails, each second cycle.
    for cycle in 1..=40 {
        for check in 0..12 {
            let failed = u8::from(check == 10 && cycle % 2 == 0);
            text.push_str(&format!(
                "{check};t{check};{cycle};1.5;2025-01-01 04:45:01.571;{failed};{cycle}\n"
            ));
        }
    }
    let subject = with_log(&text);
    let report = subject.json(&["model", "eval", "log.csv", "--format", "json"]);
    assert!(number(&report, "/order_of_checks/first_failure_ratio") < 0.5, "{report}");
    assert!(number(&report, "/order_of_checks/caught_in_third") > 0.9, "{report}");
    let said = subject.end(&["model", "eval", "log.csv"]).expect_code(0).out;
    assert!(said.contains("480 verdicts of 12 checks in 40 cycles"), "{said}");
    assert!(said.contains("sooner than in the order of the file"), "{said}");
    let ended = subject.end(&["model", "eval", "log.csv", "--verdict", "Verdikt"]).expect_code(2);
    assert!(ended.err.contains("Duration"), "the columns that there are: {}", ended.err);
}
