//! What no safe wrapper offers: starting a program cheaply, reaping a child together with what it used, this program's own
//! peak, a session for a child. The only file of the program that may hold `unsafe`.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus};

use crate::event::Usage;

/// The unit in which the kernel counts blocks here, whatever the disk's own.
const BLOCK: u64 = 512;
/// What the child needs between its start and its program: a few frames of plain calls.
const CHILD_STACK: usize = 32 << 10;
/// `CLONE_CLEAR_SIGHAND`, which is wider than what `libc` holds it in.
#[cfg(target_arch = "x86_64")]
const CLEAR_SIGHAND: u64 = 1 << 32;
/// Signals are numbered from 1 to this.
const LAST_SIGNAL: c_int = 64;

/// A program to start, everything made ready: the child itself may neither allocate nor lock.
pub(super) struct Program<'a> {
    pub(super) path: &'a CStr,
    pub(super) argv: &'a [&'a CStr],
    pub(super) env: &'a [&'a CStr],
    pub(super) cwd: &'a CStr,
    /// A session of its own, and so no controlling terminal; else a group of its own.
    pub(super) session: bool,
    /// Its standard input, output and error. None of them may be numbered 0, 1 or 2 here.
    pub(super) streams: [BorrowedFd<'a>; 3],
}

/// What the child reads, and where it writes why it could not start.
struct Start {
    path: *const c_char,
    argv: *const *const c_char,
    env: *const *const c_char,
    cwd: *const c_char,
    session: bool,
    streams: [c_int; 3],
    /// No handler of ours is left in the child.
    signals_cleared: bool,
    error: c_int,
}

/// Starts the program as the leader of a process group of its own, or of a session: its number, and its descriptor where the kernel has
/// one. The child borrows our memory and we stand still until it has its program, so nothing is copied. Unlike
/// `posix_spawn` it maps no memory for its stack, which the other processors would have to hear of, and does not ask
/// the kernel about every signal.
pub(super) fn start(program: &Program<'_>) -> io::Result<(i32, Option<OwnedFd>)> {
    let argv = ended_by_null(program.argv);
    let env = ended_by_null(program.env);
    let mut start = Start {
        path: program.path.as_ptr(),
        argv: argv.as_ptr(),
        env: env.as_ptr(),
        cwd: program.cwd.as_ptr(),
        session: program.session,
        streams: program.streams.map(|stream| stream.as_raw_fd()),
        signals_cleared: false,
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

/// The child's stack lies on ours, which stands still meanwhile.
fn clone(start: &mut Start, pidfd: &mut c_int) -> io::Result<i32> {
    let mut stack = [MaybeUninit::<u8>::uninit(); CHILD_STACK];
    start.signals_cleared = true;
    match clone_cleared(start, pidfd, &mut stack) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EINVAL | libc::EPERM)) => {
            start.signals_cleared = false;
            clone_blocked(start, pidfd, &mut stack)
        }
        done => done,
    }
}

type Stack = [MaybeUninit<u8>; CHILD_STACK];

/// The kernel takes our signal handlers off the child as it makes it (Linux 5.5), so that none of them can run there.
/// The C library has no function for this call.
#[cfg(target_arch = "x86_64")]
fn clone_cleared(start: &mut Start, pidfd: &mut c_int, stack: &mut Stack) -> io::Result<i32> {
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD;
    // SAFETY: all zero asks for nothing.
    let mut wanted: libc::clone_args = unsafe { std::mem::zeroed() };
    wanted.flags = flags as u64 | CLEAR_SIGHAND;
    wanted.pidfd = (&raw mut *pidfd).addr() as u64;
    wanted.exit_signal = libc::SIGCHLD as u64;
    wanted.stack = stack.as_mut_ptr().addr() as u64;
    wanted.stack_size = (top(stack).addr() - stack.as_ptr().addr()) as u64;
    let mut result = libc::SYS_clone3 as isize;
    // SAFETY: as in `clone_blocked`. In the child the call returns 0 on the new, empty stack: it goes straight to
    // `child`, which never returns, and touches nothing of this frame. Here it returns as any system call does.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") result,
            in("rdi") &raw const wanted,
            in("rsi") size_of::<libc::clone_args>(),
            in("r12") &raw mut *start,
            in("r13") child as extern "C" fn(*mut c_void) -> c_int,
            lateout("rcx") _,
            lateout("r11") _,
        );
    }
    if result < 0 { Err(io::Error::from_raw_os_error(-result as i32)) } else { Ok(result as i32) }
}

#[cfg(not(target_arch = "x86_64"))]
fn clone_cleared(_: &mut Start, _: &mut c_int, _: &mut Stack) -> io::Result<i32> {
    Err(io::Error::from_raw_os_error(libc::ENOSYS))
}

/// Where the kernel cannot take handlers off: signals are blocked meanwhile, and the child does it.
fn clone_blocked(start: &mut Start, pidfd: &mut c_int, stack: &mut Stack) -> io::Result<i32> {
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
        let pid = libc::clone(child, top(stack).cast(), flags, argument, &raw mut *pidfd);
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        if pid < 0 { Err(error) } else { Ok(pid) }
    }
}

/// Stacks grow downwards and begin at a multiple of sixteen.
fn top(stack: &mut Stack) -> *mut MaybeUninit<u8> {
    stack.as_mut_ptr_range().end.map_addr(|address| address & !15)
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
        match start.signals_cleared {
            // But for the one that Rust ignores.
            true => by_default(libc::SIGPIPE),
            false => (1..=LAST_SIGNAL).for_each(|signal| by_default(signal)),
        }
        let mut none = MaybeUninit::<libc::sigset_t>::uninit();
        let apart = if start.session { libc::setsid() >= 0 } else { libc::setpgid(0, 0) == 0 };
        apart
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

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsFd;

    use super::*;

    type Clone = fn(&mut Start, &mut c_int, &mut Stack) -> io::Result<i32>;

    /// Both ways of making the child, so that the one the machine does not need is tried as well.
    const WAYS: [(bool, Clone); 2] = [(true, clone_cleared), (false, clone_blocked)];

    /// What `/bin/sh -c script` prints, started one way or the other.
    fn says(way: (bool, Clone), script: &str) -> Option<(String, ExitStatus)> {
        says_in(way, false, script)
    }

    fn says_in(way: (bool, Clone), session: bool, script: &str) -> Option<(String, ExitStatus)> {
        let words = ["/bin/sh", "-c", script].map(|word| CString::new(word).unwrap());
        let argv: Vec<&CStr> = words.iter().map(CString::as_c_str).collect();
        let (ours, its) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let null = File::open("/dev/null").unwrap();
        let argv = ended_by_null(&argv);
        let env = ended_by_null(&[c"NAME=value"]);
        let mut start = Start {
            path: argv[0],
            argv: argv.as_ptr(),
            env: env.as_ptr(),
            cwd: c"/".as_ptr(),
            session,
            streams: [null.as_fd(), its.as_fd(), its.as_fd()].map(|stream| stream.as_raw_fd()),
            signals_cleared: way.0,
            error: 0,
        };
        let mut stack = [MaybeUninit::<u8>::uninit(); CHILD_STACK];
        let pid = way.1(&mut start, &mut -1, &mut stack).ok()?;
        drop(its);
        let mut said = String::new();
        File::from(ours).read_to_string(&mut said).unwrap();
        Some((said, reap(pid).unwrap().0))
    }

    #[test]
    fn a_child_has_its_own_group_folder_environment_and_plain_signals() {
        let script = "read _ _ _ _ group _ < /proc/$$/stat; [ $group = $$ ] && echo group; pwd; echo $NAME; \
                      exec grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status";
        for way in WAYS {
            let Some((said, status)) = says(way, script) else { continue };
            let zero = "0000000000000000";
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(&lines[..3], ["group", "/", "value"], "{said}");
            assert_eq!(lines[3], format!("SigBlk:\t{zero}"));
            // The test's own parent may have ignored others; SIGPIPE (13) is ours.
            let ignored = u64::from_str_radix(lines[4].trim_start_matches("SigIgn:\t"), 16).unwrap();
            assert_eq!(ignored & (1 << 12), 0, "{said}");
            assert!(status.success());
        }
    }

    #[test]
    fn a_session_of_its_own_has_no_terminal() {
        let script = "read _ _ _ _ group session terminal _ < /proc/$$/stat; echo $((group - $$)) $((session - $$)) $terminal";
        for way in WAYS {
            assert!(says_in(way, true, script).is_none_or(|(said, _)| said.trim() == "0 0 0"));
            // Without one it keeps the session of who started it.
            assert!(says_in(way, false, script).is_none_or(|(said, _)| !said.starts_with("0 0 ")));
        }
    }

    #[test]
    fn no_descriptor_of_ours_reaches_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let name = file.path().file_name().unwrap().to_str().unwrap();
        let script = format!("ls -l /proc/$$/fd | grep -c {name}");
        for way in WAYS {
            assert!(says(way, &script).is_none_or(|(said, _)| said.trim() == "0"));
        }
        // One that may be inherited is seen by the same look.
        rustix::io::fcntl_setfd(file.as_file(), rustix::io::FdFlags::empty()).unwrap();
        assert!(says(WAYS[1], &script).is_some_and(|(said, _)| said.trim() != "0"));
    }

    #[test]
    fn many_threads_start_programs_at_once() {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                std::thread::spawn(move || {
                    (0..20).all(|round| {
                        let text = format!("{thread}-{round}");
                        WAYS.iter().all(|way| {
                            says(*way, &format!("echo {text}")).is_none_or(|(said, _)| said.trim() == text)
                        })
                    })
                })
            })
            .collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    }

    #[test]
    fn why_it_did_not_start_is_told() {
        let null = File::open("/dev/null").unwrap();
        for (path, cwd, expected) in [
            (c"/no/such/program", c"/", libc::ENOENT),
            (c"/etc/passwd", c"/", libc::EACCES),
            (c"/bin/sh", c"/no/such", libc::ENOENT),
        ] {
            let program =
                Program { path, argv: &[path], env: &[], cwd, session: false, streams: [null.as_fd(); 3] };
            assert_eq!(start(&program).unwrap_err().raw_os_error(), Some(expected), "{path:?}");
        }
    }
}
