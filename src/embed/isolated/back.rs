//! Outputs of an isolated run, brought back into the project, where nothing of a person's is in their place. Overwrites
//! only what git says can be made again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::event::{Event, Record as Recorded};
use crate::workspace::git::Git;
use crate::workspace::mark::Marker;
use crate::workspace::resolve_inside;

use super::Record;
use crate::facts::git::changed_after;

/// Outputs that are named one by one.
const NAMED: usize = 5;
const REPORTS: &str = ".wfl/out/";

/// What became of the outputs.
#[derive(Debug, Default)]
pub(super) struct Back {
    copied: Vec<String>,
    /// And why.
    stayed: Vec<(String, String)>,
}

impl Back {
    /// Nothing is only in the checkout.
    pub fn whole(&self) -> bool {
        self.stayed.is_empty()
    }

    pub fn said(&self) -> Vec<String> {
        let mut said = Vec::new();
        if !self.copied.is_empty() {
            let named = self.copied.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            let more = self.copied.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            said.push(format!("brought back into the project: {named}{more}"));
        }
        said.extend(self.stayed.iter().map(|(path, why)| format!("not brought back: {path}: {why}")));
        said
    }
}

/// Copies every output that the run recorded, but for those that would cost somebody something.
pub(super) fn bring_back(record: &Record, records: &[Recorded]) -> Back {
    let mut back = Back::default();
    let outputs = outputs(records);
    let sign = Path::new(REPORTS).join(".gitignore");
    if outputs.iter().any(|path| path.starts_with(REPORTS)) && !record.home.join(&sign).exists() {
        // Reports are no part of the change, here as there.
        let _ = copy_file(&record.root().join(&sign), &record.home.join(&sign));
    }
    for path in outputs {
        let (from, to) = (record.root().join(&path), record.home.join(&path));
        let done = resolve_inside(&record.root(), Path::new(&path))
            .and_then(|_| resolve_inside(&record.home, Path::new(&path)))
            .map_err(|escape| escape.to_string())
            .and_then(|_| one(record, &path, &from, &to));
        match done {
            Ok(true) => back.copied.push(path),
            Ok(false) => {}
            Err(why) => back.stayed.push((path, why)),
        }
    }
    back
}

fn outputs(records: &[Recorded]) -> BTreeSet<String> {
    let mut outputs = BTreeSet::new();
    for record in records {
        if let Event::StageRecorded { files, .. } = &record.event {
            outputs.extend(files.keys().cloned());
        }
    }
    outputs
}

/// True when it was copied, false when it need not be.
fn one(record: &Record, path: &str, from: &Path, to: &Path) -> Result<bool, String> {
    let marker = Marker::default();
    let Ok(new) = marker.mark(from) else { return Ok(false) };
    match fs::symlink_metadata(to) {
        Err(_) => {}
        Ok(_) if marker.mark(to).is_ok_and(|old| old.same_content(&new)) => return Ok(false),
        Ok(meta) if meta.is_dir() || new.folder => return Err("the project has another there".into()),
        Ok(_) => may_replace(record, path)?,
    }
    copy(from, to).map(|()| true).map_err(|e| format!("it cannot be copied: {e}"))
}

/// Only what is as the commit has it, or what git ignores and nobody wrote to since the run began.
fn may_replace(record: &Record, path: &str) -> Result<(), String> {
    let git = Git::at(&record.home).with("GIT_LITERAL_PATHSPECS", "1");
    let says = |arguments: &[&str]| git.run(arguments).is_ok();
    if says(&["ls-files", "--error-unmatch", "--", path]) {
        return match says(&["diff", "--quiet", &record.commit, "--", path]) {
            true => Ok(()),
            false => Err("it was changed in the project, which stays".into()),
        };
    }
    if !says(&["check-ignore", "--quiet", "--", path]) {
        return Err("the project has another that git does not know, which stays".into());
    }
    match changed_after(&record.home, path, record.made) {
        false => Ok(()),
        true => Err("the project's was written to since the run began, and stays".into()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if !from.is_dir() {
        return copy_file(from, to);
    }
    for entry in WalkDir::new(from) {
        let entry = entry?;
        let place = to.join(entry.path().strip_prefix(from).unwrap_or(Path::new("")));
        if entry.file_type().is_dir() {
            fs::create_dir_all(&place)?;
        } else if entry.file_type().is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, &place)?;
        } else {
            copy_file(entry.path(), &place)?;
        }
    }
    Ok(())
}

/// Whole, or not at all.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let half: PathBuf = folder.join(format!(".wfl-back-{}.part", std::process::id()));
    let copied = fs::copy(from, &half)
        .and_then(|_| File::open(&half)?.sync_all())
        .and_then(|()| fs::rename(&half, to));
    if copied.is_err() {
        let _ = fs::remove_file(&half);
    }
    copied
}
