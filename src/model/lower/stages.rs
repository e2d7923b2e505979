//! How stages are named by other statements: by name, by number, through an import.

use crate::base::{IdSet, Span};
use crate::diag::{Diagnostic, codes};
use crate::model::infer::{self, Definitions, Namespace, Symbol};
use crate::model::{Dependency, ModuleId, StageId};
use crate::syntax::ast::{self, ExprKind, Literal, Statement};

use super::{Lowering, literal};

impl Lowering<'_, '_> {
    /// `needs` or `follows`: the stages named, each once.
    pub(super) fn dependencies<'s>(
        &mut self,
        module: ModuleId,
        own: StageId,
        statements: impl Iterator<Item = &'s Statement>,
    ) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        let mut seen = IdSet::default();
        for statement in statements.filter(|statement| !statement.broken) {
            found.reserve_exact(statement.operands().len());
            for operand in statement.operands() {
                let (inner, optional) = match &operand.kind {
                    ExprKind::Optional(inner) => (&**inner, true),
                    _ => (operand, false),
                };
                let Some(stage) = self.stage_ref(module, inner) else { continue };
                if stage == own {
                    let message = format!("`{}` waits for itself", self.defs.stages[own as usize].name);
                    self.error(&codes::E203, operand.span, message, "remove it here");
                } else if seen.insert(stage) {
                    found.push(Dependency { stage, optional, span: operand.span });
                }
            }
        }
        found
    }

    /// The stage or gate that an operand names; reports when there is none.
    pub(super) fn stage_ref(&mut self, module: ModuleId, expr: &ast::Expr) -> Option<StageId> {
        if let ExprKind::Literal(Literal::Int(number)) = expr.kind {
            let known = u32::try_from(number).ok().and_then(|n| self.defs.numbers[module as usize].get(&n));
            if known.is_none() {
                self.error(
                    &codes::E202,
                    expr.span,
                    format!("no stage of this file has the number {number}"),
                    "",
                );
            }
            return known.copied();
        }
        if let ExprKind::Word(word) = &expr.kind {
            let path = [ast::Ident { text: word.clone(), span: expr.span }];
            return self.stage_at(module, &path);
        }
        let path = self.stage_path(expr)?;
        self.stage_at(module, &path)
    }

    fn stage_at(&mut self, module: ModuleId, path: &[ast::Ident]) -> Option<StageId> {
        match infer::path_symbol(self.defs, module, path, Namespace::Stages, &mut self.report)? {
            Symbol::Stage(stage) => Some(stage),
            _ => None,
        }
    }

    /// The parts of a stage's name, `stage.X` and `gate.X` without their first.
    pub(super) fn stage_path(&mut self, expr: &ast::Expr) -> Option<Vec<ast::Ident>> {
        if let Some(text) = literal(expr) {
            self.report.push(
                Diagnostic::new(
                    &codes::E202,
                    expr.span,
                    format!("{text:?} is a string, not the name of a stage"),
                )
                .help("names of stages are not quoted")
                .fix(true, expr.span, text),
            );
            return None;
        }
        let mut path = self.path_of(expr)?;
        if path.len() > 1 && matches!(path[0].text.as_str(), "stage" | "gate") {
            path.remove(0);
        }
        Some(path)
    }

    pub(super) fn unknown_stage(&mut self, module: ModuleId, name: &str, span: Span) {
        let is_stage = |symbol: &Symbol| matches!(symbol, Symbol::Stage(_));
        let known = self.defs.names(module).values.iter().filter(|(_, (symbol, _))| is_stage(symbol));
        let known = known.map(|(name, (_, place))| (name.clone(), Some(*place)));
        let wanted = self.report.wants_suggestions(module, "stage", name);
        let known = known.filter(|_| wanted).collect();
        self.report.unknown(module, "stage", name, span, known);
    }
}
