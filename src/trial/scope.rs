//! What a test's own expressions can see: the run's start, one instance's matrix and outputs, the run that was played.

use std::collections::BTreeMap;

use crate::base::{Span, Value};
use crate::diag::Diagnostic;
use crate::expr::facts::{Fact, FactKey};
use crate::expr::{Expr, Function, Scope, Stop, eval};
use crate::plan::Start;

use super::unplayable;
use super::view::View;

pub(super) struct Seen<'a> {
    pub start: &'a Start<'a>,
    pub matrix: &'a [(String, Value)],
    /// The mocked stage's outputs; no other stage's can be read.
    pub own: Option<&'a BTreeMap<String, Value>>,
    pub run: Option<&'a View<'a>>,
}

impl<'a> Seen<'a> {
    pub fn start(start: &'a Start<'a>) -> Self {
        Seen { start, matrix: &[], own: None, run: None }
    }

    /// The value of an expression of the test, or why there is none.
    pub fn value(&self, expr: &Expr) -> Result<Value, Vec<Diagnostic>> {
        eval(expr, self).map_err(|stop| {
            let (span, why) = reason(expr.span, stop);
            vec![unplayable(span, format!("this value cannot be worked out: {why}"))]
        })
    }

    /// A duration in milliseconds.
    pub fn millis(&self, expr: Option<&Expr>) -> Result<u64, Vec<Diagnostic>> {
        let Some(expr) = expr else { return Ok(0) };
        match self.value(expr)? {
            Value::Duration(ms) if ms >= 0 => Ok(ms as u64),
            other => Err(vec![unplayable(expr.span, format!("no time takes {other}"))]),
        }
    }

    /// The key of a given fact, its arguments worked out.
    pub fn key(&self, name: &str, arguments: &[Expr]) -> Result<String, Vec<Diagnostic>> {
        let arguments = arguments.iter().map(|argument| self.value(argument)).collect::<Result<_, _>>()?;
        Ok(FactKey { name: name.to_owned(), arguments, ty: crate::base::Type::Unknown }.id())
    }
}

pub(super) fn reason(span: Span, stop: Stop) -> (Span, String) {
    match stop {
        Stop::Failed { span, message } => (span, message),
        Stop::Needs(keys) => {
            let ids: Vec<String> = keys.iter().map(FactKey::id).collect();
            (span, format!("{} is not known", ids.join(", ")))
        }
    }
}

impl Scope for Seen<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        self.start.global(index)
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.start.function(index)
    }

    fn matrix(&self, name: &str) -> Option<Value> {
        self.matrix.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn output(&self, _stage: u32, name: &str) -> Option<Value> {
        self.own.and_then(|own| own.get(name)).cloned()
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        let Some(run) = self.run else { return self.start.fact(key) };
        let played = run.value(&key.name).map(Fact::Read);
        played.or_else(|| self.start.fact(key)).or_else(|| run.lack(&key.name).map(Fact::Failed))
    }
}
