//! A run of what history recommends: what it would leave out, what that saves and risks, and what was done with the
//! advice, recorded with the run. Works no advice out and trusts none: what may be left out is judged again by `permit`.

mod ledger;
mod permit;

pub use permit::{Permitted, leave_out, permitted};

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::reuse::drawn;
use crate::event::{Advised, Course, Effort, LeftOut};
use crate::history::{Filter, History};
use crate::insight::explain::TRUSTED;
use crate::insight::overdue::{IN_A_ROW, overdue};
use crate::insight::{self, Advice, Decided, Validation};
use crate::plan::{LEFT_OUT, Plan};

use super::{Error, Planned, Project, advise, outline};

/// Of a hundred runs that would leave something out, how many run all of it unless another share was asked for.
pub const CONTROL: u32 = 5;

/// Newest runs in which it is looked for what was left out all the time.
const LOOKED_AT: usize = 10 * IN_A_ROW;

/// How a recommendation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub effort: Effort,
    /// Of a hundred runs that would leave something out, how many run all of it.
    pub control: u32,
}

impl Default for Wish {
    fn default() -> Self {
        Wish { effort: Effort::default(), control: CONTROL }
    }
}

/// What a run would leave out, before anybody agreed to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub lane: String,
    /// Recorded with the run; its course is `control` where the draw says so.
    pub advised: Advised,
    /// Stages that run although the advice would leave them out, and why.
    pub refused: Vec<(String, String)>,
    /// Milliseconds that the stages of the lane take as a rule, one after the other, as far as it is known.
    pub total_ms: u64,
    /// How the risk below which stages are left out was chosen, where one was asked for.
    pub validation: Option<Validation>,
    permitted: Permitted,
    /// How likely this change fails each stage: what likely-failures-first goes by.
    risks: BTreeMap<String, f64>,
}

impl Project {
    /// What history would leave out of the plan. Refused where the lane says `recommend off`.
    pub fn recommend(&self, planned: &Planned, wish: Wish) -> Result<Offer, Error> {
        if planned.chosen.lane.recommend_off {
            let message = format!("lane `{}` says `recommend off`: all of it runs", planned.plan.lane);
            return Err(Error::refused(message, "run it without --recommended"));
        }
        let store = self.history()?;
        let history = store.as_ref().map(|store| store as &dyn History);
        let advice = advise(planned, history, asked(wish.effort))?;
        let filter =
            Filter { lane: Some(planned.plan.lane.clone()), limit: Some(LOOKED_AT), ..Filter::default() };
        let newest = history.map(|history| history.past(&filter)).transpose()?.unwrap_or_default();
        let overdue = overdue(newest.iter(), IN_A_ROW);
        Ok(offer(&planned.plan, &advice, &overdue, wish))
    }
}

/// The offer that follows from advice: only what the plan itself permits, and was not left out all the time, is left out.
pub fn offer(plan: &Plan, advice: &Advice, overdue: &BTreeSet<String>, wish: Wish) -> Offer {
    let places: BTreeMap<&str, u32> =
        (0..).zip(&plan.stages).map(|(index, stage)| (stage.name.as_str(), index)).collect();
    let runs: BTreeSet<String> = outline::stages(plan)
        .into_iter()
        .filter(|stage| stage.rule.keeps())
        .map(|stage| stage.name)
        .collect();
    let against = advice.stages.iter().filter(|stage| !stage.keep && runs.contains(&stage.name));
    let (due, against): (Vec<_>, Vec<_>) = against.partition(|stage| overdue.contains(&stage.name));
    let wanted = against.iter().filter_map(|stage| places.get(stage.name.as_str()).copied()).collect();
    let permitted = permitted(plan, &wanted);
    let name = |stage: &u32| plan.stages[*stage as usize].name.clone();
    let left_out: Vec<LeftOut> = permitted.stages.iter().map(|stage| left_out(advice, name(stage))).collect();
    let gone: BTreeSet<String> = permitted.stages.iter().map(name).collect();
    let kept = |name: &String| runs.contains(name) && !gone.contains(name);
    let late = || format!("it was left out of the last {IN_A_ROW} runs");
    let mut refused: Vec<(String, String)> = due.iter().map(|stage| (stage.name.clone(), late())).collect();
    refused.extend(permitted.refused.iter().map(|(stage, why)| (name(stage), why.clone())));
    let control = !gone.is_empty() && drawn(plan.seed, "control run", wish.control);
    Offer {
        lane: plan.lane.clone(),
        advised: Advised {
            course: if control { Course::Control } else { Course::Followed },
            effort: wish.effort,
            kept: plan.stages.iter().map(|stage| stage.name.clone()).filter(kept).collect(),
            left_out,
            runs: advice.history.runs as u64,
            confidence: advice.confidence,
            control: wish.control,
            model: model(advice),
            sooner_ms: advice.saved_seconds.filter(|_| refused.is_empty()).map(ms),
            by: String::new(),
        },
        refused,
        total_ms: advice.stages.iter().filter_map(|stage| stage.seconds).map(ms).sum(),
        validation: advice.validation.clone(),
        permitted,
        risks: risks(advice),
    }
}

/// None where too few runs are known to tell this change from others.
fn risks(advice: &Advice) -> BTreeMap<String, f64> {
    let known = advice.history.runs >= TRUSTED;
    let stages = advice.stages.iter().filter(|_| known);
    stages.map(|stage| (stage.name.clone(), stage.risk)).collect()
}

/// As the advice knows it.
fn asked(effort: Effort) -> insight::Effort {
    match effort {
        Effort::Usual => insight::Effort::Usual,
        Effort::Safe => insight::Effort::Safe,
        Effort::Fast => insight::Effort::Fast,
    }
}

/// What worked the advice out, so that a later one is not held against what came of this one.
fn model(advice: &Advice) -> String {
    let of = &advice.versions;
    format!("{} of {} and {} more runs", of.model, of.fitted.rfc3339(), of.updates)
}

fn ms(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1_000.0) as u64
}

fn left_out(advice: &Advice, stage: String) -> LeftOut {
    let Some(found) = advice.stages.iter().find(|found| found.name == stage) else {
        return LeftOut { stage, ..LeftOut::default() };
    };
    let limit = advice.validation.as_ref().and_then(|validation| validation.threshold);
    // What the lane says of it and what decided stand first; then the evidence, the strongest first.
    let because = found.reasons.get(2).or(found.reasons.last()).cloned().unwrap_or_default();
    LeftOut {
        stage,
        probability: found.risk,
        needed: found.probability,
        executions: found.executions,
        threshold: limit.filter(|_| found.decided == Decided::LowRisk),
        saves_ms: found.seconds.map(ms),
        because,
    }
}

impl Offer {
    /// The advice agrees with the lane's own rules: nobody is asked.
    pub fn is_empty(&self) -> bool {
        self.advised.left_out.is_empty()
    }

    /// The draw says that all of it runs.
    pub fn is_control(&self) -> bool {
        self.advised.course == Course::Control
    }

    /// Milliseconds of stage time that are not spent.
    pub fn saves_ms(&self) -> u64 {
        self.advised.left_out.iter().filter_map(|stage| stage.saves_ms).sum()
    }

    /// How likely it is that one of the stages left out would have found something.
    pub fn risk(&self) -> f64 {
        let none: f64 =
            self.advised.left_out.iter().map(|stage| 1.0 - stage.probability.clamp(0.0, 1.0)).product();
        1.0 - none
    }

    /// The plan with what was decided: cut down where the advice is followed, and recorded in either case. An empty offer
    /// leaves nothing out.
    pub fn decide(self, mut planned: Planned, declined: bool, by: String) -> Planned {
        planned.order.risks.clone_from(&self.risks);
        if self.is_empty() {
            return planned;
        }
        let mut advised = self.advised;
        if declined {
            advised.course = Course::Declined;
        }
        advised.by = by;
        if advised.course == Course::Followed {
            leave_out(&mut planned.plan, &self.permitted.nodes, &reason(advised.effort));
        }
        planned.plan.advised = Some(Box::new(advised));
        planned
    }
}

fn reason(effort: Effort) -> String {
    format!("{LEFT_OUT} by --recommended{}", effort.flag())
}

/// Leaves out of a plan that was made again what the run left out before, as far as it still may be.
pub(super) fn again(old: &Plan, new: &mut Plan) {
    let Some(advised) = &old.advised else { return };
    if advised.course == Course::Followed {
        let out = |name: &str| advised.left_out.iter().any(|stage| stage.stage == name);
        let wanted = (0..).zip(&new.stages).filter(|(_, stage)| out(&stage.name)).map(|(index, _)| index);
        let permitted = permitted(new, &wanted.collect());
        leave_out(new, &permitted.nodes, &reason(advised.effort));
    }
    new.advised = Some(advised.clone());
}

#[cfg(test)]
mod tests;
