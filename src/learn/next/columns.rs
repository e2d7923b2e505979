//! Which attributes the next event is predicted from, and why the others are not. Drops what names the case, what never
//! changes and what is only known later.

use serde::{Deserialize, Serialize};

use super::super::log::{Column, Log, NO_WORD, Values};
use super::table::Table;
use super::walk::{Walk, mix};

/// Attributes used at most.
const MOST: usize = 6;
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
    pub fn name<'a>(&self, log: &'a Log) -> &'a str {
        let columns = if self.of_case { &log.traits } else { &log.columns };
        columns.get(self.place as usize).map_or("", |column| &column.name)
    }

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

/// Events by which the gain of an attribute is judged.
const JUDGED: usize = 2_000;
/// Nats an event that an attribute has to tell beside the last activity.
const LEAST: f64 = 0.002;

/// Of the columns those that tell most of the next event, beside the last one: by the likelihood of each event of a sample
/// when it is left out of the counts.
pub fn chosen(log: &Log, cases: &[usize]) -> Vec<Source> {
    let all = sources(log);
    let samples = sample(log, cases, &all);
    let mut gains: Vec<(usize, f64)> = (0..all.len()).map(|place| (place, gain(&samples, place))).collect();
    gains.retain(|(_, gain)| *gain > super::env("LEAST", LEAST as f32) as f64);
    gains.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    gains.truncate(super::env("MOST", MOST as f32) as usize);
    if std::env::var("SHOW").is_ok() {
        for g in &gains {
            println!("{} {:.4}", all[g.0].name(log), g.1);
        }
    }
    gains.sort_by_key(|(place, _)| *place);
    gains.into_iter().map(|(place, _)| all[place].clone()).collect()
}

struct Sample {
    came: u16,
    last: u32,
    values: Vec<u32>,
}

fn sample(log: &Log, cases: &[usize], all: &[Source]) -> Vec<Sample> {
    let events: usize =
        cases.iter().filter_map(|&case| log.cases.get(case)).map(|case| case.events.len()).sum();
    let step = (events / JUDGED).max(1);
    let mut samples = Vec::new();
    let mut walk = Walk::new(log, all);
    for &case in cases.iter().step_by(step) {
        walk.start(case);
        while walk.left() && samples.len() < 2 * JUDGED {
            walk.step();
            let came = walk.next().map_or(0, |symbol| symbol as u16 ^ 0x8000);
            samples.push(Sample { came, last: walk.last(), values: walk.carried().to_vec() });
        }
    }
    samples
}

fn gain(samples: &[Sample], place: usize) -> f64 {
    let mut table = Table::new(16);
    let hash = |sample: &Sample| mix(mix(1, u64::from(sample.last)), u64::from(sample.values[place]));
    let base = |sample: &Sample| mix(2, u64::from(sample.last));
    for sample in samples {
        table.add(hash(sample), sample.came, false);
        table.add(base(sample), sample.came, false);
    }
    let mut gain = 0.0;
    for sample in samples {
        let below = left_out(&table, base(sample), sample.came, 0.05);
        gain += (left_out(&table, hash(sample), sample.came, below) / below).ln();
    }
    gain / samples.len().max(1) as f64
}

/// Probability of the class by what else was counted in the context.
fn left_out(table: &Table, hash: u64, class: u16, below: f64) -> f64 {
    let (mut seen, mut distinct, mut same) = (-1.0, 0.0, 0.0);
    if let Some(counts) = table.get(hash) {
        counts.each(|other, count| {
            let count = f64::from(count);
            seen += count;
            distinct += 1.0;
            if other == class {
                same = count - 1.0;
                distinct -= f64::from(u8::from(count == 1.0));
            }
        });
    }
    let escape: f64 = f64::max(distinct, 0.5);
    (same + escape * below) / (seen + escape)
}
