//! One line an event worth telling, for logs and pipes: `✓ build 8.2s`. Writes whole lines and never moves the cursor.

use std::io::Write;
use std::sync::Arc;

use crate::event::{AttemptStatus, Event, NodeIndex, Outcome, Record, Status, WaitFor};
use crate::plan::Plan;
use crate::port::Observer;

use super::style::{Ink, counted, elapsed};
use super::{Board, Style};

/// Which stages' output is shown when they end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Show {
    /// Of those that failed, as a block.
    #[default]
    Failed,
    /// Of all, each as a block.
    Grouped,
    /// Of all, as it comes: somebody else writes it.
    Live,
    None,
}

/// Gives the output of a stage's attempt as text; given by who knows where logs lie.
pub type Output = Arc<dyn Fn(NodeIndex, u32) -> String + Send + Sync>;

/// Turns events into lines. Holds a [`Board`] to know what went before.
pub struct Lines {
    plan: Arc<Plan>,
    board: Board,
    style: Style,
    show: Show,
    output: Output,
}

impl Lines {
    pub fn new(plan: Arc<Plan>, style: Style, show: Show, output: Output) -> Self {
        let board = Board::new(plan.nodes.len());
        Lines { plan, board, style, show, output }
    }

    pub fn board(&self) -> &Board {
        &self.board
    }

    /// Takes an event in and gives the lines to show, without newlines at their ends.
    pub fn take(&mut self, record: &Record) -> Vec<String> {
        self.board.apply(record);
        match &record.event {
            Event::AttemptFinished { node, attempt, outcome } => self.attempt(*node, *attempt, outcome),
            Event::StagesBlocked { root, nodes } => self.blocked(*root, nodes),
            Event::StageFinished { node, status, .. } => {
                let mut lines = self.judged_tail(*node, *status);
                lines.push(self.finished(*node, *status));
                lines
            }
            other => self.said(other).into_iter().collect(),
        }
    }

    fn said(&self, event: &Event) -> Option<String> {
        let dim = |text: String| self.style.paint(Ink::Dim, &text);
        Some(match event {
            Event::StageStarted { node, attempt, .. } => {
                let again = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
                format!("{} {}{}", self.style.mark(Status::Running), self.key(*node), dim(again))
            }
            Event::StageWaiting { node, on, detail, .. } => self.waiting(*node, *on, detail),
            Event::StageUnknown { node, reason } => self.line(Status::Unknown, *node, &format!(": {reason}")),
            Event::StageReset { node, reason } => {
                format!("{} {} runs again: {reason}", self.style.dash(), self.key(*node))
            }
            Event::StageResolved { node, done, by } => {
                let what = if *done { "marked done" } else { "to be run again" };
                format!("{} {} {what} by {by}", self.style.dash(), self.key(*node))
            }
            Event::ApprovalGiven { node, by, approved, comment } => {
                let word = if *approved { "approved" } else { "rejected" };
                let comment = comment.as_ref().map(|text| format!(": {text}")).unwrap_or_default();
                format!("{} {} {word} by {by}{comment}", self.style.dash(), self.key(*node))
            }
            Event::ApprovalExpired { node } => self.line(Status::Failed, *node, ": the approval expired"),
            Event::ApprovalVoided { node, reason } => {
                self.line(Status::Waiting, *node, &format!(": the approval is void, {reason}"))
            }
            Event::FinallyFinished { node, outcome } if outcome.status != AttemptStatus::Succeeded => {
                let whose = node.map_or("the lane".to_string(), |node| self.key(node).to_string());
                format!("{} finally of {whose} failed", self.style.mark(Status::Warned))
            }
            Event::RunCancelling { by } => format!("{} cancelling, asked by {by}", self.style.dash()),
            Event::Note { text, .. } => dim(format!("note: {text}")),
            _ => return None,
        })
    }

    fn waiting(&self, node: NodeIndex, on: WaitFor, detail: &str) -> String {
        let what = match on {
            WaitFor::Approval if detail.starts_with("confirmation: ") => "waits",
            WaitFor::Approval => "waits for approval",
            WaitFor::Retry => "will be tried again",
            WaitFor::Lock | WaitFor::Pool => "waits",
            WaitFor::Breaker => "waits for its breaker",
        };
        let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
        self.line(Status::Waiting, node, &format!(" {what}{detail}"))
    }

    fn finished(&self, node: NodeIndex, status: Status) -> String {
        let Some(row) = self.board.rows.get(node as usize) else { return String::new() };
        let took = match status {
            _ if row.started.is_none() => String::new(),
            _ => format!(" {}", self.style.paint(Ink::Dim, &elapsed(row.duration_ms))),
        };
        let word = match status {
            Status::Succeeded => String::new(),
            other => format!(" {}", other.word()),
        };
        let reason = row.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        self.line(status, node, &format!("{word}{took}{reason}"))
    }

    fn blocked(&self, root: NodeIndex, nodes: &[NodeIndex]) -> Vec<String> {
        let names: Vec<&str> = nodes.iter().take(5).map(|&node| self.key(node)).collect();
        let more = if nodes.len() > 5 { ", …" } else { "" };
        vec![format!(
            "{} {} blocked by {}: {}{more}",
            self.style.mark(Status::Blocked),
            counted(nodes.len(), "stage"),
            self.key(root),
            names.join(", ")
        )]
    }

    /// A tool may end well by its own account and its gate still fail: then what it said is what a person needs.
    fn judged_tail(&self, node: NodeIndex, status: Status) -> Vec<String> {
        let Some(row) = self.board.rows.get(node as usize) else { return Vec::new() };
        if self.show != Show::Failed || status != Status::Failed || !row.ended_well {
            return Vec::new();
        }
        self.tail(node, row.attempts, 20)
    }

    fn attempt(&self, node: NodeIndex, attempt: u32, outcome: &Outcome) -> Vec<String> {
        let failed = outcome.status != AttemptStatus::Succeeded;
        if matches!(self.show, Show::None | Show::Live) || (self.show == Show::Failed && !failed) {
            return Vec::new();
        }
        self.tail(node, attempt, if self.show == Show::Failed { 20 } else { usize::MAX })
    }

    fn tail(&self, node: NodeIndex, attempt: u32, most: usize) -> Vec<String> {
        let text = super::sanitise::sanitise(&(self.output)(node, attempt));
        let all: Vec<&str> = text.lines().collect();
        all[all.len().saturating_sub(most)..].iter().map(|line| format!("    {line}")).collect()
    }

    fn line(&self, status: Status, node: NodeIndex, rest: &str) -> String {
        format!("{} {}{rest}", self.style.mark(status), self.key(node))
    }

    fn key(&self, node: NodeIndex) -> &str {
        self.plan.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
    }
}

/// One line of a stage's output behind its name.
pub fn prefixed(key: &str, line: &[u8], style: Style) -> String {
    let bar = if style.unicode { "│" } else { "|" };
    let text = super::sanitise::sanitise(&String::from_utf8_lossy(line));
    format!("{} {text}", style.paint(Ink::Dim, &format!("{key} {bar}")))
}

/// Writes the lines of a run to `out`.
pub struct PlainLines<W: Write + Send> {
    lines: Lines,
    out: W,
}

impl<W: Write + Send> PlainLines<W> {
    pub fn new(lines: Lines, out: W) -> Self {
        PlainLines { lines, out }
    }
}

impl<W: Write + Send> Observer for PlainLines<W> {
    fn event(&mut self, record: &Record) {
        let mut text = self.lines.take(record).join("\n");
        if text.is_empty() {
            return;
        }
        text.push('\n');
        let _ = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::Usage;

    fn lines(show: Show, events: Vec<Event>) -> Vec<String> {
        let output: Output = Arc::new(|node, attempt| format!("out of {node} {attempt}\nsecond\n"));
        let mut lines = Lines::new(Arc::new(fixture::plan()), Style::default(), show, output);
        let records = (1..).zip(events).map(|(seq, event)| Record { seq, at: Timestamp(0), event });
        records.flat_map(|record| lines.take(&record)).collect()
    }

    fn attempt(status: AttemptStatus) -> Event {
        let outcome = Outcome {
            status,
            exit: Some(1),
            signal: None,
            duration_ms: 3,
            error: None,
            stderr: String::new(),
            usage: Usage::default(),
            log_cut: false,
            class: None,
            injected: false,
        };
        Event::AttemptFinished { node: 1, attempt: 1, outcome }
    }

    #[test]
    fn a_finished_stage_is_one_line_with_time_or_reason() {
        let end = |status, reason: Option<&str>| Event::StageFinished {
            node: 0,
            status,
            reason: reason.map(str::to_string),
            outputs: Default::default(),
            duration_ms: 8_200,
        };
        let begun = || Event::StageStarted { node: 0, attempt: 1, key: None, inputs: None };
        let succeeded = lines(Show::Failed, vec![begun(), end(Status::Succeeded, None)]);
        assert_eq!(succeeded[1], "ok build 8.2s");
        let failed = lines(Show::Failed, vec![begun(), end(Status::Failed, Some("exit 1"))]);
        assert_eq!(failed[1], "x build failed 8.2s: exit 1");
        let never = lines(Show::Failed, vec![end(Status::Cancelled, Some("the run stopped"))]);
        assert_eq!(never, ["x build cancelled: the run stopped"], "what never started took no time");
        let skipped = lines(Show::Failed, vec![end(Status::Skipped, Some("when is false"))]);
        assert_eq!(skipped, ["- build skipped: when is false"]);
    }

    #[test]
    fn output_is_shown_as_asked() {
        let good = || vec![attempt(AttemptStatus::Succeeded)];
        assert!(lines(Show::Failed, good()).is_empty());
        assert!(lines(Show::None, vec![attempt(AttemptStatus::Failed)]).is_empty());
        assert_eq!(lines(Show::Grouped, good()), ["    out of 1 1", "    second"]);
        assert!(lines(Show::Live, good()).is_empty());
        assert_eq!(lines(Show::Failed, vec![attempt(AttemptStatus::Failed)]).len(), 2);
    }
}
