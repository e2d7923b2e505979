//! From a command to a running child with pipes of ours: strings made ready for the kernel, descriptors made and closed.
//! Does not follow the child.

use std::ffi::{CStr, CString, OsStr};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::process::Child;
use std::sync::OnceLock;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::command::Words;
use super::environment::Inherited;
use super::os;
use crate::port::AttemptSpec;

/// The first number that is no standard stream.
const FIRST: i32 = 3;

/// A child that leads its own process group and is not reaped yet.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: i32,
    /// Without one (an old kernel, no descriptor left) its end is looked for now and then.
    pub(super) pidfd: Option<OwnedFd>,
    pub(super) out: Option<OwnedFd>,
    pub(super) err: Option<OwnedFd>,
}

impl From<Child> for Started {
    fn from(mut child: Child) -> Self {
        let pid = child.id() as i32;
        Started {
            pid,
            pidfd: Pid::from_raw(pid).and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok()),
            out: child.stdout.take().map(OwnedFd::from),
            err: child.stderr.take().map(OwnedFd::from),
        }
    }
}

/// Where standard input comes from: nowhere. Opened once for all processes.
#[derive(Debug, Default)]
pub(super) struct Input {
    null: OnceLock<OwnedFd>,
}

impl Input {
    pub(super) fn get(&self) -> io::Result<BorrowedFd<'_>> {
        if let Some(null) = self.null.get() {
            return Ok(null.as_fd());
        }
        let null = above(open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?;
        Ok(self.null.get_or_init(|| null).as_fd())
    }
}

/// Starts the program as the attempt's: in its folder, with its environment, in a group or session of its own.
pub(super) fn start(
    words: &Words,
    inherited: &Inherited,
    spec: &AttemptSpec,
    input: BorrowedFd<'_>,
) -> io::Result<Started> {
    let environment = inherited.environment(spec)?;
    let path = text(words.program.as_os_str())?;
    let arguments = words.arguments.iter().map(|word| text(word)).collect::<io::Result<Vec<CString>>>()?;
    let argv: Vec<&CStr> = std::iter::once(&path).chain(&arguments).map(CString::as_c_str).collect();
    let cwd = text(spec.cwd.as_os_str())?;
    let (out, child_out) = pipe()?;
    let (err, child_err) = pipe()?;
    let program = os::Program {
        path: &path,
        argv: &argv,
        env: &environment.entries(),
        cwd: &cwd,
        session: inherited.terminal,
        streams: [input, child_out.as_fd(), child_err.as_fd()],
    };
    let (pid, pidfd) = os::start(&program)?;
    Ok(Started { pid, pidfd, out: Some(out), err: Some(err) })
}

/// Our end and the child's, which a standard stream of its own must not overwrite.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, its) = pipe_with(PipeFlags::CLOEXEC)?;
    Ok((ours, above(its)?))
}

fn above(fd: OwnedFd) -> io::Result<OwnedFd> {
    match fd.as_raw_fd() {
        FIRST.. => Ok(fd),
        _ => Ok(fcntl_dupfd_cloexec(&fd, FIRST)?),
    }
}

fn text(word: &OsStr) -> io::Result<CString> {
    CString::new(word.as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
}
