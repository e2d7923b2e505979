//! Which stages and branches of lanes the tests went through. Counts only what a run really did: a gate that no mock
//! describes was carried out, but it was not judged.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::SourceMap;
use crate::event::{Event, NodeIndex, Status, WaitFor};
use crate::model::{LaneId, ModuleId, ResolvedLane, StageKind};

use super::rehearsal::Played;
use super::staging::Cue;
use super::{Tested, Theatre, Verdict};

/// Something a run went through; stages by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reached {
    CarriedOut(String),
    Skipped(String),
    Branch(Branch),
}

/// One of the ways on at a place where there are several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Branch {
    WhenTrue(String),
    WhenFalse(String),
    GatePassed(String),
    GateFailed(String),
    Retried(String),
    Approved(String),
    NotApproved(String),
    /// A stage or gate ended badly, so that `on-failure` had a say.
    OnFailure,
    SelectTrue,
    SelectFalse,
}

impl Branch {
    /// The stage it belongs to; none of the lane's own.
    pub fn stage(&self) -> Option<&str> {
        match self {
            Branch::WhenTrue(stage)
            | Branch::WhenFalse(stage)
            | Branch::GatePassed(stage)
            | Branch::GateFailed(stage)
            | Branch::Retried(stage)
            | Branch::Approved(stage)
            | Branch::NotApproved(stage) => Some(stage),
            Branch::OnFailure | Branch::SelectTrue | Branch::SelectFalse => None,
        }
    }

    /// What happens on it, in words.
    pub fn words(&self) -> &'static str {
        match self {
            Branch::WhenTrue(_) => "when true",
            Branch::WhenFalse(_) => "when false",
            Branch::GatePassed(_) => "judged and passed",
            Branch::GateFailed(_) => "failed",
            Branch::Retried(_) => "retried",
            Branch::Approved(_) => "approved",
            Branch::NotApproved(_) => "rejected or expired",
            Branch::OnFailure => "on-failure",
            Branch::SelectTrue => "select true",
            Branch::SelectFalse => "select false",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    pub files: Vec<FileCoverage>,
}

/// The lanes of one file and those that its tests name.
#[derive(Clone, Debug, PartialEq)]
pub struct FileCoverage {
    pub file: String,
    pub lanes: Vec<LaneCoverage>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LaneCoverage {
    pub name: String,
    /// Tests of the file that played the lane.
    pub tests: usize,
    pub stages: Vec<StageCoverage>,
    /// Every branch, and whether a test took it.
    pub branches: Vec<(Branch, bool)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StageCoverage {
    pub name: String,
    pub gate: bool,
    pub carried_out: bool,
    pub skipped: bool,
}

impl LaneCoverage {
    pub fn stages_carried_out(&self) -> usize {
        self.stages.iter().filter(|stage| stage.carried_out).count()
    }

    pub fn branches_taken(&self) -> usize {
        self.branches.iter().filter(|(_, taken)| *taken).count()
    }
}

/// What one run went through.
pub(super) fn reached(played: &Played, cues: &[Cue], selected: Option<bool>) -> BTreeSet<Reached> {
    let mut found = BTreeSet::new();
    for record in &played.records {
        let Some(node) = record.event.node() else { continue };
        note(played, cues, node, &record.event, &mut found);
    }
    if played.state.first_failure.is_some() {
        found.insert(Reached::Branch(Branch::OnFailure));
    }
    let select = selected.map(|fits| if fits { Branch::SelectTrue } else { Branch::SelectFalse });
    found.extend(select.map(Reached::Branch));
    found
}

fn note(played: &Played, cues: &[Cue], node: NodeIndex, event: &Event, found: &mut BTreeSet<Reached>) {
    let spec = &played.plan.nodes[node as usize];
    let Some(stage) = played.plan.stages.get(spec.stage as usize) else { return };
    let name = || stage.name.clone();
    let mut branch = |branch: Branch| {
        found.insert(Reached::Branch(branch));
    };
    let mut wanted = false;
    match event {
        Event::StageStarted { .. } | Event::ApprovalRequested { .. } => wanted = true,
        Event::StageWaiting { on: WaitFor::Retry, .. } => branch(Branch::Retried(name())),
        Event::ApprovalGiven { approved: false, .. } | Event::ApprovalExpired { .. } => {
            branch(Branch::NotApproved(name()));
        }
        Event::ApprovalGiven { .. } => branch(Branch::Approved(name())),
        Event::GateJudged { checks, error, .. } => {
            wanted = true;
            if error.is_some() || checks.iter().any(|check| !check.held) {
                branch(Branch::GateFailed(name()));
            } else if cues.get(node as usize).is_some_and(|cue| cue.judged) {
                branch(Branch::GatePassed(name()));
            }
        }
        Event::StageFinished { status: Status::Skipped, reason, .. } => {
            if reason.as_deref().is_some_and(|reason| reason.starts_with("`when ")) {
                branch(Branch::WhenFalse(name()));
            }
            found.insert(Reached::Skipped(name()));
            return;
        }
        Event::StageFinished { status: Status::Waived, .. } => {
            found.insert(Reached::Skipped(name()));
            return;
        }
        // Without actions a stage succeeds, or fails its conditions, without a start.
        Event::StageFinished { status: Status::Succeeded, .. } => wanted = true,
        _ => {}
    }
    if wanted && spec.when.is_some() {
        found.insert(Reached::Branch(Branch::WhenTrue(name())));
    }
    if wanted && !matches!(event, Event::ApprovalRequested { .. }) {
        found.insert(Reached::CarriedOut(name()));
    }
}

/// The coverage of the tests played, by the file they stand in. `modules` are the files that were asked about.
pub fn coverage(
    theatre: &mut Theatre<'_>,
    sources: &SourceMap,
    modules: &[ModuleId],
    tested: &[Tested],
) -> Coverage {
    let mut files = Vec::new();
    for module in modules {
        let Some(file) = theatre.model().modules.get(*module as usize) else { continue };
        let path = sources.get(file.file).path.clone();
        let played: Vec<&Tested> = tested
            .iter()
            .filter(|tested| tested.module == *module && !matches!(tested.verdict, Verdict::Unplayable(_)))
            .collect();
        let mut ids: Vec<LaneId> = file.lanes.clone();
        for id in played.iter().filter_map(|tested| tested.lane_id) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut lanes = Vec::new();
        for id in ids {
            let by: Vec<&Tested> =
                played.iter().filter(|tested| tested.lane_id == Some(id)).copied().collect();
            if let Some(lane) = theatre.lane(id) {
                lanes.push(of_lane(lane, &by));
            }
        }
        if !lanes.is_empty() {
            files.push(FileCoverage { file: path, lanes });
        }
    }
    Coverage { files }
}

fn of_lane(lane: &ResolvedLane, tested: &[&Tested]) -> LaneCoverage {
    let mut reached: BTreeMap<&Reached, usize> = BTreeMap::new();
    for found in tested.iter().flat_map(|tested| &tested.reached) {
        *reached.entry(found).or_default() += 1;
    }
    let stages = lane.stages.iter().map(|stage| StageCoverage {
        name: stage.name.clone(),
        gate: stage.kind == StageKind::Gate,
        carried_out: reached.contains_key(&Reached::CarriedOut(stage.name.clone())),
        skipped: reached.contains_key(&Reached::Skipped(stage.name.clone())),
    });
    let branches = branches(lane).into_iter().map(|branch| {
        let taken = reached.contains_key(&Reached::Branch(branch.clone()));
        (branch, taken)
    });
    LaneCoverage {
        name: lane.name.clone(),
        tests: tested.len(),
        stages: stages.collect(),
        branches: branches.collect(),
    }
}

/// Every branch a lane has, in the order of its stages. What it waives is no branch.
fn branches(lane: &ResolvedLane) -> Vec<Branch> {
    let mut found = Vec::new();
    for (index, stage) in (0u32..).zip(&lane.stages) {
        let name = || stage.name.clone();
        if lane.waived.iter().any(|(id, _)| *id == stage.id) {
            continue;
        }
        if stage.when.is_some() {
            found.extend([Branch::WhenTrue(name()), Branch::WhenFalse(name())]);
        }
        if lane.approvals.iter().any(|approval| approval.before == index) {
            found.extend([Branch::Approved(name()), Branch::NotApproved(name())]);
        }
        if stage.retry.is_some() {
            found.push(Branch::Retried(name()));
        }
        if stage.kind == StageKind::Gate {
            found.extend([Branch::GatePassed(name()), Branch::GateFailed(name())]);
        }
    }
    found.push(Branch::OnFailure);
    if lane.select.is_some() {
        found.extend([Branch::SelectTrue, Branch::SelectFalse]);
    }
    found
}
