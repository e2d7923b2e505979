//! The shortest path that still tests: what has to be green, and nothing that only advises.

use super::super::survey::Survey;
use super::{Kind, Plan, head, lane, written};

pub const KIND: Kind =
    Kind { name: "hotfix", about: "the shortest path that still tests; linters are left to the other lanes" };

pub fn write(survey: &Survey, plan: &Plan) -> String {
    let sure = plan.sure();
    let stages: Vec<_> = sure.iter().collect();
    let mut text = head(survey, plan, "A fix that cannot wait: the tests, and nothing that only advises.");
    text += &written(&stages);
    let mut settings = vec!["sla 10m".to_string()];
    if survey.git {
        settings.push("select if change.type == \"fix\"".into());
    }
    text + &lane(
        "hotfix",
        "The shortest path that still tests",
        "Run it for a fix that cannot wait.",
        &stages,
        &settings,
    )
}
