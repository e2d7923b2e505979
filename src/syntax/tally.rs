//! Counts the steps of the passes in tests, so that growth is judged by counting and not by a clock. Does nothing else.

#[cfg(test)]
thread_local! {
    static STEPS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// One step of a loop that looks ahead or goes on.
#[inline]
pub(super) fn tick() {
    #[cfg(test)]
    STEPS.with(|steps| steps.set(steps.get() + 1));
}

/// The steps since the last time.
#[cfg(test)]
pub(super) fn take() -> usize {
    STEPS.with(std::cell::Cell::take)
}
