//! The state database and its copy. Opens nothing for writing.

use crate::store::health::Condition;

use super::{Finding, Ground, Mend};

const NAME: &str = "state database";
const DAY_MS: i64 = 86_400_000;
/// A copy older than this was not made although runs ended.
const OLD_DAYS: i64 = 8;
/// No copy is made of a larger one.
const LARGEST: u64 = 256 << 20;

pub(super) fn database(ground: &Ground) -> Vec<Finding> {
    let health = match (&ground.health, &ground.dir) {
        (Some(health), _) => health,
        (None, Err(why)) => {
            return vec![
                Finding::fail(NAME, why.clone())
                    .matters("no run can be recorded")
                    .advice("set WFL_STATE_DIR to a folder that can be written"),
            ];
        }
        (None, Ok(_)) => return vec![Finding::skipped(NAME, "it was not looked at")],
    };
    let size = megabytes(health.bytes + health.log_bytes);
    vec![match &health.condition {
        Condition::Absent => Finding::ok(NAME, "none yet: no run was ever recorded here"),
        Condition::Sound => Finding::ok(NAME, format!("sound, {size} with its log")),
        Condition::Older => {
            Finding::ok(NAME, format!("{size}, of an earlier version: the next run updates it"))
        }
        Condition::Broken(error) => Finding::fail(NAME, error.message.clone())
            .matters("no run can be started or looked at")
            .advice(error.help.clone())
            .mend(Mend::Heal),
        Condition::Refused(error) => Finding::fail(NAME, error.message.clone())
            .matters("no run can be started or looked at; nothing was changed")
            .advice(error.help.clone()),
    }]
}

pub(super) fn copy(ground: &Ground) -> Vec<Finding> {
    const NAME: &str = "copy of the state";
    let Some(health) = &ground.health else { return Vec::new() };
    if health.condition == Condition::Absent {
        return Vec::new();
    }
    let found = match health.copy {
        Some(at) => {
            let days = (ground.now.0 - at.0) / DAY_MS;
            let words = format!("of {}", at.local());
            match days {
                ..OLD_DAYS => Finding::ok(NAME, words),
                days => Finding::warn(NAME, format!("{words}: {days} days old"))
                    .matters(
                        "after damage, what was recorded since would have to be read from the damaged file",
                    )
                    .advice("a run makes a new one when it ends: `wfl run`"),
            }
        }
        None if health.bytes > LARGEST => {
            Finding::warn(NAME, format!("none: the database is larger than {}", megabytes(LARGEST)))
                .matters("after damage there would be nothing to go back to")
                .advice("`wfl clean` removes old runs")
        }
        None => Finding::ok(NAME, "none yet: it is made when the first run is a day old"),
    };
    vec![found]
}

pub(super) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}
