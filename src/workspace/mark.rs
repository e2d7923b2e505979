//! Marks of files: what tells one content from another. Input files by glob, single files, whole folders. A hash is not
//! worked out again while the file's identity (device, number, size, times) says that nothing was written since.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

use walkdir::WalkDir;

use super::tree;
use crate::event::{FileMark, Files};

/// A file written more recently than this may be written again without its times changing: clocks of file systems are
/// coarse.
const SETTLED_NS: i128 = 2_000_000_000;
/// Hashes remembered at most.
const MOST: usize = 100_000;

/// Device, number, size, modification, change: all that says "not written since".
type Identity = (u64, u64, u64, i128, i128);

/// Input files, and the hash over all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inputs {
    pub files: Files,
    pub hash: String,
    /// A link to a folder outside of the project: its content is not looked at.
    pub beyond: Option<String>,
}

/// Marks files and remembers their hashes as long as it lives.
#[derive(Debug, Default)]
pub struct Marker {
    known: Mutex<HashMap<Identity, blake3::Hash>>,
}

impl Marker {
    /// The files that match, without those of `except`, which are absolute files or folders.
    pub fn inputs(&self, root: &Path, globs: &[String], except: &[PathBuf]) -> Result<Inputs, String> {
        let mut found = Inputs::default();
        for path in tree::matching(root, globs)? {
            let full = root.join(&path);
            if except.iter().any(|own| full.starts_with(own)) {
                continue;
            }
            let mark = self.input(root, &full).map_err(|e| format!("cannot read the input {path}: {e}"))?;
            if mark.is_none() {
                found.beyond.get_or_insert_with(|| path.clone());
            }
            found.files.insert(path, mark.unwrap_or_else(|| of_link(&full)));
        }
        found.hash = over(&found.files);
        Ok(found)
    }

    /// None for a link to a folder outside of the root.
    fn input(&self, root: &Path, full: &Path) -> io::Result<Option<FileMark>> {
        let meta = fs::symlink_metadata(full)?;
        if !meta.is_symlink() {
            return self.plain(full, &meta).map(Some);
        }
        let Ok(target) = full.canonicalize() else { return Ok(Some(of_link(full))) };
        let meta = fs::metadata(&target)?;
        if !meta.is_dir() {
            return self.plain(&target, &meta).map(Some);
        }
        let holder = full.parent().unwrap_or(root).canonicalize()?;
        // What a link to a folder that holds it leads to would never end.
        let inside = target.starts_with(root.canonicalize()?) && !holder.starts_with(&target);
        if inside { self.folder(&target).map(Some) } else { Ok(None) }
    }

    /// A file, or a folder as a whole; links are followed.
    pub fn mark(&self, path: &Path) -> io::Result<FileMark> {
        let meta = fs::metadata(path)?;
        if meta.is_dir() { self.folder(path) } else { self.plain(path, &meta) }
    }

    fn plain(&self, path: &Path, meta: &Metadata) -> io::Result<FileMark> {
        if !meta.is_file() {
            return Err(io::Error::other("it is neither a file nor a folder"));
        }
        let executable = meta.permissions().mode() & 0o111 != 0;
        let hash = self.hash(path, meta)?.to_hex().to_string();
        Ok(FileMark { hash, executable, folder: false, kept: None })
    }

    fn folder(&self, path: &Path) -> io::Result<FileMark> {
        let mut files = Files::new();
        for entry in WalkDir::new(path) {
            let entry = entry.map_err(io::Error::other)?;
            let name = entry.path().strip_prefix(path).unwrap_or(entry.path()).to_string_lossy().into_owned();
            if entry.file_type().is_symlink() {
                files.insert(name, of_link(entry.path()));
            } else if !entry.file_type().is_dir() {
                let meta = entry.metadata().map_err(io::Error::other)?;
                files.insert(name, self.plain(entry.path(), &meta)?);
            }
        }
        Ok(FileMark { hash: over(&files), executable: false, folder: true, kept: None })
    }

    fn hash(&self, path: &Path, meta: &Metadata) -> io::Result<blake3::Hash> {
        let identity = identity(meta);
        let known = |identity| self.known().get(&identity).copied();
        if let Some(hash) = known(identity) {
            return Ok(hash);
        }
        let hash = tree::content_hash(path)?;
        // Only what was settled before it was read, and is the same file after.
        let settled =
            settled(&identity) && fs::metadata(path).is_ok_and(|now| self::identity(&now) == identity);
        if settled {
            let mut known = self.known();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(identity, hash);
        }
        Ok(hash)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<Identity, blake3::Hash>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn identity(meta: &Metadata) -> Identity {
    let ns = |seconds: i64, ns: i64| i128::from(seconds) * 1_000_000_000 + i128::from(ns);
    let modified = ns(meta.mtime(), meta.mtime_nsec());
    (meta.dev(), meta.ino(), meta.size(), modified, ns(meta.ctime(), meta.ctime_nsec()))
}

fn settled((_, _, _, modified, changed): &Identity) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
    now - modified.max(changed) > SETTLED_NS
}

/// A link by where it leads.
fn of_link(path: &Path) -> FileMark {
    let target = fs::read_link(path).unwrap_or_default();
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"-> ").update(target.as_os_str().as_encoded_bytes());
    let hash = hasher.finalize().to_hex().to_string();
    FileMark { hash, executable: false, folder: false, kept: None }
}

fn over(files: &Files) -> String {
    let mut hasher = blake3::Hasher::new();
    for (path, mark) in files {
        hasher.update(&(path.len() as u64).to_le_bytes()).update(path.as_bytes());
        hasher.update(&[u8::from(mark.executable), u8::from(mark.folder)]).update(mark.hash.as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn project() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        for (path, text) in [("src/a", "a"), ("lib/b", "b"), ("out/app", "app")] {
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), text).unwrap();
        }
        (folder, root)
    }

    fn inputs(root: &Path, globs: &[&str], except: &[PathBuf]) -> Inputs {
        let globs: Vec<String> = globs.iter().map(|glob| glob.to_string()).collect();
        Marker::default().inputs(root, &globs, except).unwrap()
    }

    #[test]
    fn links_are_followed_to_files_and_into_folders_of_the_project() {
        let (_folder, root) = project();
        symlink("../lib/b", root.join("src/file")).unwrap();
        symlink("../lib", root.join("src/folder")).unwrap();
        let before = inputs(&root, &["src/**"], &[]);
        assert_eq!(before.files.len(), 3);
        fs::write(root.join("lib/b"), "changed").unwrap();
        let after = inputs(&root, &["src/**"], &[]);
        let changed: Vec<&String> = after
            .files
            .iter()
            .filter(|(path, mark)| before.files[*path] != **mark)
            .map(|(path, _)| path)
            .collect();
        assert_eq!(changed, ["src/file", "src/folder"]);
    }

    #[test]
    fn a_link_out_of_the_project_is_told_and_one_in_a_circle_ends() {
        let (folder, root) = project();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        symlink(folder.path().join("elsewhere"), root.join("src/away")).unwrap();
        assert_eq!(inputs(&root, &["src/**"], &[]).beyond.as_deref(), Some("src/away"));
        fs::remove_file(root.join("src/away")).unwrap();
        symlink("..", root.join("src/round")).unwrap();
        symlink("nowhere", root.join("src/dangling")).unwrap();
        assert_eq!(inputs(&root, &["src/**"], &[]).beyond.as_deref(), Some("src/round"));
    }

    #[test]
    fn outputs_are_no_inputs_and_modes_count() {
        let (_folder, root) = project();
        let all = inputs(&root, &["**"], &[root.join("out")]);
        assert_eq!(all.files.keys().collect::<Vec<_>>(), ["lib/b", "src/a"]);
        fs::set_permissions(root.join("src/a"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_ne!(inputs(&root, &["**"], &[root.join("out")]).hash, all.hash);
    }

    #[test]
    fn a_file_written_just_now_is_read_again() {
        let (_folder, root) = project();
        let marker = Marker::default();
        let path = root.join("src/a");
        let before = marker.mark(&path).unwrap();
        let times = fs::metadata(&path).unwrap().modified().unwrap();
        fs::write(&path, "z").unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(times).unwrap();
        assert_ne!(marker.mark(&path).unwrap(), before);
    }

    #[test]
    fn a_folder_is_marked_as_a_whole() {
        let (_folder, root) = project();
        let marker = Marker::default();
        let before = marker.mark(&root.join("lib")).unwrap();
        assert!(before.folder);
        fs::write(root.join("lib/new"), "").unwrap();
        assert_ne!(marker.mark(&root.join("lib")).unwrap(), before);
        assert!(marker.mark(&root.join("none")).is_err());
    }
}
