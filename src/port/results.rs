//! The seam to results that runs share: what decides one is read here, earlier ones are looked up, and the files they
//! left are compared, kept and brought back. Implemented where store, contents and programs meet; decides nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::event::{FileMark, Files, Keyed, RunId};

use super::AttemptSpec;

/// The input files of a stage as they are now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InputFiles {
    pub files: Files,
    /// Over all of them: 64 hex digits.
    pub hash: String,
    /// A link to a folder outside of the project, whose content is not looked at.
    pub beyond: Option<String>,
}

/// A result as it was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The run that recorded it last.
    pub run: RunId,
    pub keyed: Keyed,
    pub files: Files,
    /// It was found out not to follow from its key, and how.
    pub revoked: Option<String>,
}

/// Called by workers, on any thread. Errors are one line for a person.
pub trait Results: Send + Sync {
    /// The files that match, without those of `except` (absolute).
    fn inputs(&self, globs: &[String], except: &[PathBuf]) -> Result<InputFiles, String>;
    /// Every program the attempt is known to start: its file and what that holds.
    fn programs(&self, spec: &AttemptSpec) -> BTreeMap<String, String>;
    /// The variables that a clean environment lets through, each with a hash of its value.
    fn passed(&self, globs: &[String]) -> BTreeMap<String, String>;
    /// A file or folder (absolute) as it is now.
    fn mark(&self, path: &Path) -> Result<FileMark, String>;
    /// The result under the key, and the newest of the stage.
    fn find(&self, stage: &str, key: &str) -> Result<(Option<Stored>, Option<Stored>), String>;
    /// Makes the file (absolute) what `mark` says, from a kept copy.
    fn bring_back(&self, path: &Path, mark: &FileMark) -> Result<(), String>;
    /// Keeps a copy of the file (absolute), which must hold what `mark` says.
    fn keep(&self, path: &Path, mark: &FileMark) -> Result<(), String>;
}
