//! Whether a lane's `select` rules choose it for a change, rule by rule and in words. Reads nothing.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::diag::Diagnostic;
use crate::expr::eval::eval;
use crate::expr::facts::FactKey;
use crate::expr::{Expr, explain};
use crate::model::{Lane, Model, SelectRule, resolve};

use super::given::{Given, Known};
use super::globals::{For, Globals, globals, no_value};
use super::reach::{Standing, facts_of, reach, ruling};

/// What one rule says of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The condition as written.
    pub rule: String,
    /// None where it cannot be worked out.
    pub holds: Option<bool>,
    /// Its reason in words, as its writer put it.
    pub because: Option<String>,
    /// What its parts were, or why there is no answer.
    pub values: String,
}

/// Facts of the run's start that the rules and their reasons read.
pub fn rule_facts(model: &Model, lane: &Lane) -> Vec<FactKey> {
    let rules = ruling(model, lane);
    let exprs: Vec<&Expr> = rules.iter().flat_map(parts).collect();
    facts_of(model, &exprs)
}

/// Every rule of the lane, its own or those of the nearest lane it extends. One that holds chooses it.
pub fn verdicts(model: &Model, lane: &Lane, given: &Given<'_>) -> Vec<Verdict> {
    let rules = ruling(model, lane);
    let exprs: Vec<&Expr> = rules.iter().flat_map(parts).collect();
    // Worked out once for all; where one rule reads what is not there, each on its own.
    let all = known(model, lane, given, &exprs).ok();
    rules.iter().map(|rule| verdict(model, lane, given, rule, all.as_ref())).collect()
}

fn parts(rule: &SelectRule) -> impl Iterator<Item = &Expr> {
    std::iter::once(&rule.expr).chain(&rule.because)
}

fn verdict(
    model: &Model,
    lane: &Lane,
    given: &Given<'_>,
    rule: &SelectRule,
    all: Option<&Globals>,
) -> Verdict {
    let said = |holds, because, values| Verdict { rule: rule.text.clone(), holds, because, values };
    let own = match all {
        Some(_) => Ok(Globals::default()),
        None => known(model, lane, given, &[&rule.expr]),
    };
    let globals = match &own {
        Ok(own) => all.unwrap_or(own),
        Err(found) => return said(None, None, messages(found)),
    };
    let scope =
        Known { functions: &model.functions, globals: &globals.values, facts: &globals.facts, matrix: &[] };
    let holds = match eval(&rule.expr, &scope) {
        Ok(value) => value == Value::Bool(true),
        Err(stop) => return said(None, None, messages(&[no_value(rule.expr.span, &stop)])),
    };
    let because = rule.because.as_ref().and_then(|because| eval(because, &scope).ok());
    said(Some(holds), because.map(|text| text.to_string()), explain(&rule.expr, &scope))
}

/// What the lane's params, lets and facts are, as far as the expressions reach them.
fn known(model: &Model, lane: &Lane, given: &Given<'_>, exprs: &[&Expr]) -> Result<Globals, Vec<Diagnostic>> {
    let params = resolve::params_of(model, lane.id);
    let standing = Standing::of(&params);
    let reached = reach(model, exprs, &standing);
    let whose = For { lane: &params, set: &BTreeMap::new(), outermost: true, standing: &standing };
    globals(model, given, &reached, exprs, &whose)
}

fn messages(found: &[Diagnostic]) -> String {
    found.iter().map(|found| found.message.as_str()).collect::<Vec<_>>().join("; ")
}
