//! `test` blocks after the check: what a scenario gives, how its stages end, what must hold. Data only; nothing here
//! plays a test.

use crate::base::Span;
use crate::expr::Expr;

use super::{Check, LaneId, ModuleId, StageId};

/// A `test` block. Expressions read params, lets and facts of the run's start, as the scenario gives them.
#[derive(Clone, Debug)]
pub struct Test {
    pub module: ModuleId,
    pub name: String,
    pub span: Span,
    pub lane: Option<LaneId>,
    pub params: Vec<GivenParam>,
    pub facts: Vec<GivenFact>,
    pub mocks: Vec<Mock>,
    pub answers: Vec<Answer>,
    /// Stages whose `confirm` is answered with yes.
    pub confirmed: Vec<StageId>,
    /// How long people who do not answer are waited for.
    pub wait: Option<Expr>,
    pub expects: Vec<Expectation>,
}

/// `given { ticket = "HOT-42" }`: the param of that name in every file of the lane.
#[derive(Clone, Debug)]
pub struct GivenParam {
    /// Indices into the model's globals: params of that name and type.
    pub globals: Vec<u32>,
    pub value: Expr,
}

/// `given { git.branch = … }`, `fact file.exists("Cargo.lock") as true`.
#[derive(Clone, Debug)]
pub struct GivenFact {
    /// [`crate::expr::Kind::Fact`].
    pub fact: Expr,
    pub value: Expr,
}

/// How a stage or gate ends.
#[derive(Clone, Debug)]
pub struct Mock {
    pub stage: StageId,
    pub span: Span,
    /// Which instances of a matrix stage; none is all.
    pub when: Option<Expr>,
    /// One after the other, the last for all that follow; never empty.
    pub attempts: Vec<Attempt>,
    pub outputs: Vec<(String, Expr)>,
    pub measures: Vec<(String, Expr)>,
    pub facts: Vec<GivenFact>,
}

/// How one attempt ends.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    pub exit: Option<Expr>,
    pub stderr: Option<Expr>,
    pub takes: Option<Expr>,
}

/// What people say to an approval.
#[derive(Clone, Debug)]
pub struct Answer {
    pub stage: StageId,
    pub yes: bool,
    /// Nobody named is whoever it takes.
    pub by: Vec<Expr>,
    pub because: Option<String>,
    pub after: Option<Expr>,
}

/// What must hold at the end. Values of the run that was played are facts such as `stage.build.state`, which the
/// table of facts does not know.
#[derive(Clone, Debug)]
pub struct Expectation {
    pub check: Check,
    pub span: Span,
}
