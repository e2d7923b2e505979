//! What `--fix` does: only what loses nothing, each step told. Nothing is deleted but files of ours whose process is dead;
//! a damaged database is set aside.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::base::Timestamp;
use crate::event::RunId;
use crate::exec::fence;
use crate::observe::style::counted;
use crate::store::heal::{self, Healed};
use crate::store::{Store, StoreError};

/// How a finding is mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// The database: set aside, another put together.
    Heal,
    /// Modes; whether each is a folder.
    MakePrivate(Vec<(PathBuf, bool)>),
    /// Temporary files of dead processes.
    Remove(Vec<PathBuf>),
    /// What dead runs hold.
    ReleaseDead,
    /// A run's rows, from its events.
    Rebuild(String),
    /// Processes of a dead run, when a person says so.
    End { run: String, what: String },
}

/// Who is asked before processes are ended.
pub trait Confirm {
    /// None when nobody can be asked.
    fn ask(&self, question: &str) -> Option<bool>;
}

/// One step, done or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    pub done: bool,
    pub words: String,
}

impl Mended {
    fn done(words: impl Into<String>) -> Self {
        Mended { done: true, words: words.into() }
    }

    fn not(words: impl Into<String>) -> Self {
        Mended { done: false, words: words.into() }
    }
}

impl Mend {
    pub(super) fn carry_out(&self, state: Option<&Path>, confirm: &dyn Confirm) -> Vec<Mended> {
        match self {
            Mend::MakePrivate(paths) => paths.iter().map(|(path, folder)| private(path, *folder)).collect(),
            Mend::Remove(paths) => paths.iter().map(|path| removed(path)).collect(),
            Mend::End { run, what } => vec![end(run, what, confirm)],
            Mend::Heal | Mend::ReleaseDead | Mend::Rebuild(_) => {
                let Some(state) = state else { return vec![Mended::not("there is no state folder")] };
                self.in_state(state)
                    .unwrap_or_else(|error| vec![Mended::not(format!("{}; {}", error.message, error.help))])
            }
        }
    }

    fn in_state(&self, dir: &Path) -> Result<Vec<Mended>, StoreError> {
        match self {
            Mend::Heal => heal::heal(dir, Timestamp::now()).map(healed),
            Mend::ReleaseDead => {
                let released = Store::open(dir)?.release_dead()?;
                let words = |run: String| Mended::done(format!("gave back what the dead run {run} held"));
                Ok(released.into_iter().map(words).collect())
            }
            Mend::Rebuild(run) => {
                let (store, id) = (Store::open(dir)?, RunId(run.clone()));
                let Ok(_lock) = store.acquire(&id) else {
                    return Ok(vec![Mended::not(format!("run {run} is being run"))]);
                };
                store.rebuild(&id)?;
                Ok(vec![Mended::done(format!("worked the rows of run {run} out again from its events"))])
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn healed(healed: Healed) -> Vec<Mended> {
    let aside = healed.aside.display();
    let from = match healed.copy {
        Some(at) => format!("the copy of {} and what could still be read", at.local()),
        None => "what could still be read".to_owned(),
    };
    let mut mended = vec![
        Mended::done(format!("the damaged database was set aside in {aside}; nothing was deleted")),
        Mended::done(format!("a new one holds {} from {from}", counted(healed.runs, "run"))),
    ];
    mended.extend(healed.lost.into_iter().map(|lost| Mended::not(format!("lost: {lost}"))));
    mended
}

fn private(path: &Path, folder: bool) -> Mended {
    let mode = if folder { 0o700 } else { 0o600 };
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Ok(()) => Mended::done(format!("only you may look into {} now", path.display())),
        Err(e) => Mended::not(format!("the mode of {} cannot be set: {e}", path.display())),
    }
}

fn removed(path: &Path) -> Mended {
    match fs::remove_file(path) {
        Ok(()) => Mended::done(format!("removed {}", path.display())),
        Err(e) => Mended::not(format!("{} cannot be removed: {e}", path.display())),
    }
}

fn end(run: &str, what: &str, confirm: &dyn Confirm) -> Mended {
    match confirm.ask(&format!("End {what}, left by run {run}?")) {
        Some(true) => {
            Mended::done(format!("ended {}, left by run {run}", counted(fence::end(run), "process")))
        }
        Some(false) => Mended::not(format!("{what} of run {run} were left alone, as you said")),
        None => Mended::not(format!(
            "{what} of run {run} were left alone: nobody is there to confirm it (--yes does)"
        )),
    }
}
