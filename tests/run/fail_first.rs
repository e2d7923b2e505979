//! Likely failures first, played by the kernel itself in virtual time over seeded lanes: the first failure is known sooner, a
//! run that ends well takes as long, and the order turned round is worse.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fakes::{World, exits_after, takes};
use super::lanes::{lane, stage};
use wfl::event::{Event, RunStatus, Status};
use wfl::plan::{Expected, Plan, Suspect};

/// Stages at once, and how much of the usual time to the first failure is left at most.
const SLOTS: [(usize, f64); 4] = [(1, 0.5), (2, 0.8), (4, 0.95), (8, 0.95)];

/// A lane as history knows it, and one run of it: what it really takes and which stages fail.
struct Draw {
    plan: Plan,
    chances: Vec<f64>,
    took: Vec<i64>,
    fails: Vec<bool>,
}

/// More stages than could run at once, with needs; a few fail often, most never do. Real times differ from expected ones.
fn draw(seed: u64, slots: usize) -> Draw {
    let mut dice = StdRng::seed_from_u64(seed);
    let count = dice.random_range(8..20) + 8 * slots;
    let mut drafts = Vec::new();
    let mut expected = Vec::new();
    let mut chances = Vec::new();
    for at in 0..count {
        let needs: Vec<String> = (0..at)
            .filter(|_| dice.random_bool((1.5 / at as f64).min(0.6)))
            .map(|to| format!("s{to}"))
            .collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        drafts.push(stage(&format!("s{at}")).needs(&needs));
        expected.push((100.0 * (dice.random::<f64>() * 6.0).exp()) as u64);
        let often = dice.random_bool(0.2);
        chances.push(if often { 0.02 + 0.3 * dice.random::<f64>() } else { 0.002 });
    }
    let mut plan = lane(drafts);
    plan.anticipate(|_, name| {
        let at: usize = name.trim_start_matches('s').parse().ok()?;
        Some(Expected { ms: expected[at], ..Expected::default() })
    });
    let took =
        expected.iter().map(|ms| (*ms as f64 * (0.7 + 0.6 * dice.random::<f64>())) as i64 + 1).collect();
    let mut fails: Vec<bool> = chances.iter().map(|chance| dice.random_bool(*chance)).collect();
    while !fails.contains(&true) {
        fails = chances.iter().map(|chance| dice.random_bool(*chance)).collect();
    }
    Draw { plan, chances, took, fails }
}

impl Draw {
    fn ordered(&self, slots: usize) -> Plan {
        let mut plan = self.plan.clone();
        plan.fail_first(slots, |node, _| {
            let at: usize = node.key.trim_start_matches('s').parse().ok()?;
            Some(Suspect::new(self.chances[at], u32::from(self.chances[at] > 0.01) * 4, 20))
        });
        plan
    }

    /// When the first failure was known, or else the run had ended.
    fn play(&self, plan: &Plan, slots: usize, failing: bool) -> i64 {
        let mut world = World::new(plan.clone()).jobs(slots);
        for (at, took) in self.took.iter().enumerate() {
            let does = if failing && self.fails[at] { exits_after(1, *took) } else { takes(*took) };
            world = world.does(&format!("s{at}"), [does]);
        }
        let (status, _) = world.run();
        assert_eq!(status == RunStatus::Succeeded, !failing);
        let failed = |event: &Event| matches!(event, Event::StageFinished { status: Status::Failed, .. });
        let first = world.journal.all().into_iter().find(|record| failed(&record.event));
        first.map_or(world.now, |record| record.at.0 - 1_000_000)
    }
}

/// Mean of the ratios to the usual order: of the first failure, and of the end of runs that end well.
fn ratios(slots: usize, order: impl Fn(&Draw) -> Plan) -> (f64, f64) {
    let (mut first, mut end) = ((0.0, 0.0), 0.0);
    let lanes = 64 / slots as u64 + 16;
    for seed in 0..lanes {
        let draw = draw(seed * 10 + slots as u64, slots);
        let plan = order(&draw);
        first.0 += draw.play(&plan, slots, true) as f64;
        first.1 += draw.play(&draw.plan, slots, true) as f64;
        end += draw.play(&plan, slots, false) as f64 / draw.play(&draw.plan, slots, false) as f64;
    }
    (first.0 / first.1, end / lanes as f64)
}

#[test]
fn the_first_failure_is_known_sooner_and_good_runs_take_as_long() {
    for (slots, most) in SLOTS {
        let (first, end) = ratios(slots, |draw| draw.ordered(slots));
        println!("{slots} slots: first failure {first:.3}, end {end:.3} of the usual order");
        assert!(first < most, "{slots} slots: {first}");
        assert!(end <= 1.05, "{slots} slots: {end}");
    }
}

/// The sabotage twin: the same order from behind.
#[test]
fn the_order_turned_round_is_worse_than_none() {
    let turned = |draw: &Draw| {
        let mut plan = draw.ordered(1);
        plan.nodes.iter_mut().for_each(|node| node.priority = u32::MAX - node.priority);
        plan
    };
    let (first, _) = ratios(1, turned);
    assert!(first > 1.0, "{first}");
}

#[test]
fn the_order_is_part_of_the_plan_and_the_same_every_time() {
    let draw = draw(4, 2);
    let plan = draw.ordered(2);
    assert_eq!(plan, draw.ordered(2));
    let stored: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(stored, plan);
    assert!(plan.fail_first.is_some());
}
