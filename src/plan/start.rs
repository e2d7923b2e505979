//! Expressions that are no part of a lane, worked out with what is known at a run's start: what a test gives and expects.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::diag::Diagnostic;
use crate::expr::eval::Scope;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::expr::{Expr, Function};
use crate::model::Model;

use super::Given;
use super::given::at_start;
use super::globals::{For, globals};
use super::reach::{Standing, reach};

/// Params, lets and facts of the start, for the expressions it was made for.
#[derive(Debug)]
pub struct Start<'a> {
    functions: &'a [Function],
    globals: BTreeMap<u32, Value>,
    facts: FactValues,
}

impl Scope for Start<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        self.globals.get(&index).cloned()
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        self.facts.get(&key.id()).filter(|_| at_start(key)).cloned()
    }
}

/// What `exprs` can see, or everything that is missing or wrong. The facts they read must be among those given; see
/// [`super::facts_of`].
pub fn start<'m>(model: &'m Model, given: &Given<'_>, exprs: &[&Expr]) -> Result<Start<'m>, Vec<Diagnostic>> {
    let standing = Standing::default();
    let reached = reach(model, exprs, &standing);
    let whose = For { lane: &[], set: &BTreeMap::new(), outermost: true, standing: &standing };
    let found = globals(model, given, &reached, exprs, &whose)?;
    Ok(Start { functions: &model.functions, globals: found.values, facts: found.facts })
}
