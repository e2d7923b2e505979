//! From a chosen lane to a plan: reads the facts of the start, pins the definition, gives the parameters, refuses what
//! cannot run. Starts nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::Value;
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::facts::{ChangeFlags, World};
use crate::history::{self, History};
use crate::model::Model;
use crate::plan::{self, Definition, Given, Plan};
use crate::port::Facts;

use super::{Chosen, Error, Order, Project, baseline, definition, placeholder};

/// What a person asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// A lane, or a `.wfl` file.
    pub target: Option<String>,
    /// The lane of that file.
    pub lane: Option<String>,
    /// Parameters as written.
    pub set: Vec<(String, String)>,
    pub change: Change,
}

/// What is changed, where git is not to be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    pub id: Option<String>,
    pub kind: Option<String>,
    pub files: Option<Vec<String>>,
    /// What to compare with: a branch, tag or commit.
    pub base: Option<String>,
    /// The commit message.
    pub message: Option<String>,
    pub added: Option<u64>,
    pub deleted: Option<u64>,
}

impl Change {
    /// Whether a person said what the change is, rather than what it is compared with.
    pub(super) fn is_told(&self) -> bool {
        let Change { id: _, base: _, kind, files, message, added, deleted } = self;
        kind.is_some() || files.is_some() || message.is_some() || added.is_some() || deleted.is_some()
    }
}

/// A plan ready to run, and what led to it.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    pub change: history::Change,
    pub chosen: Chosen,
    /// Stages whose `when` depends on a parameter that was not given.
    pub undecided: BTreeSet<String>,
    pub order: Order,
}

/// Facts read so far, each once.
pub(super) struct Readings {
    pub world: World,
    known: FactValues,
    /// What cannot be read has a placeholder: nothing is to be run.
    lenient: bool,
}

impl Readings {
    pub fn new(project: &Project, change: &Change) -> Self {
        Readings { world: project.world(change), known: FactValues::new(), lenient: false }
    }

    /// Begins with what was read before: `resume --adopt`.
    pub fn pinned(project: &Project, known: FactValues) -> Self {
        Readings { world: project.world(&Change::default()), known, lenient: false }
    }

    /// Reads the baselines among the facts that are not known yet: from the lane's own history.
    pub fn compare(&mut self, project: &Project, lane: &str, keys: &[FactKey]) -> Result<(), Error> {
        let missing: Vec<FactKey> = keys
            .iter()
            .filter(|key| baseline::is_baseline(key) && !self.known.contains_key(&key.id()))
            .cloned()
            .collect();
        if !missing.is_empty() {
            let store = project.history()?;
            let history = store.as_ref().map(|store| store as &dyn History);
            self.known.extend(baseline::read(history, lane, &missing));
        }
        Ok(())
    }

    /// Reads what is not known yet.
    pub fn with(&mut self, keys: &[FactKey]) -> &FactValues {
        let missing: Vec<FactKey> =
            keys.iter().filter(|key| !self.known.contains_key(&key.id())).cloned().collect();
        self.known.extend(self.world.read(&missing));
        if self.lenient {
            for key in &missing {
                let fact = self.known.get_mut(&key.id());
                if let Some(fact) = fact.filter(|fact| matches!(fact, Fact::Failed(_))) {
                    *fact = Fact::Read(placeholder::of(&key.ty));
                }
            }
        }
        &self.known
    }
}

impl Project {
    /// The world as facts see it from this project.
    pub(super) fn world(&self, change: &Change) -> World {
        let flags = ChangeFlags {
            id: change.id.clone(),
            kind: change.kind.clone(),
            files: change.files.clone(),
            base: change.base.clone(),
            message: change.message.clone(),
            added: change.added,
            deleted: change.deleted,
        };
        let settings = &self.model.project;
        let place = self.place.clone();
        World::new(&self.place.root, flags)
            .earlier(move || super::earlier::tests(&place))
            .project_version(settings.version.clone())
            .base_branch(settings.base_branch.clone())
            .on_branch(super::isolated::branch(&self.place.root))
    }

    /// The plan of the lane that `asked` chooses, ready to run.
    pub fn plan(&self, asked: &Asked) -> Result<Planned, Error> {
        self.check()?;
        let chosen = self.choose(asked)?;
        if chosen.lane.stages.is_empty() {
            let code = crate::diag::codes::E212.id;
            let message =
                format!("{code}: `{}` holds no stage, so there is nothing to run", chosen.lane.name);
            return Err(Error::refused(message, "write a stage: `stage build { exec \"make\" }`"));
        }
        let refused = plan::refusals(&self.model, &chosen.lane);
        if !refused.is_empty() {
            return Err(self.wrong(refused));
        }
        self.planned(&self.model, chosen, asked, Readings::new(self, &asked.change))
    }

    /// The same to look at: parameters that were not given and facts that cannot be read, as those of git where there is
    /// none, have placeholders, and what cannot run yet is no error.
    pub fn outline(&self, asked: &Asked) -> Result<Planned, Error> {
        self.check()?;
        let chosen = self.choose(asked)?;
        let model = placeholder::fill(&self.model, &asked.set);
        let mut readings = Readings::new(self, &asked.change);
        let facts = readings.world.read(&plan::start_facts(&model, &chosen.lane));
        let lost = |(id, fact): (&String, &Fact)| matches!(fact, Fact::Failed(_)).then(|| id.clone());
        let lost = facts.iter().filter_map(lost).collect();
        let undecided = placeholder::undecided(&self.model, &chosen.lane, &asked.set, &lost);
        readings.lenient = true;
        let planned = self.planned(&model, chosen, asked, readings)?;
        Ok(Planned { undecided, ..planned })
    }

    /// What plans and `select` rules are worked out from; the definition is pinned later.
    pub(super) fn given(&self, asked: &Asked, facts: FactValues) -> Given<'_> {
        Given {
            root: self.place.root.clone(),
            set: asked.set.iter().cloned().collect(),
            params: BTreeMap::new(),
            facts,
            definition: Definition::default(),
            seed: rand::random(),
            sources: &self.sources,
        }
    }

    pub(super) fn planned(
        &self,
        model: &Model,
        chosen: Chosen,
        asked: &Asked,
        mut readings: Readings,
    ) -> Result<Planned, Error> {
        let keys = plan::start_facts(model, &chosen.lane);
        readings.compare(self, &chosen.lane.name, &keys)?;
        let facts = readings.with(&keys).clone();
        let mut given = self.given(asked, facts);
        given.definition = definition::pin(self, &chosen, &given.set);
        let plan = plan::build(model, &chosen.lane, &given).map_err(|found| self.wrong(found))?;
        let change = change(&readings.world);
        Ok(Planned { plan, change, chosen, undecided: BTreeSet::new(), order: Order::default() })
    }
}

fn change(world: &World) -> history::Change {
    let change = world.change();
    history::Change {
        author: change.author.clone(),
        id: change.id.clone(),
        kind: change.kind.clone(),
        files: change.files.clone(),
        branch: change.branch.clone(),
        base: change.base.clone(),
        added: change.added,
        deleted: change.deleted,
        sha: change.sha.clone(),
    }
}

/// The values of the plan's secrets, or which environment variables are missing.
pub(super) fn secrets(plan: &Plan) -> Result<BTreeMap<u32, Value>, Error> {
    plan::secret_values(plan, &|name| std::env::var(name).ok()).map_err(|missing| {
        let each: Vec<String> = missing
            .iter()
            .map(|(secret, variable)| format!("secret `{secret}` is read from {variable}, which is not set"))
            .collect();
        let code = crate::diag::codes::E954.id;
        Error::refused(format!("{} [{code}]", each.join("; ")), "set it in the environment of this command")
    })
}
