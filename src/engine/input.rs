//! What goes into the kernel and what comes out of it: plain data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::{Moment, Value};
use crate::event::{Asked, BreakerRule, Event, NodeIndex, Outcome};
use crate::expr::facts::{FactKey, FactValues};
use crate::failure::Known;
use crate::plan::Repair;
use crate::port::room::Room;
use crate::port::{Answer, Claim, Claimed, Durability, Message, Question, Restored, Standing};

use super::look::{Effort, Looked, Sealed};
use super::precheck::Needs;
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
    /// What other runs may hold was asked for; an error when it could not be.
    Claimed {
        node: NodeIndex,
        answer: Result<Claimed, String>,
    },
    /// How the stage's breaker stands since it was told of its end; none when that cannot be known.
    Standing {
        node: NodeIndex,
        standing: Option<Standing>,
    },
    /// What was found for a stage about to start; an error when its inputs could not be read.
    Looked {
        node: NodeIndex,
        looked: Result<Box<Looked>, String>,
    },
    /// What a stage left that ended well.
    Sealed {
        node: NodeIndex,
        outputs: BTreeMap<String, Value>,
        sealed: Result<Sealed, String>,
    },
    /// The room the machine has now.
    Room(Box<Room>),
    /// What was mended before the attempt of a stage began, and what came of the attempt.
    Mended {
        node: NodeIndex,
        notes: Vec<String>,
        then: Box<InputKind>,
    },
    /// Repair rules of the library, asked for when something had failed.
    Rules(Arc<[Repair]>),
    /// What `do` of a repair rule came to.
    Repaired {
        node: NodeIndex,
        number: u32,
        outcome: Outcome,
    },
    /// A stopped run's effects are to be taken back, or a rollback that was cut off goes on. The first tick comes next.
    Rollback(Asking),
    Undone {
        node: NodeIndex,
        attempt: u32,
        outcome: Outcome,
    },
    /// The project's files were recorded: before the first stage (no node), or when an attempt had ended.
    Snapped {
        node: Option<NodeIndex>,
        taken: Result<String, String>,
    },
    /// The project's files were brought back.
    Restored(Result<Vec<Restored>, String>),
}

/// Who wants a run's effects taken back, and which of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asking {
    pub engine: String,
    pub by: String,
    /// The last stage whose effects stay.
    pub to: Option<NodeIndex>,
    /// The snapshot that the files go back to.
    pub files: Option<String>,
    /// What other commands left while no engine had the run.
    pub messages: Vec<Message>,
    /// One that was cut off is finished as it was begun.
    pub goes_on: bool,
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
        /// Looked at before anything of it starts.
        needs: Needs,
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
    /// Asks for what other runs may hold: for the stage, or for the call around it.
    Claim {
        node: NodeIndex,
        claim: Claim,
    },
    /// Asks how the stage's breaker stands.
    AskStanding {
        node: NodeIndex,
        rule: BreakerRule,
    },
    /// Looks for an earlier result of a stage about to start.
    Look {
        node: NodeIndex,
        outputs: Outputs,
        effort: Effort,
    },
    /// Marks the files of a stage that ended well, and keeps copies of those that ask for it.
    Seal {
        node: NodeIndex,
        /// What it may read of others.
        outputs: Outputs,
        /// Its own, handed back with the answer.
        own: BTreeMap<String, Value>,
        /// Hash of its inputs at its start, when its result may be taken by others.
        inputs: Option<String>,
    },
    /// Reads the repair rules of the library.
    ReadRules,
    /// Carries out `do` of a repair rule.
    Repair(Box<Mend>),
    /// Takes a stage's effect back.
    Undo(Box<Undo>),
    /// Records the project's files before the first stage.
    Snapshot,
    /// Brings the project's files back to a snapshot; `known` are those of the run, in order.
    Restore {
        to: String,
        known: Vec<String>,
    },
}

/// One attempt of an undo, for whoever carries it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    pub node: NodeIndex,
    pub attempt: u32,
    /// In milliseconds.
    pub timeout: Option<u64>,
    pub key: Option<String>,
    /// What it may read of others, and what it gave out itself.
    pub outputs: Outputs,
    pub own: BTreeMap<String, Value>,
}

/// One repair, for whoever carries it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Mend {
    pub node: NodeIndex,
    pub attempt: u32,
    pub number: u32,
    pub rule: Repair,
    /// In milliseconds.
    pub timeout: u64,
    /// The end of what the failed attempt said.
    pub said: String,
    /// What the stage may read of others: its folder may be made of it.
    pub outputs: Outputs,
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
    /// There are other runs to share with: locks, pools and breakers are asked for.
    pub commons: bool,
    /// What is done with results of other runs; none where there is nowhere to keep them.
    pub reuse: Option<Reuse>,
    /// No repair rule acts.
    pub no_repair: bool,
    /// Agrees to destructive repairs; `yes` does not.
    pub yes_destructive: bool,
    /// The project's files are recorded as the run goes.
    pub snapshots: bool,
    /// Failures that earlier runs taught enough about to decide by.
    pub failures: Arc<Known>,
}

/// How results of other runs are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reuse {
    /// Takes none.
    pub fresh: bool,
    /// Of all that could be taken, how many in a hundred run all the same, to be compared with; else as the plan says.
    pub verify: Option<u32>,
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
            commons: false,
            reuse: None,
            no_repair: false,
            yes_destructive: false,
            snapshots: false,
            failures: Arc::default(),
        }
    }
}
