//! The kernel in a simulated world: `decide` itself and its core, driven by seeds through process deaths, full disks,
//! power cuts, killed engines, a second engine, late results, clock steps and people. `WFL_SEEDS=N` plays more seeds,
//! `WFL_SEED=N` one alone and prints all that happened in it.

mod book;
mod bugs;
mod deeds;
mod dice;
mod ended;
mod judge;
mod life;
mod story;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use bugs::Bug;
use story::{Broken, tell};

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
fn broken(count: u64, bug: Option<Bug>) -> Vec<Box<Broken>> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut found: Vec<Box<Broken>> = Vec::new();
        while bug.is_none() || found.is_empty() {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                break;
            }
            found.extend(tell(seed, bug).err());
        }
        // Seeds are given out in order: the others finish what they began and no more.
        next.fetch_max(if bug.is_some() { count } else { 0 }, Ordering::Relaxed);
        found
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut found: Vec<Box<Broken>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    found.sort_by_key(|broken| broken.seed);
    found
}

/// How often each thing went wrong, numbers left out, and the first seed of each.
fn tally(all: &[Box<Broken>]) -> String {
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
            told.map_or_else(|broken| print(&broken), |deeds| format!("seed {seed}: {deeds} deeds"))
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
