//! What contexts say of the classes, and the weights with which it is put together: log-linear, learned by gradient steps.

use serde::{Deserialize, Serialize};

/// What is known of a context's trust: how often it was seen, and whether only one class followed.
pub const TRUSTS: usize = 10;

pub fn trust(seen: u32, distinct: u32) -> usize {
    let often = match seen {
        0..=1 => 0,
        2..=3 => 1,
        4..=9 => 2,
        10..=40 => 3,
        _ => 4,
    };
    often * 2 + usize::from(distinct > 1)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    values: Vec<f32>,
    squares: Vec<f32>,
    pub rate: f32,
}

/// One context's evidence for one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Evidence {
    pub candidate: u16,
    pub weight: u16,
    pub score: f32,
}

impl Weights {
    pub fn new(kinds: usize, first: impl Fn(usize) -> f32, rate: f32) -> Weights {
        let values = (0..kinds * TRUSTS).map(|place| first(place / TRUSTS)).collect();
        Weights { values, squares: vec![1.0; kinds * TRUSTS], rate }
    }

    pub fn add_up(&self, evidence: &[Evidence], logits: &mut [f32]) {
        for part in evidence {
            logits[part.candidate as usize] += self.values[part.weight as usize] * part.score;
        }
    }

    /// One step towards what came; `chances` are the probabilities that were given.
    pub fn step(&mut self, evidence: &[Evidence], chances: &[f32], came: usize, gradient: &mut [f32]) {
        gradient.fill(0.0);
        for part in evidence {
            let candidate = part.candidate as usize;
            let gap = f32::from(u8::from(candidate == came)) - chances[candidate];
            gradient[part.weight as usize] += gap * part.score;
        }
        for ((value, square), &slope) in self.values.iter_mut().zip(&mut self.squares).zip(gradient.iter()) {
            if slope != 0.0 {
                *square += slope * slope;
                *value += self.rate * slope / square.sqrt();
            }
        }
    }
    pub fn show(&self, kind: usize) -> &[f32] {
        &self.values[kind * TRUSTS..(kind + 1) * TRUSTS]
    }
}

pub fn softmax(logits: &[f32], chances: &mut Vec<f32>) {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    chances.clear();
    chances.extend(logits.iter().map(|logit| (logit - top).exp()));
    let sum: f32 = chances.iter().sum();
    chances.iter_mut().for_each(|chance| *chance /= sum);
}
