//! What a stage gets and gives: env, matrix, inputs, out and measure.

use std::collections::HashMap;

use crate::base::{Span, Type};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::infer::Definitions;
use crate::model::infer::{Secrets, article};
use crate::model::{Measure, ModuleId, Output};
use crate::syntax::ast::{Expr as Expression, ExprKind, Statement, Tail};

use super::{Frame, Lowering, all, find};

impl Lowering<'_, '_> {
    /// The variables, and whether one of them is secret.
    pub(super) fn env(&mut self, frame: &Frame, statement: &Statement) -> (Vec<(String, Expr)>, bool) {
        let mut secret = false;
        for inner in statement.body().iter().filter(|inner| !inner.head.text.is_empty()) {
            let name = inner.head.text.as_str();
            let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !starts || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
                let message = format!("`{name}` cannot name an environment variable");
                self.error(&codes::E122, inner.head.span, message, "use letters, digits and `_`");
            } else if name.starts_with("WFL_") {
                let message = format!("`{name}`: names that begin with WFL_ are set by the engine");
                self.error(&codes::E122, inner.head.span, message, "choose another name");
            }
        }
        let place = Frame::secrets(frame.running(), Secrets::Allowed);
        let values = self.named_values(statement.body(), |this, value| {
            let typed = this.scalar(&place, value);
            secret |= typed.secret;
            typed.expr
        });
        (values, secret)
    }

    /// The names with their lists, and the types of one value each.
    pub(super) fn matrix(&mut self, frame: &Frame, statement: &Statement) -> Vec<(String, Expr, Type)> {
        let mut matrix = Vec::new();
        for inner in statement.body().iter().filter(|inner| !inner.broken) {
            let Tail::Assign(value) = &inner.tail else { continue };
            self.shadows(frame.module, &inner.head.text, inner.head.span);
            let (list, item) = self.values_of(frame, &inner.head.text, value);
            matrix.push((inner.head.text.to_string(), list, item));
        }
        matrix
    }

    /// A list that is known when the run starts, and the type of one value of it.
    pub(super) fn values_of(&mut self, frame: &Frame, name: &str, value: &Expression) -> (Expr, Type) {
        let typed = self.infer(&frame.start(), value, None);
        if matches!(&value.kind, ExprKind::List(items) if items.is_empty()) {
            let message = format!("`{name}` has no values, so nothing would ever run");
            self.error(&codes::E122, value.span, message, "give it values, or remove it");
            return (typed.expr, Type::Unknown);
        }
        let item = match typed.ty {
            Type::List(item) if item.is_scalar() => *item,
            Type::Unknown => Type::Unknown,
            other => {
                let message = format!("`{name}` must be a list of values, not {}", article(&other));
                self.error(&codes::E104, value.span, message, "write `[a, b, c]`");
                Type::Unknown
            }
        };
        (typed.expr, item)
    }

    /// W113: a name of a stage's own that hides one of the file.
    pub(super) fn shadows(&mut self, module: ModuleId, name: &str, span: Span) {
        if let Some((_, defined)) = self.defs.names(module).values.get(name) {
            let text = format!("`{name}` hides the one that the file defines");
            let found = Diagnostic::new(&codes::W113, span, text).help("give it another name");
            self.report.push(found.related(*defined, "hidden here"));
        }
    }

    pub(super) fn inputs(&mut self, frame: &Frame, body: &[Statement]) -> Vec<Expr> {
        let mut inputs = Vec::new();
        for statement in all(body, "inputs").filter(|statement| !statement.broken) {
            for operand in statement.operands() {
                let expr = self.value(&frame.start(), operand, &Type::Path);
                self.inside(&expr);
                inputs.push(expr);
            }
        }
        inputs
    }

    /// `types` are those the declaration found, by name.
    pub(super) fn outputs(
        &mut self,
        frame: &Frame,
        body: &[Statement],
        types: &[(String, Type, Span)],
    ) -> Vec<Output> {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut outputs = Vec::new();
        for statement in all(body, "out").filter(|statement| !statement.broken) {
            let Some(binding) = statement.binding() else { continue };
            if let Some(first) = seen.insert(&binding.name.text, binding.name.span) {
                self.twice("output", &binding.name.text, binding.name.span, first);
            }
            let Some(value) = &binding.value else { continue };
            let known = types.iter().find(|(_, _, span)| *span == binding.name.span);
            let ty = known.map_or(Type::Unknown, |(_, ty, _)| ty.clone());
            let expr = if ty == Type::Path {
                let expr = self.value(&frame.ready(), value, &ty);
                self.inside(&expr);
                expr
            } else {
                self.value(&frame.reading(), value, &ty)
            };
            let keep = find(statement.body(), "keep").and_then(|keep| self.duration(&frame.start(), keep));
            let (name, span) = (binding.name.text.to_string(), binding.name.span);
            outputs.push(Output { name, span, ty, value: expr, keep });
        }
        outputs
    }

    pub(super) fn measures(
        &mut self,
        frame: &Frame,
        body: &[Statement],
        types: &[(String, Type)],
    ) -> Vec<Measure> {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut measures = Vec::new();
        for statement in all(body, "measure").filter(|statement| !statement.broken) {
            let Some(binding) = statement.binding() else { continue };
            let (name, span) = (binding.name.text.to_string(), binding.name.span);
            if let Some(first) = seen.insert(&binding.name.text, span) {
                self.twice("measure", &name, span, first);
            }
            let Some(value) = &binding.value else { continue };
            let known = types.iter().find(|(known, _)| *known == name);
            let ty = known.map_or(Type::Unknown, |(_, ty)| ty.clone());
            let want = Some(&ty).filter(|ty| **ty != Type::Unknown);
            let typed = self.infer(&frame.reading(), value, want);
            let ty = if ty == Type::Unknown { typed.ty } else { ty };
            measures.push(Measure { name, ty, value: typed.expr, span });
        }
        measures
    }

    fn twice(&mut self, what: &str, name: &str, span: Span, first: Span) {
        self.report.push(
            Diagnostic::new(&codes::E103, span, format!("{what} `{name}` is defined twice"))
                .related(first, "first defined here")
                .help("rename one of them"),
        );
    }
}
