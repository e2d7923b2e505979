//! The reading side: past runs and their stages from the projections. A row that cannot be read is shown as such, for
//! one bad row must not hide the others. Changes nothing.

use std::collections::BTreeMap;

use rusqlite::types::{FromSql, Value as Sql};
use rusqlite::{Connection, Row, params_from_iter};
use serde::de::DeserializeOwned;

use super::error::StoreError;
use super::{Store, journal, lock};
use crate::base::Timestamp;
use crate::event::{AttemptStatus, Record, RunStatus, Status, Usage};
use crate::history::{
    AttemptSummary, Filter, History, HistoryError, Learned, Past, RunSummary, Sample, StageSummary,
};

/// Stages that ended well, each with the attempt that ended it.
const SAMPLES: &str = "SELECT key, stage, node.duration_ms, attempt.duration_ms, user_ms, system_ms, max_rss, \
    tree_rss FROM node LEFT JOIN attempt ON attempt.run = node.run AND attempt.node = node.idx \
    AND attempt.attempt = node.attempt AND attempt.status = 'succeeded' \
    WHERE node.run IN (SELECT num FROM run WHERE lane = ?1 AND finished IS NOT NULL \
    ORDER BY started DESC, num DESC LIMIT ?2) AND node.status IN ('succeeded', 'warned')";

const RUN: &str =
    "SELECT id, lane, status, started, finished, worked_ms, change, params, cause, exit FROM run";

impl History for Store {
    fn runs(&self, filter: &Filter) -> Result<Vec<RunSummary>, HistoryError> {
        let (conditions, values) = conditions(filter);
        let limit = filter.limit.map_or(-1, |limit| limit.min(i64::MAX as usize) as i64);
        let sql = format!("{RUN}{conditions} ORDER BY started DESC, num DESC LIMIT {limit}");
        self.read_runs(&sql, values)
    }

    fn run(&self, id: &str) -> Result<Option<RunSummary>, HistoryError> {
        let sql = format!("{RUN} WHERE id = ?1");
        Ok(self.read_runs(&sql, vec![Sql::Text(id.into())])?.into_iter().next())
    }

    fn stages(&self, run: &str) -> Result<Vec<StageSummary>, HistoryError> {
        let live = lock::is_live(self.dir(), run);
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<StageSummary>> {
            let mut attempts = attempts(&conn, run, live)?;
            let mut select = conn.prepare_cached(
                "SELECT idx, key, stage, number, kind, node.status, reason, node.started, node.finished, \
                 duration_ms, outputs, measures, undo FROM node JOIN run ON run.num = node.run WHERE run.id = ?1 \
                 ORDER BY idx",
            )?;
            select
                .query_map([run], |row| {
                    let attempts = attempts.remove(&row.get(0).unwrap_or(-1)).unwrap_or_default();
                    stage(row, attempts)
                })?
                .collect()
        };
        read().map_err(|e| self.error(&e).into())
    }

    fn samples(&self, lane: &str, runs: usize) -> Result<Vec<Sample>, HistoryError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<Sample>> {
            let mut select = conn.prepare_cached(SAMPLES)?;
            let runs = runs.min(i64::MAX as usize) as i64;
            select.query_map(rusqlite::params![lane, runs], sample)?.collect()
        };
        read().map_err(|e| self.error(&e).into())
    }

    fn events(&self, run: &str) -> Result<Vec<Record>, HistoryError> {
        journal::events(&self.conn(), run).map_err(HistoryError::from)
    }

    fn past(&self, filter: &Filter) -> Result<Vec<Past>, HistoryError> {
        self.read_past(filter).map_err(HistoryError::from)
    }

    fn learned(&self, lane: &str) -> Result<Option<(Learned, Vec<Past>)>, HistoryError> {
        self.read_learned(lane).map_err(HistoryError::from)
    }

    fn keep_learned(&self, lane: &str, learned: &Learned) -> Result<(), HistoryError> {
        self.for_writing(|store| store.write_learned(lane, learned)).map_err(HistoryError::from)
    }

    fn settle(&self) -> Result<i64, HistoryError> {
        self.settled().map_err(HistoryError::from)
    }
}

impl Store {
    fn read_runs(&self, sql: &str, values: Vec<Sql>) -> Result<Vec<RunSummary>, HistoryError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<RunSummary>> {
            let mut select = conn.prepare_cached(sql)?;
            select.query_map(params_from_iter(values), summary)?.collect()
        };
        let mut runs = read().map_err(|e| HistoryError::from(StoreError::sqlite(&e, &self.path())))?;
        for run in runs.iter_mut().filter(|run| run.status == RunStatus::Running) {
            if !lock::is_live(self.dir(), &run.id) {
                run.status = RunStatus::Interrupted;
            }
        }
        Ok(runs)
    }
}

pub(super) fn conditions(filter: &Filter) -> (String, Vec<Sql>) {
    let text = |value: &String| Sql::Text(value.clone());
    let time = |value: Timestamp| Sql::Integer(value.0);
    let all = [
        ("lane =", filter.lane.as_ref().map(text)),
        ("change_type =", filter.change_type.as_ref().map(text)),
        ("started >=", filter.since.map(time)),
        ("started <=", filter.until.map(time)),
    ];
    let set: Vec<(&str, Sql)> =
        all.into_iter().filter_map(|(condition, value)| value.map(|value| (condition, value))).collect();
    if set.is_empty() {
        return (String::new(), Vec::new());
    }
    let clauses: Vec<String> =
        set.iter().enumerate().map(|(index, (condition, _))| format!("{condition} ?{}", index + 1)).collect();
    (format!(" WHERE {}", clauses.join(" AND ")), set.into_iter().map(|(_, value)| value).collect())
}

fn summary(row: &Row<'_>) -> rusqlite::Result<RunSummary> {
    let mut fields = Fields::of(row);
    let word: String = fields.get(2);
    let status: Option<RunStatus> = named(&word);
    let mut run = RunSummary {
        id: fields.get(0),
        lane: fields.get(1),
        status: status.unwrap_or(RunStatus::Interrupted),
        started: Timestamp(fields.get(3)),
        finished: fields.get::<Option<i64>>(4).map(Timestamp),
        duration_ms: whole(fields.get(5)),
        change: fields.json(6),
        params: fields.json(7),
        cause: fields.get(8),
        exit: fields.get(9),
    };
    let unknown = status.is_none().then(|| format!("recorded with the unknown status `{word}`"));
    run.cause = run.cause.or(fields.unreadable()).or(unknown);
    Ok(run)
}

fn stage(row: &Row<'_>, attempts: Vec<AttemptSummary>) -> rusqlite::Result<StageSummary> {
    let mut fields = Fields::of(row);
    let mut stage = StageSummary {
        name: fields.get(1),
        stage: fields.get(2),
        number: fields.get(3),
        kind: fields.get(4),
        status: named(&fields.get::<String>(5)).unwrap_or(Status::Unknown),
        reason: fields.get(6),
        started: fields.get::<Option<i64>>(7).map(Timestamp),
        finished: fields.get::<Option<i64>>(8).map(Timestamp),
        duration_ms: whole(fields.get(9)),
        attempts,
        outputs: fields.json(10),
        measures: fields.json(11),
        undo: fields.get(12),
    };
    stage.reason = stage.reason.or(fields.unreadable());
    Ok(stage)
}

/// The fields of a row. One that does not hold what it should is read as empty, and named at the end.
pub(super) struct Fields<'a> {
    row: &'a Row<'a>,
    bad: Vec<String>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(row: &'a Row<'a>) -> Self {
        Fields { row, bad: Vec::new() }
    }

    pub(super) fn get<T: FromSql + Default>(&mut self, index: usize) -> T {
        match self.row.get(index) {
            Ok(value) => value,
            Err(_) => {
                self.note(index);
                T::default()
            }
        }
    }

    pub(super) fn json<T: DeserializeOwned + Default>(&mut self, index: usize) -> T {
        let text: Option<String> = self.get(index);
        let Some(text) = text else { return T::default() };
        serde_json::from_str(&text).unwrap_or_else(|_| {
            self.note(index);
            T::default()
        })
    }

    fn note(&mut self, index: usize) {
        let name = self.row.as_ref().column_name(index).unwrap_or("?").to_string();
        self.bad.push(name);
    }

    pub(super) fn unreadable(self) -> Option<String> {
        (!self.bad.is_empty()).then(|| {
            format!(
                "the state holds something unreadable here ({}): `wfl doctor` checks it",
                self.bad.join(", ")
            )
        })
    }
}

/// By node. An attempt without an end is still running, or was cut off with its engine.
fn attempts(
    conn: &Connection,
    run: &str,
    live: bool,
) -> rusqlite::Result<BTreeMap<i64, Vec<AttemptSummary>>> {
    let mut select = conn.prepare_cached(
        "SELECT node, attempt, attempt.status, attempt.exit, attempt.started, duration_ms, error, user_ms, system_ms, \
         max_rss, class, injected, user_us, system_us, how, tree_rss, read_bytes, written_bytes, waits, preempted \
         FROM attempt JOIN run ON run.num = attempt.run WHERE run.id = ?1 ORDER BY node, attempt",
    )?;
    let mut rows = select.query([run])?;
    let mut by_node: BTreeMap<i64, Vec<AttemptSummary>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let mut fields = Fields::of(row);
        let status: Option<String> = fields.get(2);
        let status = match status {
            Some(word) => named(&word).unwrap_or(AttemptStatus::Interrupted),
            None if live => continue,
            None => AttemptStatus::Interrupted,
        };
        let mut attempt = AttemptSummary {
            attempt: fields.get(1),
            status,
            exit: fields.get(3),
            started: Timestamp(fields.get(4)),
            duration_ms: whole(fields.get(5)),
            error: fields.get(6),
            usage: Usage {
                user_ms: whole(fields.get(7)),
                system_ms: whole(fields.get(8)),
                max_rss: whole(fields.get(9)),
                user_us: whole(fields.get(12)),
                system_us: whole(fields.get(13)),
                how: fields.get::<Option<String>>(14).and_then(|word| named(&word)).unwrap_or_default(),
                tree_rss: whole(fields.get(15)),
                read_bytes: whole(fields.get(16)),
                written_bytes: whole(fields.get(17)),
                waits: whole(fields.get(18)),
                preempted: whole(fields.get(19)),
            },
            class: fields.get::<Option<String>>(10).and_then(|word| named(&word)),
            injected: fields.get(11),
        };
        let node = fields.get(0);
        attempt.error = attempt.error.or(fields.unreadable());
        by_node.entry(node).or_default().push(attempt);
    }
    Ok(by_node)
}

fn sample(row: &Row<'_>) -> rusqlite::Result<Sample> {
    let number = |column| row.get::<_, Option<i64>>(column).map(|number| whole(number.unwrap_or_default()));
    Ok(Sample {
        name: row.get(0)?,
        stage: row.get(1)?,
        duration_ms: number(2)?,
        attempt_ms: number(3)?,
        usage: Usage {
            user_ms: number(4)?,
            system_ms: number(5)?,
            max_rss: number(6)?,
            tree_rss: number(7)?,
            ..Usage::default()
        },
    })
}

pub(super) fn whole(number: i64) -> u64 {
    number.max(0) as u64
}

/// The enum value that serde stores under this word.
pub(super) fn named<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::from(word)).ok()
}
