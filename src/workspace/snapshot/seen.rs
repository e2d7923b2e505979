//! What was known of each file when it was last looked at, so that what was not written since is not read again. Kept
//! beside the snapshots; damaged or gone, everything is read again and nothing is lost.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{Entry, Held, Kind, Manifest, Name, write_whole};

const HEAD: &str = "wfl-seen-1";

/// All that says "not written since".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    number: u64,
    pub size: u64,
    modified: i64,
    pub changed: i64,
    pub mode: u32,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Stamp {
        let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
        Stamp {
            device: meta.dev(),
            number: meta.ino(),
            size: meta.size(),
            modified: nanos(meta.mtime(), meta.mtime_nsec()),
            changed: nanos(meta.ctime(), meta.ctime_nsec()),
            mode: meta.mode(),
        }
    }

    /// The same file with the same content: a change of its name alone moves its time of change.
    pub fn same_content(&self, other: &Stamp) -> bool {
        Stamp { changed: 0, ..*self } == Stamp { changed: 0, ..*other }
    }

    /// What stands for the content of a file that was not read.
    pub fn word(&self) -> String {
        format!("{}-{}", self.size, self.modified)
    }
}

#[derive(Clone, Debug)]
pub(super) struct Known {
    pub stamp: Stamp,
    pub hash: String,
    pub kept: bool,
    pub held: Held,
    /// Long enough unchanged when it was read that no later write can have the same times.
    pub settled: bool,
}

#[derive(Debug, Default)]
pub(super) struct Seen {
    pub files: HashMap<Name, Known>,
    /// The newest snapshot and what it holds.
    pub last: Option<(String, Manifest)>,
}

impl Seen {
    pub fn load(path: &Path) -> Seen {
        fs::read(path).ok().and_then(|text| read(&text)).unwrap_or_default()
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        let Some((id, manifest)) = &self.last else { return Ok(()) };
        let mut text = format!("{HEAD} {id}\0").into_bytes();
        for (name, entry) in manifest {
            let known = self.files.get(name);
            let stamp = known.map(|known| known.stamp);
            let stamp =
                stamp.unwrap_or(Stamp { device: 0, number: 0, size: 0, modified: 0, changed: 0, mode: 0 });
            let Stamp { device, number, size, modified, changed, mode } = stamp;
            let held = match known.map_or(Held::No, |known| known.held) {
                Held::No => 'n',
                Held::Elsewhere => 'e',
                Held::Ours => 'o',
            };
            let settled = u8::from(known.is_some_and(|known| known.settled));
            let kind = word(entry.kind);
            let line = format!(
                "{kind} {} {} {} {held} {settled} {device} {number} {size} {modified} {changed} {mode} ",
                entry.mode,
                entry.hash,
                u8::from(entry.kept)
            );
            text.extend_from_slice(line.as_bytes());
            text.extend_from_slice(name);
            text.push(0);
        }
        text.extend_from_slice(b"end\0");
        write_whole(path, &text)
    }
}

pub(super) fn word(kind: Kind) -> char {
    match kind {
        Kind::File => 'f',
        Kind::Link => 'l',
        Kind::Module => 'm',
    }
}

pub(super) fn kind(word: &str) -> Option<Kind> {
    Some(match word {
        "f" => Kind::File,
        "l" => Kind::Link,
        "m" => Kind::Module,
        _ => return None,
    })
}

fn read(text: &[u8]) -> Option<Seen> {
    let text = text.strip_suffix(b"end\0")?;
    let mut lines = text.split(|byte| *byte == 0).filter(|line| !line.is_empty());
    let head = std::str::from_utf8(lines.next()?).ok()?;
    let id = head.strip_prefix(HEAD)?.trim().to_owned();
    let (mut files, mut manifest) = (HashMap::new(), Manifest::new());
    for line in lines {
        let (name, entry, known) = record(line)?;
        if entry.kind != Kind::Module {
            files.insert(name.clone(), known);
        }
        manifest.insert(name, entry);
    }
    Some(Seen { files, last: Some((id, manifest)) })
}

fn record(line: &[u8]) -> Option<(Name, Entry, Known)> {
    let mut parts = line.splitn(13, |byte| *byte == b' ');
    let mut next = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let kind = kind(next()?)?;
    let mode = next()?.parse().ok()?;
    let hash = next()?.to_owned();
    let kept = next()? == "1";
    let held = match next()? {
        "e" => Held::Elsewhere,
        "o" => Held::Ours,
        _ => Held::No,
    };
    let settled = next()? == "1";
    let stamp = Stamp {
        device: next()?.parse().ok()?,
        number: next()?.parse().ok()?,
        size: next()?.parse().ok()?,
        modified: next()?.parse().ok()?,
        changed: next()?.parse().ok()?,
        mode: next()?.parse().ok()?,
    };
    let name = parts.next()?.to_vec();
    let entry = Entry { kind, mode, hash: hash.clone(), kept };
    Some((name, entry, Known { stamp, hash, kept, held, settled }))
}
