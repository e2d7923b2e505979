//! How long a plan will take, and what is left of a run that goes: the plan meets what is remembered of its lane's runs. Works
//! nothing out itself.

use std::sync::Arc;

use globset::GlobMatcher;

use crate::event::{NodeIndex, Status};
use crate::expr::pattern;
use crate::history::{Change, Filter, History, Past};
use crate::insight::Estimate;
use crate::insight::forecast::{Forecast, Work, played};
use crate::insight::schedule::Progress;
use crate::insight::times::Times;
use crate::observe::Board;
use crate::observe::ahead::{self, Ahead};
use crate::plan::Plan;

use super::at_once;

/// Plans of more stages have no forecast: it would cost more than it tells.
const LARGEST: usize = 5_000;

/// What is foretold of a plan, and from how many runs.
#[derive(Clone)]
pub struct Foretold {
    forecast: Arc<Forecast>,
}

/// None while no earlier run of the lane says how long any stage takes. `reused` are known to take an earlier result, where
/// that was looked at.
pub fn foretell(
    plan: &Plan,
    change: &Change,
    past: &[Past],
    reused: Option<&dyn Fn(NodeIndex) -> bool>,
) -> Option<Foretold> {
    let work = Work::of(plan, at_once(plan).at_once);
    let work = match reused {
        Some(reused) => work.without(&|step| reused(step as NodeIndex)),
        None => work,
    };
    let inputs: Vec<Vec<GlobMatcher>> = plan.nodes.iter().map(|node| globs(&node.inputs)).collect();
    let touched = |step: usize, files: &[String]| {
        let globs = inputs.get(step).filter(|globs| !globs.is_empty())?;
        Some(files.iter().any(|file| globs.iter().any(|glob| glob.is_match(file))))
    };
    let forecast = Forecast::of(work, &Times::of(past), change, Some(&touched))?;
    Some(Foretold { forecast: Arc::new(forecast) })
}

fn globs(inputs: &[String]) -> Vec<GlobMatcher> {
    inputs.iter().filter_map(|input| pattern::glob(input).ok()).collect()
}

/// The runs that a forecast of the plan looks at, newest first, without the run itself. A history that cannot be read is
/// none: a forecast decides nothing.
pub fn runs_of(history: &dyn History, plan: &Plan, own: Option<&str>) -> Vec<Past> {
    if plan.nodes.len() > LARGEST {
        return Vec::new();
    }
    let limit = played(plan.nodes.len()) + 1;
    let filter = Filter { lane: Some(plan.lane.clone()), limit: Some(limit), ..Filter::default() };
    let mut past = history.past(&filter).unwrap_or_default();
    past.retain(|past| Some(past.id.as_str()) != own);
    past
}

impl Foretold {
    /// Of the whole run.
    pub fn estimate(&self) -> Estimate {
        self.forecast.before()
    }

    /// `about 3m 20s (80 %: 2m 50s to 4m 10s), from 41 runs`.
    pub fn words(&self) -> String {
        let runs = match self.forecast.runs {
            1 => "1 run".to_owned(),
            runs => format!("{runs} runs"),
        };
        let ahead = ahead_of(&self.estimate()).unwrap_or_default();
        format!("{}, from {runs}{}", ahead.words(), self.but())
    }

    /// What is not counted.
    fn but(&self) -> String {
        match self.forecast.unknown.as_slice() {
            [] => String::new(),
            [one] => format!("; {one} has no history yet and is not counted"),
            many => format!("; {} stages have no history yet and are not counted", many.len()),
        }
    }

    /// For who shows the run as it goes.
    pub fn watch(&self) -> ahead::Forecast {
        let forecast = self.forecast.clone();
        Arc::new(move |board, at| {
            let progress = |step: usize| progress(board, step as NodeIndex, at.0);
            ahead_of(&forecast.during(&progress))
        })
    }
}

fn progress(board: &Board, node: NodeIndex, now: i64) -> Progress {
    let row = board.rows.get(node as usize);
    match board.status(node) {
        Status::Running => {
            let began = row.and_then(|row| row.started).map_or(now, |began| began.0);
            Progress::Running(now.saturating_sub(began).max(0) as f64)
        }
        status if status.is_final() => Progress::Done,
        _ => Progress::Pending,
    }
}

fn ahead_of(estimate: &Estimate) -> Option<Ahead> {
    let ms = |seconds: f64| (seconds * 1000.0) as u64;
    let between = estimate.low.zip(estimate.high).map(|(low, high)| (ms(low), ms(high)));
    Some(Ahead { ms: ms(estimate.seconds?), between })
}
