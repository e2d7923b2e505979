//! From text or JSON to a value of the declared type; what does not fit is an error. Knows no file.

use serde_json::Value as Json;

use crate::base::{Type, Value};
use crate::expr::parse;

/// The longest text that becomes a value: values are stored with the run.
pub(super) const LONGEST: usize = 1 << 20;

/// Text to the type: a bare number is a percent, nothing else is converted.
pub(super) fn from_text(text: &str, ty: &Type) -> Result<Value, String> {
    let no = |what: &str| format!("`{}` is not {what}", shortened(text));
    match ty {
        Type::String | Type::Unknown => Ok(Value::String(text.into())),
        Type::Path => Ok(Value::Path(text.into())),
        Type::Int => text.parse().map(Value::Int).map_err(|_| no("an int")),
        Type::Float => number(text).map(Value::Float).ok_or_else(|| no("a number")),
        Type::Bool => text.parse().map(Value::Bool).map_err(|_| no("true or false")),
        Type::Percent => {
            let bare = text.strip_suffix('%').unwrap_or(text).trim_end();
            percent(number(bare).ok_or_else(|| no("a percent"))?)
        }
        Type::Duration => {
            parse::duration(text).map(Value::Duration).ok_or_else(|| no("a duration such as 90s or 1h30m"))
        }
        Type::Size => parse::size(text).map(Value::Size).ok_or_else(|| no("a size such as 512MB or 2GiB")),
        Type::Enum(words) if words.iter().any(|word| word == text) => Ok(Value::String(text.into())),
        Type::Enum(words) => Err(no(&format!("one of {}", words.join(", ")))),
        Type::Optional(_) if text.is_empty() => Ok(Value::Absent),
        Type::Optional(inner) => from_text(text, inner),
        Type::List(inner) => {
            text.lines().map(|line| from_text(line.trim(), inner)).collect::<Result<_, _>>().map(Value::List)
        }
    }
}

/// JSON to the type: its own kind of value, and text with a unit where JSON has no such kind.
pub(super) fn from_json(json: &Json, ty: &Type) -> Result<Value, String> {
    let no = || Err(format!("{} is not {}", shown(json), article(ty)));
    match (ty, json) {
        (Type::Optional(_), Json::Null) => Ok(Value::Absent),
        (Type::Optional(inner), json) => from_json(json, inner),
        (Type::Int, Json::Number(n)) => n.as_i64().map(Value::Int).map_or_else(no, Ok),
        (Type::Float, Json::Number(n)) => n.as_f64().map(Value::Float).map_or_else(no, Ok),
        (Type::Percent, Json::Number(n)) => n.as_f64().map_or_else(no, percent),
        (Type::Bool, Json::Bool(yes)) => Ok(Value::Bool(*yes)),
        (Type::List(inner), Json::Array(items)) => {
            items.iter().map(|item| from_json(item, inner)).collect::<Result<_, _>>().map(Value::List)
        }
        (Type::String | Type::Path | Type::Enum(_) | Type::Unknown, Json::String(text)) => {
            from_text(text, ty)
        }
        (Type::Percent | Type::Duration | Type::Size, Json::String(text)) => from_text(text, ty),
        (Type::Duration | Type::Size, Json::Number(_)) => {
            Err(format!("{} has no unit, so it is not {}; declare it int", shown(json), article(ty)))
        }
        (Type::Unknown, other) => Ok(Value::String(other.to_string())),
        _ => no(),
    }
}

/// Measures lie in 0–100 %.
pub(super) fn percent(number: f64) -> Result<Value, String> {
    if (0.0..=100.0).contains(&number) {
        return Ok(Value::Percent(number));
    }
    Err(format!("{number} is not in 0–100 %"))
}

fn article(ty: &Type) -> String {
    match ty {
        Type::Int | Type::Enum(_) => format!("an {ty}"),
        other => format!("a {other}"),
    }
}

fn shown(json: &Json) -> String {
    match json {
        Json::Object(_) => "an object".into(),
        Json::Array(_) => "a list".into(),
        other => shortened(&other.to_string()),
    }
}

fn shortened(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

/// Digits, a point and an exponent; not `inf` or `nan`.
fn number(text: &str) -> Option<f64> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|number: &f64| numeric && number.is_finite())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn text_follows_its_type() {
        assert_eq!(from_text("85.5 %", &Type::Percent), Ok(Value::Percent(85.5)));
        assert_eq!(from_text("1h30m", &Type::Duration), Ok(Value::Duration(5_400_000)));
        assert_eq!(from_text("2GiB", &Type::Size), Ok(Value::Size(2 << 30)));
        assert_eq!(from_text("", &Type::Int.optional()), Ok(Value::Absent));
        for (text, ty) in
            [("1.0", Type::Int), ("nan", Type::Float), ("inf", Type::Percent), ("10", Type::Duration)]
        {
            assert!(from_text(text, &ty).is_err(), "{text}");
        }
        assert!(from_text("99999999999999999d", &Type::Duration).is_err());
    }

    #[test]
    fn json_keeps_its_kinds() {
        assert_eq!(from_json(&json!(70), &Type::Percent), Ok(Value::Percent(70.0)));
        assert_eq!(
            from_json(&json!([1, 2]), &Type::Int.list()),
            Ok(Value::List(vec![Value::Int(1), Value::Int(2)]))
        );
        assert_eq!(from_json(&json!(null), &Type::Int.optional()), Ok(Value::Absent));
        assert_eq!(from_json(&json!("3"), &Type::Int), Err("\"3\" is not an int".into()));
        assert!(from_json(&json!(3.5), &Type::Int).is_err() && from_json(&json!(1), &Type::Bool).is_err());
        assert!(
            from_json(&json!(100.1), &Type::Percent).is_err()
                && from_json(&json!(-1), &Type::Percent).is_err()
        );
        assert!(from_json(&json!(5), &Type::Duration).unwrap_err().contains("no unit"));
    }
}
