//! The whole run ends early: cancelled, interrupted, out of time. What runs is told to end; nothing new starts.

use crate::event::{AttemptStatus, Event, FailureClass, NodeIndex, Outcome, Status, Usage, WaitFor};

use super::conclude::End;
use super::input::Command;
use super::kernel::{Kernel, Step};
use super::live::{Doing, Halt, LaneFinally};

impl Kernel<'_> {
    pub fn halt(&mut self, why: Halt) -> Step {
        if self.state.live.halt.is_some() {
            // A signal outranks another reason to end; all else is told already.
            if why == Halt::Interrupted {
                self.state.live.halt = Some(Halt::Interrupted);
            }
            return Ok(());
        }
        let by = match &why {
            Halt::Cancelled(by) => by.clone(),
            Halt::Interrupted => "an interrupt signal".to_owned(),
            Halt::TimedOut => format!("the lane's timeout of {}", self.lane_limit_text()),
        };
        self.emit(Event::RunCancelling { by })?;
        self.state.live.halt = Some(why);
        let doing: Vec<(NodeIndex, Doing)> =
            self.state.live.doing.iter().map(|(node, doing)| (*node, doing.clone())).collect();
        for (node, doing) in doing {
            match doing {
                Doing::Running | Doing::Repairing => {
                    self.state.live.told_to_end.insert(node);
                    self.command(Command::Cancel { node, force: false });
                }
                Doing::Held => self.end_held(node)?,
                Doing::Reading(..) | Doing::Hashing | Doing::Finally | Doing::Claiming(_) | Doing::Ruling => {
                }
            }
        }
        self.end_retries()?;
        self.end_mending()
    }

    /// The second signal: no grace any more.
    pub fn force(&mut self) -> Step {
        self.halt(Halt::Interrupted)?;
        if std::mem::replace(&mut self.state.live.forced, true) {
            return Ok(());
        }
        self.note(None, "interrupted again: what still runs is killed".to_owned())?;
        let doing = self.state.live.doing.iter();
        let mut running: Vec<NodeIndex> = doing
            .filter(|(_, doing)| matches!(doing, Doing::Running | Doing::Finally | Doing::Repairing))
            .map(|(node, _)| *node)
            .collect();
        if self.state.live.lane_finally == LaneFinally::Running {
            running.push(self.plan.nodes.len() as NodeIndex);
        }
        for node in running {
            self.command(Command::Cancel { node, force: true });
        }
        Ok(())
    }

    fn end_retries(&mut self) -> Step {
        for node in 0..self.state.nodes.len() as NodeIndex {
            if self.state.node(node).waits_on(WaitFor::Retry) && self.is_doing(node).is_none() {
                let why = format!("{} while it waited to try again", self.halted_because());
                self.finish(node, End::new(Status::Cancelled).because(why))?;
            }
        }
        Ok(())
    }

    /// Ends an attempt that the executor never had room for.
    pub fn end_held(&mut self, node: NodeIndex) -> Step {
        self.state.live.told_to_end.insert(node);
        let attempt = self.state.node(node).attempt;
        self.exited(node, attempt, &never_ran(AttemptStatus::Cancelled, "it had not started yet"))
    }

    /// Why a stage that ran was told to end.
    pub fn halted_because(&self) -> String {
        match &self.state.live.halt {
            Some(Halt::Cancelled(by)) => format!("cancelled by {by}"),
            Some(Halt::TimedOut) => format!("the lane's timeout of {} passed", self.lane_limit_text()),
            Some(Halt::Interrupted) => "interrupted".to_owned(),
            None => "cancelled".to_owned(),
        }
    }

    /// Why nothing new starts.
    pub fn over_because(&self) -> String {
        match (&self.state.live.halt, self.state.live.stopped) {
            (None, Some(node)) => format!("the run stopped after `{}` failed", self.key(node)),
            (None, None) => "the run ends".to_owned(),
            (Some(_), _) => self.halted_because(),
        }
    }
}

/// The outcome of an attempt that has none of its own.
pub(super) fn never_ran(status: AttemptStatus, error: &str) -> Outcome {
    let class = match status {
        AttemptStatus::Interrupted => FailureClass::Lost,
        AttemptStatus::Cancelled => FailureClass::Cancelled,
        _ => FailureClass::NotStarted,
    };
    Outcome {
        status,
        exit: None,
        signal: None,
        duration_ms: 0,
        error: Some(error.to_owned()),
        stderr: String::new(),
        usage: Usage::default(),
        log_cut: false,
        class: Some(class),
        injected: false,
    }
}
