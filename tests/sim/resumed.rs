//! What a resume may keep, run again and void, and what people may answer, by the true plan and the recorded events.

use super::book::{Book, Checked, need};
use wfl::event::{Event, NodeIndex, Status};
use wfl::plan::Effect;

/// Resume.
impl Book<'_> {
    pub fn resumed(&mut self) {
        if self.over.is_some() {
            self.repaired = 0;
            self.stages.iter_mut().for_each(|stage| stage.repairs.acted.clear());
        }
        (self.halted, self.stopped, self.first_failure) = (None, None, None);
        (self.finally_failed, self.lane_cleaned, self.over) = (false, 0, None);
        (self.signalled, self.just_signalled, self.forced) = (false, false, false);
        self.again.clear();
        self.leased.clear();
        self.tools.retain(|_, owner| self.stages[*owner as usize].status.is_final());
        for stage in &mut self.stages {
            stage.begun = None;
            // How long it still must wait is for this engine to work out from another clock.
            stage.retry = stage.retry.map(|_| (i64::MIN / 2, 0)).filter(|_| stage.status == Status::Waiting);
        }
        for (node, stage) in (0..).zip(&mut self.stages) {
            if self.plan.nodes[node as usize].effect == Effect::Once {
                stage.retry = None;
            }
        }
    }

    pub fn unknown(&mut self, node: NodeIndex) -> Checked {
        let once = self.once(node);
        let stage = self.stage(node);
        need(once && stage.attempt > 0 && stage.status != Status::Succeeded && !stage.open, || {
            format!("{node} cannot be unknown")
        })?;
        stage.status = Status::Unknown;
        Ok(())
    }

    pub fn resolved(&mut self, node: NodeIndex, done: bool) -> Checked {
        let stage = self.stage(node);
        need(stage.status == Status::Unknown, || format!("{node} is resolved while it is known"))?;
        if done {
            stage.status = Status::Succeeded;
        } else {
            stage.begin_again();
            stage.cleared = true;
            self.again.insert(node);
        }
        Ok(())
    }

    pub fn reset(&mut self, node: NodeIndex) -> Checked {
        let stage = self.stages[node as usize].clone();
        let finished = self.once(node) && stage.attempt > 0 && stage.status == Status::Succeeded;
        need(!finished, || format!("the finished once stage {node} is to run again"))?;
        need(!stage.open, || format!("{node} is to run again while it runs"))?;
        self.resets.push((node, stage.status));
        self.again.insert(node);
        // What it was judged by is measured again.
        if let Some(tool) = self.spec(node).gate.as_ref().and_then(|gate| gate.tool.as_ref()) {
            self.tools.remove(tool);
        }
        self.stage(node).begin_again();
        Ok(())
    }

    /// A good end is kept unless what it came from changed; an approval stands unless what it was given for runs again.
    pub fn judge_resume(&mut self) -> Checked {
        for (node, was) in std::mem::take(&mut self.resets) {
            let kept = was.meets_need() || was == Status::Skipped;
            let changed = self.changed.contains(&node) || self.tracked;
            let calls = !self.around(node).is_empty() || self.spec(node).closes.is_some();
            let needs_again = self.upstream(node).iter().any(|up| self.again.contains(up));
            need(!kept || changed || calls || needs_again, || {
                format!("{node}, which was {}, runs again though nothing changed", was.word())
            })?;
        }
        for (node, refused) in std::mem::take(&mut self.voided) {
            let again = self.felt(node).iter().any(|up| self.again.contains(up));
            need(refused || again, || format!("the approval of {node} is void for no reason"))?;
        }
        Ok(())
    }
}

pub fn of_resume(event: &Event) -> bool {
    matches!(
        event,
        Event::RunResumed { .. }
            | Event::AttemptFinished { .. }
            | Event::RepairFinished { .. }
            | Event::StageUnknown { .. }
            | Event::StageResolved { .. }
            | Event::StageReset { .. }
            | Event::ApprovalVoided { .. }
    )
}

/// People.
impl Book<'_> {
    pub fn requested(&mut self, node: NodeIndex) -> Checked {
        let wanted = self.spec(node).approvals.len();
        let stage = self.stage(node);
        need(stage.asked.done < wanted && !stage.asked.requested, || {
            format!("no approval of {node} is due")
        })?;
        stage.asked.requested = true;
        stage.status = Status::Waiting;
        Ok(())
    }

    pub fn answered(&mut self, seq: u64, node: NodeIndex, by: &str, yes: bool) -> Checked {
        let count =
            self.spec(node).approvals.get(self.stages[node as usize].asked.done).map_or(1, |of| of.count);
        let stage = self.stage(node);
        need(stage.asked.requested && !stage.asked.refused, || format!("nobody asked to approve {node}"))?;
        if !yes {
            stage.asked.refused = true;
            return Ok(());
        }
        need(stage.asked.by.insert(by.to_owned()), || format!("{by} approves {node} twice"))?;
        stage.asked.since.get_or_insert(seq);
        if stage.asked.by.len() as u32 >= count {
            stage.asked.done += 1;
            stage.asked.requested = false;
            stage.asked.by.clear();
            stage.status = Status::Pending;
        }
        Ok(())
    }
}
