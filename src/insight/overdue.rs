//! Checks that were left out so often in a row that they run again: what is never run is never known to be broken, and a
//! model that hears of no failure grows surer that there is none. Pure over what is remembered.

use std::collections::{BTreeMap, BTreeSet};

use crate::event::Status;
use crate::history::{Past, PastStage};
use crate::plan::LEFT_OUT;

/// Runs in a row that may leave the same stage out.
pub const IN_A_ROW: usize = 10;

/// Stages that the last `most` runs which would have run them left out, all of them. `newest` are runs of one lane, newest
/// first; runs in which the lane's own rules skipped the stage do not count.
pub fn overdue<'a>(newest: impl Iterator<Item = &'a Past>, most: usize) -> BTreeSet<String> {
    let mut row: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ended: BTreeSet<&str> = BTreeSet::new();
    for run in newest.take(most.saturating_mul(10)) {
        let seen = by_stage(run);
        for (stage, left_out) in seen {
            match left_out {
                true if !ended.contains(stage) => *row.entry(stage).or_default() += 1,
                true => {}
                false => drop(ended.insert(stage)),
            }
        }
    }
    row.into_iter().filter(|(_, count)| *count >= most.max(1)).map(|(stage, _)| stage.to_string()).collect()
}

/// Whether each stage of the run was left out; one instance that ran is enough for it not to be.
fn by_stage(run: &Past) -> BTreeMap<&str, bool> {
    let mut found = BTreeMap::new();
    for stage in &run.stages {
        let Some(left_out) = left_out(stage) else { continue };
        found.entry(stage.stage.as_str()).and_modify(|all| *all &= left_out).or_insert(left_out);
    }
    found
}

/// None of a stage that neither ran nor was left out.
fn left_out(stage: &PastStage) -> Option<bool> {
    match stage.status {
        Status::Succeeded | Status::Failed | Status::TimedOut | Status::Warned => Some(false),
        Status::Skipped => stage.reason.as_deref()?.starts_with(LEFT_OUT).then_some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::of_change;
    use super::*;

    /// Newest first: how `unit` fared.
    fn runs(fared: &[Option<&str>]) -> Vec<Past> {
        let run = |reason: &Option<&str>| {
            let status = if reason.is_some() { Status::Skipped } else { Status::Succeeded };
            let mut run = of_change("r", "x", 1, &[("build", Status::Succeeded), ("unit", status)]);
            run.stages[1].reason = reason.map(str::to_string);
            run
        };
        fared.iter().map(run).collect()
    }

    const OUT: Option<&str> = Some("left out by --recommended --safe");
    const RULE: Option<&str> = Some("`when x` is false");

    #[test]
    fn a_stage_is_overdue_when_it_was_left_out_so_often_in_a_row() {
        let due = |fared: &[Option<&str>]| !overdue(runs(fared).iter(), 3).is_empty();
        assert!(due(&[OUT, OUT, OUT, None]) && due(&[OUT, OUT, OUT, OUT]));
        assert!(!due(&[OUT, OUT, None, OUT]) && !due(&[OUT, OUT]) && !due(&[]));
        // What the lane's rules skip neither counts nor begins anew.
        assert!(due(&[OUT, RULE, OUT, OUT]) && !due(&[OUT, RULE, OUT, None, OUT]));
        assert_eq!(overdue(runs(&[OUT, OUT, OUT]).iter(), 3), BTreeSet::from(["unit".to_string()]));
    }
}
