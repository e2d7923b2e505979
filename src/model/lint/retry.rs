//! Retry policies: what they repeat, how long they wait, and whether they can do what they say. Retries nothing.

use std::collections::{HashMap, HashSet};

use crate::base::clock::format_duration;
use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::model::schema;
use crate::model::{Backoff, BackoffKind, Effect, Model, Retry, StageId, constant};
use crate::syntax::ast::Statement;

use super::Context;
use super::time::millis;

/// Attempts of a policy that does not say how many.
const ATTEMPTS: i64 = 2;
/// Attempts whose waits are added up.
const MOST: i64 = 1_000;
/// Longest wait of a policy that sets none.
const DAY: f64 = 86_400_000.0;

/// W307: a failed `once` stage is tried again, half-done work and all.
pub(super) fn of_once(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for stage in context.model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let (Some(retry), Effect::Once) = (&stage.retry, &stage.effect) else { continue };
        if attempts(context.model, retry) == Some(1) {
            continue;
        }
        let body = context.declared.stages[stage.id as usize].statement;
        let lost = |inner: &Statement| {
            inner.broken || schema::row(schema::Context::Stage, &inner.head.text).is_none()
        };
        if body.body().iter().any(lost) {
            continue;
        }
        let (why, place) = why_once(body);
        let span = if body.span.covers(retry.span) { retry.span } else { stage.span };
        let message =
            format!("`{}` must happen once, and a failed attempt may have done half of it", stage.name);
        let mut finding = Diagnostic::new(&codes::W307, span, message).label("tried again here").help(
            "make a repeated attempt harmless and say so: `idempotent by KEY`, or `repeatable`; else remove the retry",
        );
        if let Some(place) = place {
            finding = finding.related(place, why);
        }
        if span == stage.span {
            finding = finding.related(retry.span, "the file's defaults retry it");
        }
        found.push(finding);
    }
}

/// What makes the stage `once`, and where.
fn why_once(stage: &Statement) -> (&'static str, Option<Span>) {
    let reasons = [
        ("once", "it says so"),
        ("lock", "a stage with a lock is `once` unless it says otherwise"),
        ("undo", "a stage with an undo is `once` unless it says otherwise"),
        ("env", "a stage that has a secret is `once` unless it says otherwise"),
    ];
    let own = |word: &str| stage.body().iter().find(|inner| inner.head.text == word);
    let found = reasons.iter().find_map(|(word, why)| Some((*why, Some(own(word)?.head.span))));
    found.unwrap_or(("it is `once`", None))
}

/// W313: one attempt, and rules for the next.
pub(super) fn pointless(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let named = context.declared.retries.iter().map(|item| (item.module, item.statement, false));
    let of_stages = context.declared.stages.iter().flat_map(|item| {
        let own = item.statement.body().iter().filter(|inner| inner.head.text == "retry");
        own.map(|retry| (item.module, retry, !retry.operands().is_empty()))
    });
    let all = named.chain(of_stages).filter(|(module, _, _)| context.asked(*module));
    for (_, statement, inherits) in all {
        let body = statement.body();
        let own = |word: &str| body.iter().find(|inner| inner.head.text == word);
        let Some(attempts) = own("attempts").filter(|attempts| is_one(attempts)) else { continue };
        let rule = ["backoff", "when", "breaker"].into_iter().find_map(own);
        if rule.is_none() && !inherits {
            continue;
        }
        let span = rule.map_or(statement.span, |rule| rule.span);
        let what = rule.map_or("the policy", |rule| match rule.head.text.as_str() {
            "backoff" => "the backoff",
            "when" => "the condition",
            _ => "the breaker",
        });
        let message = format!("`attempts 1` means no retry, so {what} is never used");
        found.push(
            Diagnostic::new(&codes::W313, span, message)
                .related(attempts.span, "the first attempt is counted")
                .help("`attempts 2` tries once more; without a retry, leave `retry` out"),
        );
    }
}

fn is_one(attempts: &Statement) -> bool {
    use crate::syntax::ast::{ExprKind, Literal};
    matches!(attempts.operands(), [only] if matches!(only.kind, ExprKind::Literal(Literal::Int(1))))
}

/// I309: growing waits that are the same for everybody who failed at the same moment.
pub(super) fn jitter(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let named = model.retries.iter().filter(|named| context.asked(named.module)).map(|named| &named.retry);
    let stages = model.stages.iter().filter(|stage| context.asked(stage.module));
    let mut seen: HashSet<Span> = HashSet::new();
    for retry in named.chain(stages.filter_map(|stage| stage.retry.as_deref())) {
        let Some(backoff) = &retry.backoff else { continue };
        let grows = backoff.kind != BackoffKind::Constant;
        if !grows || backoff.jitter.is_some() || !seen.insert(backoff.from.span) {
            continue;
        }
        let end = backoff.cap.as_ref().unwrap_or(&backoff.from).span.at_end();
        found.push(
            Diagnostic::new(
                &codes::I309,
                backoff.from.span.to(end),
                "all who fail together come back together",
            )
            .help("spread them: `jitter = 50%` adds up to half of each wait")
            .fix(false, end, ", jitter = 50%"),
        );
    }
}

/// W303: the waits alone use up the time, so that the last attempts never come.
pub(super) fn over_budget(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    let lanes = shortest_lanes(context);
    for stage in model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let Some(retry) = &stage.retry else { continue };
        let Some((attempts, waits)) = attempts(model, retry).zip(waits(model, retry)) else { continue };
        let own =
            stage.deadline.as_ref().and_then(|deadline| Some((millis(model, deadline)?, deadline.span)));
        let of_lane = lanes.get(&stage.id).map(|(ms, span, _)| (*ms, *span));
        let Some((budget, place)) = own.into_iter().chain(of_lane).min() else { continue };
        let Some((last, sum)) = out_of_time(&waits, attempts, budget) else { continue };
        let what = match lanes.get(&stage.id).filter(|(_, span, _)| *span == place) {
            Some((_, _, lane)) => format!("the timeout of lane `{lane}`"),
            None => "its deadline".to_owned(),
        };
        let message = format!(
            "`{}` can never make attempt {last} of {attempts}: the waits before it take {}, and {what} is {}",
            stage.name,
            format_duration(sum),
            format_duration(budget)
        );
        let span = context.setting(stage.id, "retry").unwrap_or(retry.span);
        found.push(
            Diagnostic::new(&codes::W303, span, message)
                .related(place, "the time there is")
                .help("take fewer attempts or shorter waits, or allow more time"),
        );
    }
}

/// Of each stage the lane with the shortest timeout that holds it.
fn shortest_lanes<'a>(context: &Context<'a>) -> HashMap<StageId, (i64, Span, &'a str)> {
    let mut shortest: HashMap<StageId, (i64, Span, &str)> = HashMap::new();
    for lane in context.lanes() {
        let Some(timeout) = &lane.timeout else { continue };
        let Some(ms) = millis(context.model, timeout) else { continue };
        for stage in lane.stages.iter().filter(|stage| stage.retry.is_some()) {
            let known = shortest.entry(stage.id).or_insert((ms, timeout.span, &lane.name));
            if ms < known.0 {
                *known = (ms, timeout.span, &lane.name);
            }
        }
    }
    shortest
}

/// The first attempt that cannot start in time, and the waits before it.
fn out_of_time(waits: &dyn Fn(i64) -> f64, attempts: i64, budget: i64) -> Option<(i64, i64)> {
    let mut sum = 0.0;
    for failed in 1..attempts.min(MOST) {
        sum += waits(failed);
        if sum >= budget as f64 {
            return Some((failed + 1, sum as i64));
        }
    }
    None
}

fn attempts(model: &Model, retry: &Retry) -> Option<i64> {
    match &retry.attempts {
        None => Some(ATTEMPTS),
        Some(attempts) => match constant(model, attempts)? {
            Value::Int(attempts) => Some(*attempts),
            _ => None,
        },
    }
}

/// The least wait after so many failed attempts, as far as it is known; jitter only adds to it.
fn waits<'m>(model: &'m Model, retry: &'m Retry) -> Option<Box<dyn Fn(i64) -> f64 + 'm>> {
    let backoff: &Backoff = retry.backoff.as_ref()?;
    let from = millis(model, &backoff.from)? as f64;
    let cap = match &backoff.cap {
        Some(cap) => millis(model, cap)? as f64,
        None => DAY,
    };
    let factor = match &backoff.factor {
        None => 2.0,
        Some(factor) => match constant(model, factor)? {
            Value::Int(factor) => *factor as f64,
            Value::Float(factor) => *factor,
            _ => return None,
        },
    };
    let kind = backoff.kind;
    Some(Box::new(move |failed| {
        let grown = match kind {
            BackoffKind::Constant => from,
            BackoffKind::Linear => from * failed as f64,
            BackoffKind::Exponential => from * factor.max(1.0).powf(failed as f64 - 1.0),
        };
        if grown.is_finite() { grown.min(cap) } else { cap }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Expr;

    fn retry(kind: BackoffKind, from: i64, cap: Option<i64>) -> Retry {
        let duration = |ms| Expr::value(Value::Duration(ms), Span::default());
        let backoff =
            Backoff { kind, from: duration(from), cap: cap.map(duration), factor: None, jitter: None };
        Retry { backoff: Some(backoff), ..Retry::default() }
    }

    #[test]
    fn the_waits_are_those_of_the_engine_without_jitter() {
        let model = Model::default();
        let first = |kind, cap| {
            let retry = retry(kind, 2_000, cap);
            let waits = waits(&model, &retry).expect("known waits");
            [1, 2, 3, 9].map(|failed| waits(failed) as i64)
        };
        assert_eq!(first(BackoffKind::Constant, None), [2_000; 4]);
        assert_eq!(first(BackoffKind::Linear, None), [2_000, 4_000, 6_000, 18_000]);
        assert_eq!(first(BackoffKind::Exponential, Some(30_000)), [2_000, 4_000, 8_000, 30_000]);
    }

    #[test]
    fn the_first_attempt_without_time_is_named() {
        let waits = |failed: i64| failed as f64 * 10.0;
        assert_eq!(out_of_time(&waits, 5, 60), Some((4, 60)));
        assert_eq!(out_of_time(&waits, 3, 60), None);
    }
}
