//! What contexts say of the classes is added up log-linearly, with weights learned by gradient steps on the likelihood of
//! what came. A weight belongs to a kind of context and to how much that context is to be trusted; part of it is shared by
//! kinds that are alike, so that a little data teaches it.
//!
//! C. Mattern, *Mixing strategies in data compression*, 2012 (geometric mixing); J. Duchi, E. Hazan and Y. Singer, *Adaptive
//! subgradient methods*, 2011 (the size of a step).

use serde::{Deserialize, Serialize};

/// Steps of trust: how often a context was seen, and whether one class only followed.
pub const TRUSTS: usize = 10;
/// Groups of kinds that are alike.
pub const GROUPS: usize = 3;
/// Sums of squared slopes that a weight begins with: the larger, the smaller its first steps.
const OWN_START: f32 = 5.0;
const SHARED_START: f32 = 10.0;

/// Size of a step.
const OWN_RATE: f32 = 0.1;
const SHARED_RATE: f32 = 0.03;
/// What is kept of the sum of squared slopes at each step, so that weights can still move after many.
const KEPT: f32 = 0.999;
/// Weights by group and trust before anything is learned: near the mean of what six public logs taught.
const FIRST: [[f32; TRUSTS]; GROUPS] = [
    [0.45, 0.45, 0.60, 0.50, 0.55, 0.42, 0.66, 0.38, 0.72, 0.45],
    [0.08, 0.08, 0.06, 0.09, 0.04, 0.09, 0.06, 0.08, 0.10, 0.12],
    [0.08, 0.08, 0.05, 0.08, 0.08, 0.12, 0.12, 0.14, 0.14, 0.16],
];

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

/// What one context says.
#[derive(Clone, Copy, Debug)]
struct Voice {
    weight: u16,
    shared: u16,
    /// End of its parts.
    end: u32,
}

/// What it says of one candidate.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    pub candidate: u16,
    pub score: f32,
}

/// All that is said of one prefix.
#[derive(Clone, Debug, Default)]
pub struct Said {
    voices: Vec<Voice>,
    pub parts: Vec<Part>,
}

impl Said {
    pub fn clear(&mut self) {
        self.voices.clear();
        self.parts.clear();
    }

    /// The parts since the last voice are those of one context.
    pub fn close(&mut self, kind: usize, group: usize, trust: usize) {
        let voice = Voice {
            weight: (kind * TRUSTS + trust) as u16,
            shared: (group * TRUSTS + trust) as u16,
            end: self.parts.len() as u32,
        };
        self.voices.push(voice);
    }

    fn each(&self) -> impl Iterator<Item = (Voice, &[Part])> {
        let mut from = 0;
        self.voices.iter().map(move |&voice| {
            let parts = self.parts.get(from..voice.end as usize).unwrap_or_default();
            from = voice.end as usize;
            (voice, parts)
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Learned {
    values: Vec<f32>,
    squares: Vec<f32>,
    rate: f32,
}

impl Learned {
    fn new(values: Vec<f32>, start: f32, rate: f32) -> Learned {
        let squares = vec![start; values.len()];
        Learned { values, squares, rate }
    }

    fn fits(&self, count: usize) -> bool {
        self.values.len() == count
            && self.squares.len() == count
            && self.values.iter().all(|value| value.is_finite())
            && self.squares.iter().all(|square| *square > 0.0)
    }

    fn step(&mut self, place: usize, slope: f32, pace: f32) {
        let square = &mut self.squares[place];
        *square = *square * KEPT + slope * slope;
        self.values[place] += self.rate * pace * slope / square.sqrt();
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    own: Learned,
    shared: Learned,
}

impl Weights {
    /// By kind, its group.
    pub fn new(groups: &[usize]) -> Weights {
        let own: Vec<f32> = groups.iter().flat_map(|&group| FIRST[group]).collect();
        Weights {
            own: Learned::new(own, OWN_START, OWN_RATE),
            shared: Learned::new(vec![0.0; GROUPS * TRUSTS], SHARED_START, SHARED_RATE),
        }
    }

    /// Whether they are those of so many kinds.
    pub fn fits(&self, kinds: usize) -> bool {
        self.own.fits(kinds * TRUSTS) && self.shared.fits(GROUPS * TRUSTS)
    }

    pub fn add_up(&self, said: &Said, logits: &mut [f32]) {
        for (voice, parts) in said.each() {
            let weight = self.own.values[voice.weight as usize] + self.shared.values[voice.shared as usize];
            for part in parts {
                logits[part.candidate as usize] += weight * part.score;
            }
        }
    }

    /// One step towards what came; `chances` are the probabilities that were given.
    pub fn step(&mut self, said: &Said, chances: &[f32], came: usize, pace: f32) {
        let mut shared = [0.0f32; GROUPS * TRUSTS];
        for (voice, parts) in said.each() {
            let mut slope = 0.0;
            for part in parts {
                let candidate = part.candidate as usize;
                slope += (f32::from(u8::from(candidate == came)) - chances[candidate]) * part.score;
            }
            self.own.step(voice.weight as usize, slope, pace);
            shared[voice.shared as usize] += slope;
        }
        for (place, slope) in shared.into_iter().enumerate().filter(|(_, slope)| *slope != 0.0) {
            self.shared.step(place, slope, pace);
        }
    }
}

pub fn softmax(logits: &[f32], chances: &mut Vec<f32>) {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    chances.clear();
    chances.extend(logits.iter().map(|logit| (logit - top).exp()));
    let sum: f32 = chances.iter().sum();
    chances.iter_mut().for_each(|chance| *chance /= sum);
}

/// Natural logarithm of a positive number, to four digits: the same on every machine, and quick.
pub fn ln(number: f32) -> f32 {
    let bits = number.to_bits();
    let power = (bits >> 23) as i32 - 127;
    let part = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000) - 1.0;
    let bend = 0.999_945 + part * (-0.497_027 + part * (0.306_546 + part * (-0.157_818 + part * 0.041_542)));
    power as f32 * core::f32::consts::LN_2 + part * bend
}
