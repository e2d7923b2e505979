//! The edges among a lane's members, with what is absent replaced by what it would have waited for.

use std::collections::HashMap;

use crate::base::Shared;
use crate::model::{Edge, EdgeKind, Model, Stage, StageId};

use super::cycles::{Link, dependencies};

/// Edges and, beside them, the places that make them.
pub(super) fn between(
    model: &Model,
    stages: &[Shared<Stage>],
    index: &HashMap<StageId, u32>,
    replaced: &HashMap<StageId, StageId>,
) -> (Vec<Vec<Edge>>, Vec<Vec<Link>>) {
    let mut search = Search { model, index, replaced, seen: vec![0; model.stages.len()], stamp: 0 };
    let mut all_edges = Vec::with_capacity(stages.len());
    let mut all_links = Vec::with_capacity(stages.len());
    for (own, stage) in stages.iter().enumerate() {
        let mut edges: Vec<Edge> = Vec::new();
        let mut links: Vec<Link> = Vec::new();
        let mut place: HashMap<u32, usize> = HashMap::new();
        let needs = stage
            .needs
            .iter()
            .map(|need| (need, if need.optional { EdgeKind::NeedsOptional } else { EdgeKind::Needs }));
        let follows = stage.follows.iter().map(|follow| (follow, EdgeKind::Follows));
        for (dependency, kind) in needs.chain(follows) {
            for (to, kind) in search.targets(dependency.stage, kind) {
                if to as usize == own {
                    continue;
                }
                match place.get(&to) {
                    // The first edge to a member is the strongest: needs come before follows.
                    Some(at) if rank(edges[*at].kind) <= rank(kind) => {}
                    Some(at) => edges[*at].kind = kind,
                    None => {
                        place.insert(to, edges.len());
                        edges.push(Edge { to, kind });
                        links.push(Link { to: to as usize, span: dependency.span });
                    }
                }
            }
        }
        all_edges.push(edges);
        all_links.push(links);
    }
    (all_edges, all_links)
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
    index: &'a HashMap<StageId, u32>,
    replaced: &'a HashMap<StageId, StageId>,
    /// The search in which a stage was last seen, so that no search clears the whole.
    seen: Vec<u32>,
    stamp: u32,
}

impl Search<'_> {
    /// The member a dependency leads to; for an absent one, what it needs or follows, on and on, as `Follows`.
    fn targets(&mut self, stage: StageId, kind: EdgeKind) -> Vec<(u32, EdgeKind)> {
        if let Some(member) = self.member(stage) {
            return vec![(member, kind)];
        }
        self.stamp += 1;
        let mut found = Vec::new();
        let mut left = vec![stage];
        while let Some(absent) = left.pop() {
            let Some(definition) = self.model.stages.get(absent as usize) else { continue };
            if std::mem::replace(&mut self.seen[absent as usize], self.stamp) == self.stamp {
                continue;
            }
            for dependency in dependencies(definition) {
                match self.member(dependency.stage) {
                    Some(member) => found.push((member, EdgeKind::Follows)),
                    None => left.push(dependency.stage),
                }
            }
        }
        found
    }

    fn member(&self, stage: StageId) -> Option<u32> {
        let stage = self.replaced.get(&stage).unwrap_or(&stage);
        self.index.get(stage).copied()
    }
}
