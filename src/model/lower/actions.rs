//! What a stage does, in the order written: run, exec, render, call.

use std::borrow::Cow;

use crate::base::Type;
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::Action;
use crate::model::infer::{self, Place, Secrets};
use crate::syntax::ast::{self, ExprKind, Statement, Tail};

use super::{Frame, Lowering};

impl Lowering<'_, '_> {
    pub(super) fn actions(&mut self, frame: &Frame, statements: &[Statement]) -> Vec<Action> {
        let mut actions = Vec::new();
        // What a lane gives is known to the actions after its call.
        let mut frame = Cow::Borrowed(frame);
        for statement in statements {
            match statement.head.text.as_str() {
                "run" => actions.extend(self.script(statement, statements)),
                "exec" => actions.extend(self.exec(&frame, statement)),
                "render" => actions.extend(self.render(&frame, statement)),
                "call" => {
                    let place = actions.len();
                    if let Some(call) = self.call(&frame, statement, &actions) {
                        let called = self.called(&call);
                        frame.to_mut().calls.extend(called.map(|called| (place, called)));
                        actions.push(call);
                    }
                }
                _ => {}
            }
        }
        actions
    }

    fn exec(&mut self, frame: &Frame, statement: &Statement) -> Option<Action> {
        if statement.broken || statement.operands().is_empty() {
            return None;
        }
        if let [only] = statement.operands() {
            self.program(only);
        }
        let place = Frame::secrets(frame.running(), Secrets::Forbidden(&codes::E501));
        let argv = statement.operands().iter().map(|operand| self.argument(&place, operand)).collect();
        Some(Action::Exec { argv, span: statement.span })
    }

    fn argument(&mut self, place: &Place<'_>, operand: &ast::Expr) -> Expr {
        infer::operand(self.defs, place, operand, true, &mut self.report).expr
    }

    fn render(&mut self, frame: &Frame, statement: &Statement) -> Option<Action> {
        let place = frame.running();
        let target = self.single(&place, statement, &Type::Path)?;
        self.inside(&target);
        let from = statement.clause("from")?.operands.first()?;
        let template = self.value(&place, from, &Type::Path);
        self.inside(&template);
        let context = self.named_values(statement.body(), |this, value| this.infer(&place, value, None).expr);
        Some(Action::Render { target, template, context, span: statement.span })
    }

    /// The `NAME = value` lines of a block.
    pub(super) fn named_values(
        &mut self,
        statements: &[Statement],
        mut each: impl FnMut(&mut Self, &ast::Expr) -> Expr,
    ) -> Vec<(String, Expr)> {
        let mut values = Vec::new();
        for statement in statements.iter().filter(|statement| !statement.broken) {
            if let Tail::Assign(value) = &statement.tail {
                values.push((statement.head.text.clone(), each(self, value)));
            }
        }
        values
    }

    /// A command line in one string is the name of a program that nobody has.
    fn program(&mut self, operand: &ast::Expr) {
        let Some(text) = super::literal(operand) else { return };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() {
            self.error(
                &codes::E122,
                operand.span,
                "`exec` names no program",
                "write `exec \"program\", \"argument\"`",
            );
        } else if words.len() > 1 && !text.contains(['/', '\\']) {
            let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let message = format!("the whole of \"{text}\" is the program's name here");
            let help = format!("one operand is one argument: `exec {}`", quoted.join(", "));
            self.error(&codes::W127, operand.span, message, &help);
        }
    }

    /// `a.b.c`, else a report that a name should stand here.
    pub(super) fn path_of(&mut self, expr: &ast::Expr) -> Option<Vec<ast::Ident>> {
        if matches!(expr.kind, ExprKind::Error) {
            return None;
        }
        let path = expr.path();
        if path.is_none() {
            let found = Diagnostic::new(&codes::E122, expr.span, "a name should stand here");
            self.report.push(match super::literal(expr) {
                Some(text) => found.help("names are not quoted").fix(true, expr.span, text),
                None if matches!(expr.kind, ExprKind::List(_)) => {
                    found.help("names stand without brackets: `needs a, b`")
                }
                None => found.help("write the name of a definition: `a`, `alias.a` or `std.x.a`"),
            });
        }
        path
    }
}
