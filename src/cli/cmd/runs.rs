//! `wfl runs`: the runs of this checkout, newest first.

use serde_json::json;

use crate::cli::args::{Format, Runs};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::cli::present;
use crate::embed::{self, Error};
use crate::history::{Filter, History, RunSummary};
use crate::observe::style::elapsed;

pub fn run(args: &Runs, terminal: &Terminal) -> Result<Code, Error> {
    let filter = Filter {
        lane: args.lane.clone(),
        change_type: args.change_type.clone(),
        limit: args.limit.or((args.format == Format::Human).then_some(50)),
        ..Filter::default()
    };
    let runs = match embed::state_for_reading()? {
        Some(store) => store.runs(&filter)?,
        None => Vec::new(),
    };
    match args.format {
        Format::Json => terminal.json(&json!(runs.iter().map(present::run_json).collect::<Vec<_>>())),
        Format::Human if runs.is_empty() => terminal.say("no runs yet"),
        Format::Human => terminal.data(&table(&rows(&runs))),
    }
    Ok(Code::Ok)
}

fn rows(runs: &[RunSummary]) -> Vec<Vec<String>> {
    runs.iter()
        .map(|run| {
            vec![
                run.id.clone(),
                run.status.word().to_string(),
                run.lane.clone(),
                run.started.local(),
                elapsed(run.duration_ms),
                run.change.id.clone(),
            ]
        })
        .collect()
}
