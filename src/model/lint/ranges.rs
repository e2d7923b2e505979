//! Ranges of stage numbers in lanes. Knows nothing of what the stages do.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};
use crate::model::{LaneId, StageId};
use crate::syntax::ast::{Expr, ExprKind, Literal};

use super::Context;

/// W207: `include 1..6` where no stage is number 6: one was renumbered or removed, or the range is a slip.
pub(super) fn loose(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for lane in context.model.lanes.iter().filter(|lane| context.asked(lane.module)) {
        let body = context.declared.lanes[lane.id as usize].statement.body();
        let ranges = body
            .iter()
            .filter(|statement| matches!(statement.head.text.as_str(), "include" | "exclude"))
            .flat_map(|statement| statement.operands())
            .filter_map(|operand| Some((range(operand)?, operand.span)));
        for ((from, to), span) in ranges {
            found.extend(loose_end(context, lane.id, (from, to), span));
        }
    }
}

fn range(operand: &Expr) -> Option<(u32, u32)> {
    let ExprKind::Range(sides) = &operand.kind else { return None };
    let number = |side: &Expr| match side.kind {
        ExprKind::Literal(Literal::Int(number)) => u32::try_from(number).ok(),
        _ => None,
    };
    Some((number(&sides.0)?, number(&sides.1)?)).filter(|(from, to)| from < to)
}

fn loose_end(context: &Context<'_>, lane: LaneId, (from, to): (u32, u32), span: Span) -> Option<Diagnostic> {
    let known = numbers(context, lane);
    let mut inside: Vec<(u32, StageId)> =
        known.into_iter().filter(|(number, _)| (from..=to).contains(number)).collect();
    inside.sort_unstable();
    let ((low, first), (high, last)) = (*inside.first()?, *inside.last()?);
    let missing = match (low == from, high == to) {
        (true, true) => return None,
        (false, true) => format!("{from}"),
        (true, false) => format!("{to}"),
        (false, false) => format!("{from}, nor {to}"),
    };
    let stages = &context.model.stages;
    let (first, last) = (&stages[first as usize], &stages[last as usize]);
    let tight = if low == high { format!("{low}") } else { format!("{low}..{high}") };
    let message = format!("no stage has the number {missing}: `{from}..{to}` holds {low} to {high}");
    let found = Diagnostic::new(&codes::W207, span, message)
        .related(last.span, format!("`{}` is the last, number {high}", last.name))
        .help("write the numbers of the first and the last stage, so that a stage added later is not taken in unseen")
        .fix(false, span, tight);
    Some(match low == from {
        true => found,
        false => found.related(first.span, format!("`{}` is the first, number {low}", first.name)),
    })
}

/// The numbers a lane can mean: those of its file, then those of the lanes it extends.
fn numbers(context: &Context<'_>, lane: LaneId) -> HashMap<u32, StageId> {
    let mut known = HashMap::new();
    let mut at = Some(lane);
    // Circles of `extends` were cut.
    while let Some(id) = at {
        let lane = &context.model.lanes[id as usize];
        for (number, stage) in &context.declared.numbers[lane.module as usize] {
            known.entry(*number).or_insert(*stage);
        }
        at = lane.extends.map(|(base, _)| base);
    }
    known
}
