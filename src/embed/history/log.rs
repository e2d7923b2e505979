//! Cases of an event log as remembered runs, and runs as the cases of one. Reads no file itself.

use std::collections::BTreeMap;

use super::{Batch, Import, id, jsonl, sources};
use crate::base::Timestamp;
use crate::embed::Error;
use crate::event::{RunStatus, Status};
use crate::eventlog::{self, DURATION, Names, Source, Words};
use crate::facts::git::{self, AUTHOR as AUTHOR_HASH};
use crate::history::{Mode, Past, PastChange, PastStage};
use crate::learn::log::{NO_TIME, NO_WORD};
use crate::learn::{Case, Column, Log, Values};

const SOURCE: &str = "log";
const STATUS: &str = "status";
/// Properties of a run, as they are written and looked for.
const LANE: &str = "lane";
const KIND: &str = "change_type";
const CHANGE: &str = "change_id";
const BRANCH: &str = "branch";
const AUTHOR: &str = "author";
const FILES: &str = "files";
const ADDED: &str = "added";
const DELETED: &str = "deleted";

pub(super) fn read(source: &Source<'_>, asked: &Import) -> Result<Batch, Error> {
    let read = eventlog::read(source, &named(source, &asked.names)?)?;
    let log = &read.log;
    let mut batch = Batch { kind: "an event log", rows: read.rows, nameless: true, ..Batch::default() };
    batch.complaints = read.complaints.clone();
    batch.notes = read.notes.clone();
    if log.at.contains(&NO_TIME) {
        return Err(Error::refused(
            format!("{} does not say when anything happened", source.name()),
            "name the column of times with --timestamp: history is by time",
        ));
    }
    if column(&log.columns, DURATION).is_none() {
        batch
            .notes
            .push("no column says how long anything took: the time since the event before it counts".into());
    }
    let lane_column = asked.names.lane.as_deref().unwrap_or(LANE);
    for (place, case) in log.cases.iter().enumerate() {
        let past = past(log, place, case, (lane_column, asked.lane.as_deref()));
        match jsonl::contradiction(&past) {
            None => {
                batch.called.insert(past.id.clone(), case.id.to_string());
                batch.past.push(past);
            }
            Some(what) => batch.complaints.bad(what, 0, &case.id),
        }
    }
    Ok(batch)
}

/// Our own exports say what they mean.
fn named(source: &Source<'_>, names: &Names) -> Result<Names, Error> {
    let mut names = names.clone();
    names.all_columns = true;
    let head = eventlog::head(source)?;
    let ours = String::from_utf8_lossy(&head).contains(eventlog::write::OUTCOME);
    if ours && names.outcome.is_none() {
        names.outcome = Some(eventlog::write::OUTCOME.into());
    }
    Ok(names)
}

fn column<'a>(columns: &'a [Column], name: &str) -> Option<&'a Values> {
    let like = |column: &&Column| column.name == name || column.name.strip_prefix("case:") == Some(name);
    columns.iter().find(like).map(|column| &column.values)
}

fn word(values: Option<&Values>, place: usize) -> Option<&str> {
    match values? {
        Values::Words { codes, names } => {
            let code = codes.get(place).copied().filter(|code| *code != NO_WORD)?;
            names.get(code as usize).map(String::as_str)
        }
        Values::Numbers(_) => None,
    }
}

fn number(values: Option<&Values>, place: usize) -> Option<f64> {
    match values? {
        Values::Numbers(numbers) => {
            numbers.get(place).filter(|number| !number.is_nan()).map(|number| f64::from(*number))
        }
        Values::Words { .. } => None,
    }
}

fn past(log: &Log, place: usize, case: &Case, (lane_column, lane): (&str, Option<&str>)) -> Past {
    let of_case = |name: &str| {
        let first = case.events.start;
        let found =
            word(column(&log.traits, name), place).or_else(|| word(column(&log.columns, name), first));
        found.unwrap_or_default().to_owned()
    };
    let count =
        |name: &str| number(column(&log.traits, name), place).map_or(0, |count| count.max(0.0) as u64);
    let (stages, started, ended) = stages(log, case);
    let named = of_case(lane_column);
    let change = of_case(CHANGE);
    let failed = case.failed.unwrap_or(false);
    let mut past = Past {
        id: id(SOURCE, &[&case.id, &started.to_string()]),
        project: String::new(),
        source: SOURCE.into(),
        lane: if named.is_empty() { lane.unwrap_or(SOURCE).to_owned() } else { named },
        status: if failed { RunStatus::Failed } else { RunStatus::Succeeded },
        started: Timestamp(started),
        duration_ms: ended.saturating_sub(started).max(0) as u64,
        change: PastChange {
            // Without a change the case is what was worked on.
            id: if change.is_empty() { case.id.to_string() } else { change },
            kind: sources::kind(&of_case(KIND)).to_owned(),
            files: Vec::new(),
            count: count(FILES),
            added: count(ADDED),
            deleted: count(DELETED),
            branch: of_case(BRANCH),
            author: hashed(&of_case(AUTHOR)),
            sha: String::new(),
        },
        stages,
        mode: Mode::Full,
    };
    if let ([only], true) = (past.stages.as_mut_slice(), failed) {
        only.status = Status::Failed;
    }
    past
}

/// Names of people are nobody's to carry about.
fn hashed(author: &str) -> String {
    let is_hash = author.len() == AUTHOR_HASH && author.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { author.to_owned() } else { git::author(author) }
}

/// The stages of a case, when its first began, and when its last ended. What happens again is a further attempt.
fn stages(log: &Log, case: &Case) -> (Vec<PastStage>, i64, i64) {
    let took = column(&log.columns, DURATION);
    let status = column(&log.columns, STATUS);
    let known = |event: usize| number(took, event).map(|ms| ms.max(0.0) as i64);
    let began = |event: usize| log.at[event].saturating_sub(known(event).unwrap_or(0));
    let started = case.events.clone().map(began).min().unwrap_or_default();
    let ended = log.ended(case);
    let mut places: BTreeMap<u32, usize> = BTreeMap::new();
    let mut stages: Vec<PastStage> = Vec::new();
    let mut before = started;
    for event in case.events.clone() {
        let symbol = log.activity[event];
        let ms = known(event).unwrap_or_else(|| log.at[event].saturating_sub(before)).max(0) as u64;
        let place = *places.entry(symbol).or_insert_with(|| {
            let name = log.activities.get(symbol as usize).cloned().unwrap_or_default();
            let first = log.at[event].saturating_sub(ms as i64).saturating_sub(started).max(0) as u64;
            stages.push(stage(&name, first));
            stages.len() - 1
        });
        let one = &mut stages[place];
        one.attempts += 1;
        one.duration_ms = one.duration_ms.saturating_add(ms);
        if let Some(told) = word(status, event).and_then(of_word) {
            one.status = told;
        }
        before = log.at[event];
    }
    (stages, started, ended)
}

fn of_word(word: &str) -> Option<Status> {
    serde_json::from_value(serde_json::Value::from(word)).ok()
}

fn stage(name: &str, began: u64) -> PastStage {
    PastStage { began_ms: Some(began), attempts: 0, ..PastStage::passed(name, "stage") }
}

/// A case a run, oldest first; an event where each of its stages ended that ran.
pub(super) fn of_runs(past: &[Past]) -> Log {
    let mut past: Vec<&Past> = past.iter().collect();
    past.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let mut log = Log::default();
    let (mut activities, mut statuses, mut took) = (Words::default(), Words::default(), Vec::new());
    for run in &past {
        let from = log.at.len();
        for (stage, at) in events(run) {
            activities.push(&stage.name);
            log.at.push(at);
            took.push(stage.duration_ms as f32);
            statuses.push(stage.status.word());
        }
        let failed = Some(run.status != RunStatus::Succeeded);
        log.cases.push(Case { id: run.id.as_str().into(), events: from..log.at.len(), failed });
    }
    (log.activity, log.activities) = (activities.codes, activities.names);
    log.columns =
        vec![Column { name: DURATION.into(), values: Values::Numbers(took) }, statuses.column(STATUS)];
    log.traits = traits(&past);
    log
}

/// In the order of their ends.
fn events(run: &Past) -> Vec<(&PastStage, i64)> {
    let ran = run.stages.iter().filter(|stage| stage.attempts > 0);
    let at = |stage: &PastStage| {
        let after = stage.began_ms.unwrap_or(0).saturating_add(stage.duration_ms);
        run.started.0.saturating_add(i64::try_from(after).unwrap_or(i64::MAX))
    };
    let mut events: Vec<(&PastStage, i64)> = ran.map(|stage| (stage, at(stage))).collect();
    events.sort_by_key(|(_, at)| *at);
    events
}

fn traits(past: &[&Past]) -> Vec<Column> {
    let words = |name: &str, of: &dyn Fn(&Past) -> String| {
        let mut words = Words::default();
        past.iter().for_each(|run| words.push(&of(run)));
        words.column(name)
    };
    let numbers = |name: &str, of: &dyn Fn(&Past) -> u64| Column {
        name: name.into(),
        values: Values::Numbers(past.iter().map(|run| of(run) as f32).collect()),
    };
    vec![
        words(LANE, &|run| run.lane.clone()),
        words(KIND, &|run| run.change.kind.clone()),
        words(CHANGE, &|run| run.change.id.clone()),
        words(BRANCH, &|run| run.change.branch.clone()),
        words(AUTHOR, &|run| run.change.author.clone()),
        numbers(FILES, &|run| run.change.count),
        numbers(ADDED, &|run| run.change.added),
        numbers(DELETED, &|run| run.change.deleted),
    ]
}
