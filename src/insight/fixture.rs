//! Past runs for tests of this layer. Knows no store.

use crate::base::Timestamp;
use crate::event::{RunStatus, Status};
use crate::history::{Mode, Past, PastChange, PastStage};

use super::Model;

const DAY: i64 = 86_400_000;

/// The `number`th run of a lane, a day after the one before.
pub fn remembered(number: usize, kind: &str, files: &[&str], stages: &[(&str, Status, u64)]) -> Past {
    let stage = |(name, status, ms): &(&str, Status, u64)| PastStage {
        status: *status,
        began_ms: (*ms > 0).then_some(0),
        duration_ms: *ms,
        attempts: u32::from(*ms > 0),
        ..PastStage::passed(name, "stage")
    };
    Past {
        id: format!("r{number:05}"),
        project: String::new(),
        source: String::new(),
        lane: "l".into(),
        status: RunStatus::Succeeded,
        started: Timestamp(number as i64 * DAY),
        duration_ms: stages.iter().map(|stage| stage.2).sum(),
        change: PastChange {
            kind: kind.into(),
            files: files.iter().map(|file| file.to_string()).collect(),
            count: files.len() as u64,
            added: 5,
            deleted: 5,
            ..PastChange::default()
        },
        stages: stages.iter().map(stage).collect(),
        mode: Mode::Full,
    }
}

/// Every third change is of documents only and needs no `unit`; of the others every fourth that touches `src/api/` fails
/// it. Newest first.
pub fn mixed(count: usize) -> Vec<Past> {
    let mut runs: Vec<Past> = (0..count)
        .map(|number| {
            let ok = Status::Succeeded;
            match number % 3 {
                0 => remembered(
                    number,
                    "docs",
                    &["docs/a.md"],
                    &[("build", ok, 1000), ("unit", Status::Skipped, 0), ("lint", ok, 500)],
                ),
                kind => {
                    let file = if kind == 1 { "src/api/a.rs" } else { "src/b.rs" };
                    let bad = kind == 1 && number.is_multiple_of(4);
                    let unit = if bad { Status::Failed } else { ok };
                    remembered(
                        number,
                        "fix",
                        &[file],
                        &[("build", ok, 1000), ("unit", unit, 4000), ("lint", ok, 500)],
                    )
                }
            }
        })
        .collect();
    runs.reverse();
    runs
}

/// A model of such runs, and the runs.
pub fn learned(count: usize) -> (Model, Vec<Past>) {
    let runs = mixed(count);
    (Model::fit(&runs, 7, Timestamp(count as i64 * DAY)), runs)
}

/// A run of the change with that name, begun at `at`; each stage took a second.
pub fn of_change(id: &str, change: &str, at: i64, stages: &[(&str, Status)]) -> Past {
    let stages: Vec<(&str, Status, u64)> =
        stages.iter().map(|(name, status)| (*name, *status, 1_000)).collect();
    let change = PastChange { id: change.into(), ..PastChange::default() };
    Past {
        id: id.into(),
        started: Timestamp(at),
        duration_ms: 1_000,
        change,
        ..remembered(0, "", &[], &stages)
    }
}
