//! The word from another thread that an attempt shall end. Does not end anything itself.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rustix::event::{EventfdFlags, eventfd};

/// Readable once the attempt is asked to end, and again when asked again, with less patience.
#[derive(Debug)]
pub(super) struct Stop {
    event: OwnedFd,
    asked: AtomicBool,
    grace_ms: AtomicU64,
}

impl Stop {
    pub(super) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Stop { event, asked: AtomicBool::new(false), grace_ms: AtomicU64::new(0) })
    }

    pub(super) fn ask(&self, grace: Duration) {
        self.grace_ms.store(grace.as_millis().min(u128::from(u64::MAX)) as u64, Ordering::SeqCst);
        self.asked.store(true, Ordering::SeqCst);
        let _ = rustix::io::write(&self.event, &1u64.to_ne_bytes());
    }

    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Takes the request off the descriptor; the time between TERM and KILL it grants.
    pub(super) fn take(&self) -> Duration {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.event, &mut count);
        Duration::from_millis(self.grace_ms.load(Ordering::SeqCst))
    }
}

impl AsFd for Stop {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
