//! From a real log to the summary, `wfl show` and `wfl why`.

use serde_json::Value;

use crate::faults::subject::Subject;

/// The message stands on the fourth line of the log, behind colours, on standard output.
const LANE: &str = r#"
stage deps {
  run sh """
    echo one
    echo two
    echo three
    printf '\033[31mE   ModuleNotFoundError: No module named %s\033[0m\n' "'frob_nicate'"
    exit 2
    """
}
help "the frobnicator is ours" {
  when  exit == 2 and stderr matches "No module named '(?P<module>frob[a-z_]*)'"
  cause "`<module>` comes from our own index"
  try   "./tools/get <module>"
}
"#;

fn failed(lane: &str) -> (Subject, String) {
    let subject = Subject::with(lane);
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
    (subject, ended.err)
}

#[test]
fn the_summary_tells_cause_line_and_next_command() {
    let (_subject, err) = failed(LANE);
    let at = |needle: &str| err.rfind(needle).unwrap_or_else(|| panic!("{needle} is missing in {err}"));
    let (cause, next) =
        (at("likely: `frob_nicate` comes from our own index"), at("try: ./tools/get frob_nicate"));
    let line = at("log line 4, standard output: E   ModuleNotFoundError: No module named 'frob_nicate'");
    assert!(at("deps: ") < cause && cause < line && line < next && next < at("next: wfl logs"), "{err}");
    // The library's own words for the same line are not said as well.
    assert!(!err.contains("pip install"), "{err}");
}

#[test]
fn show_and_why_tell_it_from_the_stored_run() {
    let (subject, _) = failed(LANE);
    // What the run was made from counts, not what the file says now.
    subject.write("all.wfl", "stage other { exec \"true\" }\n");
    let show: Value = subject.json(&["show", "last", "--format", "json"]);
    let help = &show["stages"][0]["help"][0];
    assert_eq!(help["title"], "the frobnicator is ours");
    assert_eq!((&help["try"], &help["log_line"]), (&"./tools/get frob_nicate".into(), &4.into()));
    assert_eq!((&help["stream"], &help["from"]), (&"stdout".into(), &"all.wfl:12".into()));
    let why: Value = subject.json(&["why", "last", "deps", "--format", "json"]);
    assert_eq!(why["help"], show["stages"][0]["help"]);
    for command in [vec!["show", "last"], vec!["why", "last", "deps"]] {
        let told = subject.end(&command).expect_code(0).out;
        assert!(told.contains("likely: `frob_nicate` comes") && told.contains("log line 4"), "{told}");
    }
    // The line that is quoted is the one that `wfl logs` gives.
    let logs = subject.end(&["logs", "last", "deps", "--format", "json"]).expect_code(0).out;
    assert!(logs.lines().nth(3).is_some_and(|line| line.contains("frob_nicate")), "{logs}");
}

/// The twin: with nothing wrong in it the same output explains nothing, and a good stage is not asked about.
#[test]
fn a_stage_that_ended_well_gets_no_advice() {
    let subject = Subject::with(&LANE.replace("exit 2", "exit 0"));
    let ended = subject.end(&["run", "all.wfl"]).expect_code(0);
    assert!(!ended.err.contains("likely:"), "{}", ended.err);
    let show: Value = subject.json(&["show", "last", "--format", "json"]);
    assert_eq!(show["stages"][0]["help"], serde_json::json!([]));
}

#[test]
fn a_program_that_is_not_there_is_explained_from_wfls_own_words() {
    let (subject, err) = failed("stage a { exec \"no-such-program-x1\" }\n");
    assert!(err.contains("try: command -v no-such-program-x1"), "{err}");
    let show: Value = subject.json(&["show", "last", "--format", "json"]);
    assert_eq!(show["stages"][0]["help"][0]["stream"], "wfl");
    assert!(show["stages"][0]["help"][0]["log_line"].is_null());
}

#[test]
fn secrets_stay_masked_and_control_characters_are_shown() {
    let lane = "secret token = env(\"MY_TOKEN\")\nstage a { env { T = token }\n run sh \"\"\"\n  printf \
                'fatal: not a git repository %s \\033]0;title\\007\\n' \"$T\" >&2\n  exit 1\n  \"\"\" }\n";
    let subject = Subject::with(lane);
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("MY_TOKEN", "hunter2hunter2");
    let err = subject.end_of(command).expect_code(1).err;
    assert!(err.contains("likely: git ran in a folder that belongs to no repository"), "{err}");
    assert!(!err.contains("hunter2") && err.contains("***") && !err.contains('\u{7}'), "{err}");
}

/// A gate whose tool ended well by its own account: what the tool said stands in the summary.
#[test]
fn the_words_of_a_failed_gates_tool_stand_in_the_summary() {
    let lane = r#"
tool lint {
  run sh """
    i=0; while [ $i -lt 15 ]; do i=$((i+1)); echo "finding $i"; done
    echo 15 > n.txt
    """
  out report = "n.txt"
  measure findings: int = text(out.report)
}
gate few { tool lint; require findings < 3 }
gate fewer { tool lint; follows few; require findings < 20 }
"#;
    let subject = Subject::with(lane);
    let ended = subject.end(&["run", "all.wfl", "--output", "none"]).expect_code(3);
    assert!(ended.err.contains("  finding 15\n") && ended.err.contains("  finding 6\n"), "{}", ended.err);
    assert!(!ended.err.contains("finding 5\n"), "{}", ended.err);
}
