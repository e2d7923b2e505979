//! What decides a stage's result, as named parts; the key over them; what differs between two. Pure: the world's side
//! comes in as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::templates;
use crate::event::{Files, Keyed, NodeIndex};
use crate::expr::{Expr, Kind};
use crate::plan::{self, Plan};
use crate::port::{Action, AttemptSpec, InputFiles};

use super::input::Outputs;

/// Changed whenever keys are made in another way: no result of before is taken then.
const FORM: &str = concat!("1 of wfl ", env!("CARGO_PKG_VERSION"));
/// Longer values are recorded as their hash: people are told that they changed, not from what to what.
const LONGEST: usize = 160;
/// Beyond these, input files are not told apart.
const MOST_INPUTS: usize = 5_000;
/// How many differences are named.
const NAMED: usize = 3;

/// What was read of the world for a key.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub inputs: InputFiles,
    /// Program → its file and content.
    pub programs: BTreeMap<String, String>,
    /// Passed variable → hash of its value.
    pub passed: BTreeMap<String, String>,
    /// Templates, schemas and files of upstream outputs, relative to the root, each with its hash.
    pub files: BTreeMap<String, String>,
}

/// Parts by name, in full.
pub type Parts = BTreeMap<String, String>;

/// Everything that decides the result of the node's actions, by name.
pub fn parts(plan: &Plan, node: NodeIndex, spec: &AttemptSpec, outputs: &Outputs, seen: &Seen) -> Parts {
    let own = &plan.nodes[node as usize];
    let mut parts = Parts::from([
        ("form".into(), FORM.into()),
        ("stage".into(), own.key.clone()),
        ("cwd".into(), relative(spec, &spec.cwd.to_string_lossy())),
        ("inputs".into(), seen.inputs.hash.clone()),
        ("input globs".into(), own.inputs.join(", ")),
    ]);
    let std = std_text(plan);
    parts.extend((!std.is_empty()).then(|| ("std".to_owned(), hash(&std))));
    let mut add = |name: String, value: String| drop(parts.insert(name, value));
    for (place, action) in (1..).zip(&spec.actions) {
        actions(place, action, spec, seen, &mut add);
    }
    for (name, value) in spec.env.iter().filter(|(name, _)| !name.starts_with("WFL_")) {
        add(format!("env {name}"), value.clone());
    }
    for (name, value) in &own.matrix {
        add(format!("matrix {name}"), value.to_string());
    }
    for (name, value) in &seen.programs {
        add(format!("program {name}"), value.clone());
    }
    let kind = if spec.clean_env.is_some() { "clean" } else { "inherit" };
    add("environment".into(), kind.into());
    for (name, value) in &seen.passed {
        add(format!("passed {name}"), value.clone());
    }
    for (stage, name) in reads(own, outputs) {
        upstream(plan, (stage, &name), outputs, seen, &mut add);
    }
    for output in &own.outputs {
        add(format!("out {}", output.name), format!("{}: {}", output.ty, unplaced(plan, &output.value)));
    }
    for (place, check) in (1..).zip(&own.after) {
        add(format!("after {place}"), format!("{} = {}", check.text, unplaced(plan, &check.expr)));
    }
    if calls(own) {
        let bodies = plan.functions.iter().map(|function| unplaced(plan, &function.body));
        add("functions".into(), bodies.collect::<Vec<_>>().join("\n"));
    }
    for path in &spec.outputs {
        add(format!("writes {}", relative(spec, &path.to_string_lossy())), "yes".into());
    }
    parts
}

fn actions(
    place: usize,
    action: &Action,
    spec: &AttemptSpec,
    seen: &Seen,
    add: &mut dyn FnMut(String, String),
) {
    let name = |what: &str| if place == 1 { what.to_owned() } else { format!("{what} of action {place}") };
    match action {
        Action::Script { interpreter, text } => {
            add(name("interpreter"), interpreter.clone());
            add(name("script"), text.clone());
        }
        Action::Exec { argv } => add(name("exec"), serde_json::to_string(argv).unwrap_or_default()),
        Action::Render { target, template, schema, context } => {
            let file = |path: &str| seen.files.get(path).cloned().unwrap_or_default();
            add(name("render"), relative(spec, &target.to_string_lossy()));
            let template = template.to_string_lossy();
            add(format!("template {template}"), file(&template_file(&template)));
            if let Some(text) = templates::name(&template).and_then(templates::text) {
                add(format!("built-in template {template}"), blake3::hash(text.as_bytes()).to_string());
            }
            if let Some(schema) = schema.as_ref().map(|schema| schema.to_string_lossy()) {
                add(format!("schema {schema}"), file(&schema));
            }
            add(name("rendered values"), context.to_string());
        }
    }
}

/// The file of the project that a template is read from; of a built-in one, the one that would go before it.
fn template_file(template: &str) -> String {
    templates::name(template).map_or_else(|| template.to_owned(), templates::own)
}

/// An output of another stage that the stage reads: its value, and of a file its content.
fn upstream(
    plan: &Plan,
    (stage, name): (u32, &str),
    outputs: &Outputs,
    seen: &Seen,
    add: &mut dyn FnMut(String, String),
) {
    let whose = plan.stages.get(stage as usize).map_or("?", |stage| stage.name.as_str());
    let Some(value) = outputs.get(&(stage, name.to_owned())) else { return };
    add(format!("output {whose}.{name}"), value.to_string());
    for path in paths(value) {
        if let Some(hash) = seen.files.get(&path) {
            add(format!("output {whose}.{name}: {path}"), hash.clone());
        }
    }
}

/// Files that must be read for the key, relative to the root: templates, schemas, upstream outputs.
pub fn files_to_read(
    plan: &Plan,
    node: NodeIndex,
    spec: &AttemptSpec,
    outputs: &Outputs,
) -> BTreeSet<String> {
    let mut files = BTreeSet::new();
    for action in &spec.actions {
        if let Action::Render { template, schema, .. } = action {
            files.insert(template_file(&template.to_string_lossy()));
            files.extend(schema.iter().map(|schema| schema.to_string_lossy().into_owned()));
        }
    }
    for read in reads(&plan.nodes[node as usize], outputs) {
        files.extend(outputs.get(&read).into_iter().flat_map(paths));
    }
    files
}

fn paths(value: &crate::base::Value) -> Vec<String> {
    use crate::base::Value;
    match value {
        Value::Path(path) => vec![path.clone()],
        Value::List(items) => items.iter().flat_map(paths).collect(),
        _ => Vec::new(),
    }
}

/// The outputs of other stages that the node's own expressions name, of those it can see.
fn reads(node: &plan::Node, outputs: &Outputs) -> BTreeSet<(u32, String)> {
    let mut found = named(node);
    found.retain(|read| outputs.contains_key(read));
    found
}

/// The outputs of other stages that the node's own expressions name.
pub fn named(node: &plan::Node) -> BTreeSet<(u32, String)> {
    let mut found = BTreeSet::new();
    let mut look = |expr: &Expr| {
        expr.walk(&mut |part| {
            if let Kind::Output { stage, name } = &part.kind {
                found.insert((*stage, name.clone()));
            }
        });
    };
    node.env.iter().for_each(|(_, value)| look(value));
    node.cwd.iter().for_each(&mut look);
    node.outputs.iter().for_each(|output| look(&output.value));
    node.after.iter().for_each(|check| look(&check.expr));
    for action in &node.actions {
        match action {
            plan::Action::Script { .. } => {}
            plan::Action::Exec { argv } => argv.iter().for_each(&mut look),
            plan::Action::Render { target, template, context, schema } => {
                [target, template].into_iter().for_each(&mut look);
                context.iter().for_each(|(_, value)| look(value));
                schema.iter().for_each(|schema| look(schema));
            }
        }
    }
    found.retain(|read| read.0 != node.stage);
    found
}

/// Whether what is judged of the result after its attempt goes through functions.
fn calls(node: &plan::Node) -> bool {
    let mut calls = false;
    let judged =
        node.outputs.iter().map(|output| &output.value).chain(node.after.iter().map(|check| &check.expr));
    judged.for_each(|expr| expr.walk(&mut |part| calls |= matches!(part.kind, Kind::Call { .. })));
    calls
}

/// The key over the parts in full.
pub fn key(parts: &Parts) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in parts.iter().flat_map(|(name, value)| [name, value]) {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

/// What is recorded under the key; the outputs come when they are known.
pub fn keyed(parts: &Parts, inputs: &InputFiles) -> Keyed {
    let shown = parts.iter().map(|(name, value)| (name.clone(), shown(value))).collect();
    let few = inputs.files.len() <= MOST_INPUTS;
    let inputs = few.then(|| inputs.files.iter().map(|(path, mark)| (path.clone(), brief(mark))).collect());
    Keyed { key: key(parts), parts: shown, inputs, ..Keyed::default() }
}

fn brief(mark: &crate::event::FileMark) -> String {
    let kind = if mark.executable { "+x " } else { "" };
    format!("{kind}{}", mark.hash.get(..16).unwrap_or(&mark.hash))
}

fn shown(value: &str) -> String {
    match value.len() <= LONGEST && !value.contains('\n') {
        true => value.to_owned(),
        false => format!("blake3:{}", hash(value)),
    }
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// What changed from `then` to `now`, in words: the first few parts, each with its values where they say something.
pub fn difference(then: &Keyed, now: &Keyed) -> String {
    let mut found = Vec::new();
    let names: BTreeSet<&String> = then.parts.keys().chain(now.parts.keys()).collect();
    for name in names {
        let (old, new) = (then.parts.get(name), now.parts.get(name));
        if old != new {
            found.push(match name.as_str() {
                "inputs" => inputs_changed(then, now),
                name => part_changed(name, old, new),
            });
        }
    }
    if found.is_empty() {
        return "nothing that is recorded differs".into();
    }
    // What a person changed most often, and most likely just now, comes first.
    found.sort_by_key(|text| !text.starts_with("`inputs`"));
    let more = found.len().saturating_sub(NAMED);
    found.truncate(NAMED);
    let text = found.join("; ");
    if more > 0 { format!("{text}; and {more} more") } else { text }
}

fn part_changed(name: &str, old: Option<&String>, new: Option<&String>) -> String {
    let (kind, rest) = name.split_once(' ').unwrap_or((name, ""));
    let what = match kind {
        "program" => format!("program {rest}"),
        "form" => "the version of wfl".into(),
        "writes" => format!("the output file {rest}"),
        _ => format!("`{name}`"),
    };
    let hashed = |value: &String| {
        let digits = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits || value.starts_with("blake3:")
    };
    let told = !["program", "template", "schema", "passed", "out"].contains(&kind);
    let plain = |value: &String| told && !hashed(value);
    match (old, new) {
        (None, _) if kind == "writes" => format!("{what} is new"),
        (_, None) if kind == "writes" => format!("{what} is gone"),
        (Some(old), Some(new)) if plain(old) && plain(new) => {
            format!("{what} changed from {old:?} to {new:?}")
        }
        (None, Some(new)) if plain(new) => format!("{what} is new: {new:?}"),
        (None, _) => format!("{what} is new"),
        (Some(_), Some(_)) => format!("{what} changed"),
        (Some(_), None) => format!("{what} is gone"),
    }
}

fn inputs_changed(then: &Keyed, now: &Keyed) -> String {
    let (Some(old), Some(new)) = (&then.inputs, &now.inputs) else { return "`inputs` changed".into() };
    let mut files = Vec::new();
    for (path, hash) in new {
        match old.get(path) {
            None => files.push(format!("{path} is new")),
            Some(before) if before != hash => files.push(match before.contains(' ') == hash.contains(' ') {
                true => path.clone(),
                false => format!("the mode of {path}"),
            }),
            Some(_) => {}
        }
    }
    files.extend(old.keys().filter(|path| !new.contains_key(*path)).map(|path| format!("{path} is gone")));
    let more = files.len().saturating_sub(NAMED);
    files.truncate(NAMED);
    let text = files.join(", ");
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("`inputs` changed: {text}{more}")
}

/// Whether an earlier result is to be checked by running again: `percent` of all, the same for one seed and key.
pub fn drawn(seed: u64, key: &str, percent: u32) -> bool {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes()).update(key.as_bytes());
    let bytes = *hasher.finalize().as_bytes();
    let draw = bytes[..8].iter().fold(0u64, |sum, byte| sum << 8 | u64::from(*byte));
    draw % 10_000 < u64::from(percent) * 100
}

/// The first output that is not the same in two results, in words.
pub fn outputs_differ(then: &(Keyed, Files), now: &(Keyed, Files)) -> Option<String> {
    let (old, new) = (&then.1, &now.1);
    let file = new.iter().find(|(path, mark)| !old.get(*path).is_some_and(|old| old.same_content(mark)));
    let gone = || old.keys().find(|path| !new.contains_key(*path));
    let value = || {
        let differs =
            |(name, value): &(&String, &crate::base::Value)| then.0.outputs.get(*name) != Some(value);
        now.0.outputs.iter().find(differs).map(|(name, _)| name)
    };
    file.map(|(path, _)| path).or_else(gone).or_else(value).cloned()
}

/// The text of the parts of the library that the run rests on.
fn std_text(plan: &Plan) -> String {
    let files = plan.definition.files.iter().filter(|(name, _)| name.starts_with("std."));
    files.map(|(name, text)| format!("{name}\n{text}\n")).collect()
}

fn relative(spec: &AttemptSpec, path: &str) -> String {
    let root = spec.root.to_string_lossy();
    let inside = path.strip_prefix(root.as_ref()).map(|rest| rest.trim_start_matches('/'));
    inside.map_or_else(|| path.to_owned(), |rest| if rest.is_empty() { ".".into() } else { rest.into() })
}

/// An expression without the places it was written at, stages by name: neither changes what it means.
fn unplaced(plan: &Plan, expr: &Expr) -> String {
    let mut value = serde_json::to_value(expr).unwrap_or_default();
    let mut open = vec![&mut value];
    while let Some(next) = open.pop() {
        match next {
            serde_json::Value::Object(fields) => {
                fields.remove("span");
                if let Some(stage) = fields.get_mut("stage") {
                    let at = stage.as_u64().and_then(|at| plan.stages.get(at as usize));
                    *stage = at.map_or(stage.take(), |stage| stage.name.clone().into());
                }
                open.extend(fields.values_mut());
            }
            serde_json::Value::Array(items) => open.extend(items.iter_mut()),
            _ => {}
        }
    }
    value.to_string()
}
