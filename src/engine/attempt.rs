//! The end of an attempt and what follows: outputs, `after`, retry, the stage's end. Everything here can be called again
//! when facts it asked for have come.

use crate::base::Timestamp;
use crate::event::{Asked, AttemptStatus, Event, FailureClass, Lasting, NodeIndex, Outcome, Status, WaitFor};
use crate::plan::{Retry, StageKind};

use super::apply::describe;
use super::conclude::End;
use super::judge::Judgement;
use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::prepare::unmet;
use super::retry::{BUDGET, wait_ms};
use super::schedule::allowed;

impl Kernel<'_> {
    pub fn exited(&mut self, node: NodeIndex, attempt: u32, outcome: &Outcome) -> Step {
        let state = self.state.node(node);
        if !state.open || state.attempt != attempt {
            return Ok(());
        }
        self.state.live.doing.remove(&node);
        self.emit(Event::AttemptFinished { node, attempt, outcome: outcome.clone() })?;
        if outcome.log_cut {
            self.note(Some(node), format!("the log of `{}` was cut", self.key(node)))?;
        }
        self.judge(node)
    }

    /// What the ended attempt (or, without actions, the stage as it is) comes to.
    pub fn judge(&mut self, node: NodeIndex) -> Step {
        let ended = self.outcome_of(node).map(|outcome| (outcome.status, describe(outcome)));
        let own = self.state.node(node).outcome.is_some();
        match ended {
            None | Some((AttemptStatus::Succeeded, _)) => {}
            Some(_) if own && self.state.live.told_to_end.contains(&node) => {
                if self.state.live.halt.is_none() && self.cut_off(node)? {
                    return Ok(());
                }
                let why = self.halted_because();
                return self.finish(node, End::new(Status::Cancelled).because(why));
            }
            Some((_, why)) => return self.attempt_failed(node, why),
        }
        match self.plan.nodes[node as usize].kind {
            StageKind::Gate => self.judge_gate(node),
            StageKind::Stage => self.judge_stage(node),
        }
    }

    fn judge_stage(&mut self, node: NodeIndex) -> Step {
        let plan = self.plan;
        let outputs = match self.judge_outputs(node) {
            Judgement::Ask(keys) => return self.ask(node, Asked::Outputs, keys),
            Judgement::Bad(why) => return self.refused(node, FailureClass::OutputMissing, why),
            Judgement::Done(outputs) => outputs,
        };
        let after = &plan.nodes[node as usize].after;
        let phases = [Asked::After, Asked::Outputs];
        match self.judge_checks(node, after, &phases, Some(&outputs), None) {
            Judgement::Ask(keys) => self.ask(node, Asked::After, keys),
            Judgement::Bad(why) => self.refused(node, FailureClass::Condition, format!("after: {why}")),
            Judgement::Done(judged) => match judged.iter().find(|judged| !judged.held) {
                Some(judged) => {
                    self.refused(node, FailureClass::Condition, format!("after: {}", unmet(judged)))
                }
                None => self.seal(node, outputs),
            },
        }
    }

    /// The commands ended well; what they left fails the attempt.
    fn refused(&mut self, node: NodeIndex, class: FailureClass, why: String) -> Step {
        let state = self.state.node(node);
        if state.outcome.is_some() {
            let attempt = state.attempt;
            self.emit(Event::AttemptRefused { node, attempt, class, why: why.clone() })?;
        }
        self.attempt_failed(node, why)
    }

    /// Again later, if the policy allows; else the stage has failed.
    fn attempt_failed(&mut self, node: NodeIndex, why: String) -> Step {
        let plan = self.plan;
        self.tell_repairs(node, false)?;
        self.see_failure(node)?;
        if self.mend(node, &why)? {
            return Ok(());
        }
        let ran = self.state.node(node).outcome.is_some();
        let Some(retry) = plan.nodes[node as usize].retry.as_ref().filter(|_| ran) else {
            return self.give_up(node, why);
        };
        let tries = self.state.node(node).tries;
        if tries >= retry.attempts {
            let spent =
                if retry.attempts > 1 { format!(" (attempt {tries} of {tries})") } else { String::new() };
            self.state.live.claims.ran_out(node);
            return self.give_up(node, format!("{why}{spent}"));
        }
        if self.state.live.is_over() {
            let reason = format!("{why}; not retried: {}", self.over_because());
            return self.give_up(node, reason);
        }
        if self.state.retries >= BUDGET {
            let reason = format!("{why}; not retried: the run has used up its {BUDGET} retries");
            return self.give_up(node, reason);
        }
        match self.retry_holds(node, retry) {
            Judgement::Ask(keys) => self.ask(node, Asked::Retry, keys),
            Judgement::Bad(not) => self.give_up(node, format!("{why}; not retried: {not}")),
            Judgement::Done(()) => self.wait_to_retry(node, retry, tries, &why),
        }
    }

    fn retry_holds(&self, node: NodeIndex, retry: &Retry) -> Judgement<()> {
        let Some(when) = &retry.when else { return self.may_help(node) };
        match self.judge_checks(node, std::slice::from_ref(when), &[Asked::Retry], None, None) {
            Judgement::Ask(keys) => Judgement::Ask(keys),
            Judgement::Bad(why) => Judgement::Bad(why),
            Judgement::Done(judged) if judged.iter().all(|judged| judged.held) => self.worth_it(node, true),
            Judgement::Done(_) => Judgement::Bad(format!("`when {}` does not hold", when.text)),
        }
    }

    /// Any failure is tried again, but for one that is sure to come back.
    fn may_help(&self, node: NodeIndex) -> Judgement<()> {
        let class = self.state.node(node).outcome.as_ref().and_then(|outcome| outcome.class);
        match class.filter(|class| class.lasting() == Lasting::Permanent) {
            None => self.worth_it(node, false),
            Some(class) => {
                Judgement::Bad(format!("{} is permanent, another try would end the same", class.word()))
            }
        }
    }

    fn wait_to_retry(&mut self, node: NodeIndex, retry: &Retry, tries: u32, why: &str) -> Step {
        let wait = wait_ms(retry, tries, self.plan.seed, node, self.state.node(node).attempt);
        let begun = self.state.live.begun.get(&node).copied().unwrap_or(self.at.mono);
        let spent = self.at.mono.saturating_sub(begun).max(0) as u64;
        let deadline = self.plan.nodes[node as usize].deadline;
        if deadline.is_some_and(|deadline| spent.saturating_add(wait) >= deadline) {
            self.state.live.claims.ran_out(node);
            return self.give_up(node, format!("{why}; not retried: its deadline leaves no time"));
        }
        let detail = format!("attempt {tries} of {} failed: {why}", retry.attempts);
        let until = Some(Timestamp(self.at.wall.0.saturating_add_unsigned(wait)));
        self.emit(Event::StageWaiting { node, on: WaitFor::Retry, detail, until })?;
        self.state.live.timers.insert((self.at.mono.saturating_add_unsigned(wait), node));
        self.state.live.slots.remove(&node);
        Ok(())
    }

    pub(super) fn give_up(&mut self, node: NodeIndex, why: String) -> Step {
        let plan = self.plan;
        let spec = &plan.nodes[node as usize];
        if spec.kind == StageKind::Gate {
            return self.gate_error(node, why);
        }
        let timed_out = self
            .state
            .node(node)
            .outcome
            .as_ref()
            .is_some_and(|outcome| outcome.status == AttemptStatus::TimedOut);
        let end = match &spec.allow_failure {
            Some(because) => End::new(Status::Warned).because(allowed(because, &why)),
            None if timed_out => End::new(Status::TimedOut).because(why),
            None => End::new(Status::Failed).because(why),
        };
        self.finish(node, end)
    }

    /// The run stops: what waits to be tried again ends with the failure it has.
    pub fn give_up_retries(&mut self) -> Step {
        let waiting: Vec<NodeIndex> = self.state.live.timers.iter().map(|(_, node)| *node).collect();
        let ready: Vec<NodeIndex> = self.state.live.ready.iter().map(|rank| rank.2).collect();
        for node in waiting.into_iter().chain(ready) {
            let held = self.is_doing(node) == Some(&Doing::Held);
            if !held && self.state.node(node).waits_on(WaitFor::Retry) {
                self.judge(node)?;
            }
        }
        self.give_up_mending()
    }
}
