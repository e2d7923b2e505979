//! How an action ended, when not well: class and words. Starts nothing and reads nothing.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::command;
use crate::event::{AttemptStatus, FailureClass};

/// An action that did not end well.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: AttemptStatus,
    pub(super) class: FailureClass,
    pub(super) exit: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) error: Option<String>,
}

impl Failure {
    pub(super) fn new(class: FailureClass, error: impl Into<String>) -> Self {
        Failure { status: AttemptStatus::Failed, class, exit: None, signal: None, error: Some(error.into()) }
    }

    /// Something could not be made ready: for lack of room now, or for good.
    pub(super) fn unready(why: &io::Error, error: impl Into<String>) -> Self {
        let class = if for_lack_of_room(why) { FailureClass::Busy } else { FailureClass::NotStarted };
        Failure::new(class, error)
    }

    pub(super) fn cancelled() -> Self {
        Failure {
            status: AttemptStatus::Cancelled,
            class: FailureClass::Cancelled,
            exit: None,
            signal: None,
            error: None,
        }
    }

    pub(super) fn timed_out(error: String) -> Self {
        Failure { status: AttemptStatus::TimedOut, ..Failure::new(FailureClass::Timeout, error) }
    }
}

fn for_lack_of_room(why: &io::Error) -> bool {
    let room = [libc::ENOSPC, libc::EDQUOT, libc::ETXTBSY, libc::EAGAIN, libc::ENOMEM];
    let files = [libc::EMFILE, libc::ENFILE];
    why.raw_os_error().is_some_and(|code| room.contains(&code) || files.contains(&code))
}

/// What the kernel's count of processes killed for lack of memory did while the process ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OutOfMemory {
    Rose,
    Same,
    /// This kernel does not tell.
    Untold,
}

/// Exit code as shells count it, and the signal.
pub(super) fn exit_of(status: ExitStatus) -> (i32, Option<i32>) {
    match status.signal() {
        Some(signal) => (128 + signal, Some(signal)),
        None => (status.code().unwrap_or(-1), None),
    }
}

/// A process that ended by itself and not well. A shell reports its child's signal as an exit code.
pub(super) fn ended_badly(
    exit: i32,
    signal: Option<i32>,
    name: &str,
    memory: impl FnOnce() -> OutOfMemory,
) -> Failure {
    let name = command::base_name(name);
    let killed = signal == Some(libc::SIGKILL) || (signal.is_none() && exit == 128 + libc::SIGKILL);
    let (class, error) = if killed {
        let who = if signal.is_some() { name } else { "a process of the stage" };
        killed_words(who, memory())
    } else if let Some(signal) = signal {
        let error = format!("{name} was ended by signal {signal}{}", signal_name(signal));
        (FailureClass::Signal, Some(error))
    } else {
        (FailureClass::Exit, None)
    };
    Failure { status: AttemptStatus::Failed, class, exit: Some(exit), signal, error }
}

fn killed_words(who: &str, memory: OutOfMemory) -> (FailureClass, Option<String>) {
    let (class, why) = match memory {
        OutOfMemory::Rose => (FailureClass::OutOfMemory, "out of memory: the kernel counted such a kill"),
        OutOfMemory::Same => (FailureClass::Signal, "signal 9, not sent by wfl"),
        OutOfMemory::Untold => (FailureClass::OutOfMemory, "out of memory?"),
    };
    (class, Some(format!("{who} was killed ({why})")))
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => " (HUP)",
        libc::SIGINT => " (INT)",
        libc::SIGILL => " (ILL: not a processor instruction)",
        libc::SIGABRT => " (ABRT: it gave up)",
        libc::SIGBUS => " (BUS: bad memory access)",
        libc::SIGFPE => " (FPE: bad arithmetic)",
        libc::SIGSEGV => " (SEGV: bad memory access)",
        libc::SIGPIPE => " (PIPE)",
        libc::SIGTERM => " (TERM)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(exit: i32, signal: Option<i32>, memory: OutOfMemory) -> FailureClass {
        ended_badly(exit, signal, "/usr/bin/cc", || memory).class
    }

    #[test]
    fn a_kill_is_called_out_of_memory_only_where_the_kernel_does_not_say_otherwise() {
        assert_eq!(class(137, Some(9), OutOfMemory::Rose), FailureClass::OutOfMemory);
        assert_eq!(class(137, None, OutOfMemory::Rose), FailureClass::OutOfMemory);
        assert_eq!(class(137, Some(9), OutOfMemory::Untold), FailureClass::OutOfMemory);
        assert_eq!(class(137, Some(9), OutOfMemory::Same), FailureClass::Signal);
        assert_eq!(class(139, Some(11), OutOfMemory::Rose), FailureClass::Signal);
        assert_eq!(class(1, None, OutOfMemory::Rose), FailureClass::Exit);
        let words = ended_badly(137, Some(9), "/usr/bin/cc", || OutOfMemory::Rose).error;
        assert_eq!(words.as_deref(), Some("cc was killed (out of memory: the kernel counted such a kill)"));
    }

    #[test]
    fn lack_of_room_passes_and_a_missing_program_does_not() {
        let of = |code| Failure::unready(&io::Error::from_raw_os_error(code), "x").class;
        assert_eq!(of(libc::ENOSPC), FailureClass::Busy);
        assert_eq!(of(libc::EMFILE), FailureClass::Busy);
        assert_eq!(of(libc::ENOENT), FailureClass::NotStarted);
        assert_eq!(of(libc::EACCES), FailureClass::NotStarted);
    }
}
