//! One archive for whoever helps: what this machine, this project's state and its last runs are like, without what is
//! private. Gathers first, shows what it has, writes only then, and never over a file that is there.

mod archive;
mod machine;
mod redact;
mod runs;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::store::Store;

use super::{Error, Project};
use redact::{Person, Redactor};

/// The most that one file of the archive holds; of longer ones the end counts.
const LARGEST: usize = 4 << 20;

/// What would be written: names and texts, redacted already.
pub struct Bundle {
    files: Vec<(String, String)>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub path: PathBuf,
    /// Bytes of the archive.
    pub bytes: u64,
    /// Names of its files with their sizes.
    pub files: Vec<(String, usize)>,
}

/// Gathers and writes at once, for who has shown the list already.
pub fn bundle(project: &Project, store: Option<&Store>, out: &Path, checks: Value) -> Result<Report, Error> {
    gather(project, store, checks).write(out)
}

/// Reads everything and takes out what is private; writes nothing.
pub fn gather(project: &Project, store: Option<&Store>, checks: Value) -> Bundle {
    gather_in(project, store, checks, &machine::environment())
}

/// The same in an environment that is given: names and values, in the order of the names.
pub fn gather_in(
    project: &Project,
    store: Option<&Store>,
    checks: Value,
    environment: &[(String, String)],
) -> Bundle {
    let stored = store.map(runs::newest).unwrap_or_default();
    let redactor = redactor(project, &stored, environment);
    let mut files = vec![("README.txt".to_string(), README.to_string())];
    let mut add = |name: &str, value: &Value| files.push((name.to_string(), pretty(&redactor.value(value))));
    add("checks.json", &checks);
    add("definitions.json", &runs::definitions(project, &stored));
    add("environment.json", &machine::shown(environment, &redactor));
    add("resources.json", &machine::resources(project.root(), store.map(Store::dir)));
    add("state.json", &runs::state(store));
    add("versions.json", &machine::versions(project.root(), &runs::programs(&stored)));
    for run in &stored {
        files.extend(runs::files(run, &redactor));
    }
    files.iter_mut().for_each(|(name, text)| {
        *name = safe_name(&redactor.text(name));
        cut(text);
    });
    files.sort();
    Bundle { files }
}

impl Bundle {
    /// Names of the files with their sizes, as they will be written.
    pub fn listing(&self) -> Vec<(String, usize)> {
        self.files.iter().map(|(name, text)| (name.clone(), text.len())).collect()
    }

    /// The text of one file.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files.iter().find(|(other, _)| other == name).map(|(_, text)| text.as_str())
    }

    /// Writes a `.tar.gz` that only its owner can read; refuses where something is already there.
    pub fn write(&self, out: &Path) -> Result<Report, Error> {
        let bytes = archive::write(out, &self.files)?;
        Ok(Report { path: out.to_path_buf(), bytes, files: self.listing() })
    }
}

const README: &str = "\
Written by `wfl doctor --bundle`. Look through it before you pass it on.

checks.json        what `wfl doctor` found
definitions.json   hashes of the lane files, as they are and as the last runs had them
environment.json   names of environment variables; values only where they are no secret
resources.json     processors, memory, disks, limits
state.json         the state's schema, its soundness, the newest runs
versions.json      wfl, the system, and known tools that the lanes start
runs/ID/           events of the last three runs, and the last 200 lines of each failed stage

Taken out: values of secrets that lanes declare, and of variables whose names say so; what looks like a token, a key or a
password; mail addresses; the home folder (~), the user's name (<user>) and the host's (<host>). No file of the project is in
it.
";

/// Knows every secret that can be known here.
fn redactor(project: &Project, stored: &[runs::Stored], environment: &[(String, String)]) -> Redactor {
    let plain = Redactor::new(&[], &Person::default());
    let declared = runs::secret_sources(project, stored);
    let secret = |name: &String| plain.is_secret_name(name) || declared.contains(name);
    let secrets: Vec<String> =
        environment.iter().filter(|(name, _)| secret(name)).map(|(_, value)| value.clone()).collect();
    Redactor::new(&secrets, &machine::person(environment))
}

fn pretty(value: &Value) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| json!(null).to_string());
    text.push('\n');
    text
}

/// Inside the archive, and nowhere else.
fn safe_name(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || "-_./=[],<>~".contains(c) { c } else { '_' };
    name.chars().map(plain).collect::<String>().replace("..", "_")
}

fn cut(text: &mut String) {
    if text.len() <= LARGEST {
        return;
    }
    let mut from = text.len() - LARGEST;
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let kept = text.split_off(from);
    *text = format!("(the beginning was left out)\n{kept}");
}

#[cfg(test)]
mod tests;
