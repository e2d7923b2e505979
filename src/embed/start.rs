//! From a chosen lane to a plan: reads the facts of the start, gives parameters, refuses what cannot run. Starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diagnostic;
use crate::expr::facts::FactValues;
use crate::facts::{ChangeFlags, World};
use crate::history;
use crate::model::ResolvedLane;
use crate::plan::Plan;
use crate::plan::build::{self, Given};
use crate::port::Facts;

use super::{Chosen, Error, Project};

/// What a person asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// A lane, or a `.wfl` file.
    pub target: Option<String>,
    /// The lane of that file.
    pub lane: Option<String>,
    /// Parameters as written.
    pub set: Vec<(String, String)>,
    pub change: Change,
}

/// What is changed, where git is not to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    pub id: Option<String>,
    pub kind: Option<String>,
    pub files: Option<Vec<String>>,
}

/// A plan ready to run, and what led to it.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    pub change: history::Change,
    pub chosen: Chosen,
}
