//! One thing said twice in one list: a need, a value of a matrix, a glob. Resolves nothing.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::syntax::ast::{Expr, ExprKind, Literal, Statement, Tail};

use super::Context;

/// Statements whose operands are a set: saying one of them again changes nothing.
const SETS: &[&str] =
    &["needs", "follows", "inputs", "include", "exclude", "exit-ok", "tags", "pass", "skip", "member"];

/// W910 in the files that were asked about.
pub(super) fn said(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for unit in context.declared.units.iter().filter(|unit| unit.given) {
        let mut left: Vec<(&str, &Statement)> =
            unit.tree.statements.iter().map(|statement| ("", statement)).collect();
        while let Some((around, statement)) = left.pop() {
            in_statement(around, statement, found);
            let name = statement.head.text.as_str();
            sets_of_body(statement.body(), found);
            left.extend(statement.body().iter().map(|inner| (name, inner)));
        }
    }
}

/// `needs a` and, further down, `needs a, b`: the statements of one keyword are one list.
fn sets_of_body(body: &[Statement], found: &mut Vec<Diagnostic>) {
    let mut known: HashMap<(&str, String), Span> = HashMap::new();
    for statement in body.iter().filter(|statement| !statement.broken) {
        let word = statement.head.text.as_str();
        if !SETS.contains(&word) {
            continue;
        }
        for operand in statement.operands() {
            let Some((key, shown)) = said_as(operand) else { continue };
            match known.get(&(word, key.clone())) {
                Some(first) => {
                    let whole = (statement.operands().len() == 1 && statement.clauses.is_empty())
                        .then_some(statement.span);
                    let span = whole.or_else(|| without(statement.operands(), operand.span));
                    found.push(again(&format!("`{word}` says {shown} twice"), operand.span, *first, span));
                }
                None => {
                    known.insert((word, key), operand.span);
                }
            }
        }
    }
}

/// Lists inside a statement: the values of a matrix, the words of `in [a, b]`.
fn in_statement(around: &str, statement: &Statement, found: &mut Vec<Diagnostic>) {
    if let (Tail::Assign(value), "matrix") = (&statement.tail, around) {
        if let ExprKind::List(items) = &value.kind {
            let what = |shown: &str| {
                format!("`{}` has {shown} twice: two instances do the same", statement.head.text)
            };
            in_list(items, &what, found);
        }
        return;
    }
    let mut left: Vec<&Expr> = Vec::new();
    match &statement.tail {
        Tail::Plain(operands) => left.extend(operands),
        Tail::Bind(binding) => left.extend(&binding.value),
        Tail::Assign(value) => left.push(value),
    }
    left.extend(statement.clauses.iter().flat_map(|clause| &clause.operands));
    while let Some(expr) = left.pop() {
        match &expr.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => left.extend(parts),
            ExprKind::Not(inner) => left.push(inner),
            ExprKind::Compare(comparison) => {
                if let ExprKind::List(items) = &comparison.right.kind {
                    in_list(items, &|shown: &str| format!("the list has {shown} twice"), found);
                }
            }
            _ => {}
        }
    }
}

fn in_list(items: &[Expr], what: &dyn Fn(&str) -> String, found: &mut Vec<Diagnostic>) {
    let mut known: HashMap<String, Span> = HashMap::new();
    for item in items {
        let Some((key, shown)) = said_as(item) else { continue };
        match known.get(&key) {
            Some(first) => found.push(again(&what(&shown), item.span, *first, without(items, item.span))),
            None => {
                known.insert(key, item.span);
            }
        }
    }
}

fn again(message: &str, span: Span, first: Span, whole: Option<Span>) -> Diagnostic {
    let found = Diagnostic::new(&codes::W910, span, message)
        .related(first, "said here first")
        .help("remove one of them, or write what was meant");
    match whole {
        Some(whole) => found.fix(true, whole, ""),
        None => found,
    }
}

/// What an operand says, and how it is shown; none for what is worked out.
fn said_as(operand: &Expr) -> Option<(String, String)> {
    match &operand.kind {
        ExprKind::Literal(literal) => {
            let shown = match literal {
                Literal::String(text) => format!("\"{text}\""),
                Literal::Int(number) => format!("{number}"),
                _ => "a value".to_owned(),
            };
            Some((format!("{literal:?}"), shown))
        }
        ExprKind::Optional(inner) => said_as(inner),
        _ => {
            let path: Vec<String> = operand.path()?.into_iter().map(|part| part.text).collect();
            Some((path.join("."), format!("`{}`", path.join("."))))
        }
    }
}

/// The place of one of several operands, with the comma beside it: what is left is a list still.
pub(super) fn without(operands: &[Expr], operand: Span) -> Option<Span> {
    let index = operands.iter().position(|other| other.span == operand)?;
    match (index.checked_sub(1), operands.get(index + 1)) {
        (Some(before), _) => Some(operands[before].span.at_end().to(operand)),
        (None, Some(next)) => Some(operand.to(next.span.at_start())),
        (None, None) => None,
    }
}
