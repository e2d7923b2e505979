//! What was wrong with rows: the first of each kind with their places, then counts. Decides nothing.

use std::collections::BTreeMap;

use serde::Serialize;

/// Places that are named of each kind.
const SHOWN: usize = 5;

/// One kind of mistake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Complaint {
    pub what: String,
    pub count: usize,
    /// Whether the rows were left out; else they were taken as they are.
    pub left_out: bool,
    /// Line, and the text there.
    pub first: Vec<(u64, String)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Complaints {
    kinds: BTreeMap<&'static str, Complaint>,
    bad: usize,
}

impl Complaints {
    /// A row that is not taken.
    pub fn bad(&mut self, what: &'static str, line: u64, text: &str) {
        self.bad += 1;
        self.add(what, true, line, text);
    }

    /// One that is.
    pub fn odd(&mut self, what: &'static str, line: u64, text: &str) {
        self.add(what, false, line, text);
    }

    fn add(&mut self, what: &'static str, left_out: bool, line: u64, text: &str) {
        let kind = self.kinds.entry(what).or_insert_with(|| Complaint {
            what: what.to_owned(),
            left_out,
            ..Complaint::default()
        });
        kind.count += 1;
        if kind.first.len() < SHOWN {
            kind.first.push((line, shortened(text)));
        }
    }

    /// Rows that were left out.
    pub fn left_out(&self) -> usize {
        self.bad
    }

    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    pub fn all(&self) -> impl Iterator<Item = &Complaint> {
        self.kinds.values()
    }

    /// A line a kind.
    pub fn lines(&self) -> Vec<String> {
        self.all().map(Complaint::line).collect()
    }
}

impl Complaint {
    pub fn line(&self) -> String {
        let places: Vec<String> = self
            .first
            .iter()
            .map(
                |(line, text)| {
                    if text.is_empty() { format!("line {line}") } else { format!("line {line}: {text}") }
                },
            )
            .collect();
        let more = self.count - self.first.len();
        let rest = if more == 0 { String::new() } else { format!("; and {more} more") };
        let fate = if self.left_out { "left out" } else { "taken as they are" };
        let rows = if self.count == 1 { "row" } else { "rows" };
        format!("{} ({} {rows}, {fate}): {}{rest}", self.what, self.count, places.join("; "))
    }
}

/// One short line, without what moves a terminal's cursor.
pub(super) fn shortened(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    if text.chars().count() > 60 { plain + "…" } else { plain }
}
