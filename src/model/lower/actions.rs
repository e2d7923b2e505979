//! What a stage does, in the order written: run, exec, render, call.

use std::borrow::Cow;

use crate::base::{Type, Value, suggest, templates};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::infer::{self, Place, Secrets};
use crate::model::{Action, Render};
use crate::syntax::ast::{self, ExprKind, Statement, Tail};

use super::{Frame, Lowering, all, operand};

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
        self.embedded(&template);
        let schema = self.setting(&place, statement.body(), "schema", &Type::Path);
        schema.iter().for_each(|schema| self.inside(schema));
        let context = self.named_values(statement.body(), |this, value| this.infer(&place, value, None).expr);
        let each = each.into_iter().map(|(name, list)| (name.text.to_string(), list)).collect();
        let render = Box::new(Render { target, template, context, each, schema });
        Some(Action::Render { render, span: statement.span })
    }

    /// `std:NAME` names a template of the built-in library, which must be there.
    fn embedded(&mut self, template: &Expr) {
        let Some(Value::String(path) | Value::Path(path)) = self.constant(template) else { return };
        let Some(name) = templates::name(path).filter(|name| templates::text(name).is_none()) else { return };
        let near = suggest::nearest(name, templates::names());
        let all: Vec<String> = templates::names().map(|name| format!("`std:{name}`")).collect();
        let help = suggest::did_you_mean(&near).unwrap_or_else(|| format!("there are {}", all.join(", ")));
        let message = format!("the built-in library has no template `{name}`");
        self.error(&codes::E122, template.span, message, &help);
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
