//! Drives the kernel through a plan by its cues, in virtual time: waiting takes none. One thread, no process, no file.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::base::clock::format_duration;
use crate::base::{Moment, Timestamp, Value};
use crate::engine::core::{Core, Fault, Mode};
use crate::engine::input::Settings;
use crate::engine::spec::{self, Context, Wanted};
use crate::engine::{Command, Input, InputKind, RunState};
use crate::event::{Asked, AttemptStatus, Event, FailureClass, NodeIndex, Outcome, Record, Usage, WaitFor};
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::plan::{Parallel, Plan};
use crate::port::{self, Durability, Journal, Message, Question, StateUnsafe};

use super::breakers::Breakers;
use super::staging::{Cue, Ending};

/// Steps after which a run is said not to end.
const STEPS: usize = 100_000;
/// What a process that is told to end exits with.
const TERMINATED: i32 = 143;

/// What people say to one question of a stage.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub yes: bool,
    pub by: Vec<String>,
    pub because: Option<String>,
    /// Milliseconds after the question.
    pub after: u64,
}

/// What people do in a test.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    /// By node, in the order of the questions.
    pub replies: BTreeMap<NodeIndex, VecDeque<Reply>>,
    pub confirmed: Vec<NodeIndex>,
    /// How long those who do not answer are waited for, in milliseconds.
    pub wait: u64,
}

/// A run that was played to its end.
pub(super) struct Played {
    pub plan: Arc<Plan>,
    pub records: Vec<Record>,
    pub state: RunState,
}

/// Plays the plan; the error says why it has no end.
pub(super) fn rehearse(plan: Plan, cues: Vec<Cue>, people: People) -> Result<Played, String> {
    let plan = Arc::new(plan);
    let mut state = RunState::new(&plan);
    state.live.settings = Settings { jobs: jobs(&plan), people: true, commons: true, ..Settings::default() };
    let journal = Records::default();
    let mut core = Core::new(plan.clone(), state, Box::new(journal.clone()), Vec::new(), Mode::Process);
    let mut stage = Stage {
        context: Context {
            run: "test".into(),
            secrets: secrets(&plan),
            log_dir: None,
            grace: Duration::ZERO,
        },
        plan: plan.clone(),
        cues,
        people,
        now: 0,
        queue: BTreeMap::new(),
        order: 0,
        running: BTreeMap::new(),
        open: BTreeMap::new(),
        breakers: Breakers::default(),
    };
    stage.later(0, InputKind::Begin { engine: "wfl test".into() });
    stage.later(0, InputKind::Tick);
    let mut heard = 0;
    for _ in 0..STEPS {
        let Some(kind) = stage.next(core.next_timer(stage.moment())) else {
            return Err("the run stands still: nothing more would ever happen".into());
        };
        let commands = core.turn(&[Input { at: stage.moment(), kind }]).map_err(fault)?;
        heard += journal.since(heard, |new| stage.breakers.hear(new));
        for command in commands {
            if command == Command::Stop {
                return Ok(Played { plan, records: journal.take(), state: core.state });
            }
            stage.carry_out(command);
        }
        stage.close_questions(&core.state);
    }
    Err(format!("the run does not end within {STEPS} steps"))
}

fn fault(fault: Fault) -> String {
    match fault {
        Fault::Unsafe(state) => state.message,
        Fault::Bug(bug) => format!("this is a bug of wfl: {bug}"),
    }
}

/// As many as are ready, unless the lane says otherwise: a test does not depend on the machine.
fn jobs(plan: &Plan) -> usize {
    match plan.parallel {
        Parallel::Off => 1,
        Parallel::Limit(limit) => limit as usize,
        Parallel::Auto => u32::MAX as usize,
    }
}

/// No secret is read: each is a text that says so.
fn secrets(plan: &Plan) -> BTreeMap<u32, Value> {
    let environment = |name: &str| Some(format!("secret-{name}"));
    crate::plan::secret_values(plan, &environment).unwrap_or_else(|_| {
        let named = |secret: &crate::plan::Secret| (secret.global, Value::String(secret.name.clone()));
        plan.secrets.iter().map(named).collect()
    })
}

/// A journal in memory.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<Record>>>);

impl Records {
    /// Shows what came after the first `known`; how many they were.
    fn since(&self, known: usize, mut shown: impl FnMut(&[Record])) -> usize {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = records.get(known..).unwrap_or_default();
        shown(new);
        new.len()
    }

    fn take(&self) -> Vec<Record> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Journal for Records {
    fn commit(&mut self, at: Timestamp, events: &[Event], _: Durability) -> Result<Vec<Record>, StateUnsafe> {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = records.len() as u64 + 1;
        records.extend((next..).zip(events).map(|(seq, event)| Record { seq, at, event: event.clone() }));
        // Nobody observes.
        Ok(Vec::new())
    }
}

/// The scripted world.
struct Stage {
    plan: Arc<Plan>,
    context: Context,
    cues: Vec<Cue>,
    people: People,
    now: i64,
    queue: BTreeMap<(i64, u64), InputKind>,
    order: u64,
    /// Attempts under way, and the end that is queued for each.
    running: BTreeMap<NodeIndex, (u32, (i64, u64))>,
    /// Questions to people that are still open, and when nobody waits any more.
    open: BTreeMap<NodeIndex, ((i64, u64), Question)>,
    breakers: Breakers,
}

impl Stage {
    fn moment(&self) -> Moment {
        Moment { wall: Timestamp(self.now), mono: self.now }
    }

    fn later(&mut self, at: i64, news: InputKind) -> (i64, u64) {
        self.order += 1;
        self.queue.insert((at, self.order), news);
        (at, self.order)
    }

    /// What happens next; the clock jumps there.
    fn next(&mut self, timer: Option<i64>) -> Option<InputKind> {
        let first = self.queue.keys().next().copied();
        match (first, timer) {
            (Some(key), timer) if timer.is_none_or(|due| key.0 <= due) => {
                self.now = self.now.max(key.0);
                let news = self.queue.remove(&key)?;
                if let InputKind::Exited { node, .. } = &news {
                    self.running.remove(node);
                }
                Some(news)
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                Some(InputKind::Tick)
            }
            _ => None,
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = self.now;
        match command {
            Command::Start { node, attempt, timeout, key, outputs, needs: _ } => {
                let wanted = Wanted { node, attempt, timeout, key: key.as_deref(), outputs: &outputs };
                let (outcome, after) = match spec::attempt(&self.plan, &self.context, &wanted) {
                    Ok(spec) => self.ending(node, attempt, timeout, &spec.exit_ok),
                    Err(why) => {
                        let error = Some(format!("it cannot be started: {why}"));
                        let class = Some(FailureClass::NotStarted);
                        (Outcome { error, class, ..outcome(AttemptStatus::Failed) }, 0)
                    }
                };
                let at = now.saturating_add_unsigned(after);
                let queued = self.later(at, InputKind::Exited { node, attempt, outcome });
                self.running.insert(node, (attempt, queued));
            }
            Command::ReadFacts { node, asked, keys } => {
                let values = self.read(node, asked, &keys);
                self.later(now, InputKind::Facts { node, asked, values });
            }
            Command::HashInputs { node } => {
                self.later(now, InputKind::InputsHashed { node, hash: Ok("unread".into()) });
            }
            Command::Ask(question) => self.ask(question),
            Command::Cancel { node, .. } => self.cancel(node),
            Command::RunFinally { node, .. } => {
                let outcome = Outcome { exit: Some(0), ..outcome(AttemptStatus::Succeeded) };
                self.later(now, InputKind::FinallyEnded { node, outcome });
            }
            Command::Claim { node, claim } => {
                let answer = Ok(self.breakers.claim(Timestamp(now), &claim));
                self.later(now, InputKind::Claimed { node, answer });
            }
            Command::AskStanding { node, rule } => {
                let standing = Some(self.breakers.standing(&rule));
                self.later(now, InputKind::Standing { node, standing });
            }
            // Those of the library look at the machine, which a test has not.
            Command::ReadRules => drop(self.later(now, InputKind::Rules(Default::default()))),
            Command::Repair(mend) => {
                let (node, number) = (mend.node, mend.number);
                let outcome = Outcome { exit: Some(0), ..outcome(AttemptStatus::Succeeded) };
                self.later(now, InputKind::Repaired { node, number, outcome });
            }
            // No results of other runs are given to it.
            Command::Look { .. } | Command::Seal { .. } | Command::Stop => {}
            Command::Undo(undo) => {
                let (node, attempt) = (undo.node, undo.attempt);
                let outcome = Outcome { exit: Some(0), ..outcome(AttemptStatus::Succeeded) };
                self.later(now, InputKind::Undone { node, attempt, outcome });
            }
            // A test has no files of its own.
            Command::Snapshot | Command::Restore { .. } => {}
        }
    }

    /// How an attempt ends, and after how long.
    fn ending(&self, node: NodeIndex, attempt: u32, timeout: Option<u64>, exit_ok: &[i32]) -> (Outcome, u64) {
        let attempts = self.cues.get(node as usize).map_or(&[][..], |cue| &cue.attempts);
        let at = (attempt.max(1) as usize - 1).min(attempts.len().saturating_sub(1));
        let Ending { exit, stderr, takes } = attempts.get(at).cloned().unwrap_or_default();
        if let Some(timeout) = timeout.filter(|timeout| takes > *timeout) {
            let error = format!("timed out: it had {} and did not end", format_duration(timeout as i64));
            let ended = Outcome {
                exit: Some(TERMINATED),
                signal: Some(15),
                duration_ms: timeout,
                error: Some(error),
                stderr,
                ..outcome(AttemptStatus::TimedOut)
            };
            return (ended, timeout);
        }
        let well = if exit_ok.is_empty() { exit == 0 } else { exit_ok.contains(&exit) };
        let status = if well { AttemptStatus::Succeeded } else { AttemptStatus::Failed };
        let stderr = if well { String::new() } else { stderr };
        (Outcome { exit: Some(exit), duration_ms: takes, stderr, ..outcome(status) }, takes)
    }

    fn read(&self, node: NodeIndex, asked: Asked, keys: &[FactKey]) -> FactValues {
        let given = self.cues.get(node as usize).map(|cue| &cue.facts);
        let read = |key: &FactKey| {
            let id = key.id();
            let fact = match given.and_then(|given| given.get(&id)) {
                Some(value) => Fact::Read(value.clone()),
                // A stage that succeeds wrote its files.
                None if asked == Asked::Outputs && key.name == "file.exists" => Fact::Read(Value::Bool(true)),
                None => Fact::Failed("the test does not give it".into()),
            };
            (id, fact)
        };
        keys.iter().map(read).collect()
    }

    fn cancel(&mut self, node: NodeIndex) {
        let Some((attempt, queued)) = self.running.get(&node).copied() else { return };
        self.queue.remove(&queued);
        let outcome =
            Outcome { exit: Some(TERMINATED), signal: Some(15), ..outcome(AttemptStatus::Cancelled) };
        let key = self.later(self.now, InputKind::Exited { node, attempt, outcome });
        self.running.insert(node, (attempt, key));
    }

    fn ask(&mut self, question: Question) {
        let now = self.now;
        match &question {
            Question::Confirm { node, .. } => {
                let yes = self.people.confirmed.contains(node);
                let answer = yes.then(|| answer(true, "the test", None));
                self.later(now, InputKind::Answer { question, answer });
            }
            // Nobody agrees to what destroys something.
            Question::Repair { .. } => {
                self.later(now, InputKind::Answer { question, answer: None });
            }
            Question::Approve { node, key, count, group } => {
                let (node, key) = (*node, key.clone());
                let mut last = self.people.wait;
                for reply in self.replies(node, *count) {
                    let named = if reply.by.is_empty() { self.anybody(group, *count) } else { reply.by };
                    last = last.max(reply.after);
                    for by in named {
                        let answer = answer(reply.yes, &by, reply.because.clone());
                        let message = Message::Approval { stage: key.clone(), answer };
                        self.later(now.saturating_add_unsigned(reply.after), InputKind::Message(message));
                    }
                }
                let unanswered = InputKind::Answer { question: question.clone(), answer: None };
                let queued = self.later(now.saturating_add_unsigned(last), unanswered);
                let before = self.open.insert(node, (queued, question));
                before.map(|(key, _)| self.queue.remove(&key));
            }
        }
    }

    /// The replies to one question: until as many people as it takes were named, or one says no.
    fn replies(&mut self, node: NodeIndex, count: u32) -> Vec<Reply> {
        let Some(waiting) = self.people.replies.get_mut(&node) else { return Vec::new() };
        let mut found = Vec::new();
        let mut named = 0;
        while let Some(reply) = waiting.front().filter(|_| named < count as usize) {
            named += if reply.by.is_empty() || !reply.yes { count as usize } else { reply.by.len() };
            found.extend(waiting.pop_front());
        }
        found
    }

    /// As many people as it takes: members of the group where it has any.
    fn anybody(&self, group: &str, count: u32) -> Vec<String> {
        let members = self.plan.groups.iter().find(|known| known.name == group);
        let members = members.map_or(&[][..], |group| &group.members);
        let named = members.iter().cloned().chain((1..).map(|number| format!("person {number}")));
        named.take(count as usize).collect()
    }

    /// Nobody is waited for at a stage that does not wait for people any more.
    fn close_questions(&mut self, state: &RunState) {
        let waits = |node: &NodeIndex| state.node(*node).waits_on(WaitFor::Approval);
        let closed: Vec<NodeIndex> = self.open.keys().filter(|node| !waits(node)).copied().collect();
        for node in closed {
            let Some((key, question)) = self.open.remove(&node) else { continue };
            if self.queue.remove(&key).is_some() {
                self.later(self.now, InputKind::Answer { question, answer: None });
            }
        }
    }
}

fn answer(yes: bool, by: &str, comment: Option<String>) -> port::Answer {
    port::Answer { yes, by: by.to_owned(), comment }
}

fn outcome(status: AttemptStatus) -> Outcome {
    let class = match status {
        AttemptStatus::Succeeded => None,
        AttemptStatus::Failed => Some(FailureClass::Exit),
        AttemptStatus::TimedOut => Some(FailureClass::Timeout),
        AttemptStatus::Cancelled => Some(FailureClass::Cancelled),
        AttemptStatus::Interrupted => Some(FailureClass::Lost),
    };
    Outcome {
        status,
        exit: None,
        signal: None,
        duration_ms: 0,
        error: None,
        stderr: String::new(),
        stdout: String::new(),
        usage: Usage::default(),
        log_cut: false,
        class,
        injected: false,
    }
}
