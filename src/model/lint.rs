//! What is not wrong but odd, and what only all lanes together show: unused names, spreading skips, unheld stages,
//! stages that may outlast every lane.

use std::collections::{HashMap, HashSet};

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};

use super::declare::{Declared, Item};
use super::infer::Symbol;
use super::{LaneId, Model, ModuleId, ResolvedLane, StageId, constant, mentions};

/// All warnings, and the errors that need every lane; `failed` modules have lanes that could not be put together.
pub(super) fn run(
    model: &Model,
    declared: &Declared<'_>,
    resolved: &HashMap<LaneId, ResolvedLane>,
    failed: &HashSet<ModuleId>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (module, unit) in declared.units.iter().enumerate() {
        if unit.given && !unit.std {
            unused(model, declared, module as ModuleId, &mut found);
        }
    }
    skips_that_spread(model, declared, &mut found);
    unreachable(model, declared, resolved, failed, &mut found);
    outlasting(model, resolved, &mut found);
    found
}

fn unused(model: &Model, declared: &Declared<'_>, module: ModuleId, found: &mut Vec<Diagnostic>) {
    let unit = &declared.units[module as usize];
    if unit.tree.refused > 0 || unit.tree.statements.iter().any(|statement| statement.broken) {
        return;
    }
    let mut mentioned: HashSet<&str> = HashSet::new();
    mentions::in_statements(&unit.tree.statements, &mut |path| {
        mentioned.extend(path.first());
    });
    for import in unit.imports.iter().filter(|import| !mentioned.contains(import.alias.as_str())) {
        found.push(
            Diagnostic::new(
                &codes::W112,
                import.alias_span,
                format!("nothing of `{}` is used", import.alias),
            )
            .help("remove the import")
            .fix(true, import.span, ""),
        );
    }
    // A file without lanes is a library: others read its values.
    if model.modules[module as usize].lanes.is_empty() {
        return;
    }
    let own = |(_, item): &(usize, &Item<'_>)| item.module == module && !item.name.starts_with('_');
    for (index, item) in declared.globals.iter().enumerate().filter(own) {
        let read = declared.is_used(Symbol::Global(index as u32)) || mentioned.contains(item.name.as_str());
        let (code, what) = match item.statement.head.text.as_str() {
            "param" => (&codes::W110, "param"),
            "let" => (&codes::W111, "value"),
            _ => continue,
        };
        if !read {
            let message = format!("{what} `{}` is never read", item.name);
            found.push(Diagnostic::new(code, item.span, message).help("remove it, or use it"));
        }
    }
}

/// A stage without `when` that needs one with it is skipped along with it.
fn skips_that_spread(model: &Model, declared: &Declared<'_>, found: &mut Vec<Diagnostic>) {
    for stage in model.stages.iter().filter(|stage| stage.when.is_none()) {
        if !declared.units[stage.module as usize].given {
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

fn unreachable(
    model: &Model,
    declared: &Declared<'_>,
    resolved: &HashMap<LaneId, ResolvedLane>,
    failed: &HashSet<ModuleId>,
    found: &mut Vec<Diagnostic>,
) {
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

/// A lane's timeout in milliseconds, its place, and the lane's name.
type Bound = (i64, Span, String);

/// A stage's attempt may take longer than every lane that holds it.
fn outlasting(model: &Model, resolved: &HashMap<LaneId, ResolvedLane>, found: &mut Vec<Diagnostic>) {
    // By the place of the stage's timeout: its length, the longest lane, and whether some lane has no bound.
    let mut places: HashMap<Span, (i64, String, Option<Bound>)> = HashMap::new();
    for lane in resolved.values() {
        let bound = lane.timeout.as_ref().and_then(|timeout| match constant(model, timeout) {
            Some(Value::Duration(ms)) => Some((*ms, timeout.span, lane.name.clone())),
            _ => None,
        });
        for stage in &lane.stages {
            let Some(timeout) = &stage.timeout else { continue };
            let Some(Value::Duration(ms)) = constant(model, timeout) else { continue };
            let known = places
                .entry(timeout.span)
                .or_insert_with(|| (*ms, stage.name.clone(), Some((0, timeout.span, String::new()))));
            known.2 = match (known.2.take(), &bound) {
                (Some(longest), Some(bound)) if bound.0 > longest.0 => Some(bound.clone()),
                (Some(longest), Some(_)) => Some(longest),
                _ => None,
            };
        }
    }
    for (span, (ms, stage, longest)) in places {
        let Some((limit, place, lane)) = longest.filter(|(limit, _, _)| ms > *limit) else { continue };
        let (own, whole) =
            (crate::base::clock::format_duration(ms), crate::base::clock::format_duration(limit));
        found.push(
            Diagnostic::new(
                &codes::E301,
                span,
                format!("`{stage}` may take {own}, longer than lane `{lane}` with its {whole}"),
            )
            .related(place, "the lane's timeout")
            .help("shorten the stage's timeout, or lengthen the lane's"),
        );
    }
}
