//! Overrides: whole keywords of a stage replaced. Decides nothing about which stage is meant.

use crate::base::Value;
use crate::expr::{Compare, Expr, Kind};
use crate::model::{Check, Effect, Stage, StageKind};

use super::body::Patch;

/// The stage with each keyword of the patch replaced.
pub fn apply(stage: &mut Stage, patch: &Patch, states_effect: bool) {
    for (keyword, _) in &patch.keywords {
        one(stage, &patch.stage, keyword);
    }
    let outside =
        patch.keywords.iter().any(|(keyword, _)| matches!(keyword.as_str(), "lock" | "undo" | "env"));
    let plain = matches!(stage.effect, Effect::Repeatable) && !states_effect && !patch.states_effect;
    if stage.calls() {
        // What these said was of the actions that the calls replace.
        (stage.effect, stage.retry) = (Effect::Repeatable, None);
        stage.inputs = Default::default();
        return;
    }
    if outside && plain && stage.kind == StageKind::Stage {
        // The patch's own effect is the default for what it adds: a lock, an undo or a secret.
        stage.effect = patch.stage.effect.clone();
    }
}

fn one(stage: &mut Stage, from: &Stage, keyword: &str) {
    match keyword {
        "about" => stage.docs = from.docs.clone().or(stage.docs.take()),
        "number" => stage.number = from.number,
        "needs" => stage.needs = from.needs.clone(),
        "follows" => stage.follows = from.follows.clone(),
        "when" => stage.when = from.when.clone(),
        "before" => stage.before = from.before.clone(),
        "after" => stage.after = from.after.clone(),
        "inputs" => stage.inputs = from.inputs.clone(),
        // The actions are one list, in order: any of these words replaces it.
        "run" | "exec" | "render" | "call" => stage.actions = from.actions.clone(),
        "env" => stage.env = from.env.clone(),
        "out" => stage.outputs = from.outputs.clone(),
        "matrix" => stage.matrix = from.matrix.clone(),
        "retry" => {
            stage.retry = from.retry.clone();
            // The policy's own deadline, if it has one.
            stage.deadline = from.deadline.clone().or(stage.deadline.take());
        }
        "timeout" => stage.timeout = from.timeout.clone(),
        "deadline" => stage.deadline = from.deadline.clone(),
        "cwd" => stage.cwd = from.cwd.clone(),
        "repeatable" | "idempotent" | "once" => stage.effect = from.effect.clone(),
        "undo" => {
            stage.undo = from.undo.clone();
            stage.undo_timeout.clone_from(&from.undo_timeout);
            stage.undo_retry.clone_from(&from.undo_retry);
        }
        "finally" => stage.finally = from.finally.clone(),
        "lock" => stage.lock = from.lock.clone(),
        "pool" => stage.pool = from.pool,
        "allow-failure" => stage.allow_failure = from.allow_failure.clone(),
        "confirm" => stage.confirm = from.confirm.clone(),
        _ => gate(stage, from, keyword),
    }
}

fn gate(stage: &mut Stage, from: &Stage, keyword: &str) {
    let (Some(gate), Some(from)) = (&mut stage.gate, &from.gate) else { return };
    match keyword {
        "tool" => gate.tool = from.tool,
        "measure" => gate.measures = from.measures.clone(),
        "require" => gate.require = from.require.clone(),
        "strict" => gate.strict = from.strict.clone(),
        "exit-ok" => gate.exit_ok = from.exit_ok.clone(),
        _ => {}
    }
}

/// Whether a patch may let a gate pass that would have failed before.
pub fn weakens(stage: &Stage, patch: &Patch) -> bool {
    let (Some(old), Some(new)) = (&stage.gate, &patch.stage.gate) else { return false };
    patch.keywords.iter().any(|(keyword, _)| match keyword.as_str() {
        "require" => !implied(&old.require, &new.require),
        "strict" => !implied(&old.strict, &new.strict),
        "tool" | "measure" | "exit-ok" | "exec" | "run" | "when" | "out" => true,
        _ => false,
    })
}

/// Whether every old condition follows from one of the new ones.
pub fn implied(old: &[Check], new: &[Check]) -> bool {
    old.iter()
        .all(|old| new.iter().any(|new| new.text == old.text || at_least_as_strict(&new.expr, &old.expr)))
}

fn at_least_as_strict(new: &Expr, old: &Expr) -> bool {
    let (Some((name, op, limit)), Some((old_name, old_op, old_limit))) = (threshold(new), threshold(old))
    else {
        return false;
    };
    name == old_name
        && op == old_op
        && match op {
            Compare::Ge | Compare::Gt => limit >= old_limit,
            Compare::Le | Compare::Lt => limit <= old_limit,
            _ => limit == old_limit,
        }
}

/// `measure OP number` as its parts.
fn threshold(expr: &Expr) -> Option<(&str, Compare, f64)> {
    let Kind::Compare { op, sides } = &expr.kind else { return None };
    let (Kind::Measure(name), Kind::Value(limit)) = (&sides.0.kind, &sides.1.kind) else { return None };
    let limit = match limit {
        Value::Int(limit) | Value::Duration(limit) | Value::Size(limit) => *limit as f64,
        Value::Float(limit) | Value::Percent(limit) => *limit,
        _ => return None,
    };
    Some((name, *op, limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;

    fn check(op: Compare, limit: f64) -> Check {
        let expr = |kind| Expr { kind, span: Span::default() };
        let sides = (expr(Kind::Measure("lines".into())), expr(Kind::Value(Value::Percent(limit))));
        Check {
            expr: expr(Kind::Compare { op, sides: Box::new(sides) }),
            text: format!("lines {op:?} {limit}"),
            because: None,
        }
    }

    #[test]
    fn a_higher_threshold_is_no_weakening() {
        assert!(implied(&[check(Compare::Ge, 70.0)], &[check(Compare::Ge, 90.0)]));
        assert!(!implied(&[check(Compare::Ge, 70.0)], &[check(Compare::Ge, 60.0)]));
        assert!(!implied(&[check(Compare::Ge, 70.0)], &[check(Compare::Le, 90.0)]));
        assert!(!implied(&[check(Compare::Ge, 70.0)], &[]));
    }
}
