//! One process and its group, from start to reaped: output, end, timeout, cancel. Knows no action and no stage.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::launch::Started;
use super::measure::Sampler;
use super::os;
use super::stop::Stop;
use super::tree::{self, Member};
use crate::capture::{Capture, Stream};
use crate::event::Usage;

/// After the process ended, a grandchild may still hold its pipe: this long we listen on.
const DRAIN: Duration = Duration::from_millis(200);
/// Size of a pipe on Linux: one read empties it.
const BUFFER: usize = 64 << 10;
/// How often to look where the kernel gives no descriptor to wait on.
const TICK: Duration = Duration::from_millis(10);

/// Why a process was ended, if it did not end by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    TimedOut,
    Cancelled,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) usage: Usage,
    pub(super) cut: Option<Cut>,
    /// When it started, if it was cut, in the kernel's ticks.
    pub(super) born: Option<u64>,
    /// Those below it when it was cut, wherever they have gone since.
    pub(super) below: Vec<Member>,
}

/// What bounds a process.
#[derive(Clone, Copy)]
pub(super) struct Limits<'a> {
    pub(super) stop: &'a Stop,
    pub(super) deadline: Option<Instant>,
    /// Between TERM and KILL.
    pub(super) grace: Duration,
}

/// Follows a child, which leads its own process group, to its end, and reaps it.
pub(super) fn follow(
    child: Started,
    limits: Limits<'_>,
    capture: &mut Capture<'_>,
    buffer: &mut Vec<u8>,
) -> io::Result<Finished> {
    let raw = child.pid;
    let pid = Pid::from_raw(raw).ok_or(io::ErrorKind::InvalidInput)?;
    let mut watch = Watch {
        pid,
        pidfd: child.pidfd,
        out: child.out,
        err: child.err,
        limits,
        cut: None,
        kill_at: None,
        killed: false,
        listen_until: None,
        sampler: Sampler::new(raw),
        below: BTreeSet::new(),
    };
    while !watch.done() {
        watch.step(capture, buffer)?;
    }
    // Not reaped yet, so the group's number cannot have been given to anyone else.
    let _ = kill_process_group(pid, Signal::KILL);
    let born = watch.cut.and_then(|_| tree::stat(raw)).map(|stat| stat.born);
    let (status, usage) = os::reap(raw)?;
    let usage = watch.sampler.complete(usage);
    Ok(Finished { status, usage, cut: watch.cut, born, below: watch.below.into_iter().collect() })
}

struct Watch<'a> {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    out: Option<OwnedFd>,
    err: Option<OwnedFd>,
    limits: Limits<'a>,
    cut: Option<Cut>,
    /// TERM was sent; KILL follows at this time.
    kill_at: Option<Instant>,
    killed: bool,
    /// Set once the process has ended.
    listen_until: Option<Instant>,
    sampler: Sampler,
    below: BTreeSet<Member>,
}

impl Watch<'_> {
    fn done(&self) -> bool {
        match self.listen_until {
            Some(until) => (self.out.is_none() && self.err.is_none()) || Instant::now() >= until,
            None => false,
        }
    }

    /// Waits for whatever comes next and deals with it.
    fn step(&mut self, capture: &mut Capture<'_>, buffer: &mut Vec<u8>) -> io::Result<()> {
        let [stop, out, err, ended] = self.wait()?;
        read(&mut self.out, out, Stream::Stdout, capture, buffer);
        read(&mut self.err, err, Stream::Stderr, capture, buffer);
        if !stop.is_empty() {
            let grace = self.limits.stop.take();
            self.end(Cut::Cancelled, grace);
        }
        if self.listen_until.is_none() && (!ended.is_empty() || self.ended_unseen()) {
            // One that was told to end may leave children that still tidy up: they have their grace.
            let until = Instant::now() + DRAIN;
            self.listen_until = Some(self.kill_at.filter(|_| !self.killed).unwrap_or(until));
        }
        self.keep_time();
        Ok(())
    }

    /// What is there of stop, stdout, stderr and the process's end; nothing when time ran out first.
    fn wait(&self) -> io::Result<[PollFlags; 4]> {
        let stop = self.limits.stop.as_fd();
        let ended = self.pidfd.as_ref().filter(|_| self.listen_until.is_none());
        let mut fds = [
            PollFd::from_borrowed_fd(stop, PollFlags::IN),
            entry(self.out.as_ref(), stop),
            entry(self.err.as_ref(), stop),
            entry(ended, stop),
        ];
        let timeout = self.next_time().map(timespec);
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => Ok(fds.map(|fd| fd.revents())),
            Err(rustix::io::Errno::INTR) => Ok([PollFlags::empty(); 4]),
            Err(e) => Err(e.into()),
        }
    }

    /// Time left until something has to be done without being woken.
    fn next_time(&self) -> Option<Duration> {
        let kill_at = self.kill_at.filter(|_| !self.killed);
        let deadline = self.limits.deadline.filter(|_| self.cut.is_none() && self.listen_until.is_none());
        let look = Some(self.sampler.due()).filter(|_| self.listen_until.is_none());
        let next = [kill_at, deadline, self.listen_until, look].into_iter().flatten().min();
        let left = next.map(|at| at.saturating_duration_since(Instant::now()));
        match (&self.pidfd, self.listen_until) {
            (None, None) => Some(left.map_or(TICK, |left| left.min(TICK))),
            _ => left,
        }
    }

    fn keep_time(&mut self) {
        let now = Instant::now();
        if self.listen_until.is_none() {
            self.sampler.look(now);
        }
        let running = self.listen_until.is_none() && self.cut.is_none();
        if running && self.limits.deadline.is_some_and(|deadline| now >= deadline) {
            self.end(Cut::TimedOut, self.limits.grace);
        }
        if !self.killed && self.kill_at.is_some_and(|at| now >= at) {
            self.killed = true;
            self.below.extend(tree::descendants(self.pid.as_raw_pid()));
            let _ = kill_process_group(self.pid, Signal::KILL);
        }
    }

    /// TERM now, KILL after `grace`; asked again, KILL comes no later than before.
    fn end(&mut self, cut: Cut, grace: Duration) {
        let at = Instant::now() + grace.min(Duration::from_secs(86_400));
        self.kill_at = Some(self.kill_at.map_or(at, |before| before.min(at)));
        self.listen_until = self.listen_until.map(|until| until.min(at));
        if self.cut.is_none() {
            self.cut = Some(cut);
            self.below.extend(tree::descendants(self.pid.as_raw_pid()));
            let _ = kill_process_group(self.pid, Signal::TERM);
            // A stopped process would not see TERM before its grace is over.
            let _ = kill_process_group(self.pid, Signal::CONT);
        }
    }

    /// For kernels without a process descriptor.
    fn ended_unseen(&self) -> bool {
        if self.pidfd.is_some() {
            return false;
        }
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(self.pid), options), Ok(Some(_)))
    }
}

/// A closed descriptor is replaced by one that is asked for nothing.
fn entry<'a>(fd: Option<&'a OwnedFd>, other: BorrowedFd<'a>) -> PollFd<'a> {
    match fd {
        Some(fd) => PollFd::from_borrowed_fd(fd.as_fd(), PollFlags::IN),
        None => PollFd::from_borrowed_fd(other, PollFlags::empty()),
    }
}

/// Reads once, which does not block: poll said there is something. The end alone needs no read, and a process that
/// prints nothing no buffer.
fn read(
    pipe: &mut Option<OwnedFd>,
    there: PollFlags,
    stream: Stream,
    capture: &mut Capture<'_>,
    buffer: &mut Vec<u8>,
) {
    let Some(fd) = pipe.as_ref().filter(|_| !there.is_empty()) else {
        return;
    };
    if !there.contains(PollFlags::IN) {
        *pipe = None;
        return;
    }
    buffer.resize(BUFFER, 0);
    match rustix::io::read(fd, &mut buffer[..]) {
        Ok(0) => *pipe = None,
        Ok(count) => capture.feed(stream, &buffer[..count]),
        Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
        Err(_) => *pipe = None,
    }
}

fn timespec(left: Duration) -> Timespec {
    // Rounded up, so that the time has really come when poll returns.
    let left = left + Duration::from_micros(100);
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
}
