//! What a list of checkpoints says: how often each stage was begun, whether something ran away, and which of them are
//! worth keeping. Reads nothing.

use std::collections::BTreeSet;

use crate::base::clock::format_duration;

use super::finding::{Class, Finding, Severity};
use super::record::{Checkpoint, Stage};
use super::time;

/// How many are kept.
pub(super) const KEPT: usize = 10;
/// The stage number of a copy that was made before a rollback.
pub(super) const BEFORE_ROLLBACK: i64 = 99;
/// More attempts in a row than this are no longer work.
const RUNAWAY: usize = 20;
/// Attempts of one row follow each other within this many milliseconds.
const PAUSE: i64 = 600_000;

/// One of each content, oldest first: what differs only by its id and time says the same. Of the same the newest stays.
pub(super) fn distinct(all: Vec<Checkpoint>) -> Vec<Checkpoint> {
    let mut seen = BTreeSet::new();
    let mut found: Vec<Checkpoint> = all
        .into_iter()
        .rev()
        .filter(|checkpoint| {
            let content = Checkpoint { id: None, at: None, ..checkpoint.clone() };
            seen.insert(serde_json::to_string(&content).unwrap_or_default())
        })
        .collect();
    found.reverse();
    found
}

/// The newest, oldest first. Where all have a time it decides, else the order of the file.
pub(super) fn newest(mut all: Vec<Checkpoint>, most: usize) -> Vec<Checkpoint> {
    let at = |checkpoint: &Checkpoint| checkpoint.at.as_deref().and_then(time::parse);
    if all.iter().all(|checkpoint| at(checkpoint).is_some()) {
        all.sort_by_key(at);
    }
    all.split_off(all.len().saturating_sub(most))
}

/// Attempts in a row of one stage.
struct Row {
    stage: i64,
    count: usize,
    first: i64,
    last: i64,
}

/// Counts the attempts of each stage, and tells of the longest row that ran away.
pub(super) fn attempts(
    all: &[Checkpoint],
    stages: &mut Vec<Stage>,
    place: &str,
    findings: &mut Vec<Finding>,
) {
    for checkpoint in all {
        let Some(number) = checkpoint.stage.filter(|number| *number != BEFORE_ROLLBACK) else { continue };
        let stage = super::entries::find(stages, number);
        stage.attempts = Some(stage.attempts.unwrap_or(0) + 1);
        stage.name = stage.name.take().or_else(|| checkpoint.stage_name.clone());
        stage.started_at = stage.started_at.take().or_else(|| checkpoint.at.clone());
    }
    if let Some(row) = rows(all).into_iter().max_by_key(|row| row.count).filter(|row| row.count > RUNAWAY) {
        // A started second counts: the row lasted until it was over.
        let seconds = (row.last - row.first + 999) / 1000;
        let what = format!(
            "{} attempts of stage {} in {}: runaway",
            row.count,
            row.stage,
            format_duration(seconds * 1000)
        );
        findings.push(Finding::told(Class::Runaway, Severity::Error, place, what));
    }
}

fn rows(all: &[Checkpoint]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for checkpoint in all {
        let at = checkpoint.at.as_deref().and_then(time::parse).map(|at| at.0);
        let (Some(stage), Some(at)) = (checkpoint.stage, at) else { continue };
        match rows.last_mut().filter(|row| row.stage == stage && (0..=PAUSE).contains(&(at - row.last))) {
            Some(row) => (row.count, row.last) = (row.count + 1, at),
            None => rows.push(Row { stage, count: 1, first: at, last: at }),
        }
    }
    rows
}
