//! Judges what a change consists of, as the stages of `std.lanes` ask for it: one subject, findings with their place.
//! Changes nothing and knows no stage.

mod commits;
mod documents;
mod markdown;
mod names;
mod scripts;

use std::path::Path;

use crate::facts::World;
use crate::facts::details::Details;

/// What is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Commits that say nothing, or were made to be melted into others.
    Commits,
    /// Public names that went without a word about it.
    Names,
    /// Comments that forbid to merge.
    Markers,
    /// Tests switched off or taken away.
    Tests,
    /// Shell scripts, and calls of targets that are not there.
    Scripts,
    /// Links, anchors, images, fences and drafts in documents.
    Documents,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Relative to the root; none where it is no file's.
    pub path: Option<String>,
    pub line: Option<u32>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    fn at(path: &str, line: u32, message: impl Into<String>) -> Finding {
        Finding { path: Some(path.to_owned()), line: Some(line), message: message.into() }
    }

    fn file(path: &str, message: impl Into<String>) -> Finding {
        Finding { path: Some(path.to_owned()), line: None, message: message.into() }
    }

    /// `path:line: message`, as editors and people read it.
    pub fn text(&self) -> String {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => format!("{}:{line}: {}", shown(path), self.message),
            (Some(path), None) => format!("{}: {}", shown(path), self.message),
            _ => self.message.clone(),
        }
    }
}

/// A path on one line.
fn shown(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Everything that is wrong with the change in this respect, by place.
pub fn judge(subject: Subject, world: &World, root: &Path) -> Vec<Finding> {
    let details = world.details();
    let mut found = match subject {
        Subject::Commits => commits::judge(details),
        Subject::Names => names::judge(details, root),
        Subject::Markers => markers(details),
        Subject::Tests => tests(details),
        Subject::Scripts => scripts::judge(details, root, &|| world.tracked_files()),
        Subject::Documents => documents::judge(details, root, &|| world.tracked_files()),
    };
    found.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    found.dedup();
    found
}

fn markers(details: &Details) -> Vec<Finding> {
    let stop = |place: &crate::facts::details::Place| {
        let message = format!("the change says itself that it is not to be merged: {:?}", place.text);
        Finding::at(&place.path, place.line, message)
    };
    details.stops.iter().map(stop).collect()
}

fn tests(details: &Details) -> Vec<Finding> {
    let focused = details.focused.iter().map(|place| {
        let message = format!("only this test runs, all others of its file are left out: `{}`", place.text);
        Finding::at(&place.path, place.line, message)
    });
    let abandoned = details.abandoned.iter().map(|(test, source)| {
        let message =
            format!("the test is removed, and {source} is there still: keep it, or test that file elsewhere");
        Finding::file(test, message)
    });
    focused.chain(abandoned).collect()
}
