//! Repair rules: which of them fits a failed attempt, whether it may act, and what follows. Comes after the failure is
//! classified and before the retry policy, whose tries it does not use up. Carries nothing out.
//!
//! `when` holds → within its bounds → `verify` holds now → somebody agrees, if it is destructive → `verify` still holds →
//! it acts → the stage is attempted again. What was read before a person answered is never acted upon.

use std::sync::Arc;

use crate::event::{Asked, AttemptStatus, Event, NodeIndex, Outcome, Status};
use crate::expr::Expr;
use crate::expr::facts::FactValues;
use crate::plan::{Action, AfterRepair, Check, Effect, Repair, Risk};
use crate::port::{Answer, Question};

use super::apply::{describe, never_acted};
use super::conclude::End;
use super::input::{Command, Mend};
use super::judge::{Judgement, judge_all};
use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::prepare::unmet;
use super::scope::{NodeScope, said, visible};

/// Repairs of one stage in a run, by whatever rules: rules that undo each other end here.
pub const STAGE_BOUND: u32 = 5;
/// Repairs of a run, of all its stages together.
pub const RUN_BOUND: u32 = 50;
/// The longest that one repair may take.
pub const LONGEST_MS: u64 = 300_000;

/// A rule that fits and is being weighed; of this process alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mending {
    rule: String,
    /// What `verify` rests on, read since it began to be weighed, or since somebody agreed.
    facts: FactValues,
    /// Somebody is asked.
    asked: bool,
    /// Who agreed.
    by: Option<String>,
}

impl Kernel<'_> {
    /// Whether a rule takes the failed attempt up: then nothing else is to be done for the stage now.
    pub fn mend(&mut self, node: NodeIndex, why: &str) -> Step<bool> {
        if !self.may_mend(node) {
            return Ok(false);
        }
        if !self.has_rules(node) {
            return Ok(true);
        }
        let (plan, library) = (self.plan, self.state.live.rules.clone().unwrap_or_default());
        // A rule of the project's own takes the place of the library's of that name.
        let other = |rule: &&Repair| plan.repairs.iter().all(|own| own.name != rule.name);
        for rule in plan.repairs.iter().chain(library.iter().filter(other)) {
            let weighed = self.state.live.mending.get(&node).map(|mending| mending.rule == rule.name);
            match weighed {
                Some(false) => continue,
                Some(true) => {}
                None if self.was_tried(node, &rule.name) => continue,
                None => match self.fits(node, rule) {
                    Judgement::Ask(keys) => {
                        self.ask(node, Asked::Repair, keys)?;
                        return Ok(true);
                    }
                    Judgement::Bad(_) | Judgement::Done(false) => continue,
                    Judgement::Done(true) => {
                        if let Err(not) = self.may_act(node, rule) {
                            self.refuse(node, &rule.name, not)?;
                            continue;
                        }
                        let mending = Mending { rule: rule.name.clone(), ..Mending::default() };
                        self.state.live.mending.insert(node, mending);
                    }
                },
            }
            if self.weigh(node, rule, why)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn may_mend(&self, node: NodeIndex) -> bool {
        let live = &self.state.live;
        let any = !self.plan.repairs.is_empty() || !self.plan.repair_sets.is_empty();
        let failed =
            self.state.node(node).outcome.as_ref().is_some_and(|outcome| {
                matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut)
            });
        any && failed && !live.settings.no_repair && !live.is_over()
    }

    /// Whether the library's rules are there; has them read otherwise.
    fn has_rules(&mut self, node: NodeIndex) -> bool {
        let live = &mut self.state.live;
        if live.rules.is_some() || self.plan.repair_sets.is_empty() {
            return true;
        }
        let asked = live.doing.values().any(|doing| *doing == Doing::Ruling);
        live.doing.insert(node, Doing::Ruling);
        if !asked {
            self.command(Command::ReadRules);
        }
        false
    }

    pub fn ruled(&mut self, rules: &Arc<[Repair]>) -> Step {
        let live = &mut self.state.live;
        live.rules = Some(rules.clone());
        let waiting = live.doing.iter().filter(|(_, doing)| **doing == Doing::Ruling);
        let waiting: Vec<NodeIndex> = waiting.map(|(node, _)| *node).collect();
        for node in waiting {
            self.state.live.doing.remove(&node);
            self.judge(node)?;
        }
        Ok(())
    }

    fn was_tried(&self, node: NodeIndex, rule: &str) -> bool {
        let repairs = self.state.node(node).repairs.as_ref();
        repairs.is_some_and(|repairs| repairs.tried.iter().any(|tried| tried == rule))
    }

    fn fits(&self, node: NodeIndex, rule: &Repair) -> Judgement<bool> {
        let known = self.state.node(node).facts_of(Asked::Repair);
        self.holds(node, rule, &rule.when, known).map(|not| not.is_none())
    }

    /// Nothing when the condition of the rule holds by these facts, else what of it does not.
    fn holds(
        &self,
        node: NodeIndex,
        rule: &Repair,
        check: &Check,
        facts: Option<&FactValues>,
    ) -> Judgement<Option<String>> {
        let outputs = visible(self.plan, self.state, node);
        let scope = NodeScope {
            facts: facts.into_iter().collect(),
            outcome: self.outcome_of(node),
            ..NodeScope::new(self.plan, node, &outputs)
        };
        let judged = judge_all(&scope, std::slice::from_ref(check), &rule.place);
        judged.map(|judged| judged.iter().find(|judged| !judged.held).map(unmet))
    }

    /// Why the rule must not act for the stage, whatever its `verify` says.
    fn may_act(&self, node: NodeIndex, rule: &Repair) -> Result<(), String> {
        let (stage, spec) = (self.state.node(node), &self.plan.nodes[node as usize]);
        let repairs = stage.repairs.as_deref().cloned().unwrap_or_default();
        let acted = repairs.acted.get(&rule.name).copied().unwrap_or_default();
        let all: u32 = repairs.acted.values().sum();
        let class = stage.outcome.as_ref().and_then(|outcome| outcome.class);
        let times = |count: u32| if count == 1 { "once".to_owned() } else { format!("{count} times") };
        if acted >= rule.limit {
            return Err(format!("it acted {} for this stage, and may not more often", times(acted)));
        }
        if all >= STAGE_BOUND {
            return Err(format!("the stage was repaired {} already, and may not more often", times(all)));
        }
        if self.state.repairs >= RUN_BOUND {
            let so_far = times(self.state.repairs);
            return Err(format!("stages of the run were repaired {so_far} already, and may not more often"));
        }
        if spec.effect == Effect::Once && rule.then != AfterRepair::Stop && !never_acted(class) {
            return Err("the stage may run only once, and it may have acted before it failed".into());
        }
        if self.left(node) == Some(0) {
            return Err("the stage's deadline leaves no time".into());
        }
        match rule.then {
            AfterRepair::RerunNeeds => self.lost_needs(node).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// Milliseconds until the stage's deadline, if it has one.
    fn left(&self, node: NodeIndex) -> Option<u64> {
        let deadline = self.plan.nodes[node as usize].deadline?;
        let begun = self.state.live.begun.get(&node).copied().unwrap_or(self.at.mono);
        Some(deadline.saturating_sub(self.at.mono.saturating_sub(begun).max(0) as u64))
    }

    /// Goes on with the rule as far as what is known allows; false when it does not act.
    fn weigh(&mut self, node: NodeIndex, rule: &Repair, why: &str) -> Step<bool> {
        let Some(mending) = self.state.live.mending.get(&node).cloned() else { return Ok(false) };
        if mending.asked {
            return Ok(true);
        }
        if let Some(verify) = &rule.verify {
            let not = match self.holds(node, rule, verify, Some(&mending.facts)) {
                Judgement::Ask(keys) => {
                    self.ask(node, Asked::Verify, keys)?;
                    return Ok(true);
                }
                Judgement::Bad(not) => Some(not),
                Judgement::Done(not) => not,
            };
            if let Some(not) = not {
                let again = mending.by.as_ref().map(|by| format!(", though {by} agreed"));
                let not = format!("it is not safe now{}: {not}", again.unwrap_or_default());
                self.refuse(node, &rule.name, not)?;
                return Ok(false);
            }
        }
        match rule.risk {
            Risk::Destructive if mending.by.is_none() => self.seek_consent(node, rule, why),
            _ => self.act(node, rule, mending.by).map(|()| true),
        }
    }

    /// Facts for `verify`: kept apart from those of the journal, so that none is used that was read for an earlier try.
    pub fn verified(&mut self, node: NodeIndex, asked: Asked, values: &FactValues) {
        if let Some(mending) = self.state.live.mending.get_mut(&node).filter(|_| asked == Asked::Verify) {
            mending.facts.extend(values.clone());
        }
    }

    fn seek_consent(&mut self, node: NodeIndex, rule: &Repair, why: &str) -> Step<bool> {
        if self.state.live.settings.yes_destructive {
            return self.act(node, rule, Some("--yes-destructive".into())).map(|()| true);
        }
        if !self.state.live.settings.people {
            self.refuse(node, &rule.name, NOBODY.to_owned())?;
            return Ok(false);
        }
        if let Some(mending) = self.state.live.mending.get_mut(&node) {
            mending.asked = true;
        }
        let text = format!("{why}; {}", deed(rule));
        let key = self.plan.title(node).to_owned();
        let question = Question::Repair { node, key, rule: rule.name.clone(), text };
        // What came before is shown before the question.
        self.barrier();
        self.state.live.questions.insert(node, question.clone());
        self.command(Command::Ask(question));
        Ok(true)
    }

    /// A person's answer: after a yes everything is looked at again, for they may have thought for an hour.
    pub fn agreed(&mut self, node: NodeIndex, rule: &str, answer: Option<&Answer>) -> Step {
        let mending = self.state.live.mending.get_mut(&node);
        let Some(mending) = mending.filter(|mending| mending.asked && mending.rule == rule) else {
            return Ok(());
        };
        match answer {
            Some(answer) if answer.yes => {
                *mending =
                    Mending { rule: rule.to_owned(), by: Some(answer.by.clone()), ..Mending::default() };
            }
            Some(answer) => {
                let not = format!("{} did not agree", answer.by);
                self.refuse(node, rule, not)?;
            }
            None => self.refuse(node, rule, NOBODY.to_owned())?,
        }
        self.judge(node)
    }

    fn refuse(&mut self, node: NodeIndex, rule: &str, reason: String) -> Step {
        self.state.live.mending.remove(&node);
        self.emit(Event::RepairRefused { node, rule: rule.to_owned(), reason })
    }

    /// On the disk before it acts: after a crash it is known that it may have begun.
    fn act(&mut self, node: NodeIndex, rule: &Repair, by: Option<String>) -> Step {
        let stage = self.state.node(node);
        let number = stage.repairs.as_ref().map_or(0, |repairs| repairs.count) + 1;
        let attempt = stage.attempt;
        let said = stage.outcome.as_deref().map(wrote).unwrap_or_default();
        let limits = [self.plan.nodes[node as usize].timeout, self.left(node), Some(LONGEST_MS)];
        let timeout = limits.into_iter().flatten().min().unwrap_or(LONGEST_MS);
        let again = rule.then == AfterRepair::RetryStage;
        self.barrier();
        self.emit(Event::RepairStarted { node, attempt, rule: rule.name.clone(), number, again, by })?;
        self.state.live.mending.remove(&node);
        self.state.live.doing.insert(node, Doing::Repairing);
        let outputs = visible(self.plan, self.state, node);
        let rule = rule.clone();
        self.command(Command::Repair(Box::new(Mend { node, attempt, number, rule, timeout, said, outputs })));
        Ok(())
    }

    pub fn repaired(&mut self, node: NodeIndex, number: u32, outcome: &Outcome) -> Step {
        let repairs = self.state.node(node).repairs.as_deref().cloned().unwrap_or_default();
        let Some((rule, _)) = repairs.open.filter(|_| repairs.count == number) else { return Ok(()) };
        if self.is_doing(node) != Some(&Doing::Repairing) {
            return Ok(());
        }
        self.state.live.doing.remove(&node);
        let then = self.repair_rule(&rule).map_or(AfterRepair::Stop, |rule| rule.then);
        self.emit(Event::RepairFinished { node, rule: rule.clone(), outcome: outcome.clone() })?;
        let well = outcome.status == AttemptStatus::Succeeded;
        if !well || self.state.live.told_to_end.contains(&node) {
            return self.judge(node);
        }
        let failed = self.state.node(node).outcome.as_deref().map(describe).unwrap_or_default();
        match then {
            AfterRepair::Stop => {
                self.give_up(node, format!("{failed}; repair `{rule}` was carried out and says to stop here"))
            }
            _ if self.state.live.is_over() => {
                let over = self.over_because();
                self.give_up(node, format!("{failed}; repaired by `{rule}`, but not attempted again: {over}"))
            }
            _ if self.left(node) == Some(0) => {
                let reason = format!("{failed}; repaired by `{rule}`, but its deadline leaves no time");
                self.give_up(node, reason)
            }
            AfterRepair::RetryStage => self.start(node),
            AfterRepair::RerunNeeds => self.rerun_needs(node, &failed),
        }
    }

    fn repair_rule(&self, name: &str) -> Option<&Repair> {
        let library = self.state.live.rules.iter().flat_map(|rules| rules.iter());
        self.plan.repairs.iter().chain(library).find(|rule| rule.name == name)
    }

    /// Says of repairs carried out for the attempt before whether they helped: it got past that failure.
    pub fn tell_repairs(&mut self, node: NodeIndex, ended: bool) -> Step {
        let stage = self.state.node(node);
        let (Some(repairs), Some(outcome)) = (&stage.repairs, &stage.outcome) else { return Ok(()) };
        let like = match outcome.status {
            AttemptStatus::Succeeded if ended => None,
            AttemptStatus::Failed | AttemptStatus::TimedOut => Some(likeness(outcome)),
            _ => return Ok(()),
        };
        let due = repairs.untold.iter().filter(|(_, attempt, _)| stage.attempt > *attempt && !stage.open);
        let told: Vec<(String, bool)> =
            due.map(|(rule, _, how)| (rule.clone(), like.as_ref() != Some(how))).collect();
        told.into_iter().try_for_each(|(rule, helped)| self.emit(Event::RepairTold { node, rule, helped }))
    }

    /// The whole run ends while somebody is asked.
    pub fn end_mending(&mut self) -> Step {
        for node in self.asked_about() {
            let why = format!("{} while a repair waited for an answer", self.halted_because());
            self.finish(node, End::new(Status::Cancelled).because(why))?;
        }
        Ok(())
    }

    /// The run stops after a failure: nobody is asked any more.
    pub fn give_up_mending(&mut self) -> Step {
        for node in self.asked_about() {
            self.state.live.questions.remove(&node);
            self.state.live.mending.remove(&node);
            self.judge(node)?;
        }
        Ok(())
    }

    fn asked_about(&self) -> Vec<NodeIndex> {
        let mending = self.state.live.mending.iter();
        mending.filter(|(_, mending)| mending.asked).map(|(node, _)| *node).collect()
    }
}

const NOBODY: &str =
    "it is destructive, and nobody is at a terminal to agree (`--yes-destructive` agrees beforehand)";

/// What the rule is for and what it runs, for who must agree.
fn deed(rule: &Repair) -> String {
    let about = rule.docs.as_ref().map(|docs| format!(" ({docs})")).unwrap_or_default();
    let actions: Vec<String> = rule.actions.iter().map(action).collect();
    format!("repair `{}`{about} would run: {}", rule.name, actions.join("; "))
}

fn action(action: &Action) -> String {
    match action {
        Action::Exec { argv } => {
            let word = |expr: &Expr| expr.as_value().map_or("…".to_owned(), |value| value.to_string());
            argv.iter().map(word).collect::<Vec<_>>().join(" ")
        }
        Action::Script { interpreter, text } => {
            let first = interpreter.split_whitespace().next().unwrap_or("a shell");
            format!("{first}: {}", text.trim().replace('\n', "; "))
        }
        Action::Render { target, .. } => {
            format!("write {}", target.as_value().map_or("a file".to_owned(), |value| value.to_string()))
        }
    }
}

/// What the attempt wrote: its standard output's end, then its standard error.
fn wrote(outcome: &Outcome) -> String {
    match outcome.stdout.as_str() {
        "" => said(outcome),
        stdout => format!("{stdout}\n{}", said(outcome)),
    }
}

/// What two failures have in common that are the same to a person: kind, exit and the last thing said, without numbers.
pub(super) fn likeness(outcome: &Outcome) -> String {
    let said = outcome.stderr.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let last = said.or(outcome.error.as_deref()).unwrap_or_default();
    let text: String = last.chars().filter(|c| !c.is_ascii_digit()).take(200).collect();
    let class = outcome.class.map_or("", |class| class.word());
    format!("{class} {:?} {:?} {text}", outcome.exit, outcome.signal)
}
