//! `wfl doctor`: the health of state, project and machine as findings, each with what it means and what to do. Each check
//! is a small type that looks and changes nothing; what can be mended without loss says so, and `mend` does it.

mod database;
mod definitions;
mod folder;
mod git;
mod machine;
mod mend;
mod programs;
mod rows;
mod start;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::base::Timestamp;
use crate::store::health::{self, Condition};
use crate::store::{Store, state_dir};

use super::{Error, Place, Project};

pub use mend::{Confirm, Mend, Mended};
pub use start::after_unclean_stop;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Ok,
    /// It could not be looked at, and why.
    Skipped,
    Warn,
    Fail,
}

impl Level {
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Skipped => "skipped",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub level: Level,
    pub found: String,
    /// Why it matters; empty where all is well.
    pub matters: String,
    /// What to do, with the command; empty where there is nothing to do.
    pub advice: String,
    /// How `--fix` mends it.
    pub mend: Option<Mend>,
}

impl Finding {
    fn new(check: &'static str, level: Level, found: impl Into<String>) -> Self {
        let (matters, advice) = (String::new(), String::new());
        Finding { check, level, found: found.into(), matters, advice, mend: None }
    }

    fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Finding::new(check, Level::Ok, found)
    }

    fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Finding::new(check, Level::Skipped, why)
    }

    fn warn(check: &'static str, found: impl Into<String>) -> Self {
        Finding::new(check, Level::Warn, found)
    }

    fn fail(check: &'static str, found: impl Into<String>) -> Self {
        Finding::new(check, Level::Fail, found)
    }

    fn matters(mut self, why: impl Into<String>) -> Self {
        self.matters = why.into();
        self
    }

    fn advice(mut self, what: impl Into<String>) -> Self {
        self.advice = what.into();
        self
    }

    fn mend(mut self, mend: Mend) -> Self {
        self.mend = Some(mend);
        self
    }
}

/// What the checks look at.
pub(super) struct Ground {
    place: Place,
    /// Where the state lies, or why that cannot be told.
    dir: Result<PathBuf, String>,
    health: Option<health::Health>,
    now: Timestamp,
    project: OnceLock<Project>,
}

impl Ground {
    fn at(place: Place) -> Self {
        let dir = state_dir(&place.root, &|name| std::env::var_os(name));
        let dir = dir.map_err(|error| format!("{}; {}", error.message, error.help));
        let health = dir.as_ref().ok().map(|dir| health::look(dir));
        Ground { place, dir, health, now: Timestamp::now(), project: OnceLock::new() }
    }

    /// The project's definitions, read once for all checks.
    fn project(&self) -> &Project {
        self.project.get_or_init(|| Project::at(self.place.clone(), &[]))
    }

    fn without_database(place: Place, dir: &Path) -> Self {
        let (dir, now) = (Ok(dir.to_owned()), Timestamp::now());
        Ground { place, dir, health: None, now, project: OnceLock::new() }
    }

    /// The database, where it can be worked with; else why not.
    fn store(&self) -> Result<Option<Store>, String> {
        let dir = self.dir.clone()?;
        match self.health.as_ref().map(|health| &health.condition) {
            None | Some(Condition::Absent) => Ok(None),
            Some(Condition::Sound | Condition::Older) => {
                Store::open(&dir).map(Some).map_err(|error| error.message)
            }
            Some(Condition::Broken(_) | Condition::Refused(_)) => {
                Err("the state database cannot be read (see above)".into())
            }
        }
    }
}

/// All findings, in the order of the checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub took: Duration,
}

impl Report {
    pub fn worst(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

type Check = fn(&Ground) -> Vec<Finding>;

/// Checks that go side by side; those of one list one after the other.
const CHECKS: &[&[(&str, Check)]] = &[
    &[
        ("state database", database::database),
        ("copy of the state", database::copy),
        ("state folder", folder::folder),
        ("free disk", folder::disk),
        ("logs", folder::logs),
        ("temporary files", folder::temporary),
        ("recorded rows", rows::rows),
        ("runs", work::runs),
        ("locks", work::locks),
        ("leftover processes", work::processes),
        ("clock", machine::clock),
    ],
    &[
        ("git", git::repository),
        ("git locks", git::locks),
        ("git work under way", git::under_way),
        ("git index", git::index),
    ],
    &[("git objects", git::objects)],
    &[
        ("definitions", definitions::definitions),
        ("base branch", git::base),
        ("programs", programs::programs),
        ("shell", programs::shell),
        ("environment", machine::environment),
        ("resources", machine::resources),
    ],
];

/// Looks at everything that concerns the project. Changes nothing.
pub fn examine(place: &Place) -> Report {
    let began = Instant::now();
    let ground = Ground::at(place.clone());
    let findings = std::thread::scope(|scope| {
        let groups: Vec<_> = CHECKS
            .iter()
            .map(|group| {
                let ground = &ground;
                scope
                    .spawn(move || group.iter().flat_map(|(name, check)| one(name, *check, ground)).collect())
            })
            .collect();
        groups.into_iter().flat_map(|group| group.join().unwrap_or_else(|_| Vec::new())).collect()
    });
    Report { findings, took: began.elapsed() }
}

/// A check that breaks is a finding itself, and takes no other with it.
fn one(name: &'static str, check: Check, ground: &Ground) -> Vec<Finding> {
    catch_unwind(AssertUnwindSafe(|| check(ground))).unwrap_or_else(|_| {
        let finding = Finding::fail(name, "the check itself broke");
        vec![finding.matters("nothing is known about this").advice("this is a bug of wfl: please tell")]
    })
}

/// Mends what can be mended without loss, in the order of the findings. What must be confirmed and is not stays.
pub fn mend(place: &Place, report: &Report, confirm: &dyn Confirm) -> Vec<Mended> {
    let dir = state_dir(&place.root, &|name| std::env::var_os(name)).ok();
    let mends = report.findings.iter().filter_map(|finding| finding.mend.as_ref());
    mends.flat_map(|mend| mend.carry_out(dir.as_deref(), confirm)).collect()
}

/// The project the program was started in.
pub fn here() -> Result<Place, Error> {
    Place::here()
}
