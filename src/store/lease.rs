//! Rows of what runs share: who holds which lock or pool, and who stands in line. Written by a claim, deleted by the
//! event that gives it back. Who may hold what is `coord::lease`'s to say.

use rusqlite::{Connection, OptionalExtension, params};

use super::project::word;
use super::{Store, StoreError, lock};
use crate::base::Timestamp;
use crate::coord::lease::{Book, Lease, Waiter, Want, Who};
use crate::event::{Event, NodeIndex, Record, Status, WaitFor};

/// One in line who has not asked for so long is passed over until it asks again: its run is dead, or has no free slot.
const ASKS_MS: i64 = 2_000;
/// After so long it has left.
const LEFT_MS: i64 = 60_000;

/// Something held, as people are told.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    pub on: WaitFor,
    pub name: String,
    pub run: String,
    /// The stage that holds it; of what must be resolved, the stage to resolve.
    pub stage: String,
    pub since: Timestamp,
    /// It ended badly or nobody knows how: held until a person resolves it.
    pub keeps: bool,
}

/// A stage as a keeper: its node, and the attempts it had when the lock was taken.
type Keeper = (NodeIndex, u32);

/// Everything held and asked for at this moment.
pub(super) fn book(conn: &Connection, now: Timestamp) -> rusqlite::Result<Book> {
    Ok(Book { leases: leases(conn)?, line: line(conn, now)? })
}

fn leases(conn: &Connection) -> rusqlite::Result<Vec<Lease>> {
    let mut select =
        conn.prepare_cached("SELECT kind, name, run, node, keepers FROM lease ORDER BY kind, name")?;
    let rows: Vec<(String, String, i64, NodeIndex, String)> = select
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))?
        .collect::<rusqlite::Result<_>>()?;
    rows.into_iter()
        .filter_map(|(kind, name, run, node, keepers)| {
            let on = kind_of(&kind)?;
            let kept = keeper(conn, on, run, &keepers).map(|keeper| keeper.is_some());
            Some(kept.map(|kept| Lease { thing: (on, name), who: Who { run, node }, kept }))
        })
        .collect()
}

/// Runs that hold something that no stage keeps, or stand in line.
pub(super) fn loose(conn: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut runs: Vec<i64> =
        leases(conn)?.into_iter().filter(|lease| !lease.kept).map(|lease| lease.who.run).collect();
    let mut waiting = conn.prepare_cached("SELECT DISTINCT run FROM waiter")?;
    let waiting: Vec<i64> = waiting.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    runs.extend(waiting);
    Ok(runs)
}

/// Whether anything is held by the node.
pub(super) fn holds(conn: &Connection, who: Who) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT 1 FROM lease WHERE run = ?1 AND node = ?2 LIMIT 1")?
        .exists(params![who.run, who.node])
}

/// The stage for whose sake a lock outlives its run: `once`, started since, and not ended well.
fn keeper(
    conn: &Connection,
    on: WaitFor,
    run: i64,
    keepers: &str,
) -> rusqlite::Result<Option<(NodeIndex, Status)>> {
    if on != WaitFor::Lock {
        return Ok(None);
    }
    let keepers: Vec<Keeper> = serde_json::from_str(keepers).unwrap_or_default();
    for (node, attempts) in keepers {
        let row: Option<(String, u32, bool)> = conn
            .prepare_cached(
                "SELECT status, attempt, undo IS 'running' FROM node WHERE run = ?1 AND idx = ?2",
            )?
            .query_row(params![run, node], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let Some((status, attempt, undoing)) = row else { continue };
        let status: Option<Status> = serde_json::from_value(status.into()).ok();
        // Half undone: nobody else works there before it is finished.
        if let Some(status) = status.filter(|_| undoing) {
            return Ok(Some((node, status)));
        }
        if let Some(status) = status.filter(|status| attempt > attempts && open(*status)) {
            return Ok(Some((node, status)));
        }
    }
    Ok(None)
}

/// Not known to have ended well, nor to have been resolved.
fn open(status: Status) -> bool {
    matches!(
        status,
        Status::Running
            | Status::Waiting
            | Status::Failed
            | Status::TimedOut
            | Status::Cancelled
            | Status::Unknown
    )
}

fn line(conn: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Waiter>> {
    let mut select =
        conn.prepare_cached("SELECT ticket, run, node, wants, seen FROM waiter ORDER BY ticket")?;
    let rows = select.query_map([], |row| {
        let wants: String = row.get(3)?;
        let who = Who { run: row.get(1)?, node: row.get(2)? };
        Ok((row.get(0)?, who, wants, row.get::<_, i64>(4)?))
    })?;
    let waiter = |row: rusqlite::Result<(i64, Who, String, i64)>| {
        let (ticket, who, wants, seen) = match row {
            Ok(row) => row,
            Err(error) => return Some(Err(error)),
        };
        let asks = now.0.abs_diff(seen) <= ASKS_MS.unsigned_abs();
        // One that cannot be read is nobody.
        let wants: Vec<(WaitFor, String, u32)> = serde_json::from_str(&wants).ok()?;
        let wants = wants.into_iter().map(|(on, name, slots)| Want { thing: (on, name), slots }).collect();
        Some(Ok(Waiter { ticket, who, wants, asks }))
    };
    rows.filter_map(waiter).collect()
}

pub(super) fn grant(
    conn: &Connection,
    at: Timestamp,
    who: Who,
    wants: &[Want],
    keepers: &[NodeIndex],
) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM waiter WHERE run = ?1 AND node = ?2 OR abs(seen - ?3) > ?4")?
        .execute(params![who.run, who.node, at.0, LEFT_MS])?;
    let mut attempts: Vec<Keeper> = Vec::new();
    for node in keepers {
        let attempt = conn
            .prepare_cached("SELECT attempt FROM node WHERE run = ?1 AND idx = ?2")?
            .query_row(params![who.run, node], |row| row.get(0))?;
        attempts.push((*node, attempt));
    }
    let keepers = super::json(&attempts);
    for want in wants {
        let (on, name) = &want.thing;
        // What it held before it holds on: the attempts since then count.
        conn.prepare_cached(
            "INSERT OR IGNORE INTO lease(kind, name, run, node, since, keepers) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![word(on), name, who.run, who.node, at.0, keepers])?;
    }
    Ok(())
}

/// Keeps its place in line, or gets the last.
pub(super) fn queue(conn: &Connection, at: Timestamp, who: Who, wants: &[Want]) -> rusqlite::Result<()> {
    let seen = conn
        .prepare_cached("UPDATE waiter SET seen = ?3 WHERE run = ?1 AND node = ?2")?
        .execute(params![who.run, who.node, at.0])?;
    if seen == 0 {
        let plain: Vec<(WaitFor, &str, u32)> =
            wants.iter().map(|want| (want.thing.0, want.thing.1.as_str(), want.slots)).collect();
        conn.prepare_cached("INSERT INTO waiter(run, node, wants, seen) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![who.run, who.node, super::json(&plain), at.0])?;
    }
    Ok(())
}

/// When it last asked.
pub(super) fn asked(conn: &Connection, who: Who) -> rusqlite::Result<Option<Timestamp>> {
    conn.prepare_cached("SELECT seen FROM waiter WHERE run = ?1 AND node = ?2")?
        .query_row(params![who.run, who.node], |row| row.get(0).map(Timestamp))
        .optional()
}

/// The run is dead or begins anew: only what a `once` stage keeps stays.
pub(super) fn clear(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM waiter WHERE run = ?1")?.execute([run])?;
    settled(conn, run)
}

/// Drops what the run holds for no stage that must be resolved.
fn settled(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    for lease in leases(conn)?.into_iter().filter(|lease| lease.who.run == run && !lease.kept) {
        conn.prepare_cached("DELETE FROM lease WHERE kind = ?1 AND name = ?2 AND run = ?3 AND node = ?4")?
            .execute(params![word(&lease.thing.0), lease.thing.1, run, lease.who.node])?;
    }
    Ok(())
}

/// What an event means for what is held; part of the event's own transaction.
pub(super) fn settle(conn: &Connection, run: i64, record: &Record) -> rusqlite::Result<()> {
    match &record.event {
        Event::LeaseReleased { node } => {
            for table in ["lease", "waiter"] {
                conn.prepare_cached(&format!("DELETE FROM {table} WHERE run = ?1 AND node = ?2"))?
                    .execute(params![run, node])?;
            }
            Ok(())
        }
        Event::RunResumed { .. } => clear(conn, run),
        Event::StageResolved { done: true, .. } => settled(conn, run),
        _ => Ok(()),
    }
}

/// Whether a dead holder's things may be given away: not while it keeps a lock. A probe holds no thing, and may.
pub(super) fn clearable(conn: &Connection, who: Who) -> rusqlite::Result<bool> {
    let mut own = leases(conn)?.into_iter().filter(|lease| lease.who == who).peekable();
    Ok(own.peek().is_none() || own.any(|lease| !lease.kept))
}

fn kind_of(word: &str) -> Option<WaitFor> {
    serde_json::from_value(word.into()).ok()
}

/// The run's id and the stage's key; the beginning of a call is called by the stage's own.
pub(super) fn name(conn: &Connection, who: Who) -> rusqlite::Result<Option<(String, String)>> {
    let found: Option<(String, String)> = conn
        .prepare_cached(
            "SELECT run.id, node.key FROM run JOIN node ON node.run = run.num WHERE run.num = ?1 AND node.idx = ?2",
        )?
        .query_row(params![who.run, who.node], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(found.map(|(run, key)| {
        let key = key.strip_suffix(":start").unwrap_or(&key).to_owned();
        (run, key)
    }))
}

/// Who holds `thing` as people are told of it.
pub(super) fn holder(
    conn: &Connection,
    dir: &std::path::Path,
    thing: &(WaitFor, String),
    who: Who,
) -> rusqlite::Result<Option<Held>> {
    let row: Option<(i64, String)> = conn
        .prepare_cached(
            "SELECT since, keepers FROM lease WHERE kind = ?1 AND name = ?2 AND run = ?3 AND node = ?4",
        )?
        .query_row(params![word(&thing.0), thing.1, who.run, who.node], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (Some((since, keepers)), Some((run, mut stage))) = (row, name(conn, who)?) else { return Ok(None) };
    let mut keeps = false;
    if let Some((node, status)) = keeper(conn, thing.0, who.run, &keepers)? {
        let under_way = matches!(status, Status::Running | Status::Waiting) && lock::is_live(dir, &run);
        keeps = !under_way;
        if let Some((_, key)) = name(conn, Who { node, ..who })?.filter(|_| keeps) {
            stage = key;
        }
    }
    let since = Timestamp(since);
    Ok(Some(Held { on: thing.0, name: thing.1.clone(), run, stage, since, keeps }))
}

impl Store {
    /// All locks and pool places that are held: by runs that live, and by stages that must be resolved.
    pub fn held(&self) -> Result<Vec<Held>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Held>> {
            let mut held = Vec::new();
            for lease in leases(&conn)? {
                let found = holder(&conn, self.dir(), &lease.thing, lease.who)?;
                let counts = |held: &Held| held.keeps || lock::is_live(self.dir(), &held.run);
                held.extend(found.filter(counts));
            }
            Ok(held)
        };
        read().map_err(|e| self.error(&e))
    }
}
