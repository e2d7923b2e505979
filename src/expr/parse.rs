//! Text from outside to a value of a wanted type: `--set`, and what a quoted literal may have meant. Knows no syntax
//! beyond single literals.

use crate::base::{Type, Value};

/// Reads `text` as a value of type `ty`; the error says what would be accepted.
pub fn value(text: &str, ty: &Type) -> Result<Value, String> {
    match ty {
        Type::String | Type::Unknown => Ok(Value::String(text.to_owned())),
        Type::Path => Ok(Value::Path(text.to_owned())),
        Type::Int => text.parse().map(Value::Int).map_err(|_| wanted("a whole number", "3")),
        Type::Float => float(text).map(Value::Float).ok_or_else(|| wanted("a number", "0.5")),
        Type::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("`true` or `false` is wanted".to_owned()),
        },
        Type::Duration => duration(text).map(Value::Duration).ok_or_else(|| wanted("a duration", "1m30s")),
        Type::Percent => text
            .strip_suffix('%')
            .and_then(float)
            .map(Value::Percent)
            .ok_or_else(|| wanted("a percentage", "85%")),
        Type::Size => size(text).map(Value::Size).ok_or_else(|| wanted("a size", "512MB")),
        Type::Enum(words) if words.iter().any(|word| word == text) => Ok(Value::String(text.to_owned())),
        Type::Enum(words) => Err(format!("one of {} is wanted", quoted_list(words))),
        Type::Optional(inner) => value(text, inner),
        Type::List(_) if text.is_empty() => Ok(Value::List(Vec::new())),
        Type::List(inner) => {
            text.split(',').map(|item| value(item.trim(), inner)).collect::<Result<_, _>>().map(Value::List)
        }
    }
}

fn wanted(what: &str, example: &str) -> String {
    format!("{what} such as `{example}` is wanted")
}

fn quoted_list(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

fn float(text: &str) -> Option<f64> {
    let plain = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-'));
    text.parse().ok().filter(|number: &f64| plain && number.is_finite())
}

/// `1h30m` in milliseconds: units from large to small, each at most once.
pub fn duration(text: &str) -> Option<i64> {
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
    let mut rest = text;
    let mut total: i64 = 0;
    let mut allowed = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: i64 = rest[..digits].parse().ok()?;
        let letters = rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = &rest[digits..digits + letters];
        let at = units.iter().skip(allowed).position(|(name, _)| *name == unit)? + allowed;
        total = total.checked_add(count.checked_mul(units[at].1)?)?;
        allowed = at + 1;
        rest = &rest[digits + letters..];
    }
    (allowed > 0).then_some(total)
}

/// `512MB`, `2GiB` in bytes.
pub fn size(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let factor: i64 = match &text[digits..] {
        "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    text[..digits].parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_are_read_as_they_are_written() {
        assert_eq!(duration("1h30m"), Some(5_400_000));
        assert_eq!(duration("250ms"), Some(250));
        assert_eq!(size("2GiB"), Some(2 << 30));
        for bad in ["", "10", "m", "1m1h", "1s1s", "99999999999999d"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
        assert_eq!(size("9999999999999GB"), None);
    }

    #[test]
    fn values_follow_their_type_and_nothing_is_guessed() {
        let words = Type::Enum(vec!["eu".into(), "us".into()]);
        assert_eq!(value("eu", &words), Ok(Value::String("eu".into())));
        assert_eq!(value("asia", &words), Err("one of `eu`, `us` is wanted".into()));
        assert_eq!(value("1, 2", &Type::Int.list()), Ok(Value::List(vec![Value::Int(1), Value::Int(2)])));
        assert!(value("70", &Type::Percent).is_err() && value("yes", &Type::Bool).is_err());
        assert!(value("inf", &Type::Float).is_err());
        assert_eq!(value("70%", &Type::Percent.optional()), Ok(Value::Percent(70.0)));
    }
}
