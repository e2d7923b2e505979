//! Which attributes the next event is foreseen from, and why the others are not: dropped is what names the case, what never
//! changes, what is only known later, and what tells nothing beside the events themselves.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::super::log::{Column, Log, NO_WORD, Values};
use super::table::Table;
use super::walk::{NONE, Walk, mix};

/// Attributes used at most.
const MOST: usize = 6;
/// Parts of a number's range.
const PARTS: usize = 8;
/// Values looked at to judge a column, and to part its range.
const SAMPLE: usize = 20_000;
const PARTED: usize = 2_000;
/// Fewer events than so many for each different value: it names the case rather than says something of it.
const EACH_VALUE: usize = 3;
/// Events by which the gain of an attribute is judged.
const JUDGED: usize = 1_200;
/// Room to count them: a power of two.
const JUDGED_BITS: u32 = 13;
/// Nats an event that an attribute has to tell.
const LEAST: f64 = 0.002;
/// Parts of a column's name that say that it is known when the case has ended: `case:variant` is its whole sequence.
const FUTURE: [&str; 13] = [
    "variant",
    "end",
    "enddate",
    "ended",
    "finish",
    "finished",
    "closed",
    "outcome",
    "duration",
    "throughput",
    "remaining",
    "next",
    "label",
];
const DATES: [&str; 5] = ["date", "startdate", "timestamp", "deadline", "time"];

/// One attribute as it is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Of the case, otherwise of its events.
    of_case: bool,
    place: u32,
    /// Bounds between the parts of a number's range; empty of words.
    bounds: Vec<f32>,
}

/// Why a column is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Reason {
    Empty,
    Constant,
    Identifies,
    Date,
    KnowsTheFuture,
    SaysLittle,
}

impl fmt::Display for Reason {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Reason::Empty => "has no values",
            Reason::Constant => "never changes",
            Reason::Identifies => "names the case or the event: almost every value is another",
            Reason::Date => "is a date beside the event's own time",
            Reason::KnowsTheFuture => "is known only when the case has ended",
            Reason::SaysLittle => "tells nothing beside the events themselves",
        })
    }
}

impl Source {
    /// The value that a case starts with.
    pub fn of_case(&self, log: &Log, case: usize) -> u32 {
        let column = if self.of_case { log.traits.get(self.place as usize) } else { None };
        column.and_then(|column| self.value(column, case)).unwrap_or(NONE)
    }

    /// The event's own value, where it has one.
    pub fn of_event(&self, log: &Log, event: usize) -> Option<u32> {
        let column = if self.of_case { None } else { log.columns.get(self.place as usize) };
        self.value(column?, event)
    }

    fn value(&self, column: &Column, place: usize) -> Option<u32> {
        match &column.values {
            Values::Words { codes, .. } => codes.get(place).copied().filter(|&code| code != NO_WORD),
            Values::Numbers(numbers) => {
                let number = numbers.get(place).copied().filter(|number| !number.is_nan())?;
                Some(self.bounds.partition_point(|&bound| bound <= number) as u32)
            }
        }
    }
}

/// Every column of the log, those of events first: nothing where it may be used, or why not. Which of those that may are
/// used is decided by what they tell: [`super::Model::columns`].
pub fn columns(log: &Log) -> Vec<(String, Option<Reason>)> {
    let judged = log.columns.iter().chain(&log.traits);
    judged.map(|column| (column.name.clone(), judge(column))).collect()
}

/// The same after training: those that were not chosen say too little.
pub fn used(log: &Log, sources: &[Source]) -> Vec<(String, Option<Reason>)> {
    let chosen = |of_case: bool, place: usize| {
        sources.iter().any(|source| source.of_case == of_case && source.place as usize == place)
    };
    let mut all = columns(log);
    let events = log.columns.len();
    for (place, (_, reason)) in all.iter_mut().enumerate() {
        let of_case = place >= events;
        if reason.is_none() && !chosen(of_case, if of_case { place - events } else { place }) {
            *reason = Some(Reason::SaysLittle);
        }
    }
    all
}

fn judge(column: &Column) -> Option<Reason> {
    let name = column.name.to_lowercase();
    let has =
        |words: &[&str]| name.split(|sign: char| !sign.is_alphanumeric()).any(|part| words.contains(&part));
    if has(&FUTURE) {
        return Some(Reason::KnowsTheFuture);
    }
    if has(&DATES) {
        return Some(Reason::Date);
    }
    match &column.values {
        Values::Words { codes, names } => judge_words(codes, names.len()),
        Values::Numbers(numbers) => judge_numbers(numbers),
    }
}

fn judge_words(codes: &[u32], names: usize) -> Option<Reason> {
    let mut met = vec![false; names];
    let (mut some, mut different) = (0, 0);
    for &code in codes.iter().filter(|&&code| code != NO_WORD).take(SAMPLE) {
        some += 1;
        if let Some(met) = met.get_mut(code as usize).filter(|met| !**met) {
            *met = true;
            different += 1;
        }
    }
    match different {
        0 => Some(Reason::Empty),
        1 => Some(Reason::Constant),
        _ if different * EACH_VALUE > some => Some(Reason::Identifies),
        _ => None,
    }
}

fn judge_numbers(numbers: &[f32]) -> Option<Reason> {
    let mut some = numbers.iter().filter(|number| !number.is_nan());
    let Some(first) = some.next() else { return Some(Reason::Empty) };
    if some.all(|number| number == first) { Some(Reason::Constant) } else { None }
}

/// Of the columns those that tell most of the next event, by the likelihood of each event of a sample when it is left out
/// of the counts; those that tell most first. Looks at the cases given and at no others.
pub fn chosen(log: &Log, cases: &[usize]) -> Vec<Source> {
    let all = usable(log, cases);
    let samples = Samples::of(log, cases, &all);
    let mut gains: Vec<(usize, f64)> = samples.gains().into_iter().enumerate().collect();
    gains.retain(|(_, gain)| *gain > LEAST);
    gains.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    gains.into_iter().take(MOST).map(|(place, _)| all[place].clone()).collect()
}

fn usable(log: &Log, cases: &[usize]) -> Vec<Source> {
    let of = |of_case: bool, columns: &[Column]| -> Vec<Source> {
        let good = columns.iter().enumerate().filter(|(_, column)| judge(column).is_none());
        let source = |(place, column): (usize, &Column)| Source {
            of_case,
            place: place as u32,
            bounds: bounds(log, column, of_case, cases),
        };
        good.map(source).collect()
    };
    let mut all = of(false, &log.columns);
    all.extend(of(true, &log.traits));
    all
}

/// Bounds that divide the cases' numbers into parts of equal count.
fn bounds(log: &Log, column: &Column, of_case: bool, cases: &[usize]) -> Vec<f32> {
    let Values::Numbers(numbers) = &column.values else { return Vec::new() };
    let places = cases.iter().flat_map(|&case| match log.cases.get(case) {
        Some(_) if of_case => case..case + 1,
        Some(known) => known.events.clone(),
        None => 0..0,
    });
    let known = places.filter_map(|place| numbers.get(place).copied());
    let mut some: Vec<f32> = known.filter(|number| !number.is_nan()).take(PARTED).collect();
    some.sort_by(f32::total_cmp);
    let parts = (1..PARTS).filter_map(|part| some.get(some.len() * part / PARTS).copied());
    let mut bounds: Vec<f32> =
        parts.filter(|bound| some.first().is_some_and(|least| bound > least)).collect();
    bounds.dedup();
    bounds
}

/// Some prefixes: what came, the state that is known without attributes, and the attributes' values.
struct Samples {
    came: Vec<u16>,
    states: Vec<u64>,
    /// By prefix and attribute.
    values: Vec<u32>,
    attributes: usize,
}

impl Samples {
    fn of(log: &Log, cases: &[usize], all: &[Source]) -> Samples {
        let mut samples =
            Samples { came: Vec::new(), states: Vec::new(), values: Vec::new(), attributes: all.len() };
        if all.is_empty() {
            return samples;
        }
        let known = cases.iter().filter_map(|&case| log.cases.get(case));
        let events: usize = known.map(|case| case.events.len()).sum();
        let mut walk = Walk::new(log, all);
        for &case in cases.iter().step_by((events / JUDGED).max(1)) {
            walk.start(case);
            while walk.left() && samples.came.len() < 2 * JUDGED {
                walk.step();
                samples.came.push(walk.next().map_or(0, |symbol| (symbol as u16).wrapping_add(1)));
                samples.states.push(walk.state());
                samples.values.extend_from_slice(walk.carried());
            }
        }
        samples
    }

    /// Nats an event that each attribute tells beside the state.
    fn gains(&self) -> Vec<f64> {
        let flat = vec![0.05; self.came.len()];
        let below = self.left_out(&self.states, &flat);
        let gain = |attribute: usize| {
            let values = self.values.iter().skip(attribute).step_by(self.attributes);
            let with: Vec<u64> =
                self.states.iter().zip(values).map(|(&state, &value)| mix(state, u64::from(value))).collect();
            let told = self.left_out(&with, &below);
            let ratio = |(told, below): (&f64, &f64)| (told / below).ln();
            told.iter().zip(&below).map(ratio).sum::<f64>() / self.came.len().max(1) as f64
        };
        (0..self.attributes).map(gain).collect()
    }

    /// How likely each of what came is by the others of its context.
    fn left_out(&self, contexts: &[u64], below: &[f64]) -> Vec<f64> {
        let mut table = Table::with_room(JUDGED_BITS);
        for (&context, &came) in contexts.iter().zip(&self.came) {
            table.add(context, came, None);
        }
        let all = contexts.iter().zip(&self.came).zip(below);
        all.map(|((&context, &came), &below)| left_out(&table, context, came, below)).collect()
    }
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
    let escape = f64::max(distinct, 0.5);
    (same + escape * below) / (seen + escape)
}
