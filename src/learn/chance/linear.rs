//! Logistic regression that learns one sample at a time and knows how sure it is of its weights: a Gaussian belief about
//! them, updated by an extended Kalman step. Knows nothing of what its inputs mean.
//!
//! D. J. Spiegelhalter and S. L. Lauritzen, *Sequential updating of conditional probabilities on directed graphical
//! structures*, 1990; W. D. Penny and S. J. Roberts, *Dynamic logistic regression*, 1999 (weights that drift).

use core::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::sigmoid;

/// Variance that drift alone leads to, at most.
const MOST: f64 = 0.25;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    pub weights: Vec<f64>,
    /// Covariance, row by row.
    spread: Vec<f64>,
    /// Added to each variance at each step: how fast the weights may drift.
    drift: f64,
}

/// What a prediction rests on.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub log_odds: f64,
    /// Of the log odds.
    pub variance: f64,
    pub probability: f64,
}

impl Linear {
    pub fn new(weights: Vec<f64>, variances: &[f64], drift: f64) -> Linear {
        let size = weights.len();
        let mut spread = vec![0.0; size * size];
        for (into, &variance) in spread.iter_mut().step_by(size + 1).zip(variances) {
            *into = variance;
        }
        Linear { weights, spread, drift }
    }

    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// More inputs, each with that weight and variance.
    pub fn grow(&mut self, size: usize, mean: f64, variance: f64) {
        let old = self.len();
        if size <= old {
            return;
        }
        let mut spread = vec![0.0; size * size];
        for place in 0..size {
            let into = &mut spread[place * size..][..size];
            match self.spread.get(place * old..(place + 1) * old) {
                Some(row) if place < old => into[..old].copy_from_slice(row),
                _ => into[place] = variance,
            }
        }
        self.spread = spread;
        self.weights.resize(size, mean);
    }

    pub fn predict(&self, offset: f64, inputs: &[f64]) -> Answer {
        let mut product = vec![0.0; self.len()];
        self.answer(offset, inputs, &mut product)
    }

    fn answer(&self, offset: f64, inputs: &[f64], product: &mut [f64]) -> Answer {
        for (row, into) in self.spread.chunks_exact(self.len().max(1)).zip(product.iter_mut()) {
            *into = dot(row, inputs);
        }
        let variance = dot(product, inputs).max(0.0);
        let log_odds = offset + dot(&self.weights, inputs);
        // The mean over the belief, not the answer of the mean weights: unsure weights say less.
        let probability = sigmoid(log_odds / (1.0 + PI * variance / 8.0).sqrt());
        Answer { log_odds, variance, probability }
    }

    /// Learns what came; gives what was predicted before.
    pub fn learn(&mut self, offset: f64, inputs: &[f64], came: bool) -> Answer {
        let size = self.len();
        let mut product = vec![0.0; size];
        let answer = self.answer(offset, inputs, &mut product);
        let sure = sigmoid(answer.log_odds);
        let slope = (sure * (1.0 - sure)).max(1e-4);
        let gain = 1.0 / (1.0 + slope * answer.variance);
        let step = gain * (f64::from(u8::from(came)) - sure);
        for (weight, moved) in self.weights.iter_mut().zip(&product) {
            *weight += step * moved;
        }
        let shrink = slope * gain;
        for (row, &moved) in self.spread.chunks_exact_mut(size.max(1)).zip(&product) {
            let factor = shrink * moved;
            for (into, other) in row.iter_mut().zip(&product) {
                *into -= factor * other;
            }
        }
        for variance in self.spread.iter_mut().step_by(size + 1) {
            // What is not spoken of for long is not forgotten altogether.
            if *variance < MOST {
                *variance += self.drift;
            }
        }
        answer
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums at once: the order is fixed, and the compiler may use wide registers.
    let mut sums = [0.0; 4];
    let (whole_a, rest_a) = a.split_at(a.len() / 4 * 4);
    let (whole_b, rest_b) = b.split_at(whole_a.len().min(b.len()));
    for (x, y) in whole_a.chunks_exact(4).zip(whole_b.chunks_exact(4)) {
        for lane in 0..4 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    let rest: f64 = rest_a.iter().zip(rest_b).map(|(x, y)| x * y).sum();
    sums.iter().sum::<f64>() + rest
}
