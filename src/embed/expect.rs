//! A plan meets its history and the machine: what to expect of its stages, which of them to start first, and how many would
//! run at once here. Works nothing out itself.

use crate::engine::room::{Foreseen, foresee};
use crate::exec::room;
use crate::facts::git;
use crate::history::{Filter, History, Past};
use crate::insight::expect::{Expectations, runs};
use crate::insight::suspect::{self, Suspects};
use crate::plan::Plan;

/// Gives the plan what earlier runs of its lane took, and puts likely failures first where that loses nothing, or where
/// `fail_first` says so. It only decides who starts first and how many at once: a history that cannot be read is none.
pub fn expect(plan: &mut Plan, history: &dyn History, fail_first: Option<bool>) {
    if plan.nodes.len() < 2 {
        return;
    }
    if let Ok(samples) = history.samples(&plan.lane, runs(plan.nodes.len())) {
        let known = Expectations::of(&samples);
        plan.anticipate(|node, stage| known.get(&node.key, stage));
    }
    if fail_first.unwrap_or_else(|| plan.fails_first()) {
        let suspects = Suspects::of(&past(plan, history));
        let slots = at_once(plan).at_once;
        plan.fail_first(slots, |node, stage| suspects.get(&node.key, stage));
    }
}

/// Runs of the lane in this project: what was taken over from another one says nothing of these stages.
fn past(plan: &Plan, history: &dyn History) -> Vec<Past> {
    let filter = Filter { lane: Some(plan.lane.clone()), limit: Some(suspect::RUNS), ..Filter::default() };
    let mut past = history.past(&filter).unwrap_or_default();
    if past.iter().any(|run| !run.source.is_empty()) {
        let project = git::project(&plan.root);
        past.retain(|run| run.source.is_empty() || (!project.is_empty() && run.project == project));
    }
    past
}

/// How many attempts of the plan would run at once if it started now, and why.
pub fn at_once(plan: &Plan) -> Foreseen {
    foresee(plan, &room::read())
}
