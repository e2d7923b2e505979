//! The state, attempts and facts against the real things: SQLite files, processes, git repositories.

mod attempts;
mod documents;
mod escapes;
mod git;
mod journal;
mod leases;
mod locks;
mod opening;
mod secrets;
mod world;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wfl::base::Timestamp;
use wfl::event::RunId;
use wfl::history::Change;
use wfl::port::{Action, AttemptSpec};
use wfl::store::{NewNode, NewRun, Store};

/// A folder of its own with a store in it.
pub fn store() -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state")).unwrap();
    (dir, store)
}

/// A run of `nodes` stages `s0`, `s1`, …
pub fn new_run(store: &Store, id: &str, nodes: usize) -> RunId {
    let run = RunId(id.into());
    let nodes: Vec<NewNode> = (0..nodes)
        .map(|n| NewNode {
            key: format!("s{n}"),
            stage: format!("s{n}"),
            number: Some(n as u32),
            kind: "stage".into(),
        })
        .collect();
    let change = Change { id: "c1".into(), kind: "fix".into(), ..Change::default() };
    let params = BTreeMap::from([("region".to_string(), "eu".to_string())]);
    store
        .create_run(&NewRun {
            id: &run,
            lane: "hotfix",
            plan_json: "{\"lane\":\"hotfix\"}",
            nodes: &nodes,
            change: &change,
            params: &params,
            at: Timestamp(1_000),
        })
        .unwrap();
    run
}

/// An attempt in `root`; the run's name is the folder's, so that tests never find each other's processes.
pub fn attempt(root: &Path, actions: Vec<Action>) -> AttemptSpec {
    AttemptSpec {
        run: root.display().to_string(),
        node: 0,
        key: "stage[n=1]".into(),
        attempt: 1,
        actions,
        root: root.to_path_buf(),
        cwd: root.to_path_buf(),
        env: Vec::new(),
        env_remove: Vec::new(),
        clean_env: None,
        mask: Vec::new(),
        outputs: Vec::new(),
        fresh_outputs: false,
        timeout: None,
        grace: Duration::from_millis(200),
        exit_ok: Vec::new(),
        log: Some(root.join("logs/a.log")),
    }
}

fn sh(text: &str) -> Action {
    Action::Script { interpreter: "sh".into(), text: text.into() }
}

/// All that was logged of both streams, in order.
fn logged(path: &Path) -> String {
    let records = wfl::capture::read_log(path, |_| true).unwrap();
    let bytes: Vec<u8> = records.flat_map(|record| record.bytes).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until it holds, for at most ten seconds.
fn soon(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the process whose number the file holds still runs (a zombie does not).
fn alive(pid_file: &Path) -> bool {
    let Ok(pid) = std::fs::read_to_string(pid_file) else {
        return false;
    };
    std::fs::read(PathBuf::from("/proc").join(pid.trim()).join("cmdline")).is_ok_and(|line| !line.is_empty())
}
