//! One turn after another: decide, commit, fold, show. Holds the journal and the observers; starts nothing and waits
//! for nothing. The driver and the tests' simulation share it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::base::{Moment, Timestamp};
use crate::event::{Event, Record};
use crate::plan::Plan;
use crate::port::{Durability, Journal, Observer, StateUnsafe};

use super::input::{Command, Input, Turn};
use super::kernel::decide;
use super::state::{Impossible, RunState};

/// When commits must reach the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Each of them.
    Every,
    /// Before anything that must not be forgotten, and before results are shown.
    #[default]
    Barrier,
    /// Never on purpose: safe against `kill -9` alone.
    Process,
}

/// Why the engine cannot go on.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    Unsafe(StateUnsafe),
    /// The engine contradicts itself.
    Bug(Impossible),
}

/// Results are shown at most this much later than they are known, unless the disk is slow.
const SHOW_MS: i64 = 40;
/// Syncing only to show takes at most this part of the time.
const SYNC_SHARE: i64 = 20;

pub struct Core {
    plan: Arc<Plan>,
    pub state: RunState,
    journal: Box<dyn Journal>,
    observers: Vec<Box<dyn Observer>>,
    mode: Mode,
    /// Committed, but a power cut could still undo it: not shown yet.
    unshown: Vec<Record>,
    unshown_since: i64,
    sync_cost: i64,
    cause: Option<String>,
    exit: Option<i32>,
}

impl Core {
    pub fn new(
        plan: Arc<Plan>,
        state: RunState,
        journal: Box<dyn Journal>,
        observers: Vec<Box<dyn Observer>>,
        mode: Mode,
    ) -> Self {
        Core {
            plan,
            state,
            journal,
            observers,
            mode,
            unshown: Vec::new(),
            unshown_since: 0,
            sync_cost: 0,
            cause: None,
            exit: None,
        }
    }

    /// Decides on all inputs, commits what follows as one, and returns what to do. After an error nothing may be
    /// done or shown any more.
    pub fn turn(&mut self, inputs: &[Input]) -> Result<Vec<Command>, Fault> {
        let Some(last) = inputs.last() else { return Ok(Vec::new()) };
        let mut turn = Turn::default();
        for input in inputs {
            decide(&self.plan, &mut self.state, input, &mut turn).map_err(Fault::Bug)?;
        }
        if !turn.events.is_empty() {
            self.commit(last.at, &turn.events, turn.durability)?;
        }
        Ok(turn.commands)
    }

    /// The cause that `run.finished` gave.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }

    /// The exit code that `run.finished` gave.
    pub fn exit(&self) -> Option<i32> {
        self.exit
    }

    /// When, by the monotonic clock, the kernel wants a tick at the latest.
    pub fn next_timer(&self, now: Moment) -> Option<i64> {
        self.state.live.next_timer(&self.plan, self.state.worked_before, now)
    }

    /// When, by the monotonic clock, the machine's room should be read again.
    pub fn room_due(&self) -> Option<i64> {
        self.state.live.room_due()
    }

    /// Something that changes no state but should be told.
    pub fn note(&mut self, at: Moment, text: String) -> Result<(), Fault> {
        let event = Event::Note { node: None, text };
        super::apply::apply(&self.plan, &mut self.state, at.wall, &event).map_err(Fault::Bug)?;
        self.commit(at, &[event], Durability::Process)
    }

    fn commit(&mut self, at: Moment, events: &[Event], asked: Durability) -> Result<(), Fault> {
        let durability = match self.mode {
            Mode::Every => Durability::Disk,
            Mode::Barrier => asked,
            Mode::Process => Durability::Process,
        };
        let records = self.journal.commit(at.wall, events, durability).map_err(Fault::Unsafe)?;
        if self.unshown.is_empty() {
            self.unshown_since = at.mono;
        }
        if let Some(Event::RunFinished { cause, exit, .. }) = events.last() {
            self.exit = Some(*exit);
            self.cause.clone_from(cause);
        }
        self.unshown.extend(records);
        if durability == Durability::Disk || self.mode == Mode::Process {
            self.show();
        }
        Ok(())
    }

    /// When, by the monotonic clock, what waits to be shown must be synced.
    pub fn show_due(&self) -> Option<i64> {
        let delay = SHOW_MS.max(self.sync_cost.saturating_mul(SYNC_SHARE));
        (!self.unshown.is_empty()).then(|| self.unshown_since.saturating_add(delay))
    }

    /// Syncs what was committed and shows it.
    pub fn sync(&mut self, at: Timestamp) -> Result<(), Fault> {
        if self.unshown.is_empty() {
            return Ok(());
        }
        let more = self.journal.commit(at, &[], Durability::Disk).map_err(Fault::Unsafe)?;
        self.unshown.extend(more);
        self.show();
        Ok(())
    }

    /// How long the last sync took, so that a slow disk is asked less often.
    pub fn sync_took(&mut self, ms: i64) {
        self.sync_cost = ms.max(0);
    }

    fn show(&mut self) {
        for record in std::mem::take(&mut self.unshown) {
            // An observer that fails is dropped and silences no other.
            self.observers
                .retain_mut(|observer| catch_unwind(AssertUnwindSafe(|| observer.event(&record))).is_ok());
        }
    }
}
