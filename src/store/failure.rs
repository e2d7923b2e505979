//! Failures counted by signature, over all runs: in the transaction of the events that say so, bounded, and worked out
//! again from them. What follows from the counts is `failure`'s to say.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};

use super::error::StoreError;
use super::{Store, history};
use crate::base::Timestamp;
use crate::base::suggest::{did_you_mean, nearest};
use crate::event::{Event, NodeIndex, Record, RunId};
use crate::failure::{Known, Remedy, Tally, Verdict};

/// Signatures kept; of more, those go that were seen least, the oldest of them first.
pub const MOST: i64 = 10_000;
/// What the retry policy is told as.
const RETRY: &str = "retry";

const TALLY: &str = "SELECT signature, class, program, text, seen, runs, first, last, retried, retry_helped, told, \
    verdict, note FROM failure ";

/// Where a failure was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub run: String,
    pub lane: String,
    /// `unit[shard=2]`.
    pub stage: String,
    pub started: Timestamp,
    pub seen: u64,
}

/// Which failures: all set conditions must hold. Newest first.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub since: Option<Timestamp>,
    pub lane: Option<String>,
    pub limit: Option<usize>,
}

/// What an event adds; part of the event's own transaction.
pub(super) fn count(conn: &Connection, run: i64, record: &Record) -> rusqlite::Result<()> {
    match &record.event {
        Event::FailureSeen { .. } => seen(conn, run, record),
        Event::FailureTold { signature, remedy, helped, .. } => {
            told(conn, run, record.at, signature, remedy, *helped)
        }
        Event::RepairTold { node, rule, helped } => match repaired(conn, run, record.seq, *node, rule)? {
            Some(signature) => told(conn, run, record.at, &signature, &format!("repair {rule}"), *helped),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn seen(conn: &Connection, run: i64, record: &Record) -> rusqlite::Result<()> {
    let Event::FailureSeen { node, signature, program, text, class, .. } = &record.event else {
        return Ok(());
    };
    let known: bool = conn
        .prepare_cached("SELECT EXISTS(SELECT 1 FROM failure_run WHERE signature = ?1 AND run = ?2)")?
        .query_row(params![signature, run], |row| row.get(0))?;
    conn.prepare_cached(
        "INSERT INTO failure(signature, class, program, text, seen, runs, first, last) \
         VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?5) ON CONFLICT(signature) DO UPDATE SET seen = seen + 1, \
         runs = runs + ?6, first = min(first, ?5), last = max(last, ?5)",
    )?
    .execute(params![
        signature,
        class.map(|class| class.word()),
        program,
        text,
        record.at.0,
        i64::from(!known)
    ])?;
    conn.prepare_cached(
        "INSERT INTO failure_run(signature, run, node, seen) VALUES (?1, ?2, ?3, 1) \
         ON CONFLICT(signature, run, node) DO UPDATE SET seen = seen + 1",
    )?
    .execute(params![signature, run, node])?;
    if known { Ok(()) } else { bound(conn, signature, MOST) }
}

/// Drops what is seen least while there are too many; what people wrote on stays.
fn bound(conn: &Connection, newest: &str, most: i64) -> rusqlite::Result<()> {
    let count: i64 = conn.prepare_cached("SELECT count(*) FROM failure")?.query_row([], |row| row.get(0))?;
    if count <= most {
        return Ok(());
    }
    let mut select = conn.prepare_cached(
        "SELECT signature FROM failure WHERE signature <> ?1 AND verdict IS NULL AND note IS NULL \
         ORDER BY seen, last LIMIT ?2",
    )?;
    let least: Vec<String> = select
        .query_map(params![newest, count - most], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    least.iter().try_for_each(|signature| drop_one(conn, signature))
}

fn drop_one(conn: &Connection, signature: &str) -> rusqlite::Result<()> {
    ["failure", "failure_run", "failure_remedy"].into_iter().try_for_each(|table| {
        conn.execute(&format!("DELETE FROM {table} WHERE signature = ?1"), [signature]).map(|_| ())
    })
}

fn told(
    conn: &Connection,
    run: i64,
    at: Timestamp,
    signature: &str,
    remedy: &str,
    helped: bool,
) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT INTO failure_remedy(signature, run, remedy, tried, helped) SELECT ?1, ?2, ?3, 1, ?4 \
         WHERE EXISTS(SELECT 1 FROM failure WHERE signature = ?1) ON CONFLICT(signature, run, remedy) DO UPDATE \
         SET tried = tried + 1, helped = helped + ?4",
    )?
    .execute(params![signature, run, remedy, i64::from(helped)])?;
    if remedy == RETRY {
        conn.prepare_cached(
            "UPDATE failure SET retried = retried + 1, retry_helped = retry_helped + ?2, \
             told = max(coalesce(told, ?3), ?3) WHERE signature = ?1",
        )?
        .execute(params![signature, i64::from(helped), at.0])?;
    }
    Ok(())
}

/// The failure that the rule's last repair before `seq` was for.
fn repaired(
    conn: &Connection,
    run: i64,
    seq: u64,
    node: NodeIndex,
    rule: &str,
) -> rusqlite::Result<Option<String>> {
    conn.prepare_cached(
        "SELECT json_extract(data, '$.signature') FROM event WHERE run = ?1 AND type = 'failure.seen' \
         AND node = ?2 AND seq < (SELECT max(seq) FROM event WHERE run = ?1 AND type = 'repair.started' \
         AND node = ?2 AND json_extract(data, '$.rule') = ?3 AND seq < ?4) ORDER BY seq DESC LIMIT 1",
    )?
    .query_row(params![run, node, rule, seq as i64], |row| row.get(0))
    .optional()
}

/// Takes back what the run added, before its events are counted again.
pub(super) fn discount(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    conn.execute(
        "UPDATE failure SET runs = runs - 1, seen = seen - (SELECT sum(seen) FROM failure_run AS part \
         WHERE part.signature = failure.signature AND part.run = ?1) \
         WHERE signature IN (SELECT signature FROM failure_run WHERE run = ?1)",
        [run],
    )?;
    conn.execute(
        "UPDATE failure SET retried = retried - part.tried, retry_helped = retry_helped - part.helped \
         FROM failure_remedy AS part WHERE part.signature = failure.signature AND part.run = ?1 \
         AND part.remedy = ?2",
        params![run, RETRY],
    )?;
    conn.execute("DELETE FROM failure_run WHERE run = ?1", [run])?;
    conn.execute("DELETE FROM failure_remedy WHERE run = ?1", [run])?;
    conn.execute("DELETE FROM failure WHERE seen <= 0 AND verdict IS NULL AND note IS NULL", [])?;
    Ok(())
}

/// The run is removed: what it taught stays, where it was seen goes.
pub(super) fn keep_evidence(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    conn.execute(
        "INSERT INTO failure_remedy(signature, run, remedy, tried, helped) \
         SELECT signature, 0, remedy, tried, helped FROM failure_remedy WHERE run = ?1 \
         ON CONFLICT(signature, run, remedy) DO UPDATE SET tried = tried + excluded.tried, \
         helped = helped + excluded.helped",
        [run],
    )?;
    conn.execute("DELETE FROM failure_remedy WHERE run = ?1", [run])?;
    conn.execute("DELETE FROM failure_run WHERE run = ?1", [run])?;
    Ok(())
}

/// None for a row that cannot be read: one bad row must not hide the others.
fn tally(row: &Row<'_>) -> Option<Tally> {
    let number = |column: usize| row.get::<_, i64>(column).ok().map(|number| number.max(0) as u64);
    let word = |column: usize| row.get::<_, Option<String>>(column).ok();
    Some(Tally {
        signature: row.get(0).ok()?,
        class: word(1)?.and_then(|word| history::named(&word)),
        program: row.get(2).ok()?,
        text: row.get(3).ok()?,
        seen: number(4)?,
        runs: number(5)?,
        first: Timestamp(row.get(6).ok()?),
        last: Timestamp(row.get(7).ok()?),
        retried: number(8)?,
        retry_helped: number(9)?,
        told: row.get::<_, Option<i64>>(10).ok()?.map(Timestamp),
        verdict: word(11)?.and_then(|word| Verdict::of(&word)),
        note: word(12)?,
    })
}

impl Store {
    fn tallies(&self, conditions: &str, values: Vec<Sql>) -> Result<Vec<Tally>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Tally>> {
            let mut select = conn.prepare_cached(&[TALLY, conditions].concat())?;
            let rows = select.query_map(params_from_iter(values), |row| Ok(tally(row)))?;
            rows.filter_map(Result::transpose).collect()
        };
        read().map_err(|e| self.error(&e))
    }

    /// Those of which enough may be known to decide by.
    pub fn known_failures(&self) -> Result<Known, StoreError> {
        let judged = self.tallies("WHERE retried >= 5 OR verdict IS NOT NULL", Vec::new())?;
        Ok(judged.into_iter().map(|tally| (tally.signature.clone(), tally)).collect())
    }

    /// Newest first.
    pub fn failures(&self, wanted: &Wanted) -> Result<Vec<Tally>, StoreError> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        if let Some(since) = wanted.since {
            values.push(Sql::Integer(since.0));
            conditions.push(format!("last >= ?{}", values.len()));
        }
        if let Some(lane) = &wanted.lane {
            values.push(Sql::Text(lane.clone()));
            conditions.push(format!(
                "signature IN (SELECT failure_run.signature FROM failure_run JOIN run ON run.num = failure_run.run \
                 WHERE run.lane = ?{})",
                values.len()
            ));
        }
        let conditions = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        let limit = wanted.limit.map_or(-1, |limit| limit.min(i64::MAX as usize) as i64);
        self.tallies(&format!("{conditions} ORDER BY last DESC, signature LIMIT {limit}"), values)
    }

    /// The failure meant by a signature's beginning.
    pub fn find_failure(&self, word: &str) -> Result<Tally, StoreError> {
        let all = self.tallies("ORDER BY signature", Vec::new())?;
        let lower = word.to_ascii_lowercase();
        let fits = |tally: &&Tally| !lower.is_empty() && tally.signature.starts_with(&lower);
        let fitting: Vec<&Tally> = all.iter().filter(fits).collect();
        match fitting.as_slice() {
            [only] => Ok((*only).clone()),
            [] => {
                let near = nearest(&lower, all.iter().map(|tally| tally.signature.as_str()));
                let help =
                    did_you_mean(&near).unwrap_or_else(|| "`wfl errors` lists those that were seen".into());
                Err(StoreError::new(format!("no failure with the signature `{word}` was seen"), help))
            }
            several => {
                let named: Vec<&str> = several.iter().take(5).map(|tally| tally.signature.as_str()).collect();
                Err(StoreError::new(
                    format!("`{word}` fits {} signatures: {}", several.len(), named.join(", ")),
                    "write more of it",
                ))
            }
        }
    }

    /// What was done about it, all runs together.
    pub fn remedies(&self, signature: &str) -> Result<Vec<Remedy>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Remedy>> {
            let mut select = conn.prepare_cached(
                "SELECT remedy, sum(tried), sum(helped) FROM failure_remedy WHERE signature = ?1 GROUP BY remedy \
                 ORDER BY sum(helped) DESC, remedy",
            )?;
            let rows = select.query_map([signature], |row| {
                let number = |column: usize| row.get::<_, i64>(column).map(|number| number.max(0) as u64);
                Ok(Remedy { name: row.get(0)?, tried: number(1)?, helped: number(2)? })
            })?;
            rows.collect()
        };
        read().map_err(|e| self.error(&e))
    }

    /// Where it was seen, newest first.
    pub fn places(&self, signature: &str) -> Result<Vec<Place>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Place>> {
            let mut select = conn.prepare_cached(
                "SELECT run.id, run.lane, coalesce(node.key, '?'), run.started, failure_run.seen FROM failure_run \
                 JOIN run ON run.num = failure_run.run LEFT JOIN node ON node.run = failure_run.run \
                 AND node.idx = failure_run.node WHERE failure_run.signature = ?1 \
                 ORDER BY run.started DESC, run.num DESC, failure_run.node",
            )?;
            let rows = select.query_map([signature], |row| {
                let seen = row.get::<_, i64>(4)?.max(0) as u64;
                Ok(Place {
                    run: row.get(0)?,
                    lane: row.get(1)?,
                    stage: row.get(2)?,
                    started: Timestamp(row.get(3)?),
                    seen,
                })
            })?;
            rows.collect()
        };
        read().map_err(|e| self.error(&e))
    }

    /// The failures of one run: stage, what is known of it, and how often it was seen in this run.
    pub fn failures_of(&self, run: &RunId) -> Result<Vec<(NodeIndex, Tally, u64)>, StoreError> {
        let row = self.run_row(run)?;
        let read = || -> rusqlite::Result<Vec<(NodeIndex, String, i64)>> {
            let conn = self.conn();
            let mut select = conn.prepare_cached(
                "SELECT node, signature, (SELECT sum(seen) FROM failure_run AS all_of \
                 WHERE all_of.run = part.run AND all_of.signature = part.signature) \
                 FROM failure_run AS part WHERE run = ?1 ORDER BY node",
            )?;
            let rows = select.query_map([row], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            rows.collect()
        };
        let found = read().map_err(|e| self.error(&e))?;
        let mut failures = Vec::new();
        for (node, signature, seen) in found {
            let known = self.tallies("WHERE signature = ?1", vec![Sql::Text(signature)])?;
            failures.extend(known.into_iter().map(|tally| (node, tally, seen.max(0) as u64)));
        }
        Ok(failures)
    }

    /// Writes down what a person knows of it; none leaves text or verdict as it is.
    pub fn note_failure(
        &self,
        signature: &str,
        note: Option<&str>,
        verdict: Option<Verdict>,
    ) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute(
                "UPDATE failure SET note = coalesce(?2, note), verdict = coalesce(?3, verdict) WHERE signature = ?1",
                params![signature, note, verdict.map(Verdict::word)],
            )?;
            Ok(())
        })
    }

    /// Takes text and verdict away.
    pub fn clear_note(&self, signature: &str) -> Result<(), StoreError> {
        self.write(|tx| {
            tx.execute("UPDATE failure SET note = NULL, verdict = NULL WHERE signature = ?1", [signature])?;
            Ok(())
        })
    }

    /// Forgets one signature, or all; how many there were.
    pub fn forget_failures(&self, signature: Option<&str>) -> Result<usize, StoreError> {
        self.write(|tx| match signature {
            Some(signature) => drop_one(tx, signature).map(|()| 1),
            None => {
                let count = tx.execute("DELETE FROM failure", [])?;
                tx.execute("DELETE FROM failure_run", [])?;
                tx.execute("DELETE FROM failure_remedy", [])?;
                Ok(count)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_the_least_seen_and_oldest_go_and_notes_stay() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE failure(signature TEXT PRIMARY KEY, seen, last, verdict, note); \
             CREATE TABLE failure_run(signature); CREATE TABLE failure_remedy(signature); \
             INSERT INTO failure VALUES ('a', 1, 1, NULL, 'keep'), ('b', 1, 2, NULL, NULL), ('c', 9, 1, NULL, NULL), \
             ('d', 1, 3, NULL, NULL), ('new', 1, 0, NULL, NULL); INSERT INTO failure_run VALUES ('b'), ('c');",
        )
        .unwrap();
        bound(&conn, "new", 3).unwrap();
        let mut select = conn.prepare("SELECT signature FROM failure ORDER BY signature").unwrap();
        let left: Vec<String> = select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(left, ["a", "c", "new"]);
        let runs: i64 = conn.query_row("SELECT count(*) FROM failure_run", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 1);
    }
}
