//! `kill -9` in the middle of a rollback, then resume: every undo is recorded as done once, none that was recorded is
//! carried out again, nothing else starts. `WFL_KILLS` sets how many kills (10 by default), `WFL_SEED` where they fall.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::results;
use super::subject::Subject;

const STAGES: usize = 6;

/// A chain whose last stage fails unless `good` is there; each undo says when it begins and leaves a line half-way.
fn definition() -> String {
    let stage = |index: usize| {
        let needs = index.checked_sub(1).map(|before| format!("  needs s{before}\n")).unwrap_or_default();
        let work = if index + 1 == STAGES { "test -e good" } else { "true" };
        let undo = "echo x >> begun\n      sleep 0.05\n      echo \"$WFL_STAGE\" >> undone\n      sleep 0.05";
        format!(
            "stage s{index} {{\n{needs}  idempotent by \"k{index}\"\n  lock \"prod\"\n  exec \"sh\", \"-c\", \"{work}\"\n  undo {{\n    run sh \"\"\"\n      {undo}\n      \"\"\"\n  }}\n}}\n"
        )
    };
    let stages: String = (0..STAGES).map(stage).collect();
    let last = STAGES - 1;
    format!(
        "{stages}lane careful {{ include s{last}; on-failure rollback }}\nlane plain {{ include s{last} }}\n"
    )
}

fn witnessed(subject: &Subject) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    subject.read("undone").lines().for_each(|line| *seen.entry(line.to_owned()).or_insert(0) += 1);
    seen
}

/// What the journal says: events in order with their stage and, of an undo's end, how it ended.
fn journal(subject: &Subject) -> Vec<(String, Option<String>, Option<String>)> {
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let mut rows = database
        .prepare(
            "select event.type, node.key, json_extract(data, '$.outcome.status') from event \
             left join node on node.run = event.run and node.idx = event.node order by event.run, seq",
        )
        .expect("a query");
    let found = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("rows");
    found.collect::<Result<_, _>>().expect("rows")
}

/// How often each undo is recorded as done.
fn done(subject: &Subject) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (kind, stage, status) in journal(subject) {
        if kind == "undo.finished" && status.as_deref() == Some("succeeded") {
            *found.entry(stage.unwrap_or_default()).or_insert(0) += 1;
        }
    }
    found
}

fn violations(
    subject: &Subject,
    recorded: &BTreeMap<String, usize>,
    before: &BTreeMap<String, usize>,
) -> Vec<String> {
    let (now, seen) = (done(subject), witnessed(subject));
    let mut wrong = Vec::new();
    for index in 0..STAGES {
        let stage = format!("s{index}");
        if now.get(&stage) != Some(&1) {
            wrong.push(format!("the undo of {stage} is recorded as done {:?} times", now.get(&stage)));
        }
        if !seen.contains_key(&stage) {
            wrong.push(format!("{stage} was never undone"));
        }
        if recorded.contains_key(&stage) && seen.get(&stage) != before.get(&stage) {
            wrong.push(format!("{stage} was recorded as undone and undone again"));
        }
    }
    let began = journal(subject).iter().position(|(kind, ..)| kind == "rollback.started");
    let late = journal(subject).iter().skip(began.unwrap_or(0)).any(|(kind, ..)| kind == "stage.started");
    if began.is_none() || late {
        wrong.push("a stage started after the rollback had begun, or it never did".into());
    }
    wrong
}

/// Runs until so many undos have begun and a little longer, then kills the engine alone.
fn kill_while(subject: &Subject, arguments: &[&str], undos: usize, spins: u32) {
    let mut engine = subject.wfl(arguments).spawn().expect("wfl starts");
    let ended = |engine: &mut std::process::Child| engine.try_wait().expect("a child").is_some();
    while subject.read("begun").lines().count() < undos && !ended(&mut engine) {
        std::thread::yield_now();
    }
    for _ in 0..spins {
        std::thread::yield_now();
    }
    let _ = engine.kill();
    engine.wait().expect("a child");
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// One kill; true when it fell into the rollback.
fn killed_and_finished(by_command: bool, draw: &mut StdRng, what: u64) -> bool {
    let subject = Subject::with(&definition());
    let (undos, spins) = (draw.random_range(1..STAGES), draw.random_range(0..300));
    let code = if by_command {
        subject.write("good", "");
        subject.end(&["run", "plain"]).expect_code(0);
        kill_while(&subject, &["rollback", "last", "--yes"], undos, spins);
        0
    } else {
        kill_while(&subject, &["run", "careful"], undos, spins);
        1
    };
    let (recorded, before) = (done(&subject), witnessed(&subject));
    if journal(&subject).last().is_some_and(|(kind, ..)| kind == "run.finished") {
        return false;
    }
    let half = subject.json(&["show", "last", "--format", "json"]);
    if journal(&subject).last().is_some_and(|(kind, ..)| kind == "undo.started") {
        assert_eq!(half["holds"][0]["keeps"], true, "half undone, it lost its lock: {half}");
    }
    let ended = subject.end(&["resume", "last"]);
    let wrong = violations(&subject, &recorded, &before);
    assert!(
        wrong.is_empty() && ended.code == Some(code),
        "kill {what} of {}: {wrong:#?}\n{:?} {}\n{}",
        if by_command { "the command" } else { "a failing lane" },
        ended.code,
        ended.err,
        half
    );
    true
}

/// Case 70.
#[test]
fn a_rollback_killed_midway_is_finished_by_a_resume() {
    let kills = number("WFL_KILLS", 10);
    let mut midway = 0;
    for kill in 0..kills {
        let mut draw = StdRng::seed_from_u64(number("WFL_SEED", 7).wrapping_add(kill));
        midway += usize::from(killed_and_finished(kill % 2 == 0, &mut draw, kill));
    }
    let what = format!("kill -9 in a rollback, then resume ({midway} midway)");
    results::note("70", &what, kills as usize, kills as usize, "an undo's records taken away");
    assert!(midway as u64 > kills / 2, "{midway} of {kills} fell into the rollback");
}

/// The twin: without its records an undo is done again, and that is noticed.
#[test]
fn an_undo_whose_record_is_lost_is_noticed() {
    let subject = Subject::with(&definition());
    kill_while(&subject, &["run", "careful"], 3, 0);
    let (recorded, before) = (done(&subject), witnessed(&subject));
    assert!(!recorded.is_empty(), "no undo was recorded");
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let first: i64 = database
        .query_row("select min(seq) from event where type = 'undo.started'", [], |row| row.get(0))
        .expect("an undo");
    database.execute("delete from event where seq >= ?1", [first]).expect("a change");
    database.execute("update node set undo = null", []).expect("a change");
    drop(database);
    let ended = subject.end(&["resume", "last"]);
    let wrong = violations(&subject, &recorded, &before);
    assert!(ended.code != Some(1) || !wrong.is_empty(), "an undo done twice went unnoticed");
}
