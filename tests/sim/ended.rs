//! What the end of a stage and of a run must be, by the true plan and the recorded events.

use super::book::{Book, Checked, Stage, need};
use wfl::base::Value;
use wfl::event::{AttemptStatus, NodeIndex, Outcome, RunStatus, Status};
use wfl::expr::facts::Fact;
use wfl::plan::{EdgeKind, OnFailure, Preset, StageKind};

/// A call ends well only if all that is inside it did.
pub fn inside_is_good(book: &Book<'_>, node: NodeIndex) -> bool {
    let Some(call) = book.spec(node).closes else { return true };
    (0..book.stages.len() as NodeIndex).filter(|inner| book.spec(*inner).call == Some(call)).all(|inner| {
        let status = book.stages[inner as usize].status;
        status.meets_need() || status == Status::Skipped
    })
}

/// The end as it was recorded.
pub fn run(book: &Book<'_>, status: RunStatus, exit: i32, node: Option<NodeIndex>) -> Checked {
    need(exit == code(status), || format!("{} does not go with exit code {exit}", status.word()))?;
    need(book.stages.iter().all(|stage| !stage.open), || "an attempt runs at the end".into())?;
    let right = verdict(book, book.signalled);
    let too_late = book.just_signalled && status == verdict(book, false);
    need(status == right || too_late, || {
        format!("the run ended as {}, not {}", status.word(), right.word())
    })?;
    let first = book.first_failure.is_none() || node == book.first_failure;
    need(first, || format!("the first failure is {:?}, not {node:?}", book.first_failure))?;
    if status == RunStatus::Waiting {
        waits_for_somebody(book)?;
    } else {
        for (index, stage) in book.stages.iter().enumerate() {
            let over = stage.status.is_final();
            need(over, || format!("{index} is {} at the end of the run", stage.status.word()))?;
        }
    }
    cleaned_up(book, status)
}

fn code(status: RunStatus) -> i32 {
    match status {
        RunStatus::Succeeded => 0,
        RunStatus::Failed | RunStatus::Cancelled | RunStatus::Running | RunStatus::RolledBack => 1,
        RunStatus::GateFailed => 3,
        RunStatus::Waiting => 4,
        RunStatus::TimedOut => 5,
        RunStatus::Interrupted => 130,
    }
}

/// 130 > 4 > 3 > 5 > 1 > 0, of what applies.
fn verdict(book: &Book<'_>, signalled: bool) -> RunStatus {
    let counts = |node: NodeIndex| {
        let lets = |call: &u32| book.spec(book.plan.calls[*call as usize].closing).allow_failure.is_some();
        !book.around(node).iter().any(lets)
    };
    let any = |wanted: &dyn Fn(NodeIndex) -> bool| (0..book.stages.len() as NodeIndex).any(wanted);
    let status = |node: NodeIndex| book.stages[node as usize].status;
    let gate = |node| {
        let judged = book.stages[node as usize].judged.is_some();
        book.spec(node).kind == StageKind::Gate && status(node) == Status::Failed && judged && counts(node)
    };
    let lane_timed_out = book.halted.as_ref().is_some_and(|by| by.starts_with("the lane's timeout"));
    let asks = |node| status(node) == Status::Unknown || asks_people(book, node);
    let bad = |node| {
        let status = status(node);
        counts(node) && !status.meets_need() && status != Status::Skipped
    };
    if signalled && book.halted.is_some() {
        RunStatus::Interrupted
    } else if book.halted.is_none() && book.stopped.is_none() && any(&asks) {
        RunStatus::Waiting
    } else if any(&gate) {
        RunStatus::GateFailed
    } else if lane_timed_out || any(&|node| status(node) == Status::TimedOut && counts(node)) {
        RunStatus::TimedOut
    } else if book.halted.is_some() {
        RunStatus::Cancelled
    } else if book.finally_failed || any(&bad) {
        RunStatus::Failed
    } else {
        RunStatus::Succeeded
    }
}

fn asks_people(book: &Book<'_>, node: NodeIndex) -> bool {
    let stage = &book.stages[node as usize];
    stage.status == Status::Waiting && stage.retry.is_none() && stage.asked.requested
}

/// Whoever has not ended asks a person, waits for one who does, or for a lock that one keeps.
fn waits_for_somebody(book: &Book<'_>) -> Checked {
    for (node, stage) in (0..).zip(&book.stages) {
        let open = |to: NodeIndex| {
            let other = book.stages[to as usize].status;
            !other.is_final() || other == Status::Unknown
        };
        let behind = book.spec(node).edges.iter().any(|edge| open(edge.to));
        let wants =
            book.spec(node).lock.is_some() || book.spec(node).pool.is_some() || !book.around(node).is_empty();
        let keeps = |other: NodeIndex| {
            let asks = asks_people(book, other) && !book.around(other).is_empty();
            asks || book.stages[other as usize].status == Status::Unknown
        };
        let keeper = (0..book.stages.len() as NodeIndex).any(keeps);
        let fine = stage.status.is_final() || asks_people(book, node) || behind || wants && keeper;
        need(fine, || format!("{node} is {} and nobody is asked", stage.status.word()))?;
    }
    Ok(())
}

/// Whatever started and ended is cleaned up after exactly once, unless a second signal said not to wait.
fn cleaned_up(book: &Book<'_>, status: RunStatus) -> Checked {
    if book.forced {
        return Ok(());
    }
    for (node, stage) in (0..).zip(&book.stages) {
        let spec = book.spec(node);
        let began = match spec.closes {
            Some(call) => {
                let opening = &book.stages[book.plan.calls[call as usize].opening as usize];
                opening.tries > 0 || opening.status == Status::Succeeded
            }
            None => stage.tries > 0,
        };
        let ended = stage.status.is_final() && stage.status != Status::Unknown;
        let due = began && ended && !spec.finally.is_empty();
        need(!due || stage.cleaned == 1, || format!("`finally` of {node} ran {} times", stage.cleaned))?;
        let early = spec.edges.iter().any(|edge| {
            edge.kind == EdgeKind::Needs && book.stages[edge.to as usize].status == Status::Unknown
        });
        need(!(early && stage.tries > 0 && stage.status == Status::Succeeded), || {
            format!("{node} ran although what it needs is unknown")
        })?;
    }
    let due = u32::from(!book.plan.finally.is_empty() && status != RunStatus::Waiting);
    need(book.lane_cleaned == due, || format!("the lane's `finally` ran {} times", book.lane_cleaned))
}

/// Ends.
impl Book<'_> {
    pub fn finished(&mut self, node: NodeIndex, status: Status) -> Checked {
        let stage = self.stages[node as usize].clone();
        need(!stage.status.is_final(), || format!("the result of {node} is recorded twice"))?;
        need(!stage.open, || format!("{node} has a result while its attempt runs"))?;
        need(stage.repairs.open.is_none(), || format!("{node} has a result while it is repaired"))?;
        self.fits(node, status, &stage)?;
        self.stage(node).status = status;
        let bad = matches!(status, Status::Failed | Status::TimedOut);
        if bad && !self.tolerated(node) {
            self.first_failure.get_or_insert(node);
            if !self.keep_going && self.plan.on_failure != OnFailure::KeepGoing {
                self.stopped.get_or_insert(node);
            }
        }
        Ok(())
    }

    pub fn fits(&self, node: NodeIndex, status: Status, stage: &Stage) -> Checked {
        let spec = self.spec(node);
        let own = stage.outcome.as_ref().map(|outcome| outcome.status);
        let interrupted = self.once(node) && own == Some(AttemptStatus::Interrupted) && stage.tries > 0;
        need(!interrupted, || {
            format!("{node} was interrupted: nobody knows whether it is {}", status.word())
        })?;
        let needs_skipped = || {
            spec.edges.iter().any(|edge| {
                edge.kind == EdgeKind::Needs && self.stages[edge.to as usize].status == Status::Skipped
            })
        };
        let fits = match status {
            Status::Succeeded if spec.kind == StageKind::Gate => {
                stage.judged == Some(true) && self.lines_hold(node)
            }
            Status::Succeeded => {
                let ended_well = own == Some(AttemptStatus::Succeeded) && !stage.refused;
                let acted = spec.actions.is_empty() || ended_well;
                acted && inside_is_good(self, node)
            }
            Status::Warned => spec.allow_failure.is_some(),
            Status::Waived => spec.waived.is_some(),
            Status::Reused => matches!(spec.preset, Some(Preset::Reused { .. })),
            Status::Skipped => {
                let asks = spec.when.is_some() || spec.confirm.is_some();
                let left_out = matches!(spec.preset, Some(Preset::LeftOut(_)));
                stage.tries == 0 && (asks || left_out || needs_skipped())
            }
            Status::TimedOut => {
                own == Some(AttemptStatus::TimedOut)
                    || self.plan.bounds.iter().any(|of| spec.closes == Some(of.call))
            }
            Status::Failed | Status::Cancelled => true,
            _ => false,
        };
        need(fits, || format!("{node} cannot have ended as {}", status.word()))
    }

    /// What was read for a gate of coverage reaches what the gate requires.
    pub fn lines_hold(&self, node: NodeIndex) -> bool {
        let read = |stage: &Stage| {
            let values = stage.facts.values().flat_map(|values| values.values());
            values
                .filter_map(|fact| match fact {
                    Fact::Read(Value::Percent(lines)) => Some(*lines),
                    _ => None,
                })
                .next_back()
        };
        read(&self.stages[node as usize]).is_some_and(|lines| lines >= 70.0)
    }

    pub fn blocked(&mut self, root: NodeIndex, node: NodeIndex) -> Checked {
        let ended = self.stages[root as usize].status;
        let bad = matches!(ended, Status::Failed | Status::TimedOut | Status::Cancelled);
        need(bad, || format!("{node} is blocked by {root}, which is {}", ended.word()))?;
        need(self.upstream(node).contains(&root) || !self.around(root).is_empty(), || {
            format!("{node} is blocked by {root}, which it does not need")
        })?;
        let stage = self.stage(node);
        need(matches!(stage.status, Status::Pending | Status::Waiting), || {
            format!("{node} is blocked while it is {}", stage.status.word())
        })?;
        stage.status = Status::Blocked;
        Ok(())
    }

    pub fn cleaned(&mut self, node: Option<NodeIndex>, outcome: &Outcome) -> Checked {
        self.finally_failed |= outcome.status != AttemptStatus::Succeeded;
        let count = match node {
            None => &mut self.lane_cleaned,
            Some(node) => {
                let stage = self.stage(node);
                need(stage.status.is_final(), || format!("`finally` of {node} ran before its end"))?;
                &mut stage.cleaned
            }
        };
        *count += 1;
        need(*count == 1, || format!("`finally` of {node:?} is recorded twice"))
    }

    pub fn ended(&mut self, status: RunStatus, exit: i32, node: Option<NodeIndex>) -> Checked {
        self.over = Some(status);
        run(self, status, exit, node)
    }
}
