//! `wfl show`: a run, its change and its stages.

use serde_json::json;

use crate::cli::args::{Format, Show};
use crate::cli::exit::Code;
use crate::cli::output::{Terminal, table};
use crate::cli::present;
use crate::embed::help::{Adviser, Failures};
use crate::embed::{Error, StoredRun, Tripped};
use crate::event::{Record, Status, WaitFor};
use crate::history::{History, StageSummary};
use crate::observe::help::{Advice, lines};
use crate::observe::style::{counted, elapsed, one_line};
use crate::observe::{Board, advised};
use crate::port::Standing;
use crate::store::lease::Held;

pub fn run(args: &Show, terminal: &Terminal) -> Result<Code, Error> {
    if args.resolved {
        return super::show_lane::run(args, terminal);
    }
    let stored = StoredRun::find(&args.run)?;
    let stages = stored.store.stages(&stored.id.0)?;
    let help = help(&stored, &stages)?;
    match args.format {
        Format::Json => terminal.json(&json!({
            "run": present::run_json(&stored.summary),
            "stages": stages.iter().zip(&help).map(|(stage, help)| stage_json(stage, help)).collect::<Vec<_>>(),
            "repairs": repairs(&stored)?,
            "advice": stored.plan.advised,
            "holds": stored.held()?.iter().map(held_json).collect::<Vec<_>>(),
            "breakers": stored.tripped()?.iter().map(breaker_json).collect::<Vec<_>>(),
        })),
        Format::Human => {
            let shared = shared(&stored, &stages)?;
            let healed = healed(&repairs(&stored)?);
            let help = told(&stages, &help, terminal);
            terminal.data(&format!("{}{healed}{shared}{help}", text(&stored, &stages, terminal)));
        }
    }
    Ok(Code::Ok)
}

/// What is likely wrong with each stage; events are read only where one failed.
fn help(stored: &StoredRun, stages: &[StageSummary]) -> Result<Vec<Vec<Advice>>, Error> {
    let bad =
        |stage: &StageSummary| matches!(stage.status, Status::Failed | Status::TimedOut | Status::Warned);
    if !stages.iter().any(bad) {
        return Ok(vec![Vec::new(); stages.len()]);
    }
    let (failures, adviser) = (Failures::of(&readable(stored)), Adviser::of_run(stored));
    Ok((0..).zip(stages).map(|(node, _)| adviser.advice(&failures, node)).collect())
}

fn stage_json(stage: &StageSummary, help: &[Advice]) -> serde_json::Value {
    let mut object = present::stage_json(stage);
    object["help"] = json!(help);
    object
}

fn told(stages: &[StageSummary], help: &[Vec<Advice>], terminal: &Terminal) -> String {
    let mut text = String::new();
    for (stage, help) in stages.iter().zip(help).filter(|(_, help)| !help.is_empty()) {
        let head = format!("{} {}:", terminal.out.symbol(stage.status), stage.name);
        let lines = lines(help, terminal.out);
        text.push_str(&format!("\n{head}\n{}", lines.join("\n")));
    }
    text
}

fn text(stored: &StoredRun, stages: &[StageSummary], terminal: &Terminal) -> String {
    let run = &stored.summary;
    let mut head = vec![
        vec!["run".into(), run.id.clone()],
        vec!["lane".into(), run.lane.clone()],
        vec!["status".into(), run.status.word().to_string()],
        vec!["started".into(), run.started.local()],
    ];
    // A run that was killed did not get to say how long it took.
    if run.duration_ms > 0 {
        head.push(vec!["took".into(), elapsed(run.duration_ms)]);
    }
    if !run.change.id.is_empty() {
        let files = counted(run.change.files.len(), "file");
        head.push(vec!["change".into(), format!("{} ({}, {files})", run.change.id, run.change.kind)]);
    }
    let params = run.params.iter().map(|(name, value)| vec!["set".to_string(), format!("{name} = {value}")]);
    head.extend(params);
    if let Some(advised) = &stored.plan.advised {
        head.push(vec!["advice".into(), advised::headline(advised)]);
    }
    if let Some(cause) = &run.cause {
        head.push(vec!["cause".into(), one_line(cause, 200)]);
    }
    format!(
        "{}\n{}",
        table(&head),
        table(&stages.iter().map(|stage| row(stage, terminal)).collect::<Vec<_>>())
    )
}

/// Nothing of a run whose events cannot be read: what else is known of it is shown all the same.
fn readable(stored: &StoredRun) -> Vec<Record> {
    stored.records().unwrap_or_default()
}

/// What repair rules did, in order of the stages.
fn repairs(stored: &StoredRun) -> Result<Vec<serde_json::Value>, Error> {
    let board = Board::from_records(stored.plan.nodes.len(), &readable(stored));
    let rows = stored.plan.nodes.iter().zip(board.rows);
    let each = rows.flat_map(|(node, row)| {
        row.repairs.into_iter().map(|repair| {
            json!({ "stage": node.key, "rule": repair.rule, "failed": repair.failed, "helped": repair.helped })
        })
    });
    Ok(each.collect())
}

fn healed(repairs: &[serde_json::Value]) -> String {
    let line = |repair: &serde_json::Value| {
        let (stage, rule) = (repair["stage"].as_str()?, repair["rule"].as_str()?);
        Some(match (repair["failed"].as_str(), repair["helped"].as_bool()) {
            (Some(why), _) => format!("\n{stage} was not repaired by `{rule}`: {}", one_line(why, 100)),
            (None, Some(true)) => format!("\n{stage} was healed by `{rule}`"),
            (None, Some(false)) => format!("\n{stage} was repaired by `{rule}`, which did not help"),
            (None, None) => format!("\n{stage} was repaired by `{rule}`"),
        })
    };
    repairs.iter().filter_map(line).collect()
}

/// What it holds of other runs, and the breakers that keep its stages waiting.
fn shared(stored: &StoredRun, stages: &[StageSummary]) -> Result<String, Error> {
    let mut lines = String::new();
    let half = |name: &str| {
        stages.iter().any(|stage| stage.name == name && stage.undo.as_deref() == Some("running"))
    };
    for held in stored.held()? {
        let (what, stage, run) = (word(&held), &held.stage, &held.run);
        lines.push_str(&match held.keeps {
            true if half(stage) => {
                format!("\n{what} is kept by {stage}, which is half undone: `wfl resume {run}` finishes it")
            }
            true => format!(
                "\n{what} is kept by {stage} until it is resolved: `wfl resume {run} --mark-done {stage}`, or `--rerun \
                 {stage}`"
            ),
            false => format!("\n{what} is held by {stage} since {}", held.since.local()),
        });
    }
    for breaker in stored.tripped()? {
        lines.push_str(&match breaker.standing {
            Standing::Open(until) => format!("\nbreaker `{}` is open until {}", breaker.name, until.local()),
            _ => format!("\nbreaker `{}` is half-open: one stage at a time may try", breaker.name),
        });
    }
    Ok(lines)
}

fn word(held: &Held) -> String {
    let what = if held.on == WaitFor::Pool { "pool" } else { "lock" };
    format!("{what} `{}`", held.name)
}

fn held_json(held: &Held) -> serde_json::Value {
    let since = held.since.rfc3339();
    json!({ "on": held.on, "name": held.name, "stage": held.stage, "since": since, "keeps": held.keeps })
}

fn breaker_json(breaker: &Tripped) -> serde_json::Value {
    let (state, until) = match breaker.standing {
        Standing::Open(until) => ("open", Some(until.rfc3339())),
        Standing::HalfOpen => ("half-open", None),
        Standing::Closed => ("closed", None),
    };
    json!({ "name": breaker.name, "state": state, "until": until })
}

/// ` [exit]` of a stage that ended badly.
fn class(stage: &StageSummary) -> String {
    let bad = matches!(stage.status, Status::Failed | Status::TimedOut | Status::Warned | Status::Cancelled);
    let Some(attempt) = stage.attempts.last().filter(|_| bad) else { return String::new() };
    let injected = if attempt.injected { ", injected" } else { "" };
    attempt.class.map(|class| format!(" [{}{injected}]", class.word())).unwrap_or_default()
}

/// The status, and whether what it did was taken back.
fn undone(stage: &StageSummary) -> String {
    let more = match stage.undo.as_deref() {
        Some("done") => ", undone",
        Some("failed") => ", undo failed",
        Some(_) => ", half undone",
        None => "",
    };
    format!("{}{more}", stage.status.word())
}

fn row(stage: &StageSummary, terminal: &Terminal) -> Vec<String> {
    let reason = stage.reason.as_deref().map(|reason| one_line(reason, 100)).unwrap_or_default();
    let reason = reason + &class(stage);
    let took = if stage.duration_ms > 0 { elapsed(stage.duration_ms) } else { String::new() };
    let tries =
        if stage.attempts.len() > 1 { format!("{} attempts", stage.attempts.len()) } else { String::new() };
    vec![
        terminal.out.symbol(stage.status).to_string(),
        stage.number.map(|number| number.to_string()).unwrap_or_default(),
        stage.name.clone(),
        undone(stage),
        took,
        tries,
        reason,
    ]
}
