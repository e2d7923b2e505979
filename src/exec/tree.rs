//! A process and its descendants as `/proc` shows them: who they are, how much memory they hold, ending them one by one.
//! Finds them by ancestry, so a new session or an empty environment hides nobody whose parents live. Knows no attempt.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// More than this is not walked: something forks without end, and its group is killed anyway.
const LARGEST: usize = 10_000;

/// A process that cannot be taken for a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Member {
    pub(super) pid: i32,
    /// When it started, in the kernel's ticks.
    pub(super) born: u64,
}

/// What `/proc/PID/stat` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) state: char,
    pub(super) group: i32,
    /// It has a controlling terminal.
    pub(super) terminal: bool,
    pub(super) born: u64,
}

pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The name may hold brackets and blanks: what follows the last bracket counts.
fn parse(text: &str) -> Option<Stat> {
    let mut words = text.rsplit_once(')')?.1.split_whitespace();
    let state = words.next()?.chars().next()?;
    let group = words.nth(1)?.parse().ok()?;
    let terminal = words.nth(1)? != "0";
    let born = words.nth(14)?.parse().ok()?;
    Some(Stat { state, group, terminal, born })
}

/// Its children, of all its threads.
pub(super) fn children(pid: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// Its parent, the parent of that, and so on.
pub(super) fn above(pid: i32) -> BTreeSet<i32> {
    let mut found = BTreeSet::new();
    let mut next = pid;
    while let Some(parent) = parent(next).filter(|parent| *parent > 0 && found.len() < LARGEST) {
        if !found.insert(parent) {
            break;
        }
        next = parent;
    }
    found
}

fn parent(pid: i32) -> Option<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// All below `pid`, itself not among them.
pub(super) fn descendants(pid: i32) -> Vec<Member> {
    let (mut open, mut seen) = (children(pid), BTreeSet::new());
    let mut found = Vec::new();
    while let Some(next) = open.pop().filter(|_| found.len() < LARGEST) {
        if !seen.insert(next) {
            continue;
        }
        if let Some(stat) = stat(next) {
            found.push(Member { pid: next, born: stat.born });
            open.extend(children(next));
        }
    }
    found
}

/// Memory of a tree at one moment, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// The peak of the largest process.
    pub(super) largest: u64,
    /// What all hold now; pages they share count for each.
    pub(super) together: u64,
}

pub(super) fn memory(pid: i32) -> Memory {
    let all = descendants(pid).into_iter().map(|member| member.pid).chain([pid]);
    all.filter_map(held).fold(Memory::default(), |sum, (peak, now)| Memory {
        largest: sum.largest.max(peak),
        together: sum.together + now,
    })
}

/// Peak and present size of one process; a zombie has neither.
fn held(pid: i32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
    };
    Some((line("VmHWM:")?, line("VmRSS:")?))
}

/// Kills those that are still who they were; how many it were.
pub(super) fn kill(members: &[Member]) -> usize {
    let open: Vec<OwnedFd> = members.iter().filter_map(handle).collect();
    let killed = open.iter().filter(|process| pidfd_send_signal(process, Signal::KILL).is_ok()).count();
    open.iter().for_each(gone);
    killed
}

/// Its number is checked once the descriptor is held: it may have gone to another process in between.
fn handle(member: &Member) -> Option<OwnedFd> {
    let process = pidfd_open(Pid::from_raw(member.pid)?, PidfdFlags::empty()).ok()?;
    let same = stat(member.pid).is_some_and(|stat| stat.born == member.born && stat.state != 'Z');
    same.then_some(process)
}

/// Until it is gone, at most a tenth of a second: one in the kernel's hands may take longer.
pub(super) fn gone(process: &OwnedFd) {
    let mut fds = [PollFd::from_borrowed_fd(process.as_fd(), PollFlags::IN)];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 100_000_000 }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_hides_nothing() {
        let text = "7 (a) b ()) S 3 41 42 0 -1 4 1 2 3 4 5 6 7 8 9 10 1 0 98765 11 12";
        assert_eq!(parse(text), Some(Stat { state: 'S', group: 41, terminal: false, born: 98_765 }));
        assert_eq!(parse("7 (a"), None);
        let own = stat(std::process::id() as i32).unwrap();
        assert!(own.born > 0 && own.group > 0);
    }

    #[test]
    fn one_of_another_birth_is_left_alone() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let pid = child.id() as i32;
        let born = stat(pid).unwrap().born;
        assert!(descendants(std::process::id() as i32).contains(&Member { pid, born }));
        assert_eq!(kill(&[Member { pid, born: born + 1 }]), 0);
        assert_eq!(kill(&[Member { pid, born }]), 1);
        child.wait().unwrap();
        assert_eq!(kill(&[Member { pid, born }]), 0);
    }
}
