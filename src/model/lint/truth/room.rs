//! Whether several tests of one value leave it any room. Knows values, not conditions.

use crate::base::Value;
use crate::expr::{Compare, pattern};

/// What a value can be at all.
#[derive(Clone, Debug, Default)]
pub struct Domain {
    /// Nothing but these.
    pub words: Option<Vec<Value>>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Nothing lies between 2 and 3.
    pub whole: bool,
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub enum Test {
    Is(bool),
    /// One of these, or none of them.
    Among(Vec<Value>, bool),
    Bound(Compare, f64),
    Like(String, bool),
    Matches(String, bool),
}

/// Whether no value of the domain passes all tests.
pub fn empty(domain: &Domain, tests: &[&Test]) -> bool {
    let is = |wanted: bool| tests.iter().any(|test| matches!(test, Test::Is(is) if *is == wanted));
    if is(true) && is(false) {
        return true;
    }
    let mut allowed = domain.words.clone();
    for test in tests {
        if let Test::Among(values, true) = test {
            let mut left = allowed.unwrap_or_else(|| values.clone());
            left.retain(|value| values.iter().any(|other| same(value, other)));
            allowed = Some(left);
        }
    }
    match allowed {
        Some(allowed) => !allowed.iter().any(|value| inside(domain, value) && passes(value, tests)),
        None => no_number(domain, tests),
    }
}

fn inside(domain: &Domain, value: &Value) -> bool {
    let Some(number) = number(value) else { return true };
    domain.low.is_none_or(|low| number >= low) && domain.high.is_none_or(|high| number <= high)
}

fn passes(value: &Value, tests: &[&Test]) -> bool {
    let text = match value {
        Value::String(text) | Value::Path(text) => Some(text),
        _ => None,
    };
    tests.iter().all(|test| match test {
        Test::Is(_) => true,
        Test::Among(values, wanted) => values.iter().any(|other| same(value, other)) == *wanted,
        Test::Bound(op, limit) => number(value).is_none_or(|number| holds(*op, number, *limit)),
        Test::Like(glob, wanted) => match (pattern::glob(glob), text) {
            (Ok(glob), Some(text)) => glob.is_match(text) == *wanted,
            _ => true,
        },
        Test::Matches(regex, wanted) => match (pattern::regex(regex), text) {
            (Ok(regex), Some(text)) => regex.is_match(text) == *wanted,
            _ => true,
        },
    })
}

/// Whether the bounds leave no room.
fn no_number(domain: &Domain, tests: &[&Test]) -> bool {
    let (mut low, mut high) = (domain.low.unwrap_or(f64::NEG_INFINITY), domain.high.unwrap_or(f64::INFINITY));
    let (mut above, mut below) = (false, false);
    for test in tests {
        let Test::Bound(op, limit) = **test else { continue };
        match op {
            Compare::Gt if limit >= low => (low, above) = (limit, true),
            Compare::Ge if limit > low => (low, above) = (limit, false),
            Compare::Lt if limit <= high => (high, below) = (limit, true),
            Compare::Le if limit < high => (high, below) = (limit, false),
            _ => {}
        }
    }
    if domain.whole {
        low = if above { low.floor() + 1.0 } else { low.ceil() };
        high = if below { high.ceil() - 1.0 } else { high.floor() };
        return low > high;
    }
    low > high || (low == high && (above || below))
}

fn holds(op: Compare, number: f64, limit: f64) -> bool {
    match op {
        Compare::Lt => number < limit,
        Compare::Le => number <= limit,
        Compare::Gt => number > limit,
        Compare::Ge => number >= limit,
        _ => true,
    }
}

fn same(a: &Value, b: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) | Value::Path(text) => Some(text.clone()),
        _ => None,
    };
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b || (text(a).is_some() && text(a) == text(b)),
    }
}

pub fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Int(n) | Value::Duration(n) | Value::Size(n) => Some(*n as f64),
        Value::Float(n) | Value::Percent(n) => Some(*n),
        _ => None,
    }
}
