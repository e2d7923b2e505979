//! Plays the seeds and says what went wrong in words that play it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::bugs::{self, Bug};
use super::deeds::{Deed, What};
use super::story::{Broken, tell};
use wfl::event::Event;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// The story in full: the lane, then all that happened.
fn print(broken: &Broken) -> String {
    let mut text = format!("seed {}: {}\n", broken.seed, broken.why);
    for (index, node) in broken.plan.nodes.iter().enumerate() {
        text.push_str(&format!("  {index} {}\n", outline(node)));
    }
    for (at, deed) in broken.deeds.iter().enumerate() {
        text.push_str(&format!("{at:>5} {:>8} ms  {:?}\n", deed.at, deed.what));
    }
    text.push_str(&format!(
        "seed {}: {}\nWFL_SEED={} plays it again\n",
        broken.seed, broken.why, broken.seed
    ));
    text
}

fn outline(node: &wfl::plan::Node) -> String {
    let edges: Vec<String> = node.edges.iter().map(|edge| format!("{:?} {}", edge.kind, edge.to)).collect();
    format!(
        "{} {:?} {:?} [{}] lock {:?} pool {:?} approvals {} confirm {} retry {:?} preset {:?} call {:?} closes {:?}",
        node.key,
        node.kind,
        node.effect,
        edges.join(", "),
        node.lock,
        node.pool,
        node.approvals.len(),
        node.confirm.is_some(),
        node.retry.as_ref().map(|retry| retry.attempts),
        node.preset.is_some(),
        node.call,
        node.closes,
    )
}

/// The stories below `count` that go wrong, by seed, played on all processors; with a bug planted, only until one does.
fn broken(count: u64, bug: Option<Bug>) -> Vec<Broken> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut found: Vec<Broken> = Vec::new();
        while bug.is_none() || found.is_empty() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                break;
            }
            found.extend(tell(seed, bug).err().map(|broken| *broken));
        }
        // Seeds are given out in order: the others finish what they began and no more.
        next.fetch_max(if bug.is_some() { count } else { 0 }, Ordering::Relaxed);
        found
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<Broken> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    found.sort_by_key(|broken| broken.seed);
    found
}

/// How often each thing went wrong, numbers left out, and the first seed of each.
fn tally(all: &[Broken]) -> String {
    let mut kinds: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    for broken in all {
        let kind: String = broken.why.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
        kinds.entry(kind.replace("##", "#").replace("##", "#")).or_insert((0, broken.seed)).0 += 1;
    }
    let lines = kinds.iter().map(|(why, (count, seed))| format!("{count:>5} (first: seed {seed}) {why}\n"));
    lines.collect()
}

#[test]
fn whatever_happens_the_promises_hold() {
    if let Some(seed) = number("WFL_SEED") {
        let told = tell(seed, None);
        println!(
            "{}",
            told.map_or_else(|broken| print(&broken), |deeds| format!("seed {seed}: {} deeds", deeds.len()))
        );
    }
    let all = broken(number("WFL_SEEDS").unwrap_or(1_000), None);
    if let Some(first) = all.first() {
        panic!("{}\n{}", print(first), tally(&all));
    }
}

/// The twins: each bug that is planted is found, and so is not only looked for.
#[test]
fn every_planted_bug_is_found_within_a_thousand_seeds() {
    let mut missed = Vec::new();
    for bug in bugs::ALL {
        match broken(1_000, Some(bug)).first() {
            Some(broken) => println!("{bug:?}: seed {}: {}", broken.seed, broken.why),
            None => missed.push(bug),
        }
    }
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// What a deed is called, and what the events in it are.
fn kinds(deed: &Deed) -> Vec<String> {
    match &deed.what {
        What::Committed { records, denied: true, .. } => vec![format!("denied {}", records.len().min(1))],
        What::Committed { records, .. } => records.iter().map(|record| kind(&record.event)).collect(),
        What::Paused(_) => vec!["paused".into()],
        What::ClockStepped(by) => vec![format!("clock {}", if *by > 0 { "forward" } else { "back" })],
        What::PowerCut { .. } => vec!["power cut".into()],
        What::Told { force: true, .. } => vec!["forced".into()],
        What::CommitRefused => vec!["refused".into()],
        What::IntruderRefused => vec!["intruder refused".into()],
        What::Killed => vec!["killed".into()],
        _ => Vec::new(),
    }
}

fn kind(event: &Event) -> String {
    match event {
        Event::StageFinished { status, .. } => status.word().into(),
        Event::RunFinished { status, .. } => format!("run {}", status.word()),
        Event::AttemptFinished { outcome, .. } => format!("attempt {:?}", outcome.status),
        Event::StageWaiting { on, .. } => format!("waits for {on:?}"),
        Event::StageResolved { done, .. } => format!("resolved {done}"),
        Event::ApprovalGiven { approved, .. } => format!("approved {approved}"),
        Event::ConfirmAnswered { yes, .. } => format!("confirmed {yes}"),
        Event::Note { text, .. } if text.starts_with("no room") => "no room".into(),
        other => format!("{other:?}").split(' ').next().unwrap_or_default().into(),
    }
}

const EVERYTHING: [&str; 51] = [
    "ApprovalExpired",
    "ApprovalRequested",
    "ApprovalVoided",
    "FactsRead",
    "FailureSeen",
    "FailureTold",
    "FinallyFinished",
    "GateJudged",
    "RunCancelling",
    "RunResumed",
    "RunStarted",
    "StageReset",
    "StageStarted",
    "StageUnknown",
    "StagesBlocked",
    "approved false",
    "approved true",
    "attempt Cancelled",
    "attempt Failed",
    "attempt Interrupted",
    "attempt Succeeded",
    "attempt TimedOut",
    "cancelled",
    "clock back",
    "clock forward",
    "confirmed false",
    "confirmed true",
    "denied 1",
    "failed",
    "forced",
    "intruder refused",
    "killed",
    "no room",
    "paused",
    "power cut",
    "refused",
    "resolved false",
    "resolved true",
    "reused",
    "run cancelled",
    "run failed",
    "run gate-failed",
    "run interrupted",
    "run succeeded",
    "run timed-out",
    "run waiting",
    "skipped",
    "succeeded",
    "timed-out",
    "waived",
    "warned",
];

/// A world in which nothing bad happens would find nothing.
#[test]
fn everything_that_can_happen_happens() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for seed in 0..400 {
        seen.extend(tell(seed, None).iter().flatten().flat_map(kinds));
    }
    let waits = ["Approval", "Lock", "Pool", "Retry"].map(|on| format!("waits for {on}"));
    let wanted = EVERYTHING.into_iter().map(str::to_owned).chain(waits);
    let missing: Vec<String> = wanted.filter(|kind| !seen.contains(kind)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}
