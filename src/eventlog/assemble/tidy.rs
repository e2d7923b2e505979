//! The parts of a log in their order: properties that hold for whole cases apart from those of events, and what teaches
//! nothing left out, with the reason.

use super::super::DURATION;
use super::super::column::{Growing, compact, picked, useless};
use super::Growth;
use super::order::Order;
use crate::learn::log::{NO_WORD, Values};
use crate::learn::{Case, Column, Log};

/// Properties that say how the whole case went, as tools that draw variants add them.
const OF_THE_END: &[&str] =
    &["case:variant", "case:variant-index", "variant", "variant-index", "case:variant index"];

#[derive(Debug, Default)]
pub(super) struct Parts {
    pub cases: Vec<Growth>,
    pub activities: Vec<String>,
    pub activity: Vec<u32>,
    pub at: Vec<i64>,
    pub took: Vec<f32>,
    pub columns: Vec<Growing>,
    pub traits: Vec<Growing>,
    pub keep_all: bool,
    pub lane: Option<String>,
}

pub(super) fn log(mut parts: Parts, order: &Order, left_out: &mut Vec<(String, String)>) -> Log {
    let rows = parts.activity.len();
    let pick = |codes: &[u32]| order.events.iter().map(|event| codes[*event as usize]).collect::<Vec<u32>>();
    let Values::Words { codes: activity, names: activities } =
        compact(pick(&parts.activity), &parts.activities)
    else {
        return Log::default();
    };
    let at = order.events.iter().map(|event| parts.at[*event as usize]).collect();
    let mut log = Log { activities, activity, at, ..Log::default() };
    let mut kept = Vec::new();
    let mut from = 0;
    for (place, (case, count)) in std::mem::take(&mut parts.cases).into_iter().zip(&order.counts).enumerate()
    {
        let to = from + *count as usize;
        if *count > 0 {
            log.cases.push(Case { id: case.id, events: from..to, failed: case.failed });
            kept.push(place as u32);
        }
        from = to;
    }
    for growing in std::mem::take(&mut parts.columns) {
        if let Some(column) = judged(growing, rows, &parts, left_out) {
            let values = picked(&column.values, &order.events);
            of_event(&mut log, Column { name: column.name, values }, &parts, left_out);
        }
    }
    for growing in std::mem::take(&mut parts.traits) {
        if let Some(column) = judged(growing, order.counts.len(), &parts, left_out) {
            let values = picked(&column.values, &kept);
            add_trait(&mut log, Column { name: plain(&column.name), values }, &parts, left_out);
        }
    }
    if parts.took.iter().any(|took| !took.is_nan()) {
        parts.took.resize(rows, f32::NAN);
        let values = picked(&Values::Numbers(parts.took), &order.events);
        log.columns.retain(|column| column.name != DURATION);
        log.columns.push(Column { name: DURATION.into(), values });
    }
    log
}

fn judged(
    growing: Growing,
    rows: usize,
    parts: &Parts,
    left_out: &mut Vec<(String, String)>,
) -> Option<Column> {
    let name = growing.name().to_owned();
    let all = parts.keep_all || parts.lane.as_deref() == Some(name.as_str());
    if !all && OF_THE_END.contains(&name.to_lowercase().as_str()) {
        left_out.push((name, "it says how the whole case went".into()));
        return None;
    }
    growing.done(rows, all).map_err(|why| left_out.push(why)).ok()
}

/// A column by event: it may repeat another one, or be a property of the case.
fn of_event(log: &mut Log, column: Column, parts: &Parts, left_out: &mut Vec<(String, String)>) {
    let all = parts.keep_all || parts.lane.as_deref() == Some(column.name.as_str());
    if let Some(same) = repeats(log, &column).filter(|_| !all) {
        left_out.push((column.name, format!("the same as {same}")));
        return;
    }
    match in_cases(log, &column.values, parts.keep_all) {
        Constant::No => log.columns.push(column),
        Constant::AtStart(values) => {
            add_trait(log, Column { name: plain(&column.name), values }, parts, left_out);
        }
        // Of some cases it is known later only: then it is a property of both.
        Constant::Later(values) => {
            add_trait(log, Column { name: plain(&column.name), values }, parts, left_out);
            log.columns.push(column);
        }
    }
}

fn add_trait(log: &mut Log, column: Column, parts: &Parts, left_out: &mut Vec<(String, String)>) {
    let all = parts.keep_all || parts.lane.as_deref() == Some(column.name.as_str());
    match useless(&column.values).filter(|_| !all) {
        Some(why) => left_out.push((column.name, format!("{why}, by case"))),
        None => log.traits.push(column),
    }
}

fn plain(name: &str) -> String {
    name.strip_prefix("case:").unwrap_or(name).to_owned()
}

fn repeats(log: &Log, column: &Column) -> Option<String> {
    if let Values::Words { codes, names } = &column.values
        && (codes, names) == (&log.activity, &log.activities)
    {
        return Some("the activity".into());
    }
    log.columns.iter().find(|other| same(&other.values, &column.values)).map(|other| other.name.clone())
}

fn same(one: &Values, other: &Values) -> bool {
    match (one, other) {
        (Values::Words { .. }, Values::Words { .. }) => one == other,
        (Values::Numbers(one), Values::Numbers(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        _ => false,
    }
}

/// Whether a column has one value in each case.
enum Constant {
    No,
    /// And that stands with its first event, or nowhere; by case.
    AtStart(Values),
    /// In some cases it comes later; by case, where it is known at the start.
    Later(Values),
}

/// `whole`: a value that stands with some events of a case only is no property of it.
fn in_cases(log: &Log, values: &Values, whole: bool) -> Constant {
    let firsts: Vec<u32> = log.cases.iter().map(|case| case.events.start as u32).collect();
    let mut later = false;
    for case in &log.cases {
        let constant = match values {
            Values::Words { codes, .. } => {
                one_of(&codes[case.events.clone()], whole, |code| *code != NO_WORD)
            }
            Values::Numbers(numbers) => {
                one_of(&numbers[case.events.clone()], whole, |number| !number.is_nan())
            }
        };
        match constant {
            None => return Constant::No,
            Some(first) => later |= !first,
        }
    }
    let picked = picked(values, &firsts);
    if later { Constant::Later(picked) } else { Constant::AtStart(picked) }
}

/// None where there are two values; else whether the first place has it, or no place has.
fn one_of<T: PartialEq>(values: &[T], whole: bool, present: impl Fn(&T) -> bool) -> Option<bool> {
    let mut found = values.iter().filter(|value| present(*value));
    let Some(first) = found.next() else { return Some(true) };
    if whole && !values.iter().all(&present) {
        return None;
    }
    found.all(|other| other == first).then(|| values.first().is_some_and(present))
}
