//! A run in the store, with the plan it was made from. Reads; changes nothing by itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::base::suggest::{did_you_mean, nearest};
use crate::capture::{Stream, records};
use crate::engine::spec::undo_log;
use crate::event::{NodeIndex, Record, RunId};
use crate::history::{History, RunSummary};
use crate::plan::Plan;
use crate::store::Store;

use super::{Error, Place};

#[derive(Debug)]
pub struct StoredRun {
    pub store: Store,
    pub id: RunId,
    pub summary: RunSummary,
    pub plan: Plan,
}

impl StoredRun {
    /// The run meant by `word` in the project the program was started in: its id, a part of it, or `last`.
    pub fn find(word: &str) -> Result<StoredRun, Error> {
        match Place::here()?.existing_state()? {
            Some(store) => StoredRun::in_store(store, word),
            None => Err(Error::refused("this project has no runs yet", "`wfl run` starts one")),
        }
    }

    /// The same, for commands that leave a message or drive it on.
    pub fn find_for_writing(word: &str) -> Result<StoredRun, Error> {
        // Looking first: a mistyped folder must not get a state of its own.
        StoredRun::find(word)?;
        StoredRun::in_store(Place::here()?.state()?, word)
    }

    pub fn in_store(store: Store, word: &str) -> Result<StoredRun, Error> {
        let id = store.resolve_run(word)?;
        let summary = store.run(&id.0)?.ok_or_else(|| damaged(&id, "has no row"))?;
        let json = store.load_plan(&id)?.ok_or_else(|| damaged(&id, "has no plan"))?;
        let plan = serde_json::from_str(&json)
            .map_err(|e| damaged(&id, &format!("has an unreadable plan ({e})")))?;
        Ok(StoredRun { store, id, summary, plan })
    }

    pub fn records(&self) -> Result<Vec<Record>, Error> {
        Ok(self.store.events(&self.id)?)
    }

    pub fn key(&self, node: NodeIndex) -> &str {
        self.plan.nodes.get(node as usize).map_or("?", |node| node.key.as_str())
    }

    /// The nodes meant by `unit[shard=2]`, by `unit` (all its instances) or by a stage's number.
    pub fn nodes(&self, word: &str) -> Result<Vec<NodeIndex>, Error> {
        nodes(&self.plan, word)
    }

    /// As [`StoredRun::nodes`], with the beginning of each stage that calls: there its approvals are asked for.
    pub fn nodes_with_beginnings(&self, word: &str) -> Result<Vec<NodeIndex>, Error> {
        let mut found = nodes(&self.plan, word)?;
        let closes = |node: &NodeIndex| self.plan.nodes.get(*node as usize).and_then(|node| node.closes);
        let calls: Vec<u32> = found.iter().filter_map(closes).collect();
        found.extend(
            calls.iter().filter_map(|call| self.plan.calls.get(*call as usize)).map(|call| call.opening),
        );
        Ok(found)
    }

    /// Where the output of these nodes lies, attempt by attempt; without `only` also what their `finally` wrote.
    pub fn logs(&self, nodes: &[NodeIndex], only: Option<u32>) -> Result<Vec<LogFile>, Error> {
        let dir = self.store.log_dir(&self.id);
        let summaries = self.store.stages(&self.id.0)?;
        // An attempt that has not ended yet is only seen by what it wrote.
        let written = written(&dir);
        let mut files = Vec::new();
        for &node in nodes {
            let Some(summary) = summaries.get(node as usize) else { continue };
            let stage = &summary.name;
            let mut attempts: BTreeSet<u32> =
                summary.attempts.iter().map(|attempt| attempt.attempt).collect();
            attempts.extend(written.range((node, 0)..=(node, u32::MAX)).map(|(_, attempt)| attempt));
            let wanted = attempts.into_iter().filter(|attempt| only.is_none_or(|only| only == *attempt));
            files.extend(wanted.map(|attempt| {
                let path = log_path(&dir, node, attempt);
                LogFile { stage: stage.clone(), attempt: Some(attempt), repair: None, path }
            }));
            if only.is_none() {
                files.extend(repairs(&dir, stage, node));
                files.extend(finally(&dir, stage, &node.to_string()));
                files.extend(undos(&dir, stage, node));
            }
        }
        Ok(files)
    }

    /// What the lane's own `finally` wrote.
    pub fn lane_log(&self) -> Option<LogFile> {
        finally(&self.store.log_dir(&self.id), "lane", "lane")
    }
}

/// The output of one attempt, or of a `finally`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    pub stage: String,
    /// None: its `finally`, or a repair.
    pub attempt: Option<u32>,
    /// The how manieth repair of the stage.
    pub repair: Option<u32>,
    pub path: PathBuf,
}

fn finally(dir: &Path, stage: &str, name: &str) -> Option<LogFile> {
    let path = dir.join(format!("{name}-finally.log"));
    path.exists().then(|| LogFile { stage: stage.to_string(), attempt: None, repair: None, path })
}

/// What repair rules wrote for a stage, one after the other.
fn repairs(dir: &Path, stage: &str, node: NodeIndex) -> Vec<LogFile> {
    let numbered = (1..).map(|number| (number, dir.join(format!("{node}-repair-{number}.log"))));
    let there = numbered.take_while(|(_, path)| path.exists());
    let file =
        |(number, path)| LogFile { stage: stage.to_string(), attempt: None, repair: Some(number), path };
    there.map(file).collect()
}

/// What the attempts of the stage's undo wrote.
fn undos(dir: &Path, stage: &str, node: NodeIndex) -> Vec<LogFile> {
    let paths = (1..).map(|attempt| (attempt, dir.join(undo_log(node, attempt))));
    let there = paths.take_while(|(_, path)| path.exists());
    let named = there.map(|(attempt, path)| LogFile {
        stage: format!("{stage} undo"),
        attempt: Some(attempt),
        repair: None,
        path,
    });
    named.collect()
}

/// Which attempts of which nodes wrote something.
fn written(dir: &Path) -> BTreeSet<(NodeIndex, u32)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let numbers = |entry: std::fs::DirEntry| {
        let name = entry.file_name();
        let (node, attempt) = name.to_str()?.strip_suffix(".log")?.split_once('-')?;
        Some((node.parse().ok()?, attempt.parse().ok()?))
    };
    entries.filter_map(numbers).collect()
}

pub(super) fn log_path(dir: &Path, node: NodeIndex, attempt: u32) -> PathBuf {
    dir.join(format!("{node}-{attempt}.log"))
}

/// The bytes of one attempt, piece by piece; nothing when its log is gone or damaged. Words about a log that was cut stand
/// on lines of their own.
pub fn each_piece(dir: &Path, node: NodeIndex, attempt: u32, each: &mut dyn FnMut(&[u8])) {
    let mut whole = true;
    let _ = records::each_piece(&log_path(dir, node, attempt), &mut |piece| {
        if piece.stream == Stream::Note && !whole {
            each(b"\n");
        }
        whole = piece.bytes.ends_with(b"\n");
        each(piece.bytes);
    });
}

/// Finds nodes of a plan by key, stage name or number.
pub fn nodes(plan: &Plan, word: &str) -> Result<Vec<NodeIndex>, Error> {
    let all = || (0..).zip(&plan.nodes);
    let exact = all().find(|(_, node)| node.key == word).map(|(index, _)| vec![index]);
    // Instances of a stage that calls have each a called stage of the same name.
    let stage = || {
        let named = plan.stages.iter().filter(|stage| stage.name == word);
        let found: Vec<NodeIndex> = named.flat_map(|stage| stage.nodes.iter().copied()).collect();
        (!found.is_empty()).then_some(found)
    };
    let number = || {
        let number: u32 = word.parse().ok()?;
        let found: Vec<NodeIndex> =
            all().filter(|(_, node)| node.number == Some(number)).map(|(index, _)| index).collect();
        (!found.is_empty()).then_some(found)
    };
    exact.or_else(stage).or_else(number).filter(|found| !found.is_empty()).ok_or_else(|| unknown(plan, word))
}

fn unknown(plan: &Plan, word: &str) -> Error {
    let names: Vec<&str> = plan.stages.iter().map(|stage| stage.name.as_str()).collect();
    let near = did_you_mean(&nearest(word, names.iter().copied()));
    let help = near.unwrap_or_else(|| format!("it has {}", names.join(", ")));
    Error::refused(format!("lane `{}` of this run has no stage `{word}`", plan.lane), help)
}

fn damaged(id: &RunId, what: &str) -> Error {
    Error::refused(format!("run {id} {what}"), "its state is damaged: `wfl clean` removes it when it is old")
}
