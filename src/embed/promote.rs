//! A lane that goes on where a run of a lighter one ended: what that run did well is taken, the rest runs. Taken is only what
//! was done under the same definition and conditions, on files that nobody changed since.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use crate::engine::look::{Effort, Looker};
use crate::engine::state::RunState;
use crate::event::{NodeIndex, RunStatus, Status};
use crate::facts::git;
use crate::plan::{Edge, EdgeKind, Effect, Node, Plan, Preset};

use super::reuse::nobodys;
use super::shelf::Shelf;
use super::{Asked, Error, Planned, Project, StoredRun};

/// A plan that takes results of a run, and in one line what it takes.
pub struct Promoted {
    pub planned: Planned,
    pub said: String,
}

impl Project {
    /// The plan of `asked`'s lane, or of the lane that the run's lane extends, with what the run did already.
    pub fn promote(&self, run: &str, asked: &Asked) -> Result<Promoted, Error> {
        let Some(store) = self.place.existing_state()? else {
            return Err(Error::refused("this project has no runs yet", "`wfl run` starts one"));
        };
        let run = StoredRun::in_store(store, run)?;
        if matches!(run.summary.status, RunStatus::Running | RunStatus::Waiting | RunStatus::Interrupted) {
            let help = format!("bring it to its end first: `wfl resume {}`", run.id);
            return Err(Error::refused(format!("run {} has not ended", run.id), help));
        }
        if run.summary.status == RunStatus::RolledBack {
            let help = "start the fuller lane from its beginning: `wfl run LANE`";
            return Err(Error::refused(format!("what run {} did was rolled back", run.id), help));
        }
        let mut planned = self.plan(&self.above(&run, asked)?)?;
        let stale = stale(&run, &planned);
        let done = Done::of(run)?;
        let taken = match &stale {
            Some(_) => BTreeSet::new(),
            None => done.takes(&planned.plan),
        };
        repeatable(&planned.plan, &done, &taken)?;
        done.give(&mut planned.plan, &taken);
        let said = said(&done.run, &planned.plan, taken.len(), stale);
        Ok(Promoted { planned, said })
    }

    /// What is asked for, its lane and parameters filled in from the run.
    fn above(&self, run: &StoredRun, asked: &Asked) -> Result<Asked, Error> {
        let mut asked = asked.clone();
        let given: BTreeSet<String> = asked.set.iter().map(|(name, _)| name.clone()).collect();
        let then = run.summary.params.iter().filter(|(name, _)| !given.contains(*name));
        asked.set.extend(then.map(|(name, value)| (name.clone(), value.clone())));
        if asked.change.id.is_none() {
            asked.change.id = Some(run.summary.change.id.clone());
        }
        if asked.target.is_none() && asked.lane.is_none() {
            asked.target = Some(self.parent(&run.plan.lane)?);
        }
        Ok(asked)
    }

    fn parent(&self, lane: &str) -> Result<String, Error> {
        let is = |id: &u32| self.model.lanes[*id as usize].name == lane;
        let found = self.own_lanes().into_iter().chain(self.std_lanes()).find(is);
        let extends = found.and_then(|id| self.model.lanes[id as usize].extends);
        let Some((parent, _)) = extends else {
            let help = "name the lane: `wfl run LANE --promote RUN`";
            return Err(Error::refused(format!("lane `{lane}` extends none it could be promoted to"), help));
        };
        let name = &self.model.lanes[parent as usize].name;
        let own = self.own_lanes().contains(&parent);
        Ok(if own { name.clone() } else { format!("std.lanes.{name}") })
    }
}

/// Why nothing of the run can be taken: the first file that is not what it was when the run began.
fn stale(run: &StoredRun, planned: &Planned) -> Option<String> {
    let then = &run.summary;
    if then.change.files != planned.change.files {
        return Some("other files are changed now".into());
    }
    let root = &run.plan.root;
    let sha = Some(then.change.sha.as_str()).filter(|sha| !sha.is_empty());
    // Without git nobody knows which files matter; those that the stages left are looked at all the same.
    let tracked = git::tracked_changed_since(root, sha, then.started).unwrap_or_default();
    let changed = |file: &&String| git::changed_after(root, file, then.started);
    let first = tracked.first().or_else(|| then.change.files.iter().find(changed))?;
    Some(format!("{first} was changed since"))
}

/// A run that ended, as far as its results are taken.
struct Done {
    run: StoredRun,
    state: RunState,
    shelf: Shelf,
    index: BTreeMap<String, NodeIndex>,
}

impl Done {
    fn of(run: StoredRun) -> Result<Done, Error> {
        let records = run.records()?;
        let state = RunState::replay(&run.plan, &records)
            .map_err(|e| Error::refused(format!("run {} cannot be read: {e}", run.id), "start a new run"))?;
        let shelf = Shelf::new(&run.plan.root, &run.store);
        let keys = (0..).zip(&run.plan.nodes);
        let index = keys.map(|(index, node)| (node.key.clone(), index)).collect();
        Ok(Done { run, state, shelf, index })
    }

    /// The same stage in the run, if it was there and ended well.
    fn well(&self, key: &str) -> Option<NodeIndex> {
        let node = *self.index.get(key)?;
        matches!(self.state.node(node).status, Status::Succeeded | Status::Reused).then_some(node)
    }

    /// What still holds: the same work with a good end, files untouched, and all it needs taken as well.
    fn takes(&self, plan: &Plan) -> BTreeSet<NodeIndex> {
        let mut taken = BTreeSet::new();
        if !same_functions(plan, &self.run.plan) {
            return taken;
        }
        let (context, results) = (nobodys(), &self.shelf);
        let looker = Looker { plan, context: &context, results };
        for (node, spec) in (0..).zip(&plan.nodes) {
            let part_of_call = spec.call.is_some() || spec.closes.is_some();
            // Whoever is asked in this lane was not asked in that one.
            let apart = part_of_call || !spec.approvals.is_empty();
            let Some(then) = self.well(&spec.key).filter(|_| !apart) else { continue };
            let same = work(plan, spec) == work(&self.run.plan, &self.run.plan.nodes[then as usize]);
            let files = &self.state.node(then).files;
            if same && looker.verify(&plan.root, files, Effort::Look).is_ok() {
                taken.insert(node);
            }
        }
        resting(plan, taken)
    }

    fn give(&self, plan: &mut Plan, taken: &BTreeSet<NodeIndex>) {
        for &index in taken {
            let node = &mut plan.nodes[index as usize];
            let Some(then) = self.index.get(&node.key) else { continue };
            let state = self.state.node(*then);
            node.preset = Some(Preset::Reused {
                run: self.run.id.0.clone(),
                inputs: String::new(),
                outputs: state.outputs.clone(),
                files: state.files.clone(),
                result: None,
            });
            node.edges =
                node.edges.iter().map(|edge| Edge { to: edge.to, kind: EdgeKind::Follows }).collect();
        }
    }
}

/// Without those that need one which is not taken, directly or through others.
fn resting(plan: &Plan, mut taken: BTreeSet<NodeIndex>) -> BTreeSet<NodeIndex> {
    loop {
        let sound = |node: &NodeIndex| {
            let edges = plan.nodes[*node as usize].edges.iter();
            edges.filter(|edge| edge.kind == EdgeKind::Needs).all(|edge| taken.contains(&edge.to))
        };
        let kept: BTreeSet<NodeIndex> = taken.iter().copied().filter(sound).collect();
        if kept.len() == taken.len() {
            return kept;
        }
        taken = kept;
    }
}

/// What is done once and was done must not be done again.
fn repeatable(plan: &Plan, done: &Done, taken: &BTreeSet<NodeIndex>) -> Result<(), Error> {
    let again = (0..).zip(&plan.nodes).find(|(index, node)| {
        node.effect == Effect::Once && !taken.contains(index) && done.well(&node.key).is_some()
    });
    let Some((_, node)) = again else { return Ok(()) };
    Err(Error::refused(
        format!("`{}` did its work in run {} and would do it once more", node.key, done.run.id),
        "promote the run before anything is changed, or run the stages that are left with --only",
    ))
}

/// What a node does and is judged by, free of where it stands: two nodes of the same work give the same value.
fn work(plan: &Plan, node: &Node) -> Json {
    let mut json = serde_json::to_value(node).unwrap_or(Json::Null);
    if let Json::Object(fields) = &mut json {
        for place in
            ["stage", "number", "place", "docs", "edges", "priority", "expected", "approvals", "preset"]
        {
            fields.remove(place);
        }
        fields.remove("suspect");
    }
    settle(plan, &mut json);
    json
}

/// Whether functions that both plans hold are the same: nodes tell functions by name.
fn same_functions(one: &Plan, other: &Plan) -> bool {
    let (one, other) = (functions(one), functions(other));
    one.iter().all(|(name, bodies)| other.get(name).is_none_or(|others| others == bodies))
}

fn functions(plan: &Plan) -> BTreeMap<&str, Vec<Json>> {
    let mut all: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
    for function in &plan.functions {
        let mut body = serde_json::to_value(function).unwrap_or(Json::Null);
        settle(plan, &mut body);
        all.entry(&function.name).or_default().push(body);
    }
    all
}

/// Takes places in the source out and puts names where numbers stood that mean something in one plan only.
fn settle(plan: &Plan, root: &mut Json) {
    let mut open = vec![root];
    while let Some(json) = open.pop() {
        match json {
            Json::Object(fields) => {
                fields.remove("span");
                let stage = fields.get("stage").and_then(Json::as_u64);
                let named = stage.and_then(|stage| plan.stages.get(stage as usize));
                if let Some(named) = named {
                    fields.insert("stage".into(), Json::String(named.name.clone()));
                }
                let function = fields.get("function").and_then(Json::as_u64);
                if let Some(function) = function.and_then(|at| plan.functions.get(at as usize)) {
                    fields.insert("function".into(), Json::String(function.name.clone()));
                }
                let secret = fields.get("global").and_then(Json::as_u64);
                let secret =
                    secret.and_then(|at| plan.secrets.iter().find(|one| u64::from(one.global) == at));
                if let Some(secret) = secret {
                    fields.insert("global".into(), Json::String(secret.name.clone()));
                }
                open.extend(fields.iter_mut().map(|(_, value)| value));
            }
            Json::Array(items) => open.extend(items.iter_mut()),
            _ => {}
        }
    }
}

fn said(run: &StoredRun, plan: &Plan, taken: usize, stale: Option<String>) -> String {
    let left = plan.nodes.len() - taken;
    let whose = format!("run {} of lane {}", run.id, run.plan.lane);
    match stale {
        Some(why) => format!("promotes {whose}: {why}, so nothing of it is taken"),
        None => format!("promotes {whose}: {taken} of its results are taken, {left} stages are left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::tests::plan;

    #[test]
    fn the_same_work_is_the_same_wherever_it_stands() {
        let one = plan(&[("setup", &[]), ("tests", &[0])]);
        let mut two = plan(&[("early", &[]), ("setup", &[]), ("tests", &[1])]);
        assert_eq!(work(&one, &one.nodes[1]), work(&two, &two.nodes[2]));
        two.nodes[2].confirm = Some("sure?".into());
        assert_ne!(work(&one, &one.nodes[1]), work(&two, &two.nodes[2]));
    }

    #[test]
    fn what_rests_on_something_that_runs_again_runs_again() {
        let plan = plan(&[("a", &[]), ("b", &[0]), ("c", &[1]), ("d", &[])]);
        assert_eq!(resting(&plan, BTreeSet::from([1, 2, 3])), BTreeSet::from([3]));
        assert_eq!(resting(&plan, BTreeSet::from([0, 1, 3])), BTreeSet::from([0, 1, 3]));
    }
}
