//! What is remembered of runs, for people: how much there is, taken from files of many kinds, and written for other
//! machines and programs. Plugs readers and the store together; learns nothing.

mod export;
mod jsonl;
mod junit;
mod known;
mod log;
mod original;
mod recognise;
mod sources;
mod status;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::Timestamp;
use crate::base::suggest::{did_you_mean, nearest};
use crate::event::RunStatus;
use crate::eventlog::{Complaints, Names};
use crate::facts::git;
use crate::history::{Filter, History, Past};
use crate::store::past::{Merged, Remembered};

use super::{Error, Place};

pub use export::{Form, export};

/// What the history of one lane holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfLane {
    pub lane: String,
    pub runs: usize,
    pub imported: usize,
    pub failed: usize,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// What is remembered, by lane, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub lanes: Vec<OfLane>,
    /// Runs of other projects, by the project's hash.
    pub others: BTreeMap<String, usize>,
}

/// What to import, and what its columns mean.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// `-` is standard input.
    pub files: Vec<PathBuf>,
    pub names: Names,
    /// The lane of runs whose file names none.
    pub lane: Option<String>,
    pub from_other_project: bool,
    pub dry_run: bool,
}

/// What one file held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfFile {
    pub file: String,
    pub kind: &'static str,
    /// Rows, lines or entries, bad ones included.
    pub rows: usize,
    pub runs: usize,
    pub complaints: Complaints,
    pub notes: Vec<String>,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    pub files: Vec<OfFile>,
    pub merged: Merged,
    /// Runs that are there under their own names already.
    pub known: usize,
}

/// Runs read from one file.
#[derive(Clone, Debug, Default)]
struct Batch {
    kind: &'static str,
    past: Vec<Past>,
    rows: usize,
    complaints: Complaints,
    notes: Vec<String>,
    /// The file does not say the runs' own ids.
    nameless: bool,
    /// What it calls them, by the ids they were given.
    called: BTreeMap<String, String>,
}

/// What the project the program was started in remembers.
pub fn summary(filter: &Filter) -> Result<Summary, Error> {
    let past = remembered(&Place::here()?, filter)?;
    let mut lanes: BTreeMap<&str, OfLane> = BTreeMap::new();
    let mut summary = Summary::default();
    for run in &past {
        let lane = lanes.entry(&run.lane).or_insert_with(|| OfLane {
            lane: run.lane.clone(),
            runs: 0,
            imported: 0,
            failed: 0,
            first: run.started,
            last: run.started,
        });
        lane.runs += 1;
        lane.imported += usize::from(!run.source.is_empty());
        lane.failed += usize::from(run.status != RunStatus::Succeeded);
        (lane.first, lane.last) = (lane.first.min(run.started), lane.last.max(run.started));
        if !run.project.is_empty() {
            *summary.others.entry(run.project.clone()).or_default() += 1;
        }
    }
    summary.lanes = lanes.into_values().collect();
    summary.lanes.sort_by(|a, b| (b.runs, &a.lane).cmp(&(a.runs, &b.lane)));
    Ok(summary)
}

/// Newest first. A lane that no run had is a mistake of writing.
fn remembered(place: &Place, filter: &Filter) -> Result<Vec<Past>, Error> {
    let Some(store) = place.existing_state()? else { return Ok(Vec::new()) };
    let past = store.past(filter)?;
    match &filter.lane {
        Some(lane) if past.is_empty() => {
            let all = store.past(&Filter::default())?;
            if all.is_empty() || all.iter().any(|run| &run.lane == lane) {
                return Ok(past);
            }
            let mut lanes: Vec<&str> = all.iter().map(|run| run.lane.as_str()).collect();
            lanes.sort_unstable();
            lanes.dedup();
            let help = did_you_mean(&nearest(lane, lanes.iter().copied()))
                .unwrap_or_else(|| format!("it knows {}", lanes.join(", ")));
            Err(Error::refused(format!("history knows no lane `{lane}`"), help))
        }
        _ => Ok(past),
    }
}

/// Takes in what the files hold, all of it or nothing.
pub fn import(asked: &Import) -> Result<Imported, Error> {
    let place = Place::here()?;
    let project = git::project(&place.root);
    let mut batches = recognise::read(asked)?;
    batches.iter().try_for_each(|(file, batch)| refuse(file, batch))?;
    for (file, batch) in &mut batches {
        of_project(file, batch, &project, asked.from_other_project)?;
    }
    let mut imported = Imported::default();
    let existing = place.existing_state()?;
    if let Some(store) = existing.as_ref().filter(|_| batches.iter().any(|(_, batch)| batch.nameless)) {
        let known = known::Known::of(&store.past(&Filter::default())?);
        imported.known = batches.iter_mut().map(|(_, batch)| known.forget(batch)).sum();
    }
    let all: Vec<Past> = batches.iter().flat_map(|(_, batch)| batch.past.iter().cloned()).collect();
    imported.merged = match (asked.dry_run, existing) {
        (true, Some(store)) => store.would_remember(&all)?,
        (true, None) => Merged { new: all.len(), ..Merged::default() },
        (false, _) => {
            let store = place.state()?;
            store.take_in()?;
            store.remember(&all)?
        }
    };
    imported.files = batches.into_iter().map(|(file, batch)| of_file(file, batch)).collect();
    Ok(imported)
}

fn of_file(file: String, batch: Batch) -> OfFile {
    let Batch { kind, past, rows, complaints, notes, .. } = batch;
    OfFile { file, kind, rows, runs: past.len(), complaints, notes }
}

/// A file that is mostly wrong is the wrong file.
fn refuse(file: &str, batch: &Batch) -> Result<(), Error> {
    let bad = batch.complaints.left_out();
    if batch.rows == 0 {
        return Err(Error::refused(format!("{file} holds no runs"), "nothing was imported"));
    }
    if bad * 2 > batch.rows {
        let told = batch.complaints.lines().join("\n");
        return Err(Error::refused(
            format!("{bad} of {} entries of {file} cannot be used, so none was taken:\n{told}", batch.rows),
            "mend the file, or name another; nothing was imported",
        ));
    }
    Ok(())
}

/// Runs of this project lose its mark; those of another keep theirs, where they are wanted at all.
fn of_project(file: &str, batch: &mut Batch, ours: &str, from_others: bool) -> Result<(), Error> {
    for past in &mut batch.past {
        if past.project == ours {
            past.project.clear();
        }
    }
    let strange = batch.past.iter().find(|past| !past.project.is_empty() && !ours.is_empty());
    match strange {
        Some(past) if !from_others => {
            let theirs = batch.past.iter().filter(|past| !past.project.is_empty()).count();
            Err(Error::refused(
                format!(
                    "{theirs} of {} runs of {file} are of another project ({}, this one is {ours}): what failed there says \
                     little of this one",
                    batch.past.len(),
                    past.project
                ),
                "nothing was imported; --from-other-project takes them, marked as such",
            ))
        }
        _ => Ok(()),
    }
}

/// How much this project remembers, once what ended is taken in; nothing where it has no state yet.
pub fn taken_in(place: &Place) -> Result<Remembered, Error> {
    match place.existing_state()? {
        None => Ok(Remembered::default()),
        Some(_) => {
            let store = place.state()?;
            store.take_in()?;
            Ok(store.remembered()?)
        }
    }
}

/// A short name for a run whose file has none: the same for the same run.
fn id(kind: &str, parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update(&[0]);
    }
    format!("{kind}-{}", &hasher.finalize().to_hex()[..16])
}
