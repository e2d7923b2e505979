//! Rows become a log: cases together, events by time, properties by column, and what is constant in a case a property of
//! the case. Knows neither CSV nor XML.

mod order;
mod tidy;

use rustc_hash::FxHashMap;

use super::column::Growing;
use super::complaint::Complaints;
use super::names::Roles;
use super::time::{Parsed, Slashes, Zone, parse};
use super::verdict::{Verdict, Verdicts};
use super::{Names, Read, Refused};
use crate::learn::log::NO_TIME;

/// More are no activities, and no model of them fits anywhere.
const MOST_ACTIVITIES: usize = 10_000;
/// Years between which a time is believed: 1900 and 2200.
const FIRST: i64 = -2_208_988_800_000;
const LAST: i64 = 7_258_118_400_000;
pub(super) const TEN_YEARS: i64 = 10 * 366 * 86_400_000;

/// What a part of an activity is, where a log tells its beginning from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Start,
    Complete,
    Other,
    Unsaid,
}

/// A row before it is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    pub line: u64,
    pub case: &'a str,
    pub activity: &'a str,
    /// None where the log has no such column.
    pub time: Option<&'a str>,
    pub start: Option<&'a str>,
    /// In milliseconds, of the text beside it.
    pub duration: Option<(&'a str, Option<i64>)>,
    pub part: Part,
    /// The whole row.
    pub hash: u64,
}

#[derive(Debug)]
pub(super) struct Growth {
    id: Box<str>,
    failed: Option<bool>,
    latest: i64,
}

#[derive(Debug)]
pub(super) struct Assembly {
    pub complaints: Complaints,
    pub rows: usize,
    pub notes: Vec<String>,
    pub columns: Vec<Growing>,
    pub traits: Vec<Growing>,
    slashes: Slashes,
    verdicts: Verdicts,
    keep_all: bool,
    lane: Option<String>,
    cases: Vec<Growth>,
    by_id: FxHashMap<Box<str>, u32>,
    activities: Vec<String>,
    symbols: FxHashMap<Box<str>, u32>,
    case: Vec<u32>,
    activity: Vec<u32>,
    at: Vec<i64>,
    hash: Vec<u64>,
    part: Vec<Part>,
    /// Milliseconds; empty until one is known.
    took: Vec<f32>,
    zoned: usize,
    zoneless: usize,
}

impl Assembly {
    pub fn new(names: &Names, slashes: Slashes) -> Assembly {
        Assembly {
            complaints: Complaints::default(),
            rows: 0,
            notes: Vec::new(),
            columns: Vec::new(),
            traits: Vec::new(),
            slashes,
            verdicts: Verdicts::of(
                names.outcome.as_deref().unwrap_or_default(),
                names.failed_when.as_deref(),
            ),
            keep_all: names.all_columns,
            lane: names.lane.clone(),
            cases: Vec::new(),
            by_id: FxHashMap::default(),
            activities: Vec::new(),
            symbols: FxHashMap::default(),
            case: Vec::new(),
            activity: Vec::new(),
            at: Vec::new(),
            hash: Vec::new(),
            part: Vec::new(),
            took: Vec::new(),
            zoned: 0,
            zoneless: 0,
        }
    }

    /// Takes a row, or complains of it; its place, and that of its case.
    pub fn event(&mut self, event: &Event<'_>) -> Result<Option<(usize, usize)>, Refused> {
        self.rows += 1;
        let Some((at, took)) = self.judged(event) else { return Ok(None) };
        let symbol = self.symbol(event)?;
        let case = self.case_of(event.case);
        let place = self.case.len();
        let known = &mut self.cases[case];
        if at < known.latest {
            let text = event.time.unwrap_or_default();
            self.complaints.odd(
                "earlier than the row before it of the same case; put in order",
                event.line,
                text,
            );
        }
        known.latest = known.latest.max(at);
        self.case.push(case as u32);
        self.activity.push(symbol);
        self.at.push(at);
        self.hash.push(event.hash);
        self.part.push(event.part);
        if let Some(took) = took {
            self.took.resize(place, f32::NAN);
            self.took.push(took as f32);
        }
        Ok(Some((place, case)))
    }

    /// The case of this name, which may have no events yet.
    pub fn case_of(&mut self, id: &str) -> usize {
        // Rows of one case are mostly together.
        let last = self.case.last().map(|last| *last as usize);
        if let Some(last) = last.filter(|last| &*self.cases[*last].id == id) {
            return last;
        }
        if let Some(place) = self.by_id.get(id) {
            return *place as usize;
        }
        let place = self.cases.len();
        self.by_id.insert(id.into(), place as u32);
        self.cases.push(Growth { id: id.into(), failed: None, latest: i64::MIN });
        place
    }

    /// What the log says of how the case went: one failed part is a failure.
    pub fn outcome(&mut self, case: usize, line: u64, text: &str) {
        let failed = match self.verdicts.read(text) {
            Verdict::Failed => true,
            Verdict::Well => false,
            Verdict::Open => return,
            Verdict::Unknown => {
                self.complaints.odd(
                    "the outcome is no word known for well or failed (see --failed-when)",
                    line,
                    text,
                );
                return;
            }
        };
        let known = &mut self.cases[case].failed;
        *known = Some(known.unwrap_or(false) || failed);
    }

    fn judged(&mut self, event: &Event<'_>) -> Option<(i64, Option<i64>)> {
        let line = event.line;
        if event.case.trim().is_empty() {
            self.complaints.bad("the case is missing", line, event.activity);
            return None;
        }
        if event.activity.trim().is_empty() {
            self.complaints.bad("the activity is missing", line, event.case);
            return None;
        }
        let at = match event.time {
            Some(text) => self.time(line, text)?,
            None => NO_TIME,
        };
        // A beginning that is not told is no mistake.
        let start = match event.start.filter(|text| !text.trim().is_empty()) {
            Some(text) => Some(self.time(line, text)?),
            None => None,
        };
        let took = self.took(event, at, start)?;
        Some((at, took))
    }

    fn time(&mut self, line: u64, text: &str) -> Option<i64> {
        let what = match parse(text, self.slashes) {
            Parsed::Time(moment) if (FIRST..LAST).contains(&moment.ms) => {
                self.zoned += usize::from(moment.zone == Zone::Named);
                self.zoneless += usize::from(moment.zone == Zone::None);
                return Some(moment.ms);
            }
            Parsed::Time(_) => "the time is before 1900 or after 2200",
            Parsed::Ambiguous => "day and month cannot be told apart: write the year first",
            Parsed::Wrong if text.trim().is_empty() => "the time is missing",
            Parsed::Wrong => "the time cannot be read",
        };
        self.complaints.bad(what, line, text);
        None
    }

    /// How long it took, where the row says so, and does not contradict itself.
    fn took(&mut self, event: &Event<'_>, at: i64, start: Option<i64>) -> Option<Option<i64>> {
        let between = start.filter(|_| at != NO_TIME).map(|start| at - start);
        let (text, told) = event.duration.unwrap_or_default();
        let blank = text.trim().is_empty();
        let what = match (between, told) {
            (_, None) if !blank => "the duration cannot be read",
            (Some(between), _) if between < 0 => "it ends before it begins",
            (_, Some(told)) if told < 0 => "the duration is less than nothing",
            (Some(long), _) | (None, Some(long)) if long > TEN_YEARS => "it takes more than ten years",
            (_, Some(long)) if long > TEN_YEARS => "it takes more than ten years",
            (Some(between), Some(told)) if !agree(between, told, at) => {
                "the duration is not its end less its beginning"
            }
            _ => return Some(told.or(between)),
        };
        let shown = if blank { event.time.unwrap_or_default() } else { text };
        self.complaints.bad(what, event.line, shown);
        None
    }

    fn symbol(&mut self, event: &Event<'_>) -> Result<u32, Refused> {
        let name = event.activity.trim();
        if let Some(symbol) = self.symbols.get(name) {
            return Ok(*symbol);
        }
        if self.activities.len() >= MOST_ACTIVITIES {
            return Err(Refused::new(
                format!(
                    "there are more than {MOST_ACTIVITIES} activities by line {}: that column names each event",
                    event.line
                ),
                "name the column of what was done with --activity",
            ));
        }
        let symbol = self.activities.len() as u32;
        self.activities.push(name.to_owned());
        self.symbols.insert(name.into(), symbol);
        Ok(symbol)
    }

    /// The log, unless most of the file is bad. `file` is its name.
    pub fn done(
        mut self,
        file: &str,
        roles: Roles,
        mut left_out: Vec<(String, String)>,
    ) -> Result<Read, Refused> {
        self.refuse(file)?;
        if self.zoned > 0 && self.zoneless > 0 {
            let (some, others) = (self.zoned, self.zoneless);
            self.notes.push(format!("{some} times name a zone and {others} do not: those are taken as UTC"));
        }
        let order = order::of(&mut self);
        let log = tidy::log(self.parts(), &order, &mut left_out);
        if log.cases.len() == 1 {
            self.notes.push("there is one case only: nothing can be compared with it".into());
        }
        let Assembly { complaints, rows, notes, .. } = self;
        Ok(Read { log, rows, complaints, left_out, notes, roles })
    }

    fn refuse(&self, file: &str) -> Result<(), Refused> {
        let bad = self.complaints.left_out();
        let told = self.complaints.lines().join("\n");
        if self.rows == 0 {
            return Err(Refused::new(format!("{file} has no rows"), "there is nothing to learn from"));
        }
        if bad * 2 > self.rows {
            let message =
                format!("{bad} of {} rows of {file} cannot be used, so none was taken:\n{told}", self.rows);
            return Err(Refused::new(
                message,
                "name the right columns (--case, --activity, --timestamp), or mend the file",
            ));
        }
        let (events, kinds) = (self.case.len(), self.activities.len());
        if kinds > 1000 && kinds * 2 > events {
            return Err(Refused::new(
                format!("{file} has {kinds} activities in {events} events: that column names each event"),
                "name the column of what was done with --activity",
            ));
        }
        Ok(())
    }

    fn parts(&mut self) -> tidy::Parts {
        tidy::Parts {
            cases: std::mem::take(&mut self.cases),
            activities: std::mem::take(&mut self.activities),
            activity: std::mem::take(&mut self.activity),
            at: std::mem::take(&mut self.at),
            took: std::mem::take(&mut self.took),
            columns: std::mem::take(&mut self.columns),
            traits: std::mem::take(&mut self.traits),
            keep_all: self.keep_all,
            lane: self.lane.take(),
        }
    }
}

/// Whether both can be true, as finely as the times are told.
fn agree(between: i64, told: i64, at: i64) -> bool {
    let whole_minutes = at % 60_000 == 0 && between % 60_000 == 0;
    let slack = if whole_minutes { 60_000 } else { 1_001 };
    (between - told).abs() <= slack + between / 100
}
