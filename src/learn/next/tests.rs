//! The next event on small processes that are known, each with the same process without what should be found.

use super::super::log::{Case, Column, Log, NO_TIME, NO_WORD, Values};
use super::super::measure::Classes as Score;
use super::baseline::{Baseline, Kind};
use super::*;

/// A seeded sequence of numbers between 0 and 1.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn of(&mut self, sides: u32) -> u32 {
        (self.roll() * f64::from(sides)) as u32
    }
}

fn log_of(traces: &[Vec<u32>], activities: u32) -> Log {
    let mut log = Log { activities: (0..activities).map(|n| format!("a{n}")).collect(), ..Log::default() };
    for (number, trace) in traces.iter().enumerate() {
        let from = log.activity.len();
        log.activity.extend(trace);
        log.at.extend((0..trace.len()).map(|event| (number as i64 * 1000 + event as i64) * 60_000));
        log.cases.push(Case {
            id: number.to_string().into(),
            events: from..log.activity.len(),
            failed: None,
        });
    }
    log
}

fn words(name: &str, codes: Vec<u32>, names: u32) -> Column {
    let names = (0..names).map(|n| format!("w{n}")).collect();
    Column { name: name.into(), values: Values::Words { codes, names } }
}

fn came(log: &Log, case: usize, length: usize) -> usize {
    log.trace(&log.cases[case]).get(length).map_or(log.end() as usize, |&symbol| symbol as usize)
}

type Predict<'a> = dyn FnMut(usize, usize, &mut Vec<f64>) + 'a;

/// How often the most probable class came, at the prefixes of that length, or all.
fn score(log: &Log, cases: core::ops::Range<usize>, only: Option<usize>, predict: &mut Predict<'_>) -> Score {
    let mut score = Score::default();
    let mut into = Vec::new();
    for case in cases {
        for length in 1..=log.cases[case].events.len() {
            predict(case, length, &mut into);
            if only.is_none_or(|only| only == length) {
                score.add(&into, came(log, case, length));
            }
        }
    }
    score
}

fn places(to: usize) -> Vec<usize> {
    (0..to).collect()
}

/// The first of two kinds of starts decides what comes third.
fn two_back(cases: usize) -> Log {
    let mut dice = Dice(7);
    let traces: Vec<Vec<u32>> = (0..cases)
        .map(|_| {
            let start = dice.of(2);
            vec![start, 2, 3 + start, 5]
        })
        .collect();
    log_of(&traces, 6)
}

#[test]
fn what_happened_two_events_ago_is_found_and_the_last_event_alone_does_not_know_it() {
    let log = two_back(300);
    let model = Model::train(&log, &places(200), 1);
    let found =
        score(&log, 200..300, Some(2), &mut |case, length, into| model.predict(&log, case, length, into));
    assert!(found.score().accuracy > 0.99, "{:?}", found.score());
    let simple = Baseline::train(Kind::Markov, &log, &places(200));
    let guessed =
        score(&log, 200..300, Some(2), &mut |case, length, into| simple.predict(&log, case, length, into));
    assert!(guessed.score().accuracy < 0.7, "{:?}", guessed.score());
}

/// Events of 4 kinds in any order; a column that says which comes next, or one that does not.
fn decided(cases: usize, honest: bool) -> Log {
    let mut dice = Dice(11);
    let traces: Vec<Vec<u32>> = (0..cases).map(|_| (0..6).map(|_| dice.of(4)).collect()).collect();
    let mut log = log_of(&traces, 4);
    let next = |event: usize| log.activity.get(event + 1).copied().unwrap_or(0);
    let codes = (0..log.activity.len()).map(|event| if honest { next(event) } else { dice.of(4) }).collect();
    log.columns.push(words("ticket", codes, 4));
    log
}

#[test]
fn an_attribute_that_decides_is_used_and_one_that_says_nothing_is_not() {
    for (honest, least, most) in [(true, 0.95, 1.0), (false, 0.0, 0.4)] {
        let log = decided(300, honest);
        let model = Model::train(&log, &places(200), 1);
        let found =
            score(&log, 200..300, Some(3), &mut |case, length, into| model.predict(&log, case, length, into));
        let accuracy = found.score().accuracy;
        assert!((least..=most).contains(&accuracy), "{honest}: {accuracy}");
        let reason = if honest { None } else { Some(Reason::SaysLittle) };
        assert_eq!(model.columns(&log), [("ticket".to_string(), reason)]);
    }
}

#[test]
fn a_column_that_knows_the_whole_case_is_not_used_though_it_would_tell_all() {
    let mut right = Vec::new();
    for name in ["case:variant", "case:origin"] {
        let mut log = two_back(300);
        // The future is in the column: which of the two ways the case goes, and before it begins.
        let mut dice = Dice(3);
        for case in 0..log.cases.len() {
            log.activity[case * 4 + 2] = 3 + dice.of(2);
        }
        let way = (0..log.cases.len()).map(|case| log.activity[case * 4 + 2] - 3).collect();
        log.traits.push(words(name, way, 2));
        let model = Model::train(&log, &places(200), 1);
        let found =
            score(&log, 200..300, Some(2), &mut |case, length, into| model.predict(&log, case, length, into));
        right.push(found.score().accuracy);
    }
    assert!(right[0] < 0.65 && right[1] > 0.95, "{right:?}");
}

#[test]
fn why_a_column_is_not_used() {
    let mut log = two_back(40);
    let events = log.activity.len();
    let of = |value: fn(usize) -> u32| (0..events).map(value).collect::<Vec<u32>>();
    log.columns = vec![
        words("resource", of(|event| event as u32 % 3), 3),
        words("life", of(|_| 0), 1),
        words("nothing", of(|_| NO_WORD), 0),
        words("task", of(|event| event as u32), events as u32),
        words("start_timestamp", of(|event| event as u32 % 3), 3),
        Column { name: "cost".into(), values: Values::Numbers(vec![f32::NAN; events]) },
        Column { name: "size".into(), values: Values::Numbers(vec![1.0; events]) },
    ];
    log.traits = vec![words("case:Variant-Index", vec![0; 40], 1), words("enddate_planned", vec![0; 40], 1)];
    let reasons: Vec<Option<Reason>> = columns(&log).into_iter().map(|(_, reason)| reason).collect();
    use Reason::{Constant, Date, Empty, Identifies, KnowsTheFuture};
    let expected = [
        None,
        Some(Constant),
        Some(Empty),
        Some(Identifies),
        Some(Date),
        Some(Empty),
        Some(Constant),
        Some(KnowsTheFuture),
        Some(KnowsTheFuture),
    ];
    assert_eq!(reasons, expected);
    assert_eq!(Constant.to_string(), "never changes");
}

/// Twelve activities; from the given case on they follow each other differently.
fn drifting(cases: usize, from: usize) -> Log {
    let mut dice = Dice(99_991);
    let mut traces = Vec::new();
    for case in 0..cases {
        let (often, seldom) = if case < from { (1, 3) } else { (7, 5) };
        let mut trace = vec![0];
        while trace.len() < 4 || dice.roll() > 0.12 {
            let last = trace[trace.len() - 1] * 5;
            let roll = dice.roll();
            trace.push(if roll < 0.72 {
                (last + often) % 12
            } else if roll < 0.9 {
                (last + seldom) % 12
            } else {
                dice.of(12)
            });
        }
        traces.push(trace);
    }
    log_of(&traces, 12)
}

#[test]
fn a_process_that_changes_is_learned_again_as_events_come_and_not_without() {
    let log = drifting(900, 600);
    let trained = Model::train(&log, &places(600), 1);
    let fixed =
        score(&log, 600..900, None, &mut |case, length, into| trained.predict(&log, case, length, into));
    let mut online = trained.clone();
    let learned = score(&log, 600..900, None, &mut |case, length, into| {
        online.predict(&log, case, length, into);
        online.update(&log, case, length);
    });
    let (fixed, learned) = (fixed.score(), learned.score());
    assert!(fixed.accuracy < 0.1 && learned.accuracy > 0.5, "{fixed:?} {learned:?}");
    assert!(learned.brier < 0.5 * fixed.brier, "{fixed:?} {learned:?}");
}

#[test]
fn probabilities_are_kept_promises_and_those_that_boast_are_not() {
    let log = drifting(1500, 1500);
    let model = Model::train(&log, &places(1000), 1);
    let honest =
        score(&log, 1000..1500, None, &mut |case, length, into| model.predict(&log, case, length, into));
    let boasting = score(&log, 1000..1500, None, &mut |case, length, into| {
        model.predict(&log, case, length, into);
        into.iter_mut().for_each(|chance| *chance *= *chance);
        let all: f64 = into.iter().sum();
        into.iter_mut().for_each(|chance| *chance /= all);
    });
    let (honest, boasting) = (honest.score(), boasting.score());
    assert!(honest.ece < 0.04 && honest.accuracy > 0.6, "{honest:?}");
    assert!(boasting.ece > 0.1, "{boasting:?}");
}

#[test]
fn the_same_cases_and_seed_give_the_same_bytes_and_what_is_stored_foresees_the_same() {
    let log = drifting(300, 200);
    let bytes = Model::train(&log, &places(200), 5).bytes();
    assert_eq!(Model::train(&log, &places(200), 5).bytes(), bytes);
    assert_ne!(Model::train(&log, &places(199), 5).bytes(), bytes);
    let mut model = Model::train(&log, &places(200), 5);
    let mut again = Model::restore(&bytes).expect("its own bytes");
    for case in 200..300 {
        for length in 0..=log.cases[case].events.len() {
            assert_eq!(again.few(&log, case, length), model.few(&log, case, length));
            model.update(&log, case, length);
            again.update(&log, case, length);
        }
    }
    assert_eq!(again.bytes(), model.bytes());
}

#[test]
fn bytes_that_were_damaged_are_refused_or_foresee_something_but_never_break() {
    let log = drifting(60, 60);
    let bytes = Model::train(&log, &places(60), 5).bytes();
    assert_eq!(Model::restore(&bytes[..bytes.len() / 2]), None);
    assert_eq!(Model::restore(&[]), None);
    let mut dice = Dice(4);
    let mut into = Vec::new();
    for _ in 0..300 {
        let mut broken = bytes.clone();
        let place = dice.of(broken.len() as u32) as usize;
        broken[place] ^= 1 << dice.of(8);
        if let Some(mut model) = Model::restore(&broken) {
            model.predict(&log, 1, 2, &mut into);
            model.update(&log, 1, 2);
        }
    }
}

fn sums_to_one(model: &Model, log: &Log, case: usize, length: usize) {
    let mut into = Vec::new();
    model.predict(log, case, length, &mut into);
    assert_eq!(into.len(), log.end() as usize + 1);
    let sum: f64 = into.iter().sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert!(into.iter().all(|chance| (0.0..=1.0).contains(chance)), "{into:?}");
}

#[test]
fn probabilities_sum_to_one_wherever_one_asks() {
    let log = drifting(60, 30);
    let nothing = Model::train(&log, &[], 1);
    let little = Model::train(&log, &[3, 999_999], 1);
    let much = Model::train(&log, &places(40), 1);
    for model in [nothing, little, much] {
        for case in [0, 50, 59, 60, usize::MAX] {
            for length in [0, 1, 2, 3, 1000, usize::MAX] {
                sums_to_one(&model, &log, case, length);
            }
        }
    }
}

#[test]
fn empty_logs_single_events_and_times_that_lack_or_run_backwards_are_survived() {
    let empty = Log::default();
    sums_to_one(&Model::train(&empty, &[0, 1], 1), &empty, 0, 0);
    let mut log = log_of(&[vec![0], vec![1], vec![], vec![0, 1]], 2);
    log.at = vec![NO_TIME, i64::MAX, 5, i64::MIN + 1];
    let mut model = Model::train(&log, &[0, 1, 2, 3], 1);
    (0..4).for_each(|case| (0..4).for_each(|length| sums_to_one(&model, &log, case, length)));
    (0..4).for_each(|case| model.update(&log, case, 1));
    sums_to_one(&model, &log, 3, 1);
    // Tables that are shorter than the cases say.
    log.at.clear();
    log.cases[3].events = 2..900;
    log.columns = vec![words("short", vec![0, 1], 2)];
    let model = Model::train(&log, &[0, 1, 2, 3], 1);
    sums_to_one(&model, &log, 3, 500);
}

#[test]
fn what_is_no_case_or_no_prefix_teaches_nothing() {
    let log = log_of(&[vec![0, 1], vec![]], 2);
    let mut model = Model::train(&log, &[0], 1);
    let before = model.bytes();
    for (case, length) in [(0, 3), (1, 0), (2, 0), (usize::MAX, usize::MAX)] {
        model.update(&log, case, length);
    }
    assert_eq!(model.bytes(), before);
    model.update(&log, 0, 2);
    assert_ne!(model.bytes(), before);
}

#[test]
fn one_long_case_and_very_many_activities_stay_small() {
    let many = 200_000u32;
    let log = log_of(&[(0..many).collect()], many);
    let mut model = Model::train(&log, &[0], 1);
    assert!(model.bytes().len() < 20_000_000);
    model.update(&log, 0, 150_000);
    let few = model.few(&log, 0, 199_999);
    let sum: f64 = few.known.iter().map(|(_, chance)| chance).sum::<f64>() + few.rest;
    assert!((sum - 1.0).abs() < 1e-5 && few.known.len() < 200, "{sum} {}", few.known.len());
}

#[test]
fn an_activity_that_is_new_is_learned_when_it_has_come() {
    let log = log_of(&[vec![0, 1], vec![0, 1], vec![0, 2], vec![0, 2]], 3);
    let mut model = Model::train(&log, &[0, 1], 1);
    let mut into = Vec::new();
    model.predict(&log, 2, 1, &mut into);
    let before = into[2];
    (0..4).for_each(|_| model.update(&log, 2, 1));
    model.predict(&log, 3, 1, &mut into);
    assert!(before < 0.2 && into[2] > 0.5, "{before} {into:?}");
}

#[test]
fn the_baselines_by_hand() {
    let log = log_of(&[vec![0, 1], vec![0, 2], vec![0, 1]], 3);
    let mut into = Vec::new();
    let mut of = |kind: Kind, length: usize| {
        Baseline::train(kind, &log, &[0, 1, 2]).predict(&log, 0, length, &mut into);
        into.clone()
    };
    assert_eq!(of(Kind::Majority, 1), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(of(Kind::Prior, 1), [0.0, 2.0 / 6.0, 1.0 / 6.0, 0.5]);
    assert_eq!(of(Kind::Markov, 1), [0.0, 2.0 / 3.0, 1.0 / 3.0, 0.0]);
    assert_eq!(of(Kind::Markov, 2), [0.0, 0.0, 0.0, 1.0]);
    let mut even = Vec::new();
    Baseline::train(Kind::Prior, &log, &[]).predict(&log, 0, 1, &mut even);
    assert_eq!(even, [0.25; 4]);
}
