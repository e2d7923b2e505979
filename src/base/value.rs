//! Values and types of the language. Does not evaluate anything.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::clock::format_duration;

/// A value of the language. There is no null: an absent optional is [`Value::Absent`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    String(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Milliseconds.
    Duration(i64),
    /// 0–100 for measures; literals may exceed it.
    Percent(f64),
    /// Bytes.
    Size(i64),
    /// A path relative to the project root unless absolute.
    Path(String),
    List(Vec<Value>),
    Absent,
}

/// A type of the language. `Unknown` stands after an error that was already reported and agrees with everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    String,
    Int,
    Float,
    Bool,
    Duration,
    Percent,
    Size,
    Path,
    Enum(Vec<String>),
    List(Box<Type>),
    Optional(Box<Type>),
    Unknown,
}

impl Type {
    pub fn optional(self) -> Type {
        match self {
            Type::Optional(_) | Type::Unknown => self,
            other => Type::Optional(Box::new(other)),
        }
    }

    pub fn list(self) -> Type {
        Type::List(Box::new(self))
    }

    /// The type without its `?`.
    pub fn required(&self) -> &Type {
        match self {
            Type::Optional(inner) => inner,
            other => other,
        }
    }

    pub fn is_optional(&self) -> bool {
        matches!(self, Type::Optional(_))
    }

    /// Scalars may stand in `env`, argv and f-strings.
    pub fn is_scalar(&self) -> bool {
        !matches!(self, Type::List(_) | Type::Optional(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::String => f.write_str("string"),
            Type::Int => f.write_str("int"),
            Type::Float => f.write_str("float"),
            Type::Bool => f.write_str("bool"),
            Type::Duration => f.write_str("duration"),
            Type::Percent => f.write_str("percent"),
            Type::Size => f.write_str("size"),
            Type::Path => f.write_str("path"),
            Type::Enum(words) => {
                let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                write!(f, "enum({})", quoted.join(", "))
            }
            Type::List(inner) => write!(f, "list<{inner}>"),
            Type::Optional(inner) => write!(f, "{inner}?"),
            Type::Unknown => f.write_str("unknown"),
        }
    }
}

impl Value {
    /// The value's own type; an empty list and an absent value are `Unknown` inside.
    pub fn ty(&self) -> Type {
        match self {
            Value::String(_) => Type::String,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::Bool(_) => Type::Bool,
            Value::Duration(_) => Type::Duration,
            Value::Percent(_) => Type::Percent,
            Value::Size(_) => Type::Size,
            Value::Path(_) => Type::Path,
            Value::List(items) => items.first().map_or(Type::Unknown, Value::ty).list(),
            Value::Absent => Type::Optional(Box::new(Type::Unknown)),
        }
    }

    /// Plain JSON for people's tools: durations in milliseconds, sizes in bytes, percent as its number.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::String(text) | Value::Path(text) => serde_json::Value::from(text.as_str()),
            Value::Int(n) | Value::Duration(n) | Value::Size(n) => serde_json::Value::from(*n),
            Value::Float(n) | Value::Percent(n) => serde_json::Value::from(*n),
            Value::Bool(yes) => serde_json::Value::from(*yes),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Absent => serde_json::Value::Null,
        }
    }

    /// What [`Value::to_json`] wrote of a value of type `ty`; none where it is of another type.
    pub fn from_json(json: &serde_json::Value, ty: &Type) -> Option<Value> {
        Some(match ty {
            Type::Int => Value::Int(json.as_i64()?),
            Type::Duration => Value::Duration(json.as_i64()?),
            Type::Size => Value::Size(json.as_i64()?),
            Type::Float => Value::Float(json.as_f64()?),
            Type::Percent => Value::Percent(json.as_f64()?),
            Type::Bool => Value::Bool(json.as_bool()?),
            Type::Path => Value::Path(json.as_str()?.to_owned()),
            Type::String | Type::Enum(_) => Value::String(json.as_str()?.to_owned()),
            Type::Optional(_) if json.is_null() => Value::Absent,
            Type::Optional(inner) => Value::from_json(json, inner)?,
            Type::List(inner) => {
                let items = json.as_array()?.iter().map(|item| Value::from_json(item, inner));
                Value::List(items.collect::<Option<_>>()?)
            }
            Type::Unknown => return None,
        })
    }
}

/// As it stands in an f-string, in `env` and in argv.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(text) | Value::Path(text) => f.write_str(text),
            Value::Int(n) => write!(f, "{n}"),
            Value::Float(n) => write!(f, "{n}"),
            Value::Bool(yes) => write!(f, "{yes}"),
            Value::Duration(ms) => f.write_str(&format_duration(*ms)),
            Value::Percent(n) => write!(f, "{n}%"),
            Value::Size(bytes) => f.write_str(&format_size(*bytes)),
            Value::List(items) => {
                let texts: Vec<String> = items.iter().map(Value::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Value::Absent => f.write_str("(absent)"),
        }
    }
}

/// `512MB`, `2GiB`, `17B`: the largest unit that writes the number exactly.
pub fn format_size(bytes: i64) -> String {
    let units = [
        ("GiB", 1 << 30),
        ("GB", 1_000_000_000),
        ("MiB", 1 << 20),
        ("MB", 1_000_000),
        ("KiB", 1 << 10),
        ("KB", 1_000),
    ];
    match units.iter().find(|(_, size)| bytes != 0 && bytes % size == 0) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_print_as_the_language_writes_them() {
        assert_eq!(Value::Size(200_000_000).to_string(), "200MB");
        assert_eq!(Value::Size(2 << 30).to_string(), "2GiB");
        assert_eq!(Value::Percent(70.0).to_string(), "70%");
        assert_eq!(Value::Duration(90_000).to_string(), "1m30s");
        assert_eq!(Type::Int.list().optional().to_string(), "list<int>?");
    }
}
