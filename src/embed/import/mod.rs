//! The original system's lane file, in YAML, to a `.wfl` file that says the same, with an account of every key: imported
//! as what, kept as a comment because of what, or refused because of what. Writes only where it is told to.

mod account;
mod definition;
mod gates;
mod people;
mod quality;
mod reader;
mod words;
mod written;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::diag::Diagnostic;
use crate::format;
use crate::load::{self, Disk, Files, Memory, Request, yaml};
use crate::model;

use super::Error;
pub use account::{Entry, Fate};
pub use reader::Choices;

/// Where the original looked for its lane file.
pub const PLACES: [&str; 2] = ["custom_lanes.yaml", ".workflow/lanes.yaml"];

/// What came of a lane file.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The `.wfl` file; none where no lane could be imported.
    pub text: Option<String>,
    /// Its lanes.
    pub lanes: Vec<String>,
    /// What became of every key, in the order of the file.
    pub account: Vec<Entry>,
}

impl Imported {
    pub fn refused(&self) -> bool {
        self.account.iter().any(|entry| entry.fate == Fate::Refused)
    }
}

/// Reads a lane file and says what it is in `.wfl`. Writes nothing.
pub fn lanes(path: &Path, choices: Choices) -> Result<Imported, Error> {
    let shown = path.display().to_string();
    if !path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
        let help = "the original's lane files end in .yaml or .yml; a .wfl file needs no import";
        return Err(Error::refused(format!("`{shown}` is no YAML file"), help));
    }
    let bytes = Disk.read(path).map_err(|error| {
        let places = PLACES.join(" or ");
        Error::refused(
            format!("`{shown}` cannot be read: {error}"),
            format!("the original's file was {places}"),
        )
    })?;
    if bytes.len() > yaml::LARGEST {
        return Err(Error::refused(format!("`{shown}` is larger than 1 MiB"), "a lane file is a few pages"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        Error::refused(format!("{shown}:{line}: this is not UTF-8 text"), "save it as UTF-8")
    })?;
    of_text(&shown, &text, choices)
}

/// The same for a text; `shown` names it.
pub fn of_text(shown: &str, text: &str, choices: Choices) -> Result<Imported, Error> {
    let document = yaml::read(text).map_err(|wrong| {
        let at = wrong.at;
        Error::refused(
            format!("{shown}:{}:{}: {}", at.line, at.column, wrong.message),
            "mend the file, then import it",
        )
    })?;
    let (definitions, account) = reader::read(&document, choices);
    let lanes: Vec<String> = definitions.iter().map(|lane| lane.name.clone()).collect();
    let text = match definitions.as_slice() {
        [] => None,
        definitions => Some(checked(&written::file(shown, definitions))?),
    };
    Ok(Imported { text, lanes, account })
}

/// Formatted, and clean by the checker: what would not be is never written.
fn checked(text: &str) -> Result<String, Error> {
    let mut sources = crate::base::SourceMap::default();
    let file = sources.add(crate::base::SourceFile::new("imported.wfl", text));
    let text = format::text(file, text).map_err(|found| unclean(&found))?;
    let root = PathBuf::from("/imported");
    let path = root.join("imported.wfl");
    let files = Memory::default().with(path.clone(), text.clone());
    let request = Request { root: root.clone(), cwd: root, paths: vec![path] };
    let loaded = load::load(&request, &files);
    let checked = model::check(&loaded.sources, &loaded.units);
    let found: Vec<Diagnostic> = loaded.diagnostics.into_iter().chain(checked.diagnostics).collect();
    match found.iter().any(Diagnostic::is_error) {
        true => Err(unclean(&found)),
        false => Ok(text),
    }
}

fn unclean(found: &[Diagnostic]) -> Error {
    let first = found.iter().find(|found| found.is_error()).map_or("", |found| found.message.as_str());
    let message = format!("the lanes would not pass `wfl check`: {first}");
    Error::refused(message, "nothing was written; this is a bug in wfl: please report it with the file")
}

/// Puts the text where it was asked for; a file that is there stays, unless told otherwise.
pub fn write(text: &str, output: &Path, force: bool) -> Result<(), Error> {
    let shown = output.display();
    if output.extension().is_none_or(|end| end != "wfl") {
        return Err(Error::refused(
            format!("`{shown}` does not end in `.wfl`"),
            "lane files do: name one that does",
        ));
    }
    let folder = output.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = folder.map_or(Ok(()), fs::create_dir_all).and_then(|()| match force {
        true => fs::write(output, text),
        false => fs::File::create_new(output).and_then(|mut file| file.write_all(text.as_bytes())),
    });
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Error::refused(
            format!("`{shown}` is there already and was left alone"),
            "name another file, or write over it with --force",
        ),
        _ => Error::refused(format!("`{shown}` cannot be written: {error}"), "make its folder writable"),
    })
}
