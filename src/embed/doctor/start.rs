//! After an engine that ended without a word, the next one looks at what that may have hurt before it begins: the database,
//! what dead runs of ours left, locks of git. A part of `wfl doctor`, and as quick.

use crate::embed::{Error, Place};
use crate::event::RunStatus;
use crate::history::{Filter, History};
use crate::store::Store;

use super::{Confirm, Finding, Ground, Level, folder, git, mend};

/// The newest runs, among which the last that ended is looked for.
const RECENT: usize = 8;

struct Nobody;

impl Confirm for Nobody {
    fn ask(&self, _: &str) -> Option<bool> {
        None
    }
}

/// What was mended and what a person should know, a line each; nothing when the last engine ended well. A database that
/// is damaged is refused.
pub fn after_unclean_stop(place: &Place, store: &Store) -> Result<Vec<String>, Error> {
    let newest = store.runs(&Filter { limit: Some(RECENT), ..Filter::default() })?;
    let last = newest.iter().find(|run| run.status != RunStatus::Running);
    if last.is_none_or(|run| run.status != RunStatus::Interrupted || run.finished.is_some()) {
        return Ok(Vec::new());
    }
    // Whatever ended the engine may have hurt the disk as well.
    store.require_sound()?;
    let released = store.release_dead()?;
    let mut lines: Vec<String> =
        released.into_iter().map(|run| format!("gave back what the dead run {run} held")).collect();
    // The database is open: its file is not to be looked at beside that.
    let ground = Ground::without_database(place.clone(), store.dir());
    let found: Vec<Finding> = folder::temporary(&ground).into_iter().chain(git::locks(&ground)).collect();
    let own = found.iter().filter_map(|finding| finding.mend.as_ref());
    let mended: Vec<mend::Mended> = own.flat_map(|mend| mend.carry_out(None, &Nobody)).collect();
    lines.extend(mended.into_iter().filter(|step| step.done).map(|step| step.words));
    let told = found.iter().filter(|finding| finding.level >= Level::Warn && finding.mend.is_none());
    lines.extend(told.map(|finding| format!("{}: {}; {}", finding.check, finding.found, finding.advice)));
    Ok(lines)
}
