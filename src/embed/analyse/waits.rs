//! Stages that only judge, wait for one another, and read nothing of each other: they could run side by side.

use std::collections::BTreeMap;

use crate::expr::{Expr, Kind};
use crate::plan::{Action, EdgeKind, Effect, Node};

use super::super::survey::Purpose;
use super::super::survey::step::canonical;
use super::guards::purposes;
use super::{Finding, Lane, Stage, at};

/// What saves less is not worth a person's time.
const SECONDS: f64 = 1.0;

/// `seconds`: what each stage took.
pub fn findings(lane: &Lane, seconds: &BTreeMap<String, f64>) -> Vec<Finding> {
    let mut found = Vec::new();
    for after in lane.stages.iter().filter(|stage| only_judges(stage)) {
        for before in lane.stages.iter().filter(|stage| stage.name != after.name && only_judges(stage)) {
            let Some(edge) = after.node.edges.iter().find(|edge| is_of(lane, edge.to, before)) else {
                continue;
            };
            let took = |stage: &Stage| seconds.get(stage.name).copied().unwrap_or_default();
            let saves = took(before).min(took(after));
            if saves >= SECONDS && !reads(after.node, before) && !same_lock(before, after) {
                found.push(finding(before, after, edge.kind, (took(before), took(after))));
            }
        }
    }
    found.sort_by(|a, b| b.seconds.partial_cmp(&a.seconds).unwrap_or(std::cmp::Ordering::Equal));
    found
}

fn is_of(lane: &Lane, node: u32, stage: &Stage) -> bool {
    lane.plan.nodes.get(node as usize).is_some_and(|node| node.stage == stage.node.stage)
}

/// Tests, linters and the like leave nothing behind that another stage could need; a build does.
fn only_judges(stage: &Stage) -> bool {
    let node = stage.node;
    let judging = |purpose: &Purpose| !matches!(purpose, Purpose::Build | Purpose::Other | Purpose::Docs);
    let purposes = purposes(stage);
    // A stage with an effect waits on purpose.
    matches!(node.effect, Effect::Repeatable)
        && node.approvals.is_empty()
        && node.confirm.is_none()
        && !purposes.is_empty()
        && purposes.iter().all(judging)
}

/// Whether the later one names an output of the earlier, or takes files that it writes.
fn reads(after: &Node, before: &Stage) -> bool {
    let mut named = false;
    let mut look = |expr: &Expr| {
        expr.walk(&mut |part| {
            named |= matches!(&part.kind, Kind::Output { stage, .. } if *stage == before.node.stage);
        });
    };
    after.env.iter().for_each(|(_, expr)| look(expr));
    let checks = after.when.iter().chain(&after.before).chain(&after.after);
    checks.for_each(|check| look(&check.expr));
    after.outputs.iter().for_each(|output| look(&output.value));
    for action in &after.actions {
        match action {
            Action::Exec { argv } => argv.iter().for_each(&mut look),
            Action::Render { context, .. } => context.iter().for_each(|(_, expr)| look(expr)),
            Action::Script { .. } => {}
        }
    }
    let gate = after.gate.iter();
    gate.for_each(|gate| {
        gate.require.iter().for_each(|check| look(&check.expr));
        gate.measures.iter().for_each(|measure| look(&measure.value));
    });
    named || takes_files(after, before.node)
}

fn takes_files(after: &Node, before: &Node) -> bool {
    let written = before.outputs.iter().filter_map(|output| match &output.value.kind {
        Kind::Value(value) => Some(value.to_string()),
        _ => None,
    });
    let written: Vec<String> = written.collect();
    let Ok(globs) = crate::workspace::tree::globs(&after.inputs) else { return true };
    written.iter().any(|path| globs.is_match(path))
}

/// cargo waits for itself: two of it side by side take as long as one after the other.
fn same_lock(before: &Stage, after: &Stage) -> bool {
    let cargo = |stage: &Stage| {
        stage.commands.iter().any(|command| canonical(command).first().is_some_and(|word| word == "cargo"))
    };
    cargo(before) && cargo(after)
}

fn finding(before: &Stage, after: &Stage, kind: EdgeKind, took: (f64, f64)) -> Finding {
    let saves = took.0.min(took.1);
    let word = if kind == EdgeKind::Follows { "follows" } else { "needs" };
    Finding {
        kind: "side-by-side",
        message: format!(
            "`{}` ({:.1} s) waits for `{}` ({:.1} s) and reads nothing of it: side by side they take {:.1} s less",
            after.name, took.1, before.name, took.0, saves
        ),
        at: at(&after.node.place),
        stage: Some(after.name.into()),
        suggestion: format!("delete `{}` from its `{word}`", before.name),
        seconds: Some((saves * 10.0).round() / 10.0),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Lane, commands};
    use super::*;
    use crate::base::{Span, Value};
    use crate::embed::tests::plan;
    use crate::plan::Plan;

    fn words(line: &str) -> Action {
        let word = |word: &str| Expr { kind: Kind::Value(Value::String(word.into())), span: Span::default() };
        Action::Exec { argv: line.split(' ').map(word).collect() }
    }

    /// `lint` needs `unit`; both run these commands.
    fn two(unit: &str, lint: &str) -> Plan {
        let mut plan = plan(&[("unit", &[]), ("lint", &[0])]);
        plan.nodes[0].actions = vec![words(unit)];
        plan.nodes[1].actions = vec![words(lint)];
        plan
    }

    fn found(plan: &Plan, seconds: f64) -> Vec<Finding> {
        let stage = |(node, stage): (&'static str, usize)| Stage {
            name: node,
            node: &plan.nodes[stage],
            commands: plan.nodes[stage].actions.iter().flat_map(commands).collect(),
        };
        let lane = Lane { plan, stages: [("unit", 0), ("lint", 1)].into_iter().map(stage).collect() };
        let took = [("unit".to_string(), 30.0), ("lint".to_string(), seconds)];
        findings(&lane, &took.into_iter().collect())
    }

    #[test]
    fn a_linter_need_not_wait_for_the_tests() {
        let found = found(&two("npm test", "npm run lint"), 12.0);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].seconds), ("side-by-side", Some(12.0)));
        assert_eq!(found[0].suggestion, "delete `unit` from its `needs`");
        assert_eq!(found[0].at.to_string(), "hotfix.wfl:2");
    }

    #[test]
    fn what_has_a_reason_to_wait_is_left_alone() {
        assert!(found(&two("npm test", "npm run lint"), 0.4).is_empty(), "it saves nothing");
        assert!(found(&two("npm run build", "npm run lint"), 12.0).is_empty(), "a build leaves files behind");
        assert!(found(&two("cargo test", "cargo clippy"), 12.0).is_empty(), "cargo waits for itself");
        let mut reads = two("npm test", "npm run lint");
        let output = Kind::Output { stage: 0, name: "report".into() };
        reads.nodes[1].env = vec![("REPORT".into(), Expr { kind: output, span: Span::default() })];
        assert!(found(&reads, 12.0).is_empty(), "it reads an output");
        let mut asked = two("npm test", "npm run lint");
        asked.nodes[1].confirm = Some("Go on?".into());
        assert!(found(&asked, 12.0).is_empty(), "a person is asked in between");
    }
}
