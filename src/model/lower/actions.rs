//! What a stage does, in the order written: run, exec, render, call.

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::infer::{self, Definitions, Namespace, Place, Secrets, Symbol};
use crate::model::{Action, GlobalKind, LaneId, Render};
use crate::syntax::ast::{self, ExprKind, Statement, Tail};

use super::{Frame, Lowering, all, operand};

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
        let mut frame = frame.clone();
        let each = self.each(&mut frame, statement);
        let place = frame.running();
        let target = self.single(&place, statement, &Type::Path)?;
        self.inside(&target);
        self.differs(&target, &each);
        let from = statement.clause("from")?.operands.first()?;
        let template = self.value(&place, from, &Type::Path);
        self.inside(&template);
        let schema = self.setting(&place, statement.body(), "schema", &Type::Path);
        schema.iter().for_each(|schema| self.inside(schema));
        let context = self.named_values(statement.body(), |this, value| this.infer(&place, value, None).expr);
        let each = each.into_iter().map(|(name, list)| (name.text.to_string(), list)).collect();
        let render = Box::new(Render { target, template, context, each, schema });
        Some(Action::Render { render, span: statement.span })
    }

    /// `each NAME = LIST`: the names join those of the stage's matrix.
    fn each(&mut self, frame: &mut Frame, statement: &Statement) -> Vec<(ast::Ident, Expr)> {
        let mut each: Vec<(ast::Ident, Expr)> = Vec::new();
        for inner in all(statement.body(), "each").filter(|inner| !inner.broken) {
            let Some((name, Some(value))) = inner.binding().map(|binding| (&binding.name, &binding.value))
            else {
                // Its value is lacking, which was reported; its name is there all the same.
                let name = operand(inner).and_then(ast::Expr::word).map(str::to_owned);
                frame.matrix.extend(name.map(|name| (name, Type::Unknown)));
                continue;
            };
            if frame.matrix.iter().any(|(known, _)| *known == name.text) {
                let found =
                    Diagnostic::new(&codes::E103, name.span, format!("`{}` is there already", name.text));
                let first = each.iter().find(|(known, _)| known.text == name.text);
                let found =
                    first.iter().fold(found, |found, (known, _)| found.related(known.span, "first here"));
                self.report
                    .push(found.help("another `each` or the stage's matrix has that name; choose another"));
                continue;
            }
            self.shadows(frame.module, &name.text, name.span);
            let (list, item) = self.values_of(frame, &name.text, value);
            frame.matrix.push((name.text.to_string(), item));
            each.push((name.clone(), list));
        }
        each
    }

    /// A path that is the same for every value would be written again and again.
    fn differs(&mut self, target: &Expr, each: &[(ast::Ident, Expr)]) {
        let (mut used, mut lost): (Vec<&str>, bool) = (Vec::new(), false);
        target.walk(&mut |part| match &part.kind {
            Kind::Matrix(name) => used.push(name),
            Kind::Value(Value::Absent) => lost = true,
            _ => {}
        });
        // What could not be read in the path may have been the name.
        if lost {
            return;
        }
        for (name, _) in each.iter().filter(|(name, _)| !used.contains(&name.text.as_str())) {
            let message = format!("every `{}` would be written to the same file", name.text);
            let help = format!("use it in the path: `render f\"out/{{{}}}.yaml\" from …`", name.text);
            self.error(&codes::E122, name.span, message, &help);
        }
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
            infer::tell_deprecated(self.defs, *symbol, &argument.head, &mut self.report);
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
