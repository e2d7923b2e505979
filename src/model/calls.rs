//! Lanes that call each other in a circle: a run of one would never end. Knows nothing else of lanes.

use std::collections::HashMap;

use crate::base::Span;
use crate::diag::{Diagnostic, codes};

use super::resolve::graph::{circles as groups, round_trip};
use super::{Action, LaneId, Model, ResolvedLane};

/// One diagnostic for each circle, at the first `call` in the file.
pub(super) fn circles(model: &Model, resolved: &HashMap<LaneId, ResolvedLane>) -> Vec<Diagnostic> {
    let calls: Vec<Vec<(usize, Span)>> =
        model.lanes.iter().map(|lane| resolved.get(&lane.id).map(calls_of).unwrap_or_default()).collect();
    let targets: Vec<Vec<usize>> =
        calls.iter().map(|calls| calls.iter().map(|(lane, _)| *lane).collect()).collect();
    let mut found = Vec::new();
    for (lane, own) in calls.iter().enumerate() {
        if let Some((_, span)) = own.iter().find(|(to, _)| *to == lane) {
            let message = format!("lane `{}` calls itself", model.lanes[lane].name);
            found.push(Diagnostic::new(&codes::E201, *span, message).help("call another lane, or none"));
        }
    }
    for group in groups(&targets) {
        let Some(start) = group.iter().copied().min() else { continue };
        let way = round_trip(start, &group, &targets);
        let mut places: Vec<(Span, String)> = Vec::new();
        for (step, from) in way.iter().enumerate() {
            let to = way[(step + 1) % way.len()];
            let Some((_, span)) = calls[*from].iter().find(|(lane, _)| *lane == to) else { continue };
            let what = format!("lane `{}` calls `{}`", model.lanes[*from].name, model.lanes[to].name);
            places.push((*span, what));
        }
        places.sort_by_key(|(span, _)| (span.file, span.start));
        let Some(((span, what), others)) = places.split_first() else { continue };
        let message = format!("lanes call each other in a circle: {what}");
        let first = Diagnostic::new(&codes::E201, *span, message).help("remove one of the calls");
        found.push(others.iter().fold(first, |found, (span, what)| found.related(*span, what)));
    }
    found
}

fn calls_of(lane: &ResolvedLane) -> Vec<(usize, Span)> {
    let actions = lane.stages.iter().flat_map(|stage| &stage.actions);
    let calls = actions.filter_map(|action| match action {
        Action::Call { lane, span, .. } => Some((*lane as usize, *span)),
        _ => None,
    });
    calls.collect()
}
