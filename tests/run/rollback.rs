//! Taking effects back: what is undone and in which order, failures and limits of undos, interrupts, locks, files, and
//! that a run that was rolled back is over.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::fakes::{Does, World, exits, takes, times_out};
use super::lanes::{Draft, constant, exists, gate, lane, node, retry, stage};
use wfl::engine::resume::reconcile;
use wfl::engine::rollback::{base, known, order};
use wfl::engine::{Asking, InputKind, Observed, RunState, Signal};
use wfl::event::{Event, RunStatus, Status, WaitFor};
use wfl::plan::{OnFailure, Plan};
use wfl::port::{Claimed, Durability, Holder, Message, Obstacle, Restored, Restoring};

pub fn rolling(drafts: Vec<Draft>) -> Plan {
    Plan { on_failure: OnFailure::Rollback, ..lane(drafts) }
}

/// What was undone, in order, each attempt.
pub fn undos(world: &World) -> Vec<&str> {
    world.done.iter().filter_map(|done| done.strip_prefix("undo ")).collect()
}

/// What `wfl rollback` does.
fn roll_back(world: &mut World, asking: Asking) -> (RunStatus, i32) {
    let state = RunState::replay(&world.plan, &world.journal.all()).expect("the journal folds");
    world.go(state, InputKind::Rollback(asking)).expect("no fault")
}

fn by_ada() -> Asking {
    Asking { by: "ada".into(), engine: "test".into(), ..Asking::default() }
}

/// `a` → `b` → `bad`, with `free` beside them.
fn four() -> Vec<Draft> {
    vec![
        stage("a").undo().priority(9),
        stage("b").undo().needs(&["a"]).priority(8),
        stage("free").undo(),
        stage("bad").undo().needs(&["b"]),
        stage("never").undo().needs(&["bad"]),
    ]
}

#[test]
fn a_failure_undoes_every_stage_that_started_newest_first() {
    let mut world = World::new(rolling(four())).does("bad", [exits(7)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(world.starts(), ["a", "free", "b", "bad"]);
    assert_eq!(undos(&world), ["bad#1", "b#1", "free#1", "a#1"]);
    assert_eq!(world.cause().as_deref(), Some("`bad`: exit code 7"), "the first error stays the cause");
    assert!(world.has("rolled back, failed [], 0 files, None"), "{:#?}", world.lines());
}

#[test]
fn stages_that_run_end_first_and_nothing_new_starts() {
    let drafts =
        vec![stage("bad").undo().priority(9), stage("slow").undo().priority(8), stage("later").undo()];
    let mut world = World::new(rolling(drafts)).does("bad", [exits(1)]).does("slow", [takes(30_000)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world), ["slow#1", "bad#1"]);
    assert!(world.has("undo slow#1 @30000"), "{:#?}", world.lines());
    assert_eq!(world.status("later"), Status::Cancelled);
}

#[test]
fn the_exit_code_is_that_of_the_failure() {
    let gates = vec![stage("a").undo(), gate("coverage", 70.0).needs(&["a"])];
    assert_eq!(World::new(rolling(gates)).run(), (RunStatus::RolledBack, 3));
    let mut late = World::new(rolling(vec![stage("a").undo()])).does("a", [times_out()]);
    assert_eq!(late.run(), (RunStatus::RolledBack, 5));
    let mut lane = rolling(vec![stage("a").undo()]);
    lane.timeout = Some(5_000);
    let mut world = World::new(lane).does("a", [Does::Hangs]).does("undo a", [takes(60_000)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 5), "{:#?}", world.lines());
    assert!(world.has("a undo Succeeded"), "the lane's timeout does not cut an undo: {:#?}", world.lines());
}

#[test]
fn an_undo_that_fails_is_recorded_and_the_rest_goes_on() {
    let mut world = World::new(rolling(four())).does("bad", [exits(7)]).does("undo b", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world), ["bad#1", "b#1", "free#1", "a#1"]);
    assert_eq!(world.cause().as_deref(), Some("`bad`: exit code 7"));
    assert!(world.has("rolled back, failed [b], 0 files, None"), "{:#?}", world.lines());
}

#[test]
fn an_undo_has_its_own_timeout_and_retry() {
    let drafts = vec![
        stage("a").with(|node| node.timeout = Some(9_000)).undo(),
        stage("b").needs(&["a"]).undo_with(Some(4_000), Some(retry(3))),
    ];
    let script = [exits(1), exits(1), exits(1)];
    let mut world = World::new(rolling(drafts)).does("b", [exits(1)]).does("undo b", script);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world), ["b#1", "b#2", "b#3", "a#1"]);
    let limits: Vec<(&str, Option<u64>)> =
        world.timeouts.iter().map(|(key, limit)| (key.as_str(), *limit)).collect();
    assert!(limits.contains(&("undo b", Some(4_000))) && limits.contains(&("undo a", Some(9_000))));
    // Two attempts of a second each, then waits of 2 s and 4 s between attempts.
    for line in ["undo b#1 @2000", "undo b#2 @5000", "undo b#3 @10000", "undo a#1 @11000"] {
        assert!(world.has(line), "{line}: {:#?}", world.lines());
    }
}

#[test]
fn an_undo_is_tried_again_only_where_its_policy_says_so() {
    for (holds, tries) in [(true, 2), (false, 1)] {
        let mut policy = retry(2);
        policy.when = Some(constant(holds));
        let drafts = vec![stage("a").undo_with(None, Some(policy))];
        let mut world =
            World::new(rolling(drafts)).does("a", [exits(1)]).does("undo a", [exits(1), exits(1)]);
        world.run();
        assert_eq!(undos(&world).len(), tries, "{:#?}", world.lines());
    }
    let mut policy = retry(2);
    policy.when = Some(exists("x"));
    let drafts = vec![stage("a").undo_with(None, Some(policy))];
    let mut world = World::new(rolling(drafts)).does("a", [exits(1)]).does("undo a", [exits(1)]);
    world.run();
    assert_eq!(undos(&world), ["a#1"], "a fact that nobody reads there does not hold");
}

#[test]
fn once_allowed_and_called_stages_are_undone_and_what_never_began_is_not() {
    let drafts = vec![
        stage("ship").once().undo(),
        stage("weak").undo().needs(&["ship"]).with(|node| node.allow_failure = Some(String::new())),
        stage("skipped").undo().when(false).needs(&["ship"]),
        stage("probe")
            .undo()
            .needs(&["weak"])
            .calls(vec![stage("in").undo(), stage("on").undo().needs(&["in"])]),
    ];
    let mut plan = rolling(drafts);
    plan.finally = vec![wfl::plan::Action::Exec { argv: Vec::new() }];
    let mut world = World::new(plan).does("weak", [exits(1)]).does("probe/on", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world), ["probe#1", "probe/on#1", "probe/in#1", "weak#1", "ship#1"]);
    assert_eq!(world.done.last().map(String::as_str), Some("finally lane"), "it comes after the undos");
}

#[test]
fn a_stage_is_undone_after_all_that_came_after_it_even_when_it_started_last() {
    let drafts = vec![stage("a").undo(), stage("b").undo().needs(&["a"]), stage("c").undo().needs(&["b"])];
    let mut world = World::new(rolling(drafts)).does("c", [exits(1)]);
    world.plan =
        lane(vec![stage("a").undo(), stage("b").undo().needs(&["a"]), stage("c").undo().needs(&["b"])])
            .into();
    assert_eq!(world.run(), (RunStatus::Failed, 1));
    // All runs again, and the first fails at once: it started after those that need it.
    world = world.does("a", [exits(1)]);
    let changed = Observed { tracked_changed: Some(vec!["x".into()]), ..Observed::default() };
    assert_eq!(world.resume(&changed), (RunStatus::Failed, 1));
    assert_eq!(world.starts(), ["a", "b", "c", "a"]);
    assert_eq!(roll_back(&mut world, by_ada()), (RunStatus::RolledBack, 0));
    assert_eq!(undos(&world), ["c#1", "b#1", "a#1"]);
}

#[test]
fn the_order_is_reverse_topological_and_newest_first_over_random_lanes() {
    for seed in 0..300 {
        let mut draw = StdRng::seed_from_u64(seed);
        let count = draw.random_range(1..14);
        let mut drafts: Vec<Draft> = Vec::new();
        for at in 0..count {
            let mut draft = stage(&format!("s{at}"));
            for before in 0..at {
                let to = [format!("s{before}")];
                let to: Vec<&str> = to.iter().map(String::as_str).collect();
                draft = match draw.random_range(0..6) {
                    0 => draft.needs(&to),
                    1 => draft.follows(&to),
                    _ => draft,
                };
            }
            drafts.push(if draw.random_bool(0.7) { draft.undo() } else { draft });
        }
        let bad = format!("s{}", draw.random_range(0..count));
        let mut world =
            World::new(rolling(drafts)).jobs(draw.random_range(1..4)).does(&bad, [exits_late(&mut draw)]);
        world.run();
        let undoable = |key: &String| world.plan.nodes[node(&world.plan, key) as usize].undo.is_some();
        let newest: Vec<String> =
            world.starts().into_iter().rev().filter(undoable).map(|key| format!("{key}#1")).collect();
        assert_eq!(undos(&world), newest, "seed {seed}");
        assert!(is_reverse_topological(&world.plan, &undos(&world)), "seed {seed}");
        let mut wrong = undos(&world);
        wrong.reverse();
        let related = wrong.len() > 1 && !is_reverse_topological(&world.plan, &wrong);
        assert!(
            related || wrong.len() < 2 || !has_edges(&world.plan, &wrong),
            "seed {seed}: the check cannot fail"
        );
    }
}

fn exits_late(draw: &mut StdRng) -> Does {
    super::fakes::exits_after(1, draw.random_range(100..5_000))
}

fn ancestors(plan: &Plan, key: &str) -> std::collections::BTreeSet<u32> {
    let mut found = std::collections::BTreeSet::new();
    let mut next = vec![node(plan, key)];
    while let Some(at) = next.pop() {
        for edge in &plan.nodes[at as usize].edges {
            if found.insert(edge.to) {
                next.push(edge.to);
            }
        }
    }
    found
}

fn bare(done: &str) -> &str {
    done.split('#').next().unwrap_or(done)
}

/// No stage is undone before one that came after it.
pub fn is_reverse_topological(plan: &Plan, undone: &[&str]) -> bool {
    (0..undone.len()).all(|at| {
        let own = node(plan, bare(undone[at]));
        undone[at + 1..].iter().all(|later| !ancestors(plan, bare(later)).contains(&own))
    })
}

fn has_edges(plan: &Plan, undone: &[&str]) -> bool {
    undone
        .iter()
        .any(|one| undone.iter().any(|other| ancestors(plan, bare(one)).contains(&node(plan, bare(other)))))
}

#[test]
fn a_run_without_a_failure_and_one_that_was_interrupted_are_not_rolled_back() {
    assert_eq!(World::new(rolling(four())).run(), (RunStatus::Succeeded, 0));
    let mut world = World::new(rolling(four())).at(1_500, InputKind::Signal(Signal::Cancel));
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    let cancel = InputKind::Message(Message::Cancel { by: "ada".into() });
    let mut told = World::new(rolling(four())).at(1_500, cancel);
    assert_eq!(told.run(), (RunStatus::Cancelled, 1));
    let mut going = World::new(rolling(four())).keep_going().does("bad", [exits(1)]);
    assert_eq!(going.run(), (RunStatus::Failed, 1));
    for world in [world, told, going] {
        assert!(undos(&world).is_empty(), "{:#?}", world.lines());
    }
}

#[test]
fn the_first_interrupt_lets_the_rollback_go_on_and_the_second_ends_it_for_a_resume() {
    let script = || World::new(rolling(four())).does("bad", [exits(1)]);
    let mut world = script().at(3_500, InputKind::Signal(Signal::Cancel));
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world).len(), 4);
    assert!(world.lines().iter().any(|line| line.contains("the rollback goes on")), "{:#?}", world.lines());
    let mut world = script()
        .does("undo b", [Does::Hangs])
        .at(5_000, InputKind::Signal(Signal::Cancel))
        .at(6_000, InputKind::Signal(Signal::Force));
    assert_eq!(world.run(), (RunStatus::Interrupted, 130));
    assert!(world.done.contains(&"kill undo b".to_owned()), "{:?}", world.done);
    world.done.clear();
    assert_eq!(world.resume(&Observed::default()), (RunStatus::RolledBack, 1));
    assert_eq!(undos(&world), ["b#2", "free#1", "a#1"], "what was undone is not undone again");
    assert_eq!(world.cause().as_deref(), Some("`bad`: exit code 1"));
}

#[test]
fn a_rolled_back_run_is_over() {
    let mut world = World::new(rolling(four())).does("bad", [exits(1)]);
    world.run();
    let state = RunState::replay(&world.plan, &world.journal.all()).unwrap();
    let refusal = reconcile(&world.plan, &state, &Observed::default()).expect_err("a refusal");
    assert!(refusal.message.contains("it is final"), "{}", refusal.message);
}

#[test]
fn the_disk_holds_that_an_undo_began_before_it_begins() {
    let mut world = World::new(rolling(four())).does("bad", [exits(1)]);
    world.run();
    assert!(undos_are_on_the_disk(&world));
    let mut careless = World::new(rolling(four())).does("bad", [exits(1)]);
    careless.mode = wfl::engine::core::Mode::Process;
    careless.run();
    assert!(!undos_are_on_the_disk(&careless), "the twin: without barriers it would be noticed");
}

fn undos_are_on_the_disk(world: &World) -> bool {
    let mut at = 0;
    let records = world.journal.all();
    world.journal.commits.lock().unwrap().iter().all(|(count, durability)| {
        let of = &records[at..at + count];
        at += count;
        let undoes = of
            .iter()
            .any(|record| matches!(record.event, Event::UndoStarted { .. } | Event::RollbackStarted { .. }));
        !undoes || *durability == Durability::Disk
    })
}

#[test]
fn a_person_may_roll_a_run_back_that_ended_or_waits() {
    let mut ended = World::new(lane(four()));
    ended.run();
    assert_eq!(roll_back(&mut ended, by_ada()), (RunStatus::RolledBack, 0));
    assert_eq!(undos(&ended), ["never#1", "bad#1", "b#1", "free#1", "a#1"]);
    assert_eq!(ended.cause().as_deref(), Some("rolled back by ada"));
    let mut waits =
        World::new(lane(vec![stage("a").undo(), stage("ship").undo().needs(&["a"]).approve(1, None)]));
    assert_eq!(waits.run(), (RunStatus::Waiting, 4));
    assert_eq!(roll_back(&mut waits, by_ada()), (RunStatus::RolledBack, 0));
    assert_eq!(undos(&waits), ["a#1"]);
    assert!(waits.has("ship cancelled: not started: the run is rolled back"), "{:#?}", waits.lines());
    let mut failing = World::new(lane(four())).does("undo a", [exits(1)]);
    failing.run();
    assert_eq!(roll_back(&mut failing, by_ada()), (RunStatus::RolledBack, 1), "not all was taken back");
}

#[test]
fn a_killed_run_is_rolled_back_with_what_ran_when_it_died() {
    let mut world =
        World::new(lane(vec![stage("a").undo(), stage("ship").undo().once().needs(&["a"]).finally()]));
    world.run();
    world.crash_after_event(|event| matches!(event, Event::StageStarted { node: 1, .. }));
    world.done.clear();
    assert_eq!(roll_back(&mut world, by_ada()), (RunStatus::RolledBack, 0));
    assert_eq!(world.done, ["finally ship", "undo ship#1", "undo a#1"]);
}

#[test]
fn back_to_a_stage_leaves_it_and_what_began_before_its_end() {
    let mut world = World::new(lane(four()));
    world.run();
    let to = Some(node(&world.plan, "a"));
    let state = RunState::replay(&world.plan, &world.journal.all()).unwrap();
    let keys: Vec<&str> = order(&world.plan, &state, to)
        .into_iter()
        .map(|at| world.plan.nodes[at as usize].key.as_str())
        .collect();
    assert_eq!(keys, ["never", "bad", "b"], "`free` ran beside `a`");
    assert_eq!(roll_back(&mut world, Asking { to, ..by_ada() }), (RunStatus::RolledBack, 0));
    assert_eq!(undos(&world), ["never#1", "bad#1", "b#1"]);
}

#[test]
fn an_undo_takes_the_locks_of_its_stage_and_waits_for_them() {
    let held = Claimed::Waits(Obstacle {
        on: WaitFor::Lock,
        name: "prod".into(),
        holders: vec![Holder { run: "r9".into(), stage: "ship".into(), keeps: false }],
        ahead: Vec::new(),
        until: None,
    });
    let granted = || Claimed::Granted { probe: None, killed: 0 };
    let drafts = vec![stage("a").undo().lock("prod"), stage("b").undo().once().lock("prod").needs(&["a"])];
    let mut world =
        World::new(rolling(drafts)).claims("a", [granted(), held, granted()]).does("b", [exits(1)]);
    assert_eq!(world.run(), (RunStatus::RolledBack, 1), "{:#?}", world.lines());
    let claims = [
        "claim a prod",
        "start a#1",
        "claim b prod",
        "start b#1",
        "undo b#1",
        "claim a prod",
        "claim a prod",
        "undo a#1",
    ];
    assert_eq!(world.done, claims, "`b` ended badly and kept its lock until it was undone");
    assert!(
        world.has("note the undo of `a` waits: lock `prod` is held by `ship` of run r9"),
        "{:#?}",
        world.lines()
    );
    assert_eq!(world.lines().iter().filter(|line| line.ends_with("gives back")).count(), 3);
}

#[test]
fn a_lock_kept_by_a_stage_without_undo_is_given_back_too() {
    let drafts = vec![stage("a").undo(), stage("b").once().lock("prod").needs(&["a"])];
    let granted = Claimed::Granted { probe: None, killed: 0 };
    let mut world = World::new(rolling(drafts)).claims("b", [granted]).does("b", [exits(1)]);
    world.run();
    assert!(world.has("b gives back"), "{:#?}", world.lines());
}

#[test]
fn files_are_recorded_as_the_run_goes_and_brought_back_only_when_a_person_asks() {
    let mut world = World::new(rolling(four())).does("bad", [exits(1)]);
    world.settings.snapshots = true;
    assert_eq!(world.run(), (RunStatus::RolledBack, 1));
    assert!(world.has("start a#1 @100"), "nothing starts before they are recorded: {:#?}", world.lines());
    assert!(!world.done.iter().any(|done| done.starts_with("restore")));
    let restored = |what| Restored { path: "f".into(), what };
    world.restored = Ok(vec![restored(Restoring::Removed), restored(Restoring::Left)]);
    let asking = Asking { files: Some("before".into()), ..by_ada() };
    assert_eq!(roll_back(&mut world, asking.clone()), (RunStatus::RolledBack, 0));
    assert!(world.done.contains(&"restore before of +before".to_owned()), "{:?}", world.done);
    assert_eq!(undos(&world).len(), 4, "nothing is undone twice");
    assert!(world.has("rolled back, failed [], 1 files, None"), "{:#?}", world.lines());
    assert!(world.has("note f was changed by somebody else and is left as it is"));
    let mut broken = World::new(lane(four()));
    broken.run();
    broken.restored = Err("the disk is full".into());
    assert_eq!(roll_back(&mut broken, asking), (RunStatus::RolledBack, 1));
}

#[test]
fn files_go_back_to_before_the_run_and_what_others_did_between_its_sessions_is_marked() {
    let plan = lane(vec![stage("a"), stage("b")]);
    let state = |shots: &[(Option<u32>, &str)]| {
        let mut state = RunState::new(&plan);
        state.snapshots = shots.iter().map(|(node, id)| (*node, (*id).to_owned())).collect();
        state
    };
    let run = state(&[(None, "s0"), (Some(0), "s1"), (None, "mine"), (Some(1), "s2")]);
    assert_eq!(base(&run, None), Some("s0"));
    assert_eq!(base(&run, Some(0)), Some("s1"));
    assert_eq!(known(&run), ["+s0", "s1", "+mine", "s2"]);
    assert_eq!(base(&state(&[]), None), None);
    assert_eq!(base(&state(&[(None, "s0")]), Some(0)), None, "nothing was recorded after it");
}

#[test]
fn an_unknown_stage_is_undone_and_nobody_is_asked_about_it_any_more() {
    let mut world = World::new(lane(vec![stage("ship").once().undo().lock("prod")]));
    world.run();
    world.crash_after_event(|event| matches!(event, Event::StageStarted { .. }));
    assert_eq!(world.resume(&Observed::default()), (RunStatus::Waiting, 4));
    assert_eq!(roll_back(&mut world, by_ada()), (RunStatus::RolledBack, 0));
    assert_eq!(undos(&world), ["ship#1"]);
}
