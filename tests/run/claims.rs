//! What a stage shares with other runs, as the kernel asks for it: scripted answers, virtual time.

use wfl::base::Timestamp;
use wfl::event::{BreakerRule, RunStatus, Status, WaitFor};
use wfl::plan::{OnFailure, Retry};
use wfl::port::{Claimed, Holder, Obstacle, Standing};

use super::fakes::{World, exits, interrupt, ok};
use super::lanes::{lane, retry, stage};

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);

fn granted() -> Claimed {
    Claimed::Granted { probe: None, killed: 0 }
}

fn probe() -> Claimed {
    Claimed::Granted { probe: Some(7), killed: 0 }
}

fn held(by: &str, keeps: bool) -> Claimed {
    let holder = Holder { run: "r0".into(), stage: by.into(), keeps };
    let (on, name) = (WaitFor::Lock, "prod".to_owned());
    Claimed::Waits(Obstacle { on, name, holders: vec![holder], ahead: vec![], until: None })
}

/// Until so many milliseconds after the start.
fn open(until: i64) -> Claimed {
    let (on, name) = (WaitFor::Breaker, "supplier".to_owned());
    let until = Some(Timestamp(1_000_000 + until));
    Claimed::Waits(Obstacle { on, name, holders: vec![], ahead: vec![], until })
}

fn breaking(attempts: u32) -> Retry {
    let rule = BreakerRule {
        key: "all.wfl supplier".into(),
        name: "supplier".into(),
        failures: 1,
        within: 300_000,
        cooldown: 60_000,
        successes: 1,
    };
    Retry { breaker: Some(rule), ..retry(attempts) }
}

fn position(world: &World, line: &str) -> usize {
    world
        .lines()
        .iter()
        .position(|other| other == line)
        .unwrap_or_else(|| panic!("no {line}: {:#?}", world.lines()))
}

#[test]
fn a_lock_is_asked_for_before_the_start_and_given_back_with_the_end() {
    let mut world = World::new(lane(vec![stage("a").lock("prod"), stage("b").needs(&["a"])])).claims("a", []);
    assert_eq!(world.run(), GOOD);
    assert_eq!(
        world.done,
        ["claim a prod", "start a#1", "start b#1"],
        "a stage without a lock asks for nothing"
    );
    assert!(position(&world, "a takes lock `prod`") < position(&world, "start a#1 @0"));
    assert_eq!(position(&world, "a gives back"), position(&world, "a succeeded") + 1);
    let commits = world.journal.commits.lock().unwrap().clone();
    assert!(commits.iter().any(|(events, _)| *events >= 3), "end, release and next start are one commit");
}

#[test]
fn a_stage_waits_for_another_run_holding_no_slot_and_asks_again() {
    let drafts = vec![stage("a").lock("prod").priority(9), stage("free")];
    let mut world =
        World::new(lane(drafts)).jobs(1).claims("a", [held("ship", false), held("ship", false), granted()]);
    assert_eq!(world.run(), GOOD);
    assert!(world.has("a waits on Lock: lock `prod` is held by `ship` of run r0"), "{:#?}", world.lines());
    assert_eq!(world.starts(), ["free", "a"]);
    assert_eq!(world.lines().iter().filter(|line| line.contains("waits on")).count(), 1, "told once");
}

#[test]
fn who_keeps_a_lock_is_named_with_the_command_that_resolves_it() {
    let mut world =
        World::new(lane(vec![stage("a").lock("prod")])).claims("a", [held("ship", true), granted()]);
    assert_eq!(world.run(), GOOD);
    let why = "a waits on Lock: lock `prod` is kept by `ship` of run r0, which must be resolved: \
               `wfl resume r0 --mark-done ship`, or `--rerun ship`";
    assert!(world.has(why), "{:#?}", world.lines());
}

#[test]
fn an_interrupted_wait_gives_its_place_up() {
    let waits = (0..100).map(|_| held("ship", false));
    let mut world = World::new(lane(vec![stage("a").lock("prod")])).claims("a", waits).at(1_050, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert!(world.has("a cancelled: not started: interrupted") && world.has("a gives back"));
    assert!(world.starts().is_empty());
}

#[test]
fn waiting_for_another_run_counts_against_the_timeout_of_the_lane() {
    let mut plan = lane(vec![stage("a").lock("prod")]);
    plan.timeout = Some(3_000);
    let mut world = World::new(plan).claims("a", (0..100).map(|_| held("ship", false)));
    assert_eq!(world.run(), (RunStatus::TimedOut, 5));
    assert!(world.starts().is_empty());
}

#[test]
fn a_claim_that_cannot_be_asked_for_never_starts_the_stage() {
    let mut world = World::new(lane(vec![stage("a").lock("prod")])).claims("a", []);
    world.claims.insert("a".into(), [Err("disk full".to_owned())].into());
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.starts().is_empty());
    assert!(world.cause().is_some_and(|cause| cause.contains("disk full")));
}

#[test]
fn a_once_stage_that_failed_gives_nothing_back() {
    let mut world =
        World::new(lane(vec![stage("a").once().lock("prod")])).claims("a", []).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(!world.has("a gives back"), "{:#?}", world.lines());
    let mut twin =
        World::new(lane(vec![stage("a").idempotent("k").lock("prod")])).claims("a", []).does("a", [exits(1)]);
    assert_eq!(twin.run(), (RunStatus::Failed, 1));
    assert!(twin.has("a gives back"));
}

#[test]
fn a_call_asks_at_its_beginning_for_all_inside_and_gives_back_at_its_end() {
    let inside = vec![stage("in").lock("prod")];
    let mut world =
        World::new(lane(vec![stage("outer").lock("prod").calls(inside)])).claims("outer:start", []);
    assert_eq!(world.run(), GOOD);
    let claims: Vec<&String> = world.done.iter().filter(|done| done.starts_with("claim")).collect();
    assert_eq!(claims, ["claim outer:start prod"], "what the call holds is not asked for inside");
    assert!(position(&world, "outer:start gives back") > position(&world, "outer succeeded"));
}

#[test]
fn what_a_call_held_is_asked_for_again_after_a_crash() {
    let inside = vec![stage("one"), stage("two").needs(&["one"])];
    let mut world =
        World::new(lane(vec![stage("outer").lock("prod").calls(inside)])).claims("outer:start", []);
    assert_eq!(world.run(), GOOD);
    let two =
        world.plan.nodes.iter().find(|node| node.key.ends_with("two")).map(|node| node.key.clone()).unwrap();
    let at = world.lines().iter().filter(|line| line.starts_with("start")).count();
    assert!(at >= 2);
    let records = world.journal.all();
    let one_ended = records.iter().position(|record| {
        matches!(&record.event, wfl::event::Event::StageFinished { node, .. }
            if world.plan.nodes[*node as usize].key.ends_with("one"))
    });
    world.crash_after(one_ended.unwrap() + 1);
    world.done.clear();
    world.claims.insert(two.clone(), [Ok(held("ship", false)), Ok(granted())].into());
    assert_eq!(world.resume(&Default::default()), GOOD);
    let starts = format!("start {two}#1");
    let claimed = world.done.iter().position(|done| done.starts_with("claim")).unwrap();
    assert!(world.done.iter().position(|done| *done == starts).unwrap() > claimed, "{:#?}", world.done);
}

#[test]
fn attempts_that_ran_out_are_counted_and_others_are_not() {
    let failing = |retry: Retry| {
        World::new(lane(vec![stage("a").retry(retry)])).claims("a", []).does("a", (0..9).map(|_| exits(1)))
    };
    let mut world = failing(breaking(2));
    world.standing = Some(Standing::Open(Timestamp(1_060_000)));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("a tells Failed as None") && world.has("a opened supplier"), "{:#?}", world.lines());
    let mut other = failing(Retry { when: Some(super::lanes::constant(false)), ..breaking(2) });
    assert_eq!(other.run(), (RunStatus::Failed, 1));
    assert!(!other.lines().iter().any(|line| line.contains("tells")), "{:#?}", other.lines());
}

#[test]
fn an_open_breaker_is_waited_for_and_its_probe_tells_how_it_went() {
    let mut world = World::new(lane(vec![stage("a").retry(breaking(2))]))
        .claims("a", [open(60_000), open(60_000), probe()]);
    world.standing = Some(Standing::Closed);
    assert_eq!(world.run(), GOOD);
    for line in ["a probes supplier", "a tells Succeeded as Some(7)", "a closed supplier"] {
        assert!(world.has(line), "no {line}: {:#?}", world.lines());
    }
    let waits = world.lines().iter().find(|line| line.contains("waits on Breaker")).cloned().unwrap();
    assert!(waits.contains("breaker `supplier` is open until 1970-01-01T00:17:40"), "{waits}");
}

#[test]
fn a_probe_that_is_cancelled_is_given_back() {
    let mut world = World::new(lane(vec![stage("a").retry(breaking(1))]))
        .claims("a", [probe()])
        .does("a", [super::fakes::Does::Hangs])
        .at(500, interrupt());
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert!(world.has("a tells Nothing as Some(7)"), "{:#?}", world.lines());
}

#[test]
fn a_stage_whose_deadline_is_shorter_than_the_breaker_is_open_fails_at_once() {
    let draft = stage("a").retry(breaking(2)).with(|node| node.deadline = Some(10_000));
    let mut world = World::new(lane(vec![draft])).claims("a", [open(60_000)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!((world.status("a"), world.now), (Status::Failed, 0));
    assert!(world.cause().is_some_and(|cause| cause.contains("longer than its deadline")));
}

#[test]
fn only_the_first_attempt_asks_the_breaker() {
    let mut world = World::new(lane(vec![stage("a").retry(breaking(3))]))
        .claims("a", [])
        .does("a", [exits(1), exits(1), ok()]);
    world.plan = {
        let mut plan = (*world.plan).clone();
        plan.on_failure = OnFailure::KeepGoing;
        plan.into()
    };
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.done.iter().filter(|done| done.starts_with("claim")).count(), 1);
}
