//! `wfl model`: how good predictions are, and what advice rests on.

use serde_json::{Map, Value, json};

use crate::cli::args::{CaseOrder, Format, Model, ModelAction, ModelCard, ModelEval};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::cli::{cards, scores};
use crate::embed::Error;
use crate::embed::model::{self, Asked, Columns, Evaluated};
use crate::eventlog::Names;
use crate::learn::split::Order;

pub fn run(args: &Model, terminal: &Terminal) -> Result<Code, Error> {
    match &args.action {
        ModelAction::Eval(args) => eval(args, terminal),
        ModelAction::Card(args) => card(args, terminal),
    }
}

fn eval(args: &ModelEval, terminal: &Terminal) -> Result<Code, Error> {
    let asked = asked(args);
    match &args.log {
        Some(path) => {
            let evaluated = model::of_file(path, &asked)?;
            match args.format {
                Format::Json => terminal.json(&json!(evaluated.report)),
                Format::Human => terminal.data(&scores::text(&evaluated.title, &evaluated.report)),
            }
        }
        None => {
            let lanes = model::of_history(args.lane.as_deref(), &asked)?;
            match args.format {
                Format::Json => terminal.json(&by_lane(&lanes)),
                Format::Human => terminal.data(&text(&lanes)),
            }
        }
    }
    Ok(Code::Ok)
}

fn asked(args: &ModelEval) -> Asked {
    Asked {
        names: Names {
            case: args.case.clone(),
            activity: args.activity.clone(),
            timestamp: args.timestamp.clone(),
            outcome: args.outcome.clone(),
            ..Names::default()
        },
        order: match args.order {
            CaseOrder::Start => Order::Start,
            CaseOrder::File => Order::File,
            CaseOrder::Reversed => Order::Reversed,
        },
        seed: args.seed,
        drop: args.drop.clone(),
        verdicts: Columns {
            verdict: args.verdict.clone(),
            duration: args.duration.clone(),
            cycle: args.cycle.clone(),
            name: args.name.clone(),
        },
    }
}

fn by_lane(lanes: &[Evaluated]) -> Value {
    let lanes: Map<String, Value> =
        lanes.iter().map(|lane| (lane.title.clone(), json!(lane.report))).collect();
    json!({ "lanes": lanes })
}

fn text(lanes: &[Evaluated]) -> String {
    let all: Vec<String> =
        lanes.iter().map(|lane| scores::text(&format!("lane {}", lane.title), &lane.report)).collect();
    all.join("\n")
}

fn card(args: &ModelCard, terminal: &Terminal) -> Result<Code, Error> {
    let found = model::cards(args.lane.as_deref())?;
    match args.format {
        Format::Json => terminal.json(&json!(found)),
        Format::Human => terminal.data(&cards::text(&found, terminal.out)),
    }
    Ok(Code::Ok)
}
