//! A chance for each optional activity, and how probable one must be for the set to be said to have it.

use serde::{Deserialize, Serialize};

use super::super::chance::{self, Sample, View};
use super::super::features::Features;
use super::super::log::{Log, NO_TIME};

/// Optional activities with a model of their own, the most uncertain first; the others have their rate.
const MODELS: usize = 64;
/// Share of cases that must have an activity, and must not have it, for it to be optional.
const RARE: f64 = 0.02;
/// Bounds that are tried, in hundredths.
const BOUNDS: [u32; 11] = [25, 30, 35, 40, 43, 46, 50, 54, 58, 62, 66];
/// Cases times activities learned from, of the newest; and cases, at least.
const WORK: usize = 100_000;
const LEAST: usize = 2_000;
/// Cases that ended and wait to be learned, at most.
const WAITING: usize = 10_000;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    features: Features,
    /// Cases seen.
    seen: u64,
    /// By activity: how many cases had it.
    had: Vec<u64>,
    labels: Vec<Label>,
    /// An activity at least so probable is said to come.
    bound: f64,
    /// Nine of ten cases had ended so many milliseconds after their start.
    most_end: i64,
    waiting: Vec<Ended>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Label {
    activity: u32,
    chance: chance::Model,
}

/// A case that ended and is not learned yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    started: i64,
    sample: Sample,
    /// Sorted.
    set: Vec<u32>,
}

impl Model {
    /// `cases` in order of time.
    pub fn train(log: &Log, cases: &[usize], seed: u64) -> Model {
        let mut model = Model {
            features: Features::of(log, cases),
            had: vec![0; log.activities.len()],
            most_end: most_end(log, cases),
            ..Model::default()
        };
        let ended: Vec<Ended> = cases.iter().map(|case| model.ended(log, *case)).collect();
        ended.iter().for_each(|case| model.count(&case.set));
        let uncertain = model.uncertain();
        let newest = &ended[ended.len().saturating_sub((WORK / uncertain.len().max(1)).max(LEAST))..];
        for activity in uncertain {
            let rows = newest.iter().map(|case| (&case.sample, case.set.binary_search(&activity).is_ok()));
            model.labels.push(Label { activity, chance: chance::Model::train_with(View::Alone, rows, seed) });
        }
        model.bound = bound(&model.labels, newest.len() / 5);
        model
    }

    /// Activities that enough cases had and enough had not.
    pub fn optional(&self) -> Vec<u32> {
        let least = (self.seen as f64 * RARE).max(1.0);
        let optional = |had: u64| had as f64 >= least && (self.seen - had) as f64 >= least;
        (0..self.had.len() as u32).filter(|activity| optional(self.had[*activity as usize])).collect()
    }

    /// By activity, the probability that the case has it.
    pub fn predict(&self, log: &Log, case: usize) -> Vec<f64> {
        let mut chances: Vec<f64> =
            self.had.iter().map(|had| (*had as f64 + 0.5) / (self.seen as f64 + 1.0)).collect();
        let sample = self.features.sample(log, case);
        for label in &self.labels {
            if let Some(chance) = chances.get_mut(label.activity as usize) {
                *chance = label.chance.probability(&sample);
            }
        }
        if let Some(first) = log.cases.get(case).and_then(|case| log.trace(case).first()) {
            // It is there already.
            chances.get_mut(*first as usize).into_iter().for_each(|chance| *chance = 1.0);
        }
        chances
    }

    /// Whether an activity is said to come, of its chance.
    pub fn says(&self, chance: f64) -> bool {
        chance >= self.bound
    }

    /// A case that ended is learned, when most of those that began with it have ended too: those that end first are no fair
    /// sample, they are the short ones.
    pub fn update(&mut self, log: &Log, case: usize) {
        let Some(known) = log.cases.get(case) else { return };
        let now = log.ended(known);
        let ended = self.ended(log, case);
        let place = self.waiting.partition_point(|other| other.started <= ended.started);
        self.waiting.insert(place, ended);
        let ripe =
            |case: &Ended| case.started == NO_TIME || case.started.saturating_add(self.most_end) <= now;
        let mut count = self.waiting.partition_point(ripe);
        count = count.max(self.waiting.len().saturating_sub(WAITING));
        let ripe: Vec<Ended> = self.waiting.drain(..count).collect();
        ripe.iter().for_each(|case| self.learn(case));
    }

    #[cfg(test)]
    pub fn learn_at_once(&mut self) {
        self.most_end = 0;
    }

    fn learn(&mut self, case: &Ended) {
        self.count(&case.set);
        for label in &mut self.labels {
            label.chance.update(&case.sample, case.set.binary_search(&label.activity).is_ok());
        }
    }

    fn ended(&self, log: &Log, case: usize) -> Ended {
        let known = log.cases.get(case);
        let mut set: Vec<u32> = known.map(|case| log.trace(case).to_vec()).unwrap_or_default();
        set.sort_unstable();
        set.dedup();
        Ended {
            started: known.map_or(NO_TIME, |case| log.started(case)),
            sample: self.features.sample(log, case),
            set,
        }
    }

    fn count(&mut self, set: &[u32]) {
        self.seen += 1;
        for activity in set {
            self.had.get_mut(*activity as usize).into_iter().for_each(|had| *had += 1);
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

fn most_end(log: &Log, cases: &[usize]) -> i64 {
    let case = |place: &usize| log.cases.get(*place);
    let known = cases
        .iter()
        .filter_map(case)
        .filter(|case| log.started(case) != NO_TIME && log.ended(case) != NO_TIME);
    let mut lasted: Vec<i64> =
        known.map(|case| log.ended(case).saturating_sub(log.started(case)).max(0)).collect();
    lasted.sort_unstable();
    lasted.get(lasted.len() * 9 / 10).copied().unwrap_or(0)
}

/// The bound with the best F1 over all labels, by predictions of the last `cases` made before their outcomes were learned.
fn bound(labels: &[Label], cases: usize) -> f64 {
    let held: Vec<(f64, bool)> = labels.iter().flat_map(|label| label.chance.held(cases)).collect();
    let f1 = |hundredths: u32| {
        let bound = f64::from(hundredths) / 100.0;
        let right = held.iter().filter(|(chance, came)| *came && *chance >= bound).count();
        let said = held.iter().filter(|(chance, _)| *chance >= bound).count();
        let came = held.iter().filter(|(_, came)| *came).count();
        2.0 * right as f64 / (said + came).max(1) as f64
    };
    // A half unless another one is clearly better.
    let mut best = (50, f1(50) + 0.002);
    for hundredths in BOUNDS {
        if f1(hundredths) > best.1 {
            best = (hundredths, f1(hundredths));
        }
    }
    f64::from(best.0) / 100.0
}
