//! Texts into a gzipped tar: the same texts give the same bytes. Knows nothing of what they say.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::embed::Error;

/// The folder inside the archive.
const FOLDER: &str = "wfl-bundle";

/// The number of bytes written. What was begun and could not be ended is removed.
pub(super) fn write(out: &Path, files: &[(String, String)]) -> Result<u64, Error> {
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
    let file = opened.map_err(|e| refused(out, &e))?;
    let written = archived(file, files);
    if written.is_err() {
        // Half an archive is of no use; that it is ours is known, for it was made here.
        let _ = std::fs::remove_file(out);
    }
    written.map_err(|e| {
        Error::refused(format!("{} cannot be written: {e}", out.display()), "choose another place for it")
    })
}

fn archived(file: std::fs::File, files: &[(String, String)]) -> io::Result<u64> {
    let zip = GzBuilder::new().mtime(0).write(file, Compression::default());
    let mut tar = Builder::new(zip);
    for (name, text) in files {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_size(text.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(0);
        tar.append_data(&mut header, format!("{FOLDER}/{name}"), text.as_bytes())?;
    }
    let mut file = tar.into_inner()?.finish()?;
    file.flush()?;
    Ok(file.metadata()?.len())
}

fn refused(out: &Path, e: &io::Error) -> Error {
    let shown = out.display();
    match e.kind() {
        io::ErrorKind::AlreadyExists => Error::refused(
            format!("{shown} is there already"),
            "nothing is written over: choose another name",
        ),
        _ => Error::refused(format!("{shown} cannot be made: {e}"), "choose another place for it"),
    }
}
