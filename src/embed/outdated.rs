//! Gates that passed on a tree that was changed afterwards: by a later stage, or by a person while the run went on. The run
//! says so at its end; it does not judge whether the change matters.

use std::collections::BTreeMap;

use crate::base::Timestamp;
use crate::event::{Event, NodeIndex, Record};
use crate::facts::git;
use crate::plan::Plan;
use crate::workspace::tree;

/// Files that are named one by one.
const NAMED: usize = 3;

/// One line a gate that no longer speaks for the tree as it is; nothing outside git, where no file is tracked.
pub(super) fn outdated(plan: &Plan, records: &[Record]) -> Vec<String> {
    let passed = passed(records);
    let Some(first) = passed.values().min() else { return Vec::new() };
    let Ok(changed) = git::tracked_changed_since(&plan.root, None, *first) else { return Vec::new() };
    let since = |at: Timestamp| -> Vec<&str> {
        let later = changed.iter().filter(|file| git::changed_after(&plan.root, file, at));
        later.map(String::as_str).collect()
    };
    let gates = passed.iter().map(|(node, at)| (plan.title(*node), of_inputs(plan, *node, since(*at))));
    gates.filter(|(_, files)| !files.is_empty()).map(|(gate, files)| said(gate, &files)).collect()
}

/// A gate that runs nothing and declares its inputs speaks for these alone.
fn of_inputs<'f>(plan: &Plan, node: NodeIndex, files: Vec<&'f str>) -> Vec<&'f str> {
    let spec = &plan.nodes[node as usize];
    match tree::globs(&spec.inputs) {
        Ok(inputs) if spec.actions.is_empty() && !spec.inputs.is_empty() => {
            files.into_iter().filter(|file| inputs.is_match(file)).collect()
        }
        _ => files,
    }
}

/// When each gate was judged last, if it held.
fn passed(records: &[Record]) -> BTreeMap<NodeIndex, Timestamp> {
    let mut passed = BTreeMap::new();
    for record in records {
        if let Event::GateJudged { node, checks, error, .. } = &record.event {
            match error.is_none() && checks.iter().all(|check| check.held) {
                true => passed.insert(*node, record.at),
                false => passed.remove(node),
            };
        }
    }
    passed
}

fn said(gate: &str, files: &[&str]) -> String {
    let named = files[..files.len().min(NAMED)].join(", ");
    let more = match files.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("after gate `{gate}` had judged, the tree changed: {named}{more}; it does not speak for that")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gates_that_held_when_judged_last_count() {
        let judged = |at, node, error: Option<&str>| Record {
            seq: at as u64,
            at: Timestamp(at),
            event: Event::GateJudged {
                node,
                measures: BTreeMap::new(),
                checks: Vec::new(),
                error: error.map(str::to_owned),
                inputs: None,
            },
        };
        let records =
            [judged(1, 0, None), judged(2, 1, None), judged(3, 1, Some("no report")), judged(4, 0, None)];
        assert_eq!(passed(&records), BTreeMap::from([(0, Timestamp(4))]));
    }

    #[test]
    fn many_files_are_counted() {
        assert!(said("lint", &["f0", "f1", "f2", "f3", "f4"]).contains("f0, f1, f2 and 2 more"));
    }
}
