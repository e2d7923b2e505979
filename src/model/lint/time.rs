//! Time: what may take longer than what holds it. Knows nothing of measured durations.

use std::collections::HashMap;

use crate::base::clock::format_duration;
use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::{Action, Model, Parallel, ResolvedLane, Stage, constant};

use super::Context;
use super::reach::Reach;

/// A lane's timeout in milliseconds, its place, and the lane's name.
type Bound = (i64, Span, String);

/// A stage's attempt may take longer than every lane that holds it.
pub(super) fn outlasting(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let (model, resolved) = (context.model, context.resolved);
    // By the place of the stage's timeout: its length, the longest lane, and whether some lane has no bound.
    let mut places: HashMap<Span, (i64, String, Option<Bound>)> = HashMap::new();
    for lane in resolved.values() {
        let bound = lane
            .timeout
            .as_ref()
            .and_then(|timeout| Some((millis(model, timeout)?, timeout.span, lane.name.clone())));
        for stage in &lane.stages {
            let Some(timeout) = &stage.timeout else { continue };
            let Some(ms) = millis(model, timeout) else { continue };
            let known = places
                .entry(timeout.span)
                .or_insert_with(|| (ms, stage.name.clone(), Some((0, timeout.span, String::new()))));
            known.2 = match (known.2.take(), &bound) {
                (Some(longest), Some(bound)) if bound.0 > longest.0 => Some(bound.clone()),
                (Some(longest), Some(_)) => Some(longest),
                _ => None,
            };
        }
    }
    for (span, (ms, stage, longest)) in places {
        let Some((limit, place, lane)) = longest.filter(|(limit, _, _)| ms > *limit) else { continue };
        let (own, whole) = (format_duration(ms), format_duration(limit));
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

/// A duration that is known without a run, in milliseconds.
pub(super) fn millis(model: &Model, expr: &Expr) -> Option<i64> {
    match constant(model, expr) {
        Some(Value::Duration(ms)) => Some(*ms),
        _ => None,
    }
}

/// W311: the lane's timeout ends it before it could miss its SLA.
pub(super) fn unreachable_sla(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for lane in context.lanes() {
        let (Some(timeout), Some(sla)) = (&lane.timeout, &lane.sla) else { continue };
        let (Some(limit), Some(goal)) = (millis(context.model, timeout), millis(context.model, sla)) else {
            continue;
        };
        if limit < goal {
            let message = format!(
                "lane `{}` is stopped after {}, so it can never run past its SLA of {}",
                lane.name,
                format_duration(limit),
                format_duration(goal)
            );
            found.push(
                Diagnostic::new(&codes::W311, sla.span, message)
                    .related(timeout.span, "the timeout that comes first")
                    .help("an SLA is a goal below the timeout: make it shorter, or the timeout longer"),
            );
        }
    }
}

/// W312: the deadline of all attempts is shorter than the timeout of one.
pub(super) fn early_deadline(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let model = context.model;
    for stage in model.stages.iter().filter(|stage| context.asked(stage.module)) {
        let (Some(deadline), Some(timeout)) = (&stage.deadline, &stage.timeout) else { continue };
        let (Some(all), Some(one)) = (millis(model, deadline), millis(model, timeout)) else { continue };
        if all < one {
            let message = format!(
                "`{}` has {} for all attempts, so none can use its timeout of {}",
                stage.name,
                format_duration(all),
                format_duration(one)
            );
            found.push(
                Diagnostic::new(&codes::W312, deadline.span, message)
                    .related(timeout.span, "the timeout of one attempt")
                    .help("`timeout` bounds one attempt, `deadline` all of them: make the deadline the longer one"),
            );
        }
    }
}

/// I304: nothing ends a stage that hangs.
pub(super) fn unbounded(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for lane in context.lanes().into_iter().filter(|lane| lane.timeout.is_none()) {
        let hangs = |stage: &&Stage| {
            let calls = stage.actions.iter().any(|action| matches!(action, Action::Call { .. }));
            stage.timeout.is_none() && stage.deadline.is_none() && !calls && !tool_ends(context.model, stage)
        };
        let open: Vec<&Stage> = lane.stages.iter().map(|stage| &**stage).filter(hangs).collect();
        let Some(first) = open.first() else { continue };
        let span = context.model.lanes.get(lane.id as usize).map_or(first.span, |head| head.span);
        let others = match open.len() {
            1 => " hangs".to_owned(),
            count => format!(" and {} more hang", count - 1),
        };
        let message =
            format!("nothing ends lane `{}` when `{}`{others}: no timeout bounds it", lane.name, first.name);
        let help = "give the lane a `timeout`, or all stages of the file one: `defaults { timeout 30m }`";
        let finding = Diagnostic::new(&codes::I304, span, message).help(help);
        found.push(open.iter().take(3).fold(finding, |finding, stage| {
            finding.related(stage.span, format!("`{}` has no timeout", stage.name))
        }));
    }
}

fn tool_ends(model: &Model, stage: &Stage) -> bool {
    let tool = stage.gate.as_ref().and_then(|gate| model.tools.get(gate.tool? as usize));
    tool.is_some_and(|tool| tool.timeout.is_some())
}

/// W310: `parallel N` where each stage waits for the one before it.
pub(super) fn useless_parallel(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for head in context.model.lanes.iter().filter(|lane| context.asked(lane.module)) {
        let Some(lane) = context.resolved.get(&head.id) else { continue };
        let Parallel::Limit(limit @ 2..) = lane.parallel else { continue };
        let body = context.declared.lanes[head.id as usize].statement.body();
        let Some(own) = body.iter().find(|statement| statement.head.text == "parallel") else { continue };
        if is_chain(lane) {
            let message = format!(
                "`parallel {limit}` changes nothing: each stage of `{}` waits for another",
                lane.name
            );
            found.push(
                Diagnostic::new(&codes::W310, own.span, message)
                    .help("remove it, or drop a `needs` or `follows` that orders more than it must")
                    .fix(true, own.span, ""),
            );
        }
    }
}

fn is_chain(lane: &ResolvedLane) -> bool {
    let splits = |stage: &Stage| {
        !stage.matrix.is_empty() || stage.actions.iter().any(|action| matches!(action, Action::Call { .. }))
    };
    !lane.stages.iter().any(|stage| splits(stage))
        && Reach::new(&lane.edges).is_some_and(|reach| reach.longest() == lane.stages.len())
}
