//! Numbers put into ranges that hold about equally many, by field; and which fields tell where in a series a sample stands.
//! Knows no outcomes.

use serde::{Deserialize, Serialize};

use super::Sample;

/// Fields with numbers; those above are not looked at.
const NUMBERS: usize = 4_096;
/// Ranges of one field, at most.
const BINS: usize = 8;
/// A field with at most so many different values is taken as a code: each value is a range of its own.
const CODES: usize = 12;
/// Samples looked back at when deciding whether a field moves slowly.
const BACK: usize = 20;
/// A field moves slowly when the nearest of those samples is so much nearer than the nearest of as many from anywhere.
const RATIO: f64 = 0.3;
/// Steps from nought that are told apart, at most.
const FAR: f64 = 1e9;
/// Values of a field that are looked at, at most.
const LOOKED_AT: usize = 4_000;

/// Of one field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edges {
    /// Lower ends of the second range and those after it.
    edges: Vec<f64>,
    /// Mean step between neighbours when the field moves slowly: samples near in it are of one series.
    pub step: Option<f64>,
}

impl Edges {
    pub fn place(&self, value: f64) -> usize {
        self.edges.partition_point(|edge| *edge <= value)
    }

    /// Whether there are no numbers to put into ranges.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Lower and upper end; None for what is no range of this field.
    pub fn range(&self, place: u64) -> Option<(f64, f64)> {
        let place = usize::try_from(place).ok().filter(|place| *place <= self.edges.len())?;
        let low = place
            .checked_sub(1)
            .and_then(|below| self.edges.get(below))
            .copied()
            .unwrap_or(f64::NEG_INFINITY);
        Some((low, self.edges.get(place).copied().unwrap_or(f64::INFINITY)))
    }

    /// `values` in order of time.
    fn of(values: &[f64]) -> Edges {
        if clock(values) {
            return Edges::default();
        }
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut different = sorted.clone();
        different.dedup();
        if different.len() <= CODES {
            different.drain(..different.len().min(1));
            return Edges { edges: different, step: None };
        }
        let mut edges: Vec<f64> = (1..BINS).map(|part| sorted[part * sorted.len() / BINS]).collect();
        edges.dedup();
        // The least value is in the first range however many have it.
        edges.retain(|edge| *edge > sorted[0]);
        Edges { edges, step: slow(values) }
    }
}

/// Ranges by field; empty for a field without numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AllEdges {
    fields: Vec<Edges>,
    /// Fields that move slowly, sorted.
    slow: Vec<u32>,
}

impl AllEdges {
    pub fn of<'a>(samples: impl Iterator<Item = &'a Sample>) -> AllEdges {
        let mut columns: Vec<Vec<f64>> = Vec::new();
        for sample in samples {
            for &(field, value) in sample.numbers.iter().filter(|(_, value)| value.is_finite()) {
                let field = field as usize;
                if field < NUMBERS {
                    columns.resize(columns.len().max(field + 1), Vec::new());
                    columns[field].push(value);
                }
            }
        }
        let newest = |values: &Vec<f64>| Edges::of(&values[values.len().saturating_sub(LOOKED_AT)..]);
        let fields: Vec<Edges> = columns.iter().map(newest).collect();
        let slow = (0..fields.len() as u32).filter(|field| fields[*field as usize].step.is_some()).collect();
        AllEdges { fields, slow }
    }

    pub fn get(&self, field: u32) -> Option<&Edges> {
        self.fields.get(field as usize)
    }

    /// All values of the sample by field: its words, and its numbers by range.
    pub fn cells(&self, sample: &Sample) -> Vec<(u32, u64)> {
        let number = |&(field, value): &(u32, f64)| {
            let edges = self.get(field).filter(|edges| !edges.is_empty() && value.is_finite())?;
            Some((field, edges.place(value) as u64))
        };
        sample.words.iter().copied().chain(sample.numbers.iter().filter_map(number)).collect()
    }

    /// Where the sample stands in the slow fields; a missing value is at zero.
    pub fn stand(&self, sample: &Sample) -> Place {
        let mut at = vec![0.0; self.slow.len()];
        for &(field, value) in sample.numbers.iter().filter(|(_, value)| value.is_finite()) {
            if let Ok(found) = self.slow.binary_search(&field) {
                let step = self.get(field).and_then(|edges| edges.step);
                at[found] = (value / step.unwrap_or(1.0)).clamp(-FAR, FAR) as f32;
            }
        }
        Place(at)
    }
}

/// In steps, by slow field.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Place(pub Vec<f32>);

impl Place {
    /// In steps, over all slow fields.
    pub fn distance(&self, other: &Place) -> f64 {
        self.0.iter().zip(&other.0).map(|(here, there)| f64::from((here - there).abs())).sum()
    }
}

/// The mean step to the nearest of the samples just before, when that is far less than to others from anywhere.
fn slow(values: &[f64]) -> Option<f64> {
    let nearest = |at: usize, others: &mut dyn Iterator<Item = usize>| {
        others.map(|other| (values[other] - values[at]).abs()).fold(f64::INFINITY, f64::min)
    };
    let places: Vec<usize> = (BACK..values.len()).step_by((values.len() / 500).max(1)).collect();
    let mut before: Vec<f64> = places.iter().map(|&at| nearest(at, &mut (at - BACK..at))).collect();
    let anywhere =
        |at: usize| (1..=BACK).map(move |k| (at + k * 7919 * BACK) % values.len()).filter(move |o| *o != at);
    let mut elsewhere: Vec<f64> = places.iter().map(|&at| nearest(at, &mut anywhere(at))).collect();
    let (near, far) = (middle(&mut before)?, middle(&mut elsewhere)?);
    let steps = places.iter().map(|&at| (values[at] - values[at - 1]).abs());
    let step = steps.sum::<f64>() / places.len() as f64;
    (near < far * RATIO && step > 0.0 && step.is_finite()).then_some(step)
}

fn middle(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// Whether it only ever grows: a number of the row, a time. Its ranges hold what is past and never comes again.
fn clock(values: &[f64]) -> bool {
    let grows = values.windows(2).filter(|pair| pair[1] > pair[0]).count();
    values.len() > CODES && grows * 20 > values.len() * 19
}
