//! A lane's past runs as an event log: a run is a case, a stage that ended an event at its end, what is known of the change a
//! trait. Runs that say nothing of the lane are left out, and counted. Reads no store.

use std::collections::BTreeMap;

use crate::event::{RunStatus, Status};
use crate::history::{Mode, Past, PastChange, PastStage};
use crate::learn::log::{Case, Column, Log, NO_WORD, Values};

/// Runs that were not taken, by why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotTaken {
    /// They were ended, or came to no end: what would have come next is unknown.
    pub unfinished: usize,
    /// A person or advice chose their stages: what the change needed is unknown.
    pub chosen: usize,
    /// No stage ran.
    pub empty: usize,
}

impl NotTaken {
    /// For people, a reason each.
    pub fn words(&self) -> Vec<String> {
        let reasons = [
            (self.unfinished, "they did not come to an end of their own"),
            (
                self.chosen,
                "a person or advice chose their stages, and what they would have needed is unknown",
            ),
            (self.empty, "they ran no stage"),
        ];
        let told = reasons.into_iter().filter(|(count, _)| *count > 0);
        told.map(|(count, why)| format!("runs left out because {why}: {count}")).collect()
    }
}

/// Of the runs of one lane, in any order.
pub fn log(runs: &[Past]) -> (Log, NotTaken) {
    let mut left = NotTaken::default();
    let mut taken: Vec<&Past> = runs.iter().filter(|run| takes(run, &mut left)).collect();
    taken.sort_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let mut log = Log::default();
    let mut symbols: BTreeMap<&str, u32> = BTreeMap::new();
    for run in &taken {
        let from = log.activity.len();
        for (at, stage) in events(run) {
            let next = symbols.len() as u32;
            let symbol = *symbols.entry(&stage.stage).or_insert_with(|| {
                log.activities.push(stage.stage.clone());
                next
            });
            log.activity.push(symbol);
            log.at.push(at);
        }
        log.cases.push(Case {
            id: run.id.as_str().into(),
            events: from..log.activity.len(),
            failed: Some(run.status != RunStatus::Succeeded),
        });
    }
    log.traits = traits(&taken);
    (log, left)
}

fn takes(run: &Past, left: &mut NotTaken) -> bool {
    let open = matches!(
        run.status,
        RunStatus::Running | RunStatus::Waiting | RunStatus::Cancelled | RunStatus::Interrupted
    );
    let chosen = matches!(run.mode, Mode::Part | Mode::Recommended);
    let empty = events(run).is_empty();
    let count = match (open, chosen, empty) {
        (true, ..) => &mut left.unfinished,
        (_, true, _) => &mut left.chosen,
        (_, _, true) => &mut left.empty,
        _ => return true,
    };
    *count += 1;
    false
}

/// Stages that ended, with when, in that order.
fn events(run: &Past) -> Vec<(i64, &PastStage)> {
    let ended = |stage: &PastStage| {
        matches!(stage.status, Status::Succeeded | Status::Failed | Status::TimedOut | Status::Warned)
    };
    let at = |stage: &PastStage| {
        let after = stage.began_ms?.saturating_add(stage.duration_ms);
        Some(run.started.0.saturating_add(i64::try_from(after).unwrap_or(i64::MAX)))
    };
    let ran = run.stages.iter().filter(|stage| ended(stage));
    let mut events: Vec<(i64, &PastStage)> = ran.filter_map(|stage| Some((at(stage)?, stage))).collect();
    events.sort_by_key(|(at, _)| *at);
    events
}

fn traits(runs: &[&Past]) -> Vec<Column> {
    let words = |name: &str, of: &dyn Fn(&PastChange) -> String| Column {
        name: name.to_string(),
        values: coded(runs.iter().map(|run| of(&run.change))),
    };
    let numbers = |name: &str, of: &dyn Fn(&PastChange) -> u64| Column {
        name: name.to_string(),
        values: Values::Numbers(runs.iter().map(|run| of(&run.change) as f32).collect()),
    };
    vec![
        words("type", &|change| change.kind.clone()),
        words("author", &|change| change.author.clone()),
        words("folder", &|change| most(change.files.iter().map(|file| folder(file)))),
        words("ending", &|change| most(change.files.iter().map(|file| ending(file)))),
        numbers("files", &|change| change.count),
        numbers("churn", &|change| change.added.saturating_add(change.deleted)),
    ]
}

fn coded(words: impl Iterator<Item = String>) -> Values {
    let (mut names, mut codes): (Vec<String>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, u32> = BTreeMap::new();
    for word in words {
        let next = names.len() as u32;
        codes.push(match word.is_empty() {
            true => NO_WORD,
            false => *known.entry(word).or_insert_with_key(|word| {
                names.push(word.clone());
                next
            }),
        });
    }
    Values::Words { codes, names }
}

/// What is there most often; of several the first by name.
fn most<'a>(all: impl Iterator<Item = &'a str>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    let top = counts.into_iter().rev().max_by_key(|(_, count)| *count);
    top.map(|(one, _)| one.to_string()).unwrap_or_default()
}

fn folder(file: &str) -> &str {
    file.split_once('/').map_or(".", |(top, _)| top)
}

fn ending(file: &str) -> &str {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.rfind('.').filter(|at| *at > 0).map_or("none", |at| &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    fn stage(name: &str, status: Status, began: u64, took: u64) -> PastStage {
        PastStage {
            name: format!("{name}[shard=1]"),
            stage: name.into(),
            number: None,
            kind: "stage".into(),
            status,
            reason: None,
            began_ms: (status != Status::Skipped).then_some(began),
            duration_ms: took,
            attempts: 1,
            cpu_ms: 0,
            memory: 0,
            io: 0,
            measures: BTreeMap::new(),
        }
    }

    fn run(id: &str, started: i64, status: RunStatus, stages: Vec<PastStage>) -> Past {
        let files = vec!["docs/a.md".into(), "docs/b.md".into(), "src/c.rs".into()];
        Past {
            id: id.into(),
            project: String::new(),
            source: String::new(),
            lane: "fix".into(),
            status,
            started: Timestamp(started),
            duration_ms: 0,
            change: PastChange {
                kind: "docs".into(),
                files,
                count: 3,
                added: 5,
                deleted: 2,
                ..PastChange::default()
            },
            stages,
            mode: Mode::Full,
        }
    }

    #[test]
    fn a_run_is_a_case_and_its_stages_come_in_order_of_their_ends() {
        let of = |id, at| {
            let stages = vec![
                stage("build", Status::Succeeded, 0, 9),
                stage("lint", Status::Failed, 1, 2),
                stage("ship", Status::Skipped, 0, 0),
            ];
            run(id, at, RunStatus::Failed, stages)
        };
        let (log, left) = log(&[of("new", 500), of("old", 100)]);
        assert_eq!(log.activities, ["lint", "build"]);
        assert_eq!((&*log.cases[0].id, log.cases[0].failed), ("old", Some(true)));
        assert_eq!(
            (log.at.as_slice(), log.activity.as_slice()),
            (&[103, 109, 503, 509][..], &[0, 1, 0, 1][..])
        );
        assert_eq!(left, NotTaken::default());
        let folder = log.traits.iter().find(|column| column.name == "folder").expect("a column");
        assert_eq!(folder.values, Values::Words { codes: vec![0, 0], names: vec!["docs".into()] });
        let churn = log.traits.iter().find(|column| column.name == "churn").expect("a column");
        assert_eq!(churn.values, Values::Numbers(vec![7.0, 7.0]));
    }

    #[test]
    fn what_says_nothing_of_the_lane_is_left_out_and_said() {
        let ok = || vec![stage("a", Status::Succeeded, 0, 1)];
        let chosen = Past { mode: Mode::Recommended, ..run("4", 4, RunStatus::Succeeded, ok()) };
        let runs = [
            run("1", 1, RunStatus::Succeeded, ok()),
            run("2", 2, RunStatus::Interrupted, ok()),
            run("3", 3, RunStatus::Succeeded, Vec::new()),
            chosen,
        ];
        let (log, left) = log(&runs);
        assert_eq!((log.cases.len(), left), (1, NotTaken { unfinished: 1, chosen: 1, empty: 1 }));
        assert!(left.words().iter().any(|why| why.contains("chose their stages")));
    }
}
