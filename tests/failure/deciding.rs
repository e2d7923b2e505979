//! The decision on another try, in the scripted world: what a failure's words and earlier runs say, what a policy's own
//! condition says, and what the run records of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use wfl::base::{Timestamp, Type, Value};
use wfl::event::{AttemptStatus, Event, FailureClass, Outcome, RunStatus};
use wfl::expr::Compare;
use wfl::failure::{Failed, Known, Tally, Verdict, signature};
use wfl::plan::Retry;

use crate::run::fakes::{Does, World, ok, outcome};
use crate::run::lanes::{check, compare, fact, lane, retry, stage};

fn says(stderr: &str) -> Outcome {
    Outcome {
        stderr: stderr.into(),
        class: Some(FailureClass::Exit),
        ..outcome(AttemptStatus::Failed, Some(1))
    }
}

fn fails(stderr: &str) -> Does {
    Does::Ends { outcome: says(stderr), after: 1_000 }
}

fn world(policy: Retry, attempts: impl IntoIterator<Item = Does>) -> World {
    World::new(lane(vec![stage("a").retry(policy)])).does("a", attempts)
}

/// What the journal says of failures, in words.
fn heard(world: &World) -> Vec<String> {
    let say = |event: Event| match event {
        Event::FailureSeen { attempt, text, .. } => Some(format!("seen #{attempt} {text}")),
        Event::FailureTold { remedy, helped, .. } => Some(format!("{remedy} helped: {helped}")),
        _ => None,
    };
    world.journal.all().into_iter().filter_map(|record| say(record.event)).collect()
}

fn known(stderr: &str, retried: u64, retry_helped: u64, verdict: Option<Verdict>) -> Arc<Known> {
    let signature = signature(&Failed { outcome: &says(stderr), program: "./a", stage: "a" });
    let tally = Tally {
        signature: signature.id.clone(),
        class: signature.class,
        program: "a".into(),
        text: signature.text,
        seen: 30,
        runs: 10,
        first: Timestamp(0),
        last: Timestamp(1_000_000),
        retried,
        retry_helped,
        told: Some(Timestamp(1_000_000)),
        verdict,
        note: None,
    };
    Arc::new(BTreeMap::from([(signature.id, tally)]))
}

#[test]
fn each_failed_attempt_is_seen_once_and_each_retry_told_of() {
    let mut world = world(retry(4), [fails("it broke at 12"), fails("it broke at 77"), ok()]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let wanted =
        ["seen #1 it broke at <n>", "retry helped: false", "seen #2 it broke at <n>", "retry helped: true"];
    assert_eq!(heard(&world), wanted);
}

#[test]
fn a_retry_that_meets_another_failure_says_nothing_of_the_first() {
    let mut world = world(retry(3), [fails("one thing"), fails("another thing"), ok()]);
    world.run();
    assert_eq!(heard(&world), ["seen #1 one thing", "seen #2 another thing", "retry helped: true"]);
}

#[test]
fn what_stays_as_it_is_ends_at_once_and_what_passes_is_tried_again() {
    for permanent in
        ["cp: error writing '/a': No space left on device", "bash: line 1: foo: command not found"]
    {
        let mut world = world(retry(4), [fails(permanent)]);
        assert_eq!(world.run(), (RunStatus::Failed, 1), "{permanent}");
        assert_eq!(world.starts().len(), 1, "{permanent}");
        assert!(world.lines().iter().any(|line| line.contains("; not retried: ")), "{:#?}", world.lines());
    }
    for passing in
        ["error: database is locked", "curl: (22) The requested URL returned error: 503", "it broke"]
    {
        let mut world = world(retry(4), [fails(passing)]);
        assert_eq!(world.run(), (RunStatus::Succeeded, 0), "{passing}");
    }
}

/// Who writes `when` has judged: the words alone do not count against it.
#[test]
fn a_condition_of_the_policy_s_own_wins_over_the_words() {
    let judged = || {
        let one = compare(Compare::Eq, fact("exit", "", Type::Int), Value::Int(1));
        Retry { when: Some(check("exit == 1", one)), ..retry(3) }
    };
    let full = "cp: error writing '/a': No space left on device";
    assert_eq!(world(judged(), [fails(full)]).run(), (RunStatus::Succeeded, 0));
    // The twin: without the condition the words decide.
    assert_eq!(world(retry(3), [fails(full)]).run(), (RunStatus::Failed, 1));
    let mut marked = world(judged(), [fails(full)]);
    marked.settings.failures = known(full, 0, 0, Some(Verdict::Permanent));
    assert_eq!(marked.run(), (RunStatus::Failed, 1), "what a person said wins over both");
}

#[test]
fn enough_vain_retries_of_earlier_runs_stop_the_next_at_once_with_the_evidence() {
    let mut taught =
        world(retry(4), [fails("it broke"), fails("it broke"), fails("it broke"), fails("it broke")]);
    taught.settings.failures = known("it broke", 9, 0, None);
    assert_eq!(taught.run(), (RunStatus::Failed, 1));
    assert_eq!(taught.starts().len(), 1);
    let why = "seen 30 times in 10 runs, a retry never helped (0 of 9; 95 % sure below 19 %)";
    assert!(taught.cause().unwrap().contains(why), "{:?}", taught.cause());
    // The twins: without the evidence, and with one retry that helped, every try is made.
    let again =
        || world(retry(4), [fails("it broke"), fails("it broke"), fails("it broke"), fails("it broke")]);
    let mut untaught = again();
    untaught.run();
    assert_eq!(untaught.starts().len(), 4);
    let mut doubtful = again();
    doubtful.settings.failures = known("it broke", 9, 1, None);
    doubtful.run();
    assert_eq!(doubtful.starts().len(), 4);
}

#[test]
fn a_person_says_what_is_true_of_a_failure() {
    let full = "cp: error writing '/a': No space left on device";
    let mut transient = world(retry(3), [fails(full)]);
    transient.settings.failures = known(full, 90, 0, Some(Verdict::Transient));
    assert_eq!(transient.run(), (RunStatus::Succeeded, 0));
    let mut permanent = world(retry(3), [fails("it broke")]);
    permanent.settings.failures = known("it broke", 9, 9, Some(Verdict::Permanent));
    assert_eq!(permanent.run(), (RunStatus::Failed, 1));
    assert!(permanent.cause().unwrap().contains("is marked permanent"), "{:?}", permanent.cause());
}

#[test]
fn never_more_tries_than_the_policy_allows() {
    let mut eager = world(retry(2), [fails("it broke"), fails("it broke"), ok()]);
    eager.settings.failures = known("it broke", 50, 50, Some(Verdict::Transient));
    assert_eq!(eager.run(), (RunStatus::Failed, 1));
    assert_eq!(eager.starts().len(), 2);
}

#[test]
fn what_was_asked_for_or_seen_by_nobody_teaches_nothing() {
    let injected = Outcome { injected: true, ..says("it broke") };
    let lost = Outcome { class: Some(FailureClass::Lost), ..says("") };
    for outcome in [injected, lost] {
        let mut world = world(retry(2), [Does::Ends { outcome, after: 1_000 }]);
        world.run();
        assert_eq!(heard(&world), Vec::<String>::new());
    }
}

/// The events fold to the same state when read back, at every point at which the engine could have died.
#[test]
fn after_a_crash_nothing_is_seen_or_told_twice() {
    let whole = || world(retry(4), [fails("it broke"), fails("it broke"), ok()]);
    let mut first = whole();
    first.run();
    let wanted = heard(&first);
    for events in 1..first.journal.all().len() {
        let mut world = whole();
        world.run();
        world.crash_after(events);
        let before = heard(&world);
        let started = world.starts().len();
        let left: Vec<Does> =
            [fails("it broke"), fails("it broke"), ok()].into_iter().skip(started).collect();
        let mut world = world.does("a", left);
        world.resume(&wfl::engine::Observed { engine: "test".into(), ..Default::default() });
        let after = heard(&world);
        assert_eq!(after[..before.len()], before, "at {events}");
        let count = |all: &[String], what: &str| all.iter().filter(|line| line.contains(what)).count();
        assert!(count(&after, "seen #1") <= 1 && count(&after, "seen #2") <= 1, "at {events}: {after:?}");
        assert!(count(&after, "helped: true") <= count(&wanted, "helped: true"), "at {events}: {after:?}");
    }
}
