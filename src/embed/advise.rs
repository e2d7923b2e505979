//! Advice for a planned lane from the project's history: reads what is remembered, learns what is new, keeps what was learned.
//! Works nothing out itself: `insight` does.

use std::path::Path;

use crate::base::Timestamp;
use crate::history::{Filter, History, Learned, Past};
use crate::insight::dataset::remembered;
use crate::insight::model::EVENTS;
use crate::insight::{
    self, Advice, Effort, Knowledge, Lane, LaneStage, Model, Rule, Situation, Why, snapshot,
};

use super::{Error, Planned, outline};

/// Runs that estimates and comparisons look at, the newest.
const NEWEST: usize = 200;
/// Runs that a model is worked out from, at most.
const RUNS: usize = 10_000;

/// Which stages the change needs, how sure that is, and how long they will take.
pub fn advise(planned: &Planned, history: Option<&dyn History>, effort: Effort) -> Result<Advice, Error> {
    Ok(Adviser::of(planned, history)?.advise(planned, effort))
}

/// What the history of a lane teaches, ready to be asked about changes.
#[derive(Clone, Debug)]
pub struct Adviser {
    lane: String,
    now: Timestamp,
    model: Model,
    past: Vec<Past>,
}

impl Adviser {
    /// For the lane of that plan.
    pub fn of(planned: &Planned, history: Option<&dyn History>) -> Result<Adviser, Error> {
        let (lane, now) = (planned.plan.lane.clone(), Timestamp::now());
        let Some(history) = history else {
            return Ok(Adviser { lane, now, model: Model::new(0, now), past: Vec::new() });
        };
        let own = Own { root: &planned.plan.root };
        // Where the state cannot be written, everything is learned anew each time.
        let last = history.settle().ok();
        let newest = own.only(history.past(&filter(&lane, NEWEST))?);
        let model = match last.and_then(|last| kept(&lane, history, &own, last, now)) {
            Some(model) => model,
            None => {
                let model = fitted(&lane, history, &own, &newest, now)?;
                keep(&lane, history, &model, last);
                model
            }
        };
        Ok(Adviser { lane, now, model, past: newest })
    }

    /// The lane that it is about.
    pub fn lane(&self) -> &str {
        &self.lane
    }

    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Advice on a change; of another lane it knows nothing.
    pub fn advise(&self, planned: &Planned, effort: Effort) -> Advice {
        insight::explain(&lane_of(planned), &self.situation(planned), self.knowledge(), effort)
    }

    /// Everything about one stage. None for one that the lane does not have.
    pub fn why(&self, planned: &Planned, effort: Effort, stage: &str) -> Option<Why> {
        let advice = self.advise(planned, effort);
        insight::why(&advice, &self.situation(planned), self.knowledge(), stage)
    }

    fn knowledge(&self) -> Knowledge<'_> {
        Knowledge { model: &self.model, past: &self.past }
    }

    fn situation(&self, planned: &Planned) -> Situation {
        Situation { change: remembered(&planned.change), at: self.now }
    }
}

fn filter(lane: &str, limit: usize) -> Filter {
    Filter { lane: Some(lane.to_string()), limit: Some(limit), ..Filter::default() }
}

/// Which project this is.
struct Own<'a> {
    root: &'a Path,
}

impl Own<'_> {
    /// Without the runs of other projects that nobody brought here on purpose.
    fn only(&self, mut past: Vec<Past>) -> Vec<Past> {
        // Asking git for the first commit takes long in a large repository.
        let doubtful = |past: &Past| !past.project.is_empty() && past.source.is_empty();
        if past.iter().any(doubtful) {
            let own = crate::facts::git::project(self.root);
            past.retain(|past| !doubtful(past) || own.is_empty() || past.project == own);
        }
        past
    }
}

/// The model that was kept, with what came since. None where there is none, where it is old, and where what came since is
/// not simply newer.
fn kept(lane: &str, history: &dyn History, own: &Own, last: i64, now: Timestamp) -> Option<Model> {
    let (learned, since) = history.learned(lane).ok()??;
    let mut model = snapshot::read(&learned.bytes)?;
    let since = own.only(since);
    let newer = since.iter().all(|past| past.started > model.newest);
    if !newer || model.is_old(now) || since.len() as u32 + model.updates >= insight::model::UPDATES {
        return None;
    }
    since.iter().for_each(|past| model.update(past));
    if !since.is_empty() {
        keep(lane, history, &model, Some(last));
    }
    Some(model)
}

fn fitted(
    lane: &str,
    history: &dyn History,
    own: &Own,
    newest: &[Past],
    now: Timestamp,
) -> Result<Model, Error> {
    if newest.len() < NEWEST {
        return Ok(Model::fit(newest, seed(lane), now));
    }
    let events: usize = newest.iter().map(|past| past.stages.len()).sum();
    let runs = (EVENTS * newest.len() / events.max(1)).clamp(NEWEST, RUNS);
    Ok(Model::fit(&own.only(history.past(&filter(lane, runs))?), seed(lane), now))
}

/// The same of the same lane on every machine.
fn seed(lane: &str) -> u64 {
    let hash = blake3::hash(lane.as_bytes());
    hash.as_bytes().iter().take(8).fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}

/// What cannot be kept is learned again.
fn keep(lane: &str, history: &dyn History, model: &Model, last: Option<i64>) {
    if let Some((last, bytes)) = last.zip(snapshot::write(model)) {
        let _ = history.keep_learned(lane, &Learned { last, bytes });
    }
}

fn lane_of(planned: &Planned) -> Lane {
    Lane {
        name: planned.plan.lane.clone(),
        chosen_by: planned.chosen.by.clone(),
        stages: stages(planned),
        slots: outline::slots(planned.plan.parallel),
        off: planned.chosen.lane.recommend_off,
    }
}

fn stages(planned: &Planned) -> Vec<LaneStage> {
    let mut stages = outline::stages(&planned.plan);
    for stage in stages.iter_mut().filter(|stage| planned.undecided.contains(&stage.name)) {
        if let Rule::When { text, .. } = &stage.rule {
            stage.rule = Rule::Later { text: text.clone() };
        }
    }
    stages
}
