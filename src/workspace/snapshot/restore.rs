//! Carries out what comparing found, each file by a step that is whole or not at all. Killed at any point and asked
//! again, it ends the same; what it meets that it did not expect is kept beside. Decides nothing itself.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use super::compare::{Act, Sides, Step, made_by_run, names, shown};
use super::place::{Met, Spot, beside, root, spot};
use super::scan::Scanned;
use super::{Kind, Name, ProjectSnapshots, Reader};
use crate::port::{Restored, Restoring};
use crate::workspace::git::path;

/// So many names beside are tried.
const TRIES: u32 = 1000;

struct Work<'a> {
    snapshots: &'a ProjectSnapshots,
    root: OwnedFd,
    now: &'a Scanned,
    reader: Box<dyn Reader>,
    /// Folders whose entries changed.
    changed: BTreeSet<Name>,
}

pub(super) fn restore(
    snapshots: &ProjectSnapshots,
    steps: &[Step],
    now: &Scanned,
) -> Result<Vec<Restored>, String> {
    let failed = |e: io::Error| format!("{} cannot be read: {e}", snapshots.root.display());
    let root = root(&snapshots.root).map_err(failed)?;
    let reader = snapshots.keeper.reader()?;
    let mut work = Work { snapshots, root, now, reader, changed: BTreeSet::new() };
    let mut told = Vec::new();
    // What goes makes room first, the deepest before the folders they lie in.
    let (go, come): (Vec<&Step>, Vec<&Step>) = steps.iter().partition(|step| step.target.is_none());
    for step in go.into_iter().rev() {
        told.push(work.step(step)?);
        work.drop_empty(step, steps);
    }
    for step in come {
        told.push(work.step(step)?);
    }
    work.sync();
    told.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(told)
}

impl Work<'_> {
    fn run(&self) -> &str {
        &self.snapshots.run
    }

    /// A point at which the program may be killed.
    fn tick(&self) -> Result<(), Stop> {
        #[cfg(test)]
        if self.snapshots.fuel.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) <= 0 {
            return Err(Stop::Killed);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<Restored, String> {
        let done = match &step.act {
            Act::Leave | Act::Refuse(_) => Ok(None),
            Act::Mode => self.mode(step).map(|()| None),
            Act::Put | Act::Aside => self.put(step),
        };
        let told = step.told(self.run());
        match done {
            Ok(None) => Ok(told),
            Ok(Some(name)) => Ok(Restored { what: Restoring::Beside(shown(&name)), ..told }),
            Err(Stop::Failed(e)) => Ok(Restored { what: Restoring::Failed(words(&e)), ..told }),
            #[cfg(test)]
            Err(Stop::Killed) => Err("killed".into()),
        }
    }

    fn mode(&mut self, step: &Step) -> Result<(), Stop> {
        self.tick()?;
        let spot = spot(&self.root, &step.name, false)?;
        if !spot.is(&spot.name, self.now.stamps.get(&step.name)) {
            return Err(io::Error::other("it was written to meanwhile").into());
        }
        let mode = step.target.as_ref().map_or(0o644, |target| target.mode);
        Ok(spot.set_mode(&spot.name, mode)?)
    }

    /// Makes the file the target; the name under which what was there is kept, if it is.
    fn put(&mut self, step: &Step) -> Result<Option<Name>, Stop> {
        let place = spot(&self.root, &step.name, step.target.is_some())?;
        if place.is_folder() && !place.remove_folder() {
            return Err(io::Error::other("a folder that is not empty is in its place").into());
        }
        let swap = place.swap_name(self.run());
        self.changed.insert(folder(&step.name).to_vec());
        let expected = self.now.stamps.get(&step.name).filter(|_| step.act == Act::Put);
        let met = match &step.target {
            Some(_) => {
                self.prepare(step, &place, &swap)?;
                self.tick()?;
                place.exchange(self.run(), expected)?
            }
            None => {
                self.tick()?;
                match place.rename(&place.name, &swap) {
                    Ok(()) if place.is(&swap, expected) => Met::Expected,
                    Ok(()) => Met::Other,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => Met::Nothing,
                    Err(e) => return Err(e.into()),
                }
            }
        };
        self.tick()?;
        match met {
            Met::Nothing => Ok(None),
            Met::Expected => Ok(place.remove(&swap).map(|()| None)?),
            Met::Other => Ok(Some(keep_beside(&place, &swap, &step.name, self.run())?)),
        }
    }

    /// The target's content, complete and on the disk, under the name it changes places from.
    fn prepare(&mut self, step: &Step, place: &Spot, swap: &[u8]) -> Result<(), Stop> {
        let Some(target) = &step.target else { return Ok(()) };
        let new = place.new_name(self.run());
        place.remove(&new)?;
        self.tick()?;
        if target.kind == Kind::Link {
            let mut to = Vec::new();
            self.copy(&target.hash, &mut to)?;
            place.link_to(&to, &new)?;
        } else {
            let mut file = place.create(&new)?;
            let copied = self.copy(&target.hash, &mut file).and_then(|()| place.set_mode(&new, target.mode));
            if let Err(e) = copied.and_then(|()| file.sync_all()) {
                let _ = place.remove(&new);
                return Err(e.into());
            }
        }
        self.tick()?;
        Ok(place.rename(&new, swap)?)
    }

    fn copy(&mut self, hash: &str, to: &mut dyn io::Write) -> io::Result<()> {
        match self.reader.copy(hash, to)? {
            true => Ok(()),
            false => Err(io::Error::other("its earlier content is gone")),
        }
    }

    /// Folders that hold nothing any more go with their last file, unless files come back into them.
    fn drop_empty(&mut self, step: &Step, steps: &[Step]) {
        let mut name = folder(&step.name);
        while !name.is_empty() {
            let below = [name, b"/"].concat();
            let comes = |step: &Step| step.target.is_some() && step.name.starts_with(&below);
            let Ok(place) = spot(&self.root, name, false) else { return };
            if steps.iter().any(comes) || !place.remove_folder() {
                return;
            }
            self.changed.remove(name);
            name = folder(name);
            self.changed.insert(name.to_vec());
        }
    }

    /// What was renamed reaches the disk before it is said to be done.
    fn sync(&self) {
        for name in &self.changed {
            let within = if name.is_empty() { b"x".to_vec() } else { [&name[..], b"/x"].concat() };
            // A folder that is gone has nothing to lose.
            let _ = spot(&self.root, &within, false).and_then(|place| place.sync());
        }
    }
}

/// What a restoring that was killed left half-done: what it took out goes if the run made it, else it is kept beside.
pub(super) fn tidy(snapshots: &ProjectSnapshots, sides: &Sides<'_>) -> Result<Vec<Restored>, String> {
    let failed = |e: io::Error| format!("{} cannot be tidied: {e}", snapshots.root.display());
    let root = root(&snapshots.root).map_err(failed)?;
    let mut told = Vec::new();
    for name in names(sides) {
        let Ok(place) = spot(&root, name, false) else { continue };
        let run = &snapshots.run;
        let (swap, out) = (place.swap_name(run), place.out_name(run));
        place.remove(&place.new_name(run)).map_err(failed)?;
        if place.stamp(&out).is_some() {
            // It had only this name for a moment.
            place.rename_free(&out, &place.name).map_err(failed)?;
        }
        for leftover in [swap, out] {
            if place.stamp(&leftover).is_none() {
                continue;
            }
            let full = [folder_slash(name), &leftover[..]].concat();
            if is_made(snapshots, sides, name, &full)? {
                place.remove(&leftover).map_err(failed)?;
                continue;
            }
            let kept = keep_beside(&place, &leftover, name, run).map_err(failed)?;
            told.push(Restored { path: shown(name), what: Restoring::Beside(shown(&kept)) });
        }
    }
    Ok(told)
}

/// Whether the run left a leftover's content, so that its snapshots have it.
fn is_made(
    snapshots: &ProjectSnapshots,
    sides: &Sides<'_>,
    name: &Name,
    full: &[u8],
) -> Result<bool, String> {
    let meta = std::fs::symlink_metadata(snapshots.root.join(path(full)));
    let kind = match meta {
        Ok(meta) if meta.is_symlink() => Kind::Link,
        Ok(meta) if meta.is_file() => Kind::File,
        _ => return Ok(false),
    };
    let hashes = snapshots.keeper.hashes(&[(full.to_vec(), kind)], false)?;
    let Some(Some((hash, _))) = hashes.into_iter().next() else { return Ok(false) };
    Ok(made_by_run(sides, name).iter().any(|entry| entry.kind == kind && entry.hash == hash))
}

/// Gives what lies under `from` the first free name beside the file.
fn keep_beside(place: &Spot, from: &[u8], whole: &[u8], run: &str) -> io::Result<Name> {
    for number in 0..TRIES {
        let name = beside(whole, run, number);
        if place.rename_free(from, &name[folder_slash(whole).len()..])? {
            return Ok(name);
        }
    }
    Err(io::Error::other("no name beside it is free"))
}

/// The folder a name lies in; empty for the root.
fn folder(name: &[u8]) -> &[u8] {
    name.iter().rposition(|byte| *byte == b'/').map_or(b"", |at| &name[..at])
}

/// The same with the slash, if there is one.
fn folder_slash(name: &[u8]) -> &[u8] {
    name.iter().rposition(|byte| *byte == b'/').map_or(b"", |at| &name[..=at])
}

/// A system's error without its number.
fn words(e: &io::Error) -> String {
    let text = e.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

enum Stop {
    Failed(io::Error),
    #[cfg(test)]
    Killed,
}

impl From<io::Error> for Stop {
    fn from(e: io::Error) -> Self {
        Stop::Failed(e)
    }
}
