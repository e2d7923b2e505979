//! How one attempt is carried out on this machine: its actions in order, each process in its own group, ended by
//! TERM → grace → KILL. Knows no plan and decides nothing about what an outcome means.

mod attempt;
mod command;
pub mod disk;
mod ending;
mod environment;
mod family;
pub mod fence;
pub mod inject;
mod launch;
mod measure;
mod oom;
mod os;
mod process;
pub mod programs;
mod render;
pub mod room;
mod stop;
mod tree;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::capture::{LOG_CAP, LineSink};
use crate::event::{FailureClass, NodeIndex, Outcome};
use crate::port::room::Room;
use crate::port::{AttemptSpec, Busy, Executor};

pub use render::worker::{ARGUMENT as RENDER_WORKER, run as render_worker};

use environment::Inherited;
use family::Family;
use inject::Injections;
use launch::Input;
use oom::Kills;
use stop::Stop;

/// Runs attempts as processes of this machine, each on the thread that asks for it.
pub struct LocalExecutor {
    sink: Option<LineSink>,
    log_cap: u64,
    inherited: Inherited,
    input: Input,
    renderer: Option<PathBuf>,
    injections: Injections,
    family: Family,
    kills: Kills,
    disk: disk::Watch,
    stops: Mutex<Stops>,
}

/// The words by which running attempts are ended, and such as the next ones take.
#[derive(Debug, Default)]
struct Stops {
    running: HashMap<NodeIndex, Arc<Stop>>,
    idle: Vec<Arc<Stop>>,
}

impl Default for LocalExecutor {
    fn default() -> Self {
        LocalExecutor::new()
    }
}

impl std::fmt::Debug for LocalExecutor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalExecutor").field("log_cap", &self.log_cap).finish_non_exhaustive()
    }
}

impl LocalExecutor {
    pub fn new() -> Self {
        LocalExecutor {
            sink: None,
            log_cap: LOG_CAP,
            inherited: Inherited::here(),
            input: Input::default(),
            renderer: None,
            injections: Injections::default(),
            family: Family::default(),
            kills: Kills::here(),
            disk: disk::Watch::default(),
            stops: Mutex::default(),
        }
    }

    /// Shows every line of output to `sink` as it comes.
    pub fn with_sink(mut self, sink: LineSink) -> Self {
        self.sink = Some(sink);
        self
    }

    /// The most an attempt's log may hold.
    pub fn with_log_cap(mut self, bytes: u64) -> Self {
        self.log_cap = bytes;
        self
    }

    /// Renders templates in processes of `program`, which is `wfl`, with bounded memory; without one, in this process.
    /// A stage that calls `wfl` gets that program too.
    pub fn with_renderer(mut self, program: Option<PathBuf>) -> Self {
        self.renderer = program;
        self
    }

    /// Lets attempts fail that the user wants to fail.
    pub fn with_injections(mut self, injections: Injections) -> Self {
        self.injections = injections;
        self
    }

    /// Takes the orphans of stages in, so that they are found and reaped. Changes this whole program: it becomes the
    /// parent of whatever its descendants leave behind.
    pub fn adopting_orphans(mut self) -> Self {
        self.family = Family::adopting();
        self
    }

    fn around(&self) -> attempt::Around<'_> {
        attempt::Around {
            inherited: &self.inherited,
            input: &self.input,
            sink: self.sink.as_ref(),
            log_cap: self.log_cap,
            renderer: self.renderer.as_deref(),
            family: &self.family,
            kills: &self.kills,
        }
    }

    fn stops(&self) -> MutexGuard<'_, Stops> {
        self.stops.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn take_stop(&self, node: NodeIndex) -> Result<Arc<Stop>, Busy> {
        let mut stops = self.stops();
        let stop = match stops.idle.pop() {
            Some(stop) => stop,
            None => Arc::new(Stop::new().map_err(|e| Busy(format!("no descriptor left: {e}")))?),
        };
        stops.running.insert(node, stop.clone());
        Ok(stop)
    }

    fn give_back(&self, node: NodeIndex) {
        let mut stops = self.stops();
        // One that was used is not used again: the next attempt must not end by it.
        if let Some(stop) = stops.running.remove(&node).filter(|stop| !stop.asked()) {
            stops.idle.push(stop);
        }
    }
}

/// What a `render` action would write: the template `source` filled with `context`, within the same limits. `html`
/// escapes values. The error is one line for a person.
pub fn fill_template(
    name: &str,
    source: &str,
    context: &serde_json::Value,
    html: bool,
) -> Result<Vec<u8>, String> {
    render::template::fill(name, source, context, html)
}

/// The text of the template that a `render` names: a file below `root`, or `std:NAME`.
pub fn template_text(root: &std::path::Path, path: &std::path::Path) -> Result<String, String> {
    render::source(root, path, "template")
}

impl Executor for LocalExecutor {
    fn run(&self, spec: &AttemptSpec) -> Result<Outcome, Busy> {
        if let Some(injected) = self.injections.take(spec) {
            return Ok(attempt::inject(spec, &injected, &self.around()));
        }
        let stop = self.take_stop(spec.node)?;
        let outcome = attempt::run(spec, &stop, &self.around());
        self.give_back(spec.node);
        outcome
    }

    fn cancel(&self, node: NodeIndex, grace: Duration) {
        // With the lock held, so that it cannot have become another attempt's meanwhile.
        if let Some(stop) = self.stops().running.get(&node) {
            stop.ask(grace);
        }
    }

    fn fence(&self, run: &str) -> usize {
        fence::kill(&fence::Marker { run, attempt: None })
    }

    fn unfit(&self, spec: &AttemptSpec) -> Option<(FailureClass, String)> {
        self.disk.short(spec).map(|short| (FailureClass::Busy, short.words()))
    }

    fn room(&self) -> Option<Room> {
        Some(room::read())
    }
}
