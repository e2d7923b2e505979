//! The project's own python environments, `.venv` or `venv` beside what says which packages there must be: there with
//! their python, and with these packages. Nothing is ever installed for the whole machine or the user.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{git, program};
use crate::facts::git::{fields, run};
use crate::facts::program::find as on_the_path;

/// What says which packages there must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Uv,
    Poetry,
    /// Names of requirements files.
    Requirements(Vec<String>),
}

/// A folder with such a file, and the environment that belongs to it.
#[derive(Debug)]
struct Project {
    folder: PathBuf,
    source: Source,
    environment: PathBuf,
}

/// Those that git tracks, with an environment that git ignores; one that is a link is another's.
fn projects(root: &Path) -> Vec<Project> {
    let globs = [":(glob)**/requirements*.txt", ":(glob)**/uv.lock", ":(glob)**/poetry.lock"];
    let listed = run(root, &[&["ls-files", "-z", "--"][..], &globs].concat()).unwrap_or_default();
    let files: Vec<PathBuf> = fields(&listed).iter().map(|path| root.join(path)).collect();
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    let project = |folder: &Path| {
        let source = source(folder, &files)?;
        let environment = place(folder)?;
        git::ignores(root, &environment).then(|| Project {
            folder: folder.to_path_buf(),
            source,
            environment,
        })
    };
    folders.into_iter().filter_map(project).collect()
}

fn source(folder: &Path, files: &[PathBuf]) -> Option<Source> {
    let has = |file: &str, program: &str| folder.join(file).is_file() && on_the_path(program).is_some();
    if has("uv.lock", "uv") {
        return Some(Source::Uv);
    }
    if has("poetry.lock", "poetry") {
        return Some(Source::Poetry);
    }
    let here = files.iter().filter(|file| file.parent() == Some(folder) && file.is_file());
    let names = here.filter_map(|file| Some(file.file_name()?.to_str()?.to_owned()));
    let names: Vec<String> = names.filter(|name| name.starts_with("requirements")).collect();
    (!names.is_empty() && on_the_path("python3").is_some()).then_some(Source::Requirements(names))
}

/// Where it is or would be.
fn place(folder: &Path) -> Option<PathBuf> {
    let names = [".venv", "venv"].map(|name| folder.join(name));
    let there = names.iter().find_map(|name| Some((name, name.symlink_metadata().ok()?)));
    match there {
        None => Some(names[0].clone()),
        Some((name, meta)) => meta.is_dir().then(|| name.clone()),
    }
}

impl Project {
    /// A link that leads nowhere is there and does not exist.
    fn has_python(&self) -> bool {
        self.environment.join("bin/python").exists()
    }

    fn install(&self) -> Result<(), String> {
        let python = self.environment.join("bin/python").display().to_string();
        match &self.source {
            Source::Uv => program(&self.folder, &["uv", "sync", "--locked"]),
            Source::Poetry => program(&self.folder, &["poetry", "install", "--no-interaction"]),
            Source::Requirements(files) => {
                let own = site_packages(&self.environment).is_some_and(|site| site.join("pip").is_dir());
                // The installer of the python outside serves an environment without one as well.
                let mut argv: Vec<&str> = match own {
                    true => vec![&python, "-m", "pip"],
                    false => vec!["python3", "-m", "pip", "--python", &python],
                };
                argv.extend(["install", "-q", "--no-input", "--disable-pip-version-check"]);
                argv.extend(files.iter().flat_map(|file| ["-r", file.as_str()]));
                program(&self.folder, &argv)
            }
        }
    }

    /// What is asked for and not installed.
    fn lacks(&self, failure: &str) -> Vec<String> {
        match &self.source {
            Source::Requirements(files) => {
                let installed = installed(&self.environment);
                let wanted = files.iter().flat_map(|file| required(&self.folder.join(file)));
                wanted.filter(|name| !installed.contains(name)).collect()
            }
            // What these locks name need not be for this machine; the module that was missed tells.
            _ => missed(failure).into_iter().filter(|module| !is_own(&self.folder, module)).collect(),
        }
    }
}

/// Environments that are missing, or whose python is gone.
pub(super) fn environments(root: &Path) -> Vec<PathBuf> {
    let lost = projects(root).into_iter().filter(|project| !project.has_python());
    lost.map(|project| project.environment).collect()
}

pub(super) fn make(root: &Path) -> Result<Vec<String>, String> {
    let mut made = Vec::new();
    for project in projects(root).into_iter().filter(|project| !project.has_python()) {
        drop_dangling(&project.environment.join("bin"));
        if let Source::Requirements(_) = project.source {
            let name = project.environment.display().to_string();
            program(&project.folder, &["python3", "-m", "venv", "--without-pip", &name])?;
        }
        project.install()?;
        made.push(super::shown(root, &project.environment));
    }
    Ok(made)
}

/// Links to a python that was removed: nothing is behind them.
fn drop_dangling(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let dangling = |path: &PathBuf| path.is_symlink() && !path.exists();
    entries.filter(dangling).for_each(|path| {
        let _ = fs::remove_file(path);
    });
}

/// What is asked for and not installed in environments that have their python.
pub(super) fn packages(root: &Path, failure: &str) -> Vec<String> {
    let whole = projects(root).into_iter().filter(Project::has_python);
    whole.flat_map(|project| project.lacks(failure)).collect()
}

pub(super) fn install(root: &Path, failure: &str) -> Result<Vec<String>, String> {
    let mut installed = Vec::new();
    for project in projects(root).into_iter().filter(Project::has_python) {
        let lacking = project.lacks(failure);
        if !lacking.is_empty() {
            project.install()?;
            installed.extend(lacking);
        }
    }
    Ok(installed)
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

fn is_own(folder: &Path, module: &str) -> bool {
    let places = [folder.to_path_buf(), folder.join("src")];
    places.iter().any(|place| place.join(module).is_dir() || place.join(format!("{module}.py")).is_file())
}

/// Names in a requirements file, in the form that names are compared in. Those for some machines only are left out.
fn required(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let plain = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
    let named = |c: char| c.is_alphanumeric() || "-_.".contains(c);
    plain
        .filter(|line| line.starts_with(|c: char| c.is_ascii_alphanumeric()) && !line.contains(';'))
        .filter(|line| !line.contains('/'))
        .map(|line| normal(line.split(|c| !named(c)).next().unwrap_or("")))
        .collect()
}

fn installed(environment: &Path) -> BTreeSet<String> {
    let site = site_packages(environment).map(fs::read_dir);
    let entries = site.into_iter().flatten().flatten().flatten();
    entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let stem = name.strip_suffix(".dist-info").or_else(|| name.strip_suffix(".egg-info"))?;
            Some(normal(stem.split_once('-').map_or(stem, |(name, _)| name)))
        })
        .collect()
}

fn site_packages(environment: &Path) -> Option<PathBuf> {
    let versions = fs::read_dir(environment.join("lib")).ok()?.flatten();
    versions.map(|version| version.path().join("site-packages")).find(|site| site.is_dir())
}

/// `Foo.Bar_baz` and `foo-bar-baz` are one.
fn normal(name: &str) -> String {
    name.to_lowercase().replace(['_', '.'], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_missed_module_and_the_names_of_requirements_are_read() {
        let said = "Traceback …\nModuleNotFoundError: No module named 'yaml.nodes'\nNo module named left\n";
        assert_eq!(missed(said).into_iter().collect::<Vec<_>>(), ["left", "yaml"]);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("requirements.txt");
        let text =
            "# all\nFoo.Bar_baz==1.0  # why\n-e .\n./local\nrequests[socks]>=2\nwin; os_name == 'nt'\n\n";
        fs::write(&file, text).unwrap();
        assert_eq!(required(&file), ["foo-bar-baz", "requests"]);
    }
}
