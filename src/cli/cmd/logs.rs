//! `wfl logs`: what the attempts of a run's stages wrote; made safe on a terminal, as it was elsewhere.

use serde_json::json;

use crate::cli::args::{Format, Logs};
use crate::cli::exit::Code;
use crate::cli::output::Terminal;
use crate::embed::{Error, StoredRun};
use crate::event::NodeIndex;
use crate::history::History;
use crate::observe::sanitise::sanitise;
use crate::observe::style::Ink;

/// One attempt's output.
struct Log {
    stage: String,
    /// None: its `finally`.
    attempt: Option<u32>,
    bytes: Vec<u8>,
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
}

pub fn run(args: &Logs, terminal: &Terminal) -> Result<Code, Error> {
    let stored = StoredRun::find(&args.run)?;
    let nodes: Vec<NodeIndex> = match &args.stage {
        Some(stage) => stored.nodes(stage)?,
        None => (0..stored.plan.nodes.len() as NodeIndex).collect(),
    };
    let mut logs = collect(&stored, &nodes, args.attempt)?;
    if args.stage.is_none() && args.attempt.is_none() {
        logs.extend(finally("lane", stored.finally_output(None)));
    }
    match args.format {
        Format::Json => terminal.json(&json!(logs.iter().map(json_of).collect::<Vec<_>>())),
        Format::Human if logs.is_empty() => return nothing(args),
        Format::Human => show(&logs, terminal),
    }
    Ok(Code::Ok)
}

fn collect(stored: &StoredRun, nodes: &[NodeIndex], only: Option<u32>) -> Result<Vec<Log>, Error> {
    let summaries = stored.store.stages(&stored.id.0)?;
    let mut logs = Vec::new();
    for &node in nodes {
        let Some(summary) = summaries.get(node as usize) else { continue };
        for attempt in summary.attempts.iter().map(|attempt| attempt.attempt) {
            if only.is_none_or(|only| only == attempt) {
                let bytes = stored.output(node, attempt);
                logs.push(Log { stage: summary.name.clone(), attempt: Some(attempt), bytes });
            }
        }
        if only.is_none() {
            logs.extend(finally(&summary.name, stored.finally_output(Some(node))));
        }
    }
    Ok(logs)
}

fn finally(stage: &str, bytes: Vec<u8>) -> Option<Log> {
    (!bytes.is_empty()).then(|| Log { stage: stage.to_string(), attempt: None, bytes })
}

fn nothing(args: &Logs) -> Result<Code, Error> {
    let what = match (&args.stage, args.attempt) {
        (Some(stage), Some(attempt)) => format!("`{stage}` has no attempt {attempt} in this run"),
        (Some(stage), None) => format!("`{stage}` was not started in this run"),
        _ => "no stage was started in this run".into(),
    };
    Err(Error::refused(what, format!("`wfl show {}` lists its stages and attempts", args.run)))
}

/// Headings go to standard error, so that a pipe gets the output alone.
fn show(logs: &[Log], terminal: &Terminal) {
    for log in logs {
        if logs.len() > 1 {
            let part = log.attempt.map_or("finally".to_string(), |attempt| format!("attempt {attempt}"));
            let heading = format!("{} {part}", log.stage);
            terminal.say(&terminal.err.paint(Ink::Bold, &heading));
        }
        if terminal.out_is_terminal {
            terminal.data(&sanitise(&log.text()));
        } else {
            terminal.raw(&log.bytes);
        }
    }
}

fn json_of(log: &Log) -> serde_json::Value {
    json!({ "stage": log.stage, "attempt": log.attempt, "output": log.text() })
}
