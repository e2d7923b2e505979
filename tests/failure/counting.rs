//! Counts in the database: in the transaction of the events, the same when worked out again, kept when runs are removed, and
//! still there when a row is bad.

use wfl::base::Timestamp;
use wfl::event::{Event, FailureClass, RunId};
use wfl::failure::{Remedy, Verdict};
use wfl::port::{Durability, Journal};
use wfl::store::Store;
use wfl::store::failure::Wanted;

use crate::store::{new_run, store};

const ONE: &str = "00000000000000aa";
const OTHER: &str = "00000000000000bb";

fn seen(node: u32, attempt: u32, signature: &str) -> Event {
    Event::FailureSeen {
        node,
        attempt,
        signature: signature.into(),
        program: "make".into(),
        text: "it broke".into(),
        class: Some(FailureClass::Exit),
    }
}

fn told(node: u32, helped: bool) -> Event {
    Event::FailureTold { node, signature: ONE.into(), remedy: "retry".into(), helped }
}

fn repaired(node: u32, helped: bool) -> [Event; 2] {
    let rule = || "stale lock".to_string();
    [
        Event::RepairStarted { node, attempt: 1, rule: rule(), number: 1, again: true, by: None },
        Event::RepairTold { node, rule: rule(), helped },
    ]
}

fn events() -> Vec<Event> {
    let mut events = vec![seen(0, 1, ONE), told(0, false), seen(0, 2, ONE), told(0, true), seen(1, 1, OTHER)];
    events.extend(repaired(1, true));
    events
}

fn record(store: &Store, run: &RunId, events: &[Event], at: i64) {
    store.journal(run).unwrap().commit(Timestamp(at), events, Durability::Process).unwrap();
}

fn rows(store: &Store) -> Vec<String> {
    let all = store.failures(&Wanted::default()).unwrap();
    let row = |tally: wfl::failure::Tally| {
        let remedies = store.remedies(&tally.signature).unwrap();
        let places = store.places(&tally.signature).unwrap();
        format!("{tally:?} {remedies:?} {places:?}")
    };
    all.into_iter().map(row).collect()
}

#[test]
fn runs_add_up() {
    let (_dir, store) = store();
    for (number, id) in (1..).zip(["r1", "r2", "r3"]) {
        let run = new_run(&store, id, 2);
        record(&store, &run, &events(), 1_000 * number);
    }
    let one = store.find_failure("00000000000000a").unwrap();
    assert_eq!((one.seen, one.runs, one.retried, one.retry_helped), (6, 3, 6, 3));
    assert_eq!((one.first, one.last, one.told), (Timestamp(1_000), Timestamp(3_000), Some(Timestamp(3_000))));
    assert_eq!(one.class, Some(FailureClass::Exit));
    let remedies = store.remedies(OTHER).unwrap();
    assert_eq!(remedies, [Remedy { name: "repair stale lock".into(), tried: 3, helped: 3 }]);
    let places = store.places(ONE).unwrap();
    assert_eq!(
        places.iter().map(|place| (place.stage.as_str(), place.seen)).collect::<Vec<_>>(),
        [("s0", 2); 3]
    );
    assert_eq!(store.known_failures().unwrap().keys().collect::<Vec<_>>(), [ONE]);
    let of_lane =
        |lane: &str| store.failures(&Wanted { lane: Some(lane.into()), ..Wanted::default() }).unwrap().len();
    assert_eq!((of_lane("hotfix"), of_lane("nosuch")), (2, 0));
    let since = Wanted { since: Some(Timestamp(3_001)), ..Wanted::default() };
    assert!(store.failures(&since).unwrap().is_empty());
}

#[test]
fn a_rebuild_changes_nothing_however_often() {
    let (_dir, store) = store();
    let (one, other) = (new_run(&store, "r1", 2), new_run(&store, "r2", 2));
    record(&store, &one, &events(), 1_000);
    record(&store, &other, &events(), 2_000);
    let before = rows(&store);
    for _ in 0..3 {
        store.rebuild(&one).unwrap();
    }
    assert_eq!(rows(&store), before);
    // The twin: what was lost comes back, so that equality says something.
    store.forget_failures(None).unwrap();
    assert!(rows(&store).is_empty());
    store.rebuild(&one).unwrap();
    store.rebuild(&other).unwrap();
    assert_eq!(rows(&store), before);
}

#[test]
fn a_removed_run_leaves_what_it_taught() {
    let (_dir, store) = store();
    let (one, other) = (new_run(&store, "r1", 2), new_run(&store, "r2", 2));
    record(&store, &one, &events(), 1_000);
    record(&store, &other, &events(), 2_000);
    store.delete_run(&one).unwrap();
    let tally = store.find_failure(ONE).unwrap();
    assert_eq!((tally.seen, tally.retried, tally.retry_helped), (4, 4, 2));
    assert_eq!(store.remedies(ONE).unwrap(), [Remedy { name: "retry".into(), tried: 4, helped: 2 }]);
    assert_eq!(store.places(ONE).unwrap().len(), 1);
}

/// What the events say and what is counted, over all runs.
fn agrees(store: &Store) -> bool {
    let database = rusqlite::Connection::open(store.dir().join("state.db")).unwrap();
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    count("SELECT count(*) FROM event WHERE type = 'failure.seen'")
        == count("SELECT coalesce(sum(seen), 0) FROM failure")
        && count("SELECT count(*) FROM event WHERE type = 'failure.told'")
            == count("SELECT coalesce(sum(retried), 0) FROM failure")
}

#[test]
fn a_commit_that_fails_counts_nothing() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    let mut behind = store.journal(&run).unwrap();
    record(&store, &run, &events(), 1_000);
    // Another wrote to the run meanwhile: this one is refused as a whole.
    assert!(behind.commit(Timestamp(2_000), &events(), Durability::Process).is_err());
    assert!(agrees(&store));
    assert_eq!(store.find_failure(ONE).unwrap().seen, 2);
}

/// The twin: counted in a transaction of its own, the refused commit leaves its count behind.
#[test]
fn a_count_outside_the_transaction_is_noticed() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    let mut behind = store.journal(&run).unwrap();
    record(&store, &run, &events(), 1_000);
    let database = rusqlite::Connection::open(store.dir().join("state.db")).unwrap();
    database.execute("UPDATE failure SET seen = seen + 2 WHERE signature = ?1", [ONE]).unwrap();
    assert!(behind.commit(Timestamp(2_000), &events(), Durability::Process).is_err());
    assert!(!agrees(&store));
}

#[test]
fn a_row_that_cannot_be_read_hides_no_other() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    record(&store, &run, &events(), 1_000);
    let database = rusqlite::Connection::open(store.dir().join("state.db")).unwrap();
    database.execute("UPDATE failure SET text = x'ff00' WHERE signature = ?1", [ONE]).unwrap();
    database.execute("UPDATE failure SET retried = 9 WHERE signature = ?1", [ONE]).unwrap();
    let left = store.failures(&Wanted::default()).unwrap();
    assert_eq!(left.iter().map(|tally| tally.signature.as_str()).collect::<Vec<_>>(), [OTHER]);
    assert!(store.known_failures().unwrap().is_empty());
    record(&store, &run, &[seen(0, 3, OTHER)], 2_000);
    assert_eq!(store.find_failure(OTHER).unwrap().seen, 2);
}

#[test]
fn what_people_write_stays_until_it_is_taken_away() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 2);
    record(&store, &run, &events(), 1_000);
    store.note_failure(ONE, Some("ask Ada"), None).unwrap();
    store.note_failure(ONE, None, Some(Verdict::Permanent)).unwrap();
    let noted = store.find_failure(ONE).unwrap();
    assert_eq!((noted.note.as_deref(), noted.verdict), (Some("ask Ada"), Some(Verdict::Permanent)));
    assert!(store.known_failures().unwrap().contains_key(ONE));
    store.rebuild(&run).unwrap();
    assert_eq!(store.find_failure(ONE).unwrap(), noted);
    store.clear_note(ONE).unwrap();
    assert_eq!(store.find_failure(ONE).unwrap().verdict, None);
    assert_eq!(store.forget_failures(Some(ONE)).unwrap(), 1);
    assert!(store.find_failure(ONE).is_err());
    assert!(store.remedies(ONE).unwrap().is_empty() && store.places(ONE).unwrap().is_empty());
}
