//! Random lanes in a random world, with a crash after every prefix of the journal: what must always hold.

use std::collections::BTreeSet;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::fakes::{Does, Memory, World, exits, takes, times_out};
use super::lanes::{Draft, lane, retry, stage};
use wfl::engine::{Observed, Resolution, RunState};
use wfl::event::{Event, Record, Status};
use wfl::plan::{EdgeKind, Effect, Plan};

fn random_lane(rng: &mut Xoshiro256PlusPlus) -> Plan {
    let count = rng.random_range(2..9);
    let mut drafts: Vec<Draft> = Vec::new();
    for at in 0..count {
        let mut draft = stage(&format!("s{at}"));
        for need in 0..at {
            let need = format!("s{need}");
            draft = match rng.random_range(0..8) {
                0 => draft.needs(&[need.as_str()]),
                1 => draft.needs_if_run(&[need.as_str()]),
                2 => draft.follows(&[need.as_str()]),
                _ => draft,
            };
        }
        draft = match rng.random_range(0..10) {
            0 | 1 => draft.once(),
            2 => draft.idempotent("k"),
            3 => draft.when(false),
            4 => draft.retry(retry(3)),
            5 => draft.lock("l"),
            6 => draft.finally(),
            7 => draft.once().lock("l"),
            8 => draft.out("f", "file"),
            _ => draft.with(|node| node.allow_failure = Some(String::new())),
        };
        drafts.push(draft);
    }
    lane(drafts)
}

fn random_world(plan: Plan, rng: &mut Xoshiro256PlusPlus) -> World {
    let keys: Vec<String> = plan.nodes.iter().map(|node| node.key.clone()).collect();
    let jobs = rng.random_range(1..4);
    let mut world = World::new(plan).jobs(jobs);
    world.settings.keep_going = rng.random();
    for key in keys {
        let attempts: Vec<Does> = (0..rng.random_range(0..3))
            .map(|_| match rng.random_range(0..6) {
                0 => exits(1),
                1 => times_out(),
                2 => Does::Busy,
                _ => takes(rng.random_range(1..5_000)),
            })
            .collect();
        world = world.does(&key, attempts);
    }
    world
}

/// Resumes until the run is over, marking done whatever is unknown.
fn resume_to_the_end(world: &mut World) {
    for _ in 0..4 {
        let state = world.state();
        let unknown = |at: &usize| state.nodes[*at].status == Status::Unknown;
        let resolutions = (0..state.nodes.len())
            .filter(unknown)
            .map(|at| Resolution { stage: world.plan.nodes[at].key.clone(), done: true })
            .collect();
        let (_, exit) = world.resume(&Observed { resolutions, by: "ada".into(), ..Observed::default() });
        if exit != 4 {
            return;
        }
    }
    panic!("the run still waits: {:#?}", world.lines());
}

/// What must hold of any history, as the first thing that does not.
fn check(plan: &Plan, records: &[Record]) -> Result<(), String> {
    let mut status = vec![Status::Pending; plan.nodes.len()];
    let mut starts = vec![0; plan.nodes.len()];
    let mut lock: BTreeSet<u32> = BTreeSet::new();
    for record in records {
        let seq = record.seq;
        match &record.event {
            Event::StageStarted { node, .. } => {
                let at = *node as usize;
                starts[at] += 1;
                if plan.nodes[at].effect == Effect::Once && starts[at] > 1 {
                    return Err(format!("{seq}: once stage {at} starts twice"));
                }
                for edge in &plan.nodes[at].edges {
                    let need = status[edge.to as usize];
                    let fits = match edge.kind {
                        EdgeKind::Needs => need.meets_need(),
                        EdgeKind::NeedsOptional => need.meets_need() || need == Status::Skipped,
                        EdgeKind::Follows => need.is_final() && need != Status::Unknown,
                    };
                    if !fits {
                        return Err(format!("{seq}: stage {at} starts while {} is {}", edge.to, need.word()));
                    }
                }
                if plan.nodes[at].lock.is_some() {
                    lock.insert(*node);
                    if lock.len() > 1 {
                        return Err(format!("{seq}: {lock:?} hold one lock"));
                    }
                }
                status[at] = Status::Running;
            }
            Event::AttemptFinished { node, .. } => {
                lock.remove(node);
            }
            Event::StageFinished { node, status: ended, .. } => {
                if status[*node as usize].is_final() {
                    return Err(format!("{seq}: the result of {node} is recorded twice"));
                }
                status[*node as usize] = *ended;
            }
            Event::StagesBlocked { nodes, .. } => {
                nodes.iter().for_each(|node| status[*node as usize] = Status::Blocked);
            }
            Event::StageReset { node, .. } => status[*node as usize] = Status::Pending,
            Event::StageUnknown { node, .. } => status[*node as usize] = Status::Unknown,
            Event::StageResolved { node, done, .. } => {
                status[*node as usize] = if *done { Status::Succeeded } else { Status::Pending };
            }
            Event::RunResumed { .. } => lock.clear(),
            _ => {}
        }
    }
    match status.iter().position(|status| !status.is_final()) {
        Some(at) => Err(format!("stage {at} never ended: {}", status[at].word())),
        None => Ok(()),
    }
}

/// Runs a random world to its end, then crashes a copy after each prefix and resumes it. `lose` is what a journal that
/// breaks its promise forgets.
fn simulate(seed: u64, lose: fn(&Plan, &Record) -> bool) -> Result<(), String> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let plan = random_lane(&mut rng);
    let mut world = random_world(plan.clone(), &mut rng);
    let script = world.script.clone();
    world.run();
    let whole = world.journal.all();
    check(&plan, &whole).map_err(|why| format!("seed {seed}: {why}: {:#?}", world.lines()))?;
    for cut in 1..whole.len() {
        world.journal = Memory::holding(whole.clone());
        world.crash_after(cut);
        world.script = script.clone();
        let kept: Vec<Record> =
            world.journal.all().into_iter().filter(|record| !lose(&plan, record)).collect();
        let lost: Vec<Record> = world.journal.all();
        if RunState::replay(&plan, &kept).is_err() {
            continue;
        }
        let forgot = kept.len() < lost.len();
        world.journal = Memory::holding(kept.clone());
        resume_to_the_end(&mut world);
        // Judge what really happened: what was forgotten did happen.
        let mut history = if forgot { lost } else { kept.clone() };
        history.extend(world.journal.all().into_iter().skip(kept.len()));
        check(&plan, &history).map_err(|why| format!("seed {seed}, crash after {cut}: {why}"))?;
    }
    Ok(())
}

#[test]
fn whatever_happens_and_wherever_it_crashes_the_promises_hold() {
    for seed in 0..3000 {
        simulate(seed, |_, _| false).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// The twin: a journal that forgets that a `once` stage began must be caught.
#[test]
fn a_journal_that_forgets_starts_is_caught() {
    let forgets = |plan: &Plan, record: &Record| match &record.event {
        Event::StageStarted { node, .. } => plan.nodes[*node as usize].effect == Effect::Once,
        _ => false,
    };
    let caught = (0..150).filter_map(|seed| simulate(seed, forgets).err()).collect::<Vec<_>>();
    assert!(caught.iter().any(|why| why.contains("starts twice")), "{caught:#?}");
}

#[test]
fn folding_a_journal_gives_the_same_state_each_time() {
    for seed in 0..30 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let plan = random_lane(&mut rng);
        let mut world = random_world(plan.clone(), &mut rng);
        world.run();
        let records = world.journal.all();
        let once = RunState::replay(&plan, &records).unwrap();
        let mut twice = RunState::new(&plan);
        for record in &records {
            wfl::engine::apply::apply(&plan, &mut twice, record.at, &record.event).unwrap();
        }
        assert_eq!(once.nodes, twice.nodes);
    }
}
