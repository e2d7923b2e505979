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
        let called = std::mem::take(&mut batch.called);
        batch.past.retain(|past| {
            // What we wrote ourselves calls runs by their ids.
            let own = called.get(&past.id).is_some_and(|name| self.ids.contains(name));
            self.ids.contains(&past.id) || !(own || self.moments.contains(&moment(past)))
        });
        before - batch.past.len()
    }
}

fn moment(past: &Past) -> (i64, String, String) {
    (past.started.0, past.lane.clone(), past.change.id.clone())
}
