//! What state and metrics cost a run of 50 stages of 0.2 s, on against off: the same plan, engine and executor with the
//! store's journal, with one that keeps events but no metrics, and with one in memory; and bare spawns, which are no
//! engine at all. Rounds run all of them in turn; ratios are of one round. Prints a table; judges nothing.
//!
//! `cargo bench --bench overhead [-- ROUNDS]`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wfl::base::Timestamp;
use wfl::base::clock::SystemClock;
use wfl::embed::{Asked, Project};
use wfl::engine::{Control, InputKind, Options, Ports, RunState, run};
use wfl::event::{Event, Record, RunId};
use wfl::exec::LocalExecutor;
use wfl::facts::{ChangeFlags, World};
use wfl::plan::Plan;
use wfl::port::{Durability, Journal, StateUnsafe};
use wfl::store::{NewNode, NewRun, Store};

const STAGES: usize = 50;
const SECONDS: &str = "0.2";
const AT_ONCE: usize = 2;
/// All of one round, each in a process of its own.
const RUNGS: [&str; 4] = ["bare", "memory", "events", "store"];

#[derive(Clone, Copy)]
struct Took {
    wall: f64,
    /// Of the process and all it started.
    processor: f64,
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if let Some(at) = words.iter().position(|word| word == "--rung") {
        return rung(&words[at + 1], Path::new(&words[at + 2]));
    }
    let rounds = words.iter().filter_map(|word| word.parse().ok()).next().unwrap_or(7);
    let place = std::env::temp_dir().join(format!("wfl-overhead-{}", std::process::id()));
    println!("{STAGES} stages of {SECONDS} s, {AT_ONCE} at once, {rounds} paired rounds\n");
    let mut found: Vec<Vec<Took>> = Vec::new();
    for round in 0..rounds {
        // Each is first in turn, so that none always follows the same other.
        let mut took = vec![None; RUNGS.len()];
        for step in 0..RUNGS.len() {
            let at = (step + round) % RUNGS.len();
            took[at] = measure(RUNGS[at], &place.join(format!("{round}-{}", RUNGS[at])));
        }
        found.extend(took.into_iter().collect::<Option<Vec<Took>>>());
    }
    let _ = fs::remove_dir_all(&place);
    println!("| | wall | processor |\n| --- | ---: | ---: |");
    for (at, name) in RUNGS.iter().enumerate() {
        let (wall, processor) =
            (median(&found, |round| round[at].wall), median(&found, |round| round[at].processor));
        println!("| {name} | {:.3} s | {:.1} ms |", wall, processor * 1e3);
    }
    println!("\n| on against off | wall | processor, of the wall time |\n| --- | ---: | ---: |");
    for (what, on, off) in [("state", 3, 1), ("metrics", 3, 2), ("engine without state", 1, 0)] {
        let wall = median(&found, |round| round[on].wall / round[off].wall - 1.0);
        let processor =
            median(&found, |round| (round[on].processor - round[off].processor) / round[off].wall);
        println!("| {what} | {:+.2} % | {:+.2} % |", wall * 100.0, processor * 100.0);
    }
}

fn median(rounds: &[Vec<Took>], of: impl Fn(&[Took]) -> f64) -> f64 {
    let mut numbers: Vec<f64> = rounds.iter().map(|round| of(round)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

fn measure(rung: &str, folder: &Path) -> Option<Took> {
    fs::create_dir_all(folder).expect("a folder");
    let mut text = String::from("wfl 1\n");
    for at in 0..STAGES {
        let _ = writeln!(text, "stage s{at} {{ exec \"/bin/sleep\", \"{SECONDS}\" }}");
    }
    fs::write(folder.join("all.wfl"), text).expect("a file");
    let own = std::env::current_exe().expect("this program");
    let started = Instant::now();
    let child = Command::new(own)
        .args(["--rung", rung])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .ok()?;
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to live locals of the types that wait4 writes, and nobody else waits for the child.
    let reaped = unsafe { libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()) };
    let wall = started.elapsed().as_secs_f64();
    // SAFETY: all zero is a valid `rusage`.
    let usage = unsafe { usage.assume_init() };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let processor = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    (reaped > 0 && status == 0).then_some(Took { wall, processor })
}

fn rung(name: &str, folder: &Path) {
    // All read and check the same file first, so that only what is compared differs.
    let project = Project::open(folder).expect("a project");
    let asked = Asked { target: Some("all.wfl".into()), ..Asked::default() };
    let plan = project.plan(&asked).expect("a plan").plan;
    let (id, state) = (RunId("20260101-000000-aaaa".into()), folder.join("state"));
    match name {
        "bare" => bare(),
        "memory" => drive(plan, id, Box::new(InMemory::default()), None),
        _ => {
            let store = Store::open(&state).expect("a state");
            create(&store, &plan, &id);
            let logs = Some(store.log_dir(&id));
            let journal: Box<dyn Journal> = match name {
                "events" => Box::new(EventsOnly::open(&state)),
                _ => Box::new(store.journal(&id).expect("a journal")),
            };
            drive(plan, id, journal, logs);
        }
    }
}

/// The same processes from threads that keep nothing.
fn bare() {
    let left = Mutex::new(STAGES);
    let take = || {
        let mut left = left.lock().expect("nobody panics while holding it");
        let some = *left > 0;
        *left = left.saturating_sub(1);
        some
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while take() {
                    let _ = Command::new("/bin/sleep").arg(SECONDS).stdin(Stdio::null()).status();
                }
            });
        }
    });
}

fn create(store: &Store, plan: &Plan, id: &RunId) {
    let node = |node: &wfl::plan::Node| NewNode {
        key: node.key.clone(),
        stage: node.key.clone(),
        number: node.number,
        kind: "stage".into(),
    };
    let nodes: Vec<NewNode> = plan.nodes.iter().map(node).collect();
    let new = NewRun {
        id,
        lane: &plan.lane,
        plan_json: &serde_json::to_string(plan).expect("a plan is JSON"),
        nodes: &nodes,
        change: &Default::default(),
        params: &BTreeMap::new(),
        at: Timestamp::now(),
    };
    store.create_run(&new).expect("a run");
}

fn drive(plan: Plan, id: RunId, journal: Box<dyn Journal>, log_dir: Option<std::path::PathBuf>) {
    let ports = Ports {
        journal,
        executor: Arc::new(LocalExecutor::new()),
        facts: Arc::new(World::new(&plan.root, ChangeFlags::default())),
        clock: Arc::new(SystemClock::default()),
        observers: Vec::new(),
        people: None,
        inbox: None,
        commons: None,
        results: None,
        snapshots: None,
    };
    let options = Options {
        run: id,
        jobs: Some(AT_ONCE),
        log_dir,
        grace: Duration::from_secs(1),
        ..Options::default()
    };
    let begin = InputKind::Begin { engine: "bench".into() };
    let (state, plan) = (RunState::new(&plan), Arc::new(plan));
    let end = run(&plan, state, begin, ports, &options, &Arc::new(Control::default()));
    assert!(end.is_ok_and(|end| end.exit == 0), "the run fails");
}

/// No state at all.
#[derive(Default)]
struct InMemory {
    next: u64,
}

impl Journal for InMemory {
    fn commit(&mut self, at: Timestamp, events: &[Event], _: Durability) -> Result<Vec<Record>, StateUnsafe> {
        let records =
            (self.next + 1..).zip(events).map(|(seq, event)| Record { seq, at, event: event.clone() });
        let records: Vec<Record> = records.collect();
        self.next += records.len() as u64;
        Ok(records)
    }
}

/// As durable as the store, in the same database, but of events alone: no row of a run, stage or attempt is kept up to
/// date, so that there would be no metrics.
struct EventsOnly {
    db: Mutex<rusqlite::Connection>,
    next: u64,
}

impl EventsOnly {
    fn open(state: &Path) -> Self {
        let db = rusqlite::Connection::open(state.join("state.db")).expect("the store's database");
        db.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000",
        )
        .expect("settings");
        EventsOnly { db: Mutex::new(db), next: 1 }
    }
}

impl Journal for EventsOnly {
    fn commit(&mut self, at: Timestamp, events: &[Event], d: Durability) -> Result<Vec<Record>, StateUnsafe> {
        let numbered = (self.next..).zip(events);
        let records: Vec<Record> =
            numbered.map(|(seq, event)| Record { seq, at, event: event.clone() }).collect();
        self.next += records.len() as u64;
        let db = self.db.lock().expect("nobody panics while holding it");
        let write = || -> rusqlite::Result<()> {
            if d == Durability::Disk {
                db.execute_batch("PRAGMA synchronous = FULL")?;
            }
            db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
            for record in &records {
                let data = serde_json::to_string(&record.event).expect("an event is JSON");
                db.prepare_cached("INSERT INTO event(run, seq, at, data) VALUES (1, ?1, ?2, ?3)")?
                    .execute(rusqlite::params![record.seq as i64, record.at.0, data])?;
            }
            if records.is_empty() {
                db.prepare_cached("UPDATE run SET barriers = barriers + 1 WHERE num = 1")?.execute([])?;
            }
            db.prepare_cached("COMMIT")?.execute([])?;
            if d == Durability::Disk {
                db.execute_batch("PRAGMA synchronous = NORMAL")?;
            }
            Ok(())
        };
        write()
            .map(|()| records.clone())
            .map_err(|e| StateUnsafe { message: e.to_string(), help: String::new() })
    }
}
