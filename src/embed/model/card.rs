//! What advice on each lane rests on, read from the project's state.

use serde::Serialize;

use super::{Error, by_lane, no_history};
use crate::base::Timestamp;
use crate::embed::{Place, Project};
use crate::history::History;
use crate::insight::card::{Card, card};
use crate::insight::ledger::Ledger;
use crate::insight::snapshot;

/// By lane.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cards {
    pub lanes: Vec<LaneCard>,
}

/// A card, and what the lane's runs were advised beside what came.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LaneCard {
    #[serde(flatten)]
    pub card: Card,
    pub ledger: Ledger,
}

/// Of one lane, or of all that ever ran.
pub fn cards(lane: Option<&str>) -> Result<Cards, Error> {
    let lanes = by_lane(lane)?;
    if lanes.is_empty() {
        return Err(no_history(lane));
    }
    let now = Timestamp::now();
    let project = Project::open(".")?;
    let store = Place::here()?.existing_state()?;
    let made = lanes.into_iter().map(|(lane, runs)| {
        let kept = match &store {
            Some(store) => store.learned(&lane)?,
            None => None,
        };
        let kept = kept.and_then(|(learned, _)| Some((snapshot::read(&learned.bytes)?, learned.bytes.len())));
        let card = card(&lane, &runs, kept.as_ref().map(|(model, bytes)| (model, *bytes)), now);
        Ok(LaneCard { card, ledger: project.ledger(Some(&lane))? })
    });
    Ok(Cards { lanes: made.collect::<Result<_, Error>>()? })
}
