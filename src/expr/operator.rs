//! What operators do to values: comparison and arithmetic, checked for overflow. Knows no expressions.

use crate::base::Value;

use super::{Arithmetic, Compare};

/// Equality as the language has it: nothing equals an absent value, not even another one.
pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Absent, _) | (_, Value::Absent) => false,
        (Value::String(a) | Value::Path(a), Value::String(b) | Value::Path(b)) => a == b,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        _ => left == right,
    }
}

/// `<`, `<=`, `>`, `>=`; none where the values have no order.
pub fn ordered(op: Compare, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Int(a), Value::Int(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Size(a), Value::Size(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) | (Value::Percent(a), Value::Percent(b)) => a.partial_cmp(b)?,
        _ => return None,
    };
    Some(match op {
        Compare::Lt => order.is_lt(),
        Compare::Le => order.is_le(),
        Compare::Gt => order.is_gt(),
        _ => order.is_ge(),
    })
}

/// One step of arithmetic; the error says why there is no result.
pub fn arithmetic(op: Arithmetic, left: &Value, right: &Value) -> Result<Value, String> {
    use Value::{Duration, Float, Int, Percent, Size};
    match (left, right) {
        (Int(a), Int(b)) => whole(op, *a, *b).map(Int),
        (Float(a), Float(b)) => real(op, *a, *b).map(Float),
        (Duration(a), Duration(b)) if op == Arithmetic::Divide => real(op, *a as f64, *b as f64).map(Float),
        (Size(a), Size(b)) if op == Arithmetic::Divide => real(op, *a as f64, *b as f64).map(Float),
        (Percent(a), Percent(b)) if op == Arithmetic::Divide => real(op, *a, *b).map(Float),
        (Duration(a), Duration(b)) if additive(op) => whole(op, *a, *b).map(Duration),
        (Size(a), Size(b)) if additive(op) => whole(op, *a, *b).map(Size),
        (Percent(a), Percent(b)) if additive(op) => real(op, *a, *b).map(Percent),
        (Duration(a), Int(b)) if !additive(op) => whole(op, *a, *b).map(Duration),
        (Size(a), Int(b)) if !additive(op) => whole(op, *a, *b).map(Size),
        (Percent(a), Int(b)) if !additive(op) => real(op, *a, *b as f64).map(Percent),
        (Int(a), Duration(b)) if op == Arithmetic::Multiply => whole(op, *a, *b).map(Duration),
        (Int(a), Size(b)) if op == Arithmetic::Multiply => whole(op, *a, *b).map(Size),
        (Int(a), Percent(b)) if op == Arithmetic::Multiply => real(op, *a as f64, *b).map(Percent),
        (_, Percent(share)) if op == Arithmetic::Multiply => part(left, *share),
        _ => Err(format!("{} and {} cannot be combined so", left.ty(), right.ty())),
    }
}

/// A share of a value, in the value's own unit; whole bytes and milliseconds, rounded to the nearest.
fn part(value: &Value, share: f64) -> Result<Value, String> {
    let times = |n: f64| real(Arithmetic::Multiply, n, share / 100.0);
    let whole = |n: i64| match times(n as f64)?.round() {
        part if part.abs() < i64::MAX as f64 => Ok(part as i64),
        _ => Err("the result is too large".to_owned()),
    };
    match value {
        Value::Float(n) => times(*n).map(Value::Float),
        Value::Percent(n) => times(*n).map(Value::Percent),
        Value::Duration(n) => whole(*n).map(Value::Duration),
        Value::Size(n) => whole(*n).map(Value::Size),
        other => Err(format!("there is no share of {}", other.ty())),
    }
}

fn additive(op: Arithmetic) -> bool {
    matches!(op, Arithmetic::Add | Arithmetic::Subtract)
}

fn whole(op: Arithmetic, a: i64, b: i64) -> Result<i64, String> {
    if op == Arithmetic::Divide && b == 0 {
        return Err("division by zero".to_owned());
    }
    let result = match op {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide => a.checked_div(b),
    };
    result.ok_or_else(|| "the result is too large".to_owned())
}

fn real(op: Arithmetic, a: f64, b: f64) -> Result<f64, String> {
    if op == Arithmetic::Divide && b == 0.0 {
        return Err("division by zero".to_owned());
    }
    let result = match op {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
    };
    if result.is_finite() { Ok(result) } else { Err("the result is too large".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_value_equals_nothing() {
        assert!(!equal(&Value::Absent, &Value::Absent));
        assert!(!equal(&Value::Absent, &Value::Int(1)));
        assert!(equal(&Value::Path("a".into()), &Value::String("a".into())));
    }

    #[test]
    fn units_combine_with_counts_and_themselves() {
        let minute = Value::Duration(60_000);
        let run = |op, a: &Value, b: &Value| arithmetic(op, a, b);
        assert_eq!(run(Arithmetic::Multiply, &Value::Int(2), &minute), Ok(Value::Duration(120_000)));
        assert_eq!(run(Arithmetic::Divide, &minute, &Value::Duration(30_000)), Ok(Value::Float(2.0)));
        assert_eq!(
            run(Arithmetic::Subtract, &Value::Percent(5.0), &Value::Percent(2.0)),
            Ok(Value::Percent(3.0))
        );
        assert!(run(Arithmetic::Add, &minute, &Value::Int(1)).is_err());
        let most = Value::Percent(105.0);
        assert_eq!(run(Arithmetic::Multiply, &Value::Size(1_000), &most), Ok(Value::Size(1_050)));
        assert_eq!(
            run(Arithmetic::Multiply, &Value::Percent(80.0), &Value::Percent(95.0)),
            Ok(Value::Percent(76.0))
        );
        assert!(run(Arithmetic::Multiply, &Value::Size(i64::MAX), &most).is_err());
    }

    #[test]
    fn overflow_and_zero_are_errors_not_panics() {
        let most = Value::Int(i64::MAX);
        assert!(arithmetic(Arithmetic::Add, &most, &Value::Int(1)).is_err());
        assert!(arithmetic(Arithmetic::Divide, &most, &Value::Int(0)).is_err());
        assert!(arithmetic(Arithmetic::Divide, &Value::Int(i64::MIN), &Value::Int(-1)).is_err());
        assert!(arithmetic(Arithmetic::Multiply, &Value::Float(1e308), &Value::Float(10.0)).is_err());
    }
}
