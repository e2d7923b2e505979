//! `import "path" as alias` in a tree, and circles among files. Reads nothing.

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::syntax::ast::{ExprKind, File, Literal, Statement};
use crate::syntax::module::Unit;

/// An import as it is written.
pub(super) struct Written {
    pub path: String,
    pub path_span: Span,
    pub alias: String,
    pub alias_span: Span,
    pub span: Span,
}

/// The imports of a file. Those whose form is wrong are left to the checker, which knows the keyword's operands.
pub(super) fn written(file: &File) -> impl Iterator<Item = Written> + '_ {
    file.statements
        .iter()
        .filter(|statement| statement.head.text == "import" && !statement.broken)
        .filter_map(one)
}

fn one(statement: &Statement) -> Option<Written> {
    let [operand] = statement.operands() else { return None };
    let ExprKind::Literal(Literal::String(path)) = &operand.kind else { return None };
    let clause = statement.clause("as")?;
    let [alias] = clause.operands.as_slice() else { return None };
    Some(Written {
        path: path.clone(),
        path_span: operand.span,
        alias: alias.word()?.to_owned(),
        alias_span: alias.span,
        span: statement.span,
    })
}

/// Reports each circle of imports once, at its first statement in its first file, and unties it there.
pub(super) fn untie(units: &mut [Unit], diagnostics: &mut Vec<Diagnostic>) {
    let mut state = vec![State::New; units.len()];
    for start in 0..units.len() {
        if state[start] == State::New {
            search(units, start, &mut state, diagnostics);
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Depth first with a stack of its own: a chain of imports may be long.
fn search(units: &mut [Unit], start: usize, state: &mut [State], diagnostics: &mut Vec<Diagnostic>) {
    let mut stack = vec![(start, 0usize)];
    state[start] = State::Open;
    while let Some(top) = stack.last_mut() {
        let (unit, next) = *top;
        top.1 += 1;
        let Some(import) = units[unit].imports.get(next) else {
            state[unit] = State::Done;
            stack.pop();
            continue;
        };
        let Some(target) = import.unit else { continue };
        match state[target] {
            State::Done => {}
            State::New => {
                state[target] = State::Open;
                stack.push((target, 0));
            }
            State::Open => {
                let from = stack.iter().position(|(unit, _)| *unit == target).unwrap_or(0);
                let ring: Vec<(usize, usize)> =
                    stack[from..].iter().map(|(unit, next)| (*unit, next - 1)).collect();
                diagnostics.push(report(units, &ring));
                units[unit].imports[next].unit = None;
            }
        }
    }
}

/// `ring` holds the units of the circle and the index of the import that leads on.
fn report(units: &[Unit], ring: &[(usize, usize)]) -> Diagnostic {
    let mut spans: Vec<(Span, &str)> = ring
        .iter()
        .map(|&(unit, import)| (units[unit].imports[import].span, units[unit].name.as_str()))
        .collect();
    let first =
        spans.iter().enumerate().min_by_key(|(_, (span, _))| (span.file, span.start)).map_or(0, |(at, _)| at);
    spans.rotate_left(first);
    let Some(((span, name), rest)) = spans.split_first() else {
        return Diagnostic::new(&codes::E124, Span::default(), "files import each other in a circle");
    };
    let mut diagnostic = if rest.is_empty() {
        Diagnostic::new(&codes::E124, *span, format!("`{name}` imports itself"))
    } else {
        let names: Vec<&str> = spans.iter().map(|(_, name)| *name).chain([*name]).collect();
        Diagnostic::new(&codes::E124, *span, format!("imports go round in a circle: {}", names.join(" → ")))
    };
    for (span, name) in rest {
        diagnostic = diagnostic.related(*span, format!("`{name}` leads on here"));
    }
    diagnostic.help("move what they share into a third file")
}
