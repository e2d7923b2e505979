//! A plan seen stage by stage, as lists, advice and dry runs show it: what it waits for, and what is known of whether it
//! will run. Pure.

use crate::base::Value;
use crate::event::NodeIndex;
use crate::insight::{LaneStage, Rule};
use crate::plan::{Edge, EdgeKind, Node, Parallel, Plan};

/// The stages of a plan, instances of a matrix together, in the plan's order.
pub fn stages(plan: &Plan) -> Vec<LaneStage> {
    plan.stages
        .iter()
        .enumerate()
        .filter_map(|(index, stage)| {
            let first = plan.nodes.get(*stage.nodes.first()? as usize)?;
            Some(LaneStage {
                name: stage.name.clone(),
                gate: first.gate.is_some(),
                approval: !first.approvals.is_empty(),
                rule: rule(first),
                needs: waits_for(plan, index, |edge| edge.kind == EdgeKind::Needs),
                after: waits_for(plan, index, |_| true),
            })
        })
        .collect()
}

/// What is known before the run of whether the stage will run.
pub fn rule(node: &Node) -> Rule {
    if let Some(reason) = &node.waived {
        return Rule::Waived(reason.clone());
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
