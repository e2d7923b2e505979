//! What the recorded events must be, by the true plan: a fold of its own, so that it does not share the kernel's
//! mistakes. Knows nothing of processes and disks.

use std::collections::{BTreeMap, BTreeSet};

use super::resumed::of_resume;
use wfl::base::Value;
use wfl::event::{Asked, Event, NodeIndex, Outcome, Record, RunStatus, Status, WaitFor};
use wfl::expr::facts::{Fact, FactValues};
use wfl::plan::{BackoffKind, EdgeKind, Effect, Node, Plan, Retry};

pub type Checked = Result<(), String>;

#[derive(Clone, Debug)]
pub struct Stage {
    pub status: Status,
    pub attempt: u32,
    pub tries: u32,
    pub open: bool,
    /// A person said that it may start again, and it has not.
    pub cleared: bool,
    /// When its first attempt of this going began, in this engine's life.
    pub begun: Option<i64>,
    /// Since when it waits to be tried again, and how long it must.
    pub retry: Option<(i64, i64)>,
    pub key: Option<String>,
    pub inputs: Option<String>,
    pub outcome: Option<Outcome>,
    pub asked: Asking,
    pub confirmed: Option<bool>,
    pub judged: Option<bool>,
    /// Its last attempt ended well, but what it was to leave or fulfil did not hold.
    pub refused: bool,
    pub cleaned: u32,
    pub facts: BTreeMap<String, FactValues>,
    pub last_start: u64,
    /// The attempt whose failure was seen last, and its signature; the attempt that was told of last.
    pub failure: Option<(u32, String)>,
    pub told: u32,
    pub repairs: Repairs,
}

/// What rules did for a stage.
#[derive(Clone, Debug, Default)]
pub struct Repairs {
    pub acted: BTreeMap<String, u32>,
    pub count: u32,
    pub open: Option<String>,
    /// The next attempt is a rule's, and no try of the retry policy.
    pub again: bool,
}

/// The approvals of a stage.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    pub done: usize,
    pub requested: bool,
    pub by: BTreeSet<String>,
    pub refused: bool,
    /// The journal's number when the first answer came.
    pub since: Option<u64>,
}

/// The journal so far.
#[derive(Clone)]
pub struct Book<'a> {
    pub plan: &'a Plan,
    pub stages: Vec<Stage>,
    pub keep_going: bool,
    /// What is shared with other runs must be asked for, and what holds it.
    pub commons: bool,
    pub leased: BTreeSet<NodeIndex>,
    /// Repairs of the run.
    pub repaired: u32,
    /// Nothing may start any more in this life, and why.
    pub halted: Option<String>,
    pub stopped: Option<NodeIndex>,
    pub first_failure: Option<NodeIndex>,
    pub finally_failed: bool,
    pub lane_cleaned: u32,
    pub over: Option<RunStatus>,
    pub signalled: bool,
    /// In the turn under way: what came before it in the same turn may have ended the run first.
    pub just_signalled: bool,
    pub forced: bool,
    pub tools: BTreeMap<String, NodeIndex>,
    /// Of the resume under way: what runs again, and what was said to have changed.
    pub again: BTreeSet<NodeIndex>,
    pub changed: BTreeSet<NodeIndex>,
    pub tracked: bool,
    pub resets: Vec<(NodeIndex, Status)>,
    pub voided: Vec<(NodeIndex, bool)>,
}

impl Stage {
    fn new() -> Self {
        Stage {
            status: Status::Pending,
            attempt: 0,
            tries: 0,
            open: false,
            cleared: false,
            begun: None,
            retry: None,
            key: None,
            inputs: None,
            outcome: None,
            asked: Asking::default(),
            confirmed: None,
            judged: None,
            refused: false,
            cleaned: 0,
            facts: BTreeMap::new(),
            last_start: 0,
            repairs: Repairs::default(),
            failure: None,
            told: 0,
        }
    }

    pub fn begin_again(&mut self) {
        let old = std::mem::replace(self, Stage::new());
        self.attempt = old.attempt;
        self.key = old.key;
        self.asked = old.asked;
        self.confirmed = old.confirmed;
        self.cleared = old.cleared;
        self.last_start = old.last_start;
        self.repairs = Repairs { again: false, ..old.repairs };
    }
}

pub fn need(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

impl<'a> Book<'a> {
    pub fn new(plan: &'a Plan) -> Self {
        Book {
            plan,
            stages: vec![Stage::new(); plan.nodes.len()],
            keep_going: false,
            commons: false,
            leased: BTreeSet::new(),
            repaired: 0,
            halted: None,
            stopped: None,
            first_failure: None,
            finally_failed: false,
            lane_cleaned: 0,
            over: None,
            signalled: false,
            just_signalled: false,
            forced: false,
            tools: BTreeMap::new(),
            again: BTreeSet::new(),
            changed: BTreeSet::new(),
            tracked: false,
            resets: Vec::new(),
            voided: Vec::new(),
        }
    }

    pub fn spec(&self, node: NodeIndex) -> &'a Node {
        &self.plan.nodes[node as usize]
    }

    pub fn stage(&mut self, node: NodeIndex) -> &mut Stage {
        &mut self.stages[node as usize]
    }

    pub fn once(&self, node: NodeIndex) -> bool {
        self.spec(node).effect == Effect::Once
    }

    /// The calls around a node.
    pub fn around(&self, node: NodeIndex) -> Vec<u32> {
        let mut found = Vec::new();
        let mut next = self.spec(node).call;
        while let Some(call) = next {
            found.push(call);
            next = self.spec(self.plan.calls[call as usize].closing).call;
        }
        found
    }

    pub fn tolerated(&self, node: NodeIndex) -> bool {
        let lets = |call: &u32| self.spec(self.plan.calls[*call as usize].closing).allow_failure.is_some();
        self.around(node).iter().any(lets)
    }

    /// One record, at the world's own time.
    pub fn record(&mut self, at: i64, record: &Record) -> Checked {
        let event = &record.event;
        if !matches!(event, Event::RunResumed { .. }) {
            need(self.over.is_none(), || "something is recorded after the end of the run".into())?;
        }
        if !of_resume(event) {
            self.judge_resume()?;
        }
        match event {
            Event::RunStarted { .. } => Ok(()),
            Event::RunResumed { .. } => {
                self.resumed();
                Ok(())
            }
            Event::RunCancelling { by } => {
                self.halted = Some(by.clone());
                Ok(())
            }
            Event::RunFinished { status, exit, node, .. } => self.ended(*status, *exit, *node),
            Event::Note { .. } => Ok(()),
            Event::FinallyFinished { node, outcome } => self.cleaned(*node, outcome),
            _ => self.of_stage(at, record),
        }
    }

    fn of_stage(&mut self, at: i64, record: &Record) -> Checked {
        match &record.event {
            Event::FactsRead { node, asked, values } => self.facts(*node, *asked, values),
            Event::StageWaiting { node, on, until, .. } => {
                let wait = until.map_or(0, |until| until.0 - record.at.0);
                self.waits(at, *node, *on, wait)
            }
            Event::StageStarted { node, attempt, key, inputs } => {
                self.started(at, record.seq, *node, *attempt, key.as_ref())?;
                self.stage(*node).inputs.clone_from(inputs);
                Ok(())
            }
            Event::AttemptFinished { node, attempt, outcome } => self.attempt_over(*node, *attempt, outcome),
            Event::AttemptRefused { node, attempt, .. } => {
                let stage = self.stage(*node);
                let judged = !stage.open && stage.attempt == *attempt && stage.status == Status::Running;
                need(judged, || format!("attempt {attempt} of {node} is not there to be refused"))?;
                stage.refused = true;
                Ok(())
            }
            Event::GateJudged { node, checks, error, .. } => {
                self.stage(*node).judged = Some(error.is_none() && checks.iter().all(|check| check.held));
                Ok(())
            }
            Event::StageFinished { node, status, .. } => self.finished(*node, *status),
            Event::StagesBlocked { root, nodes } => {
                nodes.iter().try_for_each(|node| self.blocked(*root, *node))
            }
            Event::StageUnknown { node, .. } => self.unknown(*node),
            Event::StageResolved { node, done, .. } => self.resolved(*node, *done),
            Event::StageReset { node, .. } => self.reset(*node),
            Event::LeaseTaken { node, .. } => {
                self.leased.insert(*node);
                Ok(())
            }
            Event::LeaseReleased { node } => {
                self.leased.remove(node);
                Ok(())
            }
            Event::RepairStarted { .. }
            | Event::RepairFinished { .. }
            | Event::RepairRefused { .. }
            | Event::RepairTold { .. } => self.of_repairs(&record.event),
            Event::FailureSeen { .. } | Event::FailureTold { .. } => self.of_failure(record),
            _ => self.of_people(record),
        }
    }

    fn of_people(&mut self, record: &Record) -> Checked {
        match &record.event {
            Event::ApprovalRequested { node, .. } => self.requested(*node),
            Event::ApprovalGiven { node, by, approved, .. } => {
                self.answered(record.seq, *node, by, *approved)
            }
            Event::ApprovalExpired { node } => {
                self.stage(*node).asked.refused = true;
                Ok(())
            }
            Event::ApprovalVoided { node, .. } => {
                let refused = std::mem::take(&mut self.stage(*node).asked).refused;
                self.voided.push((*node, refused));
                if self.stage(*node).status == Status::Waiting {
                    self.stage(*node).status = Status::Pending;
                }
                Ok(())
            }
            Event::ConfirmAnswered { node, yes, .. } => {
                self.stage(*node).confirmed = Some(*yes);
                self.stage(*node).status = Status::Pending;
                Ok(())
            }
            other => Err(format!("nothing is known of {other:?}")),
        }
    }
}

/// Attempts.
impl Book<'_> {
    fn started(&mut self, at: i64, seq: u64, node: NodeIndex, attempt: u32, key: Option<&String>) -> Checked {
        let stage = self.stages[node as usize].clone();
        need(self.halted.is_none() && self.stopped.is_none(), || {
            format!("stage {node} starts although the run is to end")
        })?;
        need(matches!(stage.status, Status::Pending | Status::Waiting), || {
            format!("stage {node} starts while it is {}", stage.status.word())
        })?;
        need(attempt == stage.attempt + 1, || format!("attempts of {node} are not numbered one by one"))?;
        let again = stage.attempt > 0 && !stage.cleared && stage.retry.is_none();
        need(!(again && self.once(node)), || format!("the once stage {node} starts again unasked"))?;
        need(stage.key.is_none() || stage.key.as_ref() == key, || format!("{node} has another key"))?;
        self.needs_met(node)?;
        self.may_start(node, &stage)?;
        self.in_time(at, node, &stage)?;
        self.locks(node)?;
        if let Some(tool) = self.spec(node).gate.as_ref().and_then(|gate| gate.tool.clone()) {
            let other = self.tools.insert(tool, node).filter(|other| *other != node);
            need(other.is_none(), || format!("the tool of {node} runs a second time"))?;
        }
        let stage = self.stage(node);
        stage.status = Status::Running;
        (stage.open, stage.cleared, stage.retry) = (true, false, None);
        (stage.attempt, stage.last_start) = (attempt, seq);
        stage.tries += u32::from(!std::mem::take(&mut stage.repairs.again));
        stage.facts.remove("Verify");
        stage.cleaned = 0;
        stage.refused = false;
        stage.begun.get_or_insert(at);
        stage.key = key.cloned();
        Ok(())
    }

    fn needs_met(&self, node: NodeIndex) -> Checked {
        for edge in &self.spec(node).edges {
            let other = self.stages[edge.to as usize].status;
            let fits = match edge.kind {
                EdgeKind::Needs => other.meets_need(),
                EdgeKind::NeedsOptional => other.meets_need() || other == Status::Skipped,
                EdgeKind::Follows => other.is_final() && other != Status::Unknown,
            };
            need(fits, || {
                format!("stage {node} starts while {}, which it needs, is {}", edge.to, other.word())
            })?;
        }
        Ok(())
    }

    fn may_start(&self, node: NodeIndex, stage: &Stage) -> Checked {
        let spec = self.spec(node);
        need(spec.waived.is_none() && spec.preset.is_none(), || format!("{node} was not to be run"))?;
        need(stage.asked.done >= spec.approvals.len(), || format!("{node} starts without its approvals"))?;
        need(spec.confirm.is_none() || stage.confirmed == Some(true), || {
            format!("{node} starts unconfirmed")
        })?;
        let most = spec.retry.as_ref().map_or(1, |retry| retry.attempts.max(1));
        need(stage.tries < most || stage.repairs.again, || {
            format!("{node} is tried more than {most} times")
        })?;
        if stage.tries == 0 {
            for asked in [(!spec.before.is_empty(), Asked::Before), (spec.when.is_some(), Asked::When)] {
                let facts = stage.facts.get(&format!("{:?}", asked.1));
                let held = facts.is_none_or(|facts| facts.values().all(holds));
                need(!asked.0 || held, || format!("{node} starts although a condition does not hold"))?;
            }
        }
        // Whoever approved saw what it needs as it is now.
        let since = stage.asked.since.unwrap_or(u64::MAX);
        for up in self.felt(node) {
            need(self.stages[up as usize].last_start < since, || {
                format!("{node} was approved before {up}, which it needs, ran last")
            })?;
        }
        Ok(())
    }

    /// What a stage needs, directly or through others, and may have been told of: not through what stays skipped.
    pub fn felt(&self, node: NodeIndex) -> BTreeSet<NodeIndex> {
        self.walk(node, |through| {
            self.stages[through as usize].status != Status::Skipped || self.again.contains(&through)
        })
    }

    /// All that a stage needs, directly or through others.
    pub fn upstream(&self, node: NodeIndex) -> BTreeSet<NodeIndex> {
        self.walk(node, |_| true)
    }

    fn walk(&self, node: NodeIndex, through: impl Fn(NodeIndex) -> bool) -> BTreeSet<NodeIndex> {
        let mut found = BTreeSet::new();
        let mut next = vec![node];
        while let Some(node) = next.pop() {
            for edge in self.spec(node).edges.iter().filter(|edge| edge.kind != EdgeKind::Follows) {
                if found.insert(edge.to) && through(edge.to) {
                    next.push(edge.to);
                }
            }
        }
        found
    }

    fn in_time(&self, at: i64, node: NodeIndex, stage: &Stage) -> Checked {
        if let Some((since, wait)) = stage.retry {
            // Whoever brings news reads the clock a little before it is recorded.
            need(at + 3 >= since + wait, || {
                format!("{node} is tried again after {} of {wait} ms", at - since)
            })?;
        }
        let (Some(deadline), Some(begun)) = (self.spec(node).deadline, stage.begun) else { return Ok(()) };
        // Whoever starts late because the machine slept has no time left, and is given a millisecond.
        need(stage.retry.is_none_or(|(since, wait)| since + wait < begun + deadline as i64), || {
            format!("{node} is to start after its deadline")
        })
    }

    /// A `once` stage that ended badly keeps its lock; a call holds its own until its end.
    fn locks(&self, node: NodeIndex) -> Checked {
        let shares = self.spec(node).lock.is_some() || self.spec(node).pool.is_some();
        let openings = self.around(node).into_iter().map(|call| self.plan.calls[call as usize].opening);
        let leased = openings.chain([node]).any(|holder| self.leased.contains(&holder));
        need(!self.commons || !shares || leased, || format!("{node} starts with what other runs may hold"))?;
        let Some(lock) = &self.spec(node).lock else { return Ok(()) };
        let mine = self.around(node);
        for (other, stage) in (0..).zip(&self.stages) {
            let same = other != node && self.spec(other).lock.as_ref() == Some(lock);
            let bad = stage.status.is_final() && !stage.status.meets_need() && stage.attempt > 0;
            let kept = self.once(other) && bad && stage.tries > 0 || stage.status == Status::Unknown;
            let passed = |call: &u32| {
                self.stages[self.plan.calls[*call as usize].closing as usize].status == Status::Warned
            };
            let kept = kept && !self.around(other).iter().any(passed);
            let related = self.around(other).iter().any(|call| mine.contains(call));
            need(!(same && kept && !related), || format!("{node} starts with the lock that {other} keeps"))?;
        }
        for (index, call) in (0..).zip(&self.plan.calls) {
            let of_call = mine.contains(&index) || self.spec(node).closes == Some(index);
            let held = self.spec(call.opening).lock.as_ref() == Some(lock)
                && self.stages[call.opening as usize].status == Status::Succeeded
                && !self.stages[call.closing as usize].status.is_final();
            need(of_call || !held, || format!("{node} starts with the lock that call {index} holds"))?;
        }
        Ok(())
    }

    fn attempt_over(&mut self, node: NodeIndex, attempt: u32, outcome: &Outcome) -> Checked {
        let stage = self.stage(node);
        need(stage.open && stage.attempt == attempt, || format!("attempt {attempt} of {node} does not run"))?;
        stage.open = false;
        stage.outcome = Some(outcome.clone());
        Ok(())
    }

    fn facts(&mut self, node: NodeIndex, asked: Asked, values: &FactValues) -> Checked {
        let known = self.stage(node).facts.entry(format!("{asked:?}")).or_default();
        known.extend(values.clone());
        Ok(())
    }

    fn waits(&mut self, at: i64, node: NodeIndex, on: WaitFor, wait: i64) -> Checked {
        if on == WaitFor::Retry {
            let stage = self.stages[node as usize].clone();
            let Some(retry) = &self.spec(node).retry else { return Err(format!("{node} has no retry")) };
            let (least, most) = schedule(retry, stage.tries);
            // By the clock of who brought the news, read a little before.
            need((least - 3..=most).contains(&wait), || {
                format!("{node} waits {wait} ms, not {least} to {most}, to be tried again")
            })?;
            let exit = stage.outcome.as_ref().and_then(|outcome| outcome.exit);
            need(retry.when.is_none() || matches!(exit, Some(1 | 7)), || {
                format!("{node} is tried again although its policy says no")
            })?;
            self.stage(node).retry = Some((at, wait));
        }
        self.stage(node).status = Status::Waiting;
        Ok(())
    }
}

/// The shortest and the longest wait after so many attempts.
fn schedule(retry: &Retry, tries: u32) -> (i64, i64) {
    let grown = match retry.backoff {
        BackoffKind::Constant => retry.from as f64,
        BackoffKind::Linear => retry.from as f64 * f64::from(tries),
        BackoffKind::Exponential => (1..tries).fold(retry.from as f64, |wait, _| wait * retry.factor),
    };
    let base = retry.cap.map_or(grown, |cap| grown.min(cap as f64));
    (base.floor() as i64, (base * (1.0 + retry.jitter / 100.0)).ceil() as i64)
}

fn holds(fact: &Fact) -> bool {
    *fact == Fact::Read(Value::Bool(true))
}
