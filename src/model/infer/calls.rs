//! Calls of functions: the user's own, and the built-in ones.

use crate::base::{Span, Type};
use crate::diag::{Diagnostic, codes};
use crate::expr::builtin::{Builtin, Parameter};
use crate::expr::{Expr, Kind};
use crate::syntax::ast::{self, Argument};

use super::fit::{self, agrees, is_unit};
use super::walk::{Found, Walk, at, lost};

impl Walk<'_, '_> {
    /// A call of the user's function `text`.
    pub(super) fn function(&mut self, index: u32, text: &str, arguments: &[Argument], span: Span) -> Found {
        let definitions = self.definitions;
        let signature = definitions.function(index);
        let mut given: Vec<Option<Expr>> = vec![None; signature.parameters.len()];
        let mut wrong = false;
        for (position, argument) in arguments.iter().enumerate() {
            let slot = match &argument.name {
                Some(name) => signature.parameters.iter().position(|(known, _)| *known == name.text),
                None => (position < given.len()).then_some(position),
            };
            let Some(slot) = slot.filter(|slot| given[*slot].is_none()) else {
                self.expr(&argument.value, None);
                wrong = true;
                continue;
            };
            given[slot] = Some(self.expr(&argument.value, Some(&signature.parameters[slot].1)).0);
        }
        let Some(arguments) = given.into_iter().collect::<Option<Vec<Expr>>>().filter(|_| !wrong) else {
            let list: Vec<String> =
                signature.parameters.iter().map(|(name, ty)| format!("{name}: {ty}")).collect();
            let message = format!("these are not the arguments of `{text}`");
            let found = Diagnostic::new(&codes::E107, span, message)
                .help(format!("it is `{text}({})`", list.join(", ")));
            return self.refuse(found, span);
        };
        if signature.secret {
            self.taint(text, span);
        }
        (at(Kind::Call { function: index, arguments }, span), signature.result.clone())
    }

    pub(super) fn builtin(
        &mut self,
        row: &'static Builtin,
        arguments: &[Argument],
        span: Span,
        want: Option<&Type>,
    ) -> Found {
        let right = match row.variadic {
            true => arguments.len() >= row.parameters.len(),
            false => arguments.len() == row.parameters.len(),
        };
        let named = arguments.iter().any(|argument| argument.name.is_some());
        let (Some(last), true) = (row.parameters.last(), right && !named) else {
            let count = row.parameters.len();
            let more = if row.variadic { " or more" } else { "" };
            let message =
                format!("`{}` takes {count}{more} argument{}", row.name, if count == 1 { "" } else { "s" });
            let found = Diagnostic::new(&codes::E107, span, message).help(row.doc);
            return self.refuse(found, span);
        };
        if *last == Parameter::Ordered {
            return self.ordered_call(row, arguments, span, want);
        }
        let exprs = arguments
            .iter()
            .zip(row.parameters)
            .map(|(argument, parameter)| self.parameter(row, &argument.value, parameter))
            .collect();
        let kind = Kind::Builtin { name: row.name.to_owned(), arguments: exprs };
        (at(kind, span), row.result.map_or(Type::Unknown, |result| result.ty()))
    }

    fn parameter(&mut self, row: &Builtin, e: &ast::Expr, parameter: &Parameter) -> Expr {
        if let Parameter::Is(ty) = parameter {
            return self.expr(e, Some(ty)).0;
        }
        let (expr, ty) = self.expr(e, None);
        let fits = match (parameter, &ty) {
            (_, Type::Unknown) => true,
            (Parameter::Text, ty) => matches!(ty, Type::String | Type::Path | Type::Enum(_)),
            (Parameter::Scalar, ty) => ty.is_scalar(),
            (Parameter::Countable, ty) => matches!(ty, Type::List(_) | Type::String | Type::Path),
            (Parameter::Scalars, Type::List(item)) => item.is_scalar(),
            _ => false,
        };
        if !fits {
            let found = match &ty {
                Type::Optional(_) => fit::may_be_absent(e, &ty),
                other => {
                    let message = format!("`{}` does not take {}", row.name, fit::article(other));
                    Diagnostic::new(&codes::E104, e.span, message).help(row.doc)
                }
            };
            self.report.push(found);
        }
        expr
    }

    /// `min` and `max`: all of one type that has an order.
    fn ordered_call(
        &mut self,
        row: &Builtin,
        arguments: &[Argument],
        span: Span,
        want: Option<&Type>,
    ) -> Found {
        let lead = arguments.iter().position(|argument| !fit::adapts(&argument.value)).unwrap_or(0);
        let wish = want.filter(|_| fit::adapts(&arguments[lead].value));
        let (first, ty) = self.expr(&arguments[lead].value, wish);
        if ty == Type::Unknown {
            return lost(span);
        }
        if !is_unit(&ty) && !matches!(ty, Type::Int | Type::Float) {
            let e = &arguments[lead].value;
            let found = match &ty {
                Type::Optional(_) => fit::may_be_absent(e, &ty),
                other => {
                    let message = format!("{} has no order", fit::article(other));
                    Diagnostic::new(&codes::E104, e.span, message).help(row.doc)
                }
            };
            return self.refuse(found, span);
        }
        let mut exprs = Vec::with_capacity(arguments.len());
        let mut first = Some(first);
        for (index, argument) in arguments.iter().enumerate() {
            let expr = match first.take_if(|_| index == lead) {
                Some(expr) => expr,
                None => {
                    let (expr, other) = self.expr(&argument.value, Some(&ty));
                    if !agrees(&other, &ty) {
                        self.report.push(fit::may_be_absent(&argument.value, &other));
                    }
                    expr
                }
            };
            exprs.push(expr);
        }
        (at(Kind::Builtin { name: row.name.to_owned(), arguments: exprs }, span), ty)
    }
}
