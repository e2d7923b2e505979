//! Attempts after the first: when, how often, how late.

use super::fakes::{World, exits, exits_after, ok, times_out};
use super::lanes::{check, compare, fact, lane, retry, stage};
use wfl::base::{Type, Value};
use wfl::event::{Event, RunStatus, Status, WaitFor};
use wfl::expr::{Compare, Expr, Kind};

fn waits(world: &World) -> Vec<i64> {
    let wait = |record: &wfl::event::Record| match &record.event {
        Event::StageWaiting { on: WaitFor::Retry, until: Some(until), .. } => Some(until.0 - record.at.0),
        _ => None,
    };
    world.journal.all().iter().filter_map(wait).collect()
}

#[test]
fn the_schedule_is_two_four_eight_seconds_each_plus_at_most_half() {
    let policy = wfl::plan::Retry { jitter: 50.0, ..retry(4) };
    let mut world = World::new(lane(vec![stage("a").retry(policy)]));
    world = world.does("a", [exits(7), exits(7), exits(7), exits(7), ok()]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let waited = waits(&world);
    assert_eq!(waited.len(), 3);
    for (wait, base) in waited.iter().zip([2_000, 4_000, 8_000]) {
        assert!((base..=base * 3 / 2).contains(wait), "{waited:?}");
    }
    let started: Vec<i64> = waited
        .iter()
        .scan(0, |at, wait| {
            Some({
                *at += 1_000 + wait;
                *at
            })
        })
        .collect();
    for (attempt, at) in (2..).zip(&started) {
        assert!(world.has(&format!("start a#{attempt} @{at}")), "{:#?}", world.lines());
    }
    assert!(world.has("a failed: exit code 7 (attempt 4 of 4)"));
}

#[test]
fn the_same_seed_waits_the_same_and_another_does_not() {
    let run = |seed| {
        let policy = wfl::plan::Retry { jitter: 50.0, ..retry(3) };
        let mut plan = lane(vec![stage("a").retry(policy)]);
        plan.seed = seed;
        let mut world = World::new(plan).does("a", [exits(1), exits(1), exits(1)]);
        world.run();
        waits(&world)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_second_attempt_that_succeeds_makes_the_stage_succeed() {
    let mut world = World::new(lane(vec![stage("a").retry(retry(3))])).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert!(world.has("a waits on Retry: attempt 1 of 3 failed: exit code 1"), "{:#?}", world.lines());
    assert_eq!(world.starts(), ["a", "a"]);
}

#[test]
fn a_waiting_retry_gives_its_slot_to_others() {
    let drafts = vec![stage("a").retry(retry(2)).priority(9), stage("b")];
    let mut world = World::new(lane(drafts)).jobs(1).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts(), ["a", "b", "a"]);
}

fn exit_in(codes: &[i64]) -> Expr {
    let list = Value::List(codes.iter().map(|code| Value::Int(*code)).collect());
    compare(Compare::In, fact("exit", "", Type::Int), list)
}

#[test]
fn when_decides_by_exit_code() {
    let policy = || wfl::plan::Retry { when: Some(check("exit in [6, 7]", exit_in(&[6, 7]))), ..retry(3) };
    let mut world = World::new(lane(vec![stage("a").retry(policy())])).does("a", [exits(7)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let mut world = World::new(lane(vec![stage("a").retry(policy())])).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let why = "a failed: exit code 1; not retried: `when exit in [6, 7]` does not hold";
    assert!(world.has(why), "{:#?}", world.lines());
}

#[test]
fn when_sees_a_timeout_and_facts_that_are_read_for_it() {
    let timed_out = fact("timed-out", "", Type::Bool);
    let there = fact("file.exists", "retry-me", Type::Bool);
    let both = check(
        "timed-out and file.exists(..)",
        Expr { kind: Kind::And(vec![timed_out, there]), span: Default::default() },
    );
    let policy = wfl::plan::Retry { when: Some(both), ..retry(2) };
    let mut world = World::new(lane(vec![stage("a").retry(policy)])).does("a", [times_out()]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn a_program_that_never_started_has_no_exit_code_to_retry_on() {
    let policy = wfl::plan::Retry { when: Some(check("exit in [127]", exit_in(&[127]))), ..retry(3) };
    let mut missing = super::fakes::outcome(wfl::event::AttemptStatus::Failed, None);
    missing.error = Some("program not found: ruff".into());
    let mut world = World::new(lane(vec![stage("a").retry(policy)]));
    world = world.does("a", [super::fakes::Does::Ends { outcome: missing, after: 5 }]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts().len(), 1);
    assert!(world.cause().unwrap().contains("program not found: ruff"));
}

#[test]
fn timeout_bounds_one_attempt_and_deadline_all() {
    let limits = |node: &mut wfl::plan::Node| {
        node.timeout = Some(60_000);
        node.deadline = Some(65_000);
    };
    let mut world = World::new(lane(vec![stage("a").with(limits).retry(retry(9))]));
    world = world.does("a", [exits_after(1, 30_000), exits_after(1, 30_000), ok()]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let given: Vec<Option<u64>> = world.timeouts.iter().map(|(_, timeout)| *timeout).collect();
    assert_eq!(given, [Some(60_000), Some(33_000)], "the second has what the deadline leaves");
    assert!(
        world.has("a failed: exit code 1; not retried: its deadline leaves no time"),
        "{:#?}",
        world.lines()
    );
}

#[test]
fn a_stage_that_waits_to_be_retried_ends_when_the_run_stops() {
    let drafts = vec![stage("flaky").retry(retry(5)), stage("bad")];
    let mut world = World::new(lane(drafts)).does("flaky", [exits(1)]).does("bad", [exits_after(2, 1_500)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.status("flaky"), Status::Failed);
    assert_eq!(world.now, 1_500, "nobody waits for the backoff");
    let why = "flaky failed: exit code 1; not retried: the run stopped after `bad` failed";
    assert!(world.has(why), "{:#?}", world.lines());
}
