//! What is known early is worked out early: known leaves become values, and so do subtrees made only of them. Decides
//! nothing about what is known; the scope does.

use crate::base::Value;

use super::eval::{Scope, eval};
use super::{Comprehension, Expr, Kind};

/// The expression with everything that `scope` already decides replaced by its value.
pub fn fold(expr: &Expr, scope: &dyn Scope) -> Expr {
    rewrite(expr, &mut |part| {
        if part.as_value().is_some() || keeps_paths(part, scope) {
            return None;
        }
        let value = eval(part, scope).ok()?;
        Some(Expr::value(value, part.span))
    })
}

/// An f-string that holds a path is worked out late, since a process needs the path absolute; not where it becomes a
/// path again, which stays relative.
fn keeps_paths(expr: &Expr, scope: &dyn Scope) -> bool {
    let is_path = |piece: &Expr| matches!(eval(piece, scope), Ok(Value::Path(_)));
    match &expr.kind {
        Kind::Builtin { name, .. } if name == "path" => return false,
        Kind::Format(pieces) if pieces.iter().any(is_path) => return true,
        _ => {}
    }
    let mut found = false;
    expr.children(&mut |child| found |= keeps_paths(child, scope));
    found
}

/// Rebuilds an expression: where `change` gives a replacement, that; elsewhere the same with its parts rebuilt.
/// Asked for the outermost first.
pub fn rewrite(expr: &Expr, change: &mut dyn FnMut(&Expr) -> Option<Expr>) -> Expr {
    if let Some(replacement) = change(expr) {
        return replacement;
    }
    let mut each = |part: &Expr| rewrite(part, change);
    Expr { kind: parts(&expr.kind, &mut each), span: expr.span }
}

fn parts(kind: &Kind, each: &mut dyn FnMut(&Expr) -> Expr) -> Kind {
    match kind {
        Kind::Value(_)
        | Kind::Local(_)
        | Kind::Global(_)
        | Kind::Matrix(_)
        | Kind::Measure(_)
        | Kind::Output { .. } => kind.clone(),
        Kind::Format(items) => Kind::Format(all(items, each)),
        Kind::List(items) => Kind::List(all(items, each)),
        Kind::And(items) => Kind::And(all(items, each)),
        Kind::Or(items) => Kind::Or(all(items, each)),
        Kind::Coalesce(items) => Kind::Coalesce(all(items, each)),
        Kind::Fact { name, arguments, ty } => {
            Kind::Fact { name: name.clone(), arguments: all(arguments, each), ty: ty.clone() }
        }
        Kind::Call { function, arguments } => {
            Kind::Call { function: *function, arguments: all(arguments, each) }
        }
        Kind::Builtin { name, arguments } => {
            Kind::Builtin { name: name.clone(), arguments: all(arguments, each) }
        }
        Kind::Spread(inner) => Kind::Spread(Box::new(each(inner))),
        Kind::Not(inner) => Kind::Not(Box::new(each(inner))),
        Kind::Comprehension(inner) => Kind::Comprehension(Box::new(Comprehension {
            source: each(&inner.source),
            condition: inner.condition.as_ref().map(&mut *each),
            body: each(&inner.body),
            slot: inner.slot,
        })),
        Kind::Index(sides) => Kind::Index(Box::new((each(&sides.0), each(&sides.1)))),
        Kind::Compare { op, sides } => {
            Kind::Compare { op: *op, sides: Box::new((each(&sides.0), each(&sides.1))) }
        }
        Kind::Arithmetic { first, rest } => Kind::Arithmetic {
            first: Box::new(each(first)),
            rest: rest.iter().map(|(op, term)| (*op, each(term))).collect(),
        },
        Kind::If(sides) => Kind::If(Box::new((each(&sides.0), each(&sides.1), each(&sides.2)))),
    }
}

fn all(items: &[Expr], each: &mut dyn FnMut(&Expr) -> Expr) -> Vec<Expr> {
    items.iter().map(each).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Span, Type};
    use crate::expr::eval::tests::Fake;
    use crate::expr::{Arithmetic, Compare};

    fn at(kind: Kind) -> Expr {
        Expr { kind, span: Span::default() }
    }

    fn int(n: i64) -> Expr {
        at(Kind::Value(Value::Int(n)))
    }

    fn exit() -> Expr {
        at(Kind::Fact { name: "exit".into(), arguments: vec![], ty: Type::Int })
    }

    #[test]
    fn known_parts_become_values_and_unknown_ones_stay() {
        let scope = Fake::default().global(0, Value::Int(2));
        let sum = at(Kind::Arithmetic {
            first: Box::new(at(Kind::Global(0))),
            rest: vec![(Arithmetic::Add, int(3))],
        });
        let compare = |left| at(Kind::Compare { op: Compare::Eq, sides: Box::new((left, sum.clone())) });
        assert_eq!(fold(&compare(int(5)), &scope).as_value(), Some(&Value::Bool(true)));
        let kept = Kind::Compare { op: Compare::Eq, sides: Box::new((exit(), int(5))) };
        assert_eq!(fold(&compare(exit()), &scope).kind, kept);
    }

    #[test]
    fn a_decided_and_does_not_wait_for_facts() {
        let and = at(Kind::And(vec![at(Kind::Value(Value::Bool(false))), at(Kind::Not(Box::new(exit())))]));
        assert_eq!(fold(&and, &Fake::default()).as_value(), Some(&Value::Bool(false)));
    }

    #[test]
    fn an_f_string_with_a_path_waits_unless_it_becomes_a_path() {
        let scope = Fake::default().global(0, Value::Path("a".into()));
        let text = at(Kind::Format(vec![at(Kind::Global(0))]));
        assert_eq!(fold(&text, &scope).as_value(), None);
        let path = at(Kind::Builtin { name: "path".into(), arguments: vec![text] });
        assert_eq!(fold(&path, &scope).as_value(), Some(&Value::Path("a".into())));
    }
}
