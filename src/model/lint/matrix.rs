//! How many instances a matrix makes. Knows only lists whose length is known without a run.

use crate::base::Value;
use crate::diag::{Diagnostic, codes};
use crate::model::{Model, Stage, plain_value};

use super::Context;

/// More instances of one stage than people watch.
const MANY: usize = 64;
/// More than a run accepts.
const TOO_MANY: usize = 1_000;

/// E217 and W210.
pub(super) fn explosion(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for stage in context.model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let Some(count) = instances(context.model, stage).filter(|count| *count > MANY) else { continue };
        let span = context.setting(stage.id, "matrix").unwrap_or(stage.span);
        let lengths: Vec<String> = stage
            .matrix
            .iter()
            .filter_map(|(name, list)| Some(format!("{} of `{name}`", values(context.model, list)?.len())))
            .collect();
        let (code, help) = match count > TOO_MANY {
            true => (&codes::E217, "a run refuses more than 1000 instances of one stage: leave values out"),
            false => (
                &codes::W210,
                "every value multiplies the instances: leave out what finds nothing new, or split the stage",
            ),
        };
        let message = format!("the matrix makes {count} instances of `{}`", stage.name);
        let found_here = Diagnostic::new(code, span, message).help(help);
        found.push(match lengths.len() {
            0 | 1 => found_here,
            _ => found_here.label(lengths.join(" × ")),
        });
    }
}

/// How many instances a stage has, when that is known.
pub(super) fn instances(model: &Model, stage: &Stage) -> Option<usize> {
    stage
        .matrix
        .iter()
        .try_fold(1usize, |count, (_, list)| Some(count.saturating_mul(values(model, list)?.len())))
}

/// The values of one list of a matrix.
pub(super) fn values(model: &Model, list: &crate::expr::Expr) -> Option<Vec<Value>> {
    let mut list = list;
    for _ in 0..64 {
        list = super::likeness::behind(model, list).unwrap_or(list);
    }
    match plain_value(model, list)? {
        Value::List(values) => Some(values),
        _ => None,
    }
}
