//! Random lanes in a random world, with a crash after every prefix of the journal, finer than any real one: what must
//! always hold. `tests/sim` has the crashes, disks, clocks and people of the real world.

use std::collections::BTreeSet;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use super::fakes::{Does, Memory, World, approval, exits, interrupt, takes, times_out, yes};
use super::lanes::{Draft, exists, gate, lane, retry, stage, text};
use wfl::base::Value;
use wfl::engine::resume::{reconcile, to_hash};
use wfl::engine::{Observed, Resolution, RunState};
use wfl::event::{Event, Record, RunStatus, Status, WaitFor};
use wfl::plan::{Action, Bound, EdgeKind, Effect, Plan, StageKind};

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
        for _ in 0..rng.random_range(1..3) {
            draft = random_trait(draft, rng);
        }
        if rng.random_bool(0.25) && draft.node.kind == StageKind::Stage {
            draft = draft.calls(random_inside(rng));
        }
        drafts.push(draft);
    }
    let mut plan = lane(drafts);
    for (call, of) in (0..).zip(plan.calls.clone()) {
        if rng.random_bool(0.25) {
            let members = (of.opening..=of.closing).collect();
            plan.bounds.push(Bound { call, members, timeout: 4_000, whose: "the call".into() });
        }
    }
    plan.timeout = rng.random_bool(0.1).then_some(6_000);
    if rng.random_bool(0.2) {
        plan.finally = vec![Action::Exec { argv: vec![text("./report")] }];
    }
    plan
}

/// The stages of a called lane.
fn random_inside(rng: &mut Xoshiro256PlusPlus) -> Vec<Draft> {
    let mut inside: Vec<Draft> = Vec::new();
    for at in 0..rng.random_range(1..4) {
        let mut draft = stage(&format!("i{at}"));
        if at > 0 && rng.random() {
            draft = draft.needs(&["i0"]);
        }
        if rng.random() {
            draft = random_trait(draft, rng);
        }
        inside.push(draft);
    }
    inside
}

fn random_trait(draft: Draft, rng: &mut Xoshiro256PlusPlus) -> Draft {
    match rng.random_range(0..16) {
        0 | 1 => draft.once(),
        2 => draft.idempotent("k"),
        3 => draft.when(false),
        4 => draft.retry(retry(3)),
        5 => draft.lock("l"),
        6 => draft.finally(),
        7 => draft.once().lock("l"),
        8 => draft.out("f", "file"),
        9 => draft.with(|node| node.allow_failure = Some(String::new())),
        10 => draft.approve(1, None),
        11 => draft.with(|node| node.confirm = Some("sure?".into())),
        12 => draft.with(|node| node.inputs = vec!["src/**".into()]),
        13 => draft.with(|node| node.before = vec![exists("x")]),
        _ => gated(draft, rng.random()),
    }
}

/// Turns a plain stage into a gate, maybe of the tool that all such gates share.
fn gated(draft: Draft, shared: bool) -> Draft {
    let judge = gate("", 70.0).node.gate;
    draft.with(|node| {
        node.kind = StageKind::Gate;
        node.effect = Effect::Repeatable;
        node.gate = judge;
        if let Some(gate) = node.gate.as_mut().filter(|_| shared) {
            gate.tool = Some("cov".into());
        }
    })
}

fn random_world(plan: Plan, rng: &mut Xoshiro256PlusPlus) -> World {
    let keys: Vec<String> = plan.nodes.iter().map(|node| node.key.clone()).collect();
    let jobs = rng.random_range(1..4);
    let mut world = World::new(plan).jobs(jobs);
    world.settings.keep_going = rng.random();
    world.settings.people = rng.random();
    let lines = Value::Percent(if rng.random_bool(0.8) { 90.0 } else { 50.0 });
    world = world.fact("lcov(\"cov.json\").lines", lines);
    if rng.random_bool(0.15) {
        world = world.at(rng.random_range(0..9_000), interrupt());
    }
    for key in keys {
        let attempts: Vec<Does> = (0..rng.random_range(0..3))
            .map(|_| match rng.random_range(0..6) {
                0 => exits(1),
                1 => times_out(),
                2 => Does::Busy,
                _ => takes(rng.random_range(1..5_000)),
            })
            .collect();
        if rng.random_bool(0.7) {
            world.answers.insert(key.clone(), [Some(yes("ada"))].into());
        }
        world = world.does(&key, attempts);
    }
    world
}

/// Resumes until the run is over, marking done whatever is unknown and approving what waits. With `changed`, files
/// changed meanwhile, unless that is refused.
fn resume_to_the_end(world: &mut World, changed: bool) {
    for round in 0..9 {
        let state = world.state();
        let resolutions = (0..state.nodes.len())
            .filter(|at| state.nodes[*at].status == Status::Unknown)
            .map(|at| Resolution { stage: world.plan.nodes[at].key.clone(), done: true })
            .collect();
        let waiting = (0..state.nodes.len()).filter(|at| state.nodes[*at].waits_on(WaitFor::Approval));
        world.inbox = waiting.map(|at| approval(&world.plan.nodes[at].key, yes("bob"))).collect();
        let mut observed = Observed { resolutions, by: "ada".into(), ..Observed::default() };
        let hashed = to_hash(&world.plan, &state).into_iter();
        observed.inputs = hashed.map(|node| (node, world.hash.clone())).collect();
        observed.tracked_changed = (changed && round == 0).then(|| vec!["src/x".to_owned()]);
        let begin = reconcile(&world.plan, &state, &observed).unwrap_or_else(|_| {
            observed.tracked_changed = None;
            reconcile(&world.plan, &state, &observed).expect("nothing changed: not refused")
        });
        let (_, exit) = world.go(state, begin).expect("no fault");
        if exit != 4 {
            return;
        }
    }
    panic!("the run still waits: {:#?}", world.lines());
}

/// What must hold of any history, as the first thing that does not.
fn check(plan: &Plan, records: &[Record]) -> Result<(), String> {
    let mut history = History {
        plan,
        status: vec![Status::Pending; plan.nodes.len()],
        starts: vec![0; plan.nodes.len()],
        lock: BTreeSet::new(),
        retries: BTreeSet::new(),
    };
    for record in records {
        history.event(&record.event).map_err(|why| format!("{}: {why}", record.seq))?;
    }
    let last = records.last().map(|record| &record.event);
    let waits = matches!(last, Some(Event::RunFinished { status: RunStatus::Waiting, .. }));
    match history.status.iter().position(|status| !status.is_final()).filter(|_| !waits) {
        Some(at) => Err(format!("stage {at} never ended: {}", history.status[at].word())),
        None => Ok(()),
    }
}

/// A fold of its own, so that it does not share the engine's mistakes.
struct History<'a> {
    plan: &'a Plan,
    status: Vec<Status>,
    starts: Vec<u32>,
    lock: BTreeSet<u32>,
    /// Its own retry policy may start a `once` stage again, but never after a crash.
    retries: BTreeSet<u32>,
}

impl History<'_> {
    fn event(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::StageStarted { node, .. } => self.started(*node)?,
            Event::AttemptFinished { node, .. } => {
                self.lock.remove(node);
            }
            Event::StageFinished { node, status, .. } => {
                let before = std::mem::replace(&mut self.status[*node as usize], *status);
                if before.is_final() {
                    return Err(format!("the result of {node} is recorded twice"));
                }
            }
            Event::StagesBlocked { nodes, .. } => {
                nodes.iter().for_each(|node| self.status[*node as usize] = Status::Blocked);
            }
            Event::StageReset { node, .. } => self.status[*node as usize] = Status::Pending,
            Event::StageUnknown { node, .. } => self.status[*node as usize] = Status::Unknown,
            Event::StageResolved { node, done, .. } => {
                self.status[*node as usize] = if *done { Status::Succeeded } else { Status::Pending };
            }
            Event::StageWaiting { node, on: WaitFor::Retry, .. } => {
                self.retries.insert(*node);
            }
            Event::RunResumed { .. } => {
                self.lock.clear();
                self.retries.clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn started(&mut self, node: u32) -> Result<(), String> {
        let at = node as usize;
        let spec = &self.plan.nodes[at];
        self.starts[at] += 1;
        if spec.effect == Effect::Once && self.starts[at] > 1 && !self.retries.remove(&node) {
            return Err(format!("once stage {at} starts twice"));
        }
        for edge in &spec.edges {
            let need = self.status[edge.to as usize];
            let fits = match edge.kind {
                EdgeKind::Needs => need.meets_need(),
                EdgeKind::NeedsOptional => need.meets_need() || need == Status::Skipped,
                EdgeKind::Follows => need.is_final() && need != Status::Unknown,
            };
            if !fits {
                return Err(format!("stage {at} starts while {} is {}", edge.to, need.word()));
            }
        }
        self.outside_holds(node)?;
        if spec.lock.is_some() {
            self.lock.insert(node);
        }
        self.status[at] = Status::Running;
        if self.lock.len() > 1 { Err(format!("{:?} hold one lock", self.lock)) } else { Ok(()) }
    }
}

impl History<'_> {
    /// A call holds its lock from its opening to its closing, and only what is inside may take it meanwhile.
    fn outside_holds(&self, node: u32) -> Result<(), String> {
        let (plan, spec) = (self.plan, &self.plan.nodes[node as usize]);
        for (index, call) in (0..).zip(&plan.calls) {
            let of_call = spec.call == Some(index) || spec.closes == Some(index);
            let held = plan.nodes[call.opening as usize].lock.is_some()
                && self.status[call.opening as usize] == Status::Succeeded
                && !self.status[call.closing as usize].is_final();
            if held && !of_call && spec.lock.is_some() {
                return Err(format!("{node} starts with the lock that call {index} holds"));
            }
        }
        Ok(())
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
        resume_to_the_end(&mut world, seed.is_multiple_of(3));
        // Judge what really happened: what was forgotten did happen.
        let mut history = if forgot { lost } else { kept.clone() };
        history.extend(world.journal.all().into_iter().skip(kept.len()));
        check(&plan, &history)
            .map_err(|why| format!("seed {seed}, crash after {cut}: {why}: {:#?}", world.lines()))?;
    }
    Ok(())
}

#[test]
fn whatever_happens_and_wherever_it_crashes_the_promises_hold() {
    for seed in 0..100 {
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
