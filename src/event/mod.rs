//! The closed set of events: plain data, no behaviour. Everything shown, stored or learned is read from these.
//! Does not know how an event is decided, stored or shown.

// tidy: long file, because the closed set of events is one list.
mod advice;
mod class;
mod result;
mod rollback;
mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::base::{Timestamp, Value};
use crate::expr::facts::FactValues;

pub use advice::{Advised, Course, Effort, LeftOut};
pub use class::{FailureClass, Lasting};
pub use result::{Compared, FileMark, Files, Keyed};
pub use rollback::Failed;

/// Index of a node in its plan.
pub type NodeIndex = u32;

/// A run's name: sortable by start, `20261121-013430-k3f9`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub String);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// An event as recorded: numbered from 1 without gaps within its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub seq: u64,
    pub at: Timestamp,
    pub event: Event,
}

/// States of a stage (the contract's names). `pending`, `ready` are never stored: they follow from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Pending,
    Ready,
    Waiting,
    Running,
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    Skipped,
    Waived,
    Reused,
    Warned,
    Blocked,
    Unknown,
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptStatus {
    Succeeded,
    Failed,
    TimedOut,
    Cancelled,
    /// The engine died while it ran.
    Interrupted,
}

/// How a run ended, or that it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunStatus {
    Running,
    Waiting,
    Succeeded,
    Failed,
    /// A gate failed, or could not be judged.
    GateFailed,
    TimedOut,
    Cancelled,
    Interrupted,
    /// What it did was taken back: it is final.
    RolledBack,
}

/// What a waiting stage waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitFor {
    Approval,
    Retry,
    Lock,
    Pool,
    Breaker,
}

/// Why facts were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    When,
    Before,
    After,
    Outputs,
    Retry,
    Inputs,
    /// `when` of repair rules.
    Repair,
    /// `verify` of a repair rule, right before it acts.
    Verify,
}

/// How the memory of an attempt is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// The kernel said it when the process was reaped.
    #[default]
    Wait4,
    /// Looked at now and then while it ran.
    Sampled,
    /// No more than this. The kernel counts the engine's own memory to a process until it executes its program, and it
    /// ended too soon to be looked at.
    AtMost,
}

/// What the operating system says of an attempt: its processes and those they waited for. Memory and data in bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    pub user_ms: u64,
    pub system_ms: u64,
    /// Peak resident size of the largest process.
    pub max_rss: u64,
    /// The same times in microseconds.
    #[serde(skip_serializing_if = "is_default")]
    pub user_us: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub system_us: u64,
    /// How `max_rss` is known.
    #[serde(skip_serializing_if = "is_default")]
    pub how: Measured,
    /// Peak of all its processes together, where it was looked at; else 0.
    #[serde(skip_serializing_if = "is_default")]
    pub tree_rss: u64,
    /// From and to the disk; what the page cache served is not in it.
    #[serde(skip_serializing_if = "is_default")]
    pub read_bytes: u64,
    #[serde(skip_serializing_if = "is_default")]
    pub written_bytes: u64,
    /// It waited for something, and another was given the processor instead.
    #[serde(skip_serializing_if = "is_default")]
    pub waits: u64,
    /// It was taken off the processor.
    #[serde(skip_serializing_if = "is_default")]
    pub preempted: u64,
}

impl Measured {
    pub fn word(self) -> &'static str {
        match self {
            Measured::Wait4 => "wait4",
            Measured::Sampled => "sampled",
            Measured::AtMost => "at-most",
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The end of an attempt as the executor saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub status: AttemptStatus,
    /// Exit code; 128 + signal when killed by one.
    pub exit: Option<i32>,
    pub signal: Option<i32>,
    /// Milliseconds the attempt took.
    pub duration_ms: u64,
    /// One line: why it failed, when the exit code alone does not say ("program not found: ruff").
    pub error: Option<String>,
    /// The last 64 KiB of standard error, secrets masked. Empty when it succeeded.
    #[serde(default)]
    pub stderr: String,
    /// The last 8 KiB of standard output, where many programs say what failed. Empty when it succeeded.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stdout: String,
    #[serde(default)]
    pub usage: Usage,
    /// The log was cut because it reached its cap or the disk was full.
    #[serde(default)]
    pub log_cut: bool,
    /// Why it failed, as one word; none when it did not, or from before classes were recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<FailureClass>,
    /// The user asked for this failure (`WFL_INJECT`): nothing was executed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub injected: bool,
}

/// A condition that was judged: its text, and whether it held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    pub text: String,
    pub held: bool,
    /// The values it was judged on: `lines = 69.9%`.
    #[serde(default)]
    pub values: String,
    /// `file:line:column` of the condition.
    #[serde(default)]
    pub place: String,
    /// The condition's own `because`.
    #[serde(default)]
    pub because: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Event {
    #[serde(rename = "run.started")]
    RunStarted { lane: String, stages: u32, plan: String, params: BTreeMap<String, String>, engine: String },
    /// The run goes on after a stop or a crash; `adopted` when with a changed definition.
    #[serde(rename = "run.resumed")]
    RunResumed { engine: String, adopted: bool },
    #[serde(rename = "run.cancelling")]
    RunCancelling { by: String },
    /// The engine stopped with nothing running: people are waited for (`waiting`), or it ended.
    #[serde(rename = "run.finished")]
    RunFinished {
        status: RunStatus,
        /// The process exit code that goes with it.
        exit: i32,
        /// The first failure, in words; none when it succeeded.
        cause: Option<String>,
        node: Option<NodeIndex>,
        duration_ms: u64,
    },

    #[serde(rename = "facts.read")]
    FactsRead { node: NodeIndex, asked: Asked, values: FactValues },
    #[serde(rename = "stage.waiting")]
    StageWaiting {
        node: NodeIndex,
        on: WaitFor,
        detail: String,
        /// Wall-clock time at which it goes on by itself, or expires.
        until: Option<Timestamp>,
    },
    #[serde(rename = "stage.started")]
    StageStarted {
        node: NodeIndex,
        attempt: u32,
        /// `WFL_KEY` of an idempotent stage.
        key: Option<String>,
        /// Hash of the declared inputs when it started; none when it declares none.
        inputs: Option<String>,
    },
    #[serde(rename = "attempt.finished")]
    AttemptFinished { node: NodeIndex, attempt: u32, outcome: Outcome },
    #[serde(rename = "gate.judged")]
    GateJudged {
        node: NodeIndex,
        measures: BTreeMap<String, Value>,
        checks: Vec<Judged>,
        /// The gate could not be judged at all, and why: it blocks.
        error: Option<String>,
        /// Hash of the declared inputs of a gate that runs nothing, and so has no attempt to tell it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inputs: Option<String>,
    },
    #[serde(rename = "stage.finished")]
    StageFinished {
        node: NodeIndex,
        status: Status,
        /// Always there but for a plain success.
        reason: Option<String>,
        outputs: BTreeMap<String, Value>,
        duration_ms: u64,
    },
    /// Everything that needed `root` cannot run; one event for the whole cone.
    #[serde(rename = "stages.blocked")]
    StagesBlocked { root: NodeIndex, nodes: Vec<NodeIndex> },
    /// A once stage was interrupted: a person must say what is true.
    #[serde(rename = "stage.unknown")]
    StageUnknown { node: NodeIndex, reason: String },
    /// A person said so: `rerun` or `mark-done`.
    #[serde(rename = "stage.resolved")]
    StageResolved { node: NodeIndex, done: bool, by: String },
    /// On resume: the stage runs again, and why.
    #[serde(rename = "stage.reset")]
    StageReset { node: NodeIndex, reason: String },

    #[serde(rename = "approval.requested")]
    ApprovalRequested { node: NodeIndex, count: u32, group: String, expires: Option<Timestamp> },
    #[serde(rename = "approval.given")]
    ApprovalGiven { node: NodeIndex, by: String, approved: bool, comment: Option<String> },
    #[serde(rename = "approval.expired")]
    ApprovalExpired { node: NodeIndex },
    #[serde(rename = "approval.voided")]
    ApprovalVoided { node: NodeIndex, reason: String },
    /// The answer to `confirm "…"`.
    #[serde(rename = "confirm.answered")]
    ConfirmAnswered { node: NodeIndex, yes: bool, by: String },
    /// `finally` of a stage or of the lane (`node` none) ended.
    #[serde(rename = "finally.finished")]
    FinallyFinished { node: Option<NodeIndex>, outcome: Outcome },
    /// Something a person should know that changes no state: a cut log, lowered parallelism.
    #[serde(rename = "note")]
    Note { node: Option<NodeIndex>, text: String },
    /// The attempt's commands ended well and it failed all the same: an output is absent, a condition does not hold.
    #[serde(rename = "attempt.refused")]
    AttemptRefused { node: NodeIndex, attempt: u32, class: FailureClass, why: String },
    /// An earlier result of the stage was looked for: what came of it, and why.
    #[serde(rename = "stage.compared")]
    StageCompared {
        node: NodeIndex,
        key: String,
        outcome: Compared,
        /// The run the result is from.
        #[serde(default)]
        from: Option<RunId>,
        reason: String,
    },
    /// What the stage left, right before it finishes well.
    #[serde(rename = "stage.recorded")]
    StageRecorded {
        node: NodeIndex,
        files: Files,
        /// There when other runs may take the result.
        #[serde(default)]
        result: Option<Box<Keyed>>,
    },
    /// A result that other runs could take turned out not to follow from what decides it.
    #[serde(rename = "result.revoked")]
    ResultRevoked {
        node: NodeIndex,
        key: String,
        /// The run whose result it was; none is this very run, which was rolled back.
        from: Option<RunId>,
        reason: String,
    },

    /// What the stage shares with other runs of the project was given to it: "lock `production`".
    #[serde(rename = "lease.taken")]
    LeaseTaken { node: NodeIndex, things: Vec<String> },
    /// What it held, or its place in line, is given back; the store does so in the same transaction.
    #[serde(rename = "lease.released")]
    LeaseReleased { node: NodeIndex },
    /// The stage is the one try that a half-open breaker allows.
    #[serde(rename = "breaker.probed")]
    BreakerProbed { node: NodeIndex, breaker: String, probe: u64 },
    /// What its end tells the breaker; the store counts it in the same transaction.
    #[serde(rename = "breaker.counted")]
    BreakerCounted { node: NodeIndex, rule: BreakerRule, told: Told, probe: Option<u64> },
    #[serde(rename = "breaker.opened")]
    BreakerOpened { node: NodeIndex, breaker: String, until: Timestamp },
    #[serde(rename = "breaker.closed")]
    BreakerClosed { node: NodeIndex, breaker: String },

    /// A repair rule that matches the failure of an attempt was chosen: its `do` begins.
    #[serde(rename = "repair.started")]
    RepairStarted {
        node: NodeIndex,
        attempt: u32,
        rule: String,
        /// The how manieth repair of the stage, by any rule, from 1: it names the log.
        number: u32,
        /// When it ends well, the stage is attempted again, and that is no try of its retry policy.
        #[serde(default)]
        again: bool,
        /// Who agreed to a destructive one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    #[serde(rename = "repair.finished")]
    RepairFinished { node: NodeIndex, rule: String, outcome: Outcome },
    /// A rule matched and was not carried out, and why: it is not safe now, its bound is reached, nobody agreed.
    #[serde(rename = "repair.refused")]
    RepairRefused { node: NodeIndex, rule: String, reason: String },
    /// What became of a repair that was carried out: whether the stage's next attempt got past the failure.
    #[serde(rename = "repair.told")]
    RepairTold { node: NodeIndex, rule: String, helped: bool },
    /// A failed attempt, by what it has in common with others of its kind; no secret, path or number is in it.
    #[serde(rename = "failure.seen")]
    FailureSeen {
        node: NodeIndex,
        attempt: u32,
        /// 16 hex digits over class, program and normalised message.
        signature: String,
        program: String,
        /// The normalised message.
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<FailureClass>,
    },
    /// What was done about a failure (`retry`, `repair RULE`), and whether the stage got past it.
    #[serde(rename = "failure.told")]
    FailureTold { node: NodeIndex, signature: String, remedy: String, helped: bool },

    /// The effects of these stages are taken back, in this order; `to` is the last stage whose effects stay.
    #[serde(rename = "rollback.started")]
    RollbackStarted {
        by: String,
        to: Option<NodeIndex>,
        nodes: Vec<NodeIndex>,
        /// The snapshot that the project's files go back to; none leaves the files as they are.
        #[serde(default)]
        files: Option<String>,
        /// The failure it follows from; none when a person asked for it.
        #[serde(default)]
        after: Option<Box<Failed>>,
    },
    #[serde(rename = "undo.started")]
    UndoStarted { node: NodeIndex, attempt: u32 },
    #[serde(rename = "undo.finished")]
    UndoFinished { node: NodeIndex, attempt: u32, outcome: Outcome },
    /// Every undo has ended; those of `failed` could not take their effect back.
    #[serde(rename = "rollback.finished")]
    RollbackFinished {
        failed: Vec<NodeIndex>,
        files: u32,
        /// Why the files could not be restored.
        #[serde(default)]
        error: Option<String>,
    },
    /// The project's files were recorded as they are: before the run (`node` none) or when the stage had ended.
    #[serde(rename = "snapshot.taken")]
    SnapshotTaken { node: Option<NodeIndex>, id: String },

    /// History advised to leave stages out, and what was done with that: right after the run's start.
    #[serde(rename = "advice.taken")]
    AdviceTaken(Box<Advised>),
}

/// A breaker as a stage that has it knows it. Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerRule {
    /// What it is known by across runs.
    pub key: String,
    /// What people know it by.
    pub name: String,
    pub failures: u32,
    pub within: u64,
    pub cooldown: u64,
    pub successes: u32,
}

/// What the end of a stage tells its breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Told {
    /// Its attempts ran out.
    Failed,
    Succeeded,
    /// It ended for another reason: a probe is given back.
    Nothing,
}

impl Event {
    /// The stage the event is about; of a blocked cone its root.
    pub fn node(&self) -> Option<NodeIndex> {
        match self {
            Event::RunStarted { .. }
            | Event::RunResumed { .. }
            | Event::RunCancelling { .. }
            | Event::RollbackStarted { .. }
            | Event::RollbackFinished { .. }
            | Event::AdviceTaken(_) => None,
            Event::RunFinished { node, .. }
            | Event::SnapshotTaken { node, .. }
            | Event::FinallyFinished { node, .. }
            | Event::Note { node, .. } => *node,
            Event::FactsRead { node, .. }
            | Event::StageWaiting { node, .. }
            | Event::StageStarted { node, .. }
            | Event::AttemptFinished { node, .. }
            | Event::GateJudged { node, .. }
            | Event::StageFinished { node, .. }
            | Event::StagesBlocked { root: node, .. }
            | Event::StageUnknown { node, .. }
            | Event::StageResolved { node, .. }
            | Event::StageReset { node, .. }
            | Event::ApprovalRequested { node, .. }
            | Event::ApprovalGiven { node, .. }
            | Event::ApprovalExpired { node }
            | Event::ApprovalVoided { node, .. }
            | Event::ConfirmAnswered { node, .. }
            | Event::AttemptRefused { node, .. }
            | Event::LeaseTaken { node, .. }
            | Event::LeaseReleased { node }
            | Event::BreakerProbed { node, .. }
            | Event::BreakerCounted { node, .. }
            | Event::BreakerOpened { node, .. }
            | Event::BreakerClosed { node, .. }
            | Event::StageCompared { node, .. }
            | Event::StageRecorded { node, .. }
            | Event::ResultRevoked { node, .. }
            | Event::RepairStarted { node, .. }
            | Event::RepairFinished { node, .. }
            | Event::RepairRefused { node, .. }
            | Event::RepairTold { node, .. }
            | Event::FailureSeen { node, .. }
            | Event::FailureTold { node, .. }
            | Event::UndoStarted { node, .. }
            | Event::UndoFinished { node, .. } => Some(*node),
        }
    }
}
