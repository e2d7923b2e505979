//! What an expression of a stage can see while the run goes: its matrix values, measures, the outputs of stages it
//! needs, facts read for it, its last attempt. Reads nothing itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Value;
use crate::event::{Asked, AttemptStatus, FailureClass, NodeIndex, Outcome, Status};
use crate::expr::facts::{Fact, FactKey, FactValues, Phase, find};
use crate::expr::{Expr, Function, Kind, Scope, Stop, eval};
use crate::plan::{EdgeKind, Node, Output, Plan};

use super::input::Outputs;
use super::state::RunState;

/// A stage's view. Parts not set are not known there.
pub struct NodeScope<'a> {
    pub plan: &'a Plan,
    pub node: NodeIndex,
    pub outputs: &'a Outputs,
    /// Facts that were read and may be used here.
    pub facts: Vec<&'a FactValues>,
    /// The attempt that `exit`, `stderr` and `timed-out` are about.
    pub outcome: Option<&'a Outcome>,
    pub own: Option<&'a BTreeMap<String, Value>>,
    pub measures: Option<&'a BTreeMap<String, Value>>,
    pub secrets: Option<&'a BTreeMap<u32, Value>>,
}

impl<'a> NodeScope<'a> {
    pub fn new(plan: &'a Plan, node: NodeIndex, outputs: &'a Outputs) -> Self {
        NodeScope {
            plan,
            node,
            outputs,
            facts: Vec::new(),
            outcome: None,
            own: None,
            measures: None,
            secrets: None,
        }
    }

    fn spec(&self) -> &'a Node {
        &self.plan.nodes[self.node as usize]
    }
}

impl Scope for NodeScope<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        self.secrets.and_then(|secrets| secrets.get(&index)).cloned()
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.plan.functions.get(index as usize)
    }

    fn matrix(&self, name: &str) -> Option<Value> {
        self.spec().matrix.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    fn measure(&self, name: &str) -> Option<Value> {
        self.measures.and_then(|measures| measures.get(name)).cloned()
    }

    fn output(&self, stage: u32, name: &str) -> Option<Value> {
        if stage == self.spec().stage {
            return self.own.and_then(|own| own.get(name)).cloned();
        }
        self.outputs.get(&(stage, name.to_owned())).cloned()
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        if find(&key.name).is_some_and(|row| row.phase == Phase::Attempt) {
            return self.outcome.map(|outcome| of_attempt(outcome, &key.name));
        }
        let id = key.id();
        let read = self.facts.iter().find_map(|values| values.get(&id));
        read.or_else(|| self.plan.facts.get(&id)).cloned()
    }
}

fn of_attempt(outcome: &Outcome, name: &str) -> Fact {
    match (name, outcome.exit) {
        ("exit", Some(exit)) => Fact::Read(Value::Int(exit.into())),
        ("exit", None) => {
            let why = outcome.error.clone().unwrap_or_else(|| "the attempt has no exit code".into());
            Fact::Failed(why)
        }
        ("failure-class", _) => {
            let class = outcome.class.map_or("", FailureClass::word);
            Fact::Read(Value::String(class.to_owned()))
        }
        ("stderr", _) => Fact::Read(Value::String(said(outcome))),
        ("stdout", _) => Fact::Read(Value::String(outcome.stdout.clone())),
        _ => Fact::Read(Value::Bool(outcome.status == AttemptStatus::TimedOut)),
    }
}

/// What the attempt wrote to standard error; of one that could not begin, with the reason as its last line, so that rules
/// can match that.
pub(super) fn said(outcome: &Outcome) -> String {
    let never = matches!(
        outcome.class,
        Some(FailureClass::NotStarted | FailureClass::Busy | FailureClass::NeedLost | FailureClass::Render)
    );
    match outcome.error.as_ref().filter(|_| never && outcome.exit.is_none()) {
        None => outcome.stderr.clone(),
        Some(error) if outcome.stderr.is_empty() || outcome.stderr.ends_with('\n') => {
            format!("{}{error}\n", outcome.stderr)
        }
        Some(error) => format!("{}\n{error}\n", outcome.stderr),
    }
}

/// The outputs that `node` may read: of the stages it needs, each a list in matrix order where the stage has a matrix.
pub fn visible(plan: &Plan, state: &RunState, node: NodeIndex) -> Outputs {
    let edges = plan.nodes[node as usize].edges.iter().filter(|edge| edge.kind != EdgeKind::Follows);
    let needed: BTreeSet<u32> =
        edges.filter_map(|edge| plan.nodes.get(edge.to as usize)).map(|node| node.stage).collect();
    let mut seen = Outputs::new();
    for stage in needed {
        let Some(instances) = plan.stages.get(stage as usize) else { continue };
        let Some(first) = instances.nodes.first().and_then(|&first| plan.nodes.get(first as usize)) else {
            continue;
        };
        for output in &first.outputs {
            let mut values = instances.nodes.iter().map(|&each| value_of(plan, state, each, &output.name));
            let value = if instances.matrix {
                values.collect::<Option<Vec<Value>>>().map_or(Value::Absent, Value::List)
            } else {
                values.next().flatten().unwrap_or(Value::Absent)
            };
            seen.insert((stage, output.name.clone()), value);
        }
    }
    seen
}

fn value_of(plan: &Plan, state: &RunState, node: NodeIndex, name: &str) -> Option<Value> {
    let stage = state.nodes.get(node as usize)?;
    let recorded = stage.outputs.get(name).filter(|value| **value != Value::Absent);
    if recorded.is_some() || stage.status != Status::Succeeded {
        return recorded.cloned();
    }
    // Marked done by a person: nothing was recorded, but where its files are is known from the plan.
    let output = plan.nodes[node as usize].outputs.iter().find(|output| output.name == name)?;
    declared_path(&NodeScope::new(plan, node, &Outputs::new()), output).ok().flatten()
}

/// Where a file output is declared to be; none for one that is read from a file, or handed to a called lane.
pub fn declared_path(scope: &dyn Scope, output: &Output) -> Result<Option<Value>, Stop> {
    if output.given || is_read(&output.value) {
        return Ok(None);
    }
    Ok(match eval(&output.value, scope)? {
        Value::String(path) | Value::Path(path) if output.ty == crate::base::Type::Path => {
            Some(Value::Path(path))
        }
        Value::Path(path) => Some(Value::Path(path)),
        _ => None,
    })
}

/// Whether the expression reads a file's content.
fn is_read(expr: &Expr) -> bool {
    let mut read = false;
    expr.walk(&mut |inner| {
        read |= matches!(&inner.kind, Kind::Fact { name, .. }
            if find(name).is_some_and(|row| matches!(row.phase, Phase::Reader | Phase::Attempt)));
    });
    read
}

/// The stage's facts of these phases.
pub(super) fn facts_of<'a>(state: &'a RunState, node: NodeIndex, phases: &[Asked]) -> Vec<&'a FactValues> {
    phases.iter().filter_map(|&asked| state.node(node).facts_of(asked)).collect()
}
