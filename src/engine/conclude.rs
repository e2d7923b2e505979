//! The end of a stage: its result, what it means for the stages that wait, what it held, its `finally`. Does not know
//! why it ended.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{Event, NodeIndex, Outcome, Status};
use crate::plan::{EdgeKind, Effect};

use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::{Doing, LaneFinally, rank};
use super::scope::visible;

/// How a stage ended.
#[derive(Clone, Debug)]
pub(super) struct End {
    pub status: Status,
    pub reason: Option<String>,
    pub outputs: BTreeMap<String, Value>,
}

impl End {
    pub fn new(status: Status) -> Self {
        End { status, reason: None, outputs: BTreeMap::new() }
    }

    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

impl Kernel<'_> {
    /// Records the stage's result and what follows from it for the others.
    pub fn finish(&mut self, node: NodeIndex, end: End) -> Step {
        let status = end.status;
        self.conclude(node, end)?;
        match status {
            Status::Skipped => self.skip_dependents(node),
            Status::Failed | Status::TimedOut => {
                self.block_cone(node)?;
                let stops = self.state.live.stop_on_failure && !self.plan.tolerated(node);
                if stops && self.state.live.stopped.is_none() {
                    self.state.live.stopped = Some(node);
                    self.give_up_retries()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn conclude(&mut self, node: NodeIndex, end: End) -> Step {
        let begun = self.state.live.begun.remove(&node);
        let duration_ms = begun.map_or(0, |begun| self.at.mono.saturating_sub(begun).max(0) as u64);
        let bad = !end.status.meets_need();
        let status = end.status;
        let (reason, outputs) = (end.reason, end.outputs);
        self.tell_repairs(node, true)?;
        self.emit(Event::StageFinished { node, status, reason, outputs, duration_ms })?;
        self.tell_breaker(node, status)?;
        self.forget(node);
        let once = self.plan.nodes[node as usize].effect == Effect::Once;
        if once && bad && self.state.node(node).tries > 0 {
            self.state.live.keepers.insert(node);
        }
        if self.start_finally(node) { Ok(()) } else { self.release(node) }
    }

    /// Nothing is to be done for the stage any more.
    pub(super) fn forget(&mut self, node: NodeIndex) {
        let rank = rank(self.plan, node);
        let live = &mut self.state.live;
        let wants = live.wants(node);
        live.ready.remove(&rank);
        live.shares.forget(rank, &wants);
        live.claims.forget(node);
        live.doing.remove(&node);
        live.hashes.remove(&node);
        live.looked.remove(&node);
        live.questions.remove(&node);
        live.mending.remove(&node);
        live.timers.retain(|(_, waiting)| *waiting != node);
        live.expiries.retain(|(_, waiting)| *waiting != node);
    }

    /// Gives back the slot and what is shared; a `once` stage that ended badly keeps its lock for who resolves it.
    pub(super) fn release(&mut self, node: NodeIndex) -> Step {
        let live = &mut self.state.live;
        live.slots.remove(&node);
        live.told_to_end.remove(&node);
        if !live.keepers.contains(&node) && self.plan.opened_by(node).is_none() {
            let wants = live.wants(node);
            let woken = live.shares.release(node, &wants);
            live.ready.extend(woken);
            self.give_back(node)?;
        }
        match self.plan.nodes[node as usize].closes {
            Some(call) => self.release_call(call),
            None => Ok(()),
        }
    }

    /// A stage that began is cleaned up after; what it held stays held until then.
    pub fn start_finally(&mut self, node: NodeIndex) -> bool {
        let stage = self.state.node(node);
        let closes = self.plan.nodes[node as usize].closes;
        let began = closes.map_or(stage.tries > 0, |call| self.call_began(call));
        let due = began && !stage.finally_done && !self.state.live.forced;
        if !due || self.plan.nodes[node as usize].finally.is_empty() {
            return false;
        }
        let attempt = stage.attempt;
        let outputs = visible(self.plan, self.state, node);
        self.state.live.doing.insert(node, Doing::Finally);
        self.command(Command::RunFinally { node: Some(node), attempt, outputs });
        true
    }

    /// A stage whose engine ended before its `finally` did holds until then again what it held.
    pub fn make_up_finally(&mut self, node: NodeIndex) {
        if !self.start_finally(node) {
            return;
        }
        let closes = self.plan.nodes[node as usize].closes;
        let holder = closes.map_or(node, |call| self.plan.calls[call as usize].opening);
        let (rank, wants) = (rank(self.plan, holder), self.state.live.wants(holder));
        if self.state.live.shares.take(rank, &wants).is_err() {
            self.state.live.shares.forget(rank, &wants);
        }
        self.may_hold(holder);
    }

    pub fn finally_ended(&mut self, node: Option<NodeIndex>, outcome: &Outcome) -> Step {
        match node {
            Some(node) if self.is_doing(node) != Some(&Doing::Finally) => return Ok(()),
            None if self.state.live.lane_finally != LaneFinally::Running => return Ok(()),
            _ => {}
        }
        self.emit(Event::FinallyFinished { node, outcome: outcome.clone() })?;
        match node {
            Some(node) => {
                self.state.live.doing.remove(&node);
                self.release(node)
            }
            None => {
                self.state.live.lane_finally = LaneFinally::Done;
                Ok(())
            }
        }
    }

    /// A skipped stage skips what needs it, and so on.
    fn skip_dependents(&mut self, node: NodeIndex) -> Step {
        let mut skipped = vec![node];
        while let Some(node) = skipped.pop() {
            for to in self.waiting_for(node, |kind| kind == EdgeKind::Needs) {
                // The end of a call waits for all that is inside it.
                if self.plan.judges(to, node) && self.plan.opened_by(node).is_none() {
                    continue;
                }
                let reason = self.skipped_with(to, node);
                self.conclude(to, End::new(Status::Skipped).because(reason))?;
                skipped.push(to);
            }
        }
        Ok(())
    }

    /// Why `to` is skipped with `node`: a call as a whole, for the reason that it has.
    pub fn skipped_with(&self, to: NodeIndex, node: NodeIndex) -> String {
        let reason = self.state.node(node).reason.as_deref().unwrap_or("it was skipped");
        match self.plan.opened_by(node) {
            Some(_) if self.plan.judges(to, node) => reason.to_owned(),
            Some(_) => format!("`{}` was skipped: {reason}", self.plan.title(node)),
            None => format!("needs `{}`, which was skipped", self.key(node)),
        }
    }

    /// Whatever needs the stage, directly or through others, cannot run; the end of a call judges what is inside it.
    pub fn block_cone(&mut self, root: NodeIndex) -> Step {
        let mut cone = std::collections::BTreeSet::new();
        let mut ended = vec![root];
        while let Some(node) = ended.pop() {
            for to in self.waiting_for(node, |kind| kind != EdgeKind::Follows) {
                if !self.plan.judges(to, node) && cone.insert(to) {
                    ended.push(to);
                }
            }
        }
        if cone.is_empty() {
            return Ok(());
        }
        let root = self.root_of(root);
        self.emit(Event::StagesBlocked { root, nodes: cone.into_iter().collect() })
    }

    fn waiting_for(&self, node: NodeIndex, counts: impl Fn(EdgeKind) -> bool) -> Vec<NodeIndex> {
        let dependents = self.state.dependents.of(node).iter();
        dependents
            .filter(|(to, kind)| counts(*kind) && self.state.node(*to).is_open_ended())
            .map(|(to, _)| *to)
            .collect()
    }
}
