//! `wfl graph`: the lane's stages and edges, drawn.

use crate::cli::args::{Graph, GraphFormat};
use crate::cli::cmd::run::settings;
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Asked, Change, Error, Project};
use crate::plan::graph;

pub fn run(args: &Graph, terminal: &Terminal) -> Result<Code, Error> {
    let project = Project::for_target(args.target.as_deref())?;
    let asked = Asked {
        target: args.target.clone(),
        lane: None,
        set: settings(&args.set)?,
        change: Change::default(),
    };
    let plan = project.outline(&asked)?.plan;
    terminal.data(&match args.format {
        GraphFormat::Mermaid => graph::mermaid(&plan),
        GraphFormat::Dot => graph::dot(&plan),
        GraphFormat::Json => graph::json(&plan).to_string(),
        GraphFormat::Svg => graph::svg(&plan),
    });
    Ok(Code::Ok)
}
