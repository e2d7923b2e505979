//! What the model must do, on made-up histories whose truth is known. Each defence has a twin without it that must do badly.

use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use super::baseline::{Baseline, Bayes, Last, Prior, Rate};
use super::{Model, RECENT, Sample, Value, View};
use crate::learn::measure::{ChanceScore, Chances};

type Row = (Sample, bool);
type Rows = Vec<Row>;

const FOLDER: u32 = 0;
const EXTENSION: u32 = 1;
const SIZE: u32 = 2;
const LINES: u32 = 3;
const DOCS: u64 = 1;
const CORE: u64 = 2;

fn draws(seed: u64) -> SmallRng {
    SmallRng::seed_from_u64(seed)
}

fn change(folders: &[u64], extension: u64, size: f64) -> Sample {
    let mut words: Vec<(u32, u64)> = folders.iter().map(|folder| (FOLDER, *folder)).collect();
    words.push((EXTENSION, extension));
    Sample { words, numbers: vec![(SIZE, size)] }
}

/// Changes of `docs` fail 1 in 250 times, of the core 6 in 10, of the others 1 in 10; the extension and size say nothing.
fn folders(count: usize, seed: u64) -> Rows {
    let mut draw = draws(seed);
    let row = |_| {
        let folder = draw.random_range(1..=4);
        let fails = match folder {
            DOCS => 0.004,
            CORE => 0.6,
            _ => 0.1,
        };
        let sample = change(&[folder], draw.random_range(1..=5), draw.random::<f64>() * 100.0);
        (sample, draw.random::<f64>() < fails)
    };
    (0..count).map(row).collect()
}

/// Predicts and then learns the last third, after training on the rest.
fn online(model: &mut Model, test: &[Row]) -> ChanceScore {
    let mut chances = Chances::default();
    for (sample, came) in test {
        chances.add(model.probability(sample), *came);
        model.update(sample, *came);
    }
    chances.score()
}

fn frozen(model: &Model, test: &[Row]) -> ChanceScore {
    let mut chances = Chances::default();
    test.iter().for_each(|(sample, came)| chances.add(model.probability(sample), *came));
    chances.score()
}

fn thirds(rows: &Rows) -> (&[Row], &[Row]) {
    rows.split_at(rows.len() * 2 / 3)
}

fn auc(score: ChanceScore) -> f64 {
    score.auc.expect("both outcomes")
}

fn shuffled(mut rows: Rows, seed: u64) -> Rows {
    let mut outcomes: Vec<bool> = rows.iter().map(|(_, came)| *came).collect();
    outcomes.shuffle(&mut draws(seed));
    rows.iter_mut().zip(outcomes).for_each(|(row, outcome)| row.1 = outcome);
    rows
}

#[test]
fn a_telling_folder_is_learned_and_promises_are_kept() {
    let rows = folders(9000, 1);
    let (train, test) = thirds(&rows);
    let score = online(&mut Model::train(train, 1), test);
    assert!(auc(score) > 0.8 && score.ece < 0.025, "{score:?}");
    // Without what tells, nothing is left.
    let blind: Rows =
        rows.iter().map(|(s, came)| (change(&[], s.words[1].1, s.numbers[0].1), *came)).collect();
    let (train, test) = thirds(&blind);
    assert!(auc(online(&mut Model::train(train, 1), test)) < 0.56);
}

#[test]
fn the_strongest_reason_is_the_telling_one_with_its_counts() {
    let rows = folders(2000, 2);
    let model = Model::train(&rows, 1);
    let reason = model.predict(&change(&[CORE], 3, 50.0)).because[0];
    let of_core = |row: &&(Sample, bool)| row.0.words[0] == (FOLDER, CORE);
    let seen = rows.iter().filter(of_core).count() as u32;
    let came = rows.iter().filter(of_core).filter(|row| row.1).count() as u32;
    assert_eq!(
        (reason.field, reason.value, reason.seen, reason.came),
        (FOLDER, Value::Word(CORE), seen, came)
    );
    assert!(reason.weight > 0.5);
    assert!(model.predict(&change(&[DOCS], 3, 50.0)).because[0].weight < -0.5);
}

#[test]
fn one_risky_file_is_enough_and_only_harmless_ones_are_harmless() {
    let model = Model::train(&folders(2000, 3), 1);
    let chance = |folders: &[u64]| model.probability(&change(folders, 3, 50.0));
    assert!(chance(&[DOCS, CORE]) > 0.9 * chance(&[CORE]), "{} {}", chance(&[DOCS, CORE]), chance(&[CORE]));
    assert!(chance(&[DOCS]) < 0.1);
}

#[test]
fn on_shuffled_outcomes_nothing_is_claimed() {
    let gap = |rows: &Rows| {
        let (train, test) = thirds(rows);
        let mut model = Model::train(train, 1);
        let base = rows.iter().filter(|row| row.1).count() as f64 / rows.len() as f64;
        let gaps: f64 = test.iter().map(|(sample, _)| (model.probability(sample) - base).abs()).sum();
        let run = model.threshold(0.98).expect("failures enough").run;
        (online(&mut model, test), gaps / test.len() as f64, base, run)
    };
    let real = folders(3000, 4);
    let (score, mean_gap, base, run) = gap(&shuffled(real.clone(), 5));
    assert!((auc(score) - 0.5).abs() < 0.06 && mean_gap < 0.05, "{score:?} {mean_gap}");
    assert!(score.brier > base * (1.0 - base) - 0.01);
    assert!(run > 0.9, "leaves out {}", 1.0 - run);
    let (score, mean_gap, _, _) = gap(&real);
    assert!(auc(score) > 0.75 && mean_gap > 0.12, "{score:?} {mean_gap}");
}

#[test]
fn when_the_world_turns_around_the_model_follows() {
    let mut rows = folders(4000, 6);
    for (sample, _) in rows.iter_mut().skip(2000) {
        let folder = &mut sample.words[0].1;
        *folder = if *folder == DOCS {
            CORE
        } else if *folder == CORE {
            DOCS
        } else {
            *folder
        };
    }
    let mut model = Model::train(&rows[..2000], 1);
    let fixed = frozen(&model, &rows[3000..]);
    online(&mut model, &rows[2000..3000]);
    let followed = online(&mut model, &rows[3000..]);
    assert!(auc(followed) > 0.75 && followed.ece < 0.05, "{followed:?}");
    assert!(auc(fixed) < 0.45, "{fixed:?}");
}

/// Spells of failure that nothing in the change tells of.
fn spells(count: usize) -> Rows {
    let mut draw = draws(7);
    let mut bad = false;
    let row = |_| {
        bad ^= draw.random::<f64>() < 0.05;
        let fails = if bad { 0.9 } else { 0.05 };
        (change(&[3], draw.random_range(1..=5), draw.random::<f64>()), draw.random::<f64>() < fails)
    };
    (0..count).map(row).collect()
}

#[test]
fn a_spell_of_failures_is_seen_while_it_lasts() {
    let rows = spells(6000);
    let (train, test) = thirds(&rows);
    let mut model = Model::train(train, 1);
    let score = online(&mut model, test);
    assert!(auc(score) > 0.85 && score.ece < 0.03, "{score:?}");
    assert!(
        model.predict(&test[0].0).because.iter().any(|reason| reason.field == RECENT && reason.seen == 20)
    );
    let alone = Model::train_with(View::Alone, train.iter().map(|row| (&row.0, row.1)), 1);
    let alone = auc(online(&mut alone.clone(), test));
    assert!(alone < 0.65, "{alone}");
}

/// Two branches take turns at random, one broken at a time for long; they differ by lines of code only.
fn branches(count: usize, telling: bool) -> Rows {
    let mut draw = draws(8);
    let (mut lines, mut broken) = ([50_000.0, 80_000.0], [false, true]);
    let row = |_| {
        let branch = usize::from(draw.random::<f64>() < 0.5);
        lines[branch] += draw.random::<f64>() * 20.0;
        broken[branch] ^= draw.random::<f64>() < 0.03;
        let at = if telling { lines[branch] } else { draw.random::<f64>() * 80_000.0 };
        let sample = Sample { words: Vec::new(), numbers: vec![(LINES, at)] };
        (sample, if broken[branch] { draw.random::<f64>() < 0.95 } else { draw.random::<f64>() < 0.05 })
    };
    (0..count).map(row).collect()
}

#[test]
fn builds_of_one_branch_are_known_by_what_moves_slowly() {
    let score = |rows: Rows| {
        let (train, test) = thirds(&rows);
        auc(online(&mut Model::train(train, 1), test))
    };
    let (with, without) = (score(branches(3000, true)), score(branches(3000, false)));
    assert!(with > 0.85 && without < with - 0.1, "{with} {without}");
}

#[test]
fn little_history_is_never_near_to_certain_and_its_interval_is_wide() {
    let row = (change(&[DOCS], 1, 5.0), false);
    let few = Model::train(&vec![row.clone(); 12], 1).predict(&row.0);
    assert!(few.probability >= 1.0 / 15.0 && few.high > 0.15, "{few:?}");
    let many = Model::train(&vec![row.clone(); 1000], 1).predict(&row.0);
    assert!(many.probability < 0.01 && many.high < 0.03, "{many:?}");
    let none = Model::train(&[], 1).predict(&row.0);
    assert_eq!(none.probability, 0.5);
    assert!(none.low < 0.3 && none.high > 0.7, "{none:?}");
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    let mut held = 0;
    for seed in 0..40 {
        let model = Model::train(&folders(300, 100 + seed), 1);
        let chance = model.predict(&change(&[CORE], 3, 50.0));
        assert!(chance.low < chance.probability && chance.probability < chance.high);
        held += u32::from(chance.low < 0.6 && 0.6 < chance.high);
    }
    assert!(held >= 28, "{held} of 40");
}

#[test]
fn the_same_history_gives_the_same_bytes_and_a_snapshot_goes_on_alike() {
    let rows = folders(500, 9);
    let model = Model::train(&rows, 1);
    let bytes = postcard::to_stdvec(&model).expect("lengths are known");
    assert_eq!(bytes, postcard::to_stdvec(&Model::train(&rows, 1)).expect("as above"));
    let mut again: Model = postcard::from_bytes(&bytes).expect("its own bytes");
    let mut first = model.clone();
    for (sample, came) in folders(200, 10) {
        assert_eq!(first.predict(&sample), again.predict(&sample));
        first.update(&sample, came);
        again.update(&sample, came);
    }
}

#[test]
fn learning_one_by_one_comes_to_what_training_does() {
    let rows = folders(3000, 11);
    let (train, test) = thirds(&rows);
    let mut grown = Model::new(1);
    train.iter().for_each(|(sample, came)| grown.update(sample, *came));
    assert_eq!(grown.seen, 2000);
    assert!((auc(online(&mut grown, test)) - auc(online(&mut Model::train(train, 1), test))).abs() < 0.02);
}

#[test]
fn nonsense_is_survived() {
    let odd = [
        Sample::default(),
        Sample { words: vec![(u32::MAX, u64::MAX); 3], numbers: vec![(u32::MAX, 1e300), (7, f64::NAN)] },
        Sample {
            words: Vec::new(),
            numbers: vec![(0, f64::INFINITY), (0, f64::NEG_INFINITY), (0, -1e308), (0, 1e308)],
        },
        Sample {
            words: (0..5000).map(|n| (n, u64::from(n))).collect(),
            numbers: (0..5000).map(|n| (n, 0.0)).collect(),
        },
    ];
    let rows: Rows = (0..300).map(|n| (odd[n % odd.len()].clone(), n % 7 == 0)).collect();
    let mut model = Model::train(&rows, 1);
    online(&mut model, &rows[..40]);
    for sample in &odd {
        let chance = model.predict(sample);
        assert!(chance.probability > 0.0 && chance.probability < 1.0, "{chance:?}");
        assert!(chance.low.is_finite() && chance.high.is_finite());
    }
}

#[test]
fn a_threshold_needs_failures_to_be_chosen_by_and_keeps_nearly_all_of_them() {
    let rows = folders(4000, 12);
    let safe = Model::train(&rows, 1).threshold(0.98).expect("hundreds of failures");
    assert!(safe.recall >= 0.95 && safe.run < 0.9 && safe.chosen_by + safe.judged_by > 300, "{safe:?}");
    assert_eq!(Model::train(&rows[..80], 1).threshold(0.98), None);
}

#[test]
fn baselines_do_what_their_names_say() {
    let sample = change(&[DOCS], 1, 1.0);
    let after = |baseline: &mut dyn Baseline, outcomes: &[bool]| {
        outcomes.iter().for_each(|came| baseline.update(&sample, *came));
        baseline.predict(&sample)
    };
    let half = [true, false].repeat(50);
    assert!((after(&mut Prior::default(), &half) - 0.5).abs() < 1e-9);
    // It always goes the other way, and ended with a no.
    assert!(after(&mut Last::default(), &half) > 0.9);
    assert!(after(&mut Rate::new(5.0), &[vec![false; 50], vec![true; 50]].concat()) > 0.99);
}

#[test]
fn naive_bayes_believes_every_copy_of_one_fact_and_the_model_does_not() {
    // Ten fields say the same: naive Bayes counts the fact ten times.
    let copies: Rows = folders(3000, 13)
        .into_iter()
        .map(|(sample, came)| {
            let folder = sample.words[0].1;
            (Sample { words: (0..10).map(|field| (field, folder)).collect(), numbers: Vec::new() }, came)
        })
        .collect();
    let (train, test) = thirds(&copies);
    let mut bayes = Bayes::new(train.iter().map(|row| &row.0));
    train.iter().for_each(|(sample, came)| bayes.update(sample, *came));
    let mut naive = Chances::default();
    test.iter().for_each(|(sample, came)| naive.add(bayes.predict(sample), *came));
    let score = online(&mut Model::train(train, 1), test);
    assert!(score.ece < 0.04 && naive.score().ece > 0.1, "{score:?} {:?}", naive.score());
    assert!(score.brier < naive.score().brier);
}
