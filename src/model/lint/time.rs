//! Time: what may take longer than what holds it. Knows nothing of measured durations.

use std::collections::HashMap;

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::model::constant;

use super::Context;

/// A lane's timeout in milliseconds, its place, and the lane's name.
type Bound = (i64, Span, String);

/// A stage's attempt may take longer than every lane that holds it.
pub(super) fn outlasting(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let (model, resolved) = (context.model, context.resolved);
    // By the place of the stage's timeout: its length, the longest lane, and whether some lane has no bound.
    let mut places: HashMap<Span, (i64, String, Option<Bound>)> = HashMap::new();
    for lane in resolved.values() {
        let bound = lane.timeout.as_ref().and_then(|timeout| match constant(model, timeout) {
            Some(Value::Duration(ms)) => Some((*ms, timeout.span, lane.name.clone())),
            _ => None,
        });
        for stage in &lane.stages {
            let Some(timeout) = &stage.timeout else { continue };
            let Some(Value::Duration(ms)) = constant(model, timeout) else { continue };
            let known = places
                .entry(timeout.span)
                .or_insert_with(|| (*ms, stage.name.clone(), Some((0, timeout.span, String::new()))));
            known.2 = match (known.2.take(), &bound) {
                (Some(longest), Some(bound)) if bound.0 > longest.0 => Some(bound.clone()),
                (Some(longest), Some(_)) => Some(longest),
                _ => None,
            };
        }
    }
    for (span, (ms, stage, longest)) in places {
        let Some((limit, place, lane)) = longest.filter(|(limit, _, _)| ms > *limit) else { continue };
        let (own, whole) =
            (crate::base::clock::format_duration(ms), crate::base::clock::format_duration(limit));
        found.push(
            Diagnostic::new(
                &codes::E301,
                span,
                format!("`{stage}` may take {own}, longer than lane `{lane}` with its {whole}"),
            )
            .related(place, "the lane's timeout")
            .help("shorten the stage's timeout, or lengthen the lane's"),
        );
    }
}
