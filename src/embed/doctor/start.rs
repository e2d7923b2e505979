//! After an engine that ended without a word, the next one looks at what that may have hurt before it begins: the database,
//! what dead runs of ours left, locks of git. A part of `wfl doctor`, and as quick.

use crate::embed::{Error, Place};
use crate::event::RunStatus;
use crate::history::{Filter, History};
use crate::store::Store;

use super::{Confirm, Finding, Ground, Level, folder, git, mend, work};

/// Runs looked at: one that was cut off long ago was looked after then.
const RECENT: usize = 5;

struct Nobody;

impl Confirm for Nobody {
    fn ask(&self, _: &str) -> Option<bool> {
        None
    }
}

/// What was mended and what a person should know, a line each; nothing when the last engines ended well. A database that
/// is damaged is refused.
pub fn after_unclean_stop(place: &Place, store: &Store) -> Result<Vec<String>, Error> {
    let newest = store.runs(&Filter { limit: Some(RECENT), ..Filter::default() })?;
    if !newest.iter().any(|run| run.status == RunStatus::Interrupted) {
        return Ok(Vec::new());
    }
    // Whatever ended the engine may have hurt the disk as well.
    store.require_sound()?;
    let ground = Ground::at(place.clone());
    let checks = [folder::temporary, work::locks, git::locks];
    let found: Vec<Finding> = checks.iter().flat_map(|check| check(&ground)).collect();
    let own = found.iter().filter_map(|finding| finding.mend.as_ref());
    let dir = ground.dir.as_deref().ok();
    let mended: Vec<mend::Mended> = own.flat_map(|mend| mend.carry_out(dir, &Nobody)).collect();
    let mut lines: Vec<String> = mended.into_iter().filter(|step| step.done).map(|step| step.words).collect();
    let told = found.iter().filter(|finding| finding.level >= Level::Warn && finding.mend.is_none());
    lines.extend(told.map(|finding| format!("{}: {}; {}", finding.check, finding.found, finding.advice)));
    Ok(lines)
}
