//! The model: evidence by field and views of the recent past, weighed, adjusted, and answered with reasons.

use serde::{Deserialize, Serialize};

use super::adjust::Adjust;
use super::cells::{Cell, Cells};
use super::edges::AllEdges;
use super::linear::Linear;
use super::recent::{self, Recent};
use super::safe::{Held, Safe};
use super::{Chance, Evidence, RECENT, Sample, Value, logit, sigmoid};

/// Fields with a weight of their own; those above share one.
pub const FIELDS: usize = 48;
/// Samples below which no answer is near to certain.
pub const FEW: u64 = 50;
/// Values that are remembered.
const CELLS: usize = 200_000;
/// Samples after which a model that was never trained finds its ranges of numbers.
const FIRST: usize = 64;
/// Half of an interval of 80 %, in standard deviations.
const TENTH: f64 = 1.2816;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// Kept for whoever draws from it; the model itself draws nothing.
    pub seed: u64,
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
const EVIDENCE: (f64, f64) = (0.3, 0.02);
/// The same for each view of the recent past.
const RECENTLY: (f64, f64) = (0.1, 0.05);
/// Variance that weights gain with each sample.
const DRIFT: f64 = 1e-6;

/// A field's part of an answer.
#[derive(Clone, Copy, Debug)]
struct Part {
    field: u32,
    value: u64,
    cell: Cell,
    evidence: f64,
}

impl Model {
    /// Knows nothing yet.
    pub fn new(seed: u64) -> Model {
        Model {
            seed,
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
        let mut model = Model::new(seed);
        model.edges = AllEdges::of(samples.iter().map(|(sample, _)| sample));
        for (sample, came) in samples {
            model.learn(sample, *came);
        }
        model
    }

    /// What came is learned.
    pub fn update(&mut self, sample: &Sample, came: bool) {
        if self.edges.is_empty() && !sample.numbers.is_empty() && self.first.len() < FIRST {
            self.first.push((sample.clone(), came));
            if self.first.len() == FIRST {
                let first = core::mem::take(&mut self.first);
                *self = Model::train(&first, self.seed);
                return;
            }
        }
        self.learn(sample, came);
    }

    /// The rate to expect of a sample nothing is known of.
    pub fn base(&self) -> f64 {
        self.recent.base()
    }

    pub fn predict(&self, sample: &Sample) -> Chance {
        let parts = self.parts(sample);
        let inputs = self.inputs(sample, &parts);
        let base = logit(self.base());
        let answer = self.linear.predict(base, &inputs);
        let log_odds = self.adjust.log_odds(logit(answer.probability));
        let cap = 1.0 / (self.seen.min(FEW * 10) as f64 + 3.0);
        let probability = sigmoid(log_odds).clamp(cap, 1.0 - cap);
        let rate = 1.0 / ((self.seen as f64 + 2.0) * probability * (1.0 - probability));
        let wide = TENTH * (answer.variance + rate).sqrt();
        Chance {
            probability,
            low: sigmoid(logit(probability) - wide),
            high: sigmoid(logit(probability) + wide),
            because: self.because(&parts, &inputs),
        }
    }

    /// The bound below which a stage may be left out so that at least `recall` of the failures would have been found; None
    /// when too few failures were seen to say.
    pub fn threshold(&self, recall: f64) -> Option<Safe> {
        self.held.threshold(recall)
    }

    fn learn(&mut self, sample: &Sample, came: bool) {
        let parts = self.parts(sample);
        if let Some(last) = parts.last() {
            self.linear.grow(place(last.field) + 1, EVIDENCE.0, EVIDENCE.1);
        }
        let inputs = self.inputs(sample, &parts);
        let base = self.base();
        let answer = self.linear.predict(logit(base), &inputs);
        let raw = logit(answer.probability);
        self.held.add(sigmoid(self.adjust.log_odds(raw)), came);
        self.adjust.learn(raw, came);
        self.linear.learn(logit(base), &inputs, came);
        for (field, value) in self.edges.cells(sample) {
            self.cells.add(field, value, came, base);
        }
        if self.cells.len() > CELLS {
            self.cells.prune(CELLS / 2);
        }
        self.recent.add(&self.edges, sample, came);
        self.seen += 1;
        self.came += u64::from(came);
    }

    /// By field, the value that speaks loudest for the outcome: one risky file is enough, and only all files together make
    /// a change harmless.
    fn parts(&self, sample: &Sample) -> Vec<Part> {
        let base = self.base();
        let part = |(field, value)| {
            let cell = self.cells.get(field, value);
            Part { field, value, cell, evidence: cell.evidence(base) }
        };
        let mut all: Vec<Part> = self.edges.cells(sample).into_iter().map(part).collect();
        all.sort_by(|a, b| {
            a.field.cmp(&b.field).then(b.evidence.total_cmp(&a.evidence)).then(a.value.cmp(&b.value))
        });
        all.dedup_by_key(|part| part.field);
        all
    }

    fn inputs(&self, sample: &Sample, parts: &[Part]) -> Vec<f64> {
        let mut inputs = Vec::with_capacity(self.linear.len());
        inputs.push(1.0);
        self.recent.inputs(&self.edges, sample, &mut inputs);
        inputs.resize(self.linear.len(), 0.0);
        for part in parts {
            if let Some(input) = inputs.get_mut(place(part.field)) {
                *input += part.evidence;
            }
        }
        inputs
    }

    fn because(&self, parts: &[Part], inputs: &[f64]) -> Vec<Evidence> {
        let reason = |part: &Part| Evidence {
            field: part.field,
            value: self.value(part),
            weight: part.evidence * self.weight(part.field),
            seen: part.cell.seen,
            came: part.cell.came,
        };
        let mut all: Vec<Evidence> = parts.iter().filter(|part| part.cell.seen > 0).map(reason).collect();
        let recent = 1..1 + recent::INPUTS;
        let weight = recent.map(|place| inputs[place] * self.linear.weights[place]).sum();
        let (seen, came) = self.recent.last();
        all.push(Evidence { field: RECENT, value: Value::Recent, weight, seen, came });
        all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()).then(a.field.cmp(&b.field)));
        all
    }

    fn weight(&self, field: u32) -> f64 {
        self.linear.weights.get(place(field)).copied().unwrap_or(0.0)
    }

    fn value(&self, part: &Part) -> Value {
        match self.edges.get(part.field) {
            Some(edges) if !edges.is_empty() => {
                let (low, high) = edges.range(part.value as usize);
                Value::Between(low, high)
            }
            _ => Value::Word(part.value),
        }
    }
}

fn place(field: u32) -> usize {
    1 + recent::INPUTS + (field as usize).min(FIELDS)
}

/// Weights before anything was learned.
fn weights() -> Linear {
    let mut means = vec![RECENTLY.0; 1 + recent::INPUTS];
    let mut variances = vec![RECENTLY.1; 1 + recent::INPUTS];
    (means[0], variances[0]) = (0.0, 0.02);
    Linear::new(means, &variances, DRIFT)
}
