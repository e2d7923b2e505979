//! A disk that keeps what was synced and of the rest what chance will have: from the shim's record of calls to the files
//! as a power cut would leave them. Stricter than the file systems in use: a new name is only there once its folder was
//! synced, and writes since the last sync are kept or lost each for itself, also half.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::RngExt;
use rand::rngs::StdRng;

use super::shim::Op;

const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, data: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Name {
    /// The number of the file, none for a folder.
    Made(PathBuf, Option<usize>),
    Gone(PathBuf),
    Moved(PathBuf, PathBuf),
    /// A second name of a file.
    Linked(PathBuf, PathBuf),
}

#[derive(Clone, Debug, Default)]
struct File {
    kept: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: Vec<File>,
    names: BTreeMap<PathBuf, Option<usize>>,
    kept_names: BTreeMap<PathBuf, Option<usize>>,
    pending_names: Vec<Name>,
}

impl Disk {
    /// Everything that the calls did. Without `syncs`, those are passed over: the disk never heard of them.
    pub fn after(ops: &[Op], syncs: bool) -> Disk {
        let mut disk = Disk::default();
        for op in ops {
            disk.apply(op, syncs);
        }
        disk
    }

    fn apply(&mut self, op: &Op, syncs: bool) {
        let path = op.path.clone();
        match op.kind.as_str() {
            "create" => {
                self.files.push(File::default());
                self.named(Name::Made(path, Some(self.files.len() - 1)));
            }
            "mkdir" => self.named(Name::Made(path, None)),
            "unlink" => self.named(Name::Gone(path)),
            "rename" => {
                let to = PathBuf::from(String::from_utf8_lossy(&op.data).into_owned());
                self.named(Name::Moved(path, to));
            }
            "link" => {
                let to = PathBuf::from(String::from_utf8_lossy(&op.data).into_owned());
                self.named(Name::Linked(path, to));
            }
            "write" => self.change(&path, Change::Write { at: op.number as usize, data: op.data.clone() }),
            "truncate" => self.change(&path, Change::Length(op.number as usize)),
            "sync" if syncs => self.sync(&path),
            _ => {}
        }
    }

    fn named(&mut self, name: Name) {
        apply_name(&mut self.names, &name);
        self.pending_names.push(name);
    }

    fn change(&mut self, path: &Path, change: Change) {
        if let Some(file) = self.names.get(path).copied().flatten() {
            self.files[file].pending.push(change);
        }
    }

    fn sync(&mut self, path: &Path) {
        if let Some(file) = self.names.get(path).copied().flatten() {
            let file = &mut self.files[file];
            for change in std::mem::take(&mut file.pending) {
                apply_change(&mut file.kept, &change, usize::MAX);
            }
            return;
        }
        let inside = |name: &Name| name.folder() == Some(path);
        let (synced, rest) = std::mem::take(&mut self.pending_names).into_iter().partition(inside);
        self.pending_names = rest;
        let synced: Vec<Name> = synced;
        synced.iter().for_each(|name| apply_name(&mut self.kept_names, name));
    }

    /// The power goes: writes below `target` what is left of the files below `folder`.
    pub fn cut(&self, draw: &mut StdRng, folder: &Path, target: &Path) {
        // None, all, or any of what was not synced.
        let luck = [0.0, 0.5, 0.9, 1.0][draw.random_range(0..4)];
        let mut names = self.kept_names.clone();
        let made = self.pending_names.iter().take_while(|_| draw.random_bool(luck));
        made.for_each(|name| apply_name(&mut names, name));
        for (path, file) in &names {
            let whole = path.ancestors().skip(1).take_while(|above| *above != folder);
            if !whole.into_iter().all(|above| names.contains_key(above)) {
                continue;
            }
            let Ok(below) = path.strip_prefix(folder) else { continue };
            let to = target.join(below);
            match file {
                None => fs::create_dir_all(to).expect("a folder"),
                Some(file) => {
                    fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
                    fs::write(to, self.files[*file].left(draw, luck)).expect("a file");
                }
            }
        }
    }
}

impl File {
    fn left(&self, draw: &mut StdRng, luck: f64) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        for change in &self.pending {
            if draw.random_bool(luck) {
                apply_change(&mut bytes, change, usize::MAX);
            } else if draw.random_bool(luck / 2.0) {
                apply_change(&mut bytes, change, draw.random_range(0..9) * SECTOR);
            }
        }
        bytes
    }
}

impl Name {
    fn folder(&self) -> Option<&Path> {
        match self {
            Name::Made(path, _) | Name::Gone(path) | Name::Moved(path, _) | Name::Linked(_, path) => {
                path.parent()
            }
        }
    }
}

fn apply_name(names: &mut BTreeMap<PathBuf, Option<usize>>, name: &Name) {
    match name {
        Name::Made(path, file) => {
            names.insert(path.clone(), *file);
        }
        Name::Gone(path) => {
            names.remove(path);
        }
        Name::Moved(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Name::Linked(from, to) => {
            if let Some(file) = names.get(from).copied() {
                names.insert(to.clone(), file);
            }
        }
    }
}

/// At most `part` bytes of a write.
fn apply_change(bytes: &mut Vec<u8>, change: &Change, part: usize) {
    match change {
        Change::Length(length) => bytes.resize(*length, 0),
        Change::Write { at, data } => {
            let data = &data[..data.len().min(part)];
            bytes.resize(bytes.len().max(at + data.len()), 0);
            bytes[*at..at + data.len()].copy_from_slice(data);
        }
    }
}
