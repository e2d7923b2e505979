//! The library's repair rules for a run that has come to a failure: read then and not before, for most runs need none.
//! Decides nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::drive::Library;
use crate::expr::facts::{FactKey, FactValues};
use crate::facts::World;
use crate::load::{self, Memory, Request};
use crate::model;
use crate::plan::{self, Definition, Given, Plan, Repair};
use crate::port::Facts;

/// How the name of a library file ends that is pinned by its hash alone: its text is not stored with every run.
const HASHED: &str = " (blake3)";

/// Reads the files that the plan names when the engine asks for them.
pub(super) fn library(plan: &Arc<Plan>, world: &Arc<World>) -> Library {
    let (plan, world) = (plan.clone(), world.clone());
    match plan.repair_sets.is_empty() {
        true => Library::default(),
        false => Library(Some(Arc::new(move || read(&plan, &world)))),
    }
}

fn read(plan: &Plan, world: &World) -> Vec<Repair> {
    plan.repair_sets.iter().flat_map(|set| rules(set, plan, world)).collect()
}

fn rules(set: &str, plan: &Plan, world: &World) -> Vec<Repair> {
    let request = Request { root: plan.root.clone(), cwd: plan.root.clone(), paths: Vec::new() };
    let loaded = load::load_with(&request, &Memory::default(), &[set]);
    let model = model::check(&loaded.sources, &loaded.units).model;
    let keys = plan::library_facts(&model);
    let new: Vec<FactKey> = keys.into_iter().filter(|key| !plan.facts.contains_key(&key.id())).collect();
    // What was read at the run's start still stands.
    let mut facts: FactValues = plan.facts.clone();
    facts.extend(world.read(&new));
    let given = Given {
        root: plan.root.clone(),
        set: BTreeMap::new(),
        params: BTreeMap::new(),
        facts,
        definition: Definition::default(),
        seed: plan.seed,
        sources: &loaded.sources,
    };
    plan::library_rules(&model, &given)
}

/// Library files of rules that the run's definition rests on, each by the hash of its text.
pub(super) fn pinned(sets: &[String]) -> impl Iterator<Item = (String, String)> + '_ {
    sets.iter().filter_map(|set| {
        let name = format!("std.{set}{HASHED}");
        hash_now(&name).map(|hash| (name, hash))
    })
}

/// The hash of a library file that was pinned under this name.
pub(super) fn hash_now(name: &str) -> Option<String> {
    let module = name.strip_prefix("std.")?.strip_suffix(HASHED)?;
    let (_, text) = load::std_modules().iter().find(|(known, _)| *known == module)?;
    Some(format!("{}\n", blake3::hash(text.as_bytes()).to_hex()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_file_is_pinned_by_its_hash_and_nothing_else_is() {
        let pinned: Vec<(String, String)> = pinned(&["repair".into(), "nothing".into()]).collect();
        assert_eq!(pinned.len(), 1);
        let (name, hash) = &pinned[0];
        assert_eq!((name.as_str(), hash.len()), ("std.repair (blake3)", 65));
        assert_eq!(hash_now("std.repair"), None);
        assert_eq!(hash_now("repair (blake3)"), None);
    }
}
