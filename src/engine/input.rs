//! What goes into the kernel and what comes out of it: plain data.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::{Moment, Value};
use crate::event::{Asked, Event, NodeIndex, Outcome};
use crate::expr::facts::{FactKey, FactValues};
use crate::port::room::Room;
use crate::port::{Answer, Durability, Message, Question};

use super::resume::Decisions;

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Input {
    pub at: Moment,
    pub kind: InputKind,
}

#[derive(Clone, Debug)]
pub enum InputKind {
    /// The run starts; `engine` says which program runs it. Nothing happens before the first tick after it.
    Begin {
        engine: String,
    },
    /// The run goes on after a stop or a crash. Messages left meanwhile come next, then the first tick.
    Resume(Decisions),
    Facts {
        node: NodeIndex,
        asked: Asked,
        values: FactValues,
    },
    InputsHashed {
        node: NodeIndex,
        hash: Result<String, String>,
    },
    Exited {
        node: NodeIndex,
        attempt: u32,
        outcome: Outcome,
    },
    /// The executor had no room for the attempt.
    Busy {
        node: NodeIndex,
        attempt: u32,
        why: String,
    },
    FinallyEnded {
        node: Option<NodeIndex>,
        outcome: Outcome,
    },
    /// Time passed.
    Tick,
    Message(Message),
    /// `None`: nobody could be asked.
    Answer {
        question: Question,
        answer: Option<Answer>,
    },
    Signal(Signal),
    /// The room the machine has now.
    Room(Box<Room>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End what runs: TERM, and KILL after the grace.
    Cancel,
    /// Again: KILL now.
    Force,
}

/// Outputs a stage may read, by stage and name.
pub type Outputs = BTreeMap<(u32, String), Value>;

/// What the driver is to do once the turn's events are committed.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Start {
        node: NodeIndex,
        attempt: u32,
        /// What is left for this attempt, in milliseconds.
        timeout: Option<u64>,
        key: Option<String>,
        outputs: Outputs,
    },
    ReadFacts {
        node: NodeIndex,
        asked: Asked,
        keys: Vec<FactKey>,
    },
    HashInputs {
        node: NodeIndex,
    },
    Ask(Question),
    Cancel {
        node: NodeIndex,
        force: bool,
    },
    /// `finally` of a stage, or of the lane.
    RunFinally {
        node: Option<NodeIndex>,
        attempt: u32,
        outputs: Outputs,
    },
    /// The run is over, or waits for people: the engine ends.
    Stop,
}

/// The result of one decision: events to commit together, and what to do after.
#[derive(Clone, Debug)]
pub struct Turn {
    pub events: Vec<Event>,
    pub commands: Vec<Command>,
    pub durability: Durability,
}

impl Default for Turn {
    fn default() -> Self {
        Turn { events: Vec::new(), commands: Vec::new(), durability: Durability::Process }
    }
}

/// What this process was told about how to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Attempts at once, at most.
    pub jobs: usize,
    /// The room at the start, where it decides how many of those run; none where `jobs` does.
    pub room: Option<Room>,
    /// Answers `confirm`.
    pub yes: bool,
    /// Somebody is there to be asked.
    pub people: bool,
    /// Overrides the lane's `on-failure stop`.
    pub keep_going: bool,
    /// Between TERM and KILL.
    pub grace: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            jobs: 1,
            room: None,
            yes: false,
            people: false,
            keep_going: false,
            grace: Duration::from_secs(10),
        }
    }
}
