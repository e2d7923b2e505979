//! Which lane a change is for: std's rules as a person's lanes use them, on real commits and on real git repositories.

mod commits;
mod evaluation;
mod rules;
mod stories;

use crate::faults::subject::Subject;

/// Lanes that choose by `std.choice`, as those of `std.lanes` do.
pub const LANES: &str = include_str!("lanes.wfl");

/// A repository with the lanes and one commit, on a branch of its own.
fn repository() -> Subject {
    let subject = Subject::new();
    subject.write(".wfl/lanes.wfl", LANES);
    subject.write("README.md", "# A project\n");
    subject.commit_all("chore: Start");
    subject.git(&["checkout", "-q", "-b", "work"]);
    subject
}
