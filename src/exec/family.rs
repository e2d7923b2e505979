//! Who belongs to whom, when processes leave their parents. With `adopting`, orphans of stages become children of this
//! program (the kernel's child subreaper) instead of init's: they are reaped, and those of an attempt that was cut off
//! are found even if they started a session of their own and emptied their environment.
//!
//! Whose such an orphan was is not recorded anywhere. It is taken to be of a cut attempt if it started after that one
//! and all attempts that ran beside it were cut too; else it is left alone.

use std::collections::BTreeSet;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock};

use rustix::process::{Pid, WaitOptions, getpgrp, getpid, set_child_subreaper, waitpid};

use super::{fence, tree};

/// Reaped at every so many ends of attempts.
const EVERY: u32 = 64;

#[derive(Debug, Default)]
pub(super) struct Family {
    adopting: bool,
    /// Held for reading from a start to its entry in `leaders`, so that whoever reaps never meets an unknown child.
    starting: RwLock<()>,
    known: Mutex<Known>,
    ended: AtomicU32,
}

#[derive(Debug, Default)]
struct Known {
    /// Processes that wfl started and reaps itself.
    leaders: BTreeSet<i32>,
    /// The earliest birth among attempts cut off since one ended by itself.
    cut: Option<u64>,
}

impl Family {
    /// From here on orphans come to this program. Where the kernel refuses, they go to init as ever.
    pub(super) fn adopting() -> Self {
        Family { adopting: set_child_subreaper(Some(getpid())).is_ok(), ..Family::default() }
    }

    /// Starts a child by `spawn`, known from its first moment.
    pub(super) fn start<T>(
        &self,
        spawn: impl FnOnce() -> io::Result<T>,
        pid: impl FnOnce(&T) -> i32,
    ) -> io::Result<T> {
        if !self.adopting {
            return spawn();
        }
        let _starting = self.starting.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        let child = spawn()?;
        self.known().leaders.insert(pid(&child));
        Ok(child)
    }

    /// The child was reaped; `cut` is when it was born if it was cut off.
    pub(super) fn ended(&self, pid: i32, cut: Option<u64>) {
        if !self.adopting {
            return;
        }
        let cut = {
            let mut known = self.known();
            known.leaders.remove(&pid);
            known.cut = cut.map(|born| known.cut.map_or(born, |before| before.min(born)));
            if known.leaders.is_empty() { known.cut.take() } else { None }
        };
        if let Some(born) = cut {
            self.kill_orphans(born);
        }
        if cut.is_some() || self.ended.fetch_add(1, Ordering::Relaxed) % EVERY == EVERY - 1 {
            self.reap();
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Children that this program did not start: they are in no group of its own and lead none it knows.
    fn orphans(&self) -> Vec<(i32, tree::Stat)> {
        let own = Pid::as_raw(Some(getpgrp()));
        let known = self.known();
        let children = tree::children(Pid::as_raw(Some(getpid()))).into_iter();
        children
            .filter(|pid| !known.leaders.contains(pid))
            .filter_map(|pid| Some((pid, tree::stat(pid)?)))
            .filter(|(_, stat)| stat.group != own)
            .collect()
    }

    /// Those without a marker, and all below them: a marker says whose they are, and the fence has seen to them.
    fn kill_orphans(&self, born: u64) {
        let _nobody_starts = self.starting.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        // What one leaves behind as it dies is an orphan in its turn.
        for _ in 0..fence::ROUNDS {
            let theirs = |(pid, stat): &(i32, tree::Stat)| {
                stat.born >= born && stat.state != 'Z' && !fence::is_marked(*pid)
            };
            let roots: Vec<(i32, tree::Stat)> = self.orphans().into_iter().filter(theirs).collect();
            if roots.is_empty() {
                return;
            }
            let root = |(pid, stat): &(i32, tree::Stat)| tree::Member { pid: *pid, born: stat.born };
            let below = roots.iter().flat_map(|(pid, _)| tree::descendants(*pid));
            tree::kill(&below.chain(roots.iter().map(root)).collect::<Vec<_>>());
        }
    }

    fn reap(&self) {
        let _nobody_starts = self.starting.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        for (pid, _) in self.orphans().into_iter().filter(|(_, stat)| stat.state == 'Z') {
            let _ = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG);
        }
    }
}
