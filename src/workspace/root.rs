//! Where the project begins. Reads only whether two names exist.

use std::path::{Path, PathBuf};

/// The nearest folder at or above `start` that holds `.wfl/`; else the nearest that holds `.git`; else `start`.
///
/// A `.wfl` folder counts only as a folder, `.git` also as a file, as in worktrees and submodules.
pub fn project_root(start: &Path) -> PathBuf {
    let start = std::path::absolute(start).unwrap_or_else(|_| start.to_owned());
    let with = |found: fn(&Path) -> bool| start.ancestors().find(|folder| found(folder));
    with(|folder| folder.join(".wfl").is_dir())
        .or_else(|| with(|folder| folder.join(".git").exists()))
        .unwrap_or(&start)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_marker_wins_and_a_wfl_folder_beats_git() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::create_dir(folder.path().join("a/b/.git")).unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a/b"));
        std::fs::create_dir(folder.path().join("a/.wfl")).unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a"));
        std::fs::write(deep.join(".wfl"), "").unwrap();
        assert_eq!(project_root(&deep), folder.path().join("a"));
    }
}
