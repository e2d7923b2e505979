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
pub(super) fn lacking(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = projects(root).into_iter().map(|(folder, _)| folder).collect();
    found.retain(|folder| lacks(folder));
    found.dedup();
    found
}

pub(super) fn install(root: &Path) -> Result<Vec<String>, String> {
    let mut installed = Vec::new();
    for (folder, command) in projects(root).into_iter().filter(|(folder, _)| lacks(folder)) {
        let damaged = folder.join("node_modules").exists() && command.first() == Some(&"npm");
        program(&folder, if damaged { NPM_ADDS } else { command })?;
        installed.push(super::shown(root, &folder));
    }
    Ok(installed)
}

fn projects(root: &Path) -> Vec<(PathBuf, &'static [&'static str])> {
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
            Some((place.parent()?.to_path_buf(), *command))
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
