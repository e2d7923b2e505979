//! What a stage's processes inherit. Does not know where the values of `env` come from.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::{os, tree};
use crate::port::AttemptSpec;

/// What `environment clean` leaves even when nothing is passed: without these few programs do not start.
const ALWAYS: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "TERM"];

/// The environment of this program, looked at once.
#[derive(Debug)]
pub(super) struct Inherited {
    /// A controlling terminal, which stages must not get at: one that reads it from the background is stopped for ever.
    terminal: bool,
    /// `WFL_…` variables: they speak to wfl, not to what it runs.
    ours: Vec<OsString>,
}

impl Inherited {
    pub(super) fn here() -> Self {
        let ours = std::env::vars_os().map(|(name, _)| name);
        let terminal = tree::stat(std::process::id() as i32).is_some_and(|stat| stat.terminal);
        Inherited { terminal, ours: ours.filter(|name| is_ours(name)).collect() }
    }

    /// Sets the environment of a command.
    pub(super) fn apply(&self, spec: &AttemptSpec, command: &mut Command) {
        match &spec.clean_env {
            None => self.ours.iter().for_each(|name| {
                command.env_remove(name);
            }),
            Some(pass) => {
                command.env_clear();
                command.envs(passed(pass));
            }
        }
        for name in &spec.env_remove {
            command.env_remove(name);
        }
        self.mark(spec, command);
        command.envs(spec.env.iter().map(|(name, value)| (name, value)));
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

fn passed(globs: &[String]) -> Vec<(OsString, OsString)> {
    let matchers: Vec<_> = globs
        .iter()
        .filter_map(|glob| globset::Glob::new(glob).ok())
        .map(|glob| glob.compile_matcher())
        .collect();
    let wanted = |name: &OsStr| {
        let listed =
            name.to_str().is_some_and(|name| ALWAYS.contains(&name) || globs.iter().any(|g| g == name));
        listed || matchers.iter().any(|matcher| matcher.is_match(name))
    };
    std::env::vars_os().filter(|(name, _)| !is_ours(name) && wanted(name)).collect()
}
