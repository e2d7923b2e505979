//! What to expect of each stage of the next run: how long it takes, how busy it keeps the processors, how much memory it
//! needs. Medians over past runs; knows no plan's graph and no clock.

use std::collections::BTreeMap;

use crate::history::Sample;
use crate::learn::time::Spread;
use crate::plan::Expected;

/// Newest runs of the lane that count.
const RUNS: usize = 40;
/// Stages read at most, so that large lanes do not begin late; one run always counts.
const STAGES: usize = 2_000;
/// Runs that say what is usual, at least.
const FOR_RANGE: usize = 10;
/// Attempts shorter than this say nothing of processors: starting the process is most of them.
const SHORT_MS: u64 = 100;

/// How many runs of a lane of `stages` stages are looked at.
pub fn runs(stages: usize) -> usize {
    (STAGES / stages.max(1)).clamp(1, RUNS)
}

/// What is expected, by stage and by instance.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    instances: BTreeMap<String, Expected>,
    stages: BTreeMap<String, Expected>,
}

impl Expectations {
    pub fn of(samples: &[Sample]) -> Self {
        Expectations {
            instances: by(samples, |sample| &sample.name),
            stages: by(samples, |sample| &sample.stage),
        }
    }

    /// Of the instance itself, else of its stage.
    pub fn get(&self, instance: &str, stage: &str) -> Option<Expected> {
        self.instances.get(instance).or_else(|| self.stages.get(stage)).copied()
    }
}

fn by<'s>(samples: &'s [Sample], name: impl Fn(&'s Sample) -> &'s str) -> BTreeMap<String, Expected> {
    let mut groups: BTreeMap<&str, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        groups.entry(name(sample)).or_default().push(sample);
    }
    groups.into_iter().map(|(name, group)| (name.to_owned(), expected(&group))).collect()
}

fn expected(group: &[&Sample]) -> Expected {
    let long = group.iter().filter(|sample| sample.attempt_ms >= SHORT_MS);
    let processors = long.map(|sample| {
        let used = sample.usage.user_ms.saturating_add(sample.usage.system_ms);
        used.saturating_mul(1000) / sample.attempt_ms
    });
    // Of all processes together where that was looked at, else of the largest.
    let memory = group.iter().map(|sample| sample.usage.max_rss.max(sample.usage.tree_rss));
    let memory = memory.filter(|bytes| *bytes > 0);
    let range = usual(group);
    Expected {
        low: range.map_or(0, |(low, _)| low),
        high: range.map_or(0, |(_, high)| high),
        runs: if range.is_some() { group.len() as u32 } else { 0 },
        ms: part(group.iter().map(|sample| sample.duration_ms), 50).unwrap_or_default(),
        processors: part(processors, 50).map(|used| used.min(u64::from(u32::MAX)) as u32),
        memory: part(memory, 90).unwrap_or_default(),
    }
}

/// Between which milliseconds 98 runs of a hundred stay. Samples come oldest first.
fn usual(group: &[&Sample]) -> Option<(u64, u64)> {
    let took: Vec<f64> = group.iter().map(|sample| sample.duration_ms as f64).collect();
    let spread = Spread::of(&took).filter(|spread| spread.n >= FOR_RANGE)?;
    Some((spread.quantile(0.01) as u64, spread.quantile(0.99).ceil() as u64))
}

/// The smallest number that at least so many percent do not exceed.
fn part(numbers: impl Iterator<Item = u64>, percent: usize) -> Option<u64> {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    let place = (numbers.len() * percent).div_ceil(100).saturating_sub(1);
    numbers.get(place).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Usage;

    fn sample(name: &str, ms: u64, busy_ms: u64, megabytes: u64) -> Sample {
        Sample {
            name: name.into(),
            stage: name.split('[').next().unwrap_or_default().into(),
            duration_ms: ms,
            attempt_ms: ms,
            usage: Usage { user_ms: busy_ms, max_rss: megabytes << 20, ..Usage::default() },
        }
    }

    #[test]
    fn the_middle_counts_for_time_and_the_high_end_for_memory() {
        let samples: Vec<Sample> = (1..=10).map(|n| sample("unit", n * 1000, n * 250, n)).collect();
        let found = Expectations::of(&samples).get("unit", "unit");
        let found = found.map(|of| (of.ms, of.processors, of.memory));
        assert_eq!(found, Some((5_000, Some(250), 9 << 20)));
    }

    #[test]
    fn what_is_usual_is_said_of_ten_runs_and_not_of_nine() {
        let samples: Vec<Sample> = (0..10).map(|n| sample("unit", 10_000 + n * 100, 0, 1)).collect();
        let range = |samples: &[Sample]| {
            let found = Expectations::of(samples).get("unit", "unit").unwrap();
            (found.low, found.high, found.runs)
        };
        let (low, high, runs) = range(&samples);
        assert!(
            low < 10_000 && low > 5_000 && high > 10_900 && high < 20_000 && runs == 10,
            "{low} to {high}"
        );
        assert_eq!(range(&samples[..9]), (0, 0, 0));
    }

    #[test]
    fn an_instance_without_runs_of_its_own_is_like_its_stage() {
        let samples = [sample("unit[shard=1]", 1_000, 0, 1), sample("unit[shard=2]", 9_000, 0, 1)];
        let found = Expectations::of(&samples);
        let ms = |name| found.get(name, "unit").map(|of| of.ms);
        assert_eq!((ms("unit[shard=2]"), ms("unit[shard=3]")), (Some(9_000), Some(1_000)));
        assert_eq!(found.get("lint", "lint"), None);
    }

    #[test]
    fn a_blink_says_nothing_of_processors() {
        let found = Expectations::of(&[sample("true", 3, 2, 1)]).get("true", "true");
        assert_eq!(found.and_then(|of| of.processors), None);
    }

    #[test]
    fn large_lanes_look_at_fewer_runs_and_never_at_none() {
        assert_eq!((runs(0), runs(10), runs(1_000), runs(50_000)), (40, 40, 2, 1));
    }
}
