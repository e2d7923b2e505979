//! Rendering in a process of its own, with little memory: a template that grows without end takes that process with it
//! and nothing else. Fuel alone cannot do this, for one instruction may double a text.
//!
//! The job comes on standard input; standard error names each template before it is filled, and the error at the end.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::{Resource, Rlimit, setrlimit};

use super::{Job, carry_out};

/// The argument by which the program knows that it is such a process.
pub const ARGUMENT: &str = "--render-worker";
/// Memory the process may take beyond what it begins with.
const MEMORY: u64 = 256 << 20;
/// Seconds of the processor.
const SECONDS: u64 = 10;

const AT: &str = "at: ";
const ERROR: &str = "error: ";

/// What a worker's process does; its exit code.
pub fn run() -> u8 {
    let mut text = String::new();
    let outcome = match bound() {
        Err(why) => Err(format!("the renderer cannot bound itself: {why}")),
        Ok(()) => std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|e| format!("the renderer got no job: {e}"))
            .and_then(|_| serde_json::from_str(&text).map_err(|e| format!("the renderer got no job: {e}")))
            .and_then(|job: Job| carry_out(&job, &mut announce)),
    };
    match outcome {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("{ERROR}{why}");
            1
        }
    }
}

fn announce(name: &str, _source: &str) -> Result<(), String> {
    eprintln!("{AT}{name}");
    Ok(())
}

/// From here on memory and time are limited; a crash leaves no core file.
fn bound() -> Result<(), String> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = size.and_then(|size| size.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    let now = kilobytes.unwrap_or(0) << 10;
    for (resource, limit) in [(Resource::As, now + MEMORY), (Resource::Cpu, SECONDS), (Resource::Core, 0)] {
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(resource, limit).map_err(|e| e.to_string())?;
    }
    Ok(())
}

/// The worker's command; `job` is an open file that holds it.
pub(in crate::exec) fn command(program: &Path, job: File) -> Command {
    let mut command = Command::new(program);
    command.arg(ARGUMENT).env_clear().stdin(job);
    command
}

/// What came of it, from how the process ended and what it said.
pub(in crate::exec) fn verdict(status: ExitStatus, said: &str) -> Result<(), String> {
    use std::os::unix::process::ExitStatusExt;
    if status.success() {
        return Ok(());
    }
    let why = said.lines().position(|line| line.starts_with(ERROR));
    if let (Some(1), Some(at)) = (status.code(), why) {
        let lines: Vec<&str> = said.lines().skip(at).collect();
        return Err(lines.join("\n")[ERROR.len()..].to_owned());
    }
    let name = said.lines().filter_map(|line| line.strip_prefix(AT)).next_back().unwrap_or("(unknown)");
    Err(match status.signal() {
        Some(libc::SIGXCPU) => format!("the template {name} takes too long: more than {SECONDS} s of work"),
        Some(libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS) => {
            format!(
                "the template {name} needs too much memory: more than {} MiB, or it nests too deep",
                MEMORY >> 20
            )
        }
        Some(signal) => format!("the template {name} was not rendered: signal {signal} ended the renderer"),
        None => format!("the template {name} was not rendered: the renderer ended with {status}"),
    })
}
