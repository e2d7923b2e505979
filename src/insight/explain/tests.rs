//! Advice on small lanes with histories made for it.

use super::super::fixture::{learned, mixed, remembered};
use super::*;
use crate::event::Status;

fn stage(name: &str, rule: Rule, needs: &[usize]) -> LaneStage {
    LaneStage {
        name: name.into(),
        gate: false,
        approval: false,
        effect: false,
        rule,
        needs: needs.to_vec(),
        after: needs.to_vec(),
    }
}

fn lane() -> Lane {
    let never = Rule::When { text: "change.touches(\"docs/**\")".into(), holds: false };
    let mut gate = stage("coverage", Rule::Always, &[]);
    gate.gate = true;
    Lane {
        name: "l".into(),
        chosen_by: "asked for".into(),
        stages: vec![
            stage("build", Rule::Always, &[]),
            stage("unit", Rule::Always, &[0]),
            stage("docs", never, &[]),
            gate,
        ],
        slots: 4,
        off: false,
    }
}

fn runs(count: usize, build: Status, unit: Status) -> Vec<Past> {
    let stages = [("build", build, 1000), ("unit", unit, 2000), ("coverage", Status::Skipped, 0)];
    (0..count).rev().map(|number| remembered(number, "fix", &["src/a.rs"], &stages)).collect()
}

fn fix() -> Situation {
    let change = PastChange { kind: "fix".into(), files: vec!["src/b.rs".into()], ..PastChange::default() };
    Situation { change, at: Timestamp(0) }
}

fn advised(lane: &Lane, situation: &Situation, past: &[Past], effort: Effort) -> Advice {
    let model = Model::fit(past, 1, Timestamp(0));
    explain(lane, situation, Knowledge { model: &model, past }, effort)
}

fn usual(past: &[Past]) -> Advice {
    advised(&lane(), &fix(), past, Effort::Usual)
}

#[test]
fn without_history_the_rules_are_the_advice_and_nothing_is_promised() {
    let advice = usual(&[]);
    assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
    assert_eq!(advice.confidence, 0.0);
    assert_eq!(advice.estimate.seconds, None);
    assert_eq!(advice.saved_seconds, None);
    assert_eq!(advice.baseline.agreement, None);
    assert!(advice.basis.contains("rules"));
}

#[test]
fn below_fifty_runs_history_changes_nothing_and_confidence_stays_low() {
    let advice = usual(&runs(49, Status::Succeeded, Status::Skipped));
    assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
    assert!(advice.confidence <= 0.5 && advice.confidence > 0.4);
    assert_eq!(advice.estimate.seconds, Some(3.0));
    assert!(advice.basis.contains("capped at 0.5"));
}

#[test]
fn from_fifty_runs_on_what_was_never_needed_is_left_out_but_for_gates() {
    let advice = usual(&runs(50, Status::Succeeded, Status::Skipped));
    assert_eq!(advice.recommended, ["build", "coverage"]);
    assert_eq!(advice.alternative.recommended, ["build", "unit", "coverage"]);
    assert_eq!(advice.stages[1].decided, Decided::NotNeeded);
    assert_eq!(advice.stages[3].decided, Decided::Held);
    assert!(advice.stages[3].reasons.iter().any(|reason| reason.contains("gate")));
}

#[test]
fn what_a_kept_stage_needs_is_kept() {
    let advice = usual(&runs(60, Status::Skipped, Status::Succeeded));
    assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
    assert!(advice.stages[0].reasons.contains(&"needed by unit".to_string()));
}

/// The twin: the same history, and nothing needs `build`.
#[test]
fn without_the_need_it_would_go() {
    let mut lane = lane();
    lane.stages[1].needs.clear();
    let past = runs(60, Status::Skipped, Status::Succeeded);
    assert_eq!(advised(&lane, &fix(), &past, Effort::Usual).recommended, ["unit", "coverage"]);
}

#[test]
fn effects_and_approvals_are_held_and_a_lane_may_forbid_it_all() {
    let past = runs(60, Status::Succeeded, Status::Skipped);
    for change in [
        |lane: &mut Lane| lane.stages[1].effect = true,
        |lane: &mut Lane| lane.stages[1].approval = true,
        |lane: &mut Lane| lane.off = true,
    ] {
        let mut lane = lane();
        change(&mut lane);
        let advice = advised(&lane, &fix(), &past, Effort::Fast);
        assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
    }
}

#[test]
fn the_first_stage_left_out_shifts_what_follows() {
    let mut lane = lane();
    lane.stages[0].rule = Rule::When { text: "false".into(), holds: false };
    let past = runs(6, Status::Succeeded, Status::Succeeded);
    let advice = advised(&lane, &fix(), &past, Effort::Usual);
    assert_eq!(advice.recommended, ["unit", "coverage"]);
    assert_eq!(advice.estimate.seconds, Some(2.0));
}

#[test]
fn a_condition_that_does_not_hold_is_not_overruled() {
    assert!(!usual(&runs(60, Status::Succeeded, Status::Succeeded)).stages[2].keep);
}

fn small() -> Lane {
    Lane {
        stages: vec![
            stage("build", Rule::Always, &[]),
            stage("unit", Rule::Always, &[0]),
            stage("lint", Rule::Always, &[]),
        ],
        ..lane()
    }
}

fn of(kind: &str, file: &str) -> Situation {
    let change = PastChange {
        kind: kind.into(),
        files: vec![file.into()],
        count: 1,
        added: 5,
        deleted: 5,
        ..PastChange::default()
    };
    Situation { change, at: Timestamp(0) }
}

#[test]
fn what_such_changes_did_not_need_is_left_out_with_counts() {
    let (model, past) = learned(300);
    let known = Knowledge { model: &model, past: &past };
    let docs = explain(&small(), &of("docs", "docs/x.md"), known, Effort::Usual);
    assert_eq!(docs.recommended, ["build", "lint"], "{docs:?}");
    let said = docs.stages[1].reasons.join("\n");
    assert!(said.contains("`docs/` only: 100 of 100 such changes did not need it"), "{said}");
    assert_eq!(said.matches("100 of 100").count(), 1, "the same runs are a reason once: {said}");
    assert!(docs.saved_seconds > Some(3.0), "{docs:?}");
    let fix = explain(&small(), &of("fix", "src/api/x.rs"), known, Effort::Usual);
    assert_eq!(fix.recommended, ["build", "unit", "lint"]);
    assert!(fix.stages[1].risk > docs.stages[1].risk + 0.03, "{fix:?}");
}

/// Failures of `unit` only in `src/api/`, where it fails often: elsewhere it may go, and what fails stays.
#[test]
fn a_stated_risk_leaves_out_checks_that_would_hardly_find_anything() {
    let mut past = mixed(600);
    past.retain(|run| run.change.kind == "fix");
    let model = Model::fit(&past, 1, Timestamp(0));
    let known = Knowledge { model: &model, past: &past };
    let elsewhere = of("fix", "src/b.rs");
    assert_eq!(explain(&small(), &elsewhere, known, Effort::Usual).recommended.len(), 3);
    let safe = explain(&small(), &elsewhere, known, Effort::Safe);
    let validation = safe.validation.clone().unwrap();
    assert_eq!(validation.refused, None);
    assert!(validation.recall >= Some(0.95) && validation.failures >= 10, "{validation:?}");
    assert_eq!(safe.stages[1].decided, Decided::LowRisk, "{safe:?}");
    assert!(safe.risked > 0.0 && safe.risked < 0.1, "{}", safe.risked);
    let risky = explain(&small(), &of("fix", "src/api/c.rs"), known, Effort::Safe);
    assert!(risky.stages[1].keep, "{risky:?}");
}

#[test]
fn too_few_failures_leave_nothing_more_out_and_say_so() {
    let past = runs(200, Status::Succeeded, Status::Succeeded);
    let advice = advised(&small(), &fix(), &past, Effort::Fast);
    assert_eq!(advice.recommended, ["build", "unit", "lint"]);
    assert!(advice.validation.unwrap().refused.unwrap().contains("no failure was seen"));
}

#[test]
fn a_stage_that_history_never_saw_stays_with_a_wide_interval() {
    let mut lane = small();
    lane.stages.push(stage("new", Rule::Always, &[]));
    let past = mixed(300);
    let advice = advised(&lane, &of("fix", "src/c.rs"), &past, Effort::Fast);
    let new = &advice.stages[3];
    assert!(new.keep && new.interval.high - new.interval.low > 0.7, "{new:?}");
    assert!(new.risk_interval.high - new.risk_interval.low > 0.7, "{new:?}");
    assert!(new.reasons.iter().any(|reason| reason == "no past run says anything of it"));
}
