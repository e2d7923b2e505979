//! A run of what history recommends: what it would leave out, what that saves and risks, and what was done with the
//! advice, recorded with the run. Works no advice out and trusts none: what may be left out is judged again by `permit`.

mod ledger;
mod permit;

pub use permit::{Permitted, leave_out, permitted};

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::reuse::drawn;
use crate::event::{Advised, Course, Effort, LeftOut};
use crate::history::History;
use crate::insight::{Advice, Rule};
use crate::plan::{LEFT_OUT, Plan};

use super::{Error, Planned, Project, advise, expect, outline};

/// Of a hundred runs that would leave something out, how many run all of it unless another share was asked for.
pub const CONTROL: u32 = 5;

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
    permitted: Permitted,
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
        let advice = advise(planned, history)?;
        let mut known = planned.plan.clone();
        if let Some(history) = history {
            expect(&mut known, history);
        }
        Ok(offer(&known, &advice, wish))
    }
}

/// The offer that follows from advice: only what the plan itself permits is left out.
pub fn offer(plan: &Plan, advice: &Advice, wish: Wish) -> Offer {
    let places: BTreeMap<&str, u32> =
        (0..).zip(&plan.stages).map(|(index, stage)| (stage.name.as_str(), index)).collect();
    let runs: BTreeSet<String> = outline::stages(plan)
        .into_iter()
        .filter(|stage| {
            matches!(stage.rule, Rule::Always | Rule::Later { .. } | Rule::When { holds: true, .. })
        })
        .map(|stage| stage.name)
        .collect();
    let against = advice.stages.iter().filter(|stage| !stage.keep && runs.contains(&stage.name));
    let wanted = against.filter_map(|stage| places.get(stage.name.as_str()).copied()).collect();
    let permitted = permitted(plan, &wanted);
    let name = |stage: &u32| plan.stages[*stage as usize].name.clone();
    let left_out: Vec<LeftOut> =
        permitted.stages.iter().map(|stage| left_out(plan, advice, *stage)).collect();
    let gone: BTreeSet<String> = permitted.stages.iter().map(name).collect();
    let control = !gone.is_empty() && drawn(plan.seed, "control run", wish.control);
    Offer {
        lane: plan.lane.clone(),
        advised: Advised {
            course: if control { Course::Control } else { Course::Followed },
            effort: wish.effort,
            kept: runs.into_iter().filter(|name| !gone.contains(name)).collect(),
            left_out,
            runs: advice.history.runs as u64,
            confidence: advice.confidence,
            control: wish.control,
            model: model(),
            by: String::new(),
        },
        refused: permitted.refused.iter().map(|(stage, why)| (name(stage), why.clone())).collect(),
        total_ms: (0..plan.stages.len() as u32).filter_map(|stage| usual(plan, stage)).sum(),
        permitted,
    }
}

/// What works the advice out, so that a later one is not held against what came of this one.
fn model() -> String {
    format!("wfl {}", env!("CARGO_PKG_VERSION"))
}

fn left_out(plan: &Plan, advice: &Advice, stage: u32) -> LeftOut {
    let name = &plan.stages[stage as usize].name;
    let found = advice.stages.iter().find(|found| found.name == *name);
    LeftOut {
        stage: name.clone(),
        probability: found.map_or(0.0, |found| found.probability),
        threshold: None,
        saves_ms: usual(plan, stage),
        because: found
            .and_then(|found| found.reasons.get(1).or(found.reasons.first()))
            .cloned()
            .unwrap_or_default(),
    }
}

/// Milliseconds that all instances of the stage take as a rule.
fn usual(plan: &Plan, stage: u32) -> Option<u64> {
    let nodes = plan.stages.get(stage as usize)?.nodes.iter();
    let known = nodes.filter_map(|&node| plan.nodes.get(node as usize)?.expected.map(|of| of.ms));
    known.reduce(u64::saturating_add)
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
    /// changes nothing.
    pub fn decide(self, mut planned: Planned, declined: bool, by: String) -> Planned {
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
