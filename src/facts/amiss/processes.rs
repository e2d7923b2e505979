//! Processes as `/proc` shows them: whose run left them, what they have open, whether a git is at work. Ends only what
//! it found itself.

use std::collections::HashSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// Between asking a process to end and making it.
const GRACE: Duration = Duration::from_secs(2);
const GLANCE: Duration = Duration::from_millis(10);

/// A process that an ended run left.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) pid: i32,
    pub(super) name: String,
}

fn listed() -> Result<Vec<i32>, String> {
    let entries =
        fs::read_dir("/proc").map_err(|_| "processes cannot be listed on this system".to_string())?;
    Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
}

fn of(pid: i32, what: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{what}"))
}

fn name(pid: i32) -> String {
    fs::read_to_string(of(pid, "comm")).unwrap_or_default().trim_end().to_owned()
}

/// Parent and terminal, from what follows the name, which may hold anything.
fn parent(pid: i32) -> Option<(i32, bool)> {
    let text = fs::read_to_string(of(pid, "stat")).ok()?;
    let words: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some((words.get(1)?.parse().ok()?, *words.get(4)? != "0"))
}

/// Whether a git works in the project, or on it from elsewhere. One that hides where it works counts.
pub(super) fn git_works(root: &Path) -> Result<bool, String> {
    let root = root.as_os_str().as_bytes();
    let names =
        |what: &Path| fs::read(what).is_ok_and(|bytes| bytes.windows(root.len()).any(|part| part == root));
    let inside = |pid: i32| match fs::read_link(of(pid, "cwd")) {
        Ok(folder) => folder.as_os_str().as_bytes().starts_with(root),
        Err(error) => error.kind() == std::io::ErrorKind::PermissionDenied,
    };
    let works = |pid: &i32| {
        let name = name(*pid);
        let git = name == "git" || name.starts_with("git-");
        git && !is_dead(*pid) && (inside(*pid) || names(&of(*pid, "cmdline")) || git_dir(*pid, root))
    };
    Ok(listed()?.iter().any(works))
}

/// Whether its environment names a repository of the project.
fn git_dir(pid: i32, root: &[u8]) -> bool {
    let all = fs::read(of(pid, "environ")).unwrap_or_default();
    let mut named = all.split(|byte| *byte == 0).filter(|one| one.starts_with(b"GIT_"));
    named.any(|one| one.windows(root.len()).any(|part| part == root))
}

/// A process that ended and was not waited for yet has no command line.
fn is_dead(pid: i32) -> bool {
    fs::read(of(pid, "cmdline")).is_ok_and(|line| line.is_empty())
}

/// Leaves out what some process has open.
pub(super) fn drop_open(found: &mut Vec<PathBuf>) {
    if found.is_empty() {
        return;
    }
    let real: Vec<PathBuf> = found.iter().map(|path| path.canonicalize().unwrap_or_default()).collect();
    let mut open: HashSet<PathBuf> = HashSet::new();
    for pid in listed().unwrap_or_default() {
        let files = fs::read_dir(of(pid, "fd")).into_iter().flatten().flatten();
        let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
        open.extend(targets.filter(|target| real.contains(target)));
    }
    let mut at = real.iter();
    found.retain(|_| at.next().is_some_and(|path| !open.contains(path)));
}

/// Processes of ours with the mark of a run, at work in the project or a program of it, on no terminal, whose engine is
/// gone; that hold a port, or are a file that is to be replaced. With what the failed attempt said, of those that hold a
/// port only those that hold one it names, if it names any.
pub(super) fn left(root: &Path, failure: Option<&str>) -> Result<Vec<Left>, String> {
    let ports = listening();
    let named: HashSet<u16> = failure.map(numbers).unwrap_or_default();
    let said: HashSet<u16> =
        named.intersection(&ports.iter().map(|(port, _)| *port).collect()).copied().collect();
    let holds = |pid: i32| {
        let sockets = sockets(pid);
        let mut held = ports.iter().filter(|(_, inode)| sockets.contains(inode));
        held.any(|(port, _)| said.is_empty() || said.contains(port))
    };
    let stands_in = |pid: i32| fs::read_link(of(pid, "exe")).is_ok_and(|exe| exe.starts_with(root));
    let here = |pid: i32| fs::read_link(of(pid, "cwd")).is_ok_and(|folder| folder.starts_with(root));
    let own = rustix::process::geteuid().as_raw();
    let ours = |pid: i32| fs::metadata(of(pid, "")).is_ok_and(|meta| meta.uid() == own);
    let found = listed()?.into_iter().filter(|pid| {
        *pid > 1
            && ours(*pid)
            && (here(*pid) || stands_in(*pid))
            && is_marked(*pid)
            && is_forsaken(*pid)
            && (stands_in(*pid) || holds(*pid))
    });
    Ok(found.map(|pid| Left { pid, name: name(pid) }).collect())
}

fn is_marked(pid: i32) -> bool {
    let all = fs::read(of(pid, "environ")).unwrap_or_default();
    all.split(|byte| *byte == 0).any(|one| one.starts_with(b"WFL_RUN="))
}

/// On no terminal, and neither a `wfl` itself nor below one: an engine takes the orphans of its stages in.
fn is_forsaken(pid: i32) -> bool {
    let engine = std::env::current_exe().ok();
    let is_engine =
        |pid: i32| name(pid) == "wfl" || (engine.is_some() && fs::read_link(of(pid, "exe")).ok() == engine);
    if parent(pid).is_none_or(|(_, terminal)| terminal) {
        return false;
    }
    let above = std::iter::successors(Some(pid), |pid| parent(*pid).map(|(parent, _)| parent));
    // No chain is as long as this: a parent that ended meanwhile may be another by now.
    !above.take_while(|pid| *pid > 1).take(1000).any(is_engine)
}

/// Ports that are listened on, with the sockets that do.
fn listening() -> Vec<(u16, u64)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let text: String = tables.iter().filter_map(|table| fs::read_to_string(table).ok()).collect();
    text.lines().filter_map(listener).collect()
}

/// `0: 0100007F:1F90 00000000:0000 0A … inode`: 0A is listening.
fn listener(line: &str) -> Option<(u16, u64)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (_, port) = words.get(1)?.rsplit_once(':')?;
    (*words.get(3)? == "0A").then_some(())?;
    Some((u16::from_str_radix(port, 16).ok()?, words.get(9)?.parse().ok()?))
}

fn sockets(pid: i32) -> HashSet<u64> {
    let files = fs::read_dir(of(pid, "fd")).into_iter().flatten().flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets
        .filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok())
        .collect()
}

fn numbers(text: &str) -> HashSet<u16> {
    text.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect()
}

/// Asks each to end, and makes it. By descriptors, which a later process of the same number has no part in.
pub(super) fn end(left: Vec<Left>) -> Result<Vec<String>, String> {
    let open = |left: Left| {
        let handle = pidfd_open(Pid::from_raw(left.pid)?, PidfdFlags::empty()).ok()?;
        // Looked at again now that the number cannot change hands.
        (is_marked(left.pid) && is_forsaken(left.pid)).then_some((left, handle))
    };
    let held: Vec<_> = left.into_iter().filter_map(open).collect();
    for (_, handle) in &held {
        let _ = pidfd_send_signal(handle, Signal::TERM);
    }
    let until = Instant::now() + GRACE;
    let lives = |left: &Left| Path::new(&of(left.pid, "fd")).exists() && !is_dead(left.pid);
    while held.iter().any(|(left, _)| lives(left)) && Instant::now() < until {
        std::thread::sleep(GLANCE);
    }
    for (_, handle) in held.iter().filter(|(left, _)| lives(left)) {
        let _ = pidfd_send_signal(handle, Signal::KILL);
    }
    let until = Instant::now() + GRACE;
    while held.iter().any(|(left, _)| lives(left)) && Instant::now() < until {
        std::thread::sleep(GLANCE);
    }
    let told = |(left, _): &(Left, _)| match lives(left) {
        true => Err(format!("{} ({}) does not end", left.name, left.pid)),
        false => Ok(format!("{} ({})", left.name, left.pid)),
    };
    held.iter().map(told).collect()
}
