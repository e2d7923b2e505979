//! Which stages of a lane became slower or faster: the newest runs beside those before them, by ranks, corrected for how many
//! stages are looked at, and only where the difference is large enough to matter. Knows no clock.

use serde::Serialize;

use crate::learn::compare::{holm, mann_whitney, welch_of_logs};

use super::times::Times;

/// Of the runs of a stage, one in so many is new; and bounds of how many are.
const PART: usize = 5;
const NEW: (usize, usize) = (5, 20);
/// Runs before them: at least, and the newest that count.
const BEFORE: (usize, usize) = (10, 100);
/// Chance of one false alarm among all stages of a lane.
const LEVEL: f64 = 0.05;
/// Smaller changes of the median matter to nobody, however certain they are.
const RATIO: f64 = 1.15;
const LEAST_MS: f64 = 100.0;

/// A stage whose duration changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Regression {
    pub stage: String,
    /// Medians in milliseconds.
    pub before_ms: f64,
    pub now_ms: f64,
    /// Of the medians: above 1 is slower.
    pub ratio: f64,
    /// Cliff's delta: 1 when every new run took longer than every one before.
    pub delta: f64,
    /// Mann–Whitney, corrected by Holm for `stages` stages.
    pub p: f64,
    /// Welch on logarithms, of this stage alone.
    pub welch_p: Option<f64>,
    pub runs_before: usize,
    pub runs_now: usize,
    /// How many stages were compared.
    pub stages: usize,
}

impl Regression {
    pub fn is_slower(&self) -> bool {
        self.ratio > 1.0
    }

    /// `unit became slower: 12s before, 34s now (2.8 times; the last 8 runs beside 32 before; p 0.0004 over 14 stages)`;
    /// `took` says a duration.
    pub fn words(&self, took: &dyn Fn(u64) -> String) -> String {
        let Regression { stage, runs_before, runs_now, stages, .. } = self;
        let (word, times) = match self.is_slower() {
            true => ("slower", self.ratio),
            false => ("faster", 1.0 / self.ratio),
        };
        let (before, now) = (took(self.before_ms as u64), took(self.now_ms as u64));
        let p = if self.p < 0.0001 { "below 0.0001".to_owned() } else { format!("{:.4}", self.p) };
        let noun = if *stages == 1 { "stage" } else { "stages" };
        format!(
            "{stage} became {word}: {before} before, {now} now ({times:.1} times; the last {runs_now} runs beside \
             {runs_before} before; p {p} over {stages} {noun})"
        )
    }
}

/// Slower ones first, each by how much. `past` newest first.
pub fn regressions(past: impl Into<Times>) -> Vec<Regression> {
    let times = past.into();
    let mut compared: Vec<Regression> =
        stages(&times).iter().filter_map(|stage| compare(&times, stage)).collect();
    let corrected = holm(&compared.iter().map(|one| one.p).collect::<Vec<f64>>());
    let count = compared.len();
    for (one, p) in compared.iter_mut().zip(corrected) {
        (one.p, one.stages) = (p, count);
    }
    compared.retain(matters);
    let by = |one: &Regression| (one.is_slower(), if one.is_slower() { one.ratio } else { 1.0 / one.ratio });
    compared.sort_by(|a, b| by(b).partial_cmp(&by(a)).unwrap_or(core::cmp::Ordering::Equal));
    compared
}

fn matters(one: &Regression) -> bool {
    let times = one.ratio.max(1.0 / one.ratio);
    one.p < LEVEL && times >= RATIO && (one.now_ms - one.before_ms).abs() >= LEAST_MS
}

/// In the order in which they were first heard of.
fn stages(times: &Times) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    let all = times.runs.iter().flat_map(|run| &run.stages);
    all.filter(|stage| seen.insert(stage.stage.as_str())).map(|stage| stage.stage.clone()).collect()
}

/// Whatever comes of it; none where there are too few runs.
fn compare(times: &Times, stage: &str) -> Option<Regression> {
    let all = times.of_stage(stage);
    let new = (all.len() / PART).clamp(NEW.0, NEW.1);
    let (before, now) = all.split_at(all.len().checked_sub(new)?);
    let before = &before[before.len().saturating_sub(BEFORE.1)..];
    if before.len() < BEFORE.0 {
        return None;
    }
    let found = mann_whitney(before, now)?;
    let (before_ms, now_ms) = (median(before), median(now));
    // Clocks are in milliseconds.
    let positive = |values: &[f64]| values.iter().map(|ms| ms.max(1.0)).collect::<Vec<f64>>();
    Some(Regression {
        stage: stage.to_owned(),
        before_ms,
        now_ms,
        ratio: now_ms.max(1.0) / before_ms.max(1.0),
        delta: found.delta,
        p: found.p,
        welch_p: welch_of_logs(&positive(before), &positive(now)).map(|welch| welch.p),
        runs_before: before.len(),
        runs_now: now.len(),
        stages: 0,
    })
}

fn median(values: &[f64]) -> f64 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f64::total_cmp);
    let half = ordered.len() / 2;
    match ordered.len() % 2 {
        0 if half > 0 => (ordered[half - 1] + ordered[half]) / 2.0,
        _ => ordered.get(half).copied().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::super::times::{RunTimes, StageTime, Took};
    use super::*;

    /// Forty runs of ten stages, log-normal by twelve draws; the last eight of stage 3 take `factor` times as long.
    fn lane(seed: u64, factor: f64) -> Times {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut normal = || (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0;
        let mut run = |at: usize| {
            let mut stage = |number: usize| {
                let slower = if number == 3 && at >= 32 { factor } else { 1.0 };
                let ms = 5_000.0 * (0.25 * normal()).exp() * slower;
                let name = format!("s{number}");
                StageTime { name: name.clone(), stage: name, took: Took::Ms(ms) }
            };
            let stages = (0..10).map(&mut stage).collect();
            RunTimes { stages, total: None, files: Vec::new(), count: 0 }
        };
        Times { runs: (0..40).map(&mut run).collect() }
    }

    #[test]
    fn a_thousand_comparisons_without_a_change_raise_few_alarms() {
        let alarmed = (0..100).filter(|seed| !regressions(lane(*seed, 1.0)).is_empty()).count();
        assert!(alarmed <= 5, "{alarmed} of 100 lanes");
        // The sabotage twin: each stage judged as if it were the only one, and every change worth a word.
        let alone =
            |times: &Times| stages(times).iter().any(|stage| compare(times, stage).unwrap().p < LEVEL);
        let unguarded = (0..100).filter(|seed| alone(&lane(*seed, 1.0))).count();
        assert!(unguarded > 20, "only {unguarded} of 100 lanes");
    }

    #[test]
    fn holm_alone_keeps_the_promise_too() {
        let alarmed = (0..400).filter(|seed| {
            let times = lane(*seed + 1_000, 1.0);
            let p: Vec<f64> = stages(&times).iter().map(|stage| compare(&times, stage).unwrap().p).collect();
            holm(&p).iter().any(|p| *p < LEVEL)
        });
        // 5 % of 400 and two standard errors.
        let alarmed = alarmed.count();
        assert!(alarmed <= 29, "{alarmed} of 400 lanes");
    }

    #[test]
    fn a_stage_that_takes_twice_as_long_is_found_and_no_other() {
        let found = regressions(lane(7, 2.0));
        assert_eq!(found.len(), 1, "{found:?}");
        let Regression { stage, ratio, delta, runs_before, runs_now, stages, .. } = &found[0];
        assert_eq!((stage.as_str(), *runs_before, *runs_now, *stages), ("s3", 32, 8, 10));
        assert!((1.6..2.4).contains(ratio) && *delta > 0.8, "{found:?}");
        let words = found[0].words(&|ms| format!("{ms}ms"));
        assert!(
            words.starts_with("s3 became slower: ") && words.contains("the last 8 runs beside 32"),
            "{words}"
        );
        let found = regressions(lane(7, 0.5));
        assert!(found.len() == 1 && !found[0].is_slower(), "{found:?}");
    }

    #[test]
    fn certain_but_small_changes_and_blinks_are_not_worth_a_word() {
        assert!(regressions(lane(7, 1.1)).is_empty());
        let mut blink = lane(7, 3.0);
        for stage in blink.runs.iter_mut().flat_map(|run| &mut run.stages) {
            if let Took::Ms(ms) = &mut stage.took {
                *ms /= 1_000.0;
            }
        }
        assert!(regressions(blink).is_empty());
    }

    #[test]
    fn few_runs_are_compared_with_nothing() {
        let mut few = lane(7, 9.0);
        few.runs.drain(..26);
        assert!(regressions(few).is_empty());
        assert!(regressions(Times::default()).is_empty());
    }
}
