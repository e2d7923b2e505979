//! What is taken back, in words: while it goes on, and at the end with what is left to do by hand. Pure text.

use crate::base::Timestamp;
use crate::event::{AttemptStatus, Event, NodeIndex, Outcome, Status};
use crate::plan::Plan;

use super::sanitise::sanitise;
use super::style::{Ink, counted, elapsed};
use super::{Board, Style};

/// Lines shown of an undo that failed.
const TAIL: usize = 20;

/// What a board knows of a rollback.
#[derive(Clone, Debug, Default)]
pub struct Rollback {
    pub by: String,
    pub to: Option<NodeIndex>,
    pub nodes: Vec<NodeIndex>,
    /// Each stage whose undo ended, with how it ended last.
    pub ended: std::collections::BTreeMap<NodeIndex, Outcome>,
    /// There once it is over.
    pub finished: Option<Finished>,
    pub since: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub struct Finished {
    pub failed: Vec<NodeIndex>,
    pub files: u32,
    pub error: Option<String>,
}

impl Rollback {
    /// Takes an event in.
    pub fn take(known: &mut Option<Rollback>, at: Timestamp, event: &Event) {
        match event {
            Event::RollbackStarted { by, to, nodes, .. } => {
                let before = known.take().unwrap_or_default();
                *known = Some(Rollback {
                    by: by.clone(),
                    to: *to,
                    nodes: before.nodes.into_iter().chain(nodes.iter().copied()).collect(),
                    ended: before.ended,
                    finished: None,
                    since: Some(at),
                });
            }
            Event::UndoFinished { node, outcome, .. } => {
                if let Some(rollback) = known {
                    rollback.ended.insert(*node, outcome.clone());
                }
            }
            Event::RollbackFinished { failed, files, error } => {
                if let Some(rollback) = known {
                    let (failed, error) = (failed.clone(), error.clone());
                    rollback.finished = Some(Finished { failed, files: *files, error });
                }
            }
            _ => {}
        }
    }

    fn undone(&self) -> impl Iterator<Item = NodeIndex> + '_ {
        let well = |outcome: &Outcome| outcome.status == AttemptStatus::Succeeded;
        self.nodes.iter().copied().filter(move |node| self.ended.get(node).is_some_and(well))
    }
}

/// The lines to show of an event; none where it is not about taking back.
pub fn lines(plan: &Plan, style: Style, event: &Event) -> Vec<String> {
    match event {
        Event::RollbackStarted { by, to, nodes, .. } => {
            let to = to.map(|to| format!(" to the end of `{}`", plan.title(to))).unwrap_or_default();
            let count = match nodes.len() {
                0 => "nothing to undo".to_owned(),
                count => format!("{} to undo, newest first", counted(count, "stage")),
            };
            vec![format!("{} rolling back{to} ({by}): {count}", style.dash())]
        }
        Event::UndoStarted { node, attempt } => {
            let again = if *attempt > 1 { format!(" (attempt {attempt})") } else { String::new() };
            vec![format!("{} undo of {}{again}", style.mark(Status::Running), plan.title(*node))]
        }
        Event::UndoFinished { node, outcome, .. } => ended(plan.title(*node), style, outcome),
        Event::RollbackFinished { failed, files, error } => {
            let mut said = vec!["rolled back".to_owned()];
            if *files > 0 {
                said.push(format!("{} brought back", counted(*files as usize, "file")));
            }
            if !failed.is_empty() {
                said.push(format!("{} could not be undone", counted(failed.len(), "stage")));
            }
            said.extend(error.as_ref().map(|why| format!("the files could not be brought back: {why}")));
            vec![format!("{} {}", style.dash(), said.join("; "))]
        }
        _ => Vec::new(),
    }
}

fn ended(title: &str, style: Style, outcome: &Outcome) -> Vec<String> {
    let took = style.paint(Ink::Dim, &elapsed(outcome.duration_ms));
    match outcome.status {
        AttemptStatus::Succeeded => vec![format!("{} {title} undone {took}", style.mark(Status::Succeeded))],
        _ => {
            let why = why(outcome);
            let head = format!("{} the undo of {title} failed: {why}", style.mark(Status::Failed));
            let all: Vec<&str> = outcome.stderr.lines().collect();
            let tail = all[all.len().saturating_sub(TAIL)..].iter();
            std::iter::once(head).chain(tail.map(|line| format!("    {}", sanitise(line)))).collect()
        }
    }
}

/// Why an undo failed, in a few words.
fn why(outcome: &Outcome) -> String {
    match (&outcome.error, outcome.signal, outcome.exit) {
        (Some(error), _, _) => sanitise(error),
        (None, Some(signal), _) => format!("killed by signal {signal}"),
        (None, None, Some(exit)) => format!("exit code {exit}"),
        (None, None, None) => "it did not end well".into(),
    }
}

/// The end of the summary: what was taken back, and what a person must still take back by hand.
pub fn summary(plan: &Plan, board: &Board, style: Style, (program, run): (&str, &str)) -> Vec<String> {
    let Some(rollback) = &board.rollback else { return Vec::new() };
    let title = |node: NodeIndex| plan.title(node);
    let undone: Vec<&str> = rollback.undone().map(title).collect();
    let mut lines = Vec::new();
    if !undone.is_empty() {
        lines.push(format!("{} undone, in this order: {}", style.mark(Status::Succeeded), undone.join(", ")));
    }
    let Some(finished) = &rollback.finished else {
        lines.push("the rollback is not finished".into());
        return lines;
    };
    for node in &finished.failed {
        let why = rollback.ended.get(node).map(why).unwrap_or_default();
        let head = format!("{} {} must be undone by hand: {why}", style.symbol(Status::Failed), title(*node));
        lines.push(style.paint(Ink::Bad, &head));
        lines.push(format!("  next: {program} logs {run} {}", title(*node)));
    }
    if let Some(error) = &finished.error {
        lines.push(style.paint(Ink::Bad, &format!("the files could not be brought back: {error}")));
    }
    lines
}

/// One event of a stage's undo, for `wfl why`.
pub fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::UndoStarted { attempt, .. } => format!("its undo began (attempt {attempt})"),
        Event::UndoFinished { outcome, .. } if outcome.status == AttemptStatus::Succeeded => {
            format!("undone after {}", elapsed(outcome.duration_ms))
        }
        Event::UndoFinished { outcome, .. } => format!("its undo failed: {}", why(outcome)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::event::{Record, Usage};

    fn outcome(status: AttemptStatus, exit: i32) -> Outcome {
        Outcome {
            status,
            exit: Some(exit),
            signal: None,
            duration_ms: 2_000,
            error: None,
            stderr: "no such release\n".into(),
            usage: Usage::default(),
            log_cut: false,
            class: None,
            injected: false,
            stdout: String::new(),
        }
    }

    fn events() -> Vec<Event> {
        let started = Event::RollbackStarted {
            by: "ada".into(),
            to: None,
            nodes: vec![2, 1],
            files: None,
            after: None,
        };
        vec![
            started,
            Event::UndoStarted { node: 2, attempt: 1 },
            Event::UndoFinished { node: 2, attempt: 1, outcome: outcome(AttemptStatus::Succeeded, 0) },
            Event::UndoStarted { node: 1, attempt: 1 },
            Event::UndoFinished { node: 1, attempt: 1, outcome: outcome(AttemptStatus::Failed, 4) },
            Event::RollbackFinished { failed: vec![1], files: 3, error: None },
        ]
    }

    #[test]
    fn each_step_is_told_and_what_failed_shows_its_last_words() {
        let plan = fixture::plan();
        let told: Vec<String> =
            events().iter().flat_map(|event| lines(&plan, Style::default(), event)).collect();
        let text = told.join("\n");
        for wanted in [
            "rolling back (ada): 2 stages to undo, newest first",
            "deploy undone 2.0s",
            "the undo of unit failed: exit code 4\n    no such release",
            "rolled back; 3 files brought back; 1 stage could not be undone",
        ] {
            assert!(text.contains(wanted), "{wanted}: {text}");
        }
    }

    #[test]
    fn the_summary_lists_what_must_be_undone_by_hand() {
        let plan = fixture::plan();
        let records: Vec<Record> =
            (1..).zip(events()).map(|(seq, event)| Record { seq, at: Timestamp(0), event }).collect();
        let board = Board::from_records(plan.nodes.len(), &records);
        let text = summary(&plan, &board, Style::default(), ("wfl", "r1")).join("\n");
        assert!(text.contains("undone, in this order: deploy"), "{text}");
        assert!(
            text.contains("unit must be undone by hand: exit code 4\n  next: wfl logs r1 unit"),
            "{text}"
        );
    }
}
