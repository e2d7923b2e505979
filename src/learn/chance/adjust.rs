//! Keeps promises honest: a line through the log odds, learned from what came after earlier promises. Knows no features.
//!
//! J. Platt, *Probabilistic outputs for support vector machines*, 1999; here one sample at a time.

use serde::{Deserialize, Serialize};

use super::linear::Linear;

/// Variance of the line before anything was seen, and what it gains with each sample.
const ROOM: f64 = 0.02;
const DRIFT: f64 = 2e-6;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adjust(Linear);

impl Default for Adjust {
    /// Starts by believing what is promised.
    fn default() -> Adjust {
        Adjust(Linear::new(vec![0.0, 0.0], &[ROOM, ROOM], DRIFT))
    }
}

impl Adjust {
    pub fn log_odds(&self, raw: f64) -> f64 {
        self.0.predict(raw, &[1.0, raw]).log_odds
    }

    pub fn learn(&mut self, raw: f64, came: bool) {
        self.0.learn(raw, &[1.0, raw], came);
    }
}
