//! Snapshots without git: each content once under its hash, each state as a list. Bounded, and without the folders that
//! tools fill for themselves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::seen::{kind, word};
use super::{
    Entry, Held, Keeper, Kind, Listed, Manifest, Name, Reader, is_outside, is_plain, private_folder,
    write_whole,
};
use crate::workspace::git::{fields, path};

const MOST_FILES: usize = 20_000;
const MOST_BYTES: u64 = 500 << 20;
const PREFIX: &str = "files:";
/// Folders that hold no source, whoever made them.
const CACHES: &[&str] = &[
    ".git",
    ".hg",
    ".svn",
    ".jj",
    "node_modules",
    "target",
    ".venv",
    "venv",
    "__pycache__",
    ".tox",
    ".nox",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".gradle",
    ".terraform",
    ".next",
    ".nuxt",
    ".cache",
];
/// Files by which a folder says so of itself.
const SIGNS: &[&str] = &["CACHEDIR.TAG", "pyvenv.cfg"];

pub(super) struct Copies {
    root: PathBuf,
    folder: PathBuf,
    outside: Vec<Name>,
}

impl Copies {
    pub fn new(root: &Path, folder: &Path, outside: &[Name]) -> Copies {
        Copies { root: root.to_owned(), folder: folder.join("files"), outside: outside.to_vec() }
    }

    fn is_cache(&self, entry: &DirEntry) -> bool {
        let named = CACHES.iter().any(|name| entry.file_name() == *name);
        let says = || SIGNS.iter().any(|sign| entry.path().join(sign).exists());
        entry.depth() > 0 && entry.file_type().is_dir() && (named || says())
    }

    fn take_in(&self, name: &[u8], kind: Kind, store: bool) -> io::Result<String> {
        let full = self.root.join(path(name));
        if kind == Kind::Link {
            let target = fs::read_link(full)?;
            let target = target.as_os_str().as_bytes();
            let hash = blake3::hash(target).to_hex().to_string();
            let place = content(&self.folder, &hash);
            if store && !place.exists() {
                write_whole(&place, target)?;
            }
            return Ok(hash);
        }
        let file = OpenOptions::new().read(true).custom_flags(flags()).open(full)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::other("no plain file"));
        }
        // What is written to meanwhile, as a log is, would else never end.
        let mut file = file.take(meta.len());
        if store { self.copy_in(&mut file) } else { copy(&mut file, &mut io::sink()) }
    }

    fn copy_in(&self, file: &mut dyn Read) -> io::Result<String> {
        private_folder(&self.folder)?;
        let half = self.folder.join(format!("{}.part", std::process::id()));
        let mut target =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        let hash = copy(file, &mut target)?;
        let place = content(&self.folder, &hash);
        if place.exists() {
            fs::remove_file(&half)?;
            return Ok(hash);
        }
        private_folder(place.parent().unwrap_or(&self.folder))?;
        fs::rename(&half, &place)?;
        Ok(hash)
    }
}

fn flags() -> i32 {
    use rustix::fs::OFlags;
    (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32
}

fn content(folder: &Path, hash: &str) -> PathBuf {
    folder.join("contents").join(hash.get(..2).unwrap_or("xx")).join(hash)
}

/// Copies to the end; the hash of what was copied.
fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<String> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_hex().to_string()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

impl Keeper for Copies {
    fn list(&self) -> Result<Vec<Listed>, String> {
        let mut listed = Vec::new();
        let walk = WalkDir::new(&self.root).min_depth(1).into_iter();
        for entry in walk.filter_entry(|entry| !self.is_cache(entry)) {
            // What vanishes, or may not be looked into, is not among what we can bring back.
            let Ok(entry) = entry else { continue };
            let Ok(below) = entry.path().strip_prefix(&self.root) else { continue };
            let name = below.as_os_str().as_bytes().to_vec();
            if entry.file_type().is_dir() || is_outside(&self.outside, &name) {
                continue;
            }
            listed.push(Listed { name, module: None });
            if listed.len() > MOST_FILES {
                break;
            }
        }
        Ok(listed)
    }

    fn hashes(&self, files: &[(Name, Kind)], store: bool) -> Result<Vec<Option<(String, Held)>>, String> {
        let held = if store { Held::Ours } else { Held::No };
        let mut hashes = Vec::with_capacity(files.len());
        for (name, kind) in files {
            match self.take_in(name, *kind, store) {
                Ok(hash) => hashes.push(Some((hash, held))),
                Err(e) if store && e.kind() == io::ErrorKind::StorageFull => {
                    return Err(format!("the snapshot cannot be kept: {e}"));
                }
                Err(_) => hashes.push(None),
            }
        }
        Ok(hashes)
    }

    fn hold(&self, _: &[String]) -> Result<(), String> {
        Ok(())
    }

    fn write(&self, manifest: &Manifest) -> Result<String, String> {
        let mut text = Vec::new();
        for (name, Entry { kind, mode, hash, kept }) in manifest {
            text.extend(format!("{} {mode:o} {} {hash} ", word(*kind), u8::from(*kept)).into_bytes());
            text.extend_from_slice(name);
            text.push(0);
        }
        let id = blake3::hash(&text).to_hex().to_string();
        let failed = |e: io::Error| format!("the snapshot cannot be kept: {e}");
        write_whole(&self.folder.join("states").join(&id), &text).map_err(failed)?;
        #[cfg(target_os = "linux")]
        if let Ok(folder) = File::open(&self.folder) {
            rustix::fs::syncfs(&folder).map_err(|e| failed(e.into()))?;
        }
        Ok(format!("{PREFIX}{id}"))
    }

    fn read(&self, id: &str) -> Result<Manifest, String> {
        let hash = id.strip_prefix(PREFIX).filter(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let hash = hash.ok_or_else(|| format!("`{id}` is no snapshot of a project without git"))?;
        let text = fs::read(self.folder.join("states").join(hash))
            .map_err(|e| format!("the snapshot {id} is gone: {e}"))?;
        if blake3::hash(&text).to_hex().as_str() != hash {
            return Err(format!("the snapshot {id} is damaged"));
        }
        fields(&text)
            .map(|line| state_line(line).ok_or_else(|| format!("the snapshot {id} is damaged")))
            .collect()
    }

    fn reader(&self) -> Result<Box<dyn Reader>, String> {
        Ok(Box::new(FromCopies(self.folder.clone())))
    }

    fn pin(&self, run: &str, id: &str) -> io::Result<()> {
        if !is_plain(run) {
            return Err(io::Error::other(format!("`{run}` is no name of a run")));
        }
        let place = self.folder.join("runs").join(run).join(id.trim_start_matches(PREFIX));
        if place.exists() { Ok(()) } else { write_whole(&place, b"") }
    }

    fn bounds(&self) -> (usize, u64) {
        (MOST_FILES, MOST_BYTES)
    }
}

struct FromCopies(PathBuf);

impl Reader for FromCopies {
    fn copy(&mut self, hash: &str, to: &mut dyn Write) -> io::Result<bool> {
        let mut file = match File::open(content(&self.0, hash)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(e),
        };
        match copy(&mut file, to)? == hash {
            true => Ok(true),
            false => Err(io::Error::other("its kept copy is damaged")),
        }
    }
}

fn state_line(line: &[u8]) -> Option<(Name, Entry)> {
    let mut parts = line.splitn(5, |byte| *byte == b' ');
    let mut next = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let kind = kind(next()?)?;
    let mode = u32::from_str_radix(next()?, 8).ok()?;
    let kept = next()? == "1";
    let hash = next()?.to_owned();
    Some((parts.next()?.to_vec(), Entry { kind, mode, hash, kept }))
}

/// Removes contents and states that no run refers to any more.
pub(super) fn prune(folder: &Path) -> Result<(), String> {
    let failed = |e: io::Error| format!("{} cannot be swept: {e}", folder.display());
    let copies = Copies { root: PathBuf::new(), folder: folder.to_owned(), outside: Vec::new() };
    let mut states = std::collections::BTreeSet::new();
    for entry in WalkDir::new(folder.join("runs")).min_depth(2).into_iter().flatten() {
        states.insert(entry.file_name().to_owned());
    }
    let mut wanted = std::collections::BTreeSet::new();
    for state in &states {
        // One that cannot be read protects nothing, and nothing can be brought back from it.
        let manifest = copies.read(&format!("{PREFIX}{}", state.to_string_lossy())).unwrap_or_default();
        wanted.extend(manifest.into_values().map(|entry| entry.hash));
    }
    for entry in WalkDir::new(folder.join("states")).min_depth(1).into_iter().flatten() {
        if !states.contains(entry.file_name()) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    for entry in WalkDir::new(folder.join("contents")).min_depth(2).into_iter().flatten() {
        if !wanted.contains(&*entry.file_name().to_string_lossy()) {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(())
}
