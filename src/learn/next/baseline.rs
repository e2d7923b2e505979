//! What any model of the next event must beat: always the most frequent class, the frequencies of all classes, and the
//! frequencies after the last event. Each is counted from the same prefixes as the model.

use std::collections::HashMap;

use super::super::log::Log;

/// Which simple answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The most frequent class, for certain.
    Majority,
    /// All classes by how often they came.
    Prior,
    /// All classes by how often they came after the last event.
    Markov,
}

/// Counts of classes by last activity; without one, of all.
#[derive(Clone, Debug)]
pub struct Baseline {
    kind: Kind,
    all: Vec<f64>,
    after: HashMap<u32, Vec<(u32, f64)>>,
}

/// What follows the first `length` events.
fn came(log: &Log, case: usize, length: usize) -> u32 {
    let trace = log.cases.get(case).map_or(&[][..], |case| log.trace(case));
    trace.get(length).copied().unwrap_or(log.end())
}

fn last(log: &Log, case: usize, length: usize) -> Option<u32> {
    let trace = log.cases.get(case).map_or(&[][..], |case| log.trace(case));
    trace.get(length.checked_sub(1)?).copied()
}

impl Baseline {
    pub fn train(kind: Kind, log: &Log, cases: &[usize]) -> Baseline {
        let mut model = Baseline { kind, all: vec![0.0; log.end() as usize + 1], after: HashMap::new() };
        for &case in cases {
            let events = log.cases.get(case).map_or(0, |case| case.events.len());
            (1..=events).for_each(|length| model.update(log, case, length));
        }
        model
    }

    pub fn update(&mut self, log: &Log, case: usize, length: usize) {
        let came = came(log, case, length);
        if self.all.len() <= came as usize {
            self.all.resize(came as usize + 1, 0.0);
        }
        self.all[came as usize] += 1.0;
        let Some(last) = last(log, case, length).filter(|_| self.kind == Kind::Markov) else { return };
        let row = self.after.entry(last).or_default();
        match row.iter_mut().find(|(class, _)| *class == came) {
            Some((_, count)) => *count += 1.0,
            None => row.push((came, 1.0)),
        }
    }

    /// Probabilities by class, as the model gives them.
    pub fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        into.clear();
        into.resize(log.end() as usize + 1, 0.0);
        let row = last(log, case, length).and_then(|last| self.after.get(&last));
        match row {
            Some(row) => row.iter().for_each(|&(class, count)| {
                if let Some(place) = into.get_mut(class as usize) {
                    *place = count;
                }
            }),
            None => into.iter_mut().zip(&self.all).for_each(|(place, count)| *place = *count),
        }
        if self.kind == Kind::Majority {
            certain(into);
        }
        even_out(into);
    }
}

/// The first of the most frequent classes for certain.
fn certain(counts: &mut [f64]) {
    let most = counts.iter().copied().fold(0.0, f64::max);
    let top = counts.iter().position(|&count| count == most);
    for (class, count) in counts.iter_mut().enumerate() {
        *count = f64::from(u8::from(Some(class) == top));
    }
}

/// Makes them sum to one; of nothing all are equal.
fn even_out(counts: &mut [f64]) {
    let sum: f64 = counts.iter().sum();
    let all = counts.len().max(1) as f64;
    counts.iter_mut().for_each(|count| *count = if sum > 0.0 { *count / sum } else { 1.0 / all });
}
