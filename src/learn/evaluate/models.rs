//! The models of `learn` as what is judged here. Holds no measure.

use super::failure::{self, Risk};
use super::remaining::{Clockwork, Left};
use super::report::LeftOut;
use super::sets::Needs;
use super::stage::Forecast;
use crate::learn::log::Log;
use crate::learn::{chance, next, set, time};

pub struct Next(next::Model);

impl Next {
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Next {
        Next(next::Model::train(log, cases, seed))
    }

    pub fn bytes(&self) -> usize {
        self.0.bytes().len()
    }

    /// Columns that nothing is learned from, with the reason in words.
    pub fn left_out(&self, log: &Log) -> Vec<LeftOut> {
        let columns = self.0.columns(log).into_iter();
        let told = columns.filter_map(|(column, refused)| Some((column, refused?.to_string())));
        told.map(|(column, reason)| LeftOut { column, reason }).collect()
    }
}

impl Forecast for Next {
    fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        self.0.predict(log, case, length, into);
    }

    fn update(&mut self, log: &Log, case: usize, length: usize) {
        self.0.update(log, case, length);
    }
}

pub struct Remaining(time::Remaining);

impl Remaining {
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Remaining {
        Remaining(time::Remaining::train(log, cases, seed))
    }
}

impl Clockwork for Remaining {
    fn left(&self, log: &Log, case: usize, length: usize) -> Left {
        let span = self.0.predict(log, case, length);
        Left { middle: span.middle, low: span.low, high: span.high }
    }

    fn reveal(&mut self, log: &Log, case: usize) {
        self.0.reveal(log, case);
    }
}

pub struct Sets(set::Model);

impl Sets {
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Sets {
        Sets(set::Model::train(log, cases, seed))
    }

    /// Activities that are judged: those that enough cases had and enough had not.
    pub fn optional(&self) -> Vec<usize> {
        self.0.optional().into_iter().map(|activity| activity as usize).collect()
    }
}

impl Needs for Sets {
    fn predict(&self, log: &Log, case: usize) -> Vec<f64> {
        self.0.predict(log, case)
    }

    fn says(&self, chance: f64) -> bool {
        self.0.says(chance)
    }

    fn update(&mut self, log: &Log, case: usize) {
        self.0.update(log, case);
    }
}

/// From what is known when the case starts: its traits, and its first event.
pub struct Failure {
    model: chance::Model,
    features: set::Features,
}

impl Failure {
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Failure {
        let features = set::Features::of(log, cases);
        let known = failure::known(log, cases).into_iter();
        let samples: Vec<_> = known.map(|(case, failed)| (features.sample(log, case), failed)).collect();
        Failure { model: chance::Model::train(&samples, seed), features }
    }
}

impl Risk for Failure {
    fn predict(&self, log: &Log, case: usize) -> f64 {
        self.model.predict(&self.features.sample(log, case)).probability
    }

    fn reveal(&mut self, log: &Log, case: usize, failed: bool) {
        self.model.update(&self.features.sample(log, case), failed);
    }
}
