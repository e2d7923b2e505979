//! What repair rules did in the newest runs, counted by rule from the events. Writes nothing.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;

use super::{Store, StoreError};

/// Runs looked at.
const RUNS: u32 = 1_000;

/// One rule's outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RuleCount {
    pub rule: String,
    /// How often it acted and ended well.
    pub done: u64,
    /// How often it acted and did not.
    pub failed: u64,
    /// How often the next attempt got past the failure, and how often not.
    pub helped: u64,
    pub did_not_help: u64,
    /// How often it fitted and did not act.
    pub refused: u64,
}

const COUNTS: &str = "SELECT json_extract(data, '$.rule'), type, \
    COALESCE(json_extract(data, '$.outcome.status'), json_extract(data, '$.helped'), ''), COUNT(*) \
    FROM event WHERE run IN (SELECT num FROM run ORDER BY started DESC, num DESC LIMIT ?1) \
    AND type IN ('repair.finished', 'repair.refused', 'repair.told') GROUP BY 1, 2, 3";

impl Store {
    /// By rule, of the newest runs.
    pub fn repairs(&self) -> Result<Vec<RuleCount>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<(String, String, String, i64)>> {
            let mut select = conn.prepare_cached(COUNTS)?;
            let rows = select.query_map(params![RUNS], |row| {
                let how = match row.get_ref(2)? {
                    rusqlite::types::ValueRef::Integer(helped) => helped.to_string(),
                    other => other.as_str().unwrap_or_default().to_owned(),
                };
                Ok((row.get(0)?, row.get(1)?, how, row.get(3)?))
            })?;
            rows.collect()
        };
        let rows = read().map_err(|e| self.error(&e))?;
        let mut counts: BTreeMap<String, RuleCount> = BTreeMap::new();
        for (rule, kind, how, count) in rows {
            let count = u64::try_from(count).unwrap_or_default();
            let of = counts.entry(rule.clone()).or_insert_with(|| RuleCount { rule, ..RuleCount::default() });
            match (kind.as_str(), how.as_str()) {
                ("repair.finished", "succeeded") => of.done += count,
                ("repair.finished", _) => of.failed += count,
                ("repair.told", "1") => of.helped += count,
                ("repair.told", _) => of.did_not_help += count,
                _ => of.refused += count,
            }
        }
        Ok(counts.into_values().collect())
    }
}
