//! The order of small plans, and when it stays as it was.

use super::*;
use crate::observe::fixture;
use crate::plan::{Edge, EdgeKind, Expected};

/// Stages by name, expected milliseconds, chance of failing and what they need.
type Draft<'a> = (&'a str, u64, f64, &'a [u32]);

fn plan(stages: &[Draft]) -> Plan {
    let mut plan = fixture::plan();
    (plan.nodes, plan.stages) = (Vec::new(), Vec::new());
    for (index, (name, ms, _, needs)) in (0..).zip(stages) {
        let mut node = fixture::node(name, index);
        node.edges = needs.iter().map(|&to| Edge { to, kind: EdgeKind::Needs }).collect();
        node.expected = Some(Expected { ms: *ms, ..Expected::default() });
        plan.nodes.push(node);
        plan.stages.push(fixture::instances(name, index));
    }
    plan.anticipate(|node, _| node.expected);
    plan
}

fn look(plan: &mut Plan, stages: &[Draft], slots: usize) {
    plan.fail_first(slots, |node, _| {
        let (_, _, chance, _) = stages.iter().find(|(name, ..)| *name == node.key)?;
        Some(Suspect::new(*chance, u32::from(*chance > 0.01) * 4, 20))
    });
}

fn ordered(plan: &Plan) -> Vec<&str> {
    let mut nodes: Vec<(u32, &Node)> = (0..).zip(&plan.nodes).collect();
    nodes.sort_by_key(|(index, node)| place(node, *index));
    nodes.into_iter().map(|(_, node)| node.key.as_str()).collect()
}

#[test]
fn with_one_slot_what_fails_soonest_for_its_time_comes_first() {
    let stages: [Draft; 3] =
        [("slow", 9_000, 0.3, &[]), ("calm", 5_000, 0.001, &[]), ("quick", 100, 0.1, &[])];
    let mut plan = plan(&stages);
    assert_eq!(ordered(&plan), ["slow", "calm", "quick"], "the longest path first");
    look(&mut plan, &stages, 1);
    assert_eq!(ordered(&plan), ["quick", "slow", "calm"]);
    let found = plan.fail_first.unwrap();
    assert!(found.first_failure < found.first_failure_else && found.end == found.end_else, "{found:?}");
    let ahead: Vec<bool> = plan.nodes.iter().map(|node| node.suspect.unwrap().ahead).collect();
    assert_eq!(ahead, [false, false, true]);
}

#[test]
fn a_cheap_stage_that_leads_to_a_likely_failure_comes_early() {
    let stages: [Draft; 3] =
        [("calm", 4_000, 0.001, &[]), ("build", 500, 0.0, &[]), ("unit", 500, 0.4, &[1])];
    let mut plan = plan(&stages);
    look(&mut plan, &stages, 1);
    assert_eq!(ordered(&plan), ["build", "unit", "calm"]);
}

#[test]
fn the_longest_path_is_not_kept_waiting() {
    // Three short suspects and one long stage, two at once: with all suspects first the run would take 11 s, not 9.
    let short: Draft = ("s1", 2_000, 0.2, &[]);
    let stages: [Draft; 4] =
        [("long", 9_000, 0.001, &[]), short, ("s2", 2_000, 0.2, &[]), ("s3", 2_000, 0.2, &[])];
    let mut plan = plan(&stages);
    look(&mut plan, &stages, 2);
    let end = plan.fail_first.map_or(9_000, |found| found.end);
    assert!(end <= 9_180, "{:?}", plan.fail_first);
}

#[test]
fn without_a_failure_or_a_gain_the_order_stays_as_it_was() {
    let stages: [Draft; 3] = [("a", 3_000, 0.005, &[]), ("b", 2_000, 0.005, &[]), ("c", 1_000, 0.005, &[])];
    let mut calm = plan(&stages);
    let before = calm.clone();
    look(&mut calm, &stages, 1);
    assert_eq!(calm, before, "nothing ever failed");

    let chain: [Draft; 2] = [("a", 1_000, 0.2, &[]), ("b", 1_000, 0.4, &[0])];
    let mut chained = plan(&chain);
    let before: Vec<u32> = chained.nodes.iter().map(|node| node.priority).collect();
    look(&mut chained, &chain, 4);
    assert_eq!(chained.fail_first, None);
    assert_eq!(chained.nodes.iter().map(|node| node.priority).collect::<Vec<u32>>(), before);
}

#[test]
fn what_acts_on_the_world_never_starts_with_less_known() {
    // By the longest path the deployment comes last; it fails often, and still it is not looked at first.
    let stages: [Draft; 3] =
        [("unit", 4_000, 0.1, &[]), ("types", 3_000, 0.3, &[]), ("deploy", 50, 0.5, &[])];
    let mut plan = plan(&stages);
    plan.nodes[2].effect = Effect::Once;
    look(&mut plan, &stages, 1);
    assert_eq!(ordered(&plan), ["types", "unit", "deploy"]);
}

#[test]
fn a_failure_that_is_allowed_is_none() {
    let stages: [Draft; 3] = [("slow", 4_000, 0.1, &[]), ("calm", 3_000, 0.2, &[]), ("lint", 50, 0.9, &[])];
    let mut plan = plan(&stages);
    plan.nodes[2].allow_failure = Some("style".into());
    look(&mut plan, &stages, 1);
    assert_eq!(ordered(&plan), ["calm", "slow", "lint"]);
}

#[test]
fn lanes_that_go_on_keep_their_order_unless_asked() {
    let mut plan = fixture::plan();
    assert!(plan.fails_first());
    plan.on_failure = OnFailure::KeepGoing;
    assert!(!plan.fails_first());
}
