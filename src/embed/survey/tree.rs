//! The files of a repository as a survey sees them: names below the root within bounds, and the text of small ones.
//! Knows no tool and starts nothing.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// What is deeper is no entry point of a project.
const DEPTH: usize = 5;
/// More names than this are read by nobody.
const MAX_NAMES: usize = 20_000;
/// Manifests, workflows and makefiles are smaller.
const MAX_BYTES: u64 = 1 << 20;

/// Folders that hold what was made or fetched, not what was written.
const MADE: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    ".wfl",
    "node_modules",
    "target",
    "vendor",
    "third_party",
    "__pycache__",
    ".venv",
    "venv",
    "env",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    "site-packages",
    "dist",
];

/// Names below a root, sorted.
#[derive(Clone, Debug)]
pub struct Tree {
    root: PathBuf,
    names: Vec<String>,
}

impl Tree {
    pub fn read(root: &Path) -> Tree {
        let walk = WalkDir::new(root).max_depth(DEPTH).sort_by_file_name().into_iter();
        let written = |entry: &DirEntry| {
            let name = entry.file_name().to_string_lossy();
            entry.depth() == 0 || !entry.file_type().is_dir() || !(MADE.contains(&&*name) || is_venv(entry))
        };
        let names = walk
            .filter_entry(written)
            .flatten()
            .filter(|entry| !entry.file_type().is_dir())
            .filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_str()?.to_string()))
            .take(MAX_NAMES)
            .collect();
        Tree { root: root.to_path_buf(), names }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder's own name, for people.
    pub fn name(&self) -> String {
        let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
        root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Files, as paths relative to the root.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Files directly in a folder; `""` is the root.
    pub fn in_folder<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.below(folder).filter(move |name| !rest(folder, name).contains('/'))
    }

    /// Files anywhere in a folder.
    pub fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a str> {
        self.names().filter(move |name| folder.is_empty() || rest(folder, name).len() < name.len())
    }

    /// Folders directly below the root, sorted.
    pub fn folders(&self) -> Vec<String> {
        let mut found: Vec<String> =
            self.names().filter_map(|name| Some(name.split_once('/')?.0.to_string())).collect();
        found.dedup();
        found
    }

    /// Whether there is such a file or folder, of those that are made too.
    pub fn has(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// Whether a file may be started.
    pub fn executable(&self, path: &str) -> bool {
        let meta = self.root.join(path).metadata();
        meta.is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }

    /// The text of a file that is neither missing nor large; what is no UTF-8 is replaced.
    pub fn text(&self, path: &str) -> Option<String> {
        let file = File::open(self.root.join(path)).ok()?;
        let meta = file.metadata().ok()?;
        if !meta.is_file() || meta.len() > MAX_BYTES {
            return None;
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Some(text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text))
    }

    /// The first of these that is a file.
    pub fn first<'a>(&self, paths: &[&'a str]) -> Option<&'a str> {
        paths.iter().copied().find(|path| self.root.join(path).is_file())
    }
}

fn is_venv(entry: &DirEntry) -> bool {
    entry.path().join("pyvenv.cfg").exists()
}

fn rest<'a>(folder: &str, name: &'a str) -> &'a str {
    if folder.is_empty() {
        return name;
    }
    name.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
}

/// `folder/name`, or the name alone at the root.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// The number of the first line that holds this text, from 1; the first line when none does.
pub fn line_of(text: &str, wanted: &str) -> usize {
    text.lines().position(|line| line.contains(wanted)).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_made_is_left_out_and_links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/b.txt", "a/c/d.txt", "e.txt", "node_modules/x/y.js", "own/pyvenv.cfg"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "one\ntwo\n").unwrap();
        }
        std::os::unix::fs::symlink("..", folder.path().join("a/up")).unwrap();
        let tree = Tree::read(folder.path());
        assert_eq!(tree.names().collect::<Vec<_>>(), ["a/b.txt", "a/c/d.txt", "a/up", "e.txt"]);
        assert_eq!(tree.in_folder("a").collect::<Vec<_>>(), ["a/b.txt", "a/up"]);
        assert_eq!(tree.below("a").count(), 3);
        assert_eq!(tree.folders(), ["a"]);
        assert_eq!(line_of(&tree.text("e.txt").unwrap(), "two"), 2);
        assert!(tree.has("node_modules") && tree.text("a").is_none());
    }
}
