//! `wfl why`: one answer to why a stage is in its state, from the run's events.

use serde_json::json;

use crate::cli::args::{Format, Why};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, StoredRun};
use crate::observe::style::Ink;
use crate::observe::why;

pub fn run(args: &Why, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find(&args.run)?;
    let records = stored.records()?;
    let answers: Vec<why::Why> =
        stored.nodes(&args.stage)?.into_iter().map(|node| why::why(&stored.plan, &records, node)).collect();
    match (args.format, answers.as_slice()) {
        (Format::Json, [only]) => terminal.json(&json!(only)),
        (Format::Json, all) => terminal.json(&json!(all)),
        (Format::Human, all) => all.iter().for_each(|answer| terminal.data(&text(answer, terminal))),
    }
    Ok(Code::Ok)
}

fn text(why: &why::Why, terminal: &Terminal) -> String {
    let head = terminal.out.paint(Ink::Bold, &format!("{} ({})", why.stage, why.status));
    let steps: String =
        why.steps.iter().map(|step| format!("  event {}: {}\n", step.seq, step.text)).collect();
    let event = why.event.map(|seq| format!(" (event {seq})")).unwrap_or_default();
    format!("{head}: {}{event}\n{steps}", why.answer)
}
