//! What anyone could say of the next stage without a model, counted over what is judged: prefixes of two events and more.

use super::stage::{Forecast, LEAST};
use crate::learn::log::Log;
use crate::learn::next::baseline::{Baseline, Kind};

/// An answer from counts alone.
pub struct Simple(Baseline);

impl Simple {
    pub fn train(kind: Kind, log: &Log, cases: &[usize]) -> Simple {
        let mut counts = Baseline::train(kind, log, &[]);
        for &case in cases {
            (LEAST..=log.cases[case].events.len()).for_each(|length| counts.update(log, case, length));
        }
        Simple(counts)
    }
}

impl Forecast for Simple {
    fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        self.0.predict(log, case, length, into);
    }

    fn update(&mut self, log: &Log, case: usize, length: usize) {
        self.0.update(log, case, length);
    }
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn baselines_by_hand() {
        // The prefixes of two and more are followed by a, b, end; a, b, end; b, end.
        let log = synthetic::log(&["abab", "abab", "abb"]);
        let said = |kind| {
            let mut said = Vec::new();
            Simple::train(kind, &log, &[0, 1, 2]).predict(&log, 0, 2, &mut said);
            said
        };
        assert_eq!(said(Kind::Prior), [2.0 / 8.0, 3.0 / 8.0, 3.0 / 8.0]);
        assert_eq!(said(Kind::Majority), [0.0, 1.0, 0.0]);
        assert_eq!(said(Kind::Markov), [2.0 / 6.0, 1.0 / 6.0, 3.0 / 6.0]);
    }
}
