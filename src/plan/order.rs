//! Order of a graph: topological, what waits in a circle, and the longest way to the end. Knows nodes by number only;
//! nothing here recurses, ten thousand nodes are fine.

/// Nodes with what each waits for, every one after those; or the nodes of one circle, in its order.
pub(super) fn topological(edges: &[Vec<u32>]) -> Result<Vec<u32>, Vec<u32>> {
    let mut open: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); edges.len()];
    for (from, targets) in (0u32..).zip(edges) {
        for to in targets {
            waiting[*to as usize].push(from);
        }
    }
    let mut ready: std::collections::VecDeque<u32> =
        (0u32..).zip(&open).filter(|(_, open)| **open == 0).map(|(node, _)| node).collect();
    let mut order = Vec::with_capacity(edges.len());
    while let Some(node) = ready.pop_front() {
        order.push(node);
        for next in &waiting[node as usize] {
            open[*next as usize] -= 1;
            if open[*next as usize] == 0 {
                ready.push_back(*next);
            }
        }
    }
    if order.len() == edges.len() { Ok(order) } else { Err(circle(edges, &open)) }
}

/// Follows open edges until a node comes twice.
fn circle(edges: &[Vec<u32>], open: &[usize]) -> Vec<u32> {
    let mut seen: Vec<Option<usize>> = vec![None; edges.len()];
    let mut path: Vec<u32> = Vec::new();
    let mut at = open.iter().position(|open| *open > 0).unwrap_or_default() as u32;
    loop {
        if let Some(start) = seen[at as usize] {
            return path.split_off(start);
        }
        seen[at as usize] = Some(path.len());
        path.push(at);
        let next = edges[at as usize].iter().find(|to| open[**to as usize] > 0);
        match next {
            Some(next) => at = *next,
            None => return path,
        }
    }
}

/// For each node how many nodes the longest way from it to the end holds, itself counted.
pub(super) fn priorities(edges: &[Vec<u32>], order: &[u32]) -> Vec<u32> {
    longest(edges, order, &vec![1; edges.len()])
}

/// For each node what the longest way from it to the end takes, when each node takes its `own`.
pub(super) fn longest(edges: &[Vec<u32>], order: &[u32], own: &[u32]) -> Vec<u32> {
    let mut longest = own.to_vec();
    for node in order.iter().rev() {
        for to in &edges[*node as usize] {
            let through = longest[*node as usize].saturating_add(own[*to as usize]);
            longest[*to as usize] = longest[*to as usize].max(through);
        }
    }
    longest
}

/// For each node how many nodes the longest way from a start to it holds, itself not counted.
pub(super) fn layers(edges: &[Vec<u32>], order: &[u32]) -> Vec<u32> {
    let mut layer = vec![0u32; edges.len()];
    for node in order {
        let before = edges[*node as usize].iter().map(|to| layer[*to as usize] + 1).max();
        layer[*node as usize] = before.unwrap_or_default();
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_chain_is_ordered_and_ranked() {
        let edges: Vec<Vec<u32>> =
            (0..20_000u32).map(|node| if node == 0 { vec![] } else { vec![node - 1] }).collect();
        let order = topological(&edges).unwrap();
        assert_eq!((order[0], order[19_999]), (0, 19_999));
        let ranks = priorities(&edges, &order);
        assert_eq!((ranks[0], ranks[19_999]), (20_000, 1));
        assert_eq!(layers(&edges, &order)[19_999], 19_999);
    }

    #[test]
    fn a_circle_is_named_without_what_only_waits_for_it() {
        let edges = vec![vec![1], vec![2], vec![1], vec![]];
        assert_eq!(topological(&edges), Err(vec![1, 2]));
        assert_eq!(topological(&[vec![0]]), Err(vec![0]));
    }
}
