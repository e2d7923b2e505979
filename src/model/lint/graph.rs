//! Edges and lanes: skips that spread, stages that no lane holds, needs said twice over. Knows nothing of time.

use std::collections::HashSet;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::Kind;
use crate::model::visit::expressions;
use crate::model::{Dependency, ModuleId, Stage, StageId, StageKind};

use super::Context;

/// A stage without `when` that needs one with it is skipped along with it.
pub(super) fn skips_that_spread(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    for stage in model.stages.iter().filter(|stage| stage.when.is_none()) {
        if !context.asked(stage.module) {
            continue;
        }
        for need in stage.needs.iter().filter(|need| !need.optional) {
            let other = &model.stages[need.stage as usize];
            let Some(when) = &other.when else { continue };
            let message = format!("when `{}` is skipped, `{}` is skipped too", other.name, stage.name);
            found.push(
                Diagnostic::new(&codes::W209, need.span, message)
                    .related(when.span, format!("`{}` is skipped unless this holds", other.name))
                    .help(format!(
                        "write `needs {}?` if it can do without, or give it the same `when`",
                        other.name
                    )),
            );
        }
    }
}

/// W204: stages that no lane of their file or another holds.
pub(super) fn unreachable(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let Context { model, declared, resolved, failed, .. } = context;
    let held: HashSet<StageId> =
        resolved.values().flat_map(|lane| lane.stages.iter().map(|stage| stage.id)).collect();
    for (id, module) in model.modules.iter().enumerate() {
        let unit = &declared.units[id];
        if !unit.given || unit.std || module.lanes.is_empty() || failed.contains(&(id as ModuleId)) {
            continue;
        }
        // Gates are `gates::never_asked`'s.
        let stages = module.stages.iter().filter(|stage| !held.contains(stage));
        let stages = stages.map(|stage| &model.stages[*stage as usize]);
        for stage in stages.filter(|stage| stage.kind == StageKind::Stage) {
            found.push(
                Diagnostic::new(&codes::W204, stage.span, format!("no lane holds `{}`", stage.name))
                    .help("include it in a lane, or remove it"),
            );
        }
    }
}

/// I205: a need that another need has already.
pub(super) fn redundant(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let stages = &context.model.stages;
    let changed = changed_by_lanes(context);
    // Of each stage the last one that needs it, so that no set is built for each.
    let mut needed_by: Vec<Option<(StageId, usize)>> = vec![None; stages.len()];
    for stage in stages.iter().filter(|stage| context.asked(stage.module) && !stage.needs.is_empty()) {
        for (index, need) in stage.needs.iter().enumerate() {
            needed_by[need.stage as usize] = Some((stage.id, index));
        }
        let own = |other: StageId| {
            needed_by[other as usize].filter(|(by, _)| *by == stage.id).map(|(_, index)| &stage.needs[index])
        };
        for follow in &stage.follows {
            found.extend(own(follow.stage).map(|need| orders_nothing(context, stage, follow, need)));
        }
        let mut told: Vec<StageId> = Vec::new();
        for through in stage.needs.iter().filter(|need| !need.optional) {
            let other = &stages[through.stage as usize];
            // A gate may be waived, a lane may change it: then the edge of its own is the only one.
            if other.kind == StageKind::Gate || changed.contains(&other.id) || other.needs.len() > MOST_NEEDS
            {
                continue;
            }
            for inner in other.needs.iter().filter(|inner| !inner.optional) {
                let Some(need) = own(inner.stage) else { continue };
                if !told.contains(&inner.stage) && !reads(stage, inner.stage) {
                    told.push(inner.stage);
                    found.push(implied(context, stage, need, other, inner));
                }
            }
        }
    }
}

/// A stage that needs more is not searched: the search would grow with the square.
const MOST_NEEDS: usize = 64;

fn implied(
    context: &Context<'_>,
    stage: &Stage,
    need: &Dependency,
    through: &Stage,
    inner: &Dependency,
) -> Diagnostic {
    let name = &context.model.stages[need.stage as usize].name;
    let message = format!(
        "`{}` needs `{name}` through `{}` already, and reads nothing of it",
        stage.name, through.name
    );
    let found = Diagnostic::new(&codes::I205, need.span, message)
        .related(inner.span, format!("`{}` needs it", through.name))
        .help("remove it here: one edge says it");
    match without(context, stage.id, need.span) {
        Some(span) => found.fix(true, span, ""),
        None => found,
    }
}

fn orders_nothing(
    context: &Context<'_>,
    stage: &Stage,
    follow: &Dependency,
    need: &Dependency,
) -> Diagnostic {
    let name = &context.model.stages[follow.stage as usize].name;
    let message = format!("`{}` needs `{name}`, so it follows it already", stage.name);
    let found = Diagnostic::new(&codes::I205, follow.span, message)
        .related(need.span, "needed here")
        .help("remove it here: `needs` orders as well");
    match without(context, stage.id, follow.span) {
        Some(span) => found.fix(true, span, ""),
        None => found,
    }
}

/// The place of one of several operands, with the comma beside it.
fn without(context: &Context<'_>, stage: StageId, operand: Span) -> Option<Span> {
    let body = context.declared.stages.get(stage as usize)?.statement.body();
    let statement = body.iter().find(|statement| statement.span.covers(operand))?;
    super::twice::without(statement.operands(), operand)
}

fn reads(stage: &Stage, of: StageId) -> bool {
    expressions(stage).into_iter().any(|expr| {
        let mut found = false;
        expr.walk(&mut |part| found |= matches!(part.kind, Kind::Output { stage, .. } if stage == of));
        found
    })
}

/// Stages that some lane overrides or replaces: their needs are not the same everywhere.
fn changed_by_lanes(context: &Context<'_>) -> HashSet<StageId> {
    let mut changed = HashSet::new();
    for body in &context.model.bodies {
        changed.extend(body.overrides.iter().flat_map(|change| change.target.candidates.iter().copied()));
        changed.extend(body.replaces.iter().flat_map(|replace| replace.old.candidates.iter().copied()));
    }
    changed
}
