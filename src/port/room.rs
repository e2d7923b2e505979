//! What room the machine has for more processes, as it was read at one moment. Plain data; judges nothing.

/// A reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Room {
    /// Processors that this process may use, what is left of one counted as one.
    pub processors: u32,
    /// What sets that number: `2 processors`, `a quota of 1.5 of 8 processors`.
    pub limited_by: String,
    /// None where it cannot be read.
    pub memory: Option<Memory>,
    pub load: Option<Load>,
    /// Percent of the last ten seconds in which some process waited for a processor.
    pub processor_stall: Option<f64>,
    /// Percent of the last ten seconds in which no process went on, for all waited for memory.
    pub memory_stall: Option<f64>,
}

/// Bytes, of the machine or of what this process may use of it, whichever leaves less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Can be taken without swapping.
    pub free: u64,
    pub total: u64,
}

/// Processes of the whole machine that want a processor.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Load {
    /// On average over the last minute.
    pub minute: f64,
    /// Right now, the reader not counted.
    pub now: u32,
}
