//! What restoring means, file by file: from what was before the run, what the run and others left since, and what is
//! there now. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Entry, Kind, Manifest, Name};
use crate::port::{Restored, Restoring};

/// The states that are compared.
pub(super) struct Sides<'a> {
    pub to: &'a Manifest,
    /// In order; true where what differs from the one before was not the run's doing.
    pub later: &'a [(bool, Arc<Manifest>)],
    pub now: &'a Manifest,
}

/// What is to be done with one file.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub name: Name,
    /// As it shall be.
    pub target: Option<Entry>,
    pub now: Option<Entry>,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Act {
    /// Makes it the target.
    Put,
    /// Gives it the target's mode.
    Mode,
    /// Makes it the target, and keeps what is there beside it.
    Aside,
    /// Somebody else's: stays.
    Leave,
    Refuse(String),
}

impl Step {
    /// As it is told before it is done.
    pub fn told(&self, run: &str) -> Restored {
        let what = match (&self.act, &self.target, &self.now) {
            (Act::Leave, ..) => Restoring::Left,
            (Act::Refuse(why), ..) => Restoring::Failed(why.clone()),
            (Act::Mode, ..) => Restoring::ModeChanged,
            (Act::Aside, ..) => Restoring::Beside(shown(&super::place::beside(&self.name, run, 0))),
            (Act::Put, None, _) => Restoring::Removed,
            (Act::Put, _, None) => Restoring::Added,
            (Act::Put, ..) => Restoring::Changed,
        };
        Restored { path: shown(&self.name), what }
    }
}

pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

/// What there is to do, by name.
pub(super) fn steps(sides: &Sides<'_>) -> Vec<Step> {
    let names = names(sides);
    let each = names.into_iter().filter_map(|name| {
        let history = History::of(sides, name);
        let now = sides.now.get(name);
        let act = history.act(now)?;
        let mut target = history.target.cloned();
        if let (Some(target), Some(left), Some(now)) = (&mut target, history.left, now)
            && target.mode == left.mode
            && target.kind == now.kind
            && act == Act::Put
        {
            // The run did not touch its mode: what it is now is somebody's wish.
            target.mode = now.mode;
        }
        Some(Step { name: name.clone(), target, now: now.cloned(), act })
    });
    each.collect()
}

/// What the run made of a file, and what it is to be again: contents that need not be kept beside it.
pub(super) fn made_by_run<'a>(sides: &Sides<'a>, name: &Name) -> Vec<&'a Entry> {
    let history = History::of(sides, name);
    let mut made: Vec<&Entry> = history.target.into_iter().collect();
    if history.mixed {
        return made;
    }
    let mut before = sides.to.get(name);
    for (by_others, manifest) in sides.later {
        let here = manifest.get(name);
        if here != before && !by_others {
            made.extend(here);
        }
        before = here;
    }
    made.retain(|entry| entry.kept);
    made
}

/// Every name that is not the same on all sides.
pub(super) fn names<'a>(sides: &Sides<'a>) -> BTreeSet<&'a Name> {
    let mut names = BTreeSet::new();
    let mut others: Vec<&Manifest> = vec![sides.now];
    let mut before: Option<&Arc<Manifest>> = None;
    for (_, manifest) in sides.later {
        // The same files have the same snapshot, and most stages change none.
        if before.is_none_or(|before| !Arc::ptr_eq(before, manifest)) {
            others.push(manifest);
        }
        before = Some(manifest);
    }
    for other in others {
        names.extend(
            other.iter().filter(|(name, entry)| sides.to.get(*name) != Some(*entry)).map(|(name, _)| name),
        );
        names.extend(sides.to.keys().filter(|name| !other.contains_key(*name)));
    }
    names
}

/// What became of one file.
struct History<'a> {
    /// What it was before the run first touched it.
    target: Option<&'a Entry>,
    /// What it was when last recorded.
    left: Option<&'a Entry>,
    touched: bool,
    /// Somebody else changed it after the run had.
    mixed: bool,
    /// It was not the run that changed it last.
    last_by_others: bool,
}

impl<'a> History<'a> {
    fn of(sides: &Sides<'a>, name: &Name) -> History<'a> {
        let first = sides.to.get(name);
        let mut history =
            History { target: first, left: first, touched: false, mixed: false, last_by_others: false };
        for (by_others, manifest) in sides.later {
            let here = manifest.get(name);
            if here == history.left {
                continue;
            }
            match (by_others, history.touched) {
                (true, true) => history.mixed = true,
                (true, false) => history.target = here,
                (false, _) => history.touched = true,
            }
            history.left = here;
            history.last_by_others = *by_others;
        }
        history
    }

    /// None where nothing is to be done and nothing to be said.
    fn act(&self, now: Option<&Entry>) -> Option<Act> {
        if now == self.target {
            return None;
        }
        let module = |entry: Option<&Entry>| entry.is_some_and(|entry| entry.kind == Kind::Module);
        if !self.touched
            || self.left == self.target
            || module(now)
            || module(self.target)
            || module(self.left)
        {
            return Some(Act::Leave);
        }
        let Some(now) = now else {
            // Deleted: by the run it comes back, by somebody else it stays away.
            let by_run = self.left.is_none() && !self.last_by_others;
            return Some(if by_run { self.put(None) } else { Act::Leave });
        };
        let same = |other: Option<&Entry>| {
            other.is_some_and(|other| {
                other.kind == now.kind && other.hash == now.hash && other.kept == now.kept
            })
        };
        if same(self.target) {
            let by_run = self.left.is_some_and(|left| left.mode == now.mode);
            return Some(if by_run { Act::Mode } else { Act::Leave });
        }
        let theirs = self.mixed || !same(self.left);
        Some(if theirs { self.aside() } else { self.put(Some(now)) })
    }

    fn put(&self, now: Option<&Entry>) -> Act {
        match self.target {
            Some(target) if !target.kept => refused(),
            // Nothing of it could be brought back later.
            _ if now.is_some_and(|now| !now.kept) => Act::Aside,
            _ => Act::Put,
        }
    }

    fn aside(&self) -> Act {
        if self.target.is_some_and(|target| !target.kept) { refused() } else { Act::Aside }
    }
}

fn refused() -> Act {
    Act::Refuse("what it was before could not be kept: too large, or not to be read".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(hash: &str, mode: u32) -> Entry {
        Entry { kind: Kind::File, mode, hash: hash.into(), kept: true }
    }

    fn manifest(content: &str) -> Manifest {
        // `-` is no file, `a` a file, `A` the same with another mode.
        let mode = if content.chars().all(char::is_uppercase) { 0o755 } else { 0o644 };
        match content {
            "-" => Manifest::new(),
            _ => [(b"f".to_vec(), entry(&content.to_lowercase(), mode))].into(),
        }
    }

    /// `to`, then the snapshots (`+` before those of others), then now.
    fn decided(words: &str) -> Option<Act> {
        let mut words: Vec<&str> = words.split(' ').collect();
        let now = manifest(words.pop().unwrap());
        let to = manifest(words.remove(0));
        let later: Vec<(bool, Arc<Manifest>)> = words
            .iter()
            .map(|word| (word.starts_with('+'), Arc::new(manifest(word.trim_start_matches('+')))))
            .collect();
        steps(&Sides { to: &to, later: &later, now: &now }).pop().map(|step| step.act)
    }

    #[test]
    fn what_only_the_run_did_is_taken_back() {
        for (words, act) in [
            ("a a a", None),
            ("a b b", Some(Act::Put)),
            ("- b b", Some(Act::Put)),
            ("a - -", Some(Act::Put)),
            ("a A A", Some(Act::Mode)),
            ("a b c c", Some(Act::Put)),
            ("a b a", None),
        ] {
            assert_eq!(decided(words), act, "{words}");
        }
    }

    #[test]
    fn what_others_did_stays_and_what_both_did_is_kept_beside() {
        for (words, act) in [
            ("a a x", Some(Act::Leave)),
            ("a a -", Some(Act::Leave)),
            ("- - x", Some(Act::Leave)),
            ("a b x", Some(Act::Aside)),
            ("- b x", Some(Act::Aside)),
            ("a b -", Some(Act::Leave)),
            ("a - x", Some(Act::Aside)),
            ("a b a b", Some(Act::Leave)),
            ("a b A", Some(Act::Leave)),
        ] {
            assert_eq!(decided(words), act, "{words}");
        }
    }

    #[test]
    fn an_edit_between_two_stages_is_somebody_elses() {
        for (words, act) in [
            // Nobody but a person touched it.
            ("a +x x", None),
            ("a +x x x", None),
            // The run came after: back to the person's, not to the older.
            ("a +x b b", Some(Act::Put)),
            ("a +x b x", None),
            // The run came before.
            ("a b +x x", Some(Act::Aside)),
            ("a b +- -", Some(Act::Leave)),
            ("a b +x c c", Some(Act::Aside)),
        ] {
            assert_eq!(decided(words), act, "{words}");
        }
        // Without the sign it would be taken for the run's and lost: the sign is what saves it.
        assert_eq!(decided("a x x"), Some(Act::Put));
    }
}
