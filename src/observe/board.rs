//! The state of a run as a person sees it: one row a stage, folded from events. A view, not the engine's state: it never
//! decides, and an event it does not expect changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::base::Timestamp;
use crate::event::{AttemptStatus, Event, Judged, NodeIndex, Outcome, Record, RunStatus, Status, WaitFor};
use crate::port::Observer;

use super::undoing::Rollback;

/// Lines of standard error kept of a failed attempt.
const TAIL: usize = 20;

/// One stage instance.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// None: nothing was heard of it yet.
    pub status: Option<Status>,
    pub reason: Option<String>,
    pub attempts: u32,
    pub started: Option<Timestamp>,
    pub duration_ms: u64,
    pub exit: Option<i32>,
    /// The last attempt ended as it may, which a gate can still judge as a failure.
    pub ended_well: bool,
    pub error: Option<String>,
    /// The last lines of its standard error.
    pub tail: Vec<String>,
    pub waiting: Option<(WaitFor, String)>,
    pub checks: Vec<Judged>,
    pub gate_error: Option<String>,
    /// The failure that blocks it.
    pub root: Option<NodeIndex>,
    /// People and group asked for.
    pub approval: Option<(u32, String)>,
    /// Until when, and how many have said yes.
    pub expires: Option<Timestamp>,
    pub approved: u32,
    /// Rules that acted for it, in order.
    pub repairs: Vec<Repaired>,
}

/// One repair of a stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Repaired {
    pub rule: String,
    /// It is being carried out.
    pub acting: bool,
    /// Why it did not end well; nothing while it acts, or when it did.
    pub failed: Option<String>,
    /// Whether the next attempt got past the failure; none as long as that is not known.
    pub helped: Option<bool>,
}

/// How the run stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    pub status: RunStatus,
    pub exit: i32,
    pub cause: Option<String>,
    pub node: Option<NodeIndex>,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Board {
    pub rows: Vec<Row>,
    pub ending: Option<Ending>,
    pub cancelled_by: Option<String>,
    pub notes: Vec<String>,
    /// The first stage that ended badly, by event order.
    pub first_failure: Option<NodeIndex>,
    pub rollback: Option<Rollback>,
}

impl Board {
    pub fn new(nodes: usize) -> Self {
        Board { rows: vec![Row::default(); nodes], ..Board::default() }
    }

    pub fn from_records<'a>(nodes: usize, records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut board = Board::new(nodes);
        records.into_iter().for_each(|record| board.apply(record));
        board
    }

    /// Takes one event in.
    pub fn apply(&mut self, record: &Record) {
        match &record.event {
            Event::RunResumed { .. } => self.resumed(),
            Event::RunCancelling { by } => self.cancelled_by = Some(by.clone()),
            Event::RunFinished { status, exit, cause, node, duration_ms } => {
                self.ending = Some(Ending {
                    status: *status,
                    exit: *exit,
                    cause: cause.clone(),
                    node: *node,
                    duration_ms: *duration_ms,
                });
            }
            Event::StagesBlocked { root, nodes } => nodes.iter().for_each(|&node| self.blocked(node, *root)),
            Event::RollbackStarted { .. } | Event::UndoFinished { .. } | Event::RollbackFinished { .. } => {
                Rollback::take(&mut self.rollback, record.at, &record.event);
            }
            Event::Note { text, .. } => self.notes.push(text.clone()),
            other => self.stage(record.at, other),
        }
    }

    fn stage(&mut self, at: Timestamp, event: &Event) {
        let Some(node) = node_of(event) else { return };
        let Some(row) = self.rows.get_mut(node as usize) else { return };
        row.take(at, event);
        let bad = matches!(row.status, Some(Status::Failed | Status::TimedOut));
        if bad && matches!(event, Event::StageFinished { .. }) {
            self.first_failure.get_or_insert(node);
        }
    }

    fn blocked(&mut self, node: NodeIndex, root: NodeIndex) {
        if let Some(row) = self.rows.get_mut(node as usize) {
            row.status = Some(Status::Blocked);
            row.root = Some(root);
        }
    }

    /// Blocked stages may run after all; what waits for people still waits, for nobody is asked twice.
    fn resumed(&mut self) {
        self.ending = None;
        self.notes.clear();
        self.first_failure = None;
        self.cancelled_by = None;
        for row in &mut self.rows {
            if row.status == Some(Status::Blocked) {
                row.status = None;
                row.root = None;
            }
        }
    }

    /// The stage to which the run's bad end goes back.
    pub fn culprit(&self) -> Option<NodeIndex> {
        let ending = self.ending.as_ref()?;
        let well = matches!(ending.status, RunStatus::Succeeded | RunStatus::Waiting | RunStatus::Running);
        // One taken back on a person's wish has a cause of its own, or none.
        let own = ending.status != RunStatus::RolledBack;
        if well { None } else { ending.node.or(self.first_failure.filter(|_| own)) }
    }

    pub fn status(&self, node: NodeIndex) -> Status {
        self.rows.get(node as usize).and_then(|row| row.status).unwrap_or(Status::Pending)
    }

    pub fn nodes_in(&self, wanted: &[Status]) -> Vec<NodeIndex> {
        (0..self.rows.len() as NodeIndex).filter(|&node| wanted.contains(&self.status(node))).collect()
    }

    /// How many stages are in each state.
    pub fn counts(&self) -> BTreeMap<Status, usize> {
        let mut counts = BTreeMap::new();
        for node in 0..self.rows.len() {
            *counts.entry(self.status(node as NodeIndex)).or_insert(0) += 1;
        }
        counts
    }
}

/// Keeps a board that others look at while the run goes on.
pub struct Shared(pub Arc<Mutex<Board>>);

impl Observer for Shared {
    fn event(&mut self, record: &Record) {
        if let Ok(mut board) = self.0.lock() {
            board.apply(record);
        }
    }
}

impl Row {
    fn take(&mut self, at: Timestamp, event: &Event) {
        match event {
            Event::StageWaiting { on, detail, .. } => {
                self.status = Some(Status::Waiting);
                self.waiting = Some((*on, detail.clone()));
            }
            Event::StageStarted { attempt, .. } => {
                self.status = Some(Status::Running);
                self.attempts = *attempt;
                self.started.get_or_insert(at);
                self.waiting = None;
            }
            Event::AttemptFinished { outcome, .. } => {
                self.exit = outcome.exit;
                self.ended_well = outcome.status == AttemptStatus::Succeeded;
                self.error = outcome.error.clone();
                self.tail = last_lines(&outcome.stderr);
            }
            Event::GateJudged { checks, error, .. } => {
                self.checks = checks.clone();
                self.gate_error = error.clone();
            }
            Event::StageFinished { status, reason, duration_ms, .. } => {
                self.status = Some(*status);
                self.reason = reason.clone();
                self.duration_ms = *duration_ms;
            }
            Event::StageUnknown { reason, .. } => {
                self.status = Some(Status::Unknown);
                self.reason = Some(reason.clone());
            }
            Event::StageResolved { done, by, .. } if *done => {
                self.status = Some(Status::Succeeded);
                self.reason = Some(format!("marked done by {by}"));
            }
            Event::StageResolved { by, .. } => self.reopen(&format!("{by} said to run it again")),
            Event::StageReset { reason, .. } => self.reopen(reason),
            Event::ApprovalRequested { count, group, expires, .. } => {
                self.status = Some(Status::Waiting);
                self.approval = Some((*count, group.clone()));
                self.expires = *expires;
                self.approved = 0;
            }
            Event::RepairStarted { rule, .. } => {
                let rule = rule.clone();
                self.repairs.push(Repaired { rule, acting: true, failed: None, helped: None });
            }
            Event::RepairFinished { rule, outcome, .. } => self.repair(rule, |repair| {
                repair.acting = false;
                repair.failed = (outcome.status != AttemptStatus::Succeeded).then(|| ended(outcome));
            }),
            Event::RepairTold { rule, helped, .. } => {
                self.repair(rule, |repair| repair.helped = Some(*helped));
            }
            Event::ApprovalGiven { approved: true, .. } => self.approved += 1,
            Event::ApprovalVoided { .. } => self.approval = None,
            _ => {}
        }
    }

    fn reopen(&mut self, reason: &str) {
        let repairs = std::mem::take(&mut self.repairs);
        *self = Row { attempts: self.attempts, reason: Some(reason.to_string()), repairs, ..Row::default() };
    }

    fn repair(&mut self, rule: &str, change: impl FnOnce(&mut Repaired)) {
        if let Some(repair) = self.repairs.iter_mut().rev().find(|repair| repair.rule == rule) {
            change(repair);
        }
    }
}

/// The end of a repair in words.
pub(super) fn ended(outcome: &Outcome) -> String {
    match (&outcome.error, outcome.exit) {
        (Some(error), _) => error.clone(),
        (None, Some(exit)) => format!("exit code {exit}"),
        (None, None) => "it did not end well".to_owned(),
    }
}

/// The stage an event is about, if it is about one.
pub fn node_of(event: &Event) -> Option<NodeIndex> {
    match event {
        // These are told by their own means: the run's end, and many stages at once.
        Event::RunFinished { .. } | Event::StagesBlocked { .. } => None,
        other => other.node(),
    }
}

fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL)..].iter().map(|line| super::sanitise::sanitise(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seq: u64, event: Event) -> Record {
        Record { seq, at: Timestamp(seq as i64), event }
    }

    fn finished(node: NodeIndex, status: Status) -> Event {
        Event::StageFinished { node, status, reason: None, outputs: BTreeMap::new(), duration_ms: 5 }
    }

    #[test]
    fn the_first_failure_is_remembered_and_its_cone_blocked() {
        let events = [
            record(1, finished(0, Status::Succeeded)),
            record(2, finished(1, Status::Failed)),
            record(3, finished(2, Status::TimedOut)),
            record(4, Event::StagesBlocked { root: 1, nodes: vec![3] }),
        ];
        let board = Board::from_records(4, &events);
        assert_eq!(board.first_failure, Some(1));
        assert_eq!(board.status(3), Status::Blocked);
        assert_eq!(board.counts()[&Status::Succeeded], 1);
    }

    #[test]
    fn a_resume_opens_what_was_blocked() {
        let resumed = Event::RunResumed { engine: String::new(), adopted: false };
        let events = [record(1, Event::StagesBlocked { root: 0, nodes: vec![1] }), record(2, resumed)];
        assert_eq!(Board::from_records(2, &events).status(1), Status::Pending);
    }

    #[test]
    fn an_event_of_an_unknown_stage_changes_nothing() {
        let board = Board::from_records(1, &[record(1, finished(9, Status::Failed))]);
        assert_eq!(board.first_failure, None);
    }
}
