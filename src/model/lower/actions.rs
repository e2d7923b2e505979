//! What a stage does, in the order written: run, exec, render, call.

use crate::base::Type;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::infer::{self, Definitions, Namespace, Place, Secrets, Symbol};
use crate::model::{Action, GlobalKind, LaneId};
use crate::syntax::ast::{self, ExprKind, Statement, Tail};

use super::{Frame, Lowering, operand};

impl Lowering<'_, '_> {
    pub(super) fn actions(&mut self, frame: &Frame, statements: &[Statement]) -> Vec<Action> {
        let mut actions = Vec::new();
        for statement in statements {
            actions.extend(match statement.head.text.as_str() {
                "run" => self.script(statement, statements),
                "exec" => self.exec(frame, statement),
                "render" => self.render(frame, statement),
                "call" => self.call(frame, statement),
                _ => None,
            });
        }
        actions.shrink_to_fit();
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
        let (target, template) = (Box::new(target), Box::new(template));
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
                values.push((statement.head.text.to_string(), each(self, value)));
            }
        }
        values
    }

    fn call(&mut self, frame: &Frame, statement: &Statement) -> Option<Action> {
        let path = self.path_of(operand(statement)?)?;
        let symbol = infer::path_symbol(self.defs, frame.module, &path, Namespace::Lanes, &mut self.report)?;
        let Symbol::Lane(lane) = symbol else { return None };
        let mut arguments = Vec::new();
        for inner in statement.body().iter().filter(|inner| !inner.broken) {
            let Tail::Assign(value) = &inner.tail else { continue };
            let Some(ty) = self.param_of(lane, inner) else { continue };
            let place = frame.running();
            arguments.push((inner.head.text.to_string(), self.value(&place, value, &ty)));
        }
        Some(Action::Call { lane, arguments, span: statement.span })
    }

    fn param_of(&mut self, lane: LaneId, argument: &Statement) -> Option<Type> {
        let item = &self.defs.lanes[lane as usize];
        let names = self.defs.names(item.module);
        let is_param = |symbol: &Symbol| match symbol {
            Symbol::Global(index) => {
                matches!(self.model.globals[*index as usize].kind, GlobalKind::Param { .. })
            }
            _ => false,
        };
        let name = argument.head.text.as_str();
        if let Some((symbol @ Symbol::Global(index), _)) = names.values.get(name)
            && is_param(symbol)
        {
            self.defs.mark_used(*symbol);
            return Some(self.defs.global(*index).0);
        }
        let known =
            names.values.iter().filter(|(_, (symbol, _))| is_param(symbol)).map(|(name, _)| name.as_str());
        let near = nearest(name, known);
        let message = format!("lane `{}` has no param `{name}`", item.name);
        self.report.push(
            Diagnostic::new(&codes::E102, argument.head.span, message)
                .related(item.span, "the lane called")
                .help_if(did_you_mean(&near)),
        );
        None
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
