//! Which facts an expression may read, and what its leaves were, in words. Reads nothing itself.

use crate::base::{Span, Value};

use super::eval::{Evaluator, Scope};
use super::facts::{Fact, FactKey};
use super::{Expr, Kind};

/// Longest text of one value in an explanation, in characters.
const SHOWN: usize = 80;
/// Of a list: it tells places, and a person wants the first few whole.
const SHOWN_LIST: usize = 400;

/// Every fact the expression may read whose arguments can be worked out now and that the scope does not know yet.
pub fn needs(expr: &Expr, scope: &dyn Scope) -> Vec<FactKey> {
    let mut keys: Vec<FactKey> = Vec::new();
    for (key, _) in located(expr, scope) {
        if scope.fact(&key).is_none() && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Every fact the expression may read, known or not, with the place that reads it.
pub fn located(expr: &Expr, scope: &dyn Scope) -> Vec<(FactKey, Span)> {
    let mut collector = Collector { evaluator: Evaluator::new(scope, None), found: Vec::new(), calls: 0 };
    collector.visit(expr);
    collector.found
}

/// `lines = 69.9%, exit = 1`: what the leaves of a condition were, as far as they are known. Never a secret: values
/// of the run's start are not leaves, and of `stderr` only its length is told.
pub fn explain(expr: &Expr, scope: &dyn Scope) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut add = |part: Option<String>| parts.extend(part.filter(|part| !part.is_empty()));
    expr.walk(&mut |leaf| match &leaf.kind {
        Kind::Measure(name) => add(scope.measure(name).map(|value| said(name, &value))),
        Kind::Matrix(name) => add(scope.matrix(name).map(|value| said(name, &value))),
        Kind::Output { stage, name } => add(scope.output(*stage, name).map(|value| said(name, &value))),
        _ => {}
    });
    for (key, _) in located(expr, scope) {
        parts.extend(scope.fact(&key).map(|fact| told(&key, &fact)));
    }
    let mut seen: Vec<String> = Vec::new();
    for part in parts {
        if !seen.contains(&part) {
            seen.push(part);
        }
    }
    seen.join(", ")
}

fn told(key: &FactKey, fact: &Fact) -> String {
    match fact {
        Fact::Read(Value::String(text)) if matches!(key.name.as_str(), "stderr" | "stdout") => {
            format!("{} = {} bytes", key.name, text.len())
        }
        Fact::Read(value) => said(&key.id(), value),
        Fact::Failed(why) => format!("{}: {why}", key.id()),
    }
}

fn said(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) | Value::Path(text) => format!("{text:?}"),
        other => other.to_string(),
    };
    let most = if matches!(value, Value::List(_)) { SHOWN_LIST } else { SHOWN };
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{name} = {}…", &text[..end]),
        None => format!("{name} = {text}"),
    }
}

struct Collector<'a> {
    evaluator: Evaluator<'a>,
    found: Vec<(FactKey, Span)>,
    calls: u32,
}

impl Collector<'_> {
    fn visit(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Fact { name, arguments, ty } => {
                if let Ok(arguments) = self.evaluator.values(arguments) {
                    self.found.push((FactKey { name: name.clone(), arguments, ty: ty.clone() }, expr.span));
                }
                arguments.iter().for_each(|argument| self.visit(argument));
            }
            Kind::Call { function, arguments } => {
                arguments.iter().for_each(|argument| self.visit(argument));
                self.body(*function, arguments);
            }
            Kind::Comprehension(inner) => {
                self.visit(&inner.source);
                // An unknown source leaves the variable unbound, and with it what depends on it.
                let items = self.evaluator.list(&inner.source).unwrap_or_default();
                for item in items {
                    self.evaluator.locals.push((inner.slot, item));
                    inner.condition.iter().for_each(|condition| self.visit(condition));
                    self.visit(&inner.body);
                    self.evaluator.locals.pop();
                }
            }
            _ => expr.children(&mut |child| self.visit(child)),
        }
    }

    fn body(&mut self, function: u32, arguments: &[Expr]) {
        let Some(function) = self.evaluator.scope.function(function).filter(|_| self.calls < 64) else {
            return;
        };
        let bound = (0..)
            .zip(arguments)
            .filter_map(|(slot, argument)| Some((slot, self.evaluator.value(argument).ok()?)))
            .collect();
        let outer = std::mem::replace(&mut self.evaluator.locals, bound);
        self.calls += 1;
        self.visit(&function.body);
        self.calls -= 1;
        self.evaluator.locals = outer;
    }
}
