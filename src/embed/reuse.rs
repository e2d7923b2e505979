//! Whether a stage's result in the lane's newest run still holds: same stage, same inputs, its files still there.
//! Reads that run; decides nothing about what to run.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::base::Value;
use crate::event::{Event, NodeIndex, Record, Status};
use crate::facts::World;
use crate::plan::{Effect, Node, Plan, Preset};
use crate::port::Facts;

use super::{Error, StoredRun};

/// The lane's newest run, as far as results are taken from it.
pub struct Newest {
    run: Option<(StoredRun, Vec<Record>)>,
    /// Hash of each node's inputs as they are now.
    now: BTreeMap<NodeIndex, String>,
}

/// How a stage ended there.
struct Result {
    inputs: String,
    outputs: BTreeMap<String, Value>,
}

impl Newest {
    pub(super) fn new(
        run: Option<StoredRun>,
        world: World,
        plan: &Plan,
    ) -> std::result::Result<Newest, Error> {
        let with_inputs = (0..).zip(&plan.nodes).filter(|(_, node)| !node.inputs.is_empty());
        let now = match run {
            None => BTreeMap::new(),
            Some(_) => with_inputs
                .filter_map(|(index, node)| Some((index, world.hash_inputs(&node.inputs).ok()?)))
                .collect(),
        };
        let run = run.map(|run| run.records().map(|records| (run, records))).transpose()?;
        Ok(Newest { run, now })
    }

    #[cfg(test)]
    pub(super) fn none() -> Newest {
        Newest { run: None, now: BTreeMap::new() }
    }

    /// The result to reuse, or why there is none.
    pub(super) fn reusable(&self, plan: &Plan, node: NodeIndex) -> std::result::Result<Preset, String> {
        let spec = &plan.nodes[node as usize];
        if spec.effect != Effect::Repeatable || spec.gate.is_some() {
            return Err("only a repeatable stage's result is".into());
        }
        if spec.inputs.is_empty() {
            return Err("it declares no `inputs`".into());
        }
        let Some((run, records)) = &self.run else { return Err("the lane was never run".into()) };
        let then = run.plan.nodes.iter().position(|old| old.key == spec.key);
        let Some(then) = then else { return Err(format!("run {} does not hold it", run.id)) };
        if essence(&run.plan.nodes[then]) != essence(spec) {
            return Err(format!("it was changed since run {}", run.id));
        }
        let result = result(run, records, then as NodeIndex)?;
        if self.now.get(&node) != Some(&result.inputs) {
            return Err(format!("its inputs changed since run {}", run.id));
        }
        if let Some(gone) = gone(plan, &result.outputs) {
            return Err(format!("its output {gone} is not there any more"));
        }
        Ok(Preset::Reused {
            run: run.id.0.clone(),
            inputs: result.inputs,
            outputs: result.outputs,
            files: Default::default(),
        })
    }
}

fn result(run: &StoredRun, records: &[Record], node: NodeIndex) -> std::result::Result<Result, String> {
    if let Some(Preset::Reused { inputs, outputs, .. }) = &run.plan.nodes[node as usize].preset {
        return Ok(Result { inputs: inputs.clone(), outputs: outputs.clone() });
    }
    let mut hash = None;
    let mut ended = None;
    for record in records {
        match &record.event {
            Event::StageStarted { node: of, inputs, .. } if *of == node => hash = inputs.clone(),
            Event::StageFinished { node: of, status, outputs, .. } if *of == node => {
                ended = (*status == Status::Succeeded).then(|| outputs.clone());
            }
            Event::StageReset { node: of, .. } if *of == node => ended = None,
            _ => {}
        }
    }
    match (hash, ended) {
        (Some(inputs), Some(outputs)) => Ok(Result { inputs, outputs }),
        _ => Err(format!("it did not succeed in run {}", run.id)),
    }
}

/// What decides a stage's result besides its inputs, without the places it was written at.
fn essence(node: &Node) -> Json {
    let parts = serde_json::json!([
        node.actions,
        node.env,
        node.cwd,
        node.inputs,
        node.outputs,
        node.matrix,
        node.before,
        node.after
    ]);
    without_spans(parts)
}

fn without_spans(value: Json) -> Json {
    match value {
        Json::Object(fields) => fields
            .into_iter()
            .filter(|(name, _)| name != "span")
            .map(|(name, value)| (name, without_spans(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Json::Array(items) => items.into_iter().map(without_spans).collect(),
        other => other,
    }
}

/// The first output file that is not there any more.
fn gone(plan: &Plan, outputs: &BTreeMap<String, Value>) -> Option<String> {
    outputs.values().find_map(|value| match value {
        Value::Path(path) if !plan.root.join(path).exists() => Some(path.clone()),
        _ => None,
    })
}
