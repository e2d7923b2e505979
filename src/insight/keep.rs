//! How often a stage was needed in runs like this one. Counts and smooths; makes no decision.
//!
//! A stage was *needed* in a run when it was executed: it succeeded, failed, timed out, was reused or warned. It was *not
//! needed* when it was skipped or waived. Runs in which it was blocked, cancelled, never reached or not asked for say
//! nothing.

use std::collections::BTreeSet;

use statrs::distribution::{Beta, ContinuousCDF};

use crate::event::Status;
use crate::history::{Change, StageSummary};
use crate::plan::LEFT_OUT;

use super::PastRun;

/// Runs a group must have before it is preferred to a wider one.
const ENOUGH: usize = 5;

/// Which past runs a frequency was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// Same change type, and files in the same folders or of the same kind.
    Similar,
    SameType,
    All,
}

impl Among {
    pub fn words(self) -> &'static str {
        match self {
            Among::Similar => "runs of this change type with similar files",
            Among::SameType => "runs of this change type",
            Among::All => "runs of this lane",
        }
    }
}

/// `needed` of `runs`, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frequency {
    pub needed: usize,
    pub runs: usize,
    pub among: Among,
}

impl Frequency {
    /// Laplace's rule of succession: no run at all is one half, and nothing is ever certain.
    pub fn probability(&self) -> f64 {
        (self.needed as f64 + 1.0) / (self.runs as f64 + 2.0)
    }

    /// The middle 80 % of what the probability may really be.
    pub fn interval(&self) -> (f64, f64) {
        match Beta::new(self.needed as f64 + 1.0, (self.runs - self.needed) as f64 + 1.0) {
            Ok(beta) => (beta.inverse_cdf(0.1), beta.inverse_cdf(0.9)),
            Err(_) => (0.0, 1.0),
        }
    }
}

/// Whether two changes belong to one group.
type Alike = fn(&Change, &Change) -> bool;

/// Counts `stage` in the narrowest group of runs that has enough of them.
pub fn frequency(stage: &str, change: &Change, past: &[PastRun]) -> Frequency {
    let groups: [(Among, Alike); 2] = [(Among::Similar, similar), (Among::SameType, same_type)];
    for (among, alike) in groups {
        let found = count(stage, past.iter().filter(|past| alike(change, &past.run.change)), among);
        if found.runs >= ENOUGH {
            return found;
        }
    }
    count(stage, past.iter(), Among::All)
}

fn count<'a>(stage: &str, past: impl Iterator<Item = &'a PastRun>, among: Among) -> Frequency {
    let verdicts: Vec<bool> = past.filter_map(|past| needed(stage, past)).collect();
    Frequency { needed: verdicts.iter().filter(|yes| **yes).count(), runs: verdicts.len(), among }
}

/// Whether the run needed the stage; none when it cannot be said.
pub fn needed(stage: &str, past: &PastRun) -> Option<bool> {
    let mut verdict = None;
    for summary in past.stages.iter().filter(|summary| summary.stage == stage) {
        match summary.status {
            Status::Succeeded | Status::Failed | Status::TimedOut | Status::Reused | Status::Warned => {
                return Some(true);
            }
            Status::Skipped | Status::Waived if !left_out(summary) => verdict = Some(false),
            _ => {}
        }
    }
    verdict
}

/// Nobody asked for it in that run.
fn left_out(summary: &StageSummary) -> bool {
    summary.reason.as_deref().is_some_and(|reason| reason.starts_with(LEFT_OUT))
}

fn same_type(change: &Change, other: &Change) -> bool {
    change.kind == other.kind
}

/// At least half of the smaller set of top folders and file kinds is shared.
fn similar(change: &Change, other: &Change) -> bool {
    let (own, its) = (traits(&change.files), traits(&other.files));
    let smaller = own.len().min(its.len());
    same_type(change, other) && smaller > 0 && own.intersection(&its).count() * 2 >= smaller
}

fn traits(files: &[String]) -> BTreeSet<String> {
    let folder = |file: &String| file.split_once('/').map_or("./".to_string(), |(top, _)| format!("{top}/"));
    let kind = |file: &String| {
        let name = file.rsplit('/').next().unwrap_or(file);
        name.rsplit_once('.').map(|(_, kind)| format!(".{kind}"))
    };
    files.iter().map(folder).chain(files.iter().filter_map(kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{change, past};
    use super::*;

    #[test]
    fn a_narrow_group_is_used_only_when_it_is_large_enough() {
        let docs = change("docs", &["docs/a.md"]);
        let mut runs: Vec<PastRun> =
            (0..4).map(|_| past(docs.clone(), &[("unit", Status::Skipped, 0)])).collect();
        runs.extend((0..6).map(|_| past(change("fix", &["src/a.rs"]), &[("unit", Status::Succeeded, 9)])));
        let few = frequency("unit", &docs, &runs);
        assert_eq!((few.among, few.needed, few.runs), (Among::All, 6, 10));
        runs.push(past(docs.clone(), &[("unit", Status::Skipped, 0)]));
        let enough = frequency("unit", &docs, &runs);
        assert_eq!((enough.among, enough.needed, enough.runs), (Among::Similar, 0, 5));
        assert!((enough.probability() - 1.0 / 7.0).abs() < 1e-12);
    }

    #[test]
    fn a_blocked_stage_says_nothing_and_no_history_is_one_half() {
        let runs = [past(change("fix", &[]), &[("unit", Status::Blocked, 0)])];
        let found = frequency("unit", &change("fix", &[]), &runs);
        assert_eq!(found.runs, 0);
        assert_eq!(found.probability(), 0.5);
        let (low, high) = found.interval();
        assert!((low - 0.1).abs() < 1e-6 && (high - 0.9).abs() < 1e-6);
    }

    #[test]
    fn one_executed_instance_of_a_matrix_is_enough() {
        let run = past(change("fix", &[]), &[("unit", Status::Skipped, 0), ("unit", Status::Failed, 1)]);
        assert_eq!(needed("unit", &run), Some(true));
    }
}
