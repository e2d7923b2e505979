//! `wfl logs` where something is sought, and output while it comes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::faults::subject::Subject;

const TWO: &str = "\
stage build { run sh \"\"\"
  echo 'info: begun'; sleep 0.02; echo 'warning: old' >&2; sleep 0.02; echo plain; printf 'error: no end'
  \"\"\" }
stage unit { needs build; run sh \"\"\"
  echo 'error: first'; echo '  at unit.c:3'; echo done
  \"\"\" }
";

fn ran() -> Subject {
    let subject = Subject::with(TWO);
    subject.end(&["run", "all.wfl"]).expect_code(0);
    subject
}

/// The program where only ASCII can be shown.
fn ascii(subject: &Subject, arguments: &[&str]) -> Command {
    let mut command = subject.wfl(arguments);
    command.env("LC_ALL", "C");
    command
}

#[track_caller]
fn found(subject: &Subject, arguments: &[&str]) -> String {
    subject.end_of(ascii(subject, &[&["logs", "last"], arguments].concat())).expect_code(0).out
}

#[test]
fn lines_are_found_by_pattern_level_and_stream() {
    let subject = ran();
    assert_eq!(found(&subject, &["--grep", "^error"]), "build | error: no end\nunit | error: first\n");
    assert_eq!(found(&subject, &["unit", "--grep", "(?i)DONE$"]), "done\n");
    let warned = "build | warning: old\nbuild | error: no end\nunit | error: first\nunit |   at unit.c:3\n";
    assert_eq!(found(&subject, &["--level", "warn"]), warned);
    assert_eq!(found(&subject, &["--stream", "err"]), "build | warning: old\n");
    assert_eq!(found(&subject, &["--stage", "unit", "--tail", "1"]), "unit | done\n");
    assert_eq!(found(&subject, &["build", "--tail", "2"]), "plain\nerror: no end\n");
    assert_eq!(found(&subject, &["--grep", "absent"]), "");
}

#[test]
fn lines_are_found_by_time() {
    let subject = ran();
    assert_eq!(found(&subject, &["--since", "1h"]).lines().count(), 7);
    assert_eq!(found(&subject, &["--since", "2999-01-01"]), "");
    let stamped = found(&subject, &["unit", "--timestamps"]);
    let (time, line) = stamped.lines().next().and_then(|line| line.split_once(' ')).expect("a line");
    assert_eq!(line, "error: first");
    assert_eq!(found(&subject, &["unit", "--since", time]).lines().next(), Some("error: first"));
    subject.end(&["logs", "last", "--since", "soon"]).expect_code(2).says("--since is no time");
    subject.end(&["logs", "last", "--grep", "("]).expect_code(2).says("no regular expression");
}

#[test]
fn lines_are_objects_for_programs() {
    let subject = ran();
    let lines = found(&subject, &["--format", "json", "--level", "error"]);
    let first: serde_json::Value =
        serde_json::from_str(lines.lines().next().expect("a line")).expect("an object");
    assert_eq!(first["stage"], "build");
    assert_eq!(first["attempt"], 1);
    assert_eq!(first["stream"], "out");
    assert_eq!(first["level"], "error");
    assert_eq!(first["line"], "error: no end");
    assert!(first["at"].as_str().is_some_and(|at| at.ends_with('Z')));
}

#[test]
fn a_running_stage_is_followed_to_the_end_of_its_run() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo begun; until [ -e go ]; do sleep 0.02; done; printf ended\n  \"\"\" }\n\
         stage b { needs a; exec \"echo\", \"later\" }\n",
    );
    let mut engine = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    while subject
        .newest_run()
        .is_none_or(|run| subject.statuses(&run).get("a").is_none_or(|at| at != "running"))
    {
        std::thread::yield_now();
    }
    let mut command = ascii(&subject, &["logs", "last", "--follow"]);
    let mut follower = command.stdout(Stdio::piped()).spawn().expect("wfl starts");
    let mut lines =
        BufReader::new(follower.stdout.take().expect("a pipe")).lines().map(|line| line.expect("a line"));
    assert_eq!(lines.next().as_deref(), Some("a | begun"));
    subject.write("go", "");
    assert_eq!(lines.collect::<Vec<_>>(), ["a | ended", "b | later"]);
    assert!(follower.wait().expect("an end").success());
    assert!(engine.wait().expect("an end").success());
}

/// Four stages that print at once, each line in many writes and the last without an end.
fn at_once() -> Subject {
    let stage = |name: &str| {
        format!(
            "stage {name} {{ run sh \"\"\"\n  for i in 1 2 3 4 5 6 7 8 9; do printf '{name}-'; printf \"$i-\"; \
             sleep 0.01; echo {name}; done; printf '{name}-last-{name}'\n  \"\"\" }}\n"
        )
    };
    Subject::with(&["a", "b", "c", "d"].map(stage).concat())
}

#[test]
fn lines_of_many_stages_are_whole_in_every_mode() {
    let subject = at_once();
    let shown = |mode: &str| {
        subject.end_of(ascii(&subject, &["run", "all.wfl", "-j", "4", "--output", mode])).expect_code(0).err
    };
    for (mode, prefix) in [("interleaved", ""), ("prefixed", "X | "), ("grouped", "    ")] {
        let text = shown(mode);
        for name in ["a", "b", "c", "d"] {
            let prefix = prefix.replace('X', name);
            let mut wanted: Vec<String> = (1..10).map(|i| format!("{prefix}{name}-{i}-{name}")).collect();
            wanted.push(format!("{prefix}{name}-last-{name}"));
            let own = |line: &&str| line.starts_with(&format!("{prefix}{name}-"));
            assert_eq!(text.lines().filter(own).collect::<Vec<_>>(), wanted, "{mode}: {text}");
        }
    }
    let grouped = shown("grouped");
    for name in ["a", "b", "c", "d"] {
        let from = grouped.lines().position(|line| line == format!("-- {name}")).expect("a heading");
        let block: Vec<&str> = grouped.lines().skip(from + 1).take(10).collect();
        assert!(block.iter().all(|line| line.starts_with(&format!("    {name}-"))), "{grouped}");
    }
}
