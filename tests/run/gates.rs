//! Gates: pass, fail, and never open when they cannot be judged.

use super::fakes::{World, exits};
use super::lanes::{Draft, check, compare, fact, gate, lane, lines_at_least, node, retry, stage};
use wfl::base::{Type, Value};
use wfl::event::{Event, RunStatus, Status};
use wfl::expr::Compare;

const LINES: &str = "lcov(\"cov.json\").lines";
const FAILED: (RunStatus, i32) = (RunStatus::GateFailed, 3);

/// The conditions of one judgement, and its error.
type Seen = (Vec<(String, bool, String)>, Option<String>);

fn judged(world: &World) -> Vec<Seen> {
    let judged = |record: &wfl::event::Record| match &record.event {
        Event::GateJudged { checks, error, .. } => {
            let checks = checks.iter().map(|c| (c.text.clone(), c.held, c.values.clone())).collect();
            Some((checks, error.clone()))
        }
        _ => None,
    };
    world.journal.all().iter().filter_map(judged).collect()
}

fn with_lines(drafts: Vec<Draft>, lines: f64) -> World {
    World::new(lane(drafts)).fact(LINES, Value::Percent(lines))
}

#[test]
fn a_gate_that_holds_passes_and_says_on_what_values() {
    let mut world = with_lines(vec![gate("coverage", 70.0)], 81.5);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    let wanted = vec![("lines >= 70%".to_owned(), true, "lines = 81.5%".to_owned())];
    assert_eq!(judged(&world), [(wanted, None)]);
}

#[test]
fn a_gate_that_does_not_hold_fails_with_the_values_and_blocks() {
    let drafts = vec![gate("coverage", 70.0), stage("deploy").needs(&["coverage"])];
    let mut world = with_lines(drafts, 69.9);
    assert_eq!(world.run(), FAILED);
    assert!(
        world.has("coverage failed: `lines >= 70%` does not hold: lines = 69.9%"),
        "{:#?}",
        world.lines()
    );
    assert_eq!(world.status("deploy"), Status::Blocked);
}

#[test]
fn strict_conditions_are_judged_like_the_others() {
    let strict = gate("coverage", 70.0).with(|node| {
        node.gate.as_mut().unwrap().require.push(lines_at_least(85.0));
    });
    let mut world = with_lines(vec![strict], 80.0);
    assert_eq!(world.run(), FAILED);
    assert!(world.has("coverage failed: `lines >= 85%` does not hold: lines = 80%"));
}

#[test]
fn a_file_that_is_not_there_is_a_gate_error() {
    let mut world = World::new(lane(vec![gate("coverage", 70.0)]));
    assert_eq!(world.run(), FAILED);
    let reason = "coverage failed: gate could not be judged: measure `lines`:";
    assert!(world.lines().iter().any(|line| line.starts_with(reason)), "{:#?}", world.lines());
    assert!(matches!(judged(&world).as_slice(), [(checks, Some(_))] if checks.is_empty()));
}

#[test]
fn an_exit_code_that_is_not_allowed_is_a_gate_error_and_not_retried() {
    let mut world = with_lines(vec![gate("coverage", 70.0)], 99.0).does("coverage", [exits(2)]);
    assert_eq!(world.run(), FAILED);
    assert_eq!(world.starts().len(), 1);
    assert!(world.has("coverage failed: gate could not be judged: exit code 2"), "{:#?}", world.lines());
}

#[test]
fn a_gate_with_a_retry_policy_tries_its_program_again() {
    let mut world = with_lines(vec![gate("coverage", 70.0).retry(retry(2))], 99.0);
    world = world.does("coverage", [exits(2)]);
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert_eq!(world.starts().len(), 2);
}

#[test]
fn allow_failure_opens_no_gate() {
    let drafts = vec![gate("coverage", 70.0).with(|node| node.allow_failure = Some("later".into()))];
    assert_eq!(with_lines(drafts, 1.0).run(), FAILED);
}

#[test]
fn a_gate_that_requires_nothing_cannot_pass() {
    let empty = gate("coverage", 0.0).with(|node| node.gate.as_mut().unwrap().require.clear());
    assert_eq!(with_lines(vec![empty], 99.0).run(), FAILED);
}

#[test]
fn a_waived_gate_meets_needs_and_runs_nothing() {
    let waived = gate("coverage", 70.0).with(|node| node.waived = Some("no typed code here".into()));
    let mut world = World::new(lane(vec![waived, stage("deploy").needs(&["coverage"])]));
    assert_eq!(world.run(), (RunStatus::Succeeded, 0));
    assert!(world.has("coverage waived: no typed code here"));
    assert_eq!(world.starts(), ["deploy"]);
}

#[test]
fn a_tool_runs_once_for_all_its_gates() {
    let drafts = vec![gate("lines", 70.0).tool("cov"), gate("more", 80.0).tool("cov"), stage("x")];
    let mut world = with_lines(drafts, 75.0).keep_going();
    assert_eq!(world.run(), FAILED);
    assert_eq!(world.starts(), ["lines", "x"]);
    assert_eq!((world.status("lines"), world.status("more")), (Status::Succeeded, Status::Failed));
}

#[test]
fn a_tool_that_fails_is_an_error_of_all_its_gates() {
    let drafts = vec![gate("lines", 70.0).tool("cov"), gate("more", 80.0).tool("cov")];
    let mut world = with_lines(drafts, 99.0).keep_going().does("lines", [exits(101)]);
    assert_eq!(world.run(), FAILED);
    assert_eq!(world.starts(), ["lines"]);
    assert!(world.has("more failed: gate could not be judged: exit code 101"), "{:#?}", world.lines());
}

#[test]
fn a_gate_may_judge_the_exit_code_itself() {
    let code = gate("lint", 0.0).with(|node| {
        let gate = node.gate.as_mut().unwrap();
        gate.exit_ok = vec![0, 1];
        gate.measures.clear();
        gate.require =
            vec![check("exit == 0", compare(Compare::Eq, fact("exit", "", Type::Int), Value::Int(0)))];
    });
    let mut one = super::fakes::outcome(wfl::event::AttemptStatus::Succeeded, Some(1));
    one.duration_ms = 5;
    let mut world = World::new(lane(vec![code]));
    world = world.does("lint", [super::fakes::Does::Ends { outcome: one, after: 5 }]);
    assert_eq!(world.run(), FAILED);
    assert!(world.has("lint failed: `exit == 0` does not hold: exit = 1"), "{:#?}", world.lines());
}

#[test]
fn a_failed_gate_judges_anew_on_resume_with_a_fresh_run_of_its_tool() {
    let drafts = vec![gate("lines", 70.0).tool("cov"), gate("more", 80.0).tool("cov")];
    let mut world = with_lines(drafts, 75.0).keep_going();
    assert_eq!(world.run(), FAILED);
    world = world.fact(LINES, Value::Percent(90.0));
    assert_eq!(world.resume(&wfl::engine::Observed::default()), (RunStatus::Succeeded, 0));
    assert_eq!(
        world.starts(),
        ["lines", "more"],
        "what passed is kept; the tool runs again for what did not"
    );
    let more = node(&world.plan, "more");
    assert_eq!(world.state().node(more).status, Status::Succeeded);
}
