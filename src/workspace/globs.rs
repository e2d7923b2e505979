//! Which files of the project match globs. Reads folders, not files.

use std::fmt;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use walkdir::WalkDir;

/// A glob that cannot be read.
#[derive(Debug)]
pub struct BadGlob {
    pub glob: String,
    pub why: String,
}

impl fmt::Display for BadGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a glob: {}", self.glob, self.why)
    }
}

impl std::error::Error for BadGlob {}

/// The files under `root` that match one of `globs`, relative to it and sorted. `*` stops at `/`, `.git` is left
/// out, a link to a file counts, a link to a folder is not entered. A glob without magic names its file.
pub fn matching(root: &Path, globs: &[String]) -> Result<Vec<PathBuf>, BadGlob> {
    let set = compile(globs)?;
    let mut found: Vec<PathBuf> = WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != ".git")
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_file() || (entry.path_is_symlink() && entry.path().is_file()))
        .filter_map(|entry| entry.path().strip_prefix(root).map(Path::to_owned).ok())
        .filter(|path| set.is_match(path))
        .collect();
    found.sort();
    Ok(found)
}

fn compile(globs: &[String]) -> Result<GlobSet, BadGlob> {
    let bad =
        |glob: &str, error: globset::Error| BadGlob { glob: glob.to_owned(), why: error.kind().to_string() };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let text = glob.strip_prefix("./").unwrap_or(glob);
        set.add(GlobBuilder::new(text).literal_separator(true).build().map_err(|error| bad(glob, error))?);
    }
    set.build().map_err(|error| bad(&globs.join(" "), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_and_git_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["src/a.rs", "src/deep/b.rs", ".git/c.rs", "Cargo.toml"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let found = |globs: &[&str]| {
            let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
            matching(folder.path(), &globs)
        };
        let paths = |list: &[&str]| list.iter().map(PathBuf::from).collect::<Vec<_>>();
        assert_eq!(found(&["src/*.rs"]).unwrap(), paths(&["src/a.rs"]));
        assert_eq!(
            found(&["**/*.rs", "./Cargo.*"]).unwrap(),
            paths(&["Cargo.toml", "src/a.rs", "src/deep/b.rs"])
        );
        assert!(found(&["a[", "b"]).unwrap_err().to_string().contains("`a[`"));
    }
}
