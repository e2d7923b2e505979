//! The tables of runs and stages that were made of the original system's checkpoints (`history.csv`, and
//! `history_stages.csv` beside it). A stage there lasts until the next checkpoint: people's pauses are in it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::{Batch, id, jsonl, sources};
use crate::base::Timestamp;
use crate::embed::Error;
use crate::event::{RunStatus, Status};
use crate::eventlog::time::{Slashes, parse};
use crate::eventlog::{self, Source};
use crate::history::{Mode, Past, PastChange, PastStage};

const SOURCE: &str = "history.csv";
const LARGEST: u64 = 1 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Runs,
    Stages,
}

/// Which of the tables has these columns.
pub(super) fn kind(header: &[String]) -> Option<Table> {
    let has = |wanted: &[&str]| wanted.iter().all(|wanted| header.iter().any(|column| column == wanted));
    if has(&["change_id", "run", "change_type", "started_at", "duration_s", "stages", "outcome"]) {
        return Some(Table::Runs);
    }
    has(&["change_id", "run", "seq", "stage", "stage_name", "started_at"]).then_some(Table::Stages)
}

/// One line, by its columns' names.
struct Line {
    number: u64,
    cells: FxHashMap<String, String>,
}

impl Line {
    fn text(&self, name: &str) -> &str {
        self.cells.get(name).map_or("", |text| text.trim())
    }

    fn moment(&self, name: &str) -> Option<i64> {
        parse(self.text(name), Slashes::Unknown).ms()
    }

    /// Seconds as milliseconds.
    fn ms(&self, name: &str) -> Option<u64> {
        let seconds: f64 = self.text(name).parse().ok()?;
        (0.0..1e12).contains(&seconds).then_some((seconds * 1000.0).round() as u64)
    }
}

/// A row, or its line and what is wrong with it.
type Row = Result<Line, (u64, String)>;

fn lines(source: &Source<'_>) -> Result<Vec<Row>, Error> {
    let bytes = eventlog::bytes(source, LARGEST)?;
    let mut table = csv::ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
    let wrong = |error: csv::Error| {
        Error::refused(format!("{} cannot be read: {error}", source.name()), "nothing of it was taken")
    };
    let header: Vec<String> = table.headers().map_err(wrong)?.iter().map(str::to_owned).collect();
    let mut found = Vec::new();
    for record in table.records() {
        let record = record.map_err(wrong)?;
        let number = record.position().map_or(0, csv::Position::line);
        found.push(match record.len() == header.len() {
            true => Ok(Line {
                number,
                cells: header.iter().cloned().zip(record.iter().map(str::to_owned)).collect(),
            }),
            false => Err((number, format!("{} columns instead of {}", record.len(), header.len()))),
        });
    }
    Ok(found)
}

type Steps = FxHashMap<(String, String), Vec<Line>>;

pub(super) fn read(runs: &Source<'_>, stages: &[Source<'_>], lane: Option<&str>) -> Result<Batch, Error> {
    let mut steps: Steps = FxHashMap::default();
    for source in stages {
        for line in lines(source)?.into_iter().flatten() {
            steps
                .entry((line.text("change_id").to_owned(), line.text("run").to_owned()))
                .or_default()
                .push(line);
        }
    }
    let mut batch = Batch { kind: "the original system's runs", nameless: true, ..Batch::default() };
    for line in lines(runs)? {
        batch.rows += 1;
        match line {
            Err((number, text)) => batch.complaints.bad("the number of columns is wrong", number, &text),
            Ok(line) => match run(&line, &steps, lane).map(|past| (jsonl::contradiction(&past), past)) {
                Ok((None, past)) => batch.past.push(past),
                Ok((Some(what), past)) => batch.complaints.bad(what, line.number, &past.change.id),
                Err(what) => batch.complaints.bad(what, line.number, line.text("change_id")),
            },
        }
    }
    if stages.is_empty() {
        batch.notes.push("without history_stages.csv nothing is known of how long each stage took".into());
    }
    Ok(batch)
}

fn run(line: &Line, steps: &Steps, lane: Option<&str>) -> Result<Past, &'static str> {
    let change = line.text("change_id");
    if change.is_empty() {
        return Err("the change is missing");
    }
    let started = line.moment("started_at").ok_or("the time cannot be read")?;
    let duration = line.ms("duration_s").ok_or("the duration cannot be read")?;
    let (word, at) = line.text("outcome").split_once('@').unwrap_or((line.text("outcome"), ""));
    let status = match word {
        "completed" => RunStatus::Succeeded,
        "failed" => RunStatus::Failed,
        "stopped" => RunStatus::Cancelled,
        _ => return Err("the outcome is neither completed, failed nor stopped"),
    };
    let ended_at = at.parse::<u32>().ok().filter(|_| status != RunStatus::Succeeded);
    let known = steps.get(&(change.to_owned(), line.text("run").to_owned())).map_or(&[][..], Vec::as_slice);
    let named = line.text("lane");
    let began = started.to_string();
    Ok(Past {
        id: id("original", &[line.text("where"), change, line.text("run"), &began]),
        project: String::new(),
        source: SOURCE.into(),
        lane: if named.is_empty() { lane.unwrap_or("unknown") } else { named }.to_owned(),
        status,
        started: Timestamp(started),
        duration_ms: duration,
        change: PastChange {
            id: change.into(),
            kind: sources::kind(line.text("change_type")).into(),
            ..PastChange::default()
        },
        stages: stages(line, known, started, ended_at, status),
        mode: Mode::Full,
    })
}

fn stages(
    line: &Line,
    known: &[Line],
    started: i64,
    ended_at: Option<u32>,
    status: RunStatus,
) -> Vec<PastStage> {
    let mut found: BTreeMap<u32, PastStage> = BTreeMap::new();
    let numbers: Vec<u32> =
        line.text("stages").split_whitespace().filter_map(|number| number.parse().ok()).collect();
    for number in numbers {
        found.entry(number).or_insert_with(|| stage(number, &format!("stage_{number}")));
    }
    for step in known {
        let Ok(number) = step.text("stage").parse::<u32>() else { continue };
        let one = found.entry(number).or_insert_with(|| stage(number, ""));
        if !step.text("stage_name").is_empty() {
            one.name = step.text("stage_name").to_owned();
            one.stage.clone_from(&one.name);
        }
        let again = one.began_ms.is_some();
        one.attempts += u32::from(again);
        one.duration_ms += step.ms("duration_s").unwrap_or(0);
        let began = step.moment("started_at").map(|at| at.saturating_sub(started).max(0) as u64);
        one.began_ms = one.began_ms.or(began);
    }
    if let Some(one) = ended_at.and_then(|number| found.get_mut(&number)) {
        one.status = if status == RunStatus::Failed { Status::Failed } else { Status::Cancelled };
    }
    found.into_values().collect()
}

fn stage(number: u32, name: &str) -> PastStage {
    PastStage { number: Some(number), ..PastStage::passed(name, "stage") }
}
