//! Lanes as written: what they extend, include, leave out and change, and their own settings.

use std::collections::HashSet;

use crate::base::Value;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::declare::Item;
use crate::model::infer::{self, Definitions, Namespace, Symbol};
use crate::model::report::Report;
use crate::model::resolve::body::{
    Exclude, Held, Include, LaneBody, Override, Patch, Replace, Selector, Skip, Strict,
};
use crate::model::schema::{self, Context};
use crate::model::{
    Check, Concerns, Lane, LaneId, ModuleId, OnFailure, Parallel, SelectRule, StageId, StageKind,
};
use crate::syntax::ast::{self, ExprKind, Literal, Statement};

use super::{Frame, Lowering, all, find, operand, stage};

const PARALLEL: &str = "`parallel` takes a number, `auto` or `off`";

impl Lowering<'_, '_> {
    pub(super) fn lanes(&mut self) {
        let defs = self.defs;
        for (id, item) in defs.lanes.iter().enumerate() {
            let about = find(item.statement.body(), "about").and_then(operand);
            let about = about.and_then(|expr| self.known_text(item.module, expr));
            let lane = Lane {
                id: id as LaneId,
                module: item.module,
                name: item.name.to_string(),
                span: item.span,
                docs: item.statement.docs.clone(),
                about,
                extends: self.extends(item),
                select: None,
                deprecated: item
                    .statement
                    .attributes
                    .iter()
                    .any(|attribute| attribute.name.text == "deprecated"),
                rules: Vec::new(),
            };
            self.model.lanes.push(lane);
            self.planned(id as LaneId, item);
        }
        self.extends_circles();
        self.lane_param_types();
        for (id, item) in defs.lanes.iter().enumerate() {
            let body = self.lane_body(id as LaneId, item);
            self.model.lanes[id].select = body.select.clone();
            self.model.lanes[id].rules = body.rules.clone();
            self.model.bodies.push(body);
        }
    }

    /// `@planned(what = "…")`: declared and checked, refused by a run.
    fn planned(&mut self, id: LaneId, item: &Item<'_>) {
        let Some(attribute) = item.statement.attributes.iter().find(|found| found.name.text == "planned")
        else {
            return;
        };
        let what = attribute.arguments.first().and_then(|argument| match &argument.value.kind {
            ExprKind::Literal(Literal::String(text)) => Some(text.clone()),
            _ => None,
        });
        let what = what.unwrap_or_else(|| format!("the lane `{}`", item.name));
        self.not_yet(item.span, &what, Concerns::Lane(id));
    }

    fn extends(&mut self, item: &Item<'_>) -> Option<(LaneId, crate::base::Span)> {
        let expr = find(item.statement.body(), "extends").and_then(operand)?;
        let path = self.path_of(expr)?;
        match infer::path_symbol(self.defs, item.module, &path, Namespace::Lanes, &mut self.report)? {
            Symbol::Lane(lane) => Some((lane, expr.span)),
            _ => None,
        }
    }

    /// Lanes that extend each other in a circle: reported once, at the first, which then extends nothing.
    fn extends_circles(&mut self) {
        let mut settled: HashSet<LaneId> = HashSet::new();
        for start in 0..self.model.lanes.len() as LaneId {
            let mut chain: Vec<LaneId> = Vec::new();
            let mut on_chain: HashSet<LaneId> = HashSet::new();
            let mut at = Some(start);
            while let Some(lane) = at.filter(|lane| !settled.contains(lane)) {
                if !on_chain.insert(lane) {
                    let from = chain.iter().position(|known| *known == lane).unwrap_or_default();
                    self.extends_circle(&chain[from..]);
                    break;
                }
                chain.push(lane);
                at = self.model.lanes[lane as usize].extends.map(|(base, _)| base);
            }
            settled.extend(chain);
        }
    }

    fn extends_circle(&mut self, circle: &[LaneId]) {
        let place =
            |id: &LaneId| self.model.lanes[*id as usize].extends.map(|(_, span)| (span.file, span.start));
        let Some(first) = circle.iter().copied().min_by_key(place) else { return };
        let lane = &self.model.lanes[first as usize];
        let Some((_, span)) = lane.extends else { return };
        let message = match circle.len() {
            1 => format!("lane `{}` extends itself", lane.name),
            _ => format!("lane `{}` extends itself through others", lane.name),
        };
        let mut found = Diagnostic::new(&codes::E607, span, message).help("remove one of the `extends`");
        for other in circle.iter().filter(|other| **other != first) {
            let other = &self.model.lanes[*other as usize];
            if let Some((_, span)) = other.extends {
                found = found.related(span, format!("lane `{}` extends the next", other.name));
            }
        }
        self.report.push(found);
        for id in circle {
            self.model.lanes[*id as usize].extends = None;
        }
    }

    /// The lane's own file, then those of the lanes it extends.
    fn lane_modules(&self, lane: LaneId) -> Vec<ModuleId> {
        let mut modules = Vec::new();
        let mut at = Some(lane);
        while let Some(id) = at {
            let lane = &self.model.lanes[id as usize];
            if !modules.contains(&lane.module) {
                modules.push(lane.module);
            }
            at = lane.extends.map(|(base, _)| base);
        }
        modules
    }

    fn lane_body(&mut self, id: LaneId, item: &Item<'_>) -> LaneBody {
        let modules = self.lane_modules(id);
        let mut body = LaneBody::default();
        for statement in item.statement.body() {
            body.garbled |= schema::row(Context::Lane, &statement.head.text).is_none();
            if statement.broken {
                body.broken = true;
                continue;
            }
            match statement.head.text.as_str() {
                "extends" => body.broken |= self.model.lanes[id as usize].extends.is_none(),
                "include" => self.include(&modules, statement, &mut body),
                "exclude" => self.exclude(&modules, statement, &mut body),
                "replace" => self.replace(&modules, statement, &mut body),
                "override" => self.override_of(&modules, statement, &mut body),
                "gates" => self.gates(&modules, statement, &mut body),
                "approve" => self.approve(&modules, statement, &mut body),
                "out" => self.lane_output(id, statement, &mut body),
                _ => self.lane_setting(item.module, statement, &mut body),
            }
        }
        body
    }

    fn lane_setting(&mut self, module: ModuleId, statement: &Statement, body: &mut LaneBody) {
        let frame = Frame::file(module);
        let start = frame.start();
        match statement.head.text.as_str() {
            "parallel" => body.parallel = self.parallel(&frame, statement),
            "timeout" => body.timeout = self.duration(&start, statement),
            "sla" => body.sla = self.duration(&start, statement),
            "on-failure" => body.on_failure = on_failure(statement).map(|what| (what, statement.span)),
            "recommend" => {
                body.recommend_off = operand(statement).and_then(|word| Some(word.word()? == "off"))
            }
            "notify" => {
                self.notify(&frame, statement);
                body.notifies.push(statement.span);
            }
            "select" => self.select_rule(&start, statement, body),
            "finally" => body.finally = Some(self.actions(&frame, statement.body())),
            "meta" => body.meta = Some(self.meta(&frame, statement)),
            _ => {}
        }
    }

    /// Several rules are one condition to all but those who explain the choice.
    fn select_rule(&mut self, start: &infer::Place<'_>, statement: &Statement, body: &mut LaneBody) {
        let Some(condition) = statement.clause("if").and_then(|clause| clause.operands.first()) else {
            return;
        };
        let check = self.check(start, condition);
        let because = statement.clause("because").and_then(|clause| clause.operands.first());
        let because = because.map(|text| self.value(start, text, &crate::base::Type::String));
        body.rules.push(SelectRule { expr: check.expr.clone(), text: check.text.clone(), because });
        body.select = Some(match body.select.take() {
            None => check,
            Some(before) => either(before, check),
        });
    }

    fn include(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        for operand in statement.operands() {
            let stages = match numbers(operand) {
                Some((from, to)) => self.numbered(modules, operand, from, to),
                None => self.by_name(modules, operand).candidates.into_iter().take(1).collect(),
            };
            body.broken |= stages.is_empty();
            body.includes.push(Include { stages, span: operand.span });
        }
    }

    /// Stages that the lane's files define with numbers in a range; the own file's come first.
    fn numbered(&mut self, modules: &[ModuleId], operand: &ast::Expr, from: i64, to: i64) -> Vec<StageId> {
        if to < from {
            self.error(
                &codes::E122,
                operand.span,
                "the range runs backwards",
                "write the smaller number first",
            );
            return Vec::new();
        }
        let mut taken = HashSet::new();
        let mut stages: Vec<(u32, StageId)> = Vec::new();
        for module in modules {
            let known = &self.defs.numbers[*module as usize];
            let inside = known.iter().filter(|(number, _)| (from..=to).contains(&i64::from(**number)));
            stages.extend(
                inside.filter(|(number, _)| taken.insert(**number)).map(|(number, id)| (*number, *id)),
            );
        }
        stages.sort_unstable();
        if stages.is_empty() {
            let message = match from == to {
                true => format!("no stage has the number {from}"),
                false => format!("no stage has a number from {from} to {to}"),
            };
            self.error(&codes::E202, operand.span, message, "numbers are given in stages: `number 3`");
        }
        stages.into_iter().map(|(_, id)| id).collect()
    }

    /// The stages a name could mean, in the lane's files, nearest first; reports when there is none.
    fn by_name(&mut self, modules: &[ModuleId], expr: &ast::Expr) -> Held {
        let mut held = Held { candidates: Vec::new(), text: String::new(), span: expr.span };
        let Some(path) = self.stage_path(expr) else { return held };
        let Some(last) = path.last() else { return held };
        held.text = last.text.to_string();
        if path.len() > 1 {
            let symbol =
                infer::path_symbol(self.defs, modules[0], &path, Namespace::Stages, &mut self.report);
            held.candidates.extend(symbol.and_then(stage_of));
            return held;
        }
        for module in self.reachable(modules) {
            let symbol = self.defs.names(module).values.get(&last.text).map(|(symbol, _)| *symbol);
            held.candidates.extend(symbol.and_then(stage_of));
        }
        if held.candidates.is_empty() {
            self.unknown_stage(modules[0], &last.text, expr.span);
        }
        held
    }

    /// The lane's files; for a lane that extends another also what the extended lanes' files import.
    fn reachable(&self, modules: &[ModuleId]) -> Vec<ModuleId> {
        let mut reachable = modules.to_vec();
        for module in &modules[1..] {
            for (imported, _) in self.defs.names(*module).imports.values() {
                if !reachable.contains(imported) {
                    reachable.push(*imported);
                }
            }
        }
        reachable
    }

    fn exclude(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        let because = self.because(modules[0], statement);
        for operand in statement.operands() {
            let what = match numbers(operand) {
                Some((from, to)) => Selector::Numbers {
                    from: u32::try_from(from).unwrap_or(u32::MAX),
                    to: u32::try_from(to).unwrap_or(0),
                    span: operand.span,
                },
                None => Selector::Name(self.by_name(modules, operand)),
            };
            body.excludes.push(Exclude { what, because });
        }
    }

    fn because(&mut self, module: ModuleId, statement: &Statement) -> bool {
        let clause = self.reason(module, statement).is_some_and(|reason| !reason.trim().is_empty());
        clause || find(statement.body(), "because").is_some()
    }

    fn replace(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        let because = self.because(modules[0], statement);
        let Some(old) = operand(statement).map(|expr| self.by_name(modules, expr)) else { return };
        let with = statement.clause("with").and_then(|clause| clause.operands.first());
        match with.and_then(|expr| self.stage_ref(modules[0], expr)) {
            Some(new) => body.replaces.push(Replace { old, new, span: statement.span, because }),
            None => body.broken = true,
        }
    }

    fn gates(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        if let Some(word) = operand(statement).and_then(ast::Expr::word) {
            let because = self.because(modules[0], statement);
            body.strict = Some(Strict { on: word == "strict", because, span: statement.span });
        }
        for skip in all(statement.body(), "skip").filter(|skip| !skip.broken) {
            let reason = self.reason(modules[0], skip).filter(|reason| !reason.trim().is_empty());
            for operand in skip.operands() {
                let gate = self.by_name(modules, operand);
                body.skips.push(Skip { gate, reason: reason.clone() });
            }
        }
    }

    fn override_of(&mut self, modules: &[ModuleId], statement: &Statement, body: &mut LaneBody) {
        let because = self.because(modules[0], statement);
        let Some(expr) = operand(statement) else { return };
        let target = self.by_name(modules, expr);
        let says_gate = expr.path().is_some_and(|path| path.len() > 1 && path[0].text == "gate");
        let mut patches = Vec::new();
        let ids: Vec<StageId> = target.candidates.clone();
        for (index, id) in ids.into_iter().enumerate() {
            // What is wrong with the block is said once, for the nearest stage of the name.
            let outer = (index > 0).then(|| std::mem::take(&mut self.report));
            patches.push((id, self.patch(modules[0], id, statement)));
            if let Some(outer) = outer {
                self.report = outer;
            }
        }
        if let [id] = target.candidates[..] {
            let kind = self.model.stages[id as usize].kind;
            if says_gate && kind == StageKind::Stage {
                let message = format!("`{}` is a stage, not a gate", target.text);
                self.error(&codes::E202, expr.span, message, "write `override stage.NAME { … }`");
            }
        }
        body.overrides.push(Override { target, patches, because, span: statement.span });
    }

    fn patch(&mut self, module: ModuleId, id: StageId, statement: &Statement) -> Patch {
        let kind = self.model.stages[id as usize].kind;
        let context = if kind == StageKind::Gate { Context::Gate } else { Context::Stage };
        for inner in statement.body() {
            let word = inner.head.text.as_str();
            let known = schema::row(Context::Override, word).is_some();
            if known && word != "because" && schema::row(context, word).is_none() {
                let name = &self.model.stages[id as usize].name;
                let message =
                    format!("`{word}` is not a keyword of `{name}`: it does not stand {}", context.place());
                self.error(&codes::E101, inner.head.span, message, "");
            }
        }
        let frame = self.patch_frame(module, id, statement.body());
        let calls = self.model.not_yet.len();
        let matrix = self.matrices[id as usize].clone();
        let stage = self.partial(id, kind, &frame, statement, false);
        self.matrices[id as usize] = matrix;
        // An override concerns its lane alone; `check` notes what resolved lanes hold.
        self.model.not_yet.truncate(calls);
        let keywords =
            statement.body().iter().map(|inner| (inner.head.text.to_string(), inner.head.span)).collect();
        Patch { keywords, stage, states_effect: stage::states_effect(statement.body()) }
    }

    fn patch_frame(&mut self, module: ModuleId, id: StageId, body: &[Statement]) -> Frame {
        let target = &self.model.stages[id as usize];
        let reads = target.needs.iter().map(|need| (need.stage, need.optional)).collect();
        let mut measures = self.defs.facts(id).measures.clone();
        for statement in all(body, "measure") {
            let Some(name) = crate::model::declare::declared_name(statement) else { continue };
            let ty = crate::model::declare::declared_type(statement, &mut self.report);
            measures.retain(|(known, _)| *known != name.text);
            measures.push((name.text.into(), ty));
        }
        if let Some(path) = find(body, "tool").and_then(operand).and_then(ast::Expr::path) {
            let quiet = &mut Report::default();
            if let Some(Symbol::Tool(tool)) =
                infer::path_symbol(self.defs, module, &path, Namespace::Tools, quiet)
            {
                measures.extend(self.defs.tool_facts(tool).measures.iter().cloned());
            }
        }
        let calls = self.calls_of(&self.model.stages[id as usize].actions);
        Frame { module, stage: Some(id), reads, matrix: self.matrices[id as usize].clone(), measures, calls }
    }

    fn parallel(&mut self, frame: &Frame, statement: &Statement) -> Option<Parallel> {
        let expr = operand(statement)?;
        match expr.word() {
            Some("auto") => return Some(Parallel::Auto),
            Some("off") => return Some(Parallel::Off),
            Some(word) if !self.defs.names(frame.module).values.contains_key(word) => {
                self.error(&codes::E122, expr.span, format!("`parallel` cannot be `{word}`"), PARALLEL);
                return None;
            }
            _ => {}
        }
        let count = self.count(&frame.start(), statement)?;
        match self.constant(&count) {
            Some(Value::Int(count)) => Some(Parallel::Limit(u32::try_from(*count).unwrap_or(u32::MAX))),
            // What stands there was refused.
            Some(Value::Absent) => None,
            _ => {
                self.error(&codes::E122, expr.span, "how many run side by side must be known", PARALLEL);
                None
            }
        }
    }

    fn meta(&mut self, frame: &Frame, statement: &Statement) -> Vec<(String, Value)> {
        let mut secrets = HashSet::new();
        let values = self.named_values(statement.body(), |this, value| {
            let typed = this.infer(&frame.start(), value, None);
            secrets.extend(typed.secret.then_some(typed.expr.span));
            typed.expr
        });
        let mut meta = Vec::new();
        for (name, expr) in values {
            match crate::model::plain_value(&self.model, &expr) {
                Some(value) => meta.push((name, value)),
                None if secrets.contains(&expr.span) => {}
                None => {
                    let help = "it describes the lane and is the same for every run";
                    self.error(&codes::E122, expr.span, format!("`{name}` must be a plain value"), help);
                }
            }
        }
        meta
    }

    /// A list of `Held` for `approve … before a, b`.
    pub(super) fn held(&mut self, modules: &[ModuleId], operands: &[ast::Expr]) -> Vec<Held> {
        operands.iter().map(|operand| self.by_name(modules, operand)).collect()
    }
}

fn stage_of(symbol: Symbol) -> Option<StageId> {
    match symbol {
        Symbol::Stage(stage) => Some(stage),
        _ => None,
    }
}

fn either(before: Check, check: Check) -> Check {
    let span = before.expr.span;
    let mut any = match before.expr {
        Expr { kind: Kind::Or(any), .. } => any,
        other => vec![other],
    };
    any.push(check.expr);
    let text = format!("{} or {}", before.text, check.text);
    Check { expr: Expr { kind: Kind::Or(any), span }, text, because: None }
}

fn on_failure(statement: &Statement) -> Option<OnFailure> {
    match operand(statement)?.word()? {
        "stop" => Some(OnFailure::Stop),
        "keep-going" => Some(OnFailure::KeepGoing),
        "rollback" => Some(OnFailure::Rollback),
        _ => None,
    }
}

/// `3` or `1..6`, both ends included.
fn numbers(expr: &ast::Expr) -> Option<(i64, i64)> {
    let int = |expr: &ast::Expr| match expr.kind {
        ExprKind::Literal(Literal::Int(number)) => Some(number),
        _ => None,
    };
    match &expr.kind {
        ExprKind::Range(range) => Some((int(&range.0)?, int(&range.1)?)),
        _ => int(expr).map(|number| (number, number)),
    }
}
