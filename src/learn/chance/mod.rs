//! The chance of a yes-or-no outcome (a stage fails, a stage is needed) given what is known before: words and numbers.
//!
//! Counts by value become evidence (how much likelier than expected the outcome came with it), evidence and recent rates are
//! weighed by an online logistic model whose weights start from sensible ones and are learned as outcomes come, and the
//! answer is kept calibrated by what came before. All of it is one pass in order of time, predict then learn, so that training
//! and updating are the same thing and every prediction made on the way is an honest one.

mod adjust;
pub mod baseline;
mod cells;
mod edges;
mod linear;
mod model;
mod recent;
mod safe;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use model::{Model, View};
pub use safe::Safe;

/// What is known of one case before its outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Field and hash of its value; a field may have many values (paths), or none.
    pub words: Vec<(u32, u64)>,
    /// Field and value; NaN is as if it were not there.
    pub numbers: Vec<(u32, f64)>,
}

/// A prediction: the interval is one of 80 %.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    pub probability: f64,
    pub low: f64,
    pub high: f64,
    /// Strongest first.
    pub because: Vec<Evidence>,
}

/// What one value says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub field: u32,
    pub value: Value,
    /// Log odds added; above zero makes the outcome likelier.
    pub weight: f64,
    /// Samples with that value before, and those of them with the outcome.
    pub seen: u32,
    pub came: u32,
}

/// Which value of the field is meant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// The hash that the sample gave.
    Word(u64),
    /// A number in this range: at least the first, below the second.
    Between(f64, f64),
    /// Recent outcomes, whatever the change was.
    Recent,
}

/// Field of [`Evidence`] about recent outcomes, which no sample has.
pub const RECENT: u32 = u32::MAX;

pub(crate) fn logit(probability: f64) -> f64 {
    let safe = probability.clamp(1e-6, 1.0 - 1e-6);
    (safe / (1.0 - safe)).ln()
}

pub(crate) fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}
