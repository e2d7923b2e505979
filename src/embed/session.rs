//! A run with its engine: made, locked, driven. Plugs journal, executor, facts, people and observers together; what
//! happens is the engine's to decide.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::SystemClock;
use crate::base::{Timestamp, Value};
use crate::capture::{LOG_CAP, LineSink};
use crate::engine::drive::{self, Control, End, Mode, Options, Ports};
use crate::engine::input::{Asking, InputKind, Reuse};
use crate::engine::resume::{self, Observed, Resolution};
use crate::engine::state::RunState;
use crate::event::{Record, RunId, RunStatus};
use crate::exec::LocalExecutor;
use crate::exec::inject::Injections;
use crate::facts::{World, git};
use crate::history::History;
use crate::observe::plain::Output;
use crate::plan::{Plan, StageKind};
use crate::port::{Inbox, Observer, People};
use crate::store::lock::AcquireError;
use crate::store::{NewNode, NewRun, RunLock, Store, StoreError, StoreInbox};

use super::errors::{self, Earlier};
use super::shelf::Shelf;
use super::{
    Error, Foretold, Place, Planned, Project, StoredRun, adopt, forecast, foretell, inject, isolated,
    outdated, reuse, rollback, rules, start,
};

/// How a run is driven and who is told.
#[derive(Default)]
pub struct Going {
    /// Answers `confirm` questions with yes; approves nothing.
    pub yes: bool,
    pub keep_going: bool,
    /// How hard commits are.
    pub durability: Mode,
    /// Told every event after it was recorded.
    pub observers: Vec<Box<dyn Observer>>,
    /// Asked for approvals and confirmations; nobody when none.
    pub people: Option<Arc<dyn People>>,
    /// Stops the run from outside.
    pub control: Arc<Control>,
    /// Given every line of output as it comes.
    pub lines: Option<LineSink>,
    /// The `wfl` program, which renders templates in processes of bounded memory. Without it they are rendered in this
    /// process, where only their work and size are bounded: give it where templates are not your own.
    pub renderer: Option<PathBuf>,
    /// Makes this whole process take in what stages leave behind, so that it is found and reaped: for a program that does
    /// nothing else.
    pub adopts_orphans: bool,
    /// How results of other runs are taken.
    pub reuse: Reuse,
    /// No repair rule acts.
    pub no_repair: bool,
    /// Agrees to destructive repairs, which `yes` does not.
    pub yes_destructive: bool,
    /// The project's files are not recorded as the run goes.
    pub unrecorded: bool,
}

/// What was said of stages whose end nobody knows, and whether a changed definition is taken.
#[derive(Clone, Debug, Default)]
pub struct Resolve {
    pub rerun: Vec<String>,
    pub done: Vec<String>,
    pub adopt: bool,
}

/// How a run stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    pub run: RunId,
    pub status: RunStatus,
    /// The program's exit code that goes with it; 101 for a bug of the engine.
    pub exit: i32,
    pub cause: Option<String>,
    /// Gates that passed on a tree that was changed afterwards, a line each.
    pub outdated: Vec<String>,
    /// What became of the run's own checkout, a line each.
    pub isolated: Vec<String>,
    /// What was found wrong with the state after the run's end was recorded.
    pub warning: Option<StoreError>,
    /// Failures of this run that earlier ones had as well.
    pub earlier: Vec<Earlier>,
}

/// A run that this process holds and has not driven yet.
pub struct Session {
    pub run: RunId,
    pub plan: Arc<Plan>,
    /// What was recorded before.
    pub past: Vec<Record>,
    /// What an engine that ended without a word had left, and was mended; a line each.
    pub mended: Vec<String>,
    inbox: StoreInbox,
    store: Store,
    state: RunState,
    begin: InputKind,
    world: Arc<World>,
    secrets: BTreeMap<u32, Value>,
    injections: Injections,
    _lock: RunLock,
}

/// What for a stopped run is taken up.
enum Taken<'a> {
    Resumed(&'a Resolve, bool),
    RolledBack(Asking),
}

impl Project {
    /// Stores the run and takes it for this process. Nothing runs yet.
    pub fn start(&self, planned: Planned) -> Result<Session, Error> {
        Session::new(&self.place, self.world(&Default::default()), planned)
    }

    /// As [`Project::start`], for who needs the project no more: its memory is the run's.
    pub fn launch(self, planned: Planned) -> Result<Session, Error> {
        let (place, world) = (self.place.clone(), self.world(&Default::default()));
        drop(self);
        Session::new(&place, world, planned)
    }

    /// Plans and drives in one step.
    pub fn run(&self, planned: Planned, going: Going) -> Result<Ended, Error> {
        self.start(planned)?.drive(going)
    }

    /// Goes on with a run of this project that stopped.
    pub fn resume(&self, run: &str, resolve: &Resolve, going: Going) -> Result<Ended, Error> {
        Session::resume_at(&self.place, run, resolve)?.drive(going)
    }

    /// Takes back what a stopped run of this project did: all of it, or what came after the stage `to`.
    pub fn roll_back(&self, run: &str, to: Option<&str>, going: Going) -> Result<Ended, Error> {
        Session::roll_back_at(&self.place, run, to)?.drive(going)
    }
}

impl Session {
    fn new(place: &Place, world: World, planned: Planned) -> Result<Session, Error> {
        let Planned { mut plan, change, order, .. } = planned;
        let secrets = start::secrets(&plan)?;
        let injections = inject::injections(&plan)?;
        let store = place.state()?;
        let mended = super::doctor::after_unclean_stop(place, &store)?;
        reuse::mend(&plan, &store)?;
        // So that it is read in its short form; what cannot be taken in now is so later.
        store.take_in().ok();
        super::expect(&mut plan, &store, &order);
        let run = new_id();
        let lock = acquire(&store, &run)?;
        isolated::begin(&place.root, &run)?;
        let json = serde_json::to_string(&plan)
            .map_err(|e| Error::refused(format!("the plan cannot be stored: {e}"), "this is a bug of wfl"))?;
        let params = plan.params.iter().map(|(name, value)| (name.clone(), value.to_string())).collect();
        store.create_run(&NewRun {
            id: &run,
            lane: &plan.lane,
            plan_json: &json,
            nodes: &nodes(&plan),
            change: &change,
            params: &params,
            at: Timestamp::now(),
        })?;
        drop(json);
        Ok(Session {
            state: RunState::new(&plan),
            plan: Arc::new(plan),
            past: Vec::new(),
            inbox: store.inbox(&run)?,
            run,
            store,
            begin: InputKind::Begin { engine: engine() },
            world: Arc::new(world),
            secrets,
            injections,
            mended,
            _lock: lock,
        })
    }

    /// Takes a stopped run of the project the program was started in.
    pub fn resume(run: &str, resolve: &Resolve) -> Result<Session, Error> {
        // Looking first: a mistyped folder must not get a state of its own.
        StoredRun::find(run)?;
        Session::resume_at(&Place::here()?, run, resolve)
    }

    fn resume_at(place: &Place, run: &str, resolve: &Resolve) -> Result<Session, Error> {
        let found = StoredRun::in_store(place.state()?, run)?;
        let lock = acquire(&found.store, &found.id)?;
        let mut mended = Vec::new();
        if found.summary.status == RunStatus::Interrupted {
            // Whatever ended the engine may have hurt the disk as well.
            found.store.require_sound()?;
            mended = super::doctor::after_unclean_stop(place, &found.store)?;
        }
        // Again, now that nobody else can go on with it.
        let mut stored = StoredRun::in_store(found.store, &found.id.0)?;
        let place = &isolated::place(place, &stored)?;
        let project = Project::at(place.clone(), &[]);
        // What is half taken back is finished as it was begun, whatever the definition says now.
        let adopted = match rollback::is_open(&stored)? {
            true => false,
            false => adopt::definition(place, &mut stored, resolve.adopt)?,
        };
        let session = Session::of(&project, stored, lock, Taken::Resumed(resolve, adopted))?;
        Ok(Session { mended, ..session })
    }

    /// Takes a run up only to end it: a changed definition does not matter, for nothing of it is started.
    pub fn end(run: &str) -> Result<RunStatus, Error> {
        let place = Place::here()?;
        let stored = StoredRun::in_store(place.state()?, run)?;
        let lock = acquire(&stored.store, &stored.id)?;
        if rollback::is_open(&stored)? {
            return Err(Error::refused(
                format!("run {} is half rolled back, which cannot be cancelled", stored.id),
                format!("`wfl resume {}` finishes it", stored.id),
            ));
        }
        let project = Project::at(place, &[]);
        let session = Session::of(&project, stored, lock, Taken::Resumed(&Resolve::default(), false))?;
        Ok(session.drive(Going::default())?.status)
    }

    /// Takes a stopped run up to take back what it did: all of it, or what came after the stage `to`.
    pub fn roll_back(run: &str, to: Option<&str>) -> Result<Session, Error> {
        StoredRun::find(run)?;
        Session::roll_back_at(&Place::here()?, run, to)
    }

    fn roll_back_at(place: &Place, run: &str, to: Option<&str>) -> Result<Session, Error> {
        let found = StoredRun::in_store(place.state()?, run)?;
        let lock = acquire(&found.store, &found.id)?;
        let stored = StoredRun::in_store(found.store, &found.id.0)?;
        let asking = rollback::asking(&stored, to)?;
        let project = Project::at(place.clone(), &[]);
        Session::of(&project, stored, lock, Taken::RolledBack(asking))
    }

    fn of(project: &Project, stored: StoredRun, lock: RunLock, taken: Taken<'_>) -> Result<Session, Error> {
        let secrets = start::secrets(&stored.plan)?;
        let injections = inject::injections(&stored.plan)?;
        let past = stored.records()?;
        let state = RunState::replay(&stored.plan, &past).map_err(|e| {
            Error::refused(format!("run {} cannot be continued: {e}", stored.id), "start a new run")
        })?;
        let world = Arc::new(project.world(&Default::default()));
        let mut inbox = stored.store.inbox(&stored.id)?;
        let begin = match taken {
            Taken::RolledBack(asking) => InputKind::Rollback(Asking { messages: inbox.take(), ..asking }),
            Taken::Resumed(..) if past.is_empty() => InputKind::Begin { engine: engine() },
            Taken::Resumed(resolve, adopted) => {
                let mut observed = observed(&stored, &past, resolve, adopted)?;
                reuse::observe(&stored, &state, &past, &mut observed);
                // Before anything starts or ends, or an approval given meanwhile would come too late.
                observed.messages = inbox.take();
                resume::reconcile(&stored.plan, &state, &observed)
                    .map_err(|refusal| Error::refused(refusal.message, refusal.help))?
            }
        };
        let StoredRun { store, id, plan, .. } = stored;
        Ok(Session {
            run: id,
            plan: Arc::new(plan),
            past,
            inbox,
            store,
            state,
            begin,
            world,
            secrets,
            injections,
            mended: Vec::new(),
            _lock: lock,
        })
    }

    /// The folder of the run's logs.
    pub fn log_dir(&self) -> PathBuf {
        self.store.log_dir(&self.run)
    }

    /// How long it will take, as far as earlier runs say.
    pub fn foretold(&self) -> Option<Foretold> {
        let past = forecast::runs_of(&self.store, &self.plan, Some(&self.run.0));
        let own = self.store.run(&self.run.0).ok().flatten();
        foretell(&self.plan, &own.map(|run| run.change).unwrap_or_default(), &past, None)
    }

    /// What attempts wrote, given piece by piece.
    pub fn output(&self) -> Output {
        let dir = self.store.log_dir(&self.run);
        Arc::new(move |node, attempt, each| super::stored::each_piece(&dir, node, attempt, each))
    }

    /// Runs it to its end, or until it waits for people.
    pub fn drive(self, going: Going) -> Result<Ended, Error> {
        let world = self.world.clone();
        let executor = match going.lines {
            Some(sink) => LocalExecutor::new().with_sink(sink),
            None => LocalExecutor::new(),
        };
        let log_size = self.plan.log_size.unwrap_or(LOG_CAP);
        let executor = executor.with_renderer(going.renderer).with_log_cap(log_size);
        let executor = executor.with_injections(self.injections);
        let executor = if going.adopts_orphans { executor.adopting_orphans() } else { executor };
        let ports = Ports {
            journal: Box::new(self.store.journal(&self.run)?),
            executor: Arc::new(executor),
            facts: world,
            clock: Arc::new(SystemClock::default()),
            observers: going.observers,
            people: going.people,
            inbox: Some(Box::new(self.inbox)),
            commons: Some(Arc::new(self.store.commons(&self.run)?)),
            results: Some(Arc::new(Shelf::new(&self.plan.root, &self.store))),
            snapshots: match going.unrecorded {
                true => None,
                false => rollback::recorder(&self.plan.root, &self.store, &self.run).ok(),
            },
        };
        let options = Options {
            run: self.run.clone(),
            durability: going.durability,
            yes: going.yes,
            keep_going: going.keep_going,
            reuse: going.reuse,
            no_repair: going.no_repair,
            yes_destructive: going.yes_destructive,
            rules: rules::library(&self.plan, &self.world),
            secrets: self.secrets,
            log_dir: Some(self.store.log_dir(&self.run)),
            // They only take tries away that are known to be vain: without them every try is made.
            failures: Arc::new(self.store.known_failures().unwrap_or_default()),
            ..Options::default()
        };
        let End { status, exit, cause } =
            drive::run(&self.plan, self.state, self.begin, ports, &options, &going.control)?;
        let gates = self.plan.nodes.iter().any(|node| node.gate.is_some());
        let outdated = match gates && status == RunStatus::Succeeded {
            true => outdated::outdated(&self.plan, &self.store.events(&self.run)?),
            false => Vec::new(),
        };
        let isolated = isolated::finish(&self.plan.root, &self.store, &self.run, status);
        let warning = self.store.back_up_if_due(Timestamp::now()).err();
        let earlier = match status {
            RunStatus::Succeeded | RunStatus::Waiting => Vec::new(),
            _ => errors::earlier(&self.store, &self.run),
        };
        Ok(Ended { run: self.run, status, exit, cause, outdated, isolated, warning, earlier })
    }
}

/// What the world looks like now, as far as the engine must know to go on.
fn observed(
    stored: &StoredRun,
    past: &[Record],
    resolve: &Resolve,
    adopted: bool,
) -> Result<Observed, Error> {
    let last = past.last().map_or(Timestamp::default(), |record| record.at);
    let sha = Some(stored.summary.change.sha.as_str()).filter(|sha| !sha.is_empty());
    let named = |words: &[String], done: bool| -> Result<Vec<Resolution>, Error> {
        let nodes = words.iter().map(|word| stored.nodes(word)).collect::<Result<Vec<_>, _>>()?;
        let each = nodes.into_iter().flatten();
        Ok(each.map(|node| Resolution { stage: stored.key(node).to_string(), done }).collect())
    };
    let mut resolutions = named(&resolve.rerun, false)?;
    resolutions.extend(named(&resolve.done, true)?);
    Ok(Observed {
        tracked_changed: git::tracked_changed_since(&stored.plan.root, sha, last).ok(),
        resolutions,
        by: super::identity(&stored.plan.root),
        adopted,
        engine: engine(),
        ..Observed::default()
    })
}

fn acquire(store: &Store, run: &RunId) -> Result<RunLock, Error> {
    store.acquire(run).map_err(|refused| match refused {
        AcquireError::Failed(error) => error.into(),
        AcquireError::Held(held) => Error::refused(
            format!("run {run} is being run by process {} since {}", held.pid, held.since.local()),
            format!("wait for it, or end it with `wfl cancel {run}`"),
        ),
    })
}

fn nodes(plan: &Plan) -> Vec<NewNode> {
    let kind = |kind| match kind {
        StageKind::Stage => "stage",
        StageKind::Gate => "gate",
    };
    let stage =
        |index: u32| plan.stages.get(index as usize).map(|stage| stage.name.clone()).unwrap_or_default();
    plan.nodes
        .iter()
        .map(|node| NewNode {
            key: node.key.clone(),
            stage: stage(node.stage),
            number: node.number,
            kind: kind(node.kind).to_string(),
        })
        .collect()
}

pub(super) fn engine() -> String {
    format!("wfl {}", env!("CARGO_PKG_VERSION"))
}

/// Sorts by start and tells runs of one second apart: `20261121-013430-k3f9`.
fn new_id() -> RunId {
    const LETTERS: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let tail: String = (0..4).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect();
    let now = Timestamp::now().rfc3339();
    let digits: String = now.chars().take(19).filter(|c| c.is_ascii_digit()).collect();
    let (day, time) = digits.split_at(digits.len().min(8));
    RunId(format!("{day}-{time}-{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_start_and_have_a_fixed_form() {
        let id = new_id().0;
        let parts: Vec<&str> = id.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [8, 6, 4], "{id}");
    }
}
