//! Values for parameters that nobody gave, so that a lane can be drawn and advised on without them, and which stages then
//! cannot be decided. Nothing with a placeholder is ever run.

use std::collections::BTreeSet;

use crate::base::{Type, Value};
use crate::expr::{Expr, Kind};
use crate::model::{GlobalKind, Model, ResolvedLane};

/// The model with a value for every parameter.
pub(super) fn fill(model: &Model, set: &[(String, String)]) -> Model {
    let mut model = model.clone();
    for index in missing(&model, set) {
        let global = &mut model.globals[index as usize];
        if let GlobalKind::Param { default, pattern } = &mut global.kind {
            *default = Some(Expr::value(of(&global.ty), global.span));
            *pattern = None;
        }
    }
    model
}

/// Parameters without a value, by index.
fn missing(model: &Model, set: &[(String, String)]) -> BTreeSet<u32> {
    let lacks = |global: &crate::model::Global| {
        let given = set.iter().any(|(name, _)| *name == global.name);
        !given && matches!(global.kind, GlobalKind::Param { default: None, .. })
    };
    (0..).zip(&model.globals).filter(|(_, global)| lacks(global)).map(|(index, _)| index).collect()
}

/// Stages whose `when` reads a parameter without a value or one of the `lost` facts, through values and functions too.
pub(super) fn undecided(
    model: &Model,
    lane: &ResolvedLane,
    set: &[(String, String)],
    lost: &BTreeSet<String>,
) -> BTreeSet<String> {
    let missing = missing(model, set);
    let stages = lane
        .stages
        .iter()
        .filter(|stage| stage.when.as_ref().is_some_and(|when| reads(model, when, &missing, lost)));
    stages.map(|stage| stage.name.clone()).collect()
}

fn reads(model: &Model, expr: &Expr, wanted: &BTreeSet<u32>, lost: &BTreeSet<String>) -> bool {
    let mut reads_lost = false;
    let (mut globals, mut functions) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        let mut found = Vec::new();
        expr.walk(&mut |part| match &part.kind {
            Kind::Global(index) if globals.insert(*index) => found.extend(definition(model, *index)),
            // Facts of the start with arguments are told apart by their name alone, which is enough here.
            Kind::Fact { name, .. } => {
                reads_lost |= lost.iter().any(|id| id.split('(').next() == Some(name.as_str()));
            }
            Kind::Call { function, .. } if functions.insert(*function) => {
                found.extend(model.functions.get(*function as usize).map(|function| &function.body));
            }
            _ => {}
        });
        open.extend(found);
    }
    reads_lost || !globals.is_disjoint(wanted)
}

fn definition(model: &Model, global: u32) -> Option<&Expr> {
    match &model.globals.get(global as usize)?.kind {
        GlobalKind::Param { default, .. } => default.as_ref(),
        GlobalKind::Let(expr) | GlobalKind::Secret(expr) => Some(expr),
    }
}

/// Any value of the type.
pub(super) fn of(ty: &Type) -> Value {
    match ty {
        Type::String | Type::Unknown => Value::String(String::new()),
        Type::Int => Value::Int(1),
        Type::Float => Value::Float(1.0),
        Type::Bool => Value::Bool(false),
        Type::Duration => Value::Duration(1_000),
        Type::Percent => Value::Percent(0.0),
        Type::Size => Value::Size(0),
        Type::Path => Value::Path(".".into()),
        Type::Enum(words) => Value::String(words.first().cloned().unwrap_or_default()),
        Type::List(_) => Value::List(Vec::new()),
        Type::Optional(_) => Value::Absent,
    }
}
