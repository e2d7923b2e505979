//! One thing said twice in one list: a need, a value of a matrix, a glob. Resolves nothing.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::syntax::ast::{Expr, ExprKind, Literal, Statement, Step, Tail};

use super::Context;

/// Whether the operands of a statement are a set: saying one of them again changes nothing.
fn is_set(keyword: &str) -> bool {
    matches!(
        keyword,
        "needs" | "follows" | "inputs" | "include" | "exclude" | "exit-ok" | "tags" | "pass" | "skip"
    )
}

/// W910 in the files that were asked about.
pub(super) fn lists(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
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
    let sets = || body.iter().filter(|inner| !inner.broken && is_set(&inner.head.text));
    if sets().map(|inner| inner.operands().len()).sum::<usize>() < 2 {
        return;
    }
    let mut known: HashMap<(&str, Said<'_>), Span> = HashMap::new();
    for statement in sets() {
        let word = statement.head.text.as_str();
        for operand in statement.operands() {
            let Some(said) = said(operand) else { continue };
            let Some(first) = known.insert((word, said), operand.span) else { continue };
            let alone = statement.operands().len() == 1 && statement.clauses.is_empty();
            let whole = alone.then_some(statement.span);
            let whole = whole.or_else(|| without(statement.operands(), operand.span));
            let shown = self::said(operand).map_or(String::new(), |said| said.shown());
            found.push(again(&format!("`{word}` says {shown} twice"), operand.span, first, whole));
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
    let mut known: HashMap<Said<'_>, Span> = HashMap::new();
    for item in items {
        let Some(said) = said(item) else { continue };
        match known.get(&said) {
            Some(first) => {
                found.push(again(&what(&said.shown()), item.span, *first, without(items, item.span)));
            }
            None => {
                known.insert(said, item.span);
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

/// What an operand says.
#[derive(PartialEq, Eq, Hash)]
enum Said<'a> {
    Text(&'a str),
    Int(i64),
    Word(&'a str),
    Path(Vec<&'a str>),
    /// `50%`, `2m`.
    Other(String),
}

impl Said<'_> {
    fn shown(&self) -> String {
        match self {
            Said::Text(text) => format!("\"{text}\""),
            Said::Int(number) => number.to_string(),
            Said::Word(word) => format!("`{word}`"),
            Said::Path(parts) => format!("`{}`", parts.join(".")),
            Said::Other(_) => "a value".to_owned(),
        }
    }
}

/// None for what is worked out.
fn said(operand: &Expr) -> Option<Said<'_>> {
    match &operand.kind {
        ExprKind::Literal(Literal::String(text)) => Some(Said::Text(text)),
        ExprKind::Literal(Literal::Int(number)) => Some(Said::Int(*number)),
        ExprKind::Literal(literal) => Some(Said::Other(format!("{literal:?}"))),
        ExprKind::Word(word) => Some(Said::Word(word)),
        ExprKind::Optional(inner) => said(inner),
        ExprKind::Access(access) => {
            let mut parts = vec![access.base.word()?];
            for step in &access.steps {
                match step {
                    Step::Member(name) => parts.push(&name.text),
                    _ => return None,
                }
            }
            Some(Said::Path(parts))
        }
        _ => None,
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
