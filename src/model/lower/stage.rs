//! Stages and gates, and the partial stages that overrides are.

use crate::base::{Few, Value};
use crate::diag::{Diagnostic, codes};
use crate::model::declare::{Item, declared_name};
use crate::model::infer::{self, Namespace, Symbol};
use crate::model::schema::Context;
use crate::model::schema::check::{head_span, is_readable};
use crate::model::{Check, Effect, ModuleId, Stage, StageId, StageKind};
use crate::syntax::ast::Statement;

use super::{Frame, Lowering, all, find, operand};

/// Words that say what happens after a crash; a stage has one of them.
const EFFECTS: &[&str] = &["repeatable", "idempotent", "once"];

impl Lowering<'_, '_> {
    pub(super) fn stages(&mut self) {
        let defs = self.defs;
        for (id, item) in defs.stages.iter().enumerate() {
            let stage = self.stage(id as StageId, item);
            self.model.stages.push(stage.into());
            self.model.stated_effects.push(states_effect(item.statement.body()));
        }
    }

    fn stage(&mut self, id: StageId, item: &Item<'_>) -> Stage {
        let body = item.statement.body();
        let kind = if item.statement.head.text == "gate" { StageKind::Gate } else { StageKind::Stage };
        let frame = Frame {
            module: item.module,
            stage: Some(id),
            measures: self.defs.facts(id).measures.clone(),
            ..Frame::default()
        };
        let mut stage = self.partial(id, kind, &frame, item.statement, true);
        (stage.name, stage.span) = (item.name.to_string(), item.span);
        stage.docs = self.docs(item.module, item.statement);
        if kind == StageKind::Stage && is_readable(item.statement, Context::Stage) {
            let acts = ["run", "exec", "render", "call"].iter().any(|word| find(body, word).is_some());
            if !acts {
                let message = format!("stage `{}` does nothing", item.name);
                let help = "give it an action: `exec`, `run`, `render` or `call`";
                self.error(&codes::E120, head_span(item.statement), message, help);
            }
        }
        stage
    }

    /// Lowers the statements that are there; `whole` fills in the file's `defaults` as well.
    pub(super) fn partial(
        &mut self,
        id: StageId,
        kind: StageKind,
        seen: &Frame,
        statement: &Statement,
        whole: bool,
    ) -> Stage {
        let body = statement.body();
        let mut frame = Frame { calls: Vec::new(), ..seen.clone() };
        let mut stage = blank(id, frame.module, kind);
        stage.number = self.number(body);
        stage.needs = self.dependencies(frame.module, id, all(body, "needs"));
        stage.follows = self.dependencies(frame.module, id, all(body, "follows")).into();
        if whole || find(body, "needs").is_some() {
            frame.reads = stage.needs.iter().map(|need| (need.stage, need.optional)).collect();
            self.forgive_lost_needs(&mut frame, body);
        }
        if let Some(statement) = find(body, "matrix") {
            let matrix = self.matrix(&frame, statement);
            frame.matrix = matrix.iter().map(|(name, _, ty)| (name.clone(), ty.clone())).collect();
            self.matrices[id as usize] = frame.matrix.clone();
            stage.matrix = matrix.into_iter().map(|(name, list, _)| (name, list)).collect();
        }
        stage.when = find(body, "when")
            .and_then(operand)
            .map(|expr| infer::condition(self.defs, &frame.ready(), expr, &mut self.report).expr)
            .map(Box::new);
        stage.before = self.conditions(&frame, body, "before").into();
        stage.actions = self.actions(&frame, body);
        self.caller_settings(body, &stage.actions);
        let mut ended = frame.clone();
        // An override of something else than the actions leaves the stage its calls.
        let seen_calls = if stage.actions.is_empty() { seen.calls.clone() } else { Vec::new() };
        ended.calls = self.calls_of(&stage.actions).into_iter().chain(seen_calls).collect();
        stage.after = self.conditions(&ended, body, "after").into();
        stage.inputs = self.inputs(&frame, body).into();
        let facts = self.defs.facts(id);
        let types = if whole { facts.outputs.clone() } else { self.types_of(body) };
        stage.outputs = self.outputs(&ended, body, &types).into();
        self.settings(&frame, body, whole, &mut stage);
        if kind == StageKind::Gate {
            stage.gate = Some(Box::new(self.gate(&frame, statement, whole)));
        }
        stage
    }

    /// A need that could not be read was reported; the outputs it would have opened are not.
    fn forgive_lost_needs(&self, frame: &mut Frame, body: &[Statement]) {
        let named: usize = all(body, "needs").map(|needs| needs.operands().len()).sum();
        let broken = all(body, "needs").any(|needs| needs.broken);
        if broken || named != frame.reads.len() {
            let known: std::collections::HashSet<StageId> =
                frame.reads.iter().map(|(stage, _)| *stage).collect();
            let all = 0..self.defs.stages.len() as StageId;
            frame.reads.extend(all.filter(|stage| !known.contains(stage)).map(|stage| (stage, false)));
        }
    }

    fn number(&mut self, body: &[Statement]) -> Option<u32> {
        let statement = find(body, "number")?;
        let expr = operand(statement)?;
        let number = self.value(&Frame::file(0).start(), expr, &crate::base::Type::Int);
        match self.constant(&number) {
            Some(Value::Int(number)) if u32::try_from(*number).is_ok() => u32::try_from(*number).ok(),
            Some(Value::Int(_)) => {
                self.error(&codes::E122, expr.span, "a stage's number is 0 or more", "");
                None
            }
            _ => None,
        }
    }

    fn types_of(&mut self, body: &[Statement]) -> Vec<(String, crate::base::Type, crate::base::Span)> {
        let mut types = Vec::new();
        for statement in all(body, "out") {
            let Some(name) = declared_name(statement) else { continue };
            let ty = crate::model::declare::declared_type(statement, &mut self.report);
            types.push((name.text.into(), ty, name.span));
        }
        types
    }

    fn conditions(&mut self, frame: &Frame, body: &[Statement], keyword: &str) -> Vec<Check> {
        let mut checks = Vec::new();
        for statement in all(body, keyword) {
            for inner in all(statement.body(), "require") {
                let Some(expr) = operand(inner) else { continue };
                let because = self.reason(frame.module, inner);
                checks.push(Check { because, ..self.check(&frame.judging(), expr) });
            }
        }
        checks
    }

    /// `##` before the item, else its `about`.
    pub(super) fn docs(&mut self, module: ModuleId, statement: &Statement) -> Option<String> {
        let about =
            find(statement.body(), "about").and_then(operand).and_then(|expr| self.known_text(module, expr));
        statement.docs.clone().or(about)
    }

    pub(super) fn own_or_default<'s>(
        &self,
        module: ModuleId,
        body: &'s [Statement],
        keyword: &str,
    ) -> Option<&'s Statement>
    where
        Self: 's,
    {
        find(body, keyword).or_else(|| self.default(module, keyword))
    }

    pub(super) fn cwd(&mut self, frame: &Frame, body: &[Statement]) -> Option<crate::expr::Expr> {
        let statement = self.own_or_default(frame.module, body, "cwd")?;
        let cwd = self.single(&frame.ready(), statement, &crate::base::Type::Path)?;
        self.inside(&cwd);
        Some(cwd)
    }

    fn settings(&mut self, frame: &Frame, body: &[Statement], whole: bool, stage: &mut Stage) {
        let start = frame.start();
        let given = |keyword: &str| find(body, keyword);
        let or_default = |keyword: &str| match find(body, keyword) {
            Some(own) => Some(own),
            None if whole => self.default(frame.module, keyword),
            None => None,
        };
        // A tool has the defaults already; its gates must not put them over the tool's own settings.
        let of_tool =
            |keyword: &str| if given("tool").is_some() { given(keyword) } else { or_default(keyword) };
        let (timeout, deadline, env) = (of_tool("timeout"), or_default("deadline"), of_tool("env"));
        let calls = stage.calls();
        let own_retry = stage.kind == StageKind::Gate || calls;
        let retry = if own_retry { given("retry") } else { or_default("retry") };
        let cwd = of_tool("cwd").is_some();
        stage.timeout = timeout.and_then(|statement| self.duration(&start, statement));
        stage.deadline = deadline.and_then(|statement| self.duration(&start, statement)).map(Box::new);
        if let Some((retry, deadline)) = retry.and_then(|statement| self.retry(frame, statement)) {
            stage.deadline = stage.deadline.take().or(deadline.map(Box::new));
            stage.retry = Some(Box::new(retry));
        }
        if cwd {
            stage.cwd = self.cwd(frame, body).map(Box::new);
        }
        let mut secret = false;
        if let Some(statement) = env {
            let (env, holds_secret) = self.env(frame, statement);
            (stage.env, secret) = (env.into(), holds_secret);
        }
        self.undo(frame, given("undo"), stage);
        stage.finally =
            given("finally").map(|last| self.actions(frame, last.body()).into()).unwrap_or_default();
        stage.lock = self.setting(&start, body, "lock", &crate::base::Type::String).map(Box::new);
        stage.confirm = self.setting(&start, body, "confirm", &crate::base::Type::String).map(Box::new);
        stage.pool = given("pool").and_then(|pool| self.pool_ref(frame, pool));
        stage.allow_failure =
            given("allow-failure").map(|allow| self.reason(frame.module, allow).unwrap_or_default());
        stage.effect = self.effect(
            frame,
            body,
            !calls && (given("lock").is_some() || given("undo").is_some() || secret),
            stage.kind,
        );
    }

    /// An `undo` has its own limits; a breaker or deadline of its policy does not apply to it.
    fn undo(&mut self, frame: &Frame, statement: Option<&Statement>, stage: &mut Stage) {
        let Some(body) = statement.map(Statement::body) else { return };
        stage.undo = self.actions(frame, body).into();
        let timeout = find(body, "timeout").and_then(|limit| self.duration(&frame.start(), limit));
        let retry = find(body, "retry").and_then(|retry| self.retry(frame, retry));
        stage.undo_timeout = timeout.map(Box::new);
        stage.undo_retry = retry.map(|(retry, _)| Box::new(retry));
    }

    /// The text of a `because`.
    pub(super) fn reason(&mut self, module: ModuleId, statement: &Statement) -> Option<String> {
        let operand = statement.clause("because")?.operands.first()?;
        self.known_text(module, operand)
    }

    fn pool_ref(&mut self, frame: &Frame, statement: &Statement) -> Option<u32> {
        let path = self.path_of(operand(statement)?)?;
        match infer::path_symbol(self.defs, frame.module, &path, Namespace::Pools, &mut self.report)? {
            Symbol::Pool(pool) => Some(pool),
            _ => None,
        }
    }

    fn effect(&mut self, frame: &Frame, body: &[Statement], outside: bool, kind: StageKind) -> Effect {
        let mut stated = body.iter().filter(|inner| EFFECTS.contains(&inner.head.text.as_str()));
        let first = stated.next();
        if let (Some(first), Some(second)) = (first, stated.next())
            && first.head.text != second.head.text
        {
            let message = format!("the stage is `{}` already", first.head.text);
            self.report.push(
                Diagnostic::new(&codes::E121, second.head.span, message)
                    .related(first.head.span, "said here")
                    .help("keep one of `repeatable`, `idempotent by …` and `once`"),
            );
        }
        match first.map(|statement| (statement, statement.head.text.as_str())) {
            Some((_, "once")) => Effect::Once,
            Some((statement, "idempotent")) => {
                match statement.clause("by").and_then(|clause| clause.operands.first()) {
                    Some(key) => Effect::Idempotent(Box::new(self.scalar(&frame.ready(), key).expr)),
                    None => Effect::Once,
                }
            }
            Some(_) => Effect::Repeatable,
            None if outside && kind == StageKind::Stage => Effect::Once,
            None => Effect::Repeatable,
        }
    }
}

impl<'a> Lowering<'a, '_> {
    /// The statement of the file's `defaults`.
    fn default(&self, module: ModuleId, keyword: &str) -> Option<&'a Statement> {
        find(self.defs.defaults.get(&module)?.body(), keyword)
    }
}

/// Whether the statements themselves say what happens after a crash.
pub(super) fn states_effect(body: &[Statement]) -> bool {
    body.iter().any(|inner| EFFECTS.contains(&inner.head.text.as_str()))
}

fn blank(id: StageId, module: ModuleId, kind: StageKind) -> Stage {
    Stage {
        id,
        module,
        name: String::new(),
        span: crate::base::Span::default(),
        docs: None,
        number: None,
        kind,
        needs: Vec::new(),
        follows: Few::new(),
        when: None,
        before: Few::new(),
        after: Few::new(),
        actions: Vec::new(),
        env: Few::new(),
        cwd: None,
        inputs: Few::new(),
        outputs: Few::new(),
        matrix: Few::new(),
        timeout: None,
        deadline: None,
        retry: None,
        effect: Effect::Repeatable,
        undo: Few::new(),
        undo_timeout: None,
        undo_retry: None,
        finally: Few::new(),
        lock: None,
        pool: None,
        allow_failure: None,
        confirm: None,
        gate: None,
    }
}
