//! How good predictions were: accuracy, Brier score, calibration error, AUC, sets, coverage. Knows nothing of models.
//!
//! Brier: G. W. Brier, *Verification of forecasts expressed in terms of probability*, 1950 (sum over all classes). ECE: Naeini,
//! Cooper and Hauskrecht, *Obtaining well calibrated probabilities using Bayesian binning*, 2015.

use serde::Serialize;

/// Equal-width bins of the calibration error.
pub const BINS: usize = 15;

/// Mean of the gaps between what was promised and what came, by bins of what was promised.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    bins: [Bin; BINS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    count: u64,
    promised: f64,
    came: f64,
}

impl Calibration {
    pub fn add(&mut self, probability: f64, came: bool) {
        let place = ((probability * BINS as f64) as usize).min(BINS - 1);
        let bin = &mut self.bins[place];
        bin.count += 1;
        bin.promised += probability;
        bin.came += f64::from(u8::from(came));
    }

    /// Expected calibration error, 0 to 1; 0 of nothing.
    pub fn ece(&self) -> f64 {
        let all: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let gaps: f64 = self.bins.iter().map(|bin| (bin.promised - bin.came).abs()).sum();
        if all == 0 { 0.0 } else { gaps / all as f64 }
    }
}

/// Of predictions among many classes.
#[derive(Clone, Debug, Default)]
pub struct Classes {
    n: u64,
    right: u64,
    brier: f64,
    calibration: Calibration,
}

/// Shares of one; `n` predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ClassScore {
    pub accuracy: f64,
    pub brier: f64,
    pub ece: f64,
    pub n: u64,
}

impl Classes {
    /// `probabilities` by class; `came` is the class that came. The first of the most probable ones counts as the answer.
    pub fn add(&mut self, probabilities: &[f64], came: usize) {
        let mut top = 0;
        let mut square = 0.0;
        for (class, &probability) in probabilities.iter().enumerate() {
            if probability > probabilities[top] {
                top = class;
            }
            let gap = probability - f64::from(u8::from(class == came));
            square += gap * gap;
        }
        // A class that was not among those predicted was given nothing.
        let unseen = f64::from(u8::from(came >= probabilities.len()));
        self.n += 1;
        self.right += u64::from(top == came);
        self.brier += square + unseen;
        self.calibration.add(probabilities.get(top).copied().unwrap_or(0.0), top == came);
    }

    pub fn score(&self) -> ClassScore {
        let n = self.n.max(1) as f64;
        ClassScore {
            accuracy: self.right as f64 / n,
            brier: self.brier / n,
            ece: self.calibration.ece(),
            n: self.n,
        }
    }
}

/// Of yes-or-no predictions.
#[derive(Clone, Debug, Default)]
pub struct Chances {
    seen: Vec<(f64, bool)>,
    calibration: Calibration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct ChanceScore {
    /// Of the pairs of a yes and a no, how many stand in the right order; ties count half. None without both.
    pub auc: Option<f64>,
    /// Mean square of the gap (of the one class, not of both).
    pub brier: f64,
    pub ece: f64,
    pub n: u64,
}

impl Chances {
    pub fn add(&mut self, probability: f64, came: bool) {
        self.seen.push((probability, came));
        self.calibration.add(probability, came);
    }

    pub fn score(&self) -> ChanceScore {
        let n = self.seen.len().max(1) as f64;
        let square = |(probability, came): &(f64, bool)| (probability - f64::from(u8::from(*came))).powi(2);
        ChanceScore {
            auc: auc(&self.seen),
            brier: self.seen.iter().map(square).sum::<f64>() / n,
            ece: self.calibration.ece(),
            n: self.seen.len() as u64,
        }
    }
}

/// By ranks (the Mann–Whitney statistic), ties at their mean rank.
pub fn auc(seen: &[(f64, bool)]) -> Option<f64> {
    let mut ordered: Vec<&(f64, bool)> = seen.iter().collect();
    ordered.sort_by(|a, b| a.0.total_cmp(&b.0));
    let yes = seen.iter().filter(|(_, came)| *came).count() as f64;
    let no = seen.len() as f64 - yes;
    if yes == 0.0 || no == 0.0 {
        return None;
    }
    let mut ranks = 0.0;
    let mut place = 0;
    for group in ordered.chunk_by(|a, b| a.0 == b.0) {
        let mean = place as f64 + (group.len() as f64 + 1.0) / 2.0;
        ranks += mean * group.iter().filter(|(_, came)| *came).count() as f64;
        place += group.len();
    }
    Some((ranks - yes * (yes + 1.0) / 2.0) / (yes * no))
}

/// Of predicted sets: which labels each case has.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    n: u64,
    both: u64,
    only_said: u64,
    only_came: u64,
    jaccard: f64,
    exact: u64,
    calibration: Calibration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SetScore {
    pub micro_f1: f64,
    /// Mean over cases; of two empty sets 1.
    pub jaccard: f64,
    pub exact: f64,
    /// Over all labels of all cases, of the answer given (yes or no).
    pub ece: f64,
    pub n: u64,
}

impl Sets {
    /// By label: the probability that the case has it, whether it is said to, and whether it did.
    pub fn add(&mut self, labels: impl IntoIterator<Item = (f64, bool, bool)>) {
        let (mut both, mut said_only, mut came_only) = (0, 0, 0);
        for (probability, said, came) in labels {
            both += u64::from(said && came);
            said_only += u64::from(said && !came);
            came_only += u64::from(!said && came);
            let sure = if said { probability } else { 1.0 - probability };
            self.calibration.add(sure, said == came);
        }
        let union = both + said_only + came_only;
        self.n += 1;
        self.both += both;
        self.only_said += said_only;
        self.only_came += came_only;
        self.jaccard += if union == 0 { 1.0 } else { both as f64 / union as f64 };
        self.exact += u64::from(said_only + came_only == 0);
    }

    pub fn score(&self) -> SetScore {
        let n = self.n.max(1) as f64;
        let halves = (2 * self.both + self.only_said + self.only_came).max(1) as f64;
        SetScore {
            micro_f1: 2.0 * self.both as f64 / halves,
            jaccard: self.jaccard / n,
            exact: self.exact as f64 / n,
            ece: self.calibration.ece(),
            n: self.n,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn a_promise_that_is_kept_has_no_error_and_a_broken_one_its_gap() {
        let mut kept = Calibration::default();
        (0..10).for_each(|n| kept.add(0.7, n < 7));
        near(kept.ece(), 0.0);
        let mut broken = Calibration::default();
        (0..10).for_each(|n| broken.add(0.9, n < 5));
        near(broken.ece(), 0.4);
    }

    #[test]
    fn scores_of_two_predictions_by_hand() {
        let mut seen = Classes::default();
        seen.add(&[0.8, 0.2], 0);
        seen.add(&[0.6, 0.4], 1);
        let score = seen.score();
        near(score.accuracy, 0.5);
        near(score.brier, (0.08 + 0.72) / 2.0);
        // 0.8 right and 0.6 wrong stand in bins of their own.
        near(score.ece, (0.2 + 0.6) / 2.0);
    }

    #[test]
    fn order_decides_the_auc_and_ties_are_a_half() {
        assert_eq!(auc(&[(0.1, false), (0.9, true)]), Some(1.0));
        assert_eq!(auc(&[(0.9, false), (0.1, true)]), Some(0.0));
        assert_eq!(auc(&[(0.5, false), (0.5, true)]), Some(0.5));
        assert_eq!(auc(&[(0.5, true)]), None);
    }

    #[test]
    fn sets_by_hand() {
        let mut sets = Sets::default();
        sets.add([(0.9, true, true), (0.8, true, false), (0.2, false, true), (0.1, false, false)]);
        sets.add([(0.1, false, false)]);
        let score = sets.score();
        near(score.micro_f1, 0.5);
        near(score.jaccard, (1.0 / 3.0 + 1.0) / 2.0);
        near(score.exact, 0.5);
    }
}
