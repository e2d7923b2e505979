//! Judges what can be judged from what is known: conditions, outputs, measures. Says which facts it lacks instead of
//! reading them. Draws no conclusions; see `attempt` and `gate`.

use std::collections::BTreeMap;

use crate::base::{Type, Value};
use crate::event::{Asked, Judged, NodeIndex, Outcome};
use crate::expr::facts::{Fact, FactKey};
use crate::expr::{Expr, Scope, Stop, eval, explain, needs};
use crate::plan::{Check, Measure};

use super::input::{Command, Outputs};
use super::kernel::{Kernel, Step};
use super::live::Doing;
use super::prepare::truth;
use super::scope::{NodeScope, declared_path, facts_of, visible};

/// A judgement, or why there is none yet, or never.
pub(super) enum Judgement<T> {
    /// These facts must be read first.
    Ask(Vec<FactKey>),
    Done(T),
    Bad(String),
}

impl<T> Judgement<T> {
    pub fn map<U>(self, with: impl FnOnce(T) -> U) -> Judgement<U> {
        match self {
            Judgement::Ask(keys) => Judgement::Ask(keys),
            Judgement::Done(done) => Judgement::Done(with(done)),
            Judgement::Bad(why) => Judgement::Bad(why),
        }
    }
}

type Values = BTreeMap<String, Value>;

impl Kernel<'_> {
    /// Judges conditions one by one; reading what any of them lacks comes before all.
    pub fn judge_checks(
        &self,
        node: NodeIndex,
        checks: &[Check],
        phases: &[Asked],
        own: Option<&Values>,
        measures: Option<&Values>,
    ) -> Judgement<Vec<Judged>> {
        if checks.is_empty() {
            return Judgement::Done(Vec::new());
        }
        let outputs = visible(self.plan, self.state, node);
        let mut scope = self.scope(node, &outputs, phases);
        let declared = self.declared_paths(&scope, node).unwrap_or_default();
        scope.own = own.or(Some(&declared));
        scope.measures = measures;
        judge_all(&scope, checks, &self.plan.nodes[node as usize].place)
    }

    /// The stage's own outputs: files must be there, what is read from files must parse.
    pub fn judge_outputs(&self, node: NodeIndex) -> Judgement<Values> {
        let declared = &self.plan.nodes[node as usize].outputs;
        if declared.is_empty() {
            return Judgement::Done(Values::new());
        }
        let outputs = visible(self.plan, self.state, node);
        let mut scope = self.scope(node, &outputs, &[Asked::Outputs]);
        let paths = match self.declared_paths(&scope, node) {
            Ok(paths) => paths,
            Err(why) => return Judgement::Bad(why),
        };
        scope.own = Some(&paths);
        let mut asked = Asking::default();
        let mut values = Values::new();
        for output in declared {
            let value = match paths.get(&output.name) {
                Some(path) => present(&scope, path),
                None => eval(&output.value, &scope),
            };
            match value {
                Ok(value) => {
                    values.insert(output.name.clone(), value);
                }
                Err(stop) => {
                    if let Some(why) = asked.stopped(stop, &output.value, &scope) {
                        return Judgement::Bad(format!("output `{}`: {why}", output.name));
                    }
                }
            }
        }
        asked.or_done(values)
    }

    fn declared_paths(&self, scope: &NodeScope<'_>, node: NodeIndex) -> Result<Values, String> {
        let mut paths = Values::new();
        for output in &self.plan.nodes[node as usize].outputs {
            match declared_path(scope, output) {
                Ok(Some(path)) => {
                    paths.insert(output.name.clone(), path);
                }
                Ok(None) => {}
                Err(stop) => return Err(format!("output `{}`: {}", output.name, reason(stop))),
            }
        }
        Ok(paths)
    }

    /// A gate's measures, by name.
    pub fn judge_measures(
        &self,
        node: NodeIndex,
        measures: &[Measure],
        own: &Values,
        outcome: Option<&Outcome>,
    ) -> Judgement<Values> {
        let outputs = visible(self.plan, self.state, node);
        let mut scope = self.scope(node, &outputs, &[Asked::Outputs]);
        scope.own = Some(own);
        scope.outcome = outcome.or(scope.outcome);
        let mut asked = Asking::default();
        let mut values = Values::new();
        for measure in measures {
            match eval(&measure.value, &scope) {
                Ok(Value::Absent) if !measure.ty.is_optional() => {
                    return Judgement::Bad(format!("measure `{}` has no value", measure.name));
                }
                Ok(value) => {
                    values.insert(measure.name.clone(), value);
                }
                Err(stop) => {
                    if let Some(why) = asked.stopped(stop, &measure.value, &scope) {
                        return Judgement::Bad(format!("measure `{}`: {why}", measure.name));
                    }
                }
            }
        }
        asked.or_done(values)
    }

    /// What the stage sees with the facts of these phases and its last attempt.
    pub fn scope<'s>(&'s self, node: NodeIndex, outputs: &'s Outputs, phases: &[Asked]) -> NodeScope<'s> {
        NodeScope {
            facts: facts_of(self.state, node, phases),
            outcome: self.outcome_of(node),
            ..NodeScope::new(self.plan, node, outputs)
        }
    }

    /// The attempt a stage is judged by: its own, or for a gate that shares its tool, the tool's.
    pub fn outcome_of(&self, node: NodeIndex) -> Option<&Outcome> {
        let own = self.state.node(node).outcome.as_deref();
        own.or_else(|| {
            let tool = self.plan.nodes[node as usize].gate.as_ref()?.tool.as_ref()?;
            let owner = self.state.tools.get(tool)?;
            self.state.node(*owner).outcome.as_deref()
        })
    }

    /// Has the facts read; the answer comes as an input.
    pub fn ask(&mut self, node: NodeIndex, asked: Asked, keys: Vec<FactKey>) -> Step {
        let ids = keys.iter().map(FactKey::id).collect();
        self.state.live.doing.insert(node, Doing::Reading(asked, ids));
        self.command(Command::ReadFacts { node, asked, keys });
        Ok(())
    }
}

/// Each of the conditions by what the scope sees; what is at `place` is judged.
pub(super) fn judge_all(scope: &NodeScope<'_>, checks: &[Check], place: &str) -> Judgement<Vec<Judged>> {
    let mut asked = Asking::default();
    let mut judged = Vec::new();
    for check in checks {
        let held = match eval(&check.expr, scope) {
            Ok(value) => truth(&value),
            Err(stop) => match asked.stopped(stop, &check.expr, scope) {
                None => continue,
                Some(why) => Err(why),
            },
        };
        match held {
            Ok(held) => judged.push(Judged {
                text: check.text.clone(),
                held,
                values: explain(&check.expr, scope),
                place: place.to_owned(),
                because: check.because.clone(),
            }),
            Err(why) => return Judgement::Bad(format!("`{}`: {why}", check.text)),
        }
    }
    asked.or_done(judged)
}

/// A file that must be there.
fn present(scope: &NodeScope<'_>, path: &Value) -> Result<Value, Stop> {
    let key = FactKey { name: "file.exists".into(), arguments: vec![path.clone()], ty: Type::Bool };
    let failed = |message: String| Stop::Failed { span: Default::default(), message };
    match scope.fact(&key) {
        None => Err(Stop::Needs(vec![key])),
        Some(Fact::Read(Value::Bool(true))) => Ok(path.clone()),
        Some(Fact::Read(_)) => Err(failed(format!("the file {path} is not there"))),
        Some(Fact::Failed(why)) => Err(failed(why)),
    }
}

/// Facts still lacking, each once.
#[derive(Default)]
struct Asking(Vec<FactKey>);

impl Asking {
    /// Collects all that the expression may still read; a reason when there is nothing to wait for.
    fn stopped(&mut self, stop: Stop, expr: &Expr, scope: &dyn Scope) -> Option<String> {
        match stop {
            Stop::Needs(keys) => {
                for key in keys.into_iter().chain(needs(expr, scope)) {
                    if !self.0.contains(&key) {
                        self.0.push(key);
                    }
                }
                None
            }
            Stop::Failed { message, .. } => Some(message),
        }
    }

    fn or_done<T>(self, done: T) -> Judgement<T> {
        if self.0.is_empty() { Judgement::Done(done) } else { Judgement::Ask(self.0) }
    }
}

pub(super) fn reason(stop: Stop) -> String {
    match stop {
        Stop::Failed { message, .. } => message,
        Stop::Needs(keys) => {
            let ids: Vec<String> = keys.iter().map(FactKey::id).collect();
            format!("{} cannot be read here", ids.join(", "))
        }
    }
}
