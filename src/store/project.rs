//! Projections: the rows that follow from the events, written in the event's own transaction. One event, a few
//! statements; a rebuild from the events gives the same rows.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::Serialize;

use super::{advised, failure, result};
use crate::base::{Timestamp, Value};
use crate::event::{
    AttemptStatus, Event, FailureClass, NodeIndex, Outcome, Record, RunStatus, Status, WaitFor,
};

/// The row of a node.
#[derive(Clone, Copy)]
struct At<'a> {
    conn: &'a Connection,
    run: i64,
    at: Timestamp,
}

/// Applies one event, which is already in the journal as `record.seq`.
pub(super) fn apply(conn: &Connection, run: i64, record: &Record) -> rusqlite::Result<()> {
    let to = At { conn, run, at: record.at };
    match &record.event {
        Event::RunStarted { .. } => to.session_opened(),
        Event::RunResumed { .. } => {
            to.close_crashed_session(record.seq)?;
            to.session_opened()
        }
        Event::RunFinished { status, exit, cause, duration_ms, .. } => {
            to.session_closed(*status, *exit, cause.as_deref(), *duration_ms)
        }
        Event::AttemptFinished { node, attempt, outcome } => to.attempt_finished(*node, *attempt, outcome),
        Event::AttemptRefused { node, attempt, class, why } => {
            to.attempt_failed(*node, *attempt, *class, why)
        }
        Event::GateJudged { node, measures, .. } => to.measures(*node, measures),
        Event::AdviceTaken(advised) => advised::taken(conn, run, record.at, advised),
        Event::FailureSeen { .. } | Event::FailureTold { .. } | Event::RepairTold { .. } => {
            failure::count(conn, run, record)
        }
        other => stage(to, other),
    }
}

fn stage(to: At<'_>, event: &Event) -> rusqlite::Result<()> {
    match event {
        Event::StageStarted { node, attempt, .. } => to.stage_started(*node, *attempt),
        Event::StageFinished { node, status, reason, outputs, duration_ms } => {
            if matches!(status, Status::Failed | Status::Warned) {
                to.attempt_refused(*node, reason.as_deref())?;
            }
            to.stage_finished(*node, *status, reason.as_deref(), outputs, *duration_ms)
        }
        Event::StagesBlocked { root, nodes } => nodes.iter().try_for_each(|node| to.blocked(*root, *node)),
        Event::StageWaiting { node, on, detail, .. } => {
            if *on == WaitFor::Retry {
                to.attempt_refused(*node, Some(detail))?;
            }
            to.status(*node, Status::Waiting, Some(&waiting(*on, detail)))
        }
        Event::StageUnknown { node, reason } => to.status(*node, Status::Unknown, Some(reason)),
        Event::StageResolved { node, done: true, by } => {
            to.status(*node, Status::Succeeded, Some(&format!("marked done by {by}")))
        }
        Event::StageResolved { node, done: false, by } => {
            to.reset(*node, &format!("to run again, said {by}"))
        }
        Event::StageReset { node, reason } => to.reset(*node, reason),
        Event::ApprovalRequested { node, count, group, .. } => to.status(
            *node,
            Status::Waiting,
            Some(&waiting(WaitFor::Approval, &format!("{count} of {group}"))),
        ),
        Event::StageRecorded { node, files, result } => {
            result::recorded(to.conn, (to.run, *node, to.at), files, result.as_deref())
        }
        Event::ResultRevoked { key, from: Some(_), reason, .. } => result::revoked(to.conn, key, reason),
        // Its run was rolled back: a later one may well record it again.
        Event::ResultRevoked { key, from: None, .. } => result::dropped(to.conn, key),
        Event::UndoStarted { node, .. } => to.undo(*node, "running"),
        Event::UndoFinished { node, outcome, .. } => match outcome.status {
            AttemptStatus::Succeeded => to.undo(*node, "done"),
            AttemptStatus::Failed | AttemptStatus::TimedOut => to.undo(*node, "failed"),
            // Half of it may be done: it is tried again.
            AttemptStatus::Cancelled | AttemptStatus::Interrupted => Ok(()),
        },
        // These change no row: what follows from them comes as an event of its own.
        _ => Ok(()),
    }
}

/// Back to the rows as they were when the run was made, then every event again.
pub(super) fn rebuild(conn: &Connection, run: i64, records: &[Record]) -> rusqlite::Result<()> {
    for table in ["attempt", "kept", "result"] {
        conn.execute(&format!("DELETE FROM {table} WHERE run = ?1"), [run])?;
    }
    failure::discount(conn, run)?;
    conn.execute(
        "UPDATE node SET status = 'pending', reason = NULL, attempt = 0, started = NULL, finished = NULL, \
         duration_ms = 0, outputs = NULL, measures = NULL, undo = NULL WHERE run = ?1",
        [run],
    )?;
    conn.execute(
        "UPDATE run SET status = 'running', finished = NULL, session = NULL, worked_ms = 0, exit = NULL, \
         cause = NULL WHERE num = ?1",
        [run],
    )?;
    records.iter().try_for_each(|record| apply(conn, run, record))
}

fn waiting(on: WaitFor, detail: &str) -> String {
    let what = match on {
        WaitFor::Approval => "approval",
        WaitFor::Retry => "retry",
        WaitFor::Lock => "lock",
        WaitFor::Pool => "pool",
        WaitFor::Breaker => "breaker",
    };
    if detail.is_empty() { format!("waits for {what}") } else { format!("waits for {what}: {detail}") }
}

/// The word an enum of the events is stored under: the one serde gives it.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn plain_json(values: &BTreeMap<String, Value>) -> Option<String> {
    if values.is_empty() {
        return None;
    }
    let plain: serde_json::Map<String, serde_json::Value> =
        values.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
    serde_json::to_string(&plain).ok()
}

impl At<'_> {
    fn session_opened(self) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE run SET status = 'running', session = ?2, finished = NULL, exit = NULL, cause = NULL \
                 WHERE num = ?1",
            )?
            .execute(params![self.run, self.at.0])?;
        Ok(())
    }

    /// A session without an end was cut off: it worked until its last event.
    fn close_crashed_session(self, seq: u64) -> rusqlite::Result<()> {
        self.conn.execute(
            "UPDATE run SET worked_ms = worked_ms + max(0, \
             (SELECT at FROM event WHERE event.run = run.num AND seq = ?2) - session) \
             WHERE num = ?1 AND session IS NOT NULL",
            params![self.run, seq.saturating_sub(1) as i64],
        )?;
        Ok(())
    }

    fn session_closed(
        self,
        status: RunStatus,
        exit: i32,
        cause: Option<&str>,
        duration_ms: u64,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE run SET status = ?2, exit = ?3, cause = ?4, worked_ms = worked_ms + ?5, finished = ?6, \
                 session = NULL WHERE num = ?1",
            )?
            .execute(params![self.run, status.word(), exit, cause, duration_ms as i64, self.at.0])?;
        Ok(())
    }

    fn stage_started(self, node: NodeIndex, attempt: u32) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE node SET status = 'running', reason = NULL, attempt = ?3, started = coalesce(started, ?4) \
                 WHERE run = ?1 AND idx = ?2",
            )?
            .execute(params![self.run, node, attempt, self.at.0])?;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO attempt(run, node, attempt, started) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![self.run, node, attempt, self.at.0])?;
        Ok(())
    }

    fn attempt_finished(self, node: NodeIndex, attempt: u32, outcome: &Outcome) -> rusqlite::Result<()> {
        let usage = &outcome.usage;
        self.conn
            .prepare_cached(
                "UPDATE attempt SET status = ?4, exit = ?5, duration_ms = ?6, error = ?7, user_ms = ?8, \
                 system_ms = ?9, max_rss = ?10, class = ?11, injected = ?12, user_us = ?13, system_us = ?14, \
                 how = ?15, tree_rss = ?16, read_bytes = ?17, written_bytes = ?18, waits = ?19, \
                 preempted = ?20 WHERE run = ?1 AND node = ?2 AND attempt = ?3",
            )?
            .execute(params![
                self.run,
                node,
                attempt,
                word(&outcome.status),
                outcome.exit,
                outcome.duration_ms as i64,
                outcome.error,
                usage.user_ms as i64,
                usage.system_ms as i64,
                usage.max_rss as i64,
                outcome.class.map(FailureClass::word),
                outcome.injected,
                usage.user_us as i64,
                usage.system_us as i64,
                usage.how.word(),
                usage.tree_rss as i64,
                usage.read_bytes as i64,
                usage.written_bytes as i64,
                usage.waits as i64,
                usage.preempted as i64,
            ])?;
        Ok(())
    }

    fn attempt_failed(
        self,
        node: NodeIndex,
        attempt: u32,
        class: FailureClass,
        why: &str,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE attempt SET status = 'failed', class = ?4, error = ?5 \
                 WHERE run = ?1 AND node = ?2 AND attempt = ?3",
            )?
            .execute(params![self.run, node, attempt, class.word(), why])?;
        Ok(())
    }

    /// The same of runs from before such an end was an event of its own.
    fn attempt_refused(self, node: NodeIndex, reason: Option<&str>) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE attempt SET status = 'failed', error = coalesce(error, ?3) \
                 WHERE run = ?1 AND node = ?2 AND status = 'succeeded' AND attempt = \
                 (SELECT attempt FROM node WHERE run = ?1 AND idx = ?2 AND kind = 'stage' AND status = 'running')",
            )?
            .execute(params![self.run, node, reason])?;
        Ok(())
    }

    fn stage_finished(
        self,
        node: NodeIndex,
        status: Status,
        reason: Option<&str>,
        outputs: &BTreeMap<String, Value>,
        duration_ms: u64,
    ) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE node SET status = ?3, reason = ?4, outputs = ?5, duration_ms = ?6, finished = ?7 \
                 WHERE run = ?1 AND idx = ?2",
            )?
            .execute(params![
                self.run,
                node,
                status.word(),
                reason,
                plain_json(outputs),
                duration_ms as i64,
                self.at.0
            ])?;
        Ok(())
    }

    fn measures(self, node: NodeIndex, measures: &BTreeMap<String, Value>) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE node SET measures = ?3 WHERE run = ?1 AND idx = ?2")?
            .execute(params![self.run, node, plain_json(measures)])?;
        Ok(())
    }

    fn blocked(self, root: NodeIndex, node: NodeIndex) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE node SET status = 'blocked', finished = ?4, reason = 'blocked by ' || \
                 (SELECT key FROM node AS root WHERE root.run = ?1 AND root.idx = ?3) \
                 WHERE run = ?1 AND idx = ?2",
            )?
            .execute(params![self.run, node, root, self.at.0])?;
        Ok(())
    }

    fn status(self, node: NodeIndex, status: Status, reason: Option<&str>) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE node SET status = ?3, reason = ?4 WHERE run = ?1 AND idx = ?2")?
            .execute(params![self.run, node, status.word(), reason])?;
        Ok(())
    }

    fn undo(self, node: NodeIndex, how: &str) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached("UPDATE node SET undo = ?3 WHERE run = ?1 AND idx = ?2")?
            .execute(params![self.run, node, how])?;
        Ok(())
    }

    /// The stage runs again: nothing of its earlier end holds. Its attempts stay.
    fn reset(self, node: NodeIndex, reason: &str) -> rusqlite::Result<()> {
        self.conn
            .prepare_cached(
                "UPDATE node SET status = 'pending', reason = ?3, started = NULL, finished = NULL, \
                 duration_ms = 0, outputs = NULL, measures = NULL WHERE run = ?1 AND idx = ?2",
            )?
            .execute(params![self.run, node, reason])?;
        Ok(())
    }
}
