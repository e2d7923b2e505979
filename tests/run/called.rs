//! Plans of lanes that call each other, made from their texts as the program makes them. Runs nothing.

use std::collections::BTreeMap;

use wfl::base::Value;
use wfl::expr::facts::Fact;
use wfl::load::{Loaded, Memory, Request, load};
use wfl::plan::{Action, Definition, Given, Plan};

/// The plan of a lane of `case.wfl`, with other files beside it; or what was found wrong, `CODE message` each.
pub fn plan_of(files: &[(&str, &str)], lane: &str, set: &[(&str, &str)]) -> Result<Plan, Vec<String>> {
    let memory = files.iter().fold(Memory::default(), |memory, (name, text)| {
        memory.with(format!("/project/{name}"), format!("wfl 1\n{text}"))
    });
    let request = Request { root: "/project".into(), cwd: "/project".into(), paths: vec!["case.wfl".into()] };
    let Loaded { sources, units, mut diagnostics, .. } = load(&request, &memory);
    let checked = wfl::model::check(&sources, &units);
    diagnostics.extend(checked.diagnostics);
    let words = |found: Vec<wfl::diag::Diagnostic>| -> Vec<String> {
        found.iter().map(|found| format!("{} {}", found.code.id, found.message)).collect()
    };
    diagnostics.retain(wfl::diag::Diagnostic::is_error);
    if !diagnostics.is_empty() {
        return Err(words(diagnostics));
    }
    let model = checked.model;
    let id = model.lanes.iter().find(|known| known.name == lane).expect("a lane of that name").id;
    let lane = wfl::model::resolve::lane(&model, id).map_err(words)?;
    let given = Given {
        root: "/project".into(),
        params: Default::default(),
        set: set.iter().map(|(name, text)| (name.to_string(), text.to_string())).collect(),
        facts: BTreeMap::from([("os".to_owned(), Fact::Read(Value::String("linux".into())))]),
        definition: Definition::default(),
        seed: 7,
        sources: &sources,
    };
    wfl::plan::build(&model, &lane, &given).map_err(words)
}

/// The plan of one text.
pub fn plan(text: &str, lane: &str) -> Plan {
    plan_of(&[("case.wfl", text)], lane, &[]).unwrap_or_else(|found| panic!("{found:#?}"))
}

/// What a node's only `exec` is given, as far as it is known before the run.
pub fn argv(plan: &Plan, key: &str) -> Vec<String> {
    let node = &plan.nodes[super::lanes::node(plan, key) as usize];
    let Some(Action::Exec { argv }) = node.actions.first() else { return Vec::new() };
    argv.iter().map(|part| part.as_value().map_or("?".to_owned(), ToString::to_string)).collect()
}
