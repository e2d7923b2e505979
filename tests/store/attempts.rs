//! Attempts with real processes: ends, timeouts, what a process sees.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use wfl::event::{AttemptStatus, Measured, Outcome};
use wfl::exec::LocalExecutor;
use wfl::port::{Action, AttemptSpec, Executor};

use super::{attempt, logged, sh};

fn run(spec: &AttemptSpec) -> Outcome {
    LocalExecutor::new().run(spec).unwrap()
}

fn exec(argv: &[&str]) -> Action {
    Action::Exec { argv: argv.iter().map(|word| word.to_string()).collect() }
}

#[test]
fn exit_codes_and_signals_are_told_as_shells_count_them() {
    let dir = tempfile::tempdir().unwrap();
    let of = |text: &str| run(&attempt(dir.path(), vec![sh(text)]));
    let ok = of("true");
    assert_eq!((ok.status, ok.exit, ok.error), (AttemptStatus::Succeeded, Some(0), None));
    let seven = of("echo why >&2; exit 7");
    assert_eq!((seven.status, seven.exit, seven.stderr.as_str()), (AttemptStatus::Failed, Some(7), "why\n"));
    let segv = of("kill -SEGV $$");
    assert_eq!((segv.exit, segv.signal), (Some(139), Some(11)));
    assert!(segv.error.unwrap().contains("SEGV"));
    assert!(of("kill -KILL $$").error.unwrap().contains("was killed ("));
    let spec = AttemptSpec { exit_ok: vec![0, 3], ..attempt(dir.path(), vec![sh("exit 3")]) };
    assert_eq!((run(&spec).status, run(&spec).exit), (AttemptStatus::Succeeded, Some(3)));
}

#[test]
fn actions_run_in_order_and_stop_at_the_first_failure() {
    let dir = tempfile::tempdir().unwrap();
    let actions =
        vec![sh("echo one >> log"), exec(&["sh", "-c", "echo two >> log; exit 1"]), sh("echo three >> log")];
    assert_eq!(run(&attempt(dir.path(), actions)).exit, Some(1));
    assert_eq!(fs::read_to_string(dir.path().join("log")).unwrap(), "one\ntwo\n");
}

#[test]
fn interpreters_are_strict_and_arguments_arrive_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let script = |interpreter: &str, text: &str| {
        let action = Action::Script { interpreter: interpreter.into(), text: text.into() };
        run(&attempt(dir.path(), vec![action])).status
    };
    assert_eq!(script("bash", "false | true; echo reached"), AttemptStatus::Failed);
    assert_eq!(script("bash", "echo $UNSET_ONE"), AttemptStatus::Failed);
    assert_eq!(script("sh", "false; true"), AttemptStatus::Failed);
    assert_eq!(script("python", "import sys; sys.exit(0)"), AttemptStatus::Succeeded);
    let hostile = ["a b", "$(id)", "'\"", "-n", "\n", "é;&|", ""];
    let argv = [&["printf", "<%s>"], &hostile[..]].concat();
    let spec = attempt(dir.path(), vec![exec(&argv)]);
    run(&spec);
    let expected: String = hostile.iter().map(|word| format!("<{word}>")).collect();
    assert_eq!(logged(spec.log.as_ref().unwrap()), expected);
}

#[test]
fn a_script_longer_than_an_argument_may_be_runs() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{}\necho done > out", "# filler\n".repeat(50_000));
    assert_eq!(run(&attempt(dir.path(), vec![sh(&text)])).status, AttemptStatus::Succeeded);
    assert!(dir.path().join("out").exists());
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("data"), "x").unwrap();
    fs::write(dir.path().join("odd"), "no first line\n").unwrap();
    let mode: fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(dir.path().join("odd"), mode).unwrap();
    let error = |action: Action| {
        let outcome = run(&attempt(dir.path(), vec![action]));
        assert_eq!((outcome.status, outcome.exit), (AttemptStatus::Failed, None));
        outcome.error.unwrap()
    };
    assert!(error(exec(&["no-such-program"])).starts_with("program not found: no-such-program"));
    assert!(error(exec(&["./gone"])).starts_with("program not found: ./gone"));
    assert!(error(exec(&["./data"])).starts_with("not executable: ./data"));
    assert!(error(exec(&["./odd"])).contains("#!"));
    assert!(error(exec(&["echo", "a\0b"])).contains("NUL"));
    let nowhere = AttemptSpec { cwd: dir.path().join("gone"), ..attempt(dir.path(), vec![sh("true")]) };
    assert!(run(&nowhere).error.unwrap().starts_with("working directory not found"));
    let pathless = AttemptSpec {
        env: vec![("PATH".into(), "/nowhere".into())],
        ..attempt(dir.path(), vec![sh("true")])
    };
    assert!(run(&pathless).error.unwrap().starts_with("program not found: sh"));
}

#[test]
fn a_process_sees_no_terminal_no_foreign_descriptor_and_only_its_environment() {
    let dir = tempfile::tempdir().unwrap();
    // What this program opened must not be open in what it starts.
    let held = fs::File::create(dir.path().join("held-by-us")).unwrap();
    let spec = AttemptSpec {
        env: vec![("APP".into(), "a b".into()), ("WFL_KEY".into(), "k1".into())],
        env_remove: vec!["HOME".into()],
        ..attempt(dir.path(), vec![sh("readlink /proc/self/fd/0; ls -l /proc/self/fd; env")])
    };
    assert_eq!(run(&spec).status, AttemptStatus::Succeeded);
    drop(held);
    let text = logged(spec.log.as_ref().unwrap());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "/dev/null");
    assert!(!text.contains("held-by-us") && text.contains("/dev/null"), "{text}");
    for line in ["APP=a b", "WFL_KEY=k1", "WFL_STAGE=stage[n=1]", "WFL_ATTEMPT=1"] {
        assert!(lines.contains(&line), "{line} in {text}");
    }
    assert!(lines.iter().any(|line| line.starts_with("PATH=")));
    assert!(!lines.iter().any(|line| line.starts_with("HOME=")));
}

#[test]
fn a_clean_environment_holds_what_is_passed_and_little_else() {
    let dir = tempfile::tempdir().unwrap();
    let names = |pass: &[&str]| {
        let clean = Some(pass.iter().map(|glob| glob.to_string()).collect());
        let spec = AttemptSpec { clean_env: clean, ..attempt(dir.path(), vec![sh("env")]) };
        run(&spec);
        logged(spec.log.as_ref().unwrap())
    };
    // Cargo sets these for every test.
    assert!(!names(&[]).contains("CARGO_PKG_NAME=") && names(&[]).contains("PATH="));
    assert!(names(&["CARGO_PKG_*"]).contains("CARGO_PKG_NAME=wfl"));
    assert!(!names(&["CARGO_PKG_*"]).contains("CARGO_MANIFEST_DIR="));
}

#[test]
fn outputs_have_their_folder_and_old_ones_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let output = dir.path().join("dist/deep/app");
    let spec = AttemptSpec {
        outputs: vec![output.clone()],
        ..attempt(dir.path(), vec![sh("echo new > dist/deep/app")])
    };
    assert_eq!(run(&spec).status, AttemptStatus::Succeeded);
    let keep = AttemptSpec { actions: vec![sh("test -f dist/deep/app")], ..spec.clone() };
    assert_eq!(run(&keep).status, AttemptStatus::Succeeded);
    let fresh = AttemptSpec { fresh_outputs: true, ..keep };
    assert_eq!(run(&fresh).status, AttemptStatus::Failed);
    assert!(!output.exists());
}

#[test]
fn much_output_is_cut_in_the_log_and_uses_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let before = peak();
    // One line of a hundred megabytes, without a newline, with bytes that are no text.
    let text = "head -c 100000000 /dev/zero; printf '\\377last' >&2; exit 1";
    let spec = attempt(dir.path(), vec![sh(text)]);
    let outcome = LocalExecutor::new().with_log_cap(1 << 20).run(&spec).unwrap();
    assert!(outcome.log_cut && outcome.stderr == "\u{fffd}last");
    assert!(fs::metadata(spec.log.as_ref().unwrap()).unwrap().len() < (1 << 20) + 100_000);
    let more = peak().saturating_sub(before);
    assert!(more < 40 << 20, "{more} bytes more");
}

/// The most memory this process ever held, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn usage_and_duration_are_measured() {
    let dir = tempfile::tempdir().unwrap();
    let busy = run(&attempt(dir.path(), vec![sh("i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done")]));
    assert!(busy.usage.user_ms + busy.usage.system_ms > 0 && busy.usage.max_rss > 100_000, "{busy:?}");
    assert!(busy.duration_ms > 0);
}

#[test]
fn templates_are_rendered_between_other_actions() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("t.jinja"), "{{ title }}: {{ files|length }}\n").unwrap();
    let render = |title: &str| Action::Render {
        target: PathBuf::from("out/notes.md"),
        template: PathBuf::from("t.jinja"),
        schema: None,
        context: serde_json::json!({ title: "HOT-1", "files": ["a", "b"] }),
    };
    let spec = attempt(dir.path(), vec![render("title"), sh("grep -q 'HOT-1: 2' out/notes.md")]);
    assert_eq!(run(&spec).status, AttemptStatus::Succeeded);
    let outcome = run(&attempt(dir.path(), vec![render("other")]));
    assert!(outcome.error.unwrap().starts_with("t.jinja:1: "));
    assert_eq!(fs::read_to_string(dir.path().join("out/notes.md")).unwrap(), "HOT-1: 2\n");
}

#[test]
fn a_stage_that_asks_is_ended_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let spec = AttemptSpec {
        timeout: Some(Duration::from_millis(100)),
        ..attempt(dir.path(), vec![sh("echo started; sleep 600")])
    };
    let outcome = run(&spec);
    assert_eq!((outcome.status, outcome.signal), (AttemptStatus::TimedOut, Some(15)));
    assert_eq!(outcome.error.as_deref(), Some("timed out: `sh` had 100ms and did not end"));
    assert_eq!(logged(spec.log.as_ref().unwrap()), "started\n");
}

#[test]
fn memory_is_the_stages_own_and_not_the_engines() {
    let dir = tempfile::tempdir().unwrap();
    // Held by this process, and by none of the stage.
    let held = vec![7_u8; 64 << 20];
    let long = run(&attempt(dir.path(), vec![sh("sleep 1.5 & sleep 1.5 & wait")])).usage;
    assert_eq!(long.how, Measured::Sampled);
    assert!((1..16 << 20).contains(&long.max_rss), "{long:?}");
    assert!(long.tree_rss > long.max_rss && long.waits > 0, "{long:?}");
    // The twin: nobody looked at one that ended at once, and the kernel counts our own memory to it.
    let short = run(&attempt(dir.path(), vec![exec(&["true"])])).usage;
    assert_eq!(short.how, Measured::AtMost);
    assert!(short.max_rss >= 64 << 20, "{short:?}");
    assert!(held.iter().all(|byte| *byte == 7));
}
