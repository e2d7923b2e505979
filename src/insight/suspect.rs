//! How likely each stage of the next run fails, by its verdicts in earlier runs of the lane. Knows no graph and no clock.

use std::collections::BTreeMap;

use crate::event::Status;
use crate::history::{Past, PastStage};
use crate::learn::rank::{Ranker, Verdict};
use crate::plan::Suspect;

/// Newest runs of the lane that count.
pub const RUNS: usize = 200;

/// What is thought of stages and their instances.
#[derive(Clone, Debug, Default)]
pub struct Suspects {
    instances: Names,
    stages: Names,
}

#[derive(Clone, Debug, Default)]
struct Names {
    numbers: BTreeMap<String, u32>,
    ranker: Ranker,
}

impl Suspects {
    /// Of runs of one lane, newest first.
    pub fn of(past: &[Past]) -> Self {
        let mut found = Suspects::default();
        for run in past.iter().rev() {
            found.instances.learn(run.stages.iter().map(|stage| (stage.name.as_str(), stage)));
            found.stages.learn(run.stages.iter().map(|stage| (stage.stage.as_str(), stage)));
        }
        found
    }

    /// Of the instance itself, else of its stage; none of what never ran.
    pub fn get(&self, instance: &str, stage: &str) -> Option<Suspect> {
        self.instances.get(instance).or_else(|| self.stages.get(stage))
    }
}

impl Names {
    /// Verdicts of one run; instances of one name count once: it failed when one of them did, and took the longest.
    fn learn<'p>(&mut self, stages: impl Iterator<Item = (&'p str, &'p PastStage)>) {
        let mut verdicts: BTreeMap<u32, Verdict> = BTreeMap::new();
        for (name, stage) in stages {
            let Some(failed) = failed(stage) else { continue };
            let next = self.numbers.len() as u32;
            let item = *self.numbers.entry(name.to_owned()).or_insert(next);
            let ms = stage.duration_ms as f64;
            let verdict = verdicts.entry(item).or_insert(Verdict { item, failed, ms });
            *verdict = Verdict { item, failed: verdict.failed || failed, ms: verdict.ms.max(ms) };
        }
        self.ranker.reveal(&verdicts.into_values().collect::<Vec<Verdict>>());
    }

    fn get(&self, name: &str) -> Option<Suspect> {
        let outlook = self.ranker.outlook(*self.numbers.get(name)?);
        let ms = outlook.ms.ceil() as u64;
        Some(Suspect { ms, ..Suspect::new(outlook.chance, outlook.failed, outlook.of) })
    }
}

/// What the stage's end says of it; nothing where it was not carried out to an end of its own.
fn failed(stage: &PastStage) -> Option<bool> {
    match stage.status {
        Status::Succeeded => Some(false),
        Status::Failed | Status::TimedOut | Status::Warned => Some(true),
        Status::Pending
        | Status::Ready
        | Status::Waiting
        | Status::Running
        | Status::Cancelled
        | Status::Skipped
        | Status::Waived
        | Status::Reused
        | Status::Blocked
        | Status::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::event::RunStatus;
    use crate::history::{Mode, PastChange};

    fn run(stages: &[(&str, Status)]) -> Past {
        let stage = |(name, status): &(&str, Status)| PastStage {
            name: (*name).into(),
            stage: name.split('[').next().unwrap_or_default().into(),
            number: None,
            kind: "stage".into(),
            status: *status,
            reason: None,
            began_ms: None,
            duration_ms: 100,
            attempts: 1,
            cpu_ms: 0,
            memory: 0,
            io: 0,
            measures: BTreeMap::new(),
        };
        Past {
            id: String::new(),
            project: String::new(),
            source: String::new(),
            lane: "fix".into(),
            status: RunStatus::Succeeded,
            started: Timestamp(0),
            duration_ms: 0,
            change: PastChange::default(),
            stages: stages.iter().map(stage).collect(),
            mode: Mode::Full,
        }
    }

    #[test]
    fn only_ends_of_its_own_count() {
        use Status::{Blocked, Cancelled, Failed, Reused, Skipped, Succeeded};
        let ends = [Failed, Succeeded, Blocked, Skipped, Reused, Cancelled, Failed];
        let runs: Vec<Past> = ends.iter().map(|end| run(&[("unit", *end)])).collect();
        let unit = Suspects::of(&runs).get("unit", "unit").unwrap();
        assert_eq!((unit.failed, unit.of), (2, 3));
        assert_eq!(Suspects::of(&runs).get("lint", "lint"), None);
    }

    #[test]
    fn the_newest_verdict_weighs_most() {
        use Status::{Failed, Succeeded};
        let chance = |ends: &[Status]| {
            let runs: Vec<Past> = ends.iter().map(|end| run(&[("unit", *end)])).collect();
            Suspects::of(&runs).get("unit", "unit").unwrap().chance
        };
        let lately = chance(&[Failed, Succeeded, Succeeded, Succeeded, Succeeded]);
        assert!(lately > chance(&[Succeeded, Succeeded, Succeeded, Succeeded, Failed]), "newest first");
    }

    #[test]
    fn an_instance_without_runs_is_like_its_stage() {
        use Status::{Failed, Succeeded};
        let runs = vec![run(&[("unit[shard=1]", Failed), ("unit[shard=2]", Succeeded)]); 3];
        let found = Suspects::of(&runs);
        let failed = |name| found.get(name, "unit").map(|of| (of.failed, of.of));
        assert_eq!(failed("unit[shard=1]"), Some((3, 3)));
        assert_eq!(failed("unit[shard=2]"), Some((0, 3)));
        assert_eq!(failed("unit[shard=3]"), Some((3, 3)), "the stage failed in all three runs");
    }
}
