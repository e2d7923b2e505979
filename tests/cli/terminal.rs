//! What is seen on a real terminal, through `script` where it is installed.

use std::process::{Command, Stdio};

use super::APPROVED;
use crate::faults::subject::Subject;

/// Runs the program on a terminal of its own with `typed` as what the person types; none without `script`.
pub(super) fn on_terminal(subject: &Subject, arguments: &str, typed: &str) -> Option<(Option<i32>, String)> {
    let mut command = Command::new("script");
    let line = format!("{} {arguments}", env!("CARGO_BIN_EXE_wfl"));
    command.args(["-qec", &line, "/dev/null"]).current_dir(&subject.root);
    command.env("WFL_STATE_DIR", &subject.state).env_remove("CI").env_remove("NO_COLOR");
    command.env("TERM", "xterm").env("LANG", "C.UTF-8");
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let Ok(mut child) = started else {
        eprintln!("not tried: `script` is not installed");
        return None;
    };
    use std::io::Write;
    let mut input = child.stdin.take().expect("an input");
    input.write_all(typed.as_bytes()).expect("typing");
    let ended = child.wait_with_output().expect("an end");
    drop(input);
    Some((ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned()))
}

#[test]
fn a_run_is_drawn_in_colour_with_symbols() {
    let subject = Subject::with("stage build { exec \"true\" }\n");
    let Some((code, seen)) = on_terminal(&subject, "run all.wfl", "") else { return };
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("✓") && seen.contains("build") && seen.contains('\u{1b}'), "{seen}");
}

#[test]
fn a_person_is_asked_to_approve_and_may_say_yes_or_no() {
    for (typed, code, shipped) in [("y\n", 0, true), ("n\n", 1, false)] {
        let subject = super::committed(APPROVED);
        let Some((ended, seen)) = on_terminal(&subject, "run release", typed) else { return };
        assert!(seen.contains("Approve ship?"), "{seen}");
        assert_eq!(ended, Some(code), "{seen}");
        assert_eq!(subject.root.join("shipped").exists(), shipped);
    }
}

#[test]
fn logs_are_made_safe_on_a_terminal() {
    let subject = Subject::with("stage a { run sh \"\"\"\n  printf '\\033[2Jcleared\\n'\n  \"\"\" }\n");
    subject.end(&["run", "all.wfl"]).expect_code(0);
    assert!(
        subject.end(&["logs", "last", "a"]).expect_code(0).out.contains("\u{1b}[2J"),
        "a pipe gets the bytes"
    );
    let Some((_, seen)) = on_terminal(&subject, "logs last a", "") else { return };
    assert!(seen.contains("cleared") && !seen.contains("\u{1b}[2J"), "{seen:?}");
}

#[test]
fn who_is_no_member_is_not_asked_to_approve() {
    let subject = super::committed(APPROVED);
    subject.git(&["config", "user.email", "bob@team.example"]);
    let Some((ended, seen)) = on_terminal(&subject, "run release", "y\n") else { return };
    assert!(!seen.contains("Approve ship?"), "{seen}");
    assert_eq!(ended, Some(4), "{seen}");
    assert!(!subject.root.join("shipped").exists());
}

#[test]
fn what_came_before_is_shown_before_the_question() {
    let subject = Subject::with(
        "stage build { exec \"true\" }\nstage ship { needs build; confirm \"Really?\"; exec \"true\" }\n",
    );
    let Some((ended, seen)) = on_terminal(&subject, "run all.wfl", "y\n") else { return };
    let built = seen.find("✓\u{1b}[0m build").unwrap_or(usize::MAX);
    assert!(built < seen.find("[y/N]").unwrap_or_default(), "{seen}");
    assert_eq!(ended, Some(0), "{seen}");
}

#[test]
fn a_flood_of_news_is_drawn_at_most_twenty_times_a_second() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo \"line $i\"; done; sleep 0.3\n  \"\"\" }\n",
    );
    let began = std::time::Instant::now();
    let Some((code, seen)) = on_terminal(&subject, "run all.wfl", "") else { return };
    let allowed = began.elapsed().as_secs_f64() * 20.0 + 2.0;
    assert_eq!(code, Some(0), "{seen}");
    let drawn = seen.matches("of 1 stage done").count();
    assert!(drawn >= 1 && (drawn as f64) <= allowed, "{drawn} drawings, {allowed} allowed");
    // What remains are plain lines: after the picture is cleared nothing of it comes again.
    let rest = &seen[seen.rfind("\u{1b}[J").expect("a picture that was cleared")..];
    assert!(!rest.contains("stage done"), "{rest}");
}

#[test]
fn output_shown_beside_the_picture_is_never_torn() {
    let subject = Subject::with(
        "stage a { run sh \"\"\"\n  for i in 1 2 3 4 5 6 7 8 9; do echo \"whole-$i\"; sleep 0.07; done\n  \"\"\" }\n",
    );
    let Some((code, seen)) = on_terminal(&subject, "run all.wfl --output interleaved", "") else { return };
    assert_eq!(code, Some(0), "{seen}");
    for i in 1..10 {
        let line = format!("whole-{i}");
        let shown = seen.lines().map(|row| row.trim_end_matches('\r').trim_end_matches("\u{1b}[K"));
        assert!(
            shown.map(|row| row.trim_start_matches(|c| c != 'w')).any(|row| row == line),
            "{line}: {seen:?}"
        );
    }
}
