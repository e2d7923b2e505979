//! Operators and operands in a row → one expression, by precedence. Knows no grammar.

use std::iter::Peekable;
use std::vec::IntoIter;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};

use super::ast::{Arithmetic, ArithmeticOp, CompareOp, Comparison, Expr, ExprKind};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Compare(CompareOp),
    Range,
    Coalesce,
    /// `+ -`, or `* /`.
    Sum(ArithmeticOp),
    Product(ArithmeticOp),
}

#[derive(Debug)]
pub(super) enum Item {
    Expr(Expr),
    Operator(Operator, Span),
    Not(Span),
}

impl Operator {
    pub fn of(text: &str) -> Option<Operator> {
        Some(match text {
            "or" => Operator::Or,
            "and" => Operator::And,
            "==" => Operator::Compare(CompareOp::Eq),
            "!=" => Operator::Compare(CompareOp::Ne),
            "<" => Operator::Compare(CompareOp::Lt),
            "<=" => Operator::Compare(CompareOp::Le),
            ">" => Operator::Compare(CompareOp::Gt),
            ">=" => Operator::Compare(CompareOp::Ge),
            "in" => Operator::Compare(CompareOp::In),
            "matches" => Operator::Compare(CompareOp::Matches),
            "like" => Operator::Compare(CompareOp::Like),
            ".." => Operator::Range,
            "??" => Operator::Coalesce,
            "+" => Operator::Sum(ArithmeticOp::Add),
            "-" => Operator::Sum(ArithmeticOp::Subtract),
            "*" => Operator::Product(ArithmeticOp::Multiply),
            "/" => Operator::Product(ArithmeticOp::Divide),
            _ => return None,
        })
    }
}

/// Folds the row; what cannot be combined is reported and left out.
pub(super) fn fold(mut items: Vec<Item>, at: Span, diagnostics: &mut Vec<Diagnostic>) -> Expr {
    if items.len() == 1
        && let Some(Item::Expr(only)) = items.pop_if(|item| matches!(item, Item::Expr(_)))
    {
        return only;
    }
    Row { items: items.into_iter().peekable(), at, diagnostics }.or()
}

struct Row<'a> {
    items: Peekable<IntoIter<Item>>,
    at: Span,
    diagnostics: &'a mut Vec<Diagnostic>,
}

fn join(first: &Expr, last: &Expr) -> Span {
    first.span.to(last.span)
}

impl Row<'_> {
    fn accept<T>(&mut self, wanted: impl Fn(Operator) -> Option<T>) -> Option<(T, Span)> {
        let Some(Item::Operator(operator, span)) = self.items.peek() else { return None };
        let found = (wanted(*operator)?, *span);
        self.items.next();
        Some(found)
    }

    /// One level whose operands stand flat beside each other.
    fn flat(
        &mut self,
        operator: Operator,
        next: fn(&mut Self) -> Expr,
        build: fn(Vec<Expr>) -> ExprKind,
    ) -> Expr {
        let first = next(self);
        let mut all = vec![first];
        while self.accept(|found| (found == operator).then_some(())).is_some() {
            all.push(next(self));
        }
        if all.len() == 1
            && let Some(only) = all.pop()
        {
            return only;
        }
        let span = match (all.first(), all.last()) {
            (Some(first), Some(last)) => join(first, last),
            _ => self.at,
        };
        Expr { span, kind: build(all) }
    }

    fn or(&mut self) -> Expr {
        self.flat(Operator::Or, Self::and, ExprKind::Or)
    }

    fn and(&mut self) -> Expr {
        self.flat(Operator::And, Self::not, ExprKind::And)
    }

    fn not(&mut self) -> Expr {
        match self.items.next_if(|item| matches!(item, Item::Not(_))) {
            Some(Item::Not(span)) => {
                let inner = self.not();
                Expr { span: span.to(inner.span), kind: ExprKind::Not(Box::new(inner)) }
            }
            _ => self.comparison(),
        }
    }

    fn comparison(&mut self) -> Expr {
        let wanted = |operator| match operator {
            Operator::Compare(op) => Some(op),
            _ => None,
        };
        let mut left = self.range();
        let mut chained = false;
        while let Some((op, op_span)) = self.accept(wanted) {
            let right = self.range();
            if chained {
                self.chained(op_span, "comparisons cannot be chained", "write `a < b and b < c`");
                continue;
            }
            chained = true;
            let span = join(&left, &right);
            left = Expr { span, kind: ExprKind::Compare(Box::new(Comparison { op, op_span, left, right })) };
        }
        left
    }

    fn chained(&mut self, span: Span, message: &str, help: &str) {
        self.diagnostics.push(Diagnostic::new(&codes::E011, span, message).help(help));
    }

    fn range(&mut self) -> Expr {
        let mut left = self.coalesce();
        let mut chained = false;
        while let Some(((), at)) = self.accept(|operator| (operator == Operator::Range).then_some(())) {
            let right = self.coalesce();
            if chained {
                self.chained(at, "a range has two ends", "write `a..b`");
                continue;
            }
            chained = true;
            left = Expr { span: join(&left, &right), kind: ExprKind::Range(Box::new((left, right))) };
        }
        left
    }

    fn coalesce(&mut self) -> Expr {
        self.flat(Operator::Coalesce, Self::sum, ExprKind::Coalesce)
    }

    fn sum(&mut self) -> Expr {
        self.arithmetic(Self::product, |operator| match operator {
            Operator::Sum(op) => Some(op),
            _ => None,
        })
    }

    fn product(&mut self) -> Expr {
        self.arithmetic(Self::operand, |operator| match operator {
            Operator::Product(op) => Some(op),
            _ => None,
        })
    }

    fn arithmetic(
        &mut self,
        next: fn(&mut Self) -> Expr,
        wanted: fn(Operator) -> Option<ArithmeticOp>,
    ) -> Expr {
        let first = next(self);
        let mut rest = Vec::new();
        while let Some((op, at)) = self.accept(wanted) {
            rest.push((op, at, next(self)));
        }
        match rest.last() {
            None => first,
            Some((_, _, last)) => {
                let span = join(&first, last);
                Expr { span, kind: ExprKind::Arithmetic(Box::new(Arithmetic { first, rest })) }
            }
        }
    }

    fn operand(&mut self) -> Expr {
        match self.items.next() {
            Some(Item::Expr(expr)) => expr,
            Some(Item::Not(span)) => {
                self.chained(span, "`not` after an operator needs parentheses", "write `a == (not b)`");
                let inner = self.not();
                Expr { span: span.to(inner.span), kind: ExprKind::Not(Box::new(inner)) }
            }
            _ => Expr { span: self.at, kind: ExprKind::Error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::FileId;

    fn folded(text: &str) -> (String, usize) {
        let mut at = 0;
        let items = text
            .split(' ')
            .map(|word| {
                let span = Span::new(FileId(0), at, at + word.len());
                at += word.len() + 1;
                match (word, Operator::of(word)) {
                    ("not", _) => Item::Not(span),
                    (_, Some(operator)) => Item::Operator(operator, span),
                    _ => Item::Expr(Expr { span, kind: ExprKind::Word(word.into()) }),
                }
            })
            .collect();
        let mut diagnostics = Vec::new();
        let expr = fold(items, Span::default(), &mut diagnostics);
        (show(&expr), diagnostics.len())
    }

    fn show(expr: &Expr) -> String {
        let list =
            |all: &[Expr], by: &str| format!("({})", all.iter().map(show).collect::<Vec<_>>().join(by));
        match &expr.kind {
            ExprKind::Word(word) => word.to_string(),
            ExprKind::Or(all) => list(all, " or "),
            ExprKind::And(all) => list(all, " and "),
            ExprKind::Coalesce(all) => list(all, " ?? "),
            ExprKind::Not(inner) => format!("not {}", show(inner)),
            ExprKind::Compare(c) => format!("[{} {:?} {}]", show(&c.left), c.op, show(&c.right)),
            ExprKind::Range(ends) => format!("{}..{}", show(&ends.0), show(&ends.1)),
            ExprKind::Arithmetic(a) => {
                let rest: String = a.rest.iter().map(|(op, _, e)| format!(" {op:?} {}", show(e))).collect();
                format!("({}{rest})", show(&a.first))
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn precedence_is_the_language_s() {
        for (text, wanted) in [
            ("a or b and not c == d", "(a or (b and not [c Eq d]))"),
            ("a + b * c - d ?? e", "((a Add (b Multiply c) Subtract d) ?? e)"),
            ("a .. b < c", "[a..b Lt c]"),
            ("a or b or c", "(a or b or c)"),
            ("not not a and b", "(not not a and b)"),
        ] {
            assert_eq!(folded(text), (wanted.to_owned(), 0), "{text}");
        }
    }

    #[test]
    fn comparisons_and_ranges_do_not_chain() {
        assert_eq!(folded("a < b < c").1, 1);
        assert_eq!(folded("a .. b .. c").1, 1);
        assert_eq!(folded("a == not b").1, 1);
    }
}
