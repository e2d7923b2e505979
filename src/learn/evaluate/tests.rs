//! The whole protocol on logs with a known truth, and on logs that say little.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::synthetic::{self, drifting, ticking};
use super::*;
use crate::learn::log::{Case, Column, Values};

fn report(log: &Log) -> Report {
    evaluate(log, &Options::default(), &mut ticking())
}

/// Builds of which those with a large change and a word fail more often.
fn builds(count: usize, seed: u64) -> Log {
    let mut draw = StdRng::seed_from_u64(seed);
    let mut log = synthetic::cycle(count, 1);
    let (mut churn, mut codes) = (Vec::new(), Vec::new());
    for case in &mut log.cases {
        let (large, risky) = (draw.random_bool(0.3), draw.random_bool(0.4));
        churn.push(if large { draw.random_range(500..900) } else { draw.random_range(0..90) } as f32);
        codes.push(u32::from(risky));
        case.failed = Some(draw.random_bool(0.05 + 0.3 * f64::from(large) + 0.3 * f64::from(risky)));
    }
    let names = vec!["docs".into(), "code".into()];
    log.traits = vec![
        Column { name: "churn".into(), values: Values::Numbers(churn) },
        Column { name: "kind".into(), values: Values::Words { codes, names } },
    ];
    log
}

/// `a`, then a stage by case kind, then what that stage calls for: order two decides.
fn process(cases: usize, seed: u64) -> Log {
    let mut draw = StdRng::seed_from_u64(seed);
    let of = |draw: &mut StdRng| match (draw.random_bool(0.5), draw.random_bool(0.9)) {
        (true, true) | (false, false) => "abdeg",
        _ => "acdf",
    };
    let texts: Vec<&str> = (0..cases).map(|_| of(&mut draw)).collect();
    synthetic::log(&texts)
}

#[test]
fn a_process_that_remembers_two_steps_is_told_better_than_by_one() {
    let report = report(&process(600, 5));
    let (model, markov) = (report.next_stage.expect("scores"), report.baselines.markov1.expect("scores"));
    assert!(model.accuracy > markov.accuracy + 0.05, "{model:?} beside {markov:?}");
    assert!(model.ece < 0.06 && report.prequential.expect("scores").ece < 0.06, "{report:?}");
    assert_eq!(report.baselines.majority.map(|score| score.n), Some(model.n));
}

#[test]
fn a_process_that_changes_is_told_better_by_learning_on() {
    let report = report(&drifting(450, 2));
    let (fixed, online) = (report.next_stage.expect("scores"), report.prequential.expect("scores"));
    assert!(online.accuracy > fixed.accuracy + 0.1, "{fixed:?} {online:?}");
}

#[test]
fn what_makes_builds_fail_is_found_and_from_shuffled_outcomes_nothing() {
    let log = builds(1_500, 3);
    let told = report(&log).failure.expect("outcomes");
    assert!(told.auc > Some(0.68) && told.ece < 0.06, "{told:?}");
    let mut shuffled = log.clone();
    let mut draw = StdRng::seed_from_u64(9);
    shuffled.cases.iter_mut().for_each(|case| case.failed = Some(draw.random_bool(0.25)));
    let of_noise = report(&shuffled);
    let (noise, prior) =
        (of_noise.failure.expect("outcomes"), of_noise.baselines.failure.prior.expect("outcomes"));
    assert!(noise.auc < Some(0.57) && noise.brier > prior.brier - 0.005, "{noise:?} beside {prior:?}");
}

#[test]
fn the_same_seed_gives_the_same_figures_but_for_the_clock() {
    let log = process(120, 8);
    let same = |report: Report| Report { train_parts: TrainParts::default(), ..report };
    assert_eq!(same(report(&log)), same(report(&log)));
}

#[test]
fn logs_that_say_little_give_nulls_and_reasons() {
    let one_event = synthetic::log(&["a"; 9]);
    let mut timeless = synthetic::cycle(9, 3);
    timeless.at.iter_mut().for_each(|at| *at = NO_TIME);
    let cases = [
        (Log::default(), "nothing to hold back"),
        (synthetic::cycle(1, 3), "nothing to hold back"),
        (one_event, "nothing comes next"),
        (timeless, "no remaining time"),
        (synthetic::cycle(9, 3), "same stages"),
        (synthetic::log(&["aaa"; 9]), "one activity"),
        (synthetic::cycle(9, 3), "--outcome"),
    ];
    for (log, reason) in cases {
        let report = report(&log);
        assert!(report.notes.iter().any(|note| note.contains(reason)), "{reason}: {:?}", report.notes);
        let text = serde_json::to_string(&report).expect("JSON");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn a_case_without_events_is_no_trouble() {
    let mut log = synthetic::cycle(9, 3);
    log.cases.insert(4, Case { id: "empty".into(), events: 12..12, failed: Some(true) });
    assert!(report(&log).next_stage.is_some());
}

#[test]
fn very_many_activities_are_judged_by_a_sample_in_bounded_time() {
    let count = 3_000;
    let mut log = synthetic::cycle(count / 3, 3);
    log.activities = (0..count).map(|name| format!("stage {name}")).collect();
    log.activity = (0..count as u32).collect();
    let options = Options { cells: 90_000, ..Options::default() };
    let report = evaluate(&log, &options, &mut ticking());
    assert!(report.notes.iter().any(|note| note.contains("one prediction in")), "{:?}", report.notes);
    assert!(report.next_stage.is_some_and(|score| (1..60).contains(&score.n)), "{:?}", report.next_stage);
}
