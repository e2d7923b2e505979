//! Keeps promises honest, by what came after earlier ones: a line through the log odds, then for promises of about that
//! height, how much more or less came than was promised. Knows no features.
//!
//! J. Platt, *Probabilistic outputs for support vector machines*, 1999; here one sample at a time.

use serde::{Deserialize, Serialize};

use super::linear::Linear;
use super::sigmoid;

/// Variance of the line before anything was seen, and what it gains with each sample.
const ROOM: f64 = 0.02;
const DRIFT: f64 = 2e-6;
/// Heights of promises in log odds: from below nought to as far above, a step apart.
const HEIGHTS: usize = 17;
const STEP: f64 = 0.5;
/// Of the rise from one height to the next, what is left at least.
const SLOPE: f64 = 0.5;
/// Promises of a height that are thought to have been kept before any was seen.
const SHRINK: f64 = 60.0;
/// Promises of a height that count; of more, older ones fade.
const MEMORY: f64 = 1_000.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adjust {
    line: Linear,
    heights: Vec<Height>,
    /// Log odds to add by height.
    moves: Vec<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Height {
    count: f64,
    promised: f64,
    came: f64,
    /// Log odds to add to such a promise, by itself.
    moved: f64,
}

impl Default for Adjust {
    /// Starts by believing what is promised.
    fn default() -> Adjust {
        let line = Linear::new(vec![0.0, 0.0], &[ROOM, ROOM], DRIFT);
        Adjust { line, heights: vec![Height::default(); HEIGHTS], moves: vec![0.0; HEIGHTS] }
    }
}

impl Adjust {
    pub fn log_odds(&self, raw: f64) -> f64 {
        let straight = self.line.predict(raw, &[1.0, raw]).log_odds;
        let moved = |(place, share): (usize, f64)| self.moves.get(place).map_or(0.0, |moved| moved * share);
        straight + nearest(straight).into_iter().map(moved).sum::<f64>()
    }

    pub fn learn(&mut self, raw: f64, came: bool) {
        let straight = self.line.learn(raw, &[1.0, raw], came).log_odds;
        for (place, share) in nearest(straight) {
            if let Some(height) = self.heights.get_mut(place) {
                height.add(share, sigmoid(straight), came);
            }
        }
        self.moves = in_order(&self.heights);
    }
}

/// What each height is moved by, such that who is promised more stays above who is promised less: neighbours out of order
/// are moved to their common mean.
fn in_order(heights: &[Height]) -> Vec<f64> {
    let rise = STEP * (1.0 - SLOPE);
    let mut groups: Vec<(f64, f64, usize)> = Vec::with_capacity(heights.len());
    for (place, height) in heights.iter().enumerate() {
        let mut group = (height.moved + place as f64 * rise, height.count + SHRINK, 1);
        while let Some(last) = groups.pop_if(|last| last.0 > group.0) {
            let weight = last.1 + group.1;
            group = ((last.0 * last.1 + group.0 * group.1) / weight, weight, last.2 + group.2);
        }
        groups.push(group);
    }
    let levels = groups.iter().flat_map(|(level, _, count)| core::iter::repeat_n(*level, *count));
    levels.enumerate().map(|(place, level)| level - place as f64 * rise).collect()
}

impl Height {
    fn add(&mut self, share: f64, promised: f64, came: bool) {
        let fade = if self.count >= MEMORY { 1.0 - share / MEMORY } else { 1.0 };
        self.count = self.count * fade + share;
        self.promised = self.promised * fade + promised * share;
        self.came = self.came * fade + f64::from(u8::from(came)) * share;
        self.moved = self.weigh();
    }

    fn weigh(&self) -> f64 {
        if self.count == 0.0 {
            return 0.0;
        }
        let mean = self.promised / self.count;
        let yes = (self.came + SHRINK * mean) / (self.promised + SHRINK * mean);
        let broken = self.count - self.came + SHRINK * (1.0 - mean);
        (yes * (self.count - self.promised + SHRINK * (1.0 - mean)) / broken).ln()
    }
}

/// The two heights next to it, with their shares.
fn nearest(log_odds: f64) -> [(usize, f64); 2] {
    let most = (HEIGHTS - 1) as f64;
    let at = (log_odds / STEP + most / 2.0).clamp(0.0, most);
    let below = at.floor();
    [(below as usize, 1.0 - (at - below)), (below as usize + 1, at - below)]
}
