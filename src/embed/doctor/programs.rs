//! Programs that the project's own lanes start, and the shell that scripts are given to. Starts none of them.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::base::suggest::{did_you_mean, nearest};
use crate::embed::Project;
use crate::facts::program;
use crate::model::{Action, resolve};

use super::{Finding, Ground};

/// Missing programs named at most.
const NAMED: usize = 12;

pub(super) fn programs(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "programs";
    let wanted = wanted(ground.project());
    if wanted.is_empty() {
        return Vec::new();
    }
    let missing: Vec<(&String, &String)> =
        wanted.iter().filter(|(name, _)| program::find(name).is_none()).collect();
    if missing.is_empty() {
        return vec![Finding::ok(NAME, format!("all {} that lanes name are there", wanted.len()))];
    }
    let known = on_the_path();
    let finding = |(name, stage): &(&String, &String)| {
        let near = did_you_mean(&nearest(name, known.iter().map(String::as_str)));
        let near = near.map(|question| format!("{question} else ")).unwrap_or_default();
        Finding::warn(NAME, format!("`{name}`, which `{stage}` starts, is not on the PATH"))
            .matters("that stage cannot start")
            .advice(format!("{near}install it"))
    };
    missing.iter().take(NAMED).map(finding).collect()
}

/// Names without a slash that stages and tools of the project's lanes start first, each with one of these.
fn wanted(project: &Project) -> BTreeMap<String, String> {
    let model = project.model();
    let mut wanted = BTreeMap::new();
    for lane in project.own_lanes() {
        let Ok(lane) = resolve::lane(model, lane) else { continue };
        for stage in &lane.stages {
            for name in stage.actions.iter().filter_map(started) {
                wanted.entry(name).or_insert_with(|| stage.name.clone());
            }
        }
    }
    wanted.retain(|name, _| !name.contains('/') && !name.is_empty() && name != "wfl");
    wanted
}

fn started(action: &Action) -> Option<String> {
    match action {
        Action::Script { interpreter, .. } => interpreter.split_whitespace().next().map(str::to_owned),
        Action::Exec { argv, .. } => match argv.first()?.as_value()? {
            Value::String(name) => Some(name.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn on_the_path() -> Vec<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).filter_map(|folder| folder.read_dir().ok());
    folders.flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

pub(super) fn shell(_: &Ground) -> Vec<Finding> {
    const NAME: &str = "shell";
    vec![match program::find("bash") {
        Some(place) => Finding::ok(NAME, place.display().to_string()),
        None => Finding::fail(NAME, "there is no bash on the PATH")
            .matters("`run` gives its script to bash")
            .advice("install bash, or write `run sh \"\"\"`"),
    }]
}
