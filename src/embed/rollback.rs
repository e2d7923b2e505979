//! Taking back what a stopped run did: what that would be, whether it may be done, and the input that has the engine do
//! it. Undoes nothing itself.

use std::path::Path;
use std::sync::Arc;

use crate::engine::input::Asking;
use crate::engine::rollback::{base, known, order, scope};
use crate::engine::scope::visible;
use crate::engine::spec::undo_in_words;
use crate::engine::state::RunState;
use crate::event::{Event, NodeIndex, RunId, RunStatus, Status};
use crate::plan::Effect;
use crate::port::{Restored, Snapshots};
use crate::store::Store;
use crate::workspace::snapshot::ProjectSnapshots;

use super::{Error, StoredRun, session};

/// What a rollback would do.
#[derive(Clone, Debug)]
pub struct Preview {
    pub run: RunId,
    pub lane: String,
    /// The stage whose effects stay, with all before it.
    pub to: Option<String>,
    /// In the order of their undoing.
    pub steps: Vec<Step>,
    /// Stages that started, are not repeatable, and say nothing of how they are undone.
    pub without: Vec<String>,
    /// What becomes of the project's files, or why nothing.
    pub files: Result<Vec<Restored>, String>,
    /// The same as a unified diff of the text files among them, its first lines.
    pub diff: String,
}

/// Lines of a preview's diff at most.
const SHOWN: usize = 200;

/// One stage to undo.
#[derive(Clone, Debug)]
pub struct Step {
    pub stage: String,
    pub status: Status,
    pub place: String,
    pub commands: Vec<String>,
}

/// The recorder of the project's files over one run.
pub(super) fn recorder(root: &Path, store: &Store, run: &RunId) -> Result<Arc<dyn Snapshots>, String> {
    Ok(Arc::new(ProjectSnapshots::new(root, store.dir(), &run.0)?))
}

/// Whether a rollback of the run began, and the run has not ended with it.
pub(super) fn is_open(stored: &StoredRun) -> Result<bool, Error> {
    let records = stored.records()?;
    let began = records.iter().any(|record| matches!(record.event, Event::RollbackStarted { .. }));
    let over = records.last().is_some_and(|record| {
        matches!(record.event, Event::RunFinished { status: RunStatus::RolledBack, .. })
    });
    Ok(began && !over)
}

fn replayed(stored: &StoredRun) -> Result<RunState, Error> {
    RunState::replay(&stored.plan, &stored.records()?).map_err(|e| {
        Error::refused(format!("run {} cannot be rolled back: {e}", stored.id), "its history is damaged")
    })
}

/// What would be taken back; changes nothing.
pub fn preview(stored: &StoredRun, to: Option<&str>) -> Result<Preview, Error> {
    if stored.store.is_live(&stored.id) {
        return Err(Error::refused(
            format!("run {} is under way", stored.id),
            format!("wait for it, or end it with `wfl cancel {}`", stored.id),
        ));
    }
    let state = replayed(stored)?;
    let asking = allowed(stored, &state, to)?;
    let plan = &stored.plan;
    let open = state.rollback.as_ref().filter(|rollback| !rollback.finished);
    let nodes = match (&state.rollback, open) {
        (_, Some(rollback)) => rollback.nodes.clone(),
        (Some(_), None) => Vec::new(),
        (None, None) => order(plan, &state, asking.to),
    };
    let undone = |node: &NodeIndex| {
        let undoing = state.rollback.as_ref().and_then(|rollback| rollback.undone.get(node));
        undoing.is_some_and(|undo| undo.succeeded())
    };
    let step = |node: NodeIndex| Step {
        stage: plan.title(node).to_owned(),
        status: state.node(node).status,
        place: plan.nodes[node as usize].place.clone(),
        commands: undo_in_words(plan, node, &visible(plan, &state, node), &state.node(node).outputs),
    };
    let without = scope(plan, &state, asking.to).into_iter().filter(|node| {
        let spec = &plan.nodes[*node as usize];
        spec.undo.is_none() && spec.effect != Effect::Repeatable
    });
    let back = match open {
        Some(rollback) => rollback.files.as_deref(),
        None => asking.files.as_deref(),
    };
    let (files, diff) = match compared(stored, &state, back) {
        Ok((files, diff)) => (Ok(files), diff),
        Err(why) => (Err(why), String::new()),
    };
    Ok(Preview {
        run: stored.id.clone(),
        lane: plan.lane.clone(),
        to: asking.to.map(|to| plan.title(to).to_owned()),
        without: without.map(|node| plan.title(node).to_owned()).collect(),
        steps: nodes.into_iter().filter(|node| !undone(node)).map(step).collect(),
        files,
        diff,
    })
}

fn compared(
    stored: &StoredRun,
    state: &RunState,
    to: Option<&str>,
) -> Result<(Vec<Restored>, String), String> {
    let Some(to) = to else { return Err("they were not recorded".into()) };
    let (recorder, known) = (recorder(&stored.plan.root, &stored.store, &stored.id)?, known(state));
    let files = recorder.compare(to, &known)?;
    let diff = if files.is_empty() { String::new() } else { recorder.diff(to, &known, SHOWN)? };
    Ok((files, diff))
}

/// What is asked of the engine, or why it cannot be.
pub(super) fn asking(stored: &StoredRun, to: Option<&str>) -> Result<Asking, Error> {
    allowed(stored, &replayed(stored)?, to)
}

fn allowed(stored: &StoredRun, state: &RunState, to: Option<&str>) -> Result<Asking, Error> {
    let id = &stored.id;
    let to = to.map(|word| target(stored, state, word)).transpose()?;
    let files = base(state, to).map(str::to_owned);
    let open = state.rolls_back();
    match &state.rollback {
        Some(_) if open && to.is_some() => {
            return Err(Error::refused(
                format!("run {id} is half rolled back, and goes on as it was begun"),
                format!("leave `--to` out: `wfl rollback {id}`"),
            ));
        }
        Some(rollback)
            if rollback.finished && (rollback.files.is_some() || files.is_none() || to.is_some()) =>
        {
            return Err(Error::refused(
                format!("run {id} is already rolled back"),
                format!("it is final; `wfl show {id}` tells what was undone"),
            ));
        }
        None if state.events == 0 => {
            return Err(Error::refused(format!("run {id} never began"), "there is nothing to take back"));
        }
        _ => {}
    }
    let by = super::identity(&stored.plan.root);
    Ok(Asking { engine: session::engine(), by, to, files, messages: Vec::new(), goes_on: open })
}

/// The instance of the stage that ended last.
fn target(stored: &StoredRun, state: &RunState, word: &str) -> Result<NodeIndex, Error> {
    let nodes = stored.nodes(word)?;
    let open = nodes.iter().find(|node| {
        let node = state.node(**node);
        node.ended == 0 || !node.status.meets_need()
    });
    if let Some(&open) = open {
        let (key, status) = (stored.key(open), state.node(open).status.word());
        return Err(Error::refused(
            format!("`{key}` did not end well in this run (it is {status}), so nothing came after it"),
            format!("name a stage that did: `wfl show {}` lists them", stored.id),
        ));
    }
    let last = nodes.into_iter().max_by_key(|node| state.node(*node).ended);
    last.ok_or_else(|| {
        Error::refused(format!("the run has no stage `{word}`"), "`wfl show` lists its stages")
    })
}
