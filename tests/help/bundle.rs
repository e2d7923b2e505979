//! `wfl doctor --bundle`: what is in the archive of a project with failed runs, and that nothing private is, wherever it
//! was put.

use serde_json::{Value, json};
use wfl::embed::Project;
use wfl::embed::bundle::{Bundle, gather_in};
use wfl::store::Store;

use crate::faults::subject::Subject;

const DECLARED: &str = "canary-declared-7f3a";
const UNDECLARED: &str = "canary-undeclared-51c2";
const SHAPED: &str = "ghp_0123456789canaryABCDEFGHIJKLMNOPQRST";

const LANE: &str = r#"
secret token = env("DEPLOY_KEY_FILE")
param hub: string
stage ok { exec "true" }
stage bad {
  needs ok
  env { T = token }
  run sh """
    i=0; while [ $i -lt 250 ]; do i=$((i+1)); echo "line $i"; done
    echo "declared $T undeclared $DB_PASSWORD"
    printf %s "$DB_PASSWORD" | base64 >&2
    echo "at /home/ada/shop by ada on ada@team.example"
    echo "curl --token plaincanaryword https://bot:urlcanary@git.example/" >&2
    exit 3
    """
}
stage argv { exec "sh", "-c", "echo \"$1\" >&2; exit 4", "argv", hub }
"#;

fn environment() -> Vec<(String, String)> {
    let pairs = [
        ("DB_PASSWORD", UNDECLARED),
        ("DEPLOY_KEY_FILE", DECLARED),
        ("HOME", "/home/ada"),
        ("LANG", "C.UTF-8"),
        ("PATH", "/home/ada/bin:/usr/bin:/bin"),
        ("SOME_URL", "postgres://app:urlcanary@db/x"),
        ("USER", "ada"),
    ];
    pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

fn bundle(subject: &Subject) -> Bundle {
    let project = Project::open(&subject.root).unwrap();
    let store = Store::open_existing_read_only(&subject.state).unwrap();
    let checks = json!([{ "check": "git", "told": format!("remote https://x:{UNDECLARED}@h/") }]);
    gather_in(&project, store.as_ref(), checks, &environment())
}

fn failed() -> Subject {
    let subject = Subject::with(LANE);
    subject.write(&format!("{UNDECLARED}.wfl"), "wfl 1\nstage other { exec \"true\" }\n");
    let hub = format!("hub={SHAPED}");
    let mut command = subject.wfl(&["run", "all.wfl", "--keep-going", "--set", &hub]);
    command.env("DEPLOY_KEY_FILE", DECLARED).env("DB_PASSWORD", UNDECLARED);
    subject.end_of(command).expect_code(1);
    subject
}

fn texts(bundle: &Bundle) -> Vec<(String, String)> {
    let names = bundle.listing().into_iter().map(|(name, _)| name);
    names.map(|name| (name.clone(), bundle.text(&name).unwrap().to_string())).collect()
}

#[test]
fn nothing_private_is_in_it_wherever_it_was_put() {
    let subject = failed();
    let canaries = [
        DECLARED,
        UNDECLARED,
        SHAPED,
        "plaincanaryword",
        "urlcanary",
        "Y2FuYXJ5",
        "/home/ada",
        "ada@team.example",
        " by ada ",
    ];
    for (name, text) in texts(&bundle(&subject)) {
        for canary in canaries {
            assert!(!text.contains(canary) && !name.contains(canary), "{canary} is in {name}:\n{text}");
        }
    }
    // The twin: the log has what the archive has not.
    let log = subject.end(&["logs", "last", "bad"]).expect_code(0).out;
    assert!(
        log.contains(UNDECLARED) && log.contains("/home/ada") && log.contains("plaincanaryword"),
        "{log}"
    );
}

#[test]
fn it_has_what_whoever_helps_will_ask_for() {
    let subject = failed();
    let bundle = bundle(&subject);
    let run = subject.newest_run().unwrap();
    let json = |name: &str| -> Value { serde_json::from_str(bundle.text(name).unwrap()).unwrap() };
    let environment = json("environment.json");
    assert_eq!(
        (&environment["LANG"], &environment["DB_PASSWORD"]),
        (&"C.UTF-8".into(), &"<redacted>".into())
    );
    assert_eq!(environment["PATH"], "~/bin:/usr/bin:/bin");
    let state = json("state.json");
    assert_eq!((&state["wrong"], &state["runs"][0]["id"]), (&json!([]), &run.clone().into()));
    assert!(state["schema"].as_u64().is_some_and(|schema| schema > 0));
    let versions = json("versions.json");
    assert!(versions["tools"]["git"].as_str().is_some_and(|said| said.contains("git version")), "{versions}");
    assert!(json("resources.json")["disks"]["project"]["free"].as_u64().is_some_and(|free| free > 0));
    let hash = json("definitions.json")["now"]["all.wfl"].as_str().map(str::len);
    assert_eq!(hash, Some(64), "{}", bundle.text("definitions.json").unwrap());
    let events = bundle.text(&format!("runs/{run}/events.jsonl")).unwrap();
    let last: Value = serde_json::from_str(events.lines().last().unwrap()).unwrap();
    assert_eq!(last["event"]["type"], "run.finished");
    let log = bundle.text(&format!("runs/{run}/bad-1.log")).unwrap();
    assert!(log.lines().count() == 200 && !log.contains("line 40\n"), "{}", log.lines().count());
    assert!(bundle.text(&format!("runs/{run}/ok-1.log")).is_none());
}

#[test]
fn the_same_state_gives_the_same_archive_and_none_is_written_over() {
    let subject = failed();
    let out = |name: &str| subject.root.join(name);
    let without_moments = |bundle: Bundle| {
        let texts = texts(&bundle).into_iter().filter(|(name, _)| name != "resources.json");
        texts.collect::<Vec<_>>()
    };
    assert_eq!(without_moments(bundle(&subject)), without_moments(bundle(&subject)));
    let report = bundle(&subject).write(&out("b.tar.gz")).unwrap();
    assert!(report.bytes > 500 && report.files.iter().any(|(name, _)| name == "README.txt"));
    assert!(bundle(&subject).write(&out("b.tar.gz")).is_err());
}
