//! The project's own `.wfl` files, as `wfl check` judges them.

use crate::observe::style::counted;

use super::{Finding, Ground};

pub(super) fn definitions(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "definitions";
    let project = ground.project();
    let found = project.diagnostics();
    let errors = found.iter().filter(|found| found.is_error()).count();
    let warnings = found.len() - errors;
    vec![match (errors, warnings) {
        (0, 0) => Finding::ok(
            NAME,
            format!("{} of the project's own, nothing wrong", counted(project.own_lanes().len(), "lane")),
        ),
        (0, warnings) => Finding::ok(NAME, counted(warnings, "warning")).advice("`wfl check` lists them"),
        (errors, _) => Finding::fail(NAME, counted(errors, "error"))
            .matters("a lane of a wrong file is not run")
            .advice("`wfl check` lists them with what to do"),
    }]
}
