//! How long a lane will take: its graph replayed with the durations of past runs. Knows no clock.

use std::collections::{BTreeMap, BinaryHeap};

use serde::Serialize;
use statrs::statistics::{Data, OrderStatistics};

use super::PastRun;

/// Runs needed before an interval is given.
const FOR_INTERVAL: usize = 5;

/// Seconds; null while there is no history. `low` and `high` hold the middle 80 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Estimate {
    pub seconds: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// One stage of the graph to replay: its name and the stages it waits for, by index.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    pub name: &'a str,
    pub after: &'a [usize],
}

/// Replays the graph with at most `slots` stages at once: once with each stage's median for the estimate, and once with
/// every past run's own durations for the interval.
pub fn estimate(steps: &[Step], slots: usize, past: &[PastRun]) -> Estimate {
    let runs: Vec<BTreeMap<&str, f64>> = past.iter().map(durations).filter(|run| !run.is_empty()).collect();
    if runs.is_empty() || steps.is_empty() {
        return Estimate::default();
    }
    let medians: Vec<f64> = steps.iter().map(|step| median(step.name, &runs)).collect();
    let seconds = replay(steps, slots, &medians) / 1000.0;
    if runs.len() < FOR_INTERVAL {
        return Estimate { seconds: Some(round(seconds)), low: None, high: None };
    }
    let totals: Vec<f64> = runs
        .iter()
        .map(|run| {
            let own: Vec<f64> = steps
                .iter()
                .zip(&medians)
                .map(|(step, median)| run.get(step.name).copied().unwrap_or(*median))
                .collect();
            replay(steps, slots, &own) / 1000.0
        })
        .collect();
    let mut data = Data::new(totals);
    let (low, high) = (data.quantile(0.1), data.quantile(0.9));
    Estimate {
        seconds: Some(round(seconds)),
        low: Some(round(low.min(seconds))),
        high: Some(round(high.max(seconds))),
    }
}

/// Milliseconds by stage of one run; instances of a matrix count as their longest. What did not run is left out.
fn durations(past: &PastRun) -> BTreeMap<&str, f64> {
    let mut longest = BTreeMap::new();
    for stage in past.stages.iter().filter(|stage| stage.started.is_some() || stage.duration_ms > 0) {
        let entry = longest.entry(stage.stage.as_str()).or_insert(0.0_f64);
        *entry = entry.max(stage.duration_ms as f64);
    }
    longest
}

fn median(name: &str, runs: &[BTreeMap<&str, f64>]) -> f64 {
    let known: Vec<f64> = runs.iter().filter_map(|run| run.get(name).copied()).collect();
    if known.is_empty() { 0.0 } else { Data::new(known).median() }
}

/// Greedy list scheduling in the order given; returns when the last stage ends.
fn replay(steps: &[Step], slots: usize, durations: &[f64]) -> f64 {
    let mut waits: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
    let mut followers = vec![Vec::new(); steps.len()];
    for (index, step) in steps.iter().enumerate() {
        step.after.iter().filter(|&&at| at < steps.len()).for_each(|&at| followers[at].push(index));
    }
    let mut ready: Vec<usize> = (0..steps.len()).rev().filter(|&index| waits[index] == 0).collect();
    let mut running: BinaryHeap<std::cmp::Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut now = 0_u64;
    loop {
        while running.len() < slots.max(1) {
            let Some(index) = ready.pop() else { break };
            running.push(std::cmp::Reverse((now + durations[index] as u64, index)));
        }
        let Some(std::cmp::Reverse((at, index))) = running.pop() else { return now as f64 };
        now = at;
        for &next in &followers[index] {
            waits[next] -= 1;
            if waits[next] == 0 {
                ready.push(next);
            }
        }
    }
}

fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{change, past};
    use super::*;
    use crate::event::Status;

    const GRAPH: [(&str, &[usize]); 3] = [("build", &[]), ("unit", &[0]), ("lint", &[0])];

    fn steps() -> Vec<Step<'static>> {
        GRAPH.iter().map(|(name, after)| Step { name, after }).collect()
    }

    fn run(build: u64, unit: u64, lint: u64) -> PastRun {
        let ok = Status::Succeeded;
        past(change("fix", &[]), &[("build", ok, build), ("unit", ok, unit), ("lint", ok, lint)])
    }

    #[test]
    fn no_history_gives_no_number() {
        assert_eq!(estimate(&steps(), 4, &[]), Estimate::default());
    }

    #[test]
    fn the_longest_path_counts_when_there_is_room_and_the_sum_when_not() {
        let runs = [run(1000, 3000, 2000)];
        assert_eq!(estimate(&steps(), 4, &runs).seconds, Some(4.0));
        assert_eq!(estimate(&steps(), 1, &runs).seconds, Some(6.0));
        assert_eq!(estimate(&steps(), 4, &runs).low, None);
    }

    #[test]
    fn five_runs_give_an_interval_around_the_estimate() {
        let runs: Vec<PastRun> = (1..=9).map(|n| run(1000, n * 1000, 10)).collect();
        let found = estimate(&steps(), 4, &runs);
        assert_eq!(found.seconds, Some(6.0));
        assert!(found.low < found.seconds && found.seconds < found.high, "{found:?}");
        assert!(found.low >= Some(2.0) && found.high <= Some(10.0), "{found:?}");
    }

    #[test]
    fn a_graph_that_never_gets_ready_ends_the_replay() {
        let circle = [Step { name: "a", after: &[1] }, Step { name: "b", after: &[0] }];
        assert_eq!(replay(&circle, 1, &[5.0, 5.0]), 0.0);
    }
}
