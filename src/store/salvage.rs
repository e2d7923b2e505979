//! Reads what can still be read of a damaged database: every table from its beginning and from its end, as far as the
//! pages hold. Judges no row.

use std::collections::BTreeSet;

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};

/// Rows of one table, in the columns asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub rows: Vec<Vec<Sql>>,
    pub columns: Vec<String>,
    /// Every row was read.
    pub whole: bool,
}

/// The columns of a table that hold data of their own.
pub(super) fn columns(conn: &Connection, table: &str) -> Vec<String> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut select = conn.prepare("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0")?;
        select.query_map([table], |row| row.get(0))?.collect()
    };
    read().unwrap_or_default()
}

/// Names of the tables that the database should have.
pub(super) fn tables(conn: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = conn.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    select.query_map([], |row| row.get(0))?.collect()
}

/// All rows of a table. `order` is its key, by which it is read from both ends.
pub(super) fn table(conn: &Connection, table: &str, columns: &[String], order: &str) -> Rows {
    both_ends(conn, &format!("SELECT {} FROM {table}", columns.join(", ")), order, &[])
}

/// Every row of a table that belongs to one run.
pub(super) fn of_run(conn: &Connection, table: &str, columns: &[String], order: &str, run: i64) -> Rows {
    let sql = format!("SELECT {} FROM {table} WHERE run = ?1", columns.join(", "));
    both_ends(conn, &sql, order, &[Sql::Integer(run)])
}

fn both_ends(conn: &Connection, sql: &str, order: &str, values: &[Sql]) -> Rows {
    let keys: Vec<&str> = order.split(',').map(str::trim).collect();
    let towards = |word: &str| {
        let keys: Vec<String> = keys.iter().map(|key| format!("{key} {word}")).collect();
        format!("{sql} ORDER BY {}", keys.join(", "))
    };
    let (mut rows, whole) = until_damage(conn, &towards("ASC"), values);
    if whole {
        return Rows { rows, whole, columns: Vec::new() };
    }
    let (mut rest, _) = until_damage(conn, &towards("DESC"), values);
    rest.reverse();
    rows.extend(rest);
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(format!("{row:?}")));
    Rows { rows, whole, columns: Vec::new() }
}

/// Rows up to the first that cannot be read, and whether that was the end.
fn until_damage(conn: &Connection, sql: &str, values: &[Sql]) -> (Vec<Vec<Sql>>, bool) {
    let mut found = Vec::new();
    let Ok(mut select) = conn.prepare(sql) else { return (found, false) };
    let count = select.column_count();
    let Ok(mut rows) = select.query(params_from_iter(values)) else { return (found, false) };
    loop {
        match rows.next() {
            Ok(None) => return (found, true),
            Ok(Some(row)) => {
                let read: rusqlite::Result<Vec<Sql>> = (0..count).map(|at| row.get(at)).collect();
                match read {
                    Ok(values) => found.push(values),
                    Err(_) => return (found, false),
                }
            }
            Err(_) => return (found, false),
        }
    }
}
