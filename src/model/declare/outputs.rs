//! What other statements need to know of a body: outputs and measures with their types, and its number.

use crate::base::{Span, Type};
use crate::expr::facts;
use crate::model::infer::{self, Namespace, Symbol};
use crate::model::report::Report;
use crate::syntax::ast::{Expr, ExprKind, Literal, Statement, Step};

use super::{Declared, Facts};

/// Facts of every stage and gate; a gate has its tool's outputs and measures too.
pub(super) fn all(declared: &Declared<'_>, report: &mut Report) -> Vec<Facts> {
    declared
        .stages
        .iter()
        .map(|item| {
            let mut own = facts(item.statement, report);
            if let Some(tool) = tool_of_gate(declared, item.module, item.statement) {
                let theirs = declared.tool_facts(tool);
                own.outputs.extend(theirs.outputs.iter().cloned());
                own.measures.extend(theirs.measures.iter().cloned());
            }
            own
        })
        .collect()
}

fn tool_of_gate(declared: &Declared<'_>, module: u32, gate: &Statement) -> Option<u32> {
    let tool = gate.body().iter().find(|inner| inner.head.text == "tool")?;
    let path = tool.operands().first()?.path()?;
    // An unknown tool is reported when the gate itself is looked at.
    match infer::path_symbol(declared, module, &path, Namespace::Tools, &mut Report::default())? {
        Symbol::Tool(tool) => Some(tool),
        _ => None,
    }
}

pub(super) fn facts(statement: &Statement, report: &mut Report) -> Facts {
    let mut facts = Facts::default();
    for inner in statement.body() {
        match inner.head.text.as_str() {
            "matrix" => facts.matrix = true,
            "allow-failure" => facts.allow_failure = true,
            "out" => facts.outputs.extend(named_type(inner, report)),
            "measure" => {
                facts.measures.extend(named_type(inner, report).map(|(name, ty, _)| (name, ty)));
            }
            _ => {}
        }
    }
    facts
}

fn named_type(statement: &Statement, report: &mut Report) -> Option<(String, Type, Span)> {
    let name = super::declared_name(statement)?;
    Some((name.text.into(), bound_type(statement, report), name.span))
}

/// The type written, else the one its reader has, else path (`out`) or unknown.
pub(super) fn bound_type(statement: &Statement, report: &mut Report) -> Type {
    let Some(binding) = statement.binding() else { return Type::Unknown };
    if let Some(ty) = &binding.ty {
        return infer::type_expr(ty, report);
    }
    match binding.value.as_ref().map(reader) {
        Some(Some(row)) => row.result.map_or(Type::String, facts::Result::ty),
        Some(None) if statement.head.text == "out" => Type::Path,
        _ => Type::Unknown,
    }
}

/// The reader that an expression is a plain use of: `exit`, `text(…)`, `junit(…).failed`.
pub(in crate::model) fn reader(value: &Expr) -> Option<&'static facts::Row> {
    let name = match &value.kind {
        ExprKind::Word(word) => word.to_string(),
        ExprKind::Access(access) => {
            let base = access.base.word()?;
            let members: Vec<&str> = access
                .steps
                .iter()
                .filter_map(|step| match step {
                    Step::Member(name) => Some(name.text.as_str()),
                    _ => None,
                })
                .collect();
            std::iter::once(base).chain(members).collect::<Vec<_>>().join(".")
        }
        _ => return None,
    };
    facts::find(&name).filter(|row| matches!(row.phase, facts::Phase::Reader | facts::Phase::Attempt))
}

/// The type of a param, let or secret before any expression is looked at, and whether it is secret.
pub(super) fn global_type(statement: &Statement, report: &mut Report) -> (Type, bool) {
    let secret = statement.head.text == "secret";
    let ty = statement.binding().and_then(|binding| binding.ty.as_ref());
    match ty {
        Some(ty) => (infer::type_expr(ty, report), secret),
        None if secret => (Type::String, true),
        None => (Type::Unknown, false),
    }
}

/// The number that a stage gives itself, when it is written as one.
pub(in crate::model) fn number(statement: &Statement) -> Option<u32> {
    let given = statement.body().iter().find(|inner| inner.head.text == "number")?;
    match given.operands().first()?.kind {
        ExprKind::Literal(Literal::Int(number)) => u32::try_from(number).ok(),
        _ => None,
    }
}
