//! How long things take: what is left of a case, and how long a stage runs. Numbers only; knows no lane and no clock.

pub mod durations;
pub mod remaining;
mod table;
mod views;

pub use durations::{Durations, Spread};
pub use remaining::{Constant, Remaining};

/// What is expected, and the middle 80 % of what it may be. Milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    pub middle: f64,
    pub low: f64,
    pub high: f64,
}
