//! Forecasts from made-up runs: what intervals hold, what is not known, what is left.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::super::times::StageTime;
use super::*;

fn run(stages: &[(&str, Took)], files: &[&str]) -> RunTimes {
    let stage = |(name, took): &(&str, Took)| StageTime {
        name: name.to_string(),
        stage: name.split('[').next().unwrap_or_default().into(),
        took: *took,
    };
    let files: Vec<String> = files.iter().map(|file| file.to_string()).collect();
    RunTimes { stages: stages.iter().map(stage).collect(), total: None, count: files.len() as u64, files }
}

fn two(build: f64, unit: f64) -> RunTimes {
    run(&[("build", Took::Ms(build)), ("unit", Took::Ms(unit))], &["a"])
}

fn work() -> Work {
    Work::plain([("build", "build", &[][..]), ("unit", "unit", &[0][..])].into_iter(), 2)
}

fn change(files: &[&str]) -> Change {
    Change { files: files.iter().map(|file| file.to_string()).collect(), ..Change::default() }
}

fn told(runs: Vec<RunTimes>) -> Option<Forecast> {
    Forecast::of(work(), &Times { runs }, &change(&["a"]), None)
}

/// Draws of one process: stages that are slow together and each on its own.
fn process(runs: usize, together: f64) -> Vec<RunTimes> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    let mut run = || {
        let day = 1.0 + together * (rng.random::<f64>() - 0.5);
        two(
            1_000.0 * day * (0.8 + 0.4 * rng.random::<f64>()),
            4_000.0 * day * (0.8 + 0.4 * rng.random::<f64>()),
        )
    };
    (0..runs).map(|_| run()).collect()
}

/// Share of runs held, each foretold from those before it.
fn held(runs: &[RunTimes]) -> f64 {
    let mut held = 0;
    for at in 20..runs.len() {
        let found = told(runs[..at].to_vec()).unwrap().before();
        let total: f64 = runs[at]
            .stages
            .iter()
            .map(|stage| match stage.took {
                Took::Ms(ms) => ms / 1000.0,
                _ => 0.0,
            })
            .sum();
        held += usize::from(found.low.unwrap() <= total && total <= found.high.unwrap());
    }
    held as f64 / (runs.len() - 20) as f64
}

#[test]
fn intervals_hold_what_they_promise_also_where_stages_are_slow_together() {
    for together in [0.0, 1.0] {
        let held = held(&process(320, together));
        assert!((0.76..=0.90).contains(&held), "{held} with {together}");
    }
}

#[test]
fn taking_each_stage_from_another_run_would_be_too_sure() {
    // The sabotage twin: each stage's durations in an order of their own, so that slow days fall apart.
    let runs = process(320, 1.0);
    let apart: Vec<RunTimes> = (0..runs.len())
        .map(|at| {
            let mut mixed = runs[at].clone();
            mixed.stages[1].took = runs[(at * 7 + 3) % runs.len()].stages[1].took;
            mixed
        })
        .collect();
    let width = |runs: &[RunTimes]| {
        let found = told(runs.to_vec()).unwrap().before();
        found.high.unwrap() - found.low.unwrap()
    };
    assert!(width(&apart) < width(&runs) * 0.95, "{} beside {}", width(&apart), width(&runs));
}

#[test]
fn nothing_known_of_any_stage_is_no_forecast_and_of_one_is_said() {
    assert!(told(Vec::new()).is_none());
    assert!(told(vec![run(&[("other", Took::Ms(5.0))], &[])]).is_none());
    assert!(told(vec![run(&[("build", Took::Unknown)], &[])]).is_none());
    let half = told(vec![run(&[("build", Took::Ms(5_000.0))], &[])]).unwrap();
    assert_eq!(half.unknown, ["unit"]);
    assert_eq!(half.before(), Estimate { seconds: Some(5.0), low: None, high: None });
}

#[test]
fn what_is_left_falls_as_stages_end_and_what_takes_longer_is_not_over() {
    let forecast = told((0..9).map(|at| two(1_000.0, 4_000.0 + 100.0 * f64::from(at))).collect()).unwrap();
    let left = |far: [Progress; 2]| forecast.during(&|step| far[step]).seconds.unwrap();
    let all = left([Progress::Pending, Progress::Pending]);
    let half = left([Progress::Done, Progress::Pending]);
    let late = left([Progress::Done, Progress::Running(3_000.0)]);
    let later = left([Progress::Done, Progress::Running(9_000.0)]);
    assert_eq!(left([Progress::Done, Progress::Done]), 0.0);
    assert!(all > half && half > late && late > 0.9, "{all} {half} {late}");
    assert!((0.0..2.0).contains(&later), "{later}");
}

#[test]
fn other_circumstances_are_scaled_where_they_matter() {
    let long = |files: &[&str], ms| run(&[("build", Took::Ms(ms)), ("unit", Took::Ms(1.0))], files);
    let runs: Vec<RunTimes> = (0..40)
        .map(|at| match at % 4 {
            0 => long(&["src/a.rs"], 60_000.0 + f64::from(at)),
            _ => long(&["docs/a.md"], 1_000.0 + f64::from(at)),
        })
        .collect();
    let times = Times { runs };
    let touched = |step: usize, files: &[String]| {
        (step == 0).then(|| files.iter().any(|file| file.starts_with("src/")))
    };
    let of = |files: &[&str], touched: Option<Touched>| {
        Forecast::of(work(), &times, &change(files), touched).unwrap().before().seconds.unwrap()
    };
    assert!((55.0..65.0).contains(&of(&["src/b.rs"], Some(&touched))));
    assert!((0.9..1.2).contains(&of(&["docs/b.md"], Some(&touched))));
    assert!(of(&["src/b.rs"], None) < 10.0, "the sabotage twin does not look at what changed");
}

#[test]
fn an_instance_that_is_new_is_like_its_stage() {
    let past = run(&[("unit[n=1]", Took::Ms(7_000.0)), ("unit[n=2]", Took::Ms(7_000.0))], &[]);
    let mut work = work();
    work.steps[1].name = "unit[n=3]".into();
    let found = Forecast::of(work, &Times { runs: vec![past] }, &change(&[]), None).unwrap();
    assert_eq!((found.before().seconds, found.unknown), (Some(7.0), vec!["build".to_string()]));
}

#[test]
fn what_is_known_to_be_reused_takes_nothing() {
    let runs: Vec<RunTimes> = (0..6).map(|_| two(1_000.0, 4_000.0)).collect();
    let work = work().without(&|step| step == 1);
    let found = Forecast::of(work, &Times { runs }, &change(&["a"]), None).unwrap();
    assert_eq!(found.before().seconds, Some(1.0));
}
