//! `test` blocks: the scenario's values, mocks and expectations, judged against the lane they are about.

use std::collections::HashMap;

use crate::base::Type;
use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::{Diagnostic, codes};
use crate::expr::facts;
use crate::model::declare::Item;
use crate::model::infer::{self, Definitions, Namespace, Place, Symbol};
use crate::model::{LaneId, ModuleId, ResolvedLane, StageId, Test};
use crate::syntax::ast::{self, Ident, Statement, Tail};

use super::{Frame, Lowering, all, find, operand};

impl Lowering<'_, '_> {
    /// After lanes are resolved, because a test may only mock and judge what its lane holds.
    pub fn tests(&mut self, lanes: &HashMap<LaneId, ResolvedLane>) {
        let defs = self.defs;
        for item in &defs.tests {
            let lane = self.tested_lane(item);
            let resolved = lane.and_then(|lane| lanes.get(&lane));
            self.given(item, lane);
            for mock in all(item.statement.body(), "mock").filter(|mock| !mock.broken) {
                self.mock(item.module, mock, resolved);
            }
            if let Some(resolved) = resolved {
                self.expectations(item, resolved);
            }
            self.model.tests.push(Test {
                module: item.module,
                name: item.name.to_string(),
                span: item.span,
                lane,
            });
        }
    }

    fn tested_lane(&mut self, item: &Item<'_>) -> Option<LaneId> {
        let path =
            find(item.statement.body(), "lane").and_then(operand).and_then(|expr| self.path_of(expr))?;
        match infer::path_symbol(self.defs, item.module, &path, Namespace::Lanes, &mut self.report)? {
            Symbol::Lane(lane) => Some(lane),
            _ => None,
        }
    }

    fn given(&mut self, item: &Item<'_>, lane: Option<LaneId>) {
        let Some(given) = find(item.statement.body(), "given") else { return };
        let module = lane.map_or(item.module, |lane| self.defs.lanes[lane as usize].module);
        for line in given.body().iter().filter(|line| !line.broken) {
            let Tail::Assign(value) = &line.tail else { continue };
            let Some(ty) = self.given_type(module, &line.head) else { continue };
            self.value(&Frame::file(item.module).start(), value, &ty);
        }
    }

    fn given_type(&mut self, module: ModuleId, head: &Ident) -> Option<Type> {
        if let Some(row) = facts::find(&head.text) {
            return row.result.map(|result| result.ty().required().clone());
        }
        let names = self.defs.names(module);
        if let Some((symbol @ Symbol::Global(index), _)) = names.values.get(&head.text) {
            self.defs.mark_used(*symbol);
            return Some(self.defs.global(*index).0);
        }
        let params = names.values.iter().filter(|(_, (symbol, _))| matches!(symbol, Symbol::Global(_)));
        let known = params.map(|(name, _)| name.as_str()).chain(facts::TABLE.iter().map(|row| row.name));
        let near = nearest(&head.text, known);
        self.report.push(
            Diagnostic::new(&codes::E102, head.span, format!("nothing is called `{}`", head.text)).help_if(
                did_you_mean(&near).or_else(|| Some("give params, or facts such as `git.branch`".into())),
            ),
        );
        None
    }

    fn mock(&mut self, module: ModuleId, mock: &Statement, resolved: Option<&ResolvedLane>) {
        let Some(expr) = operand(mock) else { return };
        let Some(path) = self.stage_path(expr) else { return };
        let Some(resolved) = resolved else { return };
        let Some(name) = path.last() else { return };
        let Some(stage) = resolved.stages.iter().find(|stage| stage.name == name.text).map(|stage| stage.id)
        else {
            return self.not_held(name, resolved);
        };
        let frame = Frame::file(module);
        for inner in mock.body().iter().filter(|inner| !inner.broken) {
            match (inner.head.text.as_str(), &inner.tail) {
                ("out" | "measure", Tail::Bind(binding)) => {
                    let ty = self.mocked_type(stage, &inner.head.text, &binding.name);
                    if let (Some(ty), Some(value)) = (ty, &binding.value) {
                        self.value(&frame.start(), value, &ty);
                    }
                }
                ("exit", _) => {
                    self.single(&frame.start(), inner, &Type::Int);
                }
                _ => {
                    self.single(&frame.start(), inner, &Type::String);
                }
            }
        }
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

    fn not_held(&mut self, name: &Ident, resolved: &ResolvedLane) {
        let near = nearest(&name.text, resolved.stages.iter().map(|stage| stage.name.as_str()));
        self.report.push(
            Diagnostic::new(
                &codes::E216,
                name.span,
                format!("lane `{}` does not hold `{}`", resolved.name, name.text),
            )
            .help_if(did_you_mean(&near)),
        );
    }

    fn expectations(&mut self, item: &Item<'_>, resolved: &ResolvedLane) {
        let holds = |name: &str| resolved.stages.iter().any(|stage| stage.name == name);
        let extra = |path: &[Ident]| {
            let parts: Vec<&str> = path.iter().map(|part| part.text.as_str()).collect();
            match parts[..] {
                ["stage" | "gate", name, property] if holds(name) => expected_type(property),
                ["lane" | "run", property] => expected_type(property),
                _ => None,
            }
        };
        let frame = Frame::file(item.module);
        let place = Place { extra: Some(&extra), ..frame.start() };
        for expect in all(item.statement.body(), "expect") {
            let Some(expr) = operand(expect) else { continue };
            if let Some(name) = unheld(expr, &holds) {
                self.not_held(&name, resolved);
                continue;
            }
            infer::condition(self.defs, &place, expr, &mut self.report);
        }
    }
}

/// A `stage.NAME` of the expectation that the lane does not hold: a better word for it than "unknown".
fn unheld(expr: &ast::Expr, holds: &dyn Fn(&str) -> bool) -> Option<Ident> {
    let path = match &expr.kind {
        ast::ExprKind::Compare(sides) => sides.left.path(),
        _ => expr.path(),
    }?;
    match &path[..] {
        [first, name, _, ..] if matches!(first.text.as_str(), "stage" | "gate") && !holds(&name.text) => {
            Some(name.clone())
        }
        _ => None,
    }
}

/// How a stage or a run can stand: a misspelt state would be an expectation that never holds.
const STATES: [&str; 17] = [
    "pending",
    "ready",
    "running",
    "waiting",
    "succeeded",
    "failed",
    "timed-out",
    "cancelled",
    "skipped",
    "waived",
    "reused",
    "warned",
    "blocked",
    "unknown",
    "gate-failed",
    "interrupted",
    "rejected",
];

fn expected_type(property: &str) -> Option<Type> {
    match property {
        "state" | "status" => Some(Type::Enum(STATES.map(str::to_owned).to_vec())),
        "reason" => Some(Type::String),
        "attempts" | "exit" => Some(Type::Int),
        _ => None,
    }
}
