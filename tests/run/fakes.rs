//! A scripted world for the engine: journal in memory, outcomes by stage, facts by id, virtual time. `World` drives the
//! engine's core on one thread, so that every run of a test is the same; nothing sleeps.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use wfl::base::{Moment, Timestamp, Value};
use wfl::engine::core::{Core, Fault, Mode};
use wfl::engine::input::{Mend, Settings};
use wfl::engine::resume::reconcile;
use wfl::engine::{Command, Input, InputKind, Observed, Resolution, RunState, Signal};
use wfl::event::{AttemptStatus, Event, NodeIndex, Outcome, Record, RunStatus, Status, Usage};
use wfl::expr::facts::{Fact, FactKey, FactValues};
use wfl::plan::{Plan, Repair};
use wfl::port::{Answer, Claimed, Durability, Journal, Message, Observer, Restored, Standing, StateUnsafe};

/// A journal in memory that can be told to fail.
#[derive(Clone, Default)]
pub struct Memory {
    pub records: Arc<Mutex<Vec<Record>>>,
    /// The commit from which on everything fails, counted from 1.
    pub fails_at: Option<usize>,
    /// One entry a commit: how many events, how hard.
    pub commits: Arc<Mutex<Vec<(usize, Durability)>>>,
}

impl Memory {
    pub fn holding(records: Vec<Record>) -> Self {
        Memory { records: Arc::new(Mutex::new(records)), ..Memory::default() }
    }

    pub fn all(&self) -> Vec<Record> {
        self.records.lock().expect("not poisoned").clone()
    }
}

impl Journal for Memory {
    fn commit(&mut self, at: Timestamp, events: &[Event], d: Durability) -> Result<Vec<Record>, StateUnsafe> {
        let mut commits = self.commits.lock().expect("not poisoned");
        if self.fails_at.is_some_and(|at| commits.len() + 1 >= at) {
            return Err(StateUnsafe { message: "disk full".into(), help: "free some space".into() });
        }
        commits.push((events.len(), d));
        let mut records = self.records.lock().expect("not poisoned");
        let next = records.len() as u64 + 1;
        let new: Vec<Record> =
            (next..).zip(events).map(|(seq, event)| Record { seq, at, event: event.clone() }).collect();
        records.extend(new.iter().cloned());
        Ok(new)
    }
}

/// Remembers what it was shown.
#[derive(Clone, Default)]
pub struct Seen(pub Arc<Mutex<Vec<Record>>>);

impl Observer for Seen {
    fn event(&mut self, record: &Record) {
        self.0.lock().expect("not poisoned").push(record.clone());
    }
}

pub fn outcome(status: AttemptStatus, exit: Option<i32>) -> Outcome {
    Outcome {
        status,
        exit,
        signal: None,
        duration_ms: 1_000,
        error: None,
        stderr: String::new(),
        stdout: String::new(),
        usage: Usage::default(),
        log_cut: false,
        class: None,
        injected: false,
    }
}

/// What one attempt does.
#[derive(Clone, Debug)]
pub enum Does {
    Ends {
        outcome: Outcome,
        after: i64,
    },
    /// The executor has no room.
    Busy,
    /// Runs until it is told to end.
    Hangs,
}

pub fn ok() -> Does {
    takes(1_000)
}

pub fn takes(after: i64) -> Does {
    Does::Ends { outcome: outcome(AttemptStatus::Succeeded, Some(0)), after }
}

pub fn exits(code: i32) -> Does {
    exits_after(code, 1_000)
}

pub fn exits_after(code: i32, after: i64) -> Does {
    Does::Ends { outcome: outcome(AttemptStatus::Failed, Some(code)), after }
}

pub fn times_out() -> Does {
    Does::Ends { outcome: outcome(AttemptStatus::TimedOut, None), after: 1_000 }
}

#[derive(Clone, Copy)]
enum Work {
    Attempt(u32),
    Repair(u32),
}
/// An undo under way: its stage and attempt, and where its end stands in the queue.
type Undoing = (NodeIndex, u32, Option<(i64, u64)>);

/// A run in virtual time.
pub struct World {
    pub plan: Arc<Plan>,
    pub journal: Memory,
    pub seen: Seen,
    pub settings: Settings,
    pub mode: Mode,
    pub script: BTreeMap<String, VecDeque<Does>>,
    pub facts: BTreeMap<String, Fact>,
    pub hash: Option<String>,
    /// What people answer, by stage; nobody is there when empty and `settings.people` is off.
    pub answers: BTreeMap<String, VecDeque<Option<Answer>>>,
    /// News from outside, by time.
    pub news: Vec<(i64, InputKind)>,
    /// What other commands left before the process began.
    pub inbox: Vec<InputKind>,
    /// What other runs let each stage have, one answer after the other; then all it asks for.
    pub claims: BTreeMap<String, VecDeque<Result<Claimed, String>>>,
    /// How every breaker stands when it is looked at.
    pub standing: Option<Standing>,
    pub now: i64,
    /// When somebody sets the wall clock, and by how much.
    pub steps: Vec<(i64, i64)>,
    /// Every command that was carried out, in words.
    pub done: Vec<String>,
    /// The timeouts handed to attempts, by key.
    pub timeouts: Vec<(String, Option<u64>)>,
    queue: BTreeMap<(i64, u64), InputKind>,
    order: u64,
    running: BTreeMap<NodeIndex, (Work, Option<(i64, u64)>)>,
    /// Stages that fail with an exit code until they are repaired.
    pub broken: BTreeMap<String, i32>,
    /// Stages whose repair fails.
    pub stubborn: BTreeSet<String>,
    /// When a fact becomes another, from the start on.
    pub changes: Vec<(i64, String, Value)>,
    /// A planted bug: what is read to verify a repair is what was read first.
    pub stale: bool,
    /// A planted bug: nobody counts repairs.
    pub uncounted: bool,
    first: BTreeMap<String, Fact>,
    /// The library's repair rules.
    pub library: Vec<Repair>,
    undoing: Option<Undoing>,
    /// What becomes of the files of the project when they are brought back.
    pub restored: Result<Vec<Restored>, String>,
    pub most_at_once: usize,
    /// Asked of running stages: together at any time.
    pub together: BTreeSet<Vec<String>>,
}

impl World {
    pub fn new(plan: Plan) -> Self {
        World {
            plan: Arc::new(plan),
            journal: Memory::default(),
            seen: Seen::default(),
            settings: Settings { jobs: 2, ..Settings::default() },
            mode: Mode::Barrier,
            script: BTreeMap::new(),
            facts: BTreeMap::new(),
            hash: Some("h1".into()),
            answers: BTreeMap::new(),
            news: Vec::new(),
            inbox: Vec::new(),
            claims: BTreeMap::new(),
            standing: None,
            now: 0,
            steps: Vec::new(),
            done: Vec::new(),
            timeouts: Vec::new(),
            queue: BTreeMap::new(),
            order: 0,
            running: BTreeMap::new(),
            broken: BTreeMap::new(),
            stubborn: BTreeSet::new(),
            changes: Vec::new(),
            stale: false,
            uncounted: false,
            first: BTreeMap::new(),
            library: Vec::new(),
            undoing: None,
            restored: Ok(Vec::new()),
            most_at_once: 0,
            together: BTreeSet::new(),
        }
    }

    pub fn jobs(mut self, jobs: usize) -> Self {
        self.settings.jobs = jobs;
        self
    }

    pub fn keep_going(mut self) -> Self {
        self.settings.keep_going = true;
        self
    }

    /// What the attempts of a stage do, one after the other; then they succeed.
    pub fn does(mut self, key: &str, attempts: impl IntoIterator<Item = Does>) -> Self {
        self.script.insert(key.into(), attempts.into_iter().collect());
        self
    }

    pub fn fact(mut self, id: &str, value: Value) -> Self {
        self.facts.insert(id.into(), Fact::Read(value));
        self
    }

    pub fn answer(mut self, key: &str, answer: Option<Answer>) -> Self {
        self.settings.people = true;
        self.answers.entry(key.into()).or_default().push_back(answer);
        self
    }

    /// There are other runs, which answer so when the stage asks for what they share.
    pub fn claims(mut self, key: &str, answers: impl IntoIterator<Item = Claimed>) -> Self {
        self.settings.commons = true;
        self.claims.insert(key.into(), answers.into_iter().map(Ok).collect());
        self
    }

    pub fn at(mut self, ms: i64, news: InputKind) -> Self {
        self.news.push((ms, news));
        self
    }

    pub fn moment(&self) -> Moment {
        let set: i64 = self.steps.iter().filter(|(at, _)| *at <= self.now).map(|(_, by)| by).sum();
        Moment { wall: Timestamp(1_000_000 + self.now + set), mono: self.now }
    }

    /// Runs from the start to the end; the result is the last event's status and exit code.
    pub fn run(&mut self) -> (RunStatus, i32) {
        self.go(RunState::new(&self.plan), InputKind::Begin { engine: "test".into() }).expect("no fault")
    }

    /// What `wfl resume` does: folds the journal, reconciles, goes on.
    pub fn resume(&mut self, observed: &Observed) -> (RunStatus, i32) {
        let state = RunState::replay(&self.plan, &self.journal.all()).expect("the journal folds");
        let begin = reconcile(&self.plan, &state, observed).expect("not refused");
        self.go(state, begin).expect("no fault")
    }

    /// Throws away everything after the first `count` records, as a crash would.
    pub fn crash_after(&mut self, count: usize) {
        let kept: Vec<Record> = self.journal.all().into_iter().take(count).collect();
        self.journal = Memory::holding(kept);
        self.queue.clear();
        self.running.clear();
        self.undoing = None;
        self.news.clear();
    }

    /// The crash that follows the first event of which `wanted` is true.
    pub fn crash_after_event(&mut self, wanted: impl Fn(&Event) -> bool) {
        let at = self.journal.all().iter().position(|record| wanted(&record.event)).expect("such an event");
        self.crash_after(at + 1);
    }

    pub fn go(&mut self, mut state: RunState, begin: InputKind) -> Result<(RunStatus, i32), Fault> {
        state.live.settings = self.settings.clone();
        let observers: Vec<Box<dyn Observer>> = vec![Box::new(self.seen.clone())];
        let mut core =
            Core::new(self.plan.clone(), state, Box::new(self.journal.clone()), observers, self.mode);
        for (at, news) in std::mem::take(&mut self.news) {
            self.later(at, news);
        }
        let mut inputs = vec![begin];
        inputs.append(&mut self.inbox);
        inputs.push(InputKind::Tick);
        for _ in 0..100_000 {
            let at = self.moment();
            let inputs_now: Vec<Input> = inputs.drain(..).map(|kind| Input { at, kind }).collect();
            let commands =
                core.turn(&inputs_now).inspect_err(|fault| eprintln!("{fault:?} {:#?}", self.lines()))?;
            self.forget_counts(&mut core.state);
            if self.uncounted && self.journal.all().len() > 2_000 {
                return Ok((RunStatus::Running, 1));
            }
            for command in commands {
                if command == Command::Stop {
                    self.queue.clear();
                    self.running.clear();
                    return Ok(self.ended());
                }
                self.carry_out(command);
            }
            self.observe();
            inputs.push(self.next(core.next_timer(self.moment())));
        }
        panic!("the run does not end: {:#?}", self.lines());
    }

    fn ended(&self) -> (RunStatus, i32) {
        match self.journal.all().last().map(|record| record.event.clone()) {
            Some(Event::RunFinished { status, exit, .. }) => (status, exit),
            other => panic!("the last event is {other:?}"),
        }
    }

    fn next(&mut self, timer: Option<i64>) -> InputKind {
        let first = self.queue.keys().next().copied();
        match (first, timer) {
            (Some(key), timer) if timer.is_none_or(|due| key.0 <= due) => {
                self.now = self.now.max(key.0);
                let news = self.queue.remove(&key).expect("the first");
                if let InputKind::Exited { node, .. }
                | InputKind::Busy { node, .. }
                | InputKind::Repaired { node, .. } = &news
                {
                    self.running.remove(node);
                }
                news
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                InputKind::Tick
            }
            _ => panic!("nothing will ever happen: {:#?}", self.lines()),
        }
    }

    fn later(&mut self, at: i64, news: InputKind) -> (i64, u64) {
        self.order += 1;
        self.queue.insert((at, self.order), news);
        (at, self.order)
    }

    fn key(&self, node: NodeIndex) -> String {
        self.plan.nodes[node as usize].key.clone()
    }

    fn carry_out(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Start { node, attempt, timeout, key, .. } => {
                let with = key.map(|key| format!(" with {key}")).unwrap_or_default();
                self.done.push(format!("start {}#{attempt}{with}", self.key(node)));
                self.timeouts.push((self.key(node), timeout));
                self.start(node, attempt);
            }
            Command::ReadFacts { node, asked, keys } => {
                let values = self.read(&keys);
                self.later(now, InputKind::Facts { node, asked, values });
            }
            Command::HashInputs { node } => {
                let hash = self.hash.clone().ok_or_else(|| "no such folder".to_owned());
                self.later(now, InputKind::InputsHashed { node, hash });
            }
            Command::Ask(question) => {
                let node = match &question {
                    wfl::port::Question::Approve { node, .. }
                    | wfl::port::Question::Confirm { node, .. }
                    | wfl::port::Question::Repair { node, .. } => *node,
                };
                self.done.push(format!("ask {}", self.key(node)));
                let answers = self.answers.entry(self.key(node)).or_default();
                let answer = answers.pop_front().flatten();
                self.later(now + 1_000, InputKind::Answer { question, answer });
            }
            Command::Cancel { node, force } => self.cancel(node, force),
            Command::RunFinally { node, .. } => {
                let whose = node.map_or("lane".to_owned(), |node| self.key(node));
                self.done.push(format!("finally {whose}"));
                let does = self.script.get_mut(&format!("finally {whose}")).and_then(VecDeque::pop_front);
                let outcome = match does {
                    Some(Does::Ends { outcome, .. }) => outcome,
                    _ => outcome(AttemptStatus::Succeeded, Some(0)),
                };
                self.later(now + 1_000, InputKind::FinallyEnded { node, outcome });
            }
            Command::Claim { node, claim } => {
                let key = self.key(node);
                let things: Vec<&str> = claim.wants.iter().map(|want| want.name.as_str()).collect();
                self.done.push(format!("claim {key} {}", things.join("+")));
                let granted = Ok(Claimed::Granted { probe: None, killed: 0 });
                let answer = self.claims.get_mut(&key).and_then(VecDeque::pop_front).unwrap_or(granted);
                self.later(now, InputKind::Claimed { node, answer });
            }
            Command::AskStanding { node, .. } => {
                self.later(now, InputKind::Standing { node, standing: self.standing });
            }
            Command::ReadRules => {
                self.done.push("read rules".into());
                let rules = self.library.clone().into();
                self.later(now, InputKind::Rules(rules));
            }
            Command::Repair(mend) => self.repair(&mend),
            // No results of other runs are given to it.
            Command::Look { .. } | Command::Seal { .. } | Command::Stop => {}
            Command::Undo(undo) => {
                let (node, attempt, timeout) = (undo.node, undo.attempt, undo.timeout);
                let key = format!("undo {}", self.key(node));
                self.done.push(format!("{key}#{attempt}"));
                self.timeouts.push((key.clone(), timeout));
                let does = self.script.get_mut(&key).and_then(VecDeque::pop_front).unwrap_or_else(ok);
                let queued = match does {
                    Does::Ends { outcome, after } => {
                        Some(self.later(now + after, InputKind::Undone { node, attempt, outcome }))
                    }
                    Does::Busy | Does::Hangs => None,
                };
                self.undoing = Some((node, attempt, queued));
            }
            Command::Snapshot => {
                let taken = Ok("before".to_owned());
                self.later(now + 100, InputKind::Snapped { node: None, taken });
            }
            Command::Restore { to, known } => {
                self.done.push(format!("restore {to} of {}", known.join(" ")));
                let restored = self.restored.clone();
                self.later(now + 1_000, InputKind::Restored(restored));
            }
        }
    }

    /// `do` of a rule ends as the script of `repair NAME` says; well without one.
    fn repair(&mut self, mend: &Mend) {
        let (node, number, now) = (mend.node, mend.number, self.now);
        self.done.push(format!("repair {} by {}", self.key(node), mend.rule.name));
        self.timeouts.push((format!("repair {}", mend.rule.name), Some(mend.timeout)));
        let script = self.script.get_mut(&format!("repair {}", mend.rule.name));
        let scripted = script.and_then(VecDeque::pop_front);
        let key = self.key(node);
        let stubborn = self.stubborn.contains(&key);
        if !stubborn {
            self.broken.remove(&key);
        }
        let queued = match scripted.unwrap_or_else(|| if stubborn { exits(1) } else { ok() }) {
            Does::Ends { outcome, after } => {
                Some(self.later(now + after, InputKind::Repaired { node, number, outcome }))
            }
            Does::Busy | Does::Hangs => None,
        };
        self.running.insert(node, (Work::Repair(number), queued));
    }

    fn start(&mut self, node: NodeIndex, attempt: u32) {
        let key = self.key(node);
        let broken = self.broken.get(&key).map(|exit| exits(*exit));
        let does = broken.or_else(|| self.script.get_mut(&key).and_then(VecDeque::pop_front));
        let does = does.unwrap_or_else(ok);
        let now = self.now;
        let queued = match does {
            Does::Hangs => None,
            Does::Busy => Some(self.later(now, InputKind::Busy { node, attempt, why: "EAGAIN".into() })),
            Does::Ends { outcome, after } => {
                Some(self.later(now + after, InputKind::Exited { node, attempt, outcome }))
            }
        };
        self.running.insert(node, (Work::Attempt(attempt), queued));
    }

    fn cancel(&mut self, node: NodeIndex, force: bool) {
        let how = if force { "kill" } else { "term" };
        if let Some((_, attempt, queued)) = self.undoing.take_if(|(undoing, ..)| *undoing == node) {
            self.done.push(format!("{how} undo {}", self.key(node)));
            queued.map(|key| self.queue.remove(&key));
            let outcome = outcome(AttemptStatus::Cancelled, Some(143));
            self.later(self.now, InputKind::Undone { node, attempt, outcome });
            return;
        }
        let Some((work, queued)) = self.running.get(&node).copied() else { return };
        self.done.push(format!("{how} {}", self.key(node)));
        queued.map(|key| self.queue.remove(&key));
        let outcome = outcome(AttemptStatus::Cancelled, Some(143));
        // One that ignores TERM ends when it is killed.
        let ignores = self.script.contains_key(&format!("{} ignores TERM", self.key(node)));
        if force || !ignores {
            let now = self.now;
            let news = match work {
                Work::Attempt(attempt) => InputKind::Exited { node, attempt, outcome },
                Work::Repair(number) => InputKind::Repaired { node, number, outcome },
            };
            let key = self.later(now, news);
            self.running.insert(node, (work, Some(key)));
        }
    }

    fn read(&mut self, keys: &[FactKey]) -> FactValues {
        let read = |key: &FactKey| {
            let id = key.id();
            let due = self.changes.iter().rev().find(|(at, of, _)| *at <= self.now && *of == id);
            let known = due.map(|(_, _, value)| Fact::Read(value.clone())).or(self.facts.get(&id).cloned());
            let fact = match (known, key.name.as_str()) {
                (Some(fact), _) => fact,
                (None, "file.exists") => Fact::Read(Value::Bool(true)),
                (None, _) => Fact::Failed("the file cov.json is not there".into()),
            };
            (key.id(), fact)
        };
        let mut values: FactValues = keys.iter().map(read).collect();
        if self.stale {
            for (id, fact) in &mut values {
                *fact = self.first.entry(id.clone()).or_insert_with(|| fact.clone()).clone();
            }
        }
        values
    }

    /// A defence taken away: the kernel forgets how often it repaired.
    fn forget_counts(&self, state: &mut RunState) {
        if self.uncounted {
            state.repairs = 0;
            state.nodes.iter_mut().filter_map(|node| node.repairs.as_mut()).for_each(|of| of.acted.clear());
        }
    }

    fn observe(&mut self) {
        self.most_at_once = self.most_at_once.max(self.running.len());
        self.together.insert(self.running.keys().map(|&node| self.key(node)).collect());
    }

    /// The events in words, without those of the run itself.
    pub fn lines(&self) -> Vec<String> {
        self.journal.all().iter().filter_map(|record| self.line(record)).collect()
    }

    fn line(&self, record: &Record) -> Option<String> {
        let because =
            |reason: &Option<String>| reason.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
        let at = record.at.0 - 1_000_000;
        Some(match &record.event {
            Event::StageStarted { node, attempt, .. } => format!("start {}#{attempt} @{at}", self.key(*node)),
            Event::StageFinished { node, status, reason, .. } => {
                format!("{} {}{}", self.key(*node), status.word(), because(reason))
            }
            Event::StagesBlocked { root, nodes } => {
                let keys: Vec<String> = nodes.iter().map(|node| self.key(*node)).collect();
                format!("{} blocks {}", self.key(*root), keys.join(" "))
            }
            Event::StageWaiting { node, on, detail, .. } => {
                format!("{} waits on {on:?}: {detail}", self.key(*node))
            }
            Event::StageUnknown { node, reason } => format!("{} unknown: {reason}", self.key(*node)),
            Event::StageResolved { node, done, .. } => format!("{} resolved done={done}", self.key(*node)),
            Event::StageReset { node, reason } => format!("{} reset: {reason}", self.key(*node)),
            Event::ApprovalVoided { node, .. } => format!("{} approval voided", self.key(*node)),
            Event::Note { text, .. } => format!("note {text}"),
            Event::LeaseTaken { node, things } => format!("{} takes {}", self.key(*node), things.join(", ")),
            Event::LeaseReleased { node } => format!("{} gives back", self.key(*node)),
            Event::BreakerProbed { node, breaker, .. } => format!("{} probes {breaker}", self.key(*node)),
            Event::BreakerCounted { node, told, probe, .. } => {
                format!("{} tells {told:?} as {probe:?}", self.key(*node))
            }
            Event::BreakerOpened { node, breaker, .. } => format!("{} opened {breaker}", self.key(*node)),
            Event::RepairStarted { node, rule, number, .. } => {
                format!("{} repair {number} by {rule}", self.key(*node))
            }
            Event::RepairFinished { node, rule, outcome } => {
                format!("{} repair by {rule} {}", self.key(*node), word(outcome.status))
            }
            Event::RepairRefused { node, rule, reason } => {
                format!("{} not repaired by {rule}: {reason}", self.key(*node))
            }
            Event::RepairTold { node, rule, helped } => {
                format!("{} {rule} helped={helped}", self.key(*node))
            }
            Event::RollbackStarted { nodes, .. } => {
                let keys: Vec<String> = nodes.iter().map(|node| self.key(*node)).collect();
                format!("rollback of {}", keys.join(" "))
            }
            Event::UndoStarted { node, attempt } => format!("undo {}#{attempt} @{at}", self.key(*node)),
            Event::UndoFinished { node, outcome, .. } => {
                format!("{} undo {:?}", self.key(*node), outcome.status)
            }
            Event::RollbackFinished { failed, files, error } => {
                let keys: Vec<String> = failed.iter().map(|node| self.key(*node)).collect();
                format!("rolled back, failed [{}], {files} files, {error:?}", keys.join(" "))
            }
            Event::BreakerClosed { node, breaker } => format!("{} closed {breaker}", self.key(*node)),
            _ => return None,
        })
    }

    pub fn has(&self, line: &str) -> bool {
        self.lines().iter().any(|other| other == line)
    }

    /// Keys in the order they started.
    pub fn starts(&self) -> Vec<String> {
        let started = |record: &Record| match &record.event {
            Event::StageStarted { node, .. } => Some(self.key(*node)),
            _ => None,
        };
        self.journal.all().iter().filter_map(started).collect()
    }

    /// How a stage stands by the journal.
    pub fn status(&self, key: &str) -> Status {
        self.state().node(super::lanes::node(&self.plan, key)).status
    }

    pub fn state(&self) -> RunState {
        RunState::replay(&self.plan, &self.journal.all()).expect("the journal folds")
    }

    pub fn cause(&self) -> Option<String> {
        self.journal.all().iter().rev().find_map(|record| match &record.event {
            Event::RunFinished { cause, .. } => cause.clone(),
            _ => None,
        })
    }
}

fn word(status: AttemptStatus) -> &'static str {
    match status {
        AttemptStatus::Succeeded => "succeeded",
        AttemptStatus::Failed => "failed",
        AttemptStatus::TimedOut => "timed out",
        AttemptStatus::Cancelled => "cancelled",
        AttemptStatus::Interrupted => "interrupted",
    }
}

pub fn yes(by: &str) -> Answer {
    Answer { yes: true, by: by.into(), comment: None }
}

pub fn no(by: &str) -> Answer {
    Answer { yes: false, by: by.into(), comment: Some("not today".into()) }
}

pub fn approval(stage: &str, answer: Answer) -> InputKind {
    InputKind::Message(Message::Approval { stage: stage.into(), answer })
}

pub fn interrupt() -> InputKind {
    InputKind::Signal(Signal::Cancel)
}

pub fn resolve(stage: &str, done: bool) -> Observed {
    let resolutions = vec![Resolution { stage: stage.into(), done }];
    Observed { resolutions, by: "ada".into(), ..Observed::default() }
}
