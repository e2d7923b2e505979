//! The lane before every push: the project's own tests, and what else its files say it runs.

use super::super::survey::Survey;
use super::{Kind, Plan, head, lane, notes, uncovered, written};

pub const KIND: Kind =
    Kind { name: "check", about: "before a push: the project's own build, tests and linters (the default)" };

pub fn write(survey: &Survey, plan: &Plan) -> String {
    let stages: Vec<_> = plan.stages.iter().collect();
    let mut text = head(survey, plan, "What has to hold before a push. Change it as you like: it is yours.");
    text += &written(&stages);
    text += &notes(plan);
    text += &uncovered(survey, plan);
    text + &lane(
        "check",
        "The project's own build, tests and linters",
        "Run it before every push: `wfl run`.",
        &stages,
        &[],
    )
}
