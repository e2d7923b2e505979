//! How long something takes that was done before, from narrow to wide: the same under the same circumstances, else the same
//! at all. Recent ones weigh more, and nothing known is no number. Knows neither stages nor lanes.

use rustc_hash::FxHashMap;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// Samples of a key that count: the newest.
const KEPT: usize = 200;
/// A narrow key with so many samples is preferred to a wider one.
const ENOUGH: usize = 5;
/// After so many newer ones a sample weighs half.
const HALF_LIFE: f64 = 15.0;
/// What is assumed of the spread of logarithms before anything is seen, and how many samples that is worth.
const ASSUMED: (f64, f64) = (0.3, 2.0);

/// Durations by key.
#[derive(Clone, Debug, Default)]
pub struct Durations {
    /// Oldest first.
    seen: FxHashMap<u64, Vec<f64>>,
}

impl Durations {
    /// `keys` from the narrowest to the widest. What is newer is to come later; what is no duration is left out.
    pub fn add(&mut self, keys: &[u64], ms: f64) {
        if !ms.is_finite() || ms < 0.0 {
            return;
        }
        for key in keys {
            let own = self.seen.entry(*key).or_default();
            if own.len() >= 2 * KEPT {
                own.drain(..KEPT);
            }
            own.push(ms);
        }
    }

    /// Of the narrowest key of which enough is known, else of the one of which most is.
    pub fn get(&self, keys: &[u64]) -> Option<Spread> {
        let known = |key: &&u64| self.seen.get(key).map_or(0, Vec::len);
        let enough = keys.iter().find(|key| known(key) >= ENOUGH);
        let most = || keys.iter().rev().max_by_key(known);
        let own = self.seen.get(enough.or_else(most)?)?;
        Spread::of(&own[own.len().saturating_sub(KEPT)..])
    }
}

/// What a duration may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Rising, each with the share of weight up to its middle.
    values: Vec<(f64, f64)>,
    /// Of logarithms.
    mean: f64,
    deviation: f64,
    freedom: f64,
    /// Samples it rests on.
    pub n: usize,
}

impl Spread {
    /// `newest` last; none of none.
    pub fn of(seen: &[f64]) -> Option<Spread> {
        let newest = seen.len();
        let weight = |place: usize| 0.5_f64.powf((newest - 1 - place) as f64 / HALF_LIFE);
        let mut weighed: Vec<(f64, f64)> =
            seen.iter().enumerate().map(|(at, ms)| (*ms, weight(at))).collect();
        weighed.sort_by(|a, b| a.0.total_cmp(&b.0));
        let all: f64 = weighed.iter().map(|(_, weight)| weight).sum();
        let squares: f64 = weighed.iter().map(|(_, weight)| weight * weight).sum();
        if all <= 0.0 {
            return None;
        }
        // As many samples of one weight would say as much.
        let worth = all * all / squares;
        let log = |ms: f64| ms.max(1.0).ln();
        let mean = weighed.iter().map(|(ms, weight)| weight * log(*ms)).sum::<f64>() / all;
        let square = weighed.iter().map(|(ms, weight)| weight * (log(*ms) - mean).powi(2)).sum::<f64>() / all;
        let freedom = worth - 1.0 + ASSUMED.1;
        let variance = (square * worth + ASSUMED.0.powi(2) * ASSUMED.1) / freedom;
        let mut below = 0.0;
        let values = weighed.into_iter().map(|(ms, weight)| {
            below += weight;
            // Between n values there are n + 1 gaps, each as likely to take the next.
            (ms, (below - weight / 2.0) / all * worth / (worth + 1.0) + 0.5 / (worth + 1.0))
        });
        let values = values.collect();
        let deviation = (variance * (1.0 + 1.0 / worth)).sqrt();
        Some(Spread { values, mean, deviation, freedom, n: newest })
    }

    /// The next one is below this with that probability. Beyond what was seen, as a log-normal one would be.
    pub fn quantile(&self, level: f64) -> f64 {
        let place = self.values.partition_point(|(_, at)| *at < level);
        let (first, last) = (self.values.first(), self.values.last());
        match (place.checked_sub(1).and_then(|before| self.values.get(before)), self.values.get(place)) {
            (Some(low), Some(high)) => {
                let gap = (high.1 - low.1).max(f64::MIN_POSITIVE);
                low.0 + (high.0 - low.0) * ((level - low.1) / gap).clamp(0.0, 1.0)
            }
            (None, _) => self.beyond(level).min(first.map_or(f64::MAX, |first| first.0)),
            (Some(_), None) => self.beyond(level).max(last.map_or(0.0, |last| last.0)),
        }
    }

    fn beyond(&self, level: f64) -> f64 {
        let level = level.clamp(1e-4, 1.0 - 1e-4);
        match StudentsT::new(self.mean, self.deviation, self.freedom) {
            Ok(student) => student.inverse_cdf(level).exp(),
            Err(_) => self.mean.exp(),
        }
    }

    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Which level `ms` has: how likely it is that it takes no longer.
    pub fn level(&self, ms: f64) -> f64 {
        let place = self.values.partition_point(|(value, _)| *value <= ms);
        match place.checked_sub(1).and_then(|before| self.values.get(before)) {
            Some(&(low, at)) => match self.values.get(place) {
                Some(&(high, next)) => at + (next - at) * ((ms - low) / (high - low)).clamp(0.0, 1.0),
                None => at,
            },
            None => 0.0,
        }
    }

    /// How long it takes in all if it has taken `elapsed` already; `uniform` is a draw between 0 and 1.
    pub fn draw(&self, uniform: f64, elapsed: f64) -> f64 {
        let from = if elapsed > 0.0 { self.level(elapsed) } else { 0.0 };
        self.quantile(from + (1.0 - from) * uniform).max(elapsed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_known_is_no_number() {
        let mut durations = Durations::default();
        assert_eq!(durations.get(&[1, 2]), None);
        durations.add(&[1], f64::NAN);
        durations.add(&[1], -5.0);
        assert_eq!(durations.get(&[1]), None);
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn a_narrow_key_counts_from_five_samples_on() {
        let mut durations = Durations::default();
        (0..20).for_each(|_| durations.add(&[2], 100.0));
        (0..4).for_each(|_| durations.add(&[1, 2], 900.0));
        let median = |durations: &Durations| durations.get(&[1, 2]).map(|spread| (spread.n, spread.median()));
        assert_eq!(median(&durations), Some((24, 100.0)));
        durations.add(&[1, 2], 900.0);
        assert_eq!(median(&durations), Some((5, 900.0)));
    }

    #[test]
    fn what_is_newer_weighs_more_and_what_is_old_is_forgotten() {
        let slower: Vec<f64> = (0..200).map(|at| if at < 120 { 100.0 } else { 300.0 }).collect();
        assert_eq!(Spread::of(&slower).unwrap().median(), 300.0, "80 newer ones outweigh 120 older ones");
        let mut durations = Durations::default();
        (0..5_000).for_each(|_| durations.add(&[1], 100.0));
        assert!(durations.seen[&1].len() <= 2 * KEPT);
        assert_eq!(durations.get(&[1]).unwrap().n, KEPT);
    }

    #[test]
    fn few_samples_leave_room_beyond_them_and_many_do_not() {
        let few = Spread::of(&[90.0, 100.0, 110.0]).unwrap();
        assert!(few.quantile(0.01) < 80.0 && few.quantile(0.99) > 125.0, "{few:?}");
        let many: Vec<f64> = (0..200).map(|at| 90.0 + f64::from(at % 21)).collect();
        let many = Spread::of(&many).unwrap();
        let range = |spread: &Spread| spread.quantile(0.99) - spread.quantile(0.01);
        assert!(range(&many) < 50.0 && range(&many) < range(&few), "{many:?}");
        let levels: Vec<f64> = (0..=100).map(|at| many.quantile(f64::from(at) / 100.0)).collect();
        assert!(levels.is_sorted(), "{levels:?}");
    }

    #[test]
    fn what_has_taken_long_already_takes_at_least_so_long() {
        let spread = Spread::of(&[10.0, 20.0, 30.0, 40.0, 50.0]).unwrap();
        for draw in [0.0, 0.3, 0.9, 1.0] {
            assert!(spread.draw(draw, 35.0) >= 35.0);
            assert!(spread.draw(draw, 500.0) >= 500.0);
        }
        assert!(spread.draw(0.5, 35.0) > spread.draw(0.5, 0.0));
    }
}
