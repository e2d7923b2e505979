//! `decide`: one input, the events it leads to and what to do next. Pure: no clock, no randomness, no files. Each
//! event is folded at once, so that one turn may hold several; a turn that cannot be committed ends the run, and
//! its state with it.

use crate::base::Moment;
use crate::event::{Event, NodeIndex};
use crate::plan::Plan;
use crate::port::{Durability, Message};

use super::apply::apply;
use super::input::{Command, Input, InputKind, Signal, Turn};
use super::live::{Doing, Files, Halt, LaneFinally};
use super::resume::Decisions;
use super::state::{Impossible, Phase, RunState};

/// Nothing, or a bug.
pub(super) type Step<T = ()> = Result<T, Impossible>;

/// Adds to `turn` what follows from `input`. An error is a bug: the turn must be thrown away and the run stopped.
pub fn decide(plan: &Plan, state: &mut RunState, input: &Input, turn: &mut Turn) -> Result<(), Impossible> {
    let mut kernel = Kernel { plan, state, at: input.at, turn };
    kernel.state.live.work.pass(input.at.mono);
    kernel.receive(&input.kind)?;
    if !kernel.state.live.opening {
        kernel.check_lane_timeout()?;
        kernel.check_bounds()?;
        kernel.settle()?;
    }
    kernel.note_whether_working();
    Ok(())
}

/// One decision under way; its methods stand in the files of their topics.
pub(super) struct Kernel<'a> {
    pub plan: &'a Plan,
    pub state: &'a mut RunState,
    pub at: Moment,
    pub turn: &'a mut Turn,
}

impl Kernel<'_> {
    pub fn emit(&mut self, event: Event) -> Step {
        apply(self.plan, self.state, self.at.wall, &event)?;
        self.turn.events.push(event);
        Ok(())
    }

    pub fn command(&mut self, command: Command) {
        self.turn.commands.push(command);
    }

    /// The turn must be on the disk before anything follows from it.
    pub fn barrier(&mut self) {
        self.turn.durability = Durability::Disk;
    }

    pub fn key(&self, node: NodeIndex) -> &str {
        &self.plan.nodes[node as usize].key
    }

    pub fn note(&mut self, node: Option<NodeIndex>, text: String) -> Step {
        self.emit(Event::Note { node, text })
    }

    fn receive(&mut self, kind: &InputKind) -> Step {
        match kind {
            InputKind::Begin { engine } => return self.begin(engine),
            InputKind::Resume(decisions) => return self.resume(decisions),
            InputKind::Rollback(asking) => return self.rollback_asked(asking),
            _ if self.state.phase != Phase::Running => return Ok(()),
            _ => {}
        }
        match kind {
            InputKind::Begin { .. } | InputKind::Resume(_) | InputKind::Rollback(_) => Ok(()),
            InputKind::Tick => self.tick(),
            InputKind::Facts { node, asked, values } => self.facts_read(*node, *asked, values),
            InputKind::InputsHashed { node, hash } => self.inputs_hashed(*node, hash),
            InputKind::Exited { node, attempt, outcome } => self.exited(*node, *attempt, outcome),
            InputKind::Busy { node, attempt, why } => self.busy(*node, *attempt, why),
            InputKind::FinallyEnded { node, outcome } => self.finally_ended(*node, outcome),
            InputKind::Message(message) => self.message(message),
            InputKind::Answer { question, answer } => self.answered(question, answer.as_ref()),
            InputKind::Signal(Signal::Cancel) => self.halt(Halt::Interrupted),
            InputKind::Signal(Signal::Force) => self.force(),
            InputKind::Claimed { node, answer } => self.claimed(*node, answer),
            InputKind::Standing { node, standing } => self.stands(*node, *standing),
            InputKind::Looked { node, looked } => self.looked(*node, looked.as_deref()),
            InputKind::Sealed { node, outputs, sealed } => self.sealed(*node, outputs, sealed.as_ref()),
            InputKind::Room(room) => self.room_read(room),
            InputKind::Rules(rules) => self.ruled(rules),
            InputKind::Repaired { node, number, outcome } => self.repaired(*node, *number, outcome),
            InputKind::Undone { node, attempt, outcome } => self.undone(*node, *attempt, outcome),
            InputKind::Snapped { node, taken } => self.snapped(*node, taken),
            InputKind::Restored(restored) => self.restored(restored),
            InputKind::Mended { node, notes, then } => {
                notes.iter().try_for_each(|note| self.note(Some(*node), note.clone()))?;
                self.receive(then)
            }
        }
    }

    pub fn message(&mut self, message: &Message) -> Step {
        match message {
            Message::Approval { stage, answer } => self.approval_message(stage, answer),
            Message::Cancel { by } => {
                self.barrier();
                self.halt(Halt::Cancelled(by.clone()))
            }
        }
    }

    fn begin(&mut self, engine: &str) -> Step {
        let params = self.plan.params.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        self.emit(Event::RunStarted {
            lane: self.plan.lane.clone(),
            stages: self.plan.nodes.len() as u32,
            plan: self.plan.definition.hash.clone(),
            params,
            engine: engine.to_owned(),
        })?;
        if let Some(advised) = &self.plan.advised {
            self.emit(Event::AdviceTaken(advised.clone()))?;
        }
        self.take_over();
        self.record_files();
        Ok(())
    }

    fn resume(&mut self, decisions: &Decisions) -> Step {
        self.emit(Event::RunResumed { engine: decisions.engine.clone(), adopted: decisions.adopted })?;
        self.barrier();
        for event in decisions.events(self.state) {
            self.emit(event)?;
        }
        self.take_over();
        self.record_files();
        self.finish_what_ended()?;
        decisions.messages.iter().try_for_each(|message| self.message(message))
    }

    /// Builds what only this process knows from the folded state. Nothing starts, expires or ends before the first
    /// tick, so that the answers people left meanwhile are heard first.
    fn take_over(&mut self) {
        self.state.live.begin(self.plan, self.at);
        self.state.live.opening = true;
        self.state.fresh.clear();
        for node in 0..self.state.nodes.len() as NodeIndex {
            self.take_over_node(node);
        }
    }

    /// Looks at everything that became ready, starts what has room, and ends the run when nothing is left.
    fn settle(&mut self) -> Step {
        if self.state.phase != Phase::Running {
            return Ok(());
        }
        loop {
            while !self.state.fresh.is_empty() {
                for node in std::mem::take(&mut self.state.fresh) {
                    self.prepare(node)?;
                }
            }
            self.dispatch()?;
            if self.state.fresh.is_empty() && !self.end_when_done()? {
                return Ok(());
            }
        }
    }

    fn note_whether_working(&mut self) {
        let live = &mut self.state.live;
        live.work.working = !live.doing.is_empty()
            || !live.timers.is_empty()
            || live.claims.waiting()
            || matches!(live.files, Files::Recording | Files::Restoring)
            || live.lane_finally == LaneFinally::Running;
    }

    pub fn is_doing(&self, node: NodeIndex) -> Option<&Doing> {
        self.state.live.doing.get(&node)
    }
}
