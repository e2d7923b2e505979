//! Says why an expectation does not hold: what its parts really were, and why the stages it names ended so.

use std::collections::HashSet;

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::event::{NodeIndex, Status};
use crate::expr::needs::located;
use crate::expr::{Expr, Kind, Scope, eval};
use crate::model::{Expectation, Model, ResolvedLane};
use crate::plan::{self, Given};

use super::scope::Seen;
use super::view::{View, said};

/// How far back a reason is followed: skipped because that was skipped because …
const LINKS: usize = 4;

pub(super) struct Context<'a> {
    pub model: &'a Model,
    pub lane: &'a ResolvedLane,
    pub view: &'a View<'a>,
    pub seen: &'a Seen<'a>,
    pub given: &'a Given<'a>,
}

impl Context<'_> {
    /// An expectation that does not hold.
    pub fn failed(&self, expect: &Expectation) -> Diagnostic {
        let parts = self.parts(&expect.check.expr);
        let but = match parts.is_empty() {
            true => "it is not so".to_owned(),
            false => parts.join(" and "),
        };
        self.found(expect, format!("expected `{}`, but {but}", expect.check.text))
    }

    /// An expectation that has no value.
    pub fn not_judged(&self, expect: &Expectation, why: &str) -> Diagnostic {
        self.found(expect, format!("`{}` could not be judged: {why}", expect.check.text))
    }

    fn found(&self, expect: &Expectation, message: String) -> Diagnostic {
        let mut help: Vec<String> =
            self.named(&expect.check.expr).iter().flat_map(|n| self.why(*n)).collect();
        if self.names_run(&expect.check.expr) && help.is_empty() {
            let cause = self.view.value("run.reason").map(|cause| cause.to_string()).unwrap_or_default();
            help.extend((!cause.is_empty()).then(|| format!("the run: {cause}")));
        }
        help.extend(expect.check.because.iter().map(|because| format!("expected because {because}")));
        let mut said = HashSet::new();
        help.retain(|line| said.insert(line.clone()));
        let found = Diagnostic::new(&codes::E957, expect.span, message);
        if help.is_empty() { found } else { found.help(help.join("; ")) }
    }

    /// What the leaves of the expression are.
    fn parts(&self, expr: &Expr) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (name, value) in leaves(self.model, expr, self.seen) {
            let text = match value {
                Some(Value::Absent) => format!("{name} is absent"),
                Some(value) => format!("{name} is {}", shown(&value)),
                None => continue,
            };
            if !found.contains(&text) {
                found.push(text);
            }
        }
        found
    }

    /// The instances whose end the expression is about: of each stage named the one that ended worst.
    fn named(&self, expr: &Expr) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        expr.walk(&mut |part| {
            let Kind::Fact { name, .. } = &part.kind else { return };
            let mut words = name.split('.');
            if matches!(words.next(), Some("stage" | "gate"))
                && let Some(node) = words.next().and_then(|stage| self.view.worst(stage))
                && !found.contains(&node)
            {
                found.push(node);
            }
        });
        found
    }

    fn names_run(&self, expr: &Expr) -> bool {
        let mut names = false;
        expr.walk(&mut |part| {
            names |= matches!(&part.kind, Kind::Fact { name, .. }
                if name.starts_with("run.") || name.starts_with("lane."));
        });
        names
    }

    /// Why an instance ended as it did, followed back to where it began.
    fn why(&self, node: NodeIndex) -> Vec<String> {
        let mut found = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at.filter(|_| found.len() < LINKS) {
            let reason = self.view.reason(node);
            if !reason.is_empty() {
                let key = &self.view.played().plan.nodes[node as usize].key;
                let how = said(self.view.shown(node));
                found.push(format!("`{key}` {how}: {reason}{}", self.condition(node)));
            }
            at = self.view.behind(node);
        }
        found
    }

    /// What the `when` of a skipped stage was judged on. The plan has put values in the place of what it read.
    fn condition(&self, node: NodeIndex) -> String {
        let played = self.view.played();
        let skipped = self.view.shown(node) == Status::Skipped && self.view.behind(node).is_none();
        let stage = self.lane.stages.get(played.plan.nodes[node as usize].stage as usize);
        let Some(when) = stage.and_then(|stage| stage.when.as_ref()).filter(|_| skipped) else {
            return String::new();
        };
        let Ok(start) = plan::start(self.model, self.given, &[when]) else { return String::new() };
        let matrix = &played.plan.nodes[node as usize].matrix;
        let seen = Seen { matrix, ..Seen::start(&start) };
        let told: Vec<String> = leaves(self.model, when, &seen)
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name} = {}", shown(&value?))))
            .collect();
        if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
    }
}

/// Facts, params, lets and matrix values an expression reads, with what they are. Secrets have no value here.
fn leaves(model: &Model, expr: &Expr, scope: &dyn Scope) -> Vec<(String, Option<Value>)> {
    let mut found: Vec<(String, Option<Value>)> = Vec::new();
    let mut add = |name: String, value: Option<Value>| {
        if !found.iter().any(|(known, _)| *known == name) {
            found.push((name, value));
        }
    };
    for (key, span) in located(expr, scope) {
        let fact = Expr { kind: fact_kind(&key), span };
        add(key.id(), eval(&fact, scope).ok());
    }
    expr.walk(&mut |part| match &part.kind {
        Kind::Global(index) => {
            if let Some(global) = model.globals.get(*index as usize).filter(|global| !global.secret) {
                add(global.name.clone(), scope.global(*index));
            }
        }
        Kind::Matrix(name) => add(name.clone(), scope.matrix(name)),
        _ => {}
    });
    found
}

fn fact_kind(key: &crate::expr::facts::FactKey) -> Kind {
    let span = Span::default();
    let arguments = key.arguments.iter().map(|value| Expr::value(value.clone(), span)).collect();
    Kind::Fact { name: key.name.clone(), arguments, ty: key.ty.clone() }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) | Value::Path(text) => format!("{text:?}"),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        other => other.to_string(),
    }
}
