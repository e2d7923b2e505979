//! The ledger of a project: what its runs were advised beside what came, read from its state. Works nothing out.

use crate::history::{Filter, History, Past, RunAdvised};
use crate::insight::ledger::{Ledger, ledger};

use super::super::{Error, Project};

impl Project {
    /// What advice predicted beside what came, of one lane or of all. Empty where nothing was ever advised.
    pub fn ledger(&self, lane: Option<&str>) -> Result<Ledger, Error> {
        let Some(store) = self.history()? else { return Ok(Ledger::default()) };
        let mut advised = store.advised()?;
        advised.retain(|one| lane.is_none_or(|lane| one.lane == lane));
        // Nothing else is read where nothing was ever advised: most projects.
        let past = if advised.is_empty() { Vec::new() } else { remembered(&store)? };
        Ok(ledger(&advised, &past))
    }
}
