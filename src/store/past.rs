//! What is remembered of finished runs: one small row a run, which outlives the run's own rows and may come from another
//! machine. A run is taken in when somebody wants to know, never while it runs. Judges nothing and learns nothing.

mod form;
mod runs;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{Store, StoreError};
use crate::base::Timestamp;
use crate::history::{Filter, Past};

/// Runs that are remembered at most: the newest.
pub const MOST: usize = 100_000;
/// Runs taken in by one transaction.
const CHUNK: usize = 1000;
/// Ids of contradicting records that are named; the rest is counted.
const NAMED: usize = 5;
/// What `Past::source` says of a run of another machine whose file says nothing.
pub const IMPORTED: &str = "import";

/// What came of putting records beside those that were there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    pub new: usize,
    /// There already, and the same.
    pub same: usize,
    /// There already with other content, of which the richer one is kept.
    pub contradicting: usize,
    /// Some of those.
    pub named: Vec<String>,
    /// Older than all that is remembered: the newest [`MOST`] are.
    pub forgotten: usize,
}

/// How much is remembered. `last` grows with everything that is put there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    pub runs: usize,
    /// Of these, how many came from elsewhere.
    pub imported: usize,
    pub last: i64,
}

impl Store {
    /// Puts records of other machines or programs beside those that are there, all or none. Repeating it changes nothing,
    /// and neither does the order in which files are taken.
    pub fn remember(&self, past: &[Past]) -> Result<Merged, StoreError> {
        self.write(|tx| {
            let merged = merge(tx, past)?;
            Ok(Merged { forgotten: bound(tx)?, ..merged })
        })
    }

    /// What [`Store::remember`] would do; changes nothing.
    pub fn would_remember(&self, past: &[Past]) -> Result<Merged, StoreError> {
        let conn = self.conn();
        let look = || -> rusqlite::Result<Merged> {
            let mut ids = BTreeSet::new();
            let mut merged = Merged::default();
            for one in past.iter().filter(|one| ids.insert(one.id.as_str())) {
                match stored(&conn, &one.id)? {
                    None => merged.new += 1,
                    Some(old) if old.is(one, &form::encode(one)) => merged.same += 1,
                    Some(_) => merged.contradict(&one.id),
                }
            }
            Ok(merged)
        };
        look().map_err(|e| self.error(&e))
    }

    /// Takes in the runs that ended since the last time; how many.
    pub fn take_in(&self) -> Result<usize, StoreError> {
        let mut all = 0;
        loop {
            let taken = self.write(|tx| {
                let found = runs::new(tx, CHUNK)?;
                found.past.iter().try_for_each(|past| replace(tx, past))?;
                runs::mark(tx, &found.numbers)?;
                if !found.past.is_empty() {
                    bound(tx)?;
                }
                Ok((found.numbers.len(), found.past.len()))
            })?;
            all += taken.1;
            if taken.0 < CHUNK {
                return Ok(all);
            }
        }
    }

    /// Takes in what ended since, also through a store that only reads; how far what is remembered goes then.
    pub(super) fn settled(&self) -> Result<i64, StoreError> {
        let look = || runs::any(&self.conn());
        if look().map_err(|e| self.error(&e))? {
            self.for_writing(Store::take_in)?;
        }
        let last = || self.conn().query_row("SELECT coalesce(max(num), 0) FROM past", [], |row| row.get(0));
        last().map_err(|e| self.error(&e))
    }

    /// How much is remembered, without runs that nobody took in yet.
    pub fn remembered(&self) -> Result<Remembered, StoreError> {
        let conn = self.conn();
        let read = conn.query_row(
            "SELECT count(*), coalesce(sum(imported), 0), coalesce(max(num), 0) FROM past",
            [],
            |row| Ok(Remembered { runs: count(row, 0)?, imported: count(row, 1)?, last: row.get(2)? }),
        );
        read.map_err(|e| self.error(&e))
    }

    /// What was put there after `last` (of [`Store::remembered`]), oldest run first, and the new `last`.
    pub fn past_after(&self, last: i64) -> Result<(Vec<Past>, i64), StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<(Vec<Past>, i64)> {
            let mut select = conn.prepare_cached(
                "SELECT id, lane, started, imported, data, num FROM past WHERE num > ?1 ORDER BY started, id",
            )?;
            let mut rows = select.query([last])?;
            let (mut found, mut newest) = (Vec::new(), last);
            while let Some(row) = rows.next()? {
                newest = newest.max(row.get(5)?);
                found.extend(past(row)?);
            }
            Ok((found, newest))
        };
        read().map_err(|e| self.error(&e))
    }

    /// Newest first: what is remembered, and what ended since.
    pub(super) fn read_past(&self, filter: &Filter) -> Result<Vec<Past>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Past>> {
            let fresh = runs::new(&conn, usize::MAX)?.past;
            let fresh: BTreeMap<String, Past> =
                fresh.into_iter().map(|past| (past.id.clone(), past)).collect();
            let mut found = kept(&conn, filter)?;
            if !fresh.is_empty() {
                found.retain(|past| !fresh.contains_key(&past.id));
                found.extend(fresh.into_values().filter(|past| wanted(past, filter)));
                found.sort_by(|a, b| (b.started.0, &a.id).cmp(&(a.started.0, &b.id)));
            }
            found.truncate(filter.limit.unwrap_or(usize::MAX));
            Ok(found)
        };
        read().map_err(|e| self.error(&e))
    }
}

/// Of a run that is about to be removed.
pub(super) fn keep(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    let found = runs::one(conn, run)?;
    found.past.iter().try_for_each(|past| replace(conn, past))
}

impl Merged {
    fn contradict(&mut self, id: &str) {
        self.contradicting += 1;
        if self.named.len() < NAMED {
            self.named.push(id.to_owned());
        }
    }
}

fn merge(conn: &Connection, past: &[Past]) -> rusqlite::Result<Merged> {
    let mut merged = Merged::default();
    for one in past {
        let bytes = form::encode(one);
        match stored(conn, &one.id)? {
            None => {
                insert(conn, one, &bytes, true)?;
                merged.new += 1;
            }
            Some(old) if old.is(one, &bytes) => merged.same += 1,
            Some(old) => {
                merged.contradict(&one.id);
                if old.is_poorer(one, &bytes) {
                    insert(conn, one, &bytes, old.imported)?;
                }
            }
        }
    }
    Ok(merged)
}

/// A row as it is.
struct Stored {
    imported: bool,
    lane: String,
    started: i64,
    data: Vec<u8>,
}

impl Stored {
    fn is(&self, past: &Past, bytes: &[u8]) -> bool {
        self.data == bytes && self.lane == past.lane && self.started == past.started.0
    }

    /// Whether the other record of the same run is the one to keep: more was done by it, or more is known; then the older
    /// one; and where nothing decides, the bytes do. The same on every machine, in whatever order records come.
    fn is_poorer(&self, past: &Past, bytes: &[u8]) -> bool {
        let old =
            (form::richness(&self.data), Reverse(self.started), self.data.as_slice(), self.lane.as_str());
        old < (form::richness(bytes), Reverse(past.started.0), bytes, past.lane.as_str())
    }
}

fn stored(conn: &Connection, id: &str) -> rusqlite::Result<Option<Stored>> {
    conn.prepare_cached("SELECT imported, lane, started, data FROM past WHERE id = ?1")?
        .query_row([id], |row| {
            Ok(Stored { imported: row.get(0)?, lane: row.get(1)?, started: row.get(2)?, data: row.get(3)? })
        })
        .optional()
}

/// A run of this machine, as it ended last: its own rows are the truth.
fn replace(conn: &Connection, past: &Past) -> rusqlite::Result<()> {
    let bytes = form::encode(past);
    match stored(conn, &past.id)? {
        Some(old) if !old.imported && old.is(past, &bytes) => Ok(()),
        _ => insert(conn, past, &bytes, false),
    }
}

/// A new number each time, so that whoever has read up to one sees what came after it.
fn insert(conn: &Connection, past: &Past, bytes: &[u8], imported: bool) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO past(id, lane, change_type, started, imported, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![past.id, past.lane, past.change.kind, past.started.0, imported, bytes])?;
    Ok(())
}

/// Forgets what is older than the newest [`MOST`]; how many rows.
fn bound(conn: &Connection) -> rusqlite::Result<usize> {
    let runs = conn.query_row("SELECT count(*) FROM past", [], |row| count(row, 0))?;
    if runs <= MOST {
        return Ok(0);
    }
    conn.execute(
        "DELETE FROM past WHERE num IN (SELECT num FROM past ORDER BY started DESC, id LIMIT -1 OFFSET ?1)",
        [MOST as i64],
    )
}

fn kept(conn: &Connection, filter: &Filter) -> rusqlite::Result<Vec<Past>> {
    let (conditions, values) = super::history::conditions(filter);
    // What is not taken in yet may be newer: the limit is applied to both together.
    let limit = filter.limit.map_or(-1, |limit| limit.min(i64::MAX as usize) as i64);
    let sql = format!(
        "SELECT id, lane, started, imported, data FROM past{conditions} ORDER BY started DESC, id LIMIT {limit}"
    );
    let mut select = conn.prepare_cached(&sql)?;
    let mut rows = select.query(params_from_iter::<Vec<Sql>>(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(past(row)?);
    }
    Ok(found)
}

fn count(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<usize> {
    row.get::<_, i64>(column).map(|count| count.max(0) as usize)
}

/// None of a row that a newer version wrote, or that is damaged: it must not hide the others.
fn past(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Past>> {
    let data = row.get_ref(4)?.as_blob().unwrap_or_default();
    let Some(kept) = form::decode(data) else { return Ok(None) };
    let (id, lane, started) = (row.get(0)?, row.get(1)?, Timestamp(row.get(2)?));
    let mut past = kept.past(id, lane, started);
    if past.source.is_empty() && row.get(3)? {
        past.source = IMPORTED.into();
    }
    Ok(Some(past))
}

fn wanted(past: &Past, filter: &Filter) -> bool {
    let is = |wanted: &Option<String>, value: &str| wanted.as_deref().is_none_or(|wanted| wanted == value);
    is(&filter.lane, &past.lane)
        && is(&filter.change_type, &past.change.kind)
        && filter.since.is_none_or(|since| past.started >= since)
        && filter.until.is_none_or(|until| past.started <= until)
}
