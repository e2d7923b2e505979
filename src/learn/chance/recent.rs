//! How it went lately: fading rates at several horizons, the length of the streak, and the outcomes of the samples nearest in
//! the fields that move slowly (those of one branch or series look alike). Knows no words and no weights.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::edges::AllEdges;
use super::{Sample, logit};

/// Outcomes after which a rate has forgotten most of what was before.
const HORIZONS: [f64; 4] = [2.0, 5.0, 20.0, 100.0];
/// Of the base rate.
const LONG: f64 = 500.0;
/// Samples looked back at for near ones.
const WINDOW: usize = 80;
/// Inputs that are made of it.
pub const INPUTS: usize = HORIZONS.len() + 1 + NEAR;
const NEAR: usize = 3;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recent {
    count: u64,
    rates: [f64; HORIZONS.len()],
    long: f64,
    /// Above zero: so many yes in a row; below: so many no.
    streak: i32,
    /// The last samples, newest last: their slow fields and outcomes.
    window: VecDeque<Old>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Old {
    /// By slow field.
    at: Vec<f32>,
    came: bool,
}

impl Recent {
    /// The rate to expect when nothing else is known.
    pub fn base(&self) -> f64 {
        let weight = (self.count as f64).min(LONG);
        (self.long * weight + 1.0) / (weight + 2.0)
    }

    /// How far each view of the recent past is from the base, in log odds.
    pub fn inputs(&self, edges: &AllEdges, sample: &Sample, into: &mut Vec<f64>) {
        let base = logit(self.base());
        for (rate, horizon) in self.rates.iter().zip(HORIZONS) {
            let weight = (self.count as f64).min(horizon);
            let rate = (rate * weight + self.base()) / (weight + 1.0);
            into.push(logit(rate) - base);
        }
        into.push(f64::from(self.streak.signum()) * f64::from(self.streak.unsigned_abs()).ln_1p());
        into.extend(self.near(&edges.slow(sample)));
    }

    fn near(&self, at: &[(f64, f64)]) -> [f64; NEAR] {
        if at.is_empty() {
            return [0.0; NEAR];
        }
        let base = self.base();
        let (mut soft, mut soft_yes) = (0.02, 0.02 * base);
        let (mut tight, mut tight_yes) = (0.02, 0.02 * base);
        let mut nearest = (f64::INFINITY, 0.0);
        let mut fade = 1.0;
        for old in self.window.iter().rev() {
            let far = distance(at, &old.at);
            let yes = f64::from(u8::from(old.came));
            let weight = fade / (far + 0.5);
            soft += weight;
            soft_yes += weight * yes;
            let weight = fade * (-far * 3.0).exp();
            tight += weight;
            tight_yes += weight * yes;
            if far < nearest.0 {
                nearest = (far, 2.0 * yes - 1.0);
            }
            fade *= 0.92;
        }
        let odds = logit(base);
        [logit(soft_yes / soft) - odds, logit(tight_yes / tight) - odds, nearest.1 / (1.0 + nearest.0)]
    }

    /// Of the last twenty: how many there were, and how many came.
    pub fn last(&self) -> (u32, u32) {
        let last = self.window.iter().rev().take(20);
        last.fold((0, 0), |(seen, came), old| (seen + 1, came + u32::from(old.came)))
    }

    pub fn add(&mut self, edges: &AllEdges, sample: &Sample, came: bool) {
        let yes = f64::from(u8::from(came));
        self.count += 1;
        let count = self.count as f64;
        for (rate, horizon) in self.rates.iter_mut().zip(HORIZONS) {
            *rate += (yes - *rate) / horizon.min(count);
        }
        self.long += (yes - self.long) / LONG.min(count);
        let step = if came { 1 } else { -1 };
        self.streak = if self.streak.signum() == step { self.streak.saturating_add(step) } else { step };
        let at = edges.slow(sample).iter().map(|(value, _)| *value as f32).collect();
        self.window.push_back(Old { at, came });
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
    }
}

/// In steps, over all slow fields.
fn distance(at: &[(f64, f64)], old: &[f32]) -> f64 {
    at.iter().zip(old).map(|((here, step), there)| (here - f64::from(*there)).abs() / step).sum()
}
