//! A resolved lane to its plan: everything known before the run worked out and pinned. Reads nothing and runs nothing.

use std::collections::BTreeMap;

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::eval::eval;
use crate::model::{self, Lane, Model, ResolvedLane};

use super::frame::{Builder, Held, Inside};
use super::given::{Given, Known};
use super::globals::{For, globals, no_value, unknown_names};
use super::order::{priorities, topological};
use super::reach::{Standing, reach, select};
use super::tool::chain;
use super::{Node, Plan};

/// The lane's plan, or everything that is missing or wrong at once.
pub fn build(model: &Model, lane: &ResolvedLane, given: &Given<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let span = model.lanes.get(lane.id as usize).map(|lane| lane.span).unwrap_or_default();
    let unknown = unknown_names(model, span, given, &lane.params);
    let mut builder = Builder::new(model, given);
    let held = builder.lane(lane, &Inside::default());
    let (Some(held), true) = (held, unknown.is_empty()) else {
        return Err(unknown.into_iter().chain(builder.found).collect());
    };
    if builder.found.is_empty() {
        builder.found.extend(order(&mut builder.nodes, lane));
    }
    match builder.found.is_empty() {
        true => Ok(assemble(builder, lane, held)),
        false => Err(builder.found),
    }
}

/// Whether the lane's `select` fits; a lane without one never does by itself.
pub fn select_matches(model: &Model, lane: &Lane, given: &Given<'_>) -> Result<bool, Vec<Diagnostic>> {
    let Some(expr) = select(model, lane) else {
        return Ok(false);
    };
    let roots = [expr];
    let params = crate::model::resolve::params_of(model, lane.id);
    let standing = Standing::of(&params);
    let reached = reach(model, &roots, &standing);
    let whose = For { lane: &params, set: &BTreeMap::new(), outermost: true, standing: &standing };
    let globals = globals(model, given, &reached, &roots, &whose)?;
    let scope =
        Known { functions: &model.functions, globals: &globals.values, facts: &globals.facts, matrix: &[] };
    match eval(expr, &scope) {
        Ok(value) => Ok(value == Value::Bool(true)),
        Err(stop) => Err(vec![no_value(expr.span, &stop)]),
    }
}

fn targets(nodes: &[Node]) -> Vec<Vec<u32>> {
    nodes.iter().map(|node| node.edges.iter().map(|edge| edge.to).collect()).collect()
}

/// Chains gates of one tool and ranks nodes; a circle that is left over is an error.
fn order(nodes: &mut [Node], lane: &ResolvedLane) -> Option<Diagnostic> {
    let order = match topological(&targets(nodes)) {
        Ok(order) => order,
        Err(circle) => return Some(cycle(nodes, lane, &circle)),
    };
    chain(nodes, &order);
    // The chain runs along the order, so the order still holds.
    let ranks = priorities(&targets(nodes), &order);
    for (node, rank) in nodes.iter_mut().zip(ranks) {
        node.priority = rank;
    }
    None
}

/// Reported at the stage that stands first in its file, the others related.
fn cycle(nodes: &[Node], lane: &ResolvedLane, circle: &[u32]) -> Diagnostic {
    let mut stages: Vec<&model::Stage> = Vec::new();
    for node in circle.iter().filter_map(|index| nodes.get(*index as usize)) {
        let stage = lane.stages.get(node.stage as usize).map(|stage| &**stage);
        stages.extend(stage.filter(|stage| stages.iter().all(|known| known.id != stage.id)));
    }
    let first = stages.iter().enumerate().min_by_key(|(_, stage)| stage.span).map_or(0, |(index, _)| index);
    stages.rotate_left(first);
    let names: Vec<String> = stages.iter().map(|stage| format!("`{}`", stage.name)).collect();
    let span = stages.first().map_or(Span::default(), |stage| stage.span);
    let around = [names.as_slice(), &names[..names.len().min(1)]].concat().join(" → ");
    let mut found =
        Diagnostic::new(&codes::E201, span, format!("these stages wait for each other: {around}"))
            .help("remove one of these needs");
    for stage in stages.iter().skip(1) {
        found = found.related(stage.span, format!("`{}` is part of it", stage.name));
    }
    found
}

fn assemble(builder: Builder<'_>, lane: &ResolvedLane, held: Held) -> Plan {
    let (model, given) = (builder.model, builder.given);
    Plan {
        lane: lane.name.clone(),
        about: lane.about.clone(),
        root: given.root.clone(),
        nodes: builder.nodes,
        stages: builder.stages,
        calls: builder.calls,
        bounds: builder.bounds,
        functions: builder.functions,
        parallel: lane.parallel,
        on_failure: lane.on_failure,
        timeout: held.timeout,
        sla: held.sla,
        finally: held.finally,
        groups: model.project.groups.clone(),
        pools: builder.pools,
        params: builder.params,
        facts: held.facts,
        secrets: builder.secrets,
        clean_env: model.project.clean_environment.clone(),
        definition: given.definition.clone(),
        seed: given.seed,
        log_size: model.project.log_size,
        verify_reuse: model.project.verify_reuse,
        repairs: held.repairs,
        repair_sets: super::repair::library_sets(model),
        fail_first: None,
        advised: None,
    }
}

#[cfg(test)]
pub(super) mod tests;
