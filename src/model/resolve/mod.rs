//! What a lane really holds: the lanes it extends, one after the other, then its own statements, then the edges
//! among what is left. Pure; works on the model alone, so that it can be asked again when a run is planned.

pub mod body;
pub mod cycles;
mod edges;
pub mod graph;
mod members;
mod params;
mod patch;

use std::collections::HashSet;

use crate::base::{IdMap, Shared};
use crate::diag::{Diagnostic, codes};

use super::{
    Approval, LaneId, LaneOutput, LaneParam, Model, ModuleId, OnFailure, Parallel, ResolvedLane, Stage,
    StageId, StageKind,
};
use body::{Include, LaneBody};
use members::State;
pub use patch::implied;

/// What resolving one lane brought: the lane, unless what is wrong leaves nothing sensible.
pub struct Outcome {
    pub lane: Option<ResolvedLane>,
    pub diagnostics: Vec<Diagnostic>,
}

/// What `lane` holds and how it runs.
pub fn lane(model: &Model, id: LaneId) -> Result<ResolvedLane, Vec<Diagnostic>> {
    let (found, circular) = cycles::of_files(model);
    let outcome = outcome(model, id, &circular);
    match outcome.lane {
        Some(lane) if !outcome.diagnostics.iter().any(Diagnostic::is_error) => {
            let held: HashSet<StageId> = lane.stages.iter().map(|stage| stage.id).collect();
            if held.iter().any(|stage| circular.contains(stage)) { Err(found) } else { Ok(lane) }
        }
        _ => Err(outcome.diagnostics),
    }
}

/// As [`lane`], with everything that is wrong in the lane's own statements; `circular` stages were reported.
pub fn outcome(model: &Model, id: LaneId, circular: &HashSet<StageId>) -> Outcome {
    let mut chain = vec![id];
    let mut at = model.lanes[id as usize].extends;
    while let Some((base, _)) = at.filter(|(base, _)| !chain.contains(base)) {
        chain.push(base);
        at = model.lanes[base as usize].extends;
    }
    let mut state = State::new(model);
    let mut diagnostics = Vec::new();
    let mut unsound = false;
    for level in chain.iter().rev() {
        let lane = &model.lanes[*level as usize];
        let Some(body) = model.bodies.get(*level as usize) else { continue };
        let found = state.apply(body, &lane.name, Some(lane));
        unsound |= body.broken || found.iter().any(Diagnostic::is_error);
        if *level == id {
            diagnostics = found;
        }
    }
    if unsound {
        if diagnostics.is_empty() && !model.bodies[id as usize].broken {
            diagnostics.extend(base_is_wrong(model, id));
        }
        return Outcome { lane: None, diagnostics };
    }
    let head = &model.lanes[id as usize];
    if state.stages.is_empty() {
        if model.bodies[id as usize].garbled {
            return Outcome { lane: None, diagnostics };
        }
        diagnostics.push(
            Diagnostic::new(&codes::E212, head.span, format!("lane `{}` holds no stage", head.name))
                .help("name what it holds: `include NAME`, or start from another lane: `extends NAME`"),
        );
        return Outcome { lane: None, diagnostics };
    }
    let mut lane = state.finish(id, head.name.clone(), circular, &mut diagnostics);
    lane.params = params::of(model, &chain);
    diagnostics.extend(params::outputs_held(model, &lane));
    diagnostics.extend(params::of_other_lanes(model, &lane, &chain));
    let own_about = head.about.clone().or_else(|| head.docs.clone());
    lane.about = own_about.or_else(|| {
        chain[1..].iter().find_map(|base| {
            let base = &model.lanes[*base as usize];
            base.about.clone().or_else(|| base.docs.clone())
        })
    });
    Outcome { lane: Some(lane), diagnostics }
}

/// The lane cannot be put together because of one it extends; said where a run asks for it, not by `check`.
fn base_is_wrong(model: &Model, id: LaneId) -> Option<Diagnostic> {
    let lane = &model.lanes[id as usize];
    let (base, span) = lane.extends?;
    let message =
        format!("lane `{}` cannot be used: `{}` has errors", lane.name, model.lanes[base as usize].name);
    let mut found =
        Diagnostic::new(&codes::E607, span, message).help("mend the errors of the lane it extends");
    // The real error stands at the base.
    found.severity = crate::diag::Severity::Info;
    Some(found)
}

/// The places of the keywords that the lane itself overrides in a stage.
pub fn overridden(model: &Model, lane: LaneId, stage: StageId) -> Vec<crate::base::Span> {
    let overrides = model.bodies.get(lane as usize).map_or(&[][..], |body| &body.overrides);
    let patches = overrides.iter().flat_map(|change| &change.patches).filter(|(id, _)| *id == stage);
    patches.flat_map(|(_, patch)| patch.keywords.iter().map(|(_, span)| *span)).collect()
}

/// The lane's own params and those of the lanes it extends.
pub fn params_of(model: &Model, id: LaneId) -> Vec<LaneParam> {
    let mut chain = vec![id];
    let mut at = model.lanes[id as usize].extends;
    while let Some((base, _)) = at.filter(|(base, _)| !chain.contains(base)) {
        chain.push(base);
        at = model.lanes[base as usize].extends;
    }
    params::of(model, &chain)
}

/// All stages and gates of a file, as one lane: what a file without lanes means.
pub fn whole_file(model: &Model, module: ModuleId) -> ResolvedLane {
    whole(model, module, &HashSet::new()).0
}

/// As [`whole_file`], with what is wrong.
pub fn whole(
    model: &Model,
    module: ModuleId,
    circular: &HashSet<StageId>,
) -> (ResolvedLane, Vec<Diagnostic>) {
    let file = &model.modules[module as usize];
    let stem = file.name.rsplit('/').next().unwrap_or(&file.name);
    let name = stem.strip_suffix(".wfl").unwrap_or(stem).to_string();
    let include = Include { stages: file.stages.clone(), span: crate::base::Span::default() };
    let body = LaneBody { includes: vec![include], ..LaneBody::default() };
    let mut state = State::new(model);
    let mut diagnostics = state.apply(&body, &name, None);
    let lane = state.finish(u32::MAX, name, circular, &mut diagnostics);
    (lane, diagnostics)
}

/// Settings that replace each other along the chain of `extends`.
#[derive(Default)]
struct Settings {
    strict: bool,
    parallel: Parallel,
    timeout: Option<crate::expr::Expr>,
    sla: Option<crate::expr::Expr>,
    on_failure: OnFailure,
    recommend_off: bool,
    select: Option<super::Check>,
    finally: Vec<super::Action>,
    meta: Vec<(String, crate::base::Value)>,
    notifies: Vec<crate::base::Span>,
    outputs: Vec<LaneOutput>,
}

impl Settings {
    fn replace(&mut self, body: &LaneBody) {
        if let Some(strict) = &body.strict {
            self.strict = strict.on;
        }
        if let Some(parallel) = body.parallel {
            self.parallel = parallel;
        }
        if let Some((on_failure, _)) = body.on_failure {
            self.on_failure = on_failure;
        }
        self.recommend_off = body.recommend_off.unwrap_or(self.recommend_off);
        self.timeout = body.timeout.clone().or(self.timeout.take());
        self.sla = body.sla.clone().or(self.sla.take());
        self.select = body.select.clone().or(self.select.take());
        if let Some(finally) = &body.finally {
            self.finally = finally.clone();
        }
        if let Some(meta) = &body.meta {
            self.meta = meta.clone();
        }
        self.notifies.extend(&body.notifies);
        for output in &body.outputs {
            self.outputs.retain(|known| known.name != output.name);
            self.outputs.push(output.clone());
        }
    }
}

impl State<'_> {
    fn finish(
        mut self,
        id: LaneId,
        name: String,
        circular: &HashSet<StageId>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> ResolvedLane {
        let mut stages: Vec<Shared<Stage>> = std::mem::take(&mut self.stages).into_values().collect();
        stages.sort_by_key(|stage| (stage.number.is_none(), stage.number, stage.id));
        number_clashes(&stages, diagnostics);
        let index: IdMap<StageId, u32> =
            stages.iter().enumerate().map(|(index, stage)| (stage.id, index as u32)).collect();
        let edges = edges::between(self.model, &stages, &index, &self.replaced);
        let targets = |stage: usize| edges[stage].iter().map(|edge| edge.to as usize);
        if !graph::is_acyclic(stages.len(), targets) {
            let links = edges::links(self.model, &stages, &index, &self.replaced);
            diagnostics.extend(cycles::of_lane(&stages, &links, circular, &name));
        }
        let mut approvals = Vec::new();
        for (stage, rule) in &self.approvals {
            let Some(before) = index.get(stage) else { continue };
            approvals.push(Approval {
                before: *before,
                count: rule.count,
                group: rule.group.clone(),
                timeout: rule.timeout.clone(),
                span: rule.span,
            });
        }
        let mut replaced: Vec<(StageId, StageId)> = self.replaced.into_iter().collect();
        replaced.sort_unstable();
        let waived = self.waived.into_iter().filter(|(gate, _)| index.contains_key(gate)).collect();
        let settings = self.settings;
        ResolvedLane {
            id,
            name,
            about: None,
            stages,
            edges,
            replaced,
            strict: settings.strict,
            waived,
            parallel: settings.parallel,
            timeout: settings.timeout,
            sla: settings.sla,
            on_failure: settings.on_failure,
            recommend_off: settings.recommend_off,
            approvals,
            notifies: settings.notifies,
            select: settings.select,
            finally: settings.finally,
            meta: settings.meta,
            params: Vec::new(),
            outputs: settings.outputs,
        }
    }
}

/// `stages` are sorted by number.
fn number_clashes(stages: &[Shared<Stage>], diagnostics: &mut Vec<Diagnostic>) {
    for pair in stages.windows(2) {
        let (Some(number), true) = (pair[0].number, pair[0].number == pair[1].number) else { continue };
        diagnostics.push(
            Diagnostic::new(
                &codes::E206,
                pair[1].span,
                format!("`{}` and `{}` both have the number {number}", pair[0].name, pair[1].name),
            )
            .related(pair[0].span, format!("`{}` has it first", pair[0].name))
            .help("numbers name stages: give one of them another"),
        );
    }
}

/// What a person calls the stage: "stage" or "gate".
fn word(stage: &Stage) -> &'static str {
    match stage.kind {
        StageKind::Stage => "stage",
        StageKind::Gate => "gate",
    }
}
