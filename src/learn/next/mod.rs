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
use walk::Walk;

/// The first cases are only counted; of the others some events teach the weights too, by what was foreseen before them.
const COUNTED_FIRST: f64 = 0.3;
/// One event of so many teaches the weights, but not fewer nor more than these.
const LESSON: usize = 4;
const LEAST_LESSONS: usize = 1_500;
const MOST_LESSONS: usize = 20_000;
/// What the last step of training is smaller than the first; steps while events come are as large as the first.
const SLOWER: f32 = 0.8;
const ONLINE: f32 = 1.0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    sources: Vec<Source>,
    classes: Classes,
    table: Table,
    weights: Weights,
}

impl Model {
    /// Learns every prefix of the cases, in that order.
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Model {
        let sources = columns::chosen(log, cases);
        let mut model = Model::new(sources.clone());
        let mut lessons = Lessons::new(log, cases, seed);
        let mut judge = Judge::default();
        let mut walk = Walk::new(log, &sources);
        for (number, &case) in cases.iter().enumerate() {
            walk.start(case);
            while walk.left() {
                walk.contexts(&mut judge.contexts);
                model.learn(&mut judge, walk.next(), lessons.next(number));
                walk.step();
            }
            if walk.seen() > 0 {
                walk.contexts(&mut judge.contexts);
                model.learn(&mut judge, None, lessons.next(number));
            }
        }
        model
    }

    fn new(sources: Vec<Source>) -> Model {
        let groups: Vec<usize> = (0..walk::kinds(&sources)).map(walk::group).collect();
        Model {
            sources,
            classes: Classes::new(),
            table: Table::new(LARGEST_BITS),
            weights: Weights::new(&groups),
        }
    }

    fn learn(&mut self, judge: &mut Judge, came: Option<u32>, pace: Option<f32>) {
        if let Some(pace) = pace {
            judge.judge(&self.classes, &self.table, &self.weights);
            judge.teach(&mut self.weights, self.classes.get(came), pace);
        }
        self.count(judge, came);
    }

    fn count(&mut self, judge: &Judge, came: Option<u32>) {
        let Some(class) = self.classes.add(came) else { return };
        for (kind, &hash) in judge.contexts.hashes.iter().enumerate().skip(1).filter(|(_, hash)| **hash != 0)
        {
            self.table.add(hash, class, walk::fading(kind));
        }
    }

    /// What was foreseen of the first `length` events of the case, by candidate.
    fn judged(&self, log: &Log, case: usize, length: usize) -> Judge {
        let mut judge = Judge::default();
        let mut walk = Walk::new(log, &self.sources);
        walk.start(case);
        walk.to(length);
        walk.contexts(&mut judge.contexts);
        judge.judge(&self.classes, &self.table, &self.weights);
        judge
    }

    /// Probabilities by class of what follows the first `length` events of the case.
    pub fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        let few = self.few(log, case, length);
        let end = log.end();
        let class = |symbol: u32| self.classes.get((symbol < end).then_some(symbol));
        into.clear();
        into.extend((0..=end).map(|symbol| self.classes.weight(class(symbol))));
        for &(symbol, _) in &few.known {
            into[symbol as usize] = 0.0;
        }
        let others: f64 = into.iter().sum();
        let share = if others > 0.0 { few.rest / others } else { 0.0 };
        into.iter_mut().for_each(|chance| *chance *= share);
        for &(symbol, chance) in &few.known {
            into[symbol as usize] = chance;
        }
        let sum: f64 = into.iter().sum();
        into.iter_mut().for_each(|chance| *chance /= sum);
    }

    /// The same by candidate only: at most a few hundred, however many activities the log has.
    pub fn few(&self, log: &Log, case: usize, length: usize) -> Few {
        let judge = self.judged(log, case, length);
        let end = log.end();
        let mut few = Few::default();
        for (&class, &chance) in judge.candidates.iter().zip(&judge.chances) {
            let symbol = if class == classes::END { Some(end) } else { self.classes.symbol(class) };
            match symbol {
                Some(symbol) if symbol <= end => few.known.push((symbol, f64::from(chance))),
                _ => few.rest += f64::from(chance),
            }
        }
        few.rest += judge.chances.last().map_or(1.0, |&chance| f64::from(chance));
        few
    }

    /// Learns what came after the first `length` events of the case.
    pub fn update(&mut self, log: &Log, case: usize, length: usize) {
        let known =
            log.cases.get(case).is_some_and(|case| !case.events.is_empty() && length <= case.events.len());
        if !known {
            return;
        }
        let judge = self.judged(log, case, length);
        let came = log.trace(&log.cases[case]).get(length).copied();
        judge.teach(&mut self.weights, self.classes.get(came), ONLINE);
        self.count(&judge, came);
    }

    /// Every column of the log, those of events first: nothing where it is used, or why not.
    pub fn columns(&self, log: &Log) -> Vec<(String, Option<Reason>)> {
        columns::used(log, &self.sources)
    }

    /// The model as it is stored; the same for the same cases and seed.
    pub fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// What was stored; None of bytes that are none of its own.
    pub fn restore(bytes: &[u8]) -> Option<Model> {
        let model: Model = postcard::from_bytes(bytes).ok()?;
        let kinds = walk::kinds(&model.sources);
        (model.weights.fits(kinds) && model.classes.fits()).then_some(model)
    }
}

/// Probabilities of those classes that are likely at all, and of all others together. [`Log::end`] is the end of the case.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Few {
    pub known: Vec<(u32, f64)>,
    pub rest: f64,
}

/// Which events teach the weights: a seeded share of those after the first cases, in steps that become smaller.
struct Lessons {
    first_case: usize,
    /// Of 2^32.
    share: u64,
    turn: u64,
    wanted: f32,
    given: f32,
}

impl Lessons {
    fn new(log: &Log, cases: &[usize], seed: u64) -> Lessons {
        let first_case = (cases.len() as f64 * COUNTED_FIRST) as usize;
        let length = |&case: &usize| log.cases.get(case).map_or(0, |case| case.events.len() + 1);
        let events: usize = cases.iter().skip(first_case).map(length).sum();
        let wanted = (events / LESSON).clamp(LEAST_LESSONS, MOST_LESSONS).min(events);
        Lessons {
            first_case,
            share: ((wanted as u64) << 32) / events.max(1) as u64,
            turn: walk::mix(seed, 1),
            wanted: wanted as f32,
            given: 0.0,
        }
    }

    /// Size of the step that the next event of the case with that number is worth, if any.
    fn next(&mut self, number: usize) -> Option<f32> {
        self.turn = self.turn.wrapping_add(1);
        if number < self.first_case || walk::mix(self.turn, 7) >> 32 >= self.share {
            return None;
        }
        self.given += 1.0;
        Some((1.0 - SLOWER * self.given / self.wanted).max(1.0 - SLOWER))
    }
}

#[cfg(test)]
mod tests;
