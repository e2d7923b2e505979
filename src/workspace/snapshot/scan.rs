//! The project's files as they are now. Reads again only what may have been written since it was last read; follows no
//! link, neither as a file nor on the way to one.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::seen::{Known, Seen, Stamp};
use super::{Entry, Held, Keeper, Kind, LARGEST, Listed, Manifest, Name};
use crate::workspace::git::path;

/// Clocks of file systems are coarse: what was written more recently may be written again under the same times.
const SETTLED: i64 = 2_000_000_000;

pub(super) struct Scanned {
    pub manifest: Manifest,
    pub stamps: BTreeMap<Name, Stamp>,
    /// Contents that were here when last seen, are not any more, and are only held elsewhere.
    pub leaving: Vec<String>,
    /// Something was learnt that is worth keeping.
    pub news: bool,
}

/// A file that must be read.
struct Unread {
    name: Name,
    kind: Kind,
    stamp: Stamp,
}

pub(super) fn scan(
    root: &Path,
    keeper: &dyn Keeper,
    seen: &mut Seen,
    store: bool,
) -> Result<Scanned, String> {
    let listed = keeper.list()?;
    let (most, _) = keeper.bounds();
    if listed.len() > most {
        return Err(format!(
            "the project holds {} files, and snapshots are taken of at most {most}",
            listed.len()
        ));
    }
    let began = now();
    let mut found =
        Scanned { manifest: Manifest::new(), stamps: BTreeMap::new(), leaving: Vec::new(), news: false };
    let unread = look(root, listed, seen, store, &mut found);
    within(&unread, keeper.bounds().1)?;
    let asked: Vec<(Name, Kind)> = unread.iter().map(|file| (file.name.clone(), file.kind)).collect();
    let hashes = if asked.is_empty() { Vec::new() } else { keeper.hashes(&asked, store)? };
    for (file, hash) in unread.into_iter().zip(hashes) {
        if hash.is_none() && fs::symlink_metadata(root.join(path(&file.name))).is_err() {
            continue; // it was removed meanwhile
        }
        let kept = hash.is_some();
        let (hash, held) = hash.unwrap_or_else(|| (file.stamp.word(), Held::No));
        let settled = kept && file.stamp.changed < began - SETTLED;
        let known = Known { stamp: file.stamp, hash, kept, held, settled };
        found.add(file.name, file.kind, known, seen);
    }
    found.depart(seen);
    Ok(found)
}

/// Sorts what is known from what must be read.
fn look(root: &Path, listed: Vec<Listed>, seen: &mut Seen, store: bool, found: &mut Scanned) -> Vec<Unread> {
    let mut folders = Folders { root, plain: HashMap::new() };
    let mut unread = Vec::new();
    for Listed { name, module } in listed {
        if let Some(hash) = module {
            found.manifest.insert(name, Entry { kind: Kind::Module, mode: 0, hash, kept: true });
            continue;
        }
        let full = path(&name);
        if !folders.plain(full.parent().unwrap_or(Path::new(""))) {
            continue;
        }
        let Ok(meta) = fs::symlink_metadata(root.join(&full)) else { continue };
        let kind = match meta.file_type() {
            kind if kind.is_file() => Kind::File,
            kind if kind.is_symlink() => Kind::Link,
            _ => continue,
        };
        let stamp = Stamp::of(&meta);
        let known = seen.files.get(&name).filter(|known| known.settled && known.stamp == stamp);
        match known.filter(|known| !store || known.held != Held::No).cloned() {
            Some(known) => found.put(name, kind, &known),
            None if kind == Kind::File && stamp.size > LARGEST => {
                let known = Known { stamp, hash: stamp.word(), kept: false, held: Held::No, settled: false };
                found.add(name, kind, known, seen);
            }
            None => unread.push(Unread { name, kind, stamp }),
        }
    }
    unread
}

fn within(unread: &[Unread], most: u64) -> Result<(), String> {
    let bytes: u64 = unread.iter().map(|file| file.stamp.size).sum();
    match bytes > most {
        true => Err(format!(
            "{bytes} bytes of the project's files would have to be read, and a snapshot takes in at most {most}: \
             have git ignore what is no source"
        )),
        false => Ok(()),
    }
}

impl Scanned {
    fn put(&mut self, name: Name, kind: Kind, known: &Known) {
        let mode = if kind == Kind::File { known.stamp.mode & 0o7777 } else { 0 };
        let entry = Entry { kind, mode, hash: known.hash.clone(), kept: known.kept };
        self.stamps.insert(name.clone(), known.stamp);
        self.manifest.insert(name, entry);
    }

    fn add(&mut self, name: Name, kind: Kind, mut known: Known, seen: &mut Seen) {
        self.put(name.clone(), kind, &known);
        self.news = true;
        let before = seen.files.get(&name);
        if let Some(before) = before {
            if before.hash != known.hash && before.held == Held::Elsewhere {
                self.leaving.push(before.hash.clone());
            } else if before.hash == known.hash && known.held == Held::No {
                known.held = before.held;
            }
        }
        seen.files.insert(name, known);
    }

    /// Files that are gone.
    fn depart(&mut self, seen: &mut Seen) {
        let Scanned { manifest, leaving, news, .. } = self;
        seen.files.retain(|name, known| {
            let stays = manifest.contains_key(name);
            *news |= !stays;
            if !stays && known.held == Held::Elsewhere {
                leaving.push(known.hash.clone());
            }
            stays
        });
    }
}

/// Whether a folder is reached without a link, each asked once.
struct Folders<'a> {
    root: &'a Path,
    plain: HashMap<PathBuf, bool>,
}

impl Folders<'_> {
    fn plain(&mut self, folder: &Path) -> bool {
        if let Some(plain) = self.plain.get(folder) {
            return *plain;
        }
        // From the top down: below a link nothing counts, whatever it is.
        let parts: Vec<&Path> = folder.ancestors().filter(|part| !part.as_os_str().is_empty()).collect();
        let mut plain = true;
        for part in parts.into_iter().rev() {
            plain = plain
                && match self.plain.get(part) {
                    Some(known) => *known,
                    None => fs::symlink_metadata(self.root.join(part)).is_ok_and(|meta| meta.is_dir()),
                };
            self.plain.insert(part.to_owned(), plain);
        }
        self.plain.insert(folder.to_owned(), plain);
        plain
    }
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
