//! Events and the rows that follow from them.

use std::collections::BTreeMap;

use wfl::base::{Timestamp, Value};
use wfl::event::{AttemptStatus, Event, Outcome, RunId, RunStatus, Status, Usage, WaitFor};
use wfl::history::{Filter, History};
use wfl::port::{Answer, Durability, Inbox, Journal, Message};
use wfl::store::Store;

use super::{new_run, store};

fn started(node: u32, attempt: u32) -> Event {
    Event::StageStarted { node, attempt, key: None, inputs: None }
}

fn ended(node: u32, attempt: u32, status: AttemptStatus) -> Event {
    let outcome = Outcome {
        status,
        exit: Some(i32::from(status != AttemptStatus::Succeeded)),
        signal: None,
        duration_ms: 40,
        error: None,
        stderr: "it broke".into(),
        stdout: String::new(),
        usage: Usage { user_ms: 3, system_ms: 1, max_rss: 4096, ..Usage::default() },
        log_cut: false,
        class: None,
        injected: false,
    };
    Event::AttemptFinished { node, attempt, outcome }
}

fn finished(node: u32, status: Status, reason: Option<&str>) -> Event {
    let outputs = BTreeMap::from([("size".to_string(), Value::Size(10))]);
    Event::StageFinished { node, status, reason: reason.map(String::from), outputs, duration_ms: 50 }
}

fn run_started() -> Event {
    Event::RunStarted {
        lane: "hotfix".into(),
        stages: 6,
        plan: "ab".into(),
        params: BTreeMap::new(),
        engine: "0.1".into(),
    }
}

fn run_finished(status: RunStatus) -> Event {
    let cause = Some("s1 failed".to_string());
    Event::RunFinished { status, exit: status.exit_code(), cause, node: Some(1), duration_ms: 500 }
}

/// One of nearly everything, in an order that could have been.
fn history_of_a_run() -> Vec<Vec<Event>> {
    let measures = BTreeMap::from([("lines".to_string(), Value::Percent(69.9))]);
    vec![
        vec![run_started(), started(0, 1)],
        vec![ended(0, 1, AttemptStatus::Succeeded), finished(0, Status::Succeeded, None), started(1, 1)],
        vec![
            ended(1, 1, AttemptStatus::Failed),
            Event::StageWaiting {
                node: 1,
                on: WaitFor::Retry,
                detail: "2s".into(),
                until: Some(Timestamp(9)),
            },
        ],
        vec![started(1, 2)],
        vec![ended(1, 2, AttemptStatus::TimedOut), finished(1, Status::TimedOut, Some("no end after 1s"))],
        vec![Event::StagesBlocked { root: 1, nodes: vec![2, 3] }],
        vec![Event::GateJudged { node: 4, measures, checks: vec![], error: None, inputs: None }],
        vec![Event::ApprovalRequested { node: 5, count: 2, group: "ops".into(), expires: None }],
        vec![run_finished(RunStatus::Waiting)],
        vec![Event::RunResumed { engine: "0.1".into(), adopted: false }],
        vec![Event::StageReset { node: 0, reason: "src/a.rs changed".into() }],
        vec![Event::StageUnknown { node: 4, reason: "interrupted".into() }],
        vec![Event::StageResolved { node: 4, done: true, by: "ada".into() }],
        vec![run_finished(RunStatus::GateFailed)],
    ]
}

fn record(store: &Store, run: &RunId) {
    let mut journal = store.journal(run).unwrap();
    for (turn, events) in history_of_a_run().iter().enumerate() {
        let hard = if turn % 3 == 0 { Durability::Disk } else { Durability::Process };
        journal.commit(Timestamp(2_000 + turn as i64), events, hard).unwrap();
    }
}

#[test]
fn events_come_back_numbered_without_gaps() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 6);
    record(&store, &run);
    let all: Vec<Event> = history_of_a_run().into_iter().flatten().collect();
    let read = store.events(&run).unwrap();
    assert_eq!(read.iter().map(|r| r.seq).collect::<Vec<_>>(), (1..=all.len() as u64).collect::<Vec<_>>());
    assert_eq!(read.into_iter().map(|r| r.event).collect::<Vec<_>>(), all);
    assert_eq!(store.load_plan(&run).unwrap().as_deref(), Some("{\"lane\":\"hotfix\"}"));
}

#[test]
fn projections_equal_a_rebuild_from_the_events() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 6);
    record(&store, &run);
    let rows = || (store.run(&run.0).unwrap(), store.stages(&run.0).unwrap());
    let before = rows();
    store.rebuild(&run).unwrap();
    assert_eq!(before, rows());
    // The twin: without the last events the rows differ, so equality says something.
    let (summary, stages) = before;
    assert_eq!(summary.unwrap().status, RunStatus::GateFailed);
    let states: Vec<Status> = stages.iter().map(|stage| stage.status).collect();
    use Status::{Blocked, Pending, Succeeded, TimedOut, Waiting};
    assert_eq!(states, [Pending, TimedOut, Blocked, Blocked, Succeeded, Waiting]);
    assert_eq!(stages[2].reason.as_deref(), Some("blocked by s1"));
    assert_eq!(stages[4].measures["lines"], serde_json::json!(69.9));
    assert_eq!(
        stages[1].attempts.iter().map(|a| a.status).collect::<Vec<_>>(),
        [AttemptStatus::Failed, AttemptStatus::TimedOut]
    );
    assert!(stages[0].outputs.is_empty() && stages[1].outputs["size"] == 10);
}

#[test]
fn every_session_counts_and_a_crashed_one_until_its_last_event() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    let mut journal = store.journal(&run).unwrap();
    let resumed = || Event::RunResumed { engine: "0.1".into(), adopted: false };
    for (at, event) in [
        (1_000, run_started()),
        (1_300, started(0, 1)), // the engine dies here
        (9_000, resumed()),
        (9_100, run_finished(RunStatus::Waiting)), // says 500
    ] {
        journal.commit(Timestamp(at), &[event], Durability::Process).unwrap();
    }
    let summary = store.run("r1").unwrap().unwrap();
    assert_eq!((summary.duration_ms, summary.status), (300 + 500, RunStatus::Waiting));
}

#[test]
fn runs_are_newest_first_and_filtered() {
    let (_dir, store) = store();
    for id in ["20261121-013430-aaaa", "20261121-013431-abcd", "20261122-013430-aaab"] {
        new_run(&store, id, 1);
    }
    let ids = |filter: &Filter| store.runs(filter).unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(&Filter { limit: Some(1), ..Filter::default() }), ["20261122-013430-aaab"]);
    assert_eq!(ids(&Filter { lane: Some("hotfix".into()), ..Filter::default() }).len(), 3);
    assert!(ids(&Filter { change_type: Some("feat".into()), ..Filter::default() }).is_empty());
    assert!(ids(&Filter { since: Some(Timestamp(1_001)), ..Filter::default() }).is_empty());
    let resolve = |word: &str| store.resolve_run(word);
    assert_eq!(resolve("last").unwrap().0, "20261122-013430-aaab");
    assert_eq!(resolve("abcd").unwrap().0, "20261121-013431-abcd");
    assert_eq!(resolve("20261122").unwrap().0, "20261122-013430-aaab");
    assert!(resolve("20261121").unwrap_err().message.contains("fits 2 runs"));
    assert!(resolve("20261121-013431-abce").unwrap_err().help.contains("20261121-013431-abcd"));
}

#[test]
fn a_second_writer_of_one_run_is_refused_and_the_journal_stays_shut() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    let (mut first, mut second) = (store.journal(&run).unwrap(), store.journal(&run).unwrap());
    first.commit(Timestamp(1), &[run_started()], Durability::Process).unwrap();
    let refused = second.commit(Timestamp(1), &[started(0, 1)], Durability::Process).unwrap_err();
    assert!(refused.message.contains("another program"), "{refused:?}");
    assert_eq!(second.commit(Timestamp(1), &[started(1, 1)], Durability::Process), Err(refused));
    first.commit(Timestamp(2), &[started(0, 1)], Durability::Disk).unwrap();
    assert_eq!(store.events(&run).unwrap().len(), 2);
}

#[test]
fn two_processes_worth_of_connections_write_two_runs_at_once() {
    let (dir, store) = store();
    let state = dir.path().join("state");
    let runs: Vec<RunId> = (0..4).map(|n| new_run(&store, &format!("r{n}"), 1)).collect();
    std::thread::scope(|scope| {
        for run in &runs {
            scope.spawn(|| {
                let own = Store::open(&state).unwrap();
                let mut journal = own.journal(run).unwrap();
                for attempt in 1..=100 {
                    let hard = if attempt % 10 == 0 { Durability::Disk } else { Durability::Process };
                    journal.commit(Timestamp(1), &[started(0, attempt)], hard).unwrap();
                }
            });
        }
    });
    assert!(runs.iter().all(|run| store.events(run).unwrap().len() == 100));
}

#[test]
fn what_was_committed_is_in_a_copy_taken_while_the_writer_lives() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 1);
    let mut journal = store.journal(&run).unwrap();
    for attempt in 1..=20 {
        journal.commit(Timestamp(1), &[started(0, attempt)], Durability::Process).unwrap();
        // What kill -9 would leave: the files as they are now, the writer never closing them.
        let copy = dir.path().join(format!("copy{attempt}"));
        std::fs::create_dir(&copy).unwrap();
        for name in ["state.db", "state.db-wal"] {
            std::fs::copy(dir.path().join("state").join(name), copy.join(name)).unwrap();
        }
        let reopened = Store::open(&copy).unwrap();
        assert_eq!(reopened.events(&run).unwrap().len() as u32, attempt);
        assert_eq!(reopened.verify().unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_barrier_without_events_reaches_the_log_and_so_the_disk() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 1);
    let mut journal = store.journal(&run).unwrap();
    let log = || std::fs::metadata(dir.path().join("state/state.db-wal")).unwrap().len();
    let before = log();
    journal.commit(Timestamp(1), &[], Durability::Process).unwrap();
    assert_eq!(log(), before);
    journal.commit(Timestamp(1), &[], Durability::Disk).unwrap();
    assert!(log() > before);
}

#[test]
fn a_removed_database_stops_the_run() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 1);
    let mut journal = store.journal(&run).unwrap();
    journal.commit(Timestamp(1), &[run_started()], Durability::Disk).unwrap();
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let error = journal.commit(Timestamp(2), &[started(0, 1)], Durability::Process).unwrap_err();
    assert!(error.message.contains("removed or replaced"), "{error:?}");
}

#[test]
fn messages_are_taken_with_the_event_they_led_to() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 1);
    let mut journal = store.journal(&run).unwrap();
    let mut inbox = store.inbox(&run).unwrap();
    assert!(inbox.take().is_empty());
    let other = Store::open(&dir.path().join("state")).unwrap();
    let answer = Answer { yes: true, by: "ada@team.example".into(), comment: Some("ok".into()) };
    let approval = Message::Approval { stage: "s0".into(), answer };
    other.post_message(&run, &approval).unwrap();
    other.post_message(&run, &Message::Cancel { by: "bob".into() }).unwrap();
    let both = vec![approval.clone(), Message::Cancel { by: "bob".into() }];
    assert_eq!(inbox.take(), both);
    assert!(inbox.take().is_empty());
    // The engine dies before it recorded anything of them: its successor gets them again.
    journal.commit(Timestamp(1), &[started(0, 1)], Durability::Process).unwrap();
    assert_eq!(other.inbox(&run).unwrap().take(), both);
    let given = Event::ApprovalGiven { node: 0, by: "ada".into(), approved: true, comment: None };
    journal.commit(Timestamp(2), &[given], Durability::Disk).unwrap();
    assert!(other.inbox(&run).unwrap().take().is_empty());
    assert!(other.post_message(&RunId("none".into()), &approval).is_err());
}
