//! Which attributes the next event is predicted from, and why the others are not. Drops what names the case, what never
//! changes and what is only known later.

use serde::{Deserialize, Serialize};

use super::super::log::{Column, Log, NO_WORD, Values};

/// Attributes used at most.
const MOST: usize = 10;
/// Parts of a number's range.
const PARTS: usize = 8;
/// Values looked at to judge a column.
const SAMPLE: usize = 20_000;

const NONE: u32 = u32::MAX;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Of the case, otherwise of its events.
    of_case: bool,
    place: u32,
    /// Bounds between the parts of a number's range; empty of words.
    bounds: Vec<f32>,
}

/// Why a column is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Constant,
    Empty,
    Identifies,
    KnowsTheFuture,
    Date,
    SaysLittle,
}

impl Source {
    pub fn of_case(&self, log: &Log, case: usize) -> u32 {
        if !self.of_case {
            return NONE;
        }
        log.traits.get(self.place as usize).and_then(|column| self.value(column, case)).unwrap_or(NONE)
    }

    pub fn of_event(&self, log: &Log, event: usize) -> Option<u32> {
        if self.of_case {
            return None;
        }
        self.value(log.columns.get(self.place as usize)?, event)
    }

    fn value(&self, column: &Column, place: usize) -> Option<u32> {
        match &column.values {
            Values::Words { codes, .. } => codes.get(place).copied().filter(|&code| code != NO_WORD),
            Values::Numbers(numbers) => {
                let number = *numbers.get(place)?;
                (!number.is_nan()).then(|| self.bounds.partition_point(|&bound| bound <= number) as u32)
            }
        }
    }
}

/// Every column of the log, in order (events' first): used, or why not.
pub fn columns(log: &Log) -> Vec<(String, Result<(), Reason>)> {
    let judged = log.columns.iter().chain(&log.traits);
    judged.map(|column| (column.name.clone(), judge(column))).collect()
}

pub fn sources(log: &Log) -> Vec<Source> {
    let of = |of_case: bool, columns: &[Column]| -> Vec<Source> {
        let good = columns.iter().enumerate().filter(|(_, column)| judge(column).is_ok());
        good.map(|(place, column)| Source { of_case, place: place as u32, bounds: bounds(column) }).collect()
    };
    let mut all = of(false, &log.columns);
    all.extend(of(true, &log.traits));
    all
}

fn judge(column: &Column) -> Result<(), Reason> {
    let name = column.name.to_lowercase();
    if ["variant", "enddate", "end_", "duration"].iter().any(|word| name.contains(word)) {
        return Err(Reason::KnowsTheFuture);
    }
    if ["date", "timestamp", "deadline"].iter().any(|word| name.contains(word)) {
        return Err(Reason::Date);
    }
    match &column.values {
        Values::Words { codes, names } => {
            let some = codes.iter().filter(|&&code| code != NO_WORD).take(SAMPLE).count();
            if some == 0 || names.is_empty() {
                return Err(Reason::Empty);
            }
            if names.len() < 2 {
                return Err(Reason::Constant);
            }
            if names.len() * 3 > some { Err(Reason::Identifies) } else { Ok(()) }
        }
        Values::Numbers(_) if bounds(column).is_empty() => Err(Reason::Constant),
        Values::Numbers(_) => Ok(()),
    }
}

/// Bounds that divide the numbers into parts of equal count.
fn bounds(column: &Column) -> Vec<f32> {
    let Values::Numbers(numbers) = &column.values else { return Vec::new() };
    let mut some: Vec<f32> = numbers.iter().copied().filter(|number| !number.is_nan()).take(SAMPLE).collect();
    some.sort_by(f32::total_cmp);
    let mut bounds: Vec<f32> =
        (1..PARTS).filter_map(|part| some.get(some.len() * part / PARTS).copied()).collect();
    bounds.dedup();
    bounds.retain(|bound| some.first().is_some_and(|least| bound > least));
    bounds
}
