//! Secrets and environments that must stay where they belong (47, 48). `store::secrets` has the forms of a secret in
//! output (46).

use std::fs;
use std::path::Path;
use std::process::Stdio;

use wfl::port::{Action, AttemptSpec};

use super::processes::soon;
use super::subject::Subject;

const CANARY: &str = "canary-9f1c/7+zq\"x";

/// An attempt of one script, without a log.
pub fn attempt(root: &Path, text: &str) -> AttemptSpec {
    let script = Action::Script { interpreter: "sh".into(), text: text.into() };
    AttemptSpec { key: "a".into(), log: None, ..crate::store::attempt(root, vec![script]) }
}

/// A stage that tells its password in every way it has, fails, is tried again, and tidies up.
fn tells(declared: &str, argument: &str) -> String {
    format!(
        "{declared}
stage a {{
  once
  env {{ TOKEN = token }}
  retry {{ attempts 2; backoff constant(1ms) }}
  run sh \"\"\"
    echo \"out $TOKEN\"; echo \"err $TOKEN\" >&2; printf '%s' \"$TOKEN\" | base64
    echo on > started
    while [ ! -e go ]; do sleep 0.02; done
    exit 3
    \"\"\"
  finally {{ exec \"sh\", \"-c\", \"echo tidy $TOKEN{argument}\" }}
}}
stage b {{ needs a; exec \"true\" }}
lane l {{ include b; finally {{ exec \"true\" }} }}
"
    )
}

/// Everything a run leaves and says: all files of its state, its output, what other commands tell of it, and the command
/// lines of all processes while it ran.
fn everything(text: &str, canary: &str, set: &[&str]) -> Vec<u8> {
    let subject = Subject::with(text);
    let arguments = [&["run", "all.wfl", "--format", "json", "--lane", "l"], set].concat();
    let mut command = subject.wfl(&arguments);
    command.env("SHIP_TOKEN", canary).stdout(Stdio::piped()).stderr(Stdio::piped());
    let engine = command.spawn().expect("wfl starts");
    soon("it runs", || subject.root.join("started").exists());
    let mut all = command_lines();
    subject.write("go", "");
    let output = engine.wait_with_output().expect("an end");
    all.extend([output.stdout, output.stderr].concat());
    let run = subject.newest_run().expect("a run");
    let said = [
        vec!["show", &run, "--format", "json"],
        vec!["logs", &run],
        vec!["why", &run, "a"],
        vec!["runs", "--format", "json"],
    ];
    for arguments in said {
        let ended = subject.end(&arguments);
        all.extend([ended.out, ended.err].concat().into_bytes());
    }
    for entry in walkdir::WalkDir::new(&subject.state).into_iter().filter_map(Result::ok) {
        all.extend(fs::read(entry.path()).unwrap_or_default());
    }
    all
}

fn command_lines() -> Vec<u8> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let own = std::process::id().to_string();
    let others = processes.filter(|process| process.file_name().to_string_lossy() != own);
    others.flat_map(|process| fs::read(process.path().join("cmdline")).unwrap_or_default()).collect()
}

fn holds(all: &[u8], part: &str) -> bool {
    all.windows(part.len()).any(|window| window == part.as_bytes())
}

/// Plain, the part that base64 keeps, and as JSON.
const TRACES: [&str; 3] = ["canary-9f1c", "Y2FuYXJ5LTlmMWM", "7+zq\\\"x"];

#[test]
fn a_secret_is_in_no_file_no_command_line_and_no_answer() {
    let all = everything(&tells("secret token = env(\"SHIP_TOKEN\")", ""), CANARY, &[]);
    assert!(holds(&all, "out ***") && holds(&all, "err ***"), "it was told");
    for trace in TRACES {
        assert!(!holds(&all, trace), "{trace} got out");
    }
}

/// The twin: the same value, not declared a secret.
#[test]
fn the_twin_that_is_no_secret_is_everywhere() {
    let set = format!("token={CANARY}");
    let all = everything(&tells("param token: string", ""), CANARY, &["--set", &set]);
    for trace in TRACES {
        assert!(holds(&all, trace), "{trace} is not there");
    }
    assert!(holds(
        &everything(&tells("param token: string", ""), CANARY, &["--set", &set]),
        "out canary-9f1c"
    ));
}

#[test]
fn no_environment_passes_from_stage_to_stage() {
    let subject = Subject::with(
        "secret token = env(\"SHIP_TOKEN\")
stage a { once; env { TOKEN = token; PRIVATE = \"of a\" }; run sh \"\"\"
  export LEFT=behind
  env > seen-a
  \"\"\" }
stage b { needs a; run sh \"\"\"
  env > seen-b
  \"\"\" }
",
    );
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("SHIP_TOKEN", CANARY).env("HARMLESS", "seen").env("WFL_INJECT", "b:exit:1");
    let ended = subject.end_of(command).expect_code(1);
    drop(ended);
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("SHIP_TOKEN", CANARY).env("HARMLESS", "seen").env("WFL_INJECT", "");
    subject.end_of(command).expect_code(0);
    let (a, b) = (subject.read("seen-a"), subject.read("seen-b"));
    assert!(a.contains(&format!("TOKEN={CANARY}")) && a.contains("PRIVATE=of a"), "{a}");
    for name in ["TOKEN=", "PRIVATE=", "LEFT=", "SHIP_TOKEN=", "WFL_STATE_DIR=", "WFL_INJECT="] {
        assert!(!b.lines().any(|line| line.starts_with(name)), "{name} in {b}");
    }
    // The twin: what is neither a secret's source nor ours is inherited.
    assert!(b.contains("HARMLESS=seen"), "{b}");
}
