//! Carries out one command on the calling thread: an attempt, a `finally`, reading facts, hashing inputs. Knows no
//! state of the run and decides nothing.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::base::{Clock, Timestamp, Value};
use crate::event::{Asked, AttemptStatus, BreakerRule, FailureClass, NodeIndex, Outcome};
use crate::expr::facts::FactKey;
use crate::plan::Plan;
use crate::port::{
    AttemptSpec, Busy, Claim, Claimed, Commons, Executor, Facts, Restored, Results, Snapshots,
};

use super::drive::Library;
use super::halt::never_ran;
use super::input::{InputKind, Mend, Outputs, Undo};
use super::look::{Effort, Looker};
use super::precheck::{self, Needs};
use super::spec::{self, Context, Wanted};

/// Of a plan with more nodes the files are only recorded before it begins.
const SNAPSHOTS: usize = 60;

/// Work for a worker thread.
#[derive(Clone, Debug)]
pub(super) enum Task {
    Attempt {
        node: NodeIndex,
        attempt: u32,
        timeout: Option<u64>,
        key: Option<String>,
        outputs: Outputs,
        needs: Needs,
    },
    Finally {
        node: Option<NodeIndex>,
        attempt: u32,
        outputs: Outputs,
    },
    Facts {
        node: NodeIndex,
        asked: Asked,
        keys: Vec<FactKey>,
    },
    Hash {
        node: NodeIndex,
    },
    Claim {
        node: NodeIndex,
        claim: Claim,
        at: Timestamp,
    },
    Standing {
        node: NodeIndex,
        rule: BreakerRule,
    },
    Look {
        node: NodeIndex,
        outputs: Outputs,
        effort: Effort,
    },
    Seal {
        node: NodeIndex,
        outputs: Outputs,
        own: BTreeMap<String, Value>,
        inputs: Option<String>,
    },
    Rules,
    Repair(Box<Mend>),
    Undo(Box<Undo>),
    Snapshot,
    Restore {
        to: String,
        known: Vec<String>,
    },
}

impl Task {
    /// The process the executor would have to cancel, if the task starts one.
    pub fn process(&self, plan: &Plan) -> Option<NodeIndex> {
        match self {
            Task::Attempt { node, .. } => Some(*node),
            Task::Finally { node, .. } => Some(node.unwrap_or(spec::lane_node(plan))),
            Task::Facts { .. } | Task::Hash { .. } | Task::Claim { .. } | Task::Standing { .. } => None,
            Task::Look { .. } | Task::Seal { .. } | Task::Rules => None,
            Task::Snapshot | Task::Restore { .. } => None,
            Task::Repair(mend) => Some(mend.node),
            Task::Undo(undo) => Some(undo.node),
        }
    }

    /// What follows when the task must not be started any more.
    pub fn called_off(&self) -> Option<InputKind> {
        match self {
            Task::Attempt { node, attempt, .. } => Some(InputKind::Exited {
                node: *node,
                attempt: *attempt,
                outcome: never_ran(AttemptStatus::Cancelled, "it had not started yet"),
            }),
            Task::Repair(mend) => Some(InputKind::Repaired {
                node: mend.node,
                number: mend.number,
                outcome: never_ran(AttemptStatus::Cancelled, "it had not started yet"),
            }),
            Task::Undo(undo) => Some(InputKind::Undone {
                node: undo.node,
                attempt: undo.attempt,
                outcome: never_ran(AttemptStatus::Cancelled, "it had not started yet"),
            }),
            _ => None,
        }
    }
}

/// What tasks are carried out with.
pub(super) struct Tools {
    pub plan: Arc<Plan>,
    pub context: Context,
    pub executor: Arc<dyn Executor>,
    pub facts: Arc<dyn Facts>,
    pub commons: Option<Arc<dyn Commons>>,
    pub results: Option<Arc<dyn Results>>,
    pub snapshots: Option<Arc<dyn Snapshots>>,
    pub clock: Arc<dyn Clock>,
    pub rules: Library,
}

impl Tools {
    pub fn carry_out(&self, task: &Task) -> InputKind {
        match task {
            Task::Attempt { node, attempt, timeout, key, outputs, needs } => {
                let wanted = Wanted {
                    node: *node,
                    attempt: *attempt,
                    timeout: *timeout,
                    key: key.as_deref(),
                    outputs,
                };
                self.attempt(&wanted, needs)
            }
            Task::Finally { node, attempt, outputs } => {
                let spec = match node {
                    None => spec::lane_finally(&self.plan, &self.context),
                    Some(node) => {
                        let timeout = self.plan.nodes[*node as usize].timeout;
                        let wanted = Wanted { node: *node, attempt: *attempt, timeout, key: None, outputs };
                        spec::stage_finally(&self.plan, &self.context, &wanted)
                    }
                };
                InputKind::FinallyEnded { node: *node, outcome: self.execute_or_busy(spec) }
            }
            Task::Repair(mend) => {
                let spec = spec::repair(&self.plan, &self.context, mend);
                let outcome = self.execute_or_busy(spec);
                InputKind::Repaired { node: mend.node, number: mend.number, outcome }
            }
            Task::Rules => InputKind::Rules(self.rules.read()),
            Task::Facts { node, asked, keys } => {
                let read = catch_unwind(AssertUnwindSafe(|| self.facts.read(keys)));
                InputKind::Facts { node: *node, asked: *asked, values: read.unwrap_or_default() }
            }
            Task::Hash { node } => {
                let globs = &self.plan.nodes[*node as usize].inputs;
                let hash = catch_unwind(AssertUnwindSafe(|| self.facts.hash_inputs(globs)))
                    .unwrap_or_else(|_| Err("reading them broke off".into()));
                InputKind::InputsHashed { node: *node, hash }
            }
            Task::Look { node, outputs, effort } => {
                let looked = self.looking(|looker| looker.look(*node, outputs, *effort).map(Box::new));
                InputKind::Looked { node: *node, looked }
            }
            Task::Seal { node, outputs, own, inputs } => {
                let now = self.clock.now().wall;
                let sealed = self.looking(|looker| looker.seal(*node, outputs, inputs.as_deref(), now));
                InputKind::Sealed { node: *node, outputs: own.clone(), sealed }
            }
            Task::Claim { node, claim, at } => {
                InputKind::Claimed { node: *node, answer: self.claim(*at, claim) }
            }
            Task::Undo(undo) => self.undo(undo),
            Task::Snapshot => InputKind::Snapped { node: None, taken: self.snapshot() },
            Task::Restore { to, known } => InputKind::Restored(self.restore(to, known)),
            Task::Standing { node, rule } => {
                let standing = self.commons.as_ref().and_then(|commons| commons.standing(rule).ok());
                InputKind::Standing { node: *node, standing }
            }
        }
    }

    fn undo(&self, undo: &Undo) -> InputKind {
        let Undo { node, attempt, timeout, key, outputs, own } = undo;
        let wanted =
            Wanted { node: *node, attempt: *attempt, timeout: *timeout, key: key.as_deref(), outputs };
        let spec = spec::stage_undo(&self.plan, &self.context, &wanted, own);
        InputKind::Undone { node: *node, attempt: *attempt, outcome: self.execute_or_busy(spec) }
    }

    fn execute_or_busy(&self, spec: Result<AttemptSpec, String>) -> Outcome {
        self.execute(spec).unwrap_or_else(|Busy(why)| {
            let class = Some(FailureClass::Busy);
            Outcome { class, ..never_ran(AttemptStatus::Failed, &format!("no room to start it: {why}")) }
        })
    }

    /// The project's files as the task left them, where it may have changed some.
    pub fn snapshot_after(&self, task: &Task) -> Option<InputKind> {
        let node = match task {
            Task::Attempt { node, .. } => *node,
            Task::Finally { node, .. } => (*node)?,
            _ => return None,
        };
        let few = self.snapshots.is_some() && self.plan.nodes.len() <= SNAPSHOTS;
        few.then(|| InputKind::Snapped { node: Some(node), taken: self.snapshot() })
    }

    fn snapshot(&self) -> Result<String, String> {
        let Some(snapshots) = &self.snapshots else { return Err("there is nowhere to keep them".into()) };
        catch_unwind(AssertUnwindSafe(|| snapshots.take()))
            .unwrap_or_else(|_| Err("recording them broke off".into()))
    }

    fn restore(&self, to: &str, known: &[String]) -> Result<Vec<Restored>, String> {
        let Some(snapshots) = &self.snapshots else { return Err("nothing is kept of them".into()) };
        catch_unwind(AssertUnwindSafe(|| snapshots.restore(to, known)))
            .unwrap_or_else(|_| Err("bringing them back broke off".into()))
    }

    /// Starts nothing while something that the attempt rests on is not there.
    fn attempt(&self, wanted: &Wanted<'_>, needs: &Needs) -> InputKind {
        let (node, attempt) = (wanted.node, wanted.attempt);
        let exited = |outcome| InputKind::Exited { node, attempt, outcome };
        let (results, commons) = (self.results.as_deref(), self.commons.as_deref());
        let notes = match precheck::look(&self.plan.root, needs, results, commons) {
            Ok(notes) => notes,
            Err(outcome) => return exited(*outcome),
        };
        let spec = spec::attempt(&self.plan, &self.context, wanted);
        let unfit = spec.as_ref().ok().and_then(|spec| self.executor.unfit(spec));
        let news = match unfit {
            Some((class, why)) => {
                exited(Outcome { class: Some(class), ..never_ran(AttemptStatus::Failed, &why) })
            }
            None => match self.execute(spec) {
                Ok(outcome) => exited(outcome),
                Err(Busy(why)) => InputKind::Busy { node, attempt, why },
            },
        };
        if notes.is_empty() { news } else { InputKind::Mended { node, notes, then: Box::new(news) } }
    }

    /// An error never starts the stage: what it shares may be held.
    fn claim(&self, at: Timestamp, claim: &Claim) -> Result<Claimed, String> {
        let Some(commons) = &self.commons else { return Ok(Claimed::Granted { probe: None, killed: 0 }) };
        let fence = |run: &str| self.executor.fence(run);
        let asked = catch_unwind(AssertUnwindSafe(|| commons.claim(at, claim, &fence)));
        match asked {
            Ok(answer) => answer.map_err(|state| format!("{}; {}", state.message, state.help)),
            Err(_) => Err("asking broke off".into()),
        }
    }

    fn looking<T>(&self, work: impl FnOnce(&Looker<'_>) -> Result<T, String>) -> Result<T, String> {
        let Some(results) = &self.results else { return Err("there is nowhere to keep results".into()) };
        let looker = Looker { plan: &self.plan, context: &self.context, results: results.as_ref() };
        catch_unwind(AssertUnwindSafe(|| work(&looker)))
            .unwrap_or_else(|_| Err("reading them broke off".into()))
    }

    /// A worker that panics would leave its stage running for ever: that is a failure of the attempt instead.
    fn execute(&self, spec: Result<AttemptSpec, String>) -> Result<Outcome, Busy> {
        match spec {
            Err(why) => Ok(never_ran(AttemptStatus::Failed, &format!("it cannot be started: {why}"))),
            Ok(spec) => catch_unwind(AssertUnwindSafe(|| self.executor.run(&spec))).unwrap_or_else(|_| {
                let class = Some(FailureClass::Lost);
                Ok(Outcome {
                    class,
                    ..never_ran(AttemptStatus::Failed, "an internal error broke the attempt off")
                })
            }),
        }
    }
}
