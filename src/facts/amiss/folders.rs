//! Folders that are gone: the one for temporary files, and those below the project that git ignores.

use std::collections::BTreeSet;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::git;
use crate::workspace;

/// A failure names few paths; of a long text no more are looked at.
const MOST: usize = 50;

/// What TMPDIR names, when it is not there.
pub(super) fn temporary() -> Vec<PathBuf> {
    let named = std::env::var_os("TMPDIR").map(PathBuf::from);
    named.into_iter().filter(|folder| folder.is_absolute() && folder.symlink_metadata().is_err()).collect()
}

pub(super) fn make_private(folder: &Path) -> std::io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Folders of the paths in a text that are missing, lie below the project and are ignored by git.
pub(super) fn named(root: &Path, text: &str) -> Vec<PathBuf> {
    let ends = |c: char| c.is_whitespace() || "'\"`‘’“”«»(),;".contains(c);
    let words: BTreeSet<&str> = text
        .split(ends)
        .map(|word| word.trim_end_matches([':', '.']))
        .filter(|word| word.contains('/') && word.len() < 1000)
        .collect();
    let missing = words.into_iter().take(MOST).filter_map(|word| {
        let path = workspace::resolve_inside(root, Path::new(word)).ok()?;
        let folder = path.parent()?.to_path_buf();
        (folder.starts_with(root) && folder != root && folder.symlink_metadata().is_err()).then_some(folder)
    });
    let found: BTreeSet<PathBuf> = missing.filter(|folder| git::ignores(root, folder)).collect();
    found.into_iter().collect()
}
