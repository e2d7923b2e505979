//! What the simulation found in the kernel, each as the smallest case that shows it.

use super::fakes::{World, approval, exits, no, takes, yes};
use super::lanes::{lane, stage};
use wfl::engine::{Observed, Resolution};
use wfl::event::{Event, RunStatus, Status};

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);
const WAITING: (RunStatus, i32) = (RunStatus::Waiting, 4);

/// The question at the terminal was answered elsewhere; its late answer once took back the question that came next, and
/// the run ended as waiting while somebody was being asked.
#[test]
fn a_late_answer_does_not_take_back_the_next_question() {
    let wipe = stage("wipe").approve(1, None).with(|node| node.confirm = Some("really?".into()));
    let mut world = World::new(lane(vec![wipe]));
    world = world.answer("wipe", Some(yes("ada"))).answer("wipe", Some(yes("ada")));
    world = world.at(500, approval("wipe", yes("bob")));
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
}

/// A stage that somebody did not confirm, and that is looked at again, once stayed pending for ever: a bug, exit 101.
#[test]
fn who_did_not_confirm_is_asked_again_when_the_stage_is() {
    let mut world = World::new(lane(vec![
        stage("build"),
        stage("wipe").needs(&["build"]).with(|node| node.confirm = Some("really?".into())),
        stage("end").follows(&["wipe"]),
    ]));
    world = world.answer("wipe", Some(no("ada"))).answer("wipe", Some(yes("ada"))).does("end", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.status("wipe"), Status::Skipped);
    let changed = Observed { tracked_changed: Some(vec!["src/x".into()]), ..Observed::default() };
    assert_eq!(world.resume(&changed), GOOD, "{:#?}", world.lines());
    assert_eq!(world.status("wipe"), Status::Succeeded);
}

/// The `finally` of a stage that had ended when its engine died once ran beside who has the same lock.
#[test]
fn a_finally_that_a_resume_makes_up_for_holds_the_lock() {
    let drafts = vec![stage("a").once().lock("l").finally(), stage("b").once().lock("l").needs(&["a"])];
    let mut world = World::new(lane(drafts)).jobs(2);
    world.run();
    let ended = |event: &Event| matches!(event, Event::StageFinished { node: 0, .. });
    world.crash_after_event(ended);
    let from = world.now;
    assert_eq!(world.resume(&Observed::default()), GOOD);
    let late = format!("start b#1 @{}", from + 1_000);
    assert!(world.has(&late), "after the second that `finally` takes: {:#?}", world.lines());
}

/// A call that is allowed to fail asks nobody about what failed in it, so nobody could have freed its lock.
#[test]
fn what_failed_in_a_call_that_may_fail_keeps_no_lock() {
    let calls = stage("try").with(|node| node.allow_failure = Some(String::new()));
    let calls = calls.calls(vec![stage("inner").once().lock("l")]);
    let drafts = vec![calls, stage("other").once().lock("l").follows(&["try"])];
    let mut world = World::new(lane(drafts)).does("try/inner", [exits(1)]);
    assert_eq!(world.run(), GOOD, "{:#?}", world.lines());
    assert_eq!((world.status("try"), world.status("other")), (Status::Warned, Status::Succeeded));
    // The twin: where the failure counts, the lock is kept until somebody says what is true.
    let calls = stage("try").calls(vec![stage("inner").once().lock("l")]);
    let drafts = vec![calls, stage("other").once().lock("l").follows(&["try"])];
    let mut world = World::new(lane(drafts)).keep_going().does("try/inner", [exits(1)]);
    assert_eq!(world.run().0, RunStatus::Failed);
    assert_eq!(world.status("other"), Status::Cancelled);
    let said = vec![Resolution { stage: "try/inner".into(), done: true }];
    assert_eq!(
        world.resume(&Observed { resolutions: said, ..Observed::default() }),
        GOOD,
        "{:#?}",
        world.lines()
    );
}

/// `deploy` waits behind what is skipped whatever `gate` comes to; its approval was once void at each resume.
#[test]
fn an_approval_behind_what_stays_skipped_stands() {
    let mut world = World::new(lane(vec![
        stage("broken"),
        stage("never").when(false),
        stage("skipped").needs(&["never"]).needs_if_run(&["broken"]),
        stage("deploy").needs_if_run(&["skipped"]).approve(2, None),
    ]));
    world = world.keep_going().does("broken", [exits(1), exits(1), exits(1)]);
    assert_eq!(world.run(), WAITING);
    world.inbox = vec![approval("deploy", yes("ada"))];
    assert_eq!(world.resume(&Observed::default()), WAITING);
    world.inbox = vec![approval("deploy", yes("bob"))];
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Failed, 1), "{:#?}", world.lines());
    assert_eq!(world.status("deploy"), Status::Succeeded);
    // The twin: what does run again voids it.
    let mut world = World::new(lane(vec![
        stage("broken").with(|node| node.allow_failure = Some(String::new())),
        stage("deploy").needs(&["broken"]).approve(2, None),
    ]));
    world = world.does("broken", [takes(10), takes(10)]);
    assert_eq!(world.run(), WAITING);
    world.inbox = vec![approval("deploy", yes("ada"))];
    assert_eq!(world.resume(&Observed::default()), WAITING);
    let changed = Observed { tracked_changed: Some(vec!["src/x".into()]), ..Observed::default() };
    assert_eq!(world.resume(&changed), WAITING);
    assert!(world.has("deploy approval voided"), "{:#?}", world.lines());
}
