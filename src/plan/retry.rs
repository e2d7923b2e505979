//! A retry policy with its numbers worked out and judged. Does not retry anything.

use crate::base::Value;
use crate::diag::{Diagnostic, codes};
use crate::expr::Expr;
use crate::model::{self, Backoff, BackoffKind};

use super::Retry;
use super::lower::{At, Lowering};

/// Attempts of a policy that does not say how many.
const ATTEMPTS: u32 = 2;
const FACTOR: f64 = 2.0;

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
        };
        if let Some(backoff) = &retry.backoff {
            self.backoff(backoff, at, &mut lowered);
        }
        lowered
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
