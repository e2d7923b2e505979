//! What is recorded of a stage's result so that a later run can take it: the files it left, and everything that decided
//! it. Plain data; compares nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RunId;
use crate::base::{Timestamp, Value};

/// A file, or a folder as a whole, as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Of its bytes; of a folder of its files' paths, modes and bytes. 64 hex digits.
    pub hash: String,
    #[serde(default, skip_serializing_if = "is_false")]
    pub executable: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub folder: bool,
    /// A copy is kept until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Timestamp>,
}

impl FileMark {
    /// Whether the content is the same; how long a copy is kept does not matter.
    pub fn same_content(&self, other: &FileMark) -> bool {
        (&self.hash, self.executable, self.folder) == (&other.hash, other.executable, other.folder)
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Files by path, relative to the root.
pub type Files = BTreeMap<String, FileMark>;

/// A result under the key of everything that decided it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Keyed {
    /// 64 hex digits.
    pub key: String,
    /// What decided it, by name, each with its value or, where that is long, its hash.
    pub parts: BTreeMap<String, String>,
    /// The input files, each with the beginning of its hash; none when there are too many to tell one from another.
    #[serde(default)]
    pub inputs: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub outputs: BTreeMap<String, Value>,
    /// The run that made the result, when this one only took it.
    #[serde(default)]
    pub made_by: Option<RunId>,
}

/// What was decided when a stage's key was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compared {
    /// An earlier result is taken.
    Reused,
    /// There is none that may be taken.
    Ran,
    /// There is one, and the stage runs all the same to compare with it.
    Checked,
}
