//! The graphs that are run: which stage needs which. Knows no tool.

/// Stages in a layer of the layered graph, and how many layers up its needs may lie.
const LAYER: usize = 40;
const REACH: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No needs.
    Wide,
    /// Each needs the one before it.
    Chain,
    /// Layers of 40; each stage needs three of the three layers above its own.
    Layered,
}

/// The needs of each stage, by index.
pub fn needs(shape: Shape, count: usize) -> Vec<Vec<usize>> {
    let mut random = Random(7);
    (0..count)
        .map(|index| match shape {
            Shape::Wide => Vec::new(),
            Shape::Chain => index.checked_sub(1).into_iter().collect(),
            Shape::Layered => above(index / LAYER, &mut random),
        })
        .collect()
}

fn above(layer: usize, random: &mut Random) -> Vec<usize> {
    let (from, to) = (layer.saturating_sub(REACH) * LAYER, layer * LAYER);
    let mut needs = Vec::new();
    while needs.len() < REACH.min(to - from) {
        let need = from + random.below(to - from);
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    needs.sort_unstable();
    needs
}

/// The same graph each time: a linear congruence, of which the upper bits count.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}
