//! Why a stage starts before others that are ready, in words. Reads the plan only.

use crate::plan::{Node, Plan};

use super::style::elapsed;

/// What earlier runs say of its failing; nothing of a stage that never failed.
pub fn failures(node: &Node) -> Option<String> {
    let suspect = node.suspect.filter(|suspect| suspect.failed > 0)?;
    Some(match (suspect.failed, suspect.of) {
        (_, 1) => "failed in its last run".to_owned(),
        (failed, of) if failed == of => format!("failed in each of its last {of} runs"),
        (failed, of) => format!("failed {failed} of its last {of} runs"),
    })
}

/// For a list of stages: what is worth knowing of its place in the order.
pub fn note(node: &Node) -> Option<String> {
    match (failures(node), node.suspect.is_some_and(|suspect| suspect.ahead)) {
        (Some(failures), true) => Some(format!("early: {failures}")),
        (failures, false) => failures,
        (None, true) => None,
    }
}

/// For one stage that was carried out in such a plan.
pub fn sentence(plan: &Plan, node: &Node) -> Option<String> {
    plan.fail_first.as_ref()?;
    node.suspect.filter(|suspect| suspect.ahead)?;
    let takes = node.expected.map(|expected| format!("takes about {}", elapsed(expected.ms)));
    let why = match (failures(node), takes) {
        (Some(failures), Some(takes)) => format!("it {failures} and {takes}"),
        (Some(failures), None) => format!("it {failures}"),
        (None, Some(takes)) => format!("it {takes}, and what is likely to fail comes early"),
        (None, None) => return None,
    };
    Some(format!("It was put before others in the line: {why}."))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::plan::{Expected, FailFirst, Suspect};

    #[test]
    fn the_counts_and_the_time_are_said() {
        let mut plan = fixture::plan();
        plan.nodes[1].suspect = Some(Suspect { ahead: true, ..Suspect::new(0.2, 4, 20) });
        plan.nodes[1].expected = Some(Expected { ms: 3_000, ..Expected::default() });
        assert_eq!(sentence(&plan, &plan.nodes[1]), None, "the plan has the usual order");
        plan.fail_first = Some(FailFirst::default());
        let said =
            "It was put before others in the line: it failed 4 of its last 20 runs and takes about 3.0s.";
        assert_eq!(sentence(&plan, &plan.nodes[1]).as_deref(), Some(said));
        assert_eq!(sentence(&plan, &plan.nodes[0]), None);
        plan.nodes[0].suspect = Some(Suspect::new(0.9, 1, 1));
        assert_eq!(note(&plan.nodes[0]).as_deref(), Some("failed in its last run"));
        assert_eq!(note(&plan.nodes[1]).as_deref(), Some("early: failed 4 of its last 20 runs"));
    }
}
