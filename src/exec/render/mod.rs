//! Renders a set of files: all are filled and judged by their schemas before the first is written, so that a set is
//! there whole or not at all. Bounded in work and size; in memory too where a [`worker`] carries it out. Knows no stage.

mod filters;
mod schema;
pub(super) mod template;
pub(super) mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::base::templates;
use schema::Schema;

/// What a template or schema may be.
const LARGEST_SOURCE: u64 = 1 << 20;
/// What all files of a set may be together.
const LARGEST_SET: usize = 64 << 20;
/// How many doublings of a variable a template's text may hold where nothing else bounds its memory.
const DOUBLINGS: f64 = 12.0;

/// One file to render; `template` and `schema` are relative to the root, or a template is `std:NAME`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct File {
    pub(super) target: PathBuf,
    pub(super) template: PathBuf,
    pub(super) schema: Option<PathBuf>,
    pub(super) context: serde_json::Value,
}

/// Files that are rendered together.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Job {
    pub(super) root: PathBuf,
    pub(super) files: Vec<File>,
}

/// Carries the job out in this process, whose memory nothing bounds: templates that could take much of it are refused.
pub(super) fn here(job: &Job) -> Result<(), String> {
    carry_out(job, &mut |name, source| match template::doublings(source) > DOUBLINGS {
        true => Err(format!("the template {name} doubles its own variables too often")),
        false => Ok(()),
    })
}

/// Renders and judges everything, then writes it; `before` is told each template's name and text first.
fn carry_out(job: &Job, before: &mut dyn FnMut(&str, &str) -> Result<(), String>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    let mut schemas: BTreeMap<&Path, Schema> = BTreeMap::new();
    let (mut ready, mut size) = (Vec::new(), 0);
    for file in &job.files {
        let target = beneath(&job.root, &file.target)?;
        if !seen.insert(target.clone()) {
            let shown = shown(&job.root, &target);
            return Err(format!("two files would be written to {shown}: its path must differ for each"));
        }
        let text = filled(&job.root, file, &target, before)?;
        size += text.len();
        if size > LARGEST_SET {
            return Err(format!("the files are larger than {} MiB together", LARGEST_SET >> 20));
        }
        if let Some(path) = &file.schema {
            if !schemas.contains_key(path.as_path()) {
                schemas.insert(
                    path,
                    Schema::read(&path.display().to_string(), &source(&job.root, path, "schema")?)?,
                );
            }
            if let Some(schema) = schemas.get(path.as_path()) {
                schema.judge(&shown(&job.root, &target), &text)?;
            }
        }
        ready.push((target, text));
    }
    write(&job.root, &ready)
}

fn filled(
    root: &Path,
    file: &File,
    target: &Path,
    before: &mut dyn FnMut(&str, &str) -> Result<(), String>,
) -> Result<Vec<u8>, String> {
    let name = file.template.display().to_string();
    let source = source(root, &file.template, "template")?;
    before(&name, &source)?;
    let html = target.extension().is_some_and(|end| end == "html" || end == "htm");
    template::fill(&name, &source, &file.context, html)
}

pub(super) fn source(root: &Path, path: &Path, what: &str) -> Result<String, String> {
    match path.to_str().and_then(templates::name) {
        Some(name) => built_in(root, name, what),
        None => written(root, path, what),
    }
}

/// A template of the built-in library, unless the project has its own in its place.
fn built_in(root: &Path, name: &str, what: &str) -> Result<String, String> {
    let own = templates::own(name);
    if root.join(&own).exists() {
        return written(root, Path::new(&own), what);
    }
    let known = templates::text(name).map(str::to_owned);
    known.ok_or_else(|| format!("{what} not found: std:{name} is none of the built-in ones"))
}

fn written(root: &Path, path: &Path, what: &str) -> Result<String, String> {
    let shown = path.display();
    let path = beneath(root, path)?;
    let size = fs::metadata(&path).map_err(|e| format!("{what} not found: {shown} ({})", e.kind()))?.len();
    if size > LARGEST_SOURCE {
        return Err(format!("the {what} {shown} is larger than 1 MiB"));
    }
    fs::read_to_string(&path).map_err(|e| format!("cannot read the {what} {shown}: {e}"))
}

fn shown(root: &Path, target: &Path) -> String {
    target.strip_prefix(root).unwrap_or(target).display().to_string()
}

/// The absolute path of `path` under `root`; an error if it leaves, also through a link.
fn beneath(root: &Path, path: &Path) -> Result<PathBuf, String> {
    crate::workspace::resolve_inside(root, path).map_err(|escape| escape.to_string())
}

/// Every file is on the disk under another name before the first takes its place; each takes it at once.
fn write(root: &Path, files: &[(PathBuf, Vec<u8>)]) -> Result<(), String> {
    let mut fresh = Fresh::default();
    for (target, text) in files {
        let path = put(root, target, text).map_err(|e| format!("cannot write {}: {e}", target.display()))?;
        fresh.0.push(path);
    }
    for ((target, _), path) in files.iter().zip(&fresh.0) {
        fs::rename(path, target).map_err(|e| format!("cannot write {}: {e}", target.display()))?;
    }
    Ok(())
}

/// Files that have not taken their place; what is left of them is removed.
#[derive(Default)]
struct Fresh(Vec<PathBuf>);

impl Drop for Fresh {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

fn put(root: &Path, target: &Path, text: &[u8]) -> io::Result<PathBuf> {
    let folder = target.parent().unwrap_or(root);
    fs::create_dir_all(folder)?;
    // A link on the way may lead out where the path does not.
    if !folder.canonicalize()?.starts_with(root.canonicalize()?) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "a link on the way leaves the project"));
    }
    if target.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let fresh = folder.join(format!(".{name}.{}.wfl", std::process::id()));
    fs::write(&fresh, text).inspect_err(|_| drop(fs::remove_file(&fresh)))?;
    Ok(fresh)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(root: &Path, files: &[(&str, &str, Option<&str>)]) -> Job {
        let file = |(target, template, schema): &(&str, &str, Option<&str>)| File {
            target: target.into(),
            template: template.into(),
            schema: schema.map(PathBuf::from),
            context: json!({ "title": "<b>" }),
        };
        Job { root: root.into(), files: files.iter().map(file).collect() }
    }

    #[test]
    fn nothing_is_written_outside_the_root() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("project");
        fs::create_dir_all(&root).unwrap();
        fs::write(root.join("t"), "x").unwrap();
        assert!(here(&job(&root, &[("../out", "t", None)])).is_err());
        std::os::unix::fs::symlink(dir.path(), root.join("link")).unwrap();
        assert!(here(&job(&root, &[("link/out", "t", None)])).is_err());
        assert!(here(&job(&root, &[("out", "link/t", None)])).is_err());
        assert_eq!(here(&job(&root, &[("a/b/out", "t", None)])), Ok(()));
        assert_eq!(fs::read_to_string(root.join("a/b/out")).unwrap(), "x");
        assert_eq!(fs::read_dir(root.join("a/b")).unwrap().count(), 1);
    }

    #[test]
    fn a_set_is_written_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_path_buf();
        fs::write(root.join("good"), "1").unwrap();
        fs::write(root.join("bad"), "{{ nothing }}").unwrap();
        fs::write(root.join("old"), "before").unwrap();
        fs::create_dir(root.join("folder")).unwrap();
        for set in [
            [("old", "good", None), ("new", "bad", None)],
            [("old", "good", None), ("folder", "good", None)],
            [("old", "good", None), ("./old", "good", None)],
        ] {
            assert!(here(&job(&root, &set)).is_err(), "{set:?}");
            assert_eq!(fs::read_to_string(root.join("old")).unwrap(), "before");
            assert_eq!(fs::read_dir(&root).unwrap().count(), 4);
        }
    }

    #[test]
    fn a_template_that_doubles_is_refused_where_nothing_bounds_its_memory() {
        let dir = tempfile::tempdir().unwrap();
        let doubling = format!("{{% set x = 'ab' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
        fs::write(dir.path().join("t"), doubling).unwrap();
        assert!(here(&job(dir.path(), &[("out", "t", None)])).unwrap_err().contains("doubles"));
    }
}
