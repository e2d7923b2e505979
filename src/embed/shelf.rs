//! Results that runs share, as the engine asks for them: rows in the store, marks and copies of files, programs on the
//! PATH. Plugs them together; decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use globset::Glob;

use crate::event::FileMark;
use crate::exec::programs;
use crate::model::shell;
use crate::port::{Action, AttemptSpec, InputFiles, Results, Stored};
use crate::store::{Store, StoreResults};
use crate::workspace::contents::Contents;
use crate::workspace::mark::Marker;
use crate::workspace::resolve_inside;

/// Words of a script that the shell carries out itself.
const BUILT_IN: &[&str] = &[
    ".", ":", "[", "[[", "alias", "bg", "break", "cd", "command", "continue", "declare", "echo", "eval",
    "exec", "exit", "export", "false", "fg", "getopts", "hash", "jobs", "kill", "let", "local", "mapfile",
    "popd", "printf", "pushd", "pwd", "read", "readonly", "return", "set", "shift", "shopt", "source",
    "test", "times", "trap", "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "wait",
];

/// The results of one project.
pub struct Shelf {
    root: PathBuf,
    marker: Marker,
    contents: Contents,
    store: StoreResults,
}

impl Shelf {
    pub fn new(root: &Path, store: &Store) -> Self {
        Shelf {
            root: root.to_owned(),
            marker: Marker::default(),
            contents: Contents::new(store.dir()),
            store: store.results(),
        }
    }

    fn inside(&self, path: &Path) -> Result<(), String> {
        resolve_inside(&self.root, path).map(drop).map_err(|escape| escape.to_string())
    }

    /// Where the program lies and what its file holds; an absent one may come later, so that is told too.
    fn identity(&self, spec: &AttemptSpec, name: &str) -> String {
        let Some(file) = programs::file(spec, name) else { return "not there".into() };
        let hash = self.marker.mark(&file).map_or_else(|e| e.to_string(), |mark| mark.hash);
        format!("{} {hash}", file.display())
    }
}

impl Results for Shelf {
    fn inputs(&self, globs: &[String], except: &[PathBuf]) -> Result<InputFiles, String> {
        let found = self.marker.inputs(&self.root, globs, except)?;
        Ok(InputFiles { files: found.files, hash: found.hash, beyond: found.beyond })
    }

    fn programs(&self, spec: &AttemptSpec) -> BTreeMap<String, String> {
        let mut names: BTreeSet<String> = programs::named(spec).into_iter().collect();
        names.extend(spec.actions.iter().flat_map(called_by));
        names.into_iter().map(|name| (name.clone(), self.identity(spec, &name))).collect()
    }

    fn passed(&self, globs: &[String]) -> BTreeMap<String, String> {
        let matchers: Vec<_> =
            globs.iter().filter_map(|glob| Glob::new(glob).ok()).map(|glob| glob.compile_matcher()).collect();
        let wanted = |name: &OsStr| {
            let listed = globs.iter().any(|glob| glob.as_str() == name);
            (listed || matchers.iter().any(|matcher| matcher.is_match(name))) && !ours(name)
        };
        let hash = |value: &OsStr| blake3::hash(value.as_encoded_bytes()).to_hex().to_string();
        std::env::vars_os()
            .filter(|(name, _)| wanted(name))
            .map(|(name, value)| (name.to_string_lossy().into_owned(), hash(&value)))
            .collect()
    }

    fn mark(&self, path: &Path) -> Result<FileMark, String> {
        self.marker.mark(path).map_err(|e| e.to_string())
    }

    fn find(&self, stage: &str, key: &str) -> Result<(Option<Stored>, Option<Stored>), String> {
        self.store.find(stage, key).map_err(|e| e.to_string())
    }

    fn bring_back(&self, path: &Path, mark: &FileMark) -> Result<(), String> {
        self.inside(path)?;
        self.contents.bring_back(mark, path)
    }

    fn keep(&self, path: &Path, mark: &FileMark) -> Result<(), String> {
        self.contents.keep(path, mark)
    }
}

fn ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"WFL_")
}

/// Programs that a shell script calls by a plain name; what it reaches in other ways nobody knows.
fn called_by(action: &Action) -> Vec<String> {
    let Action::Script { interpreter, text } = action else { return Vec::new() };
    let name = interpreter.split_whitespace().next().unwrap_or("bash").rsplit('/').next().unwrap_or_default();
    if !["bash", "sh", "dash", "zsh", "ksh"].contains(&name) {
        return Vec::new();
    }
    let Some(facts) = shell::read(text).facts else { return Vec::new() };
    let own = |name: &str| BUILT_IN.contains(&name) || facts.functions.contains(name);
    let mut called = Vec::new();
    for command in &facts.commands {
        let written = command.words.first().filter(|word| word.fixed).map(|word| word.text.as_str());
        let wrapped = command.program().map(|(name, _)| name);
        called.extend(written.into_iter().chain(wrapped).filter(|name| !own(name)).map(str::to_owned));
    }
    called.retain(|name| !name.is_empty() && !name.contains(['$', '`', '*', '?', ' ', '\n']));
    called
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_names_its_programs() {
        let text = "f() { tar x; }\nset -e\nf\nsudo cargo build --locked\n./tools/gen > out\n$RUN it\necho $(git rev-parse HEAD)\n";
        let script =
            |interpreter: &str| Action::Script { interpreter: interpreter.into(), text: text.into() };
        let called: BTreeSet<String> = called_by(&script("sh")).into_iter().collect();
        let called: Vec<&str> = called.iter().map(String::as_str).collect();
        assert_eq!(called, ["./tools/gen", "cargo", "gen", "git", "sudo", "tar"]);
        assert!(called_by(&script("python3")).is_empty());
    }
}
