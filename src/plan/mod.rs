//! The plan: one run's graph, all that is known before it starts worked out and pinned. Plain data that is stored
//! with the run and needs neither model nor source again. Built by `build`; does not run anything.

pub mod build;
mod call;
mod choice;
mod expected;
mod fail_first;
mod frame;
mod given;
mod globals;
pub mod graph;
mod lower;
mod node;
mod order;
mod reach;
mod refuse;
mod repair;
mod retry;
mod reusable;
mod schedule;
pub mod secrets;
mod start;
mod svg;
mod tool;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{Type, Value};
use crate::event::{Advised, BreakerRule, Files, Keyed, NodeIndex};
use crate::expr::facts::FactValues;
use crate::expr::{Expr, Function};
pub use build::{build, select_matches};
pub use choice::{Verdict, rule_facts, verdicts};
pub use expected::Expected;
pub use fail_first::{FailFirst, Suspect};
pub use given::Given;
pub use reach::{facts_of, select_facts, start_facts};
pub use refuse::{concerning, refusal, refusals};
pub use repair::{library_facts, library_rules, library_sets};
pub use secrets::secret_values;
pub use start::{Start, start};

pub use crate::model::{
    AfterRepair, BackoffKind, Check, EdgeKind, Group, OnFailure, Parallel, Risk, StageKind,
};

/// Params and lets are already replaced by their values in every expression; what is left to read are outputs,
/// matrix values, measures and facts of the `Judge`, `Attempt` and `Reader` phases, and globals that are secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub lane: String,
    pub about: Option<String>,
    pub root: PathBuf,
    pub nodes: Vec<Node>,
    /// The instances of each stage; one without `matrix` has one. [`crate::expr::Kind::Output`] points here.
    pub stages: Vec<Instances>,
    /// Stages that call lanes, each with its first and last node.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// Time limits over several nodes: of a stage that calls, of a lane that is called.
    #[serde(default)]
    pub bounds: Vec<Bound>,
    pub functions: Vec<Function>,
    pub parallel: Parallel,
    pub on_failure: OnFailure,
    /// Milliseconds of work, waiting for people not counted.
    pub timeout: Option<u64>,
    pub sla: Option<u64>,
    pub finally: Vec<Action>,
    pub groups: Vec<Group>,
    /// Pools by name with their slots.
    pub pools: BTreeMap<String, u32>,
    /// Shown and stored; no secret among them.
    pub params: BTreeMap<String, Value>,
    /// Facts of the `Start` phase that were read for this run.
    pub facts: FactValues,
    /// Secrets by index: which environment variable each is read from. Their values are never stored.
    pub secrets: Vec<Secret>,
    /// `environment clean { pass … }`.
    pub clean_env: Option<Vec<String>>,
    pub definition: Definition,
    /// Seeds jitter and every other draw of the run.
    pub seed: u64,
    /// The most that one attempt's log may hold, in bytes, where the project says so.
    #[serde(default)]
    pub log_size: Option<u64>,
    /// Of a hundred results that could be reused, how many are checked by running again.
    #[serde(default)]
    pub verify_reuse: Option<u32>,
    /// Rules that may mend a failed attempt, in the order in which they are tried.
    #[serde(default)]
    pub repairs: Vec<Repair>,
    /// Library files whose rules come after these; read only when something has failed, for most runs need none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repair_sets: Vec<String>,
    /// Likely failures come first: what `priority` is ordered by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_first: Option<FailFirst>,
    /// What history advised to leave out of this run, and what was done with that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advised: Option<Box<Advised>>,
}

/// A known failure and what mends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    pub name: String,
    pub docs: Option<String>,
    /// `file:line` of the definition, for people.
    pub place: String,
    /// The failure it is for.
    pub when: Check,
    /// What must hold right before it acts.
    pub verify: Option<Check>,
    /// At the project's root.
    pub actions: Vec<Action>,
    pub risk: Risk,
    pub then: AfterRepair,
    /// How often at most for one stage of a run.
    pub limit: u32,
}

/// How a stage's effect is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// In the stage's own folder and environment.
    pub actions: Vec<Action>,
    /// Of one attempt, in milliseconds; none is the stage's own.
    pub timeout: Option<u64>,
    pub retry: Option<Retry>,
}

/// The text the plan was made from, so that a change can be seen and shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definition {
    /// Hash over all of `files`, params included; 64 hex digits.
    pub hash: String,
    /// Path as shown → text.
    pub files: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instances {
    pub name: String,
    pub nodes: Vec<NodeIndex>,
    pub matrix: bool,
}

/// One instance of a stage that calls lanes. It begins with the node `opening`, whose key ends in `:start`, and ends
/// with `closing`, which has the stage's own key; what it calls stands between. The opening holds the stage's lock and
/// pool until the closing has ended. The closing waits for all of them and ends badly when one of them did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    pub opening: NodeIndex,
    /// What the stage itself does before its last call, the opening first.
    pub parts: Vec<NodeIndex>,
    pub closing: NodeIndex,
}

/// `members` may work at most so long together; what still runs then is ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bound {
    /// Index into [`Plan::calls`]: whose closing then times out.
    pub call: u32,
    pub members: Vec<NodeIndex>,
    /// Milliseconds of work.
    pub timeout: u64,
    /// "`probe`", "lane `quick`".
    pub whose: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Secret {
    /// Index that [`crate::expr::Kind::Global`] carries.
    pub global: u32,
    pub name: String,
    /// The expression, `env("X")` mostly; evaluated again at each start and resume.
    pub value: Expr,
    /// Environment names it reads, removed from what stages inherit.
    pub sources: Vec<String>,
}

/// One stage instance or gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// `unit`, `unit[shard=2]`.
    pub key: String,
    /// Index into [`Plan::stages`].
    pub stage: u32,
    pub number: Option<u32>,
    pub kind: StageKind,
    pub docs: Option<String>,
    /// `file:line` of the definition, for people.
    pub place: String,
    pub edges: Vec<Edge>,
    pub matrix: Vec<(String, Value)>,
    /// Decided at plan time: not run, and why (a gate that the lane skips).
    pub waived: Option<String>,
    pub when: Option<Check>,
    pub before: Vec<Check>,
    pub after: Vec<Check>,
    pub actions: Vec<Action>,
    pub env: Vec<(String, Expr)>,
    /// Relative to the root; none is the root.
    pub cwd: Option<Expr>,
    pub inputs: Vec<String>,
    pub outputs: Vec<Output>,
    pub timeout: Option<u64>,
    pub deadline: Option<u64>,
    pub retry: Option<Retry>,
    pub effect: Effect,
    pub finally: Vec<Action>,
    pub lock: Option<String>,
    pub pool: Option<String>,
    pub allow_failure: Option<String>,
    pub confirm: Option<String>,
    pub approvals: Vec<Approval>,
    pub gate: Option<Gate>,
    /// The call it is part of, the innermost: index into [`Plan::calls`]. A closing is part of the call around its own.
    #[serde(default)]
    pub call: Option<u32>,
    /// The call that it is the closing of.
    #[serde(default)]
    pub closes: Option<u32>,
    /// Its end is known before the run: only a part of the lane was asked for.
    #[serde(default)]
    pub preset: Option<Preset>,
    /// What starts first among the ready: the longest path to the end of the plan, in nodes, or in expected milliseconds
    /// once there is history; the place from behind where likely failures come first.
    pub priority: u32,
    /// From earlier runs, as it was known when this one began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Expected>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// How likely it fails, where earlier runs say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspect: Option<Suspect>,
}

impl Plan {
    /// The calls around a node, innermost first.
    pub fn around(&self, node: NodeIndex) -> impl Iterator<Item = u32> + '_ {
        let of = |node: NodeIndex| self.nodes.get(node as usize).and_then(|node| node.call);
        let outer = move |call: &u32| self.calls.get(*call as usize).and_then(|call| of(call.closing));
        std::iter::successors(of(node), outer)
    }

    /// The call that `node` opens.
    pub fn opened_by(&self, node: NodeIndex) -> Option<u32> {
        let call = self.nodes.get(node as usize)?.call?;
        self.calls.get(call as usize).filter(|call| call.opening == node).map(|_| call)
    }

    /// Whether a failure of the node is let pass by a call around it.
    pub fn tolerated(&self, node: NodeIndex) -> bool {
        self.around(node).any(|call| {
            let closing =
                self.calls.get(call as usize).and_then(|call| self.nodes.get(call.closing as usize));
            closing.is_some_and(|closing| closing.allow_failure.is_some())
        })
    }

    /// The stage as people know it: the beginning of a call is called by the stage's own key.
    pub fn title(&self, node: NodeIndex) -> &str {
        let closing = self.opened_by(node).and_then(|call| self.calls.get(call as usize));
        let node = closing.map_or(node, |call| call.closing);
        self.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
    }

    /// Whether `to` is the end of the call that `from` is directly part of: how `from` ended is then for it to judge.
    pub fn judges(&self, to: NodeIndex, from: NodeIndex) -> bool {
        let node = |index: NodeIndex| self.nodes.get(index as usize);
        let closes = node(to).and_then(|to| to.closes);
        closes.is_some() && closes == node(from).and_then(|from| from.call)
    }
}

/// What is known of a stage that this run will not carry out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Its result in an earlier run still holds.
    Reused {
        run: String,
        inputs: String,
        outputs: BTreeMap<String, Value>,
        #[serde(default)]
        files: Files,
        /// Under which key it was found.
        #[serde(default)]
        result: Option<Box<Keyed>>,
    },
    /// Not asked for; the reason begins with [`LEFT_OUT`].
    LeftOut(String),
}

/// How the reason of a stage begins that was not asked for: such a skip says nothing of whether it was needed.
pub const LEFT_OUT: &str = "left out";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub to: NodeIndex,
    pub kind: EdgeKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    Script {
        interpreter: String,
        text: String,
    },
    Exec {
        argv: Vec<Expr>,
    },
    Render {
        target: Expr,
        template: Expr,
        context: Vec<(String, Expr)>,
        /// What is rendered must fit this JSON Schema.
        #[serde(default)]
        schema: Option<Box<Expr>>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Output {
    pub name: String,
    pub ty: Type,
    pub value: Expr,
    /// A value handed to a called lane: of a path, no file is expected there.
    #[serde(default)]
    pub given: bool,
    /// Milliseconds that a copy of the file is kept; none when no copy is made.
    #[serde(default)]
    pub keep: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    #[default]
    Repeatable,
    Idempotent(Expr),
    Once,
}

/// Times in milliseconds, jitter in percent of the wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retry {
    /// At least 1; 1 means no retry.
    pub attempts: u32,
    pub backoff: BackoffKind,
    pub from: u64,
    pub cap: Option<u64>,
    pub factor: f64,
    pub jitter: f64,
    /// Retried only if this holds; none means any failure.
    pub when: Option<Check>,
    #[serde(default)]
    pub breaker: Option<BreakerRule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub count: u32,
    pub group: String,
    pub timeout: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gate {
    /// Gates of the same tool carry the same name and the tool's actions, env, outputs; the first to start runs it.
    pub tool: Option<String>,
    pub measures: Vec<Measure>,
    /// With the strict ones where the lane is strict.
    pub require: Vec<Check>,
    pub exit_ok: Vec<i32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    pub name: String,
    pub ty: Type,
    pub value: Expr,
}
