//! How long a case still takes: how far off the middle is and how often the 80 % interval holds, beside answers that need no
//! model. Milliseconds inside, seconds in what is told.

use rustc_hash::FxHashMap;

use super::report::TimeScore;
use super::schedule::{Step, at_events};
use super::stage::LEAST;
use crate::learn::log::{Log, NO_TIME};

/// Milliseconds: the middle and the bounds of the 80 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Left {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}

/// Says how long a case still takes after its first `length` events.
pub trait Clockwork {
    fn left(&self, log: &Log, case: usize, length: usize) -> Left;
    /// The case has ended.
    fn reveal(&mut self, log: &Log, case: usize);
}

/// Milliseconds from the prefix's last event to the case's; none where a time is missing.
pub fn truth(log: &Log, case: usize, length: usize) -> Option<f64> {
    let times = log.times(&log.cases[case]);
    let now = *times.get(length.checked_sub(1)?)?;
    let end = *times.last()?;
    (now != NO_TIME && end != NO_TIME).then(|| end.saturating_sub(now) as f64)
}

/// Goes through the cases as time does; with `online` each is told when it has ended. None where no case had a time.
pub fn score(model: &mut dyn Clockwork, log: &Log, cases: &[usize], online: bool) -> Option<TimeScore> {
    let mut seen = TimeScore::default();
    for step in at_events(log, cases, LEAST) {
        match step {
            Step::Predict { case, length } => {
                let Some(came) = truth(log, case, length) else { continue };
                add(&mut seen, model.left(log, case, length), came);
            }
            Step::Reveal { case } if online => model.reveal(log, case),
            Step::Reveal { .. } => {}
        }
    }
    let n = seen.n as f64;
    let mean = |sum: f64| sum / n;
    (seen.n > 0).then(|| TimeScore {
        mae_seconds: mean(seen.mae_seconds) / 1e3,
        coverage80: mean(seen.coverage80),
        width_seconds: mean(seen.width_seconds) / 1e3,
        n: seen.n,
    })
}

fn add(seen: &mut TimeScore, left: Left, came: f64) {
    seen.mae_seconds += (left.middle - came).abs();
    seen.coverage80 += f64::from(u8::from(left.low <= came && came <= left.high));
    seen.width_seconds += left.high - left.low;
    seen.n += 1;
}

/// Stages back that the longest context holds.
const DEPTH: usize = 4;
/// Cases that ended before a context is believed.
const ENOUGH: usize = 10;
/// Events that are counted, about: what the baselines say does not get better by more.
const EVENTS: usize = 300_000;

/// What was left after the same last stages, from the longest context seen often enough.
#[derive(Clone, Debug)]
pub struct BackOff {
    after: FxHashMap<u64, Left>,
    depth: usize,
    mean: bool,
}

impl BackOff {
    /// One answer for all: the mean.
    pub fn mean(log: &Log, cases: &[usize]) -> BackOff {
        BackOff { mean: true, ..BackOff::train(log, cases, 0) }
    }

    /// One answer for all: the median.
    pub fn median(log: &Log, cases: &[usize]) -> BackOff {
        BackOff::train(log, cases, 0)
    }

    pub fn by_last_stages(log: &Log, cases: &[usize]) -> BackOff {
        BackOff::train(log, cases, DEPTH)
    }

    fn train(log: &Log, cases: &[usize], depth: usize) -> BackOff {
        let events: usize = cases.iter().map(|&case| log.cases[case].events.len()).sum();
        let mut seen: FxHashMap<u64, Vec<f64>> = FxHashMap::default();
        for &case in cases.iter().step_by(events / EVENTS + 1) {
            for length in 1..=log.cases[case].events.len() {
                let Some(left) = truth(log, case, length) else { continue };
                contexts(log, case, length, depth).for_each(|key| seen.entry(key).or_default().push(left));
            }
        }
        let mean = seen.get(&0).map(|all| all.iter().sum::<f64>() / all.len().max(1) as f64);
        let enough = seen.into_iter().filter(|(key, left)| *key == 0 || left.len() >= ENOUGH);
        let mut after: FxHashMap<u64, Left> = enough.map(|(key, left)| (key, quantiles(left))).collect();
        // Kept under a key of its own: only one of both answers is asked for.
        after.insert(
            u64::MAX,
            Left { middle: mean.unwrap_or(0.0), ..after.get(&0).copied().unwrap_or_default() },
        );
        BackOff { after, depth, mean: false }
    }
}

/// Keys of the contexts from none to the longest; that of none is 0.
fn contexts(log: &Log, case: usize, length: usize, depth: usize) -> impl Iterator<Item = u64> {
    let known = &log.trace(&log.cases[case])[..length];
    let mix = |key: u64, &activity: &u32| {
        (key ^ (u64::from(activity) + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
    };
    (0..=depth.min(length)).map(move |taken| known[length - taken..].iter().fold(0, mix))
}

fn quantiles(mut left: Vec<f64>) -> Left {
    left.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| left[((left.len() - 1) as f64 * share).round() as usize];
    Left { middle: at(0.5), low: at(0.1), high: at(0.9) }
}

impl Clockwork for BackOff {
    fn left(&self, log: &Log, case: usize, length: usize) -> Left {
        if self.mean {
            return self.after.get(&u64::MAX).copied().unwrap_or_default();
        }
        let known = contexts(log, case, length, self.depth).filter_map(|key| self.after.get(&key));
        known.last().copied().unwrap_or_default()
    }

    fn reveal(&mut self, _: &Log, _: usize) {}
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    /// Remembers only the case that ended last.
    #[derive(Default)]
    struct Newest(f64);

    impl Clockwork for Newest {
        fn left(&self, _: &Log, _: usize, _: usize) -> Left {
            Left { middle: self.0, low: self.0, high: self.0 }
        }

        fn reveal(&mut self, log: &Log, case: usize) {
            self.0 = truth(log, case, LEAST).unwrap_or(0.0);
        }
    }

    #[test]
    fn by_hand_in_seconds() {
        // Of two and three of three events 60 and 0 seconds are left; the first answer is nothing.
        let log = synthetic::cycle(1, 3);
        let score = score(&mut Newest::default(), &log, &[0], true).expect("times");
        assert_eq!((score.n, score.mae_seconds, score.coverage80), (2, 30.0, 0.5));
    }

    #[test]
    fn what_ended_is_told_only_online() {
        let log = synthetic::cycle(4, 2);
        let slow = |online| {
            let mut log = log.clone();
            // Ends before the next begins, an hour later.
            log.cases.iter().for_each(|case| log.at[case.events.start + 1] += 1_000);
            score(&mut Newest(7_000.0), &log, &[0, 1, 2, 3], online).map(|score| score.mae_seconds)
        };
        assert_eq!((slow(false), slow(true)), (Some(7.0), Some(7.0 / 4.0)));
    }

    #[test]
    fn the_last_stages_say_more_than_none() {
        // After c five minutes are left, after d none.
        let texts: Vec<&str> = (0..60).map(|n| if n % 2 == 0 { "acaaaaa" } else { "ad" }).collect();
        let log = synthetic::log(&texts);
        let (train, test): (Vec<usize>, Vec<usize>) = ((0..40).collect(), (40..60).collect());
        let of = |mut model: BackOff| score(&mut model, &log, &test, false).expect("times").mae_seconds;
        let (mean, median) = (of(BackOff::mean(&log, &train)), of(BackOff::median(&log, &train)));
        let back_off = of(BackOff::by_last_stages(&log, &train));
        assert!(back_off < median / 2.0 && back_off < mean / 2.0, "{back_off} {median} {mean}");
    }

    #[test]
    fn without_times_there_is_no_score() {
        let mut log = synthetic::cycle(3, 3);
        log.at.iter_mut().for_each(|at| *at = NO_TIME);
        assert_eq!(score(&mut BackOff::median(&log, &[0]), &log, &[1, 2], true), None);
    }
}
