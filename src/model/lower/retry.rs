//! Retry policies and breakers: named ones, inline ones, and named ones with settings replaced.

use std::collections::HashMap;

use crate::base::suggest::{did_you_mean, nearest};
use crate::base::{Type, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::declare::declared_name;
use crate::model::infer::{self, Namespace, Symbol};
use crate::model::{Backoff, BackoffKind, Breaker, ModuleId, NamedRetry, Pool, Retry};
use crate::syntax::ast::{self, Argument, ExprKind, Ident, Literal, Statement, Step};

use super::{Frame, Lowering, find, operand};

impl Lowering<'_, '_> {
    /// File-level breakers, retry policies, pools and repair rules.
    pub(super) fn policies(&mut self) {
        let defs = self.defs;
        let mut seen = HashMap::new();
        for item in &defs.breakers {
            let mut breaker = self.breaker_block(&Frame::file(item.module), item.statement.body());
            breaker.name = Some(item.name.to_string());
            breaker.span = item.span;
            if let Some(first) = seen.insert((item.module, item.name.as_str()), item.span) {
                let message = format!("breaker `{}` is defined twice", item.name);
                self.report.push(
                    Diagnostic::new(&codes::E103, item.span, message).related(first, "first defined here"),
                );
            }
            self.breakers.push(breaker);
        }
        for item in &defs.retries {
            let frame = Frame::file(item.module);
            let (retry, deadline) = self.retry_block(&frame, item.statement, Retry::default(), None);
            self.model.retries.push(NamedRetry { module: item.module, name: item.name.to_string(), retry });
            self.retry_deadlines.push(deadline);
        }
        for item in &defs.pools {
            let frame = Frame::file(item.module);
            let slots =
                find(item.statement.body(), "slots").and_then(|slots| self.count(&frame.start(), slots));
            let slots = slots.unwrap_or_else(|| Expr::value(Value::Int(1), item.span));
            self.model.pools.push(Pool { module: item.module, name: item.name.to_string(), slots });
        }
        self.repairs();
    }

    /// `retry NAME { … }` in a stage: the policy, and the deadline it sets.
    pub(super) fn retry(&mut self, frame: &Frame, statement: &Statement) -> Option<(Retry, Option<Expr>)> {
        if statement.broken {
            return None;
        }
        let (base, deadline) = match statement.operands().first() {
            None if statement.block.is_none() => {
                let help = "name a policy, `retry std.retry.network`, or write one: `retry { attempts 3 }`";
                self.error(&codes::E120, statement.head.span, "`retry` needs a policy", help);
                return None;
            }
            None => (Retry::default(), None),
            Some(operand) if matches!(operand.kind, ExprKind::Literal(Literal::Int(_))) => {
                let help = format!("write `retry {{ attempts {} }}`", self.text(operand.span));
                self.error(&codes::E122, operand.span, "`retry` names a policy, or holds one", &help);
                return None;
            }
            Some(operand) => {
                let path = self.path_of(operand)?;
                let symbol =
                    infer::path_symbol(self.defs, frame.module, &path, Namespace::Retries, &mut self.report);
                match symbol {
                    Some(Symbol::Retry(id)) => {
                        let mut named = self.model.retries.get(id as usize)?.retry.clone();
                        named.policy = Some(self.text(operand.span).to_string());
                        (named, self.retry_deadlines[id as usize].clone())
                    }
                    _ => (Retry::default(), None),
                }
            }
        };
        Some(self.retry_block(frame, statement, base, deadline))
    }

    fn retry_block(
        &mut self,
        frame: &Frame,
        statement: &Statement,
        mut retry: Retry,
        mut deadline: Option<Expr>,
    ) -> (Retry, Option<Expr>) {
        retry.span = statement.span;
        let start = frame.start();
        for inner in statement.body().iter().filter(|inner| !inner.broken) {
            match inner.head.text.as_str() {
                "attempts" => retry.attempts = self.count(&start, inner),
                "backoff" => retry.backoff = operand(inner).and_then(|expr| self.backoff(frame, expr)),
                "when" => retry.when = operand(inner).map(|expr| self.check(&frame.judging(), expr)),
                "breaker" => retry.breaker = self.breaker(frame, inner),
                "deadline" => deadline = self.duration(&start, inner),
                _ => {}
            }
        }
        (retry, deadline)
    }

    fn breaker(&mut self, frame: &Frame, statement: &Statement) -> Option<Breaker> {
        let Some(name) = declared_name(statement) else {
            if statement.block.is_none() {
                let help = "name one, or write it: `breaker { failures 3; within 5m; cooldown 60s }`";
                self.error(&codes::E120, statement.head.span, "`breaker` needs a name or a block", help);
            }
            return Some(self.breaker_block(frame, statement.body()));
        };
        // With a block of its own it is defined here, and shared by its name.
        let mut breaker = match statement.block.is_some() && !self.has_breaker(frame.module, &name) {
            true => Breaker { span: statement.span, ..Breaker::default() },
            false => self.shared_breaker(frame.module, &name).unwrap_or_default(),
        };
        let own = self.breaker_block(frame, statement.body());
        breaker.name = Some(name.text.into());
        breaker.failures = own.failures.or(breaker.failures);
        breaker.within = own.within.or(breaker.within);
        breaker.cooldown = own.cooldown.or(breaker.cooldown);
        breaker.successes = own.successes.or(breaker.successes);
        Some(breaker)
    }

    fn has_breaker(&self, module: ModuleId, name: &Ident) -> bool {
        self.defs.breakers.iter().any(|item| item.module == module && item.name == name.text)
    }

    fn shared_breaker(&mut self, module: ModuleId, name: &Ident) -> Option<Breaker> {
        let defs = self.defs;
        let of_file = || defs.breakers.iter().enumerate().filter(move |(_, item)| item.module == module);
        if let Some((index, _)) = of_file().find(|(_, item)| item.name == name.text) {
            return self.breakers.get(index).cloned();
        }
        let near = nearest(&name.text, of_file().map(|(_, item)| item.name.as_str()));
        self.report.push(
            Diagnostic::new(&codes::E102, name.span, format!("no breaker is called `{}`", name.text))
                .help_if(did_you_mean(&near).or_else(|| Some("define it: `breaker NAME { … }`".into()))),
        );
        None
    }

    fn breaker_block(&mut self, frame: &Frame, body: &[Statement]) -> Breaker {
        let start = frame.start();
        let mut breaker = Breaker::default();
        for inner in body.iter().filter(|inner| !inner.broken) {
            match inner.head.text.as_str() {
                "failures" => breaker.failures = self.count(&start, inner),
                "within" => breaker.within = self.duration(&start, inner),
                "cooldown" => breaker.cooldown = self.duration(&start, inner),
                "successes" => breaker.successes = self.count(&start, inner),
                _ => {}
            }
        }
        breaker
    }

    /// Just `5s`.
    fn constant_wait(&mut self, frame: &Frame, expr: &ast::Expr) -> Backoff {
        let from = self.value(&frame.start(), expr, &Type::Duration);
        Backoff { kind: BackoffKind::Constant, from, cap: None, factor: None, jitter: None }
    }

    /// `exponential(2s..30s, factor = 2, jitter = 50%)`, `linear(…)`, `constant(5s)`, or just `5s`.
    fn backoff(&mut self, frame: &Frame, expr: &ast::Expr) -> Option<Backoff> {
        let ExprKind::Access(access) = &expr.kind else {
            return Some(self.constant_wait(frame, expr));
        };
        let (Some(word), [Step::Call { arguments, .. }]) = (access.base.word(), &access.steps[..]) else {
            return Some(self.constant_wait(frame, expr));
        };
        let kind = match word {
            "exponential" => BackoffKind::Exponential,
            "linear" => BackoffKind::Linear,
            "constant" => BackoffKind::Constant,
            _ => {
                let near = nearest(word, ["exponential", "linear", "constant"]);
                self.report.push(
                    Diagnostic::new(
                        &codes::E122,
                        access.base.span,
                        format!("`{word}` is not a kind of backoff"),
                    )
                    .help_if(
                        did_you_mean(&near).or_else(|| Some("use exponential, linear or constant".into())),
                    ),
                );
                return None;
            }
        };
        self.backoff_of(frame, kind, arguments, expr)
    }

    fn backoff_of(
        &mut self,
        frame: &Frame,
        kind: BackoffKind,
        arguments: &[Argument],
        expr: &ast::Expr,
    ) -> Option<Backoff> {
        let (mut span, mut factor, mut jitter) = (None, None, None);
        for argument in arguments {
            match argument.name.as_ref().map(|name| name.text.as_str()) {
                None if span.is_none() => span = Some(self.waits(frame, &argument.value)),
                Some("factor") => factor = Some(self.factor(frame, &argument.value)),
                Some("jitter") => jitter = Some(self.value(&frame.start(), &argument.value, &Type::Percent)),
                Some(name) => {
                    let near = nearest(name, ["factor", "jitter"]);
                    self.report.push(
                        Diagnostic::new(
                            &codes::E107,
                            argument.value.span,
                            format!("backoff takes no `{name}`"),
                        )
                        .help_if(
                            did_you_mean(&near).or_else(|| Some("it takes `factor` and `jitter`".into())),
                        ),
                    );
                }
                None => {
                    let help = "write `exponential(2s..30s, factor = 2, jitter = 50%)`";
                    self.error(&codes::E107, argument.value.span, "backoff takes one span of waits", help);
                }
            }
        }
        let Some((from, cap)) = span else {
            let help = "write `exponential(2s..30s)`";
            self.error(&codes::E107, expr.span, "backoff needs the waits it goes through", help);
            return None;
        };
        Some(Backoff { kind, from, cap, factor, jitter })
    }

    fn waits(&mut self, frame: &Frame, expr: &ast::Expr) -> (Expr, Option<Expr>) {
        let ExprKind::Range(range) = &expr.kind else {
            return (self.value(&frame.start(), expr, &Type::Duration), None);
        };
        let from = self.value(&frame.start(), &range.0, &Type::Duration);
        let cap = self.value(&frame.start(), &range.1, &Type::Duration);
        if let (Some(Value::Duration(low)), Some(Value::Duration(high))) =
            (self.constant(&from), self.constant(&cap))
            && high < low
        {
            let help = "the first number is the first wait, the second the longest";
            self.error(&codes::E305, expr.span, "the longest wait is shorter than the first", help);
        }
        (from, Some(cap))
    }

    fn factor(&mut self, frame: &Frame, expr: &ast::Expr) -> Expr {
        let typed = self.infer(&frame.start(), expr, None);
        if !matches!(typed.ty, Type::Int | Type::Float | Type::Unknown) {
            let message = format!("`factor` is a number, not a {}", typed.ty);
            self.error(&codes::E104, expr.span, message, "write `factor = 2`");
        }
        let small = match self.constant(&typed.expr) {
            Some(Value::Int(factor)) => *factor < 1,
            Some(Value::Float(factor)) => *factor < 1.0,
            _ => false,
        };
        if small {
            self.error(&codes::E122, expr.span, "with a factor below 1 the waits would get shorter", "");
        }
        typed.expr
    }
}
