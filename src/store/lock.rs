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
                Holder::this().write(&mut file).map_err(|e| failed(&e))?;
                return Ok(RunLock { file });
            }
            Ok(()) => continue,
            Err(Errno::WOULDBLOCK) => {
                let holder = Holder::read(&mut file);
                if !only_asked(&file) && !holder.is_dead() {
                    return Err(AcquireError::Held(holder.held));
                }
                std::thread::sleep(std::time::Duration::from_millis(1))
            }
            Err(e) => return Err(failed(&e.into())),
        }
    }
    Err(AcquireError::Held(Held { pid: 0, since: Timestamp::default() }))
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

/// Who wrote into the lock file. A process number alone says little: it is given away again, and other boots had it too.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    held: Held,
    /// Ticks after the boot at which the process began.
    began: Option<u64>,
    boot: String,
}

impl Holder {
    fn this() -> Holder {
        let pid = std::process::id();
        Holder { held: Held { pid, since: Timestamp::now() }, began: began(pid), boot: boot() }
    }

    fn write(&self, file: &mut File) -> std::io::Result<()> {
        file.set_len(0)?;
        let began = self.began.map_or("-".to_string(), |ticks| ticks.to_string());
        file.write_all(format!("{} {} {began} {}\n", self.held.pid, self.held.since.0, self.boot).as_bytes())
    }

    /// What cannot be read is empty.
    fn read(file: &mut File) -> Holder {
        let mut text = String::new();
        let _ = file.rewind();
        let _ = file.take(200).read_to_string(&mut text);
        let mut words = text.split_whitespace();
        let pid = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let since = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let began = words.next().and_then(|word| word.parse().ok());
        let boot = words.next().unwrap_or_default().to_string();
        Holder { held: Held { pid, since: Timestamp(since) }, began, boot }
    }

    /// Whether the holder is gone. A killed engine's lock outlives it for the moment in which a child of its that was
    /// forked has not yet started its program and still shares the file.
    fn is_dead(&self) -> bool {
        if self.held.pid == 0 || !Path::new("/proc/self").exists() {
            return false;
        }
        let other_boot = !self.boot.is_empty() && self.boot != boot();
        match began(self.held.pid) {
            None => true,
            Some(ticks) => other_boot || self.began.is_some_and(|began| began != ticks),
        }
    }
}

/// When the process began, in ticks after the boot; none when there is no such process.
fn began(pid: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may hold blanks and brackets; after it come the numbered fields, the 22nd of all is the start.
    let (_, fields) = line.rsplit_once(')')?;
    fields.split_whitespace().nth(19)?.parse().ok()
}

fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_given_to_another_process_is_not_the_holder() {
        let this = Holder::this();
        assert!(!this.is_dead());
        assert!(Holder { began: this.began.map(|ticks| ticks + 1), ..this.clone() }.is_dead());
        assert!(Holder { boot: "another".into(), ..this.clone() }.is_dead());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        assert!(Holder { held: Held { pid: child.id(), ..this.held }, ..this }.is_dead());
    }

    #[test]
    fn what_was_written_is_read_again_and_what_cannot_be_read_is_nobody() {
        let dir = tempfile::tempdir().unwrap();
        let mut open = OpenOptions::new();
        let mut file =
            open.read(true).write(true).create(true).truncate(true).open(dir.path().join("l")).unwrap();
        let this = Holder::this();
        this.write(&mut file).unwrap();
        assert_eq!(Holder::read(&mut file), this);
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(b"\xff\x00 nonsense").unwrap();
        assert!(!Holder::read(&mut file).is_dead());
    }
}
