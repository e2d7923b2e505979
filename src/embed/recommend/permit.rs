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
    let members = members(plan);
    let mut found = Permitted::default();
    for &stage in wanted {
        match own_reason(plan, &members, stage) {
            Some(why) => drop(found.refused.insert(stage, why)),
            None => drop(found.stages.insert(stage)),
        }
    }
    keep_what_is_rested_on(plan, &members, &mut found);
    found.nodes = found.stages.iter().flat_map(|stage| &members[*stage as usize]).copied().collect();
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

/// The nodes of each stage, with all that it calls.
fn members(plan: &Plan) -> Vec<Vec<NodeIndex>> {
    let mut members: Vec<Vec<NodeIndex>> = plan.stages.iter().map(|stage| stage.nodes.clone()).collect();
    for node in (0..plan.nodes.len() as NodeIndex).filter(|_| !plan.calls.is_empty()) {
        for call in plan.around(node) {
            let closing =
                plan.calls.get(call as usize).and_then(|call| plan.nodes.get(call.closing as usize));
            if let Some(of) = closing.and_then(|closing| members.get_mut(closing.stage as usize)) {
                of.push(node);
            }
        }
    }
    members
}

/// Why the stage, by itself, is never left out.
fn own_reason(plan: &Plan, members: &[Vec<NodeIndex>], stage: u32) -> Option<String> {
    let Some((named, all)) = plan.stages.get(stage as usize).zip(members.get(stage as usize)) else {
        return Some("the lane has no such stage".into());
    };
    for &index in all {
        let Some(node) = plan.nodes.get(index as usize) else { continue };
        if let Some(what) = effect(node) {
            return Some(match named.nodes.contains(&index) {
                true => format!("it {what}"),
                false => format!("it calls `{}`, which {what}", node.key),
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

/// Takes back every stage on which something kept rests, and then what those rest on.
fn keep_what_is_rested_on(plan: &Plan, members: &[Vec<NodeIndex>], found: &mut Permitted) {
    let mut owner: BTreeMap<NodeIndex, u32> = BTreeMap::new();
    for &stage in &found.stages {
        owner.extend(members[stage as usize].iter().map(|&node| (node, stage)));
    }
    let makers = makers(plan, &owner);
    let take_back = |found: &mut Permitted, stage: u32, why: String| -> Vec<NodeIndex> {
        if !found.stages.remove(&stage) {
            return Vec::new();
        }
        found.refused.insert(stage, why);
        members[stage as usize].clone()
    };
    let mut open: Vec<NodeIndex> =
        (0..plan.nodes.len() as NodeIndex).filter(|node| !owner.contains_key(node)).collect();
    for stage in plan.finally.iter().flat_map(|action| reads(&[action])) {
        open.extend(take_back(found, stage, "the lane's `finally` reads its outputs".into()));
    }
    while let Some(index) = open.pop() {
        let node = &plan.nodes[index as usize];
        for edge in node.edges.iter().filter(|edge| edge.kind == EdgeKind::Needs) {
            if let Some(&stage) = owner.get(&edge.to) {
                open.extend(take_back(found, stage, format!("`{}` needs it", node.key)));
            }
        }
        for stage in read_by(node) {
            open.extend(take_back(found, stage, format!("`{}` reads its outputs", node.key)));
        }
        for stage in taken_from(node, &makers) {
            open.extend(take_back(found, stage, format!("`{}` takes a file that it makes", node.key)));
        }
    }
}

/// Files that stages to be left out declare as their outputs.
fn makers<'a>(plan: &'a Plan, owner: &BTreeMap<NodeIndex, u32>) -> Vec<(&'a str, u32)> {
    let mut found = Vec::new();
    for (&index, &stage) in owner {
        let outputs = plan.nodes.get(index as usize).into_iter().flat_map(|node| &node.outputs);
        for output in outputs.filter(|output| output.ty == Type::Path) {
            if let Some(Value::String(path) | Value::Path(path)) = output.value.as_value() {
                found.push((path.as_str(), stage));
            }
        }
    }
    found
}

/// Stages whose declared files are among the declared inputs of the node.
fn taken_from(node: &Node, makers: &[(&str, u32)]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for glob in node.inputs.iter().filter(|_| !makers.is_empty()) {
        let Ok(matcher) = globset::Glob::new(glob).map(|glob| glob.compile_matcher()) else { continue };
        found.extend(makers.iter().filter(|(path, _)| matcher.is_match(path)).map(|(_, stage)| *stage));
    }
    found
}

/// Stages whose outputs any expression of the node names.
fn read_by(node: &Node) -> BTreeSet<u32> {
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
    let mut found = BTreeSet::new();
    own.for_each(|expr| names(expr, &mut found));
    let undo = node.undo.iter().flat_map(|undo| &undo.actions);
    let actions: Vec<&Action> = node.actions.iter().chain(&node.finally).chain(undo).collect();
    found.extend(reads(&actions));
    found
}

fn reads(actions: &[&Action]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for action in actions {
        match action {
            Action::Script { .. } => {}
            Action::Exec { argv } => argv.iter().for_each(|expr| names(expr, &mut found)),
            Action::Render { target, template, context, schema } => [target, template]
                .into_iter()
                .chain(context.iter().map(|(_, value)| value))
                .chain(schema.iter().map(|schema| &**schema))
                .for_each(|expr| names(expr, &mut found)),
        }
    }
    found
}

/// The stages whose outputs the expression names.
fn names(expr: &Expr, found: &mut BTreeSet<u32>) {
    expr.walk(&mut |part| {
        if let Kind::Output { stage, .. } = &part.kind {
            found.insert(*stage);
        }
    });
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
