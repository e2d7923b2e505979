//! Our own form: one remembered run a line, so that a file of it can be merged line by line. Decides nothing.

use serde_json::Value;

use super::Batch;
use crate::base::Timestamp;
use crate::eventlog::Complaints;
use crate::history::{FILES, Past};
use crate::store::past::IMPORTED;

/// Between 1900 and 2200, as for event logs.
const FIRST: i64 = -2_208_988_800_000;
const LAST: i64 = 7_258_118_400_000;
const TEN_YEARS: u64 = 10 * 366 * 86_400_000;
/// Bytes of an id or a name.
const LONGEST: usize = 1000;
/// Stages of one run.
const MOST_STAGES: usize = 100_000;

/// Whether a line may be one of this form, however another program put its spaces. Of a long one only the beginning may
/// have been read.
pub(super) fn is_ours(line: &str) -> bool {
    match serde_json::from_str::<Value>(line) {
        Ok(whole) => whole["id"].is_string() && whole["lane"].is_string() && whole["stages"].is_array(),
        Err(_) => {
            let close: String = line.split_whitespace().collect();
            close.starts_with("{\"id\":") && close.contains("\"lane\":") && close.contains("\"stages\":[")
        }
    }
}

pub(super) fn read(bytes: &[u8]) -> Batch {
    let mut batch = Batch { kind: "history", ..Batch::default() };
    let text = String::from_utf8_lossy(bytes);
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if ["<<<<<<<", "=======", ">>>>>>>", "|||||||"].iter().any(|mark| line.starts_with(mark)) {
            batch.complaints.odd("a mark of a merge that git did not finish", number, line);
            continue;
        }
        batch.rows += 1;
        batch.past.extend(one(line, number, &mut batch.complaints));
    }
    batch
}

fn one(line: &str, number: u64, complaints: &mut Complaints) -> Option<Past> {
    let past: Past = match serde_json::from_str(line) {
        Ok(past) => past,
        Err(error) => {
            let what = match serde_json::from_str::<Value>(line) {
                Ok(_) => "it is no run as `wfl history export` writes it",
                Err(_) => "the line is not JSON",
            };
            complaints.bad(what, number, &plain(&error));
            return None;
        }
    };
    match contradiction(&past) {
        Some(what) => {
            complaints.bad(what, number, &past.id);
            None
        }
        None => Some(bounded(past)),
    }
}

fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Why nothing is to be learned from a run.
pub(super) fn contradiction(past: &Past) -> Option<&'static str> {
    let long = |text: &str| text.is_empty() || text.len() > LONGEST || text.chars().any(char::is_control);
    let ends = |began: Option<u64>, took: u64| began.unwrap_or(0).saturating_add(took) > TEN_YEARS;
    if long(&past.id)
        || long(&past.lane)
        || past.stages.iter().any(|stage| long(&stage.name) || long(&stage.stage))
    {
        return Some("a name is empty, holds control characters or is longer than 1000 bytes");
    }
    if !(FIRST..LAST).contains(&past.started.0) {
        return Some("the time is before 1900 or after 2200");
    }
    if ends(None, past.duration_ms) || past.stages.iter().any(|stage| ends(stage.began_ms, stage.duration_ms))
    {
        return Some("it takes more than ten years");
    }
    if past.stages.len() > MOST_STAGES {
        return Some("it has more than 100000 stages");
    }
    past.stages
        .iter()
        .any(|stage| stage.measures.values().any(|value| !value.is_finite()))
        .then_some("a measure is no number")
}

fn bounded(mut past: Past) -> Past {
    past.change.count = past.change.count.max(past.change.files.len() as u64);
    past.change.files.sort();
    past.change.files.truncate(FILES);
    if past.source == IMPORTED {
        past.source.clear();
    }
    past
}

/// A line a run, oldest first, so that two machines write the same lines in the same order.
pub(super) fn text(past: &[Past], project: &str) -> String {
    let mut lines: Vec<(Timestamp, &str, String)> = past
        .iter()
        .map(|past| {
            let mut one = past.clone();
            if one.source == IMPORTED {
                one.source.clear();
            }
            if one.project.is_empty() {
                one.project = project.to_owned();
            }
            (past.started, past.id.as_str(), serde_json::to_string(&one).unwrap_or_default())
        })
        .collect();
    lines.sort();
    lines.into_iter().map(|(.., line)| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn spaces_of_another_program_and_a_cut_line_do_not_hide_what_it_is() {
        let tight = r#"{"id":"a","lane":"l","stages":[]}"#;
        let loose = r#"{ "lane": "l", "stages": [], "id": "a" }"#;
        let cut = r#"{"id": "a", "lane": "l", "stages": [{"name": "un"#;
        assert!(is_ours(tight) && is_ours(loose) && is_ours(cut));
        assert!(!is_ours(r#"{"change_id":"a","lane_used":"l","stages_executed":[1]}"#));
    }
}
