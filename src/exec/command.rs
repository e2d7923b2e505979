//! From an action to a command: interpreters, programs on the PATH. Starts nothing and knows nothing of outcomes.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{Access, access};

use super::ending::Failure;
use super::environment;
use super::render::{Job, worker};
use crate::base::suggest::{did_you_mean, nearest};
use crate::event::FailureClass;
use crate::port::AttemptSpec;

/// One argument may be 128 KiB on Linux; longer scripts go through a file.
const LONGEST_ARGUMENT: usize = 100_000;

/// A program's file and its arguments, as they were given: `Command` would quietly replace one that holds a NUL.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl Words {
    fn new<'a>(program: PathBuf, arguments: impl Iterator<Item = &'a str>) -> Self {
        Words { program, arguments: arguments.map(OsString::from).collect() }
    }
}

/// A command ready to start, and the script file it reads, removed with it.
#[derive(Debug)]
pub(super) struct Prepared<C = Words> {
    pub(super) command: C,
    /// As a person knows it, for messages.
    pub(super) name: String,
    _script: Option<ScriptFile>,
}

/// `run`: the interpreter with its arguments and the text.
pub(super) fn script(spec: &AttemptSpec, interpreter: &str, text: &str) -> Result<Prepared, Failure> {
    let mut words = interpreter.split_whitespace();
    let name = words.next().unwrap_or("bash");
    let program = interpreter_program(spec, name).map_err(missing)?;
    let (strict, inline) = flags(name);
    let mut command = Words::new(program, words.chain(strict.iter().copied()));
    let file = match text.len() {
        ..=LONGEST_ARGUMENT => {
            command.arguments.extend([inline.into(), text.into()]);
            None
        }
        _ => {
            let file = ScriptFile::new(text)
                .map_err(|e| Failure::unready(&e, format!("cannot write the script to a file: {e}")))?;
            command.arguments.push(file.path.clone().into());
            Some(file)
        }
    };
    Ok(Prepared { command, name: name.to_string(), _script: file })
}

/// This program, as lanes name it.
const ITSELF: &str = "wfl";

/// `exec`: a program and its arguments. `wfl` is the program that runs the stage, `itself`, where it is known, whatever
/// the PATH holds: a lane is judged by the version that runs it.
pub(super) fn exec(spec: &AttemptSpec, argv: &[String], itself: Option<&Path>) -> Result<Prepared, Failure> {
    let Some((name, arguments)) = argv.split_first().filter(|(name, _)| !name.is_empty()) else {
        return Err(missing("the program's name is empty".into()));
    };
    // Whether a file with a slash is there shows when it is started.
    let program = match itself.filter(|_| name == ITSELF) {
        Some(itself) => Ok(itself.to_path_buf()),
        None if name.contains('/') => Ok(spec.cwd.join(name)),
        None => find(spec, name),
    };
    let command = Words::new(program.map_err(missing)?, arguments.iter().map(String::as_str));
    Ok(Prepared { command, name: name.clone(), _script: None })
}

fn missing(error: String) -> Failure {
    Failure::new(FailureClass::NotStarted, error)
}

/// Arguments that make it strict, and the one that takes the text.
fn flags(interpreter: &str) -> (&'static [&'static str], &'static str) {
    let word = interpreter.rsplit('/').next().unwrap_or(interpreter);
    match word {
        "bash" => (&["-euo", "pipefail"], "-c"),
        "sh" | "dash" => (&["-eu"], "-c"),
        "node" | "perl" | "ruby" => (&[], "-e"),
        _ => (&[], "-c"),
    }
}

fn interpreter_program(spec: &AttemptSpec, name: &str) -> Result<PathBuf, String> {
    let found = find(spec, name);
    match name {
        "python" => found.or_else(|error| find(spec, "python3").map_err(|_| error)),
        "bash" => found.map_err(|error| format!("{error}, or write the script for `run sh`")),
        _ => found,
    }
}

/// After a program with a slash did not start: that it is not there or no program, if that is why.
pub(super) fn absent(spec: &AttemptSpec, name: &str) -> Option<String> {
    if name.contains('/') { find(spec, name).err() } else { None }
}

/// The program's file: a name with a slash is relative to the working directory, any other is looked for on the PATH.
/// Found here rather than by the child, which keeps the fast way of starting it open.
fn find(spec: &AttemptSpec, name: &str) -> Result<PathBuf, String> {
    let missing = || format!("program not found: {name}");
    if name.contains('/') {
        let program = spec.cwd.join(name);
        return match executable(&program) {
            true => Ok(program),
            false if program.exists() => {
                Err(format!("not executable: {name}; `chmod +x {name}` makes it so"))
            }
            false => Err(format!("{} (looked in {})", missing(), spec.cwd.display())),
        };
    }
    let path = environment::path(spec);
    let places = std::env::split_paths(&path).map(|folder| spec.cwd.join(folder).join(name));
    places
        .into_iter()
        .find(|place| executable(place))
        .ok_or_else(|| format!("{}; {}install it, or check the PATH", missing(), near(spec, name, &path)))
}

/// Programs of the PATH whose names are near.
fn near(spec: &AttemptSpec, name: &str, path: &OsStr) -> String {
    let folders = std::env::split_paths(path).filter_map(|folder| spec.cwd.join(folder).read_dir().ok());
    let entries = folders.flatten().flatten().filter(|entry| executable(&entry.path()));
    let names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let names = nearest(name, names.iter().map(String::as_str));
    did_you_mean(&names).map(|question| question + " Else ").unwrap_or_default()
}

/// The file that a name stands for, an interpreter's included; nothing when there is none.
pub(super) fn program(spec: &AttemptSpec, name: &str) -> Option<PathBuf> {
    interpreter_program(spec, name).ok()
}

fn executable(place: &Path) -> bool {
    access(place, Access::EXEC_OK).is_ok() && !place.is_dir()
}

/// The process that renders, its job on standard input.
pub(super) fn renderer(program: &Path, job: &Job) -> Result<Prepared<Command>, Failure> {
    let text = serde_json::to_string(job).map_err(|e| {
        Failure::new(FailureClass::Render, format!("the templates' values cannot be written: {e}"))
    })?;
    let open = |file: &ScriptFile| std::fs::File::open(&file.path);
    let file = ScriptFile::new(&text).and_then(|file| Ok((open(&file)?, file)));
    let (job, file) =
        file.map_err(|e| Failure::unready(&e, format!("cannot write the templates' values to a file: {e}")))?;
    let command = worker::command(program, job);
    Ok(Prepared { command, name: "the renderer".into(), _script: Some(file) })
}

/// A script too long for an argument, readable by its owner alone.
#[derive(Debug)]
struct ScriptFile {
    path: PathBuf,
}

impl ScriptFile {
    fn new(text: &str) -> std::io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("wfl-script-{}-{number}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let script = ScriptFile { path };
        file.write_all(text.as_bytes())?;
        Ok(script)
    }
}

impl Drop for ScriptFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why a command that was found did not start, in words.
pub(super) fn start_error(error: &std::io::Error, name: &str, cwd: &Path) -> String {
    let reason = match error.raw_os_error() {
        _ if !cwd.is_dir() => return format!("working directory not found: {}", cwd.display()),
        Some(libc::ENOENT) => "the interpreter its first line (`#!`) names is not there",
        Some(libc::ENOEXEC) => "it is no program: a script needs a first line such as `#!/bin/sh`",
        Some(libc::E2BIG) => "its arguments and environment are too long together",
        Some(libc::EACCES) => "permission denied",
        _ if error.kind() == std::io::ErrorKind::InvalidInput => {
            "an argument or environment value holds a NUL byte, or an environment name a `=`"
        }
        _ => return format!("cannot start {name}: {error}"),
    };
    format!("cannot start {name}: {reason}")
}

/// The machine has no room for another process now.
pub(super) fn is_busy(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE))
}

/// The last part of a program's path.
pub(super) fn base_name(name: &str) -> &str {
    Path::new(name).file_name().and_then(OsStr::to_str).unwrap_or(name)
}
