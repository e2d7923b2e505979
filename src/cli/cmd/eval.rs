//! `wfl eval`: an expression, worked out here and now.

use serde_json::{Map, json};

use crate::cli::args::{Eval, Format};
use crate::cli::cmd::run::{change, settings};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, Project};
use crate::observe::style::one_line;

pub fn run(args: &Eval, terminal: &Terminal) -> Result<Code, Error> {
    let paths: Vec<_> = args.file.iter().cloned().collect();
    let project = Project::load(&paths)?;
    let change = change(&args.change);
    let found = project.evaluate(&args.expression, args.file.as_deref(), &settings(&args.set)?, &change)?;
    match args.format {
        Format::Json => {
            let facts: Map<_, _> =
                found.facts.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
            let ty = found.ty.to_string();
            terminal.json(&json!({ "value": found.value.to_json(), "type": ty, "facts": facts }));
        }
        Format::Human => {
            terminal.data(&found.value.to_string());
            terminal.say(&format!("  {}", found.ty));
            for (name, value) in &found.facts {
                terminal.say(&format!("  {name} = {}", one_line(&value.to_string(), 100)));
            }
        }
    }
    Ok(Code::Ok)
}
