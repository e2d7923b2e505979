//! `parallel auto` with real processes: what earlier runs took decides who starts first, affinity is seen, and a machine
//! that refuses to open more is no failure of a stage.

use std::process::Command;

use serde_json::Value;

use crate::faults::subject::Subject;

/// Two that blink and one that takes its time, written last.
const UNEVEN: &str = "\
stage quick { exec \"true\" }
stage brisk { exec \"true\" }
stage slow { exec \"sleep\", \"0.3\" }
";

fn started(subject: &Subject) -> Vec<String> {
    let ended = subject.end(&["run", "all.wfl", "-j", "1", "--format", "json"]).expect_code(0);
    let events = ended.out.lines().map(|line| serde_json::from_str::<Value>(line).expect("one event a line"));
    let starts = events.filter(|event| event["type"] == "stage.started");
    starts.map(|event| event["stage"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_took_longest_before_starts_first_the_next_time() {
    let subject = Subject::with(UNEVEN);
    assert_eq!(started(&subject), ["quick", "brisk", "slow"], "nothing is known: the order of the file");
    assert_eq!(started(&subject)[0], "slow");
}

#[test]
fn a_dry_run_says_how_many_at_once_and_why() {
    let subject = Subject::with(UNEVEN);
    let of = |arguments: &[&str]| -> Value {
        let all = [&["run", "all.wfl", "--dry-run", "--format", "json"], arguments].concat();
        subject.json(&all)["parallel"].clone()
    };
    assert_eq!(
        of(&["-j", "7"]),
        serde_json::json!({ "at_once": 7, "why": "fixed by `parallel` or `--jobs`" })
    );
    assert!(of(&[])["why"].as_str().is_some_and(|why| why.contains("0 of 3 stages known")), "{}", of(&[]));
    started(&subject);
    let known = of(&[]);
    let why = known["why"].as_str().unwrap_or_default();
    assert!(why.contains("3 of 3 stages known from earlier runs; 1 of them mostly wait"), "{why}");
}

/// The same command under another program that sets a limit; none, with a word, where that is not there.
fn under(subject: &Subject, limit: &[&str], arguments: &[&str]) -> Option<std::process::Output> {
    let ended = Command::new(limit[0])
        .args(&limit[1..])
        .arg(env!("CARGO_BIN_EXE_wfl"))
        .args(arguments)
        .current_dir(&subject.root)
        .env("WFL_STATE_DIR", &subject.state)
        .output();
    match ended {
        Ok(ended) => Some(ended),
        Err(error) => {
            eprintln!("skipped: {} cannot be started: {error}", limit[0]);
            None
        }
    }
}

#[test]
fn affinity_to_one_processor_is_seen() {
    let subject = Subject::with(UNEVEN);
    let arguments = ["run", "all.wfl", "--dry-run", "--format", "json"];
    let Some(ended) = under(&subject, &["taskset", "-c", "0"], &arguments) else { return };
    let plan: Value = serde_json::from_slice(&ended.stdout).expect("a plan");
    assert_eq!(plan["parallel"]["at_once"], 1);
    assert!(plan["parallel"]["why"].as_str().is_some_and(|why| why.starts_with("1 processor;")), "{plan}");
}

#[test]
fn too_few_descriptors_lower_how_many_run_and_fail_no_stage() {
    let mut text = String::new();
    for at in 0..24 {
        text += &format!("stage s{at} {{ exec \"sleep\", \"0.2\" }}\n");
    }
    let subject = Subject::with(&text);
    let arguments = ["run", "all.wfl", "-j", "24", "--format", "json"];
    let Some(ended) = under(&subject, &["prlimit", "--nofile=64:64"], &arguments) else { return };
    let said = String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{said}\n{}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("no room to start") && said.contains("at once now"), "{said}");
    // The same with room for all is not lowered: the limit is what did it.
    let Some(free) = under(&subject, &["prlimit", "--nofile=1024:1024"], &arguments) else { return };
    assert!(!String::from_utf8_lossy(&free.stdout).contains("no room to start"));
}
