//! What a lane's runs teach of its stages: how likely a change needs each and how likely each finds something, with how good
//! that was so far. Reads no store and no clock; the same runs give the same bytes.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::history::{Mode, Past, PastChange};
use crate::learn::labels::{Answer, Labels, Prior};

use super::dataset::{self, KINDS, Outcome};

/// Of the stored form and of what is computed; a snapshot of another is worked out again.
pub const VERSION: u32 = 1;
/// Stage ends that are learned from, the newest.
pub const EVENTS: usize = 100_000;
/// Predictions that are kept with what came.
const KEPT: usize = 16_384;
/// Durations of a stage that are kept.
const DURATIONS: usize = 64;
/// Runs before which no prediction counts: nothing was known yet.
const WARM: u32 = 20;
/// Runs learned one by one after which all is worked out again.
pub const UPDATES: u32 = 20;
const DAY: i64 = 86_400_000;

/// What was learned of one lane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Model {
    pub version: u32,
    /// Nothing here is drawn; kept beside what draws from it.
    pub seed: u64,
    /// When it was worked out from all runs.
    pub fitted: Timestamp,
    pub runs: u32,
    pub events: u64,
    /// Runs learned since.
    pub updates: u32,
    /// Start of the newest run that was learned, and its id.
    pub newest: Timestamp,
    pub newest_id: String,
    names: Vec<String>,
    stages: Vec<Stage>,
    need: Labels,
    fail: Labels,
    said: VecDeque<Said>,
    agreed: VecDeque<Agreed>,
    #[serde(skip)]
    places: FxHashMap<String, usize>,
}

/// Plain counts of one stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub needed: u32,
    pub not_needed: u32,
    /// Skipped, and failed in a later run of the same change.
    pub needed_later: u32,
    pub ran: u32,
    pub failed: u32,
    /// Milliseconds, newest last.
    pub ms: VecDeque<u32>,
}

/// A risk as it was predicted before the run, and what came.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    pub stage: u32,
    pub risk: f32,
    /// The stage's own rate of failures at the time, which knows nothing of the change.
    pub rate: f32,
    pub failed: bool,
}

/// Whether the model and the constant answer were right about a stage being needed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Agreed {
    model: bool,
    constant: bool,
}

/// How good predictions were that were made before the outcome was known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Score {
    /// Share of stages, needed or not, that were said rightly.
    pub model: Option<f64>,
    /// The same of always giving the stage's usual answer.
    pub constant: Option<f64>,
    pub n: usize,
    /// Of the risk of failure: how much smaller the mean square of the gap is than that of the stage's own rate.
    pub risk_gain: Option<f64>,
    pub risk_n: usize,
}

impl Model {
    /// Nothing learned yet.
    pub fn new(seed: u64, now: Timestamp) -> Model {
        Model {
            version: VERSION,
            seed,
            fitted: now,
            runs: 0,
            events: 0,
            updates: 0,
            newest: Timestamp(i64::MIN),
            newest_id: String::new(),
            names: Vec::new(),
            stages: Vec::new(),
            need: Labels::new(KINDS, Prior { rate: 0.5, worth: 2.0, pooled: false }),
            fail: Labels::new(KINDS, Prior { rate: 0.05, worth: 10.0, pooled: true }),
            said: VecDeque::new(),
            agreed: VecDeque::new(),
            places: FxHashMap::default(),
        }
    }

    /// Learns the newest [`EVENTS`] stage ends of `runs`, which are one lane's, newest first.
    pub fn fit(runs: &[Past], seed: u64, now: Timestamp) -> Model {
        let mut events = 0;
        let within = |run: &&Past| {
            events += run.stages.len();
            events <= EVENTS
        };
        let count = runs.iter().take_while(within).count().max(usize::from(!runs.is_empty()));
        let runs = &runs[..count];
        let later = dataset::needed_later(runs);
        let mut model = Model::new(seed, now);
        for (run, later) in runs.iter().zip(&later).rev() {
            model.learn(run, later);
        }
        model.need.prune();
        model.fail.prune();
        model.updates = 0;
        model
    }

    /// Learns one run more.
    pub fn update(&mut self, run: &Past) {
        self.learn(run, &[]);
        self.updates += 1;
    }

    /// Whether all should be worked out again: a day has passed, or enough runs came since.
    pub fn is_old(&self, now: Timestamp) -> bool {
        self.updates >= UPDATES || now.0.saturating_sub(self.fitted.0) >= DAY || now < self.fitted
    }

    fn learn(&mut self, run: &Past, later: &[String]) {
        let words = dataset::words(&run.change, Some(run.started));
        let outcomes = self.outcomes(run, later);
        let of = |pick: fn(&Outcome) -> Option<bool>| -> Vec<(usize, bool)> {
            outcomes.iter().filter_map(|(stage, outcome)| Some((*stage, pick(outcome)?))).collect()
        };
        let warm = self.runs >= WARM;
        let usual: Vec<bool> = self.stages.iter().map(|stage| stage.needed >= stage.not_needed).collect();
        let agreed = &mut self.agreed;
        self.need.learn(&words, &of(|outcome| outcome.needed), |stage, probability, came| {
            let constant = usual.get(stage).copied().unwrap_or(true);
            if warm {
                keep(agreed, Agreed { model: (probability >= 0.5) == came, constant: constant == came });
            }
        });
        // Of a run that left checks out only the risky ones are known: a limit chosen by those would rise without end.
        let fair = warm && !matches!(run.mode, Mode::Recommended | Mode::Part);
        let rates: Vec<f32> = (0..self.stages.len()).map(|stage| self.fail.rate(stage) as f32).collect();
        let said = &mut self.said;
        self.fail.learn(&words, &of(|outcome| outcome.failed), |stage, risk, failed| {
            if fair {
                let rate = rates.get(stage).copied().unwrap_or_default();
                keep(said, Said { stage: stage as u32, risk: risk as f32, rate, failed });
            }
        });
        outcomes.iter().for_each(|(stage, outcome)| self.stages[*stage].count(outcome));
        self.runs += 1;
        self.events += run.stages.len() as u64;
        if run.started >= self.newest {
            self.newest = run.started;
            self.newest_id = run.id.clone();
        }
    }

    /// By stage, each once.
    fn outcomes(&mut self, run: &Past, later: &[String]) -> Vec<(usize, Outcome)> {
        let mut found: Vec<(usize, Outcome)> = Vec::with_capacity(run.stages.len());
        // By stage, where it stands in `found`.
        let mut held: Vec<Option<usize>> = Vec::with_capacity(self.names.len());
        for stage in &run.stages {
            let place = self.place_of(&stage.stage);
            held.resize(self.names.len(), None);
            let outcome = Outcome::of(stage, run.mode);
            match held[place] {
                Some(at) => found[at].1 = found[at].1.with(outcome),
                None => {
                    held[place] = Some(found.len());
                    found.push((place, outcome));
                }
            }
        }
        for name in later {
            let place = self.place_of(name);
            self.stages[place].needed_later += 1;
            if let Some(at) = held.get(place).copied().flatten() {
                found[at].1.needed = Some(true);
            }
        }
        found
    }

    fn place_of(&mut self, name: &str) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.names.len();
        self.names.push(name.to_string());
        self.stages.push(Stage::default());
        self.places.insert(name.to_string(), place);
        place
    }

    /// After it was read back; false when its parts do not fit each other.
    pub(super) fn restore(&mut self) -> bool {
        self.places = self.names.iter().cloned().zip(0..).collect();
        let stages = self.stages.len();
        self.version == VERSION
            && self.places.len() == self.names.len()
            && self.names.len() == stages
            && self.need.restore()
            && self.fail.restore()
            && self.need.len() <= stages
            && self.fail.len() <= stages
            && self.said.iter().all(|said| (said.stage as usize) < stages && said.risk.is_finite())
    }

    /// Where the stage stands in the model; one it never saw stands after all others.
    fn place(&self, stage: &str) -> usize {
        self.places.get(stage).copied().unwrap_or(usize::MAX)
    }

    /// What was counted of the stage.
    pub fn stage(&self, stage: &str) -> Option<&Stage> {
        self.stages.get(self.place(stage))
    }

    /// The chance that the change fails the stage, whenever it is run.
    pub fn risk(&self, stage: &str, change: &PastChange) -> Answer {
        self.fail.known(&dataset::words(change, None)).answer(self.place(stage))
    }

    /// The chance that the change needs the stage.
    pub fn need(&self, stage: &str, change: &PastChange) -> Answer {
        self.need.known(&dataset::words(change, None)).answer(self.place(stage))
    }

    /// Stages that were skipped and failed in a later run of the same change.
    pub fn needed_later(&self) -> u32 {
        self.stages.iter().map(|stage| stage.needed_later).sum()
    }

    pub(super) fn labels(&self) -> (&Labels, &Labels) {
        (&self.need, &self.fail)
    }

    pub(super) fn index(&self, stage: &str) -> usize {
        self.place(stage)
    }

    /// Predictions of risk that were made before the outcome was known, of stages that `wanted`, oldest first.
    pub fn said(&self, wanted: impl Fn(&str) -> bool) -> Vec<Said> {
        let wanted: Vec<bool> = self.names.iter().map(|name| wanted(name)).collect();
        self.said.iter().filter(|said| wanted.get(said.stage as usize) == Some(&true)).copied().collect()
    }

    /// How good it was over the newest runs.
    pub fn score(&self) -> Score {
        let share = |pick: fn(&Agreed) -> bool| {
            let right = self.agreed.iter().filter(|agreed| pick(agreed)).count();
            (!self.agreed.is_empty()).then(|| right as f64 / self.agreed.len() as f64)
        };
        let square = |guess: f32, failed: bool| f64::from(guess - f32::from(u8::from(failed))).powi(2);
        let own: f64 = self.said.iter().map(|said| square(said.risk, said.failed)).sum();
        let plain: f64 = self.said.iter().map(|said| square(said.rate, said.failed)).sum();
        Score {
            model: share(|agreed| agreed.model),
            constant: share(|agreed| agreed.constant),
            n: self.agreed.len(),
            risk_gain: (plain > 0.0).then(|| 1.0 - own / plain),
            risk_n: self.said.len(),
        }
    }
}

impl Stage {
    fn count(&mut self, outcome: &Outcome) {
        match outcome.needed {
            Some(true) => self.needed += 1,
            Some(false) => self.not_needed += 1,
            None => {}
        }
        if let Some(failed) = outcome.failed {
            self.ran += 1;
            self.failed += u32::from(failed);
        }
        if let Some(ms) = outcome.ms {
            if self.ms.len() == DURATIONS {
                self.ms.pop_front();
            }
            self.ms.push_back(u32::try_from(ms).unwrap_or(u32::MAX));
        }
    }

    /// Half of the newest executions took longer.
    pub fn median_ms(&self) -> Option<u64> {
        let mut sorted: Vec<u32> = self.ms.iter().copied().collect();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).map(|ms| u64::from(*ms))
    }
}

fn keep<T>(ring: &mut VecDeque<T>, item: T) {
    if ring.len() == KEPT {
        ring.pop_front();
    }
    ring.push_back(item);
}

#[cfg(test)]
mod tests;
