//! What is not wrong in form but odd, risky or never true; one file a family of the catalogue. Each lint is a
//! function over the same context; allowing, levels and order are `settle`'s.

mod anchors;
mod breaker;
mod conditions;
mod credentials;
mod deploy;
mod drops;
mod gates;
mod graph;
mod help;
mod likeness;
mod matrix;
mod names;
mod never;
mod principle;
mod ranges;
mod reach;
mod reads;
mod repair;
mod retry;
mod security;
mod shell;
mod style;
mod time;
mod truth;
mod twice;
mod writes;

use std::collections::{HashMap, HashSet};

use crate::base::Span;
use crate::diag::Diagnostic;
use crate::syntax::ast::Statement;
use crate::syntax::spacing;

use super::declare::{Declared, Item};
use super::schema::{self, row};
use super::{LaneId, Model, ModuleId, ResolvedLane, Stage, StageId};

/// What every lint reads.
pub(super) struct Context<'a> {
    pub model: &'a Model,
    /// Names, statements and sources.
    pub declared: &'a Declared<'a>,
    /// The lanes that could be put together.
    pub resolved: &'a HashMap<LaneId, ResolvedLane>,
    /// Modules with lanes that could not: what "no lane does" is not known of them.
    pub failed: &'a HashSet<ModuleId>,
    /// Files without lanes, as the one lane they mean.
    pub files: &'a [(ModuleId, ResolvedLane)],
}

/// Of gates, lanes and policies.
const JUDGEMENT: &[fn(&Context<'_>, &mut Vec<Diagnostic>)] = &[
    gates::never_asked,
    gates::impossible,
    gates::skippable,
    gates::reads_unneeded,
    gates::unreachable_events,
    gates::idle_overrides,
    breaker::breakers,
    credentials::hardcoded,
    principle::broken,
    help::rules,
];

/// Those that look into scripts as well.
const WITH_SCRIPTS: &[shell::Lint] = &[
    security::fetched_and_run,
    security::dangerous,
    security::overbroad,
    deploy::repeated,
    deploy::unjudged,
    repair::rules,
];

/// Of names, the graph, time and data, in the order of the catalogue.
const LINTS: &[fn(&Context<'_>, &mut Vec<Diagnostic>)] = &[
    names::unused,
    anchors::unanchored,
    graph::skips_that_spread,
    graph::unreachable,
    graph::redundant,
    ranges::loose,
    matrix::explosion,
    conditions::settled,
    drops::dropped,
    time::outlasting,
    time::unreachable_sla,
    time::early_deadline,
    time::unbounded,
    time::useless_parallel,
    retry::of_once,
    retry::pointless,
    retry::jitter,
    retry::over_budget,
    writes::in_lanes,
    writes::instances,
    reads::undeclared,
    style::undocumented,
    style::naming,
    style::long_scripts,
    twice::lists,
];

/// All that the lints find in files that were asked about.
pub(super) fn run(context: &Context<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for lint in LINTS.iter().chain(JUDGEMENT) {
        lint(context, &mut found);
    }
    let scripts = shell::scripts(context);
    for lint in shell::LINTS.iter().chain(WITH_SCRIPTS) {
        lint(context, &scripts, &mut found);
    }
    found
}

impl<'a> Context<'a> {
    /// Whether the module was asked about, as opposed to imported or built in.
    pub fn asked(&self, module: ModuleId) -> bool {
        self.declared.units[module as usize].given
    }

    /// The lanes of files that were asked about, and the files without lanes that nobody imports, in their order.
    pub fn lanes(&self) -> Vec<&'a ResolvedLane> {
        let asked = self.model.lanes.iter().filter(|lane| self.asked(lane.module));
        let imported: HashSet<usize> = self
            .declared
            .units
            .iter()
            .flat_map(|unit| &unit.imports)
            .filter_map(|import| import.unit)
            .collect();
        let files = self.files.iter().filter(|(module, _)| !imported.contains(&(*module as usize)));
        asked.filter_map(|lane| self.resolved.get(&lane.id)).chain(files.map(|(_, lane)| lane)).collect()
    }

    /// Of each stage whether all that it needs and follows was understood: who waits for whom is not known
    /// otherwise.
    pub fn known_edges(&self) -> Vec<bool> {
        let garbled: Vec<bool> =
            (0..self.declared.units.len() as ModuleId).map(|module| self.garbled(module)).collect();
        let of = |(stage, item): (&Stage, &Item<'_>)| {
            let edges = item
                .statement
                .body()
                .iter()
                .filter(|inner| matches!(inner.head.text.as_str(), "needs" | "follows"));
            let named: usize = edges.map(|inner| inner.operands().len()).sum();
            !garbled[stage.module as usize] && named == stage.needs.len() + stage.follows.len()
        };
        self.model.stages.iter().zip(&self.declared.stages).map(|(stage, item)| of((stage, item))).collect()
    }

    /// The text of a place, quoted, when it is short enough to be repeated in a message.
    pub fn text(&self, span: Span) -> String {
        match spacing::one_line(self.declared.sources.text(span)) {
            text if text.len() <= 80 => format!("`{text}`"),
            _ => "this".to_owned(),
        }
    }

    /// The place of a stage's own first statement of a keyword.
    pub fn setting(&self, stage: StageId, keyword: &str) -> Option<Span> {
        let body = self.declared.stages.get(stage as usize)?.statement.body();
        body.iter().find(|statement| statement.head.text == keyword).map(|statement| statement.span)
    }

    /// Whether some statement of the module could not be read, so that what seems missing may be in it.
    pub fn garbled(&self, module: ModuleId) -> bool {
        let tree = &self.declared.units[module as usize].tree;
        let lost = |statement: &Statement| {
            statement.broken || row(schema::Context::File, &statement.head.text).is_none()
        };
        tree.refused > 0 || tree.statements.iter().any(lost)
    }
}
