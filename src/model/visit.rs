//! Every expression of a stage, whatever part of it it stands in.

use crate::expr::Expr;

use super::{Action, Check, Effect, Retry, Stage};

/// All expressions of a stage or gate; those of its tool are the tool's.
pub fn expressions(stage: &Stage) -> Vec<&Expr> {
    let mut found: Vec<&Expr> = Vec::new();
    found.extend(stage.when.as_deref());
    checks(&mut found, &stage.before);
    checks(&mut found, &stage.after);
    for actions in [&stage.actions[..], &stage.undo, &stage.finally] {
        actions.iter().for_each(|action| in_action(&mut found, action));
    }
    found.extend(stage.env.iter().map(|(_, value)| value));
    found.extend(stage.inputs.iter());
    found.extend(stage.matrix.iter().map(|(_, list)| list));
    for output in &stage.outputs {
        found.push(&output.value);
        found.extend(output.keep.iter());
    }
    found.extend(&stage.timeout);
    found.extend(
        [&stage.cwd, &stage.deadline, &stage.lock, &stage.confirm].into_iter().filter_map(Option::as_deref),
    );
    if let Effect::Idempotent(key) = &stage.effect {
        found.push(key);
    }
    stage.retry.iter().for_each(|retry| in_retry(&mut found, retry));
    if let Some(gate) = &stage.gate {
        found.extend(gate.measures.iter().map(|measure| &measure.value));
        checks(&mut found, &gate.require);
        checks(&mut found, &gate.strict);
    }
    found
}

fn checks<'a>(found: &mut Vec<&'a Expr>, checks: &'a [Check]) {
    found.extend(checks.iter().map(|check| &check.expr));
}

fn in_action<'a>(found: &mut Vec<&'a Expr>, action: &'a Action) {
    match action {
        Action::Script { .. } => {}
        Action::Exec { argv, .. } => found.extend(argv),
        Action::Render { render, .. } => found.extend(render.expressions()),
        Action::Call { arguments, .. } => found.extend(arguments.iter().map(|argument| &argument.value)),
    }
}

fn in_retry<'a>(found: &mut Vec<&'a Expr>, retry: &'a Retry) {
    found.extend(retry.attempts.iter());
    found.extend(retry.when.iter().map(|check| &check.expr));
    if let Some(backoff) = &retry.backoff {
        found.push(&backoff.from);
        found.extend([&backoff.cap, &backoff.factor, &backoff.jitter].into_iter().flatten());
    }
}
