//! The edges among a lane's members, with what is absent replaced by what it would have waited for.

use crate::base::{IdMap, Shared, Span};
use crate::model::{Edge, EdgeKind, Model, Stage, StageId};

use super::cycles::{Link, dependencies};

type Index = IdMap<StageId, u32>;
type Replaced = IdMap<StageId, StageId>;

/// The edges of each member.
pub(super) fn between(
    model: &Model,
    stages: &[Shared<Stage>],
    index: &Index,
    replaced: &Replaced,
) -> Vec<Vec<Edge>> {
    let mut search = Search::new(model, stages.len(), index, replaced);
    let mut spans = Vec::new();
    (0..stages.len()).map(|own| search.edges(own, &stages[own], &mut spans)).collect()
}

/// The same edges with the places that make them.
pub(super) fn links(
    model: &Model,
    stages: &[Shared<Stage>],
    index: &Index,
    replaced: &Replaced,
) -> Vec<Vec<Link>> {
    let mut search = Search::new(model, stages.len(), index, replaced);
    let mut spans = Vec::new();
    let mut all = Vec::with_capacity(stages.len());
    for (own, stage) in stages.iter().enumerate() {
        let edges = search.edges(own, stage, &mut spans);
        all.push(
            edges.iter().zip(&spans).map(|(edge, span)| Link { to: edge.to as usize, span: *span }).collect(),
        );
    }
    all
}

fn rank(kind: EdgeKind) -> u8 {
    match kind {
        EdgeKind::Needs => 0,
        EdgeKind::NeedsOptional => 1,
        EdgeKind::Follows => 2,
    }
}

struct Search<'a> {
    model: &'a Model,
    index: &'a Index,
    replaced: &'a Replaced,
    /// The search in which a stage was last seen, so that no search clears the whole.
    seen: Vec<u32>,
    stamp: u32,
    /// For each member, whose edge to it was found last, and which of its edges that is.
    place: Vec<(usize, usize)>,
    /// Where the dependency at hand leads.
    found: Vec<(u32, EdgeKind)>,
}

impl<'a> Search<'a> {
    fn new(model: &'a Model, members: usize, index: &'a Index, replaced: &'a Replaced) -> Self {
        let place = vec![(usize::MAX, 0); members];
        // Most lanes lack nothing: then nobody is looked for.
        Search { model, index, replaced, seen: Vec::new(), stamp: 0, place, found: Vec::new() }
    }

    /// The edges of one member; `spans` gets the place of each.
    fn edges(&mut self, own: usize, stage: &Stage, spans: &mut Vec<Span>) -> Vec<Edge> {
        let mut edges: Vec<Edge> = Vec::with_capacity(stage.needs.len() + stage.follows.len());
        spans.clear();
        let optional = |optional| if optional { EdgeKind::NeedsOptional } else { EdgeKind::Needs };
        let needs = stage.needs.iter().map(|need| (need, optional(need.optional)));
        let follows = stage.follows.iter().map(|follow| (follow, EdgeKind::Follows));
        for (dependency, kind) in needs.chain(follows) {
            self.targets(dependency.stage, kind);
            for at in 0..self.found.len() {
                let (to, kind) = self.found[at];
                if to as usize == own {
                    continue;
                }
                match self.place[to as usize] {
                    // The first edge to a member is the strongest: needs come before follows.
                    (from, at) if from == own && rank(edges[at].kind) <= rank(kind) => {}
                    (from, at) if from == own => edges[at].kind = kind,
                    _ => {
                        self.place[to as usize] = (own, edges.len());
                        edges.push(Edge { to, kind });
                        spans.push(dependency.span);
                    }
                }
            }
        }
        edges
    }

    /// The member a dependency leads to; for an absent one, what it needs or follows, on and on, as `Follows`.
    fn targets(&mut self, stage: StageId, kind: EdgeKind) {
        self.found.clear();
        if let Some(member) = self.member(stage) {
            return self.found.push((member, kind));
        }
        self.stamp += 1;
        self.seen.resize(self.model.stages.len(), 0);
        let mut left = vec![stage];
        while let Some(absent) = left.pop() {
            let Some(definition) = self.model.stages.get(absent as usize) else { continue };
            if std::mem::replace(&mut self.seen[absent as usize], self.stamp) == self.stamp {
                continue;
            }
            for dependency in dependencies(definition) {
                match self.member(dependency.stage) {
                    Some(member) => self.found.push((member, EdgeKind::Follows)),
                    None => left.push(dependency.stage),
                }
            }
        }
    }

    fn member(&self, stage: StageId) -> Option<u32> {
        let stage = self.replaced.get(&stage).unwrap_or(&stage);
        self.index.get(stage).copied()
    }
}
