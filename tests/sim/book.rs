//! What the recorded events must be, by the true plan: a fold of its own, so that it does not share the kernel's
//! mistakes. Knows nothing of processes and disks.

use std::collections::{BTreeMap, BTreeSet};

use super::ended;
use wfl::base::Value;
use wfl::event::{Asked, AttemptStatus, Event, NodeIndex, Outcome, Record, RunStatus, Status, WaitFor};
use wfl::expr::facts::{Fact, FactValues};
use wfl::plan::{BackoffKind, EdgeKind, Effect, Node, OnFailure, Plan, Preset, Retry, StageKind};

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
    pub cleaned: u32,
    pub facts: BTreeMap<String, FactValues>,
    pub last_start: u64,
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
    tools: BTreeMap<String, NodeIndex>,
    /// Of the resume under way: what runs again, and what was said to have changed.
    again: BTreeSet<NodeIndex>,
    pub changed: BTreeSet<NodeIndex>,
    pub tracked: bool,
    resets: Vec<(NodeIndex, Status)>,
    voided: Vec<(NodeIndex, bool)>,
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
            cleaned: 0,
            facts: BTreeMap::new(),
            last_start: 0,
        }
    }

    fn begin_again(&mut self) {
        let old = std::mem::replace(self, Stage::new());
        self.attempt = old.attempt;
        self.key = old.key;
        self.asked = old.asked;
        self.confirmed = old.confirmed;
        self.cleared = old.cleared;
        self.last_start = old.last_start;
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

    fn tolerated(&self, node: NodeIndex) -> bool {
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
        stage.tries += 1;
        stage.cleaned = 0;
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
        need(stage.tries < most, || format!("{node} is tried more than {most} times"))?;
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
    fn felt(&self, node: NodeIndex) -> BTreeSet<NodeIndex> {
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

/// Ends.
impl Book<'_> {
    fn finished(&mut self, node: NodeIndex, status: Status) -> Checked {
        let stage = self.stages[node as usize].clone();
        need(!stage.status.is_final(), || format!("the result of {node} is recorded twice"))?;
        need(!stage.open, || format!("{node} has a result while its attempt runs"))?;
        self.fits(node, status, &stage)?;
        self.stage(node).status = status;
        let bad = matches!(status, Status::Failed | Status::TimedOut);
        if bad && !self.tolerated(node) {
            self.first_failure.get_or_insert(node);
            if !self.keep_going && self.plan.on_failure != OnFailure::KeepGoing {
                self.stopped.get_or_insert(node);
            }
        }
        Ok(())
    }

    fn fits(&self, node: NodeIndex, status: Status, stage: &Stage) -> Checked {
        let spec = self.spec(node);
        let own = stage.outcome.as_ref().map(|outcome| outcome.status);
        let interrupted = self.once(node) && own == Some(AttemptStatus::Interrupted) && stage.tries > 0;
        need(!interrupted, || {
            format!("{node} was interrupted: nobody knows whether it is {}", status.word())
        })?;
        let needs_skipped = || {
            spec.edges.iter().any(|edge| {
                edge.kind == EdgeKind::Needs && self.stages[edge.to as usize].status == Status::Skipped
            })
        };
        let fits = match status {
            Status::Succeeded if spec.kind == StageKind::Gate => {
                stage.judged == Some(true) && self.lines_hold(node)
            }
            Status::Succeeded => {
                let acted = spec.actions.is_empty() || own == Some(AttemptStatus::Succeeded);
                acted && ended::inside_is_good(self, node)
            }
            Status::Warned => spec.allow_failure.is_some(),
            Status::Waived => spec.waived.is_some(),
            Status::Reused => matches!(spec.preset, Some(Preset::Reused { .. })),
            Status::Skipped => {
                let asks = spec.when.is_some() || spec.confirm.is_some();
                let left_out = matches!(spec.preset, Some(Preset::LeftOut(_)));
                stage.tries == 0 && (asks || left_out || needs_skipped())
            }
            Status::TimedOut => {
                own == Some(AttemptStatus::TimedOut)
                    || self.plan.bounds.iter().any(|of| spec.closes == Some(of.call))
            }
            Status::Failed | Status::Cancelled => true,
            _ => false,
        };
        need(fits, || format!("{node} cannot have ended as {}", status.word()))
    }

    /// What was read for a gate of coverage reaches what the gate requires.
    fn lines_hold(&self, node: NodeIndex) -> bool {
        let read = |stage: &Stage| {
            let values = stage.facts.values().flat_map(|values| values.values());
            values
                .filter_map(|fact| match fact {
                    Fact::Read(Value::Percent(lines)) => Some(*lines),
                    _ => None,
                })
                .next_back()
        };
        read(&self.stages[node as usize]).is_some_and(|lines| lines >= 70.0)
    }

    fn blocked(&mut self, root: NodeIndex, node: NodeIndex) -> Checked {
        let ended = self.stages[root as usize].status;
        let bad = matches!(ended, Status::Failed | Status::TimedOut | Status::Cancelled);
        need(bad, || format!("{node} is blocked by {root}, which is {}", ended.word()))?;
        need(self.upstream(node).contains(&root) || !self.around(root).is_empty(), || {
            format!("{node} is blocked by {root}, which it does not need")
        })?;
        let stage = self.stage(node);
        need(matches!(stage.status, Status::Pending | Status::Waiting), || {
            format!("{node} is blocked while it is {}", stage.status.word())
        })?;
        stage.status = Status::Blocked;
        Ok(())
    }

    fn cleaned(&mut self, node: Option<NodeIndex>, outcome: &Outcome) -> Checked {
        self.finally_failed |= outcome.status != AttemptStatus::Succeeded;
        let count = match node {
            None => &mut self.lane_cleaned,
            Some(node) => {
                let stage = self.stage(node);
                need(stage.status.is_final(), || format!("`finally` of {node} ran before its end"))?;
                &mut stage.cleaned
            }
        };
        *count += 1;
        need(*count == 1, || format!("`finally` of {node:?} is recorded twice"))
    }

    fn ended(&mut self, status: RunStatus, exit: i32, node: Option<NodeIndex>) -> Checked {
        self.over = Some(status);
        ended::run(self, status, exit, node)
    }
}

/// Resume.
impl Book<'_> {
    fn resumed(&mut self) {
        (self.halted, self.stopped, self.first_failure) = (None, None, None);
        (self.finally_failed, self.lane_cleaned, self.over) = (false, 0, None);
        (self.signalled, self.just_signalled, self.forced) = (false, false, false);
        self.again.clear();
        self.tools.retain(|_, owner| self.stages[*owner as usize].status.is_final());
        for stage in &mut self.stages {
            stage.begun = None;
            // How long it still must wait is for this engine to work out from another clock.
            stage.retry = stage.retry.map(|_| (i64::MIN / 2, 0)).filter(|_| stage.status == Status::Waiting);
        }
        for (node, stage) in (0..).zip(&mut self.stages) {
            if self.plan.nodes[node as usize].effect == Effect::Once {
                stage.retry = None;
            }
        }
    }

    fn unknown(&mut self, node: NodeIndex) -> Checked {
        let once = self.once(node);
        let stage = self.stage(node);
        need(once && stage.attempt > 0 && stage.status != Status::Succeeded && !stage.open, || {
            format!("{node} cannot be unknown")
        })?;
        stage.status = Status::Unknown;
        Ok(())
    }

    fn resolved(&mut self, node: NodeIndex, done: bool) -> Checked {
        let stage = self.stage(node);
        need(stage.status == Status::Unknown, || format!("{node} is resolved while it is known"))?;
        if done {
            stage.status = Status::Succeeded;
        } else {
            stage.begin_again();
            stage.cleared = true;
            self.again.insert(node);
        }
        Ok(())
    }

    fn reset(&mut self, node: NodeIndex) -> Checked {
        let stage = self.stages[node as usize].clone();
        let finished = self.once(node) && stage.attempt > 0 && stage.status == Status::Succeeded;
        need(!finished, || format!("the finished once stage {node} is to run again"))?;
        need(!stage.open, || format!("{node} is to run again while it runs"))?;
        self.resets.push((node, stage.status));
        self.again.insert(node);
        // What it was judged by is measured again.
        if let Some(tool) = self.spec(node).gate.as_ref().and_then(|gate| gate.tool.as_ref()) {
            self.tools.remove(tool);
        }
        self.stage(node).begin_again();
        Ok(())
    }

    /// A good end is kept unless what it came from changed; an approval stands unless what it was given for runs again.
    pub fn judge_resume(&mut self) -> Checked {
        for (node, was) in std::mem::take(&mut self.resets) {
            let kept = was.meets_need() || was == Status::Skipped;
            let changed = self.changed.contains(&node) || self.tracked;
            let calls = !self.around(node).is_empty() || self.spec(node).closes.is_some();
            let needs_again = self.upstream(node).iter().any(|up| self.again.contains(up));
            need(!kept || changed || calls || needs_again, || {
                format!("{node}, which was {}, runs again though nothing changed", was.word())
            })?;
        }
        for (node, refused) in std::mem::take(&mut self.voided) {
            let again = self.felt(node).iter().any(|up| self.again.contains(up));
            need(refused || again, || format!("the approval of {node} is void for no reason"))?;
        }
        Ok(())
    }
}

fn of_resume(event: &Event) -> bool {
    matches!(
        event,
        Event::RunResumed { .. }
            | Event::AttemptFinished { .. }
            | Event::StageUnknown { .. }
            | Event::StageResolved { .. }
            | Event::StageReset { .. }
            | Event::ApprovalVoided { .. }
    )
}

/// People.
impl Book<'_> {
    fn requested(&mut self, node: NodeIndex) -> Checked {
        let wanted = self.spec(node).approvals.len();
        let stage = self.stage(node);
        need(stage.asked.done < wanted && !stage.asked.requested, || {
            format!("no approval of {node} is due")
        })?;
        stage.asked.requested = true;
        stage.status = Status::Waiting;
        Ok(())
    }

    fn answered(&mut self, seq: u64, node: NodeIndex, by: &str, yes: bool) -> Checked {
        let count =
            self.spec(node).approvals.get(self.stages[node as usize].asked.done).map_or(1, |of| of.count);
        let stage = self.stage(node);
        need(stage.asked.requested && !stage.asked.refused, || format!("nobody asked to approve {node}"))?;
        if !yes {
            stage.asked.refused = true;
            return Ok(());
        }
        need(stage.asked.by.insert(by.to_owned()), || format!("{by} approves {node} twice"))?;
        stage.asked.since.get_or_insert(seq);
        if stage.asked.by.len() as u32 >= count {
            stage.asked.done += 1;
            stage.asked.requested = false;
            stage.asked.by.clear();
            stage.status = Status::Pending;
        }
        Ok(())
    }
}
