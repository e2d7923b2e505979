//! The end of the run: whether nothing is left to do, what it came to, the lane's `finally`. And the other end: taking
//! a run over when a process begins or resumes it.

use std::collections::BTreeSet;

use crate::event::{Event, NodeIndex, RunStatus, Status, WaitFor};
use crate::plan::StageKind;

use super::conclude::End;
use super::input::{Command, Outputs};
use super::kernel::{Kernel, Step};
use super::live::{Files, Halt, LaneFinally, rank};
use super::state::Impossible;

/// What the run came to.
struct Verdict {
    status: RunStatus,
    cause: Option<String>,
    node: Option<NodeIndex>,
}

impl Kernel<'_> {
    /// Ends the run when nothing is under way and nothing can start. True when something changed that may start more.
    pub fn end_when_done(&mut self) -> Step<bool> {
        let live = &self.state.live;
        let looking = live.claims.looking();
        let files = matches!(live.files, Files::Recording | Files::Restoring);
        if !live.doing.is_empty() || looking || files || live.lane_finally == LaneFinally::Running {
            return Ok(false);
        }
        let over = live.is_over();
        let idle = live.ready.is_empty()
            && live.timers.is_empty()
            && live.questions.is_empty()
            && !live.claims.waiting();
        if !over && !idle {
            return Ok(false);
        }
        let changed = if over { self.cancel_rest()? } else { self.end_behind_kept_locks()? };
        if changed {
            return Ok(true);
        }
        let verdict = self.verdict(over);
        if self.roll_back(verdict.status, &verdict.cause, verdict.node)? {
            return Ok(false);
        }
        let (verdict, exit) = self.after_rollback(verdict);
        if verdict.status != RunStatus::Waiting {
            self.refuse_stuck()?;
            if self.start_lane_finally() {
                return Ok(false);
            }
        }
        self.barrier();
        let Verdict { status, cause, node } = verdict;
        let duration_ms = self.state.live.work.spent;
        self.emit(Event::RunFinished { status, exit, cause, node, duration_ms })?;
        self.command(Command::Stop);
        Ok(false)
    }

    fn after_rollback(&self, verdict: Verdict) -> (Verdict, i32) {
        match self.rolled_back() {
            None => {
                let exit = verdict.status.exit_code();
                (verdict, exit)
            }
            Some((exit, cause, node)) => (Verdict { status: RunStatus::RolledBack, cause, node }, exit),
        }
    }

    /// What never started ends with the run, each with the reason.
    fn cancel_rest(&mut self) -> Step<bool> {
        let because = self.over_because();
        let mut changed = false;
        let all = || 0..self.state.nodes.len() as NodeIndex;
        let of_call = |node: &NodeIndex| {
            let spec = &self.plan.nodes[*node as usize];
            spec.call.is_some() || spec.closes.is_some()
        };
        // A call that failed before fails what needs it; that is not to be called cancelled.
        let order: Vec<NodeIndex> =
            all().filter(of_call).chain(all().filter(|node| !of_call(node))).collect();
        for node in order {
            if self.state.node(node).is_open_ended() {
                let inside = self.bad_inside(node);
                if let Some(inside) = inside.filter(|to| self.state.node(*to).status != Status::Cancelled) {
                    self.fail_call(node, inside)?;
                    changed = true;
                    continue;
                }
                let began = if self.state.node(node).tries > 0 { "not finished" } else { "not started" };
                let reason = format!("{began}: {because}");
                self.finish(node, End::new(Status::Cancelled).because(reason))?;
                changed = true;
            }
        }
        Ok(changed)
    }

    /// A `once` stage that failed keeps its lock; who waits for it can only go on in a later resume.
    fn end_behind_kept_locks(&mut self) -> Step<bool> {
        let keepers: BTreeSet<NodeIndex> = self.state.live.keepers.iter().copied().collect();
        let failed = |node: &NodeIndex| self.state.node(*node).status != Status::Unknown;
        let keepers = keepers.into_iter().filter(failed).collect();
        let mut changed = false;
        for (node, holder, lock) in self.state.live.shares.parked_behind(&keepers) {
            if !self.state.node(node).is_open_ended() {
                continue;
            }
            let call = self.plan.opened_by(holder).map(|call| self.plan.calls[call as usize].closing);
            let ended = self.state.node(call.unwrap_or(holder)).status.word();
            let holder = self.plan.title(holder);
            let reason =
                format!("not started: `{holder}` ended as {ended} and keeps lock `{lock}` until resolved");
            self.finish(node, End::new(Status::Cancelled).because(reason))?;
            self.block_cone(node)?;
            changed = true;
        }
        Ok(changed)
    }

    fn verdict(&self, over: bool) -> Verdict {
        let nodes = || (0..).zip(&self.state.nodes);
        let counts = |node: NodeIndex| !self.plan.tolerated(node);
        let any = |status: Status| nodes().any(|(index, node)| node.status == status && counts(index));
        let waiting = nodes()
            .find(|(_, node)| node.status == Status::Unknown || node.waits_on(WaitFor::Approval))
            .map(|(node, _)| node)
            .filter(|_| !over);
        let gate = |(index, node): (NodeIndex, &super::state::NodeState)| {
            let bad = node.status == Status::Failed && node.judged.is_some();
            bad && self.plan.nodes[index as usize].kind == StageKind::Gate && counts(index)
        };
        let halt = &self.state.live.halt;
        let status = if *halt == Some(Halt::Interrupted) {
            RunStatus::Interrupted
        } else if waiting.is_some() {
            RunStatus::Waiting
        } else if nodes().any(gate) {
            RunStatus::GateFailed
        } else if *halt == Some(Halt::TimedOut) || any(Status::TimedOut) {
            RunStatus::TimedOut
        } else if halt.is_some() {
            RunStatus::Cancelled
        } else if self.state.first_failure.is_some() || self.state.finally_failed.is_some() {
            RunStatus::Failed
        } else if nodes()
            .all(|(index, node)| node.status.meets_need() || node.status == Status::Skipped || !counts(index))
        {
            RunStatus::Succeeded
        } else {
            RunStatus::Failed
        };
        let (cause, node) = self.cause(status, waiting);
        Verdict { status, cause, node }
    }

    /// The first failure in words; without one, why the run ended or what it waits for.
    fn cause(&self, status: RunStatus, waiting: Option<NodeIndex>) -> (Option<String>, Option<NodeIndex>) {
        if let Some(node) = self.state.first_failure {
            let reason = self.state.node(node).reason.as_deref().unwrap_or("it failed");
            return (Some(format!("`{}`: {reason}", self.key(node))), Some(node));
        }
        if self.state.live.halt.is_some() {
            return (Some(self.halted_because()), None);
        }
        if let Some((node, why)) = &self.state.finally_failed {
            let whose = node.map_or("the lane".to_owned(), |node| format!("`{}`", self.key(node)));
            return (Some(format!("`finally` of {whose}: {why}")), *node);
        }
        match (status, waiting) {
            (RunStatus::Waiting, Some(node)) => {
                let stage = self.state.node(node);
                let what = match (&stage.reason, stage.status) {
                    (Some(reason), Status::Unknown) => reason.clone(),
                    _ => "waits for approval".to_owned(),
                };
                (Some(format!("`{}`: {what}", self.key(node))), Some(node))
            }
            _ => (None, None),
        }
    }

    fn refuse_stuck(&self) -> Step {
        let stuck = (0..).zip(&self.state.nodes).find(|(_, node)| node.is_open_ended());
        match stuck {
            None => Ok(()),
            Some((node, stage)) => Err(Impossible {
                what: "the end of the run".into(),
                node: Some(node),
                why: format!("it can never start: it is {}", stage.status.word()),
            }),
        }
    }

    fn start_lane_finally(&mut self) -> bool {
        let live = &mut self.state.live;
        // Of a run that had ended before it was rolled back it ran then.
        let ran = live.rolling && self.state.lane_ended;
        if ran || self.plan.finally.is_empty() || live.lane_finally != LaneFinally::Due || live.forced {
            return false;
        }
        live.lane_finally = LaneFinally::Running;
        self.command(Command::RunFinally { node: None, attempt: 0, outputs: Outputs::new() });
        true
    }

    /// Brings one stage's timers, locks and readiness back to life.
    pub fn take_over_node(&mut self, node: NodeIndex) {
        let plan = self.plan;
        let wants = self.state.live.wants(node);
        let rank = rank(plan, node);
        self.take_over_call(node);
        let state = self.state.node(node);
        match state.status {
            Status::Unknown | Status::Running => {
                self.state.live.shares.take(rank, &wants).ok();
                self.may_hold(node);
                if self.state.node(node).status == Status::Unknown {
                    self.state.live.keepers.insert(node);
                } else {
                    self.state.live.slots.insert(node);
                }
            }
            Status::Waiting if state.waits_on(WaitFor::Retry) => {
                let until = state.wait.as_ref().and_then(|wait| wait.until).unwrap_or(self.at.wall);
                let spec = plan.nodes[node as usize].retry.as_ref();
                let longest = spec.map_or(0, |retry| {
                    super::retry::wait_ms(retry, state.tries, plan.seed, node, state.attempt)
                });
                // The wall clock may have jumped: never longer than the policy's own wait.
                let left =
                    until.0.saturating_sub(self.at.wall.0).clamp(0, longest.min(i64::MAX as u64) as i64);
                self.state.live.begun.insert(node, self.at.mono);
                self.state.live.timers.insert((self.at.mono.saturating_add(left), node));
                self.state.live.shares.take(rank, &wants).ok();
            }
            Status::Pending | Status::Waiting if state.unmet == 0 => self.state.fresh.push(node),
            _ => {}
        }
    }

    fn closes(&self, node: NodeIndex) -> bool {
        self.plan.nodes[node as usize].closes.is_some()
    }

    /// Stages whose attempt or whose end was recorded before the crash, but not what comes after.
    pub fn finish_what_ended(&mut self) -> Step {
        for node in 0..self.state.nodes.len() as NodeIndex {
            let state = self.state.node(node);
            match state.status {
                Status::Running if !state.open => self.judge(node)?,
                Status::Unknown => {}
                status if status.is_final() && (state.tries > 0 || self.closes(node)) => {
                    self.make_up_finally(node);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
