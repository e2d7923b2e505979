//! Rows of breakers, one a policy and stage or one a shared name. What follows from what is `coord::breaker`'s to say.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, StoreError};
use crate::coord::breaker::{Breaker, State};
use crate::event::{BreakerRule, Event, Record};
use crate::port::Standing;

/// The breaker as it stands; a new one, or one that cannot be read, is closed.
pub(super) fn load(conn: &Connection, key: &str) -> rusqlite::Result<Breaker> {
    let row: Option<String> = conn
        .prepare_cached("SELECT state FROM breaker WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    Ok(row.and_then(|state| serde_json::from_str(&state).ok()).unwrap_or_default())
}

pub(super) fn save(conn: &Connection, key: &str, breaker: &Breaker) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO breaker(key, state) VALUES (?1, ?2)")?
        .execute(params![key, super::json(breaker)])?;
    Ok(())
}

/// The run is dead or begins anew: its probes have no end.
pub(super) fn clear(conn: &Connection, run: i64) -> rusqlite::Result<()> {
    let mut select = conn.prepare_cached("SELECT key FROM breaker")?;
    let keys: Vec<String> = select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for key in keys {
        let before = load(conn, &key)?;
        let mut breaker = before.clone();
        breaker.clear(run);
        if breaker != before {
            save(conn, &key, &breaker)?;
        }
    }
    Ok(())
}

/// What an event means for breakers; part of the event's own transaction.
pub(super) fn settle(conn: &Connection, run: i64, record: &Record) -> rusqlite::Result<()> {
    match &record.event {
        Event::BreakerCounted { rule, told, probe, .. } => {
            let mut breaker = load(conn, &rule.key)?;
            breaker.tell(rule, record.at, *told, *probe);
            save(conn, &rule.key, &breaker)
        }
        Event::RunResumed { .. } => clear(conn, run),
        _ => Ok(()),
    }
}

impl Store {
    /// How the breaker stands.
    pub fn standing(&self, rule: &BreakerRule) -> Result<Standing, StoreError> {
        let breaker = load(&self.conn(), &rule.key).map_err(|e| self.error(&e))?;
        Ok(standing(&breaker, rule))
    }

    /// Closes all breakers and forgets what they counted; how many were not closed.
    pub fn reset_breakers(&self) -> Result<usize, StoreError> {
        self.write(|tx| {
            let states: Vec<String> = tx
                .prepare("SELECT state FROM breaker")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            tx.execute("DELETE FROM breaker", [])?;
            let tripped = |state: &String| {
                let breaker: Breaker = serde_json::from_str(state).unwrap_or_default();
                !matches!(breaker.state, State::Closed { .. })
            };
            Ok(states.iter().filter(|state| tripped(state)).count())
        })
    }
}

pub(super) fn standing(breaker: &Breaker, rule: &BreakerRule) -> Standing {
    match (&breaker.state, breaker.open_until(rule)) {
        (_, Some(until)) => Standing::Open(until),
        (State::HalfOpen { .. }, _) => Standing::HalfOpen,
        _ => Standing::Closed,
    }
}
