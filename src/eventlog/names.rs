//! Which column of a log is which: by the name that was given, else by the names such columns usually have. Of an outcome
//! only names that say which way is failure are known.

use serde::Serialize;

use super::{Names, Refused};

/// The names of the columns that are used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// None where every row is a case.
    pub case: Option<String>,
    pub activity: Option<String>,
    pub timestamp: Option<String>,
    pub start: Option<String>,
    pub duration: Option<String>,
    pub outcome: Option<String>,
    pub lane: Option<String>,
}

/// Places of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub case: Option<usize>,
    pub activity: Option<usize>,
    pub timestamp: Option<usize>,
    pub start: Option<usize>,
    pub duration: Option<usize>,
    pub outcome: Option<usize>,
    pub lane: Option<usize>,
    pub transition: Option<usize>,
}

// Names as `plain` writes them, the surest first.
const CASE: &[&str] = &[
    "caseid",
    "caseconceptname",
    "case",
    "traceid",
    "trace",
    "processinstance",
    "instanceid",
    "workflowid",
    "changeid",
    "runid",
    "orderid",
    "ticketid",
    "patientid",
];
const ACTIVITY: &[&str] = &[
    "activity",
    "conceptname",
    "activityid",
    "activityname",
    "event",
    "eventname",
    "task",
    "taskname",
    "stagename",
    "stage",
    "stepname",
    "step",
    "action",
];
const TIME: &[&str] = &[
    "timestamp",
    "timetimestamp",
    "completetimestamp",
    "endtimestamp",
    "completetime",
    "endtime",
    "eventtime",
    "time",
    "datetime",
    "timestampms",
    "ms",
    "date",
    "finishedat",
    "completedat",
    "ghbuildstartedat",
    "startedat",
    "lastrun",
    "createdat",
    "starttimestamp",
    "starttime",
];
const OUTCOME: &[&str] =
    &["caseoutcome", "outcome", "failed", "buildfailed", "casefailed", "isfailed", "hasfailed"];
const START: &[&str] = &["starttimestamp", "starttime", "begintimestamp"];
const TRANSITION: &str = "lifecycletransition";

/// A name without what writers of logs disagree on.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether the column says how a case went.
pub(super) fn is_outcome(names: &Names, column: &str) -> bool {
    match &names.outcome {
        Some(named) => named == column,
        None => OUTCOME.contains(&plain(column).as_str()),
    }
}

/// Finds the columns in a table's header. `name` is the file's.
pub(super) fn find(name: &str, header: &[String], names: &Names) -> Result<Places, Refused> {
    let named = |wanted: &Option<String>, flag: &str| match wanted {
        Some(wanted) => column(name, header, wanted, flag).map(Some),
        None => Ok(None),
    };
    let usual = |usual: &[&str]| {
        usual.iter().find_map(|usual| header.iter().position(|column| plain(column) == *usual))
    };
    let outcome = named(&names.outcome, "--outcome")?.or_else(|| usual(OUTCOME));
    let case = named(&names.case, "--case")?.or_else(|| usual(CASE));
    let activity = named(&names.activity, "--activity")?.or_else(|| usual(ACTIVITY));
    let suffix = || {
        header.iter().position(|column| {
            let column = plain(column);
            column.ends_with("startedat") || column.ends_with("timestamp")
        })
    };
    let timestamp = named(&names.timestamp, "--timestamp")?.or_else(|| usual(TIME)).or_else(suffix);
    if case.is_none() && (outcome.is_none() || activity.is_some() && names.activity.is_some()) {
        return Err(missing(name, header, "case", "--case"));
    }
    if case.is_some() && activity.is_none() {
        return Err(missing(name, header, "activity", "--activity"));
    }
    let start =
        named(&names.start, "--start")?.or_else(|| usual(START)).filter(|start| Some(*start) != timestamp);
    Ok(Places {
        case,
        // Without cases a column that looks like an activity is a property like any other.
        activity: activity.filter(|_| case.is_some()),
        timestamp,
        start,
        duration: named(&names.duration, "--duration")?
            .or_else(|| header.iter().position(|column| column == super::DURATION)),
        outcome,
        lane: named(&names.lane, "--lane")?,
        transition: header.iter().position(|column| plain(column) == TRANSITION),
    })
}

fn column(file: &str, header: &[String], wanted: &str, flag: &str) -> Result<usize, Refused> {
    let exact = header.iter().position(|column| column == wanted);
    let like =
        || header.iter().position(|column| plain(column) == plain(wanted) && !plain(wanted).is_empty());
    exact.or_else(like).ok_or_else(|| {
        Refused::new(
            format!("{file} has no column `{wanted}` ({flag})"),
            format!("it has {}", listed(header)),
        )
    })
}

fn missing(file: &str, header: &[String], what: &str, flag: &str) -> Refused {
    let likely: Vec<&str> = header
        .iter()
        .map(String::as_str)
        .filter(|column| {
            ["id", "case", "name", "key", "activity", "number"]
                .iter()
                .any(|part| plain(column).contains(part))
        })
        .take(4)
        .collect();
    let likely = if likely.is_empty() { String::new() } else { format!("; likely: {}", likely.join(", ")) };
    let rows = if what == "case" {
        ", or, where every row is a case, the column that says how it went with --outcome"
    } else {
        ""
    };
    Refused::new(
        format!("no column of {file} is known as the {what}: it has {}", listed(header)),
        format!("name it with {flag}{rows}{likely}"),
    )
}

fn listed(header: &[String]) -> String {
    let shown: Vec<String> =
        header.iter().take(40).map(|column| super::complaint::shortened(column)).collect();
    let more = header.len().saturating_sub(40);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{rest}", shown.join(", "))
}

impl Places {
    pub fn roles(&self, header: &[String]) -> Roles {
        let name = |place: Option<usize>| place.and_then(|place| header.get(place).cloned());
        Roles {
            case: name(self.case),
            activity: name(self.activity),
            timestamp: name(self.timestamp),
            start: name(self.start),
            duration: name(self.duration),
            outcome: name(self.outcome),
            lane: name(self.lane),
        }
    }

    /// Whether the column has a meaning of its own, and so is no property. The lane is both.
    pub fn taken(&self, place: usize) -> bool {
        [self.case, self.activity, self.timestamp, self.start, self.duration, self.outcome, self.transition]
            .contains(&Some(place))
    }
}
