//! A process of its own that does nothing but write to a state: the test binary started again, so that the shim can be
//! put under it and it can be stopped anywhere. Tells on standard output what was acknowledged.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use wfl::base::Timestamp;
use wfl::event::{Event, RunId};
use wfl::history::Change;
use wfl::port::{Durability, Journal};
use wfl::store::{NewRun, Store};

/// The run that it writes.
pub const RUN: &str = "20261121-000000-long";

/// Writes `events` notes of `size` bytes, every tenth with a barrier.
pub fn command(dir: &Path, events: usize, size: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command
        .args(["--exact", "faults::writer::writes_when_it_is_told_where", "--nocapture", "--ignored"])
        .env("WFL_WRITER", dir)
        .env("WFL_WRITER_EVENTS", events.to_string())
        .env("WFL_WRITER_SIZE", size.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// How many events the lines say are on the disk.
pub fn acknowledged(output: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(output);
    let last = text.lines().filter_map(|line| line.strip_prefix("synced ")?.parse().ok()).max();
    last.unwrap_or(0)
}

pub fn note(size: usize) -> Event {
    Event::Note { node: None, text: "x".repeat(size) }
}

/// A run without stages.
pub fn new_run(store: &Store, id: &str) -> RunId {
    let run = RunId(id.into());
    let (change, params) = (Change::default(), Default::default());
    let new = NewRun {
        id: &run,
        lane: "l",
        plan_json: "{}",
        nodes: &[],
        change: &change,
        params: &params,
        at: Timestamp(1),
    };
    store.create_run(&new).expect("a run");
    run
}

fn number(name: &str) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

#[test]
#[ignore = "started by other tests, with a folder to write to"]
fn writes_when_it_is_told_where() {
    let Some(dir) = std::env::var_os("WFL_WRITER") else { return };
    if std::env::var_os("WFL_WRITER_PLAIN").is_some() {
        return writes_plainly(Path::new(&dir));
    }
    let store = Store::open(Path::new(&dir)).expect("a state");
    let run = new_run(&store, RUN);
    let mut journal = store.journal(&run).expect("a journal");
    let mut out = std::io::stdout();
    for event in 1..=number("WFL_WRITER_EVENTS") {
        let hard = event % 10 == 0;
        let durability = if hard { Durability::Disk } else { Durability::Process };
        let committed = journal.commit(Timestamp(1), &[note(number("WFL_WRITER_SIZE"))], durability);
        if let Err(failed) = committed {
            writeln!(out, "\nunsafe {}", failed.message).expect("standard output");
            std::process::exit(9);
        }
        if hard {
            writeln!(out, "\nsynced {event}").expect("standard output");
        }
    }
}

/// The same amount with SQLite as it comes: the twin of the store's own care.
fn writes_plainly(dir: &Path) {
    std::fs::create_dir_all(dir).expect("a folder");
    let database = rusqlite::Connection::open(dir.join("state.db")).expect("a database");
    database
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 4000; CREATE TABLE event(data)")
        .expect("a table");
    for _ in 0..number("WFL_WRITER_EVENTS") {
        database
            .execute("INSERT INTO event VALUES (?1)", ["x".repeat(number("WFL_WRITER_SIZE"))])
            .expect("a row");
    }
}
