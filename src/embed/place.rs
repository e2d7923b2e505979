//! Where a command works: the folder it was called in, the project's root and its state. Reads no `.wfl` file.

use std::path::{Path, PathBuf};

use crate::store::{Store, state_dir};
use crate::workspace::project_root;

use super::{Error, isolated};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub cwd: PathBuf,
    pub root: PathBuf,
}

impl Place {
    /// The folder the program was started in.
    pub fn here() -> Result<Place, Error> {
        let cwd = std::env::current_dir().map_err(|e| {
            Error::refused(format!("the current folder cannot be read: {e}"), "go to one that exists")
        })?;
        Ok(Place::at(&cwd))
    }

    /// The nearest folder upwards that holds `.wfl` or `.git` is the project; without one, the folder itself.
    pub fn at(dir: &Path) -> Place {
        let cwd = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
        let root = project_root(&cwd);
        Place { cwd, root }
    }

    /// The place for a file that is run: the project that it lies in, wherever the command was started.
    pub fn of_file(self, file: &Path) -> Place {
        let absolute = self.cwd.join(file);
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        let root = absolute.parent().map(|folder| Place::at(folder).root);
        Place { root: root.unwrap_or(self.root), cwd: self.cwd }
    }

    /// The place for a file named on the command line: its own project when it lies outside this one.
    pub fn for_file(self, file: &Path) -> Place {
        let absolute = self.cwd.join(file);
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        match absolute.parent() {
            Some(folder) if !absolute.starts_with(&self.root) => {
                Place { cwd: self.cwd, root: Place::at(folder).root }
            }
            _ => self,
        }
    }

    /// Opens the state for writing, making it if it is not there.
    pub fn state(&self) -> Result<Store, Error> {
        Ok(Store::open(&self.state_dir()?)?)
    }

    /// None while there is no state; reading makes none.
    pub fn existing_state(&self) -> Result<Option<Store>, Error> {
        Ok(Store::open_existing_read_only(&self.state_dir()?)?)
    }

    pub(super) fn state_dir(&self) -> Result<PathBuf, Error> {
        // A run in a checkout of its own is a run of the project.
        let home = isolated::home(&self.root);
        Ok(state_dir(home.as_deref().unwrap_or(&self.root), &|name| std::env::var_os(name))?)
    }
}

/// The state of the project the program was started in.
pub fn state_for_reading() -> Result<Option<Store>, Error> {
    Place::here()?.existing_state()
}

/// Who sits here: git's user.email, else the login name.
pub fn identity(root: &Path) -> String {
    let login = || ["LOGNAME", "USER"].into_iter().find_map(|name| std::env::var(name).ok());
    crate::facts::git::user_email(root)
        .or_else(|| login().filter(|name| !name.is_empty()))
        .unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_the_nearest_marked_folder_else_the_folder_itself() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("project/.wfl")).unwrap();
        std::fs::create_dir_all(base.join("project/deep/er")).unwrap();
        assert_eq!(Place::at(&base.join("project/deep/er")).root, base.join("project"));
        assert_eq!(Place::at(&base).root, base);
    }

    #[test]
    fn a_file_elsewhere_brings_its_own_root() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        for folder in ["one/.wfl", "two/.wfl"] {
            std::fs::create_dir_all(base.join(folder)).unwrap();
        }
        std::fs::write(base.join("two/a.wfl"), "").unwrap();
        let place = Place::at(&base.join("one")).for_file(&base.join("two/a.wfl"));
        assert_eq!(place.root, base.join("two"));
        assert_eq!(place.cwd, base.join("one"));
    }
}
