//! Learning over runs of real processes: what is counted, when it is stopped, what people see and say; two runs at once,
//! killed runs, and no secret anywhere in it.

use std::process::Child;

use serde_json::Value;

use crate::faults::subject::Subject;

/// Fails the first time of each run, then works.
const FLAKY: &str = "stage flaky {\n  retry { attempts 2 }\n  run sh \"\"\"\n    \
    if [ ! -e once ]; then touch once; echo \"error: peer 10.0.0.$(($$ % 200)) went away\" >&2; exit 1; fi\n    \
    rm once\n    \"\"\"\n}\n";

/// Never works, and does not say why.
const HOPELESS: &str = "stage odd {\n  retry { attempts 4 }\n  run sh \"\"\"\n    \
    echo x >> tries; echo \"error: the frobnicator is sad ($$)\" >&2; exit 1\n    \"\"\"\n}\n";

fn errors(subject: &Subject) -> Vec<Value> {
    subject.json(&["errors", "--format", "json"]).as_array().cloned().unwrap_or_default()
}

fn tries(subject: &Subject) -> usize {
    let count = subject.read("tries").lines().count();
    let _ = std::fs::remove_file(subject.root.join("tries"));
    count
}

#[test]
fn a_flaky_command_has_odds_that_grow_with_its_runs() {
    let subject = Subject::with(FLAKY);
    assert!(errors(&subject).is_empty());
    for _ in 0..3 {
        subject.end(&["run", "all.wfl"]).expect_code(0);
    }
    let all = errors(&subject);
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!((&all[0]["seen"], &all[0]["runs"]), (&3.into(), &3.into()));
    assert_eq!((&all[0]["retry"]["tried"], &all[0]["retry"]["helped"]), (&3.into(), &3.into()));
    assert_eq!(all[0]["text"], "error: peer <ip> went away");
    assert!(all[0]["retry"]["expected"].as_f64().is_some_and(|odds| odds > 0.8), "{all:#?}");
    let listed = subject.end(&["errors"]).expect_code(0);
    assert!(listed.out.contains("retry 3 of 3 (") && listed.out.contains("went away"), "{}", listed.out);
    let signature = all[0]["signature"].as_str().unwrap_or_default();
    let shown = subject.end(&["errors", "show", &signature[..6]]).expect_code(0);
    assert!(shown.out.contains("flaky") && shown.out.contains("3x in 3 runs"), "{}", shown.out);
    let run = subject.newest_run().expect("a run");
    assert!(shown.out.contains(&run), "{}", shown.out);
    assert!(errors(&subject)[0]["first"].as_str() < errors(&subject)[0]["last"].as_str());
}

#[test]
fn what_no_retry_ever_helped_is_stopped_at_once_until_it_is_forgotten() {
    let subject = Subject::with(HOPELESS);
    for run in 0..3 {
        subject.end(&["run", "all.wfl"]).expect_code(1);
        assert_eq!(tries(&subject), 4, "run {run} tries as its policy says");
    }
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(tries(&subject), 1, "{}", ended.err);
    let why = "seen 12 times in 3 runs, a retry never helped (0 of 9; 95 % sure below 19 %)";
    let ended = ended.says(why);
    assert!(ended.err.contains("seen 12 times before, last in run "), "{}", ended.err);
    assert!(ended.err.contains("what helped: retry 0 of 9"), "{}", ended.err);
    let run = subject.newest_run().expect("a run");
    subject.end(&["why", &run, "odd"]).expect_code(0).says(why);
    // The twin: without what was learned every try is made.
    subject.end(&["errors", "forget", "--all"]).expect_code(0).says("forgot 1 failure");
    subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(tries(&subject), 4);
}

#[test]
fn what_a_person_says_holds_from_the_next_run_on() {
    let subject = Subject::with(HOPELESS);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(tries(&subject), 4);
    let signature = errors(&subject)[0]["signature"].as_str().unwrap_or_default().to_owned();
    subject
        .end(&["errors", "note", &signature[..5], "ask Ada", "--permanent"])
        .expect_code(0)
        .says("as permanent");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1).says("is marked permanent: ask Ada");
    assert_eq!(tries(&subject), 1, "{}", ended.err);
    subject.end(&["errors", "note", &signature, "--transient"]).expect_code(0);
    subject.end(&["run", "all.wfl"]).expect_code(1).says("note: ask Ada");
    assert_eq!(tries(&subject), 4);
    subject.end(&["errors", "note", &signature, "--clear"]).expect_code(0);
    assert_eq!(errors(&subject)[0]["verdict"], Value::Null);
}

/// Case RT: the words that say what stays and what passes.
#[test]
fn known_permanent_errors_stop_at_once_and_passing_ones_are_tried_again() {
    let lane = |words: &str| {
        format!(
            "stage s {{\n  retry {{ attempts 3 }}\n  run sh \"\"\"\n    echo x >> tries; echo \"{words}\" >&2; exit 1\n    \"\"\"\n}}\n"
        )
    };
    let words = [
        ("cp: error writing 'x': No space left on device", 1),
        ("disk full", 1),
        ("permission denied", 1),
        ("x: No such file or directory", 1),
        ("archive is corrupted", 1),
        ("database is locked", 3),
        ("device busy", 3),
        ("request timeout", 3),
        ("temporary failure", 3),
        ("service unavailable", 3),
        ("try again", 3),
        ("something else", 3),
    ];
    for (words, wanted) in words {
        let subject = Subject::with(&lane(words));
        let ended = subject.end(&["run", "all.wfl", "--no-repair"]).expect_code(1);
        assert_eq!(tries(&subject), wanted, "{words}: {}", ended.err);
    }
}

#[test]
fn a_signature_is_named_by_its_beginning_and_a_wrong_one_is_told() {
    let subject = Subject::with(HOPELESS);
    subject.end(&["errors"]).expect_code(0).says("no failures were seen yet");
    subject.end(&["errors", "show", "abc"]).expect_code(2).says("no runs yet");
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let signature = errors(&subject)[0]["signature"].as_str().unwrap_or_default().to_owned();
    let wrong = if signature.starts_with('0') { "1234" } else { "0123" };
    subject.end(&["errors", "show", wrong]).expect_code(2).says("no failure with the signature");
    subject.end(&["errors", "forget"]).expect_code(2);
    subject.end(&["errors", "note", &signature]).expect_code(2);
    subject.end(&["errors", "--since", "nonsense"]).expect_code(2).says("is no time");
    assert_eq!(
        subject.json(&["errors", "--since", "1h", "--format", "json"])[0]["signature"],
        signature.as_str()
    );
    assert_eq!(subject.json(&["errors", "--lane", "nosuch", "--format", "json"]), serde_json::json!([]));
    let forgotten = subject.json(&["errors", "forget", &signature, "--format", "json"]);
    assert_eq!(forgotten["forgotten"], 1);
    assert!(errors(&subject).is_empty());
}

#[test]
fn a_failure_that_was_asked_for_is_not_counted() {
    let subject = Subject::with("stage s { retry { attempts 2 }; exec \"true\" }\n");
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("WFL_INJECT", "s:exit:1");
    subject.end_of(command).expect_code(0);
    assert!(errors(&subject).is_empty());
}

/// Five stages that fail alike, each once and again.
fn five() -> String {
    let stage = |n: usize| {
        format!(
            "stage s{n} {{\n  retry {{ attempts 2 }}\n  run sh \"\"\"\n    sleep 0.0$(($$ % 7)); echo \"error: odd $$\" >&2; exit 1\n    \"\"\"\n}}\n"
        )
    };
    (0..5).map(stage).collect::<String>() + "lane all { include s0, s1, s2, s3, s4; on-failure keep-going }\n"
}

/// Failures recorded, and failures counted.
fn recorded_and_counted(subject: &Subject) -> (i64, i64) {
    let database = rusqlite::Connection::open(subject.state.join("state.db")).expect("the database");
    let count = |sql: &str| database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count");
    (
        count("SELECT count(*) FROM event WHERE type = 'failure.seen'"),
        count("SELECT coalesce(sum(seen), 0) FROM failure"),
    )
}

#[test]
fn runs_side_by_side_lose_no_count() {
    let subject = Subject::with(&five());
    let children: Vec<Child> = (0..4)
        .map(|_| subject.wfl(&["run", "all.wfl", "--lane", "all", "-j", "5"]).spawn().expect("wfl starts"))
        .collect();
    for mut child in children {
        assert_eq!(child.wait().expect("it ends").code(), Some(1));
    }
    assert_eq!(recorded_and_counted(&subject), (40, 40));
    let all = errors(&subject);
    assert_eq!((&all[0]["seen"], &all[0]["runs"]), (&40.into(), &4.into()), "{all:#?}");
    assert_eq!(all[0]["retry"]["tried"], 20);
}

#[test]
fn a_killed_run_has_counted_what_it_recorded() {
    for kill in 0..6 {
        let subject = Subject::with(&five());
        let mut engine =
            subject.wfl(&["run", "all.wfl", "--lane", "all", "-j", "2"]).spawn().expect("wfl starts");
        let ended = |engine: &mut Child| engine.try_wait().expect("a child").is_some();
        let begun = |subject: &Subject| subject.state.join("state.db").exists() && recorded(subject) > kill;
        while !ended(&mut engine) && !begun(&subject) {
            std::thread::yield_now();
        }
        let _ = engine.kill();
        engine.wait().expect("a child");
        let (recorded, counted) = recorded_and_counted(&subject);
        assert!(recorded > 0 && recorded == counted, "kill {kill}: {recorded} recorded, {counted} counted");
        let run = subject.newest_run().expect("a run");
        subject.end(&["resume", &run]).expect_code(1);
        let (recorded, counted) = recorded_and_counted(&subject);
        assert_eq!(recorded, counted, "kill {kill}, resumed");
    }
}

/// Failures recorded so far; none while the database is being made.
fn recorded(subject: &Subject) -> i64 {
    let Ok(database) = rusqlite::Connection::open(subject.state.join("state.db")) else { return 0 };
    let sql = "SELECT count(*) FROM event WHERE type = 'failure.seen'";
    database.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

const CANARY: &str = "canary-plum-orchard-weather";

/// How many files of the state hold the canary, when the stage prints it and fails.
fn files_with_canary(declared: &str) -> usize {
    let text = format!(
        "{declared}stage s {{\n  repeatable\n  run sh \"\"\"\n    echo \"error: $TOKEN was refused\" >&2; echo \"error: $TOKEN\"; exit 1\n    \"\"\"\n  env {{ TOKEN = token }}\n}}\n"
    );
    let subject = Subject::with(&text);
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("CANARY", CANARY);
    subject.end_of(command).expect_code(1);
    assert_eq!(errors(&subject).len(), 1);
    let holds = |entry: &walkdir::DirEntry| {
        let bytes = std::fs::read(entry.path()).unwrap_or_default();
        bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
    };
    let files = walkdir::WalkDir::new(&subject.state).into_iter().flatten();
    files.filter(|entry| entry.file_type().is_file()).filter(holds).count()
}

#[test]
fn no_secret_reaches_what_is_counted() {
    assert_eq!(files_with_canary("secret token = env(\"CANARY\")\n"), 0);
    // The twin: not declared a secret, it is found.
    assert!(files_with_canary("let token = env(\"CANARY\") ?? \"\"\n") > 0);
}

/// What looks like a credential stays out of the counts even where nobody declared it.
#[test]
fn what_looks_like_a_credential_is_not_listed() {
    let text = "stage s { run sh \"\"\"\n    kind=ghp; echo \"error: ${kind}_0123456789abcdefghijABCDEFGHIJ012345 expired\" >&2; exit 1\n    \"\"\" }\n";
    let subject = Subject::with(text);
    subject.end(&["run", "all.wfl"]).expect_code(1);
    let listed = subject.end(&["errors", "--format", "json"]).expect_code(0).out;
    assert!(listed.contains("expired") && !listed.contains("ghp_"), "{listed}");
}
