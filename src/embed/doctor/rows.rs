//! What is recorded of runs: rows that cannot be read or contradict the events they follow from.

use std::time::Duration;

use crate::observe::style::counted;
use crate::store::upkeep::Poisoned;

use super::{Finding, Ground, Mend};

/// For so long runs are compared with their events, the newest first.
const BUDGET: Duration = Duration::from_millis(60);

pub(super) fn rows(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "recorded rows";
    let store = match ground.store() {
        Ok(Some(store)) => store,
        Ok(None) => return Vec::new(),
        Err(why) => return vec![Finding::skipped(NAME, why)],
    };
    let looked = match store.poisoned(BUDGET) {
        Ok(looked) => looked,
        Err(error) => {
            return vec![
                Finding::fail(NAME, error.message).matters("runs may be shown wrongly").advice(error.help),
            ];
        }
    };
    let mut found: Vec<Finding> = looked.poisoned.iter().map(finding).collect();
    if found.is_empty() {
        let all = match looked.of {
            of if of == looked.runs => counted(of, "run"),
            of => format!("the newest {} of {}", looked.runs, counted(of, "run")),
        };
        found.push(Finding::ok(NAME, format!("{all} agree with their events")));
    }
    found
}

fn finding(poisoned: &Poisoned) -> Finding {
    let Poisoned { run, what, rebuilds } = poisoned;
    let finding = Finding::warn("recorded rows", format!("run {run}: {what}"));
    match rebuilds {
        true => finding
            .matters("it is shown otherwise than it went")
            .advice("`wfl doctor --fix` works its rows out again from its events")
            .mend(Mend::Rebuild(run.clone())),
        false => finding
            .matters("it cannot be resumed, for that would be to guess; no other run is hurt by it")
            .advice(format!("start a new run; `wfl logs {run}` shows what it wrote")),
    }
}
