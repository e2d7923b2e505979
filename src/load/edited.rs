//! Files some of which were just edited, beside all others as they were read before. Parses nothing.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{FileId, SourceMap};

use super::files::{Files, is_lane};

pub(super) struct Edited<'a> {
    /// For what was not read before, and for what lies in a folder.
    files: &'a dyn Files,
    changed: HashMap<&'a Path, &'a str>,
    /// Text and path without links of what was read before, by path.
    before: HashMap<&'a Path, (Arc<str>, &'a Path)>,
}

impl<'a> Edited<'a> {
    pub fn new(
        files: &'a dyn Files,
        changed: &'a [(PathBuf, String)],
        sources: &SourceMap,
        paths: &'a HashMap<FileId, (PathBuf, PathBuf)>,
    ) -> Self {
        let before = paths
            .iter()
            .map(|(file, (path, real))| (path.as_path(), (sources.get(*file).text.clone(), real.as_path())));
        let changed = changed.iter().map(|(path, text)| (path.as_path(), text.as_str()));
        Edited { files, changed: changed.collect(), before: before.collect() }
    }
}

impl Files for Edited<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match (self.changed.get(path), self.before.get(path)) {
            (Some(text), _) => Ok(text.as_bytes().to_vec()),
            (None, Some((text, _))) => Ok(text.as_bytes().to_vec()),
            (None, None) => self.files.read(path),
        }
    }

    fn lanes_in(&self, dir: &Path) -> Vec<PathBuf> {
        let mut found = self.files.lanes_in(dir);
        let new = self.changed.keys().filter(|path| path.parent() == Some(dir) && is_lane(path));
        found.extend(new.map(|path| path.to_path_buf()));
        found.sort();
        found.dedup();
        found
    }

    fn real(&self, path: &Path) -> PathBuf {
        match self.before.get(path) {
            Some((_, real)) => real.to_path_buf(),
            None => self.files.real(path),
        }
    }
}
