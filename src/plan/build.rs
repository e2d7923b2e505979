//! A resolved lane to its plan: everything known before the run worked out and pinned. Reads nothing and runs nothing.

use std::collections::{BTreeMap, HashMap};

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::expr::eval::eval;
use crate::model::{self, Lane, Model, ResolvedLane, StageId};

use super::given::{Given, Known};
use super::globals::{Globals, globals, no_value, unknown_names};
use super::lower::{At, Lowering};
use super::node::Around;
use super::order::{priorities, topological};
use super::reach::{Reach, environment, global_expr, reach, roots, select};
use super::tool::{Shared, chain};
use super::{Approval, Edge, Instances, Node, Plan, Secret};

/// The lane's plan, or everything that is missing or wrong at once.
pub fn build(model: &Model, lane: &ResolvedLane, given: &Given<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let roots = roots(model, lane);
    let reached = reach(model, &roots);
    let span = model.lanes.get(lane.id as usize).map(|lane| lane.span).unwrap_or_default();
    let unknown = unknown_names(model, span, given);
    let globals = match globals(model, given, &reached, &roots) {
        Ok(globals) if unknown.is_empty() => globals,
        Ok(_) => return Err(unknown),
        Err(found) => return Err(unknown.into_iter().chain(found).collect()),
    };
    let mut lowering = Lowering {
        model,
        globals: &globals,
        stages: stage_indices(lane),
        functions: reached.functions.iter().copied().zip(0..).collect(),
        found: Vec::new(),
    };
    let (mut nodes, stages) = nodes(&mut lowering, lane, given);
    connect(&mut nodes, &stages, lane);
    approvals(&mut lowering, lane, &stages, &mut nodes);
    if lowering.found.is_empty() {
        lowering.found.extend(order(&mut nodes, lane));
    }
    let plan = assemble(&mut lowering, (lane, given, &reached), nodes, stages);
    match lowering.found.is_empty() {
        true => Ok(plan),
        false => Err(lowering.found),
    }
}

/// Whether the lane's `select` fits; a lane without one never does by itself.
pub fn select_matches(model: &Model, lane: &Lane, given: &Given<'_>) -> Result<bool, Vec<Diagnostic>> {
    let Some(expr) = select(model, lane) else {
        return Ok(false);
    };
    let roots = [expr];
    let reached = reach(model, &roots);
    let globals = globals(model, given, &reached, &roots)?;
    let scope =
        Known { functions: &model.functions, globals: &globals.values, facts: &globals.facts, matrix: &[] };
    match eval(expr, &scope) {
        Ok(value) => Ok(value == Value::Bool(true)),
        Err(stop) => Err(vec![no_value(expr.span, &stop)]),
    }
}

/// Stages of the lane by their id; a replaced one by what replaced it.
fn stage_indices(lane: &ResolvedLane) -> HashMap<StageId, u32> {
    let mut indices: HashMap<StageId, u32> = lane.stages.iter().map(|stage| stage.id).zip(0..).collect();
    for (old, new) in &lane.replaced {
        if let Some(index) = indices.get(new).copied() {
            indices.insert(*old, index);
        }
    }
    indices
}

fn nodes(lowering: &mut Lowering<'_>, lane: &ResolvedLane, given: &Given<'_>) -> (Vec<Node>, Vec<Instances>) {
    let model = lowering.model;
    let mut nodes: Vec<Node> = Vec::new();
    let mut stages = Vec::with_capacity(lane.stages.len());
    for (index, stage) in (0u32..).zip(&lane.stages) {
        let around = Around {
            sources: given.sources,
            strict: lane.strict,
            waived: lane.waived.iter().find(|(id, _)| *id == stage.id).map(|(_, why)| why.clone()),
            pool: stage.pool.map(|pool| pool_name(model, pool)),
            tool: stage.gate.as_ref().and_then(|gate| gate.tool).and_then(|id| Shared::new(model, id)),
        };
        let first = nodes.len() as u32;
        for combination in lowering.combinations(stage) {
            nodes.push(lowering.node(index, stage, combination, &around));
        }
        stages.push(Instances {
            name: stage.name.clone(),
            nodes: (first..nodes.len() as u32).collect(),
            matrix: !stage.matrix.is_empty(),
        });
    }
    (nodes, stages)
}

/// Pools of two files may have one name; the file then tells them apart.
fn pool_name(model: &Model, index: u32) -> String {
    let Some(pool) = model.pools.get(index as usize) else {
        return String::new();
    };
    let twice = model.pools.iter().filter(|other| other.name == pool.name).count() > 1;
    match model.modules.get(pool.module as usize).filter(|_| twice) {
        Some(module) => format!("{} of {}", pool.name, module.name),
        None => pool.name.clone(),
    }
}

/// Every instance waits for every instance of what its stage waits for.
fn connect(nodes: &mut [Node], stages: &[Instances], lane: &ResolvedLane) {
    for node in nodes {
        let Some(edges) = lane.edges.get(node.stage as usize) else {
            continue;
        };
        for edge in edges {
            let targets = stages.get(edge.to as usize).map_or(&[][..], |stage| &stage.nodes);
            node.edges.extend(targets.iter().map(|to| Edge { to: *to, kind: edge.kind }));
        }
    }
}

fn approvals(lowering: &mut Lowering<'_>, lane: &ResolvedLane, stages: &[Instances], nodes: &mut [Node]) {
    for approval in &lane.approvals {
        let lowered = Approval {
            count: approval.count,
            group: approval.group.clone(),
            timeout: lowering.limit(approval.timeout.as_ref(), At::LANE),
        };
        let instances = stages.get(approval.before as usize).map_or(&[][..], |stage| &stage.nodes);
        for node in instances {
            nodes[*node as usize].approvals.push(lowered.clone());
        }
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

fn assemble(
    lowering: &mut Lowering<'_>,
    (lane, given, reached): (&ResolvedLane, &Given<'_>, &Reach),
    nodes: Vec<Node>,
    stages: Vec<Instances>,
) -> Plan {
    let model = lowering.model;
    let globals = lowering.globals;
    Plan {
        lane: lane.name.clone(),
        about: lane.about.clone(),
        root: given.root.clone(),
        nodes,
        stages,
        functions: lowering.bodies(&reached.functions),
        parallel: lane.parallel,
        on_failure: lane.on_failure,
        timeout: lowering.limit(lane.timeout.as_ref(), At::LANE),
        sla: lowering.limit(lane.sla.as_ref(), At::LANE),
        finally: lowering.actions(&lane.finally, At::LANE),
        groups: model.project.groups.clone(),
        pools: pools(lowering, lane),
        params: globals.params.clone(),
        facts: globals.facts.clone(),
        secrets: secrets(lowering, globals),
        clean_env: model.project.clean_environment.clone(),
        definition: given.definition.clone(),
        seed: given.seed,
    }
}

fn pools(lowering: &mut Lowering<'_>, lane: &ResolvedLane) -> BTreeMap<String, u32> {
    let model = lowering.model;
    let mut pools = BTreeMap::new();
    for index in lane.stages.iter().filter_map(|stage| stage.pool) {
        let name = pool_name(model, index);
        if let Some(pool) = model.pools.get(index as usize).filter(|_| !pools.contains_key(&name)) {
            pools.insert(name, lowering.count(&pool.slots, At::LANE).unwrap_or(1));
        }
    }
    pools
}

fn secrets(lowering: &Lowering<'_>, globals: &Globals) -> Vec<Secret> {
    let model = lowering.model;
    let scope =
        Known { functions: &model.functions, globals: &globals.values, facts: &globals.facts, matrix: &[] };
    let secret = |index: &u32| {
        let expr: &Expr = global_expr(model, *index)?;
        Some(Secret {
            global: *index,
            name: model.globals.get(*index as usize)?.name.clone(),
            value: lowering.expr(expr, At::LANE),
            sources: environment(expr, &scope),
        })
    };
    globals.secrets.iter().filter_map(secret).collect()
}

#[cfg(test)]
pub(super) mod tests;
