//! How likely a failure must be for its stage to run, so that nearly none is missed; judged on later samples than it was
//! chosen by. Knows no features.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Predictions kept: each was made before its outcome was known.
const KEPT: usize = 4_000;
const STEPS: f64 = 32_767.0;
/// With fewer failures nothing can be said about missing one in fifty.
pub const FAILURES: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Held(VecDeque<Kept>);

/// The probability in steps of 1/32767, and in the lowest bit whether it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept(u16);

impl Kept {
    fn of(probability: f64, came: bool) -> Kept {
        Kept(((probability.clamp(0.0, 1.0) * STEPS) as u16) << 1 | u16::from(came))
    }

    fn open(self) -> (f64, bool) {
        (f64::from(self.0 >> 1) / STEPS, self.0 & 1 == 1)
    }
}

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
        self.0.push_back(Kept::of(probability, came));
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// The newest, oldest first.
    pub fn newest(&self, most: usize) -> impl Iterator<Item = (f64, bool)> + '_ {
        self.0.iter().skip(self.0.len().saturating_sub(most)).map(|kept| kept.open())
    }

    /// None with too few failures, or when none is left to judge by.
    pub fn threshold(&self, recall: f64) -> Option<Safe> {
        let all: Vec<(f64, bool)> = self.newest(KEPT).collect();
        let failures = all.iter().filter(|(_, came)| *came).count();
        if failures < FAILURES {
            return None;
        }
        // Up to two thirds of the failures choose, what came later judges.
        let chooses = (failures * 2 / 3).max(1);
        let cut = all.iter().enumerate().filter(|(_, (_, came))| *came).nth(chooses - 1)?.0 + 1;
        let (older, newer) = all.split_at(cut);
        let bound = lowest(older, recall)?;
        let caught = newer.iter().filter(|(chance, came)| *came && *chance >= bound).count();
        let judged_by = failures - chooses;
        let run =
            newer.iter().filter(|(chance, _)| *chance >= bound).count() as f64 / newer.len().max(1) as f64;
        // What is used is never bolder than what was judged.
        let below = lowest(&all, recall)?.min(bound);
        Some(Safe {
            below,
            recall: caught as f64 / judged_by.max(1) as f64,
            run,
            chosen_by: chooses,
            judged_by,
        })
    }
}

/// The bound that suits the worst of up to three spells, each with failures enough: how things go changes.
fn lowest(seen: &[(f64, bool)], recall: f64) -> Option<f64> {
    let failures = seen.iter().filter(|(_, came)| *came).count();
    let spells = (failures / FAILURES).clamp(1, 3);
    let bounds = seen.chunks(seen.len().div_ceil(spells).max(1)).filter_map(|spell| below(spell, recall));
    bounds.reduce(f64::min)
}

/// The highest bound that misses at most that share of the failures.
fn below(seen: &[(f64, bool)], recall: f64) -> Option<f64> {
    let mut failed: Vec<f64> = seen.iter().filter(|(_, came)| *came).map(|(p, _)| *p).collect();
    failed.sort_by(f64::total_cmp);
    let may_miss = ((1.0 - recall.clamp(0.0, 1.0)) * failed.len() as f64 + 1e-9) as usize;
    failed.get(may_miss.min(failed.len().saturating_sub(1))).copied()
}
