//! The system calls that no safe wrapper offers: reaping a child together with what it used, this program's own peak, a
//! session for a child.
//! The only file of the program that may hold `unsafe`.
#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use crate::event::Usage;

/// The unit in which the kernel counts blocks here, whatever the disk's own.
const BLOCK: u64 = 512;

/// Waits for child `pid` and reaps it. The caller must not wait for the child by any other means.
pub(super) fn reap(pid: i32) -> io::Result<(ExitStatus, Usage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    loop {
        // SAFETY: both pointers are to live locals of the types that wait4 writes.
        let reaped = unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) };
        if reaped == pid {
            break;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    // SAFETY: all zero is a valid `rusage`, and the kernel filled it in.
    let usage = unsafe { usage.assume_init() };
    Ok((ExitStatus::from_raw(status), used(&usage)))
}

/// The most memory that this program ever held.
pub(super) fn own_peak() -> u64 {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is to a live local of the type that getrusage writes; all zero is a valid one if it fails.
    let usage = unsafe {
        libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
        usage.assume_init()
    };
    kilobytes(usage.ru_maxrss)
}

/// The child leads a session, and so a group, of its own: it has no controlling terminal. Costs the fast way of starting.
pub(super) fn in_own_session(command: &mut Command) {
    let alone = || rustix::process::setsid().map(drop).map_err(io::Error::from);
    // SAFETY: between fork and exec only the system call setsid is made, which is async-signal-safe; it allocates nothing.
    unsafe {
        command.pre_exec(alone);
    }
}

fn used(usage: &libc::rusage) -> Usage {
    let microseconds = |time: libc::timeval| (time.tv_sec as u64) * 1_000_000 + time.tv_usec as u64;
    let (user_us, system_us) = (microseconds(usage.ru_utime), microseconds(usage.ru_stime));
    Usage {
        user_ms: user_us / 1000,
        system_ms: system_us / 1000,
        user_us,
        system_us,
        max_rss: kilobytes(usage.ru_maxrss),
        read_bytes: usage.ru_inblock as u64 * BLOCK,
        written_bytes: usage.ru_oublock as u64 * BLOCK,
        waits: usage.ru_nvcsw as u64,
        preempted: usage.ru_nivcsw as u64,
        ..Usage::default()
    }
}

/// Linux counts memory in these.
fn kilobytes(count: libc::c_long) -> u64 {
    (count as u64) * 1024
}
