//! How good predictions are: over an event log of any system, over the project's own runs, and what advice rests on. Works no
//! figure out itself: `learn` and `insight` do.

mod card;
mod verdicts;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

pub use card::{Cards, LaneCard, cards};
pub use verdicts::Columns;

use super::{Error, Place};
use crate::eventlog::{self, Names, Source};
use crate::history::{Filter, History, Past};
use crate::insight::traces;
use crate::learn::Log;
use crate::learn::evaluate::{LeftOut, Options, Report, evaluate};
use crate::learn::split::Order;

/// Runs of a lane that are looked at, at most, the newest.
const RUNS: usize = 20_000;

/// What is to be measured, and how.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub names: Names,
    pub order: Order,
    pub seed: u64,
    /// Columns not to learn from.
    pub drop: Vec<String>,
    /// Of a table of verdicts.
    pub verdicts: Columns,
}

/// A report, and what it is about.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// The file, or the lane.
    pub title: String,
    pub report: Report,
}

/// Of an event log, or of a table of verdicts.
pub fn of_file(path: &Path, asked: &Asked) -> Result<Evaluated, Error> {
    let title = path.display().to_string();
    if let Some(columns) = verdicts::columns(path, &asked.verdicts)? {
        return Ok(Evaluated { title, report: verdicts::evaluate(path, &columns, asked)? });
    }
    let read = eventlog::read(&Source::Path(path), &asked.names)
        .map_err(|refused| Error::refused(refused.message, refused.help))?;
    let mut log = read.log;
    drop_columns(&mut log, &asked.drop)?;
    if log.activity.is_empty() {
        return Err(Error::refused(
            format!("{title} holds no event that can be used"),
            "an event log has a row an event, with a case, an activity and a time",
        ));
    }
    let mut report = measured(&log, asked);
    let left_out = read.left_out.into_iter().map(|(column, reason)| LeftOut { column, reason });
    let dropped =
        asked.drop.iter().map(|column| LeftOut { column: column.clone(), reason: "by `--drop`".into() });
    report.left_out.splice(0..0, left_out.chain(dropped));
    report.notes.splice(0..0, read.complaints.lines().into_iter().chain(read.notes));
    Ok(Evaluated { title, report })
}

fn measured(log: &Log, asked: &Asked) -> Report {
    let began = Instant::now();
    let options = Options { order: asked.order, seed: asked.seed, ..Options::default() };
    evaluate(log, &options, &mut || began.elapsed())
}

fn drop_columns(log: &mut Log, names: &[String]) -> Result<(), Error> {
    for name in names {
        let known: Vec<&str> =
            log.columns.iter().chain(&log.traits).map(|column| column.name.as_str()).collect();
        if !known.contains(&name.as_str()) {
            let help = match known.as_slice() {
                [] => "no column is learned from but case, activity and time".to_string(),
                known => format!("columns that are learned from: {}", known.join(", ")),
            };
            return Err(Error::refused(format!("no column `{name}` is learned from"), help));
        }
        log.columns.retain(|column| column.name != *name);
        log.traits.retain(|column| column.name != *name);
    }
    Ok(())
}

/// Of the project's own history, a report a lane, by name.
pub fn of_history(lane: Option<&str>, asked: &Asked) -> Result<Vec<Evaluated>, Error> {
    let lanes = by_lane(lane)?;
    if lanes.is_empty() {
        return Err(no_history(lane));
    }
    Ok(lanes.into_iter().map(|(lane, runs)| of_lane(lane, &runs, asked)).collect())
}

fn no_history(lane: Option<&str>) -> Error {
    let of = lane.map(|lane| format!(" of the lane `{lane}`")).unwrap_or_default();
    Error::refused(
        format!("there is no history{of} yet: no run ended here"),
        "`wfl run` makes some, `wfl history import` takes in that of others; `wfl model eval LOG` measures an event log",
    )
}

fn of_lane(lane: String, runs: &[Past], asked: &Asked) -> Evaluated {
    let (log, not_taken) = traces::log(runs);
    let mut report = measured(&log, asked);
    report.notes.splice(0..0, not_taken.words());
    Evaluated { title: lane, report }
}

/// Runs by lane, each newest first.
fn by_lane(lane: Option<&str>) -> Result<Vec<(String, Vec<Past>)>, Error> {
    let Some(store) = Place::here()?.existing_state()? else { return Ok(Vec::new()) };
    let filter = Filter { lane: lane.map(str::to_string), ..Filter::default() };
    let mut lanes: BTreeMap<String, Vec<Past>> = BTreeMap::new();
    for run in store.past(&filter)? {
        let runs = lanes.entry(run.lane.clone()).or_default();
        if runs.len() < RUNS {
            runs.push(run);
        }
    }
    Ok(lanes.into_iter().collect())
}
