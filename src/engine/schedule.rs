//! Who starts next, and the way from a free slot to a running attempt: share, `before`, inputs, key, start. Also time:
//! ticks, retries that are due.

use std::collections::BTreeSet;

use crate::base::clock::format_duration;
use crate::event::{Asked, Event, NodeIndex, Status, WaitFor};
use crate::expr::eval;
use crate::expr::facts::{Fact, FactValues};
use crate::plan::Effect;

use super::conclude::End;
use super::input::Command;
use super::judge::{Judgement, reason};
use super::kernel::{Kernel, Step};
use super::live::{Doing, Halt, rank};
use super::scope::visible;

impl Kernel<'_> {
    /// Gives free slots to ready stages, first in rank first.
    pub fn dispatch(&mut self) -> Step {
        while !self.state.live.is_over() && self.state.live.slots.len() < self.state.live.limit {
            let Some(rank) = self.next_in_line()? else { break };
            let node = rank.2;
            let stage = self.state.node(node);
            // What it needs may run again meanwhile; it is looked at when that has ended.
            if !stage.is_open_ended() || stage.unmet > 0 || self.is_doing(node).is_some() {
                continue;
            }
            let wants = self.state.live.wants(node);
            match self.state.live.shares.take(rank, &wants) {
                Ok(()) => {
                    self.state.live.slots.insert(node);
                    self.start(node)?;
                }
                Err(taken) => {
                    let woken = self.state.live.shares.pass_on(&wants);
                    self.state.live.ready.extend(woken.into_iter().filter(|other| *other != rank));
                    if let Some(kind) = taken.kind {
                        self.say_waiting(node, kind, &taken.name, &taken.holders)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn say_waiting(&mut self, node: NodeIndex, on: WaitFor, name: &str, holders: &[NodeIndex]) -> Step {
        let state = self.state.node(node);
        if state.waits_on(on) || state.waits_on(WaitFor::Retry) {
            return Ok(());
        }
        let holders: Vec<String> =
            holders.iter().map(|&holder| format!("`{}`", self.plan.title(holder))).collect();
        let what = if on == WaitFor::Lock { "lock" } else { "pool" };
        let detail = format!("{what} `{name}` is held by {}", holders.join(", "));
        self.emit(Event::StageWaiting { node, on, detail, until: None })
    }

    /// Goes on towards an attempt as far as what is known allows; called again when more is.
    pub fn start(&mut self, node: NodeIndex) -> Step {
        if self.state.live.is_over() || self.state.node(node).unmet > 0 {
            return self.put_back(node);
        }
        if self.cut_off(node)? || !self.has_claims(node)? {
            return Ok(());
        }
        let plan = self.plan;
        let spec = &plan.nodes[node as usize];
        let tool = spec.gate.as_ref().and_then(|gate| gate.tool.as_ref());
        if self.state.node(node).tries == 0 {
            if !self.pass_before(node)? || !self.know_inputs(node)? {
                return Ok(());
            }
            if spec.actions.is_empty() || tool.is_some_and(|tool| self.state.tools.contains_key(tool)) {
                self.begins(node);
                return self.judge(node);
            }
        }
        let key = match self.idempotency_key(node) {
            Ok(key) => key,
            Err(why) => return self.fail_unstarted(node, format!("its key could not be worked out: {why}")),
        };
        if spec.effect != Effect::Repeatable || spec.lock.is_some() {
            self.barrier();
        }
        let attempt = self.state.node(node).attempt + 1;
        let inputs = self.state.live.hashes.get(&node).cloned().flatten();
        self.begins(node);
        self.emit(Event::StageStarted { node, attempt, key, inputs })?;
        self.hand_out(node)
    }

    /// The run ended meanwhile, or something it needs runs again: the stage stays as it was.
    fn put_back(&mut self, node: NodeIndex) -> Step {
        self.give_way(node);
        Ok(())
    }

    /// Neither slot nor share is held while the stage cannot start.
    pub fn give_way(&mut self, node: NodeIndex) {
        let wants = self.state.live.wants(node);
        self.state.live.slots.remove(&node);
        let woken = self.state.live.shares.release(node, &wants);
        self.state.live.ready.extend(woken);
    }

    /// Has the stage's open attempt carried out.
    fn hand_out(&mut self, node: NodeIndex) -> Step {
        let plan = self.plan;
        let spec = &plan.nodes[node as usize];
        let begun = self.state.live.begun.get(&node).copied().unwrap_or(self.at.mono);
        let spent = self.at.mono.saturating_sub(begun).max(0) as u64;
        let left = spec.deadline.map(|deadline| deadline.saturating_sub(spent).max(1));
        let timeout = [spec.timeout, left].into_iter().flatten().min();
        let outputs = visible(plan, self.state, node);
        let state = self.state.node(node);
        let (attempt, key) = (state.attempt, state.key.clone());
        self.state.live.doing.insert(node, Doing::Running);
        self.command(Command::Start { node, attempt, timeout, key, outputs });
        Ok(())
    }

    fn pass_before(&mut self, node: NodeIndex) -> Step<bool> {
        let plan = self.plan;
        let checks = &plan.nodes[node as usize].before;
        match self.judge_checks(node, checks, &[Asked::Before], None, None) {
            Judgement::Ask(keys) => self.ask(node, Asked::Before, keys)?,
            Judgement::Bad(why) => self.fail_unstarted(node, format!("before: {why}"))?,
            Judgement::Done(judged) => match judged.iter().find(|judged| !judged.held) {
                None => return Ok(true),
                Some(judged) => {
                    let why = format!("before: {}", super::prepare::unmet(judged));
                    self.fail_unstarted(node, why)?
                }
            },
        }
        Ok(false)
    }

    fn know_inputs(&mut self, node: NodeIndex) -> Step<bool> {
        let declared = !self.plan.nodes[node as usize].inputs.is_empty();
        if !declared || self.state.live.hashes.contains_key(&node) {
            return Ok(true);
        }
        self.state.live.doing.insert(node, Doing::Hashing);
        let look = self.look(node).unwrap_or(Command::HashInputs { node });
        self.command(look);
        Ok(false)
    }

    pub fn inputs_hashed(&mut self, node: NodeIndex, hash: &Result<String, String>) -> Step {
        if self.is_doing(node) != Some(&Doing::Hashing) {
            return Ok(());
        }
        self.state.live.doing.remove(&node);
        if let Err(why) = hash {
            let text = format!("the inputs of `{}` could not be read: {why}", self.key(node));
            self.note(Some(node), text)?;
        }
        self.state.live.hashes.insert(node, hash.as_ref().ok().cloned());
        self.start(node)
    }

    /// `WFL_KEY`: worked out at the first start and the same ever after.
    fn idempotency_key(&self, node: NodeIndex) -> Result<Option<String>, String> {
        let Effect::Idempotent(expr) = &self.plan.nodes[node as usize].effect else { return Ok(None) };
        if let Some(key) = &self.state.node(node).key {
            return Ok(Some(key.clone()));
        }
        let outputs = visible(self.plan, self.state, node);
        let scope = self.scope(node, &outputs, &[Asked::Before]);
        eval(expr, &scope).map(|value| Some(value.to_string())).map_err(reason)
    }

    pub fn facts_read(&mut self, node: NodeIndex, asked: Asked, values: &FactValues) -> Step {
        let ids: BTreeSet<String> = match self.is_doing(node) {
            Some(Doing::Reading(waiting, ids)) if *waiting == asked => ids.iter().cloned().collect(),
            _ => return Ok(()),
        };
        self.state.live.doing.remove(&node);
        let mut values = values.clone();
        for id in ids {
            values.entry(id).or_insert_with(|| Fact::Failed("it was not read".into()));
        }
        self.verified(node, asked, &values);
        self.emit(Event::FactsRead { node, asked, values })?;
        match asked {
            Asked::When => self.prepare(node),
            Asked::Before | Asked::Inputs => self.start(node),
            Asked::Outputs | Asked::After | Asked::Retry | Asked::Repair | Asked::Verify => self.judge(node),
        }
    }

    pub fn tick(&mut self) -> Step {
        self.state.live.opening = false;
        self.ask_again();
        self.recover()?;
        while let Some(&(due, node)) = self.state.live.timers.first() {
            if due > self.at.mono {
                break;
            }
            self.state.live.timers.remove(&(due, node));
            match self.is_doing(node) {
                Some(Doing::Held) => self.hand_out(node)?,
                None if self.state.node(node).waits_on(WaitFor::Retry) => {
                    self.state.live.ready.insert(rank(self.plan, node));
                }
                _ => {}
            }
        }
        while let Some(&(due, node)) = self.state.live.expiries.first() {
            if due > self.at.wall {
                break;
            }
            self.state.live.expiries.remove(&(due, node));
            if !self.state.live.is_over() {
                self.expire(node)?;
            }
        }
        Ok(())
    }

    /// The lane's own timeout counts work, not waiting for people.
    pub fn check_lane_timeout(&mut self) -> Step {
        let Some(limit) = self.plan.timeout else { return Ok(()) };
        let spent = self.state.worked_before.saturating_add(self.state.live.work.spent);
        if spent < limit || self.state.live.halt.is_some() || !self.state.live.work.working {
            return Ok(());
        }
        self.halt(Halt::TimedOut)
    }

    /// For what ends before any attempt: a condition that does not hold, a value that cannot be worked out.
    pub fn fail_unstarted(&mut self, node: NodeIndex, why: String) -> Step {
        let plan = self.plan;
        let spec = &plan.nodes[node as usize];
        if spec.gate.is_some() {
            return self.gate_error(node, why);
        }
        match &spec.allow_failure {
            Some(because) => self.finish(node, End::new(Status::Warned).because(allowed(because, &why))),
            None => self.finish(node, End::new(Status::Failed).because(why)),
        }
    }

    pub fn lane_limit_text(&self) -> String {
        self.plan.timeout.map(|ms| format_duration(ms as i64)).unwrap_or_default()
    }
}

/// Why a failure was let pass.
pub(super) fn allowed(because: &str, why: &str) -> String {
    if because.is_empty() {
        format!("{why} (allowed to fail)")
    } else {
        format!("{why} (allowed to fail: {because})")
    }
}
