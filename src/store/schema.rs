//! The database's tables, as an append-only list of migrations. An entry, once released, never changes.
//! Does not know what the rows mean.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::StoreError;

/// "wfl1": marks the file as ours, so that a foreign database is never written to.
const APPLICATION_ID: i64 = 0x7766_6c31;

/// `PRAGMA user_version` is the number of entries applied. Only ever append.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE run(
        num INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        status TEXT NOT NULL,
        started INTEGER NOT NULL,
        finished INTEGER,
        -- Start of the session that is open, or was when the engine died.
        session INTEGER,
        worked_ms INTEGER NOT NULL DEFAULT 0,
        exit INTEGER,
        cause TEXT,
        -- Counts barriers without an event: SQLite writes, and so syncs, only what differs.
        barriers INTEGER NOT NULL DEFAULT 0,
        change_type TEXT NOT NULL,
        change TEXT NOT NULL,
        params TEXT NOT NULL
    );
    CREATE INDEX run_started ON run(started);
    CREATE TABLE plan(run INTEGER PRIMARY KEY, json TEXT NOT NULL);
    CREATE TABLE node(
        run INTEGER NOT NULL,
        idx INTEGER NOT NULL,
        key TEXT NOT NULL,
        stage TEXT NOT NULL,
        number INTEGER,
        kind TEXT NOT NULL,
        status TEXT NOT NULL DEFAULT 'pending',
        reason TEXT,
        attempt INTEGER NOT NULL DEFAULT 0,
        started INTEGER,
        finished INTEGER,
        duration_ms INTEGER NOT NULL DEFAULT 0,
        outputs TEXT,
        measures TEXT,
        PRIMARY KEY(run, idx)
    ) WITHOUT ROWID;
    CREATE TABLE attempt(
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        attempt INTEGER NOT NULL,
        started INTEGER NOT NULL,
        status TEXT,
        exit INTEGER,
        duration_ms INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        user_ms INTEGER NOT NULL DEFAULT 0,
        system_ms INTEGER NOT NULL DEFAULT 0,
        max_rss INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY(run, node, attempt)
    ) WITHOUT ROWID;
    CREATE TABLE event(
        run INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        at INTEGER NOT NULL,
        data TEXT NOT NULL,
        type TEXT AS (json_extract(data, '$.type')) VIRTUAL,
        node INTEGER AS (json_extract(data, '$.node')) VIRTUAL,
        PRIMARY KEY(run, seq)
    ) WITHOUT ROWID;
    CREATE TABLE message(
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        stage TEXT,
        yes INTEGER,
        by TEXT NOT NULL,
        comment TEXT,
        taken INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX message_open ON message(run, num) WHERE taken = 0;
",
    "
    ALTER TABLE attempt ADD COLUMN class TEXT;
    ALTER TABLE attempt ADD COLUMN injected INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN user_us INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN system_us INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN how TEXT;
    ALTER TABLE attempt ADD COLUMN tree_rss INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN read_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN written_bytes INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE attempt ADD COLUMN preempted INTEGER NOT NULL DEFAULT 0;
",
    "
    CREATE TABLE lease(
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        since INTEGER NOT NULL,
        -- Stages that may keep it beyond the run's life, with the attempts each had when it was taken.
        keepers TEXT NOT NULL,
        PRIMARY KEY(kind, name, run, node)
    ) WITHOUT ROWID;
    CREATE TABLE waiter(
        ticket INTEGER PRIMARY KEY,
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        wants TEXT NOT NULL,
        seen INTEGER NOT NULL
    );
    CREATE TABLE breaker(key TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;
",
    "
    -- Results that other runs may take: of each key the one recorded last.
    CREATE TABLE result(
        num INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        stage TEXT NOT NULL,
        run INTEGER NOT NULL,
        at INTEGER NOT NULL,
        data TEXT NOT NULL,
        files TEXT NOT NULL,
        revoked TEXT
    );
    CREATE INDEX result_stage ON result(stage, at);
    CREATE INDEX result_run ON result(run);
    -- Files of which a copy is kept, and until when.
    CREATE TABLE kept(
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path TEXT NOT NULL,
        hash TEXT NOT NULL,
        until INTEGER NOT NULL,
        PRIMARY KEY(run, node, path)
    ) WITHOUT ROWID;
",
    "
    -- One row: which database this is, and how often a session of a run was opened or closed in it.
    CREATE TABLE lineage(database TEXT NOT NULL, epoch INTEGER NOT NULL);
    INSERT INTO lineage VALUES (lower(hex(randomblob(8))), 0);
",
    "
    -- How far the undo of the stage got: running, done, failed.
    ALTER TABLE node ADD COLUMN undo TEXT;
",
    "
    -- Failures by what they have in common, all runs together.
    CREATE TABLE failure(
        signature TEXT PRIMARY KEY,
        class TEXT,
        program TEXT NOT NULL,
        text TEXT NOT NULL,
        seen INTEGER NOT NULL DEFAULT 0,
        runs INTEGER NOT NULL DEFAULT 0,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        retried INTEGER NOT NULL DEFAULT 0,
        retry_helped INTEGER NOT NULL DEFAULT 0,
        told INTEGER,
        verdict TEXT,
        note TEXT
    ) WITHOUT ROWID;
    CREATE INDEX failure_judged ON failure(signature) WHERE retried >= 5 OR verdict IS NOT NULL;
    -- Where each was seen.
    CREATE TABLE failure_run(
        signature TEXT NOT NULL,
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        seen INTEGER NOT NULL,
        PRIMARY KEY(signature, run, node)
    ) WITHOUT ROWID;
    CREATE INDEX failure_run_run ON failure_run(run);
    -- What was done about it; run 0 stands for runs that were removed since.
    CREATE TABLE failure_remedy(
        signature TEXT NOT NULL,
        run INTEGER NOT NULL,
        remedy TEXT NOT NULL,
        tried INTEGER NOT NULL,
        helped INTEGER NOT NULL,
        PRIMARY KEY(signature, run, remedy)
    ) WITHOUT ROWID;
    CREATE INDEX failure_remedy_run ON failure_remedy(run);
",
    "
    -- What is remembered of runs that ended, of this machine and others. Numbers are never used again.
    CREATE TABLE past(
        num INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        lane TEXT NOT NULL,
        change_type TEXT NOT NULL,
        started INTEGER NOT NULL,
        imported INTEGER NOT NULL,
        data BLOB NOT NULL
    );
    CREATE INDEX past_started ON past(started, id);
    CREATE INDEX past_lane ON past(lane, started);
    -- The end of the run that was taken in; it may have been resumed since.
    ALTER TABLE run ADD COLUMN remembered INTEGER;
    CREATE INDEX run_new ON run(num) WHERE finished IS NOT NULL AND finished IS NOT remembered;
",
    "
    -- What was learned of each lane, up to and with the row `last` of what is remembered.
    CREATE TABLE advice(lane TEXT PRIMARY KEY, last INTEGER NOT NULL, data BLOB NOT NULL) WITHOUT ROWID;
",
    "
    -- What a run was advised to leave out, and what was done with that. Outlives the run.
    CREATE TABLE advised(
        id TEXT PRIMARY KEY,
        lane TEXT NOT NULL,
        at INTEGER NOT NULL,
        data TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX advised_at ON advised(at);
",
];

/// What a file that is only read turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Current,
    Older,
    Empty,
}

/// Brings the database to this program's schema in one transaction.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if require_current(conn, path)? == Found::Current {
        return Ok(());
    }
    let apply = |conn: &mut Connection| -> rusqlite::Result<()> {
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Read again inside the transaction: another process may have been first.
        let version = version(&tx)?;
        for migration in MIGRATIONS.iter().skip(version) {
            tx.execute_batch(migration)?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
        tx.commit()
    };
    apply(conn).map_err(|e| StoreError::sqlite(&e, path))
}

/// Refuses a newer schema and a foreign database; tells whether migrations are missing.
pub(super) fn require_current(conn: &Connection, path: &Path) -> Result<Found, StoreError> {
    let read = || -> rusqlite::Result<(usize, i64, i64)> {
        let id = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let tables = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        Ok((version(conn)?, id, tables))
    };
    let (version, id, tables) = read().map_err(|e| StoreError::sqlite(&e, path))?;
    if id != APPLICATION_ID && tables != 0 {
        return Err(StoreError::new(
            format!("{} is a database of another program", path.display()),
            "set WFL_STATE_DIR to a folder of its own",
        ));
    }
    match version {
        newer if newer > MIGRATIONS.len() => Err(StoreError::new(
            format!(
                "the state database {} was written by a newer wfl (schema {newer}, this one knows {})",
                path.display(),
                MIGRATIONS.len()
            ),
            "update wfl, or set WFL_STATE_DIR to another folder; nothing was changed",
        )),
        0 => Ok(Found::Empty),
        current if current == MIGRATIONS.len() => Ok(Found::Current),
        _ => Ok(Found::Older),
    }
}

/// Refuses a database whose tables are not those of its version: a migration of another program, or by hand.
pub(super) fn require_tables(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let read = || -> rusqlite::Result<(Vec<String>, Vec<String>)> {
        let model = Connection::open_in_memory()?;
        for migration in MIGRATIONS.iter().take(version(conn)?) {
            model.execute_batch(migration)?;
        }
        Ok((parts(&model)?, parts(conn)?))
    };
    let (expected, found) = read().map_err(|e| StoreError::sqlite(&e, path))?;
    let missing: Vec<&str> =
        expected.iter().filter(|part| !found.contains(part)).map(String::as_str).collect();
    let strange: Vec<&str> =
        found.iter().filter(|part| !expected.contains(part)).map(String::as_str).collect();
    let what = match (missing.as_slice(), strange.as_slice()) {
        ([], []) => return Ok(()),
        ([], more) => format!("it holds {} that its version does not have", more.join(", ")),
        (missing, _) => format!("{} is missing", missing.join(", ")),
    };
    Err(StoreError::damaged(path, &what))
}

/// Tables with their columns, and indices.
fn parts(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare(
        "SELECT s.type || ' ' || s.name || coalesce('.' || c.name, '') FROM sqlite_schema AS s \
         LEFT JOIN pragma_table_xinfo(s.name) AS c ON s.type = 'table' WHERE s.name NOT LIKE 'sqlite_%' ORDER BY 1",
    )?;
    select.query_map([], |row| row.get(0))?.collect()
}

pub(super) fn version(conn: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = conn.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(version.max(0) as usize)
}
