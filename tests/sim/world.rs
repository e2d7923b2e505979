//! The machine around an engine: worker threads, processes that outlive them, clocks, people, files. Everything ends at
//! a random time in a random way; all randomness comes from the seed. Judges nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rand::RngExt;

use super::bugs::Bug;
use super::deeds::{Ledger, What};
use super::dice::{Dice, one_in};
use wfl::base::{Timestamp, Value};
use wfl::engine::{Command, InputKind, Signal};
use wfl::event::{AttemptStatus, Event, NodeIndex, Outcome, Record, WaitFor};
use wfl::expr::facts::{Fact, FactKey, FactValues};
use wfl::plan::Plan;
use wfl::port::{Answer, Claimed, Holder, Message, Obstacle, Question};

/// Between TERM and KILL.
const GRACE: i64 = 10_000;
const PEOPLE: [&str; 4] = ["ada", "bob", "cyd", "dan"];

/// Something on its way.
#[derive(Clone, Debug)]
pub enum News {
    /// For the engine that runs now, from one of its workers where a worker brings such.
    Input(InputKind),
    /// For the engine that runs now, not from a worker: signals, and results that come late or twice.
    Aside(InputKind),
    /// For whichever engine runs then.
    Post(Message),
    /// The process ends.
    Over(u64),
}

#[derive(Clone, Debug)]
struct Process {
    node: Option<NodeIndex>,
    /// None: a `finally`, or a repair of that number.
    attempt: Option<u32>,
    repair: Option<u32>,
    ends: Outcome,
    started: i64,
    due: (i64, u64),
    stubborn: bool,
}

pub struct World {
    /// What the engine is given: with a planted bug not the plan that it is judged by.
    pub plan: Arc<Plan>,
    pub rng: Dice,
    pub ledger: Ledger,
    pub bug: Option<Bug>,
    pub now: i64,
    /// Added to the world's time: what the wall clock shows.
    pub wall: i64,
    /// Nothing fails any more and people answer.
    pub healthy: bool,
    /// Messages that no engine has taken.
    pub inbox: Vec<Message>,
    /// Results of attempts that earlier engines started.
    pub late: Vec<(NodeIndex, u32, Outcome)>,
    /// A version for each stage's inputs.
    pub contents: Vec<u32>,
    queue: BTreeMap<(i64, u64), News>,
    order: u64,
    processes: BTreeMap<u64, Process>,
    tasks: VecDeque<Command>,
    idle: usize,
}

impl World {
    pub fn new(plan: Plan, rng: Dice, bug: Option<Bug>) -> Self {
        let contents = vec![0; plan.nodes.len()];
        World {
            plan: Arc::new(plan),
            rng,
            ledger: Ledger::default(),
            bug,
            now: 0,
            wall: 1_700_000_000_000,
            healthy: false,
            inbox: Vec::new(),
            late: Vec::new(),
            contents,
            queue: BTreeMap::new(),
            order: 0,
            processes: BTreeMap::new(),
            tasks: VecDeque::new(),
            idle: 0,
        }
    }

    pub fn chance(&mut self, percent: u32) -> bool {
        self.rng.random_range(0..100) < percent
    }

    fn upto(&mut self, most: i64) -> i64 {
        self.rng.random_range(0..=most)
    }

    pub fn wall_now(&self) -> Timestamp {
        Timestamp(self.now + self.wall)
    }

    pub fn later(&mut self, after: i64, news: News) -> (i64, u64) {
        self.order += 1;
        // Of two things at one time either may come first.
        let key = (self.now + after, self.rng.random_range(0..1_000_000) * 1_000_000 + self.order);
        self.queue.insert(key, news);
        key
    }

    /// A process takes the run up with so many worker threads.
    pub fn open(&mut self, workers: usize) {
        self.idle = workers;
        let late = std::mem::take(&mut self.late);
        for (node, attempt, outcome) in late {
            let after = self.upto(3_000);
            self.later(after, News::Aside(InputKind::Exited { node, attempt, outcome }));
        }
    }

    /// The engine is gone: what was on its way to it is lost, processes live on.
    pub fn close(&mut self) {
        self.tasks.clear();
        self.queue.retain(|_, news| !matches!(news, News::Input(_) | News::Aside(_)));
    }

    pub fn running(&self) -> usize {
        self.processes.len()
    }

    /// Time passes; processes end whether anybody looks or not.
    pub fn pass_to(&mut self, now: i64) {
        loop {
            let due = self.queue.range(..(now + 1, 0)).find(|(_, news)| matches!(news, News::Over(_)));
            let Some((&key, _)) = due else { break };
            let Some(News::Over(id)) = self.queue.remove(&key) else { break };
            self.now = self.now.max(key.0);
            self.ledger.time(self.now);
            self.end(id);
        }
        self.now = self.now.max(now);
        self.ledger.time(self.now);
    }

    /// Time passes with no engine.
    pub fn downtime(&mut self, ms: i64) {
        self.pass_to(self.now + ms);
        let now = self.now;
        while let Some((&key, _)) = self.queue.range(..(now + 1, 0)).next() {
            match self.queue.remove(&key) {
                Some(News::Post(message)) => self.inbox.push(message),
                Some(News::Input(InputKind::Exited { node, attempt, outcome })) if self.chance(30) => {
                    self.late.push((node, attempt, outcome));
                }
                _ => {}
            }
        }
    }

    /// When the next news comes.
    pub fn next_due(&self) -> Option<i64> {
        self.queue.keys().next().map(|key| key.0)
    }

    /// The first news that is due by now.
    pub fn arrived(&mut self) -> Option<(i64, News)> {
        self.pass_to(self.now);
        let (&key, _) = self.queue.range(..(self.now + 1, 0)).next()?;
        let news = self.queue.remove(&key)?;
        if let News::Input(kind) = &news {
            self.delivered(kind.clone());
        }
        Some((key.0, news))
    }

    fn delivered(&mut self, kind: InputKind) {
        let of_worker = matches!(
            kind,
            InputKind::Exited { .. }
                | InputKind::Busy { .. }
                | InputKind::FinallyEnded { .. }
                | InputKind::Facts { .. }
                | InputKind::InputsHashed { .. }
                | InputKind::Claimed { .. }
                | InputKind::Repaired { .. }
        );
        self.idle += usize::from(of_worker);
        if let InputKind::Exited { node, attempt, outcome } = kind
            && self.chance(5)
        {
            let after = self.upto(5_000);
            let again = InputKind::Exited { node, attempt, outcome: outcome.clone() };
            self.later(after, News::Aside(again));
            self.late.push((node, attempt, outcome));
        }
    }

    fn end(&mut self, id: u64) {
        let Some(mut process) = self.processes.remove(&id) else { return };
        process.ends.duration_ms = (self.now - process.started) as u64;
        let input = match (process.attempt, process.node) {
            (None, Some(node)) if let Some(number) = process.repair => {
                self.ledger.log(What::Mended { node });
                InputKind::Repaired { node, number, outcome: process.ends }
            }
            (Some(attempt), Some(node)) => {
                self.ledger.log(What::Over { node, attempt, status: process.ends.status });
                InputKind::Exited { node, attempt, outcome: process.ends }
            }
            (_, node) => {
                self.ledger.log(What::Cleaned { node });
                InputKind::FinallyEnded { node, outcome: process.ends }
            }
        };
        self.later(0, News::Input(input));
    }

    /// What a new engine does before all else, and what a power cut does too.
    pub fn fence(&mut self) {
        for id in self.processes.keys().copied().collect::<Vec<_>>() {
            let due = self.processes[&id].due;
            self.queue.remove(&due);
            let Some(process) = self.processes.remove(&id) else { continue };
            match (process.attempt, process.node) {
                (None, Some(node)) if process.repair.is_some() => self.ledger.log(What::Mended { node }),
                (Some(attempt), Some(node)) => {
                    self.ledger.log(What::Over { node, attempt, status: AttemptStatus::Interrupted });
                    if self.chance(30) {
                        self.late.push((node, attempt, process.ends));
                    }
                }
                (_, node) => self.ledger.log(What::Cleaned { node }),
            }
        }
    }
}

/// Commands.
impl World {
    pub fn carry(&mut self, command: Command) {
        match command {
            Command::Cancel { node, force } => self.cancel(node, force),
            Command::Ask(question) => self.ask(question),
            Command::Stop => {}
            task => self.tasks.push_back(task),
        }
    }

    /// Idle workers take tasks up.
    pub fn take_up(&mut self) {
        while self.idle > 0 {
            let Some(task) = self.tasks.pop_front() else { return };
            self.idle -= 1;
            self.begin(task);
        }
    }

    fn begin(&mut self, task: Command) {
        match task {
            Command::Start { node, attempt, timeout, .. } => self.spawn(node, attempt, timeout),
            Command::RunFinally { node, attempt: _, .. } => self.clean(node),
            Command::Repair(mend) => self.mend(mend.node, mend.number, mend.timeout),
            Command::ReadFacts { node, asked, keys } => {
                let values = self.read(&keys);
                let after = self.upto(40);
                self.later(after, News::Input(InputKind::Facts { node, asked, values }));
            }
            Command::HashInputs { node } => {
                let hash = self.hash(node);
                let after = self.upto(40);
                self.later(after, News::Input(InputKind::InputsHashed { node, hash }));
            }
            Command::Claim { node, .. } => {
                let answer = self.claim();
                let after = self.upto(40);
                self.later(after, News::Input(InputKind::Claimed { node, answer }));
            }
            other => panic!("{other:?} is no task"),
        }
    }

    /// What other runs let a stage have.
    fn claim(&mut self) -> Result<Claimed, String> {
        match self.rng.random_range(0..20) {
            0 if !self.healthy => Err("the database is locked".into()),
            1..6 if !self.healthy => Ok(Claimed::Waits(Obstacle {
                on: WaitFor::Lock,
                name: "l".into(),
                holders: vec![Holder { run: "other".into(), stage: "deploy".into(), keeps: false }],
                ahead: Vec::new(),
                until: None,
            })),
            _ => Ok(Claimed::Granted { probe: None, killed: 0 }),
        }
    }

    fn hash(&mut self, node: NodeIndex) -> Result<String, String> {
        Ok(format!("v{}", self.contents[node as usize]))
    }

    fn spawn(&mut self, node: NodeIndex, attempt: u32, timeout: Option<u64>) {
        if !self.healthy && self.chance(5) {
            self.later(0, News::Input(InputKind::Busy { node, attempt, why: "EAGAIN".into() }));
            return;
        }
        self.ledger.log(What::Spawned { node, attempt, timeout });
        let (mut after, mut ends) = self.fortune();
        if let Some(limit) = timeout.map(|ms| ms as i64).filter(|limit| after >= *limit) {
            after = limit;
            ends = ended(AttemptStatus::TimedOut, None);
        }
        ends.duration_ms = after as u64;
        self.run(Some(node), Some(attempt), after, ends);
    }

    /// How long a process takes and how it ends.
    fn fortune(&mut self) -> (i64, Outcome) {
        if self.healthy {
            return (self.upto(30), ended(AttemptStatus::Succeeded, Some(0)));
        }
        let after = match self.rng.random_range(0..10) {
            0 => self.upto(5),
            1 => 1_000,
            2 => 30_000 + self.upto(90_000),
            _ => self.upto(5_000),
        };
        let ends = match self.rng.random_range(0..12) {
            0 | 1 => ended(AttemptStatus::Failed, Some(1)),
            2 => ended(AttemptStatus::Failed, Some(7)),
            3 => ended(AttemptStatus::Failed, Some(137)),
            4 if one_in(&mut self.rng, 2) => ended(AttemptStatus::Failed, None),
            5 => Outcome { log_cut: true, ..ended(AttemptStatus::Succeeded, Some(0)) },
            _ => ended(AttemptStatus::Succeeded, Some(0)),
        };
        (after, ends)
    }

    fn mend(&mut self, node: NodeIndex, number: u32, timeout: u64) {
        self.ledger.log(What::Mending { node, number });
        let (mut after, mut ends) = self.fortune();
        if after >= timeout as i64 {
            (after, ends) = (timeout as i64, ended(AttemptStatus::TimedOut, None));
        }
        let id = self.run(Some(node), None, after, ends);
        if let Some(process) = self.processes.get_mut(&id) {
            process.repair = Some(number);
        }
    }

    fn clean(&mut self, node: Option<NodeIndex>) {
        self.ledger.log(What::Cleaning { node });
        let (after, ends) = self.fortune();
        self.run(node, None, after.min(8_000), ends);
    }

    fn run(&mut self, node: Option<NodeIndex>, attempt: Option<u32>, after: i64, ends: Outcome) -> u64 {
        let id = self.order;
        let due = self.later(after, News::Over(id));
        let stubborn = !self.healthy && self.chance(10);
        let started = self.now;
        self.processes.insert(id, Process { node, attempt, repair: None, ends, started, due, stubborn });
        id
    }

    fn cancel(&mut self, node: NodeIndex, force: bool) {
        self.ledger.log(What::Told { node, force });
        let waits = |task: &Command| match task {
            Command::Start { node: other, .. } => *other == node,
            Command::Repair(mend) => mend.node == node,
            _ => false,
        };
        if let Some(at) = self.tasks.iter().position(waits) {
            let outcome = ended(AttemptStatus::Cancelled, None);
            let called_off = match self.tasks.remove(at) {
                Some(Command::Start { attempt, .. }) => InputKind::Exited { node, attempt, outcome },
                Some(Command::Repair(mend)) => InputKind::Repaired { node, number: mend.number, outcome },
                _ => return,
            };
            self.later(0, News::Aside(called_off));
            return;
        }
        let lane = self.plan.nodes.len() as NodeIndex;
        let found = self.processes.iter().find(|(_, other)| other.node.unwrap_or(lane) == node);
        let Some((&id, process)) = found else { return };
        let (due, stubborn) = (process.due, process.stubborn && !force);
        let by_itself = self.chance(15);
        let after = if stubborn { GRACE } else { self.upto(40) };
        if due.0 <= self.now + after {
            return;
        }
        self.queue.remove(&due);
        let new = self.later(after, News::Over(id));
        if let Some(process) = self.processes.get_mut(&id) {
            process.due = new;
            if !by_itself {
                process.ends = ended(AttemptStatus::Cancelled, Some(143));
            }
        }
    }

    fn ask(&mut self, question: Question) {
        let answer = match self.rng.random_range(0..10) {
            0 if !self.healthy => None,
            1 if !self.healthy => Some(Answer { yes: false, by: "ada".into(), comment: None }),
            _ => Some(Answer { yes: true, by: "ada".into(), comment: None }),
        };
        let after = self.upto(3_000);
        self.later(after, News::Input(InputKind::Answer { question, answer }));
    }

    fn read(&mut self, keys: &[FactKey]) -> FactValues {
        keys.iter().map(|key| (key.id(), self.fact(key))).collect()
    }

    fn fact(&mut self, key: &FactKey) -> Fact {
        if !self.healthy && self.chance(4) {
            return Fact::Failed("it could not be read".into());
        }
        let good = self.healthy || self.chance(80);
        match key.name.as_str() {
            "lcov.lines" => Fact::Read(Value::Percent(if good { 90.0 } else { 50.0 })),
            _ => Fact::Read(Value::Bool(good)),
        }
    }
}

/// People.
impl World {
    /// Somebody reads what the run waits for.
    pub fn notice(&mut self, records: &[Record]) {
        for record in records {
            if let Event::ApprovalRequested { node, count, .. } = record.event {
                self.answer(node, count as usize);
            }
        }
    }

    fn answer(&mut self, node: NodeIndex, count: usize) {
        let first = self.rng.random_range(0..PEOPLE.len());
        let stage = self.plan.nodes[node as usize].key.clone();
        for at in 0..count {
            if !self.healthy && self.chance(35) {
                continue;
            }
            let who = if !self.healthy && self.chance(15) { first } else { first + at };
            let yes = self.healthy || !self.chance(8);
            let answer = Answer { yes, by: PEOPLE[who % PEOPLE.len()].into(), comment: None };
            let after = self.upto(4_000);
            self.later(after, News::Post(Message::Approval { stage: stage.clone(), answer }));
        }
    }

    /// Everybody who may says yes to what the run waits for.
    pub fn remind(&mut self, waiting: Vec<NodeIndex>) {
        for node in waiting {
            let stage = self.plan.nodes[node as usize].key.clone();
            self.inbox.extend(PEOPLE.map(|by| {
                let answer = Answer { yes: true, by: by.into(), comment: None };
                Message::Approval { stage: stage.clone(), answer }
            }));
        }
    }

    /// What people may do at any time.
    pub fn meddle(&mut self) {
        if self.healthy {
            return;
        }
        if self.chance(7) {
            let after = self.upto(30_000);
            self.later(after, News::Post(Message::Cancel { by: "ada".into() }));
        }
        if self.chance(7) {
            let after = self.upto(30_000);
            self.later(after, News::Aside(InputKind::Signal(Signal::Cancel)));
            if self.chance(50) {
                let again = after + self.upto(3_000);
                self.later(again, News::Aside(InputKind::Signal(Signal::Force)));
            }
        }
    }
}

pub fn ended(status: AttemptStatus, exit: Option<i32>) -> Outcome {
    crate::run::fakes::outcome(status, exit)
}
