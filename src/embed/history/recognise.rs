//! What kind of file it is, by what it holds: its name says nothing. Reads none of them.

use std::io::Read;
use std::path::Path;

use super::{Batch, Import, jsonl, junit, log, original, sources, status};
use crate::embed::Error;
use crate::eventlog::{self, Refused, Source};

/// Of one file that is read as a whole.
const LARGEST: u64 = 1 << 30;

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Ours,
    Json,
    Junit,
    Log,
    Runs,
    Stages,
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Error::Refused { message: refused.message, help: refused.help }
    }
}

/// Each file's name with what it holds.
pub(super) fn read(asked: &Import) -> Result<Vec<(String, Batch)>, Error> {
    let stdin = asked.files.iter().any(|path| path == Path::new("-")).then(from_stdin).transpose()?;
    let mut found = Vec::new();
    let mut stages = Vec::new();
    let mut runs = Vec::new();
    for path in &asked.files {
        let source = match &stdin {
            Some(bytes) if path == Path::new("-") => Source::Bytes("standard input", bytes),
            _ => Source::Path(path),
        };
        let kind = kind(&source)?;
        match kind {
            Kind::Stages => stages.push(source),
            Kind::Runs => runs.push((found.len(), source)),
            _ => {}
        }
        let batch = match kind {
            Kind::Stages => continue,
            Kind::Runs => Batch::default(),
            Kind::Log => log::read(&source, asked)?,
            Kind::Ours => jsonl::read(&eventlog::bytes(&source, LARGEST)?),
            Kind::Json => json(&source, asked)?,
            Kind::Junit => junit::read(&source, &eventlog::bytes(&source, LARGEST)?, asked.lane.as_deref())?,
        };
        found.push((source.name(), batch));
    }
    if runs.is_empty() && !stages.is_empty() {
        return Err(Error::refused(
            format!("{} holds the stages of runs, without the runs", stages[0].name()),
            "name the file of the runs (history.csv) as well",
        ));
    }
    for (place, source) in runs {
        found[place].1 = original::read(&source, &stages, asked.lane.as_deref())?;
    }
    Ok(found)
}

fn from_stdin() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 <= LARGEST => Ok(bytes),
        Ok(_) => Err(Error::refused("standard input is larger than 1 GiB", "name a file")),
        Err(error) => Err(Error::refused(format!("standard input cannot be read: {error}"), "name a file")),
    }
}

fn kind(source: &Source<'_>) -> Result<Kind, Error> {
    let head = eventlog::head(source)?;
    let text = String::from_utf8_lossy(&head);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('<') && !text.starts_with("<<<<<<<") {
        return root(source, text);
    }
    if text.starts_with(['{', '[', '<']) {
        let ours = text.lines().take(5).any(jsonl::is_ours);
        return Ok(if ours { Kind::Ours } else { Kind::Json });
    }
    let header = eventlog::header(&head);
    Ok(match original::kind(&header) {
        Some(original::Table::Runs) => Kind::Runs,
        Some(original::Table::Stages) => Kind::Stages,
        None => Kind::Log,
    })
}

fn root(source: &Source<'_>, text: &str) -> Result<Kind, Error> {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
            continue;
        }
        if rest.starts_with(['?', '!']) {
            continue;
        }
        let name: String =
            rest.chars().take_while(|c| c.is_alphanumeric() || matches!(c, ':' | '_' | '-')).collect();
        return match name.rsplit(':').next().unwrap_or_default() {
            "log" => Ok(Kind::Log),
            "testsuites" | "testsuite" => Ok(Kind::Junit),
            _ => Err(Error::refused(
                format!("{} is XML with the root `{name}`", source.name()),
                "XES has a `log`, JUnit a `testsuites` or `testsuite`",
            )),
        };
    }
    Err(Error::refused(
        format!("{} is XML without an element", source.name()),
        "name an event log or a JUnit report",
    ))
}

/// JSON: the sources' schema, else a status file of the original systems.
fn json(source: &Source<'_>, asked: &Import) -> Result<Batch, Error> {
    let bytes = eventlog::bytes(source, LARGEST)?;
    match sources::read(&bytes, asked.lane.as_deref()) {
        Some(batch) => Ok(batch),
        None => status::read(source, &bytes, asked.lane.as_deref()),
    }
}
