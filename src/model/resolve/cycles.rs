//! Stages that wait for each other in a circle: judged on the files' own edges, then in each lane.

use std::collections::HashSet;

use crate::base::{Shared, Span};
use crate::diag::{Diagnostic, codes};
use crate::model::{Dependency, Model, Stage, StageId};

use super::graph::{circles, is_acyclic, round_trip};

/// An edge of a lane with the place that makes it.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub to: usize,
    pub span: Span,
}

/// One diagnostic for each circle of the files' own edges, and the stages that are in one.
pub fn of_files(model: &Model) -> (Vec<Diagnostic>, HashSet<StageId>) {
    let count = model.stages.len();
    if is_acyclic(count, |stage| links(&model.stages[stage], count).map(|link| link.to)) {
        return Default::default();
    }
    let links: Vec<Vec<Link>> = model.stages.iter().map(|stage| links(stage, count).collect()).collect();
    let (found, groups) = report(&model.stages, &links, &HashSet::new(), None);
    (found, groups.into_iter().map(|index| index as StageId).collect())
}

fn links(stage: &Stage, count: usize) -> impl Iterator<Item = Link> + '_ {
    dependencies(stage)
        .filter(move |dependency| dependency.stage != stage.id && (dependency.stage as usize) < count)
        .map(|dependency| Link { to: dependency.stage as usize, span: dependency.span })
}

/// `needs` and `follows` alike.
pub fn dependencies(stage: &Stage) -> impl Iterator<Item = &Dependency> {
    stage.needs.iter().chain(&stage.follows)
}

/// Circles among a lane's members that the files alone do not have.
pub fn of_lane(
    stages: &[Shared<Stage>],
    links: &[Vec<Link>],
    known: &HashSet<StageId>,
    lane: &str,
) -> Vec<Diagnostic> {
    report(stages, links, known, Some(lane)).0
}

fn report(
    stages: &[Shared<Stage>],
    links: &[Vec<Link>],
    known: &HashSet<StageId>,
    lane: Option<&str>,
) -> (Vec<Diagnostic>, Vec<usize>) {
    let targets: Vec<Vec<usize>> =
        links.iter().map(|links| links.iter().map(|link| link.to).collect()).collect();
    let mut found = Vec::new();
    let mut inside = Vec::new();
    for group in circles(&targets) {
        inside.extend(group.iter().copied());
        if group.iter().any(|index| known.contains(&stages[*index].id)) {
            continue;
        }
        let place = |index: &usize| (stages[*index].span.file, stages[*index].span.start);
        let Some(start) = group.iter().copied().min_by_key(place) else { continue };
        found.push(circle(stages, links, &round_trip(start, &group, &targets), lane));
    }
    (found, inside)
}

/// Reported at the first edge in the file; the other edges are related.
fn circle(stages: &[Shared<Stage>], links: &[Vec<Link>], way: &[usize], lane: Option<&str>) -> Diagnostic {
    let mut edges: Vec<(Span, String)> = Vec::new();
    for (step, from) in way.iter().enumerate() {
        let to = way[(step + 1) % way.len()];
        let span =
            links[*from].iter().find(|link| link.to == to).map_or(stages[*from].span, |link| link.span);
        edges.push((span, format!("`{}` waits for `{}` here", stages[*from].name, stages[to].name)));
    }
    edges.sort_by_key(|(span, _)| (span.file, span.start));
    let names: Vec<String> =
        way.iter().chain(way.first()).map(|index| format!("`{}`", stages[*index].name)).collect();
    let whose = lane.map_or_else(String::new, |lane| format!(" in lane `{lane}`"));
    let message = format!("stages wait for each other in a circle{whose}: {}", names.join(" → "));
    let mut found = Diagnostic::new(&codes::E201, edges[0].0, message).help("remove one of these edges");
    found.label = Some(edges[0].1.clone());
    for (span, what) in edges.into_iter().skip(1) {
        found = found.related(span, what);
    }
    found
}
