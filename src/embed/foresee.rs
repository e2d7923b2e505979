//! What a run would reuse, as things are now: for `--dry-run`. Starts and writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::look::{Effort, Found, Looker};
use crate::engine::reuse::named;
use crate::engine::scope::visible;
use crate::engine::state::RunState;
use crate::event::{NodeIndex, Status};
use crate::plan::{Plan, Preset};

use super::outline::order;
use super::reuse::nobodys;
use super::shelf::Shelf;
use super::{Error, Project};

/// The run whose result a stage would take, or why it would run.
pub type Foreseen = Result<String, String>;

impl Project {
    /// Of each stage that could ever be reused.
    pub fn foresee(&self, plan: &Plan) -> Result<BTreeMap<NodeIndex, Foreseen>, Error> {
        let Some(store) = self.history()? else { return Ok(BTreeMap::new()) };
        let (context, shelf) = (nobodys(), Shelf::new(&plan.root, &store));
        let looker = Looker { plan, context: &context, results: &shelf };
        let mut state = RunState::new(plan);
        let mut runs: BTreeSet<u32> = BTreeSet::new();
        let mut foreseen = BTreeMap::new();
        for node in order(plan) {
            let spec = &plan.nodes[node as usize];
            if let Some(Preset::Reused { outputs, .. }) = &spec.preset {
                state.nodes[node as usize].outputs.clone_from(outputs);
                continue;
            }
            if plan.reusable(node).is_err() {
                runs.insert(spec.stage);
                continue;
            }
            let one = foresee(&looker, &mut state, node, &runs);
            if one.is_err() {
                runs.insert(spec.stage);
            }
            foreseen.insert(node, one);
        }
        Ok(foreseen)
    }
}

fn foresee(looker: &Looker<'_>, state: &mut RunState, node: NodeIndex, runs: &BTreeSet<u32>) -> Foreseen {
    let plan = looker.plan;
    let made = named(&plan.nodes[node as usize]).into_iter().find(|(stage, _)| runs.contains(stage));
    if let Some((stage, name)) = made {
        let stage = plan.stages.get(stage as usize).map_or("?", |stage| stage.name.as_str());
        return Err(format!("it reads `{stage}.{name}`, and `{stage}` would run"));
    }
    let looked = looker.look(node, &visible(plan, state, node), Effort::Look)?;
    match looked.found {
        Found::None(why) => Err(why),
        Found::Holds { stored, .. } => {
            state.nodes[node as usize].status = Status::Reused;
            state.nodes[node as usize].outputs = stored.keyed.outputs.clone();
            Ok(stored.keyed.made_by.unwrap_or(stored.run).0)
        }
    }
}
