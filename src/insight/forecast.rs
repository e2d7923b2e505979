//! How long a run will take, and what is left of one that is under way: the plan played through once with the durations of
//! each earlier run, so that stages which are slow together stay slow together. Knows no clock.
//!
//! An earlier run whose stage has other circumstances now (whether its inputs changed, how many files) is scaled, where
//! the difference is more than chance. Intervals are stretched so that they would have held the runs so far, each foretold
//! from those before it.

use rustc_hash::FxHashMap;

use crate::history::Change;
use crate::learn::compare::mann_whitney;
use crate::learn::time::Spread;
use crate::plan::{Node, Plan, Preset};

use super::Estimate;
use super::schedule::{Graph, Job, Progress};
use super::times::{RunTimes, Times, Took};

/// Runs needed before an interval is given.
const FOR_INTERVAL: usize = 5;
/// Either side of the interval. A tenth would be too sure: few runs have not shown the worst yet.
const TAIL: f64 = 0.08;
/// How far one run moves the interval, and how far it can be moved.
const STEP: f64 = 0.2;
const STRETCHES: (f64, f64) = (0.2, 5.0);
/// Newest runs played through, at most.
const RUNS: usize = 100;
/// Steps of playing, over all runs: large plans are played with fewer.
const STEPS: usize = 20_000;
/// Chance below which a difference of circumstances counts, and runs that each side needs.
const DIFFERS: f64 = 0.01;
const EACH_SIDE: usize = 5;
/// A run takes so much longer than its stages at most, or the two are not of the same plan.
const AROUND: (f64, f64) = (0.9, 1.5);
/// Looking at which inputs changed is left out beyond so many looks.
const LOOKS: usize = 20_000;

/// Whether a stage is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing happens, or it is known not to.
    Nothing,
    /// Only if its condition holds when it is reached.
    Conditional,
    Always,
}

#[derive(Clone, Debug)]
struct Step {
    name: String,
    stage: String,
    kind: Kind,
    /// An earlier result may be taken for it.
    reusable: bool,
}

/// A plan as far as its time goes.
#[derive(Clone, Debug)]
pub struct Work {
    steps: Vec<Step>,
    graph: Graph,
}

/// Whether files that the stage reads are among those changed; none where it does not say what it reads.
pub type Touched<'a> = &'a dyn Fn(usize, &[String]) -> Option<bool>;

impl Work {
    /// `slots` stages at once.
    pub fn of(plan: &Plan, slots: usize) -> Work {
        let mut room = Vec::new();
        let mut things: Vec<String> = Vec::new();
        let mut thing = |name: String, count: u32| {
            things.iter().position(|known| *known == name).unwrap_or_else(|| {
                things.push(name);
                room.push(count.max(1));
                things.len() - 1
            })
        };
        let mut jobs = Vec::with_capacity(plan.nodes.len());
        for node in &plan.nodes {
            let lock = node.lock.as_ref().map(|lock| thing(format!("lock {lock}"), 1));
            let slots = |pool: &String| plan.pools.get(pool).copied().unwrap_or(1);
            let pool = node.pool.as_ref().map(|pool| thing(format!("pool {pool}"), slots(pool)));
            let after = node.edges.iter().map(|edge| edge.to as usize).collect();
            let holds =
                if node.actions.is_empty() { Vec::new() } else { lock.into_iter().chain(pool).collect() };
            jobs.push(Job { after, priority: node.priority, holds, works: !node.actions.is_empty() });
        }
        let stage =
            |node: &Node| plan.stages.get(node.stage as usize).map_or("", |stage| stage.name.as_str());
        let step = |(node, index): (&Node, u32)| Step {
            name: node.key.clone(),
            stage: stage(node).into(),
            kind: kind(node),
            reusable: plan.reusable(index).is_ok(),
        };
        Work { steps: plan.nodes.iter().zip(0..).map(step).collect(), graph: Graph::new(jobs, room, slots) }
    }

    /// Without these: it is known that an earlier result is taken. All others are known to be carried out anew.
    pub fn without(mut self, reused: &dyn Fn(usize) -> bool) -> Work {
        for (place, step) in self.steps.iter_mut().enumerate() {
            step.reusable = false;
            if reused(place) {
                step.kind = Kind::Nothing;
            }
        }
        self
    }

    /// Instances that are all carried out, each with its stage and after those beside it.
    pub fn plain<'a>(stages: impl Iterator<Item = (&'a str, &'a str, &'a [usize])>, slots: usize) -> Work {
        let (mut steps, mut jobs) = (Vec::new(), Vec::new());
        for (name, stage, after) in stages {
            steps.push(Step { name: name.into(), stage: stage.into(), kind: Kind::Always, reusable: false });
            jobs.push(Job { after: after.to_vec(), works: true, ..Job::default() });
        }
        Work { steps, graph: Graph::new(jobs, Vec::new(), slots) }
    }
}

fn kind(node: &Node) -> Kind {
    match &node.preset {
        Some(Preset::Reused { .. } | Preset::LeftOut(_)) => Kind::Nothing,
        None if node.waived.is_some() || node.actions.is_empty() => Kind::Nothing,
        None if node.when.is_some() => Kind::Conditional,
        None => Kind::Always,
    }
}

/// How many runs are played through of a plan of so many stages.
pub fn played(stages: usize) -> usize {
    (STEPS / stages.max(1)).clamp(1, RUNS)
}

/// What is foretold of one plan.
#[derive(Clone, Debug)]
pub struct Forecast {
    work: Work,
    /// By step, then by run, oldest first. What is not known of a run is drawn from the others.
    takes: Vec<Vec<f64>>,
    spreads: Vec<Option<Spread>>,
    /// Runs played through.
    pub runs: usize,
    /// Stages of which no run says anything; they are not counted.
    pub unknown: Vec<String>,
    ratio: f64,
    stretch: [f64; 2],
}

impl Forecast {
    /// None where no earlier run says anything of any stage.
    pub fn of(work: Work, times: &Times, change: &Change, touched: Option<Touched>) -> Option<Forecast> {
        let most = played(work.steps.len());
        let said = |run: &&RunTimes| run.stages.iter().any(|stage| matches!(stage.took, Took::Ms(_)));
        let mut runs: Vec<&RunTimes> = times.runs.iter().rev().filter(said).take(most).collect();
        runs.reverse();
        let known: Vec<Vec<Option<f64>>> = columns(&work.steps, &runs);
        let counts = |step: &Step| step.kind != Kind::Nothing;
        let mut unknown = Vec::new();
        for (step, own) in work.steps.iter().zip(&known).filter(|(step, _)| counts(step)) {
            if own.iter().all(Option::is_none) && !unknown.contains(&step.stage) {
                unknown.push(step.stage.clone());
            }
        }
        if !work.steps.iter().zip(&known).any(|(step, own)| counts(step) && own.iter().any(Option::is_some)) {
            return None;
        }
        let known = like_now(known, &runs, change, touched);
        let spreads: Vec<Option<Spread>> = known.iter().map(|own| Spread::of(&present(own))).collect();
        let takes = known.iter().zip(&spreads).enumerate().map(|(at, (own, spread))| filled(own, spread, at));
        let takes = takes.collect();
        let mut forecast =
            Forecast { work, takes, spreads, runs: runs.len(), unknown, ratio: 1.0, stretch: [1.0; 2] };
        let totals: Vec<f64> = (0..forecast.runs).map(|run| forecast.whole(run)).collect();
        forecast.ratio = ratio(&totals, &runs, &known, &forecast.work.steps);
        forecast.stretch = checked(&totals);
        Some(forecast)
    }

    fn whole(&self, run: usize) -> f64 {
        self.work.graph.whole(&|step| self.takes[step][run])
    }

    /// Of the whole run.
    pub fn before(&self) -> Estimate {
        self.estimate((0..self.runs).map(|run| self.whole(run)).collect())
    }

    /// Of what is left, when the stages are so far.
    pub fn during(&self, progress: &dyn Fn(usize) -> Progress) -> Estimate {
        let left = |run: usize| {
            let takes = |step: usize| match progress(step) {
                Progress::Running(elapsed) => self.rest(step, run, elapsed),
                _ => self.takes[step][run],
            };
            self.work.graph.left(progress, &takes)
        };
        self.estimate((0..self.runs).map(left).collect())
    }

    /// What is left of a stage that has run so long: as in that run, or if it has taken longer, as in those that did.
    fn rest(&self, step: usize, run: usize, elapsed: f64) -> f64 {
        let own = self.takes[step][run];
        match &self.spreads[step] {
            Some(spread) if own <= elapsed => spread.draw(share(step, run), elapsed) - elapsed,
            _ => (own - elapsed).max(0.0),
        }
    }

    fn estimate(&self, totals: Vec<f64>) -> Estimate {
        let Some(spread) = Spread::of(&totals) else { return Estimate::default() };
        let middle = spread.median();
        let seconds = |ms: f64| Some((ms * self.ratio).max(0.0).round() / 1000.0);
        if self.runs < FOR_INTERVAL {
            return Estimate { seconds: seconds(middle), low: None, high: None };
        }
        let (low, high) = between(&spread, self.stretch);
        Estimate { seconds: seconds(middle), low: seconds(low), high: seconds(high) }
    }
}

/// By step, then by run. An instance that a run did not have took what another of its stage did there.
fn columns(steps: &[Step], runs: &[&RunTimes]) -> Vec<Vec<Option<f64>>> {
    let mut known = vec![vec![None; runs.len()]; steps.len()];
    for (at, run) in runs.iter().enumerate() {
        let by_name: FxHashMap<&str, Took> =
            run.stages.iter().map(|stage| (stage.name.as_str(), stage.took)).collect();
        let mut by_stage: FxHashMap<&str, Vec<Took>> = FxHashMap::default();
        if steps.iter().any(|step| !by_name.contains_key(step.name.as_str())) {
            run.stages.iter().for_each(|own| by_stage.entry(own.stage.as_str()).or_default().push(own.took));
        }
        for (place, step) in steps.iter().enumerate() {
            let own = by_name.get(step.name.as_str()).copied().or_else(|| {
                let all = by_stage.get(step.stage.as_str())?;
                all.get((share(place, at) * all.len() as f64) as usize).copied()
            });
            known[place][at] = own.and_then(|took| ms(took, step));
        }
    }
    known
}

fn ms(took: Took, step: &Step) -> Option<f64> {
    match took {
        _ if step.kind == Kind::Nothing => None,
        Took::Ms(ms) => Some(ms),
        Took::Nothing if step.kind == Kind::Conditional => Some(0.0),
        Took::Reused if step.reusable => Some(0.0),
        Took::Nothing | Took::Reused | Took::Unknown => None,
    }
}

fn present(own: &[Option<f64>]) -> Vec<f64> {
    own.iter().copied().flatten().collect()
}

/// Runs in which the stage was under other circumstances than now are scaled to those of now, where that matters.
fn like_now(
    mut known: Vec<Vec<Option<f64>>>,
    runs: &[&RunTimes],
    change: &Change,
    touched: Option<Touched>,
) -> Vec<Vec<Option<f64>>> {
    let now = size(change.files.len() as u64);
    let as_large: Vec<bool> = runs.iter().map(|run| size(run.count) == now).collect();
    for (step, own) in known.iter_mut().enumerate() {
        let touched = touched.filter(|_| runs.len() * (step + 1) <= LOOKS);
        let as_touched = touched.and_then(|touched| {
            let now = touched(step, &change.files)?;
            Some(runs.iter().map(|run| touched(step, &run.files) == Some(now)).collect::<Vec<bool>>())
        });
        let by_inputs = as_touched.as_ref().and_then(|alike| Some((factor(own, alike)?, alike)));
        let by_size = || Some((factor(own, &as_large)?, &as_large));
        if let Some((factor, alike)) = by_inputs.or_else(by_size) {
            for (ms, _) in own.iter_mut().zip(alike).filter(|(_, alike)| !**alike) {
                *ms = ms.map(|ms| ms * factor);
            }
        }
    }
    known
}

/// Steps of a factor of four in how many files were changed.
fn size(count: u64) -> u32 {
    (u64::BITS - count.leading_zeros()).div_ceil(2)
}

/// The ratio of medians, if the runs that are alike differ from the others.
fn factor(own: &[Option<f64>], alike: &[bool]) -> Option<f64> {
    let side = |wanted: bool| -> Vec<f64> {
        own.iter().zip(alike).filter(|(_, alike)| **alike == wanted).filter_map(|(ms, _)| *ms).collect()
    };
    let (here, there) = (side(true), side(false));
    if here.len() < EACH_SIDE || there.len() < EACH_SIDE || mann_whitney(&there, &here)?.p >= DIFFERS {
        return None;
    }
    let (here, there) = (Spread::of(&here)?.median(), Spread::of(&there)?.median());
    (here > 0.0 && there > 0.0).then(|| here / there)
}

/// What is not known of a run is drawn from the others, evenly.
fn filled(own: &[Option<f64>], spread: &Option<Spread>, step: usize) -> Vec<f64> {
    let drawn = |run: usize| spread.as_ref().map_or(0.0, |spread| spread.draw(share(step, run), 0.0));
    own.iter().enumerate().map(|(run, ms)| ms.unwrap_or_else(|| drawn(run))).collect()
}

/// Between 0 and 1, spread evenly over runs and differently for each step; the same each time (the golden section).
fn share(step: usize, run: usize) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    const OTHER: f64 = 0.754_877_666_246_692_7;
    ((run as f64 + 0.5) * GOLDEN + step as f64 * OTHER).fract()
}

/// How much longer runs took than their stages played through: starting processes, recording, waiting for other runs.
fn ratio(totals: &[f64], runs: &[&RunTimes], known: &[Vec<Option<f64>>], steps: &[Step]) -> f64 {
    let complete = |run: usize| {
        known.iter().zip(steps).all(|(own, step)| step.kind == Kind::Nothing || own[run].is_some())
    };
    let ratios = (0..runs.len()).filter(|run| complete(*run)).filter_map(|run| {
        let ratio = runs[run].total? / totals[run];
        ratio.is_finite().then_some(ratio)
    });
    let ratios: Vec<f64> = ratios.collect();
    let middle = Spread::of(&ratios).map_or(1.0, |spread| spread.median());
    // Another number of stages at once, or other stages: then it says nothing of this plan.
    if ratios.len() >= FOR_INTERVAL && (AROUND.0..=AROUND.1).contains(&middle) { middle } else { 1.0 }
}

/// How far intervals must be stretched: one step after each run that they held or did not, each foretold from those before.
fn checked(totals: &[f64]) -> [f64; 2] {
    let mut stretch = [1.0_f64; 2];
    for run in FOR_INTERVAL..totals.len() {
        let Some(spread) = Spread::of(&totals[..run]) else { continue };
        let (low, high) = between(&spread, stretch);
        let missed = [totals[run] < low, totals[run] > high].map(|missed| f64::from(u8::from(missed)));
        let too_many = missed[0] + missed[1] - 2.0 * TAIL;
        for (own, missed) in stretch.iter_mut().zip(missed) {
            let step = STEP * (too_many + missed - TAIL) / 2.0;
            *own = (*own * step.exp()).clamp(STRETCHES.0, STRETCHES.1);
        }
    }
    stretch
}

fn between(spread: &Spread, stretch: [f64; 2]) -> (f64, f64) {
    let [low, middle, high] = [TAIL, 0.5, 1.0 - TAIL].map(|level| spread.quantile(level));
    (middle - (middle - low) * stretch[0], middle + (high - middle) * stretch[1])
}

#[cfg(test)]
mod tests;
