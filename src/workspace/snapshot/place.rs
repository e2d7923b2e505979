//! Files below a root, reached folder by folder without ever following a link, changed only by steps that are whole or
//! not at all. Does not know why.

use std::fs::{File, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use super::Name;
use super::seen::Stamp;
use crate::workspace::git::path;

/// Names that only restoring makes, and takes away again.
const NEW: &str = ".wfl-new-";
const SWAP: &str = ".wfl-swap-";
/// A name may have so many bytes on every file system we know.
const LONGEST: usize = 255;

/// A file's folder, held open, and its name there.
pub(super) struct Spot {
    folder: OwnedFd,
    pub name: Name,
}

/// What a step met in place of what was expected.
#[derive(Debug, PartialEq)]
pub(super) enum Met {
    /// What was expected; it is gone now.
    Expected,
    /// Something else; it is kept under the other name.
    Other,
    /// Nothing.
    Nothing,
}

/// The name that is free to keep the file beside itself: `NAME.wfl-kept-RUN`, then with a number.
pub(super) fn beside(name: &[u8], run: &str, number: u32) -> Name {
    let suffix = match number {
        0 => format!(".wfl-kept-{run}"),
        number => format!(".wfl-kept-{run}-{number}"),
    };
    let start = name.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    let mut most = LONGEST.saturating_sub(suffix.len()).min(name.len() - start);
    // Never in the middle of a character.
    while most > 0 && name.get(start + most).is_some_and(|byte| byte & 0xc0 == 0x80) {
        most -= 1;
    }
    [&name[..start + most], suffix.as_bytes()].concat()
}

/// A name that restoring makes for itself.
pub(super) fn is_ours(name: &[u8]) -> bool {
    name.starts_with(NEW.as_bytes()) || name.starts_with(SWAP.as_bytes())
}

fn own(prefix: &str, run: &str, name: &[u8]) -> Name {
    let hash = blake3::hash(name).to_hex();
    format!("{prefix}{run}-{}", &hash.as_str()[..16]).into_bytes()
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

pub(super) fn root(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// The place of `name`; with `make`, folders on the way are made.
pub(super) fn spot(root: &OwnedFd, name: &[u8], make: bool) -> io::Result<Spot> {
    let mut parts: Vec<&[u8]> = name.split(|byte| *byte == b'/').collect();
    let last = parts.pop().unwrap_or_default();
    if last.is_empty()
        || parts.iter().chain([&last]).any(|part| matches!(*part, b"" | b"." | b".." | b".git"))
    {
        return Err(io::Error::other("that is no name of a file"));
    }
    let mut folder = root.try_clone()?;
    for part in parts {
        let next = match rustix::fs::openat(&folder, path(part), folder_flags(), Mode::empty()) {
            Err(Errno::NOENT) if make => {
                rustix::fs::mkdirat(&folder, path(part), Mode::from_raw_mode(0o777))?;
                rustix::fs::openat(&folder, path(part), folder_flags(), Mode::empty())
            }
            opened => opened,
        };
        folder = next.map_err(|e| match e {
            Errno::LOOP | Errno::NOTDIR => io::Error::other("a folder on the way is a link or a file now"),
            other => other.into(),
        })?;
    }
    Ok(Spot { folder, name: last.to_vec() })
}

impl Spot {
    /// What restoring writes into before it is complete.
    pub fn new_name(&self, run: &str) -> Name {
        own(NEW, run, &self.name)
    }

    /// Where the new content waits to change places, and the old one after that.
    pub fn swap_name(&self, run: &str) -> Name {
        own(SWAP, run, &self.name)
    }

    /// Where the old content waits on file systems that cannot let two files change places.
    pub fn out_name(&self, run: &str) -> Name {
        own(SWAP, run, &[&self.name[..], b"/out"].concat())
    }

    pub fn stamp(&self, name: &[u8]) -> Option<Stamp> {
        Some(Stamp::of(&self.open_path(name).ok()?.metadata().ok()?))
    }

    /// The thing itself, a link too, opened for nothing but to look at it.
    fn open_path(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.folder, path(name), flags, Mode::empty())?))
    }

    /// A new file that only we may read yet.
    pub fn create(&self, name: &[u8]) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.folder, path(name), flags, Mode::from_raw_mode(0o600))?))
    }

    pub fn link_to(&self, target: &[u8], name: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(path(target), &self.folder, path(name))?)
    }

    /// Only of a plain file, found to be one.
    pub fn set_mode(&self, name: &[u8], mode: u32) -> io::Result<()> {
        let file = self.open_path(name)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no plain file any more"));
        }
        // Through the opened file itself: the name may be somebody else's by now.
        let held = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file));
        std::fs::set_permissions(held, Permissions::from_mode(mode))
    }

    pub fn remove(&self, name: &[u8]) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.folder, path(name), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }

    /// A folder that holds nothing. False when it does, or is none.
    pub fn remove_folder(&self) -> bool {
        rustix::fs::unlinkat(&self.folder, path(&self.name), AtFlags::REMOVEDIR).is_ok()
    }

    pub fn is_folder(&self) -> bool {
        self.open_path(&self.name).and_then(|file| file.metadata()).is_ok_and(|meta| meta.is_dir())
    }

    pub fn rename(&self, from: &[u8], to: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::renameat(&self.folder, path(from), &self.folder, path(to))?)
    }

    /// Gives a file another name that nobody has; false when somebody does.
    pub fn rename_free(&self, from: &[u8], to: &[u8]) -> io::Result<bool> {
        match rustix::fs::renameat_with(
            &self.folder,
            path(from),
            &self.folder,
            path(to),
            RenameFlags::NOREPLACE,
        ) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            Err(Errno::INVAL | Errno::NOSYS) => self.rename_by_link(from, to),
            Err(e) => Err(e.into()),
        }
    }

    /// Where the file system knows no other way: a second name, then the first one goes.
    fn rename_by_link(&self, from: &[u8], to: &[u8]) -> io::Result<bool> {
        match rustix::fs::linkat(&self.folder, path(from), &self.folder, path(to), AtFlags::empty()) {
            Ok(()) => {
                self.remove(from)?;
                Ok(true)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    /// The prepared content and the file change places: no moment in which there
    /// is neither. What comes out is compared with what was expected.
    pub fn exchange(&self, run: &str, expected: Option<&Stamp>) -> io::Result<Met> {
        let fresh = &self.swap_name(run)[..];
        let (from, to) = (path(fresh), path(&self.name));
        match rustix::fs::renameat_with(&self.folder, &from, &self.folder, &to, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::NOENT) => {
                return Ok(if self.rename_free(fresh, &self.name)? { Met::Nothing } else { Met::Other });
            }
            Err(Errno::INVAL | Errno::NOSYS) => return self.exchange_slowly(run, expected),
            Err(e) => return Err(e.into()),
        }
        Ok(if self.is(fresh, expected) { Met::Expected } else { Met::Other })
    }

    /// In two steps; between them the file has only its other name.
    fn exchange_slowly(&self, run: &str, expected: Option<&Stamp>) -> io::Result<Met> {
        let (fresh, out) = (&self.swap_name(run)[..], self.out_name(run));
        if !self.rename_free(&self.name, &out)? {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        self.rename(fresh, &self.name)?;
        self.rename(&out, fresh)?;
        Ok(if self.is(fresh, expected) { Met::Expected } else { Met::Other })
    }

    /// Whether what lies under `name` is what was expected there or here before.
    pub fn is(&self, name: &[u8], expected: Option<&Stamp>) -> bool {
        match (self.stamp(name), expected) {
            (Some(now), Some(expected)) => now.same_content(expected),
            _ => false,
        }
    }

    /// The folder's entries reach the disk.
    pub fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(self.folder.as_fd()) {
            // Not every file system can.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_beside_fits_and_stays_text() {
        assert_eq!(beside(b"src/a.rs", "r1", 0), b"src/a.rs.wfl-kept-r1");
        assert_eq!(beside(b"a", "r1", 2), b"a.wfl-kept-r1-2");
        let long = format!("d/{}", "ä".repeat(127));
        let name = String::from_utf8(beside(long.as_bytes(), "20261121-000000-abcd", 0)).unwrap();
        assert!(name.len() - 2 <= LONGEST && name.ends_with("abcd"), "{name}");
    }

    #[test]
    fn no_step_leaves_the_root_or_enters_git() {
        let dir = tempfile::tempdir().unwrap();
        let outside = dir.path().join("outside");
        std::fs::create_dir_all(dir.path().join("root")).unwrap();
        std::fs::create_dir(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, dir.path().join("root/link")).unwrap();
        let root = root(&dir.path().join("root")).unwrap();
        for name in ["link/x", "../x", "a/../../x", ".git/config", "", "a//b", "a/"] {
            assert!(spot(&root, name.as_bytes(), true).is_err(), "{name}");
        }
        assert!(spot(&root, b"new/x", true).is_ok() && spot(&root, b"newer/x", false).is_err());
        assert!(std::fs::read_dir(&outside).unwrap().next().is_none());
    }
}
