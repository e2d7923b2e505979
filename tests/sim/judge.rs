//! What must hold of all that happened: processes against the journal, the journal against the disk, what was shown
//! against both. Reads the list of deeds from the first; plays nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::book::{Book, Checked, need};
use super::deeds::{Deed, What};
use super::story::EPOCH;
use wfl::event::{AttemptStatus, Event, NodeIndex, Record, Status, WaitFor};
use wfl::plan::{Effect, Plan};

/// What was true of the disk and the machine before a deed.
struct Judge<'a> {
    plan: &'a Plan,
    book: Book<'a>,
    /// As a power cut would leave it.
    safe: Book<'a>,
    /// Committed, each with the world's time; the first so many are on the disk.
    records: Vec<(i64, Record)>,
    synced: usize,
    denied: BTreeSet<u64>,
    /// Of all that was ever shown the last, and of this engine.
    shown: usize,
    own_shown: u64,
    jobs: usize,
    /// Processes by stage: attempt, since when, told to end.
    running: BTreeMap<NodeIndex, Running>,
    cleaning: BTreeSet<Option<NodeIndex>>,
    cleaned: BTreeSet<Option<NodeIndex>>,
    /// How each attempt's process ended.
    over: BTreeMap<(NodeIndex, u32), AttemptStatus>,
    /// `once` stages whose commands ran, and nobody has said that they may again.
    spent: BTreeSet<NodeIndex>,
    /// Longer than any process may run past its time because the engine was not scheduled.
    slack: i64,
    dead: bool,
    /// Since when this engine lives, and how long those before it did.
    born: i64,
    wall: i64,
    since: i64,
    lived: i64,
}

struct Running {
    attempt: u32,
    since: i64,
    told: bool,
    forced: bool,
}

/// The first thing that must not be, and its place in the list.
pub fn judge(plan: &Plan, deeds: &[Deed]) -> Result<(), (usize, String)> {
    let mut judge = Judge {
        plan,
        book: Book::new(plan),
        safe: Book::new(plan),
        records: Vec::new(),
        synced: 0,
        denied: BTreeSet::new(),
        shown: 0,
        own_shown: 0,
        jobs: 1,
        running: BTreeMap::new(),
        cleaning: BTreeSet::new(),
        cleaned: BTreeSet::new(),
        over: BTreeMap::new(),
        spent: BTreeSet::new(),
        slack: 0,
        dead: false,
        born: 0,
        wall: EPOCH,
        since: 0,
        lived: 0,
    };
    let mut each = deeds.iter().enumerate();
    each.try_for_each(|(at, deed)| judge.deed(deed).map_err(|why| (at, why)))
}

impl Judge<'_> {
    fn deed(&mut self, deed: &Deed) -> Checked {
        match &deed.what {
            What::Engine { jobs, keep_going, commons, changed, tracked } => {
                self.book.commons = *commons;
                self.born = deed.at;
                self.engine(*jobs, *keep_going, changed, *tracked)
            }
            What::Committed { records, synced, denied } => self.committed(deed.at, records, *synced, *denied),
            What::Shown { seq } => self.shown(*seq),
            What::Spawned { node, attempt, timeout } => self.spawned(deed.at, *node, *attempt, *timeout),
            What::Over { node, attempt, status } => self.over(deed.at, *node, *attempt, *status),
            What::Told { node, force } => {
                if let Some(running) = self.running.get_mut(node) {
                    running.told = true;
                    running.forced |= force;
                }
                Ok(())
            }
            What::Mending { node, number } => self.mending(deed.at, *node, *number),
            What::Mended { node } => {
                self.running.remove(node);
                Ok(())
            }
            What::Cleaning { node } => self.cleaning(*node),
            What::Cleaned { node } => {
                self.cleaning.remove(node);
                Ok(())
            }
            What::Settled => {
                self.book.just_signalled = false;
                self.settled()
            }
            What::Paused(ms) => {
                self.slack += ms;
                Ok(())
            }
            What::Signalled => {
                self.book.forced |= std::mem::replace(&mut self.book.signalled, true);
                self.book.just_signalled = true;
                Ok(())
            }
            What::CommitRefused | What::Killed => {
                self.lives_no_more(deed.at);
                Ok(())
            }
            What::PowerCut { kept } => self.power_cut(*kept),
            What::Stopped => {
                self.lives_no_more(deed.at);
                self.stopped()
            }
            What::ClockStepped(by) => {
                self.wall += by;
                Ok(())
            }
            What::IntruderRefused => Ok(()),
        }
    }

    fn engine(&mut self, jobs: usize, keep_going: bool, changed: &[NodeIndex], tracked: bool) -> Checked {
        if !std::mem::replace(&mut self.dead, false) {
            // Displaced: the other one took the run from it now.
            self.lived += self.born - self.since;
        }
        self.since = self.born;
        self.own_shown = self.records.len() as u64;
        self.jobs = jobs;
        self.book.keep_going = keep_going;
        self.book.changed = changed.iter().copied().collect();
        self.book.tracked = tracked;
        self.cleaned.clear();
        // Left behind by another engine: the fence ends them.
        self.running.values_mut().for_each(|running| running.told = true);
        Ok(())
    }

    fn committed(&mut self, at: i64, records: &[Record], synced: bool, denied: bool) -> Checked {
        for record in records {
            need(record.seq == self.records.len() as u64 + 1, || {
                format!("record {} is out of line", record.seq)
            })?;
            let off = (record.at.0 - at - self.wall).abs();
            need(off <= 3, || format!("record {} is dated {off} ms away from the wall clock", record.seq))?;
            self.before(at, record)?;
            self.book.record(at, record).map_err(|why| format!("record {}: {why}", record.seq))?;
            let must = self.must_be_on_disk(record);
            need(!must || synced || denied, || format!("record {} needs the disk", record.seq))?;
            self.records.push((at, record.clone()));
        }
        self.book.judge_resume()?;
        if denied {
            self.denied.extend(records.iter().map(|record| record.seq));
        }
        if synced {
            self.denied.clear();
            self.synced = self.records.len();
            self.safe = self.book.clone();
        }
        let open = self.book.stages.iter().filter(|stage| stage.open).count();
        need(open <= self.jobs, || format!("{open} attempts at once, and {} allowed", self.jobs))
    }

    /// What a record says that the machine must bear out.
    fn before(&mut self, at: i64, record: &Record) -> Checked {
        match &record.event {
            Event::RunCancelling { by } if by.starts_with("the lane's timeout") => {
                let (worked, limit) = (self.lived + at - self.since, self.plan.timeout.unwrap_or(0) as i64);
                need(worked >= limit, || format!("the lane timed out after {worked} of {limit} ms"))
            }
            Event::AttemptFinished { node, attempt, outcome } => {
                let made_up = outcome.status == AttemptStatus::Interrupted
                    || outcome.status == AttemptStatus::Cancelled;
                let seen = self.over.get(&(*node, *attempt));
                let killed = outcome.exit == Some(137) && seen.is_some();
                need(made_up || killed || seen == Some(&outcome.status), || {
                    format!("attempt {attempt} of {node} did not end so: {seen:?}")
                })
            }
            Event::StageResolved { node, done: false, .. } => {
                self.spent.remove(node);
                Ok(())
            }
            Event::StageWaiting { node, on: WaitFor::Retry, .. } => {
                self.spent.remove(node);
                Ok(())
            }
            Event::RunResumed { .. } => {
                // Between two attempts of it the engine ended: what it did is not known any more.
                for (node, stage) in (0..).zip(&self.book.stages) {
                    if self.book.once(node) && stage.status == Status::Waiting && stage.tries > 0 {
                        self.spent.insert(node);
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn pinned(&self, node: NodeIndex) -> bool {
        let spec = &self.plan.nodes[node as usize];
        spec.effect != Effect::Repeatable || spec.lock.is_some()
    }

    fn must_be_on_disk(&self, record: &Record) -> bool {
        match &record.event {
            Event::StageStarted { node, .. } => self.pinned(*node),
            Event::RepairStarted { .. } => true,
            Event::ApprovalGiven { .. } | Event::ConfirmAnswered { .. } | Event::RunFinished { .. } => true,
            _ => false,
        }
    }

    fn shown(&mut self, seq: u64) -> Checked {
        need(!self.dead, || "something is shown after the state became unsafe".into())?;
        need(seq == self.own_shown + 1, || format!("record {seq} is shown after {}", self.own_shown))?;
        self.own_shown = seq;
        self.shown = self.shown.max(seq as usize);
        need(seq <= self.synced as u64, || format!("record {seq} is shown, but not on the disk"))
    }

    fn spawned(&mut self, at: i64, node: NodeIndex, attempt: u32, timeout: Option<u64>) -> Checked {
        need(!self.dead, || format!("{node} is started after the state became unsafe"))?;
        let begun = self.records.iter().rev().find(|(_, record)| {
            matches!(record.event, Event::StageStarted { node: other, attempt: of, .. } if other == node && of == attempt)
        });
        let Some((since, record)) = begun else {
            return Err(format!("attempt {attempt} of {node} is started but nowhere recorded"));
        };
        let safe = !self.pinned(node) || record.seq <= self.synced as u64;
        need(safe, || format!("{node} is started before the disk holds it"))?;
        need(self.book.stages[node as usize].open, || format!("attempt {attempt} of {node} is over"))?;
        need(self.book.halted.is_none(), || format!("{node} is started after the run was told to end"))?;
        need(!self.running.contains_key(&node), || format!("two processes of {node} run at once"))?;
        if self.book.once(node) {
            need(self.spent.insert(node), || format!("the commands of {node} run a second time unasked"))?;
        }
        self.within_limits(*since, node, timeout)?;
        self.running.insert(node, Running { attempt, since: at, told: false, forced: false });
        self.shares(node)
    }

    /// A repair begins: the disk holds that it does, and nothing of its stage runs.
    fn mending(&mut self, at: i64, node: NodeIndex, number: u32) -> Checked {
        need(!self.dead, || format!("{node} is repaired after the state became unsafe"))?;
        let begun = self.records.iter().rev().find(|(_, record)| {
            matches!(record.event, Event::RepairStarted { node: other, number: of, .. } if other == node && of == number)
        });
        let safe = begun.is_some_and(|(_, record)| record.seq <= self.synced as u64);
        need(safe, || format!("repair {number} of {node} begins before the disk holds it"))?;
        need(self.book.halted.is_none(), || format!("{node} is repaired after the run was told to end"))?;
        need(!self.running.contains_key(&node), || format!("{node} is repaired while something of it runs"))?;
        self.running.insert(node, Running { attempt: 0, since: at, told: false, forced: false });
        Ok(())
    }

    fn within_limits(&self, since: i64, node: NodeIndex, timeout: Option<u64>) -> Checked {
        let spec = &self.plan.nodes[node as usize];
        let spent = self.book.stages[node as usize].begun.map_or(0, |begun| (since - begun).max(0) as u64);
        let left = spec.deadline.map(|deadline| deadline.saturating_sub(spent).max(1));
        for limit in [spec.timeout, left].into_iter().flatten() {
            // The clock may be read a little before the commit.
            let kept = timeout.is_some_and(|given| given <= limit + 3);
            need(kept, || format!("{node} is given {timeout:?} ms, and {limit} are left"))?;
        }
        Ok(())
    }

    /// One process a lock, and as many a pool as it has slots; a `finally` still holds what its stage held.
    fn shares(&self, node: NodeIndex) -> Checked {
        let active = || {
            let cleaning = self.cleaning.iter().copied().flatten();
            self.running.keys().copied().chain(cleaning).filter(|other| *other != node)
        };
        let spec = &self.plan.nodes[node as usize];
        if let Some(lock) = &spec.lock {
            let other = active().find(|other| {
                let outer = |inner: NodeIndex, call: NodeIndex| {
                    self.plan.opened_by(call).is_some_and(|opened| self.book.around(inner).contains(&opened))
                };
                let related = outer(*other, node) || outer(node, *other);
                self.plan.nodes[*other as usize].lock.as_ref() == Some(lock) && !related
            });
            need(other.is_none(), || format!("{node} and {other:?} run under one lock"))?;
        }
        if let Some(pool) = &spec.pool {
            let slots = self.plan.pools.get(pool).copied().unwrap_or(1) as usize;
            let used =
                active().filter(|other| self.plan.nodes[*other as usize].pool.as_ref() == Some(pool)).count();
            need(used < slots, || format!("{node} runs in a full pool"))?;
        }
        Ok(())
    }

    fn over(&mut self, at: i64, node: NodeIndex, attempt: u32, status: AttemptStatus) -> Checked {
        self.over.insert((node, attempt), status);
        let Some(running) = self.running.remove(&node) else { return Ok(()) };
        need(running.attempt == attempt, || format!("attempt {attempt} of {node} was not the one that ran"))?;
        let Some(limit) = self.plan.timeout.filter(|_| !self.dead && !running.told) else { return Ok(()) };
        let took = at - running.since;
        need(took <= limit as i64 + self.slack + 10, || {
            format!("{node} ran for {took} ms, and the lane has {limit}")
        })
    }

    fn cleaning(&mut self, node: Option<NodeIndex>) -> Checked {
        need(!self.dead, || format!("`finally` of {node:?} is started after the state became unsafe"))?;
        let stages = &self.book.stages;
        let ended = match node {
            Some(node) => stages[node as usize].status.is_final(),
            None => stages.iter().all(|stage| stage.status.is_final()),
        };
        need(ended, || format!("`finally` of {node:?} runs before the end"))?;
        need(self.cleaned.insert(node), || format!("`finally` of {node:?} runs twice"))?;
        self.cleaning.insert(node);
        Ok(())
    }

    fn settled(&self) -> Checked {
        if self.book.halted.is_none() {
            return Ok(());
        }
        let forced = self.book.forced;
        let untold = self.running.iter().find(|(_, running)| !running.told || forced && !running.forced);
        need(untold.is_none(), || {
            format!("{:?} was not told to end with the run", untold.map(|(node, _)| *node))
        })
    }

    fn power_cut(&mut self, kept: usize) -> Checked {
        need(kept >= self.shown, || {
            format!("the power cut took back what was shown: {kept} of {}", self.shown)
        })?;
        for (_, record) in &self.records[kept.min(self.records.len())..] {
            // What an engine was told had failed was promised to nobody.
            let promised = self.must_be_on_disk(record) && !self.denied.contains(&record.seq);
            need(!promised, || format!("the power cut took back record {}", record.seq))?;
        }
        self.records.truncate(kept);
        self.denied.clear();
        self.book = self.safe.clone();
        Ok(())
    }

    fn lives_no_more(&mut self, at: i64) {
        if !std::mem::replace(&mut self.dead, true) {
            self.lived += at - self.since;
        }
    }

    fn stopped(&mut self) -> Checked {
        let all = self.records.len() as u64;
        need(self.own_shown == all, || {
            format!("{all} records, and {} of them shown at the end", self.own_shown)
        })
    }
}
