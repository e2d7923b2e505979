//! Status files on the disk: found in a folder, read with whatever stands in the way told. Knows no JSON.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::finding::{Class, Finding, Severity};
use super::{Imported, absent, folder_of, of_bytes};

/// Files larger than this are not status files.
const LARGEST: u64 = 64 << 20;

/// What the originals called their files.
const NAMES: [&str; 3] = ["status.json", "state.json", ".workflow_state.json"];

/// The status files below a folder, in the order of their paths. Copies that checkpoints made are left out.
pub fn search(folder: &Path) -> Vec<PathBuf> {
    let passed = |name: &str| {
        matches!(name, ".git" | "node_modules" | "target" | ".wfl") || name.starts_with("checkpoint-2")
    };
    let known = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let inside =
            path.parent().and_then(Path::file_name).is_some_and(|parent| parent == ".workflow_state");
        NAMES.contains(&name.as_str()) || (inside && name.ends_with("_status.json"))
    };
    walkdir::WalkDir::new(folder)
        .sort_by_file_name()
        .max_depth(12)
        .into_iter()
        .filter_entry(|entry| !(entry.file_type().is_dir() && passed(&entry.file_name().to_string_lossy())))
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() && known(entry.path()))
        .map(walkdir::DirEntry::into_path)
        .collect()
}

/// Reads a file; whatever keeps it from being read is a finding.
pub fn read(path: &Path) -> Imported {
    let shown = path.display().to_string();
    let folder = folder_of(path);
    let told =
        |class, what: String| Imported::failed(&shown, Finding::told(class, Severity::Critical, "", what));
    let meta = match fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == ErrorKind::NotFound && path.parent().is_some_and(is_there) => {
            return absent(&shown, folder.as_deref());
        }
        Err(error) => return failed(&shown, &error),
    };
    if meta.is_dir() {
        return told(Class::ReadError, "this is a folder without status files".into());
    }
    if !meta.is_file() {
        return told(Class::ReadError, "this is no regular file".into());
    }
    if meta.len() > LARGEST {
        return told(Class::ReadError, "the file is larger than 64 MiB, no status file is".into());
    }
    let mut bytes = Vec::new();
    match File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)) {
        Ok(_) => of_bytes(&shown, folder.as_deref(), &bytes),
        Err(error) => failed(&shown, &error),
    }
}

fn is_there(folder: &Path) -> bool {
    folder.as_os_str().is_empty() || folder.is_dir()
}

fn failed(shown: &str, error: &std::io::Error) -> Imported {
    let (class, help) = match error.kind() {
        ErrorKind::PermissionDenied => (Class::PermissionError, "make it readable: chmod u+r"),
        ErrorKind::NotFound => (Class::MissingFile, "its folder is not there either"),
        _ => (Class::ReadError, "look at the disk"),
    };
    Imported::failed(
        shown,
        Finding::told(class, Severity::Critical, "", format!("it cannot be read: {error}; {help}")),
    )
}
