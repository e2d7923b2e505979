//! `wfl why`: one answer to why a stage is in its state, from the run's events.

use serde::Serialize;
use serde_json::json;

use crate::cli::args::{Format, Why};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::help::{Adviser, Failures};
use crate::embed::{Error, StoredRun};
use crate::observe::help::{Advice, lines};
use crate::observe::style::Ink;
use crate::observe::why;

pub fn run(args: &Why, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find(&args.run)?;
    let records = stored.records()?;
    let (failures, adviser) = (Failures::of(&records), Adviser::of_run(&stored));
    let answers: Vec<Answer> = stored
        .nodes(&args.stage)?
        .into_iter()
        .map(|node| Answer {
            why: why::why(&stored.plan, &records, node),
            help: adviser.advice(&failures, node),
        })
        .collect();
    match (args.format, answers.as_slice()) {
        (Format::Json, [only]) => terminal.json(&json!(only)),
        (Format::Json, all) => terminal.json(&json!(all)),
        (Format::Human, all) => all.iter().for_each(|answer| terminal.data(&text(answer, terminal))),
    }
    Ok(Code::Ok)
}

/// Why the stage is in its state, and what is likely wrong where it failed.
#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    why: why::Why,
    help: Vec<Advice>,
}

fn text(answer: &Answer, terminal: &Terminal) -> String {
    let Answer { why, help } = answer;
    let head = terminal.out.paint(Ink::Bold, &format!("{} ({})", why.stage, why.status));
    let steps: String =
        why.steps.iter().map(|step| format!("  event {}: {}\n", step.seq, step.text)).collect();
    let event = why.event.map(|seq| format!(" (event {seq})")).unwrap_or_default();
    let help: String = lines(help, terminal.out).iter().map(|line| format!("{line}\n")).collect();
    format!("{head}: {}{event}\n{steps}{help}", why.answer)
}
