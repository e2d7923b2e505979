//! A played run as expectations see it: `stage.X.state`, `run.status` and the rest, by their names. Judges nothing.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{Event, NodeIndex, RunStatus, Status};

use super::rehearsal::Played;

/// Virtual milliseconds since the run began.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    started: Option<i64>,
    finished: Option<i64>,
}

pub(super) struct View<'a> {
    played: &'a Played,
    /// Whether the lane's `select` fits.
    selected: bool,
    times: BTreeMap<NodeIndex, Times>,
    waits: BTreeMap<NodeIndex, String>,
    status: RunStatus,
    exit: i32,
    cause: Option<String>,
    duration: u64,
}

impl<'a> View<'a> {
    pub fn new(played: &'a Played, selected: bool) -> Self {
        let mut view = View {
            played,
            selected,
            times: BTreeMap::new(),
            waits: BTreeMap::new(),
            status: RunStatus::Running,
            exit: 0,
            cause: None,
            duration: 0,
        };
        for record in &played.records {
            view.take(record.at.0, &record.event);
        }
        view
    }

    fn take(&mut self, at: i64, event: &Event) {
        match event {
            Event::StageStarted { node, .. } => {
                self.times.entry(*node).or_default().started.get_or_insert(at);
            }
            Event::StageFinished { node, .. } => {
                self.times.entry(*node).or_default().finished = Some(at);
            }
            Event::StageWaiting { node, detail, .. } => {
                self.waits.insert(*node, detail.clone());
            }
            Event::RunFinished { status, exit, cause, duration_ms, .. } => {
                (self.status, self.exit) = (*status, *exit);
                (self.cause, self.duration) = (cause.clone(), *duration_ms);
            }
            _ => {}
        }
    }

    /// The value of a dotted name; none when it is not one of the run's.
    pub fn value(&self, name: &str) -> Option<Value> {
        let parts: Vec<&str> = name.split('.').collect();
        match parts[..] {
            ["stage" | "gate", stage, property] => self.of_stage(stage, property),
            ["stage" | "gate", stage, "out", output] => {
                let node = self.worst(stage)?;
                let outputs = &self.played.state.node(node).outputs;
                Some(outputs.get(output).cloned().unwrap_or(Value::Absent))
            }
            ["lane" | "run", property] => self.of_run(property),
            _ => None,
        }
    }

    /// Why a dotted name of the run has no value.
    pub fn lack(&self, name: &str) -> Option<String> {
        let (stage, property) = name.split_once('.')?.1.split_once('.')?;
        match property {
            "started" | "finished" => Some(format!("`{stage}` never {property}")),
            _ => None,
        }
    }

    fn of_run(&self, property: &str) -> Option<Value> {
        Some(match property {
            "state" | "status" => text(self.status.word()),
            "reason" => text(self.cause.as_deref().unwrap_or_default()),
            "exit" => Value::Int(self.exit.into()),
            "duration" => Value::Duration(self.duration as i64),
            "selected" => Value::Bool(self.selected),
            _ => return None,
        })
    }

    fn of_stage(&self, stage: &str, property: &str) -> Option<Value> {
        let nodes = self.nodes(stage);
        let worst = self.worst(stage)?;
        let times = || nodes.iter().filter_map(|node| self.times.get(node));
        let started = || times().filter_map(|times| times.started).min();
        let finished = || times().filter_map(|times| times.finished).max();
        Some(match property {
            "state" | "status" => text(self.shown(worst).word()),
            "states" => Value::List(nodes.iter().map(|node| text(self.shown(*node).word())).collect()),
            "reason" => text(&self.reason(worst)),
            "attempts" => {
                Value::Int(nodes.iter().map(|node| i64::from(self.played.state.node(*node).attempt)).sum())
            }
            "exit" => {
                let outcome = self.played.state.node(worst).outcome.as_ref();
                outcome.and_then(|outcome| outcome.exit).map_or(Value::Absent, |exit| Value::Int(exit.into()))
            }
            "undone" => {
                let undone = self.played.state.rollback.as_ref().map(|rollback| &rollback.undone);
                let each = |node: &NodeIndex| undone?.get(node).filter(|undo| undo.succeeded());
                Value::Bool(nodes.iter().any(|node| each(node).is_some()))
            }
            // Without a time there is no value, and `lack` says why.
            "started" => started().map(Value::Duration)?,
            "finished" => finished().map(Value::Duration)?,
            "duration" => Value::Duration(match (started(), finished()) {
                (Some(started), Some(finished)) => finished - started,
                _ => 0,
            }),
            _ => return None,
        })
    }

    /// The instances of a stage, in matrix order.
    pub fn nodes(&self, stage: &str) -> &[NodeIndex] {
        let found = self.played.plan.stages.iter().find(|known| known.name == stage);
        found.map_or(&[], |stage| &stage.nodes)
    }

    /// The instance that ended worst, the first of several.
    pub fn worst(&self, stage: &str) -> Option<NodeIndex> {
        self.nodes(stage).iter().copied().min_by_key(|node| rank(self.shown(*node)))
    }

    pub fn shown(&self, node: NodeIndex) -> Status {
        self.played.state.shown(node)
    }

    /// Why the instance stands as it does; empty for a plain success.
    pub fn reason(&self, node: NodeIndex) -> String {
        let state = self.played.state.node(node);
        let key = |node: NodeIndex| self.played.plan.nodes[node as usize].key.as_str();
        match (state.status, state.root) {
            (Status::Blocked, Some(root)) => {
                format!("`{}` {}", key(root), said(self.shown(root)))
            }
            (Status::Waiting, _) => self.waits.get(&node).cloned().unwrap_or_default(),
            _ => state.reason.clone().unwrap_or_default(),
        }
    }

    /// The instance that skipped this one, or blocked it.
    pub fn behind(&self, node: NodeIndex) -> Option<NodeIndex> {
        let state = self.played.state.node(node);
        match state.status {
            Status::Blocked => state.root,
            Status::Skipped => {
                let edges = &self.played.plan.nodes[node as usize].edges;
                let reason = state.reason.as_deref().unwrap_or_default();
                let needs = |to: NodeIndex| {
                    reason.starts_with(&format!("needs `{}`", self.played.plan.nodes[to as usize].key))
                };
                edges.iter().map(|edge| edge.to).find(|to| needs(*to))
            }
            _ => None,
        }
    }

    pub fn played(&self) -> &Played {
        self.played
    }
}

/// A status as a sentence's verb: "`build` was skipped".
pub(super) fn said(status: Status) -> &'static str {
    match status {
        Status::Pending => "has not begun",
        Status::Ready => "is ready",
        Status::Waiting => "waits",
        Status::Running => "runs",
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
        Status::TimedOut => "timed out",
        Status::Cancelled => "was cancelled",
        Status::Skipped => "was skipped",
        Status::Waived => "was waived",
        Status::Reused => "was reused",
        Status::Warned => "failed, which is allowed",
        Status::Blocked => "was blocked",
        Status::Unknown => "is unknown",
    }
}

fn text(word: &str) -> Value {
    Value::String(word.to_owned())
}

/// Worst first.
fn rank(status: Status) -> u8 {
    match status {
        Status::Failed => 0,
        Status::TimedOut => 1,
        Status::Unknown => 2,
        Status::Cancelled => 3,
        Status::Blocked => 4,
        Status::Waiting => 5,
        Status::Running => 6,
        Status::Ready => 7,
        Status::Pending => 8,
        Status::Warned => 9,
        Status::Skipped => 10,
        Status::Waived => 11,
        Status::Reused => 12,
        Status::Succeeded => 13,
    }
}
