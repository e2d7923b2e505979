//! What was learned of each lane, kept so that it need not be learned again: one row a lane, bytes whose meaning is not
//! known here. It can always be worked out again from what is remembered of runs.

use rusqlite::{OptionalExtension, params};

use super::past::MOST;
use super::{Store, StoreError};
use crate::history::{Learned, Past};

impl Store {
    /// The lane's snapshot, and what was put into the history of the lane after it, oldest run first. None while there is
    /// no snapshot, and where it rests on runs that are not remembered any more.
    pub(super) fn read_learned(&self, lane: &str) -> Result<Option<(Learned, Vec<Past>)>, StoreError> {
        let conn = self.conn();
        let read = conn
            .prepare_cached("SELECT last, data FROM advice WHERE lane = ?1")
            .and_then(|mut select| {
                select
                    .query_row([lane], |row| Ok(Learned { last: row.get(0)?, bytes: row.get(1)? }))
                    .optional()
            })
            .map_err(|e| self.error(&e))?;
        drop(conn);
        let Some(learned) = read else { return Ok(None) };
        let (past, last) = self.past_after(learned.last)?;
        // What grows at once by more than the newest runs was imported, or put together again.
        if past.len() > MOST / 100 {
            return Ok(None);
        }
        let past: Vec<Past> = past.into_iter().filter(|past| past.lane == lane).collect();
        Ok(Some((Learned { last, ..learned }, past)))
    }

    /// Keeps what was learned of the lane, in place of what was kept of it before.
    pub(super) fn write_learned(&self, lane: &str, learned: &Learned) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.prepare_cached("INSERT OR REPLACE INTO advice(lane, last, data) VALUES (?1, ?2, ?3)")?
                .execute(params![lane, learned.last, learned.bytes])
                .map(drop)
        })
    }

    /// This store, or another handle of it that may write.
    pub(super) fn for_writing<T>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let reads_only = self.conn().is_readonly("main") != Ok(false);
        if reads_only { work(&Store::open(self.dir())?) } else { work(self) }
    }
}
