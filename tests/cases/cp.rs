//! What the engine does where the original went wrong (cases CP): attempts end at their bound, a hook that fails fails its
//! stage, a run keeps the lane it was started with, a resume goes on behind what is done.

use wfl::event::{Event, RunStatus, Status};
use wfl::plan::Retry;

use crate::faults::subject::Subject;
use crate::run::fakes::{World, exits_after};
use crate::run::lanes::{constant, lane, retry, stage};

/// The shape of the run that ran away: the first stage fails after a second, 495 times over if it is let.
fn eager(attempts: u32) -> World {
    let policy = Retry { from: 100, cap: Some(100), ..retry(attempts) };
    let drafts = vec![stage("setup").retry(policy), stage("version").needs(&["setup"])];
    World::new(lane(drafts)).does("setup", std::iter::repeat_n(exits_after(1, 1_022), 495))
}

fn attempts(world: &World) -> usize {
    let started = |event: &Event| matches!(event, Event::StageStarted { .. });
    world.journal.all().iter().filter(|record| started(&record.event)).count()
}

#[test]
fn cp_04_a_stage_that_fails_for_ever_stops_at_its_bound() {
    let mut world = eager(4);
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    assert_eq!(attempts(&world), 4);
    assert_eq!(world.status("version"), Status::Blocked);
    assert!(world.has("setup failed: exit code 1 (attempt 4 of 4)"), "{:#?}", world.lines());
}

/// The twin: without a bound that is lower it is all 495.
#[test]
fn cp_04_only_the_bound_stops_it() {
    let mut world = eager(500);
    world.run();
    assert!(attempts(&world) > 400, "{}", attempts(&world));
}

/// A resume tries as often again when a person asks for it, never by itself.
#[test]
fn cp_04_a_real_lane_that_fails_for_ever_ends() {
    let subject = Subject::with(
        "stage setup { exec \"sh\", \"-c\", \"echo x >> tries; exit 1\"; retry { attempts 3; backoff constant(1ms) } }\nlane all { include setup }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(1);
    assert_eq!(subject.read("tries").lines().count(), 3);
    let run = subject.newest_run().expect("a run");
    subject.end(&["resume", &run]).expect_code(1);
    assert_eq!(subject.read("tries").lines().count(), 6);
}

#[test]
fn cp_06_a_check_before_a_stage_that_fails_fails_the_stage() {
    let drafts = vec![
        stage("setup").with(|node| node.before.push(constant(false))),
        stage("version").needs(&["setup"]),
    ];
    let mut world = World::new(lane(drafts));
    assert_eq!(world.run().0, RunStatus::Failed);
    assert_eq!((world.status("setup"), world.status("version")), (Status::Failed, Status::Blocked));
    assert_eq!(world.starts(), Vec::<String>::new(), "what it guards did not run");
}

#[test]
fn cp_02_a_skipped_stage_keeps_its_reason() {
    let subject = Subject::with(
        "stage a { exec \"true\" }\nstage b { when false; exec \"true\" }\nlane all { include a, b }\n",
    );
    subject.end(&["run", "all.wfl"]).expect_code(0);
    let run = subject.newest_run().expect("a run");
    assert_eq!(subject.statuses(&run)["b"], "skipped");
    let shown = subject.json(&["show", &run, "--format", "json"]);
    let stages = shown["stages"].as_array().cloned().unwrap_or_default();
    let reason = stages.iter().find(|stage| stage["name"] == "b").map(|stage| stage["reason"].to_string());
    assert!(reason.as_deref().is_some_and(|reason| reason.contains("false")), "{reason:?}");
}

#[test]
fn cp_07_a_run_of_the_docs_lane_is_recorded_as_one_and_stays_one() {
    let text = "stage a { exec \"test\", \"-e\", \"there\" }\nstage b { exec \"true\" }\nlane docs { include a }\nlane standard { include a, b }\n";
    let subject = Subject::with(text);
    subject.end(&["run", "all.wfl", "--lane", "docs"]).expect_code(1);
    let run = subject.newest_run().expect("a run");
    let lane =
        || subject.json(&["show", &run, "--format", "json"])["run"]["lane"].as_str().map(str::to_owned);
    assert_eq!(lane().as_deref(), Some("docs"));
    subject.write("there", "");
    subject.end(&["resume", &run]).expect_code(0);
    assert_eq!(lane().as_deref(), Some("docs"));
    assert_eq!(subject.statuses(&run).len(), 1, "the stage of the other lane did not run");
}

#[test]
fn cp_01_a_resume_goes_on_behind_what_is_done() {
    let names = ["s0", "s1", "s2", "s3", "s4"];
    let chain = || {
        let mut drafts = vec![stage(names[0])];
        drafts.extend(names.windows(2).map(|two| stage(two[1]).needs(&[two[0]])));
        drafts
    };
    let mut world = World::new(lane(chain()));
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let third = wfl::event::NodeIndex::from(3u32);
    world.crash_after_event(|event| matches!(event, Event::StageFinished { node, .. } if *node == third));
    let before = world.starts().len();
    world.resume(&wfl::engine::Observed::default());
    assert_eq!(world.starts()[before..], ["s4"], "{:#?}", world.lines());
}
