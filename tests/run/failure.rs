//! What a failure does to the rest of the run: stop, keep going, blocked cones, allowed failures, `finally`.

use super::fakes::{World, exits, takes, times_out};
use super::lanes::{lane, stage, text};
use wfl::event::{RunStatus, Status};
use wfl::plan::{Action, OnFailure};

#[test]
fn stop_lets_running_stages_end_and_starts_nothing_new() {
    let drafts = vec![
        stage("bad").priority(9),
        stage("slow").priority(8),
        stage("later"),
        stage("cone").needs(&["bad"]).priority(2),
    ];
    let mut world = World::new(lane(drafts)).does("bad", [exits(3)]).does("slow", [takes(9_000)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts(), ["bad", "slow"]);
    assert_eq!(world.status("slow"), Status::Succeeded);
    assert!(world.has("bad blocks cone"));
    assert!(
        world.has("later cancelled: not started: the run stopped after `bad` failed"),
        "{:#?}",
        world.lines()
    );
    assert_eq!(world.cause().as_deref(), Some("`bad`: exit code 3"));
}

#[test]
fn keep_going_runs_all_that_does_not_depend_on_the_failure() {
    let drafts = vec![
        stage("bad"),
        stage("b").needs(&["bad"]),
        stage("c").needs(&["b"]),
        stage("d").follows(&["c"]),
        stage("free"),
    ];
    let mut plan = lane(drafts);
    plan.on_failure = OnFailure::KeepGoing;
    let mut world = World::new(plan).does("bad", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("bad blocks b c"), "{:#?}", world.lines());
    assert_eq!((world.status("d"), world.status("free")), (Status::Succeeded, Status::Succeeded));
}

#[test]
fn one_event_blocks_a_cone_of_thousands() {
    let mut drafts = vec![stage("root")];
    for at in 0..2_000 {
        let need = if at < 2 { "root".to_owned() } else { format!("s{}", at / 2) };
        drafts.push(stage(&format!("s{at}")).needs(&[need.as_str()]));
    }
    let mut world = World::new(lane(drafts)).keep_going().does("root", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let blocking = world.lines().iter().filter(|line| line.contains("blocks")).count();
    assert_eq!(blocking, 1);
    assert_eq!(world.status("s1999"), Status::Blocked);
}

#[test]
fn the_first_failure_is_the_cause_also_when_a_later_one_is_worse() {
    let drafts = vec![stage("first"), stage("second")];
    let mut world = World::new(lane(drafts)).keep_going();
    world = world.does("first", [exits(7)]).does("second", [times_out()]);
    assert_eq!(world.run(), (RunStatus::TimedOut, 5), "5 comes before 1");
    assert_eq!(world.cause().as_deref(), Some("`first`: exit code 7"));
}

#[test]
fn an_allowed_failure_warns_and_meets_needs() {
    let sandbox = |node: &mut wfl::plan::Node| node.allow_failure = Some("vendor sandbox".into());
    let drafts = vec![stage("probe").with(sandbox), stage("next").needs(&["probe"])];
    let mut world = World::new(lane(drafts)).does("probe", [exits(9)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert!(world.has("probe warned: exit code 9 (allowed to fail: vendor sandbox)"), "{:#?}", world.lines());
    assert_eq!(world.status("next"), Status::Succeeded);
}

#[test]
fn a_stage_that_times_out_ends_the_run_with_five() {
    let mut world = World::new(lane(vec![stage("a")])).does("a", [times_out()]);
    assert_eq!(world.run(), (RunStatus::TimedOut, 5));
    assert!(world.has("a timed-out: timed out after 1s"), "{:#?}", world.lines());
}

#[test]
fn finally_runs_after_good_and_bad_ends_but_not_without_a_start() {
    let drafts = vec![
        stage("good").finally().priority(9),
        stage("bad").finally().priority(8),
        stage("never").needs(&["bad"]).finally(),
    ];
    let mut world = World::new(lane(drafts)).does("bad", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let finally: Vec<&String> = world.done.iter().filter(|done| done.starts_with("finally")).collect();
    assert_eq!(finally, ["finally good", "finally bad"]);
}

#[test]
fn a_failing_finally_never_hides_the_first_error() {
    let mut plan = lane(vec![stage("a").finally()]);
    plan.finally = vec![Action::Exec { argv: vec![text("./report")] }];
    let mut world = World::new(plan);
    world = world.does("a", [exits(4)]).does("finally a", [exits(1)]).does("finally lane", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.cause().as_deref(), Some("`a`: exit code 4"));
    assert_eq!(world.done, ["start a#1", "finally a", "finally lane"]);
}

#[test]
fn a_finally_that_fails_after_a_good_run_fails_it() {
    let mut world = World::new(lane(vec![stage("a").finally()])).does("finally a", [exits(2)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.status("a"), Status::Succeeded);
    assert_eq!(world.cause().as_deref(), Some("`finally` of `a`: exit code 2"));
}

#[test]
fn a_lock_stays_held_until_finally_has_ended() {
    let drafts = vec![stage("a").lock("db").finally(), stage("b").lock("db")];
    let mut world = World::new(lane(drafts));
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert!(world.has("start b#1 @2000"), "{:#?}", world.lines());
}
