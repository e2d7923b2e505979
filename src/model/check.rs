//! The whole check: keyword table, names, types, lanes, then what is only odd. One call for all files.

use std::collections::{HashMap, HashSet};

use crate::base::SourceMap;
use crate::diag::{self, Diagnostic, codes};
use crate::syntax::module::Unit;

use super::lower::{self, Lowering};
use super::report::Report;
use super::{Concerns, LaneId, Model, ModuleId, NotYet, ResolvedLane, calls, declare, lint, resolve, schema};

/// The model, and all that is wrong with it.
#[derive(Debug, Default)]
pub struct Checked {
    pub model: Model,
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks all units together; pure, and linear in what they hold.
pub fn check(sources: &SourceMap, units: &[Unit]) -> Checked {
    let mut report = Report::default();
    for unit in units {
        schema::check::file(&unit.tree, &mut report);
    }
    let declared = declare::declare(sources, units, &mut report);
    let mut lowering = lower::lower(&declared, report);
    let lanes = lanes(&mut lowering);
    lowering.tests(&lanes.resolved);
    let Lowering { mut model, report, .. } = lowering;
    let mut diagnostics = report.finish();
    diagnostics.extend(lanes.diagnostics);
    diagnostics.extend(calls::circles(&model, &lanes.resolved));
    let context = lint::Context {
        model: &model,
        declared: &declared,
        resolved: &lanes.resolved,
        failed: &lanes.failed,
        files: &lanes.files,
    };
    diagnostics.extend(lint::run(&context));
    note_unsupported(&mut model, &lanes.resolved);
    diagnostics.retain(|found| !follows_from_missing_import(sources, units, found));
    drop_calls_of_broken_functions(&declared, &mut diagnostics);
    diag::sort(&mut diagnostics);
    let mut seen = HashSet::new();
    diagnostics.retain(|found| seen.insert((found.code.id, found.span, found.message.clone())));
    Checked { model, diagnostics }
}

#[derive(Default)]
struct Lanes {
    resolved: HashMap<LaneId, ResolvedLane>,
    failed: HashSet<ModuleId>,
    /// Files without lanes, each as one.
    files: Vec<(ModuleId, ResolvedLane)>,
    diagnostics: Vec<Diagnostic>,
}

fn lanes(lowering: &mut Lowering<'_, '_>) -> Lanes {
    let model = &lowering.model;
    let mut lanes = Lanes::default();
    let (found, circular) = resolve::cycles::of_files(model);
    lanes.diagnostics = found;
    for lane in &model.lanes {
        let outcome = resolve::outcome(model, lane.id, &circular);
        lanes
            .diagnostics
            .extend(outcome.diagnostics.into_iter().filter(|found| found.severity != diag::Severity::Info));
        match outcome.lane {
            Some(resolved) => {
                lanes.resolved.insert(lane.id, resolved);
            }
            None => {
                lanes.failed.insert(lane.module);
            }
        }
    }
    for (module, file) in model.modules.iter().enumerate() {
        if file.lanes.is_empty() && !file.stages.is_empty() && lowering.defs.units[module].given {
            let (lane, found) = resolve::whole(model, module as ModuleId, &circular);
            lanes.diagnostics.extend(found);
            lanes.files.push((module as ModuleId, lane));
        }
    }
    lanes
}

/// What lanes ask for that the engine cannot do yet.
fn note_unsupported(model: &mut Model, resolved: &HashMap<LaneId, ResolvedLane>) {
    let mut found = Vec::new();
    for lane in &model.lanes {
        let Some(resolved) = resolved.get(&lane.id) else { continue };
        for span in &resolved.notifies {
            found.push(NotYet {
                span: *span,
                what: NotYet::NOTIFY.to_string(),
                concerns: Concerns::Run(lane.id),
            });
        }
        for change in &model.bodies[lane.id as usize].overrides {
            let stages = change.patches.iter().map(|(_, patch)| &patch.stage);
            let unsupported = stages
                .into_iter()
                .any(|stage| stage.retry.as_ref().is_some_and(|retry| retry.breaker.is_some()));
            if unsupported {
                let what = "a circuit breaker in an `override`".to_string();
                found.push(NotYet { span: change.span, what, concerns: Concerns::Lane(lane.id) });
            }
        }
    }
    model.not_yet.extend(found);
}

/// A function whose head could not be read has lost its parameters; its calls are not to blame.
fn drop_calls_of_broken_functions(declared: &declare::Declared<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let broken: HashSet<&str> = declared
        .functions
        .iter()
        .filter(|item| item.statement.broken)
        .map(|item| item.name.as_str())
        .collect();
    if broken.is_empty() {
        return;
    }
    diagnostics.retain(|found| {
        let called = found.message.rsplit('`').nth(1).unwrap_or_default();
        let name = called.rsplit('.').next().unwrap_or_default();
        found.code.id != codes::E107.id || !broken.contains(name)
    });
}

/// Names of a file that could not be read: the import was reported, what hangs on it is not.
fn follows_from_missing_import(sources: &SourceMap, units: &[Unit], found: &Diagnostic) -> bool {
    let codes = [codes::E102.id, codes::E126.id, codes::E202.id, codes::E401.id];
    if !codes.contains(&found.code.id) {
        return false;
    }
    let Some(unit) = units.iter().find(|unit| unit.tree.id == found.span.file) else { return false };
    let text = &sources.get(found.span.file).text;
    let (before, at) = text.split_at_checked(found.span.start as usize).unwrap_or((text, ""));
    unit.imports.iter().filter(|import| import.unit.is_none()).any(|import| {
        let dotted = format!("{}.", import.alias);
        at.starts_with(&dotted) || before.ends_with(&dotted)
    })
}
