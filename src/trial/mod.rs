//! Plays the `test` blocks of lane files: the real kernel, fed by mocks, given facts and a virtual clock. Nothing runs,
//! nothing is read from disk, git or the environment, and no time passes.
//!
//! ```text
//! model::Test ─scenario─▶ what is given ─plan::build─▶ plan ─staging─▶ plan without the unknown, one cue a stage
//!                                                                          │
//!                       verdict ◀─judge─ outcome ◀─rehearsal (kernel, virtual time)
//! ```

mod breakers;
mod coverage;
mod explain;
mod facts;
mod judge;
mod rehearsal;
mod scenario;
mod scope;
mod staging;
mod trail;
mod unplayable;
mod view;

use std::collections::{BTreeSet, HashMap};

use crate::base::{SourceMap, Span};
use crate::diag::{Diagnostic, codes};
use crate::model::{LaneId, Model, ModuleId, ResolvedLane, Test, resolve};

pub use coverage::{Branch, Coverage, FileCoverage, LaneCoverage, Reached, StageCoverage, coverage};
pub use trail::Step;

/// What came of one test.
#[derive(Clone, Debug)]
pub struct Tested {
    pub name: String,
    pub span: Span,
    pub module: ModuleId,
    /// The lane's name; empty when there is none.
    pub lane: String,
    pub lane_id: Option<LaneId>,
    pub verdict: Verdict,
    /// How many expectations it has.
    pub expectations: usize,
    /// Every step of the run, in order.
    pub trail: Vec<Step>,
    /// Stages and branches that the run went through.
    pub reached: BTreeSet<Reached>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Passed,
    /// One finding each expectation that does not hold.
    Failed(Vec<Diagnostic>),
    /// Why the test could not be played.
    Unplayable(Vec<Diagnostic>),
}

/// Plays tests of one model. Lanes are put together once, however many tests they have.
pub struct Theatre<'m> {
    model: &'m Model,
    sources: &'m SourceMap,
    lanes: HashMap<LaneId, Result<ResolvedLane, Vec<Diagnostic>>>,
}

impl<'m> Theatre<'m> {
    pub fn new(model: &'m Model, sources: &'m SourceMap) -> Self {
        Theatre { model, sources, lanes: HashMap::new() }
    }

    pub fn model(&self) -> &'m Model {
        self.model
    }

    /// The lane as it is played; none when its definition has errors.
    pub fn lane(&mut self, id: LaneId) -> Option<&ResolvedLane> {
        self.resolved(id).as_ref().ok()
    }

    fn resolved(&mut self, id: LaneId) -> &Result<ResolvedLane, Vec<Diagnostic>> {
        let model = self.model;
        self.lanes.entry(id).or_insert_with(|| resolve::lane(model, id))
    }

    /// Plays one test of the model.
    pub fn play(&mut self, test: &Test) -> Tested {
        let (model, sources) = (self.model, self.sources);
        let mut tested = self.unplayed(test);
        let Some(id) = test.lane else {
            return self.refuse(test, vec![unplayable(test.span, "the test names no lane")]);
        };
        let played = match self.resolved(id) {
            Ok(lane) => judge::play(model, sources, lane, test, &mut tested),
            Err(found) => Err(found.clone()),
        };
        tested.verdict = match played {
            Ok(failed) if failed.is_empty() => Verdict::Passed,
            Ok(failed) => Verdict::Failed(failed),
            Err(found) => Verdict::Unplayable(found),
        };
        tested
    }

    /// A test that is not played, and why.
    pub fn refuse(&self, test: &Test, because: Vec<Diagnostic>) -> Tested {
        Tested { verdict: Verdict::Unplayable(because), ..self.unplayed(test) }
    }

    fn unplayed(&self, test: &Test) -> Tested {
        let lane = test.lane.and_then(|id| self.model.lanes.get(id as usize));
        Tested {
            name: test.name.clone(),
            span: test.span,
            module: test.module,
            lane: lane.map(|lane| lane.name.clone()).unwrap_or_default(),
            lane_id: test.lane,
            verdict: Verdict::Passed,
            expectations: test.expects.len(),
            trail: Vec::new(),
            reached: BTreeSet::new(),
        }
    }
}

/// E958 at a place.
fn unplayable(span: Span, why: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::E958, span, why)
}
