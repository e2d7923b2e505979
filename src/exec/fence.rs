//! Finds processes by the markers in their environment, wherever in the process tree they went, and kills them.
//! Knows nothing of why.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::tree::gone;

/// More rounds than a process that forks as it is hunted can win.
pub(super) const ROUNDS: usize = 50;

/// Whose processes: of a whole run, or of one attempt (stage key and number).
#[derive(Clone, Copy, Debug)]
pub(super) struct Marker<'a> {
    pub(super) run: &'a str,
    pub(super) attempt: Option<(&'a str, u32)>,
}

impl Marker<'_> {
    /// The environment entries that such a process has.
    fn entries(&self) -> Vec<Vec<u8>> {
        let mut entries = vec![format!("WFL_RUN={}", self.run)];
        if let Some((stage, attempt)) = self.attempt {
            entries.push(format!("WFL_STAGE={stage}"));
            entries.push(format!("WFL_ATTEMPT={attempt}"));
        }
        entries.into_iter().map(String::into_bytes).collect()
    }
}

/// Kills them all, and what they start meanwhile; how many it were.
pub(super) fn kill(marker: &Marker<'_>) -> usize {
    let entries = marker.entries();
    let mut killed = BTreeSet::new();
    for _ in 0..ROUNDS {
        let found: Vec<(i32, OwnedFd)> = pids().filter_map(|pid| marked(pid, &entries)).collect();
        if found.is_empty() {
            break;
        }
        for (pid, process) in &found {
            if pidfd_send_signal(process, Signal::KILL).is_ok() {
                killed.insert(*pid);
            }
        }
        found.iter().for_each(|(_, process)| gone(process));
    }
    killed.len()
}

/// Whether some run's marker stands in its environment.
pub(super) fn is_marked(pid: i32) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|all| all.split(|byte| *byte == 0).any(|one| one.starts_with(b"WFL_RUN=")))
}

/// A process that some run started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    pub pid: i32,
    pub run: String,
    /// As the kernel names it.
    pub name: String,
}

/// Every process that carries the marker of a run, this one and those above it not among them.
pub fn left() -> Vec<Left> {
    let above = super::tree::above(std::process::id() as i32);
    let left = |pid: i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let run = environment.split(|byte| *byte == 0).find_map(|one| one.strip_prefix(b"WFL_RUN="))?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
        Some(Left { pid, run: String::from_utf8_lossy(run).into_owned(), name: name.trim().to_owned() })
    };
    pids().filter(|pid| !above.contains(pid)).filter_map(left).collect()
}

/// Ends every process that the run left behind; how many it were.
pub fn end(run: &str) -> usize {
    kill(&Marker { run, attempt: None })
}

fn pids() -> impl Iterator<Item = i32> {
    let own = std::process::id() as i32;
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(move |pid| *pid != own)
}

/// A descriptor of the process if it is marked. The environment is read again once the descriptor is held: the number
/// may have gone to another process in between.
fn marked(pid: i32, entries: &[Vec<u8>]) -> Option<(i32, OwnedFd)> {
    has(pid, entries).then_some(())?;
    let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
    has(pid, entries).then_some((pid, process))
}

fn has(pid: i32, entries: &[Vec<u8>]) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
        return false;
    };
    entries.iter().all(|entry| environment.split(|byte| *byte == 0).any(|one| one == entry.as_slice()))
}
