//! Whether a repository can be worked in: what is under way in it, which locks lie about, whether its index and objects
//! can be read. Every question is bounded in time. Changes nothing.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

/// A repository found from a folder, without asking git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The folder that holds `.git`.
    pub top: PathBuf,
    /// The folder of its own index and HEAD.
    pub dir: PathBuf,
}

/// A lock file of git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    pub path: PathBuf,
    /// Since it was last written.
    pub age: Option<Duration>,
}

/// What became of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Well(String),
    /// The first line of what git said.
    Refused(String),
    /// It took longer than it might.
    TooLong,
}

/// Names below the repository's folder that say what is under way, and the words for it and how it ends.
const UNDER_WAY: &[(&str, &str, &str)] = &[
    ("MERGE_HEAD", "a merge", "`git merge --continue` or `git merge --abort`"),
    ("rebase-merge", "a rebase", "`git rebase --continue` or `git rebase --abort`"),
    ("rebase-apply", "a rebase or `git am`", "`git rebase --abort`, or `git am --abort`"),
    ("CHERRY_PICK_HEAD", "a cherry-pick", "`git cherry-pick --continue` or `git cherry-pick --abort`"),
    ("REVERT_HEAD", "a revert", "`git revert --continue` or `git revert --abort`"),
    ("BISECT_LOG", "a bisect", "`git bisect reset`"),
];

/// Lock files that stop git when nobody holds them any more.
const LOCKS: &[&str] = &["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock"];

impl Repository {
    /// The nearest upwards; a worktree's or submodule's `.git` is a file that names the folder.
    pub fn find(root: &Path) -> Option<Repository> {
        let absolute = root.canonicalize().ok()?;
        let top = absolute.ancestors().find(|folder| folder.join(".git").exists())?.to_path_buf();
        let entry = top.join(".git");
        let dir = match fs::read_to_string(&entry) {
            Ok(text) => top.join(text.strip_prefix("gitdir:")?.trim()),
            Err(_) => entry,
        };
        Some(Repository { top, dir })
    }

    /// What was begun and neither ended nor given up, and how to end it.
    pub fn under_way(&self) -> Vec<(&'static str, &'static str)> {
        let there = |name: &str| self.dir.join(name).exists();
        UNDER_WAY.iter().filter(|(name, ..)| there(name)).map(|(_, what, how)| (*what, *how)).collect()
    }

    pub fn locks(&self) -> Vec<Lock> {
        let shared = fs::read_to_string(self.dir.join("commondir")).ok();
        let shared = shared.map(|text| self.dir.join(text.trim()));
        let folders = [Some(self.dir.clone()), shared];
        let paths = folders.iter().flatten().flat_map(|folder| LOCKS.iter().map(|name| folder.join(name)));
        paths
            .filter_map(|path| {
                let meta = fs::symlink_metadata(&path).ok()?;
                let age = meta.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
                Some(Lock { path, age })
            })
            .collect()
    }

    /// Numbers of git processes that work in the repository now and may have made the lock: not those that this program
    /// started, nor those that began after it was written.
    pub fn at_work(&self, lock: &Lock) -> Vec<i32> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_git = |pid: &i32| {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            name.trim_end() == "git" || name.starts_with("git-")
        };
        let here = |pid: &i32| {
            fs::read_link(format!("/proc/{pid}/cwd"))
                .is_ok_and(|cwd| cwd.starts_with(&self.top) || cwd.starts_with(&self.dir))
        };
        pids.filter(is_git).filter(here).filter(|pid| !is_own(*pid) && may_hold(*pid, lock)).collect()
    }

    /// Asks git, for so long at most.
    pub fn ask(&self, arguments: &[&str], at_most: Duration) -> Answer {
        let until = Instant::now() + at_most;
        let mut child = match super::start(&self.top, arguments) {
            Ok(child) => child,
            Err(why) => return Answer::Refused(why),
        };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let said = thread::spawn(move || text(out));
        let complained = thread::spawn(move || text(err));
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => thread::sleep(Duration::from_millis(1)),
                _ => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Answer::TooLong;
                }
            }
        };
        let (said, complained) = (said.join().unwrap_or_default(), complained.join().unwrap_or_default());
        if status.success() {
            return Answer::Well(said);
        }
        let line = complained.lines().chain(said.lines()).next().unwrap_or("it failed without a word");
        Answer::Refused(line.trim_start_matches("fatal: ").trim_start_matches("error: ").to_owned())
    }
}

/// Whether the process was there when the lock was last written.
fn may_hold(pid: i32, lock: &Lock) -> bool {
    let ticks = |pid: i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse::<u64>().ok()
    };
    let up = || {
        let text = fs::read_to_string("/proc/uptime").ok()?;
        text.split('.').next()?.parse::<u64>().ok()
    };
    // The kernel tells of processes in hundredths of a second.
    match (ticks(pid), up(), lock.age) {
        (Some(ticks), Some(up), Some(age)) => up.saturating_sub(ticks / 100) + 2 >= age.as_secs(),
        (None, ..) => false,
        _ => true,
    }
}

/// Whether the process is below this one.
fn is_own(pid: i32) -> bool {
    let parent = |pid: i32| {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        text.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<i32>().ok()
    };
    let own = std::process::id() as i32;
    let mut next = pid;
    for _ in 0..8 {
        match parent(next) {
            Some(above) if above == own => return true,
            Some(above) if above > 1 => next = above,
            // One that is gone meanwhile is nobody's.
            None => return true,
            Some(_) => return false,
        }
    }
    false
}

fn text(stream: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
