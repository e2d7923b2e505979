//! What is learned from histories made for it, and what is not learned from noise.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::super::fixture::{learned, mixed, remembered};
use super::super::snapshot;
use super::*;
use crate::event::Status;

const NOW: Timestamp = Timestamp(0);

/// Changes of ten folders; `unit` fails half the time in one of them and one time in fifty elsewhere. Newest first.
fn telling(count: usize) -> Vec<Past> {
    let mut rng = StdRng::seed_from_u64(11);
    let mut runs: Vec<Past> = (0..count)
        .map(|number| {
            let folder = rng.random_range(0..10);
            let failed = rng.random_bool(if folder == 0 { 0.5 } else { 0.02 });
            let unit = if failed { Status::Failed } else { Status::Succeeded };
            let lint = if folder == 1 { Status::Skipped } else { Status::Succeeded };
            let file = format!("part{folder}/a.rs");
            remembered(number, "fix", &[&file], &[("unit", unit, 100), ("lint", lint, 10)])
        })
        .collect();
    runs.reverse();
    runs
}

/// The same stages with the same outcomes, handed out to other changes.
fn shuffled(mut runs: Vec<Past>) -> Vec<Past> {
    let mut rng = StdRng::seed_from_u64(12);
    let mut stages: Vec<_> = runs.iter().map(|run| run.stages.clone()).collect();
    stages.shuffle(&mut rng);
    runs.iter_mut().zip(stages).for_each(|(run, stages)| run.stages = stages);
    runs
}

fn change(file: &str) -> PastChange {
    PastChange {
        kind: "fix".into(),
        files: vec![file.into()],
        count: 1,
        added: 5,
        deleted: 5,
        ..PastChange::default()
    }
}

#[test]
fn what_matters_is_learned_and_beats_the_constant_answer() {
    let model = Model::fit(&telling(1500), 1, NOW);
    let score = model.score();
    assert!(score.risk_gain > Some(0.1), "{score:?}");
    assert!(score.model > Some(0.97) && score.constant < Some(0.96), "{score:?}");
    assert!(model.risk("unit", &change("part0/b.rs")).probability > 0.35);
    assert!(model.risk("unit", &change("part5/b.rs")).probability < 0.06);
    assert!(model.need("lint", &change("part1/b.rs")).probability < 0.2);
}

/// The twin of the last: on shuffled outcomes the gain is gone and every answer is the base rate.
#[test]
fn from_shuffled_outcomes_nothing_is_claimed() {
    let model = Model::fit(&shuffled(telling(1500)), 1, NOW);
    let score = model.score();
    assert!(score.risk_gain.unwrap() < 0.02, "{score:?}");
    assert!(score.model.unwrap() - score.constant.unwrap() < 0.01, "{score:?}");
    let stage = model.stage("unit").unwrap();
    let rate = f64::from(stage.failed) / f64::from(stage.ran);
    for folder in 0..10 {
        let risk = model.risk("unit", &change(&format!("part{folder}/b.rs"))).probability;
        assert!((risk - rate).abs() < 0.06, "{risk} of {rate}");
        let need = model.need("lint", &change(&format!("part{folder}/b.rs"))).probability;
        assert!((need - 0.9).abs() < 0.1, "{need}");
    }
}

#[test]
fn the_same_runs_give_the_same_bytes() {
    let bytes = || snapshot::write(&Model::fit(&mixed(200), 3, NOW)).unwrap();
    assert_eq!(bytes(), bytes());
    assert_ne!(bytes(), snapshot::write(&Model::fit(&mixed(201), 3, NOW)).unwrap());
}

#[test]
fn runs_learned_one_by_one_are_worked_out_again_after_twenty_or_a_day() {
    let (mut model, runs) = learned(100);
    assert!(!model.is_old(model.fitted));
    (1..UPDATES).for_each(|_| model.update(&runs[0]));
    assert!(!model.is_old(model.fitted));
    model.update(&runs[0]);
    assert!(model.is_old(model.fitted));
    let (fresh, _) = learned(100);
    assert!(
        fresh.is_old(Timestamp(fresh.fitted.0 + DAY)) && !fresh.is_old(Timestamp(fresh.fitted.0 + DAY - 1))
    );
    // A clock that was set back is no reason to trust it for ever.
    assert!(fresh.is_old(Timestamp(fresh.fitted.0 - 1)));
}

#[test]
fn instances_of_a_matrix_are_one_stage() {
    let ok = Status::Succeeded;
    let stages = [("unit", ok, 10), ("unit", Status::Failed, 30), ("unit", Status::Skipped, 0)];
    let model = Model::fit(&[remembered(0, "fix", &[], &stages)], 1, NOW);
    let unit = model.stage("unit").unwrap();
    assert_eq!((unit.needed, unit.ran, unit.failed, unit.median_ms()), (1, 1, 1, Some(30)));
}

#[test]
fn a_constant_lane_says_that_a_constant_would_do() {
    let ok = Status::Succeeded;
    let runs: Vec<Past> = (0..125)
        .rev()
        .map(|number| {
            let odd = number % 98 == 50;
            let docs = if odd { Status::Skipped } else { ok };
            remembered(number, "feat", &["a.py"], &[("build", ok, 10), ("docs", docs, 10)])
        })
        .collect();
    let score = Model::fit(&runs, 1, NOW).score();
    assert!(score.constant >= Some(0.99), "{score:?}");
    assert!(score.model <= score.constant, "{score:?}");
}

#[test]
fn an_empty_history_and_runs_without_stages_are_learned_without_complaint() {
    assert_eq!(Model::fit(&[], 1, NOW).runs, 0);
    let model = Model::fit(&[remembered(0, "", &[], &[])], 1, NOW);
    assert_eq!((model.runs, model.score().model), (1, None));
    assert_eq!(model.need("unit", &PastChange::default()).probability, 0.5);
}

#[test]
fn only_the_newest_ends_count_and_one_run_always() {
    let many: Vec<String> = (0..EVENTS + 1).map(|at| format!("s{at}")).collect();
    let stages: Vec<(&str, Status, u64)> =
        many.iter().map(|name| (name.as_str(), Status::Succeeded, 1)).collect();
    let large = remembered(1, "fix", &["a.rs"], &stages);
    let model = Model::fit(&[large, remembered(0, "fix", &[], &[("old", Status::Succeeded, 1)])], 1, NOW);
    assert_eq!((model.runs, model.stage("old")), (1, None));
}
