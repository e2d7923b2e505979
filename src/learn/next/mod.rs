//! The next event of a case: counts by context with back-off, put together with learned weights, learning as events come.
//! Knows numbers only.

pub mod baseline;
pub mod columns;
mod mix;
mod table;
mod walk;

use serde::{Deserialize, Serialize};

use columns::Source;
pub use columns::{Reason, columns};
use mix::{Evidence, TRUSTS, Weights, softmax, trust};
use table::{Counts, LARGEST_BITS, Table};
use walk::{Contexts, EACH, ORDERS, OTHER, Walk};

use super::log::Log;

const MOST_CLASSES: usize = 4096;
const UNKNOWN: u16 = u16::MAX;
const END: u16 = 0;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// By symbol.
    classes: Vec<u16>,
    /// By class; of the end [`u32::MAX`].
    symbols: Vec<u32>,
    sources: Vec<Source>,
    counts: Vec<u32>,
    total: u32,
    table: Table,
    weights: Weights,
}

#[derive(Default)]
struct Scratch {
    contexts: Contexts,
    candidates: Vec<u16>,
    places: Vec<u16>,
    one: Vec<f32>,
    two: Vec<f32>,
    now: Vec<f32>,
    logits: Vec<f32>,
    chances: Vec<f32>,
    evidence: Vec<Evidence>,
    gradient: Vec<f32>,
}

pub fn env(name: &str, other: f32) -> f32 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(other)
}

impl Model {
    pub fn train(log: &Log, cases: &[usize], _seed: u64) -> Model {
        let sources = columns::sources(log);
        let kinds = ORDERS + 1 + OTHER + sources.len() * EACH;
        let (wc, wo) = (env("WC", 1.0), env("WO", 0.15));
        let weights = Weights::new(kinds, |kind| if kind <= ORDERS { wc } else { wo }, env("RATE", 0.05));
        let mut model = Model {
            classes: Vec::new(),
            symbols: vec![u32::MAX],
            sources,
            counts: vec![0],
            total: 0,
            table: Table::new(LARGEST_BITS),
            weights,
        };
        let mut scratch = Scratch::default();
        let from = (cases.len() as f32 * env("FROM", 0.8)) as usize;
        let sources = model.sources.clone();
        for (number, &case) in cases.iter().enumerate() {
            let mut walk = Walk::new(log, &sources, case);
            loop {
                walk.contexts(&mut scratch.contexts);
                let came = walk.next();
                if number >= from {
                    model.weigh(&mut scratch, came);
                }
                model.count(&scratch.contexts, came);
                if !walk.left() {
                    break;
                }
                walk.step();
            }
        }
        model
    }

    fn class(&self, symbol: Option<u32>) -> u16 {
        symbol.map_or(END, |symbol| self.classes.get(symbol as usize).copied().unwrap_or(UNKNOWN))
    }

    fn class_of_new(&mut self, symbol: Option<u32>) -> u16 {
        let class = self.class(symbol);
        let Some(symbol) = symbol.filter(|_| class == UNKNOWN && self.symbols.len() < MOST_CLASSES) else {
            return class;
        };
        if self.classes.len() <= symbol as usize {
            self.classes.resize(symbol as usize + 1, UNKNOWN);
        }
        let class = self.symbols.len() as u16;
        self.classes[symbol as usize] = class;
        self.symbols.push(symbol);
        self.counts.push(0);
        class
    }

    fn count(&mut self, contexts: &Contexts, came: Option<u32>) {
        let class = self.class_of_new(came);
        if class == UNKNOWN {
            return;
        }
        self.counts[class as usize] += 1;
        self.total += 1;
        for &hash in &contexts.hashes[1..] {
            if hash != 0 {
                self.table.add(hash, class);
            }
        }
    }

    fn weigh(&mut self, scratch: &mut Scratch, came: Option<u32>) {
        self.judge(scratch);
        let class = self.class(came);
        let rest = scratch.candidates.len();
        let came = scratch.candidates.iter().position(|&one| one == class).unwrap_or(rest);
        let Scratch { evidence, chances, gradient, .. } = scratch;
        gradient.resize((ORDERS + 1 + OTHER + self.sources.len() * EACH) * TRUSTS, 0.0);
        self.weights.step(evidence, chances, came, gradient);
    }

    /// Chances of the candidates (those that followed the last event before) and, last, of all others together.
    fn judge(&self, scratch: &mut Scratch) {
        let first = self.table.get(scratch.contexts.hashes[1]);
        self.base(first, scratch);
        self.suffixes(scratch);
        self.others(scratch);
        scratch.logits.clear();
        scratch.logits.extend(scratch.one.iter().map(|chance| chance.ln()));
        self.weights.add_up(&scratch.evidence, &mut scratch.logits);
        softmax(&scratch.logits, &mut scratch.chances);
    }

    fn base(&self, first: Option<Counts<'_>>, scratch: &mut Scratch) {
        let Scratch { candidates, places, one, evidence, .. } = scratch;
        evidence.clear();
        places.resize(self.symbols.len(), UNKNOWN);
        for &class in candidates.iter() {
            places[class as usize] = UNKNOWN;
        }
        candidates.clear();
        one.clear();
        let kinds = self.counts.iter().filter(|&&n| n > 0).count() as f32;
        let all = self.total as f32 + kinds + 1.0;
        let zero = |class: u16| (self.counts[class as usize] as f32 + 0.5) / all;
        let mut seen = 0.0;
        if let Some(first) = first {
            for (class, count) in first.iter() {
                places[class as usize] = candidates.len() as u16;
                candidates.push(class);
                one.push(f32::from(count));
                seen += f32::from(count);
            }
        } else {
            candidates.extend(0..self.symbols.len().min(64) as u16);
            for (place, &class) in candidates.iter().enumerate() {
                places[class as usize] = place as u16;
                one.push(0.0);
            }
        }
        let distinct = candidates.len().max(1) as f32;
        let mut rest = 1.0;
        for (chance, &class) in one.iter_mut().zip(candidates.iter()) {
            let below = zero(class);
            rest -= below;
            *chance = (*chance + distinct * below) / (seen + distinct);
        }
        one.push((distinct * rest.max(1e-6)) / (seen + distinct));
    }

    fn suffixes(&self, scratch: &mut Scratch) {
        let Scratch { contexts, places, one, two, now, evidence, .. } = scratch;
        now.clone_from(one);
        two.clone_from(one);
        for order in 2..=ORDERS {
            let hash = contexts.hashes[order];
            let Some(counts) = (hash != 0).then(|| self.table.get(hash)).flatten() else { break };
            say(counts, order, 1.0, places, now, evidence);
            back_off(counts, places, now);
            if order == 2 {
                two.clone_from(now);
            }
        }
    }

    fn others(&self, scratch: &mut Scratch) {
        let Scratch { contexts, places, one, two, evidence, .. } = scratch;
        for (number, &hash) in contexts.hashes.iter().enumerate().skip(ORDERS + 1) {
            let Some(counts) = (hash != 0).then(|| self.table.get(hash)).flatten() else { continue };
            let other = number - ORDERS - 1;
            let deep = if other < OTHER { other >= 12 } else { (other - OTHER) % EACH == 1 };
            say(counts, number, 1.0, places, if deep { two } else { one }, evidence);
        }
    }

    pub fn predict(&self, log: &Log, case: usize, length: usize, into: &mut Vec<f64>) {
        let mut scratch = Scratch::default();
        let mut walk = Walk::new(log, &self.sources, case);
        walk.to(length);
        walk.contexts(&mut scratch.contexts);
        self.judge(&mut scratch);
        self.spread(log, &scratch, into);
    }

    fn spread(&self, log: &Log, scratch: &Scratch, into: &mut Vec<f64>) {
        let classes = log.end() as usize + 1;
        into.clear();
        into.resize(classes, 0.0);
        let zero = |class: u16| f64::from(self.counts.get(class as usize).copied().unwrap_or(0)) + 0.5;
        let mut all = classes as f64 * 0.5 + f64::from(self.total);
        for &class in &scratch.candidates {
            all -= zero(class);
        }
        let rest = f64::from(scratch.chances.last().copied().unwrap_or(1.0)) / all.max(0.5);
        for (symbol, chance) in into.iter_mut().enumerate() {
            let class = if symbol + 1 == classes { END } else { self.class(Some(symbol as u32)) };
            *chance = rest * zero(class);
        }
        for (&class, &chance) in scratch.candidates.iter().zip(&scratch.chances) {
            let symbol = if class == END { classes - 1 } else { self.symbols[class as usize] as usize };
            if let Some(place) = into.get_mut(symbol) {
                *place = f64::from(chance);
            }
        }
        let sum: f64 = into.iter().sum();
        into.iter_mut().for_each(|chance| *chance /= sum);
    }

    pub fn update(&mut self, log: &Log, case: usize, length: usize) {
        let mut scratch = Scratch::default();
        let sources = core::mem::take(&mut self.sources);
        let mut walk = Walk::new(log, &sources, case);
        walk.to(length);
        walk.contexts(&mut scratch.contexts);
        let came = walk.next();
        self.sources = sources;
        self.weigh(&mut scratch, came);
        self.count(&scratch.contexts, came);
    }

    /// The model as it is stored; the same for the same cases and seed.
    pub fn bytes(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }
    pub fn show(&self) {
        for kind in 0..ORDERS + 1 + OTHER + self.sources.len() * EACH {
            let w: Vec<String> = self.weights.show(kind).iter().map(|w| format!("{w:5.2}")).collect();
            println!("{kind:3} {}", w.join(" "));
        }
    }
}

/// What a context says of its classes beside what was thought without it: ln(1 + n / (T q)), which is Witten-Bell's
/// probability by q, but for what is the same for all classes.
fn say(counts: Counts<'_>, kind: usize, alpha: f32, places: &[u16], prior: &[f32], into: &mut Vec<Evidence>) {
    let (mut seen, mut distinct) = (0u32, 0u32);
    let start = into.len();
    for (class, count) in counts.iter() {
        seen += u32::from(count);
        distinct += 1;
        let place = places.get(class as usize).copied().unwrap_or(UNKNOWN);
        let candidate = if place == UNKNOWN { prior.len() as u16 - 1 } else { place };
        into.push(Evidence { candidate, weight: 0, score: f32::from(count) });
    }
    let weight = (kind * TRUSTS + trust(seen, distinct)) as u16;
    for part in &mut into[start..] {
        part.weight = weight;
        part.score = (1.0 + part.score / (alpha * distinct as f32 * prior[part.candidate as usize])).ln();
    }
}

fn back_off(counts: Counts<'_>, places: &[u16], now: &mut [f32]) {
    let (mut seen, mut distinct) = (0.0, 0.0);
    for (_, count) in counts.iter() {
        seen += f32::from(count);
        distinct += 1.0;
    }
    let all = seen + distinct;
    now.iter_mut().for_each(|chance| *chance *= distinct / all);
    for (class, count) in counts.iter() {
        let place = places.get(class as usize).copied().unwrap_or(UNKNOWN);
        let candidate = if place == UNKNOWN { now.len() - 1 } else { place as usize };
        now[candidate] += f32::from(count) / all;
    }
}
