//! The odds that another try gets past a failure: the Beta posterior of a share that was met `helped` times of `tried`.
//!
//! With the prior Beta(a, b) the posterior is Beta(a + helped, b + tried − helped): the conjugate prior of a Bernoulli
//! share (Gelman et al., Bayesian Data Analysis, 3rd ed., section 2.4). The prior is Jeffreys' Beta(½, ½), whose intervals
//! hold what they promise already after few tries (Brown, Cai and DasGupta, Statistical Science 16, 2001); what the class
//! of the failure says weighs one try more.

use statrs::distribution::{Beta, ContinuousCDF};

use crate::event::Lasting;

/// A retry that helps more seldom than this is not worth its time.
pub const WORTH: f64 = 0.2;
/// How sure that must be.
pub const SURE: f64 = 0.95;
/// Retries before anything is said.
pub const LEAST: u64 = 5;

/// How often something helped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Odds {
    pub tried: u64,
    pub helped: u64,
    prior: (f64, f64),
}

impl Odds {
    pub fn new(tried: u64, helped: u64, lasting: Lasting) -> Self {
        let prior = match lasting {
            Lasting::Transient => (1.5, 0.5),
            Lasting::Permanent => (0.5, 1.5),
            Lasting::Unknown => (0.5, 0.5),
        };
        Odds { tried, helped: helped.min(tried), prior }
    }

    /// Both parameters of the posterior.
    pub fn posterior(&self) -> (f64, f64) {
        let (a, b) = self.prior;
        (a + self.helped as f64, b + (self.tried - self.helped) as f64)
    }

    /// What is expected of the next try.
    pub fn mean(&self) -> f64 {
        let (a, b) = self.posterior();
        a / (a + b)
    }

    /// The probability that it helps more seldom than `share`.
    pub fn below(&self, share: f64) -> f64 {
        self.beta().map_or(0.0, |beta| beta.cdf(share.clamp(0.0, 1.0)))
    }

    /// Where the share lies with probability `level`, as much left out below as above.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
        self.beta().map_or((0.0, 1.0), |beta| (beta.inverse_cdf(tail), beta.inverse_cdf(1.0 - tail)))
    }

    /// The share is below this with probability `level`.
    pub fn at_most(&self, level: f64) -> f64 {
        self.beta().map_or(1.0, |beta| beta.inverse_cdf(level.clamp(0.0, 1.0)))
    }

    /// It is as good as sure that a retry is not worth its time.
    pub fn is_hopeless(&self) -> bool {
        self.tried >= LEAST && self.below(WORTH) >= SURE
    }

    fn beta(&self) -> Option<Beta> {
        let (a, b) = self.posterior();
        Beta::new(a, b).ok()
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    fn odds(tried: u64, helped: u64) -> Odds {
        Odds::new(tried, helped, Lasting::Unknown)
    }

    #[test]
    fn what_was_seen_moves_the_odds() {
        assert!((odds(0, 0).mean() - 0.5).abs() < 1e-12);
        assert!((odds(9, 3).mean() - 0.35).abs() < 1e-12);
        assert!(odds(3, 3).mean() > 0.8 && odds(3, 0).mean() < 0.2);
        assert!(Odds::new(3, 1, Lasting::Transient).mean() > odds(3, 1).mean());
        assert!(Odds::new(3, 1, Lasting::Permanent).mean() < odds(3, 1).mean());
    }

    /// Quantiles worked out by hand: Beta(½, ½) is the arcsine law, whose quantile is sin²(πp/2).
    #[test]
    fn quantiles_are_those_of_the_beta_distribution() {
        for level in [0.05_f64, 0.5, 0.95] {
            let by_hand = (std::f64::consts::FRAC_PI_2 * level).sin().powi(2);
            assert!((odds(0, 0).at_most(level) - by_hand).abs() < 1e-6, "{level}");
        }
    }

    #[test]
    fn nine_vain_retries_are_enough_and_eight_are_not() {
        let hopeless = (0..20).find(|tried| odds(*tried, 0).is_hopeless());
        assert_eq!(hopeless, Some(9), "{:?}", (0..12).map(|n| odds(n, 0).below(WORTH)).collect::<Vec<_>>());
        let one_good = (0..60).find(|tried| odds(*tried, 1.min(*tried)).is_hopeless());
        assert!(one_good.is_some_and(|tried| tried > 15), "{one_good:?}");
        assert!(!odds(1_000, 200).is_hopeless());
    }

    /// Of 1,000 failures, each with a true share of its own, how many shares lie inside their 90 % interval; how many would
    /// be stopped, and how many of those wrongly. `weight` counts each try so often.
    fn simulated(seed: u64, weight: u64) -> (u32, u32, u32) {
        let mut draw = StdRng::seed_from_u64(seed);
        let (mut inside, mut stopped, mut wrongly) = (0, 0, 0);
        for _ in 0..1_000 {
            let (truth, tried) = (draw.random::<f64>(), draw.random_range(5..40_u64));
            let helped = (0..tried).filter(|_| draw.random::<f64>() < truth).count() as u64;
            let odds = odds(tried * weight, helped * weight);
            let (low, high) = odds.interval(0.9);
            inside += u32::from((low..=high).contains(&truth));
            stopped += u32::from(odds.is_hopeless());
            wrongly += u32::from(odds.is_hopeless() && truth >= WORTH);
        }
        (inside, stopped, wrongly)
    }

    fn mean_of_ten(weight: u64) -> (f64, u32, u32) {
        let all: Vec<_> = (0..10).map(|seed| simulated(seed, weight)).collect();
        let inside: u32 = all.iter().map(|(inside, _, _)| inside).sum();
        (f64::from(inside) / 100.0, all.iter().map(|one| one.1).sum(), all.iter().map(|one| one.2).sum())
    }

    /// The interval keeps its promise: nine shares in ten lie inside.
    #[test]
    fn ninety_percent_intervals_hold_ninety_percent() {
        let (inside, stopped, wrongly) = mean_of_ten(1);
        println!(
            "90 % interval: {inside:.1} % of 10 x 1,000 inside; {stopped} stopped, {wrongly} of them wrongly"
        );
        assert!((88.5..=92.0).contains(&inside), "{inside} %");
        assert!(stopped > 500 && wrongly * 20 <= stopped, "{wrongly} of {stopped}");
    }

    /// The twin: a posterior that counts each try ten times is too sure of itself.
    #[test]
    fn an_interval_that_is_too_sure_is_noticed() {
        let (inside, ..) = mean_of_ten(10);
        assert!(!(88.5..=92.0).contains(&inside), "{inside} %");
    }
}
