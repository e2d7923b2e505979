//! One attempt: outputs made ready, actions in order until one fails, the outcome put into words.
//! Does not know what the outcome means for stage or run.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::command::{self, Prepared};
use super::ending::{self, Failure};
use super::environment::Inherited;
use super::family::Family;
use super::inject::Injected;
use super::launch::{self, Input, Started};
use super::oom::Kills;
use super::process::{self, Cut, Finished, Limits};
use super::stop::Stop;
use super::{fence, measure, render, tree};
use crate::base::clock::format_duration;
use crate::capture::{Capture, LineSink, Mask, Stream};
use crate::event::{AttemptStatus, FailureClass, Outcome, Usage};
use crate::port::{Action, AttemptSpec, Busy};
use crate::workspace::resolve_inside;

/// How long a later action waits for room on the machine: the attempt cannot begin again.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a program may still be open for writing.
const WRITTEN: Duration = Duration::from_secs(1);

enum Stopped {
    Failed(Failure),
    /// Nothing was started yet.
    Busy(Busy),
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(failure)
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
        around,
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

/// The attempt that the user wanted to fail: nothing is executed, and log and person are told.
pub(super) fn inject(spec: &AttemptSpec, injected: &Injected, around: &Around<'_>) -> Outcome {
    let mask = Mask::new(&spec.mask);
    let mut capture = Capture::new(spec.node, spec.log.as_deref(), around.log_cap, &mask, around.sink);
    capture.feed(Stream::Stderr, format!("wfl: {}\n", injected.words()).as_bytes());
    capture.finish();
    Outcome { stderr: capture.stderr(), log_cut: capture.log_cut(), ..injected.outcome() }
}

/// What is the same for all attempts of an executor.
pub(super) struct Around<'a> {
    pub(super) inherited: &'a Inherited,
    pub(super) input: &'a Input,
    pub(super) sink: Option<&'a LineSink>,
    pub(super) log_cap: u64,
    pub(super) renderer: Option<&'a Path>,
    pub(super) family: &'a Family,
    pub(super) kills: &'a Kills,
}

struct Attempt<'a> {
    spec: &'a AttemptSpec,
    around: &'a Around<'a>,
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
        prepare_outputs(self.spec)?;
        let actions = &self.spec.actions;
        let mut index = 0;
        while let Some(action) = actions.get(index) {
            if self.limits.stop.asked() {
                return Err(Failure::cancelled().into());
            }
            let first = index == 0;
            index += 1;
            let prepared = match action {
                Action::Script { interpreter, text } => command::script(self.spec, interpreter, text),
                Action::Exec { argv } => command::exec(self.spec, argv, self.around.renderer),
                Action::Render { .. } => {
                    // Files rendered one after the other are one set: whole, or not there.
                    let files: Vec<render::File> = actions[index - 1..].iter().map_while(file).collect();
                    index += files.len() - 1;
                    self.render(files, first)?;
                    continue;
                }
            };
            self.process(prepared?, first)?;
        }
        Ok(())
    }

    /// In a process of its own where there is a program for it.
    fn render(&mut self, files: Vec<render::File>, first: bool) -> Result<(), Stopped> {
        let failed = |error: String| Stopped::Failed(Failure::new(FailureClass::Render, error));
        let files = files.into_iter().map(|file| masked(file, self.mask)).collect();
        let job = render::Job { root: self.spec.root.clone(), files };
        let Some(program) = self.around.renderer else { return render::here(&job).map_err(failed) };
        let mut prepared = command::renderer(program, &job)?;
        let command = &mut prepared.command;
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        self.around.inherited.set_apart(command);
        self.around.inherited.mark(self.spec, command);
        let child = self.start(&prepared.name, first, || prepared.command.spawn().map(Started::from))?;
        // What it says is for us; of the stage's own output it is no part.
        let mut said = Capture::new(self.spec.node, None, 0, self.mask, None);
        let finished = self.follow(child, &prepared.name, Some(&mut said))?;
        said.finish();
        match finished.cut {
            Some(cut) => Err(self.cut(cut, &prepared.name).into()),
            None => render::worker::verdict(finished.status, &said.stderr()).map_err(failed),
        }
    }

    fn process(&mut self, prepared: Prepared, first: bool) -> Result<(), Stopped> {
        let child = self.start(&prepared.name, first, || {
            let input = self.around.input.get()?;
            launch::start(&prepared.command, self.around.inherited, self.spec, input)
        })?;
        let finished = self.follow(child, &prepared.name, None)?;
        match self.judge(&finished, &prepared.name) {
            None => Ok(()),
            Some(failure) => Err(failure.into()),
        }
    }

    /// To its end; what it used is added up. After a cut nothing of it is left.
    fn follow(
        &mut self,
        child: Started,
        name: &str,
        said: Option<&mut Capture<'_>>,
    ) -> Result<Finished, Failure> {
        let pid = child.pid;
        let finished = match said {
            Some(said) => process::follow(child, self.limits, said, &mut self.buffer),
            None => process::follow(child, self.limits, &mut self.capture, &mut self.buffer),
        };
        if let Ok(finished) = &finished {
            measure::add(&mut self.usage, &finished.usage);
            if finished.cut.is_some() {
                // Those that left the group keep the environment, or are still below one that was there.
                let attempt = Some((self.spec.key.as_str(), self.spec.attempt));
                fence::kill(&fence::Marker { run: &self.spec.run, attempt });
                tree::kill(&finished.below);
            }
        }
        self.around.family.ended(pid, finished.as_ref().ok().and_then(|finished| finished.born));
        finished.map_err(|e| Failure::new(FailureClass::Lost, format!("lost sight of {name}: {e}")))
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
            let spawned = self.around.family.start(&mut spawn, |child| child.pid);
            match spawned {
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
                    let absent = command::absent(self.spec, name);
                    let error = absent.unwrap_or_else(|| command::start_error(&e, name, &self.spec.cwd));
                    return Err(Failure::unready(&e, error).into());
                }
            }
        }
    }

    fn judge(&mut self, finished: &Finished, name: &str) -> Option<Failure> {
        let (exit, signal) = ending::exit_of(finished.status);
        let with = |failure: Failure| Some(Failure { exit: Some(exit), signal, ..failure });
        match finished.cut {
            Some(cut) => with(self.cut(cut, name)),
            None if signal.is_none() && self.accepts(exit) => {
                self.exit = Some(exit);
                None
            }
            None => Some(ending::ended_badly(exit, signal, name, || self.around.kills.look())),
        }
    }

    fn cut(&self, cut: Cut, name: &str) -> Failure {
        match cut {
            Cut::Cancelled => Failure::cancelled(),
            Cut::TimedOut => {
                let limit = self.spec.timeout.map_or(0, |limit| limit.as_millis() as i64);
                Failure::timed_out(format!(
                    "timed out: `{name}` had {} and did not end",
                    format_duration(limit)
                ))
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
        let (stderr, stdout) = match failure {
            Some(_) => (self.capture.stderr(), self.capture.stdout()),
            None => Default::default(),
        };
        let well = Outcome {
            status: AttemptStatus::Succeeded,
            exit: self.exit,
            signal: None,
            duration_ms: took.as_millis() as u64,
            error: None,
            stderr,
            stdout,
            usage: self.usage,
            log_cut: self.capture.log_cut(),
            class: None,
            injected: false,
        };
        match failure {
            None => well,
            Some(Failure { status, class, exit, signal, error }) => Outcome {
                status,
                exit,
                signal,
                error: error.map(|error| mask.text(&error)),
                class: Some(class),
                ..well
            },
        }
    }
}

/// A value may hold a secret that came by another way, such as a commit's words.
fn masked(mut file: render::File, mask: &Mask) -> render::File {
    if mask.is_empty() {
        return file;
    }
    let mut left = vec![&mut file.context];
    while let Some(value) = left.pop() {
        match value {
            serde_json::Value::String(text) => *text = mask.text(text),
            serde_json::Value::Array(items) => left.extend(items),
            serde_json::Value::Object(fields) => left.extend(fields.values_mut()),
            _ => {}
        }
    }
    file
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

/// Folders of outputs are there before the stage starts, and old outputs are gone where fresh ones are asked for.
fn prepare_outputs(spec: &AttemptSpec) -> Result<(), Failure> {
    for output in &spec.outputs {
        resolve_inside(&spec.root, output)
            .map_err(|escape| Failure::new(FailureClass::NotStarted, escape.to_string()))?;
        if let Some(folder) = output.parent().filter(|folder| !folder.is_dir()) {
            fs::create_dir_all(folder).map_err(|e| {
                Failure::unready(&e, format!("cannot make the folder {}: {e}", folder.display()))
            })?;
            hide_reports(folder, &spec.root);
        }
        if spec.fresh_outputs {
            remove(output, &spec.root).map_err(|e| {
                Failure::unready(&e, format!("cannot remove the old {}: {e}", output.display()))
            })?;
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
