//! Advice on failed stages: `help` statements of the run's own files, then the library's, matched against what the last
//! attempt wrote. Nothing of it is read before a failure is shown, and nothing is carried out.

mod book;
mod fill;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use crate::event::{AttemptStatus, Event, NodeIndex, Outcome, Record, Status};
use crate::observe::help::Advice;
use crate::plan::Plan;
use crate::port::Observer;

use super::StoredRun;
use super::stored::log_path;
use book::{Book, Seen};
use text::Text;

/// Advice given on one stage: more is no help.
const MOST: usize = 2;
/// Failed stages whose output is held in memory, for when the log is lost.
const HELD: usize = 16;

/// The end of a stage's last attempt, where it was not a good one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Failed {
    pub attempt: u32,
    pub exit: Option<i32>,
    pub timed_out: bool,
    /// What wfl itself said of it.
    pub error: Option<String>,
    pub stderr: String,
}

impl Failed {
    fn new(attempt: u32, outcome: &Outcome) -> Self {
        Failed {
            attempt,
            exit: outcome.exit,
            timed_out: outcome.status == AttemptStatus::TimedOut,
            error: outcome.error.clone(),
            stderr: outcome.stderr.clone(),
        }
    }
}

/// Which stages have failed, folded from a run's events.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    last: BTreeMap<NodeIndex, (u32, Option<i32>)>,
    failed: BTreeMap<NodeIndex, Failed>,
}

impl Failures {
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut failures = Failures::default();
        records.into_iter().for_each(|record| failures.take(&record.event));
        failures
    }

    pub fn take(&mut self, event: &Event) {
        match event {
            Event::AttemptFinished { node, attempt, outcome } => self.attempt(*node, *attempt, outcome),
            Event::GateJudged { node, error: Some(error), .. } => {
                let (attempt, exit) = self.last.get(node).copied().unwrap_or_default();
                let failed =
                    self.failed.entry(*node).or_insert(Failed { attempt, exit, ..Failed::default() });
                failed.error = Some(error.clone());
            }
            Event::StageFinished { node, status, .. }
                if !matches!(status, Status::Failed | Status::TimedOut | Status::Warned) =>
            {
                self.failed.remove(node);
            }
            Event::StageReset { node, .. } | Event::StageResolved { node, .. } => {
                self.failed.remove(node);
            }
            _ => {}
        }
    }

    fn attempt(&mut self, node: NodeIndex, attempt: u32, outcome: &Outcome) {
        self.last.insert(node, (attempt, outcome.exit));
        let bad = matches!(outcome.status, AttemptStatus::Failed | AttemptStatus::TimedOut);
        if !bad {
            self.failed.remove(&node);
            return;
        }
        let mut failed = Failed::new(attempt, outcome);
        if self.failed.len() >= HELD {
            failed.stderr = String::new();
        }
        self.failed.insert(node, failed);
    }

    pub fn get(&self, node: NodeIndex) -> Option<&Failed> {
        self.failed.get(&node)
    }
}

/// Keeps the failures of a run that goes on, for its end.
#[derive(Clone, Default)]
pub struct Watched(Arc<Mutex<Failures>>);

impl Watched {
    pub fn failures(&self) -> Failures {
        self.0.lock().map(|failures| failures.clone()).unwrap_or_default()
    }
}

impl Observer for Watched {
    fn event(&mut self, record: &Record) {
        if let Ok(mut failures) = self.0.lock() {
            failures.take(&record.event);
        }
    }
}

/// Gives advice on the failed stages of one run.
pub struct Adviser<'a> {
    plan: &'a Plan,
    logs: PathBuf,
    own: OnceLock<Book>,
}

impl<'a> Adviser<'a> {
    /// `logs` is the run's folder of logs. Costs nothing until a failure is asked about.
    pub fn new(plan: &'a Plan, logs: PathBuf) -> Self {
        Adviser { plan, logs, own: OnceLock::new() }
    }

    pub fn of_run(stored: &'a StoredRun) -> Self {
        Adviser::new(&stored.plan, stored.store.log_dir(&stored.id))
    }

    /// What is likely wrong with a stage, best first; nothing where it did not fail or nothing is known.
    pub fn advice(&self, failures: &Failures, node: NodeIndex) -> Vec<Advice> {
        let Some(failed) = failures.get(node) else { return Vec::new() };
        let path = log_path(&self.logs, node, failed.attempt);
        let mut texts = text::of_log(&path).unwrap_or_default();
        if texts.iter().all(|text| text.stream != "stderr") {
            texts.insert(0, Text::plain("stderr", &failed.stderr));
        }
        texts.extend(failed.error.as_deref().map(|error| Text::plain("wfl", error)));
        self.matching(&Seen { exit: failed.exit, timed_out: failed.timed_out, texts })
    }

    fn matching(&self, seen: &Seen) -> Vec<Advice> {
        let own = self.own.get_or_init(|| Book::of_definition(&self.plan.definition.files));
        let mut found = Vec::new();
        own.search(seen, &mut found, MOST);
        Book::library().search(seen, &mut found, MOST);
        found
    }
}

/// The library's advice on a failure that is told in words, for who has no run: the texts are searched as if an attempt
/// had written them to standard error and standard output.
pub fn advise_on(exit: Option<i32>, timed_out: bool, stderr: &str, stdout: &str) -> Vec<Advice> {
    let texts = vec![Text::plain("stderr", stderr), Text::plain("stdout", stdout)];
    let mut found = Vec::new();
    Book::library().search(&Seen { exit, timed_out, texts }, &mut found, MOST);
    found
}

#[cfg(test)]
mod tests;
