//! Whether earlier results still hold, asked before a run: of a stage that was left out in the lane's newest run, of
//! finished stages of a run that is resumed. Decides nothing about what to run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::input::Outputs;
use crate::engine::look::{Effort, Found, Looker};
use crate::engine::resume::{self, Observed};
use crate::engine::reuse::difference;
use crate::engine::scope::visible;
use crate::engine::spec::Context;
use crate::engine::state::RunState;
use crate::event::{Event, Files, Keyed, NodeIndex, Record, Status};
use crate::history::{Filter, History};
use crate::plan::{Effect, Plan, Preset};
use crate::port::Results;
use crate::store::Store;

use super::shelf::Shelf;
use super::{Error, StoredRun};

/// The lane's newest run, as far as results are taken from it.
#[derive(Default)]
pub struct Newest {
    run: Option<Ran>,
}

struct Ran {
    id: String,
    plan: Plan,
    state: RunState,
    /// The key of each stage's result there.
    keys: BTreeMap<NodeIndex, Keyed>,
    shelf: Shelf,
}

impl Newest {
    pub(super) fn of(store: Store, plan: &Plan) -> Result<Newest, Error> {
        let filter = Filter { lane: Some(plan.lane.clone()), limit: Some(1), ..Filter::default() };
        let Some(newest) = store.runs(&filter)?.into_iter().next() else { return Ok(Newest::none()) };
        let shelf = Shelf::new(&plan.root, &store);
        let run = StoredRun::in_store(store, &newest.id)?;
        let records = run.records()?;
        let state = RunState::replay(&run.plan, &records)
            .map_err(|e| Error::refused(format!("run {} cannot be read: {e}", run.id), "start a new run"))?;
        let mut keys = BTreeMap::new();
        for record in records {
            match record.event {
                Event::StageRecorded { node, result: Some(result), .. } => drop(keys.insert(node, *result)),
                Event::StageReset { node, .. } | Event::ResultRevoked { node, .. } => {
                    drop(keys.remove(&node));
                }
                _ => {}
            }
        }
        Ok(Newest { run: Some(Ran { id: newest.id, plan: run.plan, state, keys, shelf }) })
    }

    pub(super) fn none() -> Newest {
        Newest::default()
    }

    /// The result to reuse, or why there is none.
    pub(super) fn reusable(&self, plan: &Plan, node: NodeIndex) -> Result<Preset, String> {
        plan.reusable(node)?;
        let Some(run) = &self.run else { return Err("the lane was never run".into()) };
        let spec = &plan.nodes[node as usize];
        let Some(then) = run.node(&spec.key) else { return Err(format!("run {} does not hold it", run.id)) };
        if !matches!(run.state.node(then).status, Status::Succeeded | Status::Reused) {
            return Err(format!("it did not succeed in run {}", run.id));
        }
        let Some(before) = run.keys.get(&then) else {
            return Err(format!("its result in run {} is for that run alone", run.id));
        };
        let context = nobodys();
        let looker = Looker { plan, context: &context, results: &run.shelf };
        let looked = looker.look(node, &run.outputs(plan, node), Effort::Look)?;
        if looked.keyed.key != before.key {
            return Err(format!("since run {}, {}", run.id, difference(before, &looked.keyed)));
        }
        match looked.found {
            Found::None(why) => Err(why),
            Found::Holds { stored, .. } => Ok(Preset::Reused {
                run: stored.keyed.made_by.clone().unwrap_or_else(|| stored.run.clone()).0,
                inputs: looked.inputs,
                outputs: stored.keyed.outputs.clone(),
                files: stored.files,
                result: Some(Box::new(stored.keyed)),
            }),
        }
    }
}

impl Ran {
    fn node(&self, key: &str) -> Option<NodeIndex> {
        self.plan.nodes.iter().position(|node| node.key == key).map(|index| index as NodeIndex)
    }

    /// What the node can read of others, as those ended here.
    fn outputs(&self, plan: &Plan, node: NodeIndex) -> Outputs {
        let mut state = RunState::new(plan);
        for (own, spec) in state.nodes.iter_mut().zip(&plan.nodes) {
            if let Some(then) = self.node(&spec.key) {
                own.status = self.state.node(then).status;
                own.outputs = self.state.node(then).outputs.clone();
            }
        }
        visible(plan, &state, node)
    }
}

/// Of no run yet: nothing that decides a result depends on it.
pub(super) fn nobodys() -> Context {
    Context { run: String::new(), secrets: BTreeMap::new(), log_dir: None, grace: Duration::ZERO }
}

/// Makes the files of results that the plan takes what they were, or refuses.
pub(super) fn mend(plan: &Plan, store: &Store) -> Result<(), Error> {
    let taken = plan.nodes.iter().filter_map(|node| match &node.preset {
        Some(Preset::Reused { files, .. }) => Some((node, files)),
        _ => None,
    });
    let taken: Vec<_> = taken.collect();
    if taken.is_empty() {
        return Ok(());
    }
    let (context, shelf) = (nobodys(), Shelf::new(&plan.root, store));
    let looker = Looker { plan, context: &context, results: &shelf };
    for (node, files) in taken {
        looker.verify(&plan.root, files, Effort::Mend).map_err(|why| {
            let message = format!("the last result of `{}` cannot be reused: {why}", node.key);
            Error::refused(message, format!("run it as well: add `{}` to --only", node.key))
        })?;
    }
    Ok(())
}

/// What finished stages of a stopped run rest on and left, as it is now. A file of which a copy is kept is brought back.
pub(super) fn observe(stored: &StoredRun, state: &RunState, past: &[Record], observed: &mut Observed) {
    let plan = &stored.plan;
    let (context, shelf) = (nobodys(), Shelf::new(&plan.root, &stored.store));
    let looker = Looker { plan, context: &context, results: &shelf };
    for node in resume::to_hash(plan, state) {
        let globs = &plan.nodes[node as usize].inputs;
        observed.inputs.insert(node, hash_now(&shelf, plan, node, globs, &state.node(node).files));
    }
    let newest = newest_marks(past);
    for (node, (spec, own)) in (0..).zip(plan.nodes.iter().zip(&state.nodes)) {
        if spec.effect == Effect::Once || !own.status.meets_need() || own.files.is_empty() {
            continue;
        }
        // A file that a later stage of the run wrote again is compared with what that one left.
        let files = own.files.keys().filter_map(|path| Some((path.clone(), newest.get(path)?.clone())));
        if let Err(why) = looker.verify(&plan.root, &files.collect(), Effort::Mend) {
            observed.outputs.insert(node, why);
        }
    }
}

/// The same hash as at the start: one whose key was worked out left its own outputs out.
fn hash_now(shelf: &Shelf, plan: &Plan, node: NodeIndex, globs: &[String], own: &Files) -> Option<String> {
    if plan.reusable(node).is_err() {
        return crate::workspace::tree::hash(&plan.root, globs).ok();
    }
    let own: Vec<_> = own.keys().map(|path| plan.root.join(path)).collect();
    Some(shelf.inputs(globs, &own).ok()?.hash)
}

fn newest_marks(past: &[Record]) -> Files {
    let mut marks = Files::new();
    for record in past {
        if let Event::StageRecorded { files, .. } = &record.event {
            marks.extend(files.clone());
        }
    }
    marks
}
