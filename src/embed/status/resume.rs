//! Whether what a record describes can simply be resumed, and the first reason why not, always looked for in the same
//! order. Reads neither clock nor file.

use crate::base::Timestamp;

use super::record::Record;
use super::time;
use super::words::State;

/// How the plan a run followed stands now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plan {
    Modified,
    #[default]
    Unmodified,
    /// The record does not say when it was written: nothing to compare.
    NotRecorded,
}

const DAY: i64 = 86_400_000;
/// Seven days and an hour, as the original had it: the seventh day counts whole.
const OLDEST: i64 = 7 * DAY + 3_600_000;

/// The stage to go on at, or why a person should look first. The order: tests, errors, status, age, plan; then what no
/// original asked.
pub fn resumable(record: &Record, now: Timestamp, plan: Plan) -> Result<i64, String> {
    let failing = || record.tests_passing.is_some_and(|passing| !passing);
    let reasons: [&dyn Fn() -> Option<String>; 6] = [
        &|| failing().then(|| "Tests failing when it stopped".to_owned()),
        &|| error(record),
        &|| status(record),
        &|| age(record, now),
        &|| (plan == Plan::Modified).then(|| "its plan was modified since".to_owned()),
        &|| further(record),
    ];
    match (reasons.into_iter().find_map(|reason| reason()), record.next_stage) {
        (Some(reason), _) => Err(reason),
        (None, Some(next)) => Ok(next),
        (None, None) => Err("nothing says at which stage to go on".into()),
    }
}

fn error(record: &Record) -> Option<String> {
    if let Some(error) = &record.last_error {
        return Some(format!("it ended with errors: {}", error.lines().next().unwrap_or_default()));
    }
    let failed = record.stages.iter().find(|stage| stage.status == State::Failed)?;
    let name = failed.name.clone().or(failed.number.map(|number| number.to_string())).unwrap_or_default();
    let why = failed.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Some(format!("it ended with errors: stage {name} failed{why}"))
}

fn status(record: &Record) -> Option<String> {
    match record.status {
        State::Running | State::Incomplete => None,
        other => Some(format!("its status is `{}`, not running or incomplete", other.word())),
    }
}

fn age(record: &Record, now: Timestamp) -> Option<String> {
    let times = [&record.updated_at, &record.started_at, &record.created_at];
    let Some(at) = times.into_iter().flatten().find_map(|text| time::parse(text)) else {
        return Some("nothing says how old it is".into());
    };
    let age = now.0.saturating_sub(at.0);
    (age > OLDEST).then(|| format!("it is {} days old, more than 7", age / DAY))
}

fn further(record: &Record) -> Option<String> {
    (record.recorded_resumable == Some(false)).then(|| "it is recorded as not resumable".to_owned())
}
