//! What is known of a case at its start, as a sample: traits, attributes of its first event, that event itself, hour and
//! weekday. Columns that tell how it ended are left out. Knows no outcomes.

use core::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};

use super::chance::Sample;
use super::log::{Column, Log, NO_TIME, NO_WORD, Values};

/// Where a field comes from, by name of its column: another log of the same system has the same names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum From {
    Activity,
    Weekday,
    Hour,
    Event(String),
    Trait(String),
}

/// The fields worth looking at, found by the cases learned from; a field's number is its place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features(Vec<From>);

/// Parts of column names that tell how a case went rather than how it started.
const LATER: [&str; 8] =
    ["variant", "enddate", "end_date", "end date", "endtime", "end_time", "duration", "outcome"];
/// Stands for a value that is not given: that it is not may say more than any value.
const MISSING: u64 = u64::MAX;
const HOUR: i64 = 3_600_000;

impl Features {
    pub fn of(log: &Log, cases: &[usize]) -> Features {
        let mut fields = vec![From::Activity, From::Weekday, From::Hour];
        let first = |case: usize| log.cases.get(case)?.events.clone().next();
        let events = log.columns.iter().filter(|column| worth(column, cases, first));
        fields.extend(events.map(|column| From::Event(column.name.clone())));
        let traits = log.traits.iter().filter(|column| worth(column, cases, Some));
        fields.extend(traits.map(|column| From::Trait(column.name.clone())));
        Features(fields)
    }

    /// Name of a field for people.
    pub fn name(&self, field: u32) -> &str {
        match self.0.get(field as usize) {
            Some(From::Event(name) | From::Trait(name)) => name,
            Some(From::Activity) => "first activity",
            Some(From::Weekday) => "weekday",
            Some(From::Hour) => "hour",
            None => "",
        }
    }

    pub fn sample(&self, log: &Log, case: usize) -> Sample {
        let mut sample = Sample::default();
        let Some(first) = log.cases.get(case).and_then(|case| case.events.clone().next()) else {
            return sample;
        };
        for (field, from) in self.0.iter().enumerate() {
            let field = field as u32;
            match from {
                From::Activity => {
                    let name =
                        log.activity.get(first).and_then(|symbol| log.activities.get(*symbol as usize));
                    sample.words.extend(name.map(|name| (field, hash(name))));
                }
                From::Weekday => {
                    sample.words.extend(day(log, first).map(|day| (field, (day + 4).rem_euclid(7) as u64)))
                }
                From::Hour => sample.numbers.extend(hour(log, first).map(|hour| (field, hour))),
                From::Event(name) => value(&log.columns, name, first, field, &mut sample),
                From::Trait(name) => value(&log.traits, name, case, field, &mut sample),
            }
        }
        sample
    }
}

fn value(columns: &[Column], name: &str, place: usize, field: u32, into: &mut Sample) {
    let Some(column) = columns.iter().find(|column| column.name == name) else { return };
    match &column.values {
        Values::Numbers(numbers) => match numbers.get(place).filter(|number| number.is_finite()) {
            Some(number) => into.numbers.push((field, f64::from(*number))),
            None => into.words.push((field, MISSING)),
        },
        Values::Words { codes, names } => {
            let word =
                codes.get(place).filter(|code| **code != NO_WORD).and_then(|code| names.get(*code as usize));
            into.words.push((field, word.map_or(MISSING, |word| hash(word))));
        }
    }
}

fn time(log: &Log, first: usize) -> Option<i64> {
    log.at.get(first).copied().filter(|at| *at != NO_TIME)
}

fn day(log: &Log, first: usize) -> Option<i64> {
    time(log, first).map(|at| at.div_euclid(24 * HOUR))
}

fn hour(log: &Log, first: usize) -> Option<f64> {
    time(log, first).map(|at| at.rem_euclid(24 * HOUR) as f64 / HOUR as f64)
}

fn hash(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    word.hash(&mut hasher);
    hasher.finish()
}

/// Neither constant, nor nearly a name of the case, nor told by its name to be about how the case ended.
fn worth(column: &Column, cases: &[usize], place: impl Fn(usize) -> Option<usize>) -> bool {
    let name = column.name.to_lowercase();
    if LATER.iter().any(|word| name.contains(word)) {
        return false;
    }
    let places = cases.iter().filter_map(|case| place(*case));
    let mut seen: Vec<u32> = match &column.values {
        Values::Words { codes, .. } => places.filter_map(|place| codes.get(place).copied()).collect(),
        Values::Numbers(numbers) => {
            places.filter_map(|place| numbers.get(place).map(|n| n.to_bits())).collect()
        }
    };
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    let words = matches!(column.values, Values::Words { .. });
    seen.len() > 1 && !(words && seen.len() * 2 > all)
}
