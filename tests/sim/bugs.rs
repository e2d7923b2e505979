//! Bugs that are planted between the kernel and its world: in the plan it is given, in what it hears, in what is done of
//! what it says, in the journal. The product has no switch for them; what happens is judged by the true plan.

use wfl::engine::core::Mode;
use wfl::engine::{Command, Decisions, RunState};
use wfl::event::{Event, NodeIndex, Record, WaitFor};
use wfl::plan::{EdgeKind, Effect, Plan, Risk};

use super::deeds::Medium;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    // In the plan.
    EdgeDropped,
    LockDropped,
    PoolWidened,
    OnceForgotten,
    AttemptMore,
    WaitsHalved,
    DeadlineDropped,
    ApprovalShort,
    ConfirmDropped,
    FinallyDropped,
    GateOpened,
    TimeoutOfLaneDropped,
    RuleActsMore,
    ConsentDropped,
    VerifyDropped,
    // In what it hears.
    LateRenumbered,
    TimersByTheWallClock,
    UnknownDropped,
    VoidDropped,
    VoidTooMuch,
    ResetDropped,
    MoreJobs,
    NobodyAsked,
    // In what is done of what it says.
    CancelDropped,
    StartedTwice,
    MendedTwice,
    FenceSkipped,
    ShownEarly,
    // In the journal.
    NoBarrier,
    TwoWriters,
    FullDiskIgnored,
    StartForgotten,
}

pub const ALL: [Bug; 32] = [
    Bug::EdgeDropped,
    Bug::LockDropped,
    Bug::PoolWidened,
    Bug::OnceForgotten,
    Bug::AttemptMore,
    Bug::WaitsHalved,
    Bug::DeadlineDropped,
    Bug::ApprovalShort,
    Bug::ConfirmDropped,
    Bug::FinallyDropped,
    Bug::GateOpened,
    Bug::TimeoutOfLaneDropped,
    Bug::RuleActsMore,
    Bug::ConsentDropped,
    Bug::VerifyDropped,
    Bug::LateRenumbered,
    Bug::TimersByTheWallClock,
    Bug::UnknownDropped,
    Bug::VoidDropped,
    Bug::VoidTooMuch,
    Bug::ResetDropped,
    Bug::MoreJobs,
    Bug::NobodyAsked,
    Bug::CancelDropped,
    Bug::StartedTwice,
    Bug::MendedTwice,
    Bug::FenceSkipped,
    Bug::ShownEarly,
    Bug::NoBarrier,
    Bug::TwoWriters,
    Bug::FullDiskIgnored,
    Bug::StartForgotten,
];

impl Bug {
    /// The plan that the kernel is given.
    pub fn plan(self, mut plan: Plan) -> Plan {
        match self {
            Bug::EdgeDropped => drop_edge(&mut plan),
            Bug::PoolWidened => plan.pools.values_mut().for_each(|slots| *slots += 1),
            Bug::TimeoutOfLaneDropped => plan.timeout = None,
            _ => {}
        }
        for rule in &mut plan.repairs {
            match self {
                Bug::RuleActsMore => rule.limit += 1,
                Bug::ConsentDropped => rule.risk = Risk::Low,
                Bug::VerifyDropped => rule.verify = None,
                _ => {}
            }
        }
        for node in &mut plan.nodes {
            match self {
                // Each has a lock of its own.
                Bug::LockDropped => node.lock.iter_mut().for_each(|lock| lock.push_str(&node.key)),
                Bug::OnceForgotten if node.effect == Effect::Once => node.effect = Effect::Repeatable,
                Bug::AttemptMore => node.retry.iter_mut().for_each(|retry| retry.attempts += 1),
                Bug::WaitsHalved => node.retry.iter_mut().for_each(|retry| retry.from /= 2),
                Bug::DeadlineDropped => node.deadline = None,
                Bug::ApprovalShort => node.approvals.truncate(node.approvals.len().saturating_sub(1)),
                Bug::ConfirmDropped => node.confirm = None,
                Bug::FinallyDropped => node.finally.clear(),
                Bug::GateOpened => {
                    let lines = crate::run::lanes::lines_at_least(40.0);
                    node.gate.iter_mut().for_each(|gate| gate.require = vec![lines.clone()]);
                }
                _ => {}
            }
        }
        plan
    }

    /// What the kernel is told on resume.
    pub fn decisions(self, state: &RunState, decisions: &mut Decisions) {
        match self {
            Bug::VoidTooMuch => {
                let asked = (0..).zip(&state.nodes).filter(|(_, node)| node.waits_on(WaitFor::Approval));
                decisions.voided = asked.map(|(node, _)| (node, "to be safe".to_owned())).collect();
            }
            Bug::UnknownDropped => decisions.unknown.clear(),
            Bug::VoidDropped => decisions.voided.retain(|(_, why)| !why.contains("runs again")),
            Bug::ResetDropped => decisions.reset.truncate(1),
            _ => {}
        }
    }

    /// What is done of the kernel's commands.
    pub fn commands(self, commands: Vec<Command>) -> Vec<Command> {
        let twice = |command: Command| match (self, &command) {
            (Bug::CancelDropped, Command::Cancel { .. }) => vec![],
            (Bug::MendedTwice, Command::Repair(_)) => vec![command.clone(), command],
            (Bug::StartedTwice, Command::Start { .. }) => vec![command.clone(), command],
            _ => vec![command],
        };
        commands.into_iter().flat_map(twice).collect()
    }

    pub fn mode(self) -> Mode {
        if self == Bug::ShownEarly { Mode::Process } else { Mode::Barrier }
    }

    pub fn medium(self, medium: Medium) -> Medium {
        Medium {
            no_barrier: self == Bug::NoBarrier,
            no_constraint: self == Bug::TwoWriters,
            lies: self == Bug::FullDiskIgnored,
            ..medium
        }
    }

    /// What the journal forgets when the engine dies.
    pub fn forgets(self, plan: &Plan, record: &Record) -> bool {
        let once = |node: NodeIndex| plan.nodes[node as usize].effect == Effect::Once;
        match record.event {
            Event::StageStarted { node, .. } => self == Bug::StartForgotten && once(node),
            _ => false,
        }
    }
}

fn drop_edge(plan: &mut Plan) {
    let found = plan.nodes.iter_mut().find(|node| {
        let needs = |kind: EdgeKind| node.edges.iter().any(|edge| edge.kind == kind);
        needs(EdgeKind::Needs) && node.call.is_none() && node.closes.is_none()
    });
    if let Some(node) = found
        && let Some(at) = node.edges.iter().position(|edge| edge.kind == EdgeKind::Needs)
    {
        node.edges.remove(at);
    }
}
