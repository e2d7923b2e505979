//! What is expected of a node from earlier runs, and who starts first because of it: the longest remaining path in
//! expected time. Pure; where the numbers come from is not known here.

use serde::{Deserialize, Serialize};

use super::order::{longest, topological};
use super::{Node, Plan};

/// What earlier runs of a stage took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expected {
    /// Median, in milliseconds.
    pub ms: u64,
    /// Median of processor time over time passed, in thousandths of one processor; none where attempts were too short
    /// to tell.
    pub processors: Option<u32>,
    /// Bytes of memory that nine attempts of ten stayed below; 0 where it is not known.
    pub memory: u64,
    /// Milliseconds that 98 runs of a hundred stay between, and how many runs say so; no runs where they are too few.
    pub low: u64,
    pub high: u64,
    pub runs: u32,
}

/// Of a stage without history, when no stage of the plan has one.
const UNKNOWN_MS: u64 = 1_000;

impl Plan {
    /// Takes over what `known` says of each node, and orders by it. When nothing is known at all, the order stays that of
    /// the longest path in stages.
    pub fn anticipate(&mut self, known: impl Fn(&Node, &str) -> Option<Expected>) {
        let stages = &self.stages;
        for node in &mut self.nodes {
            let name = stages.get(node.stage as usize).map_or("", |stage| stage.name.as_str());
            node.expected = known(node, name);
        }
        if self.nodes.iter().all(|node| node.expected.is_none()) {
            return;
        }
        let unknown = usual(&self.nodes);
        let edges: Vec<Vec<u32>> =
            self.nodes.iter().map(|node| node.edges.iter().map(|edge| edge.to).collect()).collect();
        let Ok(order) = topological(&edges) else { return };
        let own: Vec<u32> = self.nodes.iter().map(|node| ms(node, unknown)).collect();
        for (node, priority) in self.nodes.iter_mut().zip(longest(&edges, &order, &own)) {
            node.priority = priority;
        }
    }
}

/// Milliseconds the node is expected to take. One tells stages apart that take none.
pub(super) fn ms(node: &Node, unknown: u64) -> u32 {
    let ms = match node.expected {
        _ if node.preset.is_some() || node.waived.is_some() => 0,
        Some(expected) => expected.ms,
        None if node.actions.is_empty() => 0,
        None => unknown,
    };
    ms.clamp(1, u64::from(u32::MAX)) as u32
}

/// What a stage without history is taken to need: the middle of those with one.
pub(super) fn usual(nodes: &[Node]) -> u64 {
    let mut known: Vec<u64> = nodes.iter().filter_map(|node| node.expected.map(|of| of.ms)).collect();
    known.sort_unstable();
    known.get(known.len() / 2).copied().filter(|ms| *ms > 0).unwrap_or(UNKNOWN_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::fixture;
    use crate::plan::Action;

    fn ranks(plan: &Plan) -> Vec<u32> {
        plan.nodes.iter().map(|node| node.priority).collect()
    }

    /// Three in a row, and two beside them that need nothing.
    fn plan() -> Plan {
        let mut plan = fixture::plan();
        for (name, index) in [("slow", 3), ("new", 4)] {
            let mut node = fixture::node(name, index);
            node.edges.clear();
            node.actions = vec![Action::Exec { argv: Vec::new() }];
            plan.nodes.push(node);
            plan.stages.push(fixture::instances(name, index));
        }
        plan
    }

    #[test]
    fn the_longest_way_is_counted_in_time_and_what_is_unknown_takes_the_middle() {
        let mut plan = plan();
        plan.anticipate(|_, stage| {
            let ms = match stage {
                "slow" => 5_000,
                "new" => return None,
                _ => 100,
            };
            Some(Expected { ms, ..Expected::default() })
        });
        assert_eq!(ranks(&plan), [300, 200, 100, 5_000, 100], "three short ones are less than one long one");
    }

    #[test]
    fn without_any_history_the_order_stays_as_it_was() {
        let mut plan = plan();
        let before = ranks(&plan);
        plan.anticipate(|_, _| None);
        assert_eq!(ranks(&plan), before);
    }

    #[test]
    fn times_beyond_all_bounds_are_capped() {
        let mut plan = plan();
        plan.anticipate(|_, _| Some(Expected { ms: u64::MAX, ..Expected::default() }));
        assert_eq!(ranks(&plan), [u32::MAX; 5]);
    }
}
