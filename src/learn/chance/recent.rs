//! How it went lately: fading rates at several horizons, the length of the streak, and the outcomes of the samples nearest in
//! the fields that move slowly (those of one branch or series look alike). Knows no words and no weights.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::edges::Place;
use super::logit;

/// Outcomes after which a rate has forgotten most of what was before.
const HORIZONS: [f64; 4] = [2.0, 5.0, 20.0, 100.0];
/// Of the base rate.
const LONG: f64 = 500.0;
/// Samples looked back at for near ones.
const WINDOW: usize = 80;
/// Each older sample of them counts so much less.
const FADE: f64 = 0.92;
/// Steps at which a sample counts half as much as one that is equal.
const SOFT: f64 = 0.5;
/// How fast samples stop counting with distance when only the very near ones are asked for.
const TIGHT: f64 = 3.0;
/// What is thought to have been seen at the base rate.
const FLOOR: f64 = 0.02;
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
    at: Place,
    came: bool,
}

impl Recent {
    /// The rate to expect when nothing else is known.
    pub fn base(&self) -> f64 {
        let weight = (self.count as f64).min(LONG);
        (self.long * weight + 1.0) / (weight + 2.0)
    }

    /// How far each view of the recent past is from the base, in log odds.
    pub fn inputs(&self, at: &Place, into: &mut Vec<f64>) {
        let base = logit(self.base());
        for (rate, horizon) in self.rates.iter().zip(HORIZONS) {
            let weight = (self.count as f64).min(horizon);
            let rate = (rate * weight + self.base()) / (weight + 1.0);
            into.push(logit(rate) - base);
        }
        into.push(f64::from(self.streak.signum()) * f64::from(self.streak.unsigned_abs()).ln_1p());
        into.extend(self.near(at));
    }

    fn near(&self, at: &Place) -> [f64; NEAR] {
        if at.0.is_empty() {
            return [0.0; NEAR];
        }
        let base = self.base();
        let (mut soft, mut soft_yes) = (FLOOR, FLOOR * base);
        let (mut tight, mut tight_yes) = (FLOOR, FLOOR * base);
        let mut nearest = (f64::INFINITY, 0.0);
        let mut fade = 1.0;
        for old in self.window.iter().rev() {
            let far = at.distance(&old.at);
            let yes = f64::from(u8::from(old.came));
            let weight = fade / (far + SOFT);
            soft += weight;
            soft_yes += weight * yes;
            let weight = if far < 8.0 { fade * (-far * TIGHT).exp() } else { 0.0 };
            tight += weight;
            tight_yes += weight * yes;
            if far < nearest.0 {
                nearest = (far, 2.0 * yes - 1.0);
            }
            fade *= FADE;
        }
        let odds = logit(base);
        [logit(soft_yes / soft) - odds, logit(tight_yes / tight) - odds, nearest.1 / (1.0 + nearest.0)]
    }

    /// Of the last twenty: how many there were, and how many came.
    pub fn last(&self) -> (u32, u32) {
        let last = self.window.iter().rev().take(20);
        last.fold((0, 0), |(seen, came), old| (seen + 1, came + u32::from(old.came)))
    }

    pub fn add(&mut self, at: Place, came: bool) {
        let yes = f64::from(u8::from(came));
        self.count += 1;
        let count = self.count as f64;
        for (rate, horizon) in self.rates.iter_mut().zip(HORIZONS) {
            *rate += (yes - *rate) / horizon.min(count);
        }
        self.long += (yes - self.long) / LONG.min(count);
        let step = if came { 1 } else { -1 };
        self.streak = if self.streak.signum() == step { self.streak.saturating_add(step) } else { step };
        self.window.push_back(Old { at, came });
        if self.window.len() > WINDOW {
            self.window.pop_front();
        }
    }
}
