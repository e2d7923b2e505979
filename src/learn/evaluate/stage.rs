//! The next stage: how good predictions are that learn no more, and how good those that learn from each event once it has
//! come. Knows no model, only that one can be asked and told.

use core::time::Duration;

use super::report::Percentiles;
use super::schedule;
use crate::learn::log::Log;
use crate::learn::measure::{ClassScore, Classes};

/// Prefixes shorter than this are learned from and not judged.
pub const LEAST: usize = 2;

/// Predicts what follows the first `length` events of a case.
pub trait Forecast {
    /// Probabilities by class; the class after the last activity is the case's end.
    fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>);
    /// What followed is learned.
    fn update(&mut self, log: &Log, case: usize, length: usize);
}

/// How long single calls took.
#[derive(Clone, Debug, Default)]
pub struct Laps {
    nanos: Vec<u32>,
}

impl Laps {
    pub fn add(&mut self, took: Duration) {
        self.nanos.push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
    }

    /// In microseconds; none without a call.
    pub fn percentiles(&mut self) -> Option<Percentiles> {
        self.nanos.sort_unstable();
        let at = |share: f64| {
            let place = (self.nanos.len() as f64 * share) as usize;
            self.nanos.get(place.min(self.nanos.len().saturating_sub(1))).map(|&nanos| f64::from(nanos) / 1e3)
        };
        Some(Percentiles { p50: at(0.5)?, p99: at(0.99)? })
    }

    pub fn mean_micros(&self) -> Option<f64> {
        let all: f64 = self.nanos.iter().map(|&nanos| f64::from(nanos)).sum();
        (!self.nanos.is_empty()).then(|| all / 1e3 / self.nanos.len() as f64)
    }
}

/// What came after the first `length` events.
pub fn came(log: &Log, case: usize, length: usize) -> usize {
    log.trace(&log.cases[case]).get(length).copied().unwrap_or(log.end()) as usize
}

/// Every so many predictions one is made, so that a log of very many activities takes bounded time: a prediction costs as
/// many steps as there are classes.
pub fn stride(log: &Log, cases: &[usize], cells: u64) -> usize {
    let each = |&case: &usize| (log.cases[case].events.len() + 1).saturating_sub(LEAST) as u64;
    let all = cases.iter().map(each).sum::<u64>().saturating_mul(u64::from(log.end()) + 1);
    (all / cells.max(1) + 1) as usize
}

/// Learns nothing on the way. The laps are of predictions.
pub fn fixed(
    model: &dyn Forecast,
    log: &Log,
    cases: &[usize],
    stride: usize,
    clock: &mut dyn FnMut() -> Duration,
) -> (ClassScore, Laps) {
    let (mut seen, mut laps, mut said) = (Classes::default(), Laps::default(), Vec::new());
    let prefixes = cases
        .iter()
        .flat_map(|&case| (LEAST..=log.cases[case].events.len()).map(move |length| (case, length)));
    for (case, length) in prefixes.step_by(stride) {
        let from = clock();
        model.predict(log, case, length, &mut said);
        laps.add(clock().saturating_sub(from));
        seen.add(&said, came(log, case, length));
    }
    (seen.score(), laps)
}

/// Predicts each event of the cases as it comes, then learns it. The laps are of updates.
pub fn prequential(
    model: &mut dyn Forecast,
    log: &Log,
    cases: &[usize],
    stride: usize,
    clock: &mut dyn FnMut() -> Duration,
) -> (ClassScore, Laps) {
    let (mut seen, mut laps, mut said) = (Classes::default(), Laps::default(), Vec::new());
    let mut turn = 0;
    for (case, length) in schedule::events(log, cases) {
        let (case, length) = (case as usize, length as usize);
        if length >= LEAST {
            if turn % stride == 0 {
                model.predict(log, case, length, &mut said);
                seen.add(&said, came(log, case, length));
            }
            turn += 1;
        }
        let from = clock();
        model.update(log, case, length);
        laps.add(clock().saturating_sub(from));
    }
    (seen.score(), laps)
}

#[cfg(test)]
mod tests {
    use super::super::baseline::Simple;
    use super::super::synthetic::{self, drifting, ticking};
    use super::*;
    use crate::learn::next::baseline::Kind;

    fn markov(log: &Log, cases: &[usize]) -> Simple {
        Simple::train(Kind::Markov, log, cases)
    }

    #[test]
    fn each_prefix_of_two_and_more_is_judged_once_the_end_included() {
        let log = synthetic::cycle(9, 4);
        let model = markov(&log, &[0, 1, 2]);
        let (score, laps) = fixed(&model, &log, &[3, 4], 1, &mut ticking());
        assert_eq!((score.n, laps.nanos.len()), (6, 6), "two, three and four of four events, twice");
        assert_eq!(score.accuracy, 1.0);
    }

    #[test]
    fn what_is_learned_on_the_way_helps_when_the_process_changes_and_only_then() {
        let log = drifting(300, 11);
        let cases: Vec<usize> = (0..log.cases.len()).collect();
        let (train, test) = (&cases[170..200], &cases[200..]);
        let fixed_score = fixed(&markov(&log, train), &log, test, 1, &mut ticking()).0;
        let mut learning = markov(&log, train);
        let online = prequential(&mut learning, &log, test, 1, &mut ticking()).0;
        assert_eq!(fixed_score.n, online.n);
        assert!(online.accuracy > fixed_score.accuracy + 0.2, "{online:?} beside {fixed_score:?}");
    }

    #[test]
    fn very_many_classes_are_judged_by_a_sample() {
        let log = synthetic::cycle(30, 4);
        let cases: Vec<usize> = (0..30).collect();
        assert_eq!(stride(&log, &cases, u64::MAX), 1);
        let every = stride(&log, &cases, 45);
        let (score, _) = fixed(&markov(&log, &cases), &log, &cases, every, &mut ticking());
        assert!(every > 1 && score.n < 90 && score.n > 0, "{every} {score:?}");
    }

    #[test]
    fn percentiles_are_of_the_calls() {
        let mut laps = Laps::default();
        (1..=100).for_each(|micros| laps.add(Duration::from_micros(micros)));
        assert_eq!(laps.mean_micros(), Some(50.5));
        assert_eq!(laps.percentiles(), Some(Percentiles { p50: 51.0, p99: 100.0 }));
        assert_eq!(Laps::default().percentiles(), None);
    }
}
