//! Runs of one project side by side: locks, pools and breakers across real processes, some of them killed. Each check has
//! its twin, in which the runs share nothing.

use std::fs::{self, File};
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::subject::Subject;

/// Works until two are inside, or its patience is over.
fn meeting(settings: &str, patience: u32) -> String {
    format!(
        "stage work {{\n  repeatable\n  {settings}\n  run sh \"\"\"\n    echo begin >> witness\n    n=0\n    \
         while [ \"$(grep -c begin witness)\" -lt 2 ] && [ $n -lt {patience} ]; do sleep 0.1; n=$((n + 1)); done\n    \
         echo end >> witness\n    \"\"\"\n}}\n"
    )
}

/// How many were inside at once at most.
fn most_inside(witness: &str) -> i32 {
    let mut inside = 0;
    let mut most = 0;
    for line in witness.lines() {
        inside += if line == "begin" { 1 } else { -1 };
        most = most.max(inside);
    }
    most
}

/// Starts a run whose events go to `NAME.json` in the project's folder.
fn start(subject: &Subject, name: &str, arguments: &[&str]) -> Child {
    let out = File::create(subject.root.join(format!("{name}.json"))).expect("a file");
    let mut words = vec!["run", "all.wfl", "--format", "json"];
    words.extend(arguments);
    subject.wfl(&words).stdout(Stdio::from(out)).spawn().expect("wfl starts")
}

fn events(subject: &Subject, name: &str) -> Vec<Value> {
    subject.read(&format!("{name}.json")).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn has(events: &[Value], kind: &str, field: &str, value: &str) -> bool {
    events.iter().any(|event| event["type"] == kind && event[field] == value)
}

/// Waits for something another process does.
fn until(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}

fn good(mut child: Child) {
    let ended = child.wait().expect("it ends");
    assert!(ended.success(), "{ended:?}");
}

fn run_id(events: &[Value]) -> String {
    events.first().and_then(|event| event["run"].as_str()).unwrap_or_default().to_owned()
}

#[test]
fn two_runs_never_hold_one_lock_at_once() {
    let subject = Subject::with(&meeting("lock \"prod\"", 5));
    let children: Vec<Child> = (0..3).map(|at| start(&subject, &format!("r{at}"), &[])).collect();
    children.into_iter().for_each(good);
    let witness = subject.read("witness");
    assert_eq!((witness.lines().count(), most_inside(&witness)), (6, 1), "{witness}");
    let waited =
        (0..3).filter(|at| has(&events(&subject, &format!("r{at}")), "stage.waiting", "on", "lock")).count();
    assert!(waited >= 1, "nobody says that it waited");
}

/// The twin: two states know nothing of each other.
#[test]
fn two_states_share_no_lock() {
    let subject = Subject::with(&meeting("lock \"prod\"", 300));
    let other = subject.root.join("../other");
    let second = subject.wfl(&["run", "all.wfl"]).env("WFL_STATE_DIR", other).spawn().expect("wfl starts");
    let first = start(&subject, "r0", &[]);
    good(first);
    good(second);
    assert_eq!(most_inside(&subject.read("witness")), 2);
}

#[test]
fn a_pool_lets_in_as_many_of_all_runs_as_it_has_slots() {
    let subject = Subject::with(&format!("pool p {{ slots 2 }}\n{}", meeting("pool p", 300)));
    let children: Vec<Child> = (0..4).map(|at| start(&subject, &format!("r{at}"), &[])).collect();
    children.into_iter().for_each(good);
    let witness = subject.read("witness");
    assert_eq!((witness.lines().count(), most_inside(&witness)), (8, 2), "{witness}");
}

/// Ticks for ever the first time; the second it ends at once.
fn ticking(class: &str) -> String {
    format!(
        "stage work {{\n  {class}\n  lock \"prod\"\n  run sh \"\"\"\n    if [ -e first ]; then echo went-on >> witness; exit 0; fi\n    \
         touch first\n    while true; do echo tick >> ticks; sleep 0.05; done\n    \"\"\"\n}}\n"
    )
}

fn killed_while_holding(subject: &Subject) -> String {
    let mut first = start(subject, "first", &[]);
    until("the first works", || subject.root.join("ticks").exists());
    let run = run_id(&events(subject, "first"));
    first.kill().expect("it can be killed");
    first.wait().expect("it is gone");
    run
}

#[test]
fn what_a_killed_run_held_goes_to_the_next_and_nothing_of_it_works_on() {
    let subject = Subject::with(&ticking("repeatable"));
    let first = start(&subject, "first", &[]);
    until("the first works", || subject.root.join("ticks").exists());
    let second = start(&subject, "second", &[]);
    until("the second waits", || has(&events(&subject, "second"), "stage.waiting", "on", "lock"));
    assert_eq!(subject.read("witness"), "", "it does not go on while the first lives");
    let mut first = first;
    first.kill().expect("it can be killed");
    first.wait().expect("it is gone");
    good(second);
    assert_eq!(subject.read("witness"), "went-on\n");
    let ticks = subject.read("ticks");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(subject.read("ticks"), ticks, "the killed run's stage still works under the lock");
}

#[test]
fn a_once_stage_of_unknown_end_keeps_its_lock_until_it_is_resolved() {
    let subject = Subject::with(&ticking("once"));
    let run = killed_while_holding(&subject);
    let second = start(&subject, "second", &[]);
    let kept = || {
        let says = |event: &Value| {
            let detail = event["detail"].as_str().unwrap_or_default();
            event["type"] == "stage.waiting" && detail.contains(&format!("wfl resume {run} --mark-done work"))
        };
        events(&subject, "second").iter().any(says)
    };
    until("the second says who keeps the lock", kept);
    assert_eq!(subject.read("witness"), "");
    let shown = subject.end(&["show", &run]).expect_code(0);
    assert!(shown.out.contains("lock `prod`") && shown.out.contains("--mark-done work"), "{}", shown.out);
    subject.end(&["resume", &run, "--mark-done", "work"]).expect_code(0);
    good(second);
    assert_eq!(subject.read("witness"), "went-on\n");
}

#[test]
fn a_once_stage_that_failed_keeps_its_lock_until_it_is_resolved() {
    let text =
        "stage work { lock \"prod\"; run sh \"\"\"\n    echo ran >> witness; test -e good\n    \"\"\" }\n";
    let subject = Subject::with(text);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let failed = subject.newest_run().expect("a run");
    subject.write("good", "");
    let second = start(&subject, "second", &[]);
    until("the second waits", || has(&events(&subject, "second"), "stage.waiting", "on", "lock"));
    assert_eq!(subject.read("witness"), "ran\n");
    subject.end(&["resume", &failed, "--rerun", "work"]).expect_code(0);
    good(second);
    assert_eq!(subject.read("witness"), "ran\nran\nran\n");
}

#[test]
fn a_second_engine_is_refused_and_a_stale_lock_means_nothing() {
    let subject = Subject::with(&ticking("repeatable"));
    let mut first = start(&subject, "first", &[]);
    until("the first works", || subject.root.join("ticks").exists());
    let run = run_id(&events(&subject, "first"));
    let holder = format!("is being run by process {}", first.id());
    subject.end(&["resume", &run]).expect_code(2).says(&holder);
    first.kill().expect("it can be killed");
    first.wait().expect("it is gone");
    // The number in the file is that of a process that lives: this one.
    let lock = subject.state.join("runs").join(format!("{run}.lock"));
    fs::write(lock, format!("{} 0\n", std::process::id())).expect("a file");
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(subject.read("witness"), "went-on\n");
}

/// Reads a number, is slow, and writes it back one higher: whoever comes between is lost.
const COUNTS: &str =
    "  repeatable\n  run sh \"\"\"\n    n=$(cat count); sleep 0.02; echo $((n + 1)) > count\n    \"\"\"\n";

fn counted(subject: &Subject, runs: usize) -> usize {
    subject.write("count", "0\n");
    let children: Vec<Child> = (0..runs).map(|at| start(subject, &format!("r{at}"), &[])).collect();
    children.into_iter().for_each(good);
    subject.read("count").trim().parse().expect("a number")
}

fn runs() -> usize {
    std::env::var("WFL_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

#[test]
fn many_runs_at_once_all_succeed_and_leave_a_sound_state() {
    let text = format!(
        "stage ready {{ exec \"true\" }}\nstage work {{\n  needs ready\n  lock \"count\"\n{COUNTS}}}\n"
    );
    let subject = Subject::with(&text);
    let runs = runs();
    assert_eq!(counted(&subject, runs), runs, "no run came between another's reading and writing");
    let listed = subject.json(&["runs", "--format", "json"]);
    let listed = listed.as_array().cloned().unwrap_or_default();
    assert_eq!(listed.iter().filter(|run| run["status"] == "succeeded").count(), runs);
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let count = |sql: &str| -> i64 { database.query_row(sql, [], |row| row.get(0)).expect("a count") };
    assert_eq!(
        count("SELECT count(*) FROM lease") + count("SELECT count(*) FROM waiter"),
        0,
        "nothing is held"
    );
    let gaps = "SELECT count(*) FROM (SELECT run, max(seq) - count(*) AS gap FROM event GROUP BY run) WHERE gap != 0";
    assert_eq!(
        (count(gaps), count("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check != 'ok'")),
        (0, 0)
    );
}

/// The twin: without the lock updates are lost.
#[test]
fn many_runs_without_a_lock_lose_updates() {
    let subject = Subject::with(&format!("stage work {{\n{COUNTS}}}\n"));
    assert!(counted(&subject, 12) < 12, "no update was lost");
}

/// Fails until `good` is there.
fn supplier(breaker: &str) -> Subject {
    Subject::with(&format!(
        "stage fetch {{ exec \"test\", \"-e\", \"good\"; retry {{ attempts 1{breaker} }} }}\n"
    ))
}

#[test]
fn three_failed_runs_open_a_breaker_and_the_fourth_waits_and_probes() {
    let subject = supplier("; breaker { failures 3; within 1h; cooldown 3s }");
    for at in 1..=3 {
        let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
        assert_eq!(ended.err.contains("breaker `fetch` is open until"), at == 3, "run {at}: {}", ended.err);
    }
    let third = subject.newest_run().expect("a run");
    let why = subject.end(&["why", &third, "fetch"]);
    assert!(why.out.contains("breaker `fetch` is open until"), "{}", why.out);
    subject.write("good", "");
    good(start(&subject, "fourth", &[]));
    let fourth = events(&subject, "fourth");
    assert!(has(&fourth, "stage.waiting", "on", "breaker"), "{fourth:#?}");
    assert!(
        has(&fourth, "breaker.probed", "breaker", "fetch")
            && has(&fourth, "breaker.closed", "breaker", "fetch")
    );
    good(start(&subject, "fifth", &[]));
    assert!(!has(&events(&subject, "fifth"), "stage.waiting", "on", "breaker"));
}

/// The twin: without a breaker nobody waits.
#[test]
fn without_a_breaker_the_fourth_run_starts_at_once() {
    let subject = supplier("");
    (0..3).for_each(|_| drop(subject.end(&["run", "all.wfl"]).expect_code(1)));
    subject.write("good", "");
    good(start(&subject, "fourth", &[]));
    assert!(!has(&events(&subject, "fourth"), "stage.waiting", "on", "breaker"));
}

#[test]
fn a_breaker_is_closed_by_hand() {
    let subject = supplier("; breaker { failures 1; within 1h; cooldown 1h }");
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let run = subject.newest_run().expect("a run");
    subject.end(&["show", &run]).expect_code(0).says("breaker `fetch` is open until");
    subject.write("good", "");
    let waiting = start(&subject, "waiting", &[]);
    until("it waits", || has(&events(&subject, "waiting"), "stage.waiting", "on", "breaker"));
    subject.end(&["clean", "--breakers"]).expect_code(0).says("1 breaker");
    good(waiting);
}

/// The one that probes is killed: the next may try, for nobody waits for the dead.
#[test]
fn a_killed_probe_makes_room_for_another() {
    let text = "stage fetch {\n  run sh \"\"\"\n    if [ -e hang ]; then touch hangs; sleep 600; fi\n    test -e good\n    \"\"\"\n  \
                retry { attempts 1; breaker { failures 1; within 1h; cooldown 100ms } }\n}\n";
    let subject = Subject::with(text);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    subject.write("hang", "");
    let mut probe = start(&subject, "probe", &[]);
    until("it probes", || subject.root.join("hangs").exists());
    until("it says so", || has(&events(&subject, "probe"), "breaker.probed", "breaker", "fetch"));
    fs::remove_file(subject.root.join("hang")).expect("a file");
    subject.write("good", "");
    let next = start(&subject, "next", &[]);
    until("the next waits", || {
        let waits = |event: &Value| {
            event["type"] == "stage.waiting"
                && event["detail"].as_str().unwrap_or_default().contains("half-open")
        };
        events(&subject, "next").iter().any(waits)
    });
    probe.kill().expect("it can be killed");
    probe.wait().expect("it is gone");
    good(next);
    assert!(has(&events(&subject, "next"), "breaker.probed", "breaker", "fetch"));
}
