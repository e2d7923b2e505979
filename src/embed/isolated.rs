//! `run --isolated`: a checkout of the commit at hand, in the state folder, that belongs to one run. Made before the run is
//! planned, kept while it can go on, taken away when it succeeded and its outputs are back in the project. Decides nothing
//! about stages.

mod back;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Timestamp;
use crate::event::{RunId, RunStatus};
use crate::history::History;
use crate::store::Store;
use crate::workspace::git::{self, Git};

use super::project::is_file;
use super::{Error, Place, Project, StoredRun};

const FOLDER: &str = "isolated";
const RECORD: &str = "checkout.json";
/// A large tree takes its time to be written.
const PATIENCE: Duration = Duration::from_secs(1800);
/// Ignored folders that are named one by one.
const NAMED: usize = 4;

/// What is known of a checkout, beside it on the disk.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    /// The project's own root.
    home: PathBuf,
    /// The checkout's top.
    tree: PathBuf,
    /// Where the project's root lies in it; empty, or `sub/folder`.
    prefix: PathBuf,
    commit: String,
    /// Empty when detached.
    branch: String,
    made: Timestamp,
    /// Who made it; nobody else takes it away while it lives and no run has it.
    process: u32,
    run: Option<String>,
    /// The run succeeded and its outputs were brought back, as far as they could be.
    #[serde(default)]
    finished: bool,
}

/// A checkout that is being made ready. Dropped before a run has it, it is gone.
#[derive(Debug)]
pub struct Isolated {
    record: Record,
    target: Option<PathBuf>,
    cwd: PathBuf,
    handed_over: bool,
}

impl Drop for Isolated {
    fn drop(&mut self) {
        if !self.handed_over {
            self.record.remove();
        }
    }
}

impl Isolated {
    /// Of the project that the program was started in, or that `target`, a file, lies in.
    pub fn new(target: Option<&str>) -> Result<Isolated, Error> {
        let here = Place::here()?;
        let file = target.filter(|target| is_file(target));
        let place = file.map_or(here.clone(), |file| here.of_file(Path::new(file)));
        if home(&place.root).is_some() {
            return Err(Error::refused(
                "this is the checkout of an isolated run",
                "run it in the project itself",
            ));
        }
        let git = Git::at(&place.root);
        let asked = git.run(&["rev-parse", "--show-prefix", "--verify", "HEAD^{commit}"]);
        let said = asked.map_err(|e| no_commit(&e))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let (prefix, commit) = said.trim_end().rsplit_once('\n').unwrap_or(("", said.trim()));
        let branch = git.run(&["symbolic-ref", "--quiet", "--short", "HEAD"]).unwrap_or_default();
        let dir = place.state_dir()?.join(FOLDER).join(format!("{:08x}", rand::random::<u32>()));
        let name = place.root.file_name().unwrap_or("project".as_ref()).to_owned();
        let record = Record {
            home: place.root.clone(),
            tree: dir.join(name),
            prefix: PathBuf::from(prefix.trim_end_matches('/')),
            commit: commit.to_owned(),
            branch: String::from_utf8_lossy(&branch).trim().to_owned(),
            made: Timestamp::now(),
            process: std::process::id(),
            run: None,
            finished: false,
        };
        let made = Isolated { record, target: None, cwd: place.cwd.clone(), handed_over: false };
        made.record.check_out()?;
        made.aimed(&place, file)
    }

    /// The file that is to be run, and the folder the command stands in, as they are in the checkout.
    fn aimed(mut self, place: &Place, file: Option<&str>) -> Result<Isolated, Error> {
        let root = self.record.root();
        let within = |path: &Path| path.strip_prefix(&place.root).ok().map(|below| root.join(below));
        self.cwd = within(&place.cwd).filter(|cwd| cwd.is_dir()).unwrap_or_else(|| root.clone());
        let Some(file) = file else { return Ok(self) };
        let absolute = place.cwd.join(file);
        let absolute = absolute.canonicalize().unwrap_or(absolute);
        match within(&absolute).filter(|path| path.is_file()) {
            Some(path) => self.target = Some(path),
            None => {
                return Err(Error::refused(
                    format!("`{file}` is not in commit {}", short(&self.record.commit)),
                    "commit it, or run it without --isolated",
                ));
            }
        }
        Ok(self)
    }

    /// The project as it is in the commit.
    pub fn project(&self) -> Result<Project, Error> {
        let place = Place { cwd: self.cwd.clone(), root: self.record.root() };
        Ok(Project::at(place, self.target.as_slice()))
    }

    /// What a person should know before it starts.
    pub fn notes(&self) -> Vec<String> {
        let Record { home, commit, .. } = &self.record;
        let git = Git::at(home);
        let mut notes = vec![format!(
            "isolated: commit {} in {}; the project's own files can be edited meanwhile",
            short(commit),
            self.record.root().display()
        )];
        let status = git.run(&["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"]);
        match git::fields(&status.unwrap_or_default()).count() {
            0 => {}
            1 => notes.push("1 uncommitted file is not part of this run".into()),
            count => notes.push(format!("{count} uncommitted files are not part of this run")),
        }
        let ask = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"];
        let ignored = git.run(&ask).unwrap_or_default();
        let folders: Vec<String> = git::fields(&ignored)
            .filter(|name| name.ends_with(b"/") && !name.starts_with(b".wfl/"))
            .map(|name| String::from_utf8_lossy(name).trim_end_matches('/').to_owned())
            .collect();
        if !folders.is_empty() {
            let more = folders.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            let named = folders.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
            notes.push(format!("ignored folders are not there: {named}{more}"));
        }
        if self.record.tree.join(".gitmodules").exists() {
            notes.push("submodules are not checked out".into());
        }
        notes
    }

    /// A run has it: it stays as long as the run can go on.
    pub fn hand_over(mut self) {
        self.handed_over = true;
    }
}

impl Record {
    fn root(&self) -> PathBuf {
        if self.prefix.as_os_str().is_empty() { self.tree.clone() } else { self.tree.join(&self.prefix) }
    }

    fn dir(&self) -> &Path {
        self.tree.parent().unwrap_or(&self.tree)
    }

    fn check_out(&self) -> Result<(), Error> {
        let failed = |e: io::Error| {
            Error::refused(
                format!("{} cannot be made: {e}", self.dir().display()),
                "make the state folder writable",
            )
        };
        fs::create_dir_all(self.dir()).map_err(failed)?;
        // Recorded first: whoever finds the checkout of a killed program knows whose it is.
        self.save().map_err(failed)?;
        let tree = self.tree.to_string_lossy();
        let reason = format!("wfl run --isolated of {}", self.home.display());
        let add = [
            "worktree",
            "add",
            "--quiet",
            "--detach",
            "--lock",
            "--reason",
            &reason,
            "--",
            &tree,
            &self.commit,
        ];
        let git =
            Git::at(&self.home).within(PATIENCE).set("protocol.allow=user").with("GIT_NO_LAZY_FETCH", "0");
        git.run(&add).map(drop).map_err(|e| {
            Error::refused(
                format!("commit {} cannot be checked out: {e}", short(&self.commit)),
                "make room for a second copy of the project, or run without --isolated",
            )
        })
    }

    fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec(self)?;
        let (place, half) = (self.dir().join(RECORD), self.dir().join("checkout.part"));
        fs::write(&half, text)?;
        fs::rename(half, place)
    }

    fn read(dir: &Path) -> Option<Record> {
        let text = fs::read(dir.join(RECORD)).ok()?;
        let record: Record = serde_json::from_slice(&text).ok()?;
        // A record copied from elsewhere says nothing.
        (record.dir() == dir).then_some(record)
    }

    /// The record of the checkout that `root` is the root in.
    fn of(root: &Path) -> Option<Record> {
        let parts: Vec<&Path> = root.ancestors().collect();
        let dir = parts.windows(2).find(|pair| pair[1].file_name().is_some_and(|name| name == FOLDER))?[0];
        Record::read(dir).filter(|record| root.starts_with(&record.tree))
    }

    /// Takes the checkout away, from git's list too; false when something of it stays.
    fn remove(&self) -> bool {
        let git = Git::at(&self.home).within(PATIENCE);
        let tree = self.tree.to_string_lossy();
        let _ = git.run(&["worktree", "unlock", "--", &tree]);
        let _ = git.run(&["worktree", "remove", "--force", "--", &tree]);
        let _ = fs::remove_dir_all(self.dir());
        // One whose folder went first is only a line in git's list.
        let _ = git.run(&["worktree", "prune"]);
        !self.dir().exists()
    }

    /// Commits that stages made, held by a reference of the run: nothing else leads to them once the checkout is gone.
    fn hold_commits(&self, run: &RunId) -> Option<String> {
        let head = Git::at(&self.tree).run(&["rev-parse", "--verify", "HEAD^{commit}"]).ok()?;
        let head = String::from_utf8_lossy(&head).trim().to_owned();
        if head == self.commit {
            return None;
        }
        let name = reference(&run.0);
        Git::at(&self.home).run(&["update-ref", &name, &head]).ok()?;
        Some(format!("stages committed {} in the checkout: take it with `git merge {name}`", short(&head)))
    }
}

fn reference(run: &str) -> String {
    format!("refs/wfl/isolated/{run}")
}

fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

fn no_commit(e: &str) -> Error {
    let why = if e.contains("not a git repository") {
        "this project is in no git repository".to_owned()
    } else if e.contains("not installed") {
        e.to_owned()
    } else {
        "the repository has no commit yet".to_owned()
    };
    let help = "--isolated runs in a checkout of the commit at hand: commit first, or run without it";
    Error::refused(why, help)
}

/// The project whose commit is checked out at `root`; none for a project itself.
pub fn home(root: &Path) -> Option<PathBuf> {
    Record::of(root).map(|record| record.home)
}

/// The branch the checkout at `root` was made from.
pub(super) fn branch(root: &Path) -> Option<String> {
    Record::of(root).map(|record| record.branch)
}

/// The run takes the checkout at `root`, if it is one.
pub(super) fn begin(root: &Path, run: &RunId) -> Result<(), Error> {
    let Some(mut record) = Record::of(root) else { return Ok(()) };
    record.run = Some(run.0.clone());
    record.save().map_err(|e| {
        Error::refused(format!("the checkout cannot be kept: {e}"), "make the state folder writable")
    })
}

/// Where a stored run goes on: its own checkout, else the project.
pub(super) fn place(place: &Place, stored: &StoredRun) -> Result<Place, Error> {
    let root = &stored.plan.root;
    if !root.starts_with(stored.store.dir().join(FOLDER)) {
        return Ok(place.clone());
    }
    match Record::of(root).filter(|_| root.is_dir()) {
        Some(_) => Ok(Place { cwd: root.clone(), root: root.clone() }),
        None => Err(Error::refused(
            format!("the checkout of run {} is gone: {}", stored.id, root.display()),
            "start a new run",
        )),
    }
}

/// After a run stopped: what it made goes back into the project, and the checkout goes, or where it stays is said.
pub(super) fn finish(root: &Path, store: &Store, run: &RunId, status: RunStatus) -> Vec<String> {
    let Some(mut record) = Record::of(root) else { return Vec::new() };
    if status != RunStatus::Succeeded {
        let goes_on = match status {
            RunStatus::RolledBack => String::new(),
            _ => format!("; `wfl resume {run}` goes on there"),
        };
        return vec![format!("the run's files are kept in {}{goes_on}", root.display())];
    }
    let mut said: Vec<String> = record.hold_commits(run).into_iter().collect();
    let records = store.events(run).unwrap_or_default();
    let back = back::bring_back(&record, &records);
    said.extend(back.said());
    record.finished = true;
    // Where this is lost, the next `wfl clean` finds everything back already.
    let _ = record.save();
    if !back.whole() {
        said.push(format!("they are kept in {} until `wfl clean` removes the run", root.display()));
    } else if !record.remove() {
        said.push(format!("{} could not be removed: `wfl clean` tries again", record.dir().display()));
    }
    said
}

/// Takes away checkouts that nobody goes on with: of runs that are gone, and of programs that died before they had a run.
/// Brings back first what a run that succeeded could not before it was killed.
pub(super) fn sweep(store: &Store, stays: &dyn Fn(&str) -> bool, dry: bool) -> Vec<String> {
    let entries = fs::read_dir(store.dir().join(FOLDER)).into_iter().flatten().flatten();
    let mut swept = Vec::new();
    for dir in entries.map(|entry| entry.path()) {
        let Some(record) = Record::read(&dir) else { continue };
        let over = match &record.run {
            None => !Path::new("/proc").join(record.process.to_string()).exists(),
            // It may be made just now, and have no row yet.
            Some(run) if store.is_live(&RunId(run.clone())) => false,
            Some(run) if !stays(run) => true,
            Some(run) => !record.finished && is_over(store, run),
        };
        if !over {
            continue;
        }
        if !dry && !take_away(&record, store, stays) {
            continue;
        }
        swept.push(record.tree.display().to_string());
    }
    swept
}

/// A run that succeeded and was killed before its outputs were back, or that can never go on.
fn is_over(store: &Store, run: &str) -> bool {
    let status = store.run(run).ok().flatten().map(|found| found.status);
    matches!(status, Some(RunStatus::Succeeded | RunStatus::RolledBack))
}

fn take_away(record: &Record, store: &Store, stays: &dyn Fn(&str) -> bool) -> bool {
    match &record.run {
        Some(run) if stays(run) => {
            let run = RunId(run.clone());
            let _ = record.hold_commits(&run);
            let succeeded =
                store.run(&run.0).ok().flatten().is_some_and(|found| found.status == RunStatus::Succeeded);
            let records = if succeeded { store.events(&run).unwrap_or_default() } else { Vec::new() };
            back::bring_back(record, &records).whole() && record.remove()
        }
        Some(run) => {
            let _ = Git::at(&record.home).run(&["update-ref", "-d", &reference(run)]);
            record.remove()
        }
        None => record.remove(),
    }
}
