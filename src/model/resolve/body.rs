//! What a lane says, lowered but not yet put together with the lane it extends. Plain data.

use crate::base::{Span, Value};
use crate::expr::Expr;
use crate::model::{Action, Check, LaneOutput, OnFailure, Parallel, SelectRule, Stage, StageId};

/// A name for something the lane holds: the stages it could mean, own file first.
#[derive(Clone, Debug, Default)]
pub struct Held {
    pub candidates: Vec<StageId>,
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Selector {
    Name(Held),
    Numbers { from: u32, to: u32, span: Span },
}

#[derive(Clone, Debug)]
pub struct Include {
    pub stages: Vec<StageId>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Exclude {
    pub what: Selector,
    pub because: bool,
}

#[derive(Clone, Debug)]
pub struct Replace {
    pub old: Held,
    pub new: StageId,
    pub span: Span,
    pub because: bool,
}

/// A stage of which only the settings named in `keywords` count.
#[derive(Clone, Debug)]
pub struct Patch {
    pub keywords: Vec<(String, Span)>,
    pub stage: Stage,
    /// The patch itself says what happens after a crash.
    pub states_effect: bool,
}

#[derive(Clone, Debug)]
pub struct Override {
    pub target: Held,
    /// One for each stage the name could mean.
    pub patches: Vec<(StageId, Patch)>,
    pub because: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Skip {
    pub gate: Held,
    pub reason: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Strict {
    pub on: bool,
    pub because: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct ApprovalRule {
    pub before: Vec<Held>,
    pub count: u32,
    pub group: String,
    pub timeout: Option<Expr>,
    pub span: Span,
}

/// One lane's own statements.
#[derive(Clone, Debug, Default)]
pub struct LaneBody {
    pub includes: Vec<Include>,
    pub excludes: Vec<Exclude>,
    pub replaces: Vec<Replace>,
    pub overrides: Vec<Override>,
    pub strict: Option<Strict>,
    pub skips: Vec<Skip>,
    pub approvals: Vec<ApprovalRule>,
    pub parallel: Option<Parallel>,
    pub timeout: Option<Expr>,
    pub sla: Option<Expr>,
    pub on_failure: Option<(OnFailure, Span)>,
    /// `recommend off`.
    pub recommend_off: Option<bool>,
    pub notifies: Vec<Span>,
    /// A keyword was not known: what the lane seems to lack may have stood there.
    pub garbled: bool,
    pub select: Option<Check>,
    pub finally: Option<Vec<Action>>,
    pub meta: Option<Vec<(String, Value)>>,
    pub outputs: Vec<LaneOutput>,
    pub rules: Vec<SelectRule>,
    /// A statement of the lane was reported: what follows from its absence is not.
    pub broken: bool,
}
