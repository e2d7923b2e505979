//! How much may be left out, and by which risk: a threshold chosen on predictions that were made before their outcome was
//! known, and tested on newer ones. Refuses where too little failed to tell.

use serde::Serialize;
use statrs::distribution::{Binomial, DiscreteCDF};

use crate::learn::labels::interval;

use super::model::Said;

/// Failures below which no threshold is chosen.
pub const FAILURES: usize = 20;
/// A target that is missed by more than chance explains one time in so many is not held.
const DOUBT: f64 = 0.1;

/// What advice may leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Effort {
    /// What changes like this one do not need.
    #[default]
    Usual,
    /// Checks, too, that would hardly find anything: of a hundred failures at most two are found later.
    Safe,
    /// The same with ten of a hundred.
    Fast,
}

impl Effort {
    /// The share of failures that must still be found.
    pub fn recall(self) -> Option<f64> {
        match self {
            Effort::Usual => None,
            Effort::Safe => Some(0.98),
            Effort::Fast => Some(0.90),
        }
    }
}

/// The threshold, and what it held on failures that it was not chosen by.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    /// The share of failures that must still be found.
    pub target: f64,
    /// Checks of a lower risk may be left out; none when nothing may.
    pub threshold: Option<f64>,
    /// Failures that it was chosen by.
    pub chosen_by: usize,
    /// Newer failures that it was tested on, and how many of them would still have been found.
    pub failures: usize,
    pub caught: usize,
    pub recall: Option<f64>,
    /// The middle 80 % of what the recall may really be.
    pub recall_low: Option<f64>,
    pub recall_high: Option<f64>,
    /// The share of all tested executions that would have been carried out.
    pub share_run: Option<f64>,
    pub executions: usize,
    /// Why there is no threshold.
    pub refused: Option<String>,
}

/// `said` are of stages that could be left out, oldest first.
pub fn validate(said: &[Said], target: f64) -> Validation {
    let failures = said.iter().filter(|said| said.failed).count();
    let none = Validation {
        target,
        threshold: None,
        chosen_by: 0,
        failures: 0,
        caught: 0,
        recall: None,
        recall_low: None,
        recall_high: None,
        share_run: None,
        executions: said.len(),
        refused: None,
    };
    if failures < FAILURES {
        let seen = match failures {
            0 => "no failure was seen".to_string(),
            1 => "1 failure was seen".to_string(),
            many => format!("{many} failures were seen"),
        };
        let refused = format!("{seen} in what could be left out, and a threshold needs {FAILURES}");
        return Validation { refused: Some(refused), ..none };
    }
    let (older, newer) = said.split_at(after(said, (failures * 2).div_ceil(3)));
    let threshold = threshold(older, target);
    tested(newer, threshold, Validation { chosen_by: failures - count(newer), ..none })
}

/// The place after so many failures.
fn after(said: &[Said], failures: usize) -> usize {
    let failed = said.iter().enumerate().filter(|(_, said)| said.failed);
    failed.map(|(at, _)| at + 1).nth(failures.saturating_sub(1)).unwrap_or(said.len())
}

fn count(said: &[Said]) -> usize {
    said.iter().filter(|said| said.failed).count()
}

/// The highest risk below which no more failures lie than the target allows.
fn threshold(said: &[Said], target: f64) -> f64 {
    let mut risks: Vec<f32> = said.iter().filter(|said| said.failed).map(|said| said.risk).collect();
    risks.sort_by(f32::total_cmp);
    // Without the margin, ninety of a hundred would count as fewer than 90 %.
    let missed = ((1.0 - target) * risks.len() as f64 + 1e-9).floor() as usize;
    risks.get(missed).copied().map_or(0.0, f64::from)
}

fn tested(newer: &[Said], threshold: f64, mut found: Validation) -> Validation {
    let runs = |said: &&Said| f64::from(said.risk) >= threshold;
    found.failures = count(newer);
    found.caught = newer.iter().filter(|said| said.failed).filter(runs).count();
    found.executions = newer.len();
    let recall = found.caught as f64 / found.failures.max(1) as f64;
    let (low, high) = interval(recall, found.failures as f64);
    found.recall = Some(recall);
    (found.recall_low, found.recall_high) = (Some(low), Some(high));
    found.share_run = Some(newer.iter().filter(runs).count() as f64 / newer.len().max(1) as f64);
    let missed = found.failures - found.caught;
    if is_too_many(missed, found.failures, found.target) {
        found.refused = Some(format!(
            "the {:.0} % was not held: of the {} newest failures {} would have been missed",
            found.target * 100.0,
            found.failures,
            missed
        ));
    } else {
        found.threshold = Some(threshold);
    }
    found
}

/// Whether so many misses are more than chance would explain if the target were held.
fn is_too_many(missed: usize, failures: usize, target: f64) -> bool {
    let Ok(chance) = Binomial::new(1.0 - target, failures as u64) else { return missed > 0 };
    missed > 0 && chance.sf(missed as u64 - 1) < DOUBT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(risk: f32, failed: bool) -> Said {
        Said { stage: 0, risk, rate: 0.1, failed }
    }

    /// Nine of ten pass, at a low risk; failures have `risk`.
    fn mixed(failures: usize, risk: impl Fn(usize) -> f32) -> Vec<Said> {
        (0..failures * 10)
            .map(|at| if at % 10 == 9 { said(risk(at / 10), true) } else { said(0.01, false) })
            .collect()
    }

    #[test]
    fn too_few_failures_choose_nothing_and_say_so() {
        let found = validate(&mixed(19, |_| 0.5), 0.98);
        assert_eq!(found.threshold, None);
        assert!(found.refused.unwrap().contains("19 failures were seen"));
        assert!(validate(&[], 0.98).refused.unwrap().contains("no failure"));
        assert!(validate(&mixed(20, |_| 0.5), 0.98).threshold.is_some());
    }

    #[test]
    fn the_threshold_is_tested_on_failures_it_was_not_chosen_by() {
        let found = validate(&mixed(60, |_| 0.5), 0.98);
        assert_eq!((found.chosen_by, found.failures, found.caught), (40, 20, 20));
        assert!(found.threshold > Some(0.01) && found.share_run < Some(0.2), "{found:?}");
        assert!(found.recall_low < Some(1.0));
    }

    /// The twin of the last: newer failures come at a risk at which older ones never did.
    #[test]
    fn a_target_that_newer_failures_do_not_hold_leaves_nothing_out() {
        let found = validate(&mixed(60, |at| if at < 40 { 0.5 } else { 0.005 }), 0.98);
        assert_eq!(found.threshold, None);
        assert!(found.refused.unwrap().contains("20 would have been missed"));
    }

    #[test]
    fn ninety_percent_lets_one_in_ten_go() {
        let risk = |at: usize| if at.is_multiple_of(10) { 0.005 } else { 0.5 };
        let (safe, fast) = (validate(&mixed(90, risk), 0.98), validate(&mixed(90, risk), 0.90));
        assert!(safe.threshold <= Some(0.0051), "{safe:?}");
        assert!(fast.threshold > Some(0.01), "{fast:?}");
        assert!(fast.share_run < safe.share_run);
    }
}
