//! One lane into the plan that is being made: the run's own lane, or one that a stage calls, with the values of its
//! call. Every call has its own params, lets, functions and nodes. Knows nothing of how a stage calls; see `call`.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use crate::base::Value;
use crate::diag::{Diagnostic, codes};
use crate::event::NodeIndex;
use crate::expr::{Expr, Function, Kind};
use crate::model::{self, LaneId, LaneOutput, Model, ResolvedLane, Stage, StageId, resolve};

use super::given::{Given, Known};
use super::globals::{For, Globals, Set, globals, no_value};
use super::lower::{At, Lowering};
use super::node::Around;
use super::reach::{Reach, Standing, environment, global_expr, of_tool, reach, roots};
use super::tool::Shared;
use super::{Action, Approval, Bound, Call, Edge, EdgeKind, Instances, Node, Secret};

/// Most nodes of one plan.
const NODES: usize = 100_000;
/// Deepest nesting of calls.
const DEPTH: usize = 32;

/// The plan while it is made.
pub(super) struct Builder<'a> {
    pub(super) model: &'a Model,
    pub(super) given: &'a Given<'a>,
    /// Called lanes, each put together once.
    lanes: HashMap<LaneId, Option<Rc<ResolvedLane>>>,
    pub(super) nodes: Vec<Node>,
    pub(super) stages: Vec<Instances>,
    pub(super) functions: Vec<Function>,
    pub(super) calls: Vec<Call>,
    pub(super) bounds: Vec<Bound>,
    pub(super) pools: BTreeMap<String, u32>,
    pub(super) secrets: Vec<Secret>,
    pub(super) params: BTreeMap<String, Value>,
    pub(super) found: Vec<Diagnostic>,
}

/// What surrounds a lane; the default is the run itself.
#[derive(Clone, Default)]
pub(super) struct Inside {
    /// Before the keys of its nodes: `probe[x=1]/`.
    pub(super) prefix: String,
    /// Before the names of its stages, instances of the caller together: `probe/`.
    pub(super) names: String,
    pub(super) call: Option<u32>,
    /// What each of its nodes waits for besides its own needs.
    pub(super) after: Vec<Edge>,
    /// Values of params, by index: those of this call and of the calls around it.
    pub(super) set: BTreeMap<u32, Set>,
    pub(super) depth: usize,
}

/// A lane that is in the plan now.
pub(super) struct Held {
    /// Its stages, and what replaced them, by index in the plan.
    pub(super) stages: HashMap<StageId, u32>,
    pub(super) outputs: Vec<LaneOutput>,
    /// Its own nodes, and those of the calls inside it.
    pub(super) own: Vec<NodeIndex>,
    pub(super) all: Vec<NodeIndex>,
    pub(super) timeout: Option<u64>,
    pub(super) sla: Option<u64>,
    pub(super) finally: Vec<Action>,
    pub(super) facts: crate::expr::facts::FactValues,
    pub(super) repairs: Vec<super::Repair>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(model: &'a Model, given: &'a Given<'a>) -> Self {
        Builder {
            model,
            given,
            lanes: HashMap::new(),
            nodes: Vec::new(),
            stages: Vec::new(),
            functions: Vec::new(),
            calls: Vec::new(),
            bounds: Vec::new(),
            pools: BTreeMap::new(),
            secrets: Vec::new(),
            params: BTreeMap::new(),
            found: Vec::new(),
        }
    }

    /// The called lane; none when it cannot be put together, which is reported.
    pub(super) fn resolved(&mut self, id: LaneId) -> Option<Rc<ResolvedLane>> {
        if let Some(known) = self.lanes.get(&id) {
            return known.clone();
        }
        let found = match resolve::lane(self.model, id) {
            Ok(lane) => Some(Rc::new(lane)),
            Err(found) => {
                self.found.extend(found);
                None
            }
        };
        self.lanes.insert(id, found.clone());
        found
    }

    /// Adds the lane's nodes; none when something is wrong, which is reported.
    pub(super) fn lane(&mut self, lane: &ResolvedLane, inside: &Inside) -> Option<Held> {
        let model = self.model;
        if inside.depth > DEPTH || self.nodes.len() > NODES {
            let span = model.lanes.get(lane.id as usize).map(|lane| lane.span).unwrap_or_default();
            let message = format!("calls of lanes nest deeper than {DEPTH}, or make more than {NODES} nodes");
            self.found.push(Diagnostic::new(&codes::E217, span, message).help("call fewer lanes"));
            return None;
        }
        let outermost = inside.call.is_none();
        let rules = if outermost { super::repair::rules(model, lane) } else { Vec::new() };
        let mut roots = roots(model, lane);
        roots.extend(rules.iter().flat_map(|rule| super::repair::roots(rule)));
        let standing = Standing::new(lane, inside.set.keys().copied());
        let reached = reach(model, &roots, &standing);
        let whose = For { lane: &lane.params, set: &inside.set, outermost, standing: &standing };
        let globals = match globals(model, self.given, &reached, &roots, &whose) {
            Ok(globals) => globals,
            Err(found) => {
                self.found.extend(found);
                return None;
            }
        };
        self.params.extend(globals.params.clone());
        let stages = indices(lane, self.stages.len() as u32);
        let mut lowering = self.lowering(stages, &reached, &whose, globals);
        let first = self.nodes.len() as NodeIndex;
        let own = self.stages_of(&mut lowering, lane, inside, &standing);
        self.connect(&own, lane, inside, &lowering.stages);
        self.approvals(&mut lowering, lane, &own);
        self.pools_of(&mut lowering, lane);
        let held = Held {
            outputs: lane.outputs.clone(),
            own,
            all: (first..self.nodes.len() as NodeIndex).collect(),
            timeout: lowering.limit(lane.timeout.as_ref(), At::LANE),
            sla: lowering.limit(lane.sla.as_ref(), At::LANE),
            finally: lowering.actions(&lane.finally, At::LANE),
            facts: lowering.globals.facts.clone(),
            repairs: lowering.repairs(&rules, self.given, inside),
            stages: lowering.stages,
        };
        self.found.extend(lowering.found);
        Some(held)
    }

    /// Everything its expressions need: values, secrets and functions of this call.
    pub(super) fn lowering(
        &mut self,
        stages: HashMap<StageId, u32>,
        reached: &Reach,
        whose: &For<'_>,
        globals: Globals,
    ) -> Lowering<'a> {
        let functions = (self.functions.len() as u32..).zip(&reached.functions);
        let mut lowering = Lowering {
            model: self.model,
            globals,
            stages,
            functions: functions.map(|(index, function)| (*function, index)).collect(),
            secrets: HashMap::new(),
            later: BTreeMap::new(),
            called: HashMap::new(),
            found: Vec::new(),
        };
        for index in lowering.globals.later.clone() {
            let later = match (whose.set.get(&index), global_expr(self.model, index)) {
                (Some(Set::Later(expr)), _) => expr.clone(),
                (_, Some(expr)) => lowering.expr(expr, At::LANE),
                (_, None) => continue,
            };
            let old = whose.standing.alias.iter().filter(|(_, new)| **new == index);
            lowering.later.extend(old.map(|(old, _)| (*old, later.clone())));
            lowering.later.insert(index, later);
        }
        for index in lowering.globals.secrets.clone() {
            self.secret(&mut lowering, index);
        }
        self.functions.extend(lowering.bodies(&reached.functions));
        lowering
    }

    /// A secret made of params has another value in another call, and then another index.
    fn secret(&mut self, lowering: &mut Lowering<'_>, index: u32) {
        let model = self.model;
        let (Some(expr), Some(global)) = (global_expr(model, index), model.globals.get(index as usize))
        else {
            return;
        };
        let value = lowering.expr(expr, At::LANE);
        let mut late = false;
        value.walk(&mut |part| late |= matches!(part.kind, Kind::Output { .. }));
        if late {
            let message =
                format!("secret `{}` is made of what is known only while the run goes", global.name);
            let found = Diagnostic::new(&codes::E956, global.span, message);
            lowering.found.push(found.help("call the lane with a value that is known before"));
        }
        let known = self.secrets.iter().find(|secret| secret.name == global.name && secret.value == value);
        if let Some(known) = known {
            lowering.secrets.insert(index, known.global);
            return;
        }
        let taken = self.secrets.iter().any(|secret| secret.global == index);
        let new = if taken { (model.globals.len() + self.secrets.len()) as u32 } else { index };
        let scope = Known {
            functions: &model.functions,
            globals: &lowering.globals.values,
            facts: &lowering.globals.facts,
            matrix: &[],
        };
        let sources = environment(expr, &scope);
        lowering.secrets.insert(index, new);
        self.secrets.push(Secret { global: new, name: global.name.clone(), value, sources });
    }

    /// The nodes of its stages, each stage's instances in turn.
    fn stages_of(
        &mut self,
        lowering: &mut Lowering<'a>,
        lane: &ResolvedLane,
        inside: &Inside,
        standing: &Standing,
    ) -> Vec<NodeIndex> {
        let base = self.stages.len() as u32;
        for stage in &lane.stages {
            let name = format!("{}{}", inside.names, stage.name);
            self.stages.push(Instances { name, nodes: Vec::new(), matrix: !stage.matrix.is_empty() });
        }
        let mut own = Vec::new();
        for (index, stage) in (base..).zip(&lane.stages) {
            for combination in lowering.combinations(stage) {
                let around = self.around(lane, stage, inside, standing);
                let node = if stage.calls() {
                    self.caller(lowering, (index, stage), combination, &around, inside)
                } else {
                    let mut node = lowering.node(index, stage, combination, &around);
                    node.call = inside.call;
                    node.number = node.number.filter(|_| inside.call.is_none());
                    self.push(node)
                };
                self.stages[index as usize].nodes.push(node);
                own.push(node);
            }
        }
        own
    }

    pub(super) fn push(&mut self, node: Node) -> NodeIndex {
        self.nodes.push(node);
        self.nodes.len() as NodeIndex - 1
    }

    fn around<'s>(
        &self,
        lane: &ResolvedLane,
        stage: &Stage,
        inside: &'s Inside,
        standing: &Standing,
    ) -> Around<'s>
    where
        'a: 's,
    {
        let model = self.model;
        let tool = stage.gate.as_ref().and_then(|gate| gate.tool);
        // A tool that reads what the call gives is not the one of other calls.
        let reads_given = |id| {
            let roots = model.tools.get(id as usize).map(of_tool).unwrap_or_default();
            reach(model, &roots, standing).globals.iter().any(|read| inside.set.contains_key(read))
        };
        let scope = tool.filter(|id| reads_given(*id)).map(|_| inside.prefix.trim_end_matches('/'));
        Around {
            sources: self.given.sources,
            prefix: &inside.prefix,
            strict: lane.strict,
            waived: lane.waived.iter().find(|(id, _)| *id == stage.id).map(|(_, why)| why.clone()),
            pool: stage.pool.map(|pool| pool_name(model, pool)),
            tool: tool.and_then(|id| Shared::new(model, id, scope)),
        }
    }

    /// Every instance waits for every instance of what its stage waits for; of a stage that calls, its beginning does,
    /// and its end for what it needs, which it may read.
    fn connect(
        &mut self,
        own: &[NodeIndex],
        lane: &ResolvedLane,
        inside: &Inside,
        stages: &HashMap<StageId, u32>,
    ) {
        let place: HashMap<u32, usize> = lane
            .stages
            .iter()
            .enumerate()
            .filter_map(|(place, stage)| Some((*stages.get(&stage.id)?, place)))
            .collect();
        let base = lane.stages.first().and_then(|stage| stages.get(&stage.id)).copied().unwrap_or_default();
        for &index in own {
            let Some(edges) =
                place.get(&self.nodes[index as usize].stage).and_then(|place| lane.edges.get(*place))
            else {
                continue;
            };
            let mut found = Vec::new();
            for edge in edges {
                let targets = self.stages.get((base + edge.to) as usize);
                let targets = targets.map_or(&[][..], |stage| &stage.nodes);
                found.extend(targets.iter().map(|to| Edge { to: *to, kind: edge.kind }));
            }
            found.extend(&inside.after);
            if let Some(call) = self.nodes[index as usize].closes {
                let parts = self.calls[call as usize].parts.clone();
                let (opening, between) = parts.split_at(parts.len().min(1));
                for part in opening {
                    self.nodes[*part as usize].edges.extend(&found);
                }
                // A call that holds a lock must not wait for what runs again and may want it.
                found.retain(|edge| edge.kind != EdgeKind::Follows);
                for part in between {
                    self.nodes[*part as usize].edges.extend(&found);
                }
            }
            self.nodes[index as usize].edges.extend(found);
        }
    }

    /// Asked before a stage that calls begins.
    fn approvals(&mut self, lowering: &mut Lowering<'_>, lane: &ResolvedLane, own: &[NodeIndex]) {
        for approval in &lane.approvals {
            let lowered = Approval {
                count: approval.count,
                group: approval.group.clone(),
                timeout: lowering.limit(approval.timeout.as_ref(), At::LANE),
            };
            let stage = lane.stages.get(approval.before as usize);
            let Some(stage) = stage.and_then(|stage| lowering.stages.get(&stage.id)) else { continue };
            for &node in own {
                if self.nodes[node as usize].stage != *stage {
                    continue;
                }
                let closes = self.nodes[node as usize].closes;
                let first = closes.map_or(node, |call| self.calls[call as usize].opening);
                self.nodes[first as usize].approvals.push(lowered.clone());
            }
        }
    }

    fn pools_of(&mut self, lowering: &mut Lowering<'_>, lane: &ResolvedLane) {
        for index in lane.stages.iter().filter_map(|stage| stage.pool) {
            let name = pool_name(self.model, index);
            let pool = self.model.pools.get(index as usize);
            if let Some(pool) = pool.filter(|_| !self.pools.contains_key(&name)) {
                self.pools.insert(name, lowering.count(&pool.slots, At::LANE).unwrap_or(1));
            }
        }
    }
}

/// Stages of the lane by their id, from `base` on; a replaced one by what replaced it.
fn indices(lane: &ResolvedLane, base: u32) -> HashMap<StageId, u32> {
    let mut indices: HashMap<StageId, u32> = lane.stages.iter().map(|stage| stage.id).zip(base..).collect();
    for (old, new) in &lane.replaced {
        if let Some(index) = indices.get(new).copied() {
            indices.insert(*old, index);
        }
    }
    indices
}

/// Pools of two files may have one name; the file then tells them apart.
fn pool_name(model: &Model, index: u32) -> String {
    let Some(pool) = model.pools.get(index as usize) else {
        return String::new();
    };
    let twice = model.pools.iter().filter(|other| other.name == pool.name).count() > 1;
    match model.modules.get(pool.module as usize).filter(|_| twice) {
        Some(module) => format!("{} of {}", pool.name, module.name),
        None => pool.name.clone(),
    }
}

impl Lowering<'_> {
    /// The value that a call gives for a param: known now, or in the plan's terms.
    pub(super) fn argument(&self, argument: &model::Argument, at: At<'_>) -> Result<Value, Expr> {
        let scope = Known {
            functions: &self.model.functions,
            globals: &self.globals.values,
            facts: &self.globals.facts,
            matrix: at.matrix,
        };
        match crate::expr::eval(&argument.value, &scope) {
            Ok(value) => Ok(value),
            Err(_) => Err(self.expr(&argument.value, at)),
        }
    }

    /// Whether the expression can have a value while the run goes: it reads outputs, or params that come late.
    pub(super) fn reported(&mut self, argument: &model::Argument, lowered: &Expr, at: At<'_>) -> bool {
        let mut reads = false;
        lowered.walk(&mut |part| reads |= matches!(part.kind, Kind::Output { .. }));
        let read = reach(self.model, &[&argument.value], &Standing::default()).globals;
        if reads || read.iter().any(|index| self.later.contains_key(index)) {
            return false;
        }
        let scope = Known {
            functions: &self.model.functions,
            globals: &self.globals.values,
            facts: &self.globals.facts,
            matrix: at.matrix,
        };
        if let Err(stop) = crate::expr::eval(&argument.value, &scope) {
            self.found.push(no_value(argument.value.span, &stop));
        }
        true
    }
}
