//! `.wfl` files in the language's one style: what formatting makes of each, and writing it. Shows nothing.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::base::{SourceFile, SourceMap};
use crate::diag::Diagnostic;
use crate::format;
use crate::load::{self, Disk, Files, Request};

use super::project::require_lane_files;
use super::{Error, Place};

/// A file and what formatting makes of it.
#[derive(Debug)]
pub struct Formatted {
    pub path: PathBuf,
    /// The path as shown to a person.
    pub shown: String,
    pub state: State,
}

#[derive(Debug)]
pub enum State {
    /// It is in the one style already.
    Same,
    Changed {
        before: String,
        after: String,
    },
    /// It has errors of form and is left alone.
    Wrong(Vec<Diagnostic>),
}

/// What formatting makes of these files and folders, or of the project's own files. Writes nothing.
pub fn format_files(paths: &[PathBuf]) -> Result<(SourceMap, Vec<Formatted>), Error> {
    let place = Place::here()?;
    require_lane_files(&place.cwd, paths)?;
    let request = Request { root: place.root, cwd: place.cwd, paths: paths.to_vec() };
    let mut sources = SourceMap::default();
    let mut all = Vec::new();
    for (path, shown) in load::named(&request, &Disk) {
        let bytes = Disk.read(&path).map_err(|e| {
            Error::refused(format!("`{shown}` cannot be read: {e}"), "make it readable, or name another")
        })?;
        let state = state(&mut sources, &shown, bytes)?;
        all.push(Formatted { path, shown, state });
    }
    Ok((sources, all))
}

/// What formatting makes of a text that is no file; `shown` names it in findings.
pub fn format_text(shown: &str, bytes: Vec<u8>) -> Result<(SourceMap, Formatted), Error> {
    let mut sources = SourceMap::default();
    let state = state(&mut sources, shown, bytes)?;
    Ok((sources, Formatted { path: shown.into(), shown: shown.to_owned(), state }))
}

fn state(sources: &mut SourceMap, shown: &str, bytes: Vec<u8>) -> Result<State, Error> {
    let before = match load::add_text(sources, shown.to_owned(), bytes.clone()) {
        Err(diagnostic) => return Ok(State::Wrong(vec![*diagnostic])),
        // The text as it is on disk, for it may begin with a byte order mark.
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    let file = sources.add(SourceFile::new(shown, before.strip_prefix('\u{feff}').unwrap_or(&before)));
    let after = match format::text(file, &before) {
        Ok(after) => after,
        Err(diagnostics) => return Ok(State::Wrong(diagnostics)),
    };
    if format::text(file, &after).as_ref() != Ok(&after) {
        let message = format!("`{shown}` was left alone: formatting it twice does not give the same text");
        return Err(Error::refused(message, "this is a bug in wfl: please report it with the file"));
    }
    Ok(if after == before { State::Same } else { State::Changed { before, after } })
}

/// The tree of one file, or of the text given for it, with what is wrong with its form. A file that is no text gives
/// the tree of what can be read.
pub fn read_tree(
    path: &Path,
    given: Option<Vec<u8>>,
) -> Result<(SourceMap, crate::syntax::ast::File, Vec<Diagnostic>), Error> {
    let (shown, bytes) = match given {
        Some(bytes) => ("<stdin>".to_owned(), bytes),
        None => {
            let place = Place::here()?;
            require_lane_files(&place.cwd, &[path.to_path_buf()])?;
            let shown = path.display().to_string();
            let bytes = Disk.read(&place.cwd.join(path)).map_err(|e| {
                Error::refused(format!("`{shown}` cannot be read: {e}"), "name a `.wfl` file")
            })?;
            (shown, bytes)
        }
    };
    let mut sources = SourceMap::default();
    let (file, mut diagnostics) = match load::add_text(&mut sources, shown, bytes) {
        Ok(file) => (file, Vec::new()),
        Err(diagnostic) => (diagnostic.span.file, vec![*diagnostic]),
    };
    let (tree, found) = crate::syntax::parse(file, &sources.get(file).text);
    diagnostics.extend(found);
    Ok((sources, tree, diagnostics))
}

impl Formatted {
    /// Puts the new text in the file's place, all at once and with the file's mode; whether there was anything to do.
    pub fn write(&self) -> Result<bool, Error> {
        let State::Changed { after, .. } = &self.state else { return Ok(false) };
        replace(&self.path, after).map_err(|e| {
            let message = format!("`{}` cannot be written: {e}", self.shown);
            Error::refused(message, "make it and its folder writable, or format it by hand")
        })?;
        Ok(true)
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one, and what it leads to is changed.
    let path = path.canonicalize()?;
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(std::io::ErrorKind::PermissionDenied.into());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::OpenOptions::new().write(true).create_new(true).open(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(permissions)?;
        file.sync_all()?;
        fs::rename(&beside, &path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}
