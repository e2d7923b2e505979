//! A plan seen stage by stage, as lists, advice and dry runs show it: what it waits for, and what is known of whether it
//! will run. Pure.

use crate::base::Value;
use crate::event::NodeIndex;
use crate::insight::{LaneStage, Rule};
use crate::plan::{Edge, EdgeKind, Effect, Node, Parallel, Plan, Preset};

/// The stages of a plan, instances of a matrix together, in the plan's order. One whose matrix is empty has none.
pub fn stages(plan: &Plan) -> Vec<LaneStage> {
    let held: Vec<usize> =
        (0..plan.stages.len()).filter(|&stage| !plan.stages[stage].nodes.is_empty()).collect();
    let place = |stages: Vec<usize>| -> Vec<usize> {
        stages.into_iter().filter_map(|stage| held.binary_search(&stage).ok()).collect()
    };
    held.iter()
        .filter_map(|&index| {
            let stage = &plan.stages[index];
            let first = plan.nodes.get(*stage.nodes.first()? as usize)?;
            Some(LaneStage {
                name: stage.name.clone(),
                gate: first.gate.is_some(),
                approval: stage.nodes.iter().any(|&node| asks(plan, node)),
                effect: stage.nodes.iter().any(|&node| acts_outside(plan, node)),
                rule: rule(first),
                needs: place(waits_for(plan, index, |edge| asks_for(plan, edge))),
                after: place(waits_for(plan, index, |_| true)),
            })
        })
        .collect()
}

/// Whether a person decides before it.
fn asks(plan: &Plan, node: NodeIndex) -> bool {
    plan.nodes.get(node as usize).is_some_and(|node| !node.approvals.is_empty())
}

/// Whether it does something that must not be left out, or done twice.
fn acts_outside(plan: &Plan, node: NodeIndex) -> bool {
    plan.nodes.get(node as usize).is_some_and(|node| node.effect != Effect::Repeatable)
}

/// Whether the edge asks for what the other stage makes: it is needed, or its outputs are welcome.
fn asks_for(plan: &Plan, edge: &Edge) -> bool {
    let makes = || plan.nodes.get(edge.to as usize).is_some_and(|node| !node.outputs.is_empty());
    edge.kind == EdgeKind::Needs || (edge.kind == EdgeKind::NeedsOptional && makes())
}

/// What is known before the run of whether the stage will run.
pub fn rule(node: &Node) -> Rule {
    if let Some(reason) = &node.waived {
        return Rule::Waived(reason.clone());
    }
    match &node.preset {
        Some(Preset::LeftOut(reason)) => return Rule::When { text: reason.clone(), holds: false },
        Some(Preset::Reused { run, .. }) => {
            return Rule::When { text: format!("reused from run {run}"), holds: false };
        }
        None => {}
    }
    match &node.when {
        None => Rule::Always,
        Some(when) => match when.expr.as_value() {
            Some(Value::Bool(holds)) => Rule::When { text: when.text.clone(), holds: *holds },
            _ => Rule::Later { text: when.text.clone() },
        },
    }
}

fn waits_for(plan: &Plan, stage: usize, wanted: impl Fn(&Edge) -> bool) -> Vec<usize> {
    let nodes = plan.stages[stage].nodes.iter().filter_map(|&node| plan.nodes.get(node as usize));
    let mut found: Vec<usize> = nodes
        .flat_map(|node| node.edges.iter().filter(|edge| wanted(edge)))
        .filter_map(|edge| plan.nodes.get(edge.to as usize).map(|to| to.stage as usize))
        .filter(|&to| to != stage)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// Nodes in an order in which they could run one at a time, those of higher priority first.
pub fn order(plan: &Plan) -> Vec<NodeIndex> {
    let mut unmet: Vec<usize> = plan.nodes.iter().map(|node| node.edges.len()).collect();
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); plan.nodes.len()];
    for (index, node) in plan.nodes.iter().enumerate() {
        node.edges.iter().for_each(|edge| followers[edge.to as usize].push(index));
    }
    let rank = |index: usize| (plan.nodes[index].priority, std::cmp::Reverse(index));
    let mut ready: std::collections::BinaryHeap<_> =
        (0..unmet.len()).filter(|&index| unmet[index] == 0).map(|index| (rank(index), index)).collect();
    let mut order = Vec::with_capacity(unmet.len());
    while let Some((_, index)) = ready.pop() {
        order.push(index as NodeIndex);
        for &next in &followers[index] {
            unmet[next] -= 1;
            if unmet[next] == 0 {
                ready.push((rank(next), next));
            }
        }
    }
    order
}

/// Attempts at once on this machine.
pub fn slots(parallel: Parallel) -> usize {
    match parallel {
        Parallel::Auto => std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        Parallel::Off => 1,
        Parallel::Limit(limit) => limit.max(1) as usize,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::tests::plan;

    #[test]
    fn an_empty_matrix_leaves_no_hole_in_the_numbering() {
        let mut plan = plan(&[("none", &[]), ("build", &[]), ("unit", &[1])]);
        plan.stages[0].nodes.clear();
        let stages = stages(&plan);
        assert_eq!(stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>(), ["build", "unit"]);
        assert_eq!(stages[1].needs, [0]);
    }

    #[test]
    fn the_order_respects_edges_and_prefers_priority() {
        let mut plan = plan(&[("late", &[2]), ("low", &[]), ("first", &[])]);
        plan.nodes[2].priority = 9;
        assert_eq!(order(&plan), [2, 0, 1]);
    }
}
