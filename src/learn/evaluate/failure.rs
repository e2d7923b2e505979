//! Whether a case will fail, said when it starts, where the log says how cases ended. Knows no model.

use super::schedule::{Step, at_start};
use crate::learn::chance::Sample;
use crate::learn::chance::baseline::{Baseline, Last, Prior};
use crate::learn::log::Log;
use crate::learn::measure::{ChanceScore, Chances};

/// Says how likely it is that the case will fail.
pub trait Risk {
    fn predict(&self, log: &Log, case: usize) -> f64;
    /// The case has ended; its outcome is known.
    fn reveal(&mut self, log: &Log, case: usize, failed: bool);
}

/// Cases that say how they ended, as they were ordered.
pub fn known(log: &Log, cases: &[usize]) -> Vec<(usize, bool)> {
    cases.iter().filter_map(|&case| Some((case, log.cases[case].failed?))).collect()
}

/// Cases of unknown end are not judged and not told. None where no end is known.
pub fn score(model: &mut dyn Risk, log: &Log, cases: &[usize], online: bool) -> Option<ChanceScore> {
    let mut seen = Chances::default();
    for step in at_start(log, cases) {
        match step {
            Step::Predict { case, .. } => {
                if let Some(failed) = log.cases[case].failed {
                    seen.add(model.predict(log, case), failed);
                }
            }
            Step::Reveal { case } if online => {
                if let Some(failed) = log.cases[case].failed {
                    model.reveal(log, case, failed);
                }
            }
            Step::Reveal { .. } => {}
        }
    }
    let score = seen.score();
    (score.n > 0).then_some(score)
}

/// An answer from counts alone.
pub struct Simple<B> {
    counts: B,
    /// Whether it goes on counting.
    learns: bool,
}

/// Always the share seen.
pub fn prior(log: &Log, cases: &[usize]) -> Simple<Prior> {
    Simple { counts: counted(Prior::default(), log, cases), learns: false }
}

/// As often as cases failed whose predecessor ended as the last one did.
pub fn last_outcome(log: &Log, cases: &[usize]) -> Simple<Last> {
    Simple { counts: counted(Last::default(), log, cases), learns: true }
}

fn counted<B: Baseline>(mut counts: B, log: &Log, cases: &[usize]) -> B {
    known(log, cases).into_iter().for_each(|(_, failed)| counts.update(&Sample::default(), failed));
    counts
}

impl<B: Baseline> Risk for Simple<B> {
    fn predict(&self, _: &Log, _: usize) -> f64 {
        self.counts.predict(&Sample::default())
    }

    fn reveal(&mut self, _: &Log, _: usize, failed: bool) {
        if self.learns {
            self.counts.update(&Sample::default(), failed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    /// One event a case, as in a table of builds.
    fn builds(failed: &[Option<bool>]) -> Log {
        let mut log = synthetic::cycle(failed.len(), 1);
        log.cases.iter_mut().zip(failed).for_each(|(case, &failed)| case.failed = failed);
        log
    }

    #[test]
    fn failures_in_a_row_are_foretold_by_the_last_one_and_not_by_the_prior() {
        let rows: Vec<Option<bool>> = (0..120).map(|row| Some(row / 10 % 2 == 0)).collect();
        let log = builds(&rows);
        let cases: Vec<usize> = (0..120).collect();
        let (train, test) = cases.split_at(80);
        let last = score(&mut last_outcome(&log, train), &log, test, true).expect("outcomes");
        let rate = score(&mut prior(&log, train), &log, test, true).expect("outcomes");
        assert_eq!(rate.auc, Some(0.5));
        assert!(last.auc > Some(0.8) && last.brier < rate.brier, "{last:?} beside {rate:?}");
        // The same without being told: the last one known is always the same one.
        let blind = score(&mut last_outcome(&log, train), &log, test, false).expect("outcomes");
        assert_eq!(blind.auc, Some(0.5));
    }

    #[test]
    fn an_unknown_end_is_neither_judged_nor_learned() {
        let log = builds(&[Some(true), None, Some(false)]);
        assert_eq!(known(&log, &[0, 1, 2]), [(0, true), (2, false)]);
        let mut rate = prior(&log, &[0, 1]);
        assert_eq!(score(&mut rate, &log, &[1], true), None);
        assert_eq!(score(&mut rate, &log, &[1, 2], true).map(|score| score.n), Some(1));
    }
}
