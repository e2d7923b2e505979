//! An evaluation as text: the model beside the baselines, and one sentence a part on what the difference means. Works no
//! score out.

use std::collections::BTreeMap;

use crate::learn::evaluate::{Report, TimeScore};
use crate::learn::measure::{ChanceScore, ClassScore, SetScore};

use super::output::table;

/// Above this a constant answer is so often right that accuracy tells nothing.
const CONSTANT: f64 = 0.95;
/// Columns that are named of each reason for which they were left out.
const NAMED: usize = 6;
/// Calibration errors up to this are called small.
const CALIBRATED: f64 = 0.06;

/// All parts; what could not be worked out is told by the notes.
pub fn text(title: &str, report: &Report) -> String {
    let mut out = format!("{title}: {}\n", size(report));
    let parts = [next_stage(report), remaining(report), sets(report), failure(report), order(report)];
    for part in parts.into_iter().flatten().chain([cost(report)]) {
        out.push('\n');
        out.push_str(&part);
    }
    out.push_str(&left_out(report));
    report.notes.iter().for_each(|note| out.push_str(&format!("note: {note}\n")));
    out
}

fn size(report: &Report) -> String {
    let log = &report.log;
    if report.order == "cycle" {
        let counts = [log.events, log.activities, log.cases].map(|count| grouped(count as u64));
        return format!("{} verdicts of {} checks in {} cycles", counts[0], counts[1], counts[2]);
    }
    let order = match report.order {
        "file" => "in the order of the file",
        "reversed" => "in the order of the file from its end",
        _ => "by start",
    };
    format!(
        "{} cases, {} events, {} activities; {} cases learned from, {} judged ({order})",
        grouped(log.cases as u64),
        grouped(log.events as u64),
        grouped(log.activities as u64),
        grouped(log.train_cases as u64),
        grouped(log.test_cases as u64)
    )
}

type Row<'a, S> = (&'a str, Option<S>);

/// Rows with a score under a line of column names.
fn rows<S>(head: [&str; 5], scores: Vec<Row<'_, S>>, cells: impl Fn(&S) -> [String; 4]) -> Option<String> {
    let body = scores.into_iter().filter_map(|(name, score)| {
        let cells = cells(&score?);
        Some([format!("  {name}")].into_iter().chain(cells).collect::<Vec<_>>())
    });
    let body: Vec<Vec<String>> = body.collect();
    if body.is_empty() {
        return None;
    }
    let head = head.map(str::to_string).to_vec();
    Some(table(&[vec![head], body].concat()))
}

fn next_stage(report: &Report) -> Option<String> {
    let baselines = &report.baselines;
    let (model, online) = (report.next_stage?, report.prequential);
    let scores = vec![
        ("model", Some(model)),
        ("model, learning on", online),
        ("Markov-1", baselines.markov1),
        ("prior", baselines.prior),
        ("majority", baselines.majority),
    ];
    let cells = |score: &ClassScore| {
        [percent(score.accuracy), three(score.brier), three(score.ece), grouped(score.n)]
    };
    let table = rows(["next stage", "accuracy", "Brier", "ECE", "n"], scores, cells)?;
    let simple = [("Markov-1", baselines.markov1), ("the most frequent stage", baselines.majority)];
    let best = simple.into_iter().filter_map(|(name, score)| Some((name, score?.accuracy)));
    let (name, best) = best.max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(format!(
        "{table}{}. {}.\n{}",
        points(model.accuracy, best, name, model.n),
        calibrated(model.ece),
        constant(best)
    ))
}

/// Accuracy against the best answer without a model, beside what chance alone would do to it.
fn points(model: f64, best: f64, name: &str, n: u64) -> String {
    let gap = (model - best) * 100.0;
    let chance = 200.0 * (model * (1.0 - model) / n.max(1) as f64).sqrt();
    if gap.abs() <= chance.max(0.05) {
        return format!(
            "No better than {name}: a difference of {gap:+.1} points is within chance (±{chance:.1})"
        );
    }
    let word = if gap > 0.0 { "better" } else { "worse" };
    format!(
        "{:.1} points {word} than {name}, the best answer without a model (chance: ±{chance:.1})",
        gap.abs()
    )
}

fn calibrated(ece: f64) -> String {
    let off = ece * 100.0;
    if ece <= CALIBRATED {
        return format!(
            "What it is sure of to 70 % comes true in about 70 % of the cases: off by {off:.1} points on average"
        );
    }
    format!("Its certainty is not to be taken at its word: off by {off:.1} points on average")
}

fn constant(best: f64) -> String {
    if best < CONSTANT {
        return String::new();
    }
    format!(
        "An answer without a model is right in {} of the cases here: an accuracy near it says nothing.\n",
        percent(best)
    )
}

fn remaining(report: &Report) -> Option<String> {
    let baselines = &report.baselines.remaining_time;
    let model = report.remaining_time?;
    let scores = vec![
        ("model, told what ended", Some(model)),
        ("model", report.remaining_time_static),
        ("back-off median", baselines.backoff_median),
        ("median", baselines.median),
        ("mean", baselines.mean),
    ];
    let cells = |score: &TimeScore| {
        [span(score.mae_seconds), percent(score.coverage80), span(score.width_seconds), grouped(score.n)]
    };
    let head = ["remaining time", "off by (mean)", "in the 80 % interval", "its width", "n"];
    let table = rows(head, scores, cells)?;
    let simple = [("the back-off median", baselines.backoff_median), ("the median", baselines.median)];
    let best = simple.into_iter().filter_map(|(name, score)| Some((name, score?.mae_seconds)));
    let told =
        best.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(name, best)| closer(model.mae_seconds, best, name));
    Some(format!("{table}{}\n", told.unwrap_or_default()))
}

fn closer(model: f64, best: f64, name: &str) -> String {
    let less = (1.0 - model / best.max(1e-9)) * 100.0;
    match less {
        _ if best <= 0.0 => String::from("Nothing is left to tell: all take the same."),
        1.0.. => format!("{less:.0} % closer than {name}."),
        -1.0..1.0 => format!("As close as {name}."),
        _ => format!("{:.0} % further off than {name}.", -less),
    }
}

fn sets(report: &Report) -> Option<String> {
    let (model, prior) = (report.stage_set?, report.baselines.stage_set.prior);
    let scores =
        vec![("model", Some(model)), ("model, told what ended", report.stage_set_online), ("prior", prior)];
    let cells = |score: &SetScore| {
        [three(score.micro_f1), three(score.jaccard), percent(score.exact), three(score.ece)]
    };
    let table = rows(["optional stages", "micro-F1", "Jaccard", "all right", "ECE"], scores, cells)?;
    let gap = prior.map(|prior| model.micro_f1 - prior.micro_f1).unwrap_or(0.0);
    let told = match gap {
        0.005.. => format!("{:.1} points of F1 better than each stage as often as it was seen", gap * 100.0),
        -0.005..0.005 => String::from("No better than each stage as often as it was seen"),
        _ => format!("{:.1} points of F1 worse than each stage as often as it was seen", -gap * 100.0),
    };
    Some(format!("{table}{told} ({} cases).\n", grouped(model.n)))
}

fn failure(report: &Report) -> Option<String> {
    let baselines = &report.baselines.failure;
    let model = report.failure?;
    let scores = vec![
        ("model, told what ended", Some(model)),
        ("model", report.failure_static),
        ("last outcome", baselines.last_outcome),
        ("prior", baselines.prior),
    ];
    let cells =
        |score: &ChanceScore| [auc(score.auc), three(score.brier), three(score.ece), grouped(score.n)];
    let table = rows(["failure", "AUC", "Brier", "ECE", "n"], scores, cells)?;
    Some(format!("{table}{}\n", risk(&model, baselines.prior, baselines.last_outcome)))
}

fn auc(auc: Option<f64>) -> String {
    auc.map_or_else(|| "none".to_string(), three)
}

fn risk(model: &ChanceScore, prior: Option<ChanceScore>, last: Option<ChanceScore>) -> String {
    let simple = [("the share of failures", prior), ("the last outcome", last)];
    let best = simple.into_iter().filter_map(|(name, score)| Some((name, score?.brier)));
    let Some((name, best)) = best.min_by(|a, b| a.1.total_cmp(&b.1)) else { return String::new() };
    let less = (1.0 - model.brier / best.max(1e-9)) * 100.0;
    let right = model.auc.map(|auc| {
        format!(
            "Of one case that failed and one that did not it names the right one {:.0} times in 100. ",
            auc * 100.0
        )
    });
    let told = if less > 1.0 {
        format!("Its squared error is {less:.0} % below that of {name}.")
    } else {
        format!("Its squared error is no better than that of {name}: nothing can be left out on its word.")
    };
    format!("{}{told}", right.unwrap_or_default())
}

fn order(report: &Report) -> Option<String> {
    let score = report.order_of_checks.as_ref()?;
    let mut rows = vec![
        ["order of checks", "failures in a third of the time", "time to the first", "APFD", "NAPFD"]
            .map(str::to_string)
            .to_vec(),
    ];
    let cells = |name: &str, caught: f64, first: f64, apfd: f64, napfd: f64| {
        vec![format!("  {name}"), percent(caught), span(first), three(apfd), three(napfd)]
    };
    rows.push(cells("model", score.caught_in_third, score.first_failure_seconds, score.apfd, score.napfd));
    rows.extend(score.baselines.iter().map(|(name, other)| {
        let name = name.replace('_', " ");
        cells(&name, other.caught_in_third, other.first_failure_seconds, other.apfd, other.napfd)
    }));
    let gain = (1.0 - score.first_failure_ratio) * 100.0;
    let told = format!(
        "The first failure is known {gain:.0} % sooner than in the order of the file ({} of {} cycles had one).\n",
        grouped(score.failing_cycles),
        grouped(score.cycles)
    );
    Some(table(&rows) + &told)
}

fn cost(report: &Report) -> String {
    let mut parts = Vec::new();
    if let Some(seconds) = report.train_seconds {
        let each = seconds * 1e5 / (report.log.events.max(1) as f64 * 2.0 / 3.0);
        parts.push(format!("learned in {seconds:.3} s ({each:.3} s per 100,000 events)"));
    }
    if let Some(micros) = report.predict_micros {
        parts.push(format!(
            "a prediction takes {:.1} µs, {:.1} µs at the 99th percentile",
            micros.p50, micros.p99
        ));
    }
    parts.extend(report.update_micros.map(|micros| format!("an update {micros:.1} µs")));
    if parts.is_empty() { String::new() } else { format!("cost: {}\n", parts.join("; ")) }
}

/// Columns by reason, the first few by name.
fn left_out(report: &Report) -> String {
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for left in &report.left_out {
        let columns = reasons.entry(&left.reason).or_default();
        if !columns.contains(&left.column.as_str()) {
            columns.push(&left.column);
        }
    }
    let line = |(reason, columns): (&str, Vec<&str>)| {
        let more = columns.len().saturating_sub(NAMED);
        let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
        let named: Vec<&str> = columns.into_iter().take(NAMED).collect();
        format!("not learned from: {}{rest} ({reason})\n", named.join(", "))
    };
    reasons.into_iter().map(line).collect()
}

pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn three(number: f64) -> String {
    format!("{number:.3}")
}

/// Whole numbers with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Seconds for a person, days included.
fn span(seconds: f64) -> String {
    let days = seconds / 86_400.0;
    if days >= 2.0 {
        return format!("{days:.1} days");
    }
    crate::observe::style::elapsed((seconds * 1e3).max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::evaluate::Size;

    fn class(accuracy: f64) -> Option<ClassScore> {
        Some(ClassScore { accuracy, brier: 0.3, ece: 0.02, n: 2_500 })
    }

    fn report(model: f64, markov: f64, majority: f64) -> Report {
        let mut report = Report {
            log: Size { cases: 1_050, events: 15_214, activities: 16, train_cases: 700, test_cases: 350 },
            order: "start",
            next_stage: class(model),
            prequential: class(model),
            ..Report::default()
        };
        report.baselines.markov1 = class(markov);
        report.baselines.majority = class(majority);
        report
    }

    #[test]
    fn the_difference_is_told_in_words_and_chance_is_not_called_a_gain() {
        let better = text("sepsis.csv", &report(0.615, 0.502, 0.226));
        assert!(
            better.starts_with("sepsis.csv: 1,050 cases, 15,214 events, 16 activities; 700 cases"),
            "{better}"
        );
        assert!(better.contains("11.3 points better than Markov-1"), "{better}");
        assert!(text("x", &report(0.502, 0.501, 0.2)).contains("No better than Markov-1"));
        assert!(text("x", &report(0.40, 0.502, 0.2)).contains("10.2 points worse than Markov-1"));
    }

    #[test]
    fn an_accuracy_that_a_constant_reaches_is_called_nothing() {
        let said = text("x", &report(0.991, 0.99, 0.99));
        assert!(said.contains("No better than") && said.contains("says nothing"), "{said}");
        assert!(!text("x", &report(0.8, 0.6, 0.3)).contains("says nothing"));
    }

    #[test]
    fn no_part_without_a_score_is_shown() {
        let said = text("x", &report(0.8, 0.6, 0.3));
        assert!(!said.contains("failure") && !said.contains("remaining time"), "{said}");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!([grouped(7), grouped(1_000), grouped(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!([span(0.25), span(90.0), span(864_000.0)], ["250ms", "1m 30s", "10.0 days"]);
    }
}
