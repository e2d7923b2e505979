//! Where the project begins. Reads only whether two names exist.

use std::path::{Path, PathBuf};

/// The nearest folder at or above `start` that holds `.wfl/` or `.git`, else `start`.
///
/// A `.wfl` folder counts only as a folder, `.git` also as a file, as in worktrees and submodules.
pub fn project_root(start: &Path) -> PathBuf {
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
    let is_root = |folder: &&Path| folder.join(".wfl").is_dir() || folder.join(".git").exists();
    start.ancestors().find(is_root).unwrap_or(&start).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_marker_wins_and_a_file_named_wfl_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(folder.path().join("a/b/.git")).unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a/b"));
        std::fs::create_dir(folder.path().join("a/.wfl")).unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a/b"));
        assert_eq!(project_root(&folder.path().join("a")), folder.path().join("a"));
        std::fs::write(deep.join(".wfl"), "").unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a/b"));
    }
}
