//! The only source of what expressions read from outside: git, files, processes, programs, report readers. Reads what
//! it is asked, says plainly what it could not read, and decides nothing.

mod change;
mod convention;
mod file;
pub mod git;
mod machine;
mod program;
mod read;
mod secrets;
mod weight;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::base::Value;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::port::Facts;
use crate::workspace::tree;

pub use change::ChangeInfo;
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
}

/// The project and the machine as facts see them. What git says is read once, when first asked for.
#[derive(Debug)]
pub struct World {
    root: PathBuf,
    flags: ChangeFlags,
    version: Option<String>,
    base_branch: Option<String>,
    git: OnceLock<Result<Git, String>>,
    change: OnceLock<ChangeInfo>,
}

type Read = Result<Value, String>;

impl World {
    pub fn new(root: &Path, flags: ChangeFlags) -> World {
        World {
            root: root.to_path_buf(),
            flags,
            version: None,
            base_branch: None,
            git: OnceLock::new(),
            change: OnceLock::new(),
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

    /// The change as a whole, as it is recorded with a run.
    pub fn change(&self) -> &ChangeInfo {
        self.change.get_or_init(|| {
            let base = self.flags.base.as_deref().or(self.base_branch.as_deref());
            change::gather(self.git().ok(), &self.root, &self.flags, base)
        })
    }

    fn git(&self) -> Result<&Git, String> {
        self.git.get_or_init(|| Git::open(&self.root)).as_ref().map_err(String::clone)
    }

    fn fact(&self, key: &FactKey) -> Read {
        let texts = texts(&key.arguments);
        let words: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (family, name) = key.name.split_once('.').unwrap_or(("", key.name.as_str()));
        match family {
            "git" => self.git_fact(name),
            "change" => self.change_fact(name, &texts),
            "project" => self.project_fact(name, &texts),
            "file" if matches!(name, "secrets" | "larger" | "duplicates") => self.kept_fact(name, &texts),
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
