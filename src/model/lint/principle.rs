//! Judges the team's own rules on every lane that was asked about. Knows a stage only by the properties a principle
//! may name.

use std::collections::BTreeMap;

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::facts::{Fact, FactKey};
use crate::expr::{self, Compare, Expr, Function, Kind, Scope};
use crate::model::{
    Effect, GlobalKind, Model, Principle, ResolvedLane, Stage, StageKind, Subject, constant, expressions,
};

use super::Context;

/// Stands for what only a run knows; no name holds it.
const UNKNOWN: char = '\u{fffd}';

/// E612 and W614: what a principle is about and does not hold for, once a subject, with the lanes it concerns.
pub(super) fn broken(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let lanes = context.model.lanes.iter().filter(|lane| context.asked(lane.module));
    let lanes: Vec<&ResolvedLane> = lanes.filter_map(|lane| context.resolved.get(&lane.id)).collect();
    for principle in &context.model.principles {
        let mut breaches: BTreeMap<(Span, String), Breach> = BTreeMap::new();
        for lane in &lanes {
            judge_lane(context, principle, lane, &mut breaches);
        }
        found.extend(breaches.into_values().map(|breach| breach.diagnostic(principle)));
    }
}

/// One subject that does not do what a principle asks.
struct Breach {
    span: Span,
    subject: String,
    /// The requirement as written; none when it could not be worked out.
    failed: Option<String>,
    reason: Option<String>,
    lanes: Vec<(String, Span)>,
}

impl Breach {
    fn diagnostic(self, principle: &Principle) -> Diagnostic {
        let name = &principle.name;
        let mut found = match &self.failed {
            Some(text) => Diagnostic::new(
                &codes::E612,
                self.span,
                format!("{} breaks \u{201c}{name}\u{201d}", self.subject),
            )
            .label(format!("`{text}` does not hold"))
            .help_if(self.reason.map(|reason| format!("the rule stands because {reason}"))),
            None => {
                let message = format!("\u{201c}{name}\u{201d} cannot be judged for {}", self.subject);
                Diagnostic::new(&codes::W614, self.span, message)
                    .help("what the rule asks is only known when the lane runs: ask for what is written down")
            }
        };
        found = found.related(principle.span, "the principle");
        for (lane, span) in self.lanes.into_iter().filter(|(_, lane)| *lane != self.span) {
            found = found.related(span, format!("lane `{lane}` holds it"));
        }
        found
    }
}

fn judge_lane(
    context: &Context<'_>,
    principle: &Principle,
    lane: &ResolvedLane,
    breaches: &mut BTreeMap<(Span, String), Breach>,
) {
    let lane_span = context.model.lanes[lane.id as usize].span;
    let wanted = match principle.subject {
        Subject::Lane => {
            let subject = Of { model: context.model, principle, lane, stage: None };
            return subject.judge(format!("lane `{}`", lane.name), lane_span, lane_span, breaches);
        }
        Subject::Stage => StageKind::Stage,
        Subject::Gate => StageKind::Gate,
    };
    for (index, stage) in lane.stages.iter().enumerate().filter(|(_, stage)| stage.kind == wanted) {
        let subject = Of { model: context.model, principle, lane, stage: Some((index, stage)) };
        // What was built in or imported is not this project's to mend: the lane that holds it is.
        let span = if context.asked(stage.module) { stage.span } else { lane_span };
        subject.judge(format!("`{}`", stage.name), span, lane_span, breaches);
    }
}

/// The lane or stage that a principle is judged for: the scope of its conditions.
struct Of<'a> {
    model: &'a Model,
    principle: &'a Principle,
    lane: &'a ResolvedLane,
    stage: Option<(usize, &'a Stage)>,
}

impl Of<'_> {
    fn judge(
        &self,
        subject: String,
        span: Span,
        lane: Span,
        breaches: &mut BTreeMap<(Span, String), Breach>,
    ) {
        let Some((failed, reason)) = self.failure() else { return };
        let key = (span, format!("{subject} {failed:?}"));
        let fresh = || Breach { span, subject, failed, reason, lanes: Vec::new() };
        breaches.entry(key).or_insert_with(fresh).lanes.push((self.lane.name.clone(), lane));
    }

    /// The requirement that does not hold and why it is there; a requirement of none cannot be worked out.
    fn failure(&self) -> Option<(Option<String>, Option<String>)> {
        match self.principle.condition.as_ref().map(|condition| self.holds(condition)) {
            Some(Some(false)) => return None,
            Some(None) => return Some((None, None)),
            Some(Some(true)) | None => {}
        }
        let mut undecided = false;
        for check in &self.principle.require {
            match self.holds(&check.expr) {
                Some(true) => {}
                Some(false) => {
                    let reason = check.because.clone().or_else(|| self.principle.because.clone());
                    return Some((Some(check.text.clone()), reason));
                }
                None => undecided = true,
            }
        }
        undecided.then_some((None, None))
    }

    fn holds(&self, condition: &Expr) -> Option<bool> {
        match expr::eval(condition, self) {
            Ok(Value::Bool(holds)) => Some(holds),
            _ => None,
        }
    }

    /// None where it is only known when the lane runs.
    fn property(&self, name: &str) -> Option<Value> {
        match self.stage {
            Some((index, stage)) => self.of_stage(index, stage, name),
            None => self.of_lane(name),
        }
    }

    fn of_stage(&self, index: usize, stage: &Stage, name: &str) -> Option<Value> {
        let name_of = |id: u32| self.model.stages[id as usize].name.clone();
        let value = match name {
            "name" => Value::String(stage.name.clone()),
            "about" => text(stage.docs.as_deref()),
            "number" => stage.number.map_or(Value::Absent, |number| Value::Int(i64::from(number))),
            "lock" => return self.known_text(stage.lock.as_deref()),
            "pool" => text(stage.pool.map(|pool| self.model.pools[pool as usize].name.as_str())),
            "timeout" => return self.known(stage.timeout.as_ref()),
            "deadline" => return self.known(stage.deadline.as_deref()),
            "needs" => names(stage.needs.iter().map(|need| name_of(need.stage))),
            "follows" => names(stage.follows.iter().map(|other| name_of(other.stage))),
            "outputs" => names(stage.outputs.iter().map(|output| output.name.clone())),
            "has-undo" => Value::Bool(!stage.undo.is_empty()),
            "has-retry" => Value::Bool(stage.retry.is_some()),
            "has-lock" => Value::Bool(stage.lock.is_some()),
            "has-secret" => Value::Bool(self.has_secret(stage)),
            "has-inputs" => Value::Bool(!stage.inputs.is_empty()),
            "has-finally" => Value::Bool(!stage.finally.is_empty()),
            "has-timeout" => Value::Bool(stage.timeout.is_some()),
            "has-when" => Value::Bool(stage.when.is_some()),
            "has-approval" => {
                Value::Bool(self.lane.approvals.iter().any(|approval| approval.before as usize == index))
            }
            "idempotent" => Value::Bool(matches!(stage.effect, Effect::Idempotent(_))),
            "once" => Value::Bool(matches!(stage.effect, Effect::Once)),
            "repeatable" => Value::Bool(matches!(stage.effect, Effect::Repeatable)),
            "allow-failure" => Value::Bool(stage.allow_failure.is_some()),
            _ => return None,
        };
        Some(value)
    }

    fn of_lane(&self, name: &str) -> Option<Value> {
        let held = |kind| self.lane.stages.iter().filter(move |stage| stage.kind == kind);
        let value = match name {
            "name" => Value::String(self.lane.name.clone()),
            "about" => text(self.lane.about.as_deref()),
            "timeout" => return self.known(self.lane.timeout.as_ref()),
            "sla" => return self.known(self.lane.sla.as_ref()),
            "has-timeout" => Value::Bool(self.lane.timeout.is_some()),
            "stages" => names(held(StageKind::Stage).map(|stage| stage.name.clone())),
            "gates" => names(held(StageKind::Gate).map(|stage| stage.name.clone())),
            "strict" => Value::Bool(self.lane.strict),
            "approvals" => Value::Int(self.lane.approvals.len() as i64),
            _ => return None,
        };
        Some(value)
    }

    /// Absent when it is not set, none when it is set to what only a run knows.
    fn known(&self, set: Option<&Expr>) -> Option<Value> {
        match set {
            None => Some(Value::Absent),
            Some(expr) => constant(self.model, expr).cloned(),
        }
    }

    /// As [`Of::known`]; a text with pieces that only a run knows stands for itself where the principle compares it
    /// with nothing that it could become.
    fn known_text(&self, set: Option<&Expr>) -> Option<Value> {
        let Some(Expr { kind: Kind::Format(pieces), .. }) = set else { return self.known(set) };
        let known = |piece: &Expr| match constant(self.model, piece) {
            Some(value) => value.to_string(),
            None => UNKNOWN.to_string(),
        };
        let text: String = pieces.iter().map(known).collect();
        let (first, last) = (text.split(UNKNOWN).next()?, text.rsplit(UNKNOWN).next()?);
        let mut may_be = false;
        let conditions = self.principle.condition.iter();
        for expr in conditions.chain(self.principle.require.iter().map(|check| &check.expr)) {
            expr.walk(&mut |part| match &part.kind {
                Kind::Value(Value::String(other)) => {
                    may_be |= other.starts_with(first) && other.ends_with(last)
                }
                Kind::Compare { op: Compare::Matches | Compare::Like, .. } => may_be = true,
                Kind::Global(_) | Kind::Call { .. } | Kind::Builtin { .. } => may_be = true,
                _ => {}
            });
        }
        (!may_be).then_some(Value::String(text))
    }

    fn has_secret(&self, stage: &Stage) -> bool {
        let mut secret = false;
        for expr in expressions(stage) {
            expr.walk(&mut |inner| {
                secret |=
                    matches!(inner.kind, Kind::Global(index) if self.model.globals[index as usize].secret);
            });
        }
        secret
    }
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Absent, |text| Value::String(text.to_owned()))
}

fn names(names: impl Iterator<Item = String>) -> Value {
    Value::List(names.map(Value::String).collect())
}

impl Scope for Of<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        match &self.model.globals.get(index as usize)?.kind {
            GlobalKind::Let(value) => expr::eval(value, self).ok(),
            GlobalKind::Param { .. } | GlobalKind::Secret(_) => None,
        }
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.model.functions.get(index as usize)
    }

    /// `s.lock`.
    fn fact(&self, key: &FactKey) -> Option<Fact> {
        let (variable, property) = key.name.split_once('.')?;
        if variable != self.principle.variable {
            return None;
        }
        self.property(property).map(Fact::Read)
    }
}
