//! The kernel's count of processes it killed for lack of memory, in all memory groups together. Knows no attempt.

use std::fs;
use std::sync::Mutex;

use super::ending::OutOfMemory;

/// The count when it was last looked at; none where the kernel does not tell.
#[derive(Debug)]
pub(super) struct Kills(Mutex<Option<u64>>);

impl Kills {
    pub(super) fn here() -> Self {
        Kills(Mutex::new(count()))
    }

    /// Whether it rose since it was last looked at. Asked only when something was killed.
    pub(super) fn look(&self) -> OutOfMemory {
        let mut last = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let now = count();
        match (std::mem::replace(&mut *last, now), now) {
            (Some(before), Some(now)) if now > before => OutOfMemory::Rose,
            (Some(_), Some(_)) => OutOfMemory::Same,
            _ => OutOfMemory::Untold,
        }
    }
}

fn count() -> Option<u64> {
    let text = fs::read_to_string("/proc/vmstat").ok()?;
    text.lines().find_map(|line| line.strip_prefix("oom_kill "))?.trim().parse().ok()
}
