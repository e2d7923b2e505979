//! What would be advised on another change, beside what is advised on this one. Compares; works no advice out.

use serde::Serialize;

use super::explain::{Advice, StageAdvice};

/// What the other change makes different.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The lane that would be chosen, where it is another.
    pub lane: Option<String>,
    /// Stages that would run and do not now.
    pub kept: Vec<String>,
    /// Stages that run now and would not.
    pub left: Vec<String>,
    /// Stages of which a chance differs.
    pub stages: Vec<Moved>,
    /// Of the estimate, where both are known.
    pub seconds: Option<f64>,
    pub confidence: f64,
}

/// The chances of one stage, now and then.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moved {
    pub name: String,
    pub probability: [f64; 2],
    pub risk: [f64; 2],
}

/// From `now` to `then`. Stages that only one of two lanes has count as kept and left.
pub fn difference(now: &Advice, then: &Advice) -> Difference {
    let of = |advice: &Advice, name: &str| -> Option<StageAdvice> {
        advice.stages.iter().find(|stage| stage.name == name).cloned()
    };
    let moved = |stage: &StageAdvice| {
        let before = of(now, &stage.name)?;
        let moved = before.probability != stage.probability || before.risk != stage.risk;
        moved.then(|| Moved {
            name: stage.name.clone(),
            probability: [before.probability, stage.probability],
            risk: [before.risk, stage.risk],
        })
    };
    let without = |all: &[String], other: &[String]| -> Vec<String> {
        all.iter().filter(|name| !other.contains(name)).cloned().collect()
    };
    Difference {
        lane: (now.lane != then.lane).then(|| then.lane.clone()),
        kept: without(&then.recommended, &now.recommended),
        left: without(&now.recommended, &then.recommended),
        stages: then.stages.iter().filter_map(moved).collect(),
        seconds: now.estimate.seconds.zip(then.estimate.seconds).map(|(now, then)| round(then - now)),
        confidence: round(then.confidence - now.confidence),
    }
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
