//! What is remembered, written for another machine or program: whole, to a file that takes the place of the old one at
//! once, or to standard output. Forms no text itself.

use std::io::Write;
use std::path::Path;

use super::{jsonl, log, remembered, sources};
use crate::embed::{Error, Place};
use crate::eventlog::write;
use crate::facts::git;
use crate::history::Filter;

/// As what it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One run a line, with everything.
    Jsonl,
    /// The schema of the sources.
    Sources,
    /// An event log.
    Csv,
    Xes,
}

/// Writes what the filter leaves to the file, or to `out` without one; how many runs.
pub fn export(filter: &Filter, form: Form, file: Option<&Path>, out: &mut dyn Write) -> Result<usize, Error> {
    let place = Place::here()?;
    let past = remembered(&place, filter)?;
    let bytes = match form {
        Form::Jsonl => jsonl::text(&past, &git::project(&place.root)).into_bytes(),
        Form::Sources => {
            (serde_json::to_string_pretty(&sources::document(&past)).unwrap_or_default() + "\n").into_bytes()
        }
        Form::Csv | Form::Xes => {
            let mut bytes = Vec::new();
            let log = log::of_runs(&past);
            let written =
                if form == Form::Csv { write::csv(&log, &mut bytes) } else { write::xes(&log, &mut bytes) };
            written.map_err(|e| Error::refused(format!("the log cannot be written: {e}"), "try again"))?;
            bytes
        }
    };
    match file {
        Some(file) => replace(file, &bytes)?,
        // Whoever closed the pipe has read enough.
        None => drop(out.write_all(&bytes).and_then(|()| out.flush())),
    }
    Ok(past.len())
}

fn replace(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let fresh = file.with_file_name(name);
    let written = std::fs::File::create(&fresh)
        .and_then(|mut to| to.write_all(bytes).and_then(|()| to.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, file));
    written.map_err(|e| {
        let _ = std::fs::remove_file(&fresh);
        Error::refused(
            format!("{} cannot be written: {e}", file.display()),
            "name a file in a folder that can be written",
        )
    })
}
