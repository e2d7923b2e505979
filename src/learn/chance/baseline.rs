//! What a model has to beat: the rate so far, the last outcome, a fading rate, plain naive Bayes. Each learns one sample at a
//! time, as the model does.

use super::cells::Cells;
use super::edges::AllEdges;
use super::{Sample, logit, sigmoid};

/// Predicts, then learns.
pub trait Baseline {
    fn predict(&self, sample: &Sample) -> f64;
    fn update(&mut self, sample: &Sample, came: bool);
}

/// The share of yes so far.
#[derive(Clone, Debug, Default)]
pub struct Prior {
    seen: f64,
    came: f64,
}

impl Baseline for Prior {
    fn predict(&self, _sample: &Sample) -> f64 {
        (self.came + 1.0) / (self.seen + 2.0)
    }

    fn update(&mut self, _sample: &Sample, came: bool) {
        self.seen += 1.0;
        self.came += f64::from(u8::from(came));
    }
}

/// It goes as it went last, as often as it did so far.
#[derive(Clone, Debug, Default)]
pub struct Last {
    last: bool,
    after: [Prior; 2],
}

impl Baseline for Last {
    fn predict(&self, sample: &Sample) -> f64 {
        self.after[usize::from(self.last)].predict(sample)
    }

    fn update(&mut self, sample: &Sample, came: bool) {
        self.after[usize::from(self.last)].update(sample, came);
        self.last = came;
    }
}

/// A rate that fades: the last `horizon` outcomes count most.
#[derive(Clone, Debug)]
pub struct Rate {
    rate: f64,
    seen: f64,
    horizon: f64,
}

impl Rate {
    pub fn new(horizon: f64) -> Rate {
        Rate { rate: 0.5, seen: 0.0, horizon: horizon.max(1.0) }
    }
}

impl Baseline for Rate {
    fn predict(&self, _sample: &Sample) -> f64 {
        self.rate
    }

    fn update(&mut self, _sample: &Sample, came: bool) {
        self.seen += 1.0;
        self.rate += (f64::from(u8::from(came)) - self.rate) / self.horizon.min(self.seen + 1.0);
    }
}

/// Every value's evidence at full weight, as if values had nothing to do with each other.
#[derive(Clone, Debug, Default)]
pub struct Bayes {
    prior: Prior,
    cells: Cells,
    edges: AllEdges,
}

impl Bayes {
    /// `samples` give the ranges of numbers.
    pub fn new<'a>(samples: impl Iterator<Item = &'a Sample>) -> Bayes {
        Bayes { edges: AllEdges::of(samples), ..Bayes::default() }
    }
}

impl Baseline for Bayes {
    fn predict(&self, sample: &Sample) -> f64 {
        let base = self.prior.predict(sample);
        let evidence = |(field, value)| self.cells.get(field, value).plain(base);
        sigmoid(logit(base) + self.edges.cells(sample).into_iter().map(evidence).sum::<f64>())
    }

    fn update(&mut self, sample: &Sample, came: bool) {
        let base = self.prior.predict(sample);
        for (field, value) in self.edges.cells(sample) {
            self.cells.add(field, value, came, base);
        }
        self.prior.update(sample, came);
    }
}
