//! An event log in memory: cases of events with an activity, a time and attributes, held by column so that a million events
//! fit. Reads no file and drops nothing; whoever builds one has judged its rows.

use core::ops::Range;

/// No time was given.
pub const NO_TIME: i64 = i64::MIN;
/// No word was given.
pub const NO_WORD: u32 = u32::MAX;

/// The events of one case are adjacent and in order of time; of equal times the file's order holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Names by symbol.
    pub activities: Vec<String>,
    /// In the file's order of their first events.
    pub cases: Vec<Case>,
    /// Symbol by event.
    pub activity: Vec<u32>,
    /// Milliseconds since 1970 by event, or [`NO_TIME`].
    pub at: Vec<i64>,
    /// Attributes of events.
    pub columns: Vec<Column>,
    /// Attributes of cases, known when they start; by place in `cases`.
    pub traits: Vec<Column>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case {
    pub id: Box<str>,
    /// Its events.
    pub events: Range<usize>,
    /// How it ended: whether it failed, where the log says so.
    pub failed: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub values: Values,
}

/// One value an event, or a case.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Place in `names`, or [`NO_WORD`].
    Words { codes: Vec<u32>, names: Vec<String> },
    /// NaN where there is none.
    Numbers(Vec<f32>),
}

impl Log {
    /// Symbols of the case's activities, in order.
    pub fn trace(&self, case: &Case) -> &[u32] {
        &self.activity[case.events.clone()]
    }

    /// Times of the case's events.
    pub fn times(&self, case: &Case) -> &[i64] {
        &self.at[case.events.clone()]
    }

    /// The class that stands for "the case ends here": one more than the last activity.
    pub fn end(&self) -> u32 {
        self.activities.len() as u32
    }

    /// Time of the case's first event, or [`NO_TIME`].
    pub fn started(&self, case: &Case) -> i64 {
        self.at.get(case.events.start).copied().unwrap_or(NO_TIME)
    }

    /// Time of the case's last event, or [`NO_TIME`].
    pub fn ended(&self, case: &Case) -> i64 {
        case.events.clone().next_back().and_then(|last| self.at.get(last).copied()).unwrap_or(NO_TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_a_range_of_events_and_an_empty_one_has_no_time() {
        let log = Log {
            activities: vec!["a".into(), "b".into()],
            cases: vec![
                Case { id: "1".into(), events: 0..2, failed: None },
                Case { id: "2".into(), events: 2..2, failed: None },
            ],
            activity: vec![0, 1],
            at: vec![5, 9],
            ..Log::default()
        };
        assert_eq!((log.trace(&log.cases[0]), log.end()), (&[0, 1][..], 2));
        assert_eq!((log.started(&log.cases[0]), log.ended(&log.cases[0])), (5, 9));
        assert_eq!((log.started(&log.cases[1]), log.ended(&log.cases[1])), (NO_TIME, NO_TIME));
    }
}
