//! Which stages' results another run may take. Looks at the plan alone.

use crate::event::NodeIndex;
use crate::expr::{Expr, Kind};

use super::{Action, Effect, Node, Plan, StageKind};

impl Plan {
    /// Why no other run may ever take the node's result; `Ok` when one may.
    pub fn reusable(&self, node: NodeIndex) -> Result<(), &'static str> {
        let Some(spec) = self.nodes.get(node as usize) else { return Err("there is no such stage") };
        if spec.inputs.is_empty() {
            return Err("it declares no `inputs`");
        }
        if spec.kind == StageKind::Gate || spec.gate.is_some() {
            return Err("a gate is judged anew in every run");
        }
        if spec.actions.is_empty() || spec.closes.is_some() || self.opened_by(node).is_some() {
            return Err("it has no actions of its own");
        }
        if spec.effect != Effect::Repeatable {
            return Err("only a repeatable stage's result is");
        }
        side_effect(spec).or_else(|| self.secret(spec)).map_or(Ok(()), Err)
    }

    /// Whether the node leaves files behind that are known by name.
    pub fn leaves_files(&self, node: NodeIndex) -> bool {
        let Some(spec) = self.nodes.get(node as usize) else { return false };
        let renders = spec.actions.iter().any(|action| matches!(action, Action::Render { .. }));
        renders || !spec.actions.is_empty() && spec.outputs.iter().any(|output| !output.given)
    }

    /// What is left to read of globals in a plan are secrets.
    fn secret(&self, spec: &Node) -> Option<&'static str> {
        let mut reads = false;
        let mut calls = false;
        for (_, value) in &spec.env {
            note(value, &mut reads, &mut calls);
        }
        if calls {
            self.functions.iter().for_each(|function| note(&function.body, &mut reads, &mut calls));
        }
        reads.then_some("it uses a secret")
    }
}

/// What is done around the stage's actions would be left out with them.
fn side_effect(spec: &Node) -> Option<&'static str> {
    let cases = [
        (spec.lock.is_some(), "it holds a lock"),
        (!spec.finally.is_empty(), "it has a `finally`"),
        (spec.confirm.is_some(), "a person confirms it"),
        (!spec.approvals.is_empty(), "people approve it"),
        (spec.outputs.iter().any(|output| output.given), "it hands values to a lane that it calls"),
    ];
    cases.into_iter().find(|(holds, _)| *holds).map(|(_, why)| why)
}

fn note(expr: &Expr, reads: &mut bool, calls: &mut bool) {
    expr.walk(&mut |part| {
        *reads |= matches!(part.kind, Kind::Global(_));
        *calls |= matches!(part.kind, Kind::Call { .. });
    });
}
