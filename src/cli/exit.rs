//! The one place where errors and run states become exit codes. Decides nothing else.

use std::any::Any;
use std::sync::Mutex;

use crate::embed::Error;
use crate::event::RunStatus;

use super::output::Terminal;

/// The contract's exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Ok = 0,
    Findings = 1,
    Usage = 2,
    Gate = 3,
    Waiting = 4,
    TimedOut = 5,
    Bug = 101,
    Interrupted = 130,
}

/// The code of a run that stopped with this status.
pub fn of_run(status: RunStatus) -> Code {
    match status {
        RunStatus::Succeeded => Code::Ok,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::Running | RunStatus::RolledBack => {
            Code::Findings
        }
        RunStatus::GateFailed => Code::Gate,
        RunStatus::Waiting => Code::Waiting,
        RunStatus::TimedOut => Code::TimedOut,
        RunStatus::Interrupted => Code::Interrupted,
    }
}

/// The code of a run that stopped so: one that was rolled back keeps that of its failure.
pub fn of_ended(status: RunStatus, exit: i32) -> Code {
    match (status, exit) {
        (RunStatus::RolledBack, 0) => Code::Ok,
        (RunStatus::RolledBack, 3) => Code::Gate,
        (RunStatus::RolledBack, 5) => Code::TimedOut,
        _ => of_run(status),
    }
}

/// Of several that apply: 130 before 2, 4, 3, 5 and 1. A bug hides nothing but success.
pub fn worst(codes: impl IntoIterator<Item = Code>) -> Code {
    let rank = |code: &Code| match code {
        Code::Ok => 0,
        Code::Findings => 1,
        Code::TimedOut => 2,
        Code::Gate => 3,
        Code::Waiting => 4,
        Code::Usage => 5,
        Code::Bug => 6,
        Code::Interrupted => 7,
    };
    codes.into_iter().max_by_key(rank).unwrap_or(Code::Ok)
}

/// Tells the person what went wrong, on standard error.
pub fn report(error: &Error, terminal: &Terminal) -> Code {
    match error {
        Error::Definition { sources, diagnostics } => {
            terminal.diagnostics(sources, diagnostics);
            Code::Usage
        }
        Error::Refused { message, help } => {
            terminal.error(message, help);
            Code::Usage
        }
        // The run began, and could not be carried to its end.
        Error::Unsafe { message, help } => {
            terminal.error(&format!("state unsafe, the run was stopped: {message}"), help);
            Code::Findings
        }
    }
}

/// What the last panic said, kept by the hook for [`bug`].
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Panics are reported once, by [`bug`], and not by Rust.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        if let Ok(mut last) = PANIC.lock() {
            *last = Some(format!("{text} ({place})"));
        }
    }));
}

/// The program itself is wrong; says so and how to report it.
pub fn bug(_payload: Box<dyn Any + Send>) -> Code {
    let what = PANIC.lock().ok().and_then(|mut last| last.take()).unwrap_or_else(|| "unknown".into());
    eprintln!("error: this is a bug in wfl {}: {what}", env!("CARGO_PKG_VERSION"));
    eprintln!("  help: what was recorded is safe; please report this line with what you ran");
    Code::Bug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_the_contract_s_code() {
        let all = [
            RunStatus::Running,
            RunStatus::Waiting,
            RunStatus::Succeeded,
            RunStatus::Failed,
            RunStatus::GateFailed,
            RunStatus::TimedOut,
            RunStatus::Cancelled,
            RunStatus::Interrupted,
            RunStatus::RolledBack,
        ];
        for status in all {
            assert_eq!(of_run(status) as i32, status.exit_code(), "{}", status.word());
        }
    }

    #[test]
    fn the_stronger_reason_wins() {
        use Code::{Findings, Gate, Interrupted, Ok, TimedOut, Usage, Waiting};
        assert_eq!(worst([Findings, TimedOut, Gate, Waiting, Usage, Interrupted]), Interrupted);
        assert_eq!(worst([Findings, TimedOut, Gate, Waiting, Usage]), Usage);
        assert_eq!(worst([Findings, TimedOut, Gate, Waiting]), Waiting);
        assert_eq!(worst([Findings, TimedOut, Gate]), Gate);
        assert_eq!(worst([Findings, TimedOut]), TimedOut);
        assert_eq!(worst([Ok, Findings]), Findings);
        assert_eq!(worst([]), Ok);
    }
}
