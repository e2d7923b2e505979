//! What a lane uses that is checked but cannot be run yet: refused before anything starts. Knows no engine.

use std::collections::BTreeSet;

use crate::diag::{Diagnostic, codes};
use crate::model::{Concerns, LaneId, Model, ModuleId, NotYet, ResolvedLane, StageId};

use super::reach::called_by;

/// E950 for each such construct of the lane, of those it extends and calls, of their stages and of their modules.
pub fn refusals(model: &Model, lane: &ResolvedLane) -> Vec<Diagnostic> {
    concerning(model, lane).into_iter().map(refusal).collect()
}

/// E950 of one construct.
pub fn refusal(entry: &NotYet) -> Diagnostic {
    Diagnostic::new(&codes::E950, entry.span, format!("{} cannot be run yet", entry.what))
        .help("nothing was started; use a lane without it")
}

/// What the lane touches that cannot be run yet.
pub fn concerning<'m>(model: &'m Model, lane: &ResolvedLane) -> Vec<&'m NotYet> {
    let called = called_by(model, lane);
    let held = || std::iter::once(lane).chain(&called);
    let stages: BTreeSet<StageId> = held().flat_map(|lane| &lane.stages).map(|stage| stage.id).collect();
    let run = ancestry(model, lane.id);
    let lanes: BTreeSet<LaneId> = held().flat_map(|lane| ancestry(model, lane.id)).collect();
    let modules = modules(model, lane);
    let concerned = |concerns: &Concerns| match concerns {
        Concerns::Stage(id) => stages.contains(id),
        Concerns::Lane(id) => lanes.contains(id),
        Concerns::Run(id) => run.contains(id),
        Concerns::Module(id) => modules.contains(id),
    };
    model.not_yet.iter().filter(|entry| concerned(&entry.concerns)).collect()
}

/// The files that the lane, those it extends and calls, and their stages come from.
pub(super) fn modules(model: &Model, lane: &ResolvedLane) -> BTreeSet<ModuleId> {
    let called = called_by(model, lane);
    let held = || std::iter::once(lane).chain(&called);
    let lanes: BTreeSet<LaneId> = held().flat_map(|lane| ancestry(model, lane.id)).collect();
    let of_stages = held().flat_map(|lane| &lane.stages).map(|stage| stage.module);
    let of_lanes = lanes.iter().filter_map(|id| model.lanes.get(*id as usize)).map(|lane| lane.module);
    of_stages.chain(of_lanes).collect()
}

/// The lane and every lane it extends.
fn ancestry(model: &Model, lane: LaneId) -> BTreeSet<LaneId> {
    let mut found = BTreeSet::new();
    let mut at = Some(lane);
    while let Some(id) = at.filter(|id| found.insert(*id)) {
        at = model.lanes.get(id as usize).and_then(|lane| lane.extends.as_ref()).map(|(parent, _)| *parent);
    }
    found
}
