//! The state when files, disks and other programs misbehave: each fault as a person would meet it, with the command.

use std::fs;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use wfl::base::Timestamp;
use wfl::port::{Durability, Journal};
use wfl::store::{Store, StoreJournal};

use super::mount::Mount;
use super::results;
use super::shim::{self, Act};
use super::subject::Subject;
use super::writer::{self, new_run, note};

/// Two stages that witness that they ran; the second may only once.
pub const TWO: &str = "\
stage build { run sh \"\"\"
  echo build >> witness
  \"\"\" }
stage ship { needs build; once; run sh \"\"\"
  echo ship >> witness
  \"\"\" }
lane all { include ship }
";

/// Goes on as long as `hold` is there, then runs one stage more.
const HELD: &str = "\
stage first { run sh \"\"\"
  touch began; while [ -e hold ]; do sleep 0.01; done
  \"\"\" }
stage last { needs first; once; run sh \"\"\"
  echo last >> witness
  \"\"\" }
lane all { include last }
";

pub fn database(subject: &Subject) -> PathBuf {
    subject.state.join("state.db")
}

fn log(subject: &Subject) -> PathBuf {
    subject.state.join("state.db-wal")
}

/// A project with `runs` runs in its state.
fn with_runs(runs: usize) -> Subject {
    let subject = Subject::with(TWO);
    for _ in 0..runs {
        subject.end(&["run", "all"]).expect_code(0);
    }
    subject
}

fn soon(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < until, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run that is in its first stage.
fn held() -> (Subject, Child) {
    let subject = Subject::with(HELD);
    subject.write("hold", "");
    let mut command = subject.wfl(&["run", "all"]);
    let child = command.stderr(Stdio::piped()).spawn().expect("wfl starts");
    soon("the first stage", || subject.root.join("began").exists());
    (subject, child)
}

/// Lets the run go on; how it ended and what it said.
fn let_go(subject: &Subject, mut child: Child) -> (Option<i32>, String) {
    fs::remove_file(subject.root.join("hold")).expect("a file");
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("text");
    (child.wait().expect("a child").code(), said)
}

/// Takes the log into the database, as another tool may.
fn taken_in(subject: &Subject) {
    let conn = Connection::open(database(subject)).expect("a database");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
}

// 4: a disk that is really full.
#[test]
fn a_full_disk_under_the_state_stops_the_run_and_lets_it_go_on_later() {
    let Some(disk) = Mount::tmpfs("1m") else { return };
    let mut subject = Subject::with(HELD);
    subject.state = disk.path().join("state");
    subject.write("hold", "");
    let child = subject.wfl(&["run", "all"]).stderr(Stdio::piped()).spawn().expect("wfl starts");
    soon("the first stage", || subject.root.join("began").exists());
    let filler = disk.path().join("filler");
    let mut file = fs::File::create(&filler).expect("a file");
    while file.write_all(&[0; 4096]).is_ok() {}
    drop(file);
    let (code, said) = let_go(&subject, child);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("state unsafe") && said.contains("is full"), "{said}");
    assert_eq!(subject.read("witness"), "");
    subject.end(&["run", "all"]).expect_code(2).says("free some space");
    // The twin: with room again the same run goes to its end.
    fs::remove_file(&filler).expect("a file");
    let run = subject.newest_run().expect("a run");
    assert_ne!(subject.statuses(&run)["first"], "succeeded");
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(subject.read("witness"), "last\n");
    results::note("4", "full disk under the state", 1, 1, "with room the run ends well");
}

// 5: only the log of a stage does not fit.
#[test]
fn a_full_disk_under_the_logs_cuts_the_log_and_nothing_else() {
    let Some(disk) = Mount::tmpfs("64k") else { return };
    let subject = Subject::with(
        "stage loud { run sh \"\"\"\n  head -c 300000 /dev/zero | tr '\\\\0' x; echo done > witness\n  \"\"\" }\nstage after { needs loud; exec \"true\" }\nlane all { include after }\n",
    );
    fs::create_dir_all(&subject.state).expect("a folder");
    std::os::unix::fs::symlink(disk.path(), subject.state.join("logs")).expect("a link");
    let ended = subject.end(&["run", "all", "--format", "json"]).expect_code(0);
    assert!(ended.out.contains("the log of `loud` was cut"), "{}", ended.out);
    assert!(!ended.out.contains("the log of `after` was cut"));
    assert_eq!(subject.read("witness"), "done\n");
    results::note("5", "full disk under the logs", 1, 1, "the other log is whole");
}

// 6
#[test]
fn a_read_only_state_is_refused_before_anything_is_spawned() {
    let Some(disk) = Mount::tmpfs("1m") else { return };
    for existing in [false, true] {
        let mut subject = Subject::with(TWO);
        subject.state = disk.path().join(format!("state-{existing}"));
        disk.writable(true);
        if existing {
            subject.end(&["run", "all"]).expect_code(0);
        }
        let before = subject.read("witness");
        disk.writable(false);
        subject.end(&["run", "all"]).expect_code(2).says("cannot be written").says("WFL_STATE_DIR");
        assert_eq!(subject.read("witness"), before);
        disk.writable(true);
        subject.end(&["run", "all"]).expect_code(0);
    }
    results::note("6", "read-only state folder", 1, 1, "writable, it runs");
}

// 7
#[test]
fn damaged_pages_are_found_and_the_copy_is_offered() {
    let subject = with_runs(3);
    taken_in(&subject);
    let path = database(&subject);
    // The runs are older than a day, so the next one leaves a copy.
    let conn = Connection::open(&path).expect("a database");
    conn.execute("update run set started = started - 90000000", []).expect("a change");
    drop(conn);
    subject.end(&["run", "all"]).expect_code(0);
    assert!(subject.state.join("backup.db").exists(), "no copy was made");
    taken_in(&subject);
    let sound = fs::read(&path).expect("a database");
    for (what, spoil) in [("zeroed", 0x00_u8), ("flipped", 0xff)] {
        let mut bytes = sound.clone();
        bytes[4096..].iter_mut().for_each(|byte| *byte = if spoil == 0 { 0 } else { *byte ^ spoil });
        fs::write(&path, &bytes).expect("a database");
        let ended = subject.end(&["runs"]).expect_code(2);
        assert!(ended.err.contains("is damaged"), "{what}: {}", ended.err);
        subject.end(&["run", "all"]).expect_code(2).says("backup.db").says("wfl doctor --fix");
        // As it says, so it is done.
        subject.end(&["doctor", "--fix"]).expect_code(0).says("set aside in").says("4 runs");
        assert_eq!(subject.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(4));
        subject.end(&["run", "all"]).expect_code(0);
        let kept = |name: &String| {
            name.starts_with("damaged-") && subject.state.join(name).join("state.db").exists()
        };
        assert!(listed(&subject.state).iter().any(kept), "{what}: nothing was set aside");
        taken_in(&subject);
    }
    results::note("7", "zeroed and flipped pages", 1, 1, "the copy is sound");
}

// 7: the twin of the copy: a damaged database never takes its place.
#[test]
fn a_copy_is_made_once_a_day_and_only_of_a_sound_database() {
    let dir = tempfile::tempdir().expect("a folder");
    let state = dir.path().join("state");
    let store = Store::open(&state).expect("a state");
    let run = new_run(&store, "r1");
    let mut journal = store.journal(&run).expect("a journal");
    for _ in 0..200 {
        journal.commit(Timestamp(1), &[note(2_000)], Durability::Process).expect("a commit");
    }
    let day = 24 * 60 * 60 * 1000;
    assert_eq!(store.back_up_if_due(Timestamp(day)), Ok(false), "the oldest run is not a day old");
    assert_eq!(store.back_up_if_due(Timestamp(day + 2)), Ok(true));
    let copy = fs::read(state.join("backup.db")).expect("a copy");
    assert_eq!(store.back_up_if_due(Timestamp::now()), Ok(false), "there is one of today");
    let opened = Connection::open(state.join("backup.db")).expect("a copy");
    let events: i64 = opened.query_row("select count(*) from event", [], |row| row.get(0)).expect("a count");
    assert_eq!(events, 200);
    drop((opened, journal, store));
    let conn = Connection::open(state.join("state.db")).expect("a database");
    conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).expect("a checkpoint");
    drop(conn);
    let mut bytes = fs::read(state.join("state.db")).expect("a database");
    let (from, to) = (bytes.len() / 2, bytes.len() / 2 + 16 * 4096);
    bytes[from..to].fill(0);
    fs::write(state.join("state.db"), &bytes).expect("a database");
    let store = Store::open(&state).expect("its first pages are sound");
    let later = Timestamp(Timestamp::now().0 + 2 * day);
    let error = store.back_up_if_due(later).expect_err("damage");
    assert!(error.message.contains("is damaged") && error.help.contains("backup.db"), "{error:?}");
    assert_eq!(fs::read(state.join("backup.db")).expect("a copy"), copy);
}

/// What a person is told who took something away; then puts it back, and all is well.
fn refused_then_well(subject: &Subject, words: &str, put_back: impl FnOnce()) {
    let before = subject.read("witness");
    let files = listed(&subject.state);
    for command in [&["run", "all"][..], &["runs"], &["resume", "last"]] {
        subject.end(command).expect_code(2).says(words).says("nothing was changed");
    }
    assert_eq!(subject.read("witness"), before);
    assert_eq!(listed(&subject.state), files, "something was deleted or made");
    put_back();
    subject.end(&["run", "all"]).expect_code(0);
}

fn listed(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    // Shared memory holds nothing that lasts.
    names.retain(|name| name != "state.db-shm");
    names.sort();
    names
}

// 8
#[test]
fn a_log_that_is_missing_is_missed() {
    let subject = with_runs(2);
    taken_in(&subject);
    subject.end(&["run", "all"]).expect_code(0);
    let (log, aside) = (log(&subject), subject.root.join("aside"));
    fs::rename(&log, &aside).expect("a log");
    let _ = fs::remove_file(subject.state.join("state.db-shm"));
    let before = subject.read("witness");
    for command in [&["run", "all"][..], &["runs"]] {
        subject.end(command).expect_code(2).says("older than it was").says("nothing was changed");
    }
    assert_eq!(subject.read("witness"), before);
    fs::rename(&aside, &log).expect("a log");
    subject.end(&["runs"]).expect_code(0);
    assert_eq!(subject.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(3));
    // The twins: taken in by another tool nothing is missing; and whoever says so goes on without.
    taken_in(&subject);
    let _ = fs::remove_file(&log);
    subject.end(&["run", "all"]).expect_code(0);
    results::note("8", "log removed", 1, 1, "log taken in by another tool");
}

#[test]
fn a_log_without_its_database_is_never_thrown_away() {
    let subject = with_runs(1);
    let (path, aside) = (database(&subject), subject.root.join("aside"));
    let size = fs::metadata(log(&subject)).expect("a log").len();
    fs::rename(&path, &aside).expect("a database");
    refused_then_well(&subject, "its log", || {
        assert_eq!(fs::metadata(log(&subject)).expect("the log is still there").len(), size);
        fs::rename(&aside, &path).expect("a database");
    });
    assert_eq!(subject.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(2));
    results::note("8", "database removed, log left", 1, 1, "put back, it runs");
}

#[test]
fn a_foreign_log_or_database_is_not_taken_in() {
    let (subject, other) = (with_runs(2), with_runs(1));
    let own = fs::read(log(&subject)).expect("a log");
    fs::copy(log(&other), log(&subject)).expect("a log");
    refused_then_well(&subject, "the log of another database", || {
        fs::write(log(&subject), &own).expect("a log");
    });
    assert_eq!(subject.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(3));
    // The whole database of another project.
    taken_in(&subject);
    taken_in(&other);
    let (path, aside) = (database(&subject), subject.root.join("aside"));
    let _ = fs::remove_file(log(&subject));
    fs::rename(&path, &aside).expect("a database");
    fs::copy(database(&other), &path).expect("a database");
    subject.end(&["runs"]).expect_code(2).says("another database than the one that was here");
    let said = subject.end(&["run", "all"]).expect_code(2).err;
    // The twin: who says so goes on with it.
    let accept = said.split('`').find(|part| part.starts_with("rm ")).expect("a command").to_string();
    assert!(Command::new("sh").args(["-c", &accept]).status().expect("sh").success());
    subject.end(&["run", "all"]).expect_code(0);
    results::note("8", "log or database of another project", 1, 1, "accepted, it runs");
}

// 9
#[test]
fn files_removed_under_a_run_stop_it() {
    for name in ["state.db", "state.db-wal"] {
        let (subject, child) = held();
        fs::remove_file(subject.state.join(name)).expect("a file");
        let (code, said) = let_go(&subject, child);
        assert_eq!(code, Some(1), "{name}: {said}");
        assert!(said.contains("state unsafe") && said.contains("removed or replaced"), "{name}: {said}");
        assert_eq!(subject.read("witness"), "", "{name}: a stage began after that");
    }
    // The twin: nothing removed, nothing said.
    let (subject, child) = held();
    let (code, said) = let_go(&subject, child);
    assert_eq!(code, Some(0), "{said}");
    results::note("9", "database or log removed under a run", 1, 1, "nothing removed");
}

// 10: closing a descriptor of the database drops the locks that SQLite has on it through another.
#[test]
fn nobody_but_sqlite_opens_the_database_while_it_is_open() {
    let subject = with_runs(1);
    let record = subject.root.join("record");
    let mut command = subject.wfl(&["run", "all"]);
    shim::watch(&mut command, &subject.state, &record);
    subject.end_of(command).expect_code(0);
    let ops = shim::read(&record);
    let crossed = |ops: &[shim::Op]| {
        let mut open = std::collections::BTreeSet::new();
        let mut crossed = 0;
        for op in ops.iter().filter(|op| op.name() == "state.db") {
            match op.kind.as_str() {
                "open" => drop(open.insert(op.number)),
                "close" => {
                    open.remove(&op.number);
                    crossed += open.len();
                }
                _ => {}
            }
        }
        crossed
    };
    assert!(ops.iter().any(|op| op.is("close") && op.name() == "state.db"), "nothing was seen");
    assert_eq!(crossed(&ops), 0, "a descriptor was closed while another was open");
    // The twin: one that is opened and closed in between.
    let at = ops.iter().position(|op| op.is("open") && op.name() == "state.db").expect("it is opened");
    let looked = |kind: &str| shim::Op { kind: kind.into(), number: 77, ..ops[at].clone() };
    let spoiled = [&ops[..=at], &[looked("open"), looked("close")], &ops[at + 1..]].concat();
    assert_eq!(crossed(&spoiled), 1);
    results::note("10", "database opened past SQLite", 1, 1, "one opened in between");
}

// 11
#[test]
fn a_busy_database_is_waited_for() {
    let (subject, child) = held();
    let other = Connection::open(database(&subject)).expect("a database");
    other.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
    // The twin: who does not wait is refused now.
    let hasty = Connection::open(database(&subject)).expect("a database");
    hasty.busy_timeout(Duration::ZERO).expect("a setting");
    assert!(hasty.execute_batch("BEGIN IMMEDIATE").is_err());
    let waits = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        other.execute_batch("COMMIT").expect("an end");
    });
    let (code, said) = let_go(&subject, child);
    waits.join().expect("a thread");
    assert_eq!((code, subject.read("witness").as_str()), (Some(0), "last\n"), "{said}");
    results::note("11", "busy database", 1, 1, "who does not wait");
}

// 12
#[test]
fn a_network_file_system_is_refused_with_its_name() {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: the shim answers statfs only on x86-64");
        return;
    }
    let with = |magic: &str| {
        let subject = Subject::with(TWO);
        let mut command = subject.wfl(&["run", "all", "--no-snapshot"]);
        shim::watch(&mut command, &subject.state, &subject.root.join("record")).env("SHIM_STATFS", magic);
        (subject.end_of(command), subject.read("witness"))
    };
    for (magic, name) in [("6969", "NFS"), ("01021997", "9p"), ("65735546", "FUSE"), ("ff534d42", "CIFS")] {
        let (ended, witness) = with(magic);
        ended.expect_code(2).says(&format!("lies on {name}")).says("WFL_STATE_DIR");
        assert_eq!(witness, "", "{name}");
    }
    // The twin: ext4 is fine.
    let (ended, witness) = with("ef53");
    ended.expect_code(0);
    assert_eq!(witness, "build\nship\n");
    results::note("12", "NFS, 9p, FUSE, CIFS", 1, 1, "ext4");
}

// 13, 14
#[test]
fn a_second_runner_names_the_first_and_a_stale_lock_holds_nobody() {
    let (subject, mut child) = held();
    let run = subject.newest_run().expect("a run");
    subject.end(&["resume", &run]).expect_code(2).says(&format!("process {}", child.id())).says("wfl cancel");
    // The twin: the engine killed, its lock file is still there and says the same, and holds nobody.
    child.kill().expect("a child");
    child.wait().expect("a child");
    let lock = subject.state.join(format!("runs/{run}.lock"));
    assert!(fs::read_to_string(&lock).expect("a lock").starts_with(&format!("{} ", child.id())));
    fs::remove_file(subject.root.join("hold")).expect("a file");
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(subject.read("witness"), "last\n");
    results::note("13", "second runner, stale lock", 1, 1, "the first killed");
}

// 15
#[test]
fn a_lock_file_that_names_a_living_stranger_holds_nobody() {
    let (subject, mut child) = held();
    child.kill().expect("a child");
    child.wait().expect("a child");
    let run = subject.newest_run().expect("a run");
    let lock = subject.state.join(format!("runs/{run}.lock"));
    // The number was given to another process, which lives.
    fs::write(&lock, format!("{} 0 1 other-boot\n", std::process::id())).expect("a lock");
    fs::remove_file(subject.root.join("hold")).expect("a file");
    subject.end(&["resume", &run]).expect_code(0);
    results::note("15", "process number given away again", 1, 1, "a held lock");
}

// 16
#[test]
fn a_newer_schema_is_refused_and_an_older_one_is_lifted_in_one_step() {
    let subject = with_runs(1);
    let version = |to: i64| {
        let conn = Connection::open(database(&subject)).expect("a database");
        conn.pragma_update(None, "user_version", to).expect("a version");
    };
    let conn = Connection::open(database(&subject)).expect("a database");
    let current: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    drop(conn);
    version(current + 1);
    subject.end(&["run", "all"]).expect_code(2).says("newer wfl");
    subject.end(&["runs"]).expect_code(2).says("newer wfl");
    version(current);
    subject.end(&["run", "all"]).expect_code(0);
    results::note("16", "newer schema", 1, 1, "the own schema");
}

/// A migration that is killed at any of its calls has happened wholly or not at all.
#[test]
fn a_migration_killed_anywhere_is_done_or_not_begun() {
    // The state as the first version made it; an entry of the list never changes.
    let source =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store/schema.rs")).expect("a source");
    let list = source.split_once("const MIGRATIONS").map(|(_, list)| list).expect("the migrations");
    let first = list.split('"').nth(1).expect("the first").to_string();
    let old = |subject: &Subject| {
        fs::create_dir_all(&subject.state).expect("a folder");
        let conn = Connection::open(database(subject)).expect("a database");
        conn.execute_batch(&format!("PRAGMA journal_mode = WAL; BEGIN; {first}; PRAGMA application_id = 0x77666c31; PRAGMA user_version = 1; COMMIT"))
            .expect("a schema");
    };
    let tables = |subject: &Subject| -> (i64, bool) {
        let conn = Connection::open(database(subject)).expect("a database");
        let version = conn.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
        (version, conn.prepare("select epoch from lineage").is_ok())
    };
    let mut seen = std::collections::BTreeSet::new();
    for at in [1, 3, 6, 10, 14, 20, 40, 80] {
        let subject = Subject::with(TWO);
        old(&subject);
        let mut command = subject.wfl(&["run", "all", "--no-snapshot"]);
        shim::watch(&mut command, &subject.state, &subject.root.join("record"));
        shim::fault(&mut command, at, Act::Kill);
        subject.end_of(command);
        let found = tables(&subject);
        assert!(found == (1, false) || found.0 > 1 && found.1, "killed at call {at}: {found:?}");
        seen.insert(found.1);
        subject.end(&["run", "all"]).expect_code(0);
    }
    assert_eq!(seen.len(), 2, "the kills fell on one side of the migration only");
    results::note("16", "migration killed at a call", 1, 1, "kills on both sides");
}

// 17
#[test]
fn a_poisoned_row_is_reported_and_hides_no_other() {
    let subject = with_runs(3);
    let conn = Connection::open(database(&subject)).expect("a database");
    let ids: Vec<String> = conn
        .prepare("select id from run order by num")
        .and_then(|mut select| select.query_map([], |row| row.get(0))?.collect())
        .expect("ids");
    conn.execute(
        "update run set started = 'yesterday', change = x'ff00', status = 'dancing' where id = ?1",
        [&ids[0]],
    )
    .expect("a change");
    conn.execute("update node set outputs = '{', duration_ms = 'long' where run = 2", []).expect("a change");
    conn.execute("update attempt set started = x'00' where run = 2", []).expect("a change");
    conn.execute("update event set data = '{\"type\":\"nobody.knows\"}' where run = 2 and seq = 2", [])
        .expect("a change");
    drop(conn);
    let runs = subject.json(&["runs", "--format", "json"]);
    assert_eq!(runs.as_array().map(Vec::len), Some(3), "{runs}");
    let cause = runs
        .as_array()
        .and_then(|all| all.iter().find(|run| run["id"] == ids[0].as_str()))
        .map(|run| run["cause"].to_string());
    assert!(cause.as_ref().is_some_and(|cause| cause.contains("unreadable")), "{cause:?}");
    subject.end(&["runs"]).expect_code(0);
    subject.end(&["show", &ids[0]]).expect_code(0);
    subject.end(&["show", &ids[1]]).expect_code(0).says("unreadable");
    // To go on with a run whose events cannot be read would be to guess.
    subject.end(&["resume", &ids[1]]).expect_code(2).says("event 2 of the run cannot be read");
    // The twin: a sound run shows nothing of it, and a new one is not held up.
    let sound = subject.end(&["show", &ids[2]]).expect_code(0);
    assert!(!sound.out.contains("unreadable"));
    subject.end(&["run", "all"]).expect_code(0);
    results::note("17", "unreadable rows", 1, 1, "a sound run");
}

// 18
#[test]
fn a_state_that_came_with_the_clone_is_ignored() {
    let (theirs, clone) = (with_runs(2), Subject::with(TWO));
    for place in [".", ".wfl", ".wfl/state", "state", ".local/state/wfl"] {
        let to = clone.root.join(place);
        fs::create_dir_all(&to).expect("a folder");
        for name in ["state.db", "state.db-wal"] {
            fs::copy(theirs.state.join(name), to.join(name)).expect("a copy");
        }
    }
    let home = clone.root.parent().expect("a parent").join("home");
    let listed = |home: &Path| {
        let mut command = clone.wfl(&["runs", "--format", "json"]);
        command.env_remove("WFL_STATE_DIR").env_remove("XDG_STATE_HOME").env("HOME", home);
        clone.end_of(command).expect_code(0).out
    };
    assert_eq!(listed(&home).trim(), "[]");
    // The twin: where the state is looked for, it is found.
    assert_ne!(clone.json(&["runs", "--format", "json"]).as_array().map(Vec::len), Some(2));
    let mut pointed = clone.wfl(&["runs", "--format", "json"]);
    pointed.env("WFL_STATE_DIR", clone.root.join("state"));
    assert!(clone.end_of(pointed).expect_code(0).out.contains("succeeded"));
    results::note("18", "state in the clone", 1, 1, "pointed to");
}

// 20
#[test]
fn a_long_reader_lets_the_log_grow_only_as_long_as_it_reads() {
    let events = std::env::var("WFL_LONG").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let dir = tempfile::tempdir().expect("a folder");
    let store = Store::open(dir.path()).expect("a state");
    let run = new_run(&store, "r1");
    let mut journal = store.journal(&run).expect("a journal");
    let size = || fs::metadata(dir.path().join("state.db-wal")).map_or(0, |meta| meta.len());
    let write = |journal: &mut StoreJournal, events: usize| {
        for _ in 0..events {
            journal.commit(Timestamp(1), &[note(4_000)], Durability::Process).expect("a commit");
        }
    };
    let reader = Connection::open(dir.path().join("state.db")).expect("a database");
    reader.execute_batch("BEGIN; SELECT count(*) FROM event").expect("a snapshot");
    let _: i64 = reader.query_row("SELECT count(*) FROM event", [], |row| row.get(0)).expect("a snapshot");
    write(&mut journal, events);
    let early = size();
    // The twin of what follows: as long as somebody reads, the log grows.
    write(&mut journal, events / 10);
    let held = size();
    assert!(held > early && early > 4_000 * 4096, "the log did not grow: {early}, {held}");
    reader.execute_batch("COMMIT").expect("an end");
    write(&mut journal, events);
    let after = size();
    let what = format!("reader over {events} events: log {} MiB, then {} MiB", held >> 20, after >> 20);
    results::note("20", &what, 1, 1, "the reader stays: the log grows on");
    // Its room is used again, but for what was written before the next look.
    assert!(after <= held + (1 << 20), "{held} then {after}");
    drop((journal, store));
    let store = Store::open(dir.path()).expect("a state");
    assert_eq!(store.events(&run).expect("events").len(), 2 * events + events / 10);
}

// 3, of the other sync: the one that takes the log into the database, which SQLite would keep to itself and repeat.
#[test]
fn a_failed_sync_while_the_log_is_taken_in_stops_the_writer() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().canonicalize().expect("a folder");
    let written = |name: &str, fault: Option<(u64, Act)>| {
        let record = folder.join(format!("{name}.record"));
        let mut command = writer::command(&folder.join(name), 1_500, 8_000);
        shim::watch(&mut command, &folder.join(name), &record);
        command
            .env("SHIM_EXE", std::env::current_exe().expect("this binary").canonicalize().expect("a path"));
        if let Some((at, act)) = fault {
            shim::fault(&mut command, at, act);
        }
        let output = command.output().expect("the writer starts");
        (output, shim::read(&record))
    };
    let (whole, ops) = written("whole", None);
    assert_eq!(writer::acknowledged(&whole.stdout), 1_500, "{}", String::from_utf8_lossy(&whole.stdout));
    // The first write to the database after it was made; the log is synced just before, the database after.
    let made = ops.iter().position(|op| op.is("create") && op.name() == "state.db-wal").expect("a log");
    let taking = made
        + ops[made..].iter().position(|op| op.is("write") && op.name() == "state.db").expect("a checkpoint");
    let before = ops[..taking].iter().rev().find(|op| op.is("sync")).expect("a sync of the log");
    let after = ops[taking..]
        .iter()
        .find(|op| op.is("sync") && op.name() == "state.db")
        .expect("a sync of the database");
    for (name, at) in [("log", before.count), ("database", after.count)] {
        let (output, ops) = written(name, Some((at, Act::Eio)));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("unsafe ") && output.status.code() == Some(9), "{name}: {said}");
        let fault = ops.iter().position(|op| op.is("eio-sync")).expect("the fault fell");
        let again = synced_after(&ops[fault..]);
        assert!(again.is_none(), "{name}: synced again: {again:?}");
        let store = Store::open(&folder.join(name)).expect("the state opens");
        let events = store.events(&wfl::event::RunId(writer::RUN.into())).expect("events").len() as u64;
        assert!(events >= writer::acknowledged(&output.stdout), "{name}: {events}");
        store.require_sound().expect("a sound database");
    }
    // The twin: SQLite by itself says nothing, and syncs again.
    let record = folder.join("plain.record");
    let mut command = writer::command(&folder.join("plain"), 1_500, 8_000);
    shim::watch(&mut command, &folder.join("plain"), &record).env("WFL_WRITER_PLAIN", "1");
    command.env("SHIM_EXE", std::env::current_exe().expect("this binary").canonicalize().expect("a path"));
    let taking = |ops: &[shim::Op]| {
        let made = ops.iter().position(|op| op.is("create") && op.name() == "state.db-wal")?;
        let write = ops[made..].iter().position(|op| op.is("write") && op.name() == "state.db")?;
        ops[..made + write].iter().rev().find(|op| op.is("sync")).map(|op| op.count)
    };
    command.output().expect("the writer starts");
    let at = taking(&shim::read(&record)).expect("a checkpoint");
    fs::remove_file(&record).expect("a record");
    fs::remove_dir_all(folder.join("plain")).expect("a folder");
    let output = shim::fault(&mut command, at, Act::Eio).output().expect("the writer starts");
    let ops = shim::read(&record);
    let fault = ops.iter().position(|op| op.is("eio-sync")).expect("the fault fell");
    assert_eq!(output.status.code(), Some(0));
    assert!(synced_after(&ops[fault..]).is_some(), "it stopped by itself");
    results::note("3", "sync fails while the log is taken in", 1, 1, "SQLite as it comes");
}

fn synced_after(ops: &[shim::Op]) -> Option<&shim::Op> {
    ops.iter().find(|op| op.is("sync"))
}

/// One byte written over in place, where a page begins to matter: also what SQLite's own check does not see is told.
#[test]
fn a_flipped_byte_in_an_event_is_told_when_the_run_is_taken_up() {
    let subject = with_runs(1);
    taken_in(&subject);
    let path = database(&subject);
    let bytes = fs::read(&path).expect("a database");
    let at = bytes.windows(14).position(|window| window == b"\"stage.started").expect("an event");
    let mut file = fs::OpenOptions::new().write(true).open(&path).expect("a database");
    file.seek(SeekFrom::Start(at as u64)).expect("a place");
    file.write_all(b"\x22#").expect("a byte");
    drop(file);
    let run = subject.newest_run().expect("a run");
    subject.end(&["resume", &run]).expect_code(2).says("cannot be read");
    subject.end(&["runs"]).expect_code(0);
}
