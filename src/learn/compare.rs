//! Whether two samples differ and by how much: Mann–Whitney, Welch on logarithms, Holm for many at once. Knows nothing of
//! what was measured.
//!
//! H. B. Mann and D. R. Whitney, *On a test of whether one of two random variables is stochastically larger than the other*,
//! 1947; B. L. Welch, *The generalization of Student's problem*, 1947; S. Holm, *A simple sequentially rejective multiple
//! test procedure*, 1979; N. Cliff, *Dominance statistics*, 1993.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

/// Both samples at most this large, and no ties: the exact distribution is counted out.
const EXACT: usize = 20;

/// By ranks, two-sided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Pairs in which the first sample's value is the larger; ties count half.
    pub u: f64,
    pub p: f64,
    /// Cliff's delta, -1 to 1: how much more often the second sample's value is the larger than the smaller.
    pub delta: f64,
}

/// By means of logarithms, two-sided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Logged {
    pub t: f64,
    pub freedom: f64,
    pub p: f64,
    /// Geometric mean of the second sample over that of the first.
    pub ratio: f64,
}

/// None when a sample is empty or holds what is no number.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<Ranked> {
    if first.is_empty() || second.is_empty() || first.iter().chain(second).any(|value| value.is_nan()) {
        return None;
    }
    let ranks = Ranks::of(first, second);
    let (n, m) = (first.len() as f64, second.len() as f64);
    let u = ranks.first - n * (n + 1.0) / 2.0;
    let p = match ranks.ties == 0.0 && first.len() <= EXACT && second.len() <= EXACT {
        true => exact(first.len(), second.len(), u),
        false => approximate(n, m, u, ranks.ties),
    };
    Some(Ranked { u, p, delta: 1.0 - 2.0 * u / (n * m) })
}

struct Ranks {
    /// Sum of the first sample's ranks; ties at their mean.
    first: f64,
    /// Sum of t³ - t over groups of ties.
    ties: f64,
}

impl Ranks {
    fn of(first: &[f64], second: &[f64]) -> Ranks {
        let own = first.iter().map(|&value| (value, true));
        let mut all: Vec<(f64, bool)> = own.chain(second.iter().map(|&value| (value, false))).collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut ranks = Ranks { first: 0.0, ties: 0.0 };
        let mut place = 0.0;
        for group in all.chunk_by(|a, b| a.0 == b.0) {
            let size = group.len() as f64;
            let own = group.iter().filter(|(_, first)| *first).count() as f64;
            ranks.first += own * (place + (size + 1.0) / 2.0);
            ranks.ties += size * size * size - size;
            place += size;
        }
        ranks
    }
}

/// Twice the smaller tail of all orders of n and m values; there are at most 1.4e11 of them, which `f64` counts exactly.
fn exact(n: usize, m: usize, u: f64) -> f64 {
    let counts = orders(n, m);
    let all: f64 = counts.iter().sum();
    let smaller = u.min((n * m) as f64 - u).max(0.0) as usize;
    let tail: f64 = counts.iter().take(smaller + 1).sum();
    (2.0 * tail / all).min(1.0)
}

/// How many orders have each U: the coefficients of the Gaussian binomial, one factor (1 - q^(m+i)) / (1 - q^i) at a time.
fn orders(n: usize, m: usize) -> Vec<f64> {
    let size = n * m + 1;
    let mut counts = vec![0.0; size];
    counts[0] = 1.0;
    for factor in 1..=n {
        for place in (m + factor..size).rev() {
            counts[place] -= counts[place - m - factor];
        }
        for place in factor..size {
            counts[place] += counts[place - factor];
        }
    }
    counts
}

/// Normal, corrected for continuity and ties.
fn approximate(n: f64, m: f64, u: f64, ties: f64) -> f64 {
    let all = n + m;
    let spread = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if spread <= 0.0 {
        return 1.0;
    }
    let z = ((u - n * m / 2.0).abs() - 0.5) / spread.sqrt();
    (2.0 * Normal::standard().sf(z)).min(1.0)
}

/// None when a sample has fewer than two values, one is not above zero, or neither varies.
pub fn welch_of_logs(first: &[f64], second: &[f64]) -> Option<Logged> {
    let (a, b) = (Moments::of_logs(first)?, Moments::of_logs(second)?);
    let (from_a, from_b) = (a.variance / a.n, b.variance / b.n);
    let error = from_a + from_b;
    if error <= 0.0 || !error.is_finite() {
        return None;
    }
    let freedom = error * error / (from_a * from_a / (a.n - 1.0) + from_b * from_b / (b.n - 1.0));
    let t = (a.mean - b.mean) / error.sqrt();
    let student = StudentsT::new(0.0, 1.0, freedom).ok()?;
    Some(Logged { t, freedom, p: (2.0 * student.cdf(-t.abs())).min(1.0), ratio: (b.mean - a.mean).exp() })
}

struct Moments {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn of_logs(values: &[f64]) -> Option<Moments> {
        if values.len() < 2 || values.iter().any(|value| value.is_nan() || *value <= 0.0) {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().map(|value| value.ln()).sum::<f64>() / n;
        let square: f64 = values.iter().map(|value| (value.ln() - mean).powi(2)).sum();
        Some(Moments { n, mean, variance: square / (n - 1.0) })
    }
}

/// Corrected for as many tests as there are; in the order given. Any set of those below a level has at most that chance of
/// one false alarm.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![1.0; p.len()];
    let mut largest = 0.0_f64;
    for (rank, &place) in order.iter().enumerate() {
        largest = largest.max(p[place] * (p.len() - rank) as f64).min(1.0);
        corrected[place] = largest;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{a} is not {b}");
    }

    // The expected figures were worked out with scipy 1.x: `mannwhitneyu` (`exact` and `asymptotic`), `ttest_ind` with
    // `equal_var=False` on logarithms, and Holm's by hand.
    #[test]
    fn few_values_without_ties_are_counted_out() {
        let a = [1.1, 2.3, 3.7, 4.2, 9.9];
        let b = [5.5, 6.1, 7.2, 8.8, 10.4, 11.0];
        let found = mann_whitney(&a, &b).unwrap();
        assert_eq!(found.u, 4.0);
        near(found.p, 0.05194805194805195);
        near(found.delta, 1.0 - 8.0 / 30.0);
        let wide: Vec<f64> = (0..20).map(|n| f64::from(2 * n)).collect();
        let moved: Vec<f64> = wide.iter().map(|value| value + 5.0).collect();
        near(mann_whitney(&wide, &moved).unwrap().p, 0.21096432724812078);
    }

    #[test]
    fn ties_and_many_values_take_the_normal_distribution() {
        let c = [1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0];
        let d = [2.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 6.0];
        let found = mann_whitney(&c, &d).unwrap();
        assert_eq!(found.u, 8.5);
        near(found.p, 0.025144761173357368);
        let e: Vec<f64> = (1..26).map(f64::from).collect();
        let f: Vec<f64> = (1..31).map(|n| f64::from(n) + 3.5).collect();
        near(mann_whitney(&e, &f).unwrap().p, 0.015283411524089513);
    }

    #[test]
    fn samples_that_are_all_one_value_do_not_differ() {
        assert_eq!(mann_whitney(&[7.0; 30], &[7.0; 30]).map(|found| found.p), Some(1.0));
        assert_eq!(mann_whitney(&[], &[1.0]), None);
        assert_eq!(mann_whitney(&[f64::NAN], &[1.0]), None);
    }

    #[test]
    fn means_of_logarithms_are_compared_with_variances_of_their_own() {
        let a = [1.1, 2.3, 3.7, 4.2, 9.9];
        let b = [5.5, 6.1, 7.2, 8.8, 10.4, 11.0];
        let found = welch_of_logs(&a, &b).unwrap();
        near(found.t, -2.301677649562641);
        near(found.freedom, 4.824104998518176);
        assert!((found.p - 0.07153643957126976).abs() < 1e-7, "{}", found.p);
        near(found.ratio, 2.396703298277847);
        assert_eq!(welch_of_logs(&[3.0, 3.0], &[3.0, 3.0]), None, "nothing varies");
        assert_eq!(welch_of_logs(&[3.0, 0.0], &[3.0, 4.0]), None, "no logarithm");
    }

    #[test]
    fn many_tests_pay_for_one_another() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn the_exact_distribution_is_symmetric_and_whole() {
        let counts = orders(20, 20);
        assert_eq!(counts.iter().sum::<f64>(), 137_846_528_820.0);
        assert!(counts.iter().eq(counts.iter().rev()));
    }
}
