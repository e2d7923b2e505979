//! Gates and lanes: gates nobody asks, that cannot be met or can be stepped round; what goes out unjudged.
//! Knows nothing of measured values.

use std::collections::{HashMap, HashSet};

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::{
    Action, Gate, GlobalKind, Measure, Model, ModuleId, ResolvedLane, Stage, StageId, StageKind, constant,
};
use crate::syntax::ast::Statement;
use crate::syntax::spacing;

use super::Context;
use super::never::Bounds;

/// W601: tools and gates that no lane ever asks.
pub(super) fn never_asked(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let held: HashSet<StageId> =
        context.resolved.values().flat_map(|lane| lane.stages.iter().map(|stage| stage.id)).collect();
    let tools: HashSet<u32> =
        model.stages.iter().filter_map(|stage| stage.gate.as_ref().and_then(|gate| gate.tool)).collect();
    for (id, module) in model.modules.iter().enumerate() {
        let (unit, id) = (&context.declared.units[id], id as ModuleId);
        if !unit.given
            || unit.std
            || module.lanes.is_empty()
            || context.failed.contains(&id)
            || context.garbled(id)
        {
            continue;
        }
        let gates = module.stages.iter().map(|stage| &model.stages[*stage as usize]);
        for gate in gates.filter(|stage| stage.kind == StageKind::Gate && !held.contains(&stage.id)) {
            found.push(
                Diagnostic::new(
                    &codes::W601,
                    gate.span,
                    format!("gate `{}` judges nothing: no lane holds it", gate.name),
                )
                .help("include it in a lane, or let a stage `need` it"),
            );
        }
        for tool in model.tools.iter().filter(|tool| tool.module == id && !tools.contains(&tool.id)) {
            found.push(
                Diagnostic::new(
                    &codes::W601,
                    tool.span,
                    format!("no gate looks at what tool `{}` measures", tool.name),
                )
                .help(format!("write a gate with `tool {}`, or remove it", tool.name)),
            );
        }
    }
}

/// E602: conditions that no measured value can meet, also together.
pub(super) fn impossible(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen = HashSet::new();
    let overridden = context.resolved.values().flat_map(|lane| &lane.stages);
    for stage in context.model.stages.iter().chain(overridden) {
        let Some(gate) = &stage.gate else { continue };
        let measures = measures(context.model, gate);
        let mut bounds = Bounds::new(context.model, measures);
        for check in gate.require.iter().chain(&gate.strict) {
            let Some(never) = bounds.add(&check.expr).filter(|never| seen.insert(never.span)) else {
                continue;
            };
            let finding = Diagnostic::new(&codes::E602, never.span, never.message)
                .help("a gate that can never pass stops every lane: mend the threshold");
            found.push(match never.other {
                Some(other) => finding.related(other, "the other condition"),
                None => finding,
            });
        }
    }
}

fn measures<'m>(model: &'m Model, gate: &'m Gate) -> Vec<&'m Measure> {
    let tool = gate.tool.and_then(|tool| model.tools.get(tool as usize));
    gate.measures.iter().chain(tool.into_iter().flat_map(|tool| &tool.measures)).collect()
}

/// W603: a gate that asks for more under `gates strict`, and that a false `when` steps round.
pub(super) fn skippable(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    for stage in model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let Some(strict) = stage.gate.as_ref().and_then(|gate| gate.strict.first()) else { continue };
        let needed = stage.needs.iter().filter(|need| !need.optional);
        let because = needed.map(|need| &model.stages[need.stage as usize]).find(|need| need.when.is_some());
        let chosen = |when: &&Expr| !is_of_the_project(model, when);
        let because = because.filter(|need| need.when.as_deref().is_some_and(|when| chosen(&when)));
        let (when, whose) = match (stage.when.as_deref().filter(chosen), because.map(|need| &**need)) {
            (Some(when), _) => (when, "its own `when`".to_owned()),
            (None, Some(Stage { when: Some(when), name, .. })) => {
                (&**when, format!("the `when` of `{name}`, which it needs,"))
            }
            _ => continue,
        };
        found.push(
            Diagnostic::new(
                &codes::W603,
                stage.span,
                format!("gate `{}` is strict, and {whose} can skip it", stage.name),
            )
            .related(when.span, "skipped when this is false")
            .related(strict.expr.span, "then nobody asks for this")
            .help("let a lane without it be another lane, or put the condition into `require`: `require not (…) or …`"),
        );
    }
}

/// Whether it asks only what kind of project or machine this is, which no run of a lane can choose.
fn is_of_the_project(model: &Model, when: &Expr) -> bool {
    let mut waiting = vec![when];
    let (mut seen, mut called) = (HashSet::new(), HashSet::new());
    let mut asks = true;
    while let Some(expr) = waiting.pop() {
        expr.walk(&mut |inner| match &inner.kind {
            Kind::Fact { name, .. } => {
                asks &= matches!(
                    name.as_str(),
                    "project.has" | "project.contains" | "project.name" | "os" | "arch"
                )
            }
            Kind::Global(index) => match model.globals.get(*index as usize).map(|global| &global.kind) {
                Some(GlobalKind::Let(inner)) if seen.insert(*index) => waiting.push(inner),
                Some(GlobalKind::Let(_)) => {}
                _ => asks = false,
            },
            Kind::Call { function, .. } => match model.functions.get(*function as usize) {
                Some(body) if called.insert(*function) => waiting.push(&body.body),
                _ => {}
            },
            Kind::Output { .. } | Kind::Matrix(_) => asks = false,
            _ => {}
        });
    }
    asks
}

/// W613: a gate that reads what another stage makes, and does not wait for it.
pub(super) fn reads_unneeded(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let mut makers: HashMap<(ModuleId, String), &Stage> = HashMap::new();
    for stage in model.stages.iter().filter(|stage| stage.kind == StageKind::Stage) {
        for output in &stage.outputs {
            if let Some(path) = path_of(model, &output.value) {
                makers.insert((stage.module, path), stage);
            }
        }
    }
    for stage in model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let Some(gate) = &stage.gate else { continue };
        let tool = gate.tool.and_then(|tool| model.tools.get(tool as usize));
        let own: HashSet<String> = stage
            .outputs
            .iter()
            .chain(tool.into_iter().flat_map(|tool| &tool.outputs))
            .filter_map(|output| path_of(model, &output.value))
            .collect();
        for measure in measures(model, gate) {
            measure.value.walk(&mut |expr| {
                let Kind::Fact { arguments, .. } = &expr.kind else { return };
                let Some(path) = arguments.first().and_then(|path| path_of(model, path)) else { return };
                let Some(maker) = makers.get(&(stage.module, path.clone())) else { return };
                let waits = stage.needs.iter().any(|need| need.stage == maker.id);
                if !own.contains(&path) && !waits {
                    found.push(
                        Diagnostic::new(
                            &codes::W613,
                            measure.span,
                            format!(
                                "gate `{}` reads \"{path}\", and does not need `{}`, which makes it",
                                stage.name, maker.name
                            ),
                        )
                        .related(maker.span, "makes the file")
                        .help(format!("write `needs {}`: a file of unknown age is a gate error", maker.name)),
                    );
                }
            });
        }
    }
}

fn path_of(model: &Model, expr: &Expr) -> Option<String> {
    match constant(model, expr)? {
        crate::base::Value::Path(path) | crate::base::Value::String(path) => Some(path.clone()),
        _ => None,
    }
}

/// W611: news of what cannot happen in the lane.
pub(super) fn unreachable_events(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for lane in context.resolved.values() {
        let module = context.model.lanes[lane.id as usize].module;
        if !context.asked(module) || context.garbled(module) || calls(lane) {
            continue;
        }
        let asks = !lane.approvals.is_empty() || lane.stages.iter().any(|stage| stage.confirm.is_some());
        let statement = context.declared.lanes[lane.id as usize].statement;
        for notify in statement.body().iter().filter(|inner| inner.head.text == "notify") {
            let events = notify.clause("on").map_or(&[][..], |clause| &clause.operands);
            for event in events {
                let (what, help) = match event.word() {
                    Some("approval") if !asks => ("nobody is asked", "add `approve …`"),
                    Some("sla") if lane.sla.is_none() => ("there is no `sla`", "set `sla`"),
                    _ => continue,
                };
                let message = format!("nobody will hear of this: in lane `{}` {what}", lane.name);
                found.push(
                    Diagnostic::new(&codes::W611, event.span, message)
                        .help(format!("{help}, or remove the event")),
                );
            }
        }
    }
}

fn calls(lane: &ResolvedLane) -> bool {
    lane.stages.iter().flat_map(|stage| &stage.actions).any(|action| matches!(action, Action::Call { .. }))
}

/// W606: an override that says what the stage says already.
pub(super) fn idle_overrides(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    for lane in model.lanes.iter().filter(|lane| context.asked(lane.module)) {
        if overridden_below(model, lane.id) {
            continue;
        }
        let statement = context.declared.lanes[lane.id as usize].statement;
        let written = statement.body().iter().filter(|inner| inner.head.text == "override");
        for (rule, written) in model.bodies[lane.id as usize].overrides.iter().zip(written) {
            let [(target, _)] = &rule.patches[..] else { continue };
            if rule.span != written.span || model.stages[*target as usize].module != lane.module {
                continue;
            }
            let base = context.declared.stages[*target as usize].statement;
            for inner in written.body() {
                if let Some(said) = said_already(context, inner, written.body(), base) {
                    let cut = if written.body().len() == 1 { written.span } else { inner.span };
                    found.push(
                        Diagnostic::new(
                            &codes::W606,
                            inner.span,
                            format!("`{}` says this already", model.stages[*target as usize].name),
                        )
                        .related(said, "said here")
                        .help("remove it from the override")
                        .fix(true, cut, ""),
                    );
                }
            }
        }
    }
}

/// A lane below may override the same stage: then setting it back is the point.
fn overridden_below(model: &Model, lane: u32) -> bool {
    let mut at = model.lanes[lane as usize].extends.map(|(below, _)| below);
    for _ in 0..model.lanes.len() {
        let Some(below) = at else { return false };
        if !model.bodies[below as usize].overrides.is_empty() {
            return true;
        }
        at = model.lanes[below as usize].extends.map(|(below, _)| below);
    }
    true
}

/// The statement of the definition that reads the same, where both have only one of its keyword.
fn said_already(
    context: &Context<'_>,
    inner: &Statement,
    all: &[Statement],
    base: &Statement,
) -> Option<Span> {
    let keyword = |statement: &&Statement| statement.head.text == inner.head.text;
    let text = |statement: &Statement| spacing::one_line(context.declared.sources.text(statement.span));
    let mut said = base.body().iter().filter(keyword);
    let only = said.next().filter(|_| said.next().is_none() && all.iter().filter(keyword).count() == 1)?;
    (text(only) == text(inner) && !inner.broken).then_some(only.span)
}
