//! In which order to look for a failure: what fails often for the time it takes comes first. Learns from verdicts in the
//! order in which they became known; knows no stage, no lane and no clock.
//!
//! Of independent checks made one after the other, looking in the order of chance over cost finds the first failure soonest
//! on the mean: L. G. Mitten, *An analytic solution to the least cost testing sequence problem*, 1960.

mod evaluate;

use rustc_hash::FxHashMap;

pub use evaluate::{Look, OrderScore, Policies, Policy, evaluate};

/// What of a verdict is left after each later one of the same item: three memories, of about three, twenty and two hundred.
const KEPT: [f64; 3] = [0.7, 0.95, 0.995];
/// How much each of them counts.
const SHARE: [f64; 3] = [0.2, 0.3, 0.5];
/// As how many verdicts the rate of those that never failed counts, in each memory.
const PRIOR: f64 = 2.0;
/// Before anything is known: of items that never failed, and of new ones, how many fail, and as how many verdicts it counts.
const NEVER: (f64, f64) = (0.5, 200.0);
const NEW: (f64, f64) = (0.5, 10.0);
/// How much of a new duration counts against those before.
const NEWEST: f64 = 0.3;
/// Less than this no look takes: to begin one costs about as much.
const LEAST_MS: f64 = 5.0;
/// What a look takes where nothing at all is known.
const UNKNOWN_MS: f64 = 1_000.0;
/// Verdicts that are counted for people.
pub const LATELY: u32 = 20;

/// One verdict of one item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    pub item: u32,
    pub failed: bool,
    /// Milliseconds it took.
    pub ms: f64,
}

/// What is thought of an item before it is looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outlook {
    /// Of failing, 0 to 1.
    pub chance: f64,
    /// Milliseconds it is expected to take.
    pub ms: f64,
    /// Of its last [`LATELY`] verdicts, or of fewer where there were fewer, how many were failures.
    pub failed: u32,
    pub of: u32,
}

impl Outlook {
    /// Failures found a millisecond.
    pub fn yield_of(&self) -> f64 {
        self.chance / self.ms.max(LEAST_MS)
    }
}

/// How one item did so far.
#[derive(Clone, Debug, Default)]
struct Trail {
    /// Failures and verdicts, both fading, one of each memory.
    failed: [f64; 3],
    seen: [f64; 3],
    ms: f64,
    /// The newest verdict is the lowest bit; a failure is a one.
    lately: u32,
    count: u32,
    ever_failed: bool,
    last_failure: Option<u64>,
}

/// How many came, and how many of them failed.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    failed: f64,
    seen: f64,
}

impl Rate {
    fn add(&mut self, failed: bool) {
        self.failed += f64::from(u8::from(failed));
        self.seen += 1.0;
    }

    fn with(self, prior: (f64, f64)) -> f64 {
        (self.failed + prior.0) / (self.seen + prior.1)
    }
}

/// All that was learned of verdicts so far.
#[derive(Clone, Debug, Default)]
pub struct Ranker {
    trails: FxHashMap<u32, Trail>,
    /// Verdicts of items that had not failed until then, and first verdicts.
    never: Rate,
    new: Rate,
    /// Rounds of verdicts so far.
    rounds: u64,
    middle_ms: Option<f64>,
}

impl Ranker {
    /// Learns verdicts that became known together. Durations that are no number, or below nothing, say nothing.
    pub fn reveal(&mut self, verdicts: &[Verdict]) {
        self.rounds += 1;
        for verdict in verdicts {
            let trail = self.trails.entry(verdict.item).or_default();
            match (trail.count, trail.ever_failed) {
                (0, _) => self.new.add(verdict.failed),
                (_, false) => self.never.add(verdict.failed),
                _ => {}
            }
            trail.learn(verdict, self.rounds);
        }
        self.middle_ms = middle(self.trails.values().map(|trail| trail.ms).filter(|ms| *ms > 0.0).collect());
    }

    pub fn outlook(&self, item: u32) -> Outlook {
        let unknown = self.middle_ms.unwrap_or(UNKNOWN_MS);
        let Some(trail) = self.trails.get(&item) else {
            return Outlook { chance: self.new.with(NEW), ms: unknown, failed: 0, of: 0 };
        };
        let never = self.never.with(NEVER);
        let memories = trail.failed.iter().zip(&trail.seen).zip(SHARE);
        let chance =
            memories.map(|((failed, seen), share)| share * (failed + PRIOR * never) / (seen + PRIOR));
        let of = trail.count.min(LATELY);
        let failed = (trail.lately & ((1 << LATELY) - 1)).count_ones();
        let ms = if trail.ms > 0.0 { trail.ms } else { LEAST_MS };
        Outlook { chance: chance.sum::<f64>().clamp(0.0, 1.0), ms, failed, of }
    }

    /// Places in `items`, that to look at first in front; equal ones as they stood.
    pub fn order(&self, items: &[u32]) -> Vec<usize> {
        evaluate::sorted(items.iter().map(|item| -self.outlook(*item).yield_of()).collect())
    }

    /// The round in which it failed last.
    fn last_failure(&self, item: u32) -> Option<u64> {
        self.trails.get(&item).and_then(|trail| trail.last_failure)
    }
}

impl Trail {
    fn learn(&mut self, verdict: &Verdict, round: u64) {
        for ((failed, seen), kept) in self.failed.iter_mut().zip(&mut self.seen).zip(KEPT) {
            *failed = *failed * kept + f64::from(u8::from(verdict.failed));
            *seen = *seen * kept + 1.0;
        }
        if verdict.ms.is_finite() && verdict.ms >= 0.0 {
            let first = self.count == 0 || self.ms <= 0.0;
            self.ms = if first { verdict.ms } else { self.ms + NEWEST * (verdict.ms - self.ms) };
        }
        self.lately = self.lately << 1 | u32::from(verdict.failed);
        self.count = self.count.saturating_add(1);
        if verdict.failed {
            self.ever_failed = true;
            self.last_failure = Some(round);
        }
    }
}

fn middle(mut numbers: Vec<f64>) -> Option<f64> {
    let place = numbers.len() / 2;
    if numbers.is_empty() {
        return None;
    }
    Some(*numbers.select_nth_unstable_by(place, f64::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(item: u32, failed: bool, ms: f64) -> Verdict {
        Verdict { item, failed, ms }
    }

    fn taught(rounds: &[&[Verdict]]) -> Ranker {
        let mut ranker = Ranker::default();
        rounds.iter().for_each(|round| ranker.reveal(round));
        ranker
    }

    #[test]
    fn what_failed_and_what_is_cheap_comes_first() {
        let round = [verdict(0, false, 10.0), verdict(1, true, 1_000.0), verdict(2, true, 100.0)];
        let ranker = taught(&[&round, &round, &round]);
        assert_eq!(ranker.order(&[0, 1, 2]), [2, 1, 0]);
    }

    #[test]
    fn among_those_that_never_failed_the_cheap_come_first_and_equals_keep_their_place() {
        let round = [verdict(0, false, 500.0), verdict(1, false, 50.0), verdict(2, false, 500.0)];
        assert_eq!(taught(&[&round]).order(&[0, 1, 2]), [1, 0, 2]);
        assert_eq!(Ranker::default().order(&[7, 3, 5]), [0, 1, 2], "nothing is known, nothing is moved");
    }

    #[test]
    fn a_failure_fades() {
        let (good, bad) = ([verdict(0, false, 10.0)], [verdict(0, true, 10.0)]);
        let mut ranker = taught(&[&good, &bad]);
        let mut before = ranker.outlook(0).chance;
        for _ in 0..30 {
            ranker.reveal(&good);
            let now = ranker.outlook(0).chance;
            assert!(now < before, "{now} is not below {before}");
            before = now;
        }
        assert_eq!((ranker.outlook(0).failed, ranker.outlook(0).of), (0, 20), "it is out of the last twenty");
    }

    #[test]
    fn a_steady_item_is_known_for_what_it_is() {
        let mut ranker = Ranker::default();
        (0..400).for_each(|n| ranker.reveal(&[verdict(0, n % 4 == 0, 10.0), verdict(1, false, 10.0)]));
        let (often, never) = (ranker.outlook(0).chance, ranker.outlook(1).chance);
        assert!((0.15..0.35).contains(&often) && never < 0.01, "{often} {never}");
        assert_eq!((ranker.outlook(0).failed, ranker.outlook(0).of), (5, 20));
    }

    #[test]
    fn durations_that_are_none_teach_nothing() {
        let mut ranker = taught(&[&[verdict(0, false, 80.0)]]);
        for ms in [f64::NAN, f64::INFINITY, -5.0] {
            ranker.reveal(&[verdict(0, false, ms)]);
        }
        assert_eq!(ranker.outlook(0).ms, 80.0);
        ranker.reveal(&[verdict(1, true, f64::NAN)]);
        assert!(ranker.outlook(1).ms.is_finite() && ranker.outlook(1).yield_of().is_finite());
    }
}
