//! Conditions that no values can meet: bounds that contradict each other or what the measured thing can be.
//! Says nothing about conditions it cannot reckon with.

use std::collections::HashMap;

use crate::base::{Span, Type, Value};
use crate::expr::{Compare, Expr, Kind};
use crate::model::{Measure, Model, constant};

/// Why a condition can never hold, and where.
pub(super) struct Never {
    pub span: Span,
    pub message: String,
    /// The bound it contradicts, if that is written down too.
    pub other: Option<Span>,
}

/// What is known of everything that conditions joined by `and` compare.
pub(super) struct Bounds<'a> {
    model: &'a Model,
    measures: Vec<&'a Measure>,
    known: HashMap<String, Interval>,
    /// The text a subject must equal, and where that is said.
    texts: HashMap<String, (String, Span)>,
}

#[derive(Clone)]
struct Interval {
    low: (f64, bool),
    high: (f64, bool),
    /// Where the lower and the upper bound were written; none for what lies in the thing itself.
    from: (Option<Span>, Option<Span>),
    /// In words: "is a percent", "is a count".
    nature: &'static str,
}

/// What is compared: how it is shown and the bounds of its kind.
struct Subject {
    key: String,
    domain: Interval,
}

impl<'a> Bounds<'a> {
    pub fn new(model: &'a Model, measures: Vec<&'a Measure>) -> Self {
        Bounds { model, measures, known: HashMap::new(), texts: HashMap::new() }
    }

    /// Adds a condition that must hold as well; the first part of it that cannot is returned.
    pub fn add(&mut self, condition: &Expr) -> Option<Never> {
        match &condition.kind {
            Kind::And(parts) => parts.iter().find_map(|part| self.add(part)),
            Kind::Or(parts) => {
                // Each alternative against what is known so far; what holds in one binds nobody.
                let mut whys = Vec::new();
                for part in parts {
                    let mut own = Bounds {
                        model: self.model,
                        measures: self.measures.clone(),
                        known: self.known.clone(),
                        texts: self.texts.clone(),
                    };
                    whys.push(own.add(part)?);
                }
                whys.into_iter().next()
            }
            Kind::Compare { op: Compare::In, sides } => self.among(condition, &sides.0, &sides.1),
            Kind::Compare { op, sides } => match number(self.model, &sides.1) {
                Some(limit) => self.bound(condition, &sides.0, *op, limit),
                None => match number(self.model, &sides.0) {
                    Some(limit) => self.bound(condition, &sides.1, turned(*op), limit),
                    None => self.text(condition, *op, &sides.0, &sides.1),
                },
            },
            _ => None,
        }
    }

    fn bound(&mut self, whole: &Expr, subject: &Expr, op: Compare, limit: f64) -> Option<Never> {
        let Subject { key, domain } = self.subject(subject)?;
        let known = self.known.entry(key.clone()).or_insert(domain);
        let before = known.clone();
        let here = Some(whole.span);
        if matches!(op, Compare::Gt | Compare::Ge | Compare::Eq) {
            let bound = (limit, op == Compare::Gt);
            if bound.0 > known.low.0 || bound.0 == known.low.0 && bound.1 && !known.low.1 {
                (known.low, known.from.0) = (bound, here);
            }
        }
        if matches!(op, Compare::Lt | Compare::Le | Compare::Eq) {
            let bound = (limit, op == Compare::Lt);
            if bound.0 < known.high.0 || bound.0 == known.high.0 && bound.1 && !known.high.1 {
                (known.high, known.from.1) = (bound, here);
            }
        }
        known.is_empty().then(|| {
            let after = known.clone();
            *known = before.clone();
            never(whole.span, &key, &before, &after)
        })
    }

    fn among(&mut self, whole: &Expr, subject: &Expr, list: &Expr) -> Option<Never> {
        let Kind::List(items) = &list.kind else { return None };
        let limits: Option<Vec<f64>> = items.iter().map(|item| number(self.model, item)).collect();
        let limits = limits.filter(|limits| !limits.is_empty())?;
        let Subject { key, domain } = self.subject(subject)?;
        let known = self.known.get(&key).unwrap_or(&domain).clone();
        let (low, high) =
            limits.iter().fold((f64::MAX, f64::MIN), |(low, high), n| (low.min(*n), high.max(*n)));
        if limits.iter().any(|limit| known.holds(*limit)) {
            return None;
        }
        let mut after = known.clone();
        after.low = (low, false);
        after.high = (high, false);
        Some(never(whole.span, &key, &known, &after))
    }

    /// `x == "a" and x == "b"`.
    fn text(&mut self, whole: &Expr, op: Compare, left: &Expr, right: &Expr) -> Option<Never> {
        let text = |expr: &Expr| match constant(self.model, expr) {
            Some(Value::String(text) | Value::Path(text)) => Some(text.clone()),
            _ => None,
        };
        let (subject, wanted) = match (text(left), text(right)) {
            (None, Some(wanted)) => (left, wanted),
            (Some(wanted), None) => (right, wanted),
            _ => return None,
        };
        let key = self.key(subject)?;
        match (op, self.texts.get(&key)) {
            (Compare::Eq, Some((known, at))) if *known != wanted => Some(Never {
                span: whole.span,
                message: format!("`{key}` cannot be \"{wanted}\" and \"{known}\" at once"),
                other: Some(*at),
            }),
            (Compare::Ne, Some((known, at))) if *known == wanted => Some(Never {
                span: whole.span,
                message: format!("`{key}` must be \"{wanted}\" and must not"),
                other: Some(*at),
            }),
            (Compare::Eq, None) => {
                self.texts.insert(key, (wanted, whole.span));
                None
            }
            _ => None,
        }
    }

    fn subject(&self, expr: &Expr) -> Option<Subject> {
        let key = self.key(expr)?;
        let measure = |name: &str| self.measures.iter().find(|measure| measure.name == name);
        let domain = match &expr.kind {
            Kind::Measure(name) => match measure(name) {
                Some(measure) => of_value(&measure.value).unwrap_or_else(|| of_type(&measure.ty)),
                None => Interval::any(),
            },
            Kind::Fact { ty, .. } => of_value(expr).unwrap_or_else(|| of_type(ty)),
            _ => Interval::any(),
        };
        Some(Subject { key, domain })
    }

    /// How the language writes what is compared; nothing for what may differ from one reading to the next.
    fn key(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Measure(name) | Kind::Matrix(name) => Some(name.clone()),
            Kind::Global(index) => self.model.globals.get(*index as usize).map(|global| global.name.clone()),
            Kind::Fact { name, arguments, .. } => {
                let arguments: Option<Vec<String>> =
                    arguments.iter().map(|argument| self.argument(argument)).collect();
                let arguments = arguments?.join(", ");
                Some(if arguments.is_empty() { name.clone() } else { format!("{name}({arguments})") })
            }
            _ => None,
        }
    }

    fn argument(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            Kind::Output { stage, name } => Some(format!("out {stage}.{name}")),
            _ => constant(self.model, expr).map(Value::to_string),
        }
    }
}

impl Interval {
    fn any() -> Interval {
        Interval { low: (f64::MIN, false), high: (f64::MAX, false), from: (None, None), nature: "" }
    }

    fn between(low: f64, high: f64, nature: &'static str) -> Interval {
        Interval { low: (low, false), high: (high, false), nature, ..Interval::any() }
    }

    fn is_empty(&self) -> bool {
        self.low.0 > self.high.0 || self.low.0 == self.high.0 && (self.low.1 || self.high.1)
    }

    fn holds(&self, value: f64) -> bool {
        let above = value > self.low.0 || value == self.low.0 && !self.low.1;
        above && (value < self.high.0 || value == self.high.0 && !self.high.1)
    }
}

fn of_type(ty: &Type) -> Interval {
    match ty.required() {
        Type::Percent => Interval::between(0.0, 100.0, "is a percent, between 0% and 100%"),
        Type::Size => Interval::between(0.0, f64::MAX, "is a size, never below zero"),
        Type::Duration => Interval::between(0.0, f64::MAX, "is a length of time, never below zero"),
        _ => Interval::any(),
    }
}

/// Of what a reader counts, and of the exit status.
fn of_value(expr: &Expr) -> Option<Interval> {
    let Kind::Fact { name, .. } = &expr.kind else { return None };
    let counts = ["change.added", "change.deleted", "grep", "items.count", "jsonl.count"];
    let counted = |name: &str| {
        let (reader, field) = name.split_once('.').unwrap_or_default();
        ["junit", "sarif", "libtest", "tap", "cargo"].contains(&reader) && field != "pass-rate"
    };
    match name.as_str() {
        "exit" => Some(Interval::between(0.0, 255.0, "is an exit status, between 0 and 255")),
        name if counted(name) || counts.contains(&name) => {
            Some(Interval::between(0.0, f64::MAX, "is a count, never below zero"))
        }
        _ => None,
    }
}

fn never(span: Span, key: &str, before: &Interval, after: &Interval) -> Never {
    let shown = key.split_once("(out").map_or(key, |(name, _)| name);
    // The bound of an earlier condition that the new one misses.
    let other = match after.from {
        (Some(low), Some(high)) if low == span && high != span => Some(high),
        (Some(low), Some(high)) if high == span && low != span => Some(low),
        _ => before.from.0.or(before.from.1).filter(|_| after.from == (Some(span), Some(span))),
    };
    let message = match other {
        Some(_) => format!("`{shown}` cannot meet both conditions: this can never hold"),
        None => format!("`{shown}` {}: this can never hold", before.nature),
    };
    Never { span, message, other }
}

fn number(model: &Model, expr: &Expr) -> Option<f64> {
    match constant(model, expr)? {
        Value::Int(n) | Value::Duration(n) | Value::Size(n) => Some(*n as f64),
        Value::Float(n) | Value::Percent(n) => Some(*n),
        _ => None,
    }
}

fn turned(op: Compare) -> Compare {
    match op {
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        other => other,
    }
}
