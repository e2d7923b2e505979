//! Records to files: beside the original, or in its place with a copy of the original kept. Never over another file.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::{Imported, Shape, gzip};

/// What was done with a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The file holds it already, byte for byte.
    Unchanged(PathBuf),
    /// The record, and the copy of what was there before.
    Changed(PathBuf, Option<PathBuf>),
    Refused(String),
}

/// Writes the record in the place of the file it came from.
pub fn in_place(imported: &Imported) -> Written {
    let Some(document) = &imported.document else {
        return Written::Refused("there is no record to write".into());
    };
    if matches!(imported.shape, Shape::ErrorLog | Shape::MetricLog) {
        return Written::Refused(
            "a log is added to by others: write the record elsewhere with --output".into(),
        );
    }
    let path = Path::new(&imported.path);
    let text = document.text();
    let done = match fs::read(path) {
        Ok(bytes) if bytes == text.as_bytes() => return Written::Unchanged(path.into()),
        Ok(bytes) if gzip::is_packed(&bytes) => {
            return Written::Refused("it is compressed: write the record elsewhere with --output".into());
        }
        Ok(bytes) if imported.digest != Some(blake3::hash(&bytes)) => {
            return Written::Refused("it changed while it was read: import it again".into());
        }
        Ok(bytes) => keep(path, &bytes).and_then(|copy| replace(path, &text).map(|()| Some(copy))),
        Err(error) if error.kind() == ErrorKind::NotFound => create(path, &text).map(|()| None),
        Err(error) => Err(error),
    };
    match done {
        Ok(copy) => Written::Changed(path.into(), copy),
        Err(error) => Written::Refused(format!("it cannot be written: {error}")),
    }
}

/// Writes the record into a folder, under the path of its file with `-` for each `/`.
pub fn beside(imported: &Imported, folder: &Path) -> Written {
    let Some(document) = &imported.document else {
        return Written::Refused("there is no record to write".into());
    };
    let name = if imported.path == "-" { "stdin" } else { &imported.path };
    let parts = Path::new(name).components().filter_map(|part| match part {
        std::path::Component::Normal(name) => Some(name.to_string_lossy().trim_start_matches('.').to_owned()),
        _ => None,
    });
    let name = parts.collect::<Vec<_>>().join("-");
    let name = name.trim_end_matches(".gz").trim_end_matches(".jsonl").trim_end_matches(".json");
    let path = folder.join(format!("{}.record.json", if name.is_empty() { "status" } else { name }));
    let text = document.text();
    match fs::read(&path) {
        Ok(bytes) if bytes == text.as_bytes() => return Written::Unchanged(path),
        Ok(_) => {
            return Written::Refused(format!("`{}` is there already and was left alone", path.display()));
        }
        Err(_) => {}
    }
    match fs::create_dir_all(folder).and_then(|()| create(&path, &text)) {
        Ok(()) => Written::Changed(path, None),
        Err(error) => Written::Refused(format!("`{}` cannot be written: {error}", path.display())),
    }
}

/// A copy of the original under the first name that is free; the same content is not kept twice.
fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<PathBuf> {
    let named = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let suffixes = std::iter::once(".backup".to_owned()).chain((2..1000).map(|n| format!(".backup-{n}")));
    for copy in suffixes.map(|suffix| named(&suffix)) {
        match File::create_new(&copy) {
            Ok(mut file) => {
                file.write_all(bytes)?;
                file.sync_all()?;
                return Ok(copy);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if fs::read(&copy).is_ok_and(|there| there == bytes) {
                    return Ok(copy);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("a thousand copies are there already"))
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(name)
}

/// Whole or not at all: a temporary file takes the place of the old one, with its mode. A link's target is what changes.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let path = fs::canonicalize(path)?;
    let temporary = temporary(&path);
    let written = File::create_new(&temporary).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.set_permissions(fs::metadata(&path)?.permissions())?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
