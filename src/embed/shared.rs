//! What a run shares with the project's other runs: the locks and pool places it holds, the breakers its stages have.
//! Reads, but for closing breakers by hand.

use crate::event::BreakerRule;
use crate::port::Standing;
use crate::store::lease::Held;

use super::{Error, Place, StoredRun};

/// A breaker that is not closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Tripped {
    pub name: String,
    pub standing: Standing,
}

impl StoredRun {
    /// What it holds now, dead runs included whose `once` stages keep a lock.
    pub fn held(&self) -> Result<Vec<Held>, Error> {
        let mut held = self.store.held()?;
        held.retain(|held| held.run == self.id.0);
        Ok(held)
    }

    /// The breakers of its stages that are not closed, each once.
    pub fn tripped(&self) -> Result<Vec<Tripped>, Error> {
        let mut rules: Vec<&BreakerRule> =
            self.plan.nodes.iter().filter_map(|node| node.retry.as_ref()?.breaker.as_ref()).collect();
        rules.sort_by(|one, other| one.key.cmp(&other.key));
        rules.dedup_by(|one, other| one.key == other.key);
        let mut tripped = Vec::new();
        for rule in rules {
            let standing = self.store.standing(rule)?;
            if standing != Standing::Closed {
                tripped.push(Tripped { name: rule.name.clone(), standing });
            }
        }
        Ok(tripped)
    }
}

/// Closes every breaker of the project the program was started in; how many were not closed.
pub fn reset_breakers() -> Result<usize, Error> {
    let place = Place::here()?;
    if place.existing_state()?.is_none() {
        return Ok(0);
    }
    Ok(place.state()?.reset_breakers()?)
}
