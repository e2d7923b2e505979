//! One prediction: the candidates (what followed the last event before), how likely they are by the last event alone, and
//! what every longer or other context says beside that. Counts nothing.
//!
//! I. H. Witten and T. C. Bell, *The zero-frequency problem*, 1991 (method C: of a context seen n times with t classes after
//! it, t parts of n + t are left to shorter contexts).

use super::classes::Classes;
use super::mix::{Part, Said, Weights, ln, softmax, trust};
use super::table::{Counts, Table};
use super::walk::{self, Contexts, ORDERS};

/// Stands for a class that is no candidate.
const NOWHERE: u16 = u16::MAX;
/// Where nothing followed the last event before, the first classes known are candidates.
const WITHOUT: usize = 64;
/// Least probability of what is no candidate.
const LEAST: f32 = 1e-6;

/// Room for a prediction, used again for the next.
#[derive(Clone, Debug, Default)]
pub struct Judge {
    pub contexts: Contexts,
    pub candidates: Vec<u16>,
    /// By candidate and, last, all others together.
    pub chances: Vec<f32>,
    /// By class, its place among the candidates.
    places: Vec<u16>,
    /// Probability after the last event, and after as many as are known; by candidate and, last, all others together.
    one: Vec<f32>,
    now: Vec<f32>,
    /// One over the probability after the last event, and after the last two.
    rare: [Vec<f32>; 2],
    said: Said,
    logits: Vec<f32>,
}

/// How often a context was seen and how many classes followed it; its parts are the last of those said.
struct Heard {
    from: usize,
    seen: u32,
    distinct: u32,
}

impl Judge {
    /// Chances of the candidates after what stands in `contexts`.
    pub fn judge(&mut self, classes: &Classes, table: &Table, weights: &Weights) {
        self.said.clear();
        let first = known(table, self.contexts.hashes.get(1));
        self.choose(classes, first);
        self.base(classes);
        self.suffixes(table);
        self.others(table);
        self.logits.clear();
        self.logits.extend(self.one.iter().map(|&chance| ln(chance)));
        weights.add_up(&self.said, &mut self.logits);
        softmax(&self.logits, &mut self.chances);
    }

    /// Teaches the weights what came after all.
    pub fn teach(&self, weights: &mut Weights, class: Option<u16>, pace: f32) {
        let rest = self.candidates.len();
        let came = class.and_then(|class| self.candidates.iter().position(|&one| one == class));
        weights.step(&self.said, &self.chances, came.unwrap_or(rest), pace);
    }

    fn choose(&mut self, classes: &Classes, first: Option<Counts<'_>>) {
        for &class in &self.candidates {
            self.places[class as usize] = NOWHERE;
        }
        self.places.resize(classes.len(), NOWHERE);
        self.candidates.clear();
        self.one.clear();
        let (places, candidates, one) = (&mut self.places, &mut self.candidates, &mut self.one);
        let mut take = |class: u16, count: u16| {
            if let Some(place) = places.get_mut(class as usize) {
                *place = candidates.len() as u16;
                candidates.push(class);
                one.push(f32::from(count));
            }
        };
        match first {
            Some(first) => first.each(take),
            None => (0..classes.len().min(WITHOUT)).for_each(|class| take(class as u16, 0)),
        }
    }

    /// From counts to probabilities after the last event.
    fn base(&mut self, classes: &Classes) {
        let distinct = self.candidates.len().max(1) as f32;
        let all = self.one.iter().sum::<f32>() + distinct;
        let mut rest = 1.0;
        for (chance, &class) in self.one.iter_mut().zip(&self.candidates) {
            let below = classes.share(class);
            rest -= below;
            *chance = (*chance + distinct * below) / all;
        }
        self.one.push(distinct * rest.max(LEAST) / all);
    }

    /// Longer and longer suffixes, each beside the one before.
    fn suffixes(&mut self, table: &Table) {
        self.now.clone_from(&self.one);
        over(&self.one, &mut self.rare[0]);
        over(&self.one, &mut self.rare[1]);
        for order in 2..=ORDERS {
            let Some(counts) = known(table, self.contexts.hashes.get(order)) else { break };
            let heard = self.hear(counts);
            let all = (heard.seen + heard.distinct) as f32;
            let escape = heard.distinct as f32 / all;
            self.now.iter_mut().for_each(|chance| *chance *= escape);
            for part in &mut self.said.parts[heard.from..] {
                let chance = &mut self.now[part.candidate as usize];
                let share = part.score / all;
                part.score = ln(1.0 + share / *chance);
                *chance += share;
            }
            self.said.close(order, 0, trust(heard.seen, heard.distinct));
            if order == 2 {
                over(&self.now, &mut self.rare[1]);
            }
        }
    }

    /// What every other context says beside the last event, or the last two: ln(1 + n / (t q)), which is its probability by
    /// q, but for what is the same for all classes.
    fn others(&mut self, table: &Table) {
        for kind in ORDERS + 1..self.contexts.hashes.len() {
            let Some(counts) = known(table, self.contexts.hashes.get(kind)) else { continue };
            let heard = self.hear(counts);
            let rare = &self.rare[usize::from(walk::is_deep(kind))];
            let share = 1.0 / heard.distinct as f32;
            for part in &mut self.said.parts[heard.from..] {
                part.score = ln(1.0 + part.score * share * rare[part.candidate as usize]);
            }
            self.said.close(kind, walk::group(kind), trust(heard.seen, heard.distinct));
        }
    }

    /// Adds the counts as parts.
    fn hear(&mut self, counts: Counts<'_>) -> Heard {
        let rest = self.candidates.len() as u16;
        let mut heard = Heard { from: self.said.parts.len(), seen: 0, distinct: 0 };
        let (places, parts) = (&self.places, &mut self.said.parts);
        counts.each(|class, count| {
            heard.seen += u32::from(count);
            heard.distinct += 1;
            let place = places.get(class as usize).copied().unwrap_or(NOWHERE);
            parts.push(Part { candidate: place.min(rest), score: f32::from(count) });
        });
        heard
    }
}

fn known<'a>(table: &'a Table, hash: Option<&u64>) -> Option<Counts<'a>> {
    hash.filter(|&&hash| hash != 0).and_then(|&hash| table.get(hash))
}

fn over(chances: &[f32], into: &mut Vec<f32>) {
    into.clear();
    into.extend(chances.iter().map(|chance| 1.0 / chance));
}
