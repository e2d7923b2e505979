//! The seam to the project's files as they were at some moment of a run: recorded, compared, brought back. Implemented by
//! `workspace`.

/// Recorded states of the project's files. Each has an id that names it as long as its run is kept.
///
/// `known` are the snapshots of the run in the order they were taken; those up to the first `to` in it are passed over.
/// One written with a `+` before it was taken before work of the run went on (at its start, when it was resumed, before
/// a stage that nothing ran beside): what differs from the one before was done by somebody else.
pub trait Snapshots: Send + Sync {
    /// Records the files as they are now. The same files have the same id.
    fn take(&self) -> Result<String, String>;
    /// What [`Snapshots::restore`] would do now. Changes nothing.
    fn compare(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String>;
    /// Makes each file that the run touched what it was before: in `to`, or as somebody else left it since, before the
    /// run touched it. What somebody else changed afterwards is never lost. Killed and asked again, it ends the same.
    fn restore(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String>;
    /// What [`Snapshots::restore`] would do to text files, as a unified diff of at most so many lines.
    fn diff(&self, to: &str, known: &[String], lines: usize) -> Result<String, String>;
}

/// One file that is not as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// Relative to the root; bytes that are no UTF-8 are replaced.
    pub path: String,
    pub what: Restoring,
}

/// What restoring does, or did, to a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Restoring {
    /// It was gone and is there again.
    Added,
    /// It was new and is gone.
    Removed,
    Changed,
    ModeChanged,
    /// Somebody else changed it, and the run's part, if any, cannot be told from theirs: left as it is.
    Left,
    /// The run and somebody else changed it: theirs is kept under this name beside it.
    Beside(String),
    /// It could not be done; why. Nothing of the file was changed.
    Failed(String),
}
