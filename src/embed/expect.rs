//! A plan meets its history and the machine: what to expect of its stages, and how many would run at once here. Works
//! nothing out itself.

use crate::engine::room::{Foreseen, foresee};
use crate::exec::room;
use crate::history::History;
use crate::insight::expect::{Expectations, runs};
use crate::plan::Plan;

/// Gives the plan what earlier runs of its lane took. It only decides who starts first and how many at once: a history
/// that cannot be read is none.
pub fn expect(plan: &mut Plan, history: &dyn History) {
    if plan.nodes.len() < 2 {
        return;
    }
    if let Ok(samples) = history.samples(&plan.lane, runs(plan.nodes.len())) {
        let known = Expectations::of(&samples);
        plan.anticipate(|node, stage| known.get(&node.key, stage));
    }
}

/// How many attempts of the plan would run at once if it started now, and why.
pub fn at_once(plan: &Plan) -> Foreseen {
    foresee(plan, &room::read())
}
