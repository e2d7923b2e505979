//! The files behind the programs that an attempt starts. Starts nothing.

use std::path::PathBuf;

use super::command;
use crate::port::{Action, AttemptSpec};

/// Each program an action names itself: the interpreter of a script, the first word of an `exec`.
pub fn named(spec: &AttemptSpec) -> Vec<String> {
    let name = |action: &Action| match action {
        Action::Script { interpreter, .. } => interpreter.split_whitespace().next().map(str::to_owned),
        Action::Exec { argv } => argv.first().cloned(),
        Action::Render { .. } => None,
    };
    spec.actions.iter().filter_map(name).collect()
}

/// The file that would be started for the name; none when there is none.
pub fn file(spec: &AttemptSpec, name: &str) -> Option<PathBuf> {
    command::program(spec, name)
}
