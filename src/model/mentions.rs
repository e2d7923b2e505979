//! Which paths unresolved text mentions: `a`, `a.b.c`. Resolves nothing and knows no keyword.

use crate::syntax::ast::{Argument, Expr, ExprKind, Segment, Statement, Step, Tail};

/// Calls `visit` with the parts of every path in `expr` whose first part is not in `bound`.
pub(super) fn in_expr<'a>(expr: &'a Expr, bound: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str])) {
    match &expr.kind {
        ExprKind::Word(word) => path(&[word], bound, visit),
        ExprKind::Access(_) => access(expr, bound, visit),
        ExprKind::Comprehension(inner) => {
            in_expr(&inner.source, bound, visit);
            bound.push(&inner.variable.text);
            inner.condition.iter().for_each(|condition| in_expr(condition, bound, visit));
            in_expr(&inner.body, bound, visit);
            bound.pop();
        }
        _ => children(expr, &mut |child| in_expr(child, bound, visit)),
    }
}

fn path<'a>(parts: &[&'a str], bound: &[&'a str], visit: &mut dyn FnMut(&[&'a str])) {
    if parts.first().is_some_and(|first| !bound.contains(first)) {
        visit(parts);
    }
}

fn access<'a>(expr: &'a Expr, bound: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str])) {
    let ExprKind::Access(access) = &expr.kind else { return };
    match access.base.word() {
        Some(word) => {
            let members = access.steps.iter().map_while(|step| match step {
                Step::Member(name) => Some(name.text.as_str()),
                _ => None,
            });
            let parts: Vec<&str> = std::iter::once(word).chain(members).collect();
            path(&parts, bound, visit);
        }
        None => in_expr(&access.base, bound, visit),
    }
    for step in &access.steps {
        match step {
            Step::Member(_) => {}
            Step::Call { arguments, .. } => in_arguments(arguments, bound, visit),
            Step::Index { index, .. } => in_expr(index, bound, visit),
        }
    }
}

fn in_arguments<'a>(arguments: &'a [Argument], bound: &mut Vec<&'a str>, visit: &mut dyn FnMut(&[&'a str])) {
    arguments.iter().for_each(|argument| in_expr(&argument.value, bound, visit));
}

fn children<'a>(expr: &'a Expr, each: &mut dyn FnMut(&'a Expr)) {
    match &expr.kind {
        ExprKind::Format(segments) => segments.iter().for_each(|segment| {
            if let Segment::Expr(inner) = segment {
                each(inner);
            }
        }),
        ExprKind::List(items) | ExprKind::And(items) | ExprKind::Or(items) | ExprKind::Coalesce(items) => {
            items.iter().for_each(each);
        }
        ExprKind::Optional(inner) | ExprKind::Spread(inner) | ExprKind::Not(inner) => each(inner),
        ExprKind::Compare(inner) => [&inner.left, &inner.right].into_iter().for_each(each),
        ExprKind::Range(inner) => [&inner.0, &inner.1].into_iter().for_each(each),
        ExprKind::Arithmetic(inner) => {
            each(&inner.first);
            inner.rest.iter().for_each(|(_, _, term)| each(term));
        }
        ExprKind::If(inner) => [&inner.0, &inner.1, &inner.2].into_iter().for_each(each),
        ExprKind::Word(_)
        | ExprKind::Literal(_)
        | ExprKind::Script(_)
        | ExprKind::Comprehension(_)
        | ExprKind::Access(_)
        | ExprKind::Error => {}
    }
}

/// Every path of every statement, blocks included; an import's own name is no mention of it.
pub(super) fn in_statements<'a>(statements: &'a [Statement], visit: &mut dyn FnMut(&[&'a str])) {
    for statement in statements.iter().filter(|statement| statement.head.text != "import") {
        match &statement.tail {
            Tail::Plain(operands) => {
                operands.iter().for_each(|operand| in_expr(operand, &mut Vec::new(), visit))
            }
            Tail::Bind(binding) => {
                let mut bound: Vec<&str> =
                    binding.parameters.iter().flatten().map(|(name, _)| name.text.as_str()).collect();
                binding.value.iter().for_each(|value| in_expr(value, &mut bound, visit));
            }
            Tail::Assign(value) => in_expr(value, &mut Vec::new(), visit),
        }
        for clause in &statement.clauses {
            clause.operands.iter().for_each(|operand| in_expr(operand, &mut Vec::new(), visit));
        }
        in_statements(statement.body(), visit);
    }
}
