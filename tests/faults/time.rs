//! Clocks that are set, machines that sleep, waits beyond all numbers, storms of retries, results that come too late.

use crate::run::fakes::{Does, World, approval, exits, exits_after, interrupt, outcome, takes, yes};
use crate::run::lanes::{lane, retry, stage};
use wfl::engine::retry::{BUDGET, wait_ms};
use wfl::engine::{InputKind, Observed};
use wfl::event::{AttemptStatus, Event, Outcome, RunStatus, WaitFor};
use wfl::plan::{BackoffKind, Plan, Retry};

const YEAR: i64 = 365 * 86_400_000;
const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);

/// One that fails once, waits two seconds and has a minute in all, of which the lane has no more.
fn flaky() -> World {
    let mut plan = lane(vec![stage("a").retry(retry(3)).with(|node| node.deadline = Some(60_000))]);
    plan.timeout = Some(60_000);
    World::new(plan).does("a", [exits(1)])
}

#[test]
fn a_clock_set_by_a_year_moves_no_timer_and_no_event() {
    for by in [YEAR, -YEAR] {
        for at in [500, 1_500, 3_500] {
            let mut world = flaky();
            world.steps.push((at, by));
            assert_eq!(world.run(), GOOD, "set by {by} at {at}: {:#?}", world.lines());
            assert_eq!((world.starts().len(), world.now), (2, 4_000));
            let records = world.journal.all();
            assert!(
                records.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq),
                "the order is the number's"
            );
        }
    }
}

#[test]
fn a_clock_set_by_a_year_uses_up_no_time_of_a_run_that_is_resumed() {
    for by in [YEAR, -YEAR] {
        let mut world = flaky();
        world.steps.push((500, by));
        world.run();
        world.crash_after_event(|event| matches!(event, Event::StageWaiting { .. }));
        assert_eq!(world.resume(&Observed::default()), GOOD, "set by {by}: {:#?}", world.lines());
        assert_eq!(world.now, 5_000);
    }
}

#[test]
fn a_clock_set_while_no_engine_ran_makes_no_wait_longer_than_its_policy() {
    for (by, left) in [(YEAR, 0), (-YEAR, 2_000)] {
        let mut world = flaky();
        world.run();
        world.crash_after_event(|event| matches!(event, Event::StageWaiting { .. }));
        world.steps.push((world.now, by));
        let from = world.now;
        assert_eq!(world.resume(&Observed::default()), GOOD);
        assert_eq!(world.now, from + left + 1_000, "set by {by}");
    }
}

/// The twin: time that was really worked before the crash does count.
#[test]
fn what_was_worked_before_a_crash_counts_against_the_lane() {
    let mut plan = lane(vec![stage("a"), stage("b").needs(&["a"])]);
    plan.timeout = Some(60_000);
    let long = Does::Ends {
        outcome: Outcome { duration_ms: 59_000, ..outcome(AttemptStatus::Succeeded, Some(0)) },
        after: 59_000,
    };
    let mut world = World::new(plan).does("a", [long]).does("b", [takes(5_000), takes(5_000)]);
    assert_eq!(world.run().0, RunStatus::TimedOut);
    world.crash_after_event(|event| matches!(event, Event::StageFinished { .. }));
    assert_eq!(world.resume(&Observed::default()).0, RunStatus::TimedOut, "{:#?}", world.lines());
}

fn asked() -> Plan {
    lane(vec![stage("a").retry(retry(2)), stage("deploy").approve(1, Some(3_600_000))])
}

/// While a machine sleeps the monotonic clock stands and the wall clock does not.
#[test]
fn a_machine_that_slept_goes_on_where_it_was_but_people_had_the_night() {
    let mut world = World::new(asked()).does("a", [exits(1)]);
    world.steps.push((1_500, 8 * 3_600_000));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("deploy failed: approval from owners expired after 1h"), "{:#?}", world.lines());
    let mut world = World::new(asked()).does("a", [exits(1)]).at(1_600, approval("deploy", yes("ada")));
    world.steps.push((1_500, 1_800_000));
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.now, 4_000, "the wait of two seconds is two seconds of being awake");
}

#[test]
fn a_backoff_beyond_all_numbers_is_capped_and_wraps_nowhere() {
    let huge = Retry { from: u64::MAX, cap: None, factor: f64::MAX, jitter: f64::MAX, ..retry(u32::MAX) };
    for backoff in [BackoffKind::Constant, BackoffKind::Linear, BackoffKind::Exponential] {
        let capped = wait_ms(&Retry { backoff, jitter: 0.0, ..huge.clone() }, u32::MAX, 1, 0, u32::MAX);
        assert_eq!(capped, 86_400_000, "without a cap of its own a day is the longest");
        // The twin: a cap that caps nothing leaves the largest number there is.
        let open = Retry { backoff, cap: Some(u64::MAX), ..huge.clone() };
        assert_eq!(wait_ms(&open, u32::MAX, 1, 0, u32::MAX), u64::MAX);
        let mut world = World::new(lane(vec![stage("a").retry(open)])).does("a", [exits(1)]);
        world = world.at(5_000, interrupt());
        assert_eq!(world.run(), (RunStatus::Interrupted, 130), "it waits for ever and can be ended");
    }
}

fn storm(stages: usize, attempts: u32) -> World {
    let policy = Retry { attempts, backoff: BackoffKind::Constant, from: 1, ..retry(2) };
    let keys: Vec<String> = (0..stages).map(|at| format!("s{at}")).collect();
    let mut world = World::new(lane(keys.iter().map(|key| stage(key).retry(policy.clone())).collect()));
    for key in &keys {
        world = world.does(key, vec![exits_after(1, 1); 2 * attempts as usize]);
    }
    world.keep_going().jobs(4)
}

#[test]
fn a_storm_of_retries_ends_with_the_budget_of_the_run() {
    let mut world = storm(4, 400);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts().len(), 4 + BUDGET as usize, "and not the 1,600 that the policies allow");
    let last = "s0 failed: exit code 1; not retried: the run has used up its 1000 retries";
    assert!(world.has(last), "{:#?}", world.lines().last());
    let before = world.starts().len();
    world.resume(&Observed::default());
    assert_eq!(
        world.starts().len() - before,
        4 + BUDGET as usize,
        "whoever resumes it grants it as many again"
    );
}

/// The twin: within the budget every stage has all its attempts.
#[test]
fn within_the_budget_every_policy_is_kept() {
    let mut world = storm(2, 400);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts().len(), 800);
    assert!(world.has("s0 failed: exit code 1 (attempt 400 of 400)"));
}

fn late(attempt: u32) -> InputKind {
    InputKind::Exited { node: 0, attempt, outcome: outcome(AttemptStatus::Succeeded, Some(0)) }
}

/// When the attempt numbered so ended, by the journal.
fn ended_at(world: &World, attempt: u32) -> Vec<i64> {
    let records = world.journal.all();
    let of = records.iter().filter(
        |record| matches!(&record.event, Event::AttemptFinished { attempt: other, .. } if *other == attempt),
    );
    of.map(|record| record.at.0 - 1_000_000).collect()
}

#[test]
fn a_result_of_an_attempt_that_is_over_changes_nothing() {
    let mut world = World::new(lane(vec![stage("a").retry(retry(2))])).does("a", [exits(1), takes(2_000)]);
    // While it waits to be tried again, and while the second attempt runs.
    world = world.at(2_000, late(1)).at(4_000, late(1));
    assert_eq!(world.run(), GOOD);
    assert_eq!((ended_at(&world, 1), ended_at(&world, 2)), (vec![1_000], vec![5_000]));
}

#[test]
fn a_result_that_an_earlier_engine_was_waiting_for_changes_nothing() {
    let mut world = World::new(lane(vec![stage("a")]));
    world.run();
    world.crash_after_event(|event| matches!(event, Event::StageStarted { .. }));
    let begins = world.now;
    world = world.does("a", [Does::Ends { outcome: outcome(AttemptStatus::Failed, Some(1)), after: 3_000 }]);
    world = world.at(begins + 1_000, late(1));
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Failed, 1), "the attempt that counts failed");
    assert_eq!(ended_at(&world, 2), [begins + 3_000]);
}

/// The twin: the number is what tells them apart.
#[test]
fn a_result_with_the_number_of_the_running_attempt_is_taken() {
    let mut world = World::new(lane(vec![stage("a").retry(retry(2))])).does("a", [exits(1), takes(2_000)]);
    world = world.at(4_000, late(2));
    assert_eq!(world.run(), GOOD);
    assert_eq!(ended_at(&world, 2), [4_000]);
    let waits = |event: &Event| matches!(event, Event::StageWaiting { on: WaitFor::Retry, .. });
    assert_eq!(world.journal.all().iter().filter(|record| waits(&record.event)).count(), 1);
}
