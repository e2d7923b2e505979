//! Which run has a living engine: a lock the kernel holds and drops with the process. That the file exists means
//! nothing. Knows no event and no database.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::StoreError;
use crate::base::Timestamp;
use crate::event::RunId;

/// How often to try while others only ask.
const TRIES: usize = 200;

/// The engine that holds a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// 0 when it could not be read.
    pub pid: u32,
    pub since: Timestamp,
}

/// Why a run could not be taken.
#[derive(Clone, Debug, PartialEq)]
pub enum AcquireError {
    Held(Held),
    Failed(StoreError),
}

/// Held until dropped, or until the process ends in whatever way.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl Drop for RunLock {
    /// Said aloud: closing alone would leave it to a child that was forked and has not yet started its program.
    fn drop(&mut self) {
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

pub(super) fn path(dir: &Path, run: &str) -> PathBuf {
    dir.join("runs").join(format!("{run}.lock"))
}

pub(super) fn acquire(dir: &Path, run: &RunId) -> Result<RunLock, AcquireError> {
    let path = path(dir, &run.0);
    let failed = |e: &std::io::Error| AcquireError::Failed(StoreError::io(e, "cannot lock the run:", &path));
    if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| failed(&e))?;
    }
    // More than once: others may ask whether the run lives, and a file deleted between opening and locking is not the
    // one that others will find.
    for _ in 0..TRIES {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| failed(&e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) if same_file(&file, &path) => {
                write_holder(&mut file).map_err(|e| failed(&e))?;
                return Ok(RunLock { file });
            }
            Ok(()) => continue,
            Err(Errno::WOULDBLOCK) => {
                let held = read_holder(&mut file);
                if !only_asked(&file) && !is_dead(&held) {
                    return Err(AcquireError::Held(held));
                }
                std::thread::sleep(std::time::Duration::from_millis(1))
            }
            Err(e) => return Err(failed(&e.into())),
        }
    }
    Err(AcquireError::Held(Held { pid: 0, since: Timestamp::default() }))
}

/// Whether the holder is gone. A killed engine's lock outlives it for the moment in which a child of its that was
/// forked has not yet started its program and still shares the file.
fn is_dead(held: &Held) -> bool {
    held.pid != 0 && Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{}", held.pid)).exists()
}

/// Whether only a question (`is_live` of another process) holds the lock, shared and for microseconds.
fn only_asked(file: &File) -> bool {
    flock(file, FlockOperation::NonBlockingLockShared).is_ok() && flock(file, FlockOperation::Unlock).is_ok()
}

pub(super) fn is_live(dir: &Path, run: &str) -> bool {
    let Ok(file) = File::open(path(dir, run)) else {
        return false;
    };
    let asked = flock(&file, FlockOperation::NonBlockingLockShared);
    let _ = flock(&file, FlockOperation::Unlock);
    asked == Err(Errno::WOULDBLOCK)
}

/// Proof that no engine has the run, and none gets it while this is held.
#[derive(Debug)]
pub(super) struct Dead {
    file: Option<File>,
}

impl Drop for Dead {
    fn drop(&mut self) {
        if let Some(file) = &self.file {
            let _ = flock(file, FlockOperation::Unlock);
        }
    }
}

/// Nothing when the run lives. Held shared, as a question is: whoever wants to take the run up tries again for a moment.
pub(super) fn prove_dead(dir: &Path, run: &str) -> Option<Dead> {
    let Ok(file) = File::open(path(dir, run)) else { return Some(Dead { file: None }) };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Some(Dead { file: Some(file) }),
        Err(_) => None,
    }
}

fn same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(ours), Ok(there)) => ours.ino() == there.ino() && ours.dev() == there.dev(),
        _ => false,
    }
}

fn write_holder(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.write_all(format!("{} {}\n", std::process::id(), Timestamp::now().0).as_bytes())
}

fn read_holder(file: &mut File) -> Held {
    let mut text = String::new();
    let _ = file.rewind();
    let _ = file.take(100).read_to_string(&mut text);
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let since = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    Held { pid, since: Timestamp(since) }
}
