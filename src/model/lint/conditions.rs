//! Conditions that are always or never true, and what follows from it. Decides no truth itself; `truth` does.

use std::collections::HashSet;

use crate::base::{Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind, facts};
use crate::model::resolve::body::Override;
use crate::model::visit::expressions;
use crate::model::{Check, Global, GlobalKind, Measure, Model, ModuleId, Stage, StageKind, plain_value};

use super::Context;
use super::likeness::behind;
use super::truth::{Decided, Domain, decided};

/// A condition, and what it means for its stage or lane when it is decided.
struct Asked<'a> {
    expr: &'a Expr,
    never: String,
    always: &'static str,
    /// The statement, when leaving it out means "always".
    statement: Option<Span>,
}

/// W213 and W214 in everything that files say.
pub(super) fn settled(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let mut seen: HashSet<(u32, u32, bool)> = HashSet::new();
    let legible: Vec<bool> = (0..model.modules.len() as ModuleId)
        .map(|module| context.asked(module) && !context.garbled(module))
        .collect();
    let legible = |module: ModuleId| legible[module as usize];
    for stage in model.stages.iter().filter(|stage| legible(stage.module)) {
        let own = asked_of(context, stage);
        let named: HashSet<*const Expr> = own.iter().map(|asked| asked.expr as *const Expr).collect();
        for asked in own {
            report(context, Some(stage), asked.expr, Some(&asked), &mut seen, found);
        }
        for expr in expressions(stage) {
            if !named.contains(&(expr as *const Expr)) {
                report(context, Some(stage), expr, None, &mut seen, found);
            }
        }
    }
    for lane in model.lanes.iter().filter(|lane| legible(lane.module)) {
        for change in &model.bodies[lane.id as usize].overrides {
            let Some((_, patch)) = change.patches.first() else { continue };
            for expr in expressions(&patch.stage) {
                report(context, Some(&patch.stage), expr, None, &mut seen, found);
            }
        }
        let Some(select) = &lane.select else { continue };
        let never = format!("lane `{}` is never chosen by itself", lane.name);
        let always = "it chooses the lane for every change";
        let asked = Asked { expr: &select.expr, never, always, statement: None };
        report(context, None, asked.expr, Some(&asked), &mut seen, found);
    }
    for Global { kind, module, .. } in &model.globals {
        if let (GlobalKind::Let(value), true) = (kind, legible(*module)) {
            report(context, None, value, None, &mut seen, found);
        }
    }
    for (index, function) in model.functions.iter().enumerate() {
        if legible(context.declared.functions[index].module) {
            report(context, None, &function.body, None, &mut seen, found);
        }
    }
}

/// The conditions of a stage whose answer has a consequence.
fn asked_of<'a>(context: &Context<'a>, stage: &'a Stage) -> Vec<Asked<'a>> {
    let name = &stage.name;
    let mut asked = Vec::new();
    if let Some(when) = &stage.when {
        let statement = context.setting(stage.id, "when").filter(|span| span.covers(when.span));
        let never = format!("`{name}` is always skipped");
        asked.push(Asked { expr: when, never, always: "the stage is never skipped", statement });
    }
    let mut checks = |checks: &'a [Check], never: &str, always| {
        for check in checks {
            let never = format!("`{name}` {never}");
            asked.push(Asked { expr: &check.expr, never, always, statement: None });
        }
    };
    let nothing = "it judges nothing";
    checks(&stage.before, "never starts", nothing);
    checks(&stage.after, "always fails", nothing);
    if let Some(gate) = &stage.gate {
        checks(&gate.require, "always fails", nothing);
        checks(&gate.strict, "always fails where a lane says `gates strict`", nothing);
    }
    if let Some(when) = stage.retry.as_ref().and_then(|retry| retry.when.as_ref()) {
        let never = "no failure is retried".to_owned();
        let always = "every failure is retried";
        asked.push(Asked { expr: &when.expr, never, always, statement: None });
    }
    asked
}

fn report(
    context: &Context<'_>,
    stage: Option<&Stage>,
    expr: &Expr,
    asked: Option<&Asked<'_>>,
    seen: &mut HashSet<(u32, u32, bool)>,
    found: &mut Vec<Diagnostic>,
) {
    let domains = |value: &Expr| domain(context.model, stage, value);
    for decided in decided(context.model, &domains, expr, asked.is_some()) {
        let place = (decided.part.span.file.0, decided.part.span.start, decided.always);
        if !impossible_threshold(context.model, stage, &decided) && seen.insert(place) {
            let whole = asked.filter(|asked| std::ptr::eq(asked.expr, decided.part));
            found.push(diagnostic(context, stage, &decided, whole));
        }
    }
}

/// E602 says this already, and says why.
fn impossible_threshold(model: &Model, stage: Option<&Stage>, decided: &Decided<'_>) -> bool {
    let [only] = decided.by[..] else { return false };
    let Kind::Compare { sides, .. } = &only.kind else { return false };
    let percent =
        |side: &Expr| matches!(side.kind, Kind::Measure(_)) && domain(model, stage, side).high == Some(100.0);
    !decided.always && (percent(&sides.0) || percent(&sides.1))
}

fn diagnostic(
    context: &Context<'_>,
    stage: Option<&Stage>,
    decided: &Decided<'_>,
    whole: Option<&Asked<'_>>,
) -> Diagnostic {
    let (code, often) = match decided.always {
        true => (&codes::W213, "always"),
        false => (&codes::W214, "never"),
    };
    let part = match &decided.by[..] {
        [] => format!("{} by itself", context.text(decided.part.span)),
        _ => context.text(decided.part.span),
    };
    let follows = whole.map_or(String::new(), |asked| match decided.always {
        true => format!(": {}", asked.always),
        false => format!(": {}", asked.never),
    });
    let message = format!("{part} is {often} true{follows}");
    let help = help(context, stage, decided, whole.is_some());
    let found = match &decided.by[..] {
        [others @ .., last] if !others.is_empty() => {
            let (label, before) = match decided.always {
                true => ("this holds", "whenever this does not"),
                false => ("… and this exclude each other", "this …"),
            };
            let found = Diagnostic::new(code, last.span, message).label(label);
            others.iter().fold(found, |found, other| found.related(other.span, before))
        }
        _ => Diagnostic::new(code, decided.part.span, message).label(format!("{often} true")),
    };
    let found = found.help(help);
    match whole.and_then(|asked| asked.statement).filter(|_| decided.always) {
        Some(statement) => found.fix(false, statement, ""),
        None => found,
    }
}

fn help(context: &Context<'_>, stage: Option<&Stage>, decided: &Decided<'_>, whole: bool) -> String {
    match (&decided.by[..], decided.always) {
        ([], _) => match whole {
            true => "write the condition that was meant, or remove it".to_owned(),
            false => "remove this part, or write the condition that was meant".to_owned(),
        },
        ([only], _) => match range(context, stage, only) {
            Some(range) => range,
            None => "both sides are the same; compare with what was meant".to_owned(),
        },
        ([first, ..], true) if covered(context, stage, first) => {
            range(context, stage, first).unwrap_or_default() + ": together these are all"
        }
        (_, false) => {
            "both cannot hold at once: `or` joins what may differ, `in [a, b]` lists words".to_owned()
        }
        (_, true) => {
            "one of these holds whatever the value is: `and` joins what must hold together, `not in [a, b]` \
             excludes several words"
                .to_owned()
        }
    }
}

/// Whether the compared value has a list of words that it can be.
fn covered(context: &Context<'_>, stage: Option<&Stage>, comparison: &Expr) -> bool {
    let Kind::Compare { sides, .. } = &comparison.kind else { return false };
    [&sides.0, &sides.1].into_iter().any(|side| domain(context.model, stage, side).words.is_some())
}

/// What the compared value can be, in words.
fn range(context: &Context<'_>, stage: Option<&Stage>, comparison: &Expr) -> Option<String> {
    let Kind::Compare { sides, .. } = &comparison.kind else { return None };
    if context.text(sides.0.span) == context.text(sides.1.span) {
        return None;
    }
    let unknown = |side: &&Expr| plain_value(context.model, side).is_none();
    let value = [&sides.0, &sides.1].into_iter().find(unknown)?;
    let domain = domain(context.model, stage, value);
    let name = context.text(value.span);
    if let Some(words) = &domain.words {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        return Some(format!("{name} is one of {}", words.join(", ")));
    }
    match (domain.low, domain.high) {
        (Some(low), Some(high)) => Some(format!("{name} lies between {low}% and {high}%")),
        (Some(_), None) => Some(format!("{name} is never below 0")),
        _ => None,
    }
}

/// What a value can be, by its definition and type.
fn domain(model: &Model, stage: Option<&Stage>, value: &Expr) -> Domain {
    let mut value = value;
    for _ in 0..64 {
        value = behind(model, value).unwrap_or(value);
    }
    match &value.kind {
        Kind::Global(index) => {
            let ty = model.globals.get(*index as usize).map_or(&Type::Unknown, |global| &global.ty);
            // What a person gives is not bounded as what is measured.
            Domain { low: None, high: None, ..domain_of_type(ty) }
        }
        Kind::Matrix(name) => Domain { words: values(model, stage, name), ..Domain::default() },
        Kind::Fact { name, .. } => of_fact(name),
        Kind::Measure(name) => {
            let Some(measure) = stage.and_then(|stage| measure(model, stage, name)) else {
                return Domain::default();
            };
            let of_reader = match &measure.value.kind {
                Kind::Fact { name, .. } => of_fact(name),
                _ => Domain::default(),
            };
            let of_type = domain_of_type(&measure.ty);
            Domain { low: of_reader.low.or(of_type.low), ..of_type }
        }
        _ => Domain::default(),
    }
}

fn domain_of_type(ty: &Type) -> Domain {
    let text = |word: &String| Value::String(word.clone());
    match ty {
        Type::Enum(words) => Domain { words: Some(words.iter().map(text).collect()), ..Domain::default() },
        Type::Bool => Domain { words: Some([true, false].map(Value::Bool).to_vec()), ..Domain::default() },
        Type::Percent => Domain { low: Some(0.0), high: Some(100.0), ..Domain::default() },
        Type::Int | Type::Size | Type::Duration => Domain { whole: true, ..Domain::default() },
        _ => Domain::default(),
    }
}

/// Counts, sizes and exit codes begin at 0.
fn of_fact(name: &str) -> Domain {
    let ty = facts::find(name).and_then(|row| row.result).map_or(Type::Unknown, facts::Result::ty);
    let counts = matches!(ty, Type::Int | Type::Size | Type::Percent);
    Domain { low: counts.then_some(0.0), ..domain_of_type(&ty) }
}

fn values(model: &Model, stage: Option<&Stage>, name: &str) -> Option<Vec<Value>> {
    let stage = stage?;
    let mut overrides = model.bodies.iter().flat_map(|body| &body.overrides);
    let changes = |change: &Override| {
        let own = change.patches.iter().find(|(id, _)| *id == stage.id);
        own.is_some_and(|(_, patch)| patch.keywords.iter().any(|(keyword, _)| keyword == "matrix"))
    };
    if overrides.any(changes) {
        return None;
    }
    let (_, list) = stage.matrix.iter().find(|(known, _)| known == name)?;
    super::matrix::values(model, list)
}

fn measure<'m>(model: &'m Model, stage: &'m Stage, name: &str) -> Option<&'m Measure> {
    let gate = stage.gate.as_ref().filter(|_| stage.kind == StageKind::Gate)?;
    let tool = gate.tool.and_then(|tool| model.tools.get(tool as usize));
    let of_tool = tool.map_or(&[][..], |tool| &tool.measures);
    gate.measures.iter().chain(of_tool).find(|measure| measure.name == name)
}
