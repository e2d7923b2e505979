//! From what a person types for a run to its id: the whole id, a prefix or the end of one, `last`. Reads ids only.

use super::Store;
use super::error::StoreError;
use crate::base::suggest::{did_you_mean, nearest};
use crate::event::RunId;

impl Store {
    /// The run meant by `word`: its id, a prefix or ending that only one run has, `last` or `latest`.
    pub fn resolve_run(&self, word: &str) -> Result<RunId, StoreError> {
        let ids = self.run_ids()?;
        if let "last" | "latest" = word {
            return ids.into_iter().next().map(RunId).ok_or_else(|| {
                StoreError::new("no run is recorded for this project yet", "start one: `wfl run LANE`")
            });
        }
        if ids.iter().any(|id| id == word) {
            return Ok(RunId(word.into()));
        }
        let fits = |id: &&String| !word.is_empty() && (id.starts_with(word) || id.ends_with(word));
        let near: Vec<&String> = ids.iter().filter(fits).collect();
        match near.as_slice() {
            [only] => Ok(RunId((*only).clone())),
            [] => Err(unknown_run(word, &ids)),
            several => Err(ambiguous(word, several)),
        }
    }

    /// Newest first.
    fn run_ids(&self) -> Result<Vec<String>, StoreError> {
        let conn = self.conn();
        let read = || -> rusqlite::Result<Vec<String>> {
            let mut select = conn.prepare_cached("SELECT id FROM run ORDER BY started DESC, num DESC")?;
            // An id that cannot be read is nobody's to name.
            let ids = select.query_map([], |row| Ok(row.get(0).ok()))?;
            ids.filter_map(Result::transpose).collect()
        };
        read().map_err(|e| self.error(&e))
    }
}

fn ambiguous(word: &str, several: &[&String]) -> StoreError {
    let shown: Vec<String> = several.iter().take(5).map(|id| format!("`{id}`")).collect();
    let more = if several.len() > 5 { ", …" } else { "" };
    StoreError::new(
        format!("`{word}` fits {} runs: {}{more}", several.len(), shown.join(", ")),
        "write more of the id",
    )
}

pub(super) fn unknown_run(word: &str, ids: &[String]) -> StoreError {
    let names = nearest(word, ids.iter().map(String::as_str));
    let help =
        did_you_mean(&names).unwrap_or_else(|| "`wfl runs` lists them; `last` means the newest".into());
    StoreError::new(format!("no run `{word}`"), help)
}
