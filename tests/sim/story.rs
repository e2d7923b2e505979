//! A seed's whole story: a random lane, engines that fail one after the other in random ways, and at last engines in
//! a healthy world, which must bring the run to a good end.

use rand::{RngExt, SeedableRng};

use super::bugs::Bug;
use super::deeds::{Deed, What};
use super::dice::{self, Dice};
use super::judge;
use super::life::{End, Engine, Fate};
use super::world::World;
use wfl::engine::input::Settings;
use wfl::engine::resume::{reconcile, to_hash};
use wfl::engine::{InputKind, Observed, Refusal, Resolution, RunState};
use wfl::event::{NodeIndex, RunStatus, Status, WaitFor};
use wfl::plan::Plan;

pub const EPOCH: i64 = 1_700_000_000_000;
/// Resumes in a healthy world after which the run must have ended.
const PATIENCE: usize = 8;

/// What went wrong, and all that led to it.
pub struct Broken {
    pub seed: u64,
    pub why: String,
    /// Up to the one that is wrong.
    pub deeds: Vec<Deed>,
    pub plan: Plan,
}

/// Tells the story of a seed and judges it. `bug` is planted for the engine, not for the judge.
pub fn tell(seed: u64, bug: Option<Bug>) -> Result<Vec<Deed>, Box<Broken>> {
    let mut rng = Dice::seed_from_u64(seed);
    let plan = dice::plan(&mut rng);
    let given = bug.map_or(plan.clone(), |bug| bug.plan(plan.clone()));
    let mut world = World::new(given, rng, bug);
    let played = play(&mut world);
    let deeds = world.ledger.deeds();
    let count = deeds.len();
    let judged = judge::judge(&plan, &deeds);
    match judged.and(played.map_err(|why| (count, why))) {
        Ok(()) => Ok(deeds),
        Err((at, why)) => {
            let deeds = deeds.into_iter().take(at + 1).collect();
            Err(Box::new(Broken { seed, why, deeds, plan }))
        }
    }
}

fn play(world: &mut World) -> Result<(), String> {
    let troubled = world.rng.random_range(0..4);
    let mut displaced = None;
    for _ in 0..troubled {
        let fate = fate(world);
        match life(world, fate, displaced.take())? {
            End::Displaced(engine) => displaced = Some(engine),
            End::Stopped(RunStatus::Succeeded, _) if world.chance(70) => return Ok(()),
            _ => {}
        }
        between(world, fate, displaced.is_some());
    }
    world.healthy = true;
    for _ in 0..PATIENCE {
        match life(world, Fate::Fair, displaced.take())? {
            End::Stopped(RunStatus::Succeeded, 0) => return Ok(()),
            // Its time is used up, however often it is resumed.
            End::Stopped(RunStatus::TimedOut, 5) if world.plan.timeout.is_some() => return Ok(()),
            _ => between(world, Fate::Fair, false),
        }
    }
    Err("in a healthy world the run does not come to a good end, however often it is resumed".into())
}

fn fate(world: &mut World) -> Fate {
    let soon = world.rng.random_range(1..8);
    let at = world.rng.random_range(1..=10 * soon);
    match world.rng.random_range(0..7) {
        0 | 1 => Fate::Killed(at),
        2 | 3 => Fate::PowerCut(at),
        4 => Fate::FullDisk(world.rng.random_range(1..=5 * soon), world.chance(40)),
        5 => Fate::Displaced(at / 2),
        _ => Fate::Fair,
    }
}

/// What happens while no engine has the run.
fn between(world: &mut World, fate: Fate, displaced: bool) {
    world.close();
    if matches!(fate, Fate::PowerCut(_)) {
        world.fence();
        world.ledger.cut_power();
        world.late.clear();
    }
    if let Some(bug) = world.bug {
        let plan = world.plan.clone();
        world.ledger.lose(|record| bug.forgets(&plan, record));
    }
    if !displaced {
        let most = if world.chance(20) { 4_000_000 } else { 5_000 };
        let ms = world.rng.random_range(0..most);
        world.downtime(ms);
    }
    if !world.healthy && world.chance(15) {
        let node = world.rng.random_range(0..world.contents.len());
        world.contents[node] += 1;
    }
}

fn life(world: &mut World, fate: Fate, displaced: Option<Box<Engine>>) -> Result<End, String> {
    let settings = settings(world);
    let records = world.ledger.records();
    let (state, begin) = if records.is_empty() {
        log_engine(world, &settings, Vec::new(), false);
        (RunState::new(&world.plan), InputKind::Begin { engine: "sim".into() })
    } else {
        let state = RunState::replay(&world.plan, &records)
            .map_err(|bug| format!("the journal does not fold: {bug}"))?;
        if world.healthy {
            let asked = (0..).zip(&state.nodes).filter(|(_, node)| node.waits_on(WaitFor::Approval));
            world.remind(asked.map(|(node, _)| node).collect());
        }
        let begin = resume(world, &state, &settings)?;
        (state, begin)
    };
    if world.bug != Some(Bug::FenceSkipped) {
        world.fence();
    }
    world.open(settings.jobs.min(world.plan.nodes.len()));
    world.meddle();
    let mut given = settings;
    given.jobs += usize::from(world.bug == Some(Bug::MoreJobs));
    given.commons &= world.bug != Some(Bug::NobodyAsked);
    let engine = Engine::new(world, state, given, fate);
    engine.live(world, begin, displaced)
}

fn settings(world: &mut World) -> Settings {
    Settings {
        jobs: world.rng.random_range(1..4),
        yes: world.chance(if world.healthy { 50 } else { 20 }),
        people: world.chance(40),
        keep_going: world.chance(30),
        commons: world.chance(40),
        yes_destructive: world.chance(20),
        ..Settings::default()
    }
}

fn log_engine(world: &World, settings: &Settings, changed: Vec<NodeIndex>, tracked: bool) {
    let (jobs, keep_going, commons) = (settings.jobs, settings.keep_going, settings.commons);
    world.ledger.log(What::Engine { jobs, keep_going, commons, changed, tracked });
}

/// What `wfl resume` does before the engine begins. Where it is refused for what changed, the change is undone.
fn resume(world: &mut World, state: &RunState, settings: &Settings) -> Result<InputKind, String> {
    let plan = world.plan.clone();
    let hashed = to_hash(&plan, state);
    let hash = |world: &World, node: NodeIndex| Some(format!("v{}", world.contents[node as usize]));
    let tracked = !world.healthy && world.chance(10);
    let mut observed = Observed {
        inputs: hashed.iter().map(|node| (*node, hash(world, *node))).collect(),
        tracked_changed: tracked.then(|| vec!["src/x".to_owned()]),
        by: "ada".into(),
        engine: "sim".into(),
        messages: std::mem::take(&mut world.inbox),
        ..Observed::default()
    };
    let mut first = reconcile(&plan, state, &observed);
    if first.is_err() {
        for &node in &hashed {
            let then = state.node(node).inputs.clone();
            let version = then.as_deref().and_then(|text| text[1..].parse().ok());
            world.contents[node as usize] = version.unwrap_or_default();
            observed.inputs.insert(node, then);
        }
        observed.tracked_changed = None;
        first = reconcile(&plan, state, &observed);
    }
    let first = match first {
        Err(Refusal { message, .. }) => return Err(format!("nothing changed, yet it is refused: {message}")),
        Ok(InputKind::Resume(decisions)) => decisions,
        Ok(other) => return Err(format!("{other:?} is no resume")),
    };
    let known = (0..).zip(&state.nodes).filter(|(_, node)| node.status == Status::Unknown);
    let unknown: Vec<NodeIndex> =
        known.map(|(node, _)| node).chain(first.unknown.iter().map(|(node, _)| *node)).collect();
    for node in unknown {
        if world.healthy || world.chance(50) {
            let done = world.chance(50);
            observed.resolutions.push(Resolution { stage: plan.nodes[node as usize].key.clone(), done });
        }
    }
    let changed = hashed.into_iter().filter(|node| state.node(*node).inputs != hash(world, *node)).collect();
    log_engine(world, settings, changed, observed.tracked_changed.is_some());
    match reconcile(&plan, state, &observed) {
        Ok(InputKind::Resume(mut decisions)) => {
            if let Some(bug) = world.bug {
                bug.decisions(state, &mut decisions);
            }
            Ok(InputKind::Resume(decisions))
        }
        Err(Refusal { message, .. }) => Err(format!("what a person said is refused: {message}")),
        Ok(other) => Err(format!("{other:?} is no resume")),
    }
}
