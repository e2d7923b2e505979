//! Runs that a file tells of without their ids, and that are remembered under them already: their own records say more.

use rustc_hash::FxHashSet;

use super::Batch;
use crate::history::Past;

#[derive(Debug, Default)]
pub(super) struct Known {
    ids: FxHashSet<String>,
    /// Start, lane, change.
    moments: FxHashSet<(i64, String, String)>,
}

impl Known {
    pub fn of(past: &[Past]) -> Known {
        Known {
            ids: past.iter().map(|past| past.id.clone()).collect(),
            moments: past.iter().map(moment).collect(),
        }
    }

    /// Takes those out of the batch; how many. A record that was imported by the same name before stays: it is compared.
    pub fn forget(&self, batch: &mut Batch) -> usize {
        if !batch.nameless {
            return 0;
        }
        let before = batch.past.len();
        batch.past.retain(|past| {
            let own = past.source == super::log::SOURCE
                && self.ids.contains(&past.change.id)
                && !self.ids.contains(&past.id);
            let other = self.moments.contains(&moment(past)) && !self.ids.contains(&past.id);
            !own && !other
        });
        before - batch.past.len()
    }
}

fn moment(past: &Past) -> (i64, String, String) {
    (past.started.0, past.lane.clone(), past.change.id.clone())
}
