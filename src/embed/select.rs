//! Only a part of a lane: some stages, a stage and what follows it, or what history recommends. Gates and approvals that
//! the part needs stay; any other stage it needs must have a result of the lane's newest run that is still true.

use std::collections::BTreeSet;

use crate::event::NodeIndex;
use crate::plan::{Edge, EdgeKind, LEFT_OUT, Node, Plan, Preset};

use super::reuse::Newest;
use super::stored::nodes;
use super::{Error, Planned, Project, Wish};

/// Which part.
#[derive(Clone, Debug, PartialEq)]
pub enum Selection {
    /// These stages, by name, key or number.
    Only(Vec<String>),
    /// This stage and all that waits for it.
    From(String),
    /// All but what history would leave out.
    Recommended,
}

impl Selection {
    fn words(&self) -> String {
        match self {
            Selection::Only(names) => format!("{LEFT_OUT} by --only {}", names.join(",")),
            Selection::From(name) => format!("{LEFT_OUT} by --from {name}"),
            Selection::Recommended => format!("{LEFT_OUT} by --recommended"),
        }
    }
}

impl Project {
    /// Cuts the plan down to the part. Stages left out stay in it, their end known beforehand.
    pub fn select(&self, mut planned: Planned, selection: &Selection) -> Result<Planned, Error> {
        let asked = match selection {
            Selection::Only(names) => named(&planned.plan, names)?,
            Selection::From(name) => downstream(&planned.plan, nodes(&planned.plan, name)?),
            // Whoever asks for it here has agreed, and no draw is made.
            Selection::Recommended => {
                let offer = self.recommend(&planned, Wish { control: 0, ..Wish::default() })?;
                return Ok(offer.decide(planned, false, super::identity(self.root())));
            }
        };
        let store = self.history()?;
        let part =
            with_beginnings(&planned.plan, with_guards(&planned.plan, with_called(&planned.plan, asked)));
        let newest = match store {
            Some(store) => Newest::of(store, &planned.plan)?,
            None => Newest::none(),
        };
        cut(&mut planned.plan, &part, &newest, &selection.words())?;
        Ok(planned)
    }
}

fn named(plan: &Plan, names: &[String]) -> Result<BTreeSet<NodeIndex>, Error> {
    let found = names.iter().map(|name| nodes(plan, name)).collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().flatten().collect())
}

/// These and all that waits for them, directly or through others.
fn downstream(plan: &Plan, mut open: Vec<NodeIndex>) -> BTreeSet<NodeIndex> {
    let mut found = BTreeSet::new();
    while let Some(node) = open.pop() {
        if found.insert(node) {
            let waits =
                |(_, other): &(NodeIndex, &crate::plan::Node)| other.edges.iter().any(|edge| edge.to == node);
            open.extend((0..).zip(&plan.nodes).filter(waits).map(|(index, _)| index));
        }
    }
    found
}

/// A stage that calls stands for all that it calls.
fn with_called(plan: &Plan, mut part: BTreeSet<NodeIndex>) -> BTreeSet<NodeIndex> {
    let whole: BTreeSet<u32> =
        part.iter().filter_map(|&node| plan.nodes.get(node as usize)?.closes).collect();
    let called = |node: &NodeIndex| plan.around(*node).any(|call| whole.contains(&call));
    part.extend((0..plan.nodes.len() as NodeIndex).filter(called));
    part
}

/// What is called comes after what its caller does before: its conditions, approvals, lock and first actions.
fn with_beginnings(plan: &Plan, mut part: BTreeSet<NodeIndex>) -> BTreeSet<NodeIndex> {
    let of_callers: BTreeSet<NodeIndex> =
        plan.calls.iter().flat_map(|call| call.parts.iter().copied()).collect();
    let mut open: Vec<NodeIndex> = part.iter().copied().collect();
    while let Some(node) = open.pop() {
        let inside = plan.nodes[node as usize].call.is_some();
        for edge in plan.nodes[node as usize].edges.iter().filter(|_| inside) {
            if of_callers.contains(&edge.to) && part.insert(edge.to) {
                open.push(edge.to);
            }
        }
    }
    part
}

/// Adds every gate and every stage behind an approval that the part needs, directly or through others.
fn with_guards(plan: &Plan, mut part: BTreeSet<NodeIndex>) -> BTreeSet<NodeIndex> {
    let mut open: Vec<NodeIndex> = part.iter().copied().collect();
    let mut seen = part.clone();
    while let Some(node) = open.pop() {
        for edge in plan.nodes[node as usize].edges.iter().filter(|edge| edge.kind != EdgeKind::Follows) {
            let needed = &plan.nodes[edge.to as usize];
            if needed.gate.is_some() || !needed.approvals.is_empty() {
                part.insert(edge.to);
            }
            if seen.insert(edge.to) {
                open.push(edge.to);
            }
        }
    }
    part
}

/// Gives every stage outside the part its known end.
fn cut(plan: &mut Plan, part: &BTreeSet<NodeIndex>, newest: &Newest, reason: &str) -> Result<(), Error> {
    let needs = |kind: EdgeKind| -> BTreeSet<NodeIndex> {
        let edges = part.iter().flat_map(|&node| &plan.nodes[node as usize].edges);
        edges.filter(|edge| edge.kind == kind && !part.contains(&edge.to)).map(|edge| edge.to).collect()
    };
    let (needed, welcome) = (needs(EdgeKind::Needs), needs(EdgeKind::NeedsOptional));
    let mut presets = Vec::new();
    for node in (0..plan.nodes.len() as NodeIndex).filter(|node| !part.contains(node)) {
        let left_out = || Preset::LeftOut(reason.to_string());
        let preset = match newest.reusable(plan, node) {
            Ok(reused) if needed.contains(&node) || welcome.contains(&node) => reused,
            Err(why) if needed.contains(&node) => return Err(not_reusable(plan, node, &why)),
            _ => left_out(),
        };
        presets.push((node, preset));
    }
    presets.into_iter().for_each(|(node, preset)| end_beforehand(&mut plan.nodes[node as usize], preset));
    Ok(())
}

/// Gives the node an end that is known before the run.
pub(super) fn end_beforehand(node: &mut Node, preset: Preset) {
    node.preset = Some(preset);
    // It only keeps its place in the order: nothing of what it needs concerns it any more.
    node.edges = node.edges.iter().map(|edge| Edge { to: edge.to, kind: EdgeKind::Follows }).collect();
    node.approvals.clear();
}

fn not_reusable(plan: &Plan, node: NodeIndex, why: &str) -> Error {
    let key = &plan.nodes[node as usize].key;
    Error::refused(
        format!("`{key}` is needed and was left out, and its last result cannot be reused: {why}"),
        format!("run it as well: add `{key}` to --only, or run the whole lane"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::tests::plan;

    #[test]
    fn from_takes_all_that_waits() {
        let plan = plan(&[("build", &[]), ("unit", &[0]), ("lint", &[0]), ("ship", &[1])]);
        assert_eq!(downstream(&plan, vec![1]), BTreeSet::from([1, 3]));
    }

    #[test]
    fn gates_and_approvals_behind_the_part_stay() {
        let mut plan = plan(&[("build", &[]), ("coverage", &[0]), ("pack", &[1]), ("ship", &[2])]);
        plan.nodes[1].gate = Some(crate::plan::Gate {
            tool: None,
            measures: Vec::new(),
            require: Vec::new(),
            exit_ok: Vec::new(),
        });
        assert_eq!(with_guards(&plan, BTreeSet::from([3])), BTreeSet::from([1, 3]));
    }

    #[test]
    fn a_needed_stage_without_a_result_refuses_and_others_are_left_out() {
        let mut plan = plan(&[("build", &[]), ("unit", &[0]), ("docs", &[])]);
        let none = Newest::none();
        let error = cut(&mut plan.clone(), &BTreeSet::from([1]), &none, "left out").unwrap_err();
        assert!(error.to_string().contains("`build` is needed"), "{error}");
        cut(&mut plan, &BTreeSet::from([0, 1]), &none, "left out by --only").unwrap();
        assert_eq!(plan.nodes[2].preset, Some(Preset::LeftOut("left out by --only".into())));
        assert_eq!(plan.nodes[1].preset, None);
    }
}
