//! Advice that lies: nothing that is more than a check, and nothing that something kept rests on, is ever left out.

use std::collections::BTreeSet;

use crate::base::{Span, Timestamp, Type, Value};
use crate::embed::tests::plan as bare;
use crate::event::{Course, Effort};
use crate::expr::{Expr, Kind};
use crate::insight::{Knowledge, Lane, Model, Situation};
use crate::plan::{Action, Approval, Call, EdgeKind, Effect, Gate, Output, Plan, Preset, Undo};

use super::*;

fn text(value: &str) -> Expr {
    expr(Kind::Value(Value::String(value.into())))
}

fn expr(kind: Kind) -> Expr {
    Expr { kind, span: Span::default() }
}

/// Stages that each do something.
fn plan(stages: &[(&str, &[u32])]) -> Plan {
    let mut plan = bare(stages);
    for node in &mut plan.nodes {
        node.actions = vec![Action::Exec { argv: vec![text("true")] }];
    }
    plan
}

/// Stages that the lane has, and those of them that the advice keeps; it leaves the others out for their risk of 0.1.
fn advice(plan: &Plan, keep: &[&str]) -> Advice {
    let lane = Lane {
        name: plan.lane.clone(),
        chosen_by: String::new(),
        stages: outline::stages(plan),
        slots: 1,
        off: false,
    };
    let model = Model::new(0, Timestamp(0));
    let knowledge = Knowledge { model: &model, past: &[] };
    let mut advice = insight::explain(&lane, &Situation::default(), knowledge, insight::Effort::Usual);
    for stage in &mut advice.stages {
        stage.keep = keep.contains(&stage.name.as_str());
        stage.risk = 0.1;
    }
    advice.recommended = keep.iter().map(|name| name.to_string()).collect();
    advice
}

fn out(offer: &Offer) -> Vec<&str> {
    offer.advised.left_out.iter().map(|stage| stage.stage.as_str()).collect()
}

const NEVER: Wish = Wish { effort: Effort::Usual, control: 0 };

/// What is left out of `build ← check`, `lint`, `more` when `change` has been done to `lint` and advice keeps `build` alone.
fn lint_with(change: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut plan = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
    change(&mut plan);
    let offer = offer(&plan, &advice(&plan, &["build"]), &BTreeSet::new(), NEVER);
    out(&offer).into_iter().map(str::to_string).collect()
}

#[test]
fn a_check_is_left_out() {
    assert_eq!(lint_with(|_| ()), ["lint", "more"]);
}

type Change<'a> = &'a dyn Fn(&mut Plan);

#[test]
fn lying_advice_drops_no_gate_approval_question_or_effect() {
    let gate = || Gate { tool: None, measures: Vec::new(), require: Vec::new(), exit_ok: Vec::new() };
    let approval = || Approval { count: 1, group: "managers".into(), timeout: None };
    let changes: [(&str, Change); 6] = [
        ("gate", &|plan| plan.nodes[1].gate = Some(gate())),
        ("approval", &|plan| plan.nodes[1].approvals.push(approval())),
        ("question", &|plan| plan.nodes[1].confirm = Some("Really?".into())),
        ("once", &|plan| plan.nodes[1].effect = Effect::Once),
        ("idempotent", &|plan| plan.nodes[1].effect = Effect::Idempotent(text("k"))),
        ("undo", &|plan| {
            plan.nodes[1].undo = Some(Undo { actions: Vec::new(), timeout: None, retry: None });
        }),
    ];
    for (what, change) in changes {
        assert_eq!(lint_with(change), ["more"], "{what}");
    }
}

/// The sabotage twin of the last: without the guard the lie is believed.
#[test]
fn without_the_guard_the_gate_would_be_gone() {
    let mut plan = plan(&[("build", &[]), ("lint", &[])]);
    plan.nodes[1].gate =
        Some(Gate { tool: None, measures: Vec::new(), require: Vec::new(), exit_ok: Vec::new() });
    leave_out(&mut plan, &BTreeSet::from([1]), "left out");
    assert!(matches!(plan.nodes[1].preset, Some(Preset::LeftOut(_))), "the guard is all that keeps it");
}

#[test]
fn what_a_kept_stage_needs_stays_through_any_number_of_others() {
    let plan = plan(&[("fetch", &[]), ("build", &[0]), ("unit", &[1]), ("lint", &[])]);
    let offer = offer(&plan, &advice(&plan, &["unit"]), &BTreeSet::new(), NEVER);
    assert_eq!(out(&offer), ["lint"]);
    let why: Vec<&str> = offer.refused.iter().map(|(stage, _)| stage.as_str()).collect();
    assert_eq!(why, ["fetch", "build"]);
    assert!(offer.refused[1].1.contains("`unit` needs it"), "{:?}", offer.refused);
}

#[test]
fn what_a_kept_stage_reads_stays_though_it_does_not_need_it() {
    let read = || Kind::Output { stage: 1, name: "n".into() };
    let left = lint_with(|plan| {
        plan.nodes[0].edges.push(crate::plan::Edge { to: 1, kind: EdgeKind::NeedsOptional });
        plan.nodes[0].env.push(("N".into(), expr(read())));
    });
    assert_eq!(left, ["more"]);
    let optional = |plan: &mut Plan| {
        plan.nodes[0].edges.push(crate::plan::Edge { to: 1, kind: EdgeKind::NeedsOptional });
    };
    assert_eq!(lint_with(optional), ["lint", "more"], "a need that may be skipped holds nothing");
    let finally = |plan: &mut Plan| plan.finally.push(Action::Exec { argv: vec![expr(read())] });
    assert_eq!(lint_with(finally), ["more"]);
}

#[test]
fn a_file_that_a_kept_stage_takes_keeps_its_maker() {
    let output = |path: &str| Output {
        name: "report".into(),
        ty: Type::Path,
        value: expr(Kind::Value(Value::Path(path.into()))),
        given: false,
        keep: None,
    };
    let made = |glob: &'static str| {
        move |plan: &mut Plan| {
            plan.nodes[1].outputs.push(output("out/report.xml"));
            plan.nodes[0].inputs.push(glob.into());
        }
    };
    assert_eq!(lint_with(made("out/*.xml")), ["more"]);
    assert_eq!(lint_with(made("src/**")), ["lint", "more"]);
}

#[test]
fn a_call_goes_whole_or_not_at_all() {
    let call = |gate: bool| {
        let mut plan =
            plan(&[("build", &[]), ("probe:start", &[]), ("probe/unit", &[1]), ("probe", &[1, 2])]);
        plan.calls = vec![Call { opening: 1, parts: vec![1], closing: 3 }];
        plan.nodes[1].call = Some(0);
        plan.nodes[2].call = Some(0);
        plan.nodes[3].closes = Some(0);
        plan.nodes[2].gate =
            gate.then(|| Gate { tool: None, measures: Vec::new(), require: Vec::new(), exit_ok: Vec::new() });
        plan
    };
    let inner = call(false);
    let offered = offer(&inner, &advice(&inner, &["build", "probe", "probe:start"]), &BTreeSet::new(), NEVER);
    assert!(offered.is_empty(), "{:?}", offered.advised.left_out);
    let offered = offer(&inner, &advice(&inner, &["build"]), &BTreeSet::new(), NEVER);
    assert_eq!(out(&offered), ["probe"]);
    assert_eq!(offered.permitted.nodes, BTreeSet::from([1, 2, 3]));
    let gated = call(true);
    assert!(offer(&gated, &advice(&gated, &["build"]), &BTreeSet::new(), NEVER).is_empty());
}

#[test]
fn something_is_always_left_to_run_and_unknown_stages_are_kept() {
    let plan = plan(&[("unit", &[]), ("lint", &[])]);
    let offer = offer(&plan, &advice(&plan, &[]), &BTreeSet::new(), NEVER);
    assert!(offer.is_empty());
    assert!(offer.refused[0].1.contains("nothing would be left"), "{:?}", offer.refused);
    let mut silent = advice(&plan, &["unit"]);
    silent.stages[1].name = "gone".into();
    assert!(super::offer(&plan, &silent, &BTreeSet::new(), NEVER).is_empty());
}

/// Of 4,000 seeds, how many draw a control run.
fn drawn_of_4000(control: u32) -> usize {
    let mut plan = plan(&[("build", &[]), ("lint", &[])]);
    let advice = advice(&plan, &["build"]);
    let draw = |seed: u64| {
        plan.seed = seed;
        offer(&plan, &advice, &BTreeSet::new(), Wish { control, ..NEVER }).is_control()
    };
    (0..4_000).map(draw).filter(|control| *control).count()
}

#[test]
fn the_share_of_control_runs_is_what_was_asked_for() {
    let found = drawn_of_4000(CONTROL);
    assert!((140..260).contains(&found), "{found} of 4000 at {CONTROL} %");
    assert_eq!(drawn_of_4000(100), 4_000);
    // The sabotage twin: with the draw off nothing is ever checked.
    assert_eq!(drawn_of_4000(0), 0);
}

#[test]
fn nothing_to_leave_out_is_never_a_control_run() {
    let plan = plan(&[("build", &[]), ("lint", &[])]);
    let offer =
        offer(&plan, &advice(&plan, &["build", "lint"]), &BTreeSet::new(), Wish { control: 100, ..NEVER });
    assert!(offer.is_empty() && !offer.is_control());
}

#[test]
fn the_risk_of_several_stages_adds_up() {
    let plan = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
    let offer = offer(&plan, &advice(&plan, &["build"]), &BTreeSet::new(), NEVER);
    assert!((offer.risk() - 0.19).abs() < 1e-9, "{}", offer.risk());
}

#[test]
fn a_plan_made_again_leaves_out_what_still_may_be() {
    let old = {
        let mut plan = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
        plan.advised =
            Some(Box::new(offer(&plan, &advice(&plan, &["build"]), &BTreeSet::new(), NEVER).advised));
        plan
    };
    let mut new = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
    new.nodes[2].effect = Effect::Once;
    again(&old, &mut new);
    assert!(matches!(new.nodes[1].preset, Some(Preset::LeftOut(_))));
    assert_eq!((&new.nodes[2].preset, &new.nodes[0].preset), (&None, &None));
    let mut control = old.clone();
    control.advised.as_mut().expect("advice").course = Course::Control;
    let mut all = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
    again(&control, &mut all);
    assert!(all.nodes.iter().all(|node| node.preset.is_none()));
}

#[test]
fn what_was_left_out_all_the_time_runs_again() {
    let plan = plan(&[("build", &[]), ("lint", &[]), ("more", &[])]);
    let due = BTreeSet::from(["lint".to_string(), "build".to_string()]);
    let offer = offer(&plan, &advice(&plan, &["build"]), &due, NEVER);
    assert_eq!(out(&offer), ["more"]);
    assert_eq!(offer.refused.len(), 1, "what is kept anyway is not mentioned: {:?}", offer.refused);
    assert!(offer.refused[0].1.contains("left out of the last 10 runs"), "{:?}", offer.refused);
}
