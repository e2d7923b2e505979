//! Removes what the project no longer keeps: old runs, and the logs of younger ones. Never a run that is live, waits or keeps a lock.

use crate::base::Timestamp;
use crate::event::{RunId, RunStatus};
use crate::history::{Filter, History, RunSummary};
use crate::model::Model;
use crate::store::Store;
use crate::store::lease::Held;
use crate::workspace::contents::{Contents, Swept};
use crate::workspace::snapshot;

use super::{Error, Place, isolated};

const DAY: i64 = 86_400_000;

/// How long runs and their logs are kept, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    pub runs: i64,
    pub logs: i64,
}

impl Keep {
    /// The project's `keep`; 90 and 30 days where it says nothing.
    pub fn of(model: &Model) -> Keep {
        Keep {
            runs: model.project.keep_runs.unwrap_or(90 * DAY),
            logs: model.project.keep_logs.unwrap_or(30 * DAY),
        }
    }
}

/// Ids of what was removed, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub runs: Vec<String>,
    /// Runs that stay and lose their logs.
    pub logs: Vec<String>,
    /// Kept copies of output files that no run refers to any more, or whose time is over.
    pub copies: Swept,
    /// Snapshots of the project's files: of how many runs, and what those that stay take.
    pub snapshots: snapshot::Swept,
    /// Checkouts of isolated runs that nobody goes on with.
    pub checkouts: Vec<String>,
}

/// Cleans the state of the project the program was started in.
pub fn clean(keep: &Keep, now: Timestamp, dry_run: bool) -> Result<Removed, Error> {
    let place = Place::here()?;
    let Some(store) = place.existing_state()? else { return Ok(Removed::default()) };
    let store = if dry_run { store } else { place.state()? };
    let mut due = due(&store.runs(&Filter::default())?, store.held()?, keep, now, &store);
    if !dry_run {
        // What is learned from outlives what is kept to be looked at.
        store.take_in()?;
        due.runs.iter().try_for_each(|run| remove_run(&store, run))?;
        due.logs.iter().try_for_each(|run| remove_logs(&store, run))?;
    }
    due.copies = sweep(&store, now, dry_run)?;
    let runs = store.runs(&Filter::default())?;
    let stays =
        |run: &str| runs.iter().any(|kept| kept.id == run) && !due.runs.iter().any(|gone| gone == run);
    due.snapshots = snapshot::sweep(store.dir(), &stays, dry_run)
        .map_err(|e| Error::refused(e, "make the state folder writable"))?;
    due.checkouts = isolated::sweep(&store, &stays, dry_run);
    Ok(due)
}

/// Copies that a run makes just now and has not recorded yet go too: then the stage runs again.
fn sweep(store: &Store, now: Timestamp, dry_run: bool) -> Result<Swept, Error> {
    let kept = store.results().kept(now)?;
    Contents::new(store.dir()).sweep(&|hash| kept.contains(hash), dry_run).map_err(|e| {
        Error::refused(format!("kept copies cannot be removed: {e}"), "make the state folder writable")
    })
}

fn due(runs: &[RunSummary], held: Vec<Held>, keep: &Keep, now: Timestamp, store: &Store) -> Removed {
    let mut removed = Removed::default();
    // What must be resolved must be there to be resolved.
    let keepers: Vec<String> = held.into_iter().map(|held| held.run).collect();
    for run in runs {
        let id = RunId(run.id.clone());
        let age = now.0 - run.finished.unwrap_or(run.started).0;
        let open = run.status == RunStatus::Waiting || store.is_live(&id) || keepers.contains(&run.id);
        if open {
            continue;
        }
        if age > keep.runs {
            removed.runs.push(run.id.clone());
        } else if age > keep.logs && store.log_dir(&id).exists() {
            removed.logs.push(run.id.clone());
        }
    }
    removed
}

fn remove_run(store: &Store, run: &str) -> Result<(), Error> {
    let id = RunId(run.to_string());
    // Somebody may have resumed it since: then it is theirs.
    if let Ok(_lock) = store.acquire(&id) {
        store.delete_run(&id)?;
    }
    Ok(())
}

fn remove_logs(store: &Store, run: &str) -> Result<(), Error> {
    let dir = store.log_dir(&RunId(run.to_string()));
    std::fs::remove_dir_all(&dir).map_err(|e| {
        Error::refused(format!("{} cannot be removed: {e}", dir.display()), "make the state folder writable")
    })
}
