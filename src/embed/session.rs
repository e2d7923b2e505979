//! A run with its engine: made, locked, driven. Plugs journal, executor, facts, people and observers together; what
//! happens is the engine's to decide.

use std::sync::Arc;

use crate::base::{Clock, SystemClock, Timestamp};
use crate::capture::LineSink;
use crate::engine::drive::{self, Control, End, Mode, Options, Ports};
use crate::engine::resume::{self, Observed, Resolution};
use crate::engine::state::RunState;
use crate::event::{NodeIndex, Record, RunId, RunStatus};
use crate::exec::LocalExecutor;
use crate::facts::{ChangeFlags, World};
use crate::plan::{Plan, StageKind};
use crate::port::{Facts, Observer, People};
use crate::store::lock::AcquireError;
use crate::store::{NewNode, NewRun, RunLock, Store};

use super::{Error, Place, Planned, Project, StoredRun, adopt, outline, start};

/// How hard commits are (`--durability`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    Every,
    #[default]
    Barrier,
    Process,
}

/// How a run is driven and who is told.
#[derive(Default)]
pub struct Going {
    /// Answers `confirm` questions with yes; approves nothing.
    pub yes: bool,
    pub durability: Durability,
    /// Told every event after it was recorded.
    pub observers: Vec<Box<dyn Observer>>,
    /// Asked for approvals and confirmations; nobody when none.
    pub people: Option<Arc<dyn People>>,
    /// Stops the run from outside.
    pub control: Arc<Control>,
    /// Given every line of output as it comes.
    pub lines: Option<LineSink>,
}

/// What was said of stages whose end nobody knows, and whether a changed definition is taken.
#[derive(Clone, Debug, Default)]
pub struct Resolve {
    pub rerun: Vec<String>,
    pub done: Vec<String>,
    pub adopt: bool,
}

/// How a run stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub run: RunId,
    pub status: RunStatus,
}

/// A run that this process holds and has not driven yet.
pub struct Session {
    pub run: RunId,
    pub plan: Arc<Plan>,
    /// What was recorded before.
    pub past: Vec<Record>,
    store: Store,
    state: RunState,
    mode: drive::Start,
    _lock: RunLock,
}
