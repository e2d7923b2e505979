//! How likely a failure must be for its stage to run, so that nearly none is missed; judged on later samples than it was
//! chosen by. Knows no features.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Predictions kept: each was made before its outcome was known.
const KEPT: usize = 4_000;
/// With fewer failures nothing can be said about missing one in fifty.
pub const FAILURES: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held(VecDeque<(f32, bool)>);

/// What leaving out below a probability would have meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Safe {
    /// Leave out what is less probable.
    pub below: f64,
    /// Share of the later failures, by which it was not chosen, that it would have caught.
    pub recall: f64,
    /// Share of the later samples that would have run.
    pub run: f64,
    /// Failures it was chosen by, and judged by.
    pub chosen_by: usize,
    pub judged_by: usize,
}

impl Held {
    pub fn add(&mut self, probability: f64, came: bool) {
        self.0.push_back((probability as f32, came));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// None with too few failures, or when none is left to judge by.
    pub fn threshold(&self, recall: f64) -> Option<Safe> {
        let all: Vec<(f64, bool)> = self.0.iter().map(|(p, came)| (f64::from(*p), *came)).collect();
        let failures = all.iter().filter(|(_, came)| *came).count();
        if failures < FAILURES {
            return None;
        }
        // Up to two thirds of the failures choose, what came later judges.
        let chooses = (failures * 2 / 3).max(1);
        let cut = all.iter().enumerate().filter(|(_, (_, came))| *came).nth(chooses - 1)?.0 + 1;
        let (older, newer) = all.split_at(cut);
        let judged = below(older, recall)?;
        let caught = newer.iter().filter(|(p, came)| *came && *p >= judged).count();
        let judged_by = failures - chooses;
        let run = newer.iter().filter(|(p, _)| *p >= judged).count() as f64 / newer.len().max(1) as f64;
        // What is used is never bolder than what was judged.
        let below = below(&all, recall)?.min(judged);
        Some(Safe {
            below,
            recall: caught as f64 / judged_by.max(1) as f64,
            run,
            chosen_by: chooses,
            judged_by,
        })
    }
}

/// The highest bound that misses at most that share of the failures.
fn below(seen: &[(f64, bool)], recall: f64) -> Option<f64> {
    let mut failed: Vec<f64> = seen.iter().filter(|(_, came)| *came).map(|(p, _)| *p).collect();
    failed.sort_by(f64::total_cmp);
    let may_miss = ((1.0 - recall.clamp(0.0, 1.0)) * failed.len() as f64 + 1e-9) as usize;
    failed.get(may_miss.min(failed.len().saturating_sub(1))).copied()
}
