//! `wfl lanes`: the project's lanes, then the built-in ones.

use serde_json::json;

use crate::cli::args::{Format, Lanes, LanesAction};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::embed::{Error, LaneInfo, Project};
use crate::observe::style::{counted, one_line};

pub fn run(args: &Lanes, terminal: &Terminal) -> Result<Code, Error> {
    let project = Project::load(&[])?;
    if let Some(LanesAction::Diff { from, to }) = &args.action {
        return super::lanes_diff::run(&project, (from, to), args.format, terminal);
    }
    let wanted = |lane: &LaneInfo| args.search.as_deref().is_none_or(|words| lane.mentions(words));
    let lanes: Vec<LaneInfo> = project.lanes().into_iter().filter(wanted).collect();
    match args.format {
        Format::Json => terminal.json(&json!(lanes.iter().map(json_of).collect::<Vec<_>>())),
        Format::Human => terminal.data(&table(&lanes.iter().map(row).collect::<Vec<_>>())),
    }
    // A lane list is still useful next to a broken file; its errors are shown beside it.
    project.check()?;
    Ok(Code::Ok)
}

fn json_of(lane: &LaneInfo) -> serde_json::Value {
    json!({
        "name": lane.name,
        "about": lane.about,
        "file": lane.module,
        "std": lane.std,
        "select": lane.select,
        "extends": lane.extends,
        "deprecated": lane.deprecated,
        "stages": lane.stages,
        "meta": lane.meta.iter().map(|(name, value)| (name.clone(), value.to_json())).collect::<serde_json::Map<_, _>>(),
    })
}

fn row(lane: &LaneInfo) -> Vec<String> {
    let about = one_line(lane.about.as_deref().unwrap_or_default(), 60);
    let select =
        lane.select.as_deref().map(|text| format!("select if {}", one_line(text, 60))).unwrap_or_default();
    vec![lane.name.clone(), counted(lane.stages.len(), "stage"), lane.module.clone(), about, select]
}
