//! A log as CSV and as XES, so that it can be read again as it is. Judges nothing.

use std::io::{self, Write};

use jiff::Timestamp;
use quick_xml::escape::escape;

use crate::learn::log::{NO_TIME, NO_WORD};
use crate::learn::{Case, Column, Log, Values};

/// How a column of outcomes is called.
pub const OUTCOME: &str = "case:outcome";

fn moment(at: i64) -> String {
    let known = (at != NO_TIME).then(|| Timestamp::from_millisecond(at).ok()).flatten();
    known.map(|known| known.to_string()).unwrap_or_default()
}

fn outcome(case: &Case) -> &'static str {
    match case.failed {
        Some(true) => "failed",
        Some(false) => "succeeded",
        None => "",
    }
}

/// The value as text; empty where there is none.
fn text(values: &Values, place: usize) -> String {
    match values {
        Values::Words { codes, names } => {
            let code = codes.get(place).copied().filter(|code| *code != NO_WORD);
            code.and_then(|code| names.get(code as usize)).cloned().unwrap_or_default()
        }
        Values::Numbers(numbers) => {
            numbers.get(place).filter(|number| !number.is_nan()).map(f32::to_string).unwrap_or_default()
        }
    }
}

fn has_outcomes(log: &Log) -> bool {
    log.cases.iter().any(|case| case.failed.is_some())
}

/// A row an event; properties of a case stand in each, with `case:` before their names.
pub fn csv(log: &Log, to: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(to);
    let mut header = vec!["case_id".to_owned(), "activity".into(), "timestamp".into()];
    header.extend(log.columns.iter().map(|column| column.name.clone()));
    header.extend(log.traits.iter().map(|column| format!("case:{}", column.name)));
    header.extend(has_outcomes(log).then(|| OUTCOME.to_owned()));
    rows.write_record(&header).map_err(io::Error::other)?;
    for (place, case) in log.cases.iter().enumerate() {
        for event in case.events.clone() {
            let name = log.activities.get(log.activity[event] as usize).map_or("", String::as_str);
            let mut row = vec![case.id.to_string(), name.to_owned(), moment(log.at[event])];
            row.extend(log.columns.iter().map(|column| text(&column.values, event)));
            row.extend(log.traits.iter().map(|column| text(&column.values, place)));
            row.extend(has_outcomes(log).then(|| outcome(case).to_owned()));
            rows.write_record(&row).map_err(io::Error::other)?;
        }
    }
    rows.flush()
}

/// XES 1849-2016: a trace a case.
pub fn xes(log: &Log, to: &mut dyn Write) -> io::Result<()> {
    to.write_all(
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
        <log xes.version=\"1849-2016\" xes.features=\"\" xmlns=\"http://www.xes-standard.org/\">\n\
        <extension name=\"Concept\" prefix=\"concept\" uri=\"http://www.xes-standard.org/concept.xesext\"/>\n\
        <extension name=\"Time\" prefix=\"time\" uri=\"http://www.xes-standard.org/time.xesext\"/>\n",
    )?;
    for (place, case) in log.cases.iter().enumerate() {
        writeln!(to, "<trace>")?;
        property(to, "string", "concept:name", &case.id)?;
        properties(to, &log.traits, place)?;
        if case.failed.is_some() {
            property(to, "string", OUTCOME, outcome(case))?;
        }
        for event in case.events.clone() {
            writeln!(to, "<event>")?;
            property(
                to,
                "string",
                "concept:name",
                log.activities.get(log.activity[event] as usize).map_or("", String::as_str),
            )?;
            property(to, "date", "time:timestamp", &moment(log.at[event]))?;
            properties(to, &log.columns, event)?;
            writeln!(to, "</event>")?;
        }
        writeln!(to, "</trace>")?;
    }
    writeln!(to, "</log>")
}

fn properties(to: &mut dyn Write, columns: &[Column], place: usize) -> io::Result<()> {
    for column in columns {
        let kind = if matches!(column.values, Values::Numbers(_)) { "float" } else { "string" };
        property(to, kind, &column.name, &text(&column.values, place))?;
    }
    Ok(())
}

fn property(to: &mut dyn Write, kind: &str, key: &str, value: &str) -> io::Result<()> {
    if value.is_empty() {
        return Ok(());
    }
    // What XML cannot hold at all is no part of a name.
    let allowed = |text: &str| -> String { text.chars().filter(|c| !c.is_control() || *c == '\t').collect() };
    writeln!(
        to,
        "<{kind} key=\"{}\" value=\"{}\"/>",
        escape(allowed(key).as_str()),
        escape(allowed(value).as_str())
    )
}
