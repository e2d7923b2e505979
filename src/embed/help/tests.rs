//! Failures folded from events, and rules of a definition before the library's.

use std::collections::BTreeMap;

use super::*;
use crate::base::Timestamp;
use crate::event::Usage;

fn outcome(status: AttemptStatus, stderr: &str) -> Outcome {
    Outcome {
        status,
        exit: Some(1),
        signal: None,
        duration_ms: 1,
        error: None,
        stderr: stderr.into(),
        usage: Usage::default(),
        log_cut: false,
        class: None,
        injected: false,
        stdout: String::new(),
    }
}

fn records(events: Vec<Event>) -> Vec<Record> {
    (1..).zip(events).map(|(seq, event)| Record { seq, at: Timestamp(0), event }).collect()
}

fn finished(node: NodeIndex, status: Status) -> Event {
    Event::StageFinished { node, status, reason: None, outputs: BTreeMap::new(), duration_ms: 1 }
}

fn attempt(node: NodeIndex, attempt: u32, status: AttemptStatus) -> Event {
    Event::AttemptFinished { node, attempt, outcome: outcome(status, "x") }
}

#[test]
fn only_a_last_attempt_that_failed_counts() {
    use AttemptStatus::{Failed as Bad, Succeeded};
    let failures = Failures::of(&records(vec![
        attempt(0, 1, Bad),
        attempt(0, 2, Succeeded),
        finished(0, Status::Succeeded),
        attempt(1, 1, Bad),
        attempt(1, 2, Bad),
        finished(1, Status::Failed),
        attempt(2, 1, Bad),
        finished(2, Status::Cancelled),
    ]));
    assert_eq!(failures.get(0), None);
    assert_eq!(failures.get(1).map(|failed| failed.attempt), Some(2));
    assert_eq!(failures.get(2), None);
}

#[test]
fn a_gate_that_could_not_be_judged_counts_though_its_tool_ended_well() {
    let judged = Event::GateJudged {
        node: 0,
        measures: BTreeMap::new(),
        checks: Vec::new(),
        error: Some("cov.json: No such file or directory".into()),
        inputs: None,
    };
    let failures = Failures::of(&records(vec![attempt(0, 3, AttemptStatus::Succeeded), judged]));
    let failed = failures.get(0).unwrap();
    assert_eq!((failed.attempt, failed.error.is_some()), (3, true));
}

fn plan(texts: &[(&str, &str)]) -> Plan {
    let mut plan = crate::observe::fixture::plan();
    plan.definition.files = texts.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect();
    plan
}

fn advice(plan: &Plan, stderr: &str) -> Vec<Advice> {
    let mut event = attempt(0, 1, AttemptStatus::Failed);
    if let Event::AttemptFinished { outcome, .. } = &mut event {
        outcome.stderr = stderr.into();
    }
    Adviser::new(plan, "/nonexistent".into()).advice(&Failures::of(&records(vec![event])), 0)
}

#[test]
fn the_files_of_the_run_know_better_than_the_library() {
    let own = "wfl 1\nlet tool = \"frob: (?P<what>[a-z]+) not found\"\nhelp \"frob\" {\n  when stderr matches tool\n  \
               cause \"`<what>` is one of ours\"\n  try \"./get <what>\"\n}\n";
    let plan = plan(&[("a.wfl", own), ("std.retry", "wfl 1\n")]);
    let found = advice(&plan, "line one\nbash: line 1: frob: wings not found\nfatal: unable to access 'x'\n");
    assert_eq!(found[0].cause, "`wings` is one of ours");
    assert_eq!(found[0].line.as_deref(), Some("bash: line 1: frob: wings not found"));
    assert_eq!((found[0].attempt.as_str(), found[0].from.as_str()), ("./get wings", "a.wfl:3"));
    assert_eq!(found[1].title, "a git command failed");
    assert!(advice(&plan, "all is well").is_empty());
}

#[test]
fn at_most_two_are_given_and_never_two_for_one_line() {
    let plan = plan(&[]);
    let all = "ModuleNotFoundError: No module named 'a'\nfatal: not a git repository\nENOSPC: no space left on device\n";
    assert_eq!(advice(&plan, all).len(), 2);
    let one = advice(&plan, "fatal: not a git repository (or any of the parent directories): .git");
    assert_eq!(one.len(), 1, "{one:?}");
}
