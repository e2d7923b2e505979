//! What a plan is built from besides the model, and what expressions can see of it before the run. Reads nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{SourceMap, Value};
use crate::expr::Function;
use crate::expr::eval::Scope;
use crate::expr::facts::{Fact, FactKey, FactValues, Phase, find};

use super::Definition;

/// The world at the start of a run.
#[derive(Clone, Debug)]
pub struct Given<'a> {
    pub root: PathBuf,
    /// `--set name=text`, as typed.
    pub set: BTreeMap<String, String>,
    /// Params given as values, by the index of their global: before `set`.
    pub params: BTreeMap<u32, Value>,
    /// The facts [`super::start_facts`] asked for.
    pub facts: FactValues,
    pub definition: Definition,
    pub seed: u64,
    /// Names places for people.
    pub sources: &'a SourceMap,
}

/// Whether a fact is read at run start.
pub(super) fn at_start(key: &FactKey) -> bool {
    find(&key.name).is_some_and(|row| row.phase == Phase::Start)
}

/// Whether a fact is read and pinned when the run starts, be it seen only later.
pub(super) fn pinned(key: &FactKey) -> bool {
    find(&key.name).is_some_and(|row| matches!(row.phase, Phase::Start | Phase::Stored))
}

/// What is known before the run: values of params and lets, facts of the start, one instance's matrix.
pub(super) struct Known<'a> {
    pub(super) functions: &'a [Function],
    pub(super) globals: &'a BTreeMap<u32, Value>,
    pub(super) facts: &'a FactValues,
    pub(super) matrix: &'a [(String, Value)],
}

impl Scope for Known<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        self.globals.get(&index).cloned()
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.functions.get(index as usize)
    }

    fn matrix(&self, name: &str) -> Option<Value> {
        self.matrix.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        self.facts.get(&key.id()).filter(|_| at_start(key)).cloned()
    }
}
