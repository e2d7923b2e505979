//! The threads of a run: workers that carry out commands, a supervisor for timers, signals and messages. Who brings news
//! queues it and, with the kernel's mutex, takes all that is queued through one turn; a worker then keeps one command
//! for itself. Decides nothing.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::base::Clock;
use crate::event::NodeIndex;
use crate::port::{Inbox, People, Question, StateUnsafe};

use super::core::{Core, Fault};
use super::drive::{Control, End};
use super::input::{Command, Input, InputKind, Signal};
use super::state::Phase;
use super::worker::{Task, Tools};

/// How often messages of other commands are looked for.
const POLL_MS: i64 = 200;
/// An attempt younger than this may not be known to the executor yet when it is cancelled: it is cancelled again.
const YOUNG_MS: i64 = 200;

/// Whether who submits news takes a task up itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    One,
    Nothing,
}

pub(super) struct Shared {
    core: Core,
    tasks: VecDeque<Task>,
    /// Processes handed to the executor and not ended: since when.
    processes: BTreeMap<NodeIndex, i64>,
    /// Cancelled while young: whom to cancel once more, and when.
    again: Vec<(i64, NodeIndex)>,
    /// Nothing is to be carried out any more.
    over: bool,
    fault: Option<Fault>,
    /// When the supervisor wakes by itself.
    wakes_at: i64,
}

impl Shared {
    /// How the run ended, once it has.
    pub fn end(&self) -> Result<End, StateUnsafe> {
        match (&self.fault, self.core.state.phase) {
            (Some(Fault::Unsafe(state)), _) => Err(state.clone()),
            (None, Phase::Stopped(status)) => {
                let exit = self.core.exit().unwrap_or(status.exit_code());
                Ok(End { status, exit, cause: self.core.cause().map(str::to_owned) })
            }
            (Some(Fault::Bug(bug)), _) => Ok(broken(format!("internal error: {bug}"))),
            (None, _) => Ok(broken("internal error: the engine ended before the run did".to_owned())),
        }
    }

    fn next_due(&self, now: crate::base::Moment) -> Option<i64> {
        let again = self.again.iter().map(|(due, _)| *due).min();
        [self.core.next_timer(now), self.core.show_due(), self.core.room_due(), again]
            .into_iter()
            .flatten()
            .min()
    }
}

fn broken(cause: String) -> End {
    End { status: crate::event::RunStatus::Failed, exit: 101, cause: Some(cause) }
}

pub(super) struct Driver {
    queue: Mutex<Vec<Input>>,
    pub shared: Mutex<Shared>,
    work: Condvar,
    control: Arc<Control>,
    tools: Tools,
    clock: Arc<dyn Clock>,
    people: Option<Arc<dyn People>>,
}

impl Driver {
    pub fn new(
        core: Core,
        tools: Tools,
        clock: Arc<dyn Clock>,
        people: Option<Arc<dyn People>>,
        control: Arc<Control>,
    ) -> Self {
        let shared = Shared {
            core,
            tasks: VecDeque::new(),
            processes: BTreeMap::new(),
            again: Vec::new(),
            over: false,
            fault: None,
            wakes_at: i64::MIN,
        };
        Driver {
            queue: Mutex::new(Vec::new()),
            shared: Mutex::new(shared),
            work: Condvar::new(),
            control,
            tools,
            clock,
            people,
        }
    }

    /// The first turn, before there are workers: what people left for the run is heard before anything is decided.
    pub fn begin(self: &Arc<Self>, begin: InputKind, inbox: Option<&mut Box<dyn Inbox>>, fenced: usize) {
        let messages = inbox.map(|inbox| inbox.take()).unwrap_or_default();
        let mut news = vec![begin];
        news.extend(messages.into_iter().map(InputKind::Message));
        news.push(InputKind::Tick);
        drop(self.submit(news, Keeps::Nothing));
        if fenced == 0 {
            return;
        }
        let mut shared = locked(&self.shared);
        if !shared.over {
            let text = format!("killed {fenced} processes that the last engine of this run left behind");
            let told = shared.core.note(self.clock.now(), text);
            self.note_fault(&mut shared, told);
        }
    }

    /// A worker thread, until the run is over.
    pub fn work(self: &Arc<Self>) {
        let mut kept = None;
        while let Some(task) = kept.take().or_else(|| self.next_task()) {
            if let Some(process) = task.process(&self.tools.plan) {
                let mut shared = locked(&self.shared);
                if shared.over {
                    return;
                }
                shared.processes.insert(process, self.clock.now().mono);
            }
            let news = self.tools.carry_out(&task);
            if let Some(process) = task.process(&self.tools.plan) {
                let mut shared = locked(&self.shared);
                shared.processes.remove(&process);
                if shared.over {
                    self.work.notify_all();
                }
            }
            // Before the end of the attempt is told: it may be the end of the run.
            let recorded = self.tools.snapshot_after(&task);
            kept = self.submit_and_keep(recorded.into_iter().chain([news]).collect());
        }
    }

    fn next_task(&self) -> Option<Task> {
        let mut shared = locked(&self.shared);
        loop {
            if shared.over {
                return None;
            }
            if let Some(task) = shared.tasks.pop_front() {
                return Some(task);
            }
            shared = self.work.wait(shared).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn submit_and_keep(self: &Arc<Self>, news: Vec<InputKind>) -> Option<Task> {
        let mut shared = self.submit(news, Keeps::One);
        if shared.over { None } else { shared.tasks.pop_front() }
    }

    /// Queues news and takes all that is queued through one turn: whoever waits for the mutex meanwhile finds its own
    /// news committed together with ours.
    fn submit(self: &Arc<Self>, news: Vec<InputKind>, keeps: Keeps) -> MutexGuard<'_, Shared> {
        let at = self.clock.now();
        locked(&self.queue).extend(news.into_iter().map(|kind| Input { at, kind }));
        let mut shared = locked(&self.shared);
        let inputs = std::mem::take(&mut *locked(&self.queue));
        if shared.over {
            return shared;
        }
        match shared.core.turn(&inputs) {
            Ok(commands) => {
                for command in commands {
                    self.carry(&mut shared, command);
                }
                // Whoever keeps one task need not wake anybody for it.
                for _ in usize::from(keeps == Keeps::One)..shared.tasks.len() {
                    self.work.notify_one();
                }
                self.wake_supervisor(&shared);
            }
            fault => self.note_fault(&mut shared, fault.map(|_| ())),
        }
        shared
    }

    fn carry(self: &Arc<Self>, shared: &mut Shared, command: Command) {
        let task = match command {
            Command::Start { node, attempt, timeout, key, outputs, needs } => {
                Task::Attempt { node, attempt, timeout, key, outputs, needs }
            }
            Command::RunFinally { node, attempt, outputs } => Task::Finally { node, attempt, outputs },
            Command::ReadFacts { node, asked, keys } => Task::Facts { node, asked, keys },
            Command::HashInputs { node } => Task::Hash { node },
            Command::Claim { node, claim } => Task::Claim { node, claim, at: self.clock.now().wall },
            Command::AskStanding { node, rule } => Task::Standing { node, rule },
            Command::Look { node, outputs, effort } => Task::Look { node, outputs, effort },
            Command::Seal { node, outputs, own, inputs } => Task::Seal { node, outputs, own, inputs },
            Command::ReadRules => Task::Rules,
            Command::Repair(mend) => Task::Repair(mend),
            Command::Undo(undo) => Task::Undo(undo),
            Command::Snapshot => Task::Snapshot,
            Command::Restore { to, known } => Task::Restore { to, known },
            Command::Ask(question) => return self.ask(question),
            Command::Cancel { node, force } => return self.cancel(shared, node, force),
            Command::Stop => {
                shared.over = true;
                self.work.notify_all();
                return self.control.poke();
            }
        };
        shared.tasks.push_back(task);
    }

    /// A person may take as long as they like, so they are asked on a thread of its own that nobody waits for.
    fn ask(self: &Arc<Self>, question: Question) {
        let (driver, people) = (self.clone(), self.people.clone());
        let asked = question.clone();
        let asking = std::thread::Builder::new().spawn(move || {
            let answer = people.and_then(|people| people.ask(&question));
            drop(driver.submit(vec![InputKind::Answer { question, answer }], Keeps::Nothing));
        });
        if asking.is_err() {
            // No room for a thread: as if nobody were there. The supervisor takes the queue up.
            let kind = InputKind::Answer { question: asked, answer: None };
            locked(&self.queue).push(Input { at: self.clock.now(), kind });
            self.control.poke();
        }
    }

    fn cancel(&self, shared: &mut Shared, node: NodeIndex, force: bool) {
        // What no worker has taken up yet is not started at all.
        let waiting = shared.tasks.iter().position(|task| task.process(&self.tools.plan) == Some(node));
        if let Some(called_off) = waiting.and_then(|at| shared.tasks[at].called_off()) {
            shared.tasks.retain(|task| task.process(&self.tools.plan) != Some(node));
            locked(&self.queue).push(Input { at: self.clock.now(), kind: called_off });
            // The supervisor takes the queue up.
            return self.control.poke();
        }
        let grace = if force { Duration::ZERO } else { self.tools.context.grace };
        self.tools.executor.cancel(node, grace);
        let now = self.clock.now().mono;
        let young = shared.processes.get(&node).is_none_or(|since| now.saturating_sub(*since) < YOUNG_MS);
        if young {
            shared.again.push((now.saturating_add(YOUNG_MS), node));
        }
    }

    /// Timers, signals and messages, until the run is over.
    pub fn supervise(self: &Arc<Self>, mut inbox: Option<Box<dyn Inbox>>) {
        let mut signals = 0;
        let mut polled = i64::MIN;
        while let Some(due) = self.plan_wake(inbox.is_some(), polled) {
            let now = self.clock.now();
            let left = Duration::from_millis(due.saturating_sub(now.mono).clamp(0, 3_600_000) as u64);
            let seen = self.control.wait(left, signals);
            let mut news = self.signals(signals, seen);
            signals = seen;
            let now = self.clock.now();
            if let Some(inbox) = inbox.as_mut().filter(|_| now.mono >= polled.saturating_add(POLL_MS)) {
                polled = now.mono;
                news.extend(inbox.take().into_iter().map(InputKind::Message));
            }
            self.upkeep(now, &mut news);
            news.extend(self.room(now));
            let queued = !locked(&self.queue).is_empty();
            if !news.is_empty() || queued {
                drop(self.submit(news, Keeps::Nothing));
            }
        }
    }

    /// After a fault: nothing may be left running, not even what was being started just then.
    pub fn kill_rest(&self) {
        let mut shared = locked(&self.shared);
        while shared.fault.is_some() && !shared.processes.is_empty() {
            for &node in shared.processes.keys() {
                self.tools.executor.cancel(node, Duration::ZERO);
            }
            let waited = self.work.wait_timeout(shared, Duration::from_millis(50));
            shared = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn signals(&self, before: u32, now: u32) -> Vec<InputKind> {
        let signal = |count| if count == 1 { Signal::Cancel } else { Signal::Force };
        (before + 1..=now).map(|count| InputKind::Signal(signal(count))).collect()
    }

    /// When to wake next; `None` when the run is over.
    fn plan_wake(&self, polls: bool, polled: i64) -> Option<i64> {
        let mut shared = locked(&self.shared);
        if shared.over {
            return None;
        }
        let now = self.clock.now();
        let poll = polls.then(|| polled.saturating_add(POLL_MS).max(now.mono));
        let due = [shared.next_due(now), poll].into_iter().flatten().min().unwrap_or(i64::MAX);
        shared.wakes_at = due;
        Some(due)
    }

    /// What is due by now: results to show, cancels to repeat, the kernel's timers.
    fn upkeep(&self, now: crate::base::Moment, news: &mut Vec<InputKind>) {
        let mut shared = locked(&self.shared);
        if shared.over {
            return;
        }
        if shared.core.show_due().is_some_and(|due| due <= now.mono) {
            let synced = shared.core.sync(now.wall);
            let took = self.clock.now().mono.saturating_sub(now.mono);
            shared.core.sync_took(took);
            self.note_fault(&mut shared, synced);
        }
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut shared.again).into_iter().partition(|(due, _)| *due <= now.mono);
        shared.again = later;
        for (_, node) in due.into_iter().filter(|(_, node)| shared.processes.contains_key(node)) {
            self.tools.executor.cancel(node, self.tools.context.grace);
        }
        if shared.core.next_timer(now).is_some_and(|due| due <= now.mono) {
            news.push(InputKind::Tick);
        }
    }

    /// The machine's room, when it is due to be read; outside the kernel's mutex.
    fn room(&self, now: crate::base::Moment) -> Option<InputKind> {
        let shared = locked(&self.shared);
        let due = !shared.over && shared.core.room_due().is_some_and(|due| due <= now.mono);
        drop(shared);
        due.then(|| InputKind::Room(Box::new(self.tools.executor.room().unwrap_or_default())))
    }

    /// The supervisor sleeps until the earliest timer it knew of; an earlier one wakes it.
    fn wake_supervisor(&self, shared: &Shared) {
        if shared.next_due(self.clock.now()).is_some_and(|due| due < shared.wakes_at) {
            self.control.poke();
        }
    }

    /// The state is unsafe or the engine contradicts itself: kill what runs and start nothing more.
    fn note_fault(&self, shared: &mut Shared, result: Result<(), Fault>) {
        let Err(fault) = result else { return };
        shared.over = true;
        shared.fault.get_or_insert(fault);
        shared.tasks.clear();
        for &node in shared.processes.keys() {
            self.tools.executor.cancel(node, Duration::ZERO);
        }
        self.work.notify_all();
        self.control.poke();
    }
}

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
