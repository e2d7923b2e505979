//! What became of the advice to leave stages out: recorded when the run starts, before anything of it is known. Plain
//! data; does not know how the advice was worked out.

use serde::{Deserialize, Serialize};

/// What was done with the advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Course {
    /// The stages were left out.
    #[default]
    Followed,
    /// The draw said to run them all the same: what comes of them tells whether the advice is any good.
    Control,
    /// A person saw the advice and ran all of it.
    Declined,
}

/// How much a recommendation may risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effort {
    #[default]
    Usual,
    Safe,
    Fast,
}

impl Effort {
    /// As it was asked for: ` --safe`; nothing where it was not said.
    pub fn flag(self) -> &'static str {
        match self {
            Effort::Usual => "",
            Effort::Safe => " --safe",
            Effort::Fast => " --fast",
        }
    }
}

/// The advice that a run began with, and what was done with it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Advised {
    pub course: Course,
    pub effort: Effort,
    /// Stages by name, as they would run or did.
    pub kept: Vec<String>,
    pub left_out: Vec<LeftOut>,
    /// Milliseconds that the run is expected to end sooner for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sooner_ms: Option<u64>,
    /// Finished runs of the lane that the advice rests on.
    pub runs: u64,
    pub confidence: f64,
    /// Of a hundred runs that would leave something out, how many run all of it.
    pub control: u32,
    /// What worked the advice out, with its version.
    pub model: String,
    /// Who agreed.
    pub by: String,
}

/// A stage that the advice leaves out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    pub stage: String,
    /// How likely it was thought to be missed: to find something that this run does not.
    pub probability: f64,
    /// How likely such a change was thought to need it at all.
    pub needed: f64,
    /// Times that it was carried out before, on which the first rests.
    pub executions: u32,
    /// Below which chance to be missed it is left out, where that is what decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Milliseconds that it takes as a rule; none where it was never seen to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saves_ms: Option<u64>,
    /// The strongest reason, in words.
    pub because: String,
}
