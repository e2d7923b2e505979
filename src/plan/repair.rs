//! Repair rules of a run, with everything known before it worked out. Which rules apply is decided here; when one of them
//! acts is the engine's to decide.

use std::collections::{BTreeMap, BTreeSet};

use crate::expr::Expr;
use crate::model::{self, Model, ModuleId, RepairSet, ResolvedLane};

use super::Repair;
use super::frame::{Builder, Inside};
use super::given::Given;
use super::globals::{For, globals};
use super::lower::{At, Lowering};
use super::node::line;
use super::reach::{Standing, facts_of, of_action, reach};
use super::refuse::modules;

/// Library files of rules that apply where a project names none.
const DEFAULT: &str = "repair";

/// How often a rule acts for one stage that does not say.
const LIMIT: u32 = 1;

/// Rules that the lane's run has besides those of the library: of the files its lanes and stages come from, of the
/// project's settings, then the sets the project names. Each once, in this order.
pub(super) fn rules<'m>(model: &'m Model, lane: &ResolvedLane) -> Vec<&'m model::Repair> {
    let settings = model.project.span.map(|span| span.file);
    let of = |wanted: ModuleId| (0..).zip(&model.repairs).filter(move |(_, rule)| rule.module == wanted);
    let own = model.lanes.get(lane.id as usize).map(|lane| lane.module);
    let files = (0..).zip(&model.modules).filter(|(_, module)| Some(module.file) == settings);
    let order = own.into_iter().chain(modules(model, lane)).chain(files.map(|(id, _)| id));
    let mut found: Vec<u32> = order.flat_map(|module| of(module).map(|(index, _)| index)).collect();
    for set in model.project.repairs.iter().flatten() {
        match set {
            RepairSet::Std(_) => {}
            RepairSet::Module(module) => found.extend(of(*module).map(|(index, _)| index)),
            RepairSet::Rule(index) => found.push(*index),
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|index| seen.insert(*index));
    let known = found.into_iter().filter_map(|index| model.repairs.get(index as usize));
    known.filter(|rule| model.modules.get(rule.module as usize).is_none_or(|module| !module.std)).collect()
}

/// Library files whose rules apply as well, by their names without `std.`.
pub fn library_sets(model: &Model) -> Vec<String> {
    let std = |set: &RepairSet| match set {
        RepairSet::Std(name) => Some(name.clone()),
        RepairSet::Module(_) | RepairSet::Rule(_) => None,
    };
    match &model.project.repairs {
        None => vec![DEFAULT.to_owned()],
        Some(sets) => sets.iter().filter_map(std).collect(),
    }
}

/// Every expression of a rule.
pub(super) fn roots(rule: &model::Repair) -> Vec<&Expr> {
    let checks = [&rule.when, &rule.verify].into_iter().flatten().map(|check| &check.expr);
    checks.chain(rule.actions.iter().flat_map(of_action)).chain(&rule.limit).collect()
}

/// The rules of library files alone, for a run that has come to a failure; `given.facts` must hold those of
/// [`library_facts`]. A rule of which something cannot be worked out here, as git's facts where there is no git, is none.
pub fn library_rules(model: &Model, given: &Given<'_>) -> Vec<Repair> {
    model.repairs.iter().filter_map(|rule| alone(model, given, rule)).collect()
}

fn alone(model: &Model, given: &Given<'_>, rule: &model::Repair) -> Option<Repair> {
    let roots = roots(rule);
    let standing = Standing::default();
    let reached = reach(model, &roots, &standing);
    let whose = For { lane: &[], set: &BTreeMap::new(), outermost: true, standing: &standing };
    let globals = globals(model, given, &reached, &roots, &whose).ok()?;
    let mut lowering = Builder::new(model, given).lowering(Default::default(), &reached, &whose, globals);
    let lowered = lowering.repairs(&[rule], given, &Inside::default()).pop()?;
    // Functions belong to a plan, and these rules come later.
    let free = lowered.expressions().iter().all(|expr| !calls(expr));
    (lowering.found.is_empty() && free).then_some(lowered)
}

/// Facts of run start that the rules of a library file read.
pub fn library_facts(model: &Model) -> Vec<crate::expr::facts::FactKey> {
    let all: Vec<&Expr> = model.repairs.iter().flat_map(roots).collect();
    facts_of(model, &all)
}

fn calls(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part| found |= matches!(part.kind, crate::expr::Kind::Call { .. }));
    found
}

impl Repair {
    fn expressions(&self) -> Vec<&Expr> {
        let checks = [Some(&self.when), self.verify.as_ref()].into_iter().flatten().map(|check| &check.expr);
        checks.chain(self.actions.iter().flat_map(super::call::of_action)).collect()
    }
}

impl Lowering<'_> {
    /// Of the run's own lane alone: rules are the run's, whatever it calls.
    pub(super) fn repairs(
        &mut self,
        rules: &[&model::Repair],
        given: &Given<'_>,
        inside: &Inside,
    ) -> Vec<Repair> {
        if inside.call.is_some() {
            return Vec::new();
        }
        let mut lowered: Vec<Repair> = Vec::new();
        for rule in rules {
            let Some(when) = &rule.when else { continue };
            // By its name a rule is counted and shown: of two that share one, the file tells them apart.
            let twice = lowered.iter().any(|other| other.name == rule.name);
            let place = line(given.sources, rule.span);
            let name = if twice { format!("{} of {place}", rule.name) } else { rule.name.clone() };
            let limit = rule.limit.as_ref().map_or(Some(LIMIT), |limit| self.count(limit, At::LANE));
            lowered.push(Repair {
                name,
                docs: rule.docs.as_deref().and_then(|docs| docs.lines().next()).map(str::to_owned),
                place,
                when: self.check(when, At::LANE),
                verify: rule.verify.as_ref().map(|verify| self.check(verify, At::LANE)),
                actions: self.actions(&rule.actions, At::LANE),
                risk: rule.risk,
                then: rule.then,
                limit: limit.unwrap_or(LIMIT),
            });
        }
        lowered
    }
}
