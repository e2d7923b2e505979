//! What repair rules may do, by the true plan and the recorded events.

use super::book::{Book, Checked, need};
use wfl::base::Value;
use wfl::engine::{RUN_BOUND, STAGE_BOUND};
use wfl::event::{AttemptStatus, Event, NodeIndex, Status};
use wfl::expr::facts::Fact;
use wfl::plan::{AfterRepair, Repair, Risk};

impl Book<'_> {
    pub fn of_repairs(&mut self, event: &Event) -> Checked {
        match event {
            Event::RepairStarted { node, rule, number, again, by, .. } => {
                let found = self.plan.repairs.iter().find(|known| known.name == *rule);
                let Some(found) = found else { return Err(format!("there is no rule {rule}")) };
                self.may_repair(*node, found, by.is_some())?;
                let retried = found.then == AfterRepair::RetryStage;
                need(*again == retried, || format!("{rule} is followed by what it does not say"))?;
                self.repaired += 1;
                let repairs = &mut self.stage(*node).repairs;
                need(*number == repairs.count + 1, || {
                    format!("repairs of {node} are not numbered one by one")
                })?;
                repairs.count = *number;
                repairs.open = Some(rule.clone());
                *repairs.acted.entry(rule.clone()).or_default() += 1;
                Ok(())
            }
            Event::RepairFinished { node, rule, outcome } => {
                let retried = self
                    .plan
                    .repairs
                    .iter()
                    .any(|known| known.name == *rule && known.then == AfterRepair::RetryStage);
                let stage = self.stage(*node);
                let open = stage.repairs.open.take();
                need(open.as_ref() == Some(rule), || {
                    format!("{rule} ends for {node}, and {open:?} had begun")
                })?;
                if retried && outcome.status == AttemptStatus::Succeeded {
                    stage.repairs.again = true;
                    stage.status = Status::Waiting;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn may_repair(&self, node: NodeIndex, rule: &Repair, agreed: bool) -> Checked {
        let stage = &self.stages[node as usize];
        let exit = stage.outcome.as_ref().and_then(|outcome| outcome.exit);
        let wanted = match rule.name.as_str() {
            "mend" => 1,
            "clean" => 7,
            _ => 137,
        };
        let failed = stage.status == Status::Running && !stage.open && exit == Some(wanted);
        need(failed, || format!("{node} is repaired by {} after {exit:?}", rule.name))?;
        need(self.halted.is_none() && self.stopped.is_none(), || {
            format!("{node} is repaired although the run is to end")
        })?;
        let acted = stage.repairs.acted.get(&rule.name).copied().unwrap_or_default();
        need(acted < rule.limit, || format!("{} acts too often for {node}", rule.name))?;
        let all: u32 = stage.repairs.acted.values().sum();
        need(all < STAGE_BOUND && self.repaired < RUN_BOUND, || format!("{node} is repaired without end"))?;
        let stops = rule.then == AfterRepair::Stop;
        need(stops || !self.once(node), || format!("the once stage {node} is repaired to start again"))?;
        need(agreed || rule.risk == Risk::Low, || format!("nobody agreed to {} for {node}", rule.name))?;
        let read = stage.facts.get("Verify");
        let holds =
            read.is_some_and(|facts| facts.values().all(|fact| *fact == Fact::Read(Value::Bool(true))));
        need(holds || rule.verify.is_none(), || format!("{} acts for {node} and is not safe", rule.name))
    }
}
