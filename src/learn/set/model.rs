//! A chance for each optional activity, and how probable each must be for the set to be said to have it.

use serde::{Deserialize, Serialize};

use super::super::chance::{self, Sample};
use super::super::log::Log;
use super::features::Features;

/// Optional activities with a model of their own, the most uncertain first; the others have their rate.
const MODELS: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    features: Features,
    /// Cases seen.
    seen: u64,
    /// By activity: its name, and how many cases had it.
    names: Vec<String>,
    had: Vec<u64>,
    /// Activity, its chance, and the bound above which it is said to come.
    labels: Vec<Label>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Label {
    activity: u32,
    chance: chance::Model,
    bound: f64,
}

impl Model {
    /// `cases` in order of time.
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Model {
        let mut model = Model {
            features: Features::of(log, cases),
            names: log.activities.clone(),
            had: vec![0; log.activities.len()],
            ..Model::default()
        };
        for &case in cases {
            model.count(log, case);
        }
        let samples: Vec<Sample> = cases.iter().map(|case| model.features.sample(log, *case)).collect();
        let sets: Vec<Vec<u32>> = cases.iter().map(|case| contents(log, *case)).collect();
        for activity in model.uncertain() {
            let has = |set: &Vec<u32>| set.binary_search(&activity).is_ok();
            let rows: Vec<(Sample, bool)> = samples.iter().cloned().zip(sets.iter().map(has)).collect();
            model.labels.push(Label { activity, chance: chance::Model::train(&rows, seed), bound: 0.5 });
        }
        model
    }

    /// Activities that some cases had and some had not.
    pub fn optional(&self) -> Vec<u32> {
        (0..self.had.len() as u32)
            .filter(|activity| (1..self.seen).contains(&self.had[*activity as usize]))
            .collect()
    }

    /// By activity, the probability that the case has it.
    pub fn predict(&self, log: &Log, case: usize) -> Vec<f64> {
        let mut chances: Vec<f64> =
            self.had.iter().map(|had| (*had as f64 + 0.5) / (self.seen as f64 + 1.0)).collect();
        let sample = self.features.sample(log, case);
        for label in &self.labels {
            chances[label.activity as usize] = label.chance.predict(&sample).probability;
        }
        if let Some(first) = log.cases.get(case).and_then(|case| log.trace(case).first()) {
            // It is there already.
            chances.get_mut(*first as usize).into_iter().for_each(|chance| *chance = 1.0);
        }
        chances
    }

    /// Which of the activities to say, of chances by activity.
    pub fn said(&self, chances: &[f64]) -> Vec<bool> {
        let mut said: Vec<bool> = chances.iter().map(|chance| *chance >= 0.5).collect();
        for label in &self.labels {
            let place = label.activity as usize;
            if let (Some(said), Some(chance)) = (said.get_mut(place), chances.get(place)) {
                *said = *chance >= label.bound;
            }
        }
        said
    }

    /// A case that ended is learned.
    pub fn update(&mut self, log: &Log, case: usize) {
        self.count(log, case);
        let sample = self.features.sample(log, case);
        let set = contents(log, case);
        for label in &mut self.labels {
            label.chance.update(&sample, set.binary_search(&label.activity).is_ok());
        }
    }

    fn count(&mut self, log: &Log, case: usize) {
        self.seen += 1;
        for activity in contents(log, case) {
            if let Some(had) = self.had.get_mut(activity as usize) {
                *had += 1;
            }
        }
    }

    /// Optional activities, those nearest to a half of the cases first.
    fn uncertain(&self) -> Vec<u32> {
        let mut all = self.optional();
        all.sort_by_key(|activity| (2 * self.had[*activity as usize]).abs_diff(self.seen));
        all.truncate(MODELS);
        all
    }
}

/// Which activities the case has, sorted.
fn contents(log: &Log, case: usize) -> Vec<u32> {
    let mut all: Vec<u32> = log.cases.get(case).map(|case| log.trace(case).to_vec()).unwrap_or_default();
    all.sort_unstable();
    all.dedup();
    all
}
