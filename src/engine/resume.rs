//! What a resume keeps, runs again, or must ask about. Pure: what the world looks like now is given as [`Observed`].
//! Never decides history anew; it only adds to it.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::{AttemptStatus, Event, NodeIndex, Status, WaitFor};
use crate::plan::{EdgeKind, Effect, Plan, StageKind};
use crate::port::Message;

use super::halt::never_ran;
use super::input::InputKind;
use super::state::{NodeState, RunState};

/// The world as it is when a run is resumed.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Of the stages of [`to_hash`]: the hash of their inputs now; none when they cannot be read.
    pub inputs: BTreeMap<NodeIndex, Option<String>>,
    /// Files tracked at the start of the run that changed after its last event; none when that cannot be known.
    pub tracked_changed: Option<Vec<String>>,
    /// What a person said of stages that are unknown.
    pub resolutions: Vec<Resolution>,
    /// Who said so.
    pub by: String,
    /// The definition changed, and the change is adopted.
    pub adopted: bool,
    /// Which program resumes.
    pub engine: String,
    /// Finished stages whose output files are not what was recorded, and why.
    pub outputs: BTreeMap<NodeIndex, String>,
    /// What other commands left while no engine had the run.
    pub messages: Vec<Message>,
}

/// `--rerun STAGE` or `--mark-done STAGE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolution {
    /// The stage's key.
    pub stage: String,
    pub done: bool,
}

/// Why a run cannot be resumed as asked: exit 2.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    pub message: String,
    pub help: String,
}

/// What resume adds to the history, in this order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions {
    pub engine: String,
    pub adopted: bool,
    /// Attempts that the dead engine left open.
    pub interrupted: Vec<NodeIndex>,
    pub unknown: Vec<(NodeIndex, String)>,
    pub resolved: Vec<(NodeIndex, bool)>,
    pub by: String,
    pub reset: Vec<(NodeIndex, String)>,
    pub voided: Vec<(NodeIndex, String)>,
    /// Taken up before anything starts or ends: an approval given meanwhile, a wish to cancel.
    pub messages: Vec<Message>,
}

impl Decisions {
    pub(super) fn events(&self, state: &RunState) -> Vec<Event> {
        let interrupted = self.interrupted.iter().map(|&node| Event::AttemptFinished {
            node,
            attempt: state.node(node).attempt,
            outcome: never_ran(AttemptStatus::Interrupted, "the engine ended while it ran"),
        });
        let repairs = (0..).zip(&state.nodes).filter_map(|(node, stage)| {
            let (rule, _) = stage.repairs.as_ref()?.open.clone()?;
            let outcome = never_ran(AttemptStatus::Interrupted, "the engine ended while it acted");
            Some(Event::RepairFinished { node, rule, outcome })
        });
        let unknown = self
            .unknown
            .iter()
            .map(|(node, reason)| Event::StageUnknown { node: *node, reason: reason.clone() });
        let resolved = self.resolved.iter().map(|&(node, done)| Event::StageResolved {
            node,
            done,
            by: self.by.clone(),
        });
        let reset =
            self.reset.iter().map(|(node, reason)| Event::StageReset { node: *node, reason: reason.clone() });
        let voided = self
            .voided
            .iter()
            .map(|(node, reason)| Event::ApprovalVoided { node: *node, reason: reason.clone() });
        interrupted.chain(repairs).chain(unknown).chain(resolved).chain(reset).chain(voided).collect()
    }
}

/// Finished stages whose declared inputs must be hashed before [`reconcile`].
pub fn to_hash(plan: &Plan, state: &RunState) -> Vec<NodeIndex> {
    let nodes = (0..).zip(plan.nodes.iter().zip(&state.nodes));
    let asked = nodes.filter(|(_, (spec, node))| {
        let known = node.attempt > 0 || node.inputs.is_some();
        !spec.inputs.is_empty() && spec.effect != Effect::Once && node.status.meets_need() && known
    });
    asked.map(|(index, _)| index).collect()
}

/// Judges every stage against the world; the result is the input that resumes the run.
pub fn reconcile(plan: &Plan, state: &RunState, observed: &Observed) -> Result<InputKind, Refusal> {
    let mut judge = Reconciler { plan, state, observed, reset: BTreeMap::new(), unknown: BTreeMap::new() };
    for node in 0..state.nodes.len() as NodeIndex {
        judge.look_at(node);
    }
    let resolved = judge.resolve()?;
    let spread = judge.spread()?;
    let voided = judge.void(&spread);
    let interrupted = (0..).zip(&state.nodes).filter(|(_, node)| node.open).map(|(index, _)| index).collect();
    Ok(InputKind::Resume(Decisions {
        engine: observed.engine.clone(),
        adopted: observed.adopted,
        interrupted,
        unknown: judge.unknown.into_iter().collect(),
        resolved,
        by: observed.by.clone(),
        reset: spread.into_iter().collect(),
        voided,
        messages: observed.messages.clone(),
    }))
}

struct Reconciler<'a> {
    plan: &'a Plan,
    state: &'a RunState,
    observed: &'a Observed,
    reset: BTreeMap<NodeIndex, String>,
    unknown: BTreeMap<NodeIndex, String>,
}

impl Reconciler<'_> {
    fn look_at(&mut self, node: NodeIndex) {
        let state = self.state.node(node);
        let once = self.plan.nodes[node as usize].effect == Effect::Once;
        // Cleared by a person and not started since: what happened before is settled.
        let asked_about = once && state.attempt > 0 && !state.cleared;
        match state.status {
            Status::Unknown | Status::Pending | Status::Ready | Status::Skipped | Status::Waived => {}
            Status::Running if once => self.look_at_running_once(node, state),
            Status::Running => {
                self.reset.insert(node, "it was interrupted".into());
            }
            Status::Waiting if asked_about && state.waits_on(WaitFor::Retry) => {
                self.unknown.insert(node, "the engine ended between two attempts of it".into());
            }
            Status::Waiting => {}
            Status::Succeeded | Status::Reused | Status::Warned => {
                if let Some(reason) = self.outdated(node, state, once) {
                    self.reset.insert(node, reason);
                }
            }
            _ if self.let_pass(node) => {}
            status if asked_about && status != Status::Blocked => {
                let why = state.reason.as_deref().unwrap_or("it did not end well");
                self.unknown.insert(node, format!("{}: {why}", status.word()));
            }
            status => {
                self.reset.insert(node, ended(status));
            }
        }
    }

    /// A call around the node allows failures and has ended so: like any other warned stage, it is kept.
    fn let_pass(&self, node: NodeIndex) -> bool {
        self.plan.around(node).any(|call| {
            let closing = self.plan.calls[call as usize].closing;
            let state = self.state.node(closing);
            state.status == Status::Warned && self.outdated(closing, state, false).is_none()
        })
    }

    /// What ended well before the crash is only judged to the end; all else is asked about.
    fn look_at_running_once(&mut self, node: NodeIndex, state: &NodeState) {
        if !state.attempt_succeeded() {
            self.unknown.insert(node, "the engine ended while it ran, and it may only run once".into());
        }
    }

    /// Why a finished stage is no longer true, if so.
    fn outdated(&self, node: NodeIndex, state: &NodeState, once: bool) -> Option<String> {
        let spec = &self.plan.nodes[node as usize];
        let settled = once || spec.preset.is_some();
        if settled || spec.kind == StageKind::Stage && spec.actions.is_empty() {
            return None;
        }
        if let Some(why) = self.observed.outputs.get(&node) {
            return Some(why.clone());
        }
        // What never started (a gate that shares its tool's run) has no hash to compare.
        if !spec.inputs.is_empty() && (state.attempt > 0 || state.inputs.is_some()) {
            return match (&state.inputs, self.observed.inputs.get(&node)) {
                (Some(then), Some(Some(now))) if then == now => None,
                (Some(_), Some(Some(_))) => Some("its inputs changed".into()),
                _ => Some("its inputs cannot be compared".into()),
            };
        }
        let changed = self.observed.tracked_changed.as_deref().unwrap_or_default();
        let (first, rest) = changed.split_first()?;
        Some(match rest.len() {
            0 => format!("{first} changed"),
            more => format!("{first} and {more} more changed"),
        })
    }

    /// Applies what a person said to the stages that are unknown.
    fn resolve(&mut self) -> Result<Vec<(NodeIndex, bool)>, Refusal> {
        let mut resolved = Vec::new();
        for resolution in &self.observed.resolutions {
            let found = self.plan.nodes.iter().position(|node| node.key == resolution.stage);
            let Some(node) = found.map(|index| index as NodeIndex) else {
                return Err(Refusal {
                    message: format!("the run has no stage `{}`", resolution.stage),
                    help: "`wfl show RUN` lists its stages".into(),
                });
            };
            let status = self.state.node(node).status;
            if status != Status::Unknown && !self.unknown.contains_key(&node) {
                return Err(Refusal {
                    message: format!("`{}` is not unknown: it is {}", resolution.stage, status.word()),
                    help: "only a `once` stage whose end nobody knows can be resolved; leave the option out"
                        .into(),
                });
            }
            resolved.push((node, resolution.done));
        }
        Ok(resolved)
    }

    /// Everything that needs what runs again runs again too, unless it is pinned.
    fn spread(&self) -> Result<BTreeMap<NodeIndex, String>, Refusal> {
        let mut all = self.reset.clone();
        let mut next: Vec<NodeIndex> = self.reset.keys().copied().collect();
        while let Some(node) = next.pop() {
            for &(to, kind) in self.state.dependents.of(node) {
                if kind == EdgeKind::Follows {
                    continue;
                }
                if self.stays_skipped(to, &all) {
                    continue;
                }
                if self.sets_up_again(node, to) {
                    if self.state.node(to).status.meets_need() || self.state.node(to).attempt > 0 {
                        continue;
                    }
                } else {
                    self.refuse_if_pinned(node, to, &all)?;
                }
                if self.state.node(to).status == Status::Pending || all.contains_key(&to) {
                    continue;
                }
                all.insert(to, format!("`{}`, which it needs, runs again", self.key(node)));
                next.push(to);
            }
        }
        self.begin_calls_again(&mut all);
        self.hold_retries(&mut all);
        all.retain(|node, _| !self.unknown.contains_key(node));
        Ok(all)
    }

    /// A part of a call that was set up again, and did not end well: what was called before had its good end.
    fn sets_up_again(&self, part: NodeIndex, to: NodeIndex) -> bool {
        let inside = |call: u32| self.plan.around(to).any(|around| around == call);
        let call = self.plan.nodes[part as usize].call;
        let own = call.filter(|call| self.plan.calls[*call as usize].parts.contains(&part));
        own.is_some_and(inside) && !self.state.node(part).status.meets_need()
    }

    /// A call that had ended gave back what it held and ran its `finally`: what its stage does itself before and between
    /// its calls is done again. What was called and ended well stays as it is.
    fn begin_calls_again(&self, all: &mut BTreeMap<NodeIndex, String>) {
        for call in &self.plan.calls {
            let ended = self.state.node(call.closing).status;
            if !all.contains_key(&call.closing) || !ended.is_final() {
                continue;
            }
            for &part in &call.parts {
                let spec = &self.plan.nodes[part as usize];
                let acts = !spec.actions.is_empty() || spec.lock.is_some() || spec.pool.is_some();
                if acts && self.state.node(part).status.meets_need() {
                    let reason =
                        format!("`{}`, which it begins, {}", self.key(call.closing), ended_so(ended));
                    all.entry(part).or_insert(reason);
                }
            }
        }
    }

    /// What waits to be tried again waits first for what it follows, if that has not ended any more.
    fn hold_retries(&self, all: &mut BTreeMap<NodeIndex, String>) {
        let open: Vec<NodeIndex> = all.keys().chain(self.unknown.keys()).copied().collect();
        for node in open {
            for &(to, _) in self.state.dependents.of(node) {
                if self.state.node(to).waits_on(WaitFor::Retry) {
                    let reason =
                        format!("`{}`, which it comes after, has not ended any more", self.key(node));
                    all.entry(to).or_insert(reason);
                }
            }
        }
    }

    /// Skipped because of a need that is skipped still: nothing else it needs could change that.
    fn stays_skipped(&self, node: NodeIndex, reset: &BTreeMap<NodeIndex, String>) -> bool {
        let skipped =
            |to: NodeIndex| self.state.node(to).status == Status::Skipped && !reset.contains_key(&to);
        let mut needs =
            self.plan.nodes[node as usize].edges.iter().filter(|edge| edge.kind == EdgeKind::Needs);
        self.state.node(node).status == Status::Skipped && needs.any(|edge| skipped(edge.to))
    }

    fn refuse_if_pinned(
        &self,
        need: NodeIndex,
        to: NodeIndex,
        reset: &BTreeMap<NodeIndex, String>,
    ) -> Result<(), Refusal> {
        let pinned = self.plan.nodes[to as usize].effect != Effect::Repeatable;
        if !pinned || self.state.node(to).attempt == 0 {
            return Ok(());
        }
        let (need_key, key) = (self.key(need), self.key(to));
        let why = reset.get(&need).map_or("it must run again", String::as_str);
        Err(Refusal {
            message: format!(
                "`{need_key}` would run again ({why}), but `{key}`, which needs it, has started"
            ),
            help: format!(
                "`{key}` is not repeatable, so what it was started with must stay: undo the change, or start a new run"
            ),
        })
    }

    /// Approvals that no longer stand.
    fn void(&self, reset: &BTreeMap<NodeIndex, String>) -> Vec<(NodeIndex, String)> {
        let mut voided = Vec::new();
        let rerun = self.downstream(reset);
        for (node, state) in (0..).zip(&self.state.nodes) {
            let Some(approvals) = state.approvals.as_deref().filter(|approvals| approvals.touched()) else {
                continue;
            };
            if self.observed.adopted {
                voided.push((node, "the definition changed".into()));
            } else if rerun.contains(&node) {
                voided.push((node, "something it needs runs again".into()));
            } else if approvals.refused {
                voided.push((node, "it was refused, and the run is resumed".into()));
            }
        }
        voided
    }

    /// Stages that need, directly or through others, one that runs again.
    fn downstream(&self, reset: &BTreeMap<NodeIndex, String>) -> BTreeSet<NodeIndex> {
        let mut found = BTreeSet::new();
        let mut next: Vec<NodeIndex> = reset.keys().copied().collect();
        while let Some(node) = next.pop() {
            for &(to, kind) in self.state.dependents.of(node) {
                // What stays skipped passes nothing on.
                if kind != EdgeKind::Follows && !self.stays_skipped(to, reset) && found.insert(to) {
                    next.push(to);
                }
            }
        }
        found
    }

    fn key(&self, node: NodeIndex) -> &str {
        &self.plan.nodes[node as usize].key
    }
}

fn ended_so(status: Status) -> String {
    match status {
        Status::Failed => "failed".into(),
        Status::TimedOut => "timed out".into(),
        status if status.meets_need() => "runs again".into(),
        other => format!("was {}", other.word()),
    }
}

/// `it failed`: why a stage that did not end well runs again.
fn ended(status: Status) -> String {
    match status {
        Status::Failed => "it failed".into(),
        Status::TimedOut => "it timed out".into(),
        other => format!("it was {}", other.word()),
    }
}
