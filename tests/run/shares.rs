//! Locks, pools and room: what stages share.

use super::fakes::{Does, World, exits, ok, takes};
use super::lanes::{lane, retry, stage};
use wfl::event::{RunStatus, Status};

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);

#[test]
fn stages_with_the_same_lock_never_overlap() {
    let drafts = vec![
        stage("a").lock("prod"),
        stage("b").lock("prod"),
        stage("c").lock("prod"),
        stage("other").lock("staging"),
    ];
    let mut world = World::new(lane(drafts)).jobs(4).does("a", [takes(2_500)]);
    assert_eq!(world.run(), GOOD);
    for together in &world.together {
        let prod = together.iter().filter(|key| ["a", "b", "c"].contains(&key.as_str())).count();
        assert!(prod <= 1, "{together:?}");
    }
    assert!(world.has("b waits on Lock: lock `prod` is held by `a`"), "{:#?}", world.lines());
    assert_eq!(world.now, 4_500, "one after the other and no longer");
}

#[test]
fn a_pool_lets_in_as_many_as_it_has_slots() {
    let mut plan = lane((0..6).map(|at| stage(&format!("s{at}")).pool("browsers")).collect());
    plan.pools.insert("browsers".into(), 2);
    let mut world = World::new(plan).jobs(6);
    assert_eq!(world.run(), GOOD);
    assert_eq!((world.most_at_once, world.now), (2, 3_000));
}

#[test]
fn a_waiting_stage_holds_no_slot() {
    let drafts =
        vec![stage("a").lock("prod").priority(9), stage("b").lock("prod").priority(8), stage("free")];
    let mut world = World::new(lane(drafts)).jobs(2);
    assert_eq!(world.run(), GOOD);
    assert!(world.has("start free#1 @0"), "{:#?}", world.lines());
}

#[test]
fn lock_and_pool_together_are_taken_or_not_at_all() {
    let mut plan = lane(vec![
        stage("a").lock("l").pool("p").priority(9),
        stage("b").lock("l").priority(8),
        stage("c").pool("p").priority(7),
        stage("d").lock("l").pool("p").priority(6),
    ]);
    plan.pools.insert("p".into(), 1);
    let mut world = World::new(plan).jobs(4);
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.starts(), ["a", "b", "c", "d"]);
    assert_eq!(world.now, 3_000);
}

#[test]
fn a_lock_is_kept_between_attempts() {
    let drafts = vec![stage("a").lock("prod").retry(retry(2)).priority(9), stage("b").lock("prod")];
    let mut world = World::new(lane(drafts)).does("a", [exits(1)]);
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.starts(), ["a", "a", "b"]);
}

#[test]
fn a_once_stage_that_failed_keeps_its_lock() {
    let drafts = vec![
        stage("a").once().lock("prod").priority(9),
        stage("b").lock("prod"),
        stage("c").needs(&["b"]),
        stage("free"),
    ];
    let mut world = World::new(lane(drafts)).keep_going().does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    let why = "b cancelled: not started: `a` ended as failed and keeps lock `prod` until resolved";
    assert!(world.has(why), "{:#?}", world.lines());
    assert_eq!((world.status("c"), world.status("free")), (Status::Blocked, Status::Succeeded));
}

#[test]
fn no_room_is_no_failure_and_lowers_how_many_run_at_once() {
    let stages = (0..6).map(|at| stage(&format!("s{at}"))).collect();
    let mut world = World::new(lane(stages)).jobs(3).does("s2", [Does::Busy, ok()]);
    assert_eq!(world.run(), GOOD);
    assert!(world.has("note no room to start `s2` (EAGAIN): at most 2 at once now"), "{:#?}", world.lines());
    assert_eq!(world.starts().len(), 6, "the attempt is the same one");
    assert_eq!(world.done.iter().filter(|done| *done == "start s2#1").count(), 2);
}
