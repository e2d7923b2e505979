//! What a lane lets pass: tests whose failure is a warning, effects that do not wait for tests, stages without an end,
//! thresholds that are there and not asked for.

use std::collections::BTreeSet;

use crate::base::Span;
use crate::plan::{Effect, Plan};

use super::super::survey::step::purpose_of_command;
use super::super::survey::{At, Purpose};
use super::super::{Planned, Project};
use super::{Finding, Lane, Stage, at};

pub fn findings(project: &Project, planned: &Planned, lane: &Lane) -> Vec<Finding> {
    let mut found: Vec<Finding> = lane.stages.iter().filter_map(may_fail).collect();
    found.extend(not_required(lane));
    found.extend(lane.stages.iter().filter_map(|stage| no_timeout(lane.plan, stage)));
    found.extend(not_strict(project, planned));
    found
}

pub(super) fn purposes(stage: &Stage) -> BTreeSet<Purpose> {
    stage.commands.iter().map(|command| purpose_of_command(command)).collect()
}

fn tests(stage: &Stage) -> bool {
    purposes(stage).contains(&Purpose::Test)
}

fn finding(kind: &'static str, stage: &Stage, message: String, suggestion: String) -> Finding {
    let place = at(&stage.node.place);
    Finding { kind, message, at: place, stage: Some(stage.name.into()), suggestion, seconds: None }
}

fn may_fail(stage: &Stage) -> Option<Finding> {
    stage.node.allow_failure.as_ref()?;
    let kind = if tests(stage) { "tests" } else { "checks" };
    let message = format!("`{}` {kind} and may fail: the lane stays green", stage.name);
    let judges = purposes(stage).iter().any(|purpose| !matches!(purpose, Purpose::Other | Purpose::Build));
    judges.then(|| {
        finding("may-fail", stage, message, "delete its `allow-failure` line once it is green".into())
    })
}

/// Effects that start without waiting for the tests that the lane holds.
fn not_required(lane: &Lane) -> Vec<Finding> {
    let testing: Vec<&Stage> = lane.stages.iter().filter(|stage| tests(stage)).collect();
    let Some(test) = testing.first() else { return Vec::new() };
    let waits_for_a_test = |stage: &Stage| {
        let before = ancestors(lane.plan, stage.node.stage);
        testing.iter().any(|test| test.name == stage.name || before.contains(&test.node.stage))
    };
    let effect =
        |stage: &&Stage| !matches!(stage.node.effect, Effect::Repeatable) && stage.node.gate.is_none();
    lane.stages
        .iter()
        .filter(effect)
        .filter(|stage| !waits_for_a_test(stage))
        .map(|stage| {
            let message = format!("`{}` has an effect and does not wait for `{}`", stage.name, test.name);
            finding("not-required", stage, message, format!("needs {}", test.name))
        })
        .collect()
}

/// Stages that are through before this one starts.
pub(super) fn ancestors(plan: &Plan, stage: u32) -> BTreeSet<u32> {
    let of = |stage: u32| plan.stages.get(stage as usize).into_iter().flat_map(|stage| &stage.nodes);
    let mut open: Vec<u32> = of(stage).copied().collect();
    let mut seen: BTreeSet<u32> = open.iter().copied().collect();
    while let Some(node) = open.pop() {
        let edges = plan.nodes.get(node as usize).into_iter().flat_map(|node| &node.edges);
        open.extend(edges.map(|edge| edge.to).filter(|&to| seen.insert(to)));
    }
    let stages = seen.iter().filter_map(|&node| plan.nodes.get(node as usize)).map(|node| node.stage);
    stages.filter(|&other| other != stage).collect()
}

fn no_timeout(plan: &Plan, stage: &Stage) -> Option<Finding> {
    let node = stage.node;
    let bounded = node.timeout.is_some() || node.deadline.is_some() || plan.timeout.is_some();
    let works = !node.actions.is_empty();
    let message = format!("`{}` has no timeout: when it hangs, nothing ends it", stage.name);
    (works && !bounded).then(|| finding("no-timeout", stage, message, "timeout 10m".into()))
}

fn not_strict(project: &Project, planned: &Planned) -> Vec<Finding> {
    let resolved = &planned.chosen.lane;
    if resolved.strict {
        return Vec::new();
    }
    let lax = resolved
        .stages
        .iter()
        .filter(|stage| stage.gate.as_ref().is_some_and(|gate| !gate.strict.is_empty()));
    let sources = project.sources();
    let place = |span: Span| At {
        file: sources.get(span.file).path.clone(),
        line: sources.position(span).line as usize,
    };
    lax.map(|stage| Finding {
        kind: "not-strict",
        message: format!("the gate `{}` has stricter conditions that this lane does not ask for", stage.name),
        at: place(stage.span),
        stage: Some(stage.name.clone()),
        suggestion: "gates strict".into(),
        seconds: None,
    })
    .collect()
}
