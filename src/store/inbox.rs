//! Messages that other commands leave for the engine of a run. A message counts as taken only in the transaction of
//! the event it led to, so that a crash in between delivers it again. Does not know what a message does.

use rusqlite::{Connection, params};

use super::{Db, locked};
use crate::base::Timestamp;
use crate::event::Event;
use crate::port::{Answer, Inbox, Message};

/// The engine's end of a run's messages.
pub struct StoreInbox {
    db: Db,
    run: i64,
    /// The last message handed out by this process.
    seen: i64,
}

impl StoreInbox {
    pub(super) fn new(db: Db, run: i64) -> Self {
        StoreInbox { db, run, seen: 0 }
    }

    fn read(&mut self) -> rusqlite::Result<Vec<Message>> {
        let conn = locked(&self.db);
        let mut select = conn.prepare_cached(
            "SELECT num, kind, stage, yes, by, comment FROM message WHERE run = ?1 AND taken = 0 AND num > ?2 \
             ORDER BY num",
        )?;
        let mut rows = select.query(params![self.run, self.seen])?;
        let mut messages = Vec::new();
        let mut last = self.seen;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            messages.extend(message(row)?);
        }
        if last > self.seen {
            conn.prepare_cached("INSERT OR REPLACE INTO temp.handed_out(run, num) VALUES (?1, ?2)")?
                .execute(params![self.run, last])?;
            self.seen = last;
        }
        Ok(messages)
    }
}

impl Inbox for StoreInbox {
    /// A database that cannot be read now gives nothing: the messages stay, and the next commit tells what is wrong.
    fn take(&mut self) -> Vec<Message> {
        self.read().unwrap_or_default()
    }
}

/// Which messages were handed out is known to this process alone, hence a temporary table; the settling statement can
/// then be part of any transaction on the same connection.
pub(super) const HANDED_OUT: &str =
    "CREATE TEMP TABLE IF NOT EXISTS handed_out(run INTEGER PRIMARY KEY, num INTEGER NOT NULL)";

/// Marks what was handed out as taken when an event shows that it had its effect, or that the engine stops.
pub(super) fn settle(conn: &Connection, run: i64, event: &Event) -> rusqlite::Result<()> {
    let settles = matches!(
        event,
        Event::ApprovalGiven { .. }
            | Event::ConfirmAnswered { .. }
            | Event::RunCancelling { .. }
            | Event::RunFinished { .. }
    );
    if settles {
        conn.prepare_cached(
            "UPDATE message SET taken = 1 WHERE run = ?1 AND taken = 0 \
             AND num <= (SELECT num FROM temp.handed_out WHERE run = ?1)",
        )?
        .execute([run])?;
    }
    Ok(())
}

/// Stores a message; on the disk when this returns.
pub(super) fn post(conn: &Connection, run: i64, message: &Message) -> rusqlite::Result<()> {
    conn.execute_batch("PRAGMA synchronous = FULL")?;
    let at = Timestamp::now().0;
    let stored = match message {
        Message::Approval { stage, answer } => conn.execute(
            "INSERT INTO message(run, at, kind, stage, yes, by, comment) VALUES (?1, ?2, 'approval', ?3, ?4, ?5, ?6)",
            params![run, at, stage, answer.yes, answer.by, answer.comment],
        ),
        Message::Cancel { by } => {
            conn.execute("INSERT INTO message(run, at, kind, by) VALUES (?1, ?2, 'cancel', ?3)", params![run, at, by])
        }
    };
    conn.execute_batch("PRAGMA synchronous = NORMAL")?;
    stored.map(|_| ())
}

/// A kind this version does not know is passed over.
fn message(row: &rusqlite::Row<'_>) -> rusqlite::Result<Option<Message>> {
    let kind: String = row.get(1)?;
    let by: String = row.get(4)?;
    Ok(match kind.as_str() {
        "approval" => {
            let answer = Answer { yes: row.get(3)?, by, comment: row.get(5)? };
            Some(Message::Approval { stage: row.get(2)?, answer })
        }
        "cancel" => Some(Message::Cancel { by }),
        _ => None,
    })
}
