//! Advice for a planned lane from the project's history. Works nothing out itself: `insight` does.

use crate::history::History;
use crate::insight::{self, Advice, Lane, LaneStage, Rule, Situation};

use super::{Error, Planned, outline};

/// Which stages the change needs, how sure that is, and how long they will take.
pub fn advise(planned: &Planned, history: Option<&dyn History>) -> Result<Advice, Error> {
    let past = match history {
        // The lane's own rules alone: nothing that earlier changes did without is left out.
        Some(_) if planned.chosen.lane.recommend_off => Vec::new(),
        Some(history) => insight::past_runs(history, &planned.plan.lane)?,
        None => Vec::new(),
    };
    let lane = Lane {
        name: planned.plan.lane.clone(),
        chosen_by: planned.chosen.by.clone(),
        stages: stages(planned),
        slots: outline::slots(planned.plan.parallel),
    };
    Ok(insight::explain(&lane, &Situation { change: planned.change.clone() }, &past))
}

fn stages(planned: &Planned) -> Vec<LaneStage> {
    let mut stages = outline::stages(&planned.plan);
    for stage in stages.iter_mut().filter(|stage| planned.undecided.contains(&stage.name)) {
        if let Rule::When { text, .. } = &stage.rule {
            stage.rule = Rule::Later { text: text.clone() };
        }
    }
    stages
}
