//! A plan meets its history and the machine: what to expect of its stages, which of them to start first, and how many would
//! run at once here. Works nothing out itself.

use std::collections::BTreeMap;

use crate::engine::room::{Foreseen, foresee};
use crate::exec::room;
use crate::facts::git;
use crate::history::{Filter, History, Past};
use crate::insight::expect::{Expectations, runs};
use crate::insight::suspect::{self, Suspects};
use crate::plan::Plan;

/// Which of the ready stages of a run start first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Order {
    /// Whether likely failures do; none leaves it to the lane: they do where a failure ends the run.
    pub fail_first: Option<bool>,
    /// How likely this change fails a stage, 0 to 1 by stage, where more is known than how the stage did so far.
    pub risks: BTreeMap<String, f64>,
}

/// Gives the plan what earlier runs of its lane took, and puts likely failures first where that loses nothing, or where
/// `order` says so. It only decides who starts first and how many at once: a history that cannot be read is none.
pub fn expect(plan: &mut Plan, history: &dyn History, order: &Order) {
    if plan.nodes.len() < 2 {
        return;
    }
    if let Ok(samples) = history.samples(&plan.lane, runs(plan.nodes.len())) {
        let known = Expectations::of(&samples);
        plan.anticipate(|node, stage| known.get(&node.key, stage));
    }
    if order.fail_first.unwrap_or_else(|| plan.fails_first()) {
        let suspects = Suspects::of(&past(plan, history));
        let slots = at_once(plan).at_once;
        plan.fail_first(slots, |node, stage| {
            let known = suspects.get(&node.key, stage)?;
            Some(order.risks.get(stage).map_or(known, |risk| known.with_chance(*risk)))
        });
    }
}

/// Runs of the lane in this project: what another one's did says nothing of these stages.
fn past(plan: &Plan, history: &dyn History) -> Vec<Past> {
    let filter = Filter { lane: Some(plan.lane.clone()), limit: Some(suspect::RUNS), ..Filter::default() };
    let mut past = history.past(&filter).unwrap_or_default();
    if past.iter().any(|run| !run.source.is_empty()) {
        let project = git::project(&plan.root);
        let other = |run: &Past| !run.source.is_empty() && !run.project.is_empty() && run.project != project;
        // A shallow clone does not know which project it is.
        past.retain(|run| project.is_empty() || !other(run));
    }
    past
}

/// How many attempts of the plan would run at once if it started now, and why.
pub fn at_once(plan: &Plan) -> Foreseen {
    foresee(plan, &room::read())
}
