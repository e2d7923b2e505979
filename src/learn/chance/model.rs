//! The model: evidence by field and views of the recent past, weighed, adjusted, and answered with reasons.

use core::cmp::Ordering;

use serde::{Deserialize, Serialize};
use statrs::distribution::{Beta, ContinuousCDF};

use super::adjust::Adjust;
use super::cells::{Cell, Cells};
use super::edges::{AllEdges, Place};
use super::linear::Linear;
use super::recent::{self, Recent};
use super::safe::{Held, Safe};
use super::{Chance, Evidence, RECENT, Sample, Value, logit, sigmoid};

/// Fields with a weight of their own; those above share one.
pub const FIELDS: usize = 48;
/// Samples after which an answer may be as near to certain as it ever may.
const SURE: u64 = 500;
/// Values that are remembered.
const CELLS: usize = 200_000;
/// Samples after which a model that was never trained finds its ranges of numbers.
const FIRST: usize = 64;
/// Samples before predictions are worth holding against what came.
const HOLD: u64 = 20;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Kept for whoever draws from it; the model itself draws nothing.
    pub seed: u64,
    view: View,
    pub seen: u64,
    pub came: u64,
    edges: AllEdges,
    cells: Cells,
    recent: Recent,
    linear: Linear,
    adjust: Adjust,
    held: Held,
    /// The first samples, until ranges of numbers are found.
    first: Vec<(Sample, bool)>,
}

/// Weight of a field's evidence, and variance of it, before anything was learned: it counts in part, as fields tell the same
/// thing twice.
const EVIDENCE: (f64, f64) = (0.15, 0.06);
/// The same for each view of the recent past.
const RECENTLY: (f64, f64) = (0.1, 0.05);
/// Variance that weights gain with each sample.
const DRIFT: f64 = 7e-5;

/// What is looked at besides the sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum View {
    /// How it went lately: right where an outcome is known before the next prediction.
    #[default]
    Lately,
    /// The sample alone: right where outcomes come late, or not in order.
    Alone,
}

/// A field's part of an answer.
#[derive(Clone, Copy, Debug)]
struct Part {
    field: u32,
    value: u64,
    cell: Cell,
    evidence: f64,
    lately: f64,
}

/// A sample as the model sees it.
struct Look {
    /// All its values.
    cells: Vec<(u32, u64)>,
    /// The loudest by field.
    parts: Vec<Part>,
    at: Place,
    inputs: Vec<f64>,
}

impl Model {
    /// Knows nothing yet.
    pub fn new(seed: u64) -> Model {
        Model::of(View::Lately, seed)
    }

    pub fn of(view: View, seed: u64) -> Model {
        Model {
            seed,
            view,
            seen: 0,
            came: 0,
            edges: AllEdges::default(),
            cells: Cells::default(),
            recent: Recent::default(),
            linear: weights(),
            adjust: Adjust::default(),
            held: Held::default(),
            first: Vec::new(),
        }
    }

    /// `samples` in order of time.
    pub fn train(samples: &[(Sample, bool)], seed: u64) -> Model {
        Model::train_with(View::Lately, samples.iter().map(|(sample, came)| (sample, *came)), seed)
    }

    /// The same with that view, of samples that somebody else keeps.
    pub fn train_with<'a>(
        view: View,
        samples: impl Iterator<Item = (&'a Sample, bool)> + Clone,
        seed: u64,
    ) -> Model {
        let mut model = Model::of(view, seed);
        model.edges = AllEdges::of(samples.clone().map(|(sample, _)| sample));
        for (sample, came) in samples {
            model.keep_first(sample, came);
            model.learn(sample, came);
        }
        model
    }

    /// What came is learned.
    pub fn update(&mut self, sample: &Sample, came: bool) {
        self.keep_first(sample, came);
        self.learn(sample, came);
        if self.first.len() == FIRST {
            // Enough to see how the numbers lie; they may have been too few when it was trained.
            let first = core::mem::take(&mut self.first);
            *self =
                Model::train_with(self.view, first.iter().map(|(sample, came)| (sample, *came)), self.seed);
            self.first = Vec::new();
        }
    }

    fn keep_first(&mut self, sample: &Sample, came: bool) {
        match self.seen.cmp(&(FIRST as u64)) {
            Ordering::Less => self.first.push((sample.clone(), came)),
            Ordering::Equal => self.first = Vec::new(),
            Ordering::Greater => {}
        }
    }

    /// The rate to expect of a sample nothing is known of.
    pub fn base(&self) -> f64 {
        self.recent.base()
    }

    pub fn predict(&self, sample: &Sample) -> Chance {
        let look = self.look(sample);
        let (probability, variance) = self.answer(&look);
        let (low, high) = interval(probability, self.support(&look, probability, variance));
        Chance { probability, low, high, because: self.because(&look) }
    }

    /// Samples that the answer is as sure as: no more than were seen of the values that speak, and no more than the belief
    /// about the weights is worth.
    fn support(&self, look: &Look, probability: f64, variance: f64) -> f64 {
        let weight = |part: &Part| (part.evidence * self.weight(part.field)).abs() + 1e-3;
        let all: f64 = look.parts.iter().map(weight).sum();
        let seen: f64 = look.parts.iter().map(|part| weight(part) * f64::from(part.cell.seen)).sum();
        let seen = if all > 0.0 { seen / all } else { self.seen as f64 };
        let sure = 1.0 / (probability * (1.0 - probability) * variance.max(1e-9));
        seen.min(sure)
    }

    /// The same without interval and reasons.
    pub fn probability(&self, sample: &Sample) -> f64 {
        self.answer(&self.look(sample)).0
    }

    /// Predictions of the newest samples, each made before its outcome was learned, and what came.
    pub fn held(&self, most: usize) -> impl Iterator<Item = (f64, bool)> + '_ {
        self.held.newest(most)
    }

    fn answer(&self, look: &Look) -> (f64, f64) {
        let answer = self.linear.predict(logit(self.base()), &look.inputs);
        let probability = sigmoid(self.adjust.log_odds(logit(answer.probability)));
        let cap = self.cap();
        (probability.clamp(cap, 1.0 - cap), answer.variance)
    }

    /// Nothing is nearer to certain than this.
    fn cap(&self) -> f64 {
        1.0 / (self.seen.min(SURE) as f64 + 3.0)
    }

    /// The bound below which a stage may be left out so that at least `recall` of the failures would have been found; None
    /// when too few failures were seen to say.
    pub fn threshold(&self, recall: f64) -> Option<Safe> {
        self.held.threshold(recall)
    }

    fn learn(&mut self, sample: &Sample, came: bool) {
        let fields =
            sample.words.iter().map(|word| word.0).chain(sample.numbers.iter().map(|number| number.0));
        if let Some(last) = fields.max() {
            self.linear.grow(place(last) + 1, EVIDENCE.0, EVIDENCE.1);
        }
        let look = self.look(sample);
        let base = self.base();
        let raw = logit(self.linear.learn(logit(base), &look.inputs, came).probability);
        if self.seen >= HOLD {
            self.held.add(sigmoid(self.adjust.log_odds(raw)), came);
        }
        self.adjust.learn(raw, came);
        for (field, value) in look.cells {
            self.cells.add(field, value, came, base);
        }
        if self.cells.len() > CELLS {
            self.cells.prune(CELLS / 2);
        }
        self.recent.add(look.at, came);
        self.seen += 1;
        self.came += u64::from(came);
    }

    fn look(&self, sample: &Sample) -> Look {
        let at = self.edges.stand(sample);
        let cells = self.edges.cells(sample);
        let parts = self.parts(&cells);
        let inputs = self.inputs(&at, &parts);
        Look { cells, parts, at, inputs }
    }

    /// By field, the value that speaks loudest for the outcome: one risky file is enough, and only all files together make
    /// a change harmless.
    fn parts(&self, cells: &[(u32, u64)]) -> Vec<Part> {
        let base = self.base();
        let part = |&(field, value): &(u32, u64)| {
            let cell = self.cells.get(field, value);
            Part { field, value, cell, evidence: cell.evidence(), lately: cell.lately(base) }
        };
        let mut all: Vec<Part> = cells.iter().map(part).collect();
        all.sort_by(|a, b| {
            a.field.cmp(&b.field).then(b.evidence.total_cmp(&a.evidence)).then(a.value.cmp(&b.value))
        });
        all.dedup_by_key(|part| part.field);
        all
    }

    fn inputs(&self, at: &Place, parts: &[Part]) -> Vec<f64> {
        let mut inputs = Vec::with_capacity(self.linear.len());
        inputs.push(1.0);
        let lately = self.view == View::Lately;
        if lately {
            self.recent.inputs(at, &mut inputs);
        }
        inputs.resize(self.linear.len(), 0.0);
        for part in parts {
            if let Some(input) = inputs.get_mut(place(part.field)) {
                *input += part.evidence;
            }
            if let Some(input) = inputs.get_mut(1 + recent::INPUTS).filter(|_| lately) {
                *input += part.lately / parts.len() as f64;
            }
        }
        // One number that is none would spoil all weights for ever.
        inputs.iter_mut().filter(|input| !input.is_finite()).for_each(|input| *input = 0.0);
        inputs
    }

    fn because(&self, look: &Look) -> Vec<Evidence> {
        let reason = |part: &Part| Evidence {
            field: part.field,
            value: self.value(part),
            weight: part.evidence * self.weight(part.field),
            seen: part.cell.seen,
            came: part.cell.came,
        };
        let mut all: Vec<Evidence> =
            look.parts.iter().filter(|part| part.cell.seen > 0).map(reason).collect();
        let weighed = look.inputs.iter().zip(&self.linear.weights).map(|(input, weight)| input * weight);
        let weight = weighed.skip(1).take(1 + recent::INPUTS).sum();
        let (seen, came) = self.recent.last();
        all.push(Evidence { field: RECENT, value: Value::Recent, weight, seen, came });
        all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then(a.field.cmp(&b.field)));
        all
    }

    fn weight(&self, field: u32) -> f64 {
        self.linear.weights.get(place(field)).copied().unwrap_or(0.0)
    }

    fn value(&self, part: &Part) -> Value {
        let edges = self.edges.get(part.field).filter(|edges| !edges.is_empty());
        let range = edges.and_then(|edges| edges.range(part.value));
        range.map_or(Value::Word(part.value), |(low, high)| Value::Between(low, high))
    }
}

/// Where the rate lies 8 times in 10, of a Beta distribution with that mean that is worth so many samples.
fn interval(probability: f64, support: f64) -> (f64, f64) {
    let (yes, no) = (probability * support + 0.5, (1.0 - probability) * support + 0.5);
    let Ok(beta) = Beta::new(yes, no) else { return (0.0, 1.0) };
    (beta.inverse_cdf(0.1).min(probability), beta.inverse_cdf(0.9).max(probability))
}

fn place(field: u32) -> usize {
    2 + recent::INPUTS + (field as usize).min(FIELDS)
}

/// Weights before anything was learned.
fn weights() -> Linear {
    let mut means = vec![RECENTLY.0; 2 + recent::INPUTS];
    let mut variances = vec![RECENTLY.1; 2 + recent::INPUTS];
    (means[0], variances[0]) = (0.0, 0.02);
    Linear::new(means, &variances, DRIFT)
}
