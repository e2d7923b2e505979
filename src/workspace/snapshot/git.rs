//! Snapshots as git objects in a bare repository of our own in the state folder, beside the project's objects, which are
//! an alternate to it. Files hold their raw bytes: no filter, no line ending is touched. Blobs of the commit checked out
//! stay where they are until a stage changes the file; trees and everything else are ours.
//!
//! A snapshot is a tree: `files`, the project; `modes`, permissions that git has no word for; `left`, what was not kept.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::seen::{kind, word};
use super::{Entry, Held, Keeper, Kind, Listed, Manifest, Name, Reader, is_outside, is_plain, write_whole};
use crate::workspace::git::{Git, Objects, fields, path, quoted};

const MOST_FILES: usize = 200_000;
const MOST_BYTES: u64 = 4 << 30;
/// Up to so many new contents are written without asking which of them the commit holds.
const FEW: usize = 256;
const PREFIX: &str = "git:";

pub(super) struct Repository {
    root: PathBuf,
    /// The bare repository of ours.
    own: PathBuf,
    /// Where contents lie for a moment on their way into it.
    passage: PathBuf,
    /// The project's objects.
    objects: PathBuf,
    outside: Vec<Name>,
}

impl Repository {
    /// None where the files are not git's: no repository, no git, or a folder that a repository above ignores.
    pub fn open(root: &Path, folder: &Path, outside: &[Name]) -> Result<Option<Repository>, String> {
        let ask = [
            "rev-parse",
            "--is-inside-work-tree",
            "--show-object-format",
            "--git-path",
            "objects",
            "--show-prefix",
        ];
        let Ok(said) = Git::at(root).run(&ask) else { return Ok(None) };
        let lines: Vec<&[u8]> = said.split(|byte| *byte == b'\n').collect();
        let [b"true", format, objects, prefix, ..] = lines[..] else { return Ok(None) };
        if !prefix.is_empty() && Git::at(root).run(&["check-ignore", "--quiet", "."]).is_ok() {
            return Ok(None);
        }
        let format = String::from_utf8_lossy(format).into_owned();
        let own = folder.join(format!("git-{format}"));
        if !own.join("HEAD").is_file() {
            make(&own, &format)?;
        }
        let objects = root.join(path(objects));
        let repository = Repository {
            root: root.to_owned(),
            own,
            passage: folder.join("passage"),
            objects,
            outside: outside.to_vec(),
        };
        Ok(Some(repository))
    }

    /// Our repository, alone.
    fn ours(&self, folder: &Path) -> Git {
        Git::at(folder).with("GIT_DIR", &self.own)
    }

    /// Ours, and behind it the project's objects.
    fn both(&self) -> Git {
        let quoted = quoted(self.objects.as_os_str().as_bytes());
        let quoted = if quoted.contains(&b':') && !quoted.starts_with(b"\"") {
            [b"\"", &quoted[..], b"\""].concat()
        } else {
            quoted
        };
        self.ours(&self.own).with("GIT_ALTERNATE_OBJECT_DIRECTORIES", path(&quoted))
    }

    /// Hashes of the files in these lines, in order.
    fn hash(&self, lines: &[Vec<u8>], write: bool) -> Result<Vec<String>, String> {
        if lines.is_empty() {
            return Ok(Vec::new());
        }
        let mut arguments = vec!["hash-object", "--no-filters", "--stdin-paths"];
        if write {
            arguments.push("-w");
        }
        let input = [lines.join(&b'\n'), b"\n".to_vec()].concat();
        let git = self.durable(self.ours(&self.root), lines.len());
        let said = git.feed(&arguments, &input)?;
        let hashes: Vec<String> = String::from_utf8_lossy(&said).lines().map(str::to_owned).collect();
        match hashes.len() == lines.len() {
            true => Ok(hashes),
            false => Err(format!("git hashed {} files of {}", hashes.len(), lines.len())),
        }
    }

    /// Few objects are synced one by one; of many, all at once at the end.
    fn durable(&self, git: Git, count: usize) -> Git {
        git.set(if count <= FEW { "core.fsync=loose-object" } else { "core.fsync=none" })
    }

    /// All that was written is on the disk.
    fn sync(&self) -> Result<(), String> {
        #[cfg(target_os = "linux")]
        if let Ok(folder) = fs::File::open(&self.own) {
            rustix::fs::syncfs(&folder).map_err(|e| format!("the snapshot cannot be synced: {e}"))?;
        }
        Ok(())
    }

    /// A line that names a file with this content.
    fn carry(&self, content: &[u8], number: usize) -> io::Result<Vec<u8>> {
        super::private_folder(&self.passage)?;
        let place = self.passage.join(number.to_string());
        let mut file =
            fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&place)?;
        file.write_all(content)?;
        Ok(quoted(place.as_os_str().as_bytes()))
    }

    /// The line for each file that can be read.
    fn lines(&self, files: &[(Name, Kind)]) -> Vec<Option<Vec<u8>>> {
        let line = |(number, (name, kind)): (usize, &(Name, Kind))| match kind {
            Kind::Link => {
                let target = fs::read_link(self.root.join(path(name))).ok()?;
                self.carry(target.as_os_str().as_bytes(), number).ok()
            }
            _ => readable(&self.root.join(path(name))).then(|| quoted(name)),
        };
        files.iter().enumerate().map(line).collect()
    }

    /// Blobs of the commit that is checked out.
    fn committed(&self) -> HashSet<String> {
        let said = Git::at(&self.root).run(&["ls-tree", "-r", "-z", "HEAD"]).unwrap_or_default();
        // `mode blob id\tpath`
        let id = |line: &[u8]| {
            Some(String::from_utf8_lossy(line.split(|b| *b == b'\t').next()?).split(' ').nth(2)?.to_owned())
        };
        fields(&said).filter_map(id).collect()
    }

    fn hash_all(&self, lines: &[Vec<u8>], store: bool) -> Result<Vec<(String, Held)>, String> {
        let with = |held: Held| move |hash: String| (hash, held);
        if !store {
            return Ok(self.hash(lines, false)?.into_iter().map(with(Held::No)).collect());
        }
        if lines.len() <= FEW {
            return Ok(self.hash(lines, true)?.into_iter().map(with(Held::Ours)).collect());
        }
        let (hashes, committed) = (self.hash(lines, false)?, self.committed());
        let new = hashes.iter().zip(lines).filter(|(hash, _)| !committed.contains(*hash));
        let new: Vec<Vec<u8>> = new.map(|(_, line)| line.clone()).collect();
        let written: HashSet<String> = self.hash(&new, true)?.into_iter().collect();
        // A file that was written to meanwhile has another content now, and is read again the next time.
        let held = |hash: String| {
            let held = if committed.contains(&hash) {
                Held::Elsewhere
            } else if written.contains(&hash) {
                Held::Ours
            } else {
                Held::No
            };
            (hash, held)
        };
        Ok(hashes.into_iter().map(held).collect())
    }

    /// The tree of these files.
    fn tree(&self, manifest: &Manifest) -> Result<String, String> {
        let index = self.own.join("index");
        let _ = fs::remove_file(&index);
        let git = self.durable(self.ours(&self.own), manifest.len()).with("GIT_INDEX_FILE", &index);
        let mut lines = Vec::new();
        for (name, entry) in manifest.iter().filter(|(_, entry)| entry.kept) {
            let mode = match entry.kind {
                Kind::File if entry.mode & 0o100 != 0 => "100755",
                Kind::File => "100644",
                Kind::Link => "120000",
                Kind::Module => "160000",
            };
            lines.extend_from_slice(format!("{mode} {}\t", entry.hash).as_bytes());
            lines.extend_from_slice(name);
            lines.push(0);
        }
        git.feed(&["update-index", "-z", "--index-info"], &lines)?;
        // Contents may be the project's own, which is not asked here: so that every tree is ours.
        let tree = git.run(&["write-tree", "--missing-ok"]);
        let _ = fs::remove_file(&index);
        Ok(trimmed(&tree?))
    }

    fn id(id: &str) -> Result<&str, String> {
        let hash = id.strip_prefix(PREFIX).filter(|hash| hash.bytes().all(|byte| byte.is_ascii_hexdigit()));
        hash.ok_or_else(|| format!("`{id}` is no snapshot that git holds"))
    }
}

fn make(own: &Path, format: &str) -> Result<(), String> {
    let place = own.to_string_lossy().into_owned();
    let folder = own.parent().unwrap_or(Path::new("/"));
    let object_format = format!("--object-format={format}");
    Git::at(folder).run(&["init", "--quiet", "--bare", "--template=", &object_format, "--", &place])?;
    Ok(())
}

fn trimmed(said: &[u8]) -> String {
    String::from_utf8_lossy(said).trim().to_owned()
}

/// A plain file that can be opened; never waits for one that is not.
fn readable(path: &Path) -> bool {
    use rustix::fs::OFlags;
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32;
    let opened = fs::OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.and_then(|file| file.metadata()).is_ok_and(|meta| meta.is_file())
}

impl Keeper for Repository {
    fn list(&self) -> Result<Vec<Listed>, String> {
        let ask = ["ls-files", "-z", "-t", "--stage", "--cached", "--others", "--exclude-standard"];
        let said = Git::at(&self.root).run(&ask)?;
        let mut listed: Vec<Listed> = Vec::new();
        for line in fields(&said) {
            let Some(found) = listing(line) else { continue };
            // A file in conflict is there once for each side.
            let again = listed.last().is_some_and(|last| last.name == found.name);
            if !again && !is_outside(&self.outside, &found.name) {
                listed.push(found);
            }
        }
        Ok(listed)
    }

    fn hashes(&self, files: &[(Name, Kind)], store: bool) -> Result<Vec<Option<(String, Held)>>, String> {
        let mut failed = String::new();
        // A file that vanishes while git reads fails all of them: then it is looked again which are there.
        for _ in 0..3 {
            let lines = self.lines(files);
            let there: Vec<Vec<u8>> = lines.iter().flatten().cloned().collect();
            let hashed = self.hash_all(&there, store);
            let _ = fs::remove_dir_all(&self.passage);
            match hashed {
                Ok(hashes) => {
                    let mut hashes = hashes.into_iter();
                    return Ok(lines.iter().map(|line| line.as_ref().and_then(|_| hashes.next())).collect());
                }
                Err(e) => failed = e,
            }
        }
        Err(failed)
    }

    fn hold(&self, hashes: &[String]) -> Result<(), String> {
        if hashes.is_empty() {
            return Ok(());
        }
        let mut objects = self.both().objects()?;
        for some in hashes.chunks(FEW) {
            let mut lines = Vec::new();
            for (number, hash) in some.iter().enumerate() {
                // Gone already: whoever restores is told so.
                let Ok(Some(content)) = objects.get(hash) else { continue };
                lines.push(
                    self.carry(&content, number).map_err(|e| format!("a content cannot be kept: {e}"))?,
                );
            }
            self.hash(&lines, true)?;
            let _ = fs::remove_dir_all(&self.passage);
        }
        Ok(())
    }

    fn write(&self, manifest: &Manifest) -> Result<String, String> {
        let files = self.tree(manifest)?;
        let mut entries = format!("040000 tree {files}\tfiles\0").into_bytes();
        let (modes, left) = (modes(manifest), left(manifest));
        for (name, content) in [("left", left), ("modes", modes)] {
            if !content.is_empty() {
                let git = self.durable(self.ours(&self.own), 1);
                let blob = trimmed(&git.feed(&["hash-object", "-w", "--stdin"], &content)?);
                entries.extend(format!("100644 blob {blob}\t{name}\0").into_bytes());
            }
        }
        let id = trimmed(&self.durable(self.ours(&self.own), 1).feed(&["mktree", "-z"], &entries)?);
        if manifest.len() > FEW {
            self.sync()?;
        }
        Ok(format!("{PREFIX}{id}"))
    }

    fn read(&self, id: &str) -> Result<Manifest, String> {
        let tree = Repository::id(id)?;
        let git = self.ours(&self.own);
        let said =
            git.run(&["ls-tree", "-r", "-z", tree]).map_err(|e| format!("the snapshot {id} is gone: {e}"))?;
        let (mut manifest, mut sides) = (Manifest::new(), Vec::new());
        for line in fields(&said) {
            let Some((mode, hash, name)) = tree_line(line) else { continue };
            match name.strip_prefix(b"files/") {
                Some(name) => drop(manifest.insert(name.to_vec(), entry(mode, hash))),
                None => sides.push((name.to_vec(), hash.to_owned())),
            }
        }
        if !sides.is_empty() {
            let mut objects = git.objects()?;
            for (name, hash) in sides {
                let content = objects
                    .get(&hash)
                    .ok()
                    .flatten()
                    .ok_or_else(|| format!("the snapshot {id} is damaged"))?;
                if name == b"modes" {
                    read_modes(&content, &mut manifest)
                } else {
                    read_left(&content, &mut manifest)
                }
            }
        }
        Ok(manifest)
    }

    fn reader(&self) -> Result<Box<dyn Reader>, String> {
        Ok(Box::new(self.both().objects()?))
    }

    fn pin(&self, run: &str, id: &str) -> io::Result<()> {
        let hash = Repository::id(id).map_err(io::Error::other)?;
        if !is_plain(run) {
            return Err(io::Error::other(format!("`{run}` is no name of a run")));
        }
        let place = self.own.join("refs/wfl").join(run).join(hash);
        if place.exists() { Ok(()) } else { write_whole(&place, format!("{hash}\n").as_bytes()) }
    }

    fn bounds(&self) -> (usize, u64) {
        (MOST_FILES, MOST_BYTES)
    }
}

impl Reader for Objects {
    fn copy(&mut self, hash: &str, to: &mut dyn Write) -> io::Result<bool> {
        Objects::copy(self, hash, to)
    }
}

/// `? path` of an untracked file, `H mode id stage\tpath` of a tracked one.
fn listing(line: &[u8]) -> Option<Listed> {
    if let Some(name) = line.strip_prefix(b"? ") {
        // A repository that is not ours to enter ends with a slash.
        return (!name.ends_with(b"/")).then(|| Listed { name: name.to_vec(), module: None });
    }
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let head = std::str::from_utf8(&line[..tab]).ok()?;
    let mut words = head.split(' ').skip(1);
    let (mode, id) = (words.next()?, words.next()?);
    Some(Listed { name: line[tab + 1..].to_vec(), module: (mode == "160000").then(|| id.to_owned()) })
}

/// `mode kind id\tpath`
fn tree_line(line: &[u8]) -> Option<(&str, &str, &[u8])> {
    let tab = line.iter().position(|byte| *byte == b'\t')?;
    let mut words = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
    let (mode, id) = (words.next()?, words.nth(1)?);
    Some((mode, id, &line[tab + 1..]))
}

fn entry(mode: &str, hash: &str) -> Entry {
    let (kind, mode) = match mode {
        "120000" => (Kind::Link, 0),
        "160000" => (Kind::Module, 0),
        "100755" => (Kind::File, 0o755),
        _ => (Kind::File, 0o644),
    };
    Entry { kind, mode, hash: hash.to_owned(), kept: true }
}

/// Permissions other than the two that git knows.
fn modes(manifest: &Manifest) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, entry) in manifest {
        if entry.kept && entry.kind == Kind::File && !matches!(entry.mode, 0o644 | 0o755) {
            text.extend(format!("{:o} ", entry.mode).into_bytes());
            text.extend_from_slice(name);
            text.push(0);
        }
    }
    text
}

fn read_modes(text: &[u8], manifest: &mut Manifest) {
    for line in fields(text) {
        let Some(space) = line.iter().position(|byte| *byte == b' ') else { continue };
        let mode =
            std::str::from_utf8(&line[..space]).ok().and_then(|mode| u32::from_str_radix(mode, 8).ok());
        if let (Some(mode), Some(entry)) = (mode, manifest.get_mut(&line[space + 1..])) {
            entry.mode = mode;
        }
    }
}

/// What is there and was not kept.
fn left(manifest: &Manifest) -> Vec<u8> {
    let mut text = Vec::new();
    for (name, entry) in manifest.iter().filter(|(_, entry)| !entry.kept) {
        text.extend(format!("{} {:o} {} ", word(entry.kind), entry.mode, entry.hash).into_bytes());
        text.extend_from_slice(name);
        text.push(0);
    }
    text
}

fn read_left(text: &[u8], manifest: &mut Manifest) {
    for line in fields(text) {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let mut next = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        let (Some(kind), Some(mode), Some(hash)) = (next().and_then(kind), next(), next()) else { continue };
        let (Ok(mode), Some(name)) = (u32::from_str_radix(mode, 8), parts.next()) else { continue };
        manifest.insert(name.to_vec(), Entry { kind, mode, hash: hash.to_owned(), kept: false });
    }
}

/// Lets go of what no run of ours refers to any more.
pub(super) fn prune(own: &Path) -> Result<(), String> {
    Git::at(own).with("GIT_DIR", OsString::from(own)).run(&["prune", "--expire=now"]).map(drop)
}
