//! What interrupted programs left in the project or spoiled, kind by kind: found, and mended on demand. Each finding is
//! ours (by owner), idle (nobody has it open) and no work of a person's. Does not know which failure asks.

mod files;
mod folders;
mod git;
mod node;
mod processes;
mod python;

use std::path::{Path, PathBuf};

use crate::base::Value;

/// A kind of finding, as `file.amiss("…")` and `wfl mend …` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    GitLocks,
    GitFolders,
    GitObjects,
    Submodules,
    Modes,
    ReadOnly,
    PidFiles,
    Processes,
    TemporaryFolder,
    Folders,
    NodeModules,
    PythonEnvironment,
    PythonPackages,
    GitIndex,
}

impl Kind {
    pub const ALL: [(&'static str, Kind, &'static str); 14] = [
        ("git-locks", Kind::GitLocks, "lock files that a dead git left, older than two minutes: removed"),
        ("git-folders", Kind::GitFolders, "empty rebase folders: removed"),
        (
            "git-objects",
            Kind::GitObjects,
            "empty objects whose content a tracked file still has: written again",
        ),
        ("submodules", Kind::Submodules, "submodules that were never checked out: checked out"),
        ("modes", Kind::Modes, "scripts that git knows as executable, or ignores, and that are not: made so"),
        (
            "read-only",
            Kind::ReadOnly,
            "ignored files and folders of ours that cannot be written: made writable",
        ),
        ("pid-files", Kind::PidFiles, "ignored files that hold the number of a dead process: removed"),
        ("processes", Kind::Processes, "processes that an ended run left at work in the project: ended"),
        ("temporary-folder", Kind::TemporaryFolder, "the folder TMPDIR names, when it is gone: made"),
        ("folders", Kind::Folders, "missing folders that a failure names and git ignores: made"),
        ("node-modules", Kind::NodeModules, "packages of a lock file that are not installed: installed"),
        (
            "python-environment",
            Kind::PythonEnvironment,
            "the project's own environment, missing or without its python: made, packages installed",
        ),
        (
            "python-packages",
            Kind::PythonPackages,
            "packages missing from the project's own environment: installed there",
        ),
        ("git-index", Kind::GitIndex, "an index that git cannot read: kept beside, a new one read from HEAD"),
    ];

    /// The kind of that name, or all names there are.
    pub fn named(name: &str) -> Result<Kind, String> {
        let found = Kind::ALL.iter().find(|(known, ..)| *known == name).map(|(_, kind, _)| *kind);
        found.ok_or_else(|| {
            let names: Vec<&str> = Kind::ALL.iter().map(|(known, ..)| *known).collect();
            format!("`{name}` is not a kind of what is amiss; there are {}", names.join(", "))
        })
    }
}

/// What is found, as a person reads it. `failure` is what a failed attempt said; some kinds are only found by it.
pub fn find(root: &Path, kind: Kind, failure: Option<&str>) -> Result<Vec<String>, String> {
    let root = root.canonicalize().map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let paths = |found: Vec<PathBuf>| found.iter().map(|path| shown(&root, path)).collect();
    Ok(match kind {
        Kind::GitLocks => paths(git::locks(&root)?),
        Kind::GitFolders => paths(git::folders(&root)?),
        Kind::GitObjects => git::objects(&root)?.into_iter().map(|(_, file)| file).collect(),
        Kind::Submodules => git::submodules(&root, failure),
        Kind::Modes => paths(files::modes(&root, failure)),
        Kind::ReadOnly => paths(files::read_only(&root, failure)),
        Kind::PidFiles => paths(files::pid_files(&root, failure)),
        Kind::Processes => {
            let left = processes::left(&root, failure)?;
            left.iter().map(|process| format!("{} ({})", process.name, process.pid)).collect()
        }
        Kind::TemporaryFolder => paths(folders::temporary()),
        Kind::Folders => paths(folders::named(&root, failure.unwrap_or_default())),
        Kind::NodeModules => paths(node::lacking(&root, failure)),
        Kind::PythonEnvironment => paths(python::environments(&root)),
        Kind::PythonPackages => python::packages(&root, failure.unwrap_or_default()),
        Kind::GitIndex => paths(git::damaged_index(&root)?.into_iter().collect()),
    })
}

/// Finds anew and mends; what was mended.
pub fn mend(root: &Path, kind: Kind, failure: Option<&str>) -> Result<Vec<String>, String> {
    let root = root.canonicalize().map_err(|e| format!("cannot read {}: {e}", root.display()))?;
    let all = |found: Vec<PathBuf>, act: fn(&Path) -> std::io::Result<()>| {
        found.iter().map(|path| done(&root, path, act(path))).collect::<Result<Vec<_>, _>>()
    };
    match kind {
        Kind::GitLocks => all(git::locks(&root)?, |path| std::fs::remove_file(path)),
        Kind::GitFolders => all(git::folders(&root)?, |path| std::fs::remove_dir(path)),
        Kind::GitObjects => git::write_objects(&root),
        Kind::Submodules => git::check_out(&root, failure),
        Kind::Modes => all(files::modes(&root, failure), files::make_executable),
        Kind::ReadOnly => all(files::read_only(&root, failure), files::make_writable),
        Kind::PidFiles => all(files::pid_files(&root, failure), |path| std::fs::remove_file(path)),
        Kind::Processes => processes::end(processes::left(&root, failure)?),
        Kind::TemporaryFolder => all(folders::temporary(), folders::make_private),
        Kind::Folders => {
            all(folders::named(&root, failure.unwrap_or_default()), |path| std::fs::create_dir_all(path))
        }
        Kind::NodeModules => node::install(&root, failure),
        Kind::PythonEnvironment => python::make(&root),
        Kind::PythonPackages => python::install(&root, failure.unwrap_or_default()),
        Kind::GitIndex => Ok(git::replace_index(&root)?.iter().map(|path| shown(&root, path)).collect()),
    }
}

fn done(root: &Path, path: &Path, outcome: std::io::Result<()>) -> Result<String, String> {
    match outcome {
        Ok(()) => Ok(shown(root, path)),
        Err(error) => Err(format!("cannot mend {}: {error}", shown(root, path))),
    }
}

/// Relative to the root where it lies below; the root itself is `.`.
fn shown(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(inside) if inside.as_os_str().is_empty() => ".".into(),
        Ok(inside) => inside.display().to_string(),
        Err(_) => path.display().to_string(),
    }
}

/// Runs a program of a package manager; what it says goes where ours does.
fn program(folder: &Path, argv: &[&str]) -> Result<(), String> {
    let Some((name, arguments)) = argv.split_first() else { return Ok(()) };
    let mut command = std::process::Command::new(name);
    command.args(arguments).current_dir(folder).stdin(std::process::Stdio::null());
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` failed: {status}", argv.join(" "))),
        Err(error) => Err(format!("cannot start {name}: {error}")),
    }
}

/// `file.amiss(KIND)`, `file.amiss(KIND, stderr)`.
pub(super) fn fact(root: &Path, arguments: &[&str]) -> Result<Value, String> {
    let kind = Kind::named(arguments.first().unwrap_or(&""))?;
    let found = find(root, kind, arguments.get(1).copied())?;
    Ok(Value::List(found.into_iter().map(Value::String).collect()))
}

#[cfg(test)]
mod tests;
