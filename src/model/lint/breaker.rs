//! Breakers that never open, or that stay open. Knows nothing of runs that were.

use std::collections::{HashMap, HashSet};

use crate::base::clock::format_duration;
use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::{Backoff, BackoffKind, Breaker, Model, Retry, Stage, StageId, constant};

use super::Context;

/// Attempts a policy makes where it does not say.
const ATTEMPTS: i64 = 2;

pub(super) fn breakers(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let longest = longest_lanes(context);
    let mut seen = HashSet::new();
    for stage in &context.model.stages {
        let Some(retry) = &stage.retry else { continue };
        let Some(breaker) = &retry.breaker else { continue };
        found.extend(
            never_opens(context.model, stage, retry, breaker).filter(|found| seen.insert(found.span)),
        );
        let bound = longest.get(&stage.id).cloned().flatten();
        found.extend(
            never_closes(context.model, stage, breaker, bound).filter(|found| seen.insert(found.span)),
        );
    }
}

/// The longest timeout of the lanes that hold a stage; none where one of them has no timeout.
fn longest_lanes(context: &Context<'_>) -> HashMap<StageId, Option<(i64, Span)>> {
    let mut longest: HashMap<StageId, Option<(i64, Span)>> = HashMap::new();
    for lane in context.resolved.values() {
        let bound = lane
            .timeout
            .as_ref()
            .and_then(|timeout| Some((milliseconds(context.model, timeout)?, timeout.span)));
        for stage in &lane.stages {
            let known = longest.entry(stage.id).or_insert(bound);
            *known = match (*known, bound) {
                (Some(one), Some(two)) => Some(if two.0 > one.0 { two } else { one }),
                _ => None,
            };
        }
    }
    longest
}

fn milliseconds(model: &Model, expr: &Expr) -> Option<i64> {
    match constant(model, expr)? {
        Value::Duration(ms) => Some(*ms),
        _ => None,
    }
}

fn count(model: &Model, expr: &Expr) -> Option<i64> {
    match constant(model, expr)? {
        Value::Int(count) => Some(*count),
        _ => None,
    }
}

/// One failure is counted when the attempts ran out. The waits between them alone may take so long that earlier
/// failures are forgotten. A shared breaker hears of several stages, a matrix of several instances.
fn never_opens(model: &Model, stage: &Stage, retry: &Retry, breaker: &Breaker) -> Option<Diagnostic> {
    if breaker.name.is_some() || !stage.matrix.is_empty() {
        return None;
    }
    let (failures, within) = (breaker.failures.as_ref()?, breaker.within.as_ref()?);
    let (needed, window) = (count(model, failures)?, milliseconds(model, within)?);
    let attempts = match &retry.attempts {
        Some(attempts) => count(model, attempts)?,
        None => ATTEMPTS,
    };
    let round = waits(model, retry.backoff.as_ref()?, attempts)?;
    let least = round.saturating_mul(needed - 1);
    (least > window).then(|| {
        let message = format!(
            "the breaker never opens: {needed} failures take at least {}, and only those within {} count",
            format_duration(least),
            format_duration(window)
        );
        Diagnostic::new(&codes::W706, failures.span, message)
            .related(within.span, "older failures are forgotten")
            .help(format!(
                "a failure counts when all {attempts} attempts failed, {} of waiting: lengthen `within`, or lower `failures`",
                format_duration(round)
            ))
    })
}

/// All waits between the attempts, without jitter.
fn waits(model: &Model, backoff: &Backoff, attempts: i64) -> Option<i64> {
    let from = milliseconds(model, &backoff.from)?;
    let cap = match &backoff.cap {
        Some(cap) => milliseconds(model, cap)?,
        None => i64::MAX,
    };
    let factor = match backoff.factor.as_ref().map(|factor| constant(model, factor)) {
        None => 2.0,
        Some(Some(Value::Int(factor))) => *factor as f64,
        Some(Some(Value::Float(factor))) => *factor,
        Some(_) => return None,
    };
    let mut total = 0i64;
    for index in 0..(attempts - 1).clamp(0, 1000) {
        let wait = match backoff.kind {
            BackoffKind::Constant => from,
            BackoffKind::Linear => from.saturating_mul(index + 1),
            BackoffKind::Exponential => (from as f64 * factor.powi(index as i32)).min(cap as f64) as i64,
        };
        total = total.saturating_add(wait.min(cap));
    }
    Some(total)
}

/// While it is open the stage waits; it must be allowed to wait until the breaker lets it try again.
fn never_closes(
    model: &Model,
    stage: &Stage,
    breaker: &Breaker,
    lane: Option<(i64, Span)>,
) -> Option<Diagnostic> {
    let cooldown = breaker.cooldown.as_ref()?;
    let open = milliseconds(model, cooldown)?;
    let own =
        stage.deadline.as_ref().and_then(|deadline| Some((milliseconds(model, deadline)?, deadline.span)));
    let (bound, span, whose) = match (own, lane) {
        (Some((bound, span)), _) if bound < open => (bound, span, "the stage"),
        (_, Some((bound, span))) if bound < open => (bound, span, "every lane that holds it"),
        _ => return None,
    };
    let message = format!(
        "a run never sees this breaker close: it stays open for {}, and {whose} ends after {}",
        format_duration(open),
        format_duration(bound)
    );
    Some(
        Diagnostic::new(&codes::W705, cooldown.span, message)
            .related(span, "the bound")
            .help("shorten `cooldown`, so that a waiting stage gets its next try"),
    )
}
