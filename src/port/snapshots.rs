//! The seam to the project's files as they were at some moment of a run. Implemented by `workspace`.

/// The project's files as they were, kept beside the project. Ids are opaque.
pub trait Snapshots: Send + Sync {
    /// Records the files now; the id of the same content is the same.
    fn take(&self) -> Result<String, String>;
    /// What `restore` would do.
    fn compare(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String>;
    /// Makes the files what they were in `to`, but for changes that the run did not make: `known` are the snapshots of the
    /// run in order; a file whose content now is not what the last of them says was changed by somebody else and is kept
    /// (beside, where both changed).
    fn restore(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String>;
}

/// What becomes of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    pub path: String,
    pub what: Restoring,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Restoring {
    Added,
    Removed,
    Changed,
    ModeChanged,
    /// Changed by somebody else since: left as it is.
    Left,
    /// Both changed it: ours restored, theirs kept at this path.
    Beside(String),
}
