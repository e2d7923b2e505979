//! The project's files as they were at a moment: recorded, compared with others and with now, brought back without losing
//! what somebody else did. Where there is git, as objects of a repository of our own in the state folder, to which the
//! project's objects are an alternate; else as copies under their hash. Nothing is ever written into the project's `.git`.
//! Does not know what a run or a stage is; a run is a name under which snapshots are held.

mod compare;
mod files;
mod git;
mod place;
mod restore;
mod scan;
mod seen;
mod sweep;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::fs::{FlockOperation, flock};

use crate::port::{Restored, Snapshots};

use compare::{Sides, Step};
use scan::Scanned;
use seen::Seen;
pub use sweep::{Swept, sweep};

/// A file larger than this is only marked, not kept.
pub const LARGEST: u64 = 100 << 20;

/// What was seen of each folder that snapshots are taken of: the project's, and checkouts of isolated runs.
const SEEN: &str = "seen-";

/// Path, relative to the root, in bytes.
type Name = Vec<u8>;
/// Files by name.
type Manifest = BTreeMap<Name, Entry>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Link,
    /// A repository within: known by its commit, never entered.
    Module,
}

/// One file as a snapshot knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    kind: Kind,
    /// Permission bits; 0 for what has none of its own.
    mode: u32,
    hash: String,
    /// Its content is there. One that was too large, or could not be read, is only told apart by size and time.
    kept: bool,
}

/// A path that belongs to the project's files.
struct Listed {
    name: Name,
    /// The commit of a repository within.
    module: Option<String>,
}

/// How sure it is that a content is there when it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Held {
    /// Only its hash is known.
    No,
    /// Among the project's own objects.
    Elsewhere,
    Ours,
}

/// Where contents and manifests are kept.
trait Keeper: Send + Sync {
    fn list(&self) -> Result<Vec<Listed>, String>;
    /// Hashes of files and links, kept with `store`; none for one that cannot be read.
    fn hashes(&self, files: &[(Name, Kind)], store: bool) -> Result<Vec<Option<(String, Held)>>, String>;
    /// Takes over contents that are only elsewhere.
    fn hold(&self, hashes: &[String]) -> Result<(), String>;
    fn write(&self, manifest: &Manifest) -> Result<String, String>;
    fn read(&self, id: &str) -> Result<Manifest, String>;
    fn reader(&self) -> Result<Box<dyn Reader>, String>;
    /// Keeps a snapshot as long as the run is kept.
    fn pin(&self, run: &str, id: &str) -> io::Result<()>;
    /// Files and bytes at most that are taken in at once.
    fn bounds(&self) -> (usize, u64);
}

/// Gives out contents.
trait Reader {
    /// False when it is not there.
    fn copy(&mut self, hash: &str, to: &mut dyn Write) -> io::Result<bool>;
}

/// The snapshots of one run of the project.
pub struct ProjectSnapshots {
    root: PathBuf,
    folder: PathBuf,
    run: String,
    keeper: Box<dyn Keeper>,
    /// Where it stands what was seen of this folder.
    memory: PathBuf,
    seen: Mutex<Option<Seen>>,
    read: Mutex<HashMap<String, Arc<Manifest>>>,
    /// How often restoring may touch the tree before it stops as if it were killed: for tests.
    #[cfg(test)]
    fuel: std::sync::atomic::AtomicI64,
}

impl ProjectSnapshots {
    /// For the project at `root`, whose state lies in `state`.
    pub fn new(root: &Path, state: &Path, run: &str) -> Result<ProjectSnapshots, String> {
        let folder = state.join("snapshots");
        private_folder(&folder).map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
        let root = root.canonicalize().map_err(|e| format!("{} cannot be read: {e}", root.display()))?;
        let outside = outside(&root, state);
        let keeper: Box<dyn Keeper> = match git::Repository::open(&root, &folder, &outside)? {
            Some(repository) => Box::new(repository),
            None => Box::new(files::Copies::new(&root, &folder, &outside)),
        };
        let hash = blake3::hash(std::os::unix::ffi::OsStrExt::as_bytes(root.as_os_str())).to_hex();
        Ok(ProjectSnapshots {
            root,
            memory: folder.join(format!("{SEEN}{}", &hash.as_str()[..12])),
            folder,
            run: run.to_owned(),
            keeper,
            seen: Mutex::new(None),
            read: Mutex::default(),
            #[cfg(test)]
            fuel: std::sync::atomic::AtomicI64::new(i64::MAX),
        })
    }

    fn scan(&self, store: bool) -> Result<(Scanned, MutexGuard<'_, Option<Seen>>), String> {
        let mut guard = self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let seen = guard.get_or_insert_with(|| Seen::load(&self.memory));
        let scanned = scan::scan(&self.root, self.keeper.as_ref(), seen, store)?;
        Ok((scanned, guard))
    }

    /// Nobody else takes, restores or sweeps until it is dropped.
    fn alone(&self) -> Result<File, String> {
        alone(&self.folder).map_err(|e| format!("the snapshots cannot be locked: {e}"))
    }

    fn manifest(&self, id: &str) -> Result<Arc<Manifest>, String> {
        let mut read = self.read.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(manifest) = read.get(id) {
            return Ok(manifest.clone());
        }
        let manifest = Arc::new(self.keeper.read(id)?);
        read.insert(id.to_owned(), manifest.clone());
        Ok(manifest)
    }

    /// The state to go back to, and those since.
    fn states(&self, to: &str, known: &[String]) -> Result<States, String> {
        let plain = |id: &String| id.strip_prefix('+').unwrap_or(id).to_owned();
        let from = known.iter().position(|id| plain(id) == to).map_or(0, |at| at + 1);
        let later = known[from..].iter().map(|id| Ok((id.starts_with('+'), self.manifest(&plain(id))?)));
        Ok(States { to: self.manifest(to)?, later: later.collect::<Result<_, String>>()? })
    }

    /// What is to be done now.
    fn steps(&self, to: &str, known: &[String]) -> Result<Vec<Step>, String> {
        let (now, _guard) = self.scan(false)?;
        Ok(compare::steps(&self.states(to, known)?.beside(&now.manifest)))
    }
}

struct States {
    to: Arc<Manifest>,
    later: Vec<(bool, Arc<Manifest>)>,
}

impl States {
    fn beside<'a>(&'a self, now: &'a Manifest) -> Sides<'a> {
        Sides { to: &self.to, later: &self.later, now }
    }
}

impl Snapshots for ProjectSnapshots {
    fn take(&self) -> Result<String, String> {
        let _alone = self.alone()?;
        let (scanned, mut guard) = self.scan(true)?;
        let seen = guard.get_or_insert_default();
        self.keeper.hold(&scanned.leaving)?;
        let same = seen.last.as_ref().filter(|(_, manifest)| *manifest == scanned.manifest);
        let id = match same {
            Some((id, _)) => id.clone(),
            None => self.keeper.write(&scanned.manifest)?,
        };
        self.keeper.pin(&self.run, &id).map_err(|e| format!("the snapshot cannot be kept: {e}"))?;
        if scanned.news || seen.last.as_ref().is_none_or(|(last, _)| *last != id) {
            seen.last = Some((id.clone(), scanned.manifest));
            seen.save(&self.memory).map_err(|e| format!("the snapshot cannot be kept: {e}"))?;
        }
        Ok(id)
    }

    fn compare(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String> {
        let _alone = self.alone()?;
        Ok(self.steps(to, known)?.iter().map(|step| step.told(&self.run)).collect())
    }

    fn restore(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String> {
        let _alone = self.alone()?;
        let states = self.states(to, known)?;
        let mut told = restore::tidy(self, &states.beside(&states.to))?;
        let (now, guard) = self.scan(false)?;
        drop(guard);
        told.extend(restore::restore(self, &compare::steps(&states.beside(&now.manifest)), &now)?);
        Ok(told)
    }

    fn diff(&self, to: &str, known: &[String], lines: usize) -> Result<String, String> {
        let _alone = self.alone()?;
        text::diff(&self.root, self.keeper.reader()?.as_mut(), &self.steps(to, known)?, lines)
    }
}

/// Folders below the root that are none of the project's files: where outputs go, and the state if it lies there.
fn outside(root: &Path, state: &Path) -> Vec<Name> {
    use std::os::unix::ffi::OsStrExt;
    let mut outside = vec![b".wfl/out/".to_vec()];
    let state = state.canonicalize().unwrap_or_else(|_| state.to_owned());
    if let Ok(below) = state.strip_prefix(root) {
        outside.push([below.as_os_str().as_bytes(), b"/"].concat());
    }
    outside
}

fn is_outside(outside: &[Name], name: &[u8]) -> bool {
    let ours = name.rsplit(|byte| *byte == b'/').next().is_some_and(place::is_ours);
    ours || outside.iter().any(|folder| name.starts_with(folder))
}

fn alone(folder: &Path) -> io::Result<File> {
    let lock =
        OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(folder.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a file of the state: whole, or not at all.
fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private_folder(folder)?;
    }
    let half = path.with_extension(format!("{}.part", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    let written =
        file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&half, path));
    if written.is_err() {
        let _ = fs::remove_file(&half);
    }
    written
}

/// A name that is only ever one folder or file.
fn is_plain(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with('.')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests;
