//! The ledger of a project: what its runs were advised beside what came, read from its state. Works nothing out.

use crate::history::{Filter, History};
use crate::insight::ledger::{Ledger, ledger};

use super::super::{Error, Project};

/// The advice is recorded a moment after the run began.
const MARGIN_MS: i64 = 86_400_000;

impl Project {
    /// What advice predicted beside what came, of one lane or of all. Empty where nothing was ever advised.
    pub fn ledger(&self, lane: Option<&str>) -> Result<Ledger, Error> {
        let Some(store) = self.history()? else { return Ok(Ledger::default()) };
        let mut advised = store.advised()?;
        advised.retain(|one| lane.is_none_or(|lane| one.lane == lane));
        // Nothing else is read where nothing was ever advised: most projects.
        let Some(first) = advised.first() else { return Ok(Ledger::default()) };
        let began = crate::base::Timestamp(first.at.0.saturating_sub(MARGIN_MS));
        let past = store.past(&Filter { since: Some(began), ..Filter::default() })?;
        Ok(ledger(&advised, &past))
    }
}
