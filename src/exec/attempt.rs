//! One attempt: outputs made ready, actions in order until one fails, the outcome put into words.
//! Does not know what the outcome means for stage or run.

use std::fs;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::command::{self, Prepared};
use super::environment::Inherited;
use super::launch::{self, Input, Started};
use super::process::{self, Cut, Finished, Limits};
use super::stop::Stop;
use super::{fence, render};
use crate::base::clock::format_duration;
use crate::capture::{Capture, LineSink, Mask};
use crate::event::{AttemptStatus, Outcome, Usage};
use crate::port::{Action, AttemptSpec, Busy};
use crate::workspace::resolve_inside;

/// How long a later action waits for room on the machine: the attempt cannot begin again.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a program may still be open for writing.
const WRITTEN: Duration = Duration::from_secs(1);

/// How an action ended, when not well.
#[derive(Debug)]
struct Failure {
    status: AttemptStatus,
    exit: Option<i32>,
    signal: Option<i32>,
    error: Option<String>,
}

enum Stopped {
    Failed(Failure),
    /// Nothing was started yet.
    Busy(Busy),
}

impl Failure {
    fn new(error: impl Into<String>) -> Self {
        Failure { status: AttemptStatus::Failed, exit: None, signal: None, error: Some(error.into()) }
    }
}

/// Carries out the attempt on this thread.
pub(super) fn run(spec: &AttemptSpec, stop: &Stop, around: &Around<'_>) -> Result<Outcome, Busy> {
    let began = Instant::now();
    let mask = Mask::new(&spec.mask);
    let capture = Capture::new(spec.node, spec.log.as_deref(), around.log_cap, &mask, around.sink);
    let deadline = spec.timeout.and_then(|timeout| began.checked_add(timeout));
    let limits = Limits { stop, deadline, grace: spec.grace };
    let mut attempt = Attempt {
        spec,
        inherited: around.inherited,
        input: around.input,
        renderer: around.renderer,
        limits,
        mask: &mask,
        capture,
        usage: Usage::default(),
        exit: None,
        buffer: Vec::new(),
    };
    let failure = match attempt.actions() {
        Ok(()) => None,
        Err(Stopped::Failed(failure)) => Some(failure),
        Err(Stopped::Busy(busy)) => return Err(busy),
    };
    attempt.capture.finish();
    Ok(attempt.outcome(failure, &mask, began.elapsed()))
}

/// What is the same for all attempts of an executor.
pub(super) struct Around<'a> {
    pub(super) inherited: &'a Inherited,
    pub(super) input: &'a Input,
    pub(super) sink: Option<&'a LineSink>,
    pub(super) log_cap: u64,
    pub(super) renderer: Option<&'a Path>,
}

struct Attempt<'a> {
    spec: &'a AttemptSpec,
    inherited: &'a Inherited,
    input: &'a Input,
    renderer: Option<&'a Path>,
    limits: Limits<'a>,
    mask: &'a Mask,
    capture: Capture<'a>,
    usage: Usage,
    /// Of the last process that ended well.
    exit: Option<i32>,
    buffer: Vec<u8>,
}

impl Attempt<'_> {
    fn actions(&mut self) -> Result<(), Stopped> {
        prepare_outputs(self.spec).map_err(|error| Stopped::Failed(Failure::new(error)))?;
        let actions = &self.spec.actions;
        let mut index = 0;
        while let Some(action) = actions.get(index) {
            if self.limits.stop.asked() {
                return Err(Stopped::Failed(cancelled(None)));
            }
            let first = index == 0;
            index += 1;
            let prepared = match action {
                Action::Script { interpreter, text } => command::script(self.spec, interpreter, text),
                Action::Exec { argv } => command::exec(self.spec, argv),
                Action::Render { .. } => {
                    // Files rendered one after the other are one set: whole, or not there.
                    let files: Vec<render::File> = actions[index - 1..].iter().map_while(file).collect();
                    index += files.len() - 1;
                    self.render(files, first)?;
                    continue;
                }
            };
            let prepared = prepared.map_err(|error| Stopped::Failed(Failure::new(error)))?;
            self.process(prepared, first)?;
        }
        Ok(())
    }

    /// In a process of its own where there is a program for it.
    fn render(&mut self, files: Vec<render::File>, first: bool) -> Result<(), Stopped> {
        let failed = |error: String| Stopped::Failed(Failure::new(error));
        let job = render::Job { root: self.spec.root.clone(), files };
        let Some(program) = self.renderer else { return render::here(&job).map_err(failed) };
        let mut prepared = command::renderer(program, &job).map_err(failed)?;
        let command = &mut prepared.command;
        command.stdout(Stdio::null()).stderr(Stdio::piped()).process_group(0);
        self.inherited.mark(self.spec, command);
        let child = self.start(&prepared.name, first, || prepared.command.spawn().map(Started::from))?;
        // What it says is for us; of the stage's own output it is no part.
        let mut said = Capture::new(self.spec.node, None, 0, self.mask, None);
        let finished = process::follow(child, self.limits, &mut said, &mut self.buffer)
            .map_err(|e| failed(format!("lost sight of {}: {e}", prepared.name)))?;
        said.finish();
        self.add(&finished.usage);
        match finished.cut {
            Some(cut) => Err(Stopped::Failed(self.cut(cut, &prepared.name))),
            None => render::worker::verdict(finished.status, &said.stderr()).map_err(failed),
        }
    }

    fn process(&mut self, prepared: Prepared, first: bool) -> Result<(), Stopped> {
        let child = self.start(&prepared.name, first, || {
            let environment = self.inherited.environment(self.spec)?;
            let input = self.input.get()?;
            launch::start(&prepared.command, &environment.entries(), &self.spec.cwd, input)
        })?;
        let finished = process::follow(child, self.limits, &mut self.capture, &mut self.buffer)
            .map_err(|e| Stopped::Failed(Failure::new(format!("lost sight of {}: {e}", prepared.name))))?;
        self.add(&finished.usage);
        if finished.cut.is_some() {
            // Those that left the group keep the environment, by which they are found.
            let attempt = Some((self.spec.key.as_str(), self.spec.attempt));
            fence::kill(&fence::Marker { run: &self.spec.run, attempt });
        }
        match self.judge(&finished, &prepared.name) {
            None => Ok(()),
            Some(failure) => Err(Stopped::Failed(failure)),
        }
    }

    /// Starts the first action or says that the machine is busy; for a later one, waits for room.
    fn start(
        &self,
        name: &str,
        first: bool,
        mut spawn: impl FnMut() -> io::Result<Started>,
    ) -> Result<Started, Stopped> {
        let since = Instant::now();
        loop {
            match spawn() {
                Ok(child) => return Ok(child),
                // A program just written may still be open for writing in a child of ours that is about to start.
                Err(e) if e.raw_os_error() == Some(libc::ETXTBSY) && since.elapsed() < WRITTEN => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(e) if command::is_busy(&e) && first => {
                    return Err(Stopped::Busy(Busy(format!("cannot start {name}: {e}"))));
                }
                Err(e) if command::is_busy(&e) && since.elapsed() < PATIENCE && !self.limits.stop.asked() => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(e) => {
                    // One that is not there, or no program, is told of better than the kernel does.
                    let missing = command::missing(self.spec, name);
                    let error = missing.unwrap_or_else(|| command::start_error(&e, name, &self.spec.cwd));
                    return Err(Stopped::Failed(Failure::new(error)));
                }
            }
        }
    }

    fn add(&mut self, usage: &Usage) {
        self.usage.user_ms += usage.user_ms;
        self.usage.system_ms += usage.system_ms;
        self.usage.max_rss = self.usage.max_rss.max(usage.max_rss);
    }

    fn judge(&mut self, finished: &Finished, name: &str) -> Option<Failure> {
        let (exit, signal) = exit_of(finished.status);
        let with = |failure: Failure| Some(Failure { exit: Some(exit), signal, ..failure });
        match finished.cut {
            Some(cut) => with(self.cut(cut, name)),
            None if signal.is_none() && self.accepts(exit) => {
                self.exit = Some(exit);
                None
            }
            None => {
                let error = killed_words(exit, signal, name);
                with(Failure { status: AttemptStatus::Failed, exit: None, signal: None, error })
            }
        }
    }

    fn cut(&self, cut: Cut, name: &str) -> Failure {
        match cut {
            Cut::Cancelled => cancelled(None),
            Cut::TimedOut => {
                let limit = self.spec.timeout.map_or(0, |limit| limit.as_millis() as i64);
                let error =
                    Some(format!("timed out: `{name}` had {} and did not end", format_duration(limit)));
                Failure { status: AttemptStatus::TimedOut, exit: None, signal: None, error }
            }
        }
    }

    fn accepts(&self, exit: i32) -> bool {
        match self.spec.exit_ok.as_slice() {
            [] => exit == 0,
            accepted => accepted.contains(&exit),
        }
    }

    fn outcome(self, failure: Option<Failure>, mask: &Mask, took: Duration) -> Outcome {
        let stderr = if failure.is_some() { self.capture.stderr() } else { String::new() };
        let failure = failure.unwrap_or(Failure {
            status: AttemptStatus::Succeeded,
            exit: self.exit,
            signal: None,
            error: None,
        });
        Outcome {
            status: failure.status,
            exit: failure.exit,
            signal: failure.signal,
            duration_ms: took.as_millis() as u64,
            error: failure.error.map(|error| mask.text(&error)),
            stderr,
            usage: self.usage,
            log_cut: self.capture.log_cut(),
        }
    }
}

/// The file that an action renders.
fn file(action: &Action) -> Option<render::File> {
    let Action::Render { target, template, schema, context } = action else { return None };
    Some(render::File {
        target: target.clone(),
        template: template.clone(),
        schema: schema.clone(),
        context: context.clone(),
    })
}

fn cancelled(exit: Option<i32>) -> Failure {
    Failure { status: AttemptStatus::Cancelled, exit, signal: None, error: None }
}

/// Exit code as shells count it, and the signal.
fn exit_of(status: ExitStatus) -> (i32, Option<i32>) {
    match status.signal() {
        Some(signal) => (128 + signal, Some(signal)),
        None => (status.code().unwrap_or(-1), None),
    }
}

/// Words for an end by a signal that we did not send. A shell reports its child's as an exit code.
fn killed_words(exit: i32, signal: Option<i32>, name: &str) -> Option<String> {
    let name = command::base_name(name);
    match (signal, exit) {
        (Some(libc::SIGKILL), _) => Some(format!("{name} was killed (out of memory?)")),
        (None, 137) => Some("a process of the stage was killed (out of memory?)".into()),
        (Some(signal), _) => Some(format!("{name} was ended by signal {signal}{}", signal_name(signal))),
        (None, _) => None,
    }
}

fn signal_name(signal: i32) -> &'static str {
    match signal {
        libc::SIGHUP => " (HUP)",
        libc::SIGINT => " (INT)",
        libc::SIGILL => " (ILL: not a processor instruction)",
        libc::SIGABRT => " (ABRT: it gave up)",
        libc::SIGBUS => " (BUS: bad memory access)",
        libc::SIGFPE => " (FPE: bad arithmetic)",
        libc::SIGSEGV => " (SEGV: bad memory access)",
        libc::SIGPIPE => " (PIPE)",
        libc::SIGTERM => " (TERM)",
        _ => "",
    }
}

/// Folders of outputs are there before the stage starts, and old outputs are gone where fresh ones are asked for.
fn prepare_outputs(spec: &AttemptSpec) -> Result<(), String> {
    for output in &spec.outputs {
        resolve_inside(&spec.root, output).map_err(|escape| escape.to_string())?;
        if let Some(folder) = output.parent().filter(|folder| !folder.is_dir()) {
            fs::create_dir_all(folder)
                .map_err(|e| format!("cannot make the folder {}: {e}", folder.display()))?;
            hide_reports(folder, &spec.root);
        }
        if spec.fresh_outputs {
            remove(output, &spec.root)
                .map_err(|e| format!("cannot remove the old {}: {e}", output.display()))?;
        }
    }
    Ok(())
}

/// Reports under `.wfl/out` are no part of the change: git is told to ignore that folder when it is made. If that
/// cannot be written, the reports merely show up as untracked.
fn hide_reports(made: &Path, root: &Path) {
    let reports = root.join(".wfl/out");
    if made.starts_with(&reports) {
        let _ = fs::write(reports.join(".gitignore"), "*\n");
    }
}

fn remove(output: &Path, root: &Path) -> io::Result<()> {
    let inside = output != root && output.starts_with(root);
    let removed = match fs::symlink_metadata(output) {
        Ok(meta) if meta.is_dir() && inside => fs::remove_dir_all(output),
        Ok(_) => fs::remove_file(output),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}
