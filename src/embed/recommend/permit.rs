//! What advice may leave out of a plan at all, whatever it says: checks that nothing kept rests on. Judges the plan alone
//! and trusts no advice. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Type, Value};
use crate::embed::select::end_beforehand;
use crate::event::NodeIndex;
use crate::expr::{Expr, Kind};
use crate::plan::{Action, EdgeKind, Effect, Node, Plan, Preset};

/// What comes of wanting stages left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permitted {
    /// Stages, by index into [`Plan::stages`].
    pub stages: BTreeSet<u32>,
    /// All their nodes, those of what they call with them.
    pub nodes: BTreeSet<NodeIndex>,
    /// Stages that run although the advice would leave them out, and why.
    pub refused: BTreeMap<u32, String>,
}

/// Of the stages `wanted`, by index into [`Plan::stages`], those that may be left out.
pub fn permitted(plan: &Plan, wanted: &BTreeSet<u32>) -> Permitted {
    let mut found = Permitted::default();
    for &stage in wanted {
        match own_reason(plan, stage) {
            Some(why) => drop(found.refused.insert(stage, why)),
            None => drop(found.stages.insert(stage)),
        }
    }
    while let Some((stage, why)) = rested_on(plan, &found.stages) {
        found.stages.remove(&stage);
        found.refused.insert(stage, why);
    }
    found.nodes = nodes_of(plan, &found.stages);
    if !found.stages.is_empty() && nothing_left(plan, &found.nodes) {
        let why = || "without it nothing would be left to run".to_string();
        found.refused.extend(std::mem::take(&mut found.stages).into_iter().map(|stage| (stage, why())));
        found.nodes.clear();
    }
    found
}

/// Gives the nodes their end beforehand.
pub fn leave_out(plan: &mut Plan, nodes: &BTreeSet<NodeIndex>, reason: &str) {
    for &index in nodes {
        if let Some(node) = plan.nodes.get_mut(index as usize) {
            end_beforehand(node, Preset::LeftOut(reason.to_string()));
        }
    }
}

/// The nodes of these stages, with all that they call.
fn nodes_of(plan: &Plan, stages: &BTreeSet<u32>) -> BTreeSet<NodeIndex> {
    let of = |stage: &u32| plan.stages.get(*stage as usize).map(|stage| stage.nodes.clone());
    let mut nodes: BTreeSet<NodeIndex> = stages.iter().filter_map(of).flatten().collect();
    let calls: BTreeSet<u32> =
        nodes.iter().filter_map(|&node| plan.nodes.get(node as usize)?.closes).collect();
    if !calls.is_empty() {
        let called = |node: &NodeIndex| plan.around(*node).any(|call| calls.contains(&call));
        nodes.extend((0..plan.nodes.len() as NodeIndex).filter(called));
    }
    nodes
}

/// Why the stage, by itself, is never left out.
fn own_reason(plan: &Plan, stage: u32) -> Option<String> {
    let Some(named) = plan.stages.get(stage as usize) else {
        return Some("the lane has no such stage".into());
    };
    for &index in &nodes_of(plan, &BTreeSet::from([stage])) {
        let Some(node) = plan.nodes.get(index as usize) else { continue };
        let inside = !named.nodes.contains(&index);
        if let Some(what) = effect(node) {
            return Some(if inside {
                format!("it calls `{}`, which {what}", node.key)
            } else {
                format!("it {what}")
            });
        }
    }
    let part = named.nodes.iter().filter_map(|&index| plan.nodes.get(index as usize)?.call).next();
    let call = part.and_then(|call| plan.calls.get(call as usize))?;
    Some(format!("it is part of `{}`, which is run whole or not at all", plan.title(call.closing)))
}

/// What makes a node more than a check.
fn effect(node: &Node) -> Option<&'static str> {
    match node.effect {
        _ if node.gate.is_some() => Some("is a gate"),
        _ if !node.approvals.is_empty() => Some("waits for an approval"),
        _ if node.confirm.is_some() => Some("asks a person"),
        Effect::Once => Some("has an effect outside, once"),
        Effect::Idempotent(_) => Some("has an effect outside"),
        _ if node.undo.is_some() => Some("has an effect that can be undone"),
        Effect::Repeatable => None,
    }
}

/// A stage to be left out on which something kept rests, and how.
fn rested_on(plan: &Plan, out: &BTreeSet<u32>) -> Option<(u32, String)> {
    let gone = nodes_of(plan, out);
    let stage_of = |node: NodeIndex| whose(plan, out, node);
    let lane = plan.finally.iter().find_map(|action| reads(&[action], out));
    if let Some(stage) = lane {
        return Some((stage, "the lane's `finally` reads its outputs".into()));
    }
    let kept = (0..).zip(&plan.nodes).filter(|(index, _)| !gone.contains(index));
    for (_, node) in kept {
        let needed = node.edges.iter().filter(|edge| edge.kind == EdgeKind::Needs && gone.contains(&edge.to));
        if let Some(stage) = needed.filter_map(|edge| stage_of(edge.to)).next() {
            return Some((stage, format!("`{}` needs it", node.key)));
        }
        if let Some(stage) = read_by(node, out) {
            return Some((stage, format!("`{}` reads its outputs", node.key)));
        }
        if let Some(stage) =
            gone.iter().copied().find(|&index| makes_inputs(plan, index, node)).and_then(stage_of)
        {
            return Some((stage, format!("`{}` takes a file that it makes", node.key)));
        }
    }
    None
}

/// The stage to be left out with which the node goes.
fn whose(plan: &Plan, out: &BTreeSet<u32>, node: NodeIndex) -> Option<u32> {
    let own = plan.nodes.get(node as usize)?.stage;
    let around = || {
        plan.around(node).find_map(|call| {
            let closing = plan.calls.get(call as usize)?.closing;
            plan.nodes.get(closing as usize).map(|node| node.stage).filter(|stage| out.contains(stage))
        })
    };
    Some(own).filter(|stage| out.contains(stage)).or_else(around)
}

/// A stage of `out` whose outputs any expression of the node names.
fn read_by(node: &Node, out: &BTreeSet<u32>) -> Option<u32> {
    let gate = node.gate.iter().flat_map(|gate| {
        gate.measures.iter().map(|measure| &measure.value).chain(gate.require.iter().map(|check| &check.expr))
    });
    let checks = node.when.iter().chain(&node.before).chain(&node.after);
    let retried = node.retry.iter().filter_map(|retry| retry.when.as_ref());
    let own = checks
        .chain(retried)
        .map(|check| &check.expr)
        .chain(node.env.iter().map(|(_, value)| value))
        .chain(&node.cwd)
        .chain(node.outputs.iter().map(|output| &output.value))
        .chain(gate);
    let named = own.filter_map(|expr| names(expr, out)).next();
    named.or_else(|| {
        let undo = node.undo.iter().flat_map(|undo| &undo.actions);
        let actions: Vec<&Action> = node.actions.iter().chain(&node.finally).chain(undo).collect();
        reads(&actions, out)
    })
}

fn reads(actions: &[&Action], out: &BTreeSet<u32>) -> Option<u32> {
    actions.iter().find_map(|action| match action {
        Action::Script { .. } => None,
        Action::Exec { argv } => argv.iter().find_map(|expr| names(expr, out)),
        Action::Render { target, template, context, schema } => [target, template]
            .into_iter()
            .chain(context.iter().map(|(_, value)| value))
            .chain(schema.iter().map(|schema| &**schema))
            .find_map(|expr| names(expr, out)),
    })
}

/// The first stage of `out` whose output the expression names.
fn names(expr: &Expr, out: &BTreeSet<u32>) -> Option<u32> {
    let mut found = None;
    expr.walk(&mut |part| {
        if let Kind::Output { stage, .. } = &part.kind
            && out.contains(stage)
        {
            found.get_or_insert(*stage);
        }
    });
    found
}

/// Whether a file that the node `maker` declares as its output is among the declared inputs of `taker`.
fn makes_inputs(plan: &Plan, maker: NodeIndex, taker: &Node) -> bool {
    let Some(maker) = plan.nodes.get(maker as usize) else { return false };
    let paths: Vec<&str> = maker
        .outputs
        .iter()
        .filter(|output| output.ty == Type::Path)
        .filter_map(|output| match output.value.as_value() {
            Some(Value::String(path) | Value::Path(path)) => Some(path.as_str()),
            _ => None,
        })
        .collect();
    let takes = |glob: &String| {
        let matcher = globset::Glob::new(glob).map(|glob| glob.compile_matcher());
        matcher.is_ok_and(|matcher| paths.iter().any(|path| matcher.is_match(path)))
    };
    !paths.is_empty() && taker.inputs.iter().any(takes)
}

/// Whether no stage that does something would run.
fn nothing_left(plan: &Plan, out: &BTreeSet<NodeIndex>) -> bool {
    let runs = |node: &Node| {
        let never = node.when.as_ref().and_then(|when| when.expr.as_value());
        let never = matches!(never, Some(Value::Bool(false)));
        !never && node.waived.is_none() && (!node.actions.is_empty() || node.gate.is_some())
    };
    !(0..).zip(&plan.nodes).any(|(index, node)| !out.contains(&index) && runs(node))
}
