//! How many attempts run at once under `parallel auto`: the room of the machine and what stages used before, as event
//! lists, as a table and as a property of random lanes.

use std::collections::BTreeMap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::fakes::{Does, World, ok, takes};
use super::lanes::{Draft, lane, stage};
use wfl::engine::InputKind;
use wfl::engine::room::foresee;
use wfl::event::{Event, RunStatus};
use wfl::plan::{Expected, Parallel, Plan};
use wfl::port::room::{Load, Memory, Room};

const GOOD: (RunStatus, i32) = (RunStatus::Succeeded, 0);
const GB: u64 = 1_000_000_000;

fn room(processors: u32, free: u64) -> Room {
    Room {
        processors,
        limited_by: format!("{processors} processors"),
        memory: Some(Memory { free, total: 8 * GB }),
        ..Room::default()
    }
}

/// Others want so many processors, and have for a minute.
fn loaded(processors: u32, others: u32) -> Room {
    let load = Load { minute: f64::from(others), now: others };
    Room { load: Some(load), processor_stall: Some(80.0), ..room(processors, 4 * GB) }
}

fn used(draft: Draft, processors: u32, memory: u64) -> Draft {
    draft.with(|node| {
        node.expected =
            Some(Expected { ms: 1_000, processors: Some(processors), memory, ..Expected::default() })
    })
}

fn wide(count: usize) -> Vec<Draft> {
    (0..count).map(|at| stage(&format!("s{at}"))).collect()
}

/// A lane that says `parallel auto`.
fn free(drafts: Vec<Draft>) -> Plan {
    Plan { parallel: Parallel::Auto, ..lane(drafts) }
}

/// A world whose machine decides: at most `jobs` ever.
fn auto(drafts: Vec<Draft>, jobs: usize, room: Room) -> World {
    let mut world = World::new(free(drafts)).jobs(jobs);
    world.settings.room = Some(room);
    world
}

fn seen(room: Room) -> InputKind {
    InputKind::Room(Box::new(room))
}

fn notes(world: &World) -> Vec<String> {
    world.lines().iter().filter_map(|line| line.strip_prefix("note ")).map(str::to_owned).collect()
}

#[test]
fn as_many_run_as_there_are_processors_and_twice_as_many_of_what_only_waits() {
    let table: [(Option<u32>, u32, usize); 6] = [
        (None, 2, 2),
        (Some(1_000), 2, 2),
        (Some(20), 2, 4),
        (Some(700), 4, 5),
        (Some(4_000), 8, 2),
        (Some(4_000), 2, 2),
    ];
    for (busy, processors, at_once) in table {
        let drafts = wide(12).into_iter().map(|draft| match busy {
            Some(busy) => used(draft, busy, 0),
            None => draft,
        });
        let mut world = auto(drafts.collect(), 12, room(processors, 4 * GB));
        assert_eq!(world.run(), GOOD);
        assert_eq!(world.most_at_once, at_once, "{busy:?} on {processors}");
        let foreseen = foresee(&world.plan, &room(processors, 4 * GB));
        assert_eq!(foreseen.at_once, at_once, "what the dry run says");
        assert!(
            notes(&world).is_empty(),
            "the plain number of processors needs no words: {:#?}",
            notes(&world)
        );
    }
}

#[test]
fn a_fixed_number_is_not_questioned() {
    let drafts = wide(6).into_iter().map(|draft| used(draft, 8_000, 7 * GB)).collect();
    let mut world = World::new(lane(drafts)).jobs(5).at(500, seen(room(1, 0)));
    assert_eq!(world.run(), GOOD);
    assert_eq!((world.most_at_once, notes(&world).len()), (5, 0));
    let fixed = Plan { parallel: Parallel::Limit(5), ..lane(wide(6)) };
    assert_eq!(foresee(&fixed, &room(1, 0)).at_once, 5);
}

#[test]
fn memory_that_runs_out_leaves_one_at_a_time_until_there_is_some_again() {
    let mut world =
        auto(wide(10), 3, room(3, 4 * GB)).at(1_500, seen(room(3, GB / 10))).at(4_500, seen(room(3, 4 * GB)));
    assert_eq!(world.run(), GOOD);
    let told = "little memory is left (100 MB of 8.0 GB free): at most 1 at once now";
    let again = "room again (3 processors, 4.0 GB of memory free): up to 3 at once";
    assert_eq!(notes(&world), [told, again]);
    let at = |line: &str| world.lines().iter().filter(|found| found.ends_with(line)).count();
    assert_eq!(
        (at("@1000"), at("@2000"), at("@3000"), at("@4000"), at("@4500")),
        (3, 1, 1, 1, 1),
        "{:#?}",
        world.lines()
    );
}

#[test]
fn waiting_for_memory_counts_as_having_none() {
    let stalled = Room { memory_stall: Some(40.0), ..room(2, 4 * GB) };
    let mut world = auto(wide(4), 2, stalled);
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.most_at_once, 1);
    let told = "little memory is left (4.0 GB of 8.0 GB free, 40 % of the time nothing went on for want of it): \
                at most 1 at once now";
    assert_eq!(notes(&world), [told]);
}

#[test]
fn other_work_takes_half_of_the_processors_at_most_and_only_when_it_stays() {
    let mut world = auto(wide(40), 4, room(4, 4 * GB));
    for at in 1..4 {
        world = world.at(at * 1_000 + 500, seen(loaded(4, 12)));
    }
    world = world.at(4_500, seen(room(4, 4 * GB))).at(5_500, seen(room(4, 4 * GB)));
    assert_eq!(world.run(), GOOD);
    let told =
        "other work keeps processors busy (load 12.0, 12 want one now; 4 processors): at most 2 at once now";
    let again = "room again (4 processors, 4.0 GB of memory free): up to 4 at once";
    assert_eq!(notes(&world), [told, again]);
    let at = |line: &str| world.lines().iter().filter(|found| found.ends_with(line)).count();
    assert_eq!((at("@2000"), at("@3000"), at("@4000"), at("@5000")), (4, 2, 2, 2), "{:#?}", world.lines());
}

#[test]
fn load_of_the_run_itself_or_of_a_minute_ago_is_no_other_work() {
    let own = Room { load: Some(Load { minute: 2.0, now: 2 }), ..room(2, 4 * GB) };
    let past = Room { load: Some(Load { minute: 9.0, now: 0 }), ..room(2, 4 * GB) };
    let blink = Room { load: Some(Load { minute: 0.1, now: 9 }), ..room(2, 4 * GB) };
    let idle = Room { processor_stall: Some(0.0), ..loaded(2, 9) };
    for reading in [own, past, blink, idle] {
        let mut world = auto(wide(12), 2, room(2, 4 * GB));
        for at in 0..5 {
            world = world.at(at * 1_000 + 500, seen(reading.clone()));
        }
        assert_eq!(world.run(), GOOD);
        assert_eq!((world.now, notes(&world).len()), (6_000, 0), "{reading:?}");
    }
}

#[test]
fn a_stage_that_needs_more_memory_than_is_free_lets_others_pass_and_runs_alone() {
    let drafts = vec![
        used(stage("small").priority(9), 1_000, GB / 10),
        used(stage("big").priority(8), 1_000, 6 * GB),
        used(stage("tail").priority(7), 1_000, GB / 10),
    ];
    let mut world = auto(drafts, 3, room(3, 4 * GB));
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.starts(), ["small", "tail", "big"]);
    assert_eq!(notes(&world), ["`big` waits for memory: it took 6.0 GB before and 3.9 GB is free"]);
    assert!(
        world.together.iter().all(|together| together.len() < 2 || !together.contains(&"big".to_owned()))
    );
}

#[test]
fn what_has_just_begun_is_expected_to_take_its_memory_still() {
    let drafts = (0..3).map(|at| used(stage(&format!("s{at}")), 1_000, 3 * GB)).collect();
    let mut world = auto(drafts, 3, room(3, 7 * GB));
    assert_eq!(world.run(), GOOD);
    assert_eq!(world.most_at_once, 2, "two fit into what is free, a third does not");

    // Two readings later what they hold is no longer free, and must not be taken off once more.
    let drafts: Vec<Draft> = (0..3).map(|at| used(stage(&format!("s{at}")), 1_000, 3 * GB)).collect();
    let mut world = auto(drafts, 3, room(3, 7 * GB));
    for key in ["s0", "s1"] {
        world = world.does(key, [takes(9_000)]);
    }
    let mut world = world.at(1_000, seen(room(3, 4 * GB))).at(2_000, seen(room(3, 4 * GB)));
    assert_eq!(world.run(), GOOD);
    assert!(world.has("start s2#1 @2000"), "{:#?}", world.lines());
}

#[test]
fn after_a_refusal_as_many_run_again_once_nothing_was_refused_for_a_while() {
    let mut world = World::new(lane(wide(40))).jobs(4).does("s2", [Does::Busy, ok()]);
    assert_eq!(world.run(), GOOD);
    assert_eq!(
        notes(&world),
        [
            "no room to start `s2` (EAGAIN): at most 3 at once now",
            "nothing was refused lately: up to 4 at once again",
        ]
    );
    let late = world.together.iter().filter(|together| together.len() == 4).count();
    assert!(late > 0, "{:#?}", world.together);
}

#[test]
fn a_machine_that_refuses_again_and_again_is_asked_more_and_more_rarely_but_the_run_ends() {
    let refused = std::iter::repeat_n(Does::Busy, 12).chain([ok()]);
    let mut world = World::new(lane(wide(3))).jobs(1).does("s0", refused);
    assert_eq!(world.run(), GOOD);
    let asked = world.done.iter().filter(|done| *done == "start s0#1").count();
    assert_eq!((asked, world.most_at_once), (13, 1));
}

/// Lanes, machines and readings at random; what was expected of each stage by its key.
fn random(rng: &mut Xoshiro256PlusPlus) -> (World, Room) {
    let count = rng.random_range(2..14);
    let mut drafts = Vec::new();
    for at in 0..count {
        let mut draft = stage(&format!("s{at}"));
        for need in 0..at {
            if rng.random_bool(0.15) {
                draft = draft.needs(&[format!("s{need}").as_str()]);
            }
        }
        if rng.random_bool(0.7) {
            draft = used(draft, rng.random_range(0..3_000), rng.random_range(0..6) * GB);
        }
        drafts.push(draft);
    }
    let machine = room(rng.random_range(1..5), rng.random_range(1..6) * GB);
    let mut world = auto(drafts, 16, machine.clone());
    for at in 0..count {
        let mut attempts = vec![takes(rng.random_range(100..4_000))];
        if rng.random_bool(0.1) {
            attempts.insert(0, Does::Busy);
        }
        world = world.does(&format!("s{at}"), attempts);
    }
    (world, machine)
}

/// Whether no moment of the run had more at once than the machine had room for, by its processors and its memory.
fn kept_to(world: &World, machine: &Room) -> bool {
    let expected: BTreeMap<&str, Option<Expected>> =
        world.plan.nodes.iter().map(|node| (node.key.as_str(), node.expected)).collect();
    let all = machine.processors * 1_000;
    let weight = |key: &String| {
        let busy = expected[key.as_str()].and_then(|of| of.processors).unwrap_or(1_000);
        busy.clamp(500, (all / 2).max(1_000))
    };
    let memory = |key: &String| expected[key.as_str()].map_or(0, |of| of.memory);
    world.together.iter().all(|together| {
        let busy: u32 = together.iter().map(weight).sum();
        let taken: u64 = together.iter().map(memory).sum();
        // One that began alone although it was too large may be joined only by what needs nothing that is known.
        let fits = taken <= machine.memory.unwrap_or_default().free
            || together.iter().filter(|key| memory(key) > 0).count() <= 1;
        together.len() <= 1 || (busy <= all && fits)
    })
}

#[test]
fn no_lane_runs_more_than_there_is_room_for_and_every_lane_ends() {
    let mut fixed_is_caught = false;
    for seed in 0..400 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut world, machine) = random(&mut rng);
        assert_eq!(world.run(), GOOD, "seed {seed}");
        assert!(kept_to(&world, &machine), "seed {seed}: {:#?}", world.together);
        let ended =
            world.journal.all().iter().any(|record| matches!(record.event, Event::RunFinished { .. }));
        assert!(ended, "seed {seed}");

        // Without the policy the same lanes do not keep to it: the check can fail.
        let (mut world, machine) = random(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        world.settings.room = None;
        world.run();
        fixed_is_caught |= !kept_to(&world, &machine);
    }
    assert!(fixed_is_caught);
}

#[test]
fn readings_at_random_never_stop_a_run_for_good() {
    for seed in 0..400 {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (mut world, _) = random(&mut rng);
        for at in 0..rng.random_range(0..20) {
            let mut reading = loaded(rng.random_range(0..6), rng.random_range(0..9));
            reading.memory =
                rng.random_bool(0.8).then(|| Memory { free: rng.random_range(0..8) * GB, total: 8 * GB });
            reading.memory_stall = rng.random_bool(0.2).then_some(50.0);
            world = world.at(at * 700, seen(reading));
        }
        assert_eq!(world.run(), GOOD, "seed {seed}");
        assert!(world.most_at_once >= 1);
    }
}

#[test]
fn the_dry_run_gives_its_reasons() {
    let mut plan = free(vec![used(stage("fetch"), 10, 0), used(stage("link"), 1_000, 6 * GB), stage("new")]);
    let foreseen = foresee(&plan, &room(2, 4 * GB));
    assert_eq!(
        foreseen.why,
        "2 processors; 4.0 GB of memory free; 2 of 3 stages known from earlier runs; 1 of them mostly wait, and two such \
         count as one; `link` took 6.0 GB before, more than is free, and runs alone"
    );
    assert_eq!(foresee(&plan, &room(2, GB / 100)).at_once, 1);
    plan.parallel = Parallel::Off;
    assert_eq!(foresee(&plan, &room(8, 4 * GB)).at_once, 1);
}
