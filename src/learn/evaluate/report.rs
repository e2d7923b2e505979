//! What an evaluation says, in the shape in which it is printed as JSON. Works nothing out.

use serde::Serialize;

use crate::learn::measure::{ChanceScore, ClassScore, SetScore};
use crate::learn::rank::OrderScore;

/// Changes when a figure comes to mean something else.
pub const VERSION: u32 = 1;

/// A part that could not be worked out is null, and `notes` says why.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    pub version: u32,
    pub seed: u64,
    pub order: &'static str,
    pub log: Size,
    /// Learned from the first two thirds of the cases only.
    pub next_stage: Option<ClassScore>,
    /// Predicted, then learned, event by event.
    pub prequential: Option<ClassScore>,
    /// A case is learned when it has ended.
    pub remaining_time: Option<TimeScore>,
    /// Learned from the first two thirds only.
    pub remaining_time_static: Option<TimeScore>,
    pub stage_set: Option<SetScore>,
    /// A case is learned when it has ended.
    pub stage_set_online: Option<SetScore>,
    pub failure: Option<ChanceScore>,
    pub failure_static: Option<ChanceScore>,
    /// Of a table of verdicts: how soon failures are found.
    pub order_of_checks: Option<OrderScore>,
    pub baselines: Baselines,
    pub train_seconds: Option<f64>,
    pub train_parts: TrainParts,
    pub predict_micros: Option<Percentiles>,
    pub update_micros: Option<f64>,
    /// Bytes of the next-stage model as it would be stored.
    pub snapshot_bytes: Option<usize>,
    pub left_out: Vec<LeftOut>,
    pub notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Size {
    pub cases: usize,
    pub events: usize,
    pub activities: usize,
    pub train_cases: usize,
    pub test_cases: usize,
}

/// `mae_seconds`: mean of the gaps between the middle and what came. `coverage80`: share of what came that lay within the
/// 80 % interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TimeScore {
    pub mae_seconds: f64,
    pub coverage80: f64,
    /// Mean width of the interval.
    pub width_seconds: f64,
    pub n: u64,
}

/// What anyone could say without a model. The first three are of the next stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Baselines {
    /// Always the class seen most often, for certain.
    pub majority: Option<ClassScore>,
    /// Always the shares seen.
    pub prior: Option<ClassScore>,
    /// The shares seen after the same last stage.
    pub markov1: Option<ClassScore>,
    pub remaining_time: TimeBaselines,
    pub stage_set: SetBaselines,
    pub failure: FailureBaselines,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct TimeBaselines {
    pub mean: Option<TimeScore>,
    pub median: Option<TimeScore>,
    /// Median after the longest run of last stages that was seen often enough.
    pub backoff_median: Option<TimeScore>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SetBaselines {
    /// Each stage as often as it was seen.
    pub prior: Option<SetScore>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FailureBaselines {
    /// Always the share seen.
    pub prior: Option<ChanceScore>,
    /// As it went the last time.
    pub last_outcome: Option<ChanceScore>,
}

/// Seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct TrainParts {
    pub next_stage: Option<f64>,
    pub remaining_time: Option<f64>,
    pub stage_set: Option<f64>,
    pub failure: Option<f64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    pub p50: f64,
    pub p99: f64,
}

/// A column that was not learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub column: String,
    pub reason: String,
}
