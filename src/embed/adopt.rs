//! Whether a stopped run's definition is still what the files say, and what becomes of it when it is not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use similar::TextDiff;

use crate::plan::Plan;

use super::start::Readings;
use super::{Asked, Error, Order, Place, Project, StoredRun, definition};

/// Refuses a changed definition with the difference, or, with `adopt`, stores the new one; true when it did.
pub(super) fn definition(place: &Place, stored: &mut StoredRun, adopt: bool) -> Result<bool, Error> {
    let now = definition::now(&place.root, stored.plan.definition.files.keys().cloned());
    let difference = difference(&stored.plan.definition.files, &now);
    if difference.is_empty() {
        return Ok(false);
    }
    if !adopt {
        return Err(Error::refused(
            format!("the definition of run {} has changed since it started\n{difference}", stored.id),
            format!("undo the change, or go on with it: `wfl resume {} --adopt`", stored.id),
        ));
    }
    let mut plan = replan(place, stored)?;
    // Ordered as it was begun.
    let order = Order { fail_first: Some(stored.plan.fail_first.is_some()), ..Order::default() };
    super::expect(&mut plan, &stored.store, &order);
    let json = serde_json::to_string(&plan)
        .map_err(|e| Error::refused(format!("the plan cannot be stored: {e}"), "this is a bug of wfl"))?;
    stored.store.replace_plan(&stored.id, &json)?;
    stored.plan = plan;
    Ok(true)
}

fn difference(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> String {
    let changed = then.iter().filter(|(path, text)| now.get(*path) != Some(text));
    changed
        .map(|(path, text)| {
            let new = now.get(path).map(String::as_str).unwrap_or_default();
            let diff = TextDiff::from_lines(text.as_str(), new);
            let (then, now) = (format!("{path} (then)"), format!("{path} (now)"));
            diff.unified_diff().context_radius(3).header(&then, &now).to_string()
        })
        .collect()
}

/// The plan of the same lane as its files are now, with the run's own parameters and facts. Its stages must be the
/// same, for what was recorded is told apart by them.
fn replan(place: &Place, stored: &StoredRun) -> Result<Plan, Error> {
    let old = &stored.plan;
    let files: Vec<PathBuf> = old
        .definition
        .files
        .keys()
        .map(|name| place.root.join(name))
        .filter(|path| path.extension().is_some_and(|kind| kind == "wfl") && path.is_file())
        .collect();
    let project = Project::at(place.clone(), &files);
    project.check()?;
    let asked = Asked {
        set: stored.summary.params.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        ..Asked::default()
    };
    let chosen = project.choose_again(&old.lane)?;
    let readings = Readings::pinned(&project, old.facts.clone());
    let mut plan = project.planned(project.model(), chosen, &asked, readings)?.plan;
    let keys = |plan: &Plan| -> Vec<String> { plan.nodes.iter().map(|node| node.key.clone()).collect() };
    if keys(&plan) != keys(old) {
        return Err(Error::refused(
            format!("run {} cannot go on with the new definition: its stages are not the same", stored.id),
            "start a new run; finished stages with `inputs` need not run again",
        ));
    }
    plan.seed = old.seed;
    super::recommend::again(old, &mut plan);
    Ok(plan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_and_a_missing_file_is_all_gone() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect()
        };
        let then = map(&[("a.wfl", "one\ntwo\n"), ("b.wfl", "same\n")]);
        assert_eq!(difference(&then, &then), "");
        let text = difference(&then, &map(&[("a.wfl", "one\n2\n"), ("b.wfl", "same\n")]));
        assert!(text.contains("-two\n+2") && !text.contains("same"), "{text}");
        assert!(difference(&then, &map(&[("a.wfl", "one\ntwo\n")])).contains("-same"));
    }
}
