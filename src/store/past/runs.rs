//! Finished runs that nobody took in yet, as what is remembered of them: all together in three queries. Outputs and the
//! words of failures stay behind, since both may hold what is nobody else's business.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row, params};

use super::super::advised::controls;
use super::super::history::{Fields, named, whole};
use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::history::{Change, FILES, Mode, Past, PastChange, PastStage};

/// These words are the condition of the index `run_new`.
const NEW: &str = "finished IS NOT NULL AND finished IS NOT remembered";
/// How the reason of a stage that nobody asked for begins.
const LEFT_OUT: &str = "left out";
/// Characters of a reason that are kept.
const REASON: usize = 200;

/// Runs by number; those that teach nothing have no record.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub numbers: Vec<(i64, i64)>,
    pub past: Vec<Past>,
}

/// Whether any run ended since it was looked at last.
pub(super) fn any(conn: &Connection) -> rusqlite::Result<bool> {
    let sql =
        format!("SELECT EXISTS(SELECT 1 FROM run WHERE {NEW} AND status NOT IN ('waiting', 'running'))");
    conn.prepare_cached(&sql)?.query_row([], |row| row.get(0))
}

/// The first `most` runs that ended since they were looked at last.
pub(super) fn new(conn: &Connection, most: usize) -> rusqlite::Result<Found> {
    let which = format!(
        "SELECT num FROM run WHERE {NEW} AND status NOT IN ('waiting', 'running') ORDER BY num LIMIT {}",
        most.min(i64::MAX as usize)
    );
    read(conn, &which)
}

/// The run of this number, once it has ended.
pub(super) fn one(conn: &Connection, number: i64) -> rusqlite::Result<Found> {
    read(
        conn,
        &format!(
            "SELECT num FROM run WHERE num = {number} AND {NEW} AND status NOT IN ('waiting', 'running')"
        ),
    )
}

/// Notes that these were taken in as they ended then.
pub(super) fn mark(conn: &Connection, runs: &[(i64, i64)]) -> rusqlite::Result<()> {
    let mut update = conn.prepare_cached("UPDATE run SET remembered = ?2 WHERE num = ?1")?;
    runs.iter().try_for_each(|(number, finished)| update.execute(params![number, finished]).map(drop))
}

fn read(conn: &Connection, which: &str) -> rusqlite::Result<Found> {
    let mut select = conn.prepare(&format!(
        "SELECT num, finished, id, lane, status, started, worked_ms, change FROM run WHERE num IN ({which}) ORDER BY num"
    ))?;
    let mut rows = select.query([])?;
    let (mut numbers, mut runs) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        numbers.push((row.get(0)?, row.get(1)?));
        runs.push(run(row));
    }
    if numbers.is_empty() {
        return Ok(Found::default());
    }
    let used = used(conn, which)?;
    // A fault that was asked for says nothing of the change.
    let drills: BTreeSet<i64> =
        used.iter().filter(|(_, used)| used.injected).map(|((run, _), _)| *run).collect();
    let mut stages = stages(conn, which, &used, &runs_by_number(&numbers, &runs))?;
    let controls = controls(conn, which)?;
    let mut past = Vec::new();
    for ((number, _), run) in numbers.iter().zip(runs) {
        let Some(mut run) = run.filter(|_| !drills.contains(number)) else { continue };
        let Stages { list, mode } = stages.remove(number).unwrap_or_default();
        run.stages = list;
        run.mode = if controls.contains(&run.id) { Mode::Control } else { mode };
        past.push(run);
    }
    Ok(Found { numbers, past })
}

fn runs_by_number(numbers: &[(i64, i64)], runs: &[Option<Past>]) -> BTreeMap<i64, i64> {
    let started = |run: &Option<Past>| run.as_ref().map_or(0, |run| run.started.0);
    numbers.iter().zip(runs).map(|((number, _), run)| (*number, started(run))).collect()
}

/// None of a row that cannot be read: nothing is learned from it.
fn run(row: &Row<'_>) -> Option<Past> {
    let mut fields = Fields::of(row);
    let status: Option<RunStatus> = named(&fields.get::<String>(4));
    let change: Change = fields.json(7);
    let mut files = change.files;
    let count = files.len() as u64;
    files.sort();
    files.truncate(FILES);
    let past = Past {
        id: fields.get(2),
        project: String::new(),
        source: String::new(),
        lane: fields.get(3),
        status: status?,
        started: Timestamp(fields.get(5)),
        duration_ms: whole(fields.get(6)),
        change: PastChange {
            id: change.id,
            kind: change.kind,
            files,
            count,
            added: change.added,
            deleted: change.deleted,
            branch: change.branch,
            author: change.author,
            sha: change.sha,
        },
        stages: Vec::new(),
        mode: Mode::Full,
    };
    fields.unreadable().is_none().then_some(past)
}

/// What the attempts of one stage took together.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    attempts: u32,
    cpu_ms: u64,
    memory: u64,
    io: u64,
    injected: bool,
}

fn used(conn: &Connection, which: &str) -> rusqlite::Result<BTreeMap<(i64, i64), Used>> {
    let mut select = conn.prepare(&format!(
        "SELECT run, node, count(*), sum(CASE WHEN user_us + system_us > 0 THEN (user_us + system_us) / 1000 \
         ELSE user_ms + system_ms END), max(max(max_rss, tree_rss)), sum(read_bytes + written_bytes), max(injected) \
         FROM attempt WHERE run IN ({which}) GROUP BY run, node"
    ))?;
    let used = |row: &Row<'_>| {
        let used = Used {
            attempts: row.get(2)?,
            cpu_ms: whole(row.get(3)?),
            memory: whole(row.get(4)?),
            io: whole(row.get(5)?),
            injected: row.get(6)?,
        };
        Ok(((row.get(0)?, row.get(1)?), used))
    };
    select.query_map([], used)?.collect()
}

#[derive(Debug, Default)]
struct Stages {
    list: Vec<PastStage>,
    mode: Mode,
}

fn stages(
    conn: &Connection,
    which: &str,
    used: &BTreeMap<(i64, i64), Used>,
    started: &BTreeMap<i64, i64>,
) -> rusqlite::Result<BTreeMap<i64, Stages>> {
    let mut select = conn.prepare(&format!(
        "SELECT run, idx, key, stage, number, kind, status, reason, started, duration_ms, measures FROM node \
         WHERE run IN ({which}) ORDER BY run, idx"
    ))?;
    let mut rows = select.query([])?;
    let mut found: BTreeMap<i64, Stages> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let (number, index) = (row.get(0)?, row.get(1)?);
        let used = used.get(&(number, index)).copied().unwrap_or_default();
        let began = started.get(&number).copied().unwrap_or_default();
        let mut stage = stage(row, used, began);
        let run = found.entry(number).or_default();
        run.mode = run.mode.max_of(mode(&stage));
        stage.reason = kept_reason(&stage);
        run.list.push(stage);
    }
    Ok(found)
}

fn stage(row: &Row<'_>, used: Used, began: i64) -> PastStage {
    let mut fields = Fields::of(row);
    let measures: BTreeMap<String, serde_json::Value> = fields.json(10);
    let numbers = measures.into_iter().filter_map(|(name, value)| Some((name, value.as_f64()?)));
    let at: Option<i64> = fields.get(8);
    PastStage {
        name: fields.get(2),
        stage: fields.get(3),
        number: fields.get(4),
        kind: fields.get(5),
        status: named(&fields.get::<String>(6)).unwrap_or(Status::Unknown),
        reason: fields.get(7),
        began_ms: at.map(|at| whole(at.saturating_sub(began))),
        duration_ms: whole(fields.get(9)),
        attempts: used.attempts,
        cpu_ms: used.cpu_ms,
        memory: used.memory,
        io: used.io,
        measures: numbers.collect(),
    }
}

fn mode(stage: &PastStage) -> Mode {
    let reason = stage.reason.as_deref().unwrap_or_default();
    match (stage.status, reason.strip_prefix(LEFT_OUT)) {
        (Status::Skipped, Some(by)) if by.contains("--recommended") => Mode::Recommended,
        (Status::Skipped, Some(_)) => Mode::Part,
        _ => Mode::Full,
    }
}

/// A condition of the definition, or the name of another stage. What a person wrote, or a program said, is not kept.
fn kept_reason(stage: &PastStage) -> Option<String> {
    let of_definition = matches!(stage.status, Status::Skipped | Status::Blocked);
    let reason = stage.reason.as_deref().filter(|_| of_definition)?;
    Some(reason.chars().take(REASON).collect())
}

impl Mode {
    /// One stage left out is enough.
    fn max_of(self, other: Mode) -> Mode {
        if self == Mode::Full { other } else { self }
    }
}
