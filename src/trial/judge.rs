//! One test from its block to its verdict: what is given, the plan, the run, then each expectation.

use crate::base::{SourceMap, Value};
use crate::diag::Diagnostic;
use crate::expr::eval;
use crate::model::{Model, ResolvedLane, Test};
use crate::plan::{self, Given, Start};

use super::rehearsal::{People, Played, Reply, rehearse};
use super::scenario::{Scenario, in_words_of_a_test, later, scenario};
use super::scope::{Seen, reason};
use super::staging::{self, Cue};
use super::trail::{Step, trail};
use super::view::View;
use super::{Tested, coverage, explain, unplayable};

/// The findings of expectations that do not hold; an error when the test cannot be played.
pub(super) fn play(
    model: &Model,
    sources: &SourceMap,
    lane: &ResolvedLane,
    test: &Test,
    tested: &mut Tested,
) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    unplayable::before(model, lane)?;
    let scenario = scenario(model, sources, lane, test)?;
    let mut plan = plan::build(model, lane, &scenario.given).map_err(in_words_of_a_test)?;
    let start = plan::start(model, &scenario.given, &later(test)).map_err(in_words_of_a_test)?;
    let cues = staging::stage(&mut plan, lane, test, &scenario, &start)?;
    let people = people(lane, &plan, test, &scenario, &start)?;
    let played = rehearse(plan, cues.clone(), people).map_err(|why| vec![unplayable(test.span, why)])?;
    tested.trail = assumptions(&played, &cues);
    tested.trail.extend(trail(&played.plan, &played.records));
    let asks_select = later(test).iter().any(|expr| reads_select(expr));
    let selected = if asks_select { Some(selected(model, lane, &scenario)?) } else { None };
    tested.reached = coverage::reached(&played, &cues, selected);
    let view = View::new(&played, selected.unwrap_or(false));
    let seen = Seen { run: Some(&view), ..Seen::start(&start) };
    let context = explain::Context { model, lane, view: &view, seen: &seen, given: &scenario.given };
    let mut failed = Vec::new();
    for expect in &test.expects {
        match eval(&expect.check.expr, &seen) {
            Ok(Value::Bool(true)) => {}
            Ok(_) => failed.push(context.failed(expect)),
            Err(stop) => {
                let (_, why) = reason(expect.span, stop);
                failed.push(context.not_judged(expect, &why));
            }
        }
    }
    Ok(failed)
}

/// What the run took for granted, said before its steps.
fn assumptions(played: &Played, cues: &[Cue]) -> Vec<Step> {
    let mut found = Vec::new();
    for (node, cue) in played.plan.nodes.iter().zip(cues) {
        for text in &cue.assumed {
            let text = format!("taken to hold: `{text}` of {}", node.key);
            found.push(Step { at_ms: 0, text });
        }
    }
    found
}

fn reads_select(expr: &crate::expr::Expr) -> bool {
    let mut reads = false;
    expr.walk(&mut |part| {
        reads |= matches!(&part.kind, crate::expr::Kind::Fact { name, .. }
            if matches!(name.as_str(), "lane.selected" | "run.selected"));
    });
    reads
}

/// Whether the lane's `select` fits what is given.
fn selected(model: &Model, lane: &ResolvedLane, scenario: &Scenario<'_>) -> Result<bool, Vec<Diagnostic>> {
    let Some(lane) = model.lanes.get(lane.id as usize) else { return Ok(false) };
    let facts = scenario.facts.at_start(&plan::select_facts(model, lane));
    let given = Given { facts, ..scenario.given.clone() };
    plan::select_matches(model, lane, &given).map_err(in_words_of_a_test)
}

fn people(
    lane: &ResolvedLane,
    plan: &plan::Plan,
    test: &Test,
    scenario: &Scenario<'_>,
    start: &Start<'_>,
) -> Result<People, Vec<Diagnostic>> {
    let seen = Seen::start(start);
    let mut people = People { wait: scenario.wait, ..People::default() };
    let nodes = |id| {
        let at = lane.stages.iter().position(|stage| stage.id == id);
        at.and_then(|at| plan.stages.get(at)).map_or(&[][..], |stage| &stage.nodes)
    };
    for answer in &test.answers {
        let by: Result<Vec<Value>, _> = answer.by.iter().map(|expr| seen.value(expr)).collect();
        let by: Vec<String> = by?.iter().map(Value::to_string).collect();
        let after = seen.millis(answer.after.as_ref())?;
        for node in nodes(answer.stage) {
            strangers(plan, *node, answer, &by)?;
            let reply = Reply { yes: answer.yes, by: by.clone(), because: answer.because.clone(), after };
            people.replies.entry(*node).or_default().push_back(reply);
        }
    }
    for stage in &test.confirmed {
        people.confirmed.extend(nodes(*stage));
    }
    Ok(people)
}

/// Where the groups asked have members, only they may answer.
fn strangers(
    plan: &plan::Plan,
    node: u32,
    answer: &crate::model::Answer,
    by: &[String],
) -> Result<(), Vec<Diagnostic>> {
    let approvals = &plan.nodes[node as usize].approvals;
    let asked = |name: &str| approvals.iter().any(|approval| approval.group == name);
    let groups: Vec<_> = plan.groups.iter().filter(|group| asked(&group.name)).collect();
    if groups.len() < approvals.len() || groups.iter().any(|group| group.members.is_empty()) {
        return Ok(());
    }
    let member = |who: &str| {
        groups.iter().flat_map(|group| &group.members).any(|member| member.eq_ignore_ascii_case(who))
    };
    match by.iter().zip(&answer.by).find(|(who, _)| !member(who)) {
        None => Ok(()),
        Some((who, expr)) => {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            let message = format!("{who} is no member of {}, and could not answer", names.join(", "));
            Err(vec![unplayable(expr.span, message)])
        }
    }
}
