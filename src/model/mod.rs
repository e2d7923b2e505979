//! The checked model: every definition resolved, typed and ready to plan. Built from syntax trees by `check`;
//! knows nothing of runs, processes or files beyond the modules it was given.

mod calls;
mod check;
mod declare;
mod expression;
mod follow;
mod help;
pub mod infer;
mod lint;
mod lower;
mod mentions;
pub mod report;
pub mod resolve;
mod scenario;
pub mod schema;
mod settle;
pub mod shell;
#[cfg(test)]
mod tests;
mod visit;

pub use check::{Checked, check};
pub use expression::expression;
pub use help::{Help, Words, placeholders};
pub(crate) use lower::constant;
pub use lower::property_type;
pub use scenario::{Answer, Attempt, Expectation, GivenFact, GivenParam, Mock, Test};
pub use settle::settle;
pub use visit::expressions;

use serde::{Deserialize, Serialize};

use crate::base::{Few, Shared, Span, Type, Value};
use crate::expr::{Expr, Function};

impl NotYet {
    /// What matters only when something fails, or tells somebody outside: a test may still play the lane.
    pub const NOTIFY: &str = "`notify`";
}

/// Indices into the vectors of [`Model`].
pub type ModuleId = u32;
pub type StageId = u32;
pub type ToolId = u32;
pub type LaneId = u32;
pub type RetryId = u32;

/// Everything the loaded files define. Module 0 is the first file given; `std` modules are there too.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub modules: Vec<Module>,
    /// Params, lets and secrets of all modules.
    pub globals: Vec<Global>,
    pub functions: Vec<Function>,
    /// Stages and gates.
    pub stages: Vec<Shared<Stage>>,
    pub tools: Vec<Tool>,
    pub retries: Vec<NamedRetry>,
    pub lanes: Vec<Lane>,
    pub pools: Vec<Pool>,
    pub repairs: Vec<Repair>,
    pub helps: Vec<Help>,
    pub tests: Vec<Test>,
    pub principles: Vec<Principle>,
    pub project: Project,
    /// Constructs that are checked but that the engine cannot carry out yet, wherever they stand:
    /// a run whose lane touches one is refused with `E950` before anything starts.
    pub not_yet: Vec<NotYet>,
    /// What each lane says, by lane; `resolve` puts them together.
    pub(crate) bodies: Vec<resolve::body::LaneBody>,
    /// Whether each stage says itself what happens after a crash.
    pub(crate) stated_effects: Vec<bool>,
}

/// In a tool's own expressions, an output of the tool is `Output { stage: TOOL + its id }`: which gate's run of
/// the tool is meant is known only when a lane is planned.
pub const TOOL: StageId = 1 << 31;

/// The tool whose output is meant, if it is a tool's.
pub fn tool_of(stage: StageId) -> Option<ToolId> {
    stage.checked_sub(TOOL)
}

/// In a caller's own expressions, what a called lane gives is `Output { stage: CALL + the place of the call among the
/// stage's actions }`: which stage makes it is known only when the called lane is put together.
pub const CALL: StageId = 1 << 30;

/// Which of the stage's actions is the call meant, if it is one.
pub fn call_of(stage: StageId) -> Option<usize> {
    stage.checked_sub(CALL).filter(|_| tool_of(stage).is_none()).map(|place| place as usize)
}

/// A value that is known without a run, lists included.
pub(crate) fn plain_value(model: &Model, expr: &Expr) -> Option<Value> {
    match &expr.kind {
        crate::expr::Kind::List(items) => {
            let items: Option<Vec<Value>> = items.iter().map(|item| constant(model, item).cloned()).collect();
            items.map(Value::List)
        }
        _ => constant(model, expr).cloned(),
    }
}

#[derive(Clone, Debug)]
pub struct Module {
    /// `std.lanes`, or the file's path as shown.
    pub name: String,
    /// True for the built-in library.
    pub std: bool,
    pub file: crate::base::FileId,
    pub lanes: Vec<LaneId>,
    pub stages: Vec<StageId>,
}

#[derive(Clone, Debug)]
pub struct Global {
    pub module: ModuleId,
    pub name: String,
    pub span: Span,
    pub docs: Option<String>,
    pub ty: Type,
    pub kind: GlobalKind,
    /// A secret, or built from one.
    pub secret: bool,
    /// The lane whose own param it is.
    pub lane: Option<LaneId>,
}

#[derive(Clone, Debug)]
pub enum GlobalKind {
    Param { default: Option<Expr>, pattern: Option<String> },
    Let(Expr),
    Secret(Expr),
}

/// Whom a `not_yet` construct concerns.
#[derive(Clone, Debug, PartialEq)]
pub enum Concerns {
    Stage(StageId),
    Lane(LaneId),
    /// The lane where it is the one that is run; one that is called takes these settings from the run.
    Run(LaneId),
    /// The whole module: `project` settings.
    Module(ModuleId),
}

#[derive(Clone, Debug)]
pub struct NotYet {
    pub span: Span,
    /// The construct in words: "`call` of another lane".
    pub what: String,
    pub concerns: Concerns,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StageKind {
    Stage,
    Gate,
}

/// A stage or a gate as defined in its file (before a lane's overrides). There may be very many: what few stages have
/// is small while it is absent.
#[derive(Clone, Debug)]
pub struct Stage {
    pub id: StageId,
    pub module: ModuleId,
    pub name: String,
    /// Of the name in the definition.
    pub span: Span,
    /// `##` text, else `about`.
    pub docs: Option<String>,
    pub number: Option<u32>,
    pub kind: StageKind,
    pub needs: Vec<Dependency>,
    pub follows: Few<Dependency>,
    pub when: Option<Box<Expr>>,
    pub before: Few<Check>,
    pub after: Few<Check>,
    pub actions: Vec<Action>,
    pub env: Few<(String, Expr)>,
    pub cwd: Option<Box<Expr>>,
    /// Globs relative to the root.
    pub inputs: Few<Expr>,
    pub outputs: Few<Output>,
    /// Each name with a list expression; values are worked out when planned.
    pub matrix: Few<(String, Expr)>,
    pub timeout: Option<Expr>,
    pub deadline: Option<Box<Expr>>,
    pub retry: Option<Box<Retry>>,
    pub effect: Effect,
    pub undo: Few<Action>,
    /// What the `undo` block itself says.
    pub undo_timeout: Option<Box<Expr>>,
    pub undo_retry: Option<Box<Retry>>,
    pub finally: Few<Action>,
    pub lock: Option<Box<Expr>>,
    /// Index into [`Model::pools`].
    pub pool: Option<u32>,
    /// The `because` of `allow-failure` (empty when none was given).
    pub allow_failure: Option<String>,
    pub confirm: Option<Box<Expr>>,
    /// Gates only.
    pub gate: Option<Box<Gate>>,
}

impl Stage {
    /// Whether it calls a lane: then it has neither class nor retry.
    pub fn calls(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, Action::Call { .. }))
    }
}

#[derive(Clone, Debug)]
pub struct Dependency {
    pub stage: StageId,
    /// `needs x?`.
    pub optional: bool,
    pub span: Span,
}

/// A condition with the text it was written as.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub expr: Expr,
    pub text: String,
    /// What to tell a person when it does not hold.
    #[serde(default)]
    pub because: Option<String>,
}

/// `select if CONDITION because TEXT`; the text may use what is known when a run starts.
#[derive(Clone, Debug)]
pub struct SelectRule {
    pub expr: Expr,
    pub text: String,
    pub because: Option<Expr>,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// `run`: interpreter word (`bash` by default) and the dedented text.
    Script {
        interpreter: String,
        text: String,
        /// Where each line of the text begins in the file; empty for a plain string.
        lines: Vec<u32>,
        span: Span,
    },
    /// `exec`: operands, possibly with spreads.
    Exec {
        argv: Vec<Expr>,
        span: Span,
    },
    Render {
        render: Box<Render>,
        span: Span,
    },
    /// `call` of a lane, with its arguments.
    Call {
        lane: LaneId,
        /// By which its outputs are read: the `as` name, else the lane's.
        name: String,
        /// It was given a name of its own.
        named: bool,
        arguments: Vec<Argument>,
        span: Span,
    },
}

/// A template and the file, or the set of files, made from it.
#[derive(Clone, Debug)]
pub struct Render {
    pub target: Expr,
    pub template: Expr,
    pub context: Vec<(String, Expr)>,
    /// `each NAME = LIST`: a file for each combination of values.
    pub each: Vec<(String, Expr)>,
    /// A JSON Schema that each file must fit.
    pub schema: Option<Expr>,
}

impl Render {
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let named = self.context.iter().chain(&self.each).map(|(_, value)| value);
        [&self.target, &self.template].into_iter().chain(&self.schema).chain(named)
    }
}

/// A value for a param of a called lane, or of its file.
#[derive(Clone, Debug)]
pub struct Argument {
    pub name: String,
    /// The param: index into [`Model::globals`].
    pub param: u32,
    pub value: Expr,
}

#[derive(Clone, Debug)]
pub struct Output {
    pub name: String,
    pub span: Span,
    pub ty: Type,
    /// A path (a file that must be there after the stage), or a reader expression.
    pub value: Expr,
    pub keep: Option<Expr>,
}

#[derive(Clone, Debug, Default)]
pub enum Effect {
    #[default]
    Repeatable,
    Idempotent(Box<Expr>),
    Once,
}

/// A retry policy after `defaults` and replacements are applied.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    pub attempts: Option<Expr>,
    pub backoff: Option<Backoff>,
    pub when: Option<Check>,
    pub breaker: Option<Breaker>,
    /// The named policy it is, or began with.
    pub policy: Option<String>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Backoff {
    pub kind: BackoffKind,
    /// First wait, or the constant one.
    pub from: Expr,
    /// Longest wait.
    pub cap: Option<Expr>,
    pub factor: Option<Expr>,
    /// Percent added at most.
    pub jitter: Option<Expr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BackoffKind {
    Constant,
    Linear,
    Exponential,
}

#[derive(Clone, Debug, Default)]
pub struct Breaker {
    pub name: Option<String>,
    pub failures: Option<Expr>,
    pub within: Option<Expr>,
    pub cooldown: Option<Expr>,
    pub successes: Option<Expr>,
    /// Where it is defined.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct NamedRetry {
    pub module: ModuleId,
    pub name: String,
    pub retry: Retry,
}

#[derive(Clone, Debug)]
pub struct Gate {
    pub tool: Option<ToolId>,
    pub measures: Vec<Measure>,
    pub require: Vec<Check>,
    /// Added to `require` where the lane says `gates strict`.
    pub strict: Vec<Check>,
    /// Empty means 0 alone.
    pub exit_ok: Vec<i32>,
}

#[derive(Clone, Debug)]
pub struct Measure {
    pub name: String,
    pub ty: Type,
    pub value: Expr,
    pub span: Span,
}

/// A program whose output gates judge; runs once a run for all its gates.
#[derive(Clone, Debug)]
pub struct Tool {
    pub id: ToolId,
    pub module: ModuleId,
    pub name: String,
    pub span: Span,
    pub docs: Option<String>,
    pub actions: Vec<Action>,
    pub env: Vec<(String, Expr)>,
    pub cwd: Option<Expr>,
    pub outputs: Vec<Output>,
    pub measures: Vec<Measure>,
    pub exit_ok: Vec<i32>,
    pub timeout: Option<Expr>,
}

#[derive(Clone, Debug)]
pub struct Pool {
    pub module: ModuleId,
    pub name: String,
    pub slots: Expr,
}

/// A known failure and what mends it.
#[derive(Clone, Debug)]
pub struct Repair {
    pub module: ModuleId,
    pub name: String,
    /// Of the name in the definition.
    pub span: Span,
    pub docs: Option<String>,
    /// The failure it is for; none only where the definition is broken.
    pub when: Option<Check>,
    /// What must hold for the repair to be safe.
    pub verify: Option<Check>,
    /// `do`, run at the project's root.
    pub actions: Vec<Action>,
    pub risk: Risk,
    pub then: AfterRepair,
    /// How often it may be done for one stage of a run; one where it does not say.
    pub limit: Option<Expr>,
}

/// Whether somebody is asked before a repair is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    Low,
    /// Asks first.
    #[default]
    Destructive,
}

/// What follows a repair that was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AfterRepair {
    #[default]
    RetryStage,
    Stop,
    /// What the stage needs and is gone is made again, then the stage begins anew.
    RerunNeeds,
}

/// The team's own rule. Properties (`s.lock`) are [`crate::expr::Kind::Fact`] named by the dotted path.
#[derive(Clone, Debug)]
pub struct Principle {
    pub module: ModuleId,
    pub name: String,
    pub span: Span,
    pub subject: Subject,
    /// `s` of `each stage as s`.
    pub variable: String,
    pub condition: Option<Expr>,
    pub require: Vec<Check>,
    pub because: Option<String>,
}

/// What a principle is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Stage,
    Gate,
    Lane,
}

/// What the project makes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Allow,
    Warn,
    Deny,
}

#[derive(Clone, Debug, Default)]
pub struct Project {
    pub span: Option<Span>,
    pub about: Option<String>,
    pub version: Option<String>,
    pub tags: Vec<String>,
    pub base_branch: Option<String>,
    pub groups: Vec<Group>,
    /// `environment clean { pass … }`.
    pub clean_environment: Option<Vec<String>>,
    /// `allow`, `warn` and `deny` of checks, in order; a later one wins.
    pub levels: Vec<(&'static crate::diag::Code, Level)>,
    /// Milliseconds.
    pub keep_runs: Option<i64>,
    pub keep_logs: Option<i64>,
    /// Bytes that one attempt's log may hold.
    pub log_size: Option<u64>,
    /// Of a hundred results that could be reused, how many are checked by running again.
    pub verify_reuse: Option<u32>,
    /// `repairs …`; none where it does not say, which is `std.repair`.
    pub repairs: Option<Vec<RepairSet>>,
}

/// Repair rules that apply to every run of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RepairSet {
    /// `std.repair`: a file of the library, by its name without `std.`.
    Std(String),
    /// An import.
    Module(ModuleId),
    /// A single rule, by its place in [`Model::repairs`].
    Rule(u32),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    pub name: String,
    /// Mail addresses.
    pub members: Vec<String>,
}

/// A lane as written. What it holds after `extends` and the rest is a [`ResolvedLane`].
#[derive(Clone, Debug)]
pub struct Lane {
    pub id: LaneId,
    pub module: ModuleId,
    pub name: String,
    pub span: Span,
    pub docs: Option<String>,
    pub about: Option<String>,
    pub extends: Option<(LaneId, Span)>,
    /// Any of its `select` rules, as one condition.
    pub select: Option<Check>,
    pub deprecated: bool,
    pub rules: Vec<SelectRule>,
}

/// What a lane really holds and how it runs: the result of `resolve`.
#[derive(Clone, Debug)]
pub struct ResolvedLane {
    pub id: LaneId,
    pub name: String,
    pub about: Option<String>,
    /// Stages after overrides and replacements, in definition order (numbered ones first, by number).
    pub stages: Vec<Shared<Stage>>,
    /// For each of `stages`, its edges to other members, by index in `stages`. Absent `follows` and `needs x?`
    /// targets are already replaced by what they themselves need or follow.
    pub edges: Vec<Vec<Edge>>,
    /// `(X, Y)` of `replace X with Y`: reading an output of X reads Y's.
    pub replaced: Vec<(StageId, StageId)>,
    pub strict: bool,
    /// Gates that are waived, with the reason (`gates { skip X because "…" }`).
    pub waived: Vec<(StageId, String)>,
    pub parallel: Parallel,
    pub timeout: Option<Expr>,
    pub sla: Option<Expr>,
    pub on_failure: OnFailure,
    /// `recommend off`: no stage is left out because earlier changes did not need it.
    pub recommend_off: bool,
    pub approvals: Vec<Approval>,
    pub notifies: Vec<Span>,
    pub select: Option<Check>,
    pub finally: Vec<Action>,
    pub meta: Vec<(String, Value)>,
    /// Its own params, those of the lanes it extends included.
    pub params: Vec<LaneParam>,
    /// What a stage that calls it may read.
    pub outputs: Vec<LaneOutput>,
}

/// A lane's own param, with the params of the same name that it stands for in the lane's files.
#[derive(Clone, Debug)]
pub struct LaneParam {
    pub name: String,
    pub global: u32,
    pub shadows: Vec<u32>,
}

/// `out NAME = stage.output` of a lane.
#[derive(Clone, Debug)]
pub struct LaneOutput {
    pub name: String,
    pub span: Span,
    pub stage: StageId,
    pub output: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EdgeKind {
    Needs,
    /// `needs x?`: a skipped x will do.
    NeedsOptional,
    Follows,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub to: u32,
    pub kind: EdgeKind,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Parallel {
    #[default]
    Auto,
    Off,
    Limit(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    #[default]
    Stop,
    KeepGoing,
    Rollback,
}

#[derive(Clone, Debug)]
pub struct Approval {
    /// The stage it stands before; index in [`ResolvedLane::stages`].
    pub before: u32,
    pub count: u32,
    pub group: String,
    pub timeout: Option<Expr>,
    pub span: Span,
}
