//! The run ends early: a signal, a second one, `wfl cancel`, the lane's timeout.

use super::fakes::{Does, World, exits, interrupt, ok, takes};
use super::lanes::{gate, lane, retry, stage, text};
use wfl::base::Value;
use wfl::engine::{InputKind, Observed, Signal};
use wfl::event::{RunStatus, Status};
use wfl::plan::Action;
use wfl::port::Message;

fn hanging() -> World {
    let drafts = vec![stage("a").finally().priority(9), stage("b"), stage("c").needs(&["a"])];
    World::new(lane(drafts)).jobs(1).does("a", [Does::Hangs])
}

fn cancel() -> InputKind {
    InputKind::Message(Message::Cancel { by: "ada".into() })
}

#[test]
fn an_interrupt_ends_what_runs_and_starts_nothing() {
    let mut world = hanging().at(3_000, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!(world.done, ["start a#1", "term a", "finally a"]);
    assert!(world.has("a cancelled: interrupted"), "{:#?}", world.lines());
    assert!(world.has("b cancelled: not started: interrupted"));
    assert_eq!(world.cause().as_deref(), Some("interrupted"));
}

#[test]
fn a_second_signal_kills_and_runs_no_finally() {
    let stubborn = hanging().does("a ignores TERM", []);
    let mut world = stubborn.at(3_000, interrupt()).at(4_000, InputKind::Signal(Signal::Force));
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!(world.done, ["start a#1", "term a", "kill a"]);
}

#[test]
fn cancel_from_another_command_ends_with_one() {
    let mut world = hanging().at(3_000, cancel());
    assert_eq!(world.run(), (RunStatus::Cancelled, 1));
    assert!(world.has("a cancelled: cancelled by ada"), "{:#?}", world.lines());
}

#[test]
fn an_interrupt_after_a_cancel_still_exits_as_interrupted() {
    let stubborn = hanging().does("a ignores TERM", []);
    let mut world =
        stubborn.at(1_000, cancel()).at(2_000, interrupt()).at(3_000, InputKind::Signal(Signal::Force));
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
}

#[test]
fn a_stage_that_ended_well_just_before_the_signal_is_kept() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])])).at(1_500, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!((world.status("a"), world.status("b")), (Status::Succeeded, Status::Cancelled));
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts(), ["a", "b", "b"]);
}

#[test]
fn a_waiting_retry_is_cancelled() {
    let drafts = vec![stage("a").retry(retry(3))];
    let mut world = World::new(lane(drafts)).does("a", [exits(1)]).at(2_000, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!(world.now, 2_000);
    assert!(world.has("a cancelled: interrupted while it waited to try again"), "{:#?}", world.lines());
}

#[test]
fn an_attempt_without_room_is_cancelled_without_running() {
    let mut world = World::new(lane(vec![stage("a")])).does("a", [Does::Busy, ok()]).at(100, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert_eq!(world.done, ["start a#1"]);
}

#[test]
fn the_lane_timeout_cancels_everything() {
    let mut plan = lane(vec![stage("a"), stage("b").needs(&["a"]), stage("c").needs(&["b"])]);
    plan.timeout = Some(5_000);
    plan.finally = vec![Action::Exec { argv: vec![text("./report")] }];
    let mut world = World::new(plan).does("b", [Does::Hangs]);
    assert_eq!(world.run(), (RunStatus::TimedOut, 5));
    assert_eq!(world.done, ["start a#1", "start b#1", "term b", "finally lane"]);
    assert!(world.has("b cancelled: the lane's timeout of 5s passed"), "{:#?}", world.lines());
}

#[test]
fn a_failed_gate_comes_before_a_cancel_but_not_before_an_interrupt() {
    let world = |news| {
        let drafts = vec![gate("cov", 70.0), stage("slow")];
        let world = World::new(lane(drafts)).keep_going().does("slow", [takes(9_000)]);
        world.fact("lcov(\"cov.json\").lines", Value::Percent(1.0)).at(4_000, news).run()
    };
    assert_eq!(world(cancel()), (RunStatus::GateFailed, 3));
    assert_eq!(world(interrupt()), (RunStatus::Interrupted, 130));
}
