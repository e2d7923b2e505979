//! What happened in a simulated world, in order, and the disk it was written to. Judges nothing.

use std::sync::{Arc, Mutex, MutexGuard};

use wfl::base::Timestamp;
use wfl::event::{AttemptStatus, Event, NodeIndex, Record};
use wfl::port::{Durability, Journal, Observer, StateUnsafe};

/// One thing that happened; `at` is the world's own time, which no clock of the engine shows.
#[derive(Clone, Debug)]
pub struct Deed {
    pub at: i64,
    pub what: What,
}

#[derive(Clone, Debug)]
pub enum What {
    /// An engine takes the run up. `changed`: of which finished stages the inputs changed meanwhile.
    Engine {
        jobs: usize,
        keep_going: bool,
        /// There are other runs to share with.
        commons: bool,
        changed: Vec<NodeIndex>,
        tracked: bool,
    },
    Committed {
        records: Vec<Record>,
        /// The disk holds them, and all before.
        synced: bool,
        /// Written, but the engine was told that it failed.
        denied: bool,
    },
    Shown {
        seq: u64,
    },
    Spawned {
        node: NodeIndex,
        attempt: u32,
        timeout: Option<u64>,
    },
    /// The process is gone, by itself or killed.
    Over {
        node: NodeIndex,
        attempt: u32,
        status: AttemptStatus,
    },
    Told {
        node: NodeIndex,
        force: bool,
    },
    /// A `finally` begins, of a stage or of the lane.
    Cleaning {
        node: Option<NodeIndex>,
    },
    Cleaned {
        node: Option<NodeIndex>,
    },
    /// A repair of the stage begins, and is over.
    Mending {
        node: NodeIndex,
        number: u32,
    },
    Mended {
        node: NodeIndex,
    },
    /// All commands of the turn were carried out.
    Settled,
    /// The engine was not scheduled for so long.
    Paused(i64),
    ClockStepped(i64),
    Signalled,
    CommitRefused,
    /// The disk took nothing of an engine whose run another has.
    IntruderRefused,
    Killed,
    /// The power went: the disk holds this many records.
    PowerCut {
        kept: usize,
    },
    /// The engine ended by itself.
    Stopped,
}

#[derive(Debug, Default)]
struct Written {
    now: i64,
    deeds: Vec<Deed>,
    records: Vec<Record>,
    synced: usize,
}

/// The disk and the log of all that happened; shared by the world and what it gives to the engine.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Arc<Mutex<Written>>);

impl Ledger {
    fn open(&self) -> MutexGuard<'_, Written> {
        self.0.lock().expect("not poisoned")
    }

    pub fn time(&self, now: i64) {
        self.open().now = now;
    }

    pub fn log(&self, what: What) {
        let mut written = self.open();
        let at = written.now;
        written.deeds.push(Deed { at, what });
    }

    pub fn deeds(&self) -> Vec<Deed> {
        self.open().deeds.clone()
    }

    pub fn records(&self) -> Vec<Record> {
        self.open().records.clone()
    }

    pub fn len(&self) -> usize {
        self.open().records.len()
    }

    /// How many engines have had the run.
    fn lives(&self) -> usize {
        self.open().deeds.iter().filter(|deed| matches!(deed.what, What::Engine { .. })).count()
    }

    /// Everything that no disk commit covered is gone.
    pub fn cut_power(&self) {
        let mut written = self.open();
        let kept = written.synced;
        written.records.truncate(kept);
        drop(written);
        self.log(What::PowerCut { kept });
    }

    /// Forgets records, as a journal that breaks its promise would.
    pub fn lose(&self, lost: impl Fn(&Record) -> bool) {
        let mut written = self.open();
        written.records.retain(|record| !lost(record));
        for (seq, record) in (1..).zip(&mut written.records) {
            record.seq = seq;
        }
        written.synced = written.records.len();
    }
}

/// How the disk treats one engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Medium {
    /// The commit, counted from 1, from which on everything fails; and whether that one is written all the same.
    pub full_at: Option<(u32, bool)>,
    /// Planted: a disk commit is not put on the disk.
    pub no_barrier: bool,
    /// Planted: what another engine wrote meanwhile is not noticed.
    pub no_constraint: bool,
    /// Planted: a commit that failed is acknowledged.
    pub lies: bool,
}

/// One engine's way to the disk.
pub struct Pen {
    ledger: Ledger,
    medium: Medium,
    next: u64,
    commits: u32,
    failed: bool,
    life: usize,
}

impl Pen {
    pub fn new(ledger: &Ledger, medium: Medium) -> Self {
        Pen {
            ledger: ledger.clone(),
            medium,
            next: ledger.len() as u64 + 1,
            commits: 0,
            failed: false,
            life: ledger.lives(),
        }
    }

    fn refuse(&mut self, why: &str) -> StateUnsafe {
        self.failed = true;
        let own = self.ledger.lives() == self.life;
        self.ledger.log(if own { What::CommitRefused } else { What::IntruderRefused });
        StateUnsafe { message: why.into(), help: "free some space".into() }
    }

    fn write(&mut self, at: Timestamp, events: &[Event], synced: bool, denied: bool) -> Vec<Record> {
        let mut written = self.ledger.open();
        let records: Vec<Record> =
            (self.next..).zip(events).map(|(seq, event)| Record { seq, at, event: event.clone() }).collect();
        self.next += records.len() as u64;
        written.records.extend(records.iter().cloned());
        if synced {
            written.synced = written.records.len();
        }
        let now = written.now;
        written
            .deeds
            .push(Deed { at: now, what: What::Committed { records: records.clone(), synced, denied } });
        records
    }

    fn pretend(&mut self, at: Timestamp, events: &[Event]) -> Vec<Record> {
        let first = self.next;
        self.next += events.len() as u64;
        (first..).zip(events).map(|(seq, event)| Record { seq, at, event: event.clone() }).collect()
    }
}

impl Journal for Pen {
    fn commit(&mut self, at: Timestamp, events: &[Event], d: Durability) -> Result<Vec<Record>, StateUnsafe> {
        self.commits += 1;
        if self.failed {
            return Err(self.refuse("it failed before"));
        }
        if let Some((full, written)) = self.medium.full_at.filter(|(at, _)| self.commits >= *at) {
            if self.medium.lies {
                return Ok(self.pretend(at, events));
            }
            if written && self.commits == full {
                self.write(at, events, false, true);
            }
            return Err(self.refuse("the disk is full"));
        }
        let others = self.ledger.len() as u64 + 1;
        if others != self.next && !events.is_empty() {
            if !self.medium.no_constraint {
                return Err(self.refuse("another program wrote to this run's journal"));
            }
            self.next = others;
        }
        let synced = d == Durability::Disk && !self.medium.no_barrier;
        Ok(self.write(at, events, synced, false))
    }
}

impl Observer for Ledger {
    fn event(&mut self, record: &Record) {
        self.log(What::Shown { seq: record.seq });
    }
}
