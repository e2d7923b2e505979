//! Judges gates. A gate cannot fail open: what cannot be judged is a gate error, and it blocks as a failed one does.

use std::collections::BTreeMap;

use crate::base::Value;
use crate::event::{Asked, Event, NodeIndex, Status};
use crate::expr::facts::{BASELINE, Fact};
use crate::expr::needs::located;
use crate::expr::{Expr, Scope};
use crate::plan::Check;

use super::conclude::End;
use super::input::Outputs;
use super::judge::Judgement;
use super::kernel::{Kernel, Step};
use super::prepare::unmet;
use super::scope::NodeScope;

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
        let read: Vec<&Expr> = (measures.iter().map(|measure| &measure.value))
            .chain(require.iter().chain(&spec.after).map(|check| &check.expr))
            .collect();
        match self.judge_unchanged(node, &read, &outputs) {
            Judgement::Ask(keys) => return self.ask(node, Asked::Outputs, keys),
            Judgement::Bad(why) => return self.gate_error(node, why),
            Judgement::Done(()) => {}
        }
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
            Judgement::Done(judged) => {
                self.tell_missing_baselines(node, &checks)?;
                self.gate_judged(node, outputs, measured, judged)
            }
        }
    }

    /// A comparison with nothing must not look like one that was passed.
    fn tell_missing_baselines(&mut self, node: NodeIndex, checks: &[Check]) -> Step {
        let outputs = Outputs::new();
        let scope = NodeScope::new(self.plan, node, &outputs);
        let mut missing: Vec<String> = Vec::new();
        for (key, _) in checks.iter().flat_map(|check| located(&check.expr, &scope)) {
            let absent = key.name == BASELINE && scope.fact(&key) == Some(Fact::Read(Value::Absent));
            let measure = key.arguments.last().map(Value::to_string).unwrap_or_default();
            if absent && !missing.contains(&measure) {
                missing.push(measure);
            }
        }
        for measure in missing {
            let text = format!(
                "`{}` had no baseline of `{measure}` to compare with: no run of lane `{}` on the base branch \
                 has set one yet",
                self.key(node),
                self.plan.lane
            );
            self.note(Some(node), text)?;
        }
        Ok(())
    }

    fn gate_judged(
        &mut self,
        node: NodeIndex,
        outputs: BTreeMap<String, Value>,
        measures: BTreeMap<String, Value>,
        checks: Vec<crate::event::Judged>,
    ) -> Step {
        let failed = checks.iter().find(|check| !check.held).map(unmet);
        let runs_nothing = self.plan.nodes[node as usize].actions.is_empty();
        let inputs = self.state.live.hashes.get(&node).cloned().flatten().filter(|_| runs_nothing);
        self.emit(Event::GateJudged { node, measures, checks, error: None, inputs })?;
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
            inputs: None,
        })?;
        let reason = format!("gate could not be judged: {why}");
        self.finish(node, End::new(Status::Failed).because(reason))
    }
}
