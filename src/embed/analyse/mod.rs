//! What a lane could add, each with the line that shows it: commands the repository runs elsewhere, guards it lacks,
//! waiting that nothing asks for. Advice only: nothing is changed and nothing fails.

mod cover;
mod guards;
mod waits;

use std::collections::BTreeMap;

use crate::expr::Kind;
use crate::history::History;
use crate::insight;
use crate::plan::{Action, Node, Plan};

use super::survey::step::{Step, simple_commands};
use super::survey::{At, Survey};
use super::{Error, Planned, Project};

/// Something that a lane could add.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// One word a kind, stable: `not-covered`, `may-fail`, `not-required`, `no-timeout`, `not-strict`, `side-by-side`.
    pub kind: &'static str,
    pub message: String,
    /// The line that shows it.
    pub at: At,
    /// The stage it is about, of those that the lane has.
    pub stage: Option<String>,
    /// What to write.
    pub suggestion: String,
    /// What it would save.
    pub seconds: Option<f64>,
}

/// What was found out about a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Analysis {
    pub lane: String,
    pub stages: usize,
    /// Past runs that durations were read from.
    pub runs: usize,
    pub findings: Vec<Finding>,
}

/// Everything that the lane could add, what it does not cover first.
pub fn analyse(
    project: &Project,
    planned: &Planned,
    survey: &Survey,
    history: Option<&dyn History>,
) -> Result<Analysis, Error> {
    let past = match history {
        Some(history) => insight::past_runs(history, &planned.plan.lane)?,
        None => Vec::new(),
    };
    let lane = Lane::of(&planned.plan, survey);
    let mut findings = cover::findings(&lane, survey);
    findings.extend(guards::findings(project, planned, &lane));
    findings.extend(waits::findings(&lane, &medians(&past)));
    Ok(Analysis { lane: planned.plan.lane.clone(), stages: lane.stages.len(), runs: past.len(), findings })
}

/// The lane's stages with what they run, instances of a matrix together.
struct Lane<'a> {
    plan: &'a Plan,
    stages: Vec<Stage<'a>>,
}

struct Stage<'a> {
    name: &'a str,
    node: &'a Node,
    /// Command lines, with those that their scripts and targets run in turn.
    commands: Vec<String>,
}

impl<'a> Lane<'a> {
    fn of(plan: &'a Plan, survey: &Survey) -> Lane<'a> {
        let stages = plan.stages.iter().filter_map(|stage| {
            let node = plan.nodes.get(*stage.nodes.first()? as usize)?;
            let commands = unfolded(node.actions.iter().flat_map(commands).collect(), &survey.steps);
            Some(Stage { name: &stage.name, node, commands })
        });
        Lane { plan, stages: stages.collect() }
    }

    fn commands(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().flat_map(|stage| stage.commands.iter().map(String::as_str))
    }
}

/// The command lines of an action, as far as they are known before the run.
fn commands(action: &Action) -> Vec<String> {
    match action {
        Action::Script { text, .. } => simple_commands(text),
        Action::Exec { argv } => {
            let word = |expr: &crate::expr::Expr| match &expr.kind {
                Kind::Value(value) => value.to_string(),
                _ => "…".to_string(),
            };
            vec![argv.iter().map(word).collect::<Vec<_>>().join(" ")]
        }
        Action::Render { .. } => Vec::new(),
    }
}

/// Scripts call scripts; deeper than this nobody follows.
const DEPTH: usize = 4;

/// The commands, and what the scripts, targets and recipes among them run.
fn unfolded(mut commands: Vec<String>, steps: &[Step]) -> Vec<String> {
    let mut new = commands.clone();
    for _ in 0..DEPTH {
        let called = |step: &&Step| new.iter().any(|command| step.is_called_by(command));
        let found: Vec<String> = steps.iter().filter(called).flat_map(|step| step.body.clone()).collect();
        new = found.into_iter().filter(|command| !commands.contains(command)).collect();
        if new.is_empty() {
            break;
        }
        commands.extend(new.clone());
    }
    commands
}

/// Seconds by stage, of the runs in which it ran.
fn medians(past: &[insight::PastRun]) -> BTreeMap<String, f64> {
    let mut all: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for stage in past.iter().flat_map(|run| &run.stages).filter(|stage| stage.started.is_some()) {
        all.entry(stage.stage.clone()).or_default().push(stage.duration_ms);
    }
    let median = |mut durations: Vec<u64>| {
        durations.sort_unstable();
        durations[durations.len() / 2] as f64 / 1000.0
    };
    all.into_iter().map(|(name, durations)| (name, median(durations))).collect()
}

/// `file:line`, as plans hold it.
fn at(place: &str) -> At {
    let (file, line) = place.rsplit_once(':').unwrap_or((place, "1"));
    At { file: file.into(), line: line.parse().unwrap_or(1) }
}
