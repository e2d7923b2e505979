//! Why a stage is in the state it is in: one answer from its events, with the values they were judged on and the number
//! of each event. Reads nothing but the events and the plan it is given.

use serde::Serialize;

use crate::base::Value;
use crate::event::{
    AttemptStatus, Compared, Event, FailureClass, Lasting, NodeIndex, Outcome, Record, Status, Told, WaitFor,
};
use crate::plan::{EdgeKind, Plan, StageKind};

use super::Board;
use super::board::node_of;
use super::early;
use super::style::{counted, elapsed};

/// One event that led to the state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    pub seq: u64,
    pub text: String,
}

/// The answer first, then what it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Why {
    pub stage: String,
    pub status: &'static str,
    pub answer: String,
    /// The event the answer rests on; none when nothing was recorded of the stage.
    pub event: Option<u64>,
    pub steps: Vec<Step>,
}

/// Explains the state of `node` after `records`.
pub fn why(plan: &Plan, records: &[Record], node: NodeIndex) -> Why {
    let board = Board::from_records(plan.nodes.len(), records);
    let steps: Vec<Step> = records.iter().filter_map(|record| step(plan, record, node)).collect();
    let status = board.status(node);
    let stage = plan.nodes.get(node as usize).map_or_else(|| node.to_string(), |node| node.key.clone());
    let mut answer = answer(plan, &board, node, status);
    let started = started_because(plan, records, node).filter(|_| ran(status));
    if let Some((_, because)) = &started {
        answer = format!("{answer} {because}");
    }
    let early = plan.nodes.get(node as usize).and_then(|node| early::sentence(plan, node));
    if let Some(early) = early.filter(|_| ran(status)) {
        answer = format!("{answer} {early}");
    }
    if let Some(more) = super::advised::why(plan, node).filter(|_| status == Status::Skipped) {
        answer = format!("{answer}. {more}");
    }
    let event = decided(plan, records, node, status).or(started.and_then(|(seq, _)| seq));
    Why { stage, status: status.word(), answer, event, steps }
}

/// It was carried out, or is being.
fn ran(status: Status) -> bool {
    use Status::{Cancelled, Failed, Running, Succeeded, TimedOut, Unknown, Warned};
    matches!(status, Running | Succeeded | Failed | TimedOut | Warned | Unknown | Cancelled)
}

/// Why it was carried out at all, or once more, and the event that says so.
fn started_because(plan: &Plan, records: &[Record], node: NodeIndex) -> Option<(Option<u64>, String)> {
    let own = || records.iter().rev().filter(|record| node_of(&record.event) == Some(node));
    own().find(|record| matches!(record.event, Event::StageStarted { .. }))?;
    let again = own().find_map(|record| {
        let text = match &record.event {
            Event::StageReset { reason, .. } => format!("It ran again: {reason}."),
            Event::StageResolved { done: false, by, .. } => format!("It ran again: {by} said so."),
            Event::RepairFinished { rule, outcome, .. } if outcome.status == AttemptStatus::Succeeded => {
                format!("It was attempted again: `{rule}` had repaired it.")
            }
            Event::StageWaiting { on: WaitFor::Retry, detail, .. } => {
                format!("It was tried again: {detail}.")
            }
            _ => return None,
        };
        Some((Some(record.seq), text))
    });
    let compared = || {
        own().find_map(|record| match &record.event {
            Event::StageCompared { outcome: Compared::Ran | Compared::Checked, reason, .. } => {
                Some((Some(record.seq), format!("It ran: {reason}.")))
            }
            _ => None,
        })
    };
    let never = || {
        let why = plan.reusable(node).err()?;
        let stage = plan.nodes.get(node as usize)?.kind == StageKind::Stage;
        stage.then(|| (None, format!("It ran: not reusable, {why}.")))
    };
    again.or_else(compared).or_else(never)
}

/// The last event that put it into its state.
fn decided(plan: &Plan, records: &[Record], node: NodeIndex, status: Status) -> Option<u64> {
    let about = |record: &&Record| match &record.event {
        Event::StagesBlocked { nodes, .. } => status == Status::Blocked && nodes.contains(&node),
        Event::StageFinished { node: of, .. }
        | Event::StageUnknown { node: of, .. }
        | Event::StageResolved { node: of, .. }
        | Event::StageWaiting { node: of, .. }
        | Event::StageReset { node: of, .. }
        | Event::StageStarted { node: of, .. }
        | Event::ApprovalRequested { node: of, .. } => *of == node,
        _ => false,
    };
    let own = records.iter().rev().find(about).map(|record| record.seq);
    // What has not started waits for the last thing that happened to what it needs.
    let needs = || {
        let edges = &plan.nodes.get(node as usize)?.edges;
        let need = |record: &&Record| {
            node_of(&record.event).is_some_and(|of| edges.iter().any(|edge| edge.to == of))
        };
        records.iter().rev().find(need).map(|record| record.seq)
    };
    own.or_else(needs)
}

fn answer(plan: &Plan, board: &Board, node: NodeIndex, status: Status) -> String {
    let Some(row) = board.rows.get(node as usize) else { return "There is no such stage.".into() };
    let reason = row.reason.clone().unwrap_or_default();
    let because =
        |word: &str| if reason.is_empty() { format!("{word}.") } else { format!("{word}: {reason}") };
    match status {
        Status::Pending | Status::Ready => not_started(plan, board, node),
        Status::Running => {
            format!("It is running attempt {}, or was when the program was stopped.", row.attempts)
        }
        Status::Waiting => match &row.waiting {
            Some((WaitFor::Approval, _)) if row.approved > 0 => {
                format!("It waits for {}.", super::summary::approvals(row))
            }
            Some((on, detail)) => format!("It waits for {}: {detail}", wait_word(*on)),
            None => "It waits for an approval.".into(),
        },
        Status::Succeeded if row.attempts > 1 => {
            because(&format!("It succeeded at attempt {}", row.attempts))
        }
        Status::Succeeded => because("It ran and succeeded"),
        Status::Blocked => match row.root {
            Some(root) => {
                let how = ended_word(board.status(root));
                format!("It was not run: {} {}, which {how}.", needs_word(plan, node, root), key(plan, root))
            }
            None => because("It was not run"),
        },
        Status::Failed => because("It failed"),
        Status::TimedOut => because("It timed out"),
        Status::Cancelled => because("It was cancelled"),
        Status::Skipped => because("It was skipped"),
        Status::Waived => because("It was waived"),
        Status::Reused => because("An earlier result was reused"),
        Status::Warned => because("It failed, which the lane allows"),
        Status::Unknown => because("Nobody knows how it ended"),
    }
}

fn needs_word(plan: &Plan, node: NodeIndex, root: NodeIndex) -> &'static str {
    let direct =
        plan.nodes.get(node as usize).is_some_and(|node| node.edges.iter().any(|edge| edge.to == root));
    if direct { "it needs" } else { "it needs, through others," }
}

fn ended_word(status: Status) -> &'static str {
    match status {
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Cancelled => "was cancelled",
        _ => "ended badly",
    }
}

fn not_started(plan: &Plan, board: &Board, node: NodeIndex) -> String {
    let Some(own) = plan.nodes.get(node as usize) else { return "There is no such stage.".into() };
    let open: Vec<String> = own
        .edges
        .iter()
        .filter(|edge| !board.status(edge.to).is_final())
        .map(|edge| {
            let word = if edge.kind == EdgeKind::Follows { "follows" } else { "needs" };
            format!("it {word} {}, which is {}", key(plan, edge.to), board.status(edge.to).word())
        })
        .collect();
    if open.is_empty() {
        return "It has not started: the run stopped before its turn.".into();
    }
    format!("It has not started: {}.", open.join("; "))
}

fn step(plan: &Plan, record: &Record, node: NodeIndex) -> Option<Step> {
    let about = match &record.event {
        Event::StagesBlocked { nodes, .. } => nodes.contains(&node),
        other => node_of(other) == Some(node),
    };
    let text = if about { told(plan, &record.event)? } else { return None };
    Some(Step { seq: record.seq, text })
}

fn told(plan: &Plan, event: &Event) -> Option<String> {
    Some(match event {
        Event::FactsRead { values, .. } => facts(&serde_json::to_value(values).ok()?),
        Event::StageWaiting { on, detail, .. } => format!("waits for {}: {detail}", wait_word(*on)),
        Event::StageStarted { attempt, key, inputs, .. } => {
            started(*attempt, key.as_deref(), inputs.as_deref())
        }
        Event::AttemptFinished { attempt, outcome, .. } => {
            let exit = outcome.exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
            let error = outcome.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
            // Nobody saw when an interrupted one ended.
            let took = match outcome.status {
                AttemptStatus::Interrupted => String::new(),
                _ => format!(" after {}", elapsed(outcome.duration_ms)),
            };
            let class = class_words(outcome);
            format!("attempt {attempt} {}{took}{exit}{error}{class}", attempt_word(outcome.status))
        }
        Event::AttemptRefused { attempt, class, why, .. } => {
            format!("attempt {attempt} failed all the same: {why} [{}]", class.word())
        }
        Event::GateJudged { checks, error: None, .. } => {
            let judged: Vec<String> = checks.iter().map(judged).collect();
            format!("judged: {}", judged.join("; "))
        }
        Event::GateJudged { error: Some(error), .. } => format!("could not be judged: {error}"),
        Event::StageCompared { outcome, reason, .. } => match outcome {
            Compared::Ran => format!("had to run: {reason}"),
            Compared::Checked => format!("ran to be compared: {reason}"),
            Compared::Reused => format!("an earlier result was found: {reason}"),
        },
        Event::StageRecorded { files, result, .. } => recorded(files.len(), result.is_some())?,
        Event::ResultRevoked { from, reason, .. } => {
            let whose = from.as_ref().map_or("this run".to_owned(), |run| format!("run {run}"));
            format!("the result that {whose} recorded was revoked: {reason}")
        }
        Event::StageFinished { status, reason, .. } => match reason {
            Some(reason) => format!("{}: {reason}", status.word()),
            None => status.word().to_string(),
        },
        Event::StagesBlocked { root, .. } => format!("blocked by {}", key(plan, *root)),
        other => {
            return shared(other)
                .or_else(|| people(other))
                .or_else(|| repairs(other))
                .or_else(|| super::undoing::told(other));
        }
    })
}

/// What repair rules did.
fn repairs(event: &Event) -> Option<String> {
    Some(match event {
        Event::RepairStarted { rule, number, by, .. } => {
            let by = by.as_ref().map(|by| format!(", agreed to by {by}")).unwrap_or_default();
            format!("repair {number} by `{rule}` began{by}")
        }
        Event::RepairFinished { rule, outcome, .. } if outcome.status == AttemptStatus::Succeeded => {
            format!("repaired by `{rule}` after {}", elapsed(outcome.duration_ms))
        }
        Event::RepairFinished { rule, outcome, .. } => {
            format!("not repaired by `{rule}`: {}", super::board::ended(outcome))
        }
        Event::RepairRefused { rule, reason, .. } => format!("not repaired by `{rule}`: {reason}"),
        Event::RepairTold { rule, helped: true, .. } => format!("`{rule}` helped: it got past that failure"),
        Event::RepairTold { rule, helped: false, .. } => {
            format!("`{rule}` did not help: it failed the same way")
        }
        _ => return None,
    })
}

/// What it has to do with other runs.
fn shared(event: &Event) -> Option<String> {
    Some(match event {
        Event::LeaseTaken { things, .. } => format!("was given {}", things.join(", ")),
        Event::LeaseReleased { .. } => "gave back what it shares with other runs".into(),
        Event::BreakerProbed { breaker, .. } => {
            format!("was let start to try whether breaker `{breaker}` may close")
        }
        Event::BreakerCounted { rule, told, .. } => match told {
            Told::Failed => format!("counted by breaker `{}`: its attempts ran out", rule.name),
            Told::Succeeded => format!("told breaker `{}` that it succeeded", rule.name),
            Told::Nothing => format!("told breaker `{}` nothing: it ended for another reason", rule.name),
        },
        Event::BreakerOpened { breaker, until, .. } => {
            format!("breaker `{breaker}` is open until {}", until.local())
        }
        Event::BreakerClosed { breaker, .. } => format!("breaker `{breaker}` is closed again"),
        _ => return None,
    })
}

fn people(event: &Event) -> Option<String> {
    Some(match event {
        Event::StageUnknown { reason, .. } => format!("unknown: {reason}"),
        Event::StageResolved { done: true, by, .. } => format!("marked done by {by}"),
        Event::StageResolved { by, .. } => format!("to be run again, said {by}"),
        Event::StageReset { reason, .. } => format!("runs again: {reason}"),
        Event::ApprovalRequested { count, group, .. } => format!("asked {group} for {count} to approve"),
        Event::ApprovalGiven { by, approved, comment, .. } => {
            let word = if *approved { "approved" } else { "rejected" };
            format!("{word} by {by}{}", comment.as_ref().map(|text| format!(": {text}")).unwrap_or_default())
        }
        Event::ApprovalExpired { .. } => "the approval expired".into(),
        Event::ApprovalVoided { reason, .. } => format!("the approval is void: {reason}"),
        Event::ConfirmAnswered { yes, by, .. } => {
            format!("{by} answered {}", if *yes { "yes" } else { "no" })
        }
        Event::FinallyFinished { outcome, .. } => format!("finally {}", attempt_word(outcome.status)),
        Event::Note { text, .. } => text.clone(),
        _ => return None,
    })
}

fn recorded(files: usize, shared: bool) -> Option<String> {
    let marked = counted(files, "output file");
    match shared {
        true => Some(format!("{marked} recorded; other runs may take the result")),
        false => (files > 0).then(|| format!("{marked} recorded")),
    }
}

fn started(attempt: u32, key: Option<&str>, inputs: Option<&str>) -> String {
    let key = key.map(|key| format!(", WFL_KEY {key}")).unwrap_or_default();
    let inputs =
        inputs.map(|hash| format!(", inputs {}", hash.get(..12).unwrap_or(hash))).unwrap_or_default();
    format!("started attempt {attempt}{key}{inputs}")
}

fn judged(check: &crate::event::Judged) -> String {
    let held = if check.held { "holds" } else { "does not hold" };
    let values = if check.values.is_empty() { String::new() } else { format!(" ({})", check.values) };
    format!("{} {held}{values}", check.text)
}

/// `git.branch = main; …` from the stored form.
fn facts(values: &serde_json::Value) -> String {
    let Some(values) = values.as_object() else { return "read nothing".into() };
    let each: Vec<String> = values
        .iter()
        .map(|(id, fact)| match serde_json::from_value::<Value>(fact["read"].clone()) {
            Ok(value) => format!("{id} = {}", super::style::one_line(&value.to_string(), 120)),
            Err(_) => format!("{id} could not be read: {}", fact["failed"].as_str().unwrap_or("unknown")),
        })
        .collect();
    format!("read {}", each.join("; "))
}

fn key(plan: &Plan, node: NodeIndex) -> &str {
    plan.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
}

fn wait_word(on: WaitFor) -> &'static str {
    match on {
        WaitFor::Approval => "an approval",
        WaitFor::Retry => "its next attempt",
        WaitFor::Lock => "a lock",
        WaitFor::Pool => "a free place in its pool",
        WaitFor::Breaker => "its breaker to close",
    }
}

/// `[timeout, transient]`: whether another try could help is said where the class tells. An exit code speaks for itself.
fn class_words(outcome: &Outcome) -> String {
    let plain = |class: &FailureClass| *class == FailureClass::Exit && !outcome.injected;
    let Some(class) = outcome.class.filter(|class| !plain(class)) else { return String::new() };
    let lasting = match class.lasting() {
        Lasting::Unknown => String::new(),
        lasting => format!(", {}", lasting.word()),
    };
    let injected = if outcome.injected { ", injected" } else { "" };
    format!(" [{}{lasting}{injected}]", class.word())
}

fn attempt_word(status: AttemptStatus) -> &'static str {
    match status {
        AttemptStatus::Succeeded => "succeeded",
        AttemptStatus::Failed => "failed",
        AttemptStatus::TimedOut => "timed out",
        AttemptStatus::Cancelled => "was cancelled",
        AttemptStatus::Interrupted => "was interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::{Asked, Judged};
    use crate::expr::facts::Fact;
    use std::collections::BTreeMap;

    fn explain(events: Vec<Event>, node: NodeIndex) -> Why {
        let records: Vec<Record> =
            (1..).zip(events).map(|(seq, event)| Record { seq, at: Timestamp(0), event }).collect();
        why(&fixture::plan(), &records, node)
    }

    fn ended(node: NodeIndex, status: Status, reason: &str) -> Event {
        Event::StageFinished {
            node,
            status,
            reason: Some(reason.into()),
            outputs: BTreeMap::new(),
            duration_ms: 1,
        }
    }

    #[test]
    fn a_skip_names_its_reason_and_the_values_read_with_their_event() {
        let values = BTreeMap::from([("file.exists(\"a\")".to_string(), Fact::Read(Value::Bool(false)))]);
        let why = explain(
            vec![
                Event::FactsRead { node: 0, asked: Asked::When, values },
                ended(0, Status::Skipped, "when is false"),
            ],
            0,
        );
        assert_eq!(why.status, "skipped");
        assert!(why.answer.contains("when is false"));
        assert_eq!(why.steps[0], Step { seq: 1, text: "read file.exists(\"a\") = false".into() });
    }

    #[test]
    fn a_blocked_stage_names_the_root() {
        let why = explain(
            vec![ended(0, Status::Failed, "exit 2"), Event::StagesBlocked { root: 0, nodes: vec![1, 2] }],
            2,
        );
        assert!(why.answer.contains("it needs, through others, build, which failed"), "{}", why.answer);
        assert_eq!(why.steps.len(), 1);
    }

    #[test]
    fn a_stage_not_reached_names_what_it_waits_for() {
        let why = explain(Vec::new(), 1);
        assert_eq!(why.answer, "It has not started: it needs build, which is pending.");
    }

    #[test]
    fn a_judged_gate_shows_the_values() {
        let check = Judged {
            text: "lines >= 70%".into(),
            held: false,
            values: "lines = 69.9%".into(),
            place: "a.wfl:3:5".into(),
            because: None,
        };
        let event = Event::GateJudged {
            node: 1,
            measures: BTreeMap::new(),
            checks: vec![check],
            error: None,
            inputs: None,
        };
        let steps = explain(vec![event], 1).steps;
        assert_eq!(steps[0].text, "judged: lines >= 70% does not hold (lines = 69.9%)");
    }
}
