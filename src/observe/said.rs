//! The last words of a gate's tool, for the summary: a tool may end well by its own account and its gate still fail, and
//! then what it said is what a person needs. Reads what it is given; knows no file.

use std::collections::VecDeque;

use crate::capture::lines::Lines;
use crate::event::NodeIndex;
use crate::plan::{Plan, StageKind};

use super::Board;
use super::plain::Output;
use super::sanitise::last_state;

/// Lines told of a tool.
const MOST: usize = 10;

/// What the tool of a gate wrote last; nothing for a stage, whose own tail is told.
pub fn said(plan: &Plan, board: &Board, node: NodeIndex, output: &Output) -> Vec<String> {
    let Some((node, attempt)) = spoke(plan, board, node) else { return Vec::new() };
    let mut last: VecDeque<String> = VecDeque::with_capacity(MOST + 1);
    let mut each = |line: &[u8]| {
        let line = last_state(line, false);
        if !line.trim().is_empty() {
            last.push_back(line);
        }
        if last.len() > MOST {
            last.pop_front();
        }
    };
    let mut cut = Lines::default();
    output(node, attempt, &mut |piece| cut.push(piece, &mut each));
    cut.finish(&mut each);
    last.into()
}

/// Which attempt of which node ran the gate's program: its own, or that of another gate of the same tool.
fn spoke(plan: &Plan, board: &Board, node: NodeIndex) -> Option<(NodeIndex, u32)> {
    let gate = plan.nodes.get(node as usize).filter(|node| node.kind == StageKind::Gate)?;
    let ran =
        |node: NodeIndex| board.rows.get(node as usize).map(|row| row.attempts).filter(|count| *count > 0);
    if let Some(attempt) = ran(node) {
        return Some((node, attempt));
    }
    let tool = gate.gate.as_ref()?.tool.as_ref()?;
    let same = |other: &crate::plan::Node| {
        other.gate.as_ref().and_then(|gate| gate.tool.as_ref()).is_some_and(|other| other == tool)
    };
    let others = (0..).zip(&plan.nodes).filter(|(_, other)| same(other));
    others.into_iter().find_map(|(other, _)| ran(other).map(|attempt| (other, attempt)))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::fixture;
    use super::*;

    #[test]
    fn only_a_gates_last_lines_are_told() {
        let mut plan = fixture::plan();
        let mut board = Board::new(3);
        board.rows[1].attempts = 2;
        let output: Output = Arc::new(|node, attempt, each| {
            (0..30).for_each(|line| {
                each(format!("{node}.{attempt} \u{1b}[31mline {line}\u{1b}[0m\n\n").as_bytes())
            });
        });
        assert!(said(&plan, &board, 1, &output).is_empty());
        plan.nodes[1].kind = StageKind::Gate;
        let told = said(&plan, &board, 1, &output);
        assert_eq!((told.len(), told[0].as_str()), (10, "1.2 line 20"));
        plan.nodes[0].kind = StageKind::Gate;
        assert!(said(&plan, &board, 0, &output).is_empty(), "it ran nothing");
    }
}
