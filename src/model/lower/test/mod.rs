//! `test` blocks: the scenario's values, mocks, answers and expectations, judged against the lane they are about.

mod expect;
mod mock;

use std::collections::HashMap;

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Span, Type};
use crate::diag::{Diagnostic, codes};
use crate::expr::facts::{self, Phase};
use crate::expr::{Expr, Kind};
use crate::model::declare::Item;
use crate::model::infer::{self, Definitions, Namespace, Place, Symbol};
use crate::model::{
    Answer, GivenFact, GivenParam, GlobalKind, LaneId, ModuleId, ResolvedLane, StageId, Test,
};
use crate::syntax::ast::{self, Ident, Statement, Tail};

use super::{Frame, Lowering, all, find, operand};

impl Lowering<'_, '_> {
    /// After lanes are resolved, because a test may only mock and judge what its lane holds.
    pub fn tests(&mut self, lanes: &HashMap<LaneId, ResolvedLane>) {
        let defs = self.defs;
        for item in &defs.tests {
            let lane = self.tested_lane(item);
            let test = self.test(item, lane, lane.and_then(|lane| lanes.get(&lane)));
            self.model.tests.push(test);
        }
    }

    fn test(&mut self, item: &Item<'_>, lane: Option<LaneId>, resolved: Option<&ResolvedLane>) -> Test {
        let body = item.statement.body();
        let frame = Frame::file(item.module);
        let (params, mut facts) = self.given(item, lane);
        facts.extend(self.given_facts(body, &judging(&frame), None));
        let mocks: Vec<&Statement> = all(body, "mock").filter(|mock| !mock.broken).collect();
        let mocks = self.mocks(item.module, &mocks, resolved);
        let wait = find(body, "wait").and_then(|wait| self.single(&frame.start(), wait, &Type::Duration));
        let (answers, confirmed, expects) = match resolved {
            Some(resolved) => (
                self.answers(item.module, body, resolved),
                self.confirmed(body, resolved),
                self.expectations(item, resolved),
            ),
            None => Default::default(),
        };
        Test {
            module: item.module,
            name: item.name.to_string(),
            span: item.span,
            lane,
            params,
            facts,
            mocks,
            answers,
            confirmed,
            wait,
            expects,
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

    fn given(&mut self, item: &Item<'_>, lane: Option<LaneId>) -> (Vec<GivenParam>, Vec<GivenFact>) {
        let (mut params, mut facts) = (Vec::new(), Vec::new());
        let Some(given) = find(item.statement.body(), "given") else { return (params, facts) };
        let module = lane.map_or(item.module, |lane| self.defs.lanes[lane as usize].module);
        let frame = Frame::file(item.module);
        for line in given.body().iter().filter(|line| !line.broken) {
            let Tail::Assign(value) = &line.tail else { continue };
            if let Some(row) = facts::find(&line.head.text) {
                let Some(ty) = self.plain_fact(row, line.head.span) else { continue };
                let kind = Kind::Fact { name: row.name.to_owned(), arguments: Vec::new(), ty: ty.clone() };
                let value = self.value(&frame.start(), value, &ty);
                facts.push(GivenFact { fact: Expr { kind, span: line.head.span }, value });
            } else if let Some((globals, ty)) = self.given_params(module, &line.head) {
                params.push(GivenParam { globals, value: self.value(&frame.start(), value, &ty) });
            }
        }
        (params, facts)
    }

    /// The type of a fact that a `given` line may set: one of the run's start, without arguments.
    fn plain_fact(&mut self, row: &'static facts::Row, span: Span) -> Option<Type> {
        let help = match row.phase {
            _ if !row.arguments.is_empty() => format!("say of what: `fact {}(\"…\") as …`", row.name),
            Phase::Attempt => format!("an attempt's `{}` stands in the `mock` of its stage", row.name),
            _ => return row.result.map(|result| result.ty().required().clone()),
        };
        self.error(&codes::E122, span, format!("`{}` cannot be given so", row.name), &help);
        None
    }

    /// The params of that name that the lane may read.
    fn given_params(&mut self, module: ModuleId, head: &Ident) -> Option<(Vec<u32>, Type)> {
        let names = self.defs.names(module);
        let found = names.values.get(&head.text).copied();
        let Some((symbol @ Symbol::Global(index), defined)) = found else {
            self.nothing_given(module, head);
            return None;
        };
        self.defs.mark_used(symbol);
        let ty = self.defs.global(index).0;
        let is_param = |global: &crate::model::Global| {
            matches!(global.kind, GlobalKind::Param { .. }) && global.ty == ty
        };
        if !self.model.globals.get(index as usize).is_some_and(is_param) {
            let message = format!("`{}` is no param, so a test cannot give it", head.text);
            self.report.push(
                Diagnostic::new(&codes::E122, head.span, message)
                    .related(defined, "defined here")
                    .help("give the params and facts that it is made of; secrets need no value in a test"),
            );
            return None;
        }
        let same = (0..).zip(&self.model.globals);
        let same = same.filter(|(_, global)| global.name == head.text && is_param(global));
        Some((same.map(|(index, _)| index).collect(), ty))
    }

    fn nothing_given(&mut self, module: ModuleId, head: &Ident) {
        let names = self.defs.names(module);
        let params = names.values.iter().filter(|(_, (symbol, _))| matches!(symbol, Symbol::Global(_)));
        let known = params.map(|(name, _)| name.as_str()).chain(facts::TABLE.iter().map(|row| row.name));
        let near = nearest(&head.text, known);
        self.report.push(
            Diagnostic::new(&codes::E102, head.span, format!("nothing is called `{}`", head.text)).help_if(
                did_you_mean(&near).or_else(|| Some("give params, or facts such as `git.branch`".into())),
            ),
        );
    }

    /// The `fact … as …` lines of a test, or of the mock of `stage`.
    fn given_facts(
        &mut self,
        body: &[Statement],
        place: &Place<'_>,
        stage: Option<StageId>,
    ) -> Vec<GivenFact> {
        let mut found = Vec::new();
        for line in all(body, "fact") {
            let Some(written) = operand(line) else { continue };
            let fact = self.infer(place, written, None);
            let Some(value) = line.clause("as").and_then(|clause| clause.operands.first()) else { continue };
            let ty = fact.ty.required().clone();
            let value_frame = Frame { matrix: place.matrix.to_vec(), ..Frame::file(place.module) };
            let value = self.value(&value_frame.start(), value, &ty);
            if ty != Type::Unknown && self.is_given_fact(&fact.expr, stage) {
                found.push(GivenFact { fact: fact.expr, value });
            }
        }
        found
    }

    fn is_given_fact(&mut self, fact: &Expr, stage: Option<StageId>) -> bool {
        let row = match &fact.kind {
            Kind::Fact { name, .. } => facts::find(name),
            _ => None,
        };
        let (message, help) = match row.map(|row| row.phase) {
            None => ("this is no fact", "facts are read from outside: `file.exists(\"x\")`, `env(\"X\")`, …"),
            Some(Phase::Attempt) => {
                ("this belongs to an attempt", "write `exit`, `stderr` or `takes` in the `mock` of its stage")
            }
            Some(Phase::Start) if stage.is_some() => {
                ("this is read once, when the run starts", "write it in the test, not in a `mock`")
            }
            Some(_) => return true,
        };
        self.error(&codes::E122, fact.span, message, help);
        false
    }

    fn answers(&mut self, module: ModuleId, body: &[Statement], resolved: &ResolvedLane) -> Vec<Answer> {
        let mut found = Vec::new();
        let frame = Frame::file(module);
        let answers = body.iter().filter(|line| matches!(line.head.text.as_str(), "approve" | "reject"));
        for line in answers.filter(|line| !line.broken) {
            let Some(stage) = operand(line).and_then(|expr| self.held_stage(expr, resolved)) else {
                continue;
            };
            let index = resolved.stages.iter().position(|held| held.id == stage);
            let asked = |before: u32| Some(before as usize) == index;
            if !resolved.approvals.iter().any(|approval| asked(approval.before)) {
                let message = format!("nobody is asked to approve this in lane `{}`", resolved.name);
                let span = operand(line).map_or(line.span, |expr| expr.span);
                self.error(
                    &codes::E122,
                    span,
                    message,
                    "a lane asks with `approve 1 from \"group\" before …`",
                );
            }
            let by = line.clause("by").map_or(&[][..], |clause| &clause.operands);
            found.push(Answer {
                stage,
                yes: line.head.text == "approve",
                by: by.iter().map(|expr| self.value(&frame.start(), expr, &Type::String)).collect(),
                because: self.reason(module, line),
                after: self.setting(&frame.start(), line.body(), "after", &Type::Duration),
            });
        }
        found
    }

    fn confirmed(&mut self, body: &[Statement], resolved: &ResolvedLane) -> Vec<StageId> {
        let mut found = Vec::new();
        for line in all(body, "confirm") {
            let Some(expr) = operand(line) else { continue };
            let Some(stage) = self.held_stage(expr, resolved) else { continue };
            let asks = resolved.stages.iter().any(|held| held.id == stage && held.confirm.is_some());
            if !asks {
                self.error(&codes::E122, expr.span, "this stage asks for no confirmation", "");
            }
            found.push(stage);
        }
        found
    }

    /// `stage.X`, `gate.X`, `X`: a stage that the lane holds; reports when it does not.
    fn held_stage(&mut self, expr: &ast::Expr, resolved: &ResolvedLane) -> Option<StageId> {
        let path = self.stage_path(expr)?;
        let name = path.last()?;
        let held = resolved.stages.iter().find(|stage| stage.name == name.text).map(|stage| stage.id);
        if held.is_none() {
            self.not_held(name, resolved);
        }
        held
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
}

/// Where the fact of a `fact … as …` stands: all facts but readers may be named.
fn judging(frame: &Frame) -> Place<'_> {
    Place { judge: true, stage: frame.stage, ..frame.start() }
}
