//! `mock` blocks of tests: how a stage's attempts end, what it puts out, what a gate measures.

use crate::base::Type;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::infer;
use crate::model::{Attempt, Mock, ModuleId, ResolvedLane, StageId};
use crate::syntax::ast::{Ident, Statement, Tail};

use super::super::{Frame, Lowering, all, operand};

impl Lowering<'_, '_> {
    pub(super) fn mocks(
        &mut self,
        module: ModuleId,
        statements: &[&Statement],
        resolved: Option<&ResolvedLane>,
    ) -> Vec<Mock> {
        let mut found: Vec<Mock> = Vec::new();
        for statement in statements {
            let Some(mock) = self.mock(module, statement, resolved) else { continue };
            let first = found.iter().find(|known| known.stage == mock.stage && known.when.is_none());
            if let Some(first) = first {
                let name = &self.defs.stages[mock.stage as usize].name;
                self.report.push(
                    Diagnostic::new(&codes::E121, mock.span, format!("`{name}` is mocked already"))
                        .related(first.span, "mocked here")
                        .help("keep one; of a matrix stage, `mock stage.X if CONDITION` picks instances"),
                );
            }
            found.push(mock);
        }
        found
    }

    fn mock(&mut self, module: ModuleId, mock: &Statement, resolved: Option<&ResolvedLane>) -> Option<Mock> {
        let expr = operand(mock)?;
        let Some(resolved) = resolved else {
            self.stage_path(expr);
            return None;
        };
        let stage = self.held_stage(expr, resolved)?;
        let matrix = self.matrices[stage as usize].clone();
        let frame = Frame { stage: Some(stage), matrix, ..Frame::file(module) };
        let when = mock.clause("if").and_then(|clause| clause.operands.first());
        let when = when.map(|expr| infer::condition(self.defs, &frame.start(), expr, &mut self.report).expr);
        let body = mock.body();
        Some(Mock {
            stage,
            span: expr.span,
            when,
            attempts: self.attempts(&frame, body),
            outputs: self.mocked(&frame, stage, body, "out"),
            measures: self.mocked(&frame, stage, body, "measure"),
            facts: self.given_facts(body, &super::judging(&frame), Some(stage)),
        })
    }

    /// What the mock says of every attempt, and the attempts that say it themselves.
    fn attempts(&mut self, frame: &Frame, body: &[Statement]) -> Vec<Attempt> {
        let each = self.attempt(frame, body);
        let own: Vec<&Statement> = all(body, "attempt").filter(|attempt| !attempt.broken).collect();
        if own.is_empty() {
            return vec![each];
        }
        let with_defaults = |own: Attempt| Attempt {
            exit: own.exit.or_else(|| each.exit.clone()),
            stderr: own.stderr.or_else(|| each.stderr.clone()),
            takes: own.takes.or_else(|| each.takes.clone()),
        };
        own.iter().map(|attempt| with_defaults(self.attempt(frame, attempt.body()))).collect()
    }

    fn attempt(&mut self, frame: &Frame, body: &[Statement]) -> Attempt {
        Attempt {
            exit: self.setting(&frame.start(), body, "exit", &Type::Int),
            stderr: self.setting(&frame.start(), body, "stderr", &Type::String),
            takes: self.setting(&frame.start(), body, "takes", &Type::Duration),
        }
    }

    fn mocked(
        &mut self,
        frame: &Frame,
        stage: StageId,
        body: &[Statement],
        keyword: &str,
    ) -> Vec<(String, Expr)> {
        let mut found: Vec<(String, Expr)> = Vec::new();
        for inner in all(body, keyword).filter(|inner| !inner.broken) {
            let Tail::Bind(binding) = &inner.tail else { continue };
            let ty = self.mocked_type(stage, keyword, &binding.name);
            let (Some(ty), Some(value)) = (ty, &binding.value) else { continue };
            let value = self.value(&frame.start(), value, &ty);
            if found.iter().any(|(known, _)| *known == binding.name.text) {
                let message = format!("`{}` is given twice", binding.name.text);
                self.error(&codes::E121, binding.name.span, message, "keep one of them");
            }
            found.push((binding.name.text.to_string(), value));
        }
        found
    }

    fn mocked_type(&mut self, stage: StageId, what: &str, name: &Ident) -> Option<Type> {
        let facts = self.defs.facts(stage);
        let found = match what {
            "out" => {
                facts.outputs.iter().find(|(known, _, _)| *known == name.text).map(|(_, ty, _)| ty.clone())
            }
            _ => facts.measures.iter().find(|(known, _)| *known == name.text).map(|(_, ty)| ty.clone()),
        };
        if found.is_none() {
            let outs = facts.outputs.iter().map(|(known, _, _)| known.as_str());
            let near =
                nearest(&name.text, outs.chain(facts.measures.iter().map(|(known, _)| known.as_str())));
            let stage = &self.defs.stages[stage as usize];
            let kind = if what == "out" { "output" } else { "measure" };
            self.report.push(
                Diagnostic::new(
                    &codes::E401,
                    name.span,
                    format!("`{}` has no {kind} `{}`", stage.name, name.text),
                )
                .related(stage.span, "defined here")
                .help_if(did_you_mean(&near)),
            );
        }
        found
    }
}
