//! What a lane's expressions reach: params, lets, secrets and functions, and the facts of run start they need. Works out
//! nothing else; chains of definitions may be long, so the walk over them keeps its own stack.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::base::Value;
use crate::expr::eval::{Scope, eval};
use crate::expr::facts::{FactKey, FactValues};
use crate::expr::needs::{located, needs};
use crate::expr::{Expr, Kind};
use crate::model::{
    Action, Effect, Gate, GlobalKind, Lane, LaneId, LaneParam, Model, Output, ResolvedLane, Retry,
    SelectRule, Stage, Tool, resolve,
};

use super::given::{Known, pinned};

/// Indices of what is reached, each after what it depends on.
#[derive(Debug, Default)]
pub(super) struct Reach {
    pub(super) globals: Vec<u32>,
    pub(super) functions: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Item {
    Global(u32),
    Function(u32),
}

/// What stands for what while a lane is looked at.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Params that one of the lane's own stands for.
    pub(super) alias: BTreeMap<u32, u32>,
    /// Params whose value a call gives: their defaults do not matter.
    pub(super) set: BTreeSet<u32>,
}

impl Standing {
    pub(super) fn of(params: &[LaneParam]) -> Standing {
        let pairs = params.iter().flat_map(|param| param.shadows.iter().map(|old| (*old, param.global)));
        Standing { alias: pairs.collect(), set: BTreeSet::new() }
    }

    /// As [`Standing::of`], with the params whose values are given.
    pub(super) fn new(lane: &ResolvedLane, set: impl Iterator<Item = u32>) -> Standing {
        Standing { set: set.collect(), ..Standing::of(&lane.params) }
    }

    fn meant(&self, item: Item) -> Item {
        match item {
            Item::Global(index) => Item::Global(*self.alias.get(&index).unwrap_or(&index)),
            Item::Function(_) => item,
        }
    }
}

/// Everything the expressions depend on.
pub(super) fn reach(model: &Model, roots: &[&Expr], standing: &Standing) -> Reach {
    let mut found = Reach::default();
    let mut seen: HashSet<Item> = HashSet::new();
    // Each entry waits until what it depends on, pushed above it, is done.
    let mut stack: Vec<(Item, bool)> =
        roots.iter().flat_map(|root| items(root)).map(|item| (standing.meant(item), false)).collect();
    stack.reverse();
    while let Some((item, done)) = stack.pop() {
        match (done, item) {
            (true, Item::Global(index)) => found.globals.push(index),
            (true, Item::Function(index)) => found.functions.push(index),
            (false, _) if seen.insert(item) => {
                stack.push((item, true));
                let set = matches!(item, Item::Global(index) if standing.set.contains(&index));
                let inside = definition(model, item).filter(|_| !set).map(items).unwrap_or_default();
                let inside = inside.into_iter().map(|item| standing.meant(item));
                stack.extend(inside.filter(|item| !seen.contains(item)).map(|item| (item, false)));
            }
            (false, _) => {}
        }
    }
    found
}

fn definition(model: &Model, item: Item) -> Option<&Expr> {
    match item {
        Item::Global(index) => global_expr(model, index),
        Item::Function(index) => model.functions.get(index as usize).map(|function| &function.body),
    }
}

/// The expression a global is worked out from; none for a param without default.
pub(super) fn global_expr(model: &Model, index: u32) -> Option<&Expr> {
    match &model.globals.get(index as usize)?.kind {
        GlobalKind::Param { default, .. } => default.as_ref(),
        GlobalKind::Let(expr) | GlobalKind::Secret(expr) => Some(expr),
    }
}

fn items(expr: &Expr) -> Vec<Item> {
    let mut found = Vec::new();
    expr.walk(&mut |part| match &part.kind {
        Kind::Global(index) => found.push(Item::Global(*index)),
        Kind::Call { function, .. } => found.push(Item::Function(*function)),
        _ => {}
    });
    found
}

/// Facts of run start that the lane's expressions read, through params, lets and functions too. Environment variables
/// that secrets are read from are not among them: those are never stored.
pub fn start_facts(model: &Model, lane: &ResolvedLane) -> Vec<FactKey> {
    let called = called_by(model, lane);
    let lanes = std::iter::once(lane).chain(&called);
    let rules = super::repair::rules(model, lane).into_iter().flat_map(super::repair::roots);
    let roots: Vec<&Expr> = lanes.flat_map(|lane| roots(model, lane)).chain(rules).collect();
    facts_of(model, &roots)
}

/// Every lane that the lane calls, itself or through others, once; not those that cannot be put together.
pub(super) fn called_by(model: &Model, lane: &ResolvedLane) -> Vec<ResolvedLane> {
    let mut seen: BTreeSet<LaneId> = BTreeSet::from([lane.id]);
    let mut open: Vec<LaneId> = calls_of(lane);
    let mut found = Vec::new();
    while let Some(id) = open.pop() {
        if let Some(lane) =
            Some(id).filter(|id| seen.insert(*id)).and_then(|id| resolve::lane(model, id).ok())
        {
            open.extend(calls_of(&lane));
            found.push(lane);
        }
    }
    found
}

fn calls_of(lane: &ResolvedLane) -> Vec<LaneId> {
    let actions = lane.stages.iter().flat_map(|stage| &stage.actions);
    let calls = actions.filter_map(|action| match action {
        Action::Call { lane, .. } => Some(*lane),
        _ => None,
    });
    calls.collect()
}

/// The same for the lane's `select` alone.
pub fn select_facts(model: &Model, lane: &Lane) -> Vec<FactKey> {
    let roots: Vec<&Expr> = select(model, lane).into_iter().collect();
    facts_of(model, &roots)
}

/// The lane's own `select` rules, else those of the nearest lane it extends that has some.
pub(super) fn ruling<'m>(model: &'m Model, lane: &'m Lane) -> &'m [SelectRule] {
    let mut at = lane;
    for _ in 0..=model.lanes.len() {
        match at.extends.and_then(|(parent, _)| model.lanes.get(parent as usize)) {
            Some(parent) if at.rules.is_empty() => at = parent,
            _ => break,
        }
    }
    &at.rules
}

/// The lane's own `select`, else the nearest it inherits.
pub(super) fn select<'m>(model: &'m Model, lane: &'m Lane) -> Option<&'m Expr> {
    let mut at = lane;
    for _ in 0..=model.lanes.len() {
        match (&at.select, &at.extends) {
            (Some(check), _) => return Some(&check.expr),
            (None, Some((parent, _))) => at = model.lanes.get(*parent as usize)?,
            (None, None) => return None,
        }
    }
    None
}

/// The same for these expressions.
pub fn facts_of(model: &Model, roots: &[&Expr]) -> Vec<FactKey> {
    let reached = reach(model, roots, &Standing::default());
    let sources = sources(model, &reached.globals);
    let constants = constants(model, &reached);
    let facts = FactValues::new();
    let scope = Known { functions: &model.functions, globals: &constants, facts: &facts, matrix: &[] };
    let defined = reached.globals.iter().filter_map(|index| global_expr(model, *index));
    let mut keys: Vec<FactKey> = Vec::new();
    for expr in roots.iter().copied().chain(defined) {
        for key in needs(expr, &scope).into_iter().filter(pinned) {
            if !keys.contains(&key) && !reads_source(&key, &sources) {
                keys.push(key);
            }
        }
    }
    keys
}

/// Lets that need nothing from outside: arguments of facts may use them.
fn constants(model: &Model, reached: &Reach) -> BTreeMap<u32, Value> {
    let mut known: BTreeMap<u32, Value> = BTreeMap::new();
    let facts = FactValues::new();
    for index in &reached.globals {
        let Some(GlobalKind::Let(expr)) = model.globals.get(*index as usize).map(|global| &global.kind)
        else {
            continue;
        };
        let scope = Known { functions: &model.functions, globals: &known, facts: &facts, matrix: &[] };
        if let Ok(value) = eval(expr, &scope) {
            known.insert(*index, value);
        }
    }
    known
}

/// Environment variables that the secrets among `globals` are read from.
pub(super) fn sources(model: &Model, globals: &[u32]) -> BTreeSet<String> {
    let (globals_known, facts) = (BTreeMap::new(), FactValues::new());
    let scope = Known { functions: &model.functions, globals: &globals_known, facts: &facts, matrix: &[] };
    let secret = |index: &&u32| {
        let global = model.globals.get(**index as usize);
        global.is_some_and(|global| matches!(global.kind, GlobalKind::Secret(_)))
    };
    let exprs = globals.iter().filter(secret).filter_map(|index| global_expr(model, *index));
    exprs.flat_map(|expr| environment(expr, &scope)).collect()
}

/// Names that `env(…)` reads in an expression.
pub(super) fn environment(expr: &Expr, scope: &dyn Scope) -> Vec<String> {
    let mut names = Vec::new();
    for (key, _) in located(expr, scope) {
        match key.arguments.as_slice() {
            [Value::String(name)] if key.name == "env" && !names.contains(name) => names.push(name.clone()),
            _ => {}
        }
    }
    names
}

/// Whether the fact is an environment variable that a secret is read from.
pub(super) fn reads_source(key: &FactKey, sources: &BTreeSet<String>) -> bool {
    key.name == "env" && matches!(key.arguments.as_slice(), [Value::String(name)] if sources.contains(name))
}

/// Every expression of a lane.
pub(super) fn roots<'m>(model: &'m Model, lane: &'m ResolvedLane) -> Vec<&'m Expr> {
    let mut roots: Vec<&Expr> = Vec::new();
    roots.extend(lane.timeout.iter().chain(&lane.sla));
    roots.extend(lane.approvals.iter().filter_map(|approval| approval.timeout.as_ref()));
    roots.extend(lane.finally.iter().flat_map(of_action));
    for stage in &lane.stages {
        of_stage(stage, &mut roots);
        if let Some(gate) = &stage.gate {
            of_gate(gate, lane.strict, &mut roots);
            roots.extend(gate.tool.and_then(|id| model.tools.get(id as usize)).into_iter().flat_map(of_tool));
        }
        let pool = stage.pool.and_then(|index| model.pools.get(index as usize));
        roots.extend(pool.map(|pool| &pool.slots));
    }
    roots
}

fn of_stage<'m>(stage: &'m Stage, roots: &mut Vec<&'m Expr>) {
    let single = [&stage.when, &stage.cwd, &stage.deadline, &stage.lock, &stage.confirm];
    roots.extend(single.into_iter().filter_map(Option::as_deref).chain(&stage.timeout));
    roots.extend(stage.before.iter().chain(&stage.after).map(|check| &check.expr));
    roots.extend(stage.actions.iter().chain(&stage.undo).chain(&stage.finally).flat_map(of_action));
    roots.extend(stage.env.iter().chain(&stage.matrix).map(|(_, value)| value));
    roots.extend(&stage.inputs);
    roots.extend(stage.outputs.iter().flat_map(of_output));
    if let Effect::Idempotent(key) = &stage.effect {
        roots.push(key);
    }
    if let Some(retry) = &stage.retry {
        of_retry(retry, roots);
    }
}

fn of_output(output: &Output) -> impl Iterator<Item = &Expr> {
    std::iter::once(&output.value).chain(&output.keep)
}

fn of_retry<'m>(retry: &'m Retry, roots: &mut Vec<&'m Expr>) {
    roots.extend(&retry.attempts);
    roots.extend(retry.when.iter().map(|check| &check.expr));
    if let Some(backoff) = &retry.backoff {
        roots.push(&backoff.from);
        roots.extend([&backoff.cap, &backoff.factor, &backoff.jitter].into_iter().flatten());
    }
}

fn of_gate<'m>(gate: &'m Gate, strict: bool, roots: &mut Vec<&'m Expr>) {
    roots.extend(gate.measures.iter().map(|measure| &measure.value));
    roots.extend(gate.require.iter().map(|check| &check.expr));
    roots.extend(gate.strict.iter().filter(|_| strict).map(|check| &check.expr));
}

pub(super) fn of_tool(tool: &Tool) -> Vec<&Expr> {
    let mut roots: Vec<&Expr> = tool.actions.iter().flat_map(of_action).collect();
    roots.extend(tool.env.iter().map(|(_, value)| value));
    roots.extend(tool.cwd.iter().chain(&tool.timeout));
    roots.extend(tool.outputs.iter().flat_map(of_output));
    roots.extend(tool.measures.iter().map(|measure| &measure.value));
    roots
}

pub(super) fn of_action(action: &Action) -> Vec<&Expr> {
    match action {
        Action::Script { .. } => Vec::new(),
        Action::Exec { argv, .. } => argv.iter().collect(),
        Action::Render { render, .. } => render.expressions().collect(),
        Action::Call { arguments, .. } => arguments.iter().map(|argument| &argument.value).collect(),
    }
}
