//! The engine dies after each event of a rollback in turn; a resume finishes it. No undo is forgotten, none that succeeded is
//! done again, and nothing else starts.

use std::collections::BTreeMap;

use super::fakes::{World, exits};
use super::lanes::{Draft, retry, stage};
use super::rollback::{is_reverse_topological, rolling, undos};
use wfl::engine::Observed;
use wfl::event::{AttemptStatus, Event, Record, RunStatus};

fn drafts() -> Vec<Draft> {
    vec![
        stage("a").undo(),
        stage("b").undo_with(None, Some(retry(2))).needs(&["a"]),
        stage("c").undo().needs(&["a"]),
        stage("call").undo().needs(&["b"]).calls(vec![stage("in").undo()]),
        stage("bad").undo().needs(&["c", "call"]),
    ]
}

fn world() -> World {
    World::new(rolling(drafts())).does("bad", [exits(1), exits(1)]).does("undo b", [exits(1)])
}

/// What is wrong with a rollback that was cut off and finished.
fn violations(world: &World) -> Vec<String> {
    let records = world.journal.all();
    let mut wrong = Vec::new();
    let Some(at) = records.iter().position(|record| matches!(record.event, Event::RollbackStarted { .. }))
    else {
        return vec!["it was not rolled back".into()];
    };
    let Event::RollbackStarted { nodes, .. } = &records[at].event else { return wrong };
    let mut done: BTreeMap<u32, u32> = BTreeMap::new();
    for record in &records[at..] {
        match &record.event {
            Event::UndoFinished { node, outcome, .. } if outcome.status == AttemptStatus::Succeeded => {
                *done.entry(*node).or_default() += 1;
            }
            Event::StageStarted { node, .. } => wrong.push(format!("stage {node} started meanwhile")),
            _ => {}
        }
    }
    for node in nodes {
        match done.get(node) {
            Some(1) => {}
            times => wrong.push(format!("undo of {node} succeeded {times:?} times")),
        }
    }
    // What the processes did, whatever the journal says: an undo that was seen to succeed is not carried out again.
    for key in ["bad", "call", "call/in", "b", "c", "a"] {
        if !undos(world).iter().any(|undo| undo.starts_with(&format!("{key}#"))) {
            wrong.push(format!("{key} was never undone"));
        }
    }
    wrong
}

/// How often each undo was carried out after the crash though its success had been recorded before it.
fn repeated(kept: &[Record], world: &World) -> Vec<String> {
    let succeeded = kept.iter().filter_map(|record| match &record.event {
        Event::UndoFinished { node, outcome, .. } if outcome.status == AttemptStatus::Succeeded => {
            Some(*node)
        }
        _ => None,
    });
    let keys: Vec<String> = succeeded.map(|node| world.plan.nodes[node as usize].key.clone()).collect();
    let again = |key: &&String| undos(world).iter().any(|undo| undo.starts_with(&format!("{key}#")));
    keys.iter().filter(again).map(|key| format!("{key} was undone again")).collect()
}

#[test]
fn a_rollback_killed_after_any_event_is_finished_by_a_resume() {
    let mut whole = world();
    assert_eq!(whole.run(), (RunStatus::RolledBack, 1));
    let first = undos(&whole).iter().map(|undo| (*undo).to_owned()).collect::<Vec<String>>();
    let keys: Vec<&str> = first.iter().map(String::as_str).filter(|undo| *undo != "b#2").collect();
    assert!(is_reverse_topological(&whole.plan, &keys));
    let records = whole.journal.all();
    let mut cut = 0;
    for count in 1..records.len() {
        let mut killed = world();
        killed.run();
        killed.crash_after(count);
        let before = std::mem::take(&mut killed.done);
        killed = killed.does("bad", [exits(1)]);
        assert_eq!(killed.resume(&Observed::default()), (RunStatus::RolledBack, 1), "after {count}");
        let twice = repeated(&records[..count], &killed);
        killed.done.extend(before.into_iter().filter(|done| done.starts_with("undo ")));
        let mut wrong = violations(&killed);
        wrong.extend(twice);
        assert!(wrong.is_empty(), "killed after {count}: {wrong:#?}\n{:#?}", killed.lines());
        cut += usize::from(
            records[..count].iter().any(|record| matches!(record.event, Event::UndoStarted { .. })),
        );
    }
    assert!(cut > 12, "only {cut} of the kills fell into the rollback");
}

/// The twins: without what is journaled an undo is done twice, or forgotten.
#[test]
fn an_undo_that_is_not_journaled_is_noticed() {
    let mut whole = world();
    whole.run();
    let records = whole.journal.all();
    let finished = |record: &&Record| matches!(record.event, Event::UndoFinished { .. });
    let at = records.iter().position(|record| finished(&record)).expect("an undo");
    // Its start and end are lost: it is carried out again.
    let mut lost = world();
    lost.run();
    lost.crash_after(at - 1);
    lost.done.clear();
    lost.resume(&Observed::default());
    assert!(!repeated(&records[..=at], &lost).is_empty(), "an undo done twice went unnoticed");
    // Its success is in the journal though it never ran: it is forgotten.
    let mut forged = world();
    forged.run();
    forged.crash_after(at + 1);
    forged.done.clear();
    forged.resume(&Observed::default());
    assert!(
        violations(&forged).iter().any(|wrong| wrong.contains("was never undone")),
        "an undo that was forgotten went unnoticed"
    );
}
