//! The only source of what expressions read from outside: git, files, processes, programs, report readers. Reads what
//! it is asked, says plainly what it could not read, and decides nothing.

mod added;
pub mod amiss;
mod change;
mod convention;
pub mod details;
mod document;
mod file;
pub mod git;
mod machine;
mod markdown;
pub mod program;
mod read;
mod secrets;
pub mod suites;
mod weight;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::Value;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::port::Facts;
use crate::workspace::tree;

use added::Added;
pub use change::ChangeInfo;
use details::Details;
use git::Git;

/// What was given on the command line in place of what git says.
#[derive(Clone, Debug, Default)]
pub struct ChangeFlags {
    /// `--change-id`.
    pub id: Option<String>,
    /// `--change-type`.
    pub kind: Option<String>,
    /// Relative to the root.
    pub files: Option<Vec<String>>,
    /// The branch to compare with.
    pub base: Option<String>,
    /// In place of the messages of the commits since the base.
    pub message: Option<String>,
    pub added: Option<u64>,
    pub deleted: Option<u64>,
}

/// The project and the machine as facts see them. What git says is read once, when first asked for.
#[derive(Debug)]
pub struct World {
    root: PathBuf,
    flags: ChangeFlags,
    version: Option<String>,
    base_branch: Option<String>,
    on_branch: Option<String>,
    git: OnceLock<Result<Git, String>>,
    change: OnceLock<ChangeInfo>,
    details: OnceLock<Details>,
    added: OnceLock<Result<Added, String>>,
    earlier: Option<Earlier>,
}

/// Asks for what earlier runs said of the tests, when a document needs it.
pub struct Earlier(Box<dyn Fn() -> serde_json::Value + Send + Sync>);

impl std::fmt::Debug for Earlier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Earlier")
    }
}

type Read = Result<Value, String>;

impl World {
    pub fn new(root: &Path, flags: ChangeFlags) -> World {
        World {
            root: root.to_path_buf(),
            flags,
            version: None,
            base_branch: None,
            on_branch: None,
            git: OnceLock::new(),
            change: OnceLock::new(),
            details: OnceLock::new(),
            earlier: None,
            added: OnceLock::new(),
        }
    }

    /// The `version` of the `project` block.
    pub fn project_version(mut self, version: Option<String>) -> World {
        self.version = version;
        self
    }

    /// The `base-branch` of the `project` block; a flag goes before it.
    pub fn base_branch(mut self, branch: Option<String>) -> World {
        self.base_branch = branch;
        self
    }

    /// The branch that a detached checkout was made from.
    pub fn on_branch(mut self, branch: Option<String>) -> World {
        self.on_branch = branch;
        self
    }

    /// How to ask for what earlier runs said of the tests; null when there is nothing.
    pub fn earlier(mut self, ask: impl Fn() -> serde_json::Value + Send + Sync + 'static) -> World {
        self.earlier = Some(Earlier(Box::new(ask)));
        self
    }

    /// What `change.details` holds.
    pub fn details_json(&self) -> serde_json::Value {
        let mut json = self.details().json();
        json["earlier"] = self.earlier.as_ref().map(|earlier| earlier.0()).unwrap_or_default();
        json
    }

    /// The change as a whole, as it is recorded with a run.
    pub fn change(&self) -> &ChangeInfo {
        self.change.get_or_init(|| {
            let base = self.flags.base.as_deref().or(self.base_branch.as_deref());
            change::gather(self.git().ok(), &self.root, &self.flags, base)
        })
    }

    /// What the change consists of, read when it is first asked for.
    pub fn details(&self) -> &Details {
        self.details.get_or_init(|| details::gather(self.git().ok(), &self.root, self.change()))
    }

    /// Every file that git tracks; none without git.
    pub fn tracked_files(&self) -> Vec<String> {
        self.git().map(Git::tracked_files).unwrap_or_default()
    }

    /// Whether what the change is to be compared with is there; true where nothing was asked for.
    pub fn has_base(&self) -> bool {
        let found = |base: &str| self.git().is_ok_and(|git| git.base(Some(base)).is_some());
        self.flags.base.as_deref().is_none_or(found)
    }

    /// Where the change left its base; HEAD where it has none, and empty without a commit.
    fn fork(&self) -> String {
        let Ok(git) = self.git() else { return String::new() };
        let wanted = self.flags.base.as_deref().or(self.base_branch.as_deref());
        let fork = git.sha.as_ref().and_then(|_| git.base(wanted)).and_then(|(_, commit)| git.fork(&commit));
        fork.or_else(|| git.sha.clone()).unwrap_or_default()
    }

    fn added(&self) -> Result<&Added, String> {
        let read = || -> Result<Added, String> {
            let Ok(git) = self.git() else { return Ok(Added::default()) };
            let fork = self.fork();
            let patch = if fork.is_empty() { Vec::new() } else { git.whole_patch(&fork)? };
            Ok(Added::new(&self.root, &patch, &git.untracked_files()))
        };
        self.added.get_or_init(read).as_ref().map_err(String::clone)
    }

    fn git(&self) -> Result<&Git, String> {
        let open = || {
            let mut git = Git::open(&self.root)?;
            if let Some(branch) = self.on_branch.as_ref().filter(|_| git.branch.is_empty()) {
                git.branch.clone_from(branch);
            }
            Ok(git)
        };
        self.git.get_or_init(open).as_ref().map_err(String::clone)
    }

    fn fact(&self, key: &FactKey) -> Read {
        let texts = texts(&key.arguments);
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (family, name) = key.name.split_once('.').unwrap_or(("", key.name.as_str()));
        match family {
            "git" => self.git_fact(name),
            "change" => self.change_fact(name, &texts),
            "project" => self.project_fact(name, &texts),
            "file" if document::knows(name) => document::fact(&self.root, name, &words),
            "file" if matches!(name, "secrets" | "larger" | "duplicates") => self.kept_fact(name, &texts),
            "file" if name == "amiss" => amiss::fact(&self.root, &words),
            "file" => file::fact(&self.root, name, &words),
            "process" | "program" | "" if machine::knows(&key.name) => machine::fact(&key.name, &words),
            _ => read::fact(&self.root, &key.name, &words, &key.ty),
        }
    }

    fn git_fact(&self, name: &str) -> Read {
        let git = self.git()?;
        let sha = || git.sha.clone().ok_or_else(|| "the repository has no commit yet".to_string());
        match name {
            "branch" => Ok(Value::String(git.branch.clone())),
            "sha" => Ok(Value::String(sha()?)),
            "short_sha" => Ok(Value::String(short(&sha()?))),
            "dirty" => Ok(Value::Bool(git.dirty())),
            "tag" => Ok(git.tag()?.map_or(Value::Absent, Value::String)),
            _ => Err(unknown(&format!("git.{name}"))),
        }
    }

    fn change_fact(&self, name: &str, globs: &[String]) -> Read {
        let change = self.change();
        let text = |text: &String| Ok(Value::String(text.clone()));
        match name {
            "id" => text(&change.id),
            "type" => text(&change.kind),
            "branch" => text(&change.branch),
            "base" => text(&change.base),
            "files" => Ok(Value::List(change.files.iter().cloned().map(Value::Path).collect())),
            "added" => Ok(Value::Int(change.added as i64)),
            "deleted" => Ok(Value::Int(change.deleted as i64)),
            "conventional" => Ok(Value::Bool(change.conventional)),
            "breaking" => Ok(Value::Bool(change.breaking)),
            "touches" => Ok(Value::Bool(change.touches(globs)?)),
            "only" => Ok(Value::Bool(change.only(globs)?)),
            "details" => Ok(Value::String(self.details_json().to_string())),
            "commits" | "authors" | "tickets" | "kinds" | "removed" => Ok(self.details().fact(name)),
            "says" => Ok(Value::Bool(change.says(globs.first().map_or("", String::as_str))?)),
            "base_sha" => Ok(Value::String(self.fork())),
            "lines" => {
                let places = self.added()?.places(globs.first().map_or("", String::as_str))?;
                Ok(Value::List(places.into_iter().map(Value::String).collect()))
            }
            "secrets" => secrets::search(&self.root, &self.changed_here()),
            "larger" => weight::larger(&self.root, &globs.concat(), &self.changed_here()),
            "duplicates" => weight::duplicates(&self.root, &self.changed_here(), &self.kept()?),
            _ => Err(unknown(&format!("change.{name}"))),
        }
    }

    /// Of changed files those that are still there.
    fn changed_here(&self) -> Vec<String> {
        let here = |path: &&String| self.root.join(path).symlink_metadata().is_ok_and(|meta| meta.is_file());
        self.change().files.iter().filter(here).cloned().collect()
    }

    /// All files that belong to the project: what git ignores does not, where there is git.
    fn kept(&self) -> Result<Vec<String>, String> {
        match self.git() {
            Ok(git) => git.kept_files(),
            Err(_) => tree::matching(&self.root, &["**".to_string()]),
        }
    }

    /// Facts about files that belong to the project and match.
    fn kept_fact(&self, name: &str, arguments: &[String]) -> Read {
        let (size, globs) = match (name, arguments) {
            ("larger", [size, globs @ ..]) => (size.as_str(), globs),
            (_, globs) => ("", globs),
        };
        let all = self.kept()?;
        let wanted = tree::globs(globs)?;
        let files: Vec<String> = all.iter().filter(|path| wanted.is_match(path)).cloned().collect();
        if files.is_empty() {
            return Err(format!("no file matches {}", globs.join(", ")));
        }
        match name {
            "secrets" => secrets::search(&self.root, &files),
            "larger" => weight::larger(&self.root, size, &files),
            _ => weight::duplicates(&self.root, &files, &all),
        }
    }

    fn project_fact(&self, name: &str, globs: &[String]) -> Read {
        match name {
            "contains" => match globs {
                [pattern, globs @ ..] => Ok(Value::Bool(file::any_contains(&self.root, globs, pattern)?)),
                [] => Err(unknown("project.contains")),
            },
            "has" => Ok(Value::Bool(tree::has(&self.root, globs)?)),
            "version" => Ok(self.version.clone().map_or(Value::Absent, Value::String)),
            "name" => {
                let root = self.root.canonicalize().unwrap_or_else(|_| self.root.clone());
                let name = root.file_name().map(|name| name.to_string_lossy().into_owned());
                Ok(Value::String(name.unwrap_or_default()))
            }
            _ => Err(unknown(&format!("project.{name}"))),
        }
    }
}

impl Facts for World {
    fn read(&self, keys: &[FactKey]) -> FactValues {
        keys.iter()
            .map(|key| {
                let fact = self.fact(key).map_or_else(Fact::Failed, Fact::Read);
                (key.id(), fact)
            })
            .collect()
    }

    fn hash_inputs(&self, globs: &[String]) -> Result<String, String> {
        tree::hash(&self.root, globs)
    }
}

/// Arguments as text; lists are flattened.
fn texts(arguments: &[Value]) -> Vec<String> {
    let flat = arguments.iter().flat_map(|argument| match argument {
        Value::List(items) => items.iter().collect::<Vec<_>>(),
        other => vec![other],
    });
    flat.map(Value::to_string).collect()
}

fn short(sha: &str) -> String {
    sha.chars().take(7).collect()
}

fn unknown(name: &str) -> String {
    format!("`{name}` is not something this version can read")
}
