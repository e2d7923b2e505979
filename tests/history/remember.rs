//! Runs of this machine taken in from its own rows, and records of other machines merged with them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wfl::base::{Timestamp, Value};
use wfl::event::{AttemptStatus, Event, Outcome, RunId, RunStatus, Status, Usage};
use wfl::history::{Filter, History, Mode, Past, PastChange, PastStage};
use wfl::port::{Durability, Journal};
use wfl::store::Store;
use wfl::store::past::{MOST, Merged};

use crate::store::{new_run, store};

fn record(store: &Store, run: &RunId, at: i64, events: &[Event]) {
    store.journal(run).unwrap().commit(Timestamp(at), events, Durability::Process).unwrap();
}

fn session() -> Event {
    let (plan, engine) = (String::new(), String::new());
    Event::RunStarted { lane: "hotfix".into(), stages: 1, plan, params: BTreeMap::new(), engine }
}

fn ended(status: RunStatus, ms: u64) -> Event {
    Event::RunFinished { status, exit: 0, cause: None, node: None, duration_ms: ms }
}

fn outcome(status: AttemptStatus, injected: bool) -> Outcome {
    let usage = Usage { user_us: 5_000, system_us: 2_000, max_rss: 900, read_bytes: 3, ..Usage::default() };
    Outcome { injected, usage, ..crate::run::fakes::outcome(status, Some(0)) }
}

fn stage_ended(node: u32, status: Status, reason: Option<&str>, ms: u64) -> Event {
    let outputs = BTreeMap::from([("token".to_string(), Value::String("hunter2".into()))]);
    Event::StageFinished { node, status, reason: reason.map(str::to_owned), outputs, duration_ms: ms }
}

/// Two attempts of the first stage, the second left out.
fn ran(store: &Store, id: &str, at: i64, injected: bool) -> RunId {
    let run = new_run(store, id, 3);
    let started = |attempt| Event::StageStarted { node: 0, attempt, key: None, inputs: None };
    record(store, &run, at, &[session(), started(1)]);
    let failed = outcome(AttemptStatus::Failed, injected);
    let done = outcome(AttemptStatus::Succeeded, false);
    let finished = |attempt, outcome| Event::AttemptFinished { node: 0, attempt, outcome };
    record(store, &run, at + 500, &[finished(1, failed), started(2), finished(2, done)]);
    let waived = stage_ended(2, Status::Waived, Some("ada@team.example said so"), 0);
    let skipped = stage_ended(1, Status::Skipped, Some("left out by --only s0"), 0);
    record(store, &run, at + 900, &[stage_ended(0, Status::Succeeded, None, 800), skipped, waived]);
    record(store, &run, at + 1_000, &[ended(RunStatus::Succeeded, 1_000)]);
    run
}

fn all(store: &Store) -> Vec<Past> {
    store.past(&Filter::default()).unwrap()
}

fn ids(past: &[Past]) -> Vec<&str> {
    past.iter().map(|past| past.id.as_str()).collect()
}

#[test]
fn a_finished_run_is_known_before_and_after_it_is_taken_in_and_after_it_is_removed() {
    let (_dir, store) = store();
    let run = ran(&store, "r1", 5_000, false);
    let fresh = all(&store);
    let [past] = fresh.as_slice() else { panic!("{fresh:?}") };
    assert_eq!((past.lane.as_str(), past.mode, past.duration_ms), ("hotfix", Mode::Part, 1_000));
    assert_eq!((past.change.id.as_str(), past.change.kind.as_str()), ("c1", "fix"));
    let first = &past.stages[0];
    assert_eq!((first.attempts, first.cpu_ms, first.memory, first.io), (2, 14, 900, 6));
    assert_eq!((first.duration_ms, first.status), (800, Status::Succeeded));
    assert_eq!(past.stages[1].reason.as_deref(), Some("left out by --only s0"));
    assert_eq!(past.stages[2].reason, None, "what a person wrote stays here");
    assert!(!format!("{fresh:?}").contains("hunter2"), "outputs stay here");
    assert_eq!((store.take_in().unwrap(), store.take_in().unwrap()), (1, 0));
    assert_eq!(all(&store), fresh);
    store.delete_run(&run).unwrap();
    assert_eq!(all(&store), fresh);
    assert!(store.verify().unwrap().is_empty());
}

#[test]
fn a_run_that_is_removed_before_anybody_asked_is_remembered() {
    let (_dir, store) = store();
    let run = ran(&store, "r1", 5_000, false);
    store.delete_run(&run).unwrap();
    assert_eq!(ids(&all(&store)), ["r1"]);
}

#[test]
fn a_run_that_goes_on_is_taken_in_again_and_one_that_waits_not_at_all() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 1);
    record(&store, &run, 1_000, &[session(), ended(RunStatus::Failed, 10)]);
    assert_eq!(store.take_in().unwrap(), 1);
    let before = store.remembered().unwrap();
    record(&store, &run, 9_000, &[session(), ended(RunStatus::Succeeded, 20)]);
    let waits = new_run(&store, "r2", 1);
    record(&store, &waits, 9_000, &[session(), ended(RunStatus::Waiting, 20)]);
    assert_eq!(store.take_in().unwrap(), 1);
    let past = all(&store);
    assert_eq!((ids(&past), past[0].status, past[0].duration_ms), (vec!["r1"], RunStatus::Succeeded, 30));
    let (new, last) = store.past_after(before.last).unwrap();
    assert_eq!((new.len(), store.past_after(last).unwrap().0.len()), (1, 0), "seen by who read before");
}

#[test]
fn faults_that_were_asked_for_teach_nothing() {
    let (_dir, store) = store();
    ran(&store, "drill", 5_000, true);
    ran(&store, "real", 6_000, false);
    assert_eq!(ids(&all(&store)), ["real"]);
    assert_eq!((store.take_in().unwrap(), ids(&all(&store))), (1, vec!["real"]));
}

#[test]
fn filters_hold_for_what_was_taken_in_and_for_what_was_not() {
    let (_dir, store) = store();
    for (number, id) in (1..).zip(["a", "b", "c", "d"]) {
        let run = new_run(&store, id, 1);
        record(&store, &run, number, &[session(), ended(RunStatus::Succeeded, 1)]);
        if id == "b" {
            store.take_in().unwrap();
        }
    }
    let with = |filter: Filter| store.past(&filter).unwrap().len();
    let lane = |name: &str| Filter { lane: Some(name.into()), ..Filter::default() };
    assert_eq!((with(lane("hotfix")), with(lane("other"))), (4, 0));
    assert_eq!(with(Filter { limit: Some(3), ..Filter::default() }), 3);
    assert_eq!(with(Filter { since: Some(Timestamp(1_001)), ..Filter::default() }), 0);
    assert_eq!(with(Filter { change_type: Some("fix".into()), ..Filter::default() }), 4);
}

pub fn past(id: &str, started: i64, stages: usize) -> Past {
    let stage = |n: usize| PastStage {
        name: format!("s{n}"),
        stage: format!("s{n}"),
        number: Some(n as u32),
        kind: "stage".into(),
        status: if n == 3 { Status::Failed } else { Status::Succeeded },
        reason: None,
        began_ms: Some(n as u64 * 100),
        duration_ms: 100 + n as u64,
        attempts: 1,
        cpu_ms: 50,
        memory: 1 << 20,
        io: 0,
        measures: BTreeMap::new(),
    };
    Past {
        id: id.into(),
        project: String::new(),
        source: String::new(),
        lane: if id.len().is_multiple_of(2) { "standard" } else { "docs" }.into(),
        status: RunStatus::Succeeded,
        started: Timestamp(started),
        duration_ms: 100 * stages as u64,
        change: PastChange {
            files: vec!["src/a.rs".into()],
            count: 1,
            kind: "feat".into(),
            ..Default::default()
        },
        stages: (0..stages).map(stage).collect(),
        mode: Mode::Full,
    }
}

#[test]
fn merging_twice_is_merging_once_and_contradictions_are_told() {
    let (_dir, store) = store();
    let (one, richer) = (past("x", 5, 2), past("x", 5, 3));
    let merged = |new, same, contradicting: usize| Merged {
        new,
        same,
        contradicting,
        named: (0..contradicting).map(|_| "x".to_string()).collect(),
        forgotten: 0,
    };
    let both = [one.clone(), past("y", 6, 1)];
    assert_eq!(store.would_remember(&both).unwrap(), merged(2, 0, 0));
    assert!(all(&store).is_empty());
    assert_eq!(store.remember(&both).unwrap(), merged(2, 0, 0));
    assert_eq!(store.remember(&both).unwrap(), merged(0, 2, 0));
    assert_eq!(store.remember(std::slice::from_ref(&richer)).unwrap(), merged(0, 0, 1));
    assert_eq!(store.remember(&[one]).unwrap(), merged(0, 0, 1));
    let kept = all(&store);
    assert_eq!(ids(&kept), ["y", "x"]);
    assert_eq!((kept[1].stages.len(), kept[1].source.as_str()), (3, "import"));
    let counts = store.remembered().unwrap();
    assert_eq!((counts.runs, counts.imported), (2, 2));
}

#[test]
fn an_own_run_that_comes_back_stays_an_own_run() {
    let (_dir, store) = store();
    ran(&store, "r1", 5_000, false);
    store.take_in().unwrap();
    let mine = all(&store);
    assert_eq!(store.remember(&mine).unwrap().same, 1);
    assert_eq!((all(&store), store.remembered().unwrap().imported), (mine, 0));
}

#[test]
fn only_so_many_are_remembered_the_newest() {
    let (_dir, store) = store();
    let many: Vec<Past> = (0..MOST + 3).map(|n| past(&format!("{n:06}"), n as i64, 0)).collect();
    let merged = store.remember(&many).unwrap();
    assert_eq!((merged.new, merged.forgotten), (MOST + 3, 3));
    let oldest = all(&store).last().map(|past| past.id.clone());
    assert_eq!(oldest.as_deref(), Some("000003"));
}

fn any_past() -> impl Strategy<Value = Vec<Past>> {
    let one = (0..6u8, 0..3i64, 0..4usize).prop_map(|(id, at, stages)| past(&format!("r{id}"), at, stages));
    proptest::collection::vec(one, 0..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn two_histories_merged_in_either_order_and_twice_are_one(a in any_past(), b in any_past()) {
        let merged = |parts: &[&[Past]]| {
            let (_dir, store) = store();
            parts.iter().for_each(|part| drop(store.remember(part).unwrap()));
            all(&store)
        };
        let one = merged(&[&a, &b]);
        prop_assert_eq!(&one, &merged(&[&b, &a]));
        prop_assert_eq!(&one, &merged(&[&a, &b, &a, &b]));
        let ids: BTreeSet<&str> = a.iter().chain(&b).map(|past| past.id.as_str()).collect();
        prop_assert_eq!(ids.len(), one.len());
    }
}
