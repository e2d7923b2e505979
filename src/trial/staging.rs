//! Makes a plan playable without a world: mocked values stand in for what would be read, and a condition is only judged
//! when the test gives all that it reads. Says of every instance how its attempts end. Plays nothing.
//!
//! A condition that cannot be known is taken to hold, as the stage is taken to succeed: `before`, `after`, `require`
//! and the `when` of a retry. A stage's own `when` is always judged.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Span, Type, Value};
use crate::diag::Diagnostic;
use crate::engine::input::Outputs;
use crate::engine::scope::{NodeScope, declared_path};
use crate::event::NodeIndex;
use crate::expr::facts::{FactKey, Phase, find};
use crate::expr::{Expr, Kind, eval};
use crate::model::{Attempt, Mock, ResolvedLane, Test};
use crate::plan::{Check, Gate, Node, Plan, Start};

use super::scenario::{Scenario, worked_out};
use super::scope::Seen;
use super::unplayable;

/// Stands in the place of a gate's conditions when none can be judged.
pub(super) const NOT_JUDGED: &str = "is not judged, and taken to pass";

/// How one instance goes.
#[derive(Clone, Debug)]
pub(super) struct Cue {
    /// One after the other, the last for all that follow; never empty.
    pub attempts: Vec<Ending>,
    /// Facts read while it is judged, by id.
    pub facts: BTreeMap<String, Value>,
    /// Its conditions that are taken to hold, as written.
    pub assumed: Vec<String>,
    /// A gate of which at least one condition is really judged.
    pub judged: bool,
}

/// The end of one attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    pub exit: i32,
    pub stderr: String,
    /// Milliseconds.
    pub takes: u64,
}

/// Changes the plan and gives a cue for each of its nodes.
pub(super) fn stage(
    plan: &mut Plan,
    lane: &ResolvedLane,
    test: &Test,
    scenario: &Scenario<'_>,
    start: &Start<'_>,
) -> Result<Vec<Cue>, Vec<Diagnostic>> {
    let mut order: Vec<NodeIndex> = (0..plan.nodes.len() as NodeIndex).collect();
    // What a stage needs has a longer way to the end than itself.
    order.sort_by_key(|node| Reverse(plan.nodes[*node as usize].priority));
    let mut staging =
        Staging { scenario, start, outputs: Outputs::new(), guessed: BTreeSet::new(), cues: BTreeMap::new() };
    for index in order {
        let node = plan.nodes[index as usize].clone();
        let id = lane.stages.get(node.stage as usize).map(|stage| stage.id);
        let mock = staging.mock_of(test.mocks.iter().filter(|mock| Some(mock.stage) == id), &node)?;
        let node = staging.node(plan, index, node, mock)?;
        plan.nodes[index as usize] = node;
    }
    one_tool_one_end(plan, &mut staging.cues, &mocked(plan, lane, test));
    Ok(staging.cues.into_values().collect())
}

struct Staging<'a> {
    scenario: &'a Scenario<'a>,
    start: &'a Start<'a>,
    /// What stages put out, as far as it is known before the run.
    outputs: Outputs,
    /// Outputs that the test does not give and nobody can know.
    guessed: BTreeSet<(u32, String)>,
    cues: BTreeMap<NodeIndex, Cue>,
}

impl Staging<'_> {
    /// The first mock whose `if` holds for the instance.
    fn mock_of<'t>(
        &self,
        mocks: impl Iterator<Item = &'t Mock>,
        node: &Node,
    ) -> Result<Option<&'t Mock>, Vec<Diagnostic>> {
        let seen = Seen { matrix: &node.matrix, ..Seen::start(self.start) };
        for mock in mocks {
            let holds = match &mock.when {
                None => true,
                Some(when) => seen.value(when)? == Value::Bool(true),
            };
            if holds {
                return Ok(Some(mock));
            }
        }
        Ok(None)
    }

    fn node(
        &mut self,
        plan: &Plan,
        index: NodeIndex,
        mut node: Node,
        mock: Option<&Mock>,
    ) -> Result<Node, Vec<Diagnostic>> {
        let matrix = node.matrix.clone();
        let seen = Seen { matrix: &matrix, ..Seen::start(self.start) };
        let mut facts = self.scenario.judged.clone();
        let own = self.put_out(plan, index, &mut node, mock, &seen)?;
        if let Some(mock) = mock {
            let seen = Seen { own: Some(&own), ..seen };
            for fact in &mock.facts {
                let (key, value, _) = worked_out(fact, &seen)?;
                facts.insert(key, value);
            }
        }
        let scope = NodeScope { own: Some(&own), ..NodeScope::new(plan, index, &self.outputs) };
        let mut knowing = Knowing {
            scope,
            stage: node.stage,
            facts: &facts,
            guessed: &self.guessed,
            measures: BTreeSet::new(),
            assumed: Vec::new(),
        };
        node.before = knowing.judgeable(node.before);
        node.after = knowing.judgeable(node.after);
        if let Some(retry) = &mut node.retry {
            retry.when = knowing.judgeable(retry.when.take().into_iter().collect()).pop();
            // What is drawn by lot could not be expected.
            retry.jitter = 0.0;
        }
        let mut judged = false;
        if let Some(gate) = &mut node.gate {
            judged = knowing.gate(gate, mock, &seen)?;
        }
        let assumed = knowing.assumed;
        self.keep_outputs(plan, &node, own);
        let attempts = attempts(mock, &seen)?;
        self.cues.insert(index, Cue { attempts, facts, assumed, judged });
        Ok(node)
    }

    /// Gives mocked and unknowable outputs their value; returns all that are known now.
    fn put_out(
        &mut self,
        plan: &Plan,
        index: NodeIndex,
        node: &mut Node,
        mock: Option<&Mock>,
        seen: &Seen<'_>,
    ) -> Result<BTreeMap<String, Value>, Vec<Diagnostic>> {
        let mut own: BTreeMap<String, Value> = BTreeMap::new();
        for at in 0..node.outputs.len() {
            let output = &node.outputs[at];
            let given = mock.and_then(|mock| mock.outputs.iter().find(|(name, _)| *name == output.name));
            let value = match given {
                Some((_, value)) => Some(seen.value(value)?),
                None if reads_files(&output.value) => {
                    self.guessed.insert((node.stage, output.name.clone()));
                    Some(plausible(&output.name, &output.ty))
                }
                None => None,
            };
            let scope = NodeScope { own: Some(&own), ..NodeScope::new(plan, index, &self.outputs) };
            let known = match &value {
                Some(value) => Some(value.clone()),
                None => declared_path(&scope, output).ok().flatten(),
            };
            let (name, span) = (output.name.clone(), output.value.span);
            own.extend(known.map(|known| (name, known)));
            if let Some(value) = value {
                node.outputs[at].value = Expr::value(value, span);
            }
        }
        Ok(own)
    }

    /// What later stages see: a list where the stage has a matrix.
    fn keep_outputs(&mut self, plan: &Plan, node: &Node, own: BTreeMap<String, Value>) {
        let matrix = plan.stages.get(node.stage as usize).is_some_and(|stage| stage.matrix);
        for (name, value) in own {
            let key = (node.stage, name);
            match self.outputs.get_mut(&key) {
                Some(Value::List(values)) if matrix => values.push(value),
                _ if matrix => drop(self.outputs.insert(key, Value::List(vec![value]))),
                _ => drop(self.outputs.insert(key, value)),
            }
        }
    }
}

fn attempts(mock: Option<&Mock>, seen: &Seen<'_>) -> Result<Vec<Ending>, Vec<Diagnostic>> {
    match mock {
        None => Ok(vec![Ending::default()]),
        Some(mock) => mock.attempts.iter().map(|attempt| ending(attempt, seen)).collect(),
    }
}

fn ending(attempt: &Attempt, seen: &Seen<'_>) -> Result<Ending, Vec<Diagnostic>> {
    let exit = match &attempt.exit {
        None => 0,
        Some(expr) => match seen.value(expr)? {
            Value::Int(exit @ 0..=255) => exit as i32,
            other => return Err(vec![unplayable(expr.span, format!("no program exits with {other}"))]),
        },
    };
    let stderr = attempt.stderr.as_ref().map(|expr| seen.value(expr)).transpose()?;
    Ok(Ending {
        exit,
        stderr: stderr.map(|text| text.to_string()).unwrap_or_default(),
        takes: seen.millis(attempt.takes.as_ref())?,
    })
}

/// Nodes whose attempts a mock describes.
fn mocked(plan: &Plan, lane: &ResolvedLane, test: &Test) -> BTreeSet<NodeIndex> {
    let is_mocked = |node: &Node| {
        let id = lane.stages.get(node.stage as usize).map(|stage| stage.id);
        test.mocks.iter().any(|mock| Some(mock.stage) == id)
    };
    (0..).zip(&plan.nodes).filter(|(_, node)| is_mocked(node)).map(|(index, _)| index).collect()
}

/// A tool runs once for all its gates: whichever of them starts it, it ends as the first mocked one says.
fn one_tool_one_end(plan: &Plan, cues: &mut BTreeMap<NodeIndex, Cue>, mocked: &BTreeSet<NodeIndex>) {
    let tool =
        |index: &NodeIndex| plan.nodes[*index as usize].gate.as_ref().and_then(|gate| gate.tool.clone());
    let ends: BTreeMap<String, Vec<Ending>> = mocked
        .iter()
        .rev()
        .filter_map(|index| Some((tool(index)?, cues.get(index)?.attempts.clone())))
        .collect();
    for (index, cue) in cues.iter_mut() {
        if let Some(attempts) = tool(index).and_then(|tool| ends.get(&tool)) {
            cue.attempts.clone_from(attempts);
        }
    }
}

/// A value that a stage could have put out: text is the output's own name, so that a trail shows where it came from.
fn plausible(name: &str, ty: &Type) -> Value {
    match ty {
        Type::String | Type::Unknown => Value::String(name.to_owned()),
        Type::Path => Value::Path(name.to_owned()),
        Type::Int => Value::Int(1),
        Type::Float => Value::Float(1.0),
        Type::Bool => Value::Bool(true),
        Type::Duration => Value::Duration(1_000),
        Type::Percent => Value::Percent(100.0),
        Type::Size => Value::Size(1),
        Type::Enum(words) => Value::String(words.first().cloned().unwrap_or_default()),
        Type::List(_) => Value::List(Vec::new()),
        Type::Optional(_) => Value::Absent,
    }
}

fn reads_files(expr: &Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |part| {
        reads |= matches!(&part.kind, Kind::Fact { name, .. }
            if find(name).is_some_and(|row| matches!(row.phase, Phase::Reader | Phase::Judge)));
    });
    reads
}

/// Tells which conditions of an instance can be judged.
struct Knowing<'a> {
    scope: NodeScope<'a>,
    stage: u32,
    facts: &'a BTreeMap<String, Value>,
    guessed: &'a BTreeSet<(u32, String)>,
    measures: BTreeSet<String>,
    assumed: Vec<String>,
}

impl Knowing<'_> {
    fn judgeable(&mut self, checks: Vec<Check>) -> Vec<Check> {
        let (known, unknown): (Vec<Check>, Vec<Check>) =
            checks.into_iter().partition(|check| self.knows(&check.expr));
        self.assumed.extend(unknown.into_iter().map(|check| check.text));
        known
    }

    /// Mocked measures have their value, unknown ones are left out with the conditions on them.
    fn gate(
        &mut self,
        gate: &mut Gate,
        mock: Option<&Mock>,
        seen: &Seen<'_>,
    ) -> Result<bool, Vec<Diagnostic>> {
        let mut measures = Vec::new();
        for mut measure in std::mem::take(&mut gate.measures) {
            let given = mock.and_then(|mock| mock.measures.iter().find(|(name, _)| *name == measure.name));
            match given {
                Some((_, value)) => measure.value = Expr::value(seen.value(value)?, measure.value.span),
                None if mock.is_some() && self.knows(&measure.value) => {}
                None => continue,
            }
            self.measures.insert(measure.name.clone());
            measures.push(measure);
        }
        gate.measures = measures;
        let require = std::mem::take(&mut gate.require);
        gate.require = match mock {
            Some(_) => self.judgeable(require),
            // An unmocked gate succeeds, whatever could be known of it.
            None => {
                self.assumed.extend(require.into_iter().map(|check| check.text));
                Vec::new()
            }
        };
        let judged = !gate.require.is_empty();
        if !judged {
            // A gate must require something; this stands for what is taken to hold.
            let expr = Expr::value(Value::Bool(true), Span::default());
            gate.require = vec![Check { expr, text: NOT_JUDGED.into(), because: None }];
        }
        Ok(judged)
    }

    fn knows(&self, expr: &Expr) -> bool {
        let mut known = true;
        expr.walk(&mut |part| {
            known &= match &part.kind {
                Kind::Measure(name) => self.measures.contains(name),
                Kind::Output { stage, name } => {
                    let own = *stage == self.stage;
                    !self.guessed.contains(&(*stage, name.clone())) || (own && self.is_given(name))
                }
                Kind::Fact { name, arguments, ty } => match find(name).map(|row| row.phase) {
                    Some(Phase::Judge) => self.gives(name, arguments, ty),
                    Some(Phase::Reader) => false,
                    _ => true,
                },
                _ => true,
            };
        });
        known
    }

    /// Of a matrix stage one instance may be mocked and another guessed.
    fn is_given(&self, name: &str) -> bool {
        let node = &self.scope.plan.nodes[self.scope.node as usize];
        let output = node.outputs.iter().find(|output| output.name == name);
        output.is_some_and(|output| !reads_files(&output.value))
    }

    fn gives(&self, name: &str, arguments: &[Expr], ty: &Type) -> bool {
        let arguments: Result<Vec<Value>, _> =
            arguments.iter().map(|argument| eval(argument, &self.scope)).collect();
        let Ok(arguments) = arguments else { return false };
        let key = FactKey { name: name.to_owned(), arguments, ty: ty.clone() };
        self.facts.contains_key(&key.id())
    }
}
