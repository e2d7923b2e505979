//! What only people can answer: approvals and confirmations.

use super::fakes::{World, approval, exits, no, takes, yes};
use super::lanes::{lane, stage};
use wfl::engine::Observed;
use wfl::event::{Event, RunStatus, Status};
use wfl::port::Durability;

const WAITING: (RunStatus, i32) = (RunStatus::Waiting, 4);
const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);

fn deploy(count: u32, timeout: Option<u64>) -> World {
    World::new(lane(vec![
        stage("build"),
        stage("deploy").needs(&["build"]).approve(count, timeout),
        stage("docs").needs(&["build"]),
    ]))
}

#[test]
fn without_a_person_the_run_finishes_what_it_can_and_waits() {
    let mut world = deploy(1, None);
    assert_eq!(world.run(), WAITING);
    assert_eq!(world.starts(), ["build", "docs"]);
    assert_eq!(world.status("deploy"), Status::Waiting);
    assert!(world.has("deploy waits on Approval: 1 from owners"), "{:#?}", world.lines());
    assert_eq!(world.cause().as_deref(), Some("`deploy`: waits for approval"));
}

#[test]
fn a_request_is_on_the_disk_before_anybody_sees_it() {
    let mut world = deploy(1, None);
    world.run();
    let mut upto = 0;
    let commits = world.journal.commits.lock().unwrap().clone();
    let hard = |seq: usize| {
        commits
            .iter()
            .find(|(n, _)| {
                upto += n;
                upto >= seq
            })
            .map(|(_, d)| *d)
    };
    let requested =
        world.journal.all().iter().position(|r| matches!(r.event, Event::ApprovalRequested { .. }));
    assert_eq!(requested.map(|at| at + 1).and_then(hard), Some(Durability::Disk));
}

#[test]
fn an_approval_left_for_the_resume_lets_the_stage_start() {
    let mut world = deploy(1, Some(60_000));
    world.run();
    world.inbox.push(approval("deploy", yes("ada@team.example")));
    world.now += 3_600_000;
    assert_eq!(world.resume(&Observed::default()), GOOD, "it was given in time, though heard late");
    assert_eq!(world.starts(), ["build", "docs", "deploy"]);
}

#[test]
fn a_person_at_the_terminal_is_asked_while_the_rest_runs() {
    let mut world = deploy(1, None).answer("deploy", Some(yes("ada"))).does("docs", [takes(9_000)]);
    assert_eq!(world.run(), GOOD);
    assert!(world.has("start deploy#1 @2000"), "{:#?}", world.lines());
    assert_eq!(world.done.iter().filter(|done| *done == "ask deploy").count(), 1);
}

#[test]
fn a_rejection_fails_the_stage_and_the_run() {
    let mut world = deploy(1, None).answer("deploy", Some(no("ada")));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(world.has("deploy failed: approval rejected by ada: not today"), "{:#?}", world.lines());
}

#[test]
fn an_approval_expires_by_the_wall_clock_and_the_next_command_judges_it() {
    let mut world = deploy(1, Some(60_000));
    assert_eq!(world.run(), WAITING);
    world.now += 58_000;
    assert_eq!(world.resume(&Observed::default()), WAITING);
    world.now += 10_000;
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Failed, 1));
    assert!(world.has("deploy failed: approval from owners expired after 1m"), "{:#?}", world.lines());
}

#[test]
fn an_approval_expires_while_a_person_is_being_asked() {
    let mut world = deploy(1, Some(500)).answer("deploy", Some(yes("ada")));
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert!(!world.starts().contains(&"deploy".to_owned()));
}

#[test]
fn two_approvals_need_two_people() {
    let twice = deploy(2, None).does("docs", [takes(9_000)]);
    let mut world = twice.at(2_000, approval("deploy", yes("ada"))).at(3_000, approval("deploy", yes("ada")));
    assert_eq!(world.run(), WAITING);
    assert!(world.has("note ada has approved `deploy` already; another person must"), "{:#?}", world.lines());
    let both = deploy(2, None).does("docs", [takes(9_000)]);
    let mut world = both.at(2_000, approval("deploy", yes("ada"))).at(3_000, approval("deploy", yes("bob")));
    assert_eq!(world.run(), GOOD);
}

#[test]
fn nobody_is_asked_to_approve_what_will_be_skipped() {
    let mut world = World::new(lane(vec![stage("deploy").when(false).approve(1, None)]));
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.status("deploy"), Status::Skipped);
}

#[test]
fn a_failure_elsewhere_ends_a_run_that_waits_for_people_too() {
    let mut world = deploy(1, None).does("docs", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1), "4 only while the run can go on");
    let mut world = deploy(1, None).keep_going().does("docs", [exits(1)]);
    assert_eq!(world.run(), WAITING, "with keep-going it can");
}

#[test]
fn an_approval_is_void_once_something_its_stage_needs_runs_again() {
    let mut world = World::new(lane(vec![
        stage("build").with(|node| node.inputs = vec!["src/**".into()]),
        stage("deploy").needs(&["build"]).approve(1, None),
        stage("end").needs(&["deploy"]),
    ]));
    world = world.answer("deploy", Some(yes("ada"))).does("deploy", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    world.settings.people = false;
    let same = [(0, Some("h1".to_owned()))].into();
    let kept = Observed { inputs: same, ..Observed::default() };
    let mut again = World::new((*world.plan).clone());
    again.journal = super::fakes::Memory::holding(world.journal.all());
    assert_eq!(again.resume(&kept), GOOD, "nothing it needs ran again: the approval stands");
    world.hash = Some("h2".into());
    let changed = Observed { inputs: [(0, Some("h2".to_owned()))].into(), ..Observed::default() };
    assert_eq!(world.resume(&changed), WAITING);
    assert!(world.has("deploy approval voided"), "{:#?}", world.lines());
}

fn confirmed() -> World {
    World::new(lane(vec![
        stage("wipe").with(|node| node.confirm = Some("really?".into())),
        stage("next").needs(&["wipe"]),
    ]))
}

#[test]
fn confirm_is_answered_by_yes_by_a_person_or_skips_the_stage() {
    let mut world = confirmed();
    assert_eq!(world.run(), GOOD);
    assert_eq!((world.status("wipe"), world.status("next")), (Status::Skipped, Status::Skipped));

    let mut world = confirmed();
    world.settings.yes = true;
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.starts(), ["wipe", "next"]);

    let mut world = confirmed().answer("wipe", Some(yes("ada")));
    world.run();
    assert_eq!(world.starts(), ["wipe", "next"]);

    let mut world = confirmed().answer("wipe", Some(no("ada")));
    assert_eq!(world.run(), GOOD);
    assert!(world.has("wipe skipped: not confirmed by ada"), "{:#?}", world.lines());
}

#[test]
fn yes_never_approves() {
    let mut world = deploy(1, None);
    world.settings.yes = true;
    assert_eq!(world.run(), WAITING);
}

#[test]
fn waiting_for_people_does_not_count_against_the_lane_timeout() {
    let mut plan = (*deploy(1, None).plan).clone();
    plan.timeout = Some(60_000);
    let mut world = World::new(plan);
    world.run();
    world.now += 3_600_000;
    world = world.answer("deploy", Some(yes("ada")));
    assert_eq!(world.resume(&Observed::default()), GOOD);
}
