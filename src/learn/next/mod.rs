//! The next event of a case: counts by context with back-off, put together with learned weights, learning as events come.
//! Knows numbers only.

pub mod baseline;
mod classes;
pub mod columns;
mod judge;
mod mix;
mod table;
mod walk;

use serde::{Deserialize, Serialize};

use super::log::Log;
use classes::Classes;
use columns::Source;
pub use columns::{Reason, columns};
use judge::Judge;
use mix::Weights;
use table::{LARGEST_BITS, Table};
use walk::{ORDERS, OTHER, Walk};

pub fn keep() -> f32 {
    static K: std::sync::OnceLock<f32> = std::sync::OnceLock::new();
    *K.get_or_init(|| env("KEEP", 1.0))
}
pub fn env(name: &str, other: f32) -> f32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(other)
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    sources: Vec<Source>,
    classes: Classes,
    table: Table,
    weights: Weights,
}

impl Model {
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Model {
        let sources = columns::chosen(log, cases);
        let groups: Vec<usize> = (0..walk::kinds(&sources)).map(walk::group).collect();
        let mut model = Model {
            sources: sources.clone(),
            classes: Classes::new(),
            table: Table::new(LARGEST_BITS),
            weights: Weights::new(&groups),
        };
        let mut judge = Judge::default();
        let from = (cases.len() as f32 * env("FROM", 0.3)) as usize;
        let every = env("EVERY", 4.0) as u64;
        let mut turn = seed;
        let epochs = env("EPOCHS", 0.0) as usize;
        let mut lessons = Vec::new();
        let mut walk = Walk::new(log, &sources);
        for (number, &case) in cases.iter().enumerate() {
            walk.start(case);
            loop {
                walk.contexts(&mut judge.contexts);
                let came = walk.next();
                turn += 1;
                if number >= from && walk::mix(turn, 77) >> 40 < (1 << 24) / every {
                    model.weigh(&mut judge, came);
                    if epochs > 0 { lessons.push(judge.lesson(model.classes.get(came))); }
                }
                model.count(&judge, came);
                if !walk.left() {
                    break;
                }
                walk.step();
            }
        }
        for _ in 0..epochs { for lesson in &lessons { judge.again(&mut model.weights, lesson); } }
        model
    }

    pub fn show(&self) -> (Vec<f32>, Vec<f32>) { self.weights.show() }
    fn weigh(&mut self, judge: &mut Judge, came: Option<u32>) {
        judge.judge(&self.classes, &self.table, &self.weights);
        judge.teach(&mut self.weights, self.classes.get(came));
    }

    fn count(&mut self, judge: &Judge, came: Option<u32>) {
        let Some(class) = self.classes.add(came) else { return };
        for (kind, &hash) in judge.contexts.hashes.iter().enumerate().skip(1).filter(|(_, hash)| **hash != 0) {
            self.table.add(hash, class, walk::is_recent(kind));
        }
    }

    /// Probabilities by class of what follows the first `length` events of the case.
    pub fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        let mut judge = Judge::default();
        let mut walk = Walk::new(log, &self.sources);
        walk.start(case);
        walk.to(length);
        walk.contexts(&mut judge.contexts);
        judge.judge(&self.classes, &self.table, &self.weights);
        self.spread(log, &judge, into);
    }

    /// From candidates to all classes of the log: what is left is spread by how often the others came.
    fn spread(&self, log: &Log, judge: &Judge, into: &mut Vec<f64>) {
        let end = log.end();
        into.clear();
        into.extend(
            (0..=end).map(|symbol| self.classes.weight(self.classes.get((symbol < end).then_some(symbol)))),
        );
        let mut candidates =
            judge.candidates.iter().map(|&class| self.classes.symbol(class).unwrap_or(end).min(end));
        for symbol in candidates.clone() {
            into[symbol as usize] = 0.0;
        }
        let others: f64 = into.iter().sum();
        let rest = judge.chances.last().map_or(1.0, |&chance| f64::from(chance)) / others.max(0.5);
        into.iter_mut().for_each(|chance| *chance *= rest);
        for &chance in &judge.chances {
            if let Some(symbol) = candidates.next() {
                into[symbol as usize] = f64::from(chance);
            }
        }
        let sum: f64 = into.iter().sum();
        into.iter_mut().for_each(|chance| *chance /= sum);
    }

    /// Learns what came after the first `length` events of the case.
    pub fn update(&mut self, log: &Log, case: usize, length: usize) {
        let mut judge = Judge::default();
        let sources = core::mem::take(&mut self.sources);
        let mut walk = Walk::new(log, &sources);
        walk.start(case);
        walk.to(length);
        walk.contexts(&mut judge.contexts);
        let came = walk.next();
        self.sources = sources;
        self.weigh(&mut judge, came);
        self.count(&judge, came);
    }

    /// The model as it is stored; the same for the same cases and seed.
    pub fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }
}
