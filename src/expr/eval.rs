//! Evaluation of checked expressions. Pure: everything from outside comes through [`Scope`].

use std::collections::HashMap;

use globset::GlobMatcher;
use regex::Regex;

use crate::base::{Span, Type, Value};

use super::facts::{Fact, FactKey};
use super::{Compare, Comprehension, Expr, Function, Kind, builtin, operator, pattern};

/// Levels of expressions within expressions, functions included: deeper is refused, so that no stack overflows.
const DEEPEST: u32 = 256;

/// What an expression can see. `None` means "not known here".
/// A scope that says nothing of a kind of value does not know it.
pub trait Scope {
    fn global(&self, _index: u32) -> Option<Value> {
        None
    }

    fn function(&self, _index: u32) -> Option<&Function> {
        None
    }

    fn matrix(&self, _name: &str) -> Option<Value> {
        None
    }

    fn measure(&self, _name: &str) -> Option<Value> {
        None
    }

    /// An output that a stage produced; `Some(Value::Absent)` when it ended without.
    fn output(&self, _stage: u32, _name: &str) -> Option<Value> {
        None
    }

    /// A fact that was read, by [`FactKey::id`].
    fn fact(&self, _key: &FactKey) -> Option<Fact> {
        None
    }
}

/// Why an expression has no value.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop {
    /// These facts must be read first; then evaluate again.
    Needs(Vec<FactKey>),
    /// It cannot be worked out: a fact failed, a division by zero, an unknown name.
    Failed { span: Span, message: String },
}

/// How a path becomes text: relative as written, or absolute for a process.
pub type PathText<'a> = &'a dyn Fn(&str) -> String;

/// The value of an expression. Stops at the first fact that was not read yet; [`super::needs::needs`] names them all.
pub fn eval(expr: &Expr, scope: &dyn Scope) -> Result<Value, Stop> {
    Evaluator::new(scope, None).value(expr)
}

/// Like [`eval`], with paths inside f-strings written by `paths`: for `env` and argv, which processes read.
pub fn eval_text(expr: &Expr, scope: &dyn Scope, paths: PathText<'_>) -> Result<String, Stop> {
    let value = Evaluator::new(scope, Some(paths)).value(expr)?;
    text(expr, &value, Some(paths))
}

/// One operand an argument; `...list` gives one for each item. Paths stay relative.
pub fn eval_argv(operands: &[Expr], scope: &dyn Scope) -> Result<Vec<String>, Stop> {
    argv(operands, scope, None)
}

/// Like [`eval_argv`], with paths written by `paths`.
pub fn eval_argv_with(
    operands: &[Expr],
    scope: &dyn Scope,
    paths: PathText<'_>,
) -> Result<Vec<String>, Stop> {
    argv(operands, scope, Some(paths))
}

fn argv(operands: &[Expr], scope: &dyn Scope, paths: Option<PathText<'_>>) -> Result<Vec<String>, Stop> {
    let mut evaluator = Evaluator::new(scope, paths);
    let mut arguments = Vec::new();
    for operand in operands {
        match &operand.kind {
            Kind::Spread(inner) => {
                for item in evaluator.list(inner)? {
                    arguments.push(text(operand, &item, paths)?);
                }
            }
            _ => {
                let value = evaluator.value(operand)?;
                arguments.push(text(operand, &value, paths)?);
            }
        }
    }
    Ok(arguments)
}

fn text(at: &Expr, value: &Value, paths: Option<PathText<'_>>) -> Result<String, Stop> {
    match (value, paths) {
        (Value::Absent, _) => failed(at.span, "the value is absent"),
        (Value::List(_), _) => failed(at.span, "a list is not a single value"),
        (Value::Path(path), Some(paths)) => Ok(paths(path)),
        (other, _) => Ok(other.to_string()),
    }
}

pub(super) fn failed<T>(span: Span, message: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Failed { span, message: message.into() })
}

/// One evaluation: what is bound locally, and patterns compiled once however often they are used.
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a dyn Scope,
    /// Function parameters and comprehension variables by slot, innermost last.
    pub(super) locals: Vec<(u32, Value)>,
    paths: Option<PathText<'a>>,
    depth: u32,
    regexes: HashMap<String, Regex>,
    globs: HashMap<String, GlobMatcher>,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a dyn Scope, paths: Option<PathText<'a>>) -> Self {
        Evaluator {
            scope,
            locals: Vec::new(),
            paths,
            depth: 0,
            regexes: HashMap::new(),
            globs: HashMap::new(),
        }
    }

    pub(super) fn value(&mut self, expr: &Expr) -> Result<Value, Stop> {
        if self.depth >= DEEPEST {
            return failed(expr.span, "functions and conditions are nested too deep");
        }
        self.depth += 1;
        let result = self.kind(expr);
        self.depth -= 1;
        result
    }

    fn kind(&mut self, expr: &Expr) -> Result<Value, Stop> {
        match &expr.kind {
            Kind::Value(value) => Ok(value.clone()),
            Kind::Format(pieces) => self.format(pieces),
            Kind::List(items) => self.items(items),
            Kind::Spread(_) => failed(expr.span, "`...` stands only in lists and arguments"),
            Kind::Comprehension(inner) => self.comprehension(inner),
            Kind::Local(_) | Kind::Global(_) | Kind::Matrix(_) | Kind::Measure(_) | Kind::Output { .. } => {
                self.name(expr)
            }
            Kind::Fact { name, arguments, ty } => self.fact(expr, name, arguments, ty),
            Kind::Call { function, arguments } => self.call(expr, *function, arguments),
            Kind::Builtin { name, arguments } => self.builtin(expr, name, arguments),
            Kind::Index(sides) => self.index(&sides.0, &sides.1),
            Kind::And(items) => self.all(items, true),
            Kind::Or(items) => self.all(items, false),
            Kind::Not(inner) => Ok(Value::Bool(!self.condition(inner)?)),
            Kind::Compare { op, sides } => self.compare(*op, &sides.0, &sides.1),
            Kind::Arithmetic { first, rest } => {
                let mut total = self.value(first)?;
                for (op, term) in rest {
                    let right = self.value(term)?;
                    total =
                        operator::arithmetic(*op, &total, &right).or_else(|why| failed(term.span, why))?;
                }
                Ok(total)
            }
            Kind::Coalesce(items) => self.coalesce(items),
            Kind::If(parts) => {
                let chosen = if self.condition(&parts.0)? { &parts.1 } else { &parts.2 };
                self.value(chosen)
            }
        }
    }

    fn name(&mut self, expr: &Expr) -> Result<Value, Stop> {
        let (found, what) = match &expr.kind {
            Kind::Local(slot) => {
                let bound = self.locals.iter().rev().find(|(index, _)| index == slot);
                (bound.map(|(_, value)| value.clone()), "the local name".to_owned())
            }
            Kind::Global(index) => (self.scope.global(*index), "the value".to_owned()),
            Kind::Matrix(name) => (self.scope.matrix(name), format!("the matrix value `{name}`")),
            Kind::Measure(name) => (self.scope.measure(name), format!("the measure `{name}`")),
            Kind::Output { stage, name } => (self.scope.output(*stage, name), format!("the output `{name}`")),
            _ => (None, "the value".to_owned()),
        };
        found.map_or_else(|| failed(expr.span, format!("{what} is not known here")), Ok)
    }

    fn format(&mut self, pieces: &[Expr]) -> Result<Value, Stop> {
        let mut joined = String::new();
        for piece in pieces {
            let value = self.value(piece)?;
            joined.push_str(&text(piece, &value, self.paths)?);
        }
        Ok(Value::String(joined))
    }

    fn items(&mut self, items: &[Expr]) -> Result<Value, Stop> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            match &item.kind {
                Kind::Spread(inner) => values.extend(self.list(inner)?),
                _ => values.push(self.value(item)?),
            }
        }
        Ok(Value::List(values))
    }

    pub(super) fn list(&mut self, expr: &Expr) -> Result<Vec<Value>, Stop> {
        match self.value(expr)? {
            Value::List(items) => Ok(items),
            Value::Absent => failed(expr.span, "the list is absent"),
            _ => failed(expr.span, "a list is needed here"),
        }
    }

    fn comprehension(&mut self, inner: &Comprehension) -> Result<Value, Stop> {
        let mut values = Vec::new();
        for item in self.list(&inner.source)? {
            self.locals.push((inner.slot, item));
            let kept = self.kept(inner);
            self.locals.pop();
            values.extend(kept?);
        }
        Ok(Value::List(values))
    }

    fn kept(&mut self, inner: &Comprehension) -> Result<Option<Value>, Stop> {
        match &inner.condition {
            Some(condition) if !self.condition(condition)? => Ok(None),
            _ => self.value(&inner.body).map(Some),
        }
    }

    fn fact(&mut self, expr: &Expr, name: &str, arguments: &[Expr], ty: &Type) -> Result<Value, Stop> {
        let key = FactKey { name: name.to_owned(), arguments: self.values(arguments)?, ty: ty.clone() };
        match self.scope.fact(&key) {
            Some(Fact::Read(value)) => Ok(value),
            Some(Fact::Failed(why)) => failed(expr.span, format!("{}: {why}", key.id())),
            None => Err(Stop::Needs(vec![key])),
        }
    }

    pub(super) fn values(&mut self, exprs: &[Expr]) -> Result<Vec<Value>, Stop> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn call(&mut self, expr: &Expr, function: u32, arguments: &[Expr]) -> Result<Value, Stop> {
        let values = self.values(arguments)?;
        let Some(function) = self.scope.function(function) else {
            return failed(expr.span, "the function is not known here");
        };
        let outer = std::mem::replace(&mut self.locals, (0..).zip(values).collect());
        let result = self.value(&function.body);
        self.locals = outer;
        result
    }

    fn builtin(&mut self, expr: &Expr, name: &str, arguments: &[Expr]) -> Result<Value, Stop> {
        // What becomes a path again must stay relative to the root.
        let paths = if name == "path" { self.paths.take() } else { self.paths };
        let values = self.values(arguments);
        self.paths = paths;
        builtin::apply(name, &values?).or_else(|why| failed(expr.span, why))
    }

    fn index(&mut self, list: &Expr, index: &Expr) -> Result<Value, Stop> {
        let items = self.list(list)?;
        match self.value(index)? {
            Value::Int(at) => {
                let found = usize::try_from(at).ok().and_then(|at| items.get(at).cloned());
                Ok(found.unwrap_or(Value::Absent))
            }
            _ => failed(index.span, "a whole number is needed here"),
        }
    }

    pub(super) fn condition(&mut self, expr: &Expr) -> Result<bool, Stop> {
        match self.value(expr)? {
            Value::Bool(yes) => Ok(yes),
            _ => failed(expr.span, "a condition must be true or false"),
        }
    }

    /// `and` (`unless` true) ends at the first false, `or` at the first true.
    fn all(&mut self, items: &[Expr], unless: bool) -> Result<Value, Stop> {
        for item in items {
            if self.condition(item)? != unless {
                return Ok(Value::Bool(!unless));
            }
        }
        Ok(Value::Bool(unless))
    }

    fn coalesce(&mut self, items: &[Expr]) -> Result<Value, Stop> {
        for item in items {
            match self.value(item)? {
                Value::Absent => {}
                value => return Ok(value),
            }
        }
        Ok(Value::Absent)
    }

    fn compare(&mut self, op: Compare, left: &Expr, right: &Expr) -> Result<Value, Stop> {
        let a = self.value(left)?;
        let b = self.value(right)?;
        let yes = match op {
            Compare::Eq => operator::equal(&a, &b),
            Compare::Ne => !operator::equal(&a, &b),
            Compare::In => match &b {
                Value::List(items) => items.iter().any(|item| operator::equal(&a, item)),
                Value::Absent => false,
                _ => return failed(right.span, "a list is needed here"),
            },
            Compare::Matches | Compare::Like => return self.matches(op, left, right, &a, &b),
            _ => match operator::ordered(op, &a, &b) {
                Some(yes) => yes,
                None => return failed(left.span, format!("{a} and {b} have no order")),
            },
        };
        Ok(Value::Bool(yes))
    }

    fn matches(&mut self, op: Compare, l: &Expr, r: &Expr, a: &Value, b: &Value) -> Result<Value, Stop> {
        let text = match a {
            Value::String(text) | Value::Path(text) => text,
            Value::Absent => return Ok(Value::Bool(false)),
            _ => return failed(l.span, "a string is needed here"),
        };
        let (Value::String(pattern) | Value::Path(pattern)) = b else {
            return failed(r.span, "a pattern is needed here");
        };
        let yes = match op {
            Compare::Matches => self.search(pattern, text),
            _ => self.whole(pattern, text),
        };
        yes.map(Value::Bool).or_else(|why| failed(r.span, format!("`{pattern}` is no pattern: {why}")))
    }

    fn search(&mut self, pattern: &str, text: &str) -> Result<bool, String> {
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(regex.is_match(text));
        }
        let regex = pattern::regex(pattern)?;
        let yes = regex.is_match(text);
        self.regexes.insert(pattern.to_owned(), regex);
        Ok(yes)
    }

    fn whole(&mut self, pattern: &str, text: &str) -> Result<bool, String> {
        if let Some(glob) = self.globs.get(pattern) {
            return Ok(glob.is_match(text));
        }
        let glob = pattern::glob(pattern)?;
        let yes = glob.is_match(text);
        self.globs.insert(pattern.to_owned(), glob);
        Ok(yes)
    }
}

#[cfg(test)]
pub(in crate::expr) mod tests;
