//! The state of a run as its events say: what `apply` folds and `decide` reads. Does not decide and does no IO.

use std::collections::BTreeMap;

use crate::base::{Timestamp, Value};
use crate::event::{Asked, AttemptStatus, Files, NodeIndex, Outcome, Record, RunStatus, Status, WaitFor};
use crate::expr::facts::FactValues;
use crate::plan::{EdgeKind, Plan};

use super::apply::apply;
use super::live::Live;

/// An event that cannot follow from the state: a bug in the engine or a journal that is not this plan's.
#[derive(Clone, Debug, PartialEq)]
pub struct Impossible {
    /// The event's type or the step that found it.
    pub what: String,
    pub node: Option<NodeIndex>,
    pub why: String,
}

impl std::fmt::Display for Impossible {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.node {
            Some(node) => write!(f, "{} of stage {node}: {}", self.what, self.why),
            None => write!(f, "{}: {}", self.what, self.why),
        }
    }
}

/// Where the run as a whole stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// No event yet.
    New,
    Running,
    /// `run.finished` was the last word; only `run.resumed` may follow.
    Stopped(RunStatus),
}

/// What a waiting stage waits for, and until when by the wall clock.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    pub on: WaitFor,
    pub until: Option<Timestamp>,
}

/// The approvals of one stage, asked for one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Approvals {
    /// How many of the stage's approvals are complete.
    pub done: usize,
    /// The next one was asked for.
    pub requested: bool,
    pub expires: Option<Timestamp>,
    /// Who said yes to the one asked for.
    pub by: Vec<String>,
    /// It was rejected or expired.
    pub refused: bool,
}

impl Approvals {
    /// Anybody was asked or answered since it was last void.
    pub fn touched(&self) -> bool {
        self.done > 0 || self.requested || self.refused
    }
}

/// One stage instance or gate.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeState {
    /// `Pending` stands for `Ready` too: see `unmet`.
    pub status: Status,
    /// Edges whose stage has not ended.
    pub unmet: u32,
    /// It ended, and what waits for it was told.
    pub settled: bool,
    /// Number of the last attempt started; never goes back, so that logs keep their names.
    pub attempt: u32,
    /// That attempt has not ended.
    pub open: bool,
    /// Attempts since the stage was last pending: these count against the retry policy.
    pub tries: u32,
    /// [`RunState::reckoned`] when what it does now began: an attempt, a wait's end, a `finally`.
    pub since: u64,
    /// A person said that a `once` stage may start again.
    pub cleared: bool,
    /// `finally` was run after the end.
    pub finally_done: bool,
    pub confirmed: Option<bool>,
    /// A gate was judged: `Some(Err)` when it could not be.
    pub judged: Option<Result<(), String>>,
    pub wait: Option<Wait>,
    /// What blocked it.
    pub root: Option<NodeIndex>,
    pub reason: Option<String>,
    /// `WFL_KEY`, worked out once.
    pub key: Option<String>,
    /// Hash of the declared inputs at the start.
    pub inputs: Option<String>,
    /// Of the last attempt that ended.
    pub outcome: Option<Box<Outcome>>,
    pub outputs: BTreeMap<String, Value>,
    /// The files it left, as they were then.
    pub files: Files,
    pub facts: Vec<(Asked, FactValues)>,
    pub approvals: Option<Box<Approvals>>,
    pub repairs: Option<Box<Repairs>>,
}

/// What repair rules did for one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Repairs {
    /// How often each rule acted.
    pub acted: BTreeMap<String, u32>,
    /// How many repairs there were: the number of the last one.
    pub count: u32,
    /// The rule that acts now, and whether an attempt follows.
    pub open: Option<(String, bool)>,
    /// Rules that acted or were refused since the last attempt ended.
    pub tried: Vec<String>,
    /// The next attempt follows from a repair: it is no try of the retry policy.
    pub again: bool,
    /// Rules that acted since, and of which it is not known yet whether they helped: the attempt that had failed, and how.
    pub untold: Vec<(String, u32, String)>,
}

impl NodeState {
    fn new(unmet: u32) -> Self {
        NodeState {
            status: Status::Pending,
            unmet,
            settled: false,
            attempt: 0,
            open: false,
            tries: 0,
            since: 0,
            cleared: false,
            finally_done: false,
            confirmed: None,
            judged: None,
            wait: None,
            root: None,
            reason: None,
            key: None,
            inputs: None,
            outcome: None,
            outputs: BTreeMap::new(),
            files: Files::new(),
            facts: Vec::new(),
            approvals: None,
            repairs: None,
        }
    }

    /// Back to pending: everything of the last going is forgotten but the attempt's number, the key and what people said.
    pub(super) fn begin_again(&mut self) {
        let fresh = NodeState::new(self.unmet);
        let old = std::mem::replace(self, fresh);
        self.attempt = old.attempt;
        self.key = old.key;
        self.approvals = old.approvals;
        // Who did not confirm it is asked again.
        self.confirmed = old.confirmed.filter(|yes| *yes);
        self.cleared = old.cleared;
        // Repairs are bounded over all goings of the stage.
        self.repairs = old.repairs;
    }

    pub fn waits_on(&self, on: WaitFor) -> bool {
        self.status == Status::Waiting && self.wait.as_ref().is_some_and(|wait| wait.on == on)
    }

    /// Neither ended nor asked about.
    pub fn is_open_ended(&self) -> bool {
        !self.status.is_final()
    }

    /// The last attempt ended well.
    pub fn attempt_succeeded(&self) -> bool {
        !self.open && self.outcome.as_ref().is_some_and(|outcome| outcome.status == AttemptStatus::Succeeded)
    }

    pub(super) fn facts_of(&self, asked: Asked) -> Option<&FactValues> {
        self.facts.iter().find(|(phase, _)| *phase == asked).map(|(_, values)| values)
    }
}

/// Who waits for whom, against the edges' direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dependents {
    starts: Vec<u32>,
    targets: Vec<(NodeIndex, EdgeKind)>,
}

impl Dependents {
    fn new(plan: &Plan) -> Self {
        let mut starts = vec![0u32; plan.nodes.len() + 1];
        let edges = || plan.nodes.iter().flat_map(|node| &node.edges);
        for edge in edges().filter(|edge| (edge.to as usize) < plan.nodes.len()) {
            starts[edge.to as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut targets = vec![(0, EdgeKind::Needs); starts.last().map_or(0, |&end| end as usize)];
        for (index, node) in plan.nodes.iter().enumerate() {
            for edge in node.edges.iter().filter(|edge| (edge.to as usize) < plan.nodes.len()) {
                targets[next[edge.to as usize] as usize] = (index as NodeIndex, edge.kind);
                next[edge.to as usize] += 1;
            }
        }
        Dependents { starts, targets }
    }

    pub(super) fn range(&self, node: NodeIndex) -> std::ops::Range<usize> {
        self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize
    }

    pub(super) fn target(&self, at: usize) -> (NodeIndex, EdgeKind) {
        self.targets[at]
    }

    pub fn of(&self, node: NodeIndex) -> &[(NodeIndex, EdgeKind)] {
        &self.targets[self.range(node)]
    }
}

/// Everything the engine knows of one run.
#[derive(Clone, Debug)]
pub struct RunState {
    pub phase: Phase,
    pub nodes: Vec<NodeState>,
    pub dependents: Dependents,
    /// Which gate ran each tool last.
    pub tools: BTreeMap<String, NodeIndex>,
    /// Became ready since `decide` last looked.
    pub(super) fresh: Vec<NodeIndex>,
    pub cancelling: Option<String>,
    /// The first stage that ended badly since the run last began or was resumed.
    pub first_failure: Option<NodeIndex>,
    /// The first `finally` that failed: of a stage, or of the lane.
    pub finally_failed: Option<(Option<NodeIndex>, String)>,
    /// Milliseconds of work before the run last began or was resumed.
    pub worked_before: u64,
    /// When the last event was recorded, by the wall clock.
    pub last: Timestamp,
    /// Milliseconds since it last began or was resumed, reckoned from how long attempts, waits and `finally` took: never more than it was,
    /// whatever somebody does to the wall clock.
    pub reckoned: u64,
    /// Attempts after the first of their stage, since then.
    pub retries: u32,
    /// Repairs since it last began, or was resumed after it had ended.
    pub repairs: u32,
    /// What no event records: it belongs to this process.
    pub live: Live,
}

impl RunState {
    /// Of a run without events.
    pub fn new(plan: &Plan) -> Self {
        let count = plan.nodes.len();
        let known = |to: NodeIndex| (to as usize) < count;
        let nodes = plan
            .nodes
            .iter()
            .map(|node| NodeState::new(node.edges.iter().filter(|edge| known(edge.to)).count() as u32))
            .collect();
        RunState {
            phase: Phase::New,
            nodes,
            dependents: Dependents::new(plan),
            tools: BTreeMap::new(),
            fresh: Vec::new(),
            cancelling: None,
            first_failure: None,
            finally_failed: None,
            worked_before: 0,
            last: Timestamp::default(),
            reckoned: 0,
            retries: 0,
            repairs: 0,
            live: Live::default(),
        }
    }

    /// Folds recorded events from the first.
    pub fn replay(plan: &Plan, records: &[Record]) -> Result<Self, Impossible> {
        let mut state = RunState::new(plan);
        for record in records {
            apply(plan, &mut state, record.at, &record.event)?;
        }
        state.fresh.clear();
        Ok(state)
    }

    pub fn node(&self, node: NodeIndex) -> &NodeState {
        &self.nodes[node as usize]
    }

    pub(super) fn node_mut(&mut self, node: NodeIndex) -> &mut NodeState {
        &mut self.nodes[node as usize]
    }

    /// What began at `since` took so long.
    pub(super) fn took(&mut self, since: u64, ms: u64) {
        self.reckoned = self.reckoned.max(since.saturating_add(ms));
    }

    /// The status a person is shown: a pending stage whose needs have ended is ready.
    pub fn shown(&self, node: NodeIndex) -> Status {
        let state = self.node(node);
        match state.status {
            Status::Pending if state.unmet == 0 => Status::Ready,
            status => status,
        }
    }
}
