//! Processes that will not end, leave their group, or hold a pipe.

use std::sync::Arc;
use std::time::Duration;

use wfl::event::AttemptStatus;
use wfl::exec::LocalExecutor;
use wfl::port::{AttemptSpec, Executor};

use super::{alive, attempt, sh, soon};

#[test]
fn a_group_that_ignores_term_is_killed_after_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let text = "trap '' TERM; (trap '' TERM; echo $$ > leader; sleep 600 & echo $! > child; wait) & \
                while :; do sleep 600; done";
    let spec =
        AttemptSpec { timeout: Some(Duration::from_millis(300)), ..attempt(dir.path(), vec![sh(text)]) };
    let outcome = LocalExecutor::new().run(&spec).unwrap();
    assert_eq!((outcome.status, outcome.exit), (AttemptStatus::TimedOut, Some(137)));
    assert!(outcome.duration_ms >= 500);
    soon("all of them are gone", || !alive(&dir.path().join("leader")) && !alive(&dir.path().join("child")));
}

#[test]
fn one_that_tidies_up_has_its_grace() {
    let dir = tempfile::tempdir().unwrap();
    let text = "trap 'sleep 0.1; echo tidy > tidied; exit 0' TERM; sleep 600 & wait";
    let spec = AttemptSpec {
        timeout: Some(Duration::from_millis(200)),
        grace: Duration::from_secs(10),
        ..attempt(dir.path(), vec![sh(text)])
    };
    let outcome = LocalExecutor::new().run(&spec).unwrap();
    assert_eq!(outcome.status, AttemptStatus::TimedOut);
    assert!(dir.path().join("tidied").exists());
}

#[test]
fn a_grandchild_that_left_and_holds_the_pipe_keeps_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let text = "setsid sh -c 'echo $$ > away; sleep 600' & while [ ! -s away ]; do :; done; echo done";
    let spec = attempt(dir.path(), vec![sh(text)]);
    let outcome = LocalExecutor::new().run(&spec).unwrap();
    assert_eq!(outcome.status, AttemptStatus::Succeeded);
    // That it still lives shows that nobody waited for it. It may live on, as a service would, until the run's leftovers are fenced.
    assert!(alive(&dir.path().join("away")));
    assert!(LocalExecutor::new().fence(&spec.run) >= 1);
    soon("it is gone", || !alive(&dir.path().join("away")));
    assert_eq!(LocalExecutor::new().fence(&spec.run), 0);
}

#[test]
fn a_timeout_finds_those_that_left_the_group() {
    let dir = tempfile::tempdir().unwrap();
    let text = "setsid sh -c 'trap \"\" TERM; echo $$ > away; while :; do sleep 600; done' & sleep 600";
    let spec =
        AttemptSpec { timeout: Some(Duration::from_millis(300)), ..attempt(dir.path(), vec![sh(text)]) };
    assert_eq!(LocalExecutor::new().run(&spec).unwrap().status, AttemptStatus::TimedOut);
    soon("it is gone", || !alive(&dir.path().join("away")));
}

#[test]
fn background_processes_of_the_group_end_with_the_stage() {
    let dir = tempfile::tempdir().unwrap();
    let text = "sleep 600 >/dev/null 2>&1 & echo $! > child";
    assert_eq!(
        LocalExecutor::new().run(&attempt(dir.path(), vec![sh(text)])).unwrap().status,
        AttemptStatus::Succeeded
    );
    soon("it is gone", || !alive(&dir.path().join("child")));
}

#[test]
fn cancel_ends_the_attempt_and_a_second_word_forces() {
    let dir = tempfile::tempdir().unwrap();
    let executor = Arc::new(LocalExecutor::new());
    let text = "trap 'echo > heard' TERM; echo > ready; while :; do sleep 0.02 || :; done";
    let spec = attempt(dir.path(), vec![sh(text), sh("echo > second")]);
    let runner = {
        let (executor, spec) = (executor.clone(), spec.clone());
        std::thread::spawn(move || executor.run(&spec).unwrap())
    };
    soon("it runs", || dir.path().join("ready").exists());
    executor.cancel(0, Duration::from_secs(600));
    soon("it heard", || dir.path().join("heard").exists());
    assert!(!runner.is_finished());
    executor.cancel(0, Duration::ZERO);
    let outcome = runner.join().unwrap();
    assert_eq!((outcome.status, outcome.exit), (AttemptStatus::Cancelled, Some(137)));
    assert!(!dir.path().join("second").exists());
    // Nobody there to cancel: nothing happens.
    executor.cancel(0, Duration::ZERO);
    assert_eq!(
        executor.run(&attempt(dir.path(), vec![sh("true")])).unwrap().status,
        AttemptStatus::Succeeded
    );
}
