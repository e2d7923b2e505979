//! After a crash or a stop: what is kept, what runs again, what is asked about, what is refused.

use super::fakes::{World, exits, resolve};
use super::lanes::{lane, retry, stage};
use wfl::engine::resume::{reconcile, to_hash};
use wfl::engine::{Observed, RunState};
use wfl::event::{Event, RunStatus, Status};
use wfl::port::Durability;

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);
const WAITING: (RunStatus, i32) = (RunStatus::Waiting, 4);

fn started(key: u32) -> impl Fn(&Event) -> bool {
    move |event| matches!(event, Event::StageStarted { node, .. } if *node == key)
}

fn refused(world: &World, observed: &Observed) -> String {
    let state = RunState::replay(&world.plan, &world.journal.all()).unwrap();
    reconcile(&world.plan, &state, observed).expect_err("a refusal").message
}

#[test]
fn a_repeatable_stage_runs_again_and_what_finished_is_kept() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])]));
    world.run();
    world.crash_after_event(started(1));
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.starts(), ["a", "b", "b"]);
    assert!(world.has("b reset: it was interrupted"), "{:#?}", world.lines());
    assert!(world.has("start b#2 @2000"), "attempts keep counting, so that logs keep their names");
}

#[test]
fn interrupted_attempts_do_not_count_against_the_retry_policy() {
    let mut world = World::new(lane(vec![stage("a").retry(retry(2))]));
    world.run();
    world.crash_after_event(started(0));
    world = world.does("a", [exits(1)]);
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.starts().len(), 3);
}

#[test]
fn an_idempotent_stage_runs_again_with_the_same_key() {
    let mut world = World::new(lane(vec![stage("a").idempotent("hotfix-42")]));
    world.run();
    world.crash_after_event(started(0));
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.done, ["start a#1 with hotfix-42", "start a#2 with hotfix-42"]);
}

#[test]
fn the_disk_holds_the_start_of_a_once_stage_before_it_starts() {
    for draft in [stage("a").once(), stage("a").idempotent("k")] {
        let mut world = World::new(lane(vec![draft]));
        world.run();
        assert_eq!(world.journal.commits.lock().unwrap()[0], (2, Durability::Disk));
    }
    let mut world = World::new(lane(vec![stage("a")]));
    world.run();
    assert_eq!(world.journal.commits.lock().unwrap()[0], (2, Durability::Process));
}

fn interrupted_once() -> World {
    let mut world = World::new(lane(vec![
        stage("ship").once().lock("prod"),
        stage("tell").needs(&["ship"]),
        stage("free"),
        stage("locked").lock("prod"),
    ]));
    world.run();
    world.crash_after_event(started(0));
    world
}

#[test]
fn an_interrupted_once_stage_is_unknown_and_the_run_waits() {
    let mut world = interrupted_once();
    assert_eq!(world.resume(&Observed::default()), WAITING);
    assert_eq!((world.status("ship"), world.status("tell")), (Status::Unknown, Status::Pending));
    assert_eq!(world.status("free"), Status::Succeeded);
    assert_eq!(world.status("locked"), Status::Waiting, "it keeps its lock until resolved");
    assert!(world.cause().unwrap().starts_with("`ship`: "));
    assert_eq!(world.resume(&Observed::default()), WAITING, "asking again changes nothing");
}

#[test]
fn marking_an_unknown_stage_done_lets_the_run_go_on_without_it() {
    let mut world = interrupted_once();
    world.resume(&Observed::default());
    assert_eq!(world.resume(&resolve("ship", true)), GOOD);
    assert_eq!(world.starts().iter().filter(|key| *key == "ship").count(), 1);
    assert_eq!(world.status("tell"), Status::Succeeded);
}

#[test]
fn a_person_may_let_an_unknown_stage_run_again_at_once() {
    let mut world = interrupted_once();
    assert_eq!(world.resume(&resolve("ship", false)), GOOD);
    assert_eq!(world.starts().iter().filter(|key| *key == "ship").count(), 2);
}

#[test]
fn a_once_stage_that_failed_is_asked_about() {
    let mut world = World::new(lane(vec![stage("ship").once(), stage("tell").needs(&["ship"])]));
    world = world.does("ship", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.resume(&Observed::default()), WAITING);
    assert!(world.has("ship unknown: failed: exit code 1"), "{:#?}", world.lines());
    assert_eq!(world.resume(&resolve("ship", true)), GOOD);
    assert_eq!(world.starts(), ["ship", "tell"]);
}

#[test]
fn a_once_stage_whose_attempt_ended_well_is_only_judged_to_the_end() {
    let mut world = World::new(lane(vec![stage("ship").once().out("log", "ship.log")]));
    world.run();
    world.crash_after_event(|event| matches!(event, Event::AttemptFinished { .. }));
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.starts(), ["ship"]);
}

#[test]
fn a_once_stage_between_two_attempts_is_asked_about() {
    let mut world = World::new(lane(vec![stage("ship").once().retry(retry(3))])).does("ship", [exits(1)]);
    world.run();
    world.crash_after_event(|event| matches!(event, Event::StageWaiting { .. }));
    assert_eq!(world.resume(&Observed::default()), WAITING);
}

#[test]
fn only_unknown_stages_can_be_resolved() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])])).does("b", [exits(1)]);
    world.run();
    assert_eq!(refused(&world, &resolve("a", true)), "`a` is not unknown: it is succeeded");
    assert_eq!(refused(&world, &resolve("nope", true)), "the run has no stage `nope`");
}

fn with_inputs() -> World {
    let drafts = vec![
        stage("build").with(|node| node.inputs = vec!["src/**".into()]),
        stage("test").needs(&["build"]),
        stage("end").needs(&["test"]),
    ];
    World::new(lane(drafts)).does("end", [exits(1)])
}

fn inputs(hash: &str) -> Observed {
    Observed { inputs: [(0, Some(hash.to_owned()))].into(), ..Observed::default() }
}

#[test]
fn a_finished_stage_is_kept_while_its_inputs_are_the_same() {
    let mut world = with_inputs();
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(to_hash(&world.plan, &world.state()), [0]);
    assert_eq!(world.resume(&inputs("h1")), GOOD);
    assert_eq!(world.starts(), ["build", "test", "end", "end"]);
}

#[test]
fn changed_inputs_run_the_stage_and_what_needs_it_again() {
    let mut world = with_inputs();
    world.run();
    world.hash = Some("h2".into());
    assert_eq!(world.resume(&inputs("h2")), GOOD);
    assert_eq!(world.starts(), ["build", "test", "end", "build", "test", "end"]);
    assert!(world.has("build reset: its inputs changed"), "{:#?}", world.lines());
    assert!(world.has("test reset: `build`, which it needs, runs again"));
}

#[test]
fn inputs_that_cannot_be_compared_are_not_trusted() {
    let mut world = with_inputs();
    world.run();
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert!(world.has("build reset: its inputs cannot be compared"), "{:#?}", world.lines());
}

#[test]
fn without_inputs_a_changed_tracked_file_runs_finished_stages_again() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])])).does("b", [exits(1)]);
    world.run();
    let changed =
        Observed { tracked_changed: Some(vec!["x.rs".into(), "y.rs".into()]), ..Observed::default() };
    assert_eq!(world.resume(&changed), GOOD);
    assert!(world.has("a reset: x.rs and 1 more changed"), "{:#?}", world.lines());
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])])).does("b", [exits(1)]);
    world.run();
    let same = Observed { tracked_changed: Some(Vec::new()), ..Observed::default() };
    assert_eq!(world.resume(&same), GOOD);
    assert_eq!(world.starts(), ["a", "b", "b"]);
}

#[test]
fn a_started_stage_that_is_not_repeatable_pins_what_it_needs() {
    for pin in [stage("ship").once(), stage("ship").idempotent("k")] {
        let drafts = vec![
            stage("build"),
            stage("pack").needs(&["build"]),
            pin.needs(&["pack"]),
            stage("end").needs(&["ship"]),
        ];
        let mut world = World::new(lane(drafts)).does("end", [exits(1)]);
        world.run();
        let changed = Observed { tracked_changed: Some(vec!["x.rs".into()]), ..Observed::default() };
        let why = refused(&world, &changed);
        assert!(why.contains("`ship`, which needs it, has started"), "{why}");
        assert_eq!(world.resume(&Observed::default()), GOOD);
    }
}

#[test]
fn a_finished_once_stage_never_runs_again() {
    let drafts = vec![stage("ship").once(), stage("end").needs(&["ship"])];
    let mut world = World::new(lane(drafts)).does("end", [exits(1)]);
    world.run();
    let changed = Observed { tracked_changed: Some(vec!["x.rs".into()]), ..Observed::default() };
    assert_eq!(world.resume(&changed), GOOD);
    assert_eq!(world.starts(), ["ship", "end", "end"]);
}

#[test]
fn a_finally_that_a_crash_cut_off_is_made_up_for() {
    let mut world = World::new(lane(vec![stage("a").finally(), stage("b").needs(&["a"])]));
    world.run();
    world.crash_after_event(|event| matches!(event, Event::StageFinished { node: 0, .. }));
    assert_eq!(world.resume(&Observed::default()), GOOD);
    assert_eq!(world.done.iter().filter(|done| *done == "finally a").count(), 2);
}

#[test]
fn the_fold_refuses_what_cannot_follow() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])]));
    world.run();
    let records = world.journal.all();
    for twice in 0..records.len() {
        let mut doubled = records.clone();
        doubled.insert(twice, records[twice].clone());
        assert!(RunState::replay(&world.plan, &doubled).is_err(), "{:?}", records[twice].event);
    }
    let mut early = records.clone();
    early.swap(1, 4);
    assert!(RunState::replay(&world.plan, &early).is_err(), "b cannot start before a has ended");
}

#[test]
fn the_work_of_a_crashed_engine_counts_against_the_lane_timeout() {
    let mut plan = lane(vec![stage("a"), stage("b").needs(&["a"])]);
    plan.timeout = Some(2_500);
    let mut world = World::new(plan);
    assert_eq!(world.run(), GOOD);
    world.crash_after_event(started(1));
    world = world.does("b", [super::fakes::Does::Hangs]);
    world.now = 500_000;
    assert_eq!(world.resume(&Observed::default()), (RunStatus::TimedOut, 5));
    assert_eq!(world.now, 501_500, "one second was worked before the crash");
}
