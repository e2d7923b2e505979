//! Who starts when, and what a stage's end means for those that wait for it.

use super::fakes::{World, exits, takes};
use super::lanes::{exists, lane, node, stage};
use wfl::base::Value;
use wfl::event::{RunStatus, Status};

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);

#[test]
fn a_chain_runs_in_order() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"]), stage("c").needs(&["b"])]));
    assert_eq!(world.run(), GOOD);
    assert_eq!(
        world.lines(),
        ["start a#1 @0", "a succeeded", "start b#1 @1000", "b succeeded", "start c#1 @2000", "c succeeded"]
    );
}

#[test]
fn a_finish_and_the_next_start_are_one_commit() {
    let mut world = World::new(lane(vec![stage("a"), stage("b").needs(&["a"])]));
    world.run();
    let commits: Vec<usize> =
        world.journal.commits.lock().unwrap().iter().map(|(events, _)| *events).collect();
    assert_eq!(commits, [2, 3, 3], "begin and start; end, result and start; end, result and the run's end");
}

#[test]
fn a_wide_lane_uses_all_jobs_and_no_more() {
    let stages = (0..9).map(|at| stage(&format!("s{at}"))).collect();
    let mut world = World::new(lane(stages)).jobs(3);
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.most_at_once, 3);
    assert_eq!(world.now, 3_000);
}

#[test]
fn a_diamond_waits_for_both_sides() {
    let drafts = vec![
        stage("top"),
        stage("left").needs(&["top"]),
        stage("right").needs(&["top"]),
        stage("end").needs(&["left", "right"]),
    ];
    let mut world = World::new(lane(drafts)).does("left", [takes(5_000)]);
    assert_eq!(world.run(), GOOD);
    assert!(world.has("start right#1 @1000") && world.has("start end#1 @6000"), "{:#?}", world.lines());
}

#[test]
fn the_longest_way_starts_first_then_the_number_then_the_place() {
    let drafts = vec![
        stage("plain"),
        stage("numbered").with(|node| node.number = Some(9)),
        stage("first").with(|node| node.number = Some(2)),
        stage("long").priority(5),
    ];
    let mut world = World::new(lane(drafts)).jobs(1);
    world.run();
    assert_eq!(world.starts(), ["long", "first", "numbered", "plain"]);
}

#[test]
fn a_false_when_skips_the_stage_and_what_needs_it() {
    let drafts = vec![
        stage("a").when(false),
        stage("b").needs(&["a"]),
        stage("c").needs(&["b"]),
        stage("optional").needs_if_run(&["a"]),
        stage("after").follows(&["a"]),
    ];
    let mut world = World::new(lane(drafts));
    assert_eq!(world.run(), GOOD, "a skipped stage is no failure");
    assert!(world.has("a skipped: `when false` is false"), "{:#?}", world.lines());
    assert!(world.has("b skipped: needs `a`, which was skipped"));
    assert!(world.has("c skipped: needs `b`, which was skipped"));
    assert_eq!(world.starts(), ["optional", "after"]);
}

#[test]
fn a_long_chain_of_skips_does_not_exhaust_the_stack() {
    let mut drafts = vec![stage("s0").when(false)];
    for at in 1..5_000 {
        let before = format!("s{}", at - 1);
        drafts.push(stage(&format!("s{at}")).needs(&[before.as_str()]));
    }
    let mut world = World::new(lane(drafts));
    assert_eq!(world.run(), GOOD);
    assert!(world.starts().is_empty());
}

#[test]
fn an_optional_need_still_blocks_when_it_fails() {
    let drafts = vec![stage("a"), stage("b").needs_if_run(&["a"])];
    let mut world = World::new(lane(drafts)).does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.status("b"), Status::Blocked);
}

#[test]
fn follows_only_orders() {
    let drafts = vec![stage("a"), stage("b").follows(&["a"])];
    let mut world = World::new(lane(drafts)).keep_going().does("a", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(world.starts(), ["a", "b"], "b starts after a, however a ended");
}

#[test]
fn before_is_judged_on_facts_that_are_recorded() {
    let gate = |node: &mut wfl::plan::Node| node.before = vec![exists("Cargo.lock")];
    let mut world = World::new(lane(vec![stage("a").with(gate)]));
    world = world.fact("file.exists(\"Cargo.lock\")", Value::Bool(false));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.starts().is_empty());
    let why =
        "a failed: before: `file.exists(\"Cargo.lock\")` does not hold: file.exists(\"Cargo.lock\") = false";
    assert!(world.has(why), "{:#?}", world.lines());
    let recorded = world.journal.all().iter().any(|record| {
        matches!(&record.event, wfl::event::Event::FactsRead { values, .. }
            if values.contains_key("file.exists(\"Cargo.lock\")"))
    });
    assert!(recorded);
}

#[test]
fn an_absent_output_fails_the_attempt_and_a_present_one_is_kept() {
    let mut world = World::new(lane(vec![stage("a").out("app", "dist/app.tgz")]));
    assert_eq!(world.run(), GOOD);
    let at = node(&world.plan, "a");
    assert_eq!(world.state().node(at).outputs["app"], Value::Path("dist/app.tgz".into()));

    let mut world = World::new(lane(vec![stage("a").out("app", "dist/app.tgz")]));
    world = world.fact("file.exists(\"dist/app.tgz\")", Value::Bool(false));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("a failed: output `app`: the file dist/app.tgz is not there"), "{:#?}", world.lines());
}

#[test]
fn after_can_fail_a_stage_that_exited_well() {
    let draft = stage("a").with(|node| node.after = vec![exists("report.txt")]);
    let mut world = World::new(lane(vec![draft])).fact("file.exists(\"report.txt\")", Value::Bool(false));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.lines().iter().any(|line| line.starts_with("a failed: after: ")), "{:#?}", world.lines());
}

#[test]
fn a_stage_without_actions_succeeds_without_an_attempt() {
    let drafts = vec![stage("a"), stage("all").needs(&["a"]).with(|node| node.actions.clear())];
    let mut world = World::new(lane(drafts));
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.starts(), ["a"]);
    assert_eq!(world.status("all"), Status::Succeeded);
}
