//! A lane's own params and what it gives out: which params stand for which in its files, and what its stages read that
//! only another lane has. Knows no values.

use std::collections::HashSet;

use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::visit::expressions;
use crate::model::{GlobalKind, LaneId, LaneParam, Model, ModuleId, ResolvedLane, StageId};

/// The params of the lane and of those it extends, nearest first; `chain` begins with the lane itself.
pub(super) fn of(model: &Model, chain: &[LaneId]) -> Vec<LaneParam> {
    let modules: HashSet<ModuleId> = chain.iter().map(|id| model.lanes[*id as usize].module).collect();
    let params = || {
        let globals = (0u32..).zip(&model.globals);
        globals.filter(|(_, global)| matches!(global.kind, GlobalKind::Param { .. }))
    };
    let mut found: Vec<LaneParam> = Vec::new();
    if model.globals.iter().all(|global| global.lane.is_none()) {
        return found;
    }
    for lane in chain {
        for (index, global) in params().filter(|(_, global)| global.lane == Some(*lane)) {
            if found.iter().any(|known| known.name == global.name) {
                continue;
            }
            let stands_for = |(other, of): &(u32, &crate::model::Global)| {
                *other != index && of.name == global.name && modules.contains(&of.module)
            };
            let shadows = params().filter(stands_for).map(|(other, _)| other).collect();
            found.push(LaneParam { name: global.name.clone(), global: index, shadows });
        }
    }
    found
}

/// What the lane gives out must come from a stage it holds.
pub(super) fn outputs_held(model: &Model, lane: &ResolvedLane) -> Vec<Diagnostic> {
    let held: HashSet<StageId> =
        lane.stages.iter().map(|stage| stage.id).chain(lane.replaced.iter().map(|(old, _)| *old)).collect();
    let lost = lane.outputs.iter().filter(|output| !held.contains(&output.stage));
    lost.map(|output| {
        let stage = &model.stages[output.stage as usize];
        let message =
            format!("lane `{}` gives `{}` out, but does not hold `{}`", lane.name, output.name, stage.name);
        Diagnostic::new(&codes::E216, output.span, message)
            .related(stage.span, format!("`{}` is defined here", stage.name))
            .help(format!("include `{}`, or remove this line", stage.name))
    })
    .collect()
}

/// Params of other lanes that stages of this one read: they have no value here.
pub(super) fn of_other_lanes(model: &Model, lane: &ResolvedLane, chain: &[LaneId]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if model.globals.iter().all(|global| global.lane.is_none()) {
        return found;
    }
    let has =
        |index: u32| lane.params.iter().any(|param| param.global == index || param.shadows.contains(&index));
    for stage in &lane.stages {
        let mut search = Search { model, globals: HashSet::new(), functions: HashSet::new() };
        for index in search.read_by(expressions(stage)) {
            let global = &model.globals[index as usize];
            let Some(owner) = global.lane.filter(|owner| !chain.contains(owner) && !has(index)) else {
                continue;
            };
            let (reader, owner) = (&stage.name, &model.lanes[owner as usize].name);
            let message = format!(
                "`{reader}` reads `{}`, a param of lane `{owner}`, which lane `{}` does not have",
                global.name, lane.name
            );
            let span = model.lanes.get(lane.id as usize).map_or(stage.span, |lane| lane.span);
            found.push(
                Diagnostic::new(&codes::E102, span, message)
                    .related(stage.span, format!("`{reader}` is defined here"))
                    .related(global.span, "the param")
                    .help(format!(
                        "give this lane a `param {}` too, or move it out of the lane",
                        global.name
                    )),
            );
        }
    }
    found
}

/// What expressions read, through values and functions; keeps its own stack, since those may be chained long.
struct Search<'m> {
    model: &'m Model,
    globals: HashSet<u32>,
    functions: HashSet<u32>,
}

impl<'m> Search<'m> {
    fn read_by(&mut self, mut left: Vec<&'m Expr>) -> Vec<u32> {
        let mut read = Vec::new();
        let model = self.model;
        while let Some(expr) = left.pop() {
            let mut next: Vec<u32> = Vec::new();
            let mut bodies: Vec<u32> = Vec::new();
            expr.walk(&mut |part| match &part.kind {
                Kind::Global(index) => next.push(*index),
                Kind::Call { function, .. } => bodies.push(*function),
                _ => {}
            });
            for index in next.into_iter().filter(|index| self.globals.insert(*index)) {
                read.push(index);
                left.extend(definition(model, index));
            }
            let bodies = bodies.into_iter().filter(|index| self.functions.insert(*index));
            left.extend(bodies.filter_map(|index| model.functions.get(index as usize)).map(|of| &of.body));
        }
        read
    }
}

/// A param's default is not read where a lane's own stands for it, so only other values count.
fn definition(model: &Model, index: u32) -> Option<&Expr> {
    match &model.globals.get(index as usize)?.kind {
        GlobalKind::Param { .. } => None,
        GlobalKind::Let(value) | GlobalKind::Secret(value) => Some(value),
    }
}
