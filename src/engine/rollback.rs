//! Taking effects back: which stages and in which order, one undo after the other, its own retry and locks, the files at
//! last. Nothing of it happens without its event on the disk before. Starts no process itself.

use std::collections::{BTreeSet, BinaryHeap};

use crate::event::{AttemptStatus, Event, Failed, FailureClass, NodeIndex, Outcome, RunStatus, Status};
use crate::expr::{Stop, eval};
use crate::plan::{OnFailure, Plan, Retry};
use crate::port::{Claimed, Restored, Restoring};

use super::halt::never_ran;
use super::input::{Asking, Command, Undo};
use super::kernel::{Kernel, Step};
use super::live::{Doing, Files, Halt};
use super::prepare::truth;
use super::retry::wait_ms;
use super::scope::{NodeScope, visible};
use super::state::{RunState, Undoing};

/// How long an undo waits for a lock before it asks again, and for room before it is handed out again.
const AGAIN_MS: i64 = 500;

/// Whether the stage may have had an effect in this run. One that calls has begun with the first thing it did.
fn started(plan: &Plan, state: &RunState, node: NodeIndex) -> Option<u64> {
    let of = |node: NodeIndex| Some(state.node(node)).filter(|node| node.attempt > 0).map(|node| node.began);
    let call = plan.nodes[node as usize].closes.and_then(|call| plan.calls.get(call as usize));
    let inside = call.and_then(|call| {
        let parts = call.parts.iter().copied();
        let called = plan.nodes[call.closing as usize].edges.iter().map(|edge| edge.to);
        parts.chain(called.filter(|to| plan.judges(call.closing, *to))).filter_map(of).max()
    });
    of(node).max(inside)
}

/// The stages whose effects go: all that started, or of them those that started after `to` had ended and what came
/// after these.
pub fn scope(plan: &Plan, state: &RunState, to: Option<NodeIndex>) -> BTreeSet<NodeIndex> {
    let since = to.map_or(0, |to| state.node(to).ended);
    let all = || 0..state.nodes.len() as NodeIndex;
    let late = |node: &NodeIndex| started(plan, state, *node).is_some_and(|began| began > since);
    let mut found: BTreeSet<NodeIndex> = all().filter(late).collect();
    let mut next: Vec<NodeIndex> = found.iter().copied().collect();
    while let Some(node) = next.pop() {
        for &(after, _) in state.dependents.of(node) {
            if Some(after) != to && started(plan, state, after).is_some() && found.insert(after) {
                next.push(after);
            }
        }
    }
    found
}

/// Those of the scope that have an `undo`, in the order of their undoing: each after all that came after it, and where
/// that leaves a choice the one that started last.
pub fn order(plan: &Plan, state: &RunState, to: Option<NodeIndex>) -> Vec<NodeIndex> {
    let scope = scope(plan, state, to);
    let mut left: Vec<usize> =
        (0..state.nodes.len() as NodeIndex).map(|node| state.dependents.of(node).len()).collect();
    let key = |node: NodeIndex| match scope.contains(&node) {
        true => (started(plan, state, node).unwrap_or_default(), node),
        // What has nothing to take back keeps nobody waiting.
        false => (u64::MAX, node),
    };
    let free = (0..).zip(&left).filter(|(_, left)| **left == 0);
    let mut heap: BinaryHeap<(u64, NodeIndex)> = free.map(|(node, _)| key(node)).collect();
    let mut found = Vec::new();
    while let Some((_, node)) = heap.pop() {
        if scope.contains(&node) && plan.nodes[node as usize].undo.is_some() {
            found.push(node);
        }
        for edge in &plan.nodes[node as usize].edges {
            let Some(left) = left.get_mut(edge.to as usize) else { continue };
            *left = left.saturating_sub(1);
            if *left == 0 {
                heap.push(key(edge.to));
            }
        }
    }
    found
}

/// The snapshot to go back to: the first of the run, or the one after `to`.
pub fn base(state: &RunState, to: Option<NodeIndex>) -> Option<&str> {
    let mut shots = state.snapshots.iter();
    let found = match to {
        Some(_) => shots.rfind(|(node, _)| *node == to),
        None => shots.next(),
    };
    found.map(|(_, id)| id.as_str())
}

/// The run's snapshots as [`crate::port::Snapshots`] wants them: those taken before work began or went on are marked, for
/// what differs from the one before was done by somebody else.
pub fn known(state: &RunState) -> Vec<String> {
    let word = |(node, id): &(Option<NodeIndex>, String)| match node {
        Some(_) => id.clone(),
        None => format!("+{id}"),
    };
    state.snapshots.iter().map(word).collect()
}

impl Kernel<'_> {
    /// A person asks for it, or goes on with one that was cut off. Nothing of the run starts any more.
    pub fn rollback_asked(&mut self, asking: &Asking) -> Step {
        self.emit(Event::RunResumed { engine: asking.engine.clone(), adopted: false })?;
        self.barrier();
        let open = |state: &RunState, node: NodeIndex| state.node(node).open;
        for node in (0..self.state.nodes.len() as NodeIndex)
            .filter(|node| open(self.state, *node))
            .collect::<Vec<_>>()
        {
            let attempt = self.state.node(node).attempt;
            let outcome = never_ran(AttemptStatus::Interrupted, "the engine ended while it ran");
            self.emit(Event::AttemptFinished { node, attempt, outcome })?;
        }
        self.close_open_undo()?;
        self.state.live.begin(self.plan, self.at);
        self.state.live.opening = true;
        self.state.live.rolling = true;
        self.state.fresh.clear();
        if !asking.goes_on {
            self.state.live.asking = Some(asking.clone());
        }
        for node in 0..self.state.nodes.len() as NodeIndex {
            let (state, spec) = (self.state.node(node), &self.plan.nodes[node as usize]);
            let once = spec.effect == crate::plan::Effect::Once && !state.status.meets_need();
            if state.attempt > 0 && (once || !state.status.is_final()) {
                self.may_hold(node);
            }
            self.take_over_call(node);
            let due = state_is_final(self.state, node) && self.call_or_stage_began(node);
            if due {
                self.make_up_finally(node);
            }
        }
        asking.messages.iter().try_for_each(|message| self.message(message))
    }

    fn call_or_stage_began(&self, node: NodeIndex) -> bool {
        self.state.node(node).tries > 0 || self.plan.nodes[node as usize].closes.is_some()
    }

    /// The engine died while an undo ran: it may have done its work, or half of it.
    fn close_open_undo(&mut self) -> Step {
        let undone = self.state.rollback.iter().flat_map(|rollback| &rollback.undone);
        let open = undone.filter(|(_, undo)| undo.open).map(|(node, undo)| (*node, undo.attempt));
        for (node, attempt) in open.collect::<Vec<_>>() {
            let outcome = never_ran(AttemptStatus::Interrupted, "the engine ended while it ran");
            self.emit(Event::UndoFinished { node, attempt, outcome })?;
        }
        Ok(())
    }

    /// Takes the next step back. True while something is under way, so that the run must not end yet. `status` and the
    /// rest say how the run would end without it.
    pub fn roll_back(
        &mut self,
        status: RunStatus,
        cause: &Option<String>,
        node: Option<NodeIndex>,
    ) -> Step<bool> {
        if self.state.live.forced {
            return Ok(false);
        }
        let under_way = self.state.rollback.as_ref().is_some_and(|rollback| !rollback.finished);
        if !under_way {
            if let Some(asking) = self.state.live.asking.take() {
                self.begin_rollback(asking.by, asking.to, asking.files, None)?;
            } else if self.fails_into_rollback(status) {
                let after = Failed { status, cause: cause.clone(), node };
                self.begin_rollback("on-failure rollback".into(), None, None, Some(Box::new(after)))?;
            } else {
                return Ok(false);
            }
        }
        self.state.live.rolling = true;
        self.next_undo()
    }

    /// Cancelling is no failure: who interrupts a run may resume it.
    fn fails_into_rollback(&self, status: RunStatus) -> bool {
        let bad = matches!(status, RunStatus::Failed | RunStatus::GateFailed | RunStatus::TimedOut);
        let failed = self.state.first_failure.is_some() || self.state.live.halt == Some(Halt::TimedOut);
        let asked = self.plan.on_failure == OnFailure::Rollback && !self.state.live.settings.keep_going;
        asked && bad && failed && self.state.rollback.is_none()
    }

    fn begin_rollback(
        &mut self,
        by: String,
        to: Option<NodeIndex>,
        files: Option<String>,
        after: Option<Box<Failed>>,
    ) -> Step {
        let undone = self.state.rollback.as_ref().map(|rollback| &rollback.undone);
        let again = |node: &NodeIndex| undone.is_some_and(|undone| undone.contains_key(node));
        let nodes: Vec<NodeIndex> =
            order(self.plan, self.state, to).into_iter().filter(|node| !again(node)).collect();
        let scope = scope(self.plan, self.state, to);
        self.barrier();
        self.emit(Event::RollbackStarted { by, to, nodes: nodes.clone(), files, after })?;
        // Nobody takes a result whose effects are going: not even while they go.
        let results = self.state.results.iter().filter(|(node, _)| scope.contains(node));
        for (node, key) in results.map(|(node, key)| (*node, key.clone())).collect::<Vec<_>>() {
            let reason = "the run that made it was rolled back".to_owned();
            self.emit(Event::ResultRevoked { node, key, from: None, reason })?;
        }
        for node in 0..self.state.nodes.len() as NodeIndex {
            let asked = self.state.node(node).approvals.as_ref().is_some_and(|asked| asked.touched());
            if asked && self.state.node(node).status.is_final() {
                let reason = "the run is rolled back".to_owned();
                self.emit(Event::ApprovalVoided { node, reason })?;
            }
        }
        // A lock kept for who resolves the stage: with nothing to undo there is nothing left to resolve.
        let wanted: BTreeSet<NodeIndex> = nodes.iter().flat_map(|node| self.holders(*node)).collect();
        for node in self.state.live.claims.known().difference(&wanted).copied().collect::<Vec<_>>() {
            self.give_back(node)?;
        }
        Ok(())
    }

    fn undoing(&self, node: NodeIndex) -> Option<&Undoing> {
        self.state.rollback.as_ref()?.undone.get(&node)
    }

    fn next_undo(&mut self) -> Step<bool> {
        let Some(rollback) = &self.state.rollback else { return Ok(false) };
        let next = rollback.nodes.iter().copied().find(|node| !self.is_undone(*node));
        if let Some(node) = next {
            self.undo(node)?;
            return Ok(true);
        }
        match (&rollback.files, self.state.live.files.clone()) {
            (Some(to), Files::Idle) => {
                let known = known(self.state);
                let to = to.clone();
                self.state.live.files = Files::Restoring;
                self.command(Command::Restore { to, known });
                Ok(true)
            }
            (Some(_), Files::Restored(restored)) => self.finish_rollback(&restored).map(|()| false),
            (None, _) => self.finish_rollback(&Ok(Vec::new())).map(|()| false),
            (Some(_), _) => Ok(true),
        }
    }

    /// Whether nothing more is done to undo the stage: it succeeded, or its attempts ran out.
    fn is_undone(&self, node: NodeIndex) -> bool {
        let Some(undo) = self.undoing(node).filter(|undo| !undo.open) else { return false };
        match undo.last.as_deref().map(|last| (last, last.status)) {
            Some((_, AttemptStatus::Succeeded)) => true,
            Some((last, AttemptStatus::Failed | AttemptStatus::TimedOut)) => {
                !self.tries_again(node, undo.tries, last)
            }
            _ => false,
        }
    }

    fn tries_again(&self, node: NodeIndex, tries: u32, last: &Outcome) -> bool {
        let Some(retry) = self.undo_policy(node).filter(|retry| tries < retry.attempts) else { return false };
        if last.class == Some(FailureClass::NotStarted) {
            return false;
        }
        let Some(when) = &retry.when else { return true };
        let outputs = visible(self.plan, self.state, node);
        let scope = NodeScope { outcome: Some(last), ..NodeScope::new(self.plan, node, &outputs) };
        match eval(&when.expr, &scope) {
            Ok(value) => truth(&value).unwrap_or(false),
            Err(Stop::Needs(_) | Stop::Failed { .. }) => false,
        }
    }

    fn undo_policy(&self, node: NodeIndex) -> Option<&Retry> {
        self.plan.nodes[node as usize].undo.as_ref()?.retry.as_ref()
    }

    /// Goes on towards an attempt: its locks, the wait after a failure, the start.
    fn undo(&mut self, node: NodeIndex) -> Step {
        if self.is_doing(node).is_some() {
            return Ok(());
        }
        if let Some(command) = self.claim_to_undo(node)? {
            self.command(command);
            return Ok(());
        }
        let before = self.undoing(node).cloned().unwrap_or_default();
        let failed = before
            .last
            .as_ref()
            .is_some_and(|last| matches!(last.status, AttemptStatus::Failed | AttemptStatus::TimedOut));
        if failed && self.state.live.undo_due != Some(node) {
            let policy = self.undo_policy(node);
            let wait = policy.map_or(0, |of| wait_ms(of, before.tries, self.plan.seed, node, before.attempt));
            self.wait_to_undo(node, wait.min(i64::MAX as u64) as i64, true);
            return Ok(());
        }
        self.state.live.undo_due = None;
        self.barrier();
        self.emit(Event::UndoStarted { node, attempt: before.attempt + 1 })?;
        self.hand_out_undo(node);
        Ok(())
    }

    fn wait_to_undo(&mut self, node: NodeIndex, ms: i64, retry: bool) {
        self.state.live.doing.insert(node, Doing::UndoWaits { retry });
        self.state.live.timers.insert((self.at.mono.saturating_add(ms), node));
    }

    /// Has the open attempt of the undo carried out.
    fn hand_out_undo(&mut self, node: NodeIndex) {
        let spec = &self.plan.nodes[node as usize];
        let timeout = spec.undo.as_ref().and_then(|undo| undo.timeout).or(spec.timeout);
        let attempt = self.undoing(node).map_or(1, |undo| undo.attempt);
        let state = self.state.node(node);
        let (key, own) = (state.key.clone(), state.outputs.clone());
        let outputs = visible(self.plan, self.state, node);
        self.state.live.doing.insert(node, Doing::Undoing);
        self.command(Command::Undo(Box::new(Undo { node, attempt, timeout, key, outputs, own })));
    }

    /// What an undo waited for may be there now.
    pub fn undo_waited(&mut self, node: NodeIndex, retry: bool) {
        self.state.live.doing.remove(&node);
        if self.undoing(node).is_some_and(|undo| undo.open) {
            self.hand_out_undo(node);
        } else if retry {
            self.state.live.undo_due = Some(node);
        }
    }

    pub fn undo_claimed(
        &mut self,
        node: NodeIndex,
        holder: NodeIndex,
        answer: &Result<Claimed, String>,
    ) -> Step {
        match answer {
            Ok(Claimed::Granted { .. }) => self.took_to_undo(holder),
            Ok(Claimed::Waits(obstacle)) => {
                self.say_undo_waits(node, &super::claim::told(obstacle))?;
                self.wait_to_undo(node, AGAIN_MS, false);
                Ok(())
            }
            Err(why) => {
                self.say_undo_waits(node, &format!("what it shares could not be asked for: {why}"))?;
                self.wait_to_undo(node, AGAIN_MS, false);
                Ok(())
            }
        }
    }

    fn say_undo_waits(&mut self, node: NodeIndex, why: &str) -> Step {
        let text = format!("the undo of `{}` waits: {why}", self.plan.title(node));
        if self.state.live.undo_said.as_ref() == Some(&text) {
            return Ok(());
        }
        self.state.live.undo_said = Some(text.clone());
        self.note(Some(node), text)
    }

    pub fn undone(&mut self, node: NodeIndex, attempt: u32, outcome: &Outcome) -> Step {
        let open = self.undoing(node).is_some_and(|undo| undo.open && undo.attempt == attempt);
        if !open || self.is_doing(node) != Some(&Doing::Undoing) {
            return Ok(());
        }
        self.state.live.doing.remove(&node);
        if outcome.class == Some(FailureClass::Busy) && !self.state.live.forced {
            self.wait_to_undo(node, AGAIN_MS, false);
            return Ok(());
        }
        self.emit(Event::UndoFinished { node, attempt, outcome: outcome.clone() })?;
        if !self.is_undone(node) {
            return Ok(());
        }
        let rollback = self.state.rollback.as_ref();
        let left = rollback.map_or(&[][..], |rollback| &rollback.nodes).iter();
        let still: BTreeSet<NodeIndex> =
            left.filter(|other| !self.is_undone(**other)).flat_map(|other| self.holders(*other)).collect();
        for holder in self.holders(node).into_iter().filter(|holder| !still.contains(holder)) {
            self.give_back(holder)?;
        }
        Ok(())
    }

    pub fn restored(&mut self, restored: &Result<Vec<Restored>, String>) -> Step {
        if self.state.live.files == Files::Restoring {
            self.state.live.files = Files::Restored(restored.clone());
        }
        Ok(())
    }

    fn finish_rollback(&mut self, restored: &Result<Vec<Restored>, String>) -> Step {
        for node in self.state.live.claims.known().clone() {
            self.give_back(node)?;
        }
        self.state.live.keepers.clear();
        let rollback = self.state.rollback.as_ref();
        let nodes = rollback.map_or(&[][..], |rollback| &rollback.nodes).iter().copied();
        let failed = nodes.filter(|node| !self.undoing(*node).is_some_and(Undoing::succeeded)).collect();
        let list = restored.as_ref().map_or(&[][..], Vec::as_slice);
        for file in list {
            match &file.what {
                Restoring::Left => {
                    self.note(
                        None,
                        format!("{} was changed by somebody else and is left as it is", file.path),
                    )?;
                }
                Restoring::Beside(theirs) => {
                    let text =
                        format!("{} was changed by somebody else too: that is kept as {theirs}", file.path);
                    self.note(None, text)?;
                }
                Restoring::Failed(why) => {
                    self.note(None, format!("{} could not be brought back: {why}", file.path))?;
                }
                Restoring::Added | Restoring::Removed | Restoring::Changed | Restoring::ModeChanged => {}
            }
        }
        let untouched = |file: &&Restored| matches!(file.what, Restoring::Left | Restoring::Failed(_));
        let stuck = list.iter().filter(|file| matches!(file.what, Restoring::Failed(_))).count();
        let files = (list.len() - list.iter().filter(untouched).count()) as u32;
        let error = match restored {
            Err(why) => Some(why.clone()),
            Ok(_) if stuck > 0 => Some(format!("{stuck} of the files could not be brought back")),
            Ok(_) => None,
        };
        self.barrier();
        self.emit(Event::RollbackFinished { failed, files, error })
    }

    /// How the run ends that was rolled back: its exit is that of the failure, or tells whether all was taken back.
    pub fn rolled_back(&self) -> Option<(i32, Option<String>, Option<NodeIndex>)> {
        let rollback = self.state.rollback.as_ref().filter(|rollback| rollback.finished)?;
        let whole = rollback.failed.is_empty() && rollback.error.is_none();
        Some(match &rollback.after {
            Some(after) if rollback.files.is_none() => {
                (after.status.exit_code(), after.cause.clone(), after.node)
            }
            _ => (i32::from(!whole), Some(format!("rolled back by {}", rollback.by)), None),
        })
    }

    /// Somebody wants the run to end while effects are taken back: half-way is the worst place to stop at.
    pub fn rollback_goes_on(&mut self, why: &Halt) -> Step {
        let text = match why {
            Halt::Interrupted => {
                "the rollback goes on; interrupt again to end it at once (`wfl resume` then finishes it)"
            }
            _ => "the rollback goes on: what is half taken back cannot be cancelled",
        };
        self.note(None, text.to_owned())
    }

    /// The second signal: what runs is killed, the rest waits for a resume.
    pub fn end_rollback(&mut self) -> Step {
        self.state.live.halt = Some(Halt::Interrupted);
        let doing: Vec<(NodeIndex, Doing)> =
            self.state.live.doing.iter().map(|(node, doing)| (*node, doing.clone())).collect();
        for (node, doing) in doing {
            if !matches!(doing, Doing::UndoWaits { .. }) {
                continue;
            }
            self.state.live.doing.remove(&node);
            self.state.live.timers.retain(|(_, waiting)| *waiting != node);
            let open = self.undoing(node).filter(|undo| undo.open).map(|undo| undo.attempt);
            if let Some(attempt) = open {
                let outcome = never_ran(AttemptStatus::Cancelled, "it had not started yet");
                self.emit(Event::UndoFinished { node, attempt, outcome })?;
            }
        }
        Ok(())
    }
}

fn state_is_final(state: &RunState, node: NodeIndex) -> bool {
    let status = state.node(node).status;
    status.is_final() && status != Status::Unknown
}
