//! What is not wrong in form but odd, risky or never true; one file a family of the catalogue. Each lint is a
//! function over the same context; allowing, levels and order are `settle`'s.

mod graph;
mod names;
mod time;

use std::collections::{HashMap, HashSet};

use crate::diag::Diagnostic;

use super::declare::Declared;
use super::{LaneId, Model, ModuleId, ResolvedLane};

/// What every lint reads.
pub(super) struct Context<'a> {
    pub model: &'a Model,
    /// Names, statements and sources.
    pub declared: &'a Declared<'a>,
    /// The lanes that could be put together.
    pub resolved: &'a HashMap<LaneId, ResolvedLane>,
    /// Modules with lanes that could not: what "no lane does" is not known of them.
    pub failed: &'a HashSet<ModuleId>,
}

/// Every lint, in the order of the catalogue.
const LINTS: &[fn(&Context<'_>, &mut Vec<Diagnostic>)] =
    &[names::unused, graph::skips_that_spread, graph::unreachable, time::outlasting];

/// All that the lints find in files that were asked about.
pub(super) fn run(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for lint in LINTS {
        lint(context, &mut found);
    }
    found
}

impl Context<'_> {
    /// Whether the module was asked about, as opposed to imported or built in.
    pub fn asked(&self, module: ModuleId) -> bool {
        self.declared.units[module as usize].given
    }

    /// Whether some statement of the module could not be read, so that what seems missing may be in it.
    pub fn garbled(&self, module: ModuleId) -> bool {
        let tree = &self.declared.units[module as usize].tree;
        tree.refused > 0 || tree.statements.iter().any(|statement| statement.broken)
    }
}
