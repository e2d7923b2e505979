//! One line an event worth telling, for logs and pipes: `✓ build 8.2s`. Writes whole lines and never moves the cursor.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

use crate::capture::lines::Lines as Cut;

use crate::event::{AttemptStatus, Event, NodeIndex, Outcome, Record, Status, WaitFor};
use crate::plan::Plan;
use crate::port::Observer;

use super::actions::Workflow;
use super::ahead::Outlook;
use super::style::{Ink, counted, elapsed};
use super::{Board, Style, sanitise, undoing};

/// Lines shown of a stage that failed.
const TAIL: usize = 20;
/// What is written at once.
const CHUNK: usize = 64 << 10;

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

/// Gives the output of a stage's attempt piece by piece; given by who knows where logs lie.
pub type Output = Arc<dyn Fn(NodeIndex, u32, &mut dyn FnMut(&[u8])) + Send + Sync>;

/// Takes one line without its newline.
pub type Put<'a> = &'a mut dyn FnMut(&str);

/// Turns events into lines. Holds a [`Board`] to know what went before.
pub struct Lines {
    plan: Arc<Plan>,
    board: Board,
    style: Style,
    show: Show,
    output: Output,
    workflow: Option<Workflow>,
}

impl Lines {
    pub fn new(plan: Arc<Plan>, style: Style, show: Show, output: Output) -> Self {
        let board = Board::new(plan.nodes.len());
        Lines { plan, board, style, show, output, workflow: None }
    }

    /// For a log that GitHub Actions reads. With [`Show::Live`] commands are stopped already, by who shows the output.
    pub fn with_workflow(mut self, workflow: Option<Workflow>) -> Self {
        self.workflow = workflow;
        self
    }

    pub fn board(&self) -> &Board {
        &self.board
    }

    pub fn style(&self) -> Style {
        self.style
    }

    /// Takes in what happened before anybody looked.
    pub fn remember(&mut self, record: &Record) {
        self.board.apply(record);
    }

    /// Takes an event in and gives the lines to show.
    pub fn take(&mut self, record: &Record, put: Put<'_>) {
        self.board.apply(record);
        match &record.event {
            Event::AttemptFinished { node, attempt, outcome } => self.attempt(*node, *attempt, outcome, put),
            Event::StagesBlocked { root, nodes } => put(&self.blocked(*root, nodes)),
            Event::StageFinished { node, status, .. } => {
                self.judged_tail(*node, *status, put);
                put(&self.finished(*node, *status));
                self.annotate(*node, *status, put);
            }
            other => {
                if let Some(line) = self.said(other) {
                    put(&line);
                }
                undoing::lines(&self.plan, self.style, other).iter().for_each(|line| put(line));
            }
        }
    }

    /// A running stage as the live view names it.
    pub fn running(&self, node: NodeIndex) -> String {
        let row = self.board.rows.get(node as usize);
        if let Some(repair) = row.and_then(|row| row.repairs.last()).filter(|repair| repair.acting) {
            return format!("{} (repair: {})", self.key(node), repair.rule);
        }
        match row.map_or(0, |row| row.attempts) {
            0 | 1 => self.key(node).to_string(),
            attempt => format!("{} (attempt {attempt})", self.key(node)),
        }
    }

    /// A waiting stage as the live view names it, and what it waits for.
    pub fn waits_for(&self, node: NodeIndex) -> Option<(String, String)> {
        let row = self.board.rows.get(node as usize)?;
        let why = match (&row.waiting, &row.approval) {
            (Some((on, detail)), _) => waits(*on, detail),
            (None, Some((count, group))) => format!("waits for approval: {count} of {group}"),
            (None, None) => "waits".into(),
        };
        Some((self.key(node).to_string(), why))
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
            Event::BreakerProbed { node, breaker, .. } => {
                dim(format!("note: {} tries whether breaker `{breaker}` may close", self.key(*node)))
            }
            Event::BreakerOpened { breaker, until, .. } => {
                format!(
                    "{} breaker `{breaker}` is open until {}",
                    self.style.mark(Status::Warned),
                    until.local()
                )
            }
            Event::BreakerClosed { breaker, .. } => dim(format!("note: breaker `{breaker}` is closed again")),
            other => return self.repair(other),
        })
    }

    /// A rule that acts, that was not let act, or that was of no use; where it helped, the stage's end says enough.
    fn repair(&self, event: &Event) -> Option<String> {
        let (care, dash) = (self.style.mark(Status::Warned), self.style.dash());
        let dim = |text: String| self.style.paint(Ink::Dim, &text);
        Some(match event {
            Event::RepairStarted { node, rule, by, .. } => {
                let by = by.as_ref().map(|by| format!(", agreed to by {by}")).unwrap_or_default();
                format!("{care} {} is being repaired by `{rule}`{by}", self.key(*node))
            }
            Event::RepairFinished { node, rule, outcome } if outcome.status != AttemptStatus::Succeeded => {
                let why = super::board::ended(outcome);
                format!("{care} {} was not repaired by `{rule}`: {why}", self.key(*node))
            }
            Event::RepairRefused { node, rule, reason } => {
                dim(format!("{dash} {} not repaired by `{rule}`: {reason}", self.key(*node)))
            }
            Event::RepairTold { node, rule, helped: false } => {
                dim(format!("{dash} {}: `{rule}` did not help", self.key(*node)))
            }
            _ => return None,
        })
    }

    fn waiting(&self, node: NodeIndex, on: WaitFor, detail: &str) -> String {
        self.line(Status::Waiting, node, &format!(" {}", waits(on, detail)))
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

    fn blocked(&self, root: NodeIndex, nodes: &[NodeIndex]) -> String {
        let names: Vec<&str> = nodes.iter().take(5).map(|&node| self.key(node)).collect();
        let more = if nodes.len() > 5 { ", …" } else { "" };
        format!(
            "{} {} blocked by {}: {}{more}",
            self.style.mark(Status::Blocked),
            counted(nodes.len(), "stage"),
            self.key(root),
            names.join(", ")
        )
    }

    /// A tool may end well by its own account and its gate still fail: then what it said is what a person needs.
    fn judged_tail(&self, node: NodeIndex, status: Status, put: Put<'_>) {
        let Some(row) = self.board.rows.get(node as usize) else { return };
        if self.show == Show::Failed && status == Status::Failed && row.ended_well {
            self.tail(node, row.attempts, put);
        }
    }

    fn attempt(&self, node: NodeIndex, attempt: u32, outcome: &Outcome, put: Put<'_>) {
        let failed = outcome.status != AttemptStatus::Succeeded;
        match self.show {
            Show::None | Show::Live => {}
            Show::Failed if !failed => {}
            Show::Failed => self.tail(node, attempt, put),
            Show::Grouped => self.group(node, attempt, put),
        }
    }

    /// The last lines of an attempt; older ones are let go while it is read.
    fn tail(&self, node: NodeIndex, attempt: u32, put: Put<'_>) {
        let mut last: VecDeque<Vec<u8>> = VecDeque::with_capacity(TAIL + 1);
        self.each_line(node, attempt, &mut |line| {
            let mut kept = if last.len() < TAIL { Vec::new() } else { last.pop_front().unwrap_or_default() };
            kept.clear();
            kept.extend_from_slice(line);
            last.push_back(kept);
        });
        if last.is_empty() {
            return;
        }
        self.command(Workflow::stop, put);
        last.iter().for_each(|line| put(&self.indented(line)));
        self.command(Workflow::go_on, put);
    }

    /// All of an attempt's output below its name, read while it is shown. Without output there is nothing to name.
    fn group(&self, node: NodeIndex, attempt: u32, put: Put<'_>) {
        let mut any = false;
        self.each_line(node, attempt, &mut |line| {
            if !std::mem::replace(&mut any, true) {
                self.heading(node, attempt, put);
            }
            put(&self.indented(line));
        });
        if any {
            self.command(Workflow::go_on, put);
            self.command(Workflow::end_group, put);
        }
    }

    fn heading(&self, node: NodeIndex, attempt: u32, put: Put<'_>) {
        let again = if attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
        let name = format!("{}{again}", self.key(node));
        match &self.workflow {
            Some(workflow) => {
                put(&workflow.group(&name));
                put(&workflow.stop());
            }
            None => {
                let rule = if self.style.unicode { "──" } else { "--" };
                put(&self.style.paint(Ink::Bold, &format!("{rule} {name}")));
            }
        }
    }

    fn each_line(&self, node: NodeIndex, attempt: u32, each: &mut dyn FnMut(&[u8])) {
        let mut cut = Cut::default();
        (self.output)(node, attempt, &mut |piece| cut.push(piece, each));
        cut.finish(each);
    }

    fn indented(&self, line: &[u8]) -> String {
        format!("    {}", sanitise::last_state(line, self.style.color))
    }

    fn command(&self, command: fn(&Workflow) -> String, put: Put<'_>) {
        if let Some(workflow) = &self.workflow {
            put(&command(workflow));
        }
    }

    /// A failure beside the line that defines the stage.
    fn annotate(&self, node: NodeIndex, status: Status, put: Put<'_>) {
        let Some(workflow) =
            self.workflow.as_ref().filter(|_| matches!(status, Status::Failed | Status::TimedOut))
        else {
            return;
        };
        let place = self.plan.nodes.get(node as usize).map_or("", |node| node.place.as_str());
        let reason = self.board.rows.get(node as usize).and_then(|row| row.reason.as_deref());
        let title = format!("{} {}", self.key(node), status.word());
        let error = workflow.error(place, &title, &sanitise::sanitise(reason.unwrap_or(&title)));
        // One line, so that nothing comes between.
        match self.show {
            Show::Live => put(&format!("{}\n{error}\n{}", workflow.go_on(), workflow.stop())),
            _ => put(&error),
        }
    }

    fn line(&self, status: Status, node: NodeIndex, rest: &str) -> String {
        format!("{} {}{rest}", self.style.mark(status), self.key(node))
    }

    fn key(&self, node: NodeIndex) -> &str {
        self.plan.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
    }
}

fn waits(on: WaitFor, detail: &str) -> String {
    let what = match on {
        WaitFor::Approval if detail.starts_with("confirmation: ") => "waits",
        WaitFor::Approval => "waits for approval",
        WaitFor::Retry => "will be tried again",
        WaitFor::Lock | WaitFor::Pool => "waits",
        WaitFor::Breaker => "waits for its breaker",
    };
    let detail = if detail.is_empty() { String::new() } else { format!(": {detail}") };
    format!("{what}{detail}")
}

/// One line of a stage's output, behind the stage's name if one is given.
pub fn shown(key: Option<&str>, line: &[u8], style: Style) -> String {
    let text = sanitise::last_state(line, style.color);
    match key {
        Some(key) => {
            let bar = if style.unicode { "│" } else { "|" };
            format!("{} {text}", style.paint(Ink::Dim, &format!("{key} {bar}")))
        }
        None => text,
    }
}

/// Writes the lines of a run to `out`.
pub struct PlainLines<W: Write + Send> {
    lines: Lines,
    out: W,
    outlook: Outlook,
}

impl<W: Write + Send> PlainLines<W> {
    pub fn new(lines: Lines, out: W) -> Self {
        PlainLines { lines, out, outlook: Outlook::default() }
    }

    /// Says now and then what is left.
    pub fn with_outlook(self, outlook: Outlook) -> Self {
        PlainLines { outlook, ..self }
    }
}

impl<W: Write + Send> Observer for PlainLines<W> {
    fn event(&mut self, record: &Record) {
        let (lines, out) = (&mut self.lines, &mut self.out);
        let mut text = String::new();
        lines.take(record, &mut |line| {
            text.push_str(line);
            text.push('\n');
            if text.len() > CHUNK {
                let _ = out.write_all(text.as_bytes());
                text.clear();
            }
        });
        if matches!(record.event, Event::StageFinished { .. })
            && let Some(ahead) = self.outlook.ask(lines.board(), record.at)
        {
            let left = format!("{} {} left", lines.style.dash(), ahead.words());
            text.push_str(&lines.style.paint(Ink::Dim, &left));
            text.push('\n');
        }
        // Whoever closed the pipe has read enough; the run goes on.
        if !text.is_empty() {
            let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::base::Timestamp;
    use crate::event::Usage;

    fn lines(show: Show, events: Vec<Event>) -> Vec<String> {
        all_lines(show, None, events)
    }

    fn all_lines(show: Show, workflow: Option<Workflow>, events: Vec<Event>) -> Vec<String> {
        let output: Output = Arc::new(|node, attempt, each| {
            each(format!("out of {node} {attempt}\n::set").as_bytes());
            each(b"-env::x");
        });
        let plan = Arc::new(fixture::plan());
        let mut lines = Lines::new(plan, Style::default(), show, output).with_workflow(workflow);
        let mut all = Vec::new();
        for (seq, event) in (1..).zip(events) {
            lines.take(&Record { seq, at: Timestamp(0), event }, &mut |line| all.push(line.to_string()));
        }
        all
    }

    fn attempt(status: AttemptStatus) -> Event {
        let outcome = Outcome {
            status,
            exit: Some(1),
            signal: None,
            duration_ms: 3,
            error: None,
            stderr: String::new(),
            stdout: String::new(),
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
        assert_eq!(lines(Show::Grouped, good()), ["-- unit", "    out of 1 1", "    ::set-env::x"]);
        assert!(lines(Show::Live, good()).is_empty());
        assert_eq!(lines(Show::Failed, vec![attempt(AttemptStatus::Failed)]).len(), 2);
    }

    #[test]
    fn github_groups_output_and_obeys_none_of_it() {
        let failed = || {
            let end = Event::StageFinished {
                node: 1,
                status: Status::Failed,
                reason: Some("exit 1".into()),
                outputs: Default::default(),
                duration_ms: 0,
            };
            vec![attempt(AttemptStatus::Failed), end]
        };
        let shown = |show| all_lines(show, Some(Workflow::new("T".into())), failed());
        let grouped = shown(Show::Grouped);
        assert_eq!(
            grouped[..6],
            [
                "::group::unit",
                "::stop-commands::T",
                "    out of 1 1",
                "    ::set-env::x",
                "::T::",
                "::endgroup::"
            ]
        );
        assert!(grouped[7].starts_with("::error file="), "{grouped:?}");
        assert_eq!(shown(Show::Failed)[0], "::stop-commands::T");
        let live = shown(Show::Live);
        assert!(
            live[1].starts_with("::T::\n::error file=") && live[1].ends_with("::stop-commands::T"),
            "{live:?}"
        );
    }
}
