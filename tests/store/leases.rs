//! Claims on what runs share, at the store: many processes at once, the dead and the living.

use std::path::Path;
use std::sync::atomic::{AtomicI32, Ordering};

use wfl::base::Timestamp;
use wfl::event::{Event, Status, WaitFor};
use wfl::port::{Claim, Claimed, Commons, Durability, Journal, Want};
use wfl::store::Store;

use super::{new_run, store};

fn claim(keepers: &[u32]) -> Claim {
    let want = Want { on: WaitFor::Lock, name: "prod".into(), slots: 1 };
    Claim { node: 0, wants: vec![want], breaker: None, keepers: keepers.to_vec() }
}

fn nobody(_: &str) -> usize {
    panic!("nobody is dead")
}

fn granted(store: &Store, run: &wfl::event::RunId, claim: &Claim, fence: &dyn Fn(&str) -> usize) -> bool {
    let answer = store.commons(run).unwrap().claim(Timestamp::now(), claim, fence).unwrap();
    matches!(answer, Claimed::Granted { .. })
}

fn record(store: &Store, run: &wfl::event::RunId, events: &[Event]) {
    store.journal(run).unwrap().commit(Timestamp::now(), events, Durability::Process).unwrap();
}

/// One process of many, as far as SQLite can tell: a connection of its own.
fn works(dir: &Path, name: &str, inside: &AtomicI32) -> i32 {
    let store = Store::open(dir).unwrap();
    let run = new_run(&store, name, 1);
    let _lock = store.acquire(&run).unwrap();
    let mut most = 0;
    for _ in 0..5 {
        while !granted(&store, &run, &claim(&[]), &nobody) {
            std::thread::yield_now();
        }
        most = most.max(inside.fetch_add(1, Ordering::SeqCst) + 1);
        std::thread::yield_now();
        inside.fetch_sub(1, Ordering::SeqCst);
        record(&store, &run, &[Event::LeaseReleased { node: 0 }]);
    }
    most
}

#[test]
fn of_many_claims_at_once_one_is_granted() {
    let (folder, first) = store();
    let (dir, inside) = (folder.path().join("state"), AtomicI32::new(0));
    let most = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..6)
            .map(|at| (format!("r{at}"), &dir, &inside))
            .map(|(name, dir, inside)| scope.spawn(move || works(dir, &name, inside)))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).max()
    });
    assert_eq!((most, first.held().unwrap()), (Some(1), vec![]));
}

#[test]
fn a_dead_run_is_fenced_before_what_it_held_is_given_away_and_a_living_one_is_not() {
    let (_folder, store) = store();
    let (one, two) = (new_run(&store, "r1", 1), new_run(&store, "r2", 1));
    let (lives, _too) = (store.acquire(&one).unwrap(), store.acquire(&two).unwrap());
    assert!(granted(&store, &one, &claim(&[]), &nobody));
    assert!(!granted(&store, &two, &claim(&[]), &nobody), "it lives");
    drop(lives);
    let fenced = std::sync::Mutex::new(Vec::new());
    let fence = |run: &str| {
        // Nobody may take it up while it is cleared away: whoever tries meanwhile tries again.
        fenced.lock().unwrap().push(run.to_owned());
        3
    };
    let answer = store.commons(&two).unwrap().claim(Timestamp::now(), &claim(&[]), &fence).unwrap();
    assert_eq!(answer, Claimed::Granted { probe: None, killed: 3 });
    assert_eq!(*fenced.lock().unwrap(), ["r1"]);
    assert_eq!(store.held().unwrap().iter().map(|held| held.run.as_str()).collect::<Vec<_>>(), ["r2"]);
}

#[test]
fn what_a_once_stage_keeps_outlives_its_run_until_it_is_resolved() {
    let (_folder, store) = store();
    let (one, two) = (new_run(&store, "r1", 1), new_run(&store, "r2", 1));
    let (lives, _too) = (store.acquire(&one).unwrap(), store.acquire(&two).unwrap());
    assert!(granted(&store, &one, &claim(&[0]), &nobody));
    record(&store, &one, &[Event::StageStarted { node: 0, attempt: 1, key: None, inputs: None }]);
    drop(lives);
    assert!(!granted(&store, &two, &claim(&[]), &nobody), "nobody knows how it ended");
    assert!(store.held().unwrap()[0].keeps);
    let resumed = Event::RunResumed { engine: "test".into(), adopted: false };
    let unknown = Event::StageUnknown { node: 0, reason: "?".into() };
    record(&store, &one, &[resumed, unknown]);
    assert!(!granted(&store, &two, &claim(&[]), &nobody), "it is still not known");
    record(&store, &one, &[Event::StageResolved { node: 0, done: true, by: "ada".into() }]);
    assert!(granted(&store, &two, &claim(&[]), &nobody));
}

/// The twin: the same of a stage that may run again keeps nothing, nor does one that never started.
#[test]
fn what_may_run_again_or_never_started_keeps_nothing() {
    for (keepers, starts) in [(vec![], true), (vec![0], false)] {
        let (_folder, store) = store();
        let (one, two) = (new_run(&store, "r1", 1), new_run(&store, "r2", 1));
        let (lives, _too) = (store.acquire(&one).unwrap(), store.acquire(&two).unwrap());
        assert!(granted(&store, &one, &claim(&keepers), &nobody));
        if starts {
            record(&store, &one, &[Event::StageStarted { node: 0, attempt: 1, key: None, inputs: None }]);
        }
        drop(lives);
        assert!(granted(&store, &two, &claim(&[]), &|_| 0), "keepers {keepers:?}");
    }
}

#[test]
fn an_end_and_the_release_are_one_transaction() {
    let (_folder, store) = store();
    let run = new_run(&store, "r1", 1);
    let _lock = store.acquire(&run).unwrap();
    assert!(granted(&store, &run, &claim(&[0]), &nobody));
    record(&store, &run, &[Event::StageStarted { node: 0, attempt: 1, key: None, inputs: None }]);
    let end = Event::StageFinished {
        node: 0,
        status: Status::Succeeded,
        reason: None,
        outputs: Default::default(),
        duration_ms: 1,
    };
    record(&store, &run, &[end, Event::LeaseReleased { node: 0 }]);
    assert!(store.held().unwrap().is_empty());
    store.rebuild(&run).unwrap();
    assert!(store.held().unwrap().is_empty(), "what is held is not worked out from the past");
}
