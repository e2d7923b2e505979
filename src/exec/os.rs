//! The one system call that no safe wrapper offers: reaping a child together with what it used.
//! The only file of the program that may hold `unsafe`.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::event::Usage;

/// Waits for child `pid` and reaps it. The caller must not wait for the child by any other means.
pub(super) fn reap(pid: i32) -> io::Result<(ExitStatus, Usage)> {
    let mut status = 0;
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
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
    let milliseconds = |time: libc::timeval| (time.tv_sec as u64) * 1000 + (time.tv_usec as u64) / 1000;
    let usage = Usage {
        user_ms: milliseconds(usage.ru_utime),
        system_ms: milliseconds(usage.ru_stime),
        // Kilobytes on Linux.
        max_rss: (usage.ru_maxrss as u64) * 1024,
    };
    Ok((ExitStatus::from_raw(status), usage))
}
