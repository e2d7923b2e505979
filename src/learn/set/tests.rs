//! What sets of activities must do, on made-up logs whose truth is known.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::Model;
use crate::learn::log::{Case, Column, Log, NO_TIME, NO_WORD, Values};

const DAY: i64 = 86_400_000;

/// Cases with what they contain besides `start`, a trait each, and how long they last.
fn log(cases: &[(&[u32], Option<u32>, i64)]) -> Log {
    let mut log =
        Log { activities: ["start", "scan", "audit", "close"].map(String::from).into(), ..Log::default() };
    for (number, (contents, _, lasts)) in cases.iter().enumerate() {
        let first = log.activity.len();
        log.activity.push(0);
        log.activity.extend(*contents);
        let started = number as i64 * DAY;
        let steps = contents.len().max(1) as i64;
        log.at.extend((0..=contents.len() as i64).map(|step| started + lasts * step / steps));
        log.cases.push(Case {
            id: number.to_string().into(),
            events: first..log.activity.len(),
            failed: None,
        });
    }
    let codes = cases.iter().map(|(_, code, _)| code.unwrap_or(NO_WORD)).collect();
    let names = vec!["small".to_string(), "large".to_string()];
    log.traits.push(Column { name: "size".into(), values: Values::Words { codes, names } });
    log
}

/// Large cases are scanned, and cases without a size audited.
fn sized(count: usize) -> Log {
    let mut draw = SmallRng::seed_from_u64(1);
    let case = |_| match draw.random_range(0..3) {
        0 => (&[3][..], Some(0), 1000),
        1 => (&[1, 3][..], Some(1), 1000),
        _ => (&[2, 3][..], None, 1000),
    };
    log(&(0..count).map(case).collect::<Vec<_>>())
}

fn all(log: &Log) -> Vec<usize> {
    (0..log.cases.len()).collect()
}

#[test]
fn what_a_trait_tells_is_learned_and_that_it_is_missing_too() {
    let log = sized(600);
    let places = all(&log);
    let (train, test) = places.split_at(400);
    let model = Model::train(&log, train, 1);
    assert_eq!(model.optional(), [1, 2]);
    let right = |model: &Model, log: &Log| {
        let exact = |case: &&usize| {
            let chances = model.predict(log, **case);
            (1..3).all(|activity: u32| {
                let has = log.trace(&log.cases[**case]).contains(&activity);
                model.says(chances[activity as usize]) == has
            })
        };
        test.iter().filter(exact).count()
    };
    assert_eq!(right(&model, &log), test.len());
    // Without the trait a third is right: those that have neither.
    let mut blind = log.clone();
    blind.traits.clear();
    assert!(right(&Model::train(&blind, train, 1), &blind) < test.len() / 2);
}

#[test]
fn rare_and_certain_activities_are_not_optional() {
    let mut cases: Vec<(&[u32], Option<u32>, i64)> = vec![(&[1, 3], Some(0), 1000); 60];
    cases.extend(vec![(&[3][..], Some(0), 1000); 40]);
    cases[0].0 = &[1, 2, 3];
    let log = log(&cases);
    let model = Model::train(&log, &all(&log), 1);
    assert_eq!(model.optional(), [1]);
    let chances = model.predict(&log, 5);
    assert_eq!(chances[0], 1.0);
    assert!(chances[3] > 0.98 && chances[2] < 0.02, "{chances:?}");
}

#[test]
fn columns_that_tell_the_end_and_names_of_cases_are_no_features() {
    let mut log = sized(300);
    let ends: Vec<u32> = log.cases.iter().map(|case| log.trace(case).len() as u32 - 2).collect();
    let names: Vec<String> = (0..300).map(|n| format!("case {n}")).collect();
    let told = Values::Words { codes: ends, names: vec!["plain".into(), "more".into()] };
    log.traits = vec![
        Column { name: "Variant index".into(), values: told.clone() },
        Column { name: "title".into(), values: Values::Words { codes: (0..300).collect(), names } },
    ];
    let places = all(&log);
    let features = super::super::features::Features::of(&log, &places);
    assert_eq!(features.sample(&log, 0).words.iter().filter(|(field, _)| *field > 2).count(), 0);
    // The same column by another name would be one.
    log.traits[0].name = "kind".into();
    let features = super::super::features::Features::of(&log, &places);
    assert_eq!((features.sample(&log, 0).words.len(), features.name(3)), (3, "kind"));
}

/// Half of the cases are scanned, and those take forty days instead of one.
fn slow(count: usize) -> Log {
    let mut draw = SmallRng::seed_from_u64(2);
    let case = |_| if draw.random::<bool>() { (&[1, 3][..], None, 40 * DAY) } else { (&[3][..], None, DAY) };
    log(&(0..count).map(case).collect::<Vec<_>>())
}

#[test]
fn cases_that_end_first_do_not_pass_for_all_cases() {
    let log = slow(340);
    let places = all(&log);
    let mean = |ripen: bool| {
        let mut model = Model::train(&log, &places[..300], 1);
        if !ripen {
            model.learn_at_once();
        }
        let mut ended: Vec<usize> =
            (300..340).filter(|case| log.ended(&log.cases[*case]) < 340 * DAY).collect();
        ended.sort_by_key(|case| log.ended(&log.cases[*case]));
        ended.iter().for_each(|case| model.update(&log, *case));
        model.predict(&log, 339)[1]
    };
    let (fair, hasty) = (mean(true), mean(false));
    assert!(fair > hasty + 0.02 && (fair - 0.5).abs() < 0.12, "{fair} {hasty}");
}

#[test]
fn odd_logs_are_survived() {
    let empty = Log::default();
    let model = Model::train(&empty, &[], 1);
    assert_eq!((model.optional().len(), model.predict(&empty, 0).len()), (0, 0));
    let one = log(&[(&[1], None, 5)]);
    let mut model = Model::train(&one, &[0, 7], 1);
    model.update(&one, 0);
    model.update(&one, 99);
    assert_eq!(model.predict(&one, 99).len(), 4);
    let mut timeless = sized(50);
    timeless.at.iter_mut().for_each(|at| *at = NO_TIME);
    let mut model = Model::train(&timeless, &all(&timeless), 1);
    model.update(&timeless, 3);
    assert!(model.predict(&timeless, 3).iter().all(|chance| (0.0..=1.0).contains(chance)));
    let mut no_events = sized(20);
    no_events.cases.push(Case { id: "x".into(), events: 0..0, failed: None });
    assert_eq!(Model::train(&no_events, &all(&no_events), 1).predict(&no_events, 20).len(), 4);
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let log = sized(200);
    let bytes = |model: &Model| postcard::to_stdvec(model).expect("lengths are known");
    let model = Model::train(&log, &all(&log), 1);
    assert_eq!(bytes(&model), bytes(&Model::train(&log, &all(&log), 1)));
    let again: Model = postcard::from_bytes(&bytes(&model)).expect("its own bytes");
    assert_eq!(again.predict(&log, 3), model.predict(&log, 3));
}
