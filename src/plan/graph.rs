//! A plan drawn: Mermaid, Graphviz, JSON and SVG. Pure text; escapes every name and doc it shows.

use crate::model::EdgeKind;

use super::{Plan, StageKind};

pub use super::svg::svg;

/// Mermaid source. Gates are hexagons; what only orders is dotted; a call is a frame around what it runs.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    mermaid_nodes(plan, None, "  ", &mut text);
    for (from, to, kind) in edges(plan) {
        let arrow = match kind {
            EdgeKind::Needs => "-->",
            EdgeKind::NeedsOptional => "-- or skipped -->",
            EdgeKind::Follows => "-.->",
        };
        text.push_str(&format!("  n{from} {arrow} n{to}\n"));
    }
    text
}

/// The nodes of one call, or of none, each inner call in a frame of its own; calls nest only so deep.
fn mermaid_nodes(plan: &Plan, call: Option<u32>, indent: &str, text: &mut String) {
    for (index, node) in plan.nodes.iter().enumerate() {
        if node.closes.or(node.call) == call {
            let label = mermaid_text(&label(plan, index));
            let (open, close) = match node.kind {
                StageKind::Stage => ("[", "]"),
                StageKind::Gate => ("{{", "}}"),
            };
            text.push_str(&format!("{indent}n{index}{open}\"{label}\"{close}\n"));
        }
    }
    for (inner, of) in (0u32..).zip(&plan.calls) {
        let Some(closing) = plan.nodes.get(of.closing as usize).filter(|closing| closing.call == call) else {
            continue;
        };
        text.push_str(&format!("{indent}subgraph c{inner}[\"{}\"]\n", mermaid_text(&closing.key)));
        mermaid_nodes(plan, Some(inner), &format!("{indent}  "), text);
        text.push_str(&format!("{indent}end\n"));
    }
}

/// Mermaid takes HTML entities, written with `#` for `&`.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' => escaped.push_str(&format!("#{};", c as u32)),
            '\n' => escaped.push_str("<br>"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Graphviz source.
pub fn dot(plan: &Plan) -> String {
    let name = dot_text(&plan.lane);
    let mut text = format!("digraph \"{name}\" {{\n  rankdir=LR;\n  node [fontname=\"sans-serif\"];\n");
    for (index, node) in plan.nodes.iter().enumerate() {
        let shape = match node.kind {
            StageKind::Stage => "box",
            StageKind::Gate => "hexagon",
        };
        let label = dot_text(&label(plan, index));
        let style = if node.waived.is_some() { ", style=dashed" } else { "" };
        text.push_str(&format!("  n{index} [label=\"{label}\", shape={shape}{style}];\n"));
    }
    for (from, to, kind) in edges(plan) {
        let style = match kind {
            EdgeKind::Needs => "",
            EdgeKind::NeedsOptional => " [style=dashed]",
            EdgeKind::Follows => " [style=dotted]",
        };
        text.push_str(&format!("  n{from} -> n{to}{style};\n"));
    }
    text.push_str("}\n");
    text
}

fn dot_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Nodes and edges for programs.
pub fn json(plan: &Plan) -> serde_json::Value {
    let nodes: Vec<serde_json::Value> = plan
        .nodes
        .iter()
        .map(|node| {
            let matrix: serde_json::Map<String, serde_json::Value> =
                node.matrix.iter().map(|(name, value)| (name.clone(), value.to_json())).collect();
            serde_json::json!({
                "name": node.key,
                "stage": plan.stages.get(node.stage as usize).map(|stage| stage.name.as_str()),
                "number": node.number,
                "kind": node.kind,
                "docs": node.docs,
                "place": node.place,
                "matrix": matrix,
                "waived": node.waived,
                "approvals": node.approvals.iter().map(|approval| approval.group.as_str()).collect::<Vec<_>>(),
                "priority": node.priority,
            })
        })
        .collect();
    let key = |index: u32| plan.nodes.get(index as usize).map(|node| node.key.as_str());
    let edges: Vec<serde_json::Value> = edges(plan)
        .map(|(from, to, kind)| serde_json::json!({ "from": key(from), "to": key(to), "kind": word(kind) }))
        .collect();
    serde_json::json!({ "lane": plan.lane, "about": plan.about, "nodes": nodes, "edges": edges })
}

fn word(kind: EdgeKind) -> &'static str {
    match kind {
        EdgeKind::Needs => "needs",
        EdgeKind::NeedsOptional => "needs?",
        EdgeKind::Follows => "follows",
    }
}

/// `(before, after, kind)`: drawn in the direction of time.
pub(super) fn edges(plan: &Plan) -> impl Iterator<Item = (u32, u32, EdgeKind)> {
    (0u32..)
        .zip(&plan.nodes)
        .flat_map(|(index, node)| node.edges.iter().map(move |edge| (edge.to, index, edge.kind)))
}

/// Number and name, and what a person must do or has decided.
pub(super) fn label(plan: &Plan, index: usize) -> String {
    let Some(node) = plan.nodes.get(index) else {
        return String::new();
    };
    let number = node.number.map(|number| format!("{number} ")).unwrap_or_default();
    let mut label = format!("{number}{}", node.key);
    for approval in &node.approvals {
        label.push_str(&format!("\n{} approve: {}", approval.count, approval.group));
    }
    if node.waived.is_some() {
        label.push_str("\nwaived");
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::build::tests::sample;

    #[test]
    fn every_form_shows_nodes_edges_and_escapes_what_it_shows() {
        let mut plan = sample();
        plan.nodes[0].key = "a\"<b>&\\".into();
        assert!(mermaid(&plan).contains("n0[\"a#34;#60;b#62;#38;#92;\"]"), "{}", mermaid(&plan));
        assert!(dot(&plan).contains("n0 [label=\"a\\\"<b>&\\\\\", shape=box];"), "{}", dot(&plan));
        assert!(svg(&plan).contains("a&quot;&lt;b&gt;&amp;\\"), "{}", svg(&plan));
        assert!(!svg(&plan).contains("<b>"));
    }

    #[test]
    fn edges_say_their_kind_in_the_direction_of_time() {
        let plan = sample();
        let json = json(&plan);
        let edges = json["edges"].as_array().unwrap();
        assert!(
            edges.contains(&serde_json::json!({ "from": "build", "to": "unit[shard=1]", "kind": "needs" }))
        );
        assert_eq!(json["nodes"].as_array().unwrap().len(), plan.nodes.len());
        assert!(mermaid(&plan).contains("n0 --> n1") && mermaid(&plan).contains("-.->"));
        assert!(dot(&plan).contains("n0 -> n1;"));
    }
}
