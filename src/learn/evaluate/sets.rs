//! Which stages a case will need, said when it starts: those that some cases have and some have not. Knows no model.

use super::schedule::{Step, at_start};
use crate::learn::log::Log;
use crate::learn::measure::{SetScore, Sets};

/// Says by activity how likely it is that the case will have it.
pub trait Needs {
    fn predict(&self, log: &Log, case: usize) -> Vec<f64>;
    /// The case has ended.
    fn update(&mut self, log: &Log, case: usize);
    /// Whether a stage of that chance is said to be needed.
    fn says(&self, chance: f64) -> bool {
        chance >= 0.5
    }
}

/// Cases that have the activity, by activity.
fn counts(log: &Log, cases: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; log.activities.len()];
    for &case in cases {
        present(log, case).into_iter().for_each(|activity| counts[activity as usize] += 1);
    }
    counts
}

/// Sorted, each once.
fn present(log: &Log, case: usize) -> Vec<u32> {
    let mut present = log.trace(&log.cases[case]).to_vec();
    present.sort_unstable();
    present.dedup();
    present
}

/// `labels` are judged. None without labels or cases.
pub fn score(
    model: &mut dyn Needs,
    log: &Log,
    cases: &[usize],
    labels: &[usize],
    online: bool,
) -> Option<SetScore> {
    let mut seen = Sets::default();
    for step in at_start(log, cases) {
        match step {
            Step::Predict { case, .. } => {
                let chances = model.predict(log, case);
                let present = present(log, case);
                seen.add(labels.iter().map(|&label| {
                    let came = present.binary_search(&(label as u32)).is_ok();
                    let chance = chances.get(label).copied().unwrap_or(0.0);
                    (chance, model.says(chance), came)
                }));
            }
            Step::Reveal { case } if online => model.update(log, case),
            Step::Reveal { .. } => {}
        }
    }
    let score = seen.score();
    (score.n > 0 && !labels.is_empty()).then_some(score)
}

/// Each activity as often as it was seen.
#[derive(Clone, Debug)]
pub struct Prior {
    counts: Vec<usize>,
    cases: usize,
}

impl Prior {
    pub fn train(log: &Log, cases: &[usize]) -> Prior {
        Prior { counts: counts(log, cases), cases: cases.len() }
    }
}

impl Needs for Prior {
    fn predict(&self, _: &Log, _: usize) -> Vec<f64> {
        self.counts.iter().map(|&count| count as f64 / self.cases.max(1) as f64).collect()
    }

    fn update(&mut self, log: &Log, case: usize) {
        present(log, case).into_iter().for_each(|activity| self.counts[activity as usize] += 1);
        self.cases += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn the_prior_by_hand() {
        let log = synthetic::log(&["ab", "ab", "abc", "a", "ac"]);
        let train = [0, 1, 2, 3];
        // b in three of four, c in one of four: said are b and not c; the last case has c and not b.
        let score = score(&mut Prior::train(&log, &train), &log, &[4], &[1, 2], false).expect("a score");
        assert_eq!((score.micro_f1, score.jaccard, score.exact), (0.0, 0.0, 0.0));
        assert_eq!(score.ece, 0.75);
    }

    #[test]
    fn a_case_that_ended_is_learned_before_the_next_only_online() {
        let log = synthetic::log(&["a", "ab", "ab", "ab", "ab"]);
        let test = [2, 3, 4];
        let of = |online| {
            let mut prior = Prior { counts: vec![1, 0], cases: 1 };
            score(&mut prior, &log, &test, &[1], online).map(|score| score.exact)
        };
        assert_eq!((of(false), of(true)), (Some(0.0), Some(2.0 / 3.0)));
    }

    #[test]
    fn nothing_to_judge_is_no_score() {
        let log = synthetic::cycle(3, 2);
        assert_eq!(score(&mut Prior::train(&log, &[0, 1]), &log, &[2], &[], true), None);
    }
}
