//! Where files come from: the disk, or memory in tests. Knows nothing of what is in them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// No `.wfl` file may be larger.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// The files a check may read.
pub trait Files {
    /// The whole file; of one that is too large at least one byte more than is allowed. A folder is
    /// [`io::ErrorKind::IsADirectory`].
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The `*.wfl` files directly in a folder, sorted; none when there is no such folder.
    fn lanes_in(&self, dir: &Path) -> Vec<PathBuf>;

    /// The path with links followed, by which two names of one file are recognised.
    fn real(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// The machine's own files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let file = std::fs::File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn lanes_in(&self, dir: &Path) -> Vec<PathBuf> {
        let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| is_lane(path) && path.is_file())
            .collect();
        found.sort();
        found
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }
}

/// Files by absolute path, for tests and for text that comes from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    pub fn with(mut self, path: impl Into<PathBuf>, text: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.into(), text.into());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self.files.get(path) {
            Some(bytes) => Ok(bytes.clone()),
            None if self.files.keys().any(|file| file.starts_with(path)) => {
                Err(io::ErrorKind::IsADirectory.into())
            }
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn lanes_in(&self, dir: &Path) -> Vec<PathBuf> {
        self.files.keys().filter(|path| path.parent() == Some(dir) && is_lane(path)).cloned().collect()
    }
}

pub(super) fn is_lane(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wfl")
}
