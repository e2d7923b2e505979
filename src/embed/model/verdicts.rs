//! A table of verdicts: which check of which cycle failed and what it took. Measures the order in which to look for failures.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::{Asked, Error};
use crate::eventlog::{self, Names, Source};
use crate::learn::evaluate::{Report, Size, VERSION};
use crate::learn::log::{Column, Log, NO_WORD, Values};
use crate::learn::rank::{self, Look};

/// Of a header that is looked at.
const HEADER: u64 = 1 << 16;

/// Names of columns; what is not named is found by its usual name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    pub verdict: Option<String>,
    pub duration: Option<String>,
    pub cycle: Option<String>,
    pub name: Option<String>,
}

/// The columns of a table of verdicts. None for another file, when nobody said that it is one.
pub fn columns(path: &Path, asked: &Columns) -> Result<Option<Found>, Error> {
    let header = header(path);
    let find = |named: &Option<String>, usual: &str| match named {
        Some(name) => header.iter().find(|column| *column == name).cloned(),
        None => header.iter().find(|column| column.eq_ignore_ascii_case(usual)).cloned(),
    };
    let found = (
        find(&asked.verdict, "verdict"),
        find(&asked.duration, "duration"),
        find(&asked.cycle, "cycle"),
        find(&asked.name, "name"),
    );
    match found {
        (Some(verdict), Some(duration), Some(cycle), Some(name)) => {
            Ok(Some(Found { verdict, duration, cycle, name }))
        }
        _ if asked.verdict.is_none() => Ok(None),
        _ => Err(Error::refused(
            format!("{} is no table of verdicts as it was described", path.display()),
            format!(
                "name its columns with `--verdict`, `--duration`, `--cycle` and `--name`; it has: {}",
                header.join(", ")
            ),
        )),
    }
}

/// All four.
pub struct Found {
    verdict: String,
    duration: String,
    cycle: String,
    name: String,
}

/// Names in the first line; none where it cannot be read, which the reader of logs will say better.
fn header(path: &Path) -> Vec<String> {
    let Ok(mut file) = File::open(path) else { return Vec::new() };
    let mut magic = [0; 2];
    let packed = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    let Ok(file) = File::open(path) else { return Vec::new() };
    let text: Box<dyn Read> = if packed { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut line = Vec::new();
    if BufReader::new(text.take(HEADER)).read_until(b'\n', &mut line).is_err() {
        return Vec::new();
    }
    let line = String::from_utf8_lossy(&line);
    let line = line.trim_start_matches('\u{feff}').trim_end();
    let separator =
        [';', '\t', ','].into_iter().max_by_key(|mark| line.matches(*mark).count()).unwrap_or(',');
    line.split(separator).map(|name| name.trim().trim_matches('"').to_string()).collect()
}

pub fn evaluate(path: &Path, found: &Found, asked: &Asked) -> Result<Report, Error> {
    let names = Names {
        case: Some(found.cycle.clone()),
        activity: Some(found.name.clone()),
        timestamp: asked.names.timestamp.clone(),
        all_columns: true,
        ..Names::default()
    };
    let read = eventlog::read(&Source::Path(path), &names)
        .map_err(|refused| Error::refused(refused.message, refused.help))?;
    let log = read.log;
    let (looks, mut notes) = looks(&log, found, path)?;
    let score = rank::evaluate(&looks, asked.seed);
    if score.is_none() {
        notes.push("nothing failed: no order is better than another".to_string());
    }
    notes.push("a table of verdicts: only the order in which to look for failures is measured".to_string());
    notes.splice(0..0, read.complaints.lines());
    Ok(Report {
        version: VERSION,
        seed: asked.seed,
        order: "cycle",
        log: Size {
            cases: log.cases.len(),
            events: log.activity.len(),
            activities: log.activities.len(),
            ..Size::default()
        },
        order_of_checks: score,
        notes,
        ..Report::default()
    })
}

/// A row an event, in the order of the cycles.
fn looks(log: &Log, found: &Found, path: &Path) -> Result<(Vec<Look>, Vec<String>), Error> {
    let column = |name: &str| {
        let of_event = log.columns.iter().find(|column| column.name == name).map(|column| (column, false));
        let of_case = || log.traits.iter().find(|column| column.name == name).map(|column| (column, true));
        of_event.or_else(of_case).ok_or_else(|| {
            Error::refused(
                format!("the column `{name}` of {} holds nothing", path.display()),
                "name another one, or look at what wrote the file",
            )
        })
    };
    let (verdicts, durations) = (column(&found.verdict)?, column(&found.duration)?);
    let mut looks = Vec::with_capacity(log.activity.len());
    let mut without = 0;
    for (place, case) in log.cases.iter().enumerate() {
        for event in case.events.clone() {
            let at = |(column, of_case): (&Column, bool)| number(column, if of_case { place } else { event });
            let (Some(verdict), Some(seconds)) = (at(verdicts), at(durations)) else {
                without += 1;
                continue;
            };
            let cycle = case.id.trim().parse().unwrap_or(place as u64);
            looks.push(Look { cycle, item: log.activity[event], ms: seconds * 1e3, failed: verdict > 0.0 });
        }
    }
    let note = format!("{without} rows without a verdict or a duration were left out");
    Ok((looks, (without > 0).then_some(note).into_iter().collect()))
}

/// Words of verdicts are read as what they say.
fn number(column: &Column, at: usize) -> Option<f64> {
    match &column.values {
        Values::Numbers(numbers) => numbers.get(at).copied().filter(|number| !number.is_nan()).map(f64::from),
        Values::Words { codes, names } => {
            let code = codes.get(at).copied().filter(|code| *code != NO_WORD)?;
            match names.get(code as usize)?.to_lowercase().as_str() {
                "failed" | "fail" | "failure" | "error" | "true" | "yes" => Some(1.0),
                "passed" | "pass" | "ok" | "success" | "false" | "no" => Some(0.0),
                other => other.parse().ok(),
            }
        }
    }
}
