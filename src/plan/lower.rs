//! From the model's expressions to the plan's: known parts worked out, indices changed to the plan's. Knows no stages.

use std::collections::{BTreeMap, HashMap};

use crate::base::Value;
use crate::diag::{Diagnostic, codes};
use crate::expr::eval::eval;
use crate::expr::fold::{fold, rewrite};
use crate::expr::{Expr, Function, Kind};
use crate::model::{self, Check, LaneOutput, Model, StageId, call_of};

use super::Action;
use super::given::Known;
use super::globals::{Globals, no_value};

/// Everything needed to lower one lane's expressions, and what was found on the way.
pub(super) struct Lowering<'a> {
    pub(super) model: &'a Model,
    pub(super) globals: Globals,
    /// Stages of the lane, and what replaced them, by index in the plan.
    pub(super) stages: HashMap<StageId, u32>,
    /// The plan's index of each secret.
    pub(super) secrets: HashMap<u32, u32>,
    /// Params, and lets made of them, whose values a call gives only while the run goes.
    pub(super) later: BTreeMap<u32, Expr>,
    /// What the calls of the stage being lowered give, by their place among its actions.
    pub(super) called: HashMap<usize, Called>,
    /// The plan's index of each function.
    pub(super) functions: HashMap<u32, u32>,
    pub(super) found: Vec<Diagnostic>,
}

/// A lane that was called: its stages by index in the plan, and what it gives out.
pub(super) struct Called {
    pub(super) stages: HashMap<StageId, u32>,
    pub(super) outputs: Vec<LaneOutput>,
}

impl Called {
    fn output(&self, name: &str) -> Option<(u32, String)> {
        let output = self.outputs.iter().find(|output| output.name == name)?;
        Some((*self.stages.get(&output.stage)?, output.output.clone()))
    }
}

/// Where an expression stands: the matrix of its instance, and whose outputs `out` means.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub(super) matrix: &'a [(String, Value)],
    /// All outputs are of this stage: so it is inside a tool, whose outputs each of its gates has.
    pub(super) own: Option<u32>,
}

impl At<'_> {
    pub(super) const LANE: At<'static> = At { matrix: &[], own: None };
}

impl Lowering<'_> {
    pub(super) fn expr(&self, expr: &Expr, at: At<'_>) -> Expr {
        let scope = Known {
            functions: &self.model.functions,
            globals: &self.globals.values,
            facts: &self.globals.facts,
            matrix: at.matrix,
        };
        self.relocated(&fold(expr, &scope), at.own)
    }

    fn relocated(&self, expr: &Expr, own: Option<u32>) -> Expr {
        rewrite(expr, &mut |part| {
            let kind = match &part.kind {
                Kind::Global(index) => match (self.later.get(index), self.secrets.get(index)) {
                    (Some(later), _) => return Some(later.clone()),
                    (None, Some(secret)) => Kind::Global(*secret),
                    (None, None) => return None,
                },
                Kind::Output { stage, name } if let Some(place) = call_of(*stage) => {
                    let found = self.called.get(&place).and_then(|called| called.output(name));
                    found.map_or(Kind::Value(Value::Absent), |(stage, name)| Kind::Output { stage, name })
                }
                Kind::Output { stage, name } => match own.or_else(|| self.stages.get(stage).copied()) {
                    Some(stage) => Kind::Output { stage, name: name.clone() },
                    // A stage that the lane does not hold: only an optional need may read it.
                    None => Kind::Value(Value::Absent),
                },
                Kind::Call { function, arguments } => Kind::Call {
                    function: self.functions.get(function).copied().unwrap_or(*function),
                    arguments: arguments.iter().map(|argument| self.relocated(argument, own)).collect(),
                },
                _ => return None,
            };
            Some(Expr { kind, span: part.span })
        })
    }

    /// The functions reached, in the plan's order.
    pub(super) fn bodies(&self, reached: &[u32]) -> Vec<Function> {
        let lowered = |function: &Function| Function {
            name: function.name.clone(),
            parameters: function.parameters,
            body: self.expr(&function.body, At::LANE),
        };
        reached.iter().filter_map(|index| self.model.functions.get(*index as usize)).map(lowered).collect()
    }

    pub(super) fn checks(&self, checks: &[Check], at: At<'_>) -> Vec<Check> {
        checks.iter().map(|check| self.check(check, at)).collect()
    }

    pub(super) fn check(&self, check: &Check, at: At<'_>) -> Check {
        Check { expr: self.expr(&check.expr, at), ..check.clone() }
    }

    pub(super) fn named(&self, pairs: &[(String, Expr)], at: At<'_>) -> Vec<(String, Expr)> {
        pairs.iter().map(|(name, value)| (name.clone(), self.expr(value, at))).collect()
    }

    pub(super) fn actions(&mut self, actions: &[model::Action], at: At<'_>) -> Vec<Action> {
        let mut lowered = Vec::with_capacity(actions.len());
        for action in actions {
            match action {
                model::Action::Script { interpreter, text, .. } => {
                    lowered.push(Action::Script { interpreter: interpreter.clone(), text: text.clone() });
                }
                model::Action::Exec { argv, .. } => {
                    let argv = argv.iter().map(|operand| self.expr(operand, at)).collect();
                    lowered.push(Action::Exec { argv });
                }
                model::Action::Render { render, .. } => lowered.extend(self.render(render, at)),
                // A stage that calls is taken apart at its calls; see `call`.
                model::Action::Call { .. } => {}
            }
        }
        lowered
    }

    /// One action a file of the set, in order.
    fn render(&mut self, render: &model::Render, at: At<'_>) -> Vec<Action> {
        let too_many = "the set has more files than one `render` may write";
        let sets = self.product(&render.each, at, &|name| format!("`each {name}`"), too_many);
        let file = |set: Vec<(String, Value)>| {
            let names = [set.as_slice(), at.matrix].concat();
            let at = At { matrix: &names, ..at };
            Action::Render {
                target: self.expr(&render.target, at),
                template: self.expr(&render.template, at),
                context: self.named(&render.context, at),
                schema: render.schema.as_ref().map(|schema| Box::new(self.expr(schema, at))),
            }
        };
        sets.into_iter().map(file).collect()
    }

    /// The value of an expression that must be known before the run.
    pub(super) fn value(&mut self, expr: &Expr, at: At<'_>) -> Option<Value> {
        let scope = Known {
            functions: &self.model.functions,
            globals: &self.globals.values,
            facts: &self.globals.facts,
            matrix: at.matrix,
        };
        match eval(expr, &scope) {
            Ok(value) => Some(value),
            Err(stop) => {
                self.found.push(no_value(expr.span, &stop));
                None
            }
        }
    }

    /// A time limit in milliseconds; longer than nothing.
    pub(super) fn limit(&mut self, expr: Option<&Expr>, at: At<'_>) -> Option<u64> {
        let expr = expr?;
        match self.millis(expr, at)? {
            0 => {
                let found =
                    Diagnostic::new(&codes::E122, expr.span, "a time limit of nothing can never be met");
                self.found.push(found.help("give a longer one, or none"));
                None
            }
            ms => Some(ms),
        }
    }

    /// A duration in milliseconds, not negative.
    pub(super) fn millis(&mut self, expr: &Expr, at: At<'_>) -> Option<u64> {
        match self.value(expr, at)? {
            Value::Duration(ms) if ms >= 0 => Some(ms as u64),
            other => self.wrong(expr, "a duration", &other),
        }
    }

    /// A count of at least one.
    pub(super) fn count(&mut self, expr: &Expr, at: At<'_>) -> Option<u32> {
        match self.value(expr, at)? {
            Value::Int(n) if n >= 1 => Some(u32::try_from(n).unwrap_or(u32::MAX)),
            Value::Int(n) => {
                let message = format!("a count is at least 1, and this is {n}");
                self.found.push(Diagnostic::new(&codes::E308, expr.span, message));
                None
            }
            other => self.wrong(expr, "a whole number", &other),
        }
    }

    pub(super) fn text(&mut self, expr: Option<&Expr>, at: At<'_>) -> Option<String> {
        let expr = expr?;
        match self.value(expr, at)? {
            value @ (Value::List(_) | Value::Absent) => self.wrong(expr, "a single value", &value),
            value => Some(value.to_string()),
        }
    }

    pub(super) fn wrong<T>(&mut self, expr: &Expr, wanted: &str, value: &Value) -> Option<T> {
        let message = format!("{wanted} is needed here, and this is {value}");
        self.found.push(Diagnostic::new(&codes::E956, expr.span, message));
        None
    }
}
