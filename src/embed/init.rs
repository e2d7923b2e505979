//! A first lane for a repository: looks at it, drafts the file, writes it where nothing stands, and checks it. Shows
//! nothing and runs none of it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::base::suggest::{did_you_mean, nearest};
use crate::diag::Diagnostic;

use super::draft::{self, Draft};
use super::survey::{Survey, Tools};
use super::{Error, Place, Project};

/// A lane file that was written.
#[derive(Debug)]
pub struct Written {
    pub draft: Draft,
    pub path: PathBuf,
    /// The project as it is now.
    pub project: Project,
    /// What is wrong with the new file itself; nothing, or a bug.
    pub findings: Vec<Diagnostic>,
}

/// The lane that would be written.
pub fn drafted(place: &Place, kind: &str, tools: &dyn Tools) -> Result<Draft, Error> {
    let survey = Survey::read(&place.root, tools);
    draft::draft(&survey, kind).ok_or_else(|| no_such_kind(kind))
}

fn no_such_kind(kind: &str) -> Error {
    let names: Vec<&str> = draft::kinds().iter().map(|kind| kind.name).collect();
    let near = did_you_mean(&nearest(kind, names.iter().copied()));
    let list = format!("the kinds are {}; `wfl init --list` says what each does", names.join(", "));
    let help = near.map_or(list.clone(), |near| format!("{near} {list}"));
    Error::refused(format!("there is no kind of lane `{kind}`"), help)
}

/// Writes the lane where neither its file nor its name is taken.
pub fn init(place: &Place, kind: &str, tools: &dyn Tools) -> Result<Written, Error> {
    let draft = drafted(place, kind, tools)?;
    let before = Project::at(place.clone(), &[]);
    if let Some(taken) = before.lanes().into_iter().find(|lane| !lane.std && lane.name == draft.lane) {
        let message = format!("`{}` has a lane `{}` already: nothing was written", taken.module, draft.lane);
        let help = format!(
            "`wfl run {0}` runs it; `wfl init --lane {0} --dry-run` shows what would be written; `wfl init --list` lists other kinds",
            draft.lane
        );
        return Err(Error::refused(message, help));
    }
    let path = place.root.join(&draft.file);
    create(&path, &draft)?;
    let project = Project::at(place.clone(), &[]);
    let ours = |found: &&Diagnostic| project.sources().get(found.span.file).path.ends_with(&draft.file);
    let findings = project.diagnostics().iter().filter(ours).cloned().collect();
    Ok(Written { draft, path, project, findings })
}

/// Never over another file, whatever comes between.
fn create(path: &std::path::Path, draft: &Draft) -> Result<(), Error> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AlreadyExists => Error::refused(
            format!("`{}` is there already: nothing was written", draft.file),
            format!(
                "rename it, or compare: `wfl init --lane {} --dry-run | diff {} -`",
                draft.lane, draft.file
            ),
        ),
        _ => Error::refused(
            format!("`{}` cannot be written: {error}", draft.file),
            "make the folder writable, or use `wfl init --dry-run > FILE.wfl`",
        ),
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(failed)?;
    file.write_all(draft.text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
}
