//! What an attempt used: looked at now and then while it runs long, put together when it is reaped. A short one costs
//! nothing but the call that reaps it. Decides nothing.

use std::time::{Duration, Instant};

use super::os;
use super::tree::{self, Memory};
use crate::event::{Measured, Usage};

/// A process that ends before is not looked at.
const FIRST: Duration = Duration::from_millis(100);
/// The distance between two looks doubles up to this.
const LONGEST: Duration = Duration::from_secs(2);
/// The kernel's own counts differ by as much from one processor to the next.
const SLACK: u64 = 512 << 10;

/// Looks at one process and its descendants.
#[derive(Debug)]
pub(super) struct Sampler {
    pid: i32,
    next: Instant,
    distance: Duration,
    seen: Memory,
}

impl Sampler {
    pub(super) fn new(pid: i32) -> Self {
        Sampler { pid, next: Instant::now() + FIRST, distance: FIRST, seen: Memory::default() }
    }

    /// When it wants to look again.
    pub(super) fn due(&self) -> Instant {
        self.next
    }

    pub(super) fn look(&mut self, now: Instant) {
        if now < self.next {
            return;
        }
        let held = tree::memory(self.pid);
        self.seen = Memory {
            largest: self.seen.largest.max(held.largest),
            together: self.seen.together.max(held.together),
        };
        self.distance = (self.distance * 2).min(LONGEST);
        // Counted from the end of the look: one that takes long is made more seldom.
        self.next = Instant::now() + self.distance;
    }

    /// What the reaped process used, with what was seen of it.
    pub(super) fn complete(&self, usage: Usage) -> Usage {
        with(usage, self.seen, os::own_peak())
    }
}

/// A child shares the engine's memory until it executes its program, and the kernel counts that to it: what wait4 says is
/// only sure above the engine's own peak.
fn with(usage: Usage, seen: Memory, own_peak: u64) -> Usage {
    let (max_rss, how) = match usage.max_rss {
        told if told > own_peak + SLACK => (told, Measured::Wait4),
        told if seen.largest > 0 => (seen.largest.min(told.max(1)), Measured::Sampled),
        told => (told, Measured::AtMost),
    };
    Usage { max_rss, how, tree_rss: seen.together, ..usage }
}

/// Several processes one after the other.
pub(super) fn add(sum: &mut Usage, usage: &Usage) {
    sum.user_us += usage.user_us;
    sum.system_us += usage.system_us;
    sum.user_ms = sum.user_us / 1000;
    sum.system_ms = sum.system_us / 1000;
    sum.read_bytes += usage.read_bytes;
    sum.written_bytes += usage.written_bytes;
    sum.waits += usage.waits;
    sum.preempted += usage.preempted;
    sum.tree_rss = sum.tree_rss.max(usage.tree_rss);
    if usage.max_rss > sum.max_rss {
        sum.max_rss = usage.max_rss;
        sum.how = usage.how;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn known(told: u64, largest: u64) -> (u64, Measured) {
        let usage = Usage { max_rss: told * MB, ..Usage::default() };
        let seen = Memory { largest: largest * MB, together: 0 };
        let usage = with(usage, seen, 20 * MB);
        (usage.max_rss / MB, usage.how)
    }

    #[test]
    fn what_may_be_the_engines_own_memory_is_not_called_the_stages() {
        assert_eq!(known(90, 0), (90, Measured::Wait4));
        assert_eq!(known(90, 50), (90, Measured::Wait4));
        assert_eq!(known(20, 3), (3, Measured::Sampled));
        assert_eq!(known(20, 0), (20, Measured::AtMost));
    }

    #[test]
    fn processes_in_a_row_add_their_time_and_not_their_memory() {
        let one = Usage { user_us: 700, max_rss: 5, waits: 2, ..Usage::default() };
        let mut sum = Usage::default();
        add(&mut sum, &one);
        add(&mut sum, &Usage { max_rss: 3, how: Measured::Sampled, ..one });
        assert_eq!((sum.user_us, sum.user_ms, sum.max_rss, sum.waits), (1_400, 1, 5, 4));
        assert_eq!(sum.how, Measured::Wait4);
    }
}
