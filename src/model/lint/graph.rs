//! Edges and lanes: skips that spread, stages that no lane holds. Knows nothing of time.

use std::collections::HashSet;

use crate::diag::{Diagnostic, codes};
use crate::model::{ModuleId, StageId};

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
    let Context { model, declared, resolved, failed } = context;
    let held: HashSet<StageId> =
        resolved.values().flat_map(|lane| lane.stages.iter().map(|stage| stage.id)).collect();
    for (id, module) in model.modules.iter().enumerate() {
        let unit = &declared.units[id];
        if !unit.given || unit.std || module.lanes.is_empty() || failed.contains(&(id as ModuleId)) {
            continue;
        }
        for stage in module.stages.iter().filter(|stage| !held.contains(stage)) {
            let stage = &model.stages[*stage as usize];
            found.push(
                Diagnostic::new(&codes::W204, stage.span, format!("no lane holds `{}`", stage.name))
                    .help("include it in a lane, or remove it"),
            );
        }
    }
}
