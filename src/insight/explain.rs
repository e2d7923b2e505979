//! Which stages of a lane a change needs. Below [`TRUSTED`] runs the lane's own rules are the advice and history only
//! stands beside it; from there on, stages that such changes practically never needed are left out, and, where it is asked
//! for, checks that would hardly find anything. Gates, approvals, effects, whatever a kept stage needs, and what the lane's
//! rules exclude are never history's to decide.

use serde::Serialize;

use crate::base::Timestamp;
use crate::history::{Past, PastChange};
use crate::learn::labels::{Answer, Known};

use super::dataset::{self, Said};
use super::effort::{Effort, Validation, validate};
use super::estimate::{Estimate, Step, estimate};
use super::model::{Model, Score, VERSION};
use super::reasons;
use super::regress::{Regression, regressions};

/// Runs of the lane from which history may speak.
pub const TRUSTED: usize = 50;
/// Executions of a stage from which its risk may leave it out.
const EXECUTED: u32 = 20;

/// What is known of the change at hand.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Situation {
    pub change: PastChange,
    pub at: Timestamp,
}

/// What was learned of the lane, and its newest runs.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    pub model: &'a Model,
    pub past: &'a [Past],
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

impl Rule {
    /// Whether the lane runs it, as far as is known.
    pub fn keeps(&self) -> bool {
        match self {
            Rule::Always | Rule::Later { .. } => true,
            Rule::When { holds, .. } => *holds,
            Rule::Waived(_) => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct LaneStage {
    pub name: String,
    pub gate: bool,
    /// A person must approve before it.
    pub approval: bool,
    /// It does something outside, once or under a key.
    pub effect: bool,
    pub rule: Rule,
    /// Stages it needs, by index.
    pub needs: Vec<usize>,
    /// All stages it waits for, by index.
    pub after: Vec<usize>,
}

impl LaneStage {
    /// Why history may not leave it out, whatever it says.
    pub fn held(&self) -> Option<&'static str> {
        match self {
            LaneStage { gate: true, .. } => Some("a gate is never left out by history"),
            LaneStage { approval: true, .. } => Some("an approval is never left out by history"),
            LaneStage { effect: true, .. } => Some("an outside effect is never left out by history"),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub name: String,
    /// The rule that chose the lane, in words.
    pub chosen_by: String,
    pub stages: Vec<LaneStage>,
    /// Stages at once.
    pub slots: usize,
    /// `recommend off`: nothing is left out by history.
    pub off: bool,
}

/// The contract's JSON of `wfl explain`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    pub lane: String,
    pub chosen_by: String,
    pub effort: Effort,
    pub recommended: Vec<String>,
    pub confidence: f64,
    /// In one sentence, what the recommendation rests on.
    pub basis: String,
    pub stages: Vec<StageAdvice>,
    pub estimate: Estimate,
    /// Against the lane's own rules.
    pub saved_seconds: Option<f64>,
    /// The chance that at least one stage that history leaves out would have failed.
    pub risked: f64,
    pub history: Sample,
    pub baseline: Baseline,
    /// The lane's rules alone.
    pub alternative: Alternative,
    /// How the threshold was chosen and what it held, where one was asked for.
    pub validation: Option<Validation>,
    /// Stages that became slower, in words.
    pub regressions: Vec<Regression>,
    pub versions: Versions,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageAdvice {
    pub name: String,
    pub keep: bool,
    /// That the change needs it.
    pub probability: f64,
    pub interval: Interval,
    /// That it would find something.
    pub risk: f64,
    pub risk_interval: Interval,
    pub decided: Decided,
    pub reasons: Vec<String>,
    /// How long it usually takes.
    pub seconds: Option<f64>,
    /// Executions that its risk rests on.
    pub executions: u32,
}

/// The middle 80 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// What decided whether the stage runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// The lane's own rules, which history does not contradict.
    Rules,
    /// History would leave it out, and may not.
    Held,
    /// Another stage that runs needs it.
    NeededByOther,
    /// Changes like this one do not need it.
    NotNeeded,
    /// It would hardly find anything.
    LowRisk,
}

impl Decided {
    /// History leaves it out.
    pub fn by_history(self) -> bool {
        matches!(self, Decided::NotNeeded | Decided::LowRisk)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sample {
    pub runs: usize,
    /// Ends of stages that were learned from.
    pub events: u64,
    /// Stages that were skipped and failed in a later run of the same change.
    pub needed_later: u32,
}

/// The lane's rules without history, and how often past stages agreed with "always run".
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baseline {
    pub rule: &'static str,
    pub recommended: Vec<String>,
    pub agreement: Option<f64>,
    /// How good this model and the constant answer were, each on what they had not seen.
    #[serde(flatten)]
    pub score: Score,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alternative {
    pub rule: &'static str,
    pub recommended: Vec<String>,
    pub estimate: Estimate,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Versions {
    pub model: u32,
    pub seed: u64,
    pub fitted: Timestamp,
    /// Runs learned one by one since it was fitted.
    pub updates: u32,
}

/// What is known of one stage before anything is decided.
pub(super) struct Chances {
    pub need: Answer,
    pub risk: Answer,
}

/// Both questions about each stage of the lane.
pub(super) fn chances(lane: &Lane, situation: &Situation, model: &Model) -> Vec<Chances> {
    let words = dataset::words(&situation.change, Some(situation.at));
    let (need, fail) = model.labels();
    let (need, fail): (Known, Known) = (need.known(&words), fail.known(&words));
    let places = lane.stages.iter().map(|stage| model.index(&stage.name));
    places.map(|place| Chances { need: need.answer(place), risk: fail.answer(place) }).collect()
}

/// Works the advice out.
pub fn explain(lane: &Lane, situation: &Situation, known: Knowledge, effort: Effort) -> Advice {
    let Knowledge { model, past } = known;
    let chances = chances(lane, situation, model);
    let by_rules: Vec<bool> = lane.stages.iter().map(|stage| stage.rule.keeps()).collect();
    let runs = model.runs as usize;
    let may = runs >= TRUSTED && !lane.off;
    let validation = effort.recall().filter(|_| may).map(|target| {
        validate(
            &model.said(|name| lane.stages.iter().any(|stage| stage.name == name && may_go(stage))),
            target,
        )
    });
    let threshold = validation.as_ref().and_then(|validation| validation.threshold);
    let decided = if may { decide(lane, &chances, threshold) } else { vec![Decided::Rules; chances.len()] };
    let keep: Vec<bool> =
        by_rules.iter().zip(&decided).map(|(rule, how)| *rule && !how.by_history()).collect();
    let words = dataset::spoken(&situation.change, Some(situation.at));
    let at = |index: usize| Judged {
        lane,
        index,
        keep: keep[index],
        decided: decided[index],
        chances: &chances[index],
    };
    let (own, rules) = (estimate_kept(lane, &keep, past), estimate_kept(lane, &by_rules, past));
    Advice {
        lane: lane.name.clone(),
        chosen_by: lane.chosen_by.clone(),
        effort,
        recommended: names(lane, &keep),
        confidence: confidence(&keep, &chances, runs),
        basis: basis(runs, lane.off),
        stages: (0..keep.len()).map(|index| at(index).advice(model, &words, threshold)).collect(),
        estimate: own,
        saved_seconds: own.seconds.zip(rules.seconds).map(|(own, rules)| round((rules - own).max(0.0))),
        risked: risked(&decided, &by_rules, &chances),
        history: sample(model),
        baseline: baseline(lane, &by_rules, model),
        alternative: Alternative { rule: OWN, recommended: names(lane, &by_rules), estimate: rules },
        validation,
        regressions: regressions(past),
        versions: Versions { model: VERSION, seed: model.seed, fitted: model.fitted, updates: model.updates },
    }
}

const OWN: &str = "the lane's own rules";

/// Whether history may leave the stage out at all, unless another needs it.
fn may_go(stage: &LaneStage) -> bool {
    stage.held().is_none()
}

/// What history says of each stage that the rules keep, and what it may not leave out for all that.
fn decide(lane: &Lane, chances: &[Chances], threshold: Option<f64>) -> Vec<Decided> {
    let mut decided: Vec<Decided> = lane
        .stages
        .iter()
        .zip(chances)
        .map(|(stage, found)| {
            let low = threshold
                .is_some_and(|limit| found.risk.probability < limit && found.risk.base.seen >= EXECUTED);
            match () {
                () if !stage.rule.keeps() => Decided::Rules,
                () if found.need.probability >= 0.5 && !low => Decided::Rules,
                () if !may_go(stage) => Decided::Held,
                () if found.need.probability < 0.5 => Decided::NotNeeded,
                () => Decided::LowRisk,
            }
        })
        .collect();
    let kept = |stage: &LaneStage, how: Decided| stage.rule.keeps() && !how.by_history();
    let mut open: Vec<usize> =
        (0..decided.len()).filter(|&index| kept(&lane.stages[index], decided[index])).collect();
    while let Some(index) = open.pop() {
        for &need in &lane.stages[index].needs {
            if decided.get(need).is_some_and(|how| how.by_history()) {
                decided[need] = Decided::NeededByOther;
                open.push(need);
            }
        }
    }
    decided
}

/// Mean certainty over the stages; while rules decide, at most one half, growing with the runs seen.
fn confidence(keep: &[bool], chances: &[Chances], runs: usize) -> f64 {
    if runs < TRUSTED {
        return round(0.5 * runs as f64 / TRUSTED as f64);
    }
    let certain: f64 = keep
        .iter()
        .zip(chances)
        .map(|(keep, found)| if *keep { found.need.probability } else { 1.0 - found.need.probability })
        .sum();
    round(certain / keep.len().max(1) as f64)
}

fn basis(runs: usize, off: bool) -> String {
    let noun = if runs == 1 { "run" } else { "runs" };
    match runs {
        _ if off => {
            format!("the lane's own rules: it says `recommend off`, so its {runs} past {noun} decide nothing")
        }
        0..TRUSTED => format!(
            "the lane's own rules: history has {runs} {noun} of this lane, and fewer than {TRUSTED} decide nothing; \
             confidence is capped at 0.5"
        ),
        _ => format!("{runs} past runs of this lane, within the lane's own rules"),
    }
}

/// That at least one of those left out by history would have failed.
fn risked(decided: &[Decided], by_rules: &[bool], chances: &[Chances]) -> f64 {
    let left = (0..decided.len()).filter(|&index| by_rules[index] && decided[index].by_history());
    let passes: f64 = left.map(|index| 1.0 - chances[index].risk.probability).product();
    round(1.0 - passes)
}

fn sample(model: &Model) -> Sample {
    Sample { runs: model.runs as usize, events: model.events, needed_later: model.needed_later() }
}

fn baseline(lane: &Lane, by_rules: &[bool], model: &Model) -> Baseline {
    let counted = lane.stages.iter().filter_map(|stage| model.stage(&stage.name));
    let (yes, all) = counted.fold((0, 0), |(yes, all), stage| {
        (yes + u64::from(stage.needed), all + u64::from(stage.needed) + u64::from(stage.not_needed))
    });
    let score = model.score();
    Baseline {
        rule: OWN,
        recommended: names(lane, by_rules),
        agreement: (all > 0).then(|| round(yes as f64 / all as f64)),
        score: Score {
            model: score.model.map(round),
            constant: score.constant.map(round),
            risk_gain: score.risk_gain.map(round),
            ..score
        },
    }
}

/// One stage with everything that was decided of it.
struct Judged<'a> {
    lane: &'a Lane,
    index: usize,
    keep: bool,
    decided: Decided,
    chances: &'a Chances,
}

impl Judged<'_> {
    fn stage(&self) -> &LaneStage {
        &self.lane.stages[self.index]
    }

    fn advice(&self, model: &Model, words: &[Said], threshold: Option<f64>) -> StageAdvice {
        let Chances { need, risk } = self.chances;
        let own = model.stage(&self.stage().name);
        let mut reasons = self.decisive(threshold);
        reasons.extend(reasons::evidence(need, risk, words, &self.stage().name));
        StageAdvice {
            name: self.stage().name.clone(),
            keep: self.keep,
            probability: round(need.probability),
            interval: Interval { low: round(need.low), high: round(need.high) },
            risk: round(risk.probability),
            risk_interval: Interval { low: round(risk.low), high: round(risk.high) },
            decided: self.decided,
            reasons,
            seconds: own.and_then(|own| own.median_ms()).map(|ms| ms as f64 / 1000.0),
            executions: risk.base.seen,
        }
    }

    /// What decided, where there is something to say of it.
    fn decisive(&self, threshold: Option<f64>) -> Vec<String> {
        let mut said = vec![reasons::rule(&self.stage().rule)];
        said.extend(match self.decided {
            Decided::Rules => None,
            Decided::Held => self.stage().held().map(str::to_string),
            Decided::NeededByOther => self.needed_by().map(|name| format!("needed by {name}")),
            Decided::NotNeeded => Some("changes like this one have rarely needed it".into()),
            Decided::LowRisk => Some(format!(
                "its risk of {:.1} % is below the {:.1} % from which checks are kept",
                self.chances.risk.probability * 100.0,
                threshold.unwrap_or_default() * 100.0
            )),
        });
        said
    }

    fn needed_by(&self) -> Option<&str> {
        let mut stages = self.lane.stages.iter();
        stages.find(|stage| stage.needs.contains(&self.index)).map(|stage| stage.name.as_str())
    }
}

fn estimate_kept(lane: &Lane, keep: &[bool], past: &[Past]) -> Estimate {
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

fn names(lane: &Lane, keep: &[bool]) -> Vec<String> {
    lane.stages.iter().zip(keep).filter(|(_, keep)| **keep).map(|(stage, _)| stage.name.clone()).collect()
}

fn round(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests;
