//! A plan as a picture: layers from left to right, one column for each. Own layout, kept small.

use quick_xml::escape::escape;

use crate::model::EdgeKind;

use super::graph::{edges, label};
use super::order::{layers, topological};
use super::{Plan, StageKind};

const WIDTH: u32 = 180;
const HEIGHT: u32 = 48;
const ACROSS: u32 = 240;
const DOWN: u32 = 72;
const MARGIN: u32 = 20;

/// A standalone SVG without scripts or outside references.
pub fn svg(plan: &Plan) -> String {
    let targets: Vec<Vec<u32>> =
        plan.nodes.iter().map(|node| node.edges.iter().map(|edge| edge.to).collect()).collect();
    let order = topological(&targets).unwrap_or_default();
    let places = places(&layers(&targets, &order));
    let right = places.iter().map(|(x, _)| x + WIDTH).max().unwrap_or_default() + MARGIN;
    let bottom = places.iter().map(|(_, y)| y + HEIGHT).max().unwrap_or_default() + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{right}\" height=\"{bottom}\" \
         viewBox=\"0 0 {right} {bottom}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{}</title>\n",
        escape(plan.lane.as_str())
    );
    for (from, to, kind) in edges(plan) {
        text.push_str(&line(places[from as usize], places[to as usize], kind));
    }
    for (index, place) in places.iter().enumerate() {
        text.push_str(&shape(plan, index, *place));
    }
    text.push_str("</svg>\n");
    text
}

/// Left upper corner of each node: its layer across, its turn in the layer down.
fn places(layers: &[u32]) -> Vec<(u32, u32)> {
    let mut filled: Vec<u32> = Vec::new();
    let mut places = Vec::with_capacity(layers.len());
    for layer in layers {
        let column = *layer as usize;
        if filled.len() <= column {
            filled.resize(column + 1, 0);
        }
        places.push((MARGIN + layer * ACROSS, MARGIN + filled[column] * DOWN));
        filled[column] += 1;
    }
    places
}

fn line(from: (u32, u32), to: (u32, u32), kind: EdgeKind) -> String {
    let dashes = match kind {
        EdgeKind::Needs => "",
        EdgeKind::NeedsOptional => " stroke-dasharray=\"6 3\"",
        EdgeKind::Follows => " stroke-dasharray=\"2 3\"",
    };
    let (x1, y1, x2, y2) = (from.0 + WIDTH, from.1 + HEIGHT / 2, to.0, to.1 + HEIGHT / 2);
    let bend = (x1 + x2) / 2;
    format!(
        "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#888\"{dashes}/>\n"
    )
}

fn shape(plan: &Plan, index: usize, (x, y): (u32, u32)) -> String {
    let gate = plan.nodes.get(index).is_some_and(|node| node.kind == StageKind::Gate);
    let (fill, round) = if gate { ("#fff3d6", HEIGHT / 2) } else { ("#eef4ff", 6) };
    let mut text = format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"#456\"/>\n"
    );
    for (row, words) in (0u32..).zip(label(plan, index).lines().take(3)) {
        let shown: String = words.chars().filter(|c| !c.is_control()).take(28).collect();
        let (middle, base) = (x + WIDTH / 2, y + 18 + row * 14);
        text.push_str(&format!(
            "<text x=\"{middle}\" y=\"{base}\" text-anchor=\"middle\">{}</text>\n",
            escape(shown.as_str())
        ));
    }
    text
}
