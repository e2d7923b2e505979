//! The driver's threads: real ones, with an executor that blocks on conditions instead of time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::fakes::{Memory, Seen, outcome, yes};
use super::lanes::{Draft, expr, lane, retry, stage, text};
use wfl::base::clock::SystemClock;
use wfl::base::{Moment, Value};
use wfl::engine::{Control, End, InputKind, Mode, Options, Ports, RunState, run};
use wfl::event::{AttemptStatus, Event, NodeIndex, Outcome, RunId, RunStatus};
use wfl::expr::Kind;
use wfl::expr::facts::{Fact, FactKey, FactValues};
use wfl::plan::{Parallel, Plan, Secret};
use wfl::port::room::{self, Room};
use wfl::port::{
    Action, Answer, AttemptSpec, Busy, Executor, Facts, Inbox, Journal, Message, Observer, People, Question,
    Restored, Snapshots,
};

/// Runs nothing: remembers specs, fails where told to, and hangs where told to until cancelled.
#[derive(Default)]
struct Pretend {
    specs: Mutex<Vec<AttemptSpec>>,
    hang: BTreeSet<String>,
    /// What hangs ends only when it is killed.
    ignores_term: bool,
    fail: Mutex<BTreeMap<String, u32>>,
    cancelled: Mutex<Vec<(NodeIndex, Duration)>>,
    changed: Condvar,
    /// Called when a stage that hangs has begun.
    on_hang: Option<Box<dyn Fn() + Send + Sync>>,
    together: Mutex<(usize, usize)>,
}

impl Executor for Pretend {
    fn run(&self, spec: &AttemptSpec) -> Result<Outcome, Busy> {
        self.specs.lock().unwrap().push(spec.clone());
        {
            let mut together = self.together.lock().unwrap();
            together.0 += 1;
            together.1 = together.1.max(together.0);
        }
        let ended = self.end(spec);
        self.together.lock().unwrap().0 -= 1;
        Ok(ended)
    }

    fn cancel(&self, node: NodeIndex, grace: Duration) {
        self.cancelled.lock().unwrap().push((node, grace));
        self.changed.notify_all();
    }

    fn fence(&self, _: &str) -> usize {
        3
    }
}

impl Pretend {
    fn end(&self, spec: &AttemptSpec) -> Outcome {
        if self.hang.contains(&spec.key) {
            self.on_hang.iter().for_each(|told| told());
            let told = |cancelled: &mut Vec<(NodeIndex, Duration)>| {
                let ends = |grace: &Duration| !self.ignores_term || grace.is_zero();
                !cancelled.iter().any(|(node, grace)| *node == spec.node && ends(grace))
            };
            drop(self.changed.wait_while(self.cancelled.lock().unwrap(), told).unwrap());
            return outcome(AttemptStatus::Cancelled, Some(143));
        }
        match self.fail.lock().unwrap().get_mut(&spec.key) {
            Some(left) if *left > 0 => {
                *left -= 1;
                outcome(AttemptStatus::Failed, Some(1))
            }
            _ => outcome(AttemptStatus::Succeeded, Some(0)),
        }
    }

    fn keys(&self) -> Vec<String> {
        self.specs.lock().unwrap().iter().map(|spec| spec.key.clone()).collect()
    }
}

struct AllThere;

impl Facts for AllThere {
    fn read(&self, keys: &[FactKey]) -> FactValues {
        keys.iter().map(|key| (key.id(), Fact::Read(Value::Bool(true)))).collect()
    }

    fn hash_inputs(&self, _: &[String]) -> Result<String, String> {
        Ok("h".into())
    }
}

struct Setup {
    plan: Plan,
    executor: Arc<Pretend>,
    journal: Memory,
    seen: Seen,
    options: Options,
    control: Arc<Control>,
    people: Option<Arc<dyn People>>,
    inbox: Option<Box<dyn Inbox>>,
    more: Vec<Box<dyn Observer>>,
    snapshots: Option<Arc<dyn Snapshots>>,
}

impl Setup {
    fn new(drafts: Vec<Draft>) -> Self {
        Setup {
            plan: lane(drafts),
            executor: Arc::new(Pretend::default()),
            journal: Memory::default(),
            seen: Seen::default(),
            options: Options { run: RunId("r1".into()), jobs: Some(3), ..Options::default() },
            control: Arc::new(Control::default()),
            people: None,
            inbox: None,
            more: Vec::new(),
            snapshots: None,
        }
    }

    fn executor(mut self, change: impl FnOnce(&mut Pretend)) -> Self {
        let mut pretend = Pretend::default();
        change(&mut pretend);
        self.executor = Arc::new(pretend);
        self
    }

    fn run(&mut self) -> Result<End, wfl::port::StateUnsafe> {
        let plan = Arc::new(self.plan.clone());
        self.go(RunState::new(&plan), InputKind::Begin { engine: "test".into() })
    }

    fn go(&mut self, state: RunState, begin: InputKind) -> Result<End, wfl::port::StateUnsafe> {
        let mut observers = std::mem::take(&mut self.more);
        observers.push(Box::new(self.seen.clone()));
        let ports = Ports {
            journal: Box::new(self.journal.clone()),
            executor: self.executor.clone(),
            facts: Arc::new(AllThere),
            clock: Arc::new(SystemClock::default()),
            observers,
            people: self.people.clone(),
            inbox: self.inbox.take(),
            commons: None,
            results: None,
            snapshots: self.snapshots.clone(),
        };
        run(&Arc::new(self.plan.clone()), state, begin, ports, &self.options, &self.control)
    }
}

fn layered() -> Vec<Draft> {
    let mut drafts: Vec<Draft> = (0..10).map(|at| stage(&format!("a{at}"))).collect();
    for at in 0..10 {
        let needs = [format!("a{at}"), format!("a{}", (at + 1) % 10)];
        drafts.push(stage(&format!("b{at}")).needs(&[needs[0].as_str(), needs[1].as_str()]).out("f", "x/y"));
    }
    drafts
}

#[test]
fn threads_run_a_layered_lane_and_show_every_committed_record_in_order() {
    for durability in [Mode::Every, Mode::Barrier, Mode::Process] {
        let mut setup = Setup::new(layered());
        setup.options.durability = durability;
        let end = setup.run().unwrap();
        assert_eq!((end.status, end.exit), (RunStatus::Succeeded, 0));
        assert_eq!(setup.executor.keys().len(), 20);
        assert!(setup.executor.together.lock().unwrap().1 <= 3);
        assert_eq!(*setup.seen.0.lock().unwrap(), setup.journal.all());
        let sequence: Vec<u64> = setup.journal.all().iter().map(|record| record.seq).collect();
        assert_eq!(sequence, (1..=sequence.len() as u64).collect::<Vec<_>>());
    }
}

#[test]
fn a_commit_that_fails_starts_nothing_after_and_shows_nothing_uncommitted() {
    for fails_at in 1..=6 {
        let mut setup = Setup::new(vec![stage("a"), stage("b").needs(&["a"]), stage("c").needs(&["b"])]);
        setup.options.durability = Mode::Every;
        setup.journal.fails_at = Some(fails_at);
        let result = setup.run();
        if fails_at > 4 {
            assert_eq!(result.map(|end| end.exit), Ok(0));
            continue;
        }
        assert_eq!(result.unwrap_err().message, "disk full");
        assert_eq!(setup.executor.keys().len(), fails_at - 1, "only what was committed was started");
        assert_eq!(*setup.seen.0.lock().unwrap(), setup.journal.all());
    }
}

#[test]
fn a_commit_that_fails_kills_what_runs() {
    let mut setup = Setup::new(vec![stage("hangs"), stage("a"), stage("b").needs(&["a"])])
        .executor(|pretend| pretend.hang = ["hangs".to_owned()].into());
    setup.journal.fails_at = Some(2);
    assert!(setup.run().is_err());
    let cancelled = setup.executor.cancelled.lock().unwrap().clone();
    assert!(cancelled.iter().all(|(_, grace)| *grace == Duration::ZERO), "{cancelled:?}");
    assert!(!setup.executor.keys().contains(&"b".to_owned()));
}

#[test]
fn an_interrupt_from_another_thread_ends_a_run_that_hangs() {
    let control = Arc::new(Control::default());
    let presses = control.clone();
    let mut setup = Setup::new(vec![stage("hangs"), stage("next").needs(&["hangs"])]).executor(|pretend| {
        pretend.hang = ["hangs".to_owned()].into();
        pretend.on_hang = Some(Box::new(move || presses.interrupt()));
    });
    setup.control = control;
    let end = setup.run().unwrap();
    assert_eq!((end.status, end.exit), (RunStatus::Interrupted, 130));
    assert_eq!(setup.executor.keys(), ["hangs"]);
}

#[test]
fn two_signals_at_once_kill_without_grace() {
    let control = Arc::new(Control::default());
    let presses = control.clone();
    let mut setup = Setup::new(vec![stage("hangs")]).executor(|pretend| {
        pretend.hang = ["hangs".to_owned()].into();
        pretend.ignores_term = true;
        pretend.on_hang = Some(Box::new(move || {
            presses.interrupt();
            presses.interrupt();
        }));
    });
    setup.control = control;
    assert_eq!(setup.run().unwrap().exit, 130);
    assert!(setup.executor.cancelled.lock().unwrap().iter().any(|(_, grace)| *grace == Duration::ZERO));
}

/// Hands out its messages one poll after the other.
struct Letters(Vec<Vec<Message>>);

impl Inbox for Letters {
    fn take(&mut self) -> Vec<Message> {
        if self.0.is_empty() { Vec::new() } else { self.0.remove(0) }
    }
}

#[test]
fn a_cancel_in_the_inbox_reaches_a_running_stage() {
    let mut setup =
        Setup::new(vec![stage("hangs")]).executor(|pretend| pretend.hang = ["hangs".to_owned()].into());
    setup.inbox = Some(Box::new(Letters(vec![Vec::new(), vec![Message::Cancel { by: "ada".into() }]])));
    let end = setup.run().unwrap();
    assert_eq!(
        (end.status, end.exit, end.cause.as_deref()),
        (RunStatus::Cancelled, 1, Some("cancelled by ada"))
    );
}

#[test]
fn a_cancel_that_waits_in_the_inbox_starts_nothing() {
    let mut setup = Setup::new(vec![stage("a")]);
    setup.inbox = Some(Box::new(Letters(vec![vec![Message::Cancel { by: "ada".into() }]])));
    assert_eq!(setup.run().unwrap().status, RunStatus::Cancelled);
    assert!(setup.executor.keys().is_empty());
}

struct Ada;

impl People for Ada {
    fn ask(&self, question: &Question) -> Option<Answer> {
        matches!(question, Question::Approve { .. }).then(|| yes("ada"))
    }
}

#[test]
fn a_person_is_asked_on_a_thread_of_its_own() {
    let mut setup = Setup::new(vec![stage("a"), stage("b").approve(1, None).needs(&["a"])]);
    setup.people = Some(Arc::new(Ada));
    assert_eq!(setup.run().unwrap().exit, 0);
    let mut nobody = Setup::new(vec![stage("b").approve(1, None)]);
    assert_eq!(nobody.run().unwrap().exit, 4);
}

#[test]
fn a_retry_is_driven_by_the_timer() {
    let policy = wfl::plan::Retry { from: 1, cap: Some(1), ..retry(3) };
    let mut setup = Setup::new(vec![stage("flaky").retry(policy)])
        .executor(|pretend| pretend.fail = Mutex::new([("flaky".to_owned(), 2)].into()));
    assert_eq!(setup.run().unwrap().exit, 0);
    assert_eq!(setup.executor.keys().len(), 3);
}

struct Broken;

impl Observer for Broken {
    fn event(&mut self, _: &wfl::event::Record) {
        std::panic::resume_unwind(Box::new("an observer broke"));
    }
}

#[test]
fn an_observer_that_breaks_silences_no_other() {
    let mut setup = Setup::new(vec![stage("a")]);
    setup.more.push(Box::new(Broken));
    assert_eq!(setup.run().unwrap().exit, 0);
    assert_eq!(*setup.seen.0.lock().unwrap(), setup.journal.all());
}

#[test]
fn a_journal_that_contradicts_itself_is_a_bug_and_not_a_result() {
    let mut setup = Setup::new(vec![stage("a")]);
    let resumed = InputKind::Resume(wfl::engine::Decisions {
        reset: vec![(9, "no such stage".into())],
        ..Default::default()
    });
    let end = setup.go(RunState::new(&setup.plan.clone()), resumed).unwrap();
    assert_eq!(end.exit, 101);
    assert!(setup.executor.keys().is_empty() && setup.journal.all().is_empty());
}

#[test]
fn resume_fences_what_the_dead_engine_left_behind() {
    let mut setup = Setup::new(vec![stage("a")]);
    setup.run().unwrap();
    let started = |record: &wfl::event::Record| matches!(record.event, Event::StageStarted { .. });
    let upto = setup.journal.all().iter().position(started).unwrap() + 1;
    setup.journal = Memory::holding(setup.journal.all().into_iter().take(upto).collect());
    let state = RunState::replay(&setup.plan, &setup.journal.all()).unwrap();
    let begin = wfl::engine::resume::reconcile(&setup.plan, &state, &Default::default()).unwrap();
    assert_eq!(setup.go(state, begin).unwrap().exit, 0);
    let noted = setup.journal.all().iter().any(
        |record| matches!(&record.event, Event::Note { text, .. } if text.starts_with("killed 3 processes")),
    );
    assert!(noted);
}

#[test]
fn a_spec_holds_paths_absolute_secrets_in_env_alone_and_the_run_by_name() {
    let reads = |stage, name: &str| expr(Kind::Output { stage, name: name.into() });
    let mut setup = Setup::new(vec![
        stage("build").out("app", "dist/app.tgz"),
        stage("ship").needs(&["build"]).idempotent("v1").with(|node| {
            node.cwd = Some(text("deploy"));
            node.timeout = Some(5_000);
            node.env = vec![
                ("APP".into(), reads(0, "app")),
                ("TOKEN".into(), expr(Kind::Global(3))),
                ("NAME".into(), text("dist/app.tgz")),
            ];
            let named = expr(Kind::Format(vec![text("--app="), reads(0, "app")]));
            node.actions = vec![wfl::plan::Action::Exec { argv: vec![text("./ship"), named] }];
        }),
    ]);
    setup.plan.secrets =
        vec![Secret { global: 3, name: "token".into(), value: text(""), sources: vec!["SHIP_TOKEN".into()] }];
    setup.options.secrets = [(3, Value::String("s3cret".into()))].into();
    setup.options.log_dir = Some(PathBuf::from("/logs"));
    assert_eq!(setup.run().unwrap().exit, 0);
    let specs = setup.executor.specs.lock().unwrap();
    assert_eq!(specs[0].outputs, [PathBuf::from("/project/dist/app.tgz")]);
    let ship = &specs[1];
    assert_eq!(
        ship.actions,
        [Action::Exec { argv: vec!["./ship".into(), "--app=/project/dist/app.tgz".into()] }]
    );
    let env: BTreeMap<_, _> = ship.env.iter().cloned().collect();
    let wanted = [
        ("APP", "/project/dist/app.tgz"),
        ("NAME", "dist/app.tgz"),
        ("TOKEN", "s3cret"),
        ("WFL_ATTEMPT", "1"),
        ("WFL_KEY", "v1"),
        ("WFL_RUN", "r1"),
        ("WFL_STAGE", "ship"),
    ];
    assert_eq!(env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), wanted);
    assert_eq!(
        (ship.mask.as_slice(), ship.env_remove.as_slice()),
        (&["s3cret".to_owned()][..], &["SHIP_TOKEN".to_owned()][..])
    );
    assert_eq!(ship.cwd, PathBuf::from("/project/deploy"));
    assert_eq!(ship.log, Some(PathBuf::from("/logs/1-1.log")));
    assert_eq!(ship.timeout, Some(Duration::from_millis(5_000)));
}

#[test]
fn a_spec_that_cannot_be_made_fails_the_stage_and_runs_nothing() {
    let mut setup = Setup::new(vec![stage("a").with(|node| node.cwd = Some(text("../elsewhere")))]);
    let end = setup.run().unwrap();
    assert_eq!(end.exit, 1);
    assert!(end.cause.unwrap().contains("leaves the project"));
    assert!(setup.executor.keys().is_empty());
}

/// A clock that never moves: nothing may depend on how long things really take.
struct Stopped;

impl wfl::base::Clock for Stopped {
    fn now(&self) -> Moment {
        Moment::default()
    }
}

#[test]
fn a_run_needs_no_time_to_pass() {
    let plan = Arc::new(lane(layered()));
    let ports = Ports {
        journal: Box::new(Memory::default()),
        executor: Arc::new(Pretend::default()),
        facts: Arc::new(AllThere),
        clock: Arc::new(Stopped),
        observers: Vec::new(),
        people: None,
        inbox: None,
        commons: None,
        results: None,
        snapshots: None,
    };
    let begin = InputKind::Begin { engine: "test".into() };
    let end = run(&plan, RunState::new(&plan), begin, ports, &Options::default(), &Arc::default()).unwrap();
    assert_eq!(end.exit, 0);
}

#[test]
fn the_journal_is_a_port() {
    let mut memory = Memory::default();
    let none = memory.commit(Default::default(), &[], wfl::port::Durability::Disk).unwrap();
    assert!(none.is_empty(), "a barrier alone records nothing");
}

/// A machine without memory to spare when it is first looked at, and with plenty later. `a` runs until `b` began.
#[derive(Default)]
struct Machine {
    looked: Mutex<u32>,
    began: Mutex<BTreeSet<String>>,
    changed: Condvar,
}

impl Executor for Machine {
    fn run(&self, spec: &AttemptSpec) -> Result<Outcome, Busy> {
        let mut began = self.began.lock().unwrap();
        began.insert(spec.key.clone());
        self.changed.notify_all();
        if spec.key == "a" {
            let at_most = Duration::from_secs(60);
            let alone = |began: &mut BTreeSet<String>| !began.contains("b");
            let waited = self.changed.wait_timeout_while(began, at_most, alone).unwrap();
            assert!(!waited.1.timed_out(), "nobody looked at the machine again");
        }
        Ok(outcome(AttemptStatus::Succeeded, Some(0)))
    }

    fn cancel(&self, _: NodeIndex, _: Duration) {}

    fn fence(&self, _: &str) -> usize {
        0
    }

    fn room(&self) -> Option<Room> {
        let mut looked = self.looked.lock().unwrap();
        *looked += 1;
        let free = if *looked == 1 { 0 } else { 4_000_000_000 };
        let memory = Some(room::Memory { free, total: 8_000_000_000 });
        Some(Room { processors: 2, limited_by: "2 processors".into(), memory, ..Room::default() })
    }
}

#[test]
fn the_machine_is_looked_at_again_while_something_waits_for_room() {
    let plan = Plan { parallel: Parallel::Auto, ..lane(vec![stage("a"), stage("b")]) };
    let journal = Memory::default();
    let ports = Ports {
        journal: Box::new(journal.clone()),
        executor: Arc::new(Machine::default()),
        facts: Arc::new(AllThere),
        clock: Arc::new(SystemClock::default()),
        observers: Vec::new(),
        people: None,
        inbox: None,
        commons: None,
        results: None,
        snapshots: None,
    };
    let begin = InputKind::Begin { engine: "test".into() };
    let (state, plan) = (RunState::new(&plan), Arc::new(plan));
    let end = run(&plan, state, begin, ports, &Options::default(), &Arc::new(Control::default())).unwrap();
    assert_eq!((end.status, end.exit), (RunStatus::Succeeded, 0));
    let notes = journal.all().iter().filter(|record| matches!(record.event, Event::Note { .. })).count();
    assert_eq!(notes, 2, "one at a time, and then both");
}

/// Numbers its snapshots, and remembers what it was asked to bring back.
#[derive(Default)]
struct Numbered {
    taken: Mutex<u32>,
    restored: Mutex<Vec<(String, Vec<String>)>>,
    broken: bool,
}

impl Snapshots for Numbered {
    fn take(&self) -> Result<String, String> {
        if self.broken {
            return Err("no room".into());
        }
        let mut taken = self.taken.lock().unwrap();
        *taken += 1;
        Ok(format!("s{taken}"))
    }

    fn compare(&self, _: &str, _: &[String]) -> Result<Vec<Restored>, String> {
        Ok(Vec::new())
    }

    fn restore(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String> {
        self.restored.lock().unwrap().push((to.to_owned(), known.to_vec()));
        Ok(Vec::new())
    }

    fn diff(&self, _: &str, _: &[String], _: usize) -> Result<String, String> {
        Ok(String::new())
    }
}

fn snapshots(setup: &Setup) -> Vec<(Option<u32>, String)> {
    let of = |record: &wfl::event::Record| match &record.event {
        Event::SnapshotTaken { node, id } => Some((*node, id.clone())),
        _ => None,
    };
    setup.journal.all().iter().filter_map(of).collect()
}

#[test]
fn files_are_recorded_before_the_first_stage_and_after_each_and_brought_back_at_last() {
    let numbered = Arc::new(Numbered::default());
    let mut setup = Setup::new(vec![stage("a").undo(), stage("b").undo().needs(&["a"])]);
    setup.snapshots = Some(numbered.clone());
    assert_eq!(setup.run().map(|end| end.exit), Ok(0));
    let all = ["s1", "s2", "s3"].map(str::to_owned);
    assert_eq!(snapshots(&setup), [None, Some(0), Some(1)].into_iter().zip(all.clone()).collect::<Vec<_>>());
    let state = RunState::replay(&setup.plan, &setup.journal.all()).unwrap();
    let files = wfl::engine::rollback::base(&state, None).map(str::to_owned);
    assert_eq!(files.as_deref(), Some("s1"));
    let asking = wfl::engine::Asking { by: "ada".into(), files, ..Default::default() };
    let end = setup.go(state, InputKind::Rollback(asking)).unwrap();
    assert_eq!((end.status, end.exit), (RunStatus::RolledBack, 0));
    assert_eq!(setup.executor.keys(), ["a", "b", "b", "a"]);
    assert_eq!(
        *numbered.restored.lock().unwrap(),
        [("s1".to_owned(), ["+s1", "s2", "s3"].map(str::to_owned).to_vec())]
    );
}

#[test]
fn files_that_cannot_be_recorded_fail_nothing_and_are_told_once() {
    let mut setup = Setup::new(layered());
    setup.snapshots = Some(Arc::new(Numbered { broken: true, ..Numbered::default() }));
    assert_eq!(setup.run().map(|end| end.exit), Ok(0));
    let told = |record: &&wfl::event::Record| matches!(&record.event, Event::Note { text, .. } if text.contains("no room"));
    assert_eq!(setup.journal.all().iter().filter(told).count(), 1);
    let mut large = Setup::new((0..61).map(|at| stage(&format!("s{at}"))).collect());
    large.snapshots = Some(Arc::new(Numbered::default()));
    assert_eq!(large.run().map(|end| end.exit), Ok(0));
    assert_eq!(
        snapshots(&large),
        [(None, "s1".to_owned())],
        "of a large plan only the beginning is recorded"
    );
}
