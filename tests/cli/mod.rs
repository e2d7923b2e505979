//! The command line as its users meet it: the built program, real processes, real files.

mod advice;
mod call;
mod called;
mod check;
mod decide;
mod embed;
mod exits;
mod fail_first;
mod forecast;
mod inspect;
mod isolated;
mod kept;
mod logs;
mod part;
mod recommended;
mod reuse;
mod rollback;
mod room;
mod run;
mod shapes;
mod terminal;

use crate::faults::subject::Subject;

/// Two stages, the second failing until `good` is there.
const FAILS: &str = "\
stage build { exec \"echo\", \"building\" }
stage unit { needs build; run sh \"\"\"
  echo testing
  if [ ! -e good ]; then echo broken >&2; exit 3; fi
  \"\"\" }
stage ship { needs unit; exec \"true\" }
";

/// A stage behind an approval.
const APPROVED: &str = "\
project { group \"managers\" { member \"ada@team.example\" } }
stage build { exec \"true\" }
stage ship { needs build; exec \"touch\", \"shipped\" }
lane release { include ship; approve 1 from \"managers\" before ship }
";

fn committed(text: &str) -> Subject {
    let subject = Subject::with(text);
    subject.commit_all("fix: start");
    subject
}
