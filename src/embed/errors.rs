//! What is known of the failures of the project the program was started in, and what people write on it.

use crate::base::Timestamp;
use crate::event::NodeIndex;
use crate::failure::{Remedy, Tally, Verdict};
use crate::store::Store;
use crate::store::failure::Wanted;

use super::{Error, Place};

pub use crate::store::failure::Place as SeenIn;

/// Characters of a note.
const NOTE: usize = 500;

/// Which failures.
#[derive(Clone, Debug, Default)]
pub struct Failures {
    pub since: Option<Timestamp>,
    pub lane: Option<String>,
    pub limit: Option<usize>,
}

/// All that is known of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    pub tally: Tally,
    pub remedies: Vec<Remedy>,
    pub seen_in: Vec<SeenIn>,
}

/// A failure of a run that was seen before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    pub node: NodeIndex,
    pub tally: Tally,
    /// How often, this run left out, and the newest run that had it.
    pub before: u64,
    pub last: Option<SeenIn>,
    pub remedies: Vec<Remedy>,
}

/// Those that fit, newest first, each with what was done about it.
pub fn failures(wanted: &Failures) -> Result<Vec<(Tally, Vec<Remedy>)>, Error> {
    let Some(store) = Place::here()?.existing_state()? else { return Ok(Vec::new()) };
    let wanted = Wanted { since: wanted.since, lane: wanted.lane.clone(), limit: wanted.limit };
    let found = store.failures(&wanted)?;
    let with = |tally: Tally| Ok((store.remedies(&tally.signature)?, tally));
    let all: Result<Vec<_>, Error> = found.into_iter().map(with).collect();
    Ok(all?.into_iter().map(|(remedies, tally)| (tally, remedies)).collect())
}

/// One, by the beginning of its signature.
pub fn failure(word: &str) -> Result<Known, Error> {
    let store = existing()?;
    let tally = store.find_failure(word)?;
    let (remedies, seen_in) = (store.remedies(&tally.signature)?, store.places(&tally.signature)?);
    Ok(Known { tally, remedies, seen_in })
}

/// Writes text, verdict or both on it; as it stands then.
pub fn note(word: &str, text: Option<&str>, verdict: Option<Verdict>) -> Result<Tally, Error> {
    let store = writable()?;
    let found = store.find_failure(word)?;
    // It is shown on one line.
    let plain = |text: &str| text.split(|c: char| c.is_control()).collect::<Vec<_>>().join(" ");
    let text = text.map(|text| plain(text).chars().take(NOTE).collect::<String>());
    store.note_failure(&found.signature, text.as_deref(), verdict)?;
    Ok(store.find_failure(&found.signature)?)
}

/// Takes away what was written on it.
pub fn clear(word: &str) -> Result<Tally, Error> {
    let store = writable()?;
    let found = store.find_failure(word)?;
    store.clear_note(&found.signature)?;
    Ok(store.find_failure(&found.signature)?)
}

/// Forgets one, or all; how many that were.
pub fn forget(word: Option<&str>) -> Result<usize, Error> {
    if word.is_none() && Place::here()?.existing_state()?.is_none() {
        return Ok(0);
    }
    let store = writable()?;
    let signature = word.map(|word| store.find_failure(word)).transpose()?.map(|tally| tally.signature);
    Ok(store.forget_failures(signature.as_deref())?)
}

/// The failures of a run that earlier ones had as well. Only shown: what cannot be read is left out.
pub(super) fn earlier(store: &Store, run: &crate::event::RunId) -> Vec<Earlier> {
    let found = store.failures_of(run).unwrap_or_default();
    let known = found.into_iter().filter_map(|(node, tally, here)| {
        let before = tally.seen.saturating_sub(here);
        let remedies = store.remedies(&tally.signature).ok()?;
        let last = store.places(&tally.signature).ok()?.into_iter().find(|seen| seen.run != run.0);
        (before > 0).then_some(Earlier { node, tally, before, last, remedies })
    });
    known.collect()
}

fn existing() -> Result<Store, Error> {
    match Place::here()?.existing_state()? {
        Some(store) => Ok(store),
        None => Err(Error::refused("this project has no runs yet", "`wfl run` starts one")),
    }
}

/// Looking first: a mistyped folder must not get a state of its own.
fn writable() -> Result<Store, Error> {
    existing()?;
    Place::here()?.state()
}
