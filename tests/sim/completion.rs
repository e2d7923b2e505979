//! How many runs come to a good end when every stage may meet a fault, with repair and retry, and without either. The
//! faults, the lanes and where they strike come from the seed; the rules and the policy are the same for all.

use rand::{RngExt, SeedableRng};

use super::dice::Dice;
use crate::run::fakes::{World, exits};
use crate::run::lanes::{check, compare, fact, lane, retry, stage, text};
use wfl::base::{Type, Value};
use wfl::event::RunStatus;
use wfl::expr::Compare;
use wfl::plan::{Action, AfterRepair, BackoffKind, Plan, Repair, Retry, Risk};

const RUNS: u64 = 1_000;
/// Of a hundred stages so many meet a fault.
const FAULTS: u32 = 5;
/// Of a thousand faults: transient ones, which pass with time; those that stay until a rule mends them; the rest stay for
/// good.
const TRANSIENT: u32 = 600;
const MENDABLE: u32 = 390;
/// Of a hundred transient faults so many last for one more attempt, and of a hundred repairs so many fail.
const LASTING: u32 = 10;
const FAILING: u32 = 1;

#[derive(Clone, Copy, Debug)]
struct Help {
    repair: bool,
    retry: bool,
}

/// Five rules, each for an exit code of its own.
fn rules() -> Vec<Repair> {
    let rule = |exit: i64| Repair {
        name: format!("mend {exit}"),
        docs: None,
        place: "lane.wfl:1".into(),
        when: check("exit", compare(Compare::Eq, fact("exit", "", Type::Int), Value::Int(exit))),
        verify: None,
        actions: vec![Action::Exec { argv: vec![text("./mend")] }],
        risk: Risk::Low,
        then: AfterRepair::RetryStage,
        limit: 1,
    };
    (10..15).map(rule).collect()
}

fn policy() -> Retry {
    Retry { backoff: BackoffKind::Constant, ..retry(3) }
}

/// Five to forty stages, each needing some of those before it.
fn world(seed: u64, help: Help) -> (World, usize) {
    let mut rng = Dice::seed_from_u64(seed);
    let count = rng.random_range(5..=40);
    let mut drafts = Vec::new();
    for at in 0..count {
        let mut draft = stage(&format!("s{at}"));
        if at > 0 {
            draft = draft.needs(&[format!("s{}", rng.random_range(0..at)).as_str()]);
        }
        drafts.push(if help.retry { draft.retry(policy()) } else { draft });
    }
    let plan = Plan { repairs: if help.repair { rules() } else { Vec::new() }, ..lane(drafts) };
    let mut world = World::new(plan);
    let mut faults = 0;
    for at in 0..count {
        if rng.random_range(0..100) >= FAULTS {
            continue;
        }
        faults += 1;
        let key = format!("s{at}");
        let kind = rng.random_range(0..1_000);
        let (exit, lasting, failing) = (
            rng.random_range(10..15),
            rng.random_range(0..100) < LASTING,
            rng.random_range(0..100) < FAILING,
        );
        if kind < TRANSIENT {
            let times = if lasting { 2 } else { 1 };
            world = world.does(&key, (0..times).map(|_| exits(75)));
        } else if kind < TRANSIENT + MENDABLE {
            world.broken.insert(key.clone(), exit);
            if failing {
                world.stubborn.insert(key);
            }
        } else {
            world.broken.insert(key, 99);
        }
    }
    (world, faults)
}

/// How many of the runs succeeded, and how many faults they met.
fn completed(help: Help) -> (u64, usize) {
    let mut done = (0, 0);
    for seed in 0..RUNS {
        let (mut world, faults) = world(seed, help);
        done.0 += u64::from(world.run().0 == RunStatus::Succeeded);
        done.1 += faults;
    }
    done
}

/// Each defence taken away is a twin that stays far below.
#[test]
fn ninety_eight_of_a_hundred_runs_come_to_a_good_end_with_faults_in_every_twentieth_stage() {
    let share = |repair: bool, retry: bool| {
        let (done, faults) = completed(Help { repair, retry });
        let percent = done as f64 * 100.0 / RUNS as f64;
        let word = |on: bool| if on { "on" } else { "off" };
        println!("| {} | {} | {faults} | {percent:.1} % |", word(repair), word(retry));
        percent
    };
    println!("| repair | retry | faults | completed |\n|---|---|---|---|");
    let all = share(true, true);
    let (unrepaired, untried, neither) = (share(false, true), share(true, false), share(false, false));
    assert!(all >= 98.0, "{all}");
    assert!(unrepaired < 80.0 && untried < 80.0 && neither < 50.0, "{unrepaired} {untried} {neither}");
}
