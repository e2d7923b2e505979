//! A broken database set aside and another put in its place: what the copy holds, with all that can still be read of the
//! broken one. Deletes nothing, and says what is lost. Runs only when a person asks for it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OpenFlags, params, params_from_iter};

use super::error::StoreError;
use super::salvage::{self, Rows};
use super::{DATABASE, backup, birth, health, journal, lineage, lock, place, project, schema};
use crate::base::Timestamp;
use crate::event::RunId;
use crate::history::Change;

/// Among the locks of runs; no run is called so.
const LOCK: &str = "heal";
/// The whole new database, before it takes the place of the old one.
pub(super) const HEALED: &str = "state.healed";
/// While it is made.
const FRESH: &str = "state.heal";
/// Tables whose rows follow from the events, or belong to a moment that is over.
const DERIVED: &[&str] =
    &["advice", "attempt", "result", "kept", "waiter", "lineage", "run", "plan", "node", "event"];

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Healed {
    /// Where the broken files lie now.
    pub aside: PathBuf,
    /// Runs that are there again.
    pub runs: usize,
    /// When the copy was made that was used.
    pub copy: Option<Timestamp>,
    /// What is not there any more, a line each.
    pub lost: Vec<String>,
}

/// Heals the database of the state folder. The caller has found it broken.
pub fn heal(dir: &Path, now: Timestamp) -> Result<Healed, StoreError> {
    place::prepare(dir)?;
    let alone = lock::acquire(dir, &RunId(LOCK.into()));
    if alone.is_err() || !living(dir).is_empty() {
        let who = living(dir).join(", ");
        return Err(StoreError::new(
            format!("the state cannot be healed while a run goes on ({who})"),
            "wait for its end, or end it, then `wfl doctor --fix` again",
        ));
    }
    let (path, healed) = (dir.join(DATABASE), dir.join(HEALED));
    let aside = folder_for(dir, now)?;
    // One that was whole before a kill only has to be put in its place.
    let mut done = Healed { aside: aside.clone(), ..Healed::default() };
    copy_aside(dir, &aside)?;
    if !health::is_sound(&healed) {
        let _ = fs::remove_file(&healed);
        done = Making::new(dir, &aside, now)?.make(done)?;
        sync(&dir.join(FRESH))?;
        renamed(&dir.join(FRESH), &healed)?;
    }
    // The mark goes first: without it nothing is expected of what lies here.
    let log = lineage::log_path(&path);
    for old in [dir.join("state.mark"), log, path.with_extension("db-shm")] {
        match fs::remove_file(&old) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::io(&e, "cannot take away", &old));
            }
            _ => {}
        }
    }
    renamed(&healed, &path)?;
    place::sync_parent(&path);
    done.runs = count(&path);
    Ok(done)
}

/// Runs that a living engine has.
fn living(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir.join("runs")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let ids = names.filter_map(|name| name.strip_suffix(".lock").map(str::to_owned));
    ids.filter(|id| id != LOCK && lock::is_live(dir, id)).collect()
}

fn folder_for(dir: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let day: String =
        now.local().chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    for number in 0..1000 {
        let end = if number == 0 { String::new() } else { format!("-{number}") };
        let folder = dir.join(format!("damaged-{day}{end}"));
        if !folder.exists() {
            place::prepare(&folder)?;
            return Ok(folder);
        }
    }
    Err(StoreError::new("there are a thousand damaged states here", "remove what you do not need any more"))
}

/// Everything that belongs to the broken database, as it is. On the disk before anything of it is taken away.
fn copy_aside(dir: &Path, aside: &Path) -> Result<(), StoreError> {
    for name in [DATABASE, "state.db-wal", "state.mark"] {
        let (from, to) = (dir.join(name), aside.join(name));
        if from.exists() {
            fs::copy(&from, &to).map_err(|e| StoreError::io(&e, "cannot set aside", &from))?;
            sync(&to)?;
        }
    }
    place::sync_parent(&aside.join(DATABASE));
    Ok(())
}

fn sync(path: &Path) -> Result<(), StoreError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|e| StoreError::io(&e, "cannot write", path))
}

fn renamed(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|e| StoreError::io(&e, "cannot write", to))
}

fn count(path: &Path) -> usize {
    let count = || -> rusqlite::Result<i64> {
        Connection::open(path)?.query_row("SELECT count(*) FROM run", [], |row| row.get(0))
    };
    count().unwrap_or(0).max(0) as usize
}

/// The new database on its way.
struct Making<'a> {
    dir: &'a Path,
    fresh: PathBuf,
    conn: Connection,
    /// The broken one, where it opens at all.
    old: Option<Connection>,
    copy: Option<Timestamp>,
}

impl<'a> Making<'a> {
    /// Begins with the copy, or with nothing.
    fn new(dir: &'a Path, aside: &Path, _now: Timestamp) -> Result<Self, StoreError> {
        let (path, fresh) = (dir.join(DATABASE), dir.join(FRESH));
        for end in ["", "-wal", "-shm", "-journal"] {
            let _ = fs::remove_file(dir.join(format!("{FRESH}{end}")));
        }
        let kept = backup::path(&path);
        let copy = backup::made(&path).filter(|_| health::is_sound(&kept));
        match copy {
            Some(_) => {
                // A new file of our own: the copy may have been made with other rights.
                place::prepare_file(&fresh)?;
                let mut from = File::open(&kept).map_err(|e| StoreError::io(&e, "cannot read", &kept))?;
                let to = fs::OpenOptions::new().write(true).open(&fresh);
                to.and_then(|mut to| std::io::copy(&mut from, &mut to))
                    .map_err(|e| StoreError::io(&e, "cannot write", &fresh))?;
            }
            None => birth::make(&fresh)?,
        }
        place::prepare_file(&fresh)?;
        let sqlite = |e: rusqlite::Error| StoreError::sqlite(&e, &fresh);
        let mut conn = Connection::open(&fresh).map_err(sqlite)?;
        // Nobody else knows it, and it is synced as a whole.
        conn.execute_batch("PRAGMA synchronous = OFF").map_err(sqlite)?;
        conn.query_row("PRAGMA journal_mode = MEMORY", [], |_| Ok(())).map_err(sqlite)?;
        schema::migrate(&mut conn, &fresh)?;
        // Of the copies set aside: opening may take a log in, and that is not to happen to the only ones.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let reading = dir.join(format!("{FRESH}-old"));
        let old = copied_for_reading(aside, &reading)
            .then(|| Connection::open_with_flags(reading.join(DATABASE), flags).ok())
            .flatten();
        Ok(Making { dir, fresh, conn, old, copy })
    }

    fn make(self, done: Healed) -> Result<Healed, StoreError> {
        let (dir, fresh) = (self.dir, self.fresh.clone());
        let made = self.merge(done).map_err(|e| StoreError::sqlite(&e, &fresh));
        let _ = fs::remove_dir_all(dir.join(format!("{FRESH}-old")));
        made
    }

    fn merge(self, mut done: Healed) -> rusqlite::Result<Healed> {
        let Making { dir, conn, old, copy, .. } = self;
        done.copy = copy;
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut merging = Merging { conn: &conn, lost: Vec::new(), certain: BTreeSet::new() };
        match &old {
            Some(old) => merging.take(old)?,
            None => merging.lost.push("nothing of the damaged database could be read".into()),
        }
        merging.settle()?;
        let known = ids(&conn)?;
        done.lost = merging.lost;
        done.lost.extend(nameless(dir, &known));
        // A mark of its own begins with the next run.
        conn.execute("UPDATE lineage SET database = lower(hex(randomblob(8))), epoch = 0", [])?;
        conn.execute_batch("COMMIT")?;
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        conn.close().map_err(|(_, e)| e)?;
        Ok(done)
    }
}

fn copied_for_reading(aside: &Path, to: &Path) -> bool {
    let _ = fs::remove_dir_all(to);
    if !aside.join(DATABASE).exists() || fs::create_dir(to).is_err() {
        return false;
    }
    let copy = |name: &str| !aside.join(name).exists() || fs::copy(aside.join(name), to.join(name)).is_ok();
    copy(DATABASE) && copy("state.db-wal")
}

fn ids(conn: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    let mut select = conn.prepare("SELECT id FROM run")?;
    select.query_map([], |row| row.get(0))?.collect()
}

/// Runs of which only their logs or the file of their lock is left.
fn nameless(dir: &Path, known: &BTreeSet<String>) -> Vec<String> {
    let names = |folder: &str| {
        let entries = fs::read_dir(dir.join(folder)).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect::<Vec<String>>()
    };
    let logs = names("logs");
    let locks = names("runs").into_iter().filter_map(|name| name.strip_suffix(".lock").map(str::to_owned));
    let mut gone: BTreeSet<String> = logs.iter().cloned().chain(locks).collect();
    // Their own locks are no runs.
    gone.retain(|name| !known.contains(name) && name != LOCK && name != backup::LOCK);
    let words = |run: String| match logs.contains(&run) {
        true => format!("run {run}: all but its logs, which are in logs/{run}"),
        false => format!("run {run}: everything but its name"),
    };
    gone.into_iter().map(words).collect()
}

/// Puts the rows of the broken database beside those of the copy.
struct Merging<'a> {
    conn: &'a Connection,
    lost: Vec<String>,
    /// Runs of which every event was read, by number.
    certain: BTreeSet<i64>,
}

impl Merging<'_> {
    fn take(&mut self, old: &Connection) -> rusqlite::Result<()> {
        let own = salvage::tables(self.conn)?;
        let kept: Vec<&String> = own.iter().filter(|table| !DERIVED.contains(&table.as_str())).collect();
        let mut parts = Vec::new();
        for table in kept {
            let rows = self.read(old, table);
            if rows.whole && table == "lease" {
                self.conn.execute("DELETE FROM lease", [])?;
            }
            if !rows.whole {
                parts.push(table.as_str());
            }
            self.put(table, "REPLACE", &rows)?;
        }
        if !parts.is_empty() {
            self.lost.push(format!("what was kept of {}, or a part of it", parts.join(", ")));
        }
        let runs = self.read(old, "run");
        self.put("run", "IGNORE", &runs)?;
        if !runs.whole {
            self.by_name(old)?;
        }
        let plans = self.read(old, "plan");
        self.put("plan", "IGNORE", &plans)?;
        let numbers = self.numbers()?;
        for number in numbers.keys() {
            let nodes = self.of_run(old, "node", "idx", *number);
            self.put("node", "IGNORE", &nodes)?;
            let events = self.of_run(old, "event", "seq", *number);
            self.put("event", "IGNORE", &events)?;
            if events.whole && !events.rows.is_empty() {
                self.certain.insert(*number);
            }
        }
        let mut orphans = salvage::table(old, "event", &["DISTINCT run".to_owned()], "run").rows;
        orphans.retain(|row| !matches!(row.first(), Some(Sql::Integer(run)) if numbers.contains_key(run)));
        self.lost.extend(orphans.iter().map(|row| match row.first() {
            Some(Sql::Integer(run)) => {
                format!("the run of number {run}: its name and plan could not be read")
            }
            _ => "a run whose number could not be read".into(),
        }));
        Ok(())
    }

    /// Runs whose row is gone: their names stand in an index of their own, and the rest in their first event.
    fn by_name(&self, old: &Connection) -> rusqlite::Result<()> {
        let index = "run INDEXED BY sqlite_autoindex_run_1";
        let names = salvage::table(old, index, &["num".into(), "id".into()], "id");
        let change = super::json(&Change::default());
        for name in &names.rows {
            let [Sql::Integer(number), Sql::Text(id)] = name.as_slice() else { continue };
            let began = old.query_row(
                "SELECT at, coalesce(json_extract(data, '$.lane'), '?') FROM event WHERE run = ?1 AND seq = 1",
                [number],
                |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
            );
            let Ok((at, lane)) = began else { continue };
            self.conn.execute(
                "INSERT OR IGNORE INTO run(num, id, lane, status, started, change_type, change, params) \
                 VALUES (?1, ?2, ?3, 'running', ?4, '', ?5, '{}')",
                params![number, id, lane, at, change],
            )?;
        }
        Ok(())
    }

    fn read(&self, old: &Connection, table: &str) -> Rows {
        let columns = self.common(old, table);
        if columns.is_empty() {
            return Rows::default();
        }
        let mut rows = salvage::table(old, table, &columns, &columns[0]);
        rows.columns = columns;
        rows
    }

    fn of_run(&self, old: &Connection, table: &str, order: &str, run: i64) -> Rows {
        let columns = self.common(old, table);
        if columns.is_empty() {
            return Rows::default();
        }
        let mut rows = salvage::of_run(old, table, &columns, order, run);
        rows.columns = columns;
        rows
    }

    /// Columns that both have.
    fn common(&self, old: &Connection, table: &str) -> Vec<String> {
        let theirs = salvage::columns(old, table);
        salvage::columns(self.conn, table).into_iter().filter(|column| theirs.contains(column)).collect()
    }

    fn put(&self, table: &str, clash: &str, rows: &Rows) -> rusqlite::Result<()> {
        if rows.rows.is_empty() {
            return Ok(());
        }
        let marks: Vec<String> = (1..=rows.columns.len()).map(|at| format!("?{at}")).collect();
        let sql = format!(
            "INSERT OR {clash} INTO {table}({}) VALUES ({})",
            rows.columns.join(", "),
            marks.join(", ")
        );
        let mut insert = self.conn.prepare(&sql)?;
        for row in &rows.rows {
            // One that the table refuses is damaged itself.
            let _ = insert.execute(params_from_iter(row));
        }
        Ok(())
    }

    fn numbers(&self) -> rusqlite::Result<BTreeMap<i64, String>> {
        let mut select = self.conn.prepare("SELECT num, id FROM run ORDER BY num")?;
        select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    }

    /// Keeps of each run what follows without a gap, works its rows out again, and says where something is missing.
    fn settle(&mut self) -> rusqlite::Result<()> {
        for (number, id) in self.numbers()? {
            let (first_gap, last) = self.gap(number)?;
            let lost = match last {
                0 => Some("everything but its name".to_owned()),
                last if first_gap <= last => {
                    Some(format!("its events {first_gap} to {last}, or some of them"))
                }
                _ if self.certain.contains(&number) => None,
                _ => Some(format!("what it did after event {last}, if anything")),
            };
            self.conn
                .execute("DELETE FROM event WHERE run = ?1 AND seq >= ?2", params![number, first_gap])?;
            let records = journal::events(self.conn, &id);
            let over = match &records {
                Ok(records) => {
                    project::rebuild(self.conn, number, records)?;
                    records.last().is_some_and(|last| journal::ended_for_good(&last.event))
                }
                Err(_) => false,
            };
            if let Some(what) = lost.filter(|_| !over) {
                self.close(number, first_gap)?;
                self.lost.push(format!("run {id}: {what}"));
            }
        }
        Ok(())
    }

    /// The first number that is missing, and the last that is there.
    fn gap(&self, run: i64) -> rusqlite::Result<(i64, i64)> {
        let last: i64 =
            self.conn.query_row("SELECT coalesce(max(seq), 0) FROM event WHERE run = ?1", [run], |row| {
                row.get(0)
            })?;
        let first: i64 = self.conn.query_row(
            "SELECT min(one.seq + 1) FROM (SELECT 0 AS seq UNION ALL SELECT seq FROM event WHERE run = ?1) AS one \
             WHERE NOT EXISTS (SELECT 1 FROM event WHERE run = ?1 AND seq = one.seq + 1)",
            [run],
            |row| row.get(0),
        )?;
        Ok((first, last))
    }

    /// Nobody goes on with a run of which nobody knows what it did: a `once` stage may have begun.
    fn close(&self, run: i64, seq: i64) -> rusqlite::Result<()> {
        self.conn.execute(
            "INSERT INTO event(run, seq, at, data) SELECT ?1, ?2, coalesce(max(at), 0), ?3 FROM event WHERE run = ?1",
            params![run, seq, journal::LOST],
        )?;
        self.conn.execute(
            "UPDATE run SET cause = 'what it did later was lost with the damaged state', \
             status = CASE WHEN finished IS NULL THEN 'interrupted' ELSE status END WHERE num = ?1",
            [run],
        )?;
        Ok(())
    }
}
