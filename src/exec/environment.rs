//! What a stage's processes inherit. Does not know where the values of `env` come from.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{os, tree};
use crate::port::AttemptSpec;

/// What `environment clean` leaves even when nothing is passed: without these few programs do not start.
const ALWAYS: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM"];

/// The environment of this program, looked at once, in the form that the kernel takes: without `WFL_…` variables, which
/// speak to wfl and not to what it runs.
#[derive(Debug)]
pub(super) struct Inherited {
    /// A controlling terminal, which stages must not get at: one that reads it from the background is stopped for ever.
    pub(super) terminal: bool,
    all: Vec<Entry>,
}

/// `name=value`.
#[derive(Debug)]
struct Entry {
    name: usize,
    text: CString,
}

impl Entry {
    fn new(name: &OsStr, value: &OsStr) -> io::Result<Self> {
        if name.as_bytes().contains(&b'=') {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut text = name.to_os_string();
        text.push("=");
        text.push(value);
        let text = CString::new(text.into_vec()).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(Entry { name: name.len(), text })
    }

    fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.text.as_bytes()[..self.name])
    }
}

/// The environment of one attempt's processes.
#[derive(Debug)]
pub(super) struct Environment<'a> {
    inherited: Vec<&'a Entry>,
    own: Vec<Entry>,
}

impl Environment<'_> {
    pub(super) fn entries(&self) -> Vec<&CStr> {
        let inherited = self.inherited.iter().copied();
        inherited.chain(&self.own).map(|entry| entry.text.as_c_str()).collect()
    }
}

impl Inherited {
    pub(super) fn here() -> Self {
        let all = std::env::vars_os().filter(|(name, _)| !is_ours(name));
        let terminal = tree::stat(std::process::id() as i32).is_some_and(|stat| stat.terminal);
        Inherited { terminal, all: all.filter_map(|(name, value)| Entry::new(&name, &value).ok()).collect() }
    }

    /// What the attempt's processes are given: what it inherits, less what it may not see, and its own; of two of one
    /// name the later counts.
    pub(super) fn environment(&self, spec: &AttemptSpec) -> io::Result<Environment<'_>> {
        let attempt = spec.attempt.to_string();
        let marks = [("WFL_RUN", &spec.run), ("WFL_STAGE", &spec.key), ("WFL_ATTEMPT", &attempt)];
        let given = spec.env.iter().map(|(name, value)| (name.as_str(), value));
        let mut own: Vec<Entry> = Vec::with_capacity(marks.len() + spec.env.len());
        for (name, value) in marks.into_iter().chain(given) {
            let entry = Entry::new(name.as_ref(), value.as_ref())?;
            match own.iter_mut().find(|earlier| earlier.name() == entry.name()) {
                Some(earlier) => *earlier = entry,
                None => own.push(entry),
            }
        }
        let passes = spec.clean_env.as_deref().map(Passes::new);
        let kept = |entry: &&Entry| {
            let name = entry.name();
            passes.as_ref().is_none_or(|passes| passes.pass(name))
                && spec.env_remove.iter().all(|removed| name != removed.as_str())
                && own.iter().all(|own| own.name() != name)
        };
        Ok(Environment { inherited: self.all.iter().filter(kept).collect(), own })
    }

    /// Gives a command a group of its own, and where there is a terminal a session of its own.
    pub(super) fn set_apart(&self, command: &mut Command) {
        match self.terminal {
            true => os::in_own_session(command),
            false => {
                command.process_group(0);
            }
        }
    }

    /// The markers by which leftovers of a dead engine are found.
    pub(super) fn mark(&self, spec: &AttemptSpec, command: &mut Command) {
        command
            .env("WFL_RUN", &spec.run)
            .env("WFL_STAGE", &spec.key)
            .env("WFL_ATTEMPT", spec.attempt.to_string());
    }
}

/// The PATH that a stage's processes will see.
pub(super) fn path(spec: &AttemptSpec) -> OsString {
    let own = spec.env.iter().rev().find(|(name, _)| name == "PATH");
    match own {
        Some((_, value)) => value.into(),
        None if spec.env_remove.iter().any(|name| name == "PATH") => OsString::new(),
        None => std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into()),
    }
}

fn is_ours(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"WFL_")
}

/// What `environment clean` lets through.
struct Passes<'a> {
    globs: &'a [String],
    matchers: Vec<globset::GlobMatcher>,
}

impl<'a> Passes<'a> {
    fn new(globs: &'a [String]) -> Self {
        let read = globs.iter().filter_map(|glob| globset::Glob::new(glob).ok());
        Passes { globs, matchers: read.map(|glob| glob.compile_matcher()).collect() }
    }

    fn pass(&self, name: &OsStr) -> bool {
        let listed =
            name.to_str().is_some_and(|name| ALWAYS.contains(&name) || self.globs.iter().any(|g| g == name));
        listed || self.matchers.iter().any(|matcher| matcher.is_match(name))
    }
}
