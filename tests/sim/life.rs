//! One engine's life: the kernel's own core, turn by turn, until it stops, dies, or its disk fails. Judges only what the
//! core itself shows: that it does not contradict itself and always has something to do.

use rand::RngExt;

use super::bugs::Bug;
use super::deeds::{Medium, What};
use super::world::{News, World};
use wfl::base::{Moment, Timestamp};
use wfl::engine::core::{Core, Fault};
use wfl::engine::input::Settings;
use wfl::engine::{Command, Input, InputKind, RunState};
use wfl::event::{Event, RunStatus};
use wfl::port::Message;

const YEAR: i64 = 365 * 86_400_000;
/// More turns than any of these lanes can need.
const TURNS: usize = 3_000;

/// What becomes of an engine that does not end by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Fair,
    /// After so many steps; a step is a turn, a commit, or one command carried out.
    Killed(u32),
    PowerCut(u32),
    /// The disk is full at this commit; that one may be written all the same.
    FullDisk(u32, bool),
    /// After so many turns another engine takes the run up while this one goes on.
    Displaced(u32),
}

pub enum End {
    Stopped(RunStatus, i32),
    Dead,
    Unsafe,
    Displaced(Box<Engine>),
}

pub struct Engine {
    pub core: Core,
    /// The world's time when the process began.
    origin: i64,
    steps: u32,
    turns: u32,
    fate: Fate,
    /// Messages that were handed to the turn under way.
    handed: Vec<Message>,
}

impl Fate {
    pub fn medium(self) -> Medium {
        match self {
            Fate::FullDisk(at, written) => Medium { full_at: Some((at, written)), ..Medium::default() },
            _ => Medium::default(),
        }
    }
}

impl Engine {
    pub fn new(world: &World, state: RunState, settings: Settings, fate: Fate) -> Self {
        let mut state = state;
        state.live.settings = settings;
        let medium = world.bug.map_or(fate.medium(), |bug| bug.medium(fate.medium()));
        let mode = world.bug.map_or_else(Default::default, Bug::mode);
        let pen = super::deeds::Pen::new(&world.ledger, medium);
        let observers: Vec<Box<dyn wfl::port::Observer>> = vec![Box::new(world.ledger.clone())];
        let core = Core::new(world.plan.clone(), state, Box::new(pen), observers, mode);
        Engine { core, origin: world.now, steps: 0, turns: 0, fate, handed: Vec::new() }
    }

    pub fn live(
        mut self,
        world: &mut World,
        begin: InputKind,
        mut displaced: Option<Box<Engine>>,
    ) -> Result<End, String> {
        let mut inputs = self.opening(world, begin);
        for _ in 0..TURNS {
            if self.dies() {
                return self.dead(world);
            }
            let before = world.ledger.len();
            let commands = match self.core.turn(&inputs) {
                Err(Fault::Bug(bug)) => return Err(format!("the kernel contradicts itself: {bug}")),
                Err(Fault::Unsafe(_)) => return Ok(self.unsafe_state(world)),
                Ok(commands) => commands,
            };
            self.handed.clear();
            world.notice(&world.ledger.records()[before..]);
            let commands = world.bug.map_or(commands.clone(), |bug| bug.commands(commands));
            for command in commands {
                if self.dies() {
                    return self.dead(world);
                }
                if command == Command::Stop {
                    return self.stopped(world);
                }
                world.carry(command);
            }
            world.ledger.log(What::Settled);
            world.take_up();
            if let Some(other) = displaced.take() {
                other.lingers(world)?;
            }
            self.turns += 1;
            if matches!(self.fate, Fate::Displaced(at) if self.turns >= at) {
                return Ok(End::Displaced(Box::new(self)));
            }
            inputs = match self.wait(world)? {
                Some(inputs) => inputs,
                None => return Ok(self.unsafe_state(world)),
            };
        }
        Err("the run does not end".into())
    }

    /// Another engine has the run; this one hears of its processes, which were killed.
    fn lingers(mut self, world: &mut World) -> Result<(), String> {
        let open = (0..).zip(&self.core.state.nodes).filter(|(_, node)| node.open);
        let open: Vec<(u32, u32)> = open.map(|(index, node)| (index, node.attempt)).collect();
        let at = self.moment(world, world.now);
        for (node, attempt) in open {
            let outcome = super::world::ended(wfl::event::AttemptStatus::Failed, Some(137));
            let kind = InputKind::Exited { node, attempt, outcome };
            match self.core.turn(&[Input { at, kind }]) {
                Err(Fault::Bug(bug)) => return Err(format!("the kernel contradicts itself: {bug}")),
                Err(Fault::Unsafe(_)) => return Ok(()),
                Ok(commands) => commands.into_iter().for_each(|command| world.carry(command)),
            }
        }
        world.take_up();
        Ok(())
    }

    fn opening(&mut self, world: &mut World, begin: InputKind) -> Vec<Input> {
        let at = self.moment(world, world.now);
        let mut kinds = vec![begin];
        self.handed = match &kinds[0] {
            InputKind::Resume(decisions) => decisions.messages.clone(),
            _ => {
                let messages = std::mem::take(&mut world.inbox);
                kinds.extend(messages.iter().cloned().map(InputKind::Message));
                messages
            }
        };
        kinds.push(InputKind::Tick);
        kinds.into_iter().map(|kind| Input { at, kind }).collect()
    }

    fn dies(&mut self) -> bool {
        self.steps += 1;
        matches!(self.fate, Fate::Killed(at) | Fate::PowerCut(at) if self.steps >= at)
    }

    fn dead(mut self, world: &mut World) -> Result<End, String> {
        self.agrees(world)?;
        world.inbox.append(&mut self.handed);
        world.ledger.log(What::Killed);
        Ok(End::Dead)
    }

    /// Nothing may be left running when the state is unsafe.
    fn unsafe_state(mut self, world: &mut World) -> End {
        world.inbox.append(&mut self.handed);
        world.fence();
        End::Unsafe
    }

    fn stopped(self, world: &mut World) -> Result<End, String> {
        self.agrees(world)?;
        world.ledger.log(What::Stopped);
        if world.running() > 0 {
            return Err("the engine ended while something still ran".into());
        }
        match world.ledger.records().last().map(|record| &record.event) {
            Some(Event::RunFinished { status, exit, .. }) => Ok(End::Stopped(*status, *exit)),
            other => Err(format!("the last event is {other:?}")),
        }
    }

    /// Folding the journal gives the state that the engine has.
    fn agrees(&self, world: &World) -> Result<(), String> {
        if world.bug.is_some() {
            return Ok(());
        }
        let folded = RunState::replay(&world.plan, &world.ledger.records())
            .map_err(|bug| format!("the journal does not fold: {bug}"))?;
        let same = folded.nodes == self.core.state.nodes
            && folded.phase == self.core.state.phase
            && folded.first_failure == self.core.state.first_failure;
        if same { Ok(()) } else { Err("the journal folds to another state than the engine had".into()) }
    }

    fn moment(&self, world: &World, at: i64) -> Moment {
        let mut mono = at - self.origin;
        if world.bug == Some(Bug::TimersByTheWallClock) {
            mono += world.wall - super::story::EPOCH;
        }
        Moment { wall: Timestamp(at + world.wall), mono }
    }

    /// Until there is something to decide on; `None` when syncing what waits to be shown failed.
    fn wait(&mut self, world: &mut World) -> Result<Option<Vec<Input>>, String> {
        loop {
            disturb(world);
            let offset = world.now - self.moment(world, world.now).mono;
            let timer =
                self.core.next_timer(self.moment(world, world.now)).map(|due| due.saturating_add(offset));
            let show = self.core.show_due().map(|due| due.saturating_add(offset));
            let due = [world.next_due(), timer, show].into_iter().flatten().min();
            let Some(due) = due else { return Err("nothing will ever happen".into()) };
            world.pass_to(due.max(world.now));
            let mut inputs = self.news(world);
            if timer.is_some_and(|due| due <= world.now) && (inputs.is_empty() || world.chance(50)) {
                inputs.push(Input { at: self.moment(world, world.now), kind: InputKind::Tick });
            }
            if !inputs.is_empty() {
                return Ok(Some(inputs));
            }
            if show.is_some_and(|due| due <= world.now) && self.core.sync(world.wall_now()).is_err() {
                return Ok(None);
            }
        }
    }

    /// What one turn takes up: one thing, or several that came while the kernel was busy.
    fn news(&mut self, world: &mut World) -> Vec<Input> {
        let most = if world.chance(30) { world.rng.random_range(2..5) } else { 1 };
        let mut inputs = Vec::new();
        while inputs.len() < most {
            let Some((due, news)) = world.arrived() else { break };
            // Who brings news reads the clock before it waits for its turn.
            let at = self.moment(world, due.max(world.now - 2));
            let kind = match news {
                News::Input(kind) => kind,
                News::Aside(kind) => self.renumbered(world, kind),
                News::Post(message) => {
                    self.handed.push(message.clone());
                    InputKind::Message(message)
                }
                News::Over(_) => continue,
            };
            if matches!(kind, InputKind::Signal(_)) {
                world.ledger.log(What::Signalled);
            }
            inputs.push(Input { at, kind });
        }
        inputs
    }

    fn renumbered(&self, world: &World, kind: InputKind) -> InputKind {
        match kind {
            InputKind::Exited { node, outcome, .. } if world.bug == Some(Bug::LateRenumbered) => {
                InputKind::Exited { node, attempt: self.core.state.node(node).attempt, outcome }
            }
            kind => kind,
        }
    }
}

/// The process is not scheduled for a while, or somebody sets the clock.
fn disturb(world: &mut World) {
    if world.healthy {
        return;
    }
    if world.chance(1) {
        let ms = if world.chance(50) { 3_600_000 } else { 900 };
        world.ledger.log(What::Paused(ms));
        world.pass_to(world.now + ms);
    }
    if world.chance(1) {
        let step = if world.chance(50) { YEAR } else { -YEAR };
        world.wall += step;
        world.ledger.log(What::ClockStepped(step));
    }
}
