//! The two system calls that no safe wrapper offers: starting a program, and reaping a child together with what it
//! used. The only file of the program that may hold `unsafe`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use crate::event::Usage;

/// What the child needs between its start and its program: a few frames of plain calls.
const CHILD_STACK: usize = 32 << 10;
/// Signals are numbered from 1 to this.
const LAST_SIGNAL: c_int = 64;

/// A program to start, everything made ready: the child itself may neither allocate nor lock.
pub(super) struct Program<'a> {
    pub(super) path: &'a CStr,
    pub(super) argv: &'a [&'a CStr],
    pub(super) env: &'a [&'a CStr],
    pub(super) cwd: &'a CStr,
    /// Its standard input, output and error. None of them may be numbered 0, 1 or 2 here.
    pub(super) streams: [BorrowedFd<'a>; 3],
}

/// What the child reads, and where it writes why it could not start.
struct Start {
    path: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    cwd: *const c_char,
    streams: [c_int; 3],
    error: c_int,
}

/// Starts the program as the leader of a process group of its own: its number, and its descriptor where the kernel has
/// one. The child borrows our memory and we stand still until it has its program, so nothing is copied; unlike
/// `posix_spawn` it asks the kernel once for each signal rather than twice and maps no memory for its stack.
pub(super) fn start(program: &Program<'_>) -> io::Result<(i32, Option<OwnedFd>)> {
    let argv = ended_by_null(program.argv);
    let env = ended_by_null(program.env);
    let mut start = Start {
        path: program.path.as_ptr(),
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        cwd: program.cwd.as_ptr(),
        streams: program.streams.map(|stream| stream.as_raw_fd()),
        error: 0,
    };
    let mut pidfd: c_int = -1;
    let pid = clone(&mut start, &mut pidfd)?;
    // SAFETY: the kernel has just made this descriptor for us, where it knows how to.
    let pidfd = (pidfd >= 0).then(|| unsafe { OwnedFd::from_raw_fd(pidfd) });
    // SAFETY: `start` is live; the child wrote to it before we went on, which the compiler cannot see.
    match unsafe { std::ptr::read_volatile(&start.error) } {
        0 => Ok((pid, pidfd)),
        error => {
            reap(pid)?;
            Err(io::Error::from_raw_os_error(error))
        }
    }
}

fn ended_by_null(words: &[&CStr]) -> Vec<*const c_char> {
    words.iter().map(|word| word.as_ptr()).chain([std::ptr::null()]).collect()
}

fn clone(start: &mut Start, pidfd: &mut c_int) -> io::Result<i32> {
    let mut stack = [MaybeUninit::<u8>::uninit(); CHILD_STACK];
    // Stacks grow downwards and begin at a multiple of sixteen.
    let top = stack.as_mut_ptr_range().end;
    let top = top.map_addr(|address| address & !15);
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut every = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `child` runs on a stack of its own that nobody else uses, and this thread stands still (VFORK) until it
    // has ended or has its program; so `start`, what it points to, and the stack outlive its use of them. It calls only
    // what is allowed between fork and exec. Signals are blocked meanwhile: no handler of ours runs in the child.
    unsafe {
        libc::sigfillset(every.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_BLOCK, every.as_ptr(), before.as_mut_ptr());
        let argument = (&raw mut *start).cast::<c_void>();
        let pid = libc::clone(child, top.cast(), flags, argument, &raw mut *pidfd);
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        if pid < 0 { Err(error) } else { Ok(pid) }
    }
}

/// The child, in our memory until it has its program.
extern "C" fn child(argument: *mut c_void) -> c_int {
    let start = argument.cast::<Start>();
    // SAFETY: `clone` gave us a live `Start` and waits; each call is async-signal-safe and gets what it expects.
    unsafe {
        if prepare(&*start) {
            libc::execve((*start).path, (*start).argv, (*start).env);
        }
        std::ptr::write_volatile(&raw mut (*start).error, *libc::__errno_location());
        libc::_exit(127)
    }
}

/// Signals as every program expects them, a group, streams and a folder of its own; false when one of these failed.
///
/// # Safety
/// What `start` points to is live, and the caller is a child that may not allocate or lock.
unsafe fn prepare(start: &Start) -> bool {
    let targets = [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO];
    // SAFETY: the caller's promise; each call gets live locals and is async-signal-safe.
    unsafe {
        (1..=LAST_SIGNAL).for_each(|signal| by_default(signal));
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        libc::setpgid(0, 0) == 0
            && start.streams.iter().zip(targets).all(|(&from, to)| libc::dup2(from, to) == to)
            && libc::chdir(start.cwd) == 0
            && libc::sigemptyset(none.as_mut_ptr()) == 0
            && libc::sigprocmask(libc::SIG_SETMASK, none.as_ptr(), std::ptr::null_mut()) == 0
    }
}

/// Takes a handler of ours off the signal. One that is ignored stays so, but for SIGPIPE, which Rust ignores.
///
/// # Safety
/// The caller is the child: its handlers are its own.
unsafe fn by_default(signal: c_int) {
    // SAFETY: all zero is a valid `sigaction`, and the pointers are to live locals.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        if libc::sigaction(signal, std::ptr::null(), &mut action) != 0 {
            return;
        }
        let plain = match action.sa_sigaction {
            libc::SIG_DFL => true,
            libc::SIG_IGN => signal != libc::SIGPIPE,
            _ => false,
        };
        if !plain {
            action.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        }
    }
}

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
