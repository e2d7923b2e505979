//! How soon failures are found in an order, cycle by cycle: verdicts become known when their cycle has ended, and only then are
//! learned. Beside it other orders, so that the number means something. Knows no file.
//!
//! APFD: G. Rothermel et al., *Prioritizing test cases for regression testing*, 2001; NAPFD: X. Qu et al., *Combinatorial
//! interaction regression testing*, 2007, of the tests that end within the budget.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use super::{Ranker, Verdict};

/// The part of a cycle's time in which failures are to be caught.
const BUDGET: f64 = 1.0 / 3.0;
/// Of the interval: resampled cycles, and what is cut off on each side.
const SAMPLES: usize = 1_000;
const CUT: f64 = 0.025;

/// One row of a log of verdicts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Rows of one cycle are ordered, and learned, together; cycles come in the order of their numbers.
    pub cycle: u64,
    pub item: u32,
    /// Milliseconds.
    pub ms: f64,
    pub failed: bool,
}

/// An order to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Chance over cost, of what was learned.
    Ranked,
    /// As in the file.
    Static,
    Random,
    /// Shortest first.
    Shortest,
    /// What failed last comes first.
    LastFailed,
}

/// How one order did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Policies {
    /// Share of all failures whose look ended within a third of their cycle's time.
    pub caught_in_third: f64,
    /// Seconds until the first failure of a cycle was known, mean over cycles with one.
    pub first_failure_seconds: f64,
    pub apfd: f64,
    /// Of what ends within a third of the time.
    pub napfd: f64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OrderScore {
    pub caught_in_third: f64,
    /// Time to the first failure over that of the order of the file, means over cycles; 0.7 is 30 % below.
    pub first_failure_ratio: f64,
    /// 95 %, by resampling cycles; none of fewer than two.
    pub first_failure_ratio_low: Option<f64>,
    pub first_failure_ratio_high: Option<f64>,
    pub first_failure_seconds: f64,
    pub apfd: f64,
    pub napfd: f64,
    pub cycles: u64,
    pub failing_cycles: u64,
    pub failures: u64,
    /// By name: `static`, `random`, `shortest`, `last_failed`.
    pub baselines: BTreeMap<&'static str, Policies>,
}

/// None when nothing failed: then no order is better than another.
pub fn evaluate(looks: &[Look], seed: u64) -> Option<OrderScore> {
    let mut cycles: BTreeMap<u64, Vec<Look>> = BTreeMap::new();
    for look in looks {
        let ms = if look.ms.is_finite() { look.ms.max(0.0) } else { 0.0 };
        cycles.entry(look.cycle).or_default().push(Look { ms, ..*look });
    }
    let cycles: Vec<Vec<Look>> = cycles.into_values().collect();
    let failures = looks.iter().filter(|look| look.failed).count() as u64;
    if failures == 0 {
        return None;
    }
    let mut played = play(&cycles, seed);
    let ranked = played.remove("ranked").unwrap_or_default();
    let own = ranked.score(failures);
    let stood = played.get("static").map(|of| of.first.clone()).unwrap_or_default();
    let (low, high) = interval(&ranked.first, &stood, seed);
    Some(OrderScore {
        caught_in_third: own.caught_in_third,
        first_failure_ratio: ratio(ranked.first.iter().zip(&stood)),
        first_failure_ratio_low: low,
        first_failure_ratio_high: high,
        first_failure_seconds: own.first_failure_seconds,
        apfd: own.apfd,
        napfd: own.napfd,
        cycles: cycles.len() as u64,
        failing_cycles: stood.len() as u64,
        failures,
        baselines: played.into_iter().map(|(name, of)| (name, of.score(failures))).collect(),
    })
}

const POLICIES: [(&str, Policy); 5] = [
    ("ranked", Policy::Ranked),
    ("static", Policy::Static),
    ("random", Policy::Random),
    ("shortest", Policy::Shortest),
    ("last_failed", Policy::LastFailed),
];

/// All orders over the same cycles: one learner is enough, for verdicts do not depend on the order.
fn play(cycles: &[Vec<Look>], seed: u64) -> BTreeMap<&'static str, Played> {
    let mut played: BTreeMap<&'static str, Played> = BTreeMap::new();
    let mut ranker = Ranker::default();
    let mut dice = StdRng::seed_from_u64(seed);
    for cycle in cycles {
        if cycle.iter().any(|look| look.failed) {
            for (name, policy) in POLICIES {
                played.entry(name).or_default().add(cycle, &order(policy, &ranker, cycle, &mut dice));
            }
        }
        ranker.reveal(&verdicts(cycle));
    }
    played
}

/// One verdict an item: it failed when it failed once, and took the mean.
fn verdicts(cycle: &[Look]) -> Vec<Verdict> {
    let mut items: BTreeMap<u32, (bool, f64, f64)> = BTreeMap::new();
    for look in cycle {
        let item = items.entry(look.item).or_default();
        *item = (item.0 || look.failed, item.1 + look.ms, item.2 + 1.0);
    }
    items.into_iter().map(|(item, (failed, ms, n))| Verdict { item, failed, ms: ms / n }).collect()
}

fn order(policy: Policy, ranker: &Ranker, cycle: &[Look], dice: &mut StdRng) -> Vec<usize> {
    let by = |key: &dyn Fn(u32) -> f64| sorted(cycle.iter().map(|look| key(look.item)).collect());
    match policy {
        Policy::Static => (0..cycle.len()).collect(),
        Policy::Random => {
            let mut places: Vec<usize> = (0..cycle.len()).collect();
            places.shuffle(dice);
            places
        }
        Policy::Ranked => ranker.order(&cycle.iter().map(|look| look.item).collect::<Vec<u32>>()),
        Policy::Shortest => by(&|item| ranker.outlook(item).ms),
        Policy::LastFailed => by(&|item| -ranker.last_failure(item).map_or(-1.0, |round| round as f64)),
    }
}

/// Places by rising key, equal ones as they stood.
pub(super) fn sorted(keys: Vec<f64>) -> Vec<usize> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    places.sort_by(|&a, &b| keys[a].total_cmp(&keys[b]));
    places
}

/// What came of one order.
#[derive(Clone, Debug, Default)]
struct Played {
    caught: u64,
    /// Of each failing cycle: milliseconds to the first failure.
    first: Vec<f64>,
    apfd: f64,
    napfd: f64,
}

impl Played {
    fn add(&mut self, cycle: &[Look], order: &[usize]) {
        let all: f64 = cycle.iter().map(|look| look.ms).sum();
        let (mut spent, mut first) = (0.0, None);
        let (mut places, mut found, mut caught) = (0.0, 0_u64, 0_u64);
        let (mut places_in, mut looks_in) = (0.0, 0_u64);
        for (place, &index) in (1_u64..).zip(order) {
            let look = &cycle[index];
            spent += look.ms;
            // A sum of fractions may miss the third it is equal to.
            let within = spent <= all * BUDGET + 1e-6;
            looks_in += u64::from(within);
            if look.failed {
                first.get_or_insert(spent);
                found += 1;
                places += place as f64;
                caught += u64::from(within);
                places_in += if within { place as f64 } else { 0.0 };
            }
        }
        let (n, m) = (order.len() as f64, found.max(1) as f64);
        self.caught += caught;
        self.first.extend(first);
        self.apfd += 1.0 - places / (n * m) + 0.5 / n;
        let part = caught as f64 / m;
        let looks = looks_in.max(1) as f64;
        self.napfd += part - places_in / (looks * m) + part / (2.0 * looks);
    }

    fn score(&self, failures: u64) -> Policies {
        let cycles = self.first.len().max(1) as f64;
        Policies {
            caught_in_third: self.caught as f64 / failures.max(1) as f64,
            first_failure_seconds: self.first.iter().sum::<f64>() / cycles / 1_000.0,
            apfd: self.apfd / cycles,
            napfd: self.napfd / cycles,
        }
    }
}

fn ratio<'a>(pairs: impl Iterator<Item = (&'a f64, &'a f64)>) -> f64 {
    let (own, stood) = pairs.fold((0.0, 0.0), |(a, b), (own, stood)| (a + own, b + stood));
    if stood > 0.0 { own / stood } else { 1.0 }
}

/// Cycles drawn anew, with repetition, many times over.
fn interval(own: &[f64], stood: &[f64], seed: u64) -> (Option<f64>, Option<f64>) {
    let n = own.len().min(stood.len());
    if n < 2 {
        return (None, None);
    }
    let mut dice = StdRng::seed_from_u64(seed ^ 0x5eed);
    let mut found: Vec<f64> = (0..SAMPLES)
        .map(|_| ratio((0..n).map(|_| dice.random_range(0..n)).map(|at| (&own[at], &stood[at]))))
        .collect();
    found.sort_by(f64::total_cmp);
    let at = |part: f64| found.get(((SAMPLES - 1) as f64 * part) as usize).copied();
    (at(CUT), at(1.0 - CUT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(cycle: u64, item: u32, ms: f64, failed: bool) -> Look {
        Look { cycle, item, ms, failed }
    }

    /// Ten items a cycle in one order; the last is short and fails in most cycles, the first is long and never does.
    fn log(cycles: u64, failing: impl Fn(u64, u32) -> bool) -> Vec<Look> {
        let items = |cycle| (0..10_u32).map(move |item| (cycle, item, if item == 9 { 50.0 } else { 500.0 }));
        (0..cycles)
            .flat_map(items)
            .map(|(cycle, item, ms)| look(cycle, item, ms, failing(cycle, item)))
            .collect()
    }

    #[test]
    fn what_keeps_failing_is_found_first() {
        let score = evaluate(&log(60, |cycle, item| item == 9 && cycle % 3 != 0), 1).unwrap();
        assert!(score.caught_in_third > 0.97, "{score:?}");
        assert!(score.first_failure_ratio < 0.1, "{score:?}");
        assert!(score.baselines["static"].caught_in_third < 0.01, "{score:?}");
        assert!(score.apfd > score.baselines["static"].apfd, "{score:?}");
    }

    /// The sabotage twin: the same failures, dealt out to items by chance, and nothing is left to be learned.
    #[test]
    fn failures_dealt_out_by_chance_are_found_no_sooner() {
        let mut dice = StdRng::seed_from_u64(3);
        let mut drawn: Vec<u32> = Vec::new();
        (0..600).for_each(|_| drawn.push(dice.random_range(0..10)));
        let mut looks = log(600, |cycle, item| drawn[cycle as usize] == item);
        looks.iter_mut().for_each(|look| look.ms = 100.0);
        let score = evaluate(&looks, 1).unwrap();
        assert!((0.85..1.15).contains(&score.first_failure_ratio), "{score:?}");
        assert!((0.25..0.42).contains(&score.caught_in_third), "{score:?}");
    }

    #[test]
    fn verdicts_are_not_known_before_their_cycle_has_ended() {
        let score = evaluate(&log(1, |_, item| item == 9), 1).unwrap();
        assert_eq!(score.first_failure_ratio, 1.0, "nothing was known, so nothing was moved");
        assert_eq!((score.cycles, score.failing_cycles, score.failures), (1, 1, 1));
        assert_eq!(score.first_failure_ratio_low, None);
    }

    #[test]
    fn scores_of_one_cycle_by_hand() {
        let cycle = [look(0, 0, 100.0, false), look(0, 1, 200.0, true), look(0, 2, 600.0, true)];
        let mut played = Played::default();
        played.add(&cycle, &[1, 0, 2]);
        // The third of 900 is 300: the first two end in it.
        assert_eq!((played.caught, played.first.as_slice()), (1, [200.0].as_slice()));
        assert!((played.apfd - (1.0 - 4.0 / 6.0 + 1.0 / 6.0)).abs() < 1e-12);
        assert!((played.napfd - (0.5 - 1.0 / 4.0 + 0.5 / 4.0)).abs() < 1e-12);
    }

    #[test]
    fn nothing_failed_gives_no_score_and_broken_durations_are_nothing() {
        assert_eq!(evaluate(&[], 1), None);
        assert_eq!(evaluate(&[look(0, 0, 1.0, false)], 1), None);
        let score = evaluate(&[look(0, 0, f64::NAN, true), look(1, 0, -3.0, true)], 1).unwrap();
        assert!(score.first_failure_ratio.is_finite() && score.caught_in_third == 1.0, "{score:?}");
    }
}
