//! Circles in a graph of numbered nodes. Knows nothing of stages.

use std::collections::{HashMap, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Whether no node reaches itself; `targets` gives where the edges of a node lead.
pub fn is_acyclic<I: Iterator<Item = usize>>(count: usize, targets: impl Fn(usize) -> I) -> bool {
    let mut waits = vec![0u32; count];
    for to in (0..count).flat_map(&targets) {
        waits[to] += 1;
    }
    let mut ready: Vec<usize> = (0..count).filter(|&node| waits[node] == 0).collect();
    let mut done = 0;
    while let Some(node) = ready.pop() {
        done += 1;
        for to in targets(node) {
            waits[to] -= 1;
            if waits[to] == 0 {
                ready.push(to);
            }
        }
    }
    done == count
}

/// Groups of nodes that reach each other, each with more than one node. Iterative: chains may be long.
pub fn circles(targets: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let edges = targets.iter().map(Vec::len).sum();
    let mut graph: DiGraph<(), ()> = DiGraph::with_capacity(targets.len(), edges);
    let nodes: Vec<NodeIndex> = targets.iter().map(|_| graph.add_node(())).collect();
    for (from, to) in targets.iter().enumerate() {
        to.iter().for_each(|to| {
            graph.add_edge(nodes[from], nodes[*to], ());
        });
    }
    let groups = kosaraju_scc(&graph);
    let groups = groups.into_iter().filter(|group| group.len() > 1);
    groups.map(|group| group.into_iter().map(NodeIndex::index).collect()).collect()
}

/// The shortest way from a node of a group back to itself: the nodes in order, the first not repeated.
pub fn round_trip(start: usize, group: &[usize], targets: &[Vec<usize>]) -> Vec<usize> {
    let members: std::collections::HashSet<usize> = group.iter().copied().collect();
    let mut before: HashMap<usize, usize> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for to in targets[node].iter().copied().filter(|to| members.contains(to)) {
            if to == start {
                let mut way = vec![node];
                while let Some(earlier) = before.get(way.last().unwrap_or(&start)) {
                    way.push(*earlier);
                }
                way.reverse();
                return way;
            }
            if to != start && !before.contains_key(&to) {
                before.insert(to, node);
                queue.push_back(to);
            }
        }
    }
    vec![start]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_is_found_once_and_shortest() {
        let targets = vec![vec![1], vec![2], vec![0, 3], vec![1], vec![0]];
        let found = circles(&targets);
        assert_eq!(found.len(), 1);
        let mut group = found[0].clone();
        group.sort_unstable();
        assert_eq!(group, [0, 1, 2, 3]);
        assert_eq!(round_trip(0, &group, &targets), [0, 1, 2]);
        assert!(!is_acyclic(targets.len(), |node| targets[node].iter().copied()));
    }

    #[test]
    fn a_long_chain_needs_no_stack() {
        let targets: Vec<Vec<usize>> =
            (0..100_000).map(|node| if node == 99_999 { vec![] } else { vec![node + 1] }).collect();
        assert!(circles(&targets).is_empty());
        assert!(is_acyclic(targets.len(), |node| targets[node].iter().copied()));
    }
}
