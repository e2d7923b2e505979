//! `wfl analyse`: what a lane could add, each with the line that shows it. Advice: it always ends well.

use serde_json::json;

use crate::cli::args::{Analyse, Format};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::analyse::{Analysis, Finding, analyse};
use crate::embed::survey::{Installed, Survey};
use crate::embed::{Asked, Change, Error, Project};
use crate::history::History;
use crate::observe::style::counted;

pub fn run(args: &Analyse, terminal: &Terminal) -> Result<Code, Error> {
    let project = Project::for_target(args.target.as_deref())?;
    let asked = Asked {
        target: args.target.clone(),
        lane: args.lane.clone(),
        set: Vec::new(),
        change: Change::default(),
    };
    let planned = project.outline(&asked)?;
    let survey = Survey::read(project.root(), &Installed);
    let store = project.history()?;
    let found = analyse(&project, &planned, &survey, store.as_ref().map(|store| store as &dyn History))?;
    match args.format {
        Format::Json => terminal.json(&json_of(&found)),
        Format::Human => terminal.data(&said(&found)),
    }
    Ok(Code::Ok)
}

fn json_of(found: &Analysis) -> serde_json::Value {
    let one = |finding: &Finding| {
        json!({
            "kind": finding.kind,
            "message": finding.message,
            "file": finding.at.file,
            "line": finding.at.line,
            "stage": finding.stage,
            "suggestion": finding.suggestion,
            "seconds": finding.seconds,
        })
    };
    json!({
        "lane": found.lane,
        "stages": found.stages,
        "runs": found.runs,
        "findings": found.findings.iter().map(one).collect::<Vec<_>>(),
    })
}

fn said(found: &Analysis) -> String {
    let mut text = format!(
        "lane {}: {}, {} in its history\n",
        found.lane,
        counted(found.stages, "stage"),
        counted(found.runs, "run")
    );
    for finding in &found.findings {
        let suggestion = finding.suggestion.replace('\n', "\n  ");
        text += &format!("\n{}: {}\n  {suggestion}\n", finding.at, finding.message);
    }
    let durations = if found.runs == 0 { " Durations are known once it has run." } else { "" };
    match found.findings.len() {
        0 => text += &format!("nothing to add.{durations}\n"),
        count => text += &format!("\n{}.{durations}\n", counted(count, "finding")),
    }
    text
}
