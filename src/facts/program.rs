//! Programs on the PATH and the version they print. Bounded: a program that does not answer is ended.

use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process_group};

const PATIENCE: Duration = Duration::from_secs(10);
/// A version is a line.
const LARGEST: usize = 64 << 10;

/// The file that would be started; a name with a slash is taken as it is.
pub fn find(program: &str) -> Option<PathBuf> {
    let runs = |place: &Path| access(place, Access::EXEC_OK).is_ok() && !place.is_dir();
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(|place| runs(place));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|place| !program.is_empty() && runs(place))
}

/// The first line that `PROGRAM --version` prints.
pub(super) fn version(program: &str) -> Result<String, String> {
    let place = find(program).ok_or_else(|| format!("program not found: {program}"))?;
    let output =
        ask(Command::new(place).arg("--version")).map_err(|e| format!("cannot start {program}: {e}"))?;
    let output = output.ok_or_else(|| format!("{program} --version did not answer"))?;
    let text = output.iter().map(|bytes| String::from_utf8_lossy(bytes));
    let lines: Vec<String> = text.filter_map(|text| first_line(&text)).collect();
    lines.into_iter().next().ok_or_else(|| format!("{program} --version printed nothing"))
}

/// What a program prints on standard output when it is started in a folder; none when it does not start or answer.
pub fn answer(program: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let output = ask(Command::new(find(program)?).args(arguments).current_dir(folder)).ok()??;
    Some(String::from_utf8_lossy(&output[0]).into_owned())
}

/// Both streams of a program; none when it takes too long.
fn ask(command: &mut Command) -> std::io::Result<Option<[Vec<u8>; 2]>> {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.process_group(0).spawn()?;
    let output = output(&mut child);
    // Also a program that answered may leave others behind; the group's number is ours until it is waited for.
    if let Some(pid) = Pid::from_raw(child.id() as i32) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let _ = child.wait();
    Ok(output)
}

fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(String::from)
}

/// Both streams to their end; `None` when that takes too long.
fn output(child: &mut Child) -> Option<[Vec<u8>; 2]> {
    let (out, err) = (child.stdout.take()?, child.stderr.take()?);
    let fds = [out.as_fd(), err.as_fd()];
    let mut texts: [Vec<u8>; 2] = Default::default();
    let mut open = [true, true];
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    while open != [false, false] && texts.iter().all(|text| text.len() < LARGEST) {
        let left = until.checked_duration_since(Instant::now())?;
        // A closed one would wake us without end: it is replaced by the other, asked for nothing.
        let entry = |at: usize| match open[at] {
            true => PollFd::from_borrowed_fd(fds[at], PollFlags::IN),
            false => PollFd::from_borrowed_fd(fds[1 - at], PollFlags::empty()),
        };
        let mut polled = [entry(0), entry(1)];
        let wait = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
        let _ = poll(&mut polled, Some(&wait));
        let ready = polled.map(|fd| !fd.revents().is_empty());
        for at in 0..2 {
            if !ready[at] || !open[at] {
                continue;
            }
            match rustix::io::read(fds[at], &mut buffer) {
                Ok(count) if count > 0 => texts[at].extend_from_slice(&buffer[..count]),
                Err(rustix::io::Errno::INTR) => {}
                _ => open[at] = false,
            }
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_the_first_line_and_missing_programs_are_named() {
        assert!(version("git").unwrap().starts_with("git version"));
        assert_eq!(
            version("no-such-program-anywhere").unwrap_err(),
            "program not found: no-such-program-anywhere"
        );
        assert!(find("sh").is_some() && find("").is_none() && find("/etc").is_none());
    }
}
