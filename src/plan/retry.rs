//! A retry policy and its breaker with their numbers worked out and judged. Does not retry anything.

use crate::base::{SourceMap, Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::event::BreakerRule;
use crate::expr::Expr;
use crate::model::{self, Backoff, BackoffKind, Breaker, Stage};

use super::Retry;
use super::lower::{At, Lowering};

/// Attempts of a policy that does not say how many.
const ATTEMPTS: u32 = 2;
const FACTOR: f64 = 2.0;
/// A breaker that does not say: three failures within five minutes, closed for a minute, one good try.
const FAILURES: u32 = 3;
const WITHIN: u64 = 300_000;
const COOLDOWN: u64 = 60_000;
const SUCCESSES: u32 = 1;

impl Lowering<'_> {
    pub(super) fn retry(&mut self, retry: &model::Retry, at: At<'_>) -> Retry {
        let attempts = match &retry.attempts {
            Some(expr) => self.count(expr, at).unwrap_or(1),
            None => ATTEMPTS,
        };
        let mut lowered = Retry {
            attempts,
            backoff: BackoffKind::Constant,
            from: 0,
            cap: None,
            factor: FACTOR,
            jitter: 0.0,
            when: retry.when.as_ref().map(|check| self.check(check, at)),
            breaker: None,
        };
        if let Some(backoff) = &retry.backoff {
            self.backoff(backoff, at, &mut lowered);
        }
        lowered
    }

    /// The breaker of the stage's policy. It is known across runs by the name of its file, for the folder a command is
    /// given in must not matter, and by its own name, else by stage and policy.
    pub(super) fn breaker(&mut self, stage: &Stage, sources: &SourceMap, at: At<'_>) -> Option<BreakerRule> {
        let retry = stage.retry.as_ref()?;
        let breaker = retry.breaker.as_ref()?;
        let (key, name) = match (&breaker.name, &retry.policy) {
            (Some(name), _) => (format!("{} {name}", file(sources, breaker.span)), name.clone()),
            (None, policy) => {
                let policy = policy.as_deref().unwrap_or_default();
                (format!("{} stage {} {policy}", file(sources, stage.span), stage.name), stage.name.clone())
            }
        };
        let Breaker { failures, within, cooldown, successes, .. } = breaker;
        Some(BreakerRule {
            key,
            name,
            failures: failures.as_ref().map_or(Some(FAILURES), |expr| self.count(expr, at))?,
            within: within.as_ref().map_or(Some(WITHIN), |expr| self.millis(expr, at))?,
            cooldown: cooldown.as_ref().map_or(Some(COOLDOWN), |expr| self.millis(expr, at))?,
            successes: successes.as_ref().map_or(Some(SUCCESSES), |expr| self.count(expr, at))?,
        })
    }

    fn backoff(&mut self, backoff: &Backoff, at: At<'_>, lowered: &mut Retry) {
        lowered.backoff = backoff.kind;
        lowered.from = self.millis(&backoff.from, at).unwrap_or_default();
        lowered.cap = backoff.cap.as_ref().and_then(|cap| self.millis(cap, at));
        if let (Some(cap), Some(expr)) = (lowered.cap.filter(|cap| *cap < lowered.from), &backoff.cap) {
            let message = format!("the longest wait, {cap}ms, is shorter than the first, {}ms", lowered.from);
            self.found
                .push(Diagnostic::new(&codes::E305, expr.span, message).help("write the shorter one first"));
        }
        if let Some(expr) = &backoff.factor {
            lowered.factor = self.number(expr, at, 1.0, "a factor is at least 1").unwrap_or(FACTOR);
        }
        if let Some(expr) = &backoff.jitter {
            lowered.jitter = self.number(expr, at, 0.0, "jitter is at least 0%").unwrap_or_default();
        }
    }

    fn number(&mut self, expr: &Expr, at: At<'_>, least: f64, why: &str) -> Option<f64> {
        let number = match self.value(expr, at)? {
            Value::Int(n) => n as f64,
            Value::Float(n) | Value::Percent(n) => n,
            other => return self.wrong(expr, "a number", &other),
        };
        if number >= least {
            return Some(number);
        }
        self.found.push(Diagnostic::new(&codes::E122, expr.span, format!("{why}, and this is {number}")));
        None
    }
}

fn file(sources: &SourceMap, span: Span) -> &str {
    let path = sources.get(span.file).path.as_str();
    path.rsplit('/').next().unwrap_or(path)
}
