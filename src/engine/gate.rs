//! Judges gates. A gate cannot fail open: what cannot be judged is a gate error, and it blocks as a failed one does.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{Asked, Event, NodeIndex, Status};

use super::conclude::End;
use super::judge::Judgement;
use super::kernel::{Kernel, Step};
use super::prepare::unmet;

impl Kernel<'_> {
    pub fn judge_gate(&mut self, node: NodeIndex) -> Step {
        let plan = self.plan;
        let spec = &plan.nodes[node as usize];
        let (measures, require) = match &spec.gate {
            Some(gate) => (gate.measures.as_slice(), gate.require.as_slice()),
            None => (&[][..], &[][..]),
        };
        let outputs = match self.judge_outputs(node) {
            Judgement::Ask(keys) => return self.ask(node, Asked::Outputs, keys),
            Judgement::Bad(why) => return self.gate_error(node, why),
            Judgement::Done(outputs) => outputs,
        };
        let measured = match self.judge_measures(node, measures, &outputs, self.outcome_of(node)) {
            Judgement::Ask(keys) => return self.ask(node, Asked::Outputs, keys),
            Judgement::Bad(why) => return self.gate_error(node, why),
            Judgement::Done(measured) => measured,
        };
        let phases = [Asked::After, Asked::Outputs];
        let checks: Vec<_> = require.iter().chain(&spec.after).cloned().collect();
        match self.judge_checks(node, &checks, &phases, Some(&outputs), Some(&measured)) {
            Judgement::Ask(keys) => self.ask(node, Asked::After, keys),
            Judgement::Bad(why) => self.gate_error(node, why),
            Judgement::Done(judged) if judged.is_empty() => {
                self.gate_error(node, "it requires nothing".to_owned())
            }
            Judgement::Done(judged) => self.gate_judged(node, outputs, measured, judged),
        }
    }

    fn gate_judged(
        &mut self,
        node: NodeIndex,
        outputs: BTreeMap<String, Value>,
        measures: BTreeMap<String, Value>,
        checks: Vec<crate::event::Judged>,
    ) -> Step {
        let failed = checks.iter().find(|check| !check.held).map(unmet);
        self.emit(Event::GateJudged { node, measures, checks, error: None })?;
        match failed {
            None => self.finish(node, End { outputs, ..End::new(Status::Succeeded) }),
            Some(reason) => self.finish(node, End { outputs, ..End::new(Status::Failed) }.because(reason)),
        }
    }

    pub fn gate_error(&mut self, node: NodeIndex, why: String) -> Step {
        self.emit(Event::GateJudged {
            node,
            measures: BTreeMap::new(),
            checks: Vec::new(),
            error: Some(why.clone()),
        })?;
        let reason = format!("gate could not be judged: {why}");
        self.finish(node, End::new(Status::Failed).because(reason))
    }
}
