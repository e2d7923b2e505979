//! Gates that share a tool: each carries the tool's actions, and they follow one another so that the tool never runs
//! twice at once. Does not decide which of them runs it.

use std::collections::BTreeMap;

use crate::event::NodeIndex;
use crate::model::{EdgeKind, Model, Tool, ToolId};

use super::lower::{At, Lowering};
use super::{Edge, Node};

/// A tool under the name that its gates carry.
pub(super) struct Shared<'a> {
    pub(super) name: String,
    pub(super) tool: &'a Tool,
}

impl<'a> Shared<'a> {
    /// Tools of two files may have one name; the file then tells them apart.
    ///
    /// `scope` is the call whose values the tool reads: there it is a tool of its own.
    pub(super) fn new(model: &'a Model, id: ToolId, scope: Option<&str>) -> Option<Shared<'a>> {
        let tool = model.tools.get(id as usize)?;
        let twice = model.tools.iter().any(|other| other.name == tool.name && other.id != tool.id);
        let name = match model.modules.get(tool.module as usize).filter(|_| twice) {
            Some(module) => format!("{} of {}", tool.name, module.name),
            None => tool.name.clone(),
        };
        let name = scope.map_or(name.clone(), |scope| format!("{name} in {scope}"));
        Some(Shared { name, tool })
    }
}

impl Lowering<'_> {
    /// Puts the tool's parts before the gate's own.
    pub(super) fn share(&mut self, node: &mut Node, shared: &Shared<'_>, at: At<'_>) {
        let tool = shared.tool;
        let mut actions = self.actions(&tool.actions, at);
        actions.append(&mut node.actions);
        node.actions = actions;
        let own = std::mem::take(&mut node.env);
        node.env = self.named(&tool.env, at);
        node.env.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
        node.env.extend(own);
        let mut outputs = self.outputs(&tool.outputs, at);
        outputs.append(&mut node.outputs);
        node.outputs = outputs;
        node.cwd = node.cwd.take().or_else(|| tool.cwd.as_ref().map(|cwd| self.expr(cwd, at)));
        node.timeout = node.timeout.or_else(|| self.limit(tool.timeout.as_ref(), at));
        let measures = self.measures(&tool.measures, at);
        if let Some(gate) = &mut node.gate {
            gate.tool = Some(shared.name.clone());
            let own = std::mem::replace(&mut gate.measures, measures);
            gate.measures.extend(own);
            gate.exit_ok.extend(&tool.exit_ok);
            gate.exit_ok.sort_unstable();
            gate.exit_ok.dedup();
        }
    }
}

/// Adds `Follows` edges between the gates of one tool, along `order`, so that no circle can arise.
pub(super) fn chain(nodes: &mut [Node], order: &[NodeIndex]) {
    let mut last: BTreeMap<String, NodeIndex> = BTreeMap::new();
    for index in order {
        let node = &mut nodes[*index as usize];
        let tool = node.gate.as_ref().and_then(|gate| gate.tool.clone()).filter(|_| node.waived.is_none());
        let Some(before) = tool.and_then(|tool| last.insert(tool, *index)) else {
            continue;
        };
        if node.edges.iter().all(|edge| edge.to != before) {
            node.edges.push(Edge { to: before, kind: EdgeKind::Follows });
        }
    }
}
