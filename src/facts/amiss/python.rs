//! The project's own python environment, `.venv` or `venv`: there with its python, and with the packages asked for.
//! Nothing is ever installed for the whole machine or the user.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::program;
use crate::facts::git::run;
use crate::facts::program::find as on_the_path;

/// What says which packages there must be, and what installs them; the first that is there counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Uv,
    Poetry,
    Requirements,
}

fn source(root: &Path) -> Option<Source> {
    let has = |file: &str, program: &str| root.join(file).is_file() && on_the_path(program).is_some();
    match () {
        () if has("uv.lock", "uv") => Some(Source::Uv),
        () if has("poetry.lock", "poetry") => Some(Source::Poetry),
        () if has("requirements.txt", "python3") => Some(Source::Requirements),
        () => None,
    }
}

/// The environment that is missing, or whose python is gone; git must ignore it.
pub(super) fn environment(root: &Path) -> Option<PathBuf> {
    source(root)?;
    let folder = place(root)?;
    let python = folder.join("bin/python");
    // A link that leads nowhere is there and does not exist.
    (!python.exists() && is_ignored(root, &folder)).then_some(folder)
}

/// Where it is or would be. A link is another's.
fn place(root: &Path) -> Option<PathBuf> {
    let names = [".venv", "venv"].map(|name| root.join(name));
    let there = names.iter().find(|folder| folder.symlink_metadata().is_ok());
    let folder = there.unwrap_or(&names[0]);
    folder.symlink_metadata().is_ok_and(|meta| meta.is_dir()).then(|| folder.clone()).or_else(|| {
        folder.symlink_metadata().is_err().then(|| folder.clone())
    })
}

fn is_ignored(root: &Path, folder: &Path) -> bool {
    let file = folder.join("x").display().to_string();
    run(root, &["check-ignore", "--quiet", "--", &file]).is_ok()
}

pub(super) fn make(root: &Path) -> Result<Vec<String>, String> {
    let Some(folder) = environment(root) else { return Ok(Vec::new()) };
    drop_dangling(&folder.join("bin"));
    let name = folder.display().to_string();
    if source(root) == Some(Source::Requirements) {
        // The installer of the python outside serves this one as well.
        program(root, &["python3", "-m", "venv", "--without-pip", &name])?;
    }
    install_all(root, &folder)?;
    Ok(vec![super::shown(root, &folder)])
}

/// Links to a python that was removed: nothing is behind them.
fn drop_dangling(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let dangling = |path: &PathBuf| path.is_symlink() && !path.exists();
    entries.filter(dangling).for_each(|path| {
        let _ = fs::remove_file(path);
    });
}

fn install_all(root: &Path, folder: &Path) -> Result<(), String> {
    let python = folder.join("bin/python").display().to_string();
    match source(root) {
        Some(Source::Uv) => program(root, &["uv", "sync", "--locked"]),
        Some(Source::Poetry) => program(root, &["poetry", "install", "--no-interaction"]),
        Some(Source::Requirements) => {
            let own = site_packages(folder).is_some_and(|site| site.join("pip").is_dir());
            let pip: &[&str] = match own {
                true => &[&python, "-m", "pip"],
                false => &["python3", "-m", "pip", "--python", &python],
            };
            program(root, &[pip, &["install", "-q", "-r", "requirements.txt"]].concat())
        }
        None => Ok(()),
    }
}

/// What is asked for and not installed; nothing where the environment itself is amiss.
pub(super) fn packages(root: &Path, failure: &str) -> Vec<String> {
    let Some(folder) = place(root).filter(|folder| folder.join("bin/python").exists()) else {
        return Vec::new();
    };
    if !is_ignored(root, &folder) {
        return Vec::new();
    }
    let installed = installed(&folder);
    match source(root) {
        None => Vec::new(),
        Some(Source::Requirements) => {
            let wanted = required(&root.join("requirements.txt"));
            wanted.into_iter().filter(|name| !installed.contains(name)).collect()
        }
        // What these locks name need not be for this machine; the module that was missed tells.
        Some(_) => missed(failure).into_iter().filter(|module| !is_own(root, module)).collect(),
    }
}

pub(super) fn install(root: &Path, failure: &str) -> Result<Vec<String>, String> {
    let lacking = packages(root, failure);
    if let (false, Some(folder)) = (lacking.is_empty(), place(root)) {
        install_all(root, &folder)?;
    }
    Ok(lacking)
}

/// `No module named 'a.b'`: `a`.
fn missed(failure: &str) -> BTreeSet<String> {
    let after = failure.split("No module named ").skip(1);
    let name = |rest: &str| -> String {
        let rest = rest.trim_start_matches(['\'', '"']);
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    after.map(name).filter(|name| !name.is_empty()).collect()
}

fn is_own(root: &Path, module: &str) -> bool {
    let places = [root.to_path_buf(), root.join("src")];
    places.iter().any(|place| place.join(module).is_dir() || place.join(format!("{module}.py")).is_file())
}

/// Names in a requirements file, in the form that names are compared in.
fn required(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let plain = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    plain
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()) && !line.contains(';'))
        .map(|line| normal(line.split(|c: char| !(c.is_alphanumeric() || "-_.".contains(c))).next().unwrap_or("")))
        .collect()
}

fn installed(folder: &Path) -> BTreeSet<String> {
    let site = site_packages(folder).map(fs::read_dir);
    let entries = site.into_iter().flatten().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"))?;
            Some(normal(stem.split_once('-').map_or(stem, |(name, _)| name)))
        })
        .collect()
}

fn site_packages(folder: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(folder.join("lib")).ok()?.flatten();
    versions.map(|version| version.path().join("site-packages")).find(|site| site.is_dir())
}

/// `Foo.Bar_baz` and `foo-bar-baz` are one.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}
