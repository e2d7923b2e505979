//! Packages for node that a lock file names and that are not installed. A `node_modules` that is a link is another's.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::program;
use crate::facts::git::{fields, run};

/// Lock file → what installs exactly what it names.
const LOCKS: &[(&str, &[&str])] = &[
    ("package-lock.json", &["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]),
    ("npm-shrinkwrap.json", &["npm", "ci", "--no-audit", "--no-fund", "--prefer-offline"]),
    ("pnpm-lock.yaml", &["pnpm", "install", "--frozen-lockfile", "--prefer-offline"]),
    ("yarn.lock", &["yarn", "install", "--frozen-lockfile"]),
    ("bun.lock", &["bun", "install", "--frozen-lockfile"]),
];

/// Adds what is missing and writes neither `package.json` nor the lock file.
const NPM_ADDS: &[&str] = &["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefer-offline"];

/// Folders with a tracked lock file whose packages are not all there.
pub(super) fn lacking(root: &Path, failure: Option<&str>) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = amiss(root, failure).into_iter().map(|project| project.folder).collect();
    found.dedup();
    found
}

pub(super) fn install(root: &Path, failure: Option<&str>) -> Result<Vec<String>, String> {
    let mut installed = Vec::new();
    for project in amiss(root, failure) {
        let damaged = project.folder.join("node_modules").exists() && project.command.first() == Some(&"npm");
        program(&project.folder, if damaged { NPM_ADDS } else { project.command })?;
        installed.push(super::shown(root, &project.folder));
    }
    Ok(installed)
}

/// A folder with a lock file.
struct Project {
    folder: PathBuf,
    lock: PathBuf,
    command: &'static [&'static str],
}

fn amiss(root: &Path, failure: Option<&str>) -> Vec<Project> {
    let concerned = |project: &Project| failure.is_none_or(|said| concerns(project, said));
    projects(root).into_iter().filter(|project| lacks(&project.folder) && concerned(project)).collect()
}

/// Whether a package was missed, or a program that a package of the lock file brings.
fn concerns(project: &Project, failure: &str) -> bool {
    if failure.contains("Cannot find module '") || failure.contains("Cannot find package '") {
        return true;
    }
    let lock = std::fs::read_to_string(&project.lock).unwrap_or_default();
    missed_programs(failure).any(|name| {
        ["\"", "/", " ", "'"].iter().any(|before| {
            ["\"", "@", ":", "'"].iter().any(|behind| lock.contains(&format!("{before}{name}{behind}")))
        })
    })
}

/// `sh: 1: eslint: not found`, `eslint: command not found`, `program not found: node_modules/.bin/eslint`.
fn missed_programs(failure: &str) -> impl Iterator<Item = &str> {
    failure.lines().filter_map(|line| {
        let before = line.split_once(": not found").or_else(|| line.split_once(": command not found"));
        let word = match (before, line.split_once("program not found: ")) {
            (_, Some((_, behind))) => behind.split_whitespace().next(),
            (Some((before, _)), None) => before.rsplit([':', ' ']).next(),
            (None, None) => None,
        };
        word.and_then(|word| word.rsplit('/').next()).filter(|name| name.len() > 1)
    })
}

fn projects(root: &Path) -> Vec<Project> {
    let globs: Vec<String> = LOCKS.iter().map(|(name, _)| format!(":(glob)**/{name}")).collect();
    let mut ask = vec!["ls-files", "-z", "--"];
    ask.extend(globs.iter().map(String::as_str));
    let listed = run(root, &ask).map(|output| fields(&output)).unwrap_or_default();
    listed
        .iter()
        .filter(|path| !path.contains("node_modules/"))
        .filter_map(|path| {
            let place = root.join(path);
            let name = place.file_name()?.to_str()?;
            let (_, command) = LOCKS.iter().find(|(known, _)| *known == name)?;
            Some(Project { folder: place.parent()?.to_path_buf(), lock: place.clone(), command })
        })
        .collect()
}

fn lacks(folder: &Path) -> bool {
    let modules = folder.join("node_modules");
    // With Plug'n'Play there is no such folder.
    if folder.join(".pnp.cjs").exists() || !folder.join("package.json").exists() {
        return false;
    }
    match modules.symlink_metadata() {
        Err(_) => true,
        Ok(meta) if meta.is_dir() => {
            direct(folder).iter().any(|name| !modules.join(name).join("package.json").exists())
        }
        Ok(_) => false,
    }
}

/// Packages that `package.json` itself asks for.
fn direct(folder: &Path) -> Vec<String> {
    let text = std::fs::read(folder.join("package.json")).unwrap_or_default();
    let json: Value = serde_json::from_slice(&text).unwrap_or_default();
    let kinds = ["dependencies", "devDependencies"];
    let listed = kinds.iter().filter_map(|kind| json[*kind].as_object());
    listed.flat_map(|packages| packages.keys().cloned()).collect()
}
