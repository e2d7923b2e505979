//! What stands between a ready stage and its start, in this order: waived, `when`, approvals, `confirm`. `when` comes
//! first so that nobody is asked to approve a stage that will be skipped. Does not start anything.

use crate::base::{Timestamp, Value};
use crate::event::{Asked, Event, Judged, NodeIndex, Status, WaitFor};
use crate::plan::{Approval, EdgeKind, Preset};
use crate::port::{Answer, Question};

use super::conclude::End;
use super::input::Command;
use super::judge::Judgement;
use super::kernel::{Kernel, Step};
use super::live::rank;

impl Kernel<'_> {
    /// Looks at a stage whose needs have all ended; safe to call again at any time.
    pub fn prepare(&mut self, node: NodeIndex) -> Step {
        let state = self.state.node(node);
        let retried = state.waits_on(WaitFor::Retry) && !self.state.live.is_over();
        if retried && state.unmet == 0 && self.is_doing(node).is_none() {
            // Something it needs ran again meanwhile.
            if self.state.live.timers.iter().all(|(_, waiting)| *waiting != node) {
                self.state.live.ready.insert(rank(self.plan, node));
            }
            return Ok(());
        }
        let waits = matches!(state.status, Status::Pending)
            || state.waits_on(WaitFor::Approval)
            || state.waits_on(WaitFor::Lock)
            || state.waits_on(WaitFor::Pool)
            || state.waits_on(WaitFor::Breaker);
        if !waits || state.unmet > 0 || self.is_doing(node).is_some() || self.state.live.is_over() {
            return Ok(());
        }
        if !self.needs_met(node)? || self.cut_off(node)? {
            return Ok(());
        }
        if let Some(reason) = self.plan.nodes[node as usize].waived.clone() {
            return self.finish(node, End::new(Status::Waived).because(reason));
        }
        match &self.plan.nodes[node as usize].preset {
            Some(Preset::LeftOut(reason)) => {
                return self.finish(node, End::new(Status::Skipped).because(reason.clone()));
            }
            Some(Preset::Reused { run, outputs, files, result, .. }) => {
                if result.is_some() || !files.is_empty() {
                    let (files, result) = (files.clone(), result.clone());
                    self.emit(Event::StageRecorded { node, files, result })?;
                }
                let end = End { outputs: outputs.clone(), ..End::new(Status::Reused) };
                return self.finish(node, end.because(format!("the result of run {run} still holds")));
            }
            None => {}
        }
        if self.wanted(node)? && self.approved(node)? && self.confirmed(node)? {
            self.state.live.ready.insert(rank(self.plan, node));
        }
        Ok(())
    }

    /// Ends are passed on when they happen; a stage that was reset since looks at those that did not change.
    fn needs_met(&mut self, node: NodeIndex) -> Step<bool> {
        let plan = self.plan;
        if let Some(inside) = self.bad_inside(node) {
            self.fail_call(node, inside)?;
            return Ok(false);
        }
        for edge in &plan.nodes[node as usize].edges {
            let ended = self.state.node(edge.to).status;
            match edge.kind {
                EdgeKind::Follows => {}
                _ if ended.meets_need() => {}
                EdgeKind::NeedsOptional if ended == Status::Skipped => {}
                EdgeKind::Needs if ended == Status::Skipped => {
                    let reason = self.skipped_with(node, edge.to);
                    self.finish(node, End::new(Status::Skipped).because(reason))?;
                    return Ok(false);
                }
                _ => {
                    self.block_cone(edge.to)?;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether `when` holds; a stage whose condition is false is skipped.
    fn wanted(&mut self, node: NodeIndex) -> Step<bool> {
        let plan = self.plan;
        let Some(when) = &plan.nodes[node as usize].when else { return Ok(true) };
        match self.judge_checks(node, std::slice::from_ref(when), &[Asked::When], None, None) {
            Judgement::Ask(keys) => self.ask(node, Asked::When, keys)?,
            Judgement::Done(judged) => match judged.first().filter(|judged| !judged.held) {
                None => return Ok(true),
                Some(judged) => {
                    let reason = format!("`when {}` is false{}", judged.text, shown(&judged.values));
                    self.finish(node, End::new(Status::Skipped).because(reason))?;
                }
            },
            Judgement::Bad(why) => {
                self.fail_unstarted(node, format!("`when {}` could not be judged: {why}", when.text))?
            }
        }
        Ok(false)
    }

    /// Whether all approvals are given; asks for the next one otherwise.
    fn approved(&mut self, node: NodeIndex) -> Step<bool> {
        let plan = self.plan;
        let wanted = &plan.nodes[node as usize].approvals;
        let given = self.state.node(node).approvals.as_deref().cloned().unwrap_or_default();
        let Some(next) = wanted.get(given.done) else { return Ok(true) };
        let asking = given.requested && self.state.node(node).waits_on(WaitFor::Approval);
        if !asking {
            self.request_approval(node, next, given.requested)?;
        }
        let expires = self.state.node(node).approvals.as_ref().and_then(|asked| asked.expires);
        if let Some(expires) = expires {
            if expires <= self.at.wall {
                self.expire(node)?;
                return Ok(false);
            }
            self.state.live.expiries.insert((expires, node));
        }
        let question = Question::Approve {
            node,
            key: plan.title(node).to_owned(),
            count: next.count,
            group: next.group.clone(),
        };
        self.ask_people(node, question);
        Ok(false)
    }

    /// An approval that was asked for before the run stopped keeps its time limit.
    fn request_approval(&mut self, node: NodeIndex, next: &Approval, again: bool) -> Step {
        if !again {
            let expires = next.timeout.map(|ms| Timestamp(self.at.wall.0.saturating_add_unsigned(ms)));
            let group = next.group.clone();
            self.emit(Event::ApprovalRequested { node, count: next.count, group, expires })?;
        }
        let until = self.state.node(node).approvals.as_ref().and_then(|asked| asked.expires);
        let detail = format!("{} from {}", next.count, next.group);
        self.barrier();
        self.emit(Event::StageWaiting { node, on: WaitFor::Approval, detail, until })
    }

    fn confirmed(&mut self, node: NodeIndex) -> Step<bool> {
        let plan = self.plan;
        let Some(text) = &plan.nodes[node as usize].confirm else { return Ok(true) };
        if let Some(answer) = self.state.node(node).confirmed {
            return Ok(answer);
        }
        if self.state.live.settings.yes {
            self.barrier();
            self.emit(Event::ConfirmAnswered { node, yes: true, by: "--yes".into() })?;
            return Ok(true);
        }
        if !self.state.live.settings.people {
            self.skip_unconfirmed(node)?;
            return Ok(false);
        }
        let detail = format!("confirmation: {text}");
        // What came before is shown before the question.
        self.barrier();
        self.emit(Event::StageWaiting { node, on: WaitFor::Approval, detail, until: None })?;
        let key = plan.title(node).to_owned();
        self.ask_people(node, Question::Confirm { node, key, text: text.clone() });
        Ok(false)
    }

    fn skip_unconfirmed(&mut self, node: NodeIndex) -> Step {
        let reason = "it asks for confirmation, and nobody is at a terminal to give it (--yes answers it)";
        self.finish(node, End::new(Status::Skipped).because(reason))
    }

    /// Once a stage and question: a person who cannot complete it alone is not asked again and again.
    fn ask_people(&mut self, node: NodeIndex, question: Question) {
        let live = &mut self.state.live;
        if live.settings.people && live.asked.insert(node) {
            live.questions.insert(node, question.clone());
            self.command(Command::Ask(question));
        }
    }

    pub fn answered(&mut self, question: &Question, answer: Option<&Answer>) -> Step {
        let node = match question {
            Question::Approve { node, .. }
            | Question::Confirm { node, .. }
            | Question::Repair { node, .. } => *node,
        };
        // Who answers late what others have answered meanwhile must not take back the question that came after.
        if self.state.live.questions.get(&node) != Some(question) {
            return Ok(());
        }
        self.state.live.questions.remove(&node);
        if let Question::Repair { rule, .. } = question {
            return self.agreed(node, rule, answer);
        }
        if !self.state.node(node).waits_on(WaitFor::Approval) || self.state.live.is_over() {
            return Ok(());
        }
        match (question, answer) {
            (Question::Approve { .. }, Some(answer)) => self.approval(node, answer),
            (Question::Approve { .. }, None) | (Question::Repair { .. }, _) => Ok(()),
            (Question::Confirm { .. }, None) => self.skip_unconfirmed(node),
            (Question::Confirm { .. }, Some(answer)) => {
                self.barrier();
                // The approvals that came before had their question; the next approval may ask anew.
                self.emit(Event::ConfirmAnswered { node, yes: answer.yes, by: answer.by.clone() })?;
                if answer.yes {
                    return Ok(());
                }
                let reason = format!("not confirmed by {}", answer.by);
                self.finish(node, End::new(Status::Skipped).because(reason))
            }
        }
    }

    /// An approval that came from outside; `stage` is an instance's key or the name of all instances.
    pub fn approval_message(&mut self, stage: &str, answer: &Answer) -> Step {
        let plan = self.plan;
        let named = |node: &crate::plan::Node| {
            node.key == stage || plan.stages.get(node.stage as usize).is_some_and(|all| all.name == stage)
        };
        let meant: Vec<NodeIndex> =
            (0..).zip(&plan.nodes).filter(|(_, node)| named(node)).map(|(index, _)| index).collect();
        if meant.is_empty() {
            return self.note(None, format!("an approval of `{stage}` came, but the run has no such stage"));
        }
        for node in meant {
            self.approval(node, answer)?;
        }
        Ok(())
    }

    fn approval(&mut self, node: NodeIndex, answer: &Answer) -> Step {
        self.barrier();
        let state = self.state.node(node);
        let asked = state.approvals.as_deref().cloned().unwrap_or_default();
        if !state.waits_on(WaitFor::Approval) || !asked.requested || asked.refused {
            let text =
                format!("{}'s answer came while `{}` was not waiting for one", answer.by, self.key(node));
            return self.note(Some(node), text);
        }
        if asked.by.contains(&answer.by) {
            let text =
                format!("{} has approved `{}` already; another person must", answer.by, self.key(node));
            return self.note(Some(node), text);
        }
        self.emit(Event::ApprovalGiven {
            node,
            by: answer.by.clone(),
            approved: answer.yes,
            comment: answer.comment.clone(),
        })?;
        if !answer.yes {
            let comment = answer.comment.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
            let reason = format!("approval rejected by {}{comment}", answer.by);
            return self.finish(node, End::new(Status::Failed).because(reason));
        }
        if !self.state.node(node).waits_on(WaitFor::Approval) {
            self.state.live.expiries.retain(|(_, waiting)| *waiting != node);
            self.state.live.asked.remove(&node);
        }
        Ok(())
    }

    pub fn expire(&mut self, node: NodeIndex) -> Step {
        let state = self.state.node(node);
        let done = state.approvals.as_ref().map_or(0, |approvals| approvals.done);
        let approval = self.plan.nodes[node as usize].approvals.get(done);
        let group = approval.map_or("", |approval| approval.group.as_str());
        let after = approval.and_then(|approval| approval.timeout).unwrap_or(0);
        let after = crate::base::clock::format_duration(after as i64);
        let reason = format!("approval from {group} expired after {after}");
        self.barrier();
        self.emit(Event::ApprovalExpired { node })?;
        self.finish(node, End::new(Status::Failed).because(reason))
    }
}

/// Why a stage did not go on: the condition that did not hold, on what values, and its own `because`.
pub(super) fn unmet(judged: &Judged) -> String {
    let because = judged.because.as_ref().map(|why| format!("; {why}")).unwrap_or_default();
    let values = if judged.values.is_empty() { String::new() } else { format!(": {}", judged.values) };
    format!("`{}` does not hold{values}{because}", judged.text)
}

/// ` (branch = "main")`, or nothing.
pub(super) fn shown(values: &str) -> String {
    if values.is_empty() { String::new() } else { format!(" ({values})") }
}

/// The truth of a condition's value, which the checker has made sure is one.
pub(super) fn truth(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(yes) => Ok(*yes),
        Value::Absent => Ok(false),
        other => Err(format!("it is {other}, neither true nor false")),
    }
}
