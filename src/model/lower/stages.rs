//! How stages are named by other statements: by name, by number, through an import.

use crate::base::Span;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::model::declare::Declared;
use crate::model::infer::{self, Definitions, Namespace, Symbol};
use crate::model::{Dependency, ModuleId, StageId};
use crate::syntax::ast::{self, ExprKind, Literal, Statement};

use super::{Lowering, literal};

/// What a symbol is, for people.
pub(super) fn kind_of(defs: &Declared<'_>, symbol: Symbol) -> &'static str {
    match symbol {
        Symbol::Global(index) => match defs.globals[index as usize].statement.head.text.as_str() {
            "param" => "a param",
            "secret" => "a secret",
            _ => "a value",
        },
        Symbol::Function(_) => "a function",
        Symbol::Stage(index) if defs.stages[index as usize].statement.head.text == "gate" => "a gate",
        Symbol::Stage(_) => "a stage",
        Symbol::Tool(_) => "a tool",
        Symbol::Lane(_) => "a lane",
        Symbol::Retry(_) => "a retry policy",
        Symbol::Repair(_) => "a repair rule",
        Symbol::Pool(_) => "a pool",
        Symbol::Module(_) => "a file",
    }
}

impl Lowering<'_, '_> {
    /// `needs` or `follows`: the stages named, each once.
    pub(super) fn dependencies<'s>(
        &mut self,
        module: ModuleId,
        own: StageId,
        statements: impl Iterator<Item = &'s Statement>,
    ) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for statement in statements.filter(|statement| !statement.broken) {
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
        let path = self.stage_path(expr)?;
        let [only] = &path[..] else { return self.foreign_stage(module, &path) };
        match self.defs.names(module).values.get(&only.text) {
            Some((Symbol::Stage(stage), _)) => Some(*stage),
            Some((symbol, span)) => {
                let (symbol, span) = (*symbol, *span);
                self.not_a_stage(&only.text, expr.span, symbol, span);
                None
            }
            None => {
                self.unknown_stage(module, &only.text, expr.span);
                None
            }
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

    fn foreign_stage(&mut self, module: ModuleId, path: &[ast::Ident]) -> Option<StageId> {
        match infer::path_symbol(self.defs, module, path, Namespace::Values, &mut self.report)? {
            Symbol::Stage(stage) => Some(stage),
            symbol => {
                let last = path.last()?;
                let span = path[0].span.to(last.span);
                self.error(
                    &codes::E202,
                    span,
                    format!("`{}` is {}, not a stage", last.text, kind_of(self.defs, symbol)),
                    "",
                );
                None
            }
        }
    }

    fn not_a_stage(&mut self, name: &str, span: Span, symbol: Symbol, defined: Span) {
        let message = format!("`{name}` is {}, not a stage", kind_of(self.defs, symbol));
        self.report.push(Diagnostic::new(&codes::E202, span, message).related(defined, "defined here"));
    }

    pub(super) fn unknown_stage(&mut self, module: ModuleId, name: &str, span: Span) {
        let names = self.defs.names(module);
        let is_stage = |symbol: &Symbol| matches!(symbol, Symbol::Stage(_));
        let known =
            names.values.iter().filter(|(_, (symbol, _))| is_stage(symbol)).map(|(name, _)| name.as_str());
        let near = nearest(name, known);
        let mut found = Diagnostic::new(&codes::E202, span, format!("no stage or gate is called `{name}`"))
            .help_if(did_you_mean(&near));
        if let Some((_, place)) = near.first().and_then(|near| names.values.get(*near)) {
            found = found.related(*place, format!("`{}` is defined here", near[0]));
        }
        if let [only] = near[..] {
            found = found.fix(true, span, only);
        }
        self.report.push(found);
    }
}
