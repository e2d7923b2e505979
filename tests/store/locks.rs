//! Which run has a living engine.

use std::fs;

use wfl::event::RunStatus;
use wfl::history::History;
use wfl::store::lock::AcquireError;

use super::{new_run, store};

#[test]
fn one_engine_a_run_and_the_second_learns_who_has_it() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 1);
    let lock = store.acquire(&run).unwrap();
    match store.acquire(&run) {
        Err(AcquireError::Held(held)) => assert_eq!(held.pid, std::process::id()),
        other => panic!("{other:?}"),
    }
    assert!(store.is_live(&run));
    assert_eq!(store.run("r1").unwrap().unwrap().status, RunStatus::Running);
    drop(lock);
    assert!(!store.is_live(&run));
    assert_eq!(store.run("r1").unwrap().unwrap().status, RunStatus::Interrupted);
    store.acquire(&run).unwrap();
}

#[test]
fn a_lock_file_without_a_holder_means_nothing() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 1);
    drop(store.acquire(&run).unwrap());
    let path = dir.path().join("state/runs/r1.lock");
    fs::write(&path, "1 0\n").unwrap();
    assert!(!store.is_live(&run));
    let lock = store.acquire(&run).unwrap();
    // Deleted under its holder: whoever comes next has a file of its own, and keeps it.
    fs::remove_file(&path).unwrap();
    let second = store.acquire(&run).unwrap();
    drop(lock);
    assert!(store.is_live(&run));
    drop(second);
}

#[test]
fn asking_does_not_keep_anyone_from_taking() {
    let (_dir, store) = store();
    let run = new_run(&store, "r1", 1);
    drop(store.acquire(&run).unwrap());
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| (0..2000).filter(|_| store.is_live(&run)).count());
        for _ in 0..200 {
            drop(store.acquire(&run).unwrap());
        }
        asking.join().unwrap();
    });
}

#[test]
fn a_deleted_run_leaves_nothing() {
    let (dir, store) = store();
    let run = new_run(&store, "r1", 3);
    let log = store.log_path(&run, "s0", 1);
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    fs::write(&log, "x").unwrap();
    drop(store.acquire(&run).unwrap());
    store.delete_run(&run).unwrap();
    assert!(store.run("r1").unwrap().is_none() && store.stages("r1").unwrap().is_empty());
    assert!(!log.exists() && !dir.path().join("state/runs/r1.lock").exists());
}
