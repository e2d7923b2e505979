//! `then rerun-needs` of a repair rule: what a stage needs and is gone is made again in the same run, by the stages that
//! had left it. A stage that may run only once never is, nor one whose result another has begun to use.

use std::collections::BTreeSet;

use crate::event::{Event, NodeIndex};
use crate::plan::{EdgeKind, Effect};

use super::apply::never_acted;
use super::kernel::{Kernel, Step};

impl Kernel<'_> {
    /// The needed stages that left what is gone, if all of them may run again.
    pub fn lost_needs(&self, node: NodeIndex) -> Result<Vec<NodeIndex>, String> {
        let (stage, spec) = (self.state.node(node), &self.plan.nodes[node as usize]);
        let outcome = stage.outcome.as_deref();
        let named = outcome.and_then(|outcome| outcome.error.as_deref()).unwrap_or_default();
        let needs = spec.edges.iter().filter(|edge| edge.kind != EdgeKind::Follows);
        let needs: Vec<NodeIndex> = needs.map(|edge| edge.to).collect();
        let mut lost: Vec<NodeIndex> =
            needs.iter().copied().filter(|to| named.contains(&format!("`{}`", self.key(*to)))).collect();
        if lost.is_empty() {
            let left = |to: &NodeIndex| !self.plan.nodes[*to as usize].outputs.is_empty();
            lost = needs.into_iter().filter(left).collect();
        }
        if lost.is_empty() {
            return Err("it needs no stage that leaves anything".into());
        }
        let acted = !never_acted(outcome.and_then(|outcome| outcome.class)) || stage.tries > 1;
        if spec.closes.is_some() || spec.effect != Effect::Repeatable && acted {
            return Err(format!("`{}` has begun with what its needs had left", self.key(node)));
        }
        lost.iter().try_for_each(|need| self.may_rerun(*need, node))?;
        Ok(lost)
    }

    fn may_rerun(&self, need: NodeIndex, node: NodeIndex) -> Result<(), String> {
        let (spec, key) = (&self.plan.nodes[need as usize], self.key(need));
        if spec.effect == Effect::Once {
            return Err(format!("`{key}`, whose result it needs, may run only once"));
        }
        if spec.preset.is_some() || spec.closes.is_some() || !self.state.node(need).status.meets_need() {
            return Err(format!("`{key}`, whose result it needs, is not run by this run alone"));
        }
        let begun = |to: &NodeIndex| {
            let other = self.state.node(*to);
            let pinned = self.plan.nodes[*to as usize].effect != Effect::Repeatable && other.attempt > 0;
            *to != node && (pinned || other.is_open_ended() && other.tries > 0)
        };
        match self.resting_on(need).into_iter().find(begun) {
            Some(other) => Err(format!("`{}` has begun with what `{key}` had left", self.key(other))),
            None => Ok(()),
        }
    }

    /// What needs the stage, directly or through others.
    fn resting_on(&self, need: NodeIndex) -> Vec<NodeIndex> {
        let mut found = BTreeSet::new();
        let mut next = vec![need];
        while let Some(at) = next.pop() {
            for (to, kind) in self.state.dependents.of(at) {
                if *kind != EdgeKind::Follows && found.insert(*to) {
                    next.push(*to);
                }
            }
        }
        found.into_iter().collect()
    }

    /// Makes again what is gone; the stage begins anew when that is there.
    pub fn rerun_needs(&mut self, node: NodeIndex, failed: &str) -> Step {
        let lost = match self.lost_needs(node) {
            Ok(lost) => lost,
            Err(not) => return self.give_up(node, format!("{failed}; {not}")),
        };
        let begun = self.state.live.begun.get(&node).copied();
        self.forget(node);
        self.release(node)?;
        begun.map(|begun| self.state.live.begun.insert(node, begun));
        let mut waiting = vec![node];
        for need in &lost {
            let reason = format!("what it had left for `{}` is gone", self.key(node));
            self.emit(Event::StageReset { node: *need, reason })?;
            waiting.extend(self.resting_on(*need));
        }
        let reason = format!("`{}`, which it needs, runs again", self.key(lost[0]));
        self.emit(Event::StageReset { node, reason })?;
        waiting.sort_unstable();
        waiting.dedup();
        for node in waiting {
            let state = self.state.node(node);
            let asked = state.approvals.as_ref().is_some_and(|approvals| approvals.touched());
            if asked && state.is_open_ended() && state.tries == 0 {
                self.state.live.asked.remove(&node);
                self.state.live.questions.remove(&node);
                let reason = "something it needs runs again".to_owned();
                self.emit(Event::ApprovalVoided { node, reason })?;
            }
        }
        Ok(())
    }
}
