//! A broken state and `wfl doctor --fix`: what can still be had is there again, what is lost is named, nothing is deleted;
//! and every command meets every damage with words instead of a panic.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use wfl::base::Timestamp;
use wfl::port::{Durability, Journal};
use wfl::store::Store;

use super::results;
use super::shim::{self, Act};
use super::state::{TWO, database};
use super::subject::{Ended, Subject};
use super::writer::{new_run, note};

/// A project with three runs, and one more of two thousand events at the end of the file; all in the database itself.
fn subject() -> Subject {
    let subject = Subject::with(TWO);
    for _ in 0..3 {
        subject.end(&["run", "all"]).expect_code(0);
    }
    let store = Store::open(&subject.state).expect("a state");
    let run = new_run(&store, "20261121-000000-long");
    let mut journal = store.journal(&run).expect("a journal");
    for _ in 0..200 {
        let events: Vec<_> = (0..10).map(|_| note(1_000)).collect();
        journal.commit(Timestamp(1), &events, Durability::Process).expect("a commit");
    }
    drop((journal, store));
    taken_in(&subject);
    subject
}

fn taken_in(subject: &Subject) {
    let conn = Connection::open(database(subject)).expect("a database");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}

/// A copy, as a run that ends makes one.
fn copied(subject: &Subject) {
    let conn = Connection::open(database(subject)).expect("a database");
    let to = subject.state.join("backup.db");
    conn.execute("VACUUM INTO ?1", [to.display().to_string()]).expect("a copy");
}

fn spoil(subject: &Subject, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(database(subject)).expect("a database");
    change(&mut bytes);
    fs::write(database(subject), bytes).expect("a database");
}

fn ids(subject: &Subject) -> Vec<String> {
    let runs = subject.json(&["runs", "--format", "json"]);
    let all = runs.as_array().cloned().unwrap_or_default();
    all.iter().filter_map(|run| run["id"].as_str().map(str::to_owned)).collect()
}

fn aside(subject: &Subject) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(&subject.state).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("damaged-")))
        .collect()
}

#[test]
fn what_can_still_be_read_is_there_again_and_the_rest_is_named() {
    let subject = subject();
    // Pages far behind: those of the long run's events.
    spoil(&subject, |bytes| {
        let from = bytes.len() / 2 / 4096 * 4096;
        bytes[from..from + 40 * 4096].fill(0);
    });
    let before = fs::read(database(&subject)).expect("a database");
    subject.end(&["run", "all", "--dry-run"]).expect_code(0);
    let sure = subject.end(&["doctor"]).expect_code(1);
    assert!(sure.out.contains("is damaged") && sure.out.contains("wfl doctor --fix"), "{}", sure.out);
    assert_eq!(fs::read(database(&subject)).expect("a database"), before, "looking changed something");
    let fixed = subject.end(&["doctor", "--fix"]).expect_code(0);
    assert!(fixed.out.contains("4 runs"), "{}", fixed.out);
    assert!(fixed.out.contains("lost: run 20261121-000000-long: its events"), "{}", fixed.out);
    // What was damaged lies there as it was.
    let kept = aside(&subject);
    assert_eq!(fs::read(kept[0].join("state.db")).expect("set aside"), before);
    // The runs that were whole are whole; the one that was not is not gone on with.
    let all = ids(&subject);
    assert_eq!(all.len(), 4);
    for run in all.iter().filter(|run| !run.ends_with("long")) {
        assert_eq!(subject.statuses(run)["ship"], "succeeded");
    }
    subject.end(&["resume", "20261121-000000-long"]).expect_code(2);
    subject.end(&["run", "all"]).expect_code(0);
    // The second time there is nothing to do.
    subject.end(&["doctor", "--fix"]).expect_code(0).says("nothing to fix");
    results::note("7", "half of a run's pages", 1, 1, "the other runs are whole");
}

#[test]
fn the_copy_and_the_damaged_file_are_put_together() {
    // The run after the copy is only in the damaged file; the twin spoils that, too, and has the copy alone.
    for (garbage, runs) in [(false, 5), (true, 4)] {
        let subject = subject();
        copied(&subject);
        subject.end(&["run", "all"]).expect_code(0);
        let newest = subject.newest_run().expect("a run");
        taken_in(&subject);
        spoil(&subject, |bytes| match garbage {
            true => *bytes = b"this is no database".to_vec(),
            false => {
                let from = bytes.len() / 2 / 4096 * 4096;
                bytes[from..from + 8 * 4096].fill(0xff);
            }
        });
        let fixed = subject.end(&["doctor", "--fix"]).expect_code(0);
        assert_eq!(ids(&subject).len(), runs, "{}", fixed.out);
        assert_eq!(ids(&subject).contains(&newest), !garbage, "{}", fixed.out);
        assert_eq!(fixed.out.contains(&format!("lost: run {newest}: ")), garbage, "{}", fixed.out);
        subject.end(&["run", "all"]).expect_code(0);
    }
}

#[test]
fn a_once_stage_that_may_have_begun_after_the_copy_is_never_started_again_unasked() {
    let subject = Subject::with(&TWO.replace("echo ship >> witness", "echo ship >> witness; kill -9 $PPID"));
    let _ = subject.end(&["run", "all"]);
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.read("witness"), "build\nship\n");
    taken_in(&subject);
    copied(&subject);
    // A copy from before the stage began.
    let conn = Connection::open(subject.state.join("backup.db")).expect("a copy");
    conn.execute("delete from event where seq > 3", []).expect("a change");
    drop(conn);
    fs::write(database(&subject), "gone").expect("a database");
    let fixed = subject.end(&["doctor", "--fix"]).expect_code(0);
    assert!(fixed.out.contains(&format!("run {run}: what it did after event 3")), "{}", fixed.out);
    subject.end(&["resume", &run]).expect_code(2).says("was lost when the state was damaged");
    assert_eq!(subject.read("witness"), "build\nship\n");
    // The twin: with a copy of the whole run the stage is asked about.
    let subject = Subject::with(&TWO.replace("echo ship >> witness", "echo ship >> witness; kill -9 $PPID"));
    let _ = subject.end(&["run", "all"]);
    taken_in(&subject);
    subject.end(&["resume", "last"]).expect_code(4);
}

#[test]
fn healing_killed_anywhere_is_finished_by_the_next() {
    let made = subject();
    copied(&made);
    spoil(&made, |bytes| bytes[4096..16 * 4096].fill(0));
    let record = made.root.join("record");
    let kept = tempfile::tempdir().expect("a folder");
    let copy = |from: &Path, to: &Path| {
        let _ = fs::remove_dir_all(to);
        let done = std::process::Command::new("cp").args(["-a"]).arg(from).arg(to).status().expect("cp");
        assert!(done.success());
    };
    copy(&made.state, &kept.path().join("state"));
    let healed = |at: Option<u64>| {
        copy(&kept.path().join("state"), &made.state);
        let _ = fs::remove_file(&record);
        let mut command = made.wfl(&["doctor", "--fix"]);
        shim::watch(&mut command, &made.state, &record);
        if let Some(at) = at {
            shim::fault(&mut command, at, Act::Kill);
        }
        made.end_of(command)
    };
    healed(None).expect_code(0);
    let calls = shim::read(&record).iter().map(|op| op.count).max().unwrap_or(0);
    assert!(calls > 20, "{calls} calls were seen");
    let mut cut = 0;
    for step in 0..12 {
        let at = 1 + calls * step / 12;
        let ended = healed(Some(at));
        cut += u32::from(ended.code.is_none());
        // Whatever it left: another try ends it, and nothing is lost that the copy had.
        made.end(&["doctor", "--fix"]).expect_code(0);
        assert_eq!(ids(&made).len(), 4, "killed at call {at} of {calls}");
        made.end(&["run", "all"]).expect_code(0);
    }
    assert!(cut >= 8, "only {cut} kills fell into it");
    results::note("7", "healing killed at a call", cut as usize, cut as usize, "not killed, it heals");
}

/// What is done to a state.
type Damage = fn(&Subject);

/// Each by its name.
fn damages() -> Vec<(&'static str, Damage)> {
    vec![
        ("zeroed behind", |s| {
            spoil(s, |b| {
                let n = b.len();
                b[n / 2..].fill(0)
            })
        }),
        ("zeroed in front", |s| spoil(s, |b| b[4096..5 * 4096].fill(0))),
        ("first page", |s| spoil(s, |b| b[100..4096].fill(0))),
        ("flipped", |s| spoil(s, |b| b[4096..].iter_mut().for_each(|byte| *byte ^= 0xff))),
        ("truncated", |s| spoil(s, |b| b.truncate(b.len() / 2))),
        ("empty", |s| spoil(s, Vec::clear)),
        ("no database", |s| spoil(s, |b| *b = b"hello".to_vec())),
        ("deleted", |s| fs::remove_file(database(s)).expect("a file")),
        ("foreign", |s| {
            fs::remove_file(database(s)).expect("a file");
            let conn = Connection::open(database(s)).expect("a database");
            conn.execute_batch("create table theirs(x)").expect("a table");
        }),
        ("newer", |s| sql(s, "pragma user_version = 999")),
        ("half migrated", |s| sql(s, "drop table lineage")),
        ("half migrated the other way", |s| sql(s, "pragma user_version = 2")),
        ("poisoned plan", |s| sql(s, "update plan set json = '{' where run = 3")),
        ("poisoned event", |s| {
            sql(s, "update event set data = '{\"type\":\"x\"}' where run = 3 and seq = 3")
        }),
        ("poisoned rows", |s| {
            sql(s, "update node set status = x'ff', outputs = '{', started = 'x', key = x'00' where run = 3");
            sql(s, "update attempt set duration_ms = 'x', started = x'00' where run = 3");
            sql(s, "update run set status = 'dancing', change = '[' where num = 3");
        }),
        ("rows against the events", |s| {
            sql(s, "update node set status = 'failed', attempt = 7 where run = 3")
        }),
    ]
}

fn sql(subject: &Subject, text: &str) {
    Connection::open(database(subject)).expect("a database").execute_batch(text).expect("a change");
}

const COMMANDS: &[&[&str]] = &[
    &["check"],
    &["runs"],
    &["runs", "--format", "json"],
    &["show", "last"],
    &["logs", "last"],
    &["why", "last", "build"],
    &["explain"],
    &["lanes"],
    &["graph", "all"],
    &["clean", "--dry-run"],
    &["test"],
    &["approve", "last", "build"],
    &["cancel", "last"],
    &["resume", "last"],
    &["run", "all", "--dry-run"],
    &["doctor"],
    &["doctor", "--format", "json"],
    &["clean"],
    &["run", "all"],
];

fn decent(what: &str, command: &[&str], ended: &Ended) {
    let said = format!("{what}: wfl {}: {:?}\n{}{}", command.join(" "), ended.code, ended.out, ended.err);
    assert!(matches!(ended.code, Some(0..=4)), "{said}");
    assert!(!said.contains("panicked") && !said.contains("this is a bug"), "{said}");
    if ended.code == Some(2) {
        let helps = ["`", "WFL_STATE_DIR", "update wfl", "start a new run"];
        assert!(helps.iter().any(|help| ended.err.contains(help)), "no way out in {said}");
    }
}

#[test]
fn every_command_meets_every_damage_with_words() {
    let mut tried = 0;
    for (what, damage) in damages() {
        let subject = Subject::with(TWO);
        for _ in 0..3 {
            subject.end(&["run", "all"]).expect_code(0);
        }
        taken_in(&subject);
        damage(&subject);
        for command in COMMANDS {
            decent(what, command, &subject.end(command));
            tried += 1;
        }
        // What can be healed is, and then a run goes through; the rest is refused with what to do.
        let fixed = subject.end(&["doctor", "--fix"]);
        decent(what, &["doctor", "--fix"], &fixed);
        let person = ["foreign", "newer"].contains(&what);
        let run = subject.end(&["run", "all"]);
        assert_eq!(run.code, Some(if person { 2 } else { 0 }), "{what}: {}{}{}", fixed.out, run.out, run.err);
    }
    results::note("17", "commands on damaged states", tried, tried, "a sound state (below)");
}

/// The twin of the matrix: without damage the same commands do their work.
#[test]
fn on_a_sound_state_the_same_commands_do_their_work() {
    let subject = Subject::with(TWO);
    subject.end(&["run", "all"]).expect_code(0);
    for command in
        [&["runs"][..], &["show", "last"], &["logs", "last"], &["why", "last", "build"], &["doctor"]]
    {
        subject.end(command).expect_code(0);
    }
    let rows = subject.json(&["doctor", "--format", "json"]);
    let of = |name: &str| {
        let checks = rows["checks"].as_array().cloned().unwrap_or_default();
        checks.iter().find(|check| check["check"] == name).map(|check| check["status"].to_string())
    };
    assert_eq!((of("state database"), of("recorded rows")), (Some("\"ok\"".into()), Some("\"ok\"".into())));
}

#[test]
fn rows_that_contradict_the_events_are_worked_out_again() {
    let subject = Subject::with(TWO);
    subject.end(&["run", "all"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    sql(&subject, "update node set status = 'failed', attempt = 9 where run = 1 and idx = 0");
    assert_eq!(subject.statuses(&run)["build"], "failed");
    subject.end(&["doctor"]).expect_code(0).says("its rows contradict its events");
    subject.end(&["doctor", "--fix"]).expect_code(0).says("worked the rows of run");
    assert_eq!(subject.statuses(&run)["build"], "succeeded");
    subject.end(&["doctor", "--fix"]).expect_code(0).says("nothing to fix");
}
