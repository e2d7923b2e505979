//! The text a run is made from, pinned: which files, under which names, and their hash. Compares nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::load;
use crate::model::LaneId;
use crate::plan::{Definition, library_sets};

use super::choice::{Chosen, Which};
use super::project::Project;
use super::rules;

/// The files behind the lane, with the parameters that were given.
pub(super) fn pin(project: &Project, chosen: &Chosen, set: &BTreeMap<String, String>) -> Definition {
    let mut files: BTreeMap<String, String> =
        units(project, chosen).into_iter().filter_map(|unit| text(project, unit)).collect();
    files.extend(rules::pinned(&library_sets(&project.model)));
    Definition { hash: hash(&files, set), files }
}

/// The hash over all files and parameters; lengths keep one text from running into the next.
pub(super) fn hash(files: &BTreeMap<String, String>, set: &BTreeMap<String, String>) -> String {
    let mut hasher = blake3::Hasher::new();
    for (kind, map) in [("file", files), ("set", set)] {
        for (name, text) in map {
            for part in [kind, name, text] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
    }
    hasher.finalize().to_hex().to_string()
}

/// Units that the lane rests on: its file, those of the lanes it extends, all these import, the project's settings, and
/// the library where any of them names it.
fn units(project: &Project, chosen: &Chosen) -> BTreeSet<usize> {
    let mut open: Vec<usize> = chosen.lane.stages.iter().map(|stage| stage.module as usize).collect();
    open.extend(modules_of(project, chosen.which));
    let settings = project.model.project.span.map(|span| span.file);
    open.extend(project.units.iter().position(|unit| Some(unit.tree.id) == settings));
    let mut found = BTreeSet::new();
    while let Some(unit) = open.pop() {
        if found.insert(unit)
            && let Some(unit) = project.units.get(unit)
        {
            open.extend(unit.imports.iter().filter_map(|import| import.unit));
        }
    }
    let names_std = |unit: &usize| text(project, *unit).is_some_and(|(_, text)| text.contains("std."));
    if found.iter().any(names_std) {
        found.extend((0..project.units.len()).filter(|&unit| project.units[unit].std));
    }
    found
}

fn modules_of(project: &Project, which: Which) -> Vec<usize> {
    let mut lane: Option<LaneId> = match which {
        Which::WholeFile(module) => return vec![module as usize],
        Which::Lane(id) => Some(id),
    };
    let mut modules = Vec::new();
    // A circle was refused by the checker; the bound only keeps this loop honest.
    while let (Some(id), true) = (lane, modules.len() <= project.model.lanes.len()) {
        let found = &project.model.lanes[id as usize];
        modules.push(found.module as usize);
        lane = found.extends.map(|(parent, _)| parent);
    }
    modules
}

/// Name and text of a unit; files are named from the root, so that it does not matter where a command runs.
fn text(project: &Project, unit: usize) -> Option<(String, String)> {
    let unit = project.units.get(unit)?;
    let file = project.sources.get(unit.tree.id);
    let name = if unit.std { unit.name.clone() } else { from_root(project, &file.path) };
    Some((name, file.text.to_string()))
}

fn from_root(project: &Project, shown: &str) -> String {
    let absolute = project.place.cwd.join(shown);
    let absolute = absolute.canonicalize().unwrap_or(absolute);
    let inside = absolute.strip_prefix(&project.place.root);
    inside.map_or_else(|_| shown.to_string(), |path| path.to_string_lossy().into_owned())
}

/// The text of each of these names as it is now; a file that is gone is empty.
pub(super) fn now(root: &Path, names: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    names.map(|name| (text_now(root, &name), name)).map(|(text, name)| (name, text)).collect()
}

fn text_now(root: &Path, name: &str) -> String {
    if let Some(hash) = rules::hash_now(name) {
        return hash;
    }
    let module = name.strip_prefix("std.");
    let std = module.and_then(|module| load::std_modules().iter().find(|(known, _)| *known == module));
    match std {
        Some((_, text)) => text.to_string(),
        None => std::fs::read_to_string(root.join(name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_tells_texts_names_and_parameters_apart() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
        };
        let (none, a) = (map(&[]), map(&[("a", "bc")]));
        let hashes = [hash(&a, &none), hash(&map(&[("ab", "c")]), &none), hash(&none, &a), hash(&a, &a)];
        let different: BTreeSet<&String> = hashes.iter().collect();
        assert_eq!(different.len(), 4);
        assert_eq!(hashes[0], hash(&a, &none));
    }
}
