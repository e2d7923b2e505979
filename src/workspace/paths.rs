//! Paths that may not leave the project, by their text nor through a link. Opens no file.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a path was refused.
#[derive(Debug)]
pub enum Escape {
    /// The path itself leads out.
    Path(PathBuf),
    /// A link on the way leads out, to this place.
    Link(PathBuf),
    /// A part of the path could not be looked at.
    Unreadable(PathBuf, io::Error),
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Escape::Path(path) => write!(f, "`{}` leaves the project", path.display()),
            Escape::Link(to) => {
                write!(f, "a link on the way leads out of the project, to `{}`", to.display())
            }
            Escape::Unreadable(path, error) => write!(f, "`{}` cannot be looked at: {error}", path.display()),
        }
    }
}

impl std::error::Error for Escape {}

/// The path without `.` and `..`, by its text alone. Leading `..` that cannot be taken back stay.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match out.components().next_back() {
                Some(Component::Normal(_)) => drop(out.pop()),
                Some(Component::RootDir | Component::Prefix(_)) => {}
                _ => out.push(".."),
            },
            other => out.push(other),
        }
    }
    out
}

/// `path`, relative to `root` unless absolute, as an absolute path inside `root`. It need not exist; the part of it
/// that does is followed through links, and may not leave `root` on the way.
pub fn resolve_inside(root: &Path, path: &Path) -> Result<PathBuf, Escape> {
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| Escape::Unreadable(path, error)
    };
    let root = normal(&std::path::absolute(root).map_err(unreadable(root))?);
    let full = normal(&root.join(path));
    if !full.starts_with(&root) {
        return Err(Escape::Path(path.to_owned()));
    }
    let real_root = root.canonicalize().map_err(unreadable(&root))?;
    let real = real_part(&full).map_err(unreadable(&full))?;
    if !real.starts_with(&real_root) {
        return Err(Escape::Link(real));
    }
    Ok(full)
}

/// The longest existing part of the path, with links followed. A link that leads nowhere is taken at its word.
fn real_part(path: &Path) -> io::Result<PathBuf> {
    for part in path.ancestors() {
        match part.canonicalize() {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => {
                if let Ok(target) = part.read_link() {
                    let base = part.parent().unwrap_or(Path::new("/")).canonicalize()?;
                    return Ok(normal(&base.join(target)));
                }
            }
        }
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_taken_out_by_text() {
        assert_eq!(normal(Path::new("a/./b/../c")), Path::new("a/c"));
        assert_eq!(normal(Path::new("../a")), Path::new("../a"));
        assert_eq!(normal(Path::new("/../a")), Path::new("/a"));
    }

    #[test]
    fn nothing_leaves_the_root_by_text_or_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("in")).unwrap();
        std::fs::create_dir(folder.path().join("out")).unwrap();
        let inside = |path: &str| resolve_inside(&root, Path::new(path));
        assert_eq!(inside("in/../new/file").unwrap(), root.join("new/file"));
        assert!(matches!(inside("../out/x"), Err(Escape::Path(_))));
        assert!(matches!(inside("/etc/passwd"), Err(Escape::Path(_))));
        std::os::unix::fs::symlink(folder.path().join("out"), root.join("link")).unwrap();
        std::os::unix::fs::symlink("../out/none", root.join("dangling")).unwrap();
        std::os::unix::fs::symlink("in", root.join("fine")).unwrap();
        assert!(matches!(inside("link/x"), Err(Escape::Link(_))));
        assert!(matches!(inside("dangling"), Err(Escape::Link(_))));
        assert_eq!(inside("fine/x").unwrap(), root.join("fine/x"));
    }
}
