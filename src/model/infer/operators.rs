//! Comparison, arithmetic, `??`, `if`: what types may meet.

use crate::base::{Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Arithmetic, Compare, Expr, Kind, pattern};
use crate::syntax::ast::{self, ArithmeticOp, CompareOp, ExprKind, Literal};

use super::fit::{self, adapts, agrees, is_unit};
use super::walk::{Found, Walk, at};
use super::written::shown;

fn compare_op(op: CompareOp) -> Compare {
    match op {
        CompareOp::Eq => Compare::Eq,
        CompareOp::Ne => Compare::Ne,
        CompareOp::Lt => Compare::Lt,
        CompareOp::Le => Compare::Le,
        CompareOp::Gt => Compare::Gt,
        CompareOp::Ge => Compare::Ge,
        CompareOp::In => Compare::In,
        CompareOp::Matches => Compare::Matches,
        CompareOp::Like => Compare::Like,
    }
}

fn arithmetic_op(op: ArithmeticOp) -> Arithmetic {
    match op {
        ArithmeticOp::Add => Arithmetic::Add,
        ArithmeticOp::Subtract => Arithmetic::Subtract,
        ArithmeticOp::Multiply => Arithmetic::Multiply,
        ArithmeticOp::Divide => Arithmetic::Divide,
    }
}

/// What a pattern is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pattern {
    Regex,
    Glob,
}

impl Walk<'_, '_> {
    pub(super) fn compare(&mut self, inner: &ast::Comparison, span: Span) -> Found {
        let op = compare_op(inner.op);
        let (left, right) = match op {
            Compare::In => self.member(inner),
            Compare::Matches => self.text_and(inner, Pattern::Regex),
            Compare::Like => self.text_and(inner, Pattern::Glob),
            _ => self.pair(inner, op),
        };
        (at(Kind::Compare { op, sides: Box::new((left, right)) }, span), Type::Bool)
    }

    fn pair(&mut self, inner: &ast::Comparison, op: Compare) -> (Expr, Expr) {
        let (left, right) = (&inner.left, &inner.right);
        let ordering = !matches!(op, Compare::Eq | Compare::Ne);
        if ordering && !adapts(left) {
            let (a, ty) = self.expr(left, None);
            if is_unordered(ty.required()) {
                self.ordered(left, ty.required());
                return (a, self.expr(right, None).0);
            }
            let b = self.beside(right, &ty);
            return self.paired((left, a, ty), (right, b.0, b.1), ordering);
        }
        let ((a, a_type), (b, b_type)) = if adapts(left) && !adapts(right) {
            let b = self.expr(right, None);
            (self.beside(left, &b.1), b)
        } else {
            let a = self.expr(left, None);
            let b = self.beside(right, &a.1);
            (a, b)
        };
        self.paired((left, a, a_type), (right, b, b_type), ordering)
    }

    /// Both sides of a comparison are known: whether they may meet.
    fn paired(
        &mut self,
        (left, a, a_type): (&ast::Expr, Expr, Type),
        (right, b, b_type): (&ast::Expr, Expr, Type),
        ordering: bool,
    ) -> (Expr, Expr) {
        if !agrees(a_type.required(), b_type.required()) {
            let whole = left.span.to(right.span);
            self.report.push(fit::clash("compared", whole, (left, &a_type), (right, &b_type)));
        } else if ordering {
            self.ordered(left, &a_type);
            if a_type.required() == b_type.required() && b_type.is_optional() {
                self.ordered(right, &b_type);
            }
        }
        (a, b)
    }

    /// The other side of a comparison: what adapts takes the first side's type.
    fn beside(&mut self, e: &ast::Expr, other: &Type) -> Found {
        let word_of_enum = matches!((&e.kind, other.required()), (ExprKind::Word(_), Type::Enum(_)));
        match other.required() {
            Type::Unknown => self.expr(e, None),
            other if adapts(e) || word_of_enum => self.expr(e, Some(other)),
            _ => self.expr(e, None),
        }
    }

    fn ordered(&mut self, e: &ast::Expr, ty: &Type) {
        let found = match ty {
            Type::Optional(_) => fit::may_be_absent(e, ty),
            Type::Int | Type::Float | Type::Unknown => return,
            unit if is_unit(unit) => return,
            other => Diagnostic::new(&codes::E104, e.span, format!("{} has no order", fit::article(other)))
                .help(
                    "only numbers, durations, sizes and percentages are larger or smaller than others; \
                     a value that is read has the type its definition names (`measure n: int = …`)",
                ),
        };
        self.report.push(found);
    }

    fn member(&mut self, inner: &ast::Comparison) -> (Expr, Expr) {
        let (left, right) = (&inner.left, &inner.right);
        if let ExprKind::List(_) = right.kind {
            let (a, ty) = self.expr(left, None);
            let want = ty.required().clone().list();
            let literal = adapts(left) || ty == Type::Unknown;
            let (b, b_type) = self.expr(right, (!literal).then_some(&want));
            if literal && !agrees(&b_type, &want) {
                self.report.push(fit::mismatch(left, &ty, item(&b_type)));
            }
            return (a, b);
        }
        let (b, ty) = self.expr(right, None);
        if let Type::List(item) = &ty {
            let (a, a_type) = self.beside(left, item);
            if !agrees(a_type.required(), item) {
                let whole = left.span.to(right.span);
                self.report.push(fit::clash("compared", whole, (left, &a_type), (right, item)));
            }
            return (a, b);
        }
        match &ty {
            Type::Unknown => {}
            Type::Optional(_) => self.report.push(fit::may_be_absent(right, &ty)),
            other => {
                let found = Diagnostic::new(
                    &codes::E104,
                    right.span,
                    format!("`in` needs a list, and this is {}", fit::article(other)),
                )
                .help(format!("for a part of a string write `{} matches \"…\"`", shown(right)));
                self.report.push(found);
            }
        }
        (self.expr(left, None).0, b)
    }

    fn text_and(&mut self, inner: &ast::Comparison, language: Pattern) -> (Expr, Expr) {
        let (left, ty) = self.expr(&inner.left, None);
        match ty.required() {
            Type::String | Type::Path | Type::Enum(_) | Type::Unknown => {}
            Type::List(_) => {
                let list = shown(&inner.left);
                let help = format!("ask of each: `len([x for x in {list} if x like \"…\"]) > 0`");
                let found = Diagnostic::new(
                    &codes::E104,
                    inner.left.span,
                    "a pattern matches one string, not a list",
                );
                self.report.push(found.help(help));
            }
            other => self.report.push(fit::mismatch(&inner.left, other, &Type::String)),
        }
        let right = self.pattern(&inner.right, language);
        (left, right)
    }

    /// A regular expression or glob; a literal one is compiled now.
    pub(super) fn pattern(&mut self, e: &ast::Expr, language: Pattern) -> Expr {
        let ExprKind::Literal(Literal::String(text)) = &e.kind else {
            return self.expr(e, Some(&Type::String)).0;
        };
        let (result, what, help) = match language {
            Pattern::Regex => (
                pattern::regex(text).map(|_| ()),
                "regular expression",
                "regular expressions here run in linear time: no look-around, no back-references",
            ),
            Pattern::Glob => (
                pattern::glob(text).map(|_| ()),
                "glob",
                "a glob has `*` (within a folder), `**` (through folders), `?`, `[a-z]` and `{a,b}`",
            ),
        };
        if let Err(why) = result {
            let found = Diagnostic::new(&codes::E117, e.span, format!("this {what} cannot be read: {why}"));
            self.report.push(found.help(help));
        }
        Expr::value(Value::String(text.clone()), e.span)
    }

    pub(super) fn arithmetic(&mut self, inner: &ast::Arithmetic, span: Span) -> Found {
        let (first, mut ty) = self.expr(&inner.first, None);
        let mut rest = Vec::with_capacity(inner.rest.len());
        let mut before = &inner.first;
        for (op, op_span, term) in &inner.rest {
            let op = arithmetic_op(*op);
            let additive = matches!(op, Arithmetic::Add | Arithmetic::Subtract);
            let takes_unit = additive && (is_unit(&ty) || ty == Type::Float);
            let takes_float = !additive && ty == Type::Float;
            let number = matches!(term.kind, ExprKind::Literal(Literal::Int(_) | Literal::Float(_)));
            let want = (number && (takes_unit || takes_float)).then(|| ty.clone());
            let (expr, term_type) = self.expr(term, want.as_ref());
            ty = self.combined(op, *op_span, (before, &ty), (term, &term_type));
            rest.push((op, expr));
            before = term;
        }
        let kind = Kind::Arithmetic { first: Box::new(first), rest };
        (at(kind, span), ty)
    }

    fn combined(
        &mut self,
        op: Arithmetic,
        op_span: Span,
        left: (&ast::Expr, &Type),
        right: (&ast::Expr, &Type),
    ) -> Type {
        let (a, b) = (left.1, right.1);
        if let Some(ty) = result(op, a, b) {
            return ty;
        }
        let found = match (a, b) {
            (Type::Optional(_), _) => fit::may_be_absent(left.0, a),
            (_, Type::Optional(_)) => fit::may_be_absent(right.0, b),
            (Type::String | Type::Path | Type::Enum(_), _) | (_, Type::String | Type::Path)
                if op == Arithmetic::Add =>
            {
                fit::no_plus(op_span, left.0, right.0)
            }
            (Type::List(_), Type::List(_)) if op == Arithmetic::Add => Diagnostic::new(
                &codes::E104,
                op_span,
                "lists are not added",
            )
            .help(format!("write `[...{}, ...{}]`", shown(left.0), shown(right.0))),
            _ => fit::clash(verb(op), left.0.span.to(right.0.span), left, right),
        };
        self.report.push(found);
        Type::Unknown
    }

    pub(super) fn coalesce(&mut self, items: &[ast::Expr], span: Span, want: Option<&Type>) -> Found {
        let Some((first, rest)) = items.split_first() else {
            return super::walk::lost(span);
        };
        let optional = want.map(|want| want.clone().optional());
        let (lead, lead_type) = self.expr(first, optional.as_ref());
        let known = if lead_type == Type::Unknown { optional } else { Some(lead_type.clone().optional()) };
        let mut checked = vec![lead];
        let mut last = lead_type;
        for item in rest {
            let (expr, ty) = self.expr(item, known.as_ref());
            checked.push(expr);
            last = ty;
        }
        let ty = match known {
            Some(known) if last != Type::Unknown && !last.is_optional() => known.required().clone(),
            _ => last,
        };
        (at(Kind::Coalesce(checked), span), ty)
    }

    pub(super) fn choice(
        &mut self,
        parts: &(ast::Expr, ast::Expr, ast::Expr),
        span: Span,
        want: Option<&Type>,
    ) -> Found {
        let condition = self.condition(&parts.0).0;
        let (yes, no, ty) = match want {
            Some(want) => {
                let (yes, yes_type) = self.expr(&parts.1, Some(want));
                let (no, no_type) = self.expr(&parts.2, Some(want));
                let ty = if yes_type.is_optional() { yes_type } else { no_type };
                (yes, no, ty)
            }
            None => self.branches(&parts.1, &parts.2),
        };
        (at(Kind::If(Box::new((condition, yes, no))), span), ty)
    }

    fn branches(&mut self, yes: &ast::Expr, no: &ast::Expr) -> (Expr, Expr, Type) {
        let ((a, a_type), (b, b_type)) = if adapts(yes) && !adapts(no) {
            let b = self.expr(no, None);
            (self.beside(yes, &b.1), b)
        } else {
            let a = self.expr(yes, None);
            let b = self.beside(no, &a.1);
            (a, b)
        };
        if !agrees(a_type.required(), b_type.required()) {
            let found = fit::mismatch(no, &b_type, a_type.required());
            self.report
                .push(found.related(yes.span, format!("the other branch is {}", fit::article(&a_type))));
            return (a, b, Type::Unknown);
        }
        let ty = match (&a_type, &b_type) {
            (Type::Unknown, other) => other.clone(),
            (Type::Optional(_), _) => a_type,
            _ => b_type,
        };
        (a, b, ty)
    }
}

fn is_unordered(ty: &Type) -> bool {
    !is_unit(ty) && !matches!(ty, Type::Int | Type::Float | Type::Unknown)
}

fn item(ty: &Type) -> &Type {
    match ty {
        Type::List(item) => item,
        other => other,
    }
}

fn verb(op: Arithmetic) -> &'static str {
    match op {
        Arithmetic::Add => "added",
        Arithmetic::Subtract => "subtracted",
        Arithmetic::Multiply => "multiplied",
        Arithmetic::Divide => "divided",
    }
}

/// The type of one step of arithmetic; none where the types do not combine.
fn result(op: Arithmetic, a: &Type, b: &Type) -> Option<Type> {
    let additive = matches!(op, Arithmetic::Add | Arithmetic::Subtract);
    match (a, b) {
        (Type::Unknown, _) | (_, Type::Unknown) => Some(Type::Unknown),
        (Type::Int, Type::Int) => Some(Type::Int),
        (Type::Float, Type::Float) => Some(Type::Float),
        (a, b) if is_unit(a) && a == b && additive => Some(a.clone()),
        (a, b) if is_unit(a) && a == b && op == Arithmetic::Divide => Some(Type::Float),
        (a, Type::Int) if is_unit(a) && !additive => Some(a.clone()),
        (Type::Int, b) if is_unit(b) && op == Arithmetic::Multiply => Some(b.clone()),
        // A share of a value: `base * 95%`.
        (a, Type::Percent) if (is_unit(a) || *a == Type::Float) && op == Arithmetic::Multiply => {
            Some(a.clone())
        }
        _ => None,
    }
}
