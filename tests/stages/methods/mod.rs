//! Methods as lanes: `std.method` and the starters of `stdlib/starters`, walked through as a person would, with everything
//! a person forgets on the way.

mod checks;
mod phases;
mod runbook;
mod starters;
mod tdd;

use crate::faults::subject::{Ended, Subject};

/// A starter of that name, and the file it lies in.
const STARTERS: &[(&str, &str)] = &[
    ("phases", include_str!("../../../stdlib/starters/phases.wfl")),
    ("runbook", include_str!("../../../stdlib/starters/runbook.wfl")),
    ("tdd", include_str!("../../../stdlib/starters/tdd.wfl")),
];

/// A project that begins with a starter and nothing else.
fn begun_with(name: &str) -> Subject {
    let subject = Subject::new();
    let found = STARTERS.iter().find(|(known, _)| *known == name);
    subject.write(&format!(".wfl/{name}.wfl"), found.expect("a starter").1);
    subject
}

/// One run that goes on and on: what a person does between its parts.
struct Walk<'s> {
    subject: &'s Subject,
    run: String,
}

impl<'s> Walk<'s> {
    /// Starts it; it must not end well at once.
    #[track_caller]
    fn begin(subject: &'s Subject, arguments: &[&str], code: i32) -> Walk<'s> {
        subject.end(&[&["run"], arguments].concat()).expect_code(code);
        Walk { subject, run: subject.newest_run().expect("a run") }
    }

    #[track_caller]
    fn resume(&self, code: i32) -> Ended {
        self.subject.end(&["resume", &self.run]).expect_code(code)
    }

    #[track_caller]
    fn approve(&self, stage: &str) {
        self.subject.end(&["approve", &self.run, stage]).expect_code(0);
    }

    fn status(&self, stage: &str) -> String {
        self.subject.statuses(&self.run).get(stage).cloned().unwrap_or_default()
    }

    fn log(&self, stage: &str) -> String {
        let ended = self.subject.end(&["logs", &self.run, stage]);
        ended.out + &ended.err
    }
}
