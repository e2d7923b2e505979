//! What is known of a failure from its words and from earlier runs, brought to the decision on another try; and what this
//! run adds to it. Counts nothing itself: the store does, by the events.

use crate::event::{AttemptStatus, Event, FailureClass, NodeIndex, WaitFor};
use crate::expr::Kind;
use crate::failure::{Advice, Failed, Signature, advise, signature};
use crate::plan::{Action, Node};

use super::judge::Judgement;
use super::kernel::{Kernel, Step};
use super::state::RunState;

/// What retries are told as.
pub const RETRY: &str = "retry";

/// A failure, and what was done about it so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dealt {
    pub signature: String,
    /// The attempt that failed.
    pub attempt: u32,
    /// It waits or waited for a retry, of which nothing was told yet.
    pub retried: bool,
    /// A repair was carried out: what helps then is not the retry.
    pub repaired: bool,
}

/// Keeps what was done about a failure.
pub(super) fn fold(state: &mut RunState, event: &Event) {
    let Some(node) = event.node() else { return };
    let dealt = &mut state.node_mut(node).failure;
    match (event, dealt.as_deref_mut()) {
        (Event::FailureSeen { attempt, signature, .. }, _) => {
            let (signature, attempt) = (signature.clone(), *attempt);
            *dealt = Some(Box::new(Dealt { signature, attempt, retried: false, repaired: false }));
        }
        (Event::StageWaiting { on: WaitFor::Retry, .. }, Some(dealt)) => dealt.retried = !dealt.repaired,
        (Event::RepairStarted { .. }, Some(dealt)) => dealt.repaired = true,
        (Event::FailureTold { .. }, Some(dealt)) => dealt.retried = false,
        _ => {}
    }
}

impl Kernel<'_> {
    /// Records what failed, once an attempt, and that the retry before did not help if it is the same again.
    pub fn see_failure(&mut self, node: NodeIndex) -> Step {
        let state = self.state.node(node);
        let attempt = state.attempt;
        if state.failure.as_ref().is_some_and(|dealt| dealt.attempt == attempt) {
            return Ok(());
        }
        let Some(Signature { id, class, program, text, .. }) = self.signature_of(node) else { return Ok(()) };
        let vain = self
            .state
            .node(node)
            .failure
            .as_ref()
            .is_some_and(|dealt| dealt.retried && dealt.signature == id);
        if vain {
            self.tell(node, id.clone(), false)?;
        }
        self.emit(Event::FailureSeen { node, attempt, signature: id, program, text, class })
    }

    /// The stage ends: when its last attempt went well, the retry got past the failure before.
    pub fn tell_past_failure(&mut self, node: NodeIndex) -> Step {
        let state = self.state.node(node);
        let past = state.failure.as_ref().filter(|dealt| dealt.retried && state.attempt_succeeded());
        match past.map(|dealt| dealt.signature.clone()) {
            Some(signature) => self.tell(node, signature, true),
            None => Ok(()),
        }
    }

    /// Whether another try is worth its time. `judged`: the policy has a condition of its own, which holds.
    pub fn worth_it(&self, node: NodeIndex, judged: bool) -> Judgement<()> {
        let Some(signature) = self.signature_of(node) else { return Judgement::Done(()) };
        let known = self.state.live.settings.failures.get(&signature.id);
        match advise(&signature, known, judged, self.at.wall) {
            Advice::Policy => Judgement::Done(()),
            Advice::Stop(why) => Judgement::Bad(why),
        }
    }

    fn tell(&mut self, node: NodeIndex, signature: String, helped: bool) -> Step {
        self.emit(Event::FailureTold { node, signature, remedy: RETRY.to_owned(), helped })
    }

    /// None of an end that says nothing about the stage: it was asked for, nobody saw it, the machine had no room.
    fn signature_of(&self, node: NodeIndex) -> Option<Signature> {
        let outcome = self.state.node(node).outcome.as_deref()?;
        let failed = matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut);
        let foreign =
            matches!(outcome.class, Some(FailureClass::Lost | FailureClass::Cancelled | FailureClass::Busy));
        if !failed || foreign || outcome.injected {
            return None;
        }
        let spec = &self.plan.nodes[node as usize];
        let stage =
            self.plan.stages.get(spec.stage as usize).map_or(spec.key.as_str(), |stage| stage.name.as_str());
        Some(signature(&Failed { outcome, program: program(spec), stage }))
    }
}

/// What the stage runs first, as far as that is written in its lane.
fn program(node: &Node) -> &str {
    match node.actions.first() {
        Some(Action::Script { interpreter, .. }) => interpreter,
        Some(Action::Exec { argv }) => match argv.first().map(|word| &word.kind) {
            Some(Kind::Value(crate::base::Value::String(program) | crate::base::Value::Path(program))) => {
                program
            }
            _ => "",
        },
        Some(Action::Render { .. }) => "render",
        None => "",
    }
}
