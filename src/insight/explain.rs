//! Which stages of a lane a change needs. Below [`TRUSTED`] runs the lane's own rules are the advice and history only
//! stands beside it; from there on, stages that such changes practically never needed are left out. Gates, whatever a
//! kept stage needs, and what the lane's rules exclude are never history's to decide.

use serde::Serialize;

use crate::history::Change;

use super::PastRun;
use super::estimate::{Estimate, Step, estimate};
use super::keep::{Frequency, frequency, needed};

/// Runs of the lane from which history may speak.
pub const TRUSTED: usize = 50;

/// What is known of the change at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Situation {
    pub change: Change,
}

/// What the lane itself says of a stage for this change.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    Always,
    /// Its `when`, worked out.
    When {
        text: String,
        holds: bool,
    },
    /// Its `when` is only known while the lane runs.
    Later {
        text: String,
    },
    Waived(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct LaneStage {
    pub name: String,
    pub gate: bool,
    /// A person must approve before it.
    pub approval: bool,
    pub rule: Rule,
    /// Stages it needs, by index.
    pub needs: Vec<usize>,
    /// All stages it waits for, by index.
    pub after: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub name: String,
    /// The rule that chose the lane, in words.
    pub chosen_by: String,
    pub stages: Vec<LaneStage>,
    /// Stages at once.
    pub slots: usize,
}

/// The contract's JSON of `wfl explain`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    pub lane: String,
    pub chosen_by: String,
    pub recommended: Vec<String>,
    pub confidence: f64,
    /// In one sentence, what the recommendation rests on.
    pub basis: String,
    pub stages: Vec<StageAdvice>,
    pub estimate: Estimate,
    pub history: Sample,
    pub baseline: Baseline,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageAdvice {
    pub name: String,
    pub keep: bool,
    pub probability: f64,
    pub reasons: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub runs: usize,
}

/// The lane's rules without history, and how often past stages agreed with "always run".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    pub rule: &'static str,
    pub recommended: Vec<String>,
    pub agreement: Option<f64>,
}

/// Works the advice out; `past` are finished runs of the lane.
pub fn explain(lane: &Lane, situation: &Situation, past: &[PastRun]) -> Advice {
    let frequencies: Vec<Frequency> =
        lane.stages.iter().map(|stage| frequency(&stage.name, &situation.change, past)).collect();
    let by_rules: Vec<bool> = lane.stages.iter().map(kept_by_rule).collect();
    let trusted = past.len() >= TRUSTED;
    let keep = if trusted { with_history(lane, &by_rules, &frequencies) } else { by_rules.clone() };
    let stages = (0..lane.stages.len())
        .map(|index| advice(lane, index, keep[index], by_rules[index], &frequencies[index], trusted))
        .collect();
    Advice {
        lane: lane.name.clone(),
        chosen_by: lane.chosen_by.clone(),
        recommended: names(lane, &keep),
        confidence: confidence(&keep, &frequencies, past.len()),
        basis: basis(past.len()),
        stages,
        estimate: estimate_kept(lane, &keep, past),
        history: Sample { runs: past.len() },
        baseline: Baseline {
            rule: "the lane's own rules",
            recommended: names(lane, &by_rules),
            agreement: agreement(lane, past),
        },
    }
}

fn kept_by_rule(stage: &LaneStage) -> bool {
    match &stage.rule {
        Rule::Always | Rule::Later { .. } => true,
        Rule::When { holds, .. } => *holds,
        Rule::Waived(_) => false,
    }
}

/// What history keeps of what the rules keep, with all that it needs.
fn with_history(lane: &Lane, by_rules: &[bool], frequencies: &[Frequency]) -> Vec<bool> {
    let mut keep: Vec<bool> = (0..lane.stages.len())
        .map(|index| {
            let stage = &lane.stages[index];
            by_rules[index] && (stage.gate || stage.approval || frequencies[index].probability() >= 0.5)
        })
        .collect();
    let mut open: Vec<usize> = (0..keep.len()).filter(|&index| keep[index]).collect();
    while let Some(index) = open.pop() {
        for &need in &lane.stages[index].needs {
            if by_rules.get(need) == Some(&true) && !keep[need] {
                keep[need] = true;
                open.push(need);
            }
        }
    }
    keep
}

/// Mean certainty over the stages; while rules decide, at most one half, growing with the runs seen.
fn confidence(keep: &[bool], frequencies: &[Frequency], runs: usize) -> f64 {
    if runs < TRUSTED {
        return round(0.5 * runs as f64 / TRUSTED as f64);
    }
    let certain: f64 = keep
        .iter()
        .zip(frequencies)
        .map(|(keep, found)| if *keep { found.probability() } else { 1.0 - found.probability() })
        .sum();
    round(certain / keep.len().max(1) as f64)
}

fn basis(runs: usize) -> String {
    if runs < TRUSTED {
        let noun = if runs == 1 { "run" } else { "runs" };
        format!(
            "the lane's own rules: history has {runs} {noun} of this lane, and fewer than {TRUSTED} decide nothing; \
             confidence is capped at 0.5"
        )
    } else {
        format!("{runs} past runs of this lane, within the lane's own rules")
    }
}

fn advice(
    lane: &Lane,
    index: usize,
    keep: bool,
    by_rule: bool,
    found: &Frequency,
    trusted: bool,
) -> StageAdvice {
    let stage = &lane.stages[index];
    let mut reasons = vec![rule_words(&stage.rule)];
    if found.runs > 0 {
        let (low, high) = found.interval();
        reasons.push(format!(
            "executed in {} of {} {} (80 % interval {low:.2} to {high:.2})",
            found.needed,
            found.runs,
            found.among.words()
        ));
    } else {
        reasons.push("no past run says anything of it".into());
    }
    if trusted && keep && found.probability() < 0.5 {
        reasons.push(held_by(lane, index));
    }
    if trusted && by_rule && !keep {
        reasons.push("changes like this one have rarely needed it".into());
    }
    StageAdvice { name: stage.name.clone(), keep, probability: round(found.probability()), reasons }
}

fn held_by(lane: &Lane, index: usize) -> String {
    if lane.stages[index].gate {
        return "a gate is never left out by history".into();
    }
    match lane.stages.iter().find(|stage| stage.needs.contains(&index)) {
        Some(stage) => format!("needed by {}", stage.name),
        None => "an approval is never left out by history".into(),
    }
}

fn rule_words(rule: &Rule) -> String {
    match rule {
        Rule::Always => "the lane always runs it".into(),
        Rule::When { text, holds: true } => format!("its condition holds: {text}"),
        Rule::When { text, holds: false } => format!("its condition does not hold: {text}"),
        Rule::Later { text } => format!("its condition is not decided yet: {text}"),
        Rule::Waived(reason) => format!("the lane waives it: {reason}"),
    }
}

fn estimate_kept(lane: &Lane, keep: &[bool], past: &[PastRun]) -> Estimate {
    let place: Vec<Option<usize>> = keep
        .iter()
        .scan(0, |next, keep| {
            *next += usize::from(*keep);
            Some(keep.then(|| *next - 1))
        })
        .collect();
    let after: Vec<Vec<usize>> = lane
        .stages
        .iter()
        .map(|stage| stage.after.iter().filter_map(|&at| place.get(at).copied().flatten()).collect())
        .collect();
    let kept = (0..keep.len()).filter(|&index| keep[index]);
    let steps: Vec<Step> =
        kept.map(|index| Step { name: &lane.stages[index].name, after: &after[index] }).collect();
    estimate(&steps, lane.slots, past)
}

fn agreement(lane: &Lane, past: &[PastRun]) -> Option<f64> {
    let verdicts: Vec<bool> = lane
        .stages
        .iter()
        .flat_map(|stage| past.iter().filter_map(|past| needed(&stage.name, past)))
        .collect();
    let right = verdicts.iter().filter(|needed| **needed).count();
    (!verdicts.is_empty()).then(|| round(right as f64 / verdicts.len() as f64))
}

fn names(lane: &Lane, keep: &[bool]) -> Vec<String> {
    lane.stages.iter().zip(keep).filter(|(_, keep)| **keep).map(|(stage, _)| stage.name.clone()).collect()
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{change, past};
    use super::*;
    use crate::event::Status;

    fn stage(name: &str, rule: Rule, needs: &[usize]) -> LaneStage {
        LaneStage {
            name: name.into(),
            gate: false,
            approval: false,
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
        }
    }

    fn runs(count: usize, build: Status, unit: Status) -> Vec<PastRun> {
        let stages = [("build", build, 1000), ("unit", unit, 2000), ("coverage", Status::Skipped, 0)];
        (0..count).map(|_| past(change("fix", &["src/a.rs"]), &stages)).collect()
    }

    fn fix() -> Situation {
        Situation { change: change("fix", &["src/b.rs"]) }
    }

    #[test]
    fn without_history_the_rules_are_the_advice_and_nothing_is_promised() {
        let advice = explain(&lane(), &fix(), &[]);
        assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
        assert_eq!(advice.confidence, 0.0);
        assert_eq!(advice.estimate.seconds, None);
        assert_eq!(advice.baseline.agreement, None);
        assert!(advice.basis.contains("rules"));
    }

    #[test]
    fn below_fifty_runs_history_changes_nothing_and_confidence_stays_low() {
        let advice = explain(&lane(), &fix(), &runs(49, Status::Succeeded, Status::Skipped));
        assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
        assert!(advice.confidence <= 0.5 && advice.confidence > 0.4);
        assert_eq!(advice.estimate.seconds, Some(3.0));
    }

    #[test]
    fn from_fifty_runs_on_what_was_never_needed_is_left_out_but_for_gates() {
        let advice = explain(&lane(), &fix(), &runs(50, Status::Succeeded, Status::Skipped));
        assert_eq!(advice.recommended, ["build", "coverage"]);
        assert_eq!(advice.baseline.recommended, ["build", "unit", "coverage"]);
        assert!(advice.stages[3].reasons.iter().any(|reason| reason.contains("gate")));
    }

    #[test]
    fn what_a_kept_stage_needs_is_kept() {
        let advice = explain(&lane(), &fix(), &runs(60, Status::Skipped, Status::Succeeded));
        assert_eq!(advice.recommended, ["build", "unit", "coverage"]);
        assert!(advice.stages[0].reasons.contains(&"needed by unit".to_string()));
    }

    #[test]
    fn the_first_stage_left_out_shifts_what_follows() {
        let mut lane = lane();
        lane.stages[0].rule = Rule::When { text: "false".into(), holds: false };
        let advice = explain(&lane, &fix(), &runs(6, Status::Succeeded, Status::Succeeded));
        assert_eq!(advice.recommended, ["unit", "coverage"]);
        assert_eq!(advice.estimate.seconds, Some(2.0));
    }

    #[test]
    fn a_condition_that_does_not_hold_is_not_overruled() {
        let advice = explain(&lane(), &fix(), &runs(60, Status::Succeeded, Status::Succeeded));
        assert!(!advice.stages[2].keep);
    }
}
