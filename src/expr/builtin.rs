//! The pure built-in functions: their table, and what they do to values. Reads nothing from outside.

use crate::base::{Type, Value};

use super::Compare;
use super::operator::ordered;

/// What a parameter takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    Is(Type),
    /// String, path or enum.
    Text,
    Scalar,
    /// A list or a string.
    Countable,
    /// A list of scalars.
    Scalars,
    /// Something with an order; all of one call are of one type, which is the result's.
    Ordered,
}

/// One built-in function. `result` is `None` where it is the arguments' own type.
#[derive(Debug)]
pub struct Builtin {
    pub name: &'static str,
    pub parameters: &'static [Parameter],
    /// The last parameter repeats.
    pub variadic: bool,
    pub result: Option<Result>,
    pub doc: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Result {
    String,
    Strings,
    Int,
    Percent,
    Path,
}

impl Result {
    pub fn ty(self) -> Type {
        match self {
            Result::String => Type::String,
            Result::Strings => Type::String.list(),
            Result::Int => Type::Int,
            Result::Percent => Type::Percent,
            Result::Path => Type::Path,
        }
    }
}

use Parameter::{Countable, Is, Ordered, Scalar, Scalars, Text};

const fn row(
    name: &'static str,
    parameters: &'static [Parameter],
    result: Option<Result>,
    doc: &'static str,
) -> Builtin {
    Builtin { name, parameters, variadic: false, result, doc }
}

/// Every built-in function of edition 1.
pub static TABLE: &[Builtin] = &[
    row("ratio", &[Is(Type::Float)], Some(Result::Percent), "A number from 0 to 1 as a percentage."),
    row("len", &[Countable], Some(Result::Int), "How many items a list has, or characters a string."),
    row("lower", &[Text], Some(Result::String), "In small letters."),
    row("upper", &[Text], Some(Result::String), "In capital letters."),
    row("trim", &[Text], Some(Result::String), "Without space at both ends."),
    row(
        "replace",
        &[Text, Is(Type::String), Is(Type::String)],
        Some(Result::String),
        "Every occurrence of the second in the first replaced by the third.",
    ),
    row("split", &[Text, Is(Type::String)], Some(Result::Strings), "The pieces between separators."),
    row("join", &[Scalars, Is(Type::String)], Some(Result::String), "The items with a separator between."),
    row("path", &[Text], Some(Result::Path), "A string as a path relative to the project root."),
    row("string", &[Scalar], Some(Result::String), "Any single value as text."),
    row("basename", &[Text], Some(Result::String), "The last part of a path."),
    row("dirname", &[Text], Some(Result::Path), "A path without its last part; `.` when nothing is left."),
    Builtin {
        name: "min",
        parameters: &[Ordered, Ordered],
        variadic: true,
        result: None,
        doc: "The smallest of its arguments.",
    },
    Builtin {
        name: "max",
        parameters: &[Ordered, Ordered],
        variadic: true,
        result: None,
        doc: "The largest of its arguments.",
    },
    row("words", &[Text], Some(Result::Int), "How many words a text has."),
];

pub fn find(name: &str) -> Option<&'static Builtin> {
    TABLE.iter().find(|row| row.name == name)
}

/// Applies a built-in; the error says why there is no result.
pub fn apply(name: &str, arguments: &[Value]) -> std::result::Result<Value, String> {
    match (name, arguments) {
        ("ratio", [Value::Float(x)]) if (0.0..=1.0).contains(x) => Ok(Value::Percent(x * 100.0)),
        ("ratio", [Value::Float(x)]) => Err(format!("`ratio` takes a number from 0 to 1, not {x}")),
        ("len", [Value::List(items)]) => Ok(Value::Int(items.len() as i64)),
        ("len", [Value::String(text) | Value::Path(text)]) => Ok(Value::Int(text.chars().count() as i64)),
        ("join", [Value::List(items), Value::String(between)]) => {
            let texts: Vec<String> = items.iter().map(Value::to_string).collect();
            Ok(Value::String(texts.join(between)))
        }
        ("min", [first, rest @ ..]) => Ok(extreme(Compare::Lt, first, rest)),
        ("max", [first, rest @ ..]) => Ok(extreme(Compare::Gt, first, rest)),
        ("string", [Value::List(_) | Value::Absent]) => Err("`string` takes a single value".to_owned()),
        ("string", [value]) => Ok(Value::String(value.to_string())),
        (_, [Value::String(text) | Value::Path(text), rest @ ..]) => of_text(name, text, rest),
        _ => Err(format!("`{name}` does not take these values")),
    }
}

fn extreme(op: Compare, first: &Value, rest: &[Value]) -> Value {
    let better = |best, next| if ordered(op, next, best) == Some(true) { next } else { best };
    rest.iter().fold(first, better).clone()
}

fn of_text(name: &str, text: &str, rest: &[Value]) -> std::result::Result<Value, String> {
    let string = |text: String| Ok(Value::String(text));
    match (name, rest) {
        ("lower", []) => string(text.to_lowercase()),
        ("upper", []) => string(text.to_uppercase()),
        ("trim", []) => string(text.trim().to_owned()),
        ("replace", [Value::String(from), Value::String(to)]) if !from.is_empty() => {
            string(text.replace(from.as_str(), to))
        }
        ("split", [Value::String(between)]) if !between.is_empty() => Ok(Value::List(
            text.split(between.as_str()).map(|piece| Value::String(piece.to_owned())).collect(),
        )),
        ("replace" | "split", _) => Err(format!("`{name}` cannot look for an empty string")),
        ("words", []) => {
            let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
            Ok(Value::Int(words.count() as i64))
        }
        ("path", []) => Ok(Value::Path(text.to_owned())),
        ("basename", []) => string(parts(text).1.to_owned()),
        ("dirname", []) => Ok(Value::Path(parts(text).0.to_owned())),
        _ => Err(format!("`{name}` does not take these values")),
    }
}

/// Folder and last part of a path.
fn parts(path: &str) -> (&str, &str) {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some(("", last)) => ("/", last),
        Some(split) => split,
        None => (".", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::String(text.into())
    }

    #[test]
    fn texts_are_taken_apart_and_put_together() {
        let list = Value::List(vec![text("a"), text("b")]);
        assert_eq!(apply("split", &[text("a/b"), text("/")]), Ok(list.clone()));
        assert_eq!(apply("join", &[list, text("-")]), Ok(text("a-b")));
        assert_eq!(apply("basename", &[Value::Path("x/y.txt".into())]), Ok(text("y.txt")));
        assert_eq!(apply("dirname", &[text("y.txt")]), Ok(Value::Path(".".into())));
        assert!(apply("split", &[text("a"), text("")]).is_err());
    }

    #[test]
    fn numbers_are_ranked_and_scaled() {
        assert_eq!(apply("ratio", &[Value::Float(0.5)]), Ok(Value::Percent(50.0)));
        assert!(apply("ratio", &[Value::Float(50.0)]).is_err());
        assert_eq!(apply("max", &[Value::Int(1), Value::Int(3), Value::Int(2)]), Ok(Value::Int(3)));
        assert_eq!(apply("len", &[text("é")]), Ok(Value::Int(1)));
    }

    #[test]
    fn every_row_is_carried_out() {
        for row in TABLE {
            let arguments: Vec<Value> = row
                .parameters
                .iter()
                .map(|parameter| match parameter {
                    Is(Type::Float) => Value::Float(0.5),
                    Ordered => Value::Int(1),
                    Scalars => Value::List(vec![]),
                    _ => text("a"),
                })
                .collect();
            let found = apply(row.name, &arguments);
            assert!(found.is_ok(), "{} {found:?}", row.name);
        }
    }
}
