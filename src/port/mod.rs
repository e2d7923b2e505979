//! The seams of the engine: what it asks of the world, as three small traits and the data that crosses them.
//! The engine calls them; store, exec and facts implement them; tests give fakes. No behaviour here.

mod results;
pub mod room;

use std::path::PathBuf;
use std::time::Duration;

use crate::base::Timestamp;
use crate::event::{BreakerRule, Event, NodeIndex, Outcome, Record, WaitFor};
use crate::expr::facts::{FactKey, FactValues};

pub use results::{InputFiles, Results, Stored};

/// How hard a commit must be before the engine goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Survives `kill -9`; a power cut may lose it.
    Process,
    /// On the disk, with everything committed before it.
    Disk,
}

/// The state can no longer be trusted to hold what it is told. The run stops at once.
#[derive(Clone, Debug, PartialEq)]
pub struct StateUnsafe {
    pub message: String,
    pub help: String,
}

/// Where events become true. All or nothing; numbers the events and gives them back as recorded. A commit of no events
/// with [`Durability::Disk`] puts on the disk what was committed before.
pub trait Journal: Send {
    fn commit(&mut self, at: Timestamp, events: &[Event], d: Durability) -> Result<Vec<Record>, StateUnsafe>;
}

/// Reads what lies outside, on any thread; a fact that cannot be read is [`crate::expr::facts::Fact::Failed`].
pub trait Facts: Send + Sync {
    fn read(&self, keys: &[FactKey]) -> FactValues;
    /// Content hash over the files that match the globs (sorted paths, modes and contents); 64 hex digits.
    fn hash_inputs(&self, globs: &[String]) -> Result<String, String>;
}

/// One action of a stage, worked out.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// A script given to an interpreter (`bash`, `sh`, `python3`, …) with its fixed arguments before the script text.
    Script {
        interpreter: String,
        text: String,
    },
    Exec {
        argv: Vec<String>,
    },
    /// Renders `template` (a file, relative to the root) into `target`; what comes out must fit `schema`, if there is
    /// one. Several in a row are one set: all are rendered and judged before the first is written.
    Render {
        target: PathBuf,
        template: PathBuf,
        schema: Option<PathBuf>,
        context: serde_json::Value,
    },
}

/// Everything needed to carry out one attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptSpec {
    pub run: String,
    pub node: NodeIndex,
    /// `unit[shard=2]`.
    pub key: String,
    pub attempt: u32,
    pub actions: Vec<Action>,
    /// Absolute.
    pub root: PathBuf,
    /// Absolute.
    pub cwd: PathBuf,
    /// Added to (or, when `clean_env`, instead of) the inherited environment.
    pub env: Vec<(String, String)>,
    /// Names to remove from the inherited environment: sources of secrets.
    pub env_remove: Vec<String>,
    /// `clean { pass … }`: only these globs of names are inherited.
    pub clean_env: Option<Vec<String>>,
    /// Values to mask in output.
    pub mask: Vec<String>,
    /// Absolute output files: parents are made before, and with `fresh_outputs` the files are removed first.
    pub outputs: Vec<PathBuf>,
    pub fresh_outputs: bool,
    pub timeout: Option<Duration>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// Exit codes that are no failure (a tool's `exit-ok`); 0 when empty.
    pub exit_ok: Vec<i32>,
    /// Where the framed log goes; none discards output.
    pub log: Option<PathBuf>,
}

/// The executor has no room to start more now (EAGAIN, ENOMEM, descriptors): not the stage's fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Busy(pub String);

/// Carries out attempts, each in its own process group.
pub trait Executor: Send + Sync {
    /// Runs the attempt to its end on the calling thread.
    fn run(&self, spec: &AttemptSpec) -> Result<Outcome, Busy>;
    /// Asks a running attempt of this node to end: TERM, after `grace` KILL. Returns at once.
    fn cancel(&self, node: NodeIndex, grace: Duration);
    /// Kills what a dead engine of this run left behind; returns how many processes.
    fn fence(&self, run: &str) -> usize;
    /// What room there is for more, read now; none where that cannot be told. Cheap.
    fn room(&self) -> Option<room::Room> {
        None
    }
}

/// Is told every recorded event after its commit. Best effort: what it does changes nothing, and one that fails
/// silences no other.
pub trait Observer: Send {
    fn event(&mut self, record: &Record);
}

/// Something only a person can answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    Approve {
        node: NodeIndex,
        key: String,
        count: u32,
        group: String,
    },
    /// `confirm "text"` of a stage.
    Confirm {
        node: NodeIndex,
        key: String,
        text: String,
    },
    /// Whether a destructive repair rule may act.
    Repair {
        node: NodeIndex,
        key: String,
        rule: String,
        /// What it is for and what it would run.
        text: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub yes: bool,
    /// Who answered: a mail address, or the login name.
    pub by: String,
    pub comment: Option<String>,
}

/// Asks at the terminal; `None` when nobody can be asked.
pub trait People: Send + Sync {
    fn ask(&self, question: &Question) -> Option<Answer>;
}

/// What other commands (`wfl approve`, `wfl cancel`) left for the engine that owns the run.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    Approval { stage: String, answer: Answer },
    Cancel { by: String },
}

pub trait Inbox: Send {
    /// Messages not taken before, oldest first. Taking them must be as durable as the events they lead to.
    fn take(&mut self) -> Vec<Message>;
}

/// What a stage wants of the things that runs of the project share: all of it, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// Whose it will be.
    pub node: NodeIndex,
    pub wants: Vec<Want>,
    /// Asked whether the stage may start at all.
    pub breaker: Option<BreakerRule>,
    /// `once` stages that keep the locks when they end badly, or when nobody knows how.
    pub keepers: Vec<NodeIndex>,
}

/// A lock or a pool, and how many may hold it at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Want {
    pub on: WaitFor,
    pub name: String,
    pub slots: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Claimed {
    Granted {
        /// The stage is the probe of its breaker, of this number.
        probe: Option<u64>,
        /// Processes of dead runs that were killed, for they worked under what is now given away.
        killed: usize,
    },
    Waits(Obstacle),
}

/// Why it cannot be had now.
#[derive(Clone, Debug, PartialEq)]
pub struct Obstacle {
    pub on: WaitFor,
    pub name: String,
    pub holders: Vec<Holder>,
    /// Free, but these asked before.
    pub ahead: Vec<Holder>,
    /// Until when a breaker is open.
    pub until: Option<Timestamp>,
}

/// A stage of some run.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    pub run: String,
    pub stage: String,
    /// It ended badly or nobody knows how, so that a person must resolve it.
    pub keeps: bool,
}

/// How a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Closed,
    Open(Timestamp),
    HalfOpen,
}

/// What runs of the project share with each other: locks, pools, breakers. What is held is given back, and what an end
/// tells a breaker is counted, by the events that say so, in their own transaction.
pub trait Commons: Send + Sync {
    /// Gives all that is asked for, or keeps a place in line. `fence` kills what a dead run left behind before what it
    /// held is given away.
    fn claim(
        &self,
        at: Timestamp,
        claim: &Claim,
        fence: &dyn Fn(&str) -> usize,
    ) -> Result<Claimed, StateUnsafe>;
    fn standing(&self, rule: &BreakerRule) -> Result<Standing, StateUnsafe>;
}
