//! What comes before what in a lane: whether an edge, or several one after the other, lead from one stage to another.
//! Knows only numbers.

use crate::model::Edge;

/// Edges one answer may follow, and all answers of a lane together: larger questions are answered "ordered", which
/// reports nothing.
const MOST: usize = 4_000_000;

/// A lane's edges, prepared for questions.
pub struct Reach<'a> {
    edges: &'a [Vec<Edge>],
    /// The longest way down from each stage: every edge leads to a smaller number.
    depth: Vec<u32>,
    seen: Vec<u32>,
    stamp: u32,
    left: usize,
}

impl<'a> Reach<'a> {
    /// None for a lane whose stages wait for each other in a circle.
    pub fn new(edges: &'a [Vec<Edge>]) -> Option<Self> {
        let depth = depths(edges)?;
        Some(Reach { edges, depth, seen: vec![0; edges.len()], stamp: 0, left: MOST })
    }

    /// How many stages the longest chain has.
    pub fn longest(&self) -> usize {
        self.depth.iter().max().map_or(0, |deepest| *deepest as usize + 1)
    }

    /// The longest way down from a stage; what it waits for has a smaller one.
    pub fn depth(&self, stage: u32) -> u32 {
        self.depth[stage as usize]
    }

    /// Whether `from` waits for `to`, directly or through others.
    pub fn waits(&mut self, from: u32, to: u32) -> bool {
        let floor = self.depth[to as usize];
        if self.depth[from as usize] <= floor {
            return false;
        }
        self.stamp += 1;
        let mut left = vec![from];
        while let Some(stage) = left.pop() {
            for edge in &self.edges[stage as usize] {
                if edge.to == to {
                    return true;
                }
                let Some(rest) = self.left.checked_sub(1) else { return true };
                self.left = rest;
                let deeper = self.depth[edge.to as usize] > floor;
                if deeper && std::mem::replace(&mut self.seen[edge.to as usize], self.stamp) != self.stamp {
                    left.push(edge.to);
                }
            }
        }
        false
    }

    /// Whether one of the two waits for the other.
    pub fn ordered(&mut self, a: u32, b: u32) -> bool {
        self.waits(a, b) || self.waits(b, a)
    }
}

/// Of each node the length of the longest way down; none when there is a circle.
fn depths(edges: &[Vec<Edge>]) -> Option<Vec<u32>> {
    let mut open: Vec<u32> = edges.iter().map(|edges| edges.len() as u32).collect();
    let mut above: Vec<Vec<u32>> = vec![Vec::new(); edges.len()];
    for (from, edges) in edges.iter().enumerate() {
        edges.iter().for_each(|edge| above[edge.to as usize].push(from as u32));
    }
    let mut depth = vec![0; edges.len()];
    let mut ready: Vec<u32> = (0..edges.len() as u32).filter(|node| open[*node as usize] == 0).collect();
    let mut done = 0;
    while let Some(node) = ready.pop() {
        done += 1;
        for upper in &above[node as usize] {
            let upper = *upper as usize;
            depth[upper] = depth[upper].max(depth[node as usize] + 1);
            open[upper] -= 1;
            if open[upper] == 0 {
                ready.push(upper as u32);
            }
        }
    }
    (done == edges.len()).then_some(depth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EdgeKind;

    fn graph(edges: &[&[u32]]) -> Vec<Vec<Edge>> {
        let edge = |to: &u32| Edge { to: *to, kind: EdgeKind::Follows };
        edges.iter().map(|to| to.iter().map(edge).collect()).collect()
    }

    /// By the definition: every way, step by step.
    fn closure(edges: &[Vec<Edge>]) -> Vec<Vec<bool>> {
        let count = edges.len();
        let mut reach = vec![vec![false; count]; count];
        for (from, to) in edges.iter().enumerate() {
            to.iter().for_each(|edge| reach[from][edge.to as usize] = true);
        }
        for middle in 0..count {
            for from in 0..count {
                for to in 0..count {
                    reach[from][to] |= reach[from][middle] && reach[middle][to];
                }
            }
        }
        reach
    }

    #[test]
    fn agrees_with_the_definition_on_generated_graphs() {
        let mut seed = 7u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        for _ in 0..200 {
            let count = 2 + next(9) as usize;
            // Edges lead down in a shuffled numbering, so that depth and number have nothing to do with each other.
            let mut name: Vec<u32> = (0..count as u32).collect();
            (1..count).for_each(|at| name.swap(at, next(at as u64 + 1) as usize));
            let mut edges = vec![Vec::new(); count];
            for from in 1..count {
                for to in 0..from {
                    if next(3) == 0 {
                        edges[name[from] as usize].push(Edge { to: name[to], kind: EdgeKind::Needs });
                    }
                }
            }
            let expected = closure(&edges);
            let mut reach = Reach::new(&edges).expect("no circle");
            for (from, row) in expected.iter().enumerate() {
                for (to, waits) in row.iter().enumerate() {
                    assert_eq!(reach.waits(from as u32, to as u32), *waits, "{edges:?} {from} {to}");
                }
            }
        }
    }

    #[test]
    fn a_chain_is_as_long_as_the_lane_and_a_circle_has_no_order() {
        assert_eq!(Reach::new(&graph(&[&[], &[0], &[1, 0]])).map(|reach| reach.longest()), Some(3));
        assert_eq!(Reach::new(&graph(&[&[], &[0], &[0]])).map(|reach| reach.longest()), Some(2));
        assert!(Reach::new(&graph(&[&[1], &[0]])).is_none());
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let edges: Vec<Vec<Edge>> = (0..100_000u32)
            .map(|node| {
                node.checked_sub(1).map(|to| Edge { to, kind: EdgeKind::Needs }).into_iter().collect()
            })
            .collect();
        let mut reach = Reach::new(&edges).expect("no circle");
        assert!(reach.waits(99_999, 0) && !reach.waits(0, 99_999));
    }
}
