//! A stage that calls lanes as a whole: when it has begun, what its end judges of the nodes inside it, what it holds
//! meanwhile, and limits of time over several nodes. Single nodes are handled elsewhere as all others.

use crate::base::clock::format_duration;
use crate::event::{NodeIndex, Status};
use crate::plan::Bound;

use super::conclude::End;
use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::schedule::allowed;

impl Kernel<'_> {
    /// Whether the stage that calls did anything yet: then its `finally` is due.
    pub fn call_began(&self, call: u32) -> bool {
        let opening = self.state.node(self.plan.calls[call as usize].opening);
        opening.tries > 0 || opening.status == Status::Succeeded
    }

    /// For an end of a call: the node inside it that ended badly, the worst first.
    pub fn bad_inside(&self, closing: NodeIndex) -> Option<NodeIndex> {
        self.plan.nodes[closing as usize].closes?;
        let edges = self.plan.nodes[closing as usize].edges.iter();
        let inside = edges.map(|edge| edge.to).filter(|to| self.plan.judges(closing, *to));
        let worst = |node: &NodeIndex| match self.state.node(*node).status {
            Status::Failed | Status::TimedOut => Some(0),
            Status::Cancelled => Some(1),
            Status::Blocked => Some(2),
            _ => None,
        };
        inside.filter(|node| worst(node).is_some()).min_by_key(worst)
    }

    /// What a failure goes back to: of an end of a call, the stage inside that failed.
    pub fn root_of(&self, mut node: NodeIndex) -> NodeIndex {
        while self.plan.nodes[node as usize].closes.is_some() {
            match self.bad_inside(node).filter(|inside| *inside != node) {
                Some(inside) if self.state.node(inside).status != Status::Blocked => node = inside,
                _ => break,
            }
        }
        node
    }

    /// Ends the call because of what ended inside it.
    pub fn fail_call(&mut self, closing: NodeIndex, inside: NodeIndex) -> Step {
        if let Some((whose, own)) = self.expired(closing) {
            return self.end_expired(closing, &whose, own);
        }
        let (plan, ended) = (self.plan, self.state.node(inside));
        let reason = ended.reason.clone().unwrap_or_else(|| format!("it {}", word(ended.status)));
        let part = plan.nodes[closing as usize]
            .closes
            .is_some_and(|call| plan.calls[call as usize].parts.contains(&inside));
        let why = match part {
            true => reason,
            false => format!("`{}`, which it calls, {}: {reason}", self.key(inside), word(ended.status)),
        };
        let end = match &plan.nodes[closing as usize].allow_failure {
            Some(because) => End::new(Status::Warned).because(allowed(because, &why)),
            None => End::new(Status::Failed).because(why),
        };
        self.finish(closing, end)
    }

    /// Whether a limit over this node has passed: whose it is, and whether the node is the end of that call.
    pub fn expired(&self, node: NodeIndex) -> Option<(String, bool)> {
        let passed = self.state.live.expired.iter().filter_map(|bound| self.plan.bounds.get(*bound as usize));
        let own = |bound: &Bound| self.plan.nodes[node as usize].closes == Some(bound.call);
        let over = passed.filter(|bound| own(bound) || bound.members.contains(&node));
        let found = over.max_by_key(|bound| own(bound))?;
        let limit = format_duration(found.timeout as i64);
        Some((format!("{} took longer than its timeout of {limit}", found.whose), own(found)))
    }

    fn end_expired(&mut self, node: NodeIndex, why: &str, own: bool) -> Step {
        let end = match (&self.plan.nodes[node as usize].allow_failure, own) {
            (Some(because), true) => End::new(Status::Warned).because(allowed(because, why)),
            (None, true) => End::new(Status::TimedOut).because(why),
            (_, false) => End::new(Status::Cancelled).because(why),
        };
        self.finish(node, end)
    }

    /// Ends a node over which the time has passed; false when it may go on.
    pub fn cut_off(&mut self, node: NodeIndex) -> Step<bool> {
        let Some((why, own)) = self.expired(node) else { return Ok(false) };
        self.end_expired(node, &why, own)?;
        Ok(true)
    }

    /// The node begins to work: limits over it begin with the first.
    pub fn begins(&mut self, node: NodeIndex) {
        let live = &mut self.state.live;
        live.begun.entry(node).or_insert(self.at.mono);
        for bound in live.bounds_of(node) {
            live.bounded.entry(bound).or_insert(live.work.spent);
        }
    }

    /// Time at work is counted, as for the lane: waiting for people is not.
    pub fn check_bounds(&mut self) -> Step {
        let (plan, live) = (self.plan, &self.state.live);
        if live.bounded.is_empty() || live.halt.is_some() || !live.work.working {
            return Ok(());
        }
        let over = |bound: u32, begun: u64| {
            plan.bounds
                .get(bound as usize)
                .is_some_and(|of| live.work.spent.saturating_sub(begun) >= of.timeout)
        };
        let due: Vec<u32> =
            live.bounded.iter().filter(|(bound, begun)| over(**bound, **begun)).map(|(id, _)| *id).collect();
        for bound in due {
            self.state.live.bounded.remove(&bound);
            let members = &plan.bounds[bound as usize].members;
            if members.iter().any(|node| self.state.node(*node).is_open_ended()) {
                self.state.live.expired.insert(bound);
                self.end_members(members)?;
            }
        }
        Ok(())
    }

    fn end_members(&mut self, members: &[NodeIndex]) -> Step {
        for &node in members {
            match self.is_doing(node).cloned() {
                Some(Doing::Running | Doing::Repairing) => {
                    self.state.live.told_to_end.insert(node);
                    self.command(Command::Cancel { node, force: false });
                }
                Some(Doing::Held) => self.end_held(node)?,
                // What is being read is looked at when it comes.
                Some(Doing::Reading(..) | Doing::Hashing | Doing::Finally) => {}
                Some(Doing::Claiming(_) | Doing::Ruling) => {}
                None if !self.state.node(node).is_open_ended() => {}
                // The end of a call waits for what is inside it.
                None if self.plan.nodes[node as usize].closes.is_some()
                    && self.state.node(node).unmet > 0 => {}
                None => {
                    self.cut_off(node)?;
                }
            }
        }
        Ok(())
    }

    /// The call gives back what it held, unless a `once` stage inside it keeps it for who resolves it.
    pub fn release_call(&mut self, call: u32) -> Step {
        let opening = self.plan.calls[call as usize].opening;
        if self.state.node(self.plan.calls[call as usize].closing).status == Status::Warned {
            self.release_let_pass(call)?;
        }
        let wants = self.state.live.wants(opening);
        let holds = |node: &NodeIndex| {
            let spec = &self.plan.nodes[*node as usize];
            let shares = spec.lock.is_some() || spec.pool.is_some();
            shares && *node != opening && self.plan.around(*node).any(|around| around == call)
        };
        if !wants.is_empty() && self.state.live.keepers.iter().any(holds) {
            self.state.live.keepers.insert(opening);
            return Ok(());
        }
        let woken = self.state.live.shares.release(opening, &wants);
        self.state.live.ready.extend(woken);
        self.give_back(opening)
    }

    /// The call's failure was let pass: nobody will be asked about what failed inside it, so nobody can free its lock.
    fn release_let_pass(&mut self, call: u32) -> Step {
        let inside = |node: &NodeIndex| self.plan.around(*node).any(|around| around == call);
        let failed = |node: &NodeIndex| self.state.node(*node).status != Status::Unknown;
        let keepers = self.state.live.keepers.iter().copied().filter(|node| inside(node) && failed(node));
        for node in keepers.collect::<Vec<_>>() {
            self.state.live.keepers.remove(&node);
            let wants = self.state.live.wants(node);
            let woken = self.state.live.shares.release(node, &wants);
            self.state.live.ready.extend(woken);
            self.give_back(node)?;
        }
        Ok(())
    }

    /// A call that was under way when the engine died holds again what it held.
    pub fn take_over_call(&mut self, node: NodeIndex) {
        let Some(call) = self.plan.opened_by(node).filter(|call| self.call_began(*call)) else { return };
        let closing = self.plan.calls[call as usize].closing;
        if self.state.node(closing).is_open_ended() {
            let wants = self.state.live.wants(node);
            self.state.live.shares.take(super::live::rank(self.plan, node), &wants).ok();
            self.may_hold(node);
        }
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Cancelled => "was cancelled",
        Status::Blocked => "was blocked",
        other => other.word(),
    }
}
