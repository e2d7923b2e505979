//! What recommendation would have saved and missed: runs of the past decided again one after the other, each from the runs
//! before it alone, and held against what came. Seeded; knows no model: who decides is given.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

use crate::event::Status;
use crate::history::{Mode, Past, PastStage};
use crate::plan::LEFT_OUT;

/// Resamples behind an interval.
const RESAMPLES: usize = 2_000;

/// One run as it was, and as it would have been.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Replayed {
    /// Stages that ran, and their milliseconds.
    pub stages: usize,
    pub stage_ms: u64,
    pub left_out: usize,
    pub saved_ms: u64,
    /// Stages that found something, and those among them that would have been left out.
    pub failures: usize,
    pub missed: usize,
}

impl Replayed {
    /// It found something, and would have found nothing.
    pub fn slipped(&self) -> bool {
        self.failures > 0 && self.missed == self.failures
    }
}

/// A share with what it may be by chance, resampling whole runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    pub share: f64,
    /// The middle 80 %.
    pub low: f64,
    pub high: f64,
    /// The middle 95 %.
    pub low95: f64,
    pub high95: f64,
}

/// What a replay comes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    pub runs: usize,
    pub stages: usize,
    pub left_out: usize,
    pub failures: usize,
    pub missed: usize,
    /// Runs that found something and would have found nothing.
    pub slipped: usize,
    /// Of the stage time; none where no stage took any.
    pub saved: Option<Share>,
    /// Of the stages that found something, those that would still have run; none where none did.
    pub recall: Option<Share>,
}

/// What decisions of the replay let later ones know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Everything that came, as if somebody had run what was left out: more than there would be.
    All,
    /// What would be known: of a stage that was left out nothing, but in so many runs of a hundred all of it ran.
    AsItWouldBe { control: u32, seed: u64 },
}

/// Decides every run of `past`, which is in order of time, from `first` on: `decide` is given the runs that had ended when
/// it started, as far as they would be known, and the run itself, of which it may look at the change alone. It names the
/// stages to leave out.
pub fn replay(
    past: &[Past],
    first: usize,
    feedback: Feedback,
    mut decide: impl FnMut(&[Past], &Past) -> Vec<String>,
) -> Vec<Replayed> {
    let mut random = match feedback {
        Feedback::All => None,
        Feedback::AsItWouldBe { control, seed } => Some((control, Xoshiro256PlusPlus::seed_from_u64(seed))),
    };
    let mut known: Vec<Past> = past.iter().take(first).cloned().collect();
    let mut found = Vec::new();
    for run in past.iter().skip(first) {
        let open = known.iter().position(|earlier| ended(earlier) > run.started.0);
        let mut out = decide(&known[..open.unwrap_or(known.len())], run);
        if let Some((control, random)) = &mut random
            && !out.is_empty()
            && random.random_range(0..100) < *control
        {
            out.clear();
            known.push(Past { mode: Mode::Control, ..run.clone() });
        } else {
            known.push(if random.is_some() { without(run, &out) } else { run.clone() });
        }
        found.push(as_it_would_have_been(run, &out));
    }
    found
}

/// The run as it would be remembered if these had been left out.
fn without(run: &Past, out: &[String]) -> Past {
    let mut run = run.clone();
    for stage in run.stages.iter_mut().filter(|stage| ran(stage) && out.contains(&stage.stage)) {
        stage.status = Status::Skipped;
        stage.reason = Some(format!("{LEFT_OUT} by --recommended"));
        (stage.began_ms, stage.duration_ms, stage.attempts) = (None, 0, 0);
        run.mode = Mode::Recommended;
    }
    run
}

fn ended(past: &Past) -> i64 {
    past.started.0.saturating_add(i64::try_from(past.duration_ms).unwrap_or(i64::MAX))
}

fn as_it_would_have_been(run: &Past, out: &[String]) -> Replayed {
    let mut found = Replayed::default();
    for stage in run.stages.iter().filter(|stage| ran(stage)) {
        let bad = matches!(stage.status, Status::Failed | Status::TimedOut | Status::Warned);
        found.stages += 1;
        found.stage_ms = found.stage_ms.saturating_add(stage.duration_ms);
        found.failures += usize::from(bad);
        if out.contains(&stage.stage) {
            found.left_out += 1;
            found.saved_ms = found.saved_ms.saturating_add(stage.duration_ms);
            found.missed += usize::from(bad);
        }
    }
    found
}

fn ran(stage: &PastStage) -> bool {
    use Status::{Failed, Succeeded, TimedOut, Warned};
    matches!(stage.status, Succeeded | Failed | TimedOut | Warned)
}

/// Sums the runs up.
pub fn figures(runs: &[Replayed], seed: u64) -> Figures {
    let sum = |of: fn(&Replayed) -> usize| runs.iter().map(of).sum();
    let saved = |run: &Replayed| (run.saved_ms as f64, run.stage_ms as f64);
    let caught = |run: &Replayed| ((run.failures - run.missed) as f64, run.failures as f64);
    Figures {
        runs: runs.len(),
        stages: sum(|run| run.stages),
        left_out: sum(|run| run.left_out),
        failures: sum(|run| run.failures),
        missed: sum(|run| run.missed),
        slipped: runs.iter().filter(|run| run.slipped()).count(),
        saved: share(&runs.iter().map(saved).collect::<Vec<_>>(), seed),
        recall: share(&runs.iter().map(caught).collect::<Vec<_>>(), seed),
    }
}

/// A part of a whole over runs, with its bootstrap interval.
pub fn share(runs: &[(f64, f64)], seed: u64) -> Option<Share> {
    let share = of(runs.iter().copied())?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| of((0..runs.len()).map(|_| runs[random.random_range(0..runs.len())])))
        .collect();
    resampled.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let place = (part * (resampled.len().saturating_sub(1)) as f64).round() as usize;
        resampled.get(place).copied().unwrap_or(share)
    };
    Some(Share { share, low: at(0.1), high: at(0.9), low95: at(0.025), high95: at(0.975) })
}

fn of(runs: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (part, whole) = runs.fold((0.0, 0.0), |sum, run| (sum.0 + run.0, sum.1 + run.1));
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::of_change;
    use super::*;

    fn runs(count: i64) -> Vec<Past> {
        let run = |at: i64| {
            let unit = if at % 4 == 0 { Status::Failed } else { Status::Succeeded };
            let stages = [("build", Status::Succeeded), ("unit", unit), ("docs", Status::Skipped)];
            of_change(&format!("r{at}"), "x", at * 10_000, &stages)
        };
        (0..count).map(run).collect()
    }

    #[test]
    fn what_did_not_run_saves_nothing_and_what_failed_is_missed() {
        let found = replay(&runs(8), 4, Feedback::All, |_, _| vec!["unit".into(), "docs".into()]);
        let sums = figures(&found, 1);
        assert_eq!((sums.runs, sums.stages, sums.left_out), (4, 8, 4));
        assert_eq!((sums.failures, sums.missed, sums.slipped), (1, 1, 1));
        assert_eq!(sums.saved.map(|saved| saved.share), Some(0.5));
        assert_eq!(sums.recall.map(|recall| recall.share), Some(0.0));
    }

    #[test]
    fn only_runs_that_had_ended_are_looked_at() {
        let mut past = runs(6);
        past[4].duration_ms = 60_000;
        let mut seen = Vec::new();
        replay(&past, 3, Feedback::All, |before, run| {
            seen.push((run.id.clone(), before.len()));
            Vec::new()
        });
        let expected = [("r3".to_string(), 3), ("r4".to_string(), 4), ("r5".to_string(), 4)];
        assert_eq!(seen, expected);
    }

    #[test]
    fn what_was_left_out_is_not_known_later_but_by_control_runs() {
        let known = |control| {
            let mut seen = 0;
            let feedback = Feedback::AsItWouldBe { control, seed: 3 };
            let found = replay(&runs(40), 20, feedback, |before, _| {
                let unit = |past: &&Past| past.stages.iter().any(|stage| stage.stage == "unit" && ran(stage));
                seen = before.iter().skip(20).filter(unit).count();
                vec!["unit".into()]
            });
            (seen, figures(&found, 1).left_out)
        };
        assert_eq!(known(0), (0, 20));
        let (seen, left_out) = known(30);
        assert!(seen > 0 && left_out < 20 && left_out + seen >= 19, "{seen} {left_out}");
    }

    #[test]
    fn intervals_are_the_same_for_the_same_seed_and_nest() {
        let each: Vec<(f64, f64)> = (0..60).map(|at| (f64::from(at % 3), 4.0)).collect();
        let (one, two) = (share(&each, 7).expect("a share"), share(&each, 7).expect("a share"));
        assert_eq!(one, two);
        assert_ne!(one, share(&each, 8).expect("a share"));
        assert!(
            one.low95 <= one.low && one.low < one.share && one.share < one.high && one.high <= one.high95
        );
        assert_eq!(share(&[(0.0, 0.0)], 1), None);
        assert_eq!(share(&[], 1), None);
    }
}
