//! The walk over one expression: literals, lists, conditions, and the choice of who handles the rest.

use crate::base::{Span, Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{self, Expr, Kind};
use crate::syntax::ast::{self, ExprKind, Literal, Segment};

use super::super::report::Report;
use super::fit;
use super::written::{shown, value};
use super::{Definitions, Place, Secrets};

/// A checked expression and its type.
pub(super) type Found = (Expr, Type);

pub(super) struct Walk<'a, 'r> {
    pub(super) definitions: &'a dyn Definitions,
    pub(super) place: &'a Place<'a>,
    pub(super) report: &'r mut Report,
    /// Comprehension variables with their slots, innermost last.
    pub(super) variables: Vec<(String, Type, u32)>,
    next: u32,
    pub(super) secret: bool,
}

/// What stands for an expression that was reported.
pub(super) fn lost(span: Span) -> Found {
    (Expr::value(Value::Absent, span), Type::Unknown)
}

pub(super) fn at(kind: Kind, span: Span) -> Expr {
    Expr { kind, span }
}

impl<'a, 'r> Walk<'a, 'r> {
    pub(super) fn new(
        definitions: &'a dyn Definitions,
        place: &'a Place<'a>,
        report: &'r mut Report,
    ) -> Self {
        let next = place.locals.len() as u32;
        Walk { definitions, place, report, variables: Vec::new(), next, secret: false }
    }

    /// Reports, and gives what stands for the lost expression.
    pub(super) fn refuse(&mut self, found: Diagnostic, span: Span) -> Found {
        self.report.push(found);
        lost(span)
    }

    /// The expression, fitted to `want` or reported.
    pub(super) fn expr(&mut self, e: &ast::Expr, want: Option<&Type>) -> Found {
        let found = self.kind(e, want);
        match want {
            Some(want) => self.fit(e, found, want),
            None => found,
        }
    }

    fn kind(&mut self, e: &ast::Expr, want: Option<&Type>) -> Found {
        match &e.kind {
            ExprKind::Word(word) => self.word(word, e.span, want),
            ExprKind::Literal(literal) => self.literal(literal, e.span, want),
            ExprKind::Format(segments) => self.format(segments, e.span),
            ExprKind::Script(script) if script.interpreter.is_none() && !script.interpolated => {
                (Expr::value(Value::String(script.text.clone()), e.span), Type::String)
            }
            ExprKind::Script(_) => {
                let found = Diagnostic::new(&codes::E104, e.span, "a script is not a value")
                    .help("scripts stand after `run`; a text of several lines is a plain `\"\"\"`");
                self.refuse(found, e.span)
            }
            ExprKind::List(items) => self.list(items, e.span, want),
            ExprKind::Comprehension(inner) => self.comprehension(inner, e.span, want),
            ExprKind::Access(access) => self.access(access, e.span, want),
            ExprKind::And(items) => {
                let items = items.iter().map(|item| self.condition(item).0).collect();
                (at(Kind::And(items), e.span), Type::Bool)
            }
            ExprKind::Or(items) => {
                let items = items.iter().map(|item| self.condition(item).0).collect();
                (at(Kind::Or(items), e.span), Type::Bool)
            }
            ExprKind::Not(inner) => {
                let inner = self.condition(inner).0;
                (at(Kind::Not(Box::new(inner)), e.span), Type::Bool)
            }
            ExprKind::Compare(inner) => self.compare(inner, e.span),
            ExprKind::Coalesce(items) => self.coalesce(items, e.span, want),
            ExprKind::Arithmetic(inner) => self.arithmetic(inner, e.span),
            ExprKind::If(parts) => self.choice(parts, e.span, want),
            ExprKind::Optional(_) | ExprKind::Spread(_) | ExprKind::Range(_) => self.misplaced(e),
            ExprKind::Error => lost(e.span),
        }
    }

    fn misplaced(&mut self, e: &ast::Expr) -> Found {
        let (message, help) = match &e.kind {
            ExprKind::Optional(inner) => (
                "`?` marks a need that may be skipped; it is not an operator",
                format!("for a value that may be absent write `{} ?? default`", shown(inner)),
            ),
            ExprKind::Spread(_) => (
                "`...` splices a list into a list or into arguments",
                "write it inside `[…]` or as an operand of `exec`".to_owned(),
            ),
            _ => (
                "a range is not a value",
                "ranges name stages (`include 1..4`) and bound a backoff (`2s..30s`)".to_owned(),
            ),
        };
        self.refuse(Diagnostic::new(&codes::E104, e.span, message).help(help), e.span)
    }

    fn literal(&mut self, literal: &Literal, span: Span, want: Option<&Type>) -> Found {
        match (literal, want.map(Type::required)) {
            (Literal::String(_), Some(Type::Enum(_))) => {}
            (Literal::String(text), _) => self.forgotten_prefix(text, span),
            _ => {}
        }
        let value = value(literal);
        let ty = value.ty();
        (Expr::value(value, span), ty)
    }

    /// W115: `"{name}"` of a name that exists, in a string without the `f`.
    fn forgotten_prefix(&mut self, text: &str, span: Span) {
        let written = self.definitions.written(span).unwrap_or(text);
        let braces = written.match_indices('{').filter(|(at, _)| !written[..*at].ends_with('\\'));
        let inside = braces.filter_map(|(at, _)| Some(written[at + 1..].split_once('}')?.0));
        let known = inside.filter(|name| self.knows(name.split('.').next().unwrap_or_default()));
        if let Some(name) = known.map(str::to_owned).next() {
            let text = format!("`{{{name}}}` is plain text here: the string has no `f` before it");
            self.report.push(
                Diagnostic::new(&codes::W115, span, text)
                    .help("write `f\"…\"` to insert the value, or `\\{` for a plain brace")
                    .fix(false, span.at_start(), "f"),
            );
        }
    }

    fn format(&mut self, segments: &[Segment], span: Span) -> Found {
        let pieces = segments
            .iter()
            .map(|segment| match segment {
                Segment::Text(text) => Expr::value(Value::String(text.clone()), span),
                Segment::Expr(e) => self.scalar(e).0,
            })
            .collect();
        (at(Kind::Format(pieces), span), Type::String)
    }

    /// Anything that is a single value: what f-strings, `env` and argv take.
    pub(super) fn scalar(&mut self, e: &ast::Expr) -> Found {
        let (expr, ty) = self.expr(e, None);
        let found = match &ty {
            Type::Optional(_) => fit::may_be_absent(e, &ty),
            Type::List(_) => {
                let text = format!("{ty} is not a single value");
                Diagnostic::new(&codes::E104, e.span, text)
                    .help(format!("join its items: `join({}, \" \")`", shown(e)))
            }
            _ => return (expr, ty),
        };
        self.refuse(found, e.span)
    }

    /// `...list` as arguments.
    pub(super) fn spread(&mut self, e: &ast::Expr, inner: &ast::Expr) -> Found {
        let (list, ty) = self.expr(inner, None);
        let found = match &ty {
            Type::List(item) if item.is_scalar() => return (at(Kind::Spread(Box::new(list)), e.span), ty),
            Type::Unknown => return lost(e.span),
            // Without the brackets `??` would not belong to the list.
            Type::Optional(_) => fit::may_be_absent(inner, &ty)
                .help(format!("give a default, in brackets: `...({} ?? [])`", shown(inner))),
            _ => Diagnostic::new(&codes::E104, inner.span, format!("`...` takes a list, and this is {ty}")),
        };
        self.refuse(found, e.span)
    }

    fn list(&mut self, items: &[ast::Expr], span: Span, want: Option<&Type>) -> Found {
        let wanted = match want.map(Type::required) {
            Some(Type::List(item)) => Some((**item).clone()),
            _ => None,
        };
        // Without a wish, the first item that is no literal decides how the literals beside it are read.
        let leads = |item: &ast::Expr| !fit::adapts(item) && !matches!(item.kind, ExprKind::Spread(_));
        let lead = items.iter().position(leads).filter(|_| wanted.is_none());
        let mut first = lead.map(|index| self.expr(&items[index], None));
        let mut item_type = wanted.or_else(|| first.as_ref().map(|(_, ty)| ty.clone()));
        let mut checked = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let known = item_type.clone().filter(|ty| *ty != Type::Unknown);
            let (expr, ty) = match (&item.kind, first.take_if(|_| lead == Some(index))) {
                (_, Some(found)) => found,
                (ExprKind::Spread(inner), None) => self.spliced(inner, known),
                _ => self.expr(item, known.as_ref()),
            };
            item_type = item_type.filter(|known| *known != Type::Unknown).or(Some(ty));
            checked.push(expr);
        }
        (at(Kind::List(checked), span), item_type.unwrap_or(Type::Unknown).list())
    }

    /// `...inner` in a list: the spread, and the type of its items.
    fn spliced(&mut self, inner: &ast::Expr, item: Option<Type>) -> Found {
        let (list, ty) = self.expr(inner, item.map(Type::list).as_ref());
        let item = match ty {
            Type::List(item) => *item,
            Type::Unknown => Type::Unknown,
            other => {
                let text = format!("`...` takes a list, and this is {}", fit::article(&other));
                self.report.push(Diagnostic::new(&codes::E104, inner.span, text));
                Type::Unknown
            }
        };
        (at(Kind::Spread(Box::new(list)), inner.span), item)
    }

    fn comprehension(&mut self, inner: &ast::Comprehension, span: Span, want: Option<&Type>) -> Found {
        let (source, ty) = self.expr(&inner.source, None);
        let item = match ty {
            Type::List(item) => *item,
            Type::Unknown => Type::Unknown,
            Type::Optional(_) => {
                self.report.push(fit::may_be_absent(&inner.source, &ty));
                Type::Unknown
            }
            other => {
                let text = format!("`for` goes through a list, and this is {other}");
                self.report.push(Diagnostic::new(&codes::E104, inner.source.span, text));
                Type::Unknown
            }
        };
        self.shadowed(&inner.variable);
        let slot = self.next;
        self.next += 1;
        self.variables.push((inner.variable.text.to_string(), item, slot));
        let condition = inner.condition.as_ref().map(|condition| self.condition(condition).0);
        let wanted = match want.map(Type::required) {
            Some(Type::List(item)) => Some(&**item),
            _ => None,
        };
        let (body, ty) = self.expr(&inner.body, wanted);
        self.variables.pop();
        let kind = Kind::Comprehension(Box::new(expr::Comprehension { body, slot, source, condition }));
        (at(kind, span), ty.list())
    }

    /// W113: a comprehension's variable that hides another name.
    fn shadowed(&mut self, variable: &ast::Ident) {
        let names = self.definitions.names(self.place.module);
        let defined = names.values.get(&variable.text).map(|(_, defined)| *defined);
        let lists = [self.place.locals, self.place.matrix, self.place.measures];
        let local = lists.into_iter().flatten().any(|(name, _)| *name == variable.text)
            || self.variables.iter().any(|(name, _, _)| *name == variable.text);
        let text = match defined {
            Some(_) => format!("`{}` hides the one that the file defines", variable.text),
            None if local => format!("`{}` hides another local name", variable.text),
            None => return,
        };
        let found = Diagnostic::new(&codes::W113, variable.span, text).help("give it another name");
        self.report.push(match defined {
            Some(defined) => found.related(defined, "hidden here"),
            None => found,
        });
    }

    pub(super) fn condition(&mut self, e: &ast::Expr) -> Found {
        let (expr, ty) = self.expr(e, None);
        if matches!(ty, Type::Bool | Type::Unknown) {
            return (expr, ty);
        }
        let text = shown(e);
        let help = match &ty {
            Type::Optional(inner) if **inner == Type::Bool => format!("give a default: `{text} ?? false`"),
            Type::Optional(_) | Type::String | Type::Path | Type::Enum(_) => {
                format!("compare it: `{text} == \"…\"`")
            }
            Type::Int => format!("compare it: `{text} != 0`"),
            Type::List(_) => format!("ask for its length: `len({text}) > 0`"),
            other => format!("compare it with another {other}"),
        };
        let message = format!("a condition must be true or false, and this is {}", fit::article(&ty));
        self.refuse(Diagnostic::new(&codes::E108, e.span, message).help(help), e.span)
    }

    /// Notes that a secret is part of the expression, and reports where it may not be.
    pub(super) fn taint(&mut self, name: &str, span: Span) {
        self.secret = true;
        if let Secrets::Forbidden(code) = self.place.secrets {
            let text = format!("`{name}` is a secret, or built from one, and cannot be used here");
            self.report.push(
                Diagnostic::new(code, span, text)
                    .help("pass it through `env { NAME = … }`, where it is masked and never stored"),
            );
        }
    }
}
