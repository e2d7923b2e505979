//! The front of the driver: what a run is given, how it is interrupted, what comes back. The threads are in `driver`.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::base::{Clock, Value};
use crate::event::{RunId, RunStatus};
use crate::plan::{Parallel, Plan, Repair};
use crate::port::room::Room;
use crate::port::{Commons, Executor, Facts, Inbox, Journal, Observer, People, Results, StateUnsafe};

use super::core::Core;
pub use super::core::Mode;
use super::driver::{Driver, locked};
use super::input::{InputKind, Reuse, Settings};
use super::room::most;
use super::spec::Context;
use super::state::RunState;
use super::worker::Tools;

/// What the engine reaches the world through.
pub struct Ports {
    pub journal: Box<dyn Journal>,
    pub executor: Arc<dyn Executor>,
    pub facts: Arc<dyn Facts>,
    pub clock: Arc<dyn Clock>,
    pub observers: Vec<Box<dyn Observer>>,
    /// Somebody at the terminal; none when there is nobody.
    pub people: Option<Arc<dyn People>>,
    pub inbox: Option<Box<dyn Inbox>>,
    /// What is shared with other runs; without it locks and pools hold within the run.
    pub commons: Option<Arc<dyn Commons>>,
    /// Results that runs share; none when every run stands alone.
    pub results: Option<Arc<dyn Results>>,
}

#[derive(Clone, Debug)]
pub struct Options {
    pub run: RunId,
    /// `--jobs`; overrides the lane's `parallel`.
    pub jobs: Option<usize>,
    pub durability: Mode,
    /// `--yes`.
    pub yes: bool,
    /// `--keep-going`.
    pub keep_going: bool,
    /// Values of secrets, by the index of their global.
    pub secrets: BTreeMap<u32, Value>,
    pub log_dir: Option<PathBuf>,
    /// Between TERM and KILL.
    pub grace: Duration,
    /// How results of other runs are taken, where there are any.
    pub reuse: Reuse,
    /// `--no-repair`.
    pub no_repair: bool,
    /// `--yes-destructive`.
    pub yes_destructive: bool,
    /// The library's repair rules, for a run whose plan names any.
    pub rules: Library,
}

/// Reads the repair rules of the library; nothing where there are none.
#[derive(Clone, Default)]
pub struct Library(pub Option<Arc<dyn Fn() -> Vec<Repair> + Send + Sync>>);

impl Library {
    pub(super) fn read(&self) -> Arc<[Repair]> {
        let read = self.0.as_ref().map(|read| catch_unwind(AssertUnwindSafe(|| read())));
        read.and_then(Result::ok).unwrap_or_default().into()
    }
}

impl std::fmt::Debug for Library {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Library(..)" } else { "Library(none)" })
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            run: RunId::default(),
            jobs: None,
            durability: Mode::default(),
            yes: false,
            keep_going: false,
            secrets: BTreeMap::new(),
            log_dir: None,
            grace: Duration::from_secs(10),
            reuse: Reuse::default(),
            no_repair: false,
            yes_destructive: false,
            rules: Library::default(),
        }
    }
}

/// How the engine ended.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    pub status: RunStatus,
    /// The process exit code: 101 for a bug in the engine.
    pub exit: i32,
    pub cause: Option<String>,
}

/// Interrupts a run from outside: the first time it ends what runs, the second time it kills.
#[derive(Debug, Default)]
pub struct Control {
    wake: Mutex<Wake>,
    changed: Condvar,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wake {
    signals: u32,
    poked: bool,
}

impl Control {
    /// A signal came. May be called from any thread.
    pub fn interrupt(&self) {
        locked(&self.wake).signals += 1;
        self.changed.notify_all();
    }

    pub(super) fn poke(&self) {
        locked(&self.wake).poked = true;
        self.changed.notify_all();
    }

    /// Until somebody wakes it or the time is up; the number of signals so far.
    pub(super) fn wait(&self, at_most: Duration, seen: u32) -> u32 {
        let mut wake = locked(&self.wake);
        if !wake.poked && wake.signals == seen {
            let waited = self.changed.wait_timeout(wake, at_most);
            wake = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        wake.poked = false;
        wake.signals
    }
}

/// Runs the plan to its end, or to where it waits for people. `begin` is [`InputKind::Begin`] for a new run, else what
/// [`super::resume::reconcile`] gave. An error means that the state cannot be trusted any more: nothing runs then.
pub fn run(
    plan: &Arc<Plan>,
    mut state: RunState,
    begin: InputKind,
    ports: Ports,
    options: &Options,
    control: &Arc<Control>,
) -> Result<End, StateUnsafe> {
    let Ports { journal, executor, facts, clock, observers, people, mut inbox, commons, results } = ports;
    let (jobs, room) = jobs(plan, options, executor.as_ref());
    state.live.settings = Settings {
        jobs,
        room,
        yes: options.yes,
        people: people.is_some(),
        keep_going: options.keep_going,
        grace: options.grace,
        commons: commons.is_some(),
        reuse: results.is_some().then_some(options.reuse),
        no_repair: options.no_repair,
        yes_destructive: options.yes_destructive,
    };
    let context = Context {
        run: options.run.0.clone(),
        secrets: options.secrets.clone(),
        log_dir: options.log_dir.clone(),
        grace: options.grace,
    };
    let fenced = match begin {
        InputKind::Resume(_) => executor.fence(&options.run.0),
        _ => 0,
    };
    let core = Core::new(plan.clone(), state, journal, observers, options.durability);
    let (plan_of_tools, rules, clock_of_tools) = (plan.clone(), options.rules.clone(), clock.clone());
    let tools = Tools {
        plan: plan_of_tools,
        context,
        executor,
        facts,
        commons,
        results,
        clock: clock_of_tools,
        rules,
    };
    let driver = Arc::new(Driver::new(core, tools, clock, people, control.clone()));
    driver.begin(begin, inbox.as_mut(), fenced);
    let workers = workers(&driver, jobs.min(plan.nodes.len().max(1)))?;
    driver.supervise(inbox);
    driver.kill_rest();
    for worker in workers {
        let _ = worker.join();
    }
    locked(&driver.shared).end()
}

/// How long the first worker waits for room on the machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// As many threads as there is room for, at least one.
fn workers(driver: &Arc<Driver>, wanted: usize) -> Result<Vec<JoinHandle<()>>, StateUnsafe> {
    let since = Instant::now();
    let mut workers = Vec::new();
    while workers.len() < wanted {
        let works = driver.clone();
        match std::thread::Builder::new().spawn(move || works.work()) {
            Ok(worker) => workers.push(worker),
            Err(_) if !workers.is_empty() => break,
            Err(_) if since.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(50)),
            Err(e) => {
                return Err(StateUnsafe {
                    message: format!("the machine has no room for a thread ({e}); nothing was started"),
                    help: "end other programs, or raise the limit of processes, and resume the run".into(),
                });
            }
        }
    }
    Ok(workers)
}

/// How many attempts at once: `--jobs`, else what the lane says, else what the machine has room for, with that room.
fn jobs(plan: &Plan, options: &Options, executor: &dyn Executor) -> (usize, Option<Room>) {
    let fixed = match plan.parallel {
        Parallel::Off => Some(1),
        Parallel::Limit(limit) => Some(limit as usize),
        Parallel::Auto => None,
    };
    if let Some(jobs) = options.jobs.or(fixed) {
        return (jobs.max(1), None);
    }
    match executor.room() {
        Some(room) => (most(plan, &room), Some(room)),
        None => (std::thread::available_parallelism().map_or(1, usize::from), None),
    }
}
