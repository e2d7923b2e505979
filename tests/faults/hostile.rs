//! Input and surroundings that nobody wants: each ends in a clear error with what to do next, and loses nothing.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use super::subject::Subject;

/// No Rust debug print, no grammar rule, no panic reaches a person.
#[track_caller]
fn readable(text: &str) {
    for word in ["panicked", "RUST_BACKTRACE", "Some(", "Err(", "Rule::", "expected EOI", "stmt", "called `"]
    {
        assert!(!text.contains(word), "{word:?} reached a person:\n{text}");
    }
}

#[test]
fn an_empty_file_is_fine_to_check_and_clear_to_run() {
    let subject = Subject::new();
    subject.write("empty.wfl", "");
    let checked = subject.end(&["check", "empty.wfl"]).expect_code(0);
    readable(&checked.err);
    let run = subject.end(&["run", "empty.wfl"]).expect_code(2);
    readable(&run.err);
}

#[test]
fn a_binary_file_is_refused_with_its_place() {
    let subject = Subject::new();
    subject.write("blob.wfl", [b'w', b'f', b'l', b' ', b'1', b'\n', 0, 159, 146, 150]);
    let checked =
        subject.end(&["check", "blob.wfl", "--format", "short"]).expect_code(1).says("blob.wfl:2:1");
    readable(&checked.out);
}

#[test]
fn fifty_megabytes_are_refused_quickly_and_clearly() {
    let subject = Subject::new();
    let line = "# a comment that goes on and on and on and on and on and on and on and on\n";
    subject.write("huge.wfl", line.repeat(50_000_000 / line.len()));
    subject.end(&["check", "huge.wfl", "--format", "short"]).expect_code(1).says("E012");
}

#[test]
fn ten_thousand_brackets_are_one_error() {
    let subject = Subject::new();
    subject.write("deep.wfl", format!("wfl 1\nlet x = {}1{}\n", "(".repeat(10_000), ")".repeat(10_000)));
    let checked = subject.end(&["check", "deep.wfl", "--format", "short"]).expect_code(1).says("E010");
    assert!(checked.out.lines().filter(|line| line.contains("error")).count() <= 2, "{}", checked.out);
}

#[test]
fn ten_thousand_blocks_are_one_error() {
    let subject = Subject::new();
    subject.write("deep.wfl", format!("wfl 1\n{}{}\n", "stage a {\n".repeat(10_000), "}\n".repeat(10_000)));
    subject.end(&["check", "deep.wfl", "--format", "short"]).expect_code(1).says("E010");
}

#[test]
fn an_import_cycle_through_three_files_is_reported_once() {
    let subject = Subject::new();
    for (file, other) in [("a", "b"), ("b", "c"), ("c", "a")] {
        subject.write(&format!("{file}.wfl"), format!("wfl 1\nimport \"{other}.wfl\" as {other}\n"));
    }
    let checked = subject.end(&["check", "a.wfl", "--format", "short"]).expect_code(1).says("E124");
    assert_eq!(checked.out.matches("E124").count(), 1, "{}", checked.out);
}

#[test]
fn a_missing_program_is_named() {
    let subject = Subject::with("stage a { exec \"no-such-program-here\", \"--fast\" }\n");
    let run = subject.end(&["run", "all.wfl"]).expect_code(1).says("no-such-program-here");
    readable(&run.err);
}

#[test]
fn a_gate_whose_program_is_missing_blocks_with_exit_3() {
    let subject = Subject::with(
        "gate g { exec \"no-such-linter\"; measure status: int = exit; require status == 0 }\nstage after { needs g; exec \"true\" }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(3).says("no-such-linter");
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&run)["after"], "blocked");
}

#[test]
fn a_read_only_state_folder_stops_before_anything_starts() {
    let subject = Subject::with("stage a { exec \"touch\", \"started\" }\n");
    // Root may write anywhere, so the folder lies where nobody may: in a file's place, and on a read-only system.
    let mut command = subject.wfl(&["run", "all.wfl"]);
    command.env("WFL_STATE_DIR", "/proc/no-state-here");
    let ended = subject.end_of(command).expect_code(2);
    readable(&ended.err);
    assert!(!subject.root.join("started").exists());
    fs::write(&subject.state, "a file where the folder should be").expect("a file");
    subject.end(&["run", "all.wfl"]).expect_code(2);
    assert!(!subject.root.join("started").exists());
}

#[test]
fn a_state_folder_without_permission_stops_before_anything_starts() {
    let subject = Subject::with("stage a { exec \"touch\", \"started\" }\n");
    fs::create_dir_all(&subject.state).expect("a folder");
    fs::set_permissions(&subject.state, fs::Permissions::from_mode(0o500)).expect("permissions");
    if fs::write(subject.state.join("probe"), "").is_ok() {
        return; // root ignores modes; the test above covers root
    }
    subject.end(&["run", "all.wfl"]).expect_code(2);
    assert!(!subject.root.join("started").exists());
}

/// A full disk: a file-size limit of the process makes every write past it fail, as a full disk does.
#[test]
fn a_full_state_folder_stops_the_run_and_resumes_later() {
    let mut text = String::new();
    for index in 0..200 {
        let needs = if index > 0 { format!("needs s{}; ", index - 1) } else { String::new() };
        let _ = writeln!(text, "stage s{index} {{ {needs}exec \"true\" }}");
    }
    let subject = Subject::with(&text);
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", "ulimit -f 300; trap '' XFSZ; exec \"$0\" run all.wfl", env!("CARGO_BIN_EXE_wfl")])
        .current_dir(&subject.root)
        .env("WFL_STATE_DIR", &subject.state)
        .stdin(Stdio::null());
    let ended = subject.end_of(command);
    readable(&ended.err);
    // 2 when not even the run's beginning could be written, 1 when it stopped on its way.
    assert!(matches!(ended.code, Some(1 | 2)), "{:?} {}", ended.code, ended.err);
    assert!(ended.err.contains("help:"), "{}", ended.err);
    let Some(run) = subject.newest_run() else { return };
    subject.end(&["resume", &run]).expect_code(0);
    assert!(subject.statuses(&run).values().all(|status| status == "succeeded"));
}

#[test]
fn a_second_runner_of_one_run_names_the_first() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  echo started > started\n  while [ ! -e go ]; do sleep 0.02; done\n  \"\"\" }\n",
    );
    let mut first = subject.wfl(&["run", "all.wfl"]).spawn().expect("wfl starts");
    while !subject.root.join("started").exists() {
        std::thread::yield_now();
    }
    let run = subject.newest_run().expect("a run");
    let second = subject.end(&["resume", &run]).expect_code(2);
    assert!(
        second.err.contains(&first.id().to_string()),
        "the holder's process is not named: {}",
        second.err
    );
    subject.write("go", "");
    assert_eq!(first.wait().expect("a child").code(), Some(0));
}

#[test]
fn a_stage_killed_by_a_signal_says_which() {
    let subject = Subject::with("stage a { run sh \"\"\"\n  kill -SEGV $$\n  \"\"\" }\n");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(1);
    assert!(ended.err.contains("SIGSEGV") || ended.err.contains("signal 11"), "{}", ended.err);
    let run = subject.newest_run().expect("a run");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    assert_eq!(shown["stages"][0]["attempts"][0]["exit"], 139);
}

#[test]
fn state_shipped_inside_a_clone_is_not_used() {
    let subject = Subject::with("stage a { exec \"true\" }\n");
    subject.write(".wfl/state.db", "not ours");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert_eq!(subject.read(".wfl/state.db"), "not ours");
}

#[test]
fn a_corrupt_database_is_set_out_and_never_deleted() {
    let subject = Subject::with("stage a { exec \"touch\", \"started\" }\n");
    fs::create_dir_all(&subject.state).expect("a folder");
    fs::write(subject.state.join("state.db"), "this is no database, but somebody may want it".repeat(100))
        .expect("a file");
    let ended = subject.end(&["run", "all.wfl"]).expect_code(2).says("state.db");
    readable(&ended.err);
    assert!(!subject.root.join("started").exists());
    assert!(
        fs::read_to_string(subject.state.join("state.db")).expect("still there").starts_with("this is no")
    );
}

#[test]
fn a_broken_pipe_leaves_the_state_whole() {
    let mut text = String::new();
    for index in 0..30 {
        let _ = writeln!(text, "stage s{index} {{ exec \"echo\", \"hello\" }}");
    }
    let subject = Subject::with(&text);
    let mut command = std::process::Command::new("bash");
    command
        .args(["-c", "\"$0\" run all.wfl --format json 2>&1 | head -n 2", env!("CARGO_BIN_EXE_wfl")])
        .current_dir(&subject.root)
        .env("WFL_STATE_DIR", &subject.state)
        .stdin(Stdio::null());
    subject.end_of(command);
    let run = subject.newest_run().expect("a run");
    subject.end(&["resume", &run]);
    assert!(
        subject.statuses(&run).values().all(|status| status == "succeeded"),
        "{:?}",
        subject.statuses(&run)
    );
}
