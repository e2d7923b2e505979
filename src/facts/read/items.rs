//! How many values a JSON report holds at a pointer, and their sum. A part `*` of the pointer means every item of a
//! list, or every value of an object. Read through once; nothing of the document is kept. Knows no report format.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::json::{self, Leaf};
use super::typed;
use crate::base::{Type, Value};

/// What is asked of a report.
pub(super) struct Asked<'a> {
    pub path: &'a str,
    pub pointer: &'a str,
    /// Only values that are one of these words count; all of them when there is none.
    pub words: &'a [&'a str],
}

/// What was found of it.
#[derive(Default)]
pub(super) struct Found {
    count: i64,
    sum: f64,
    /// The list or object of the first `*`, or the value itself, is there.
    reached: bool,
}

impl Found {
    pub(super) fn count(&self) -> Value {
        Value::Int(self.count)
    }

    /// As the type that the measure declares.
    pub(super) fn sum(&self, asked: &Asked<'_>, ty: &Type) -> Result<Value, String> {
        let whole = self.sum.fract() == 0.0 && self.sum.abs() < 9e15;
        let sum = if whole { Json::from(self.sum as i64) } else { Json::from(self.sum) };
        typed::from_json(&sum, ty).map_err(|e| format!("{}: the sum of {}: {e}", asked.path, asked.pointer))
    }
}

/// One JSON document: every item must have what the pointer names.
pub(super) fn items(asked: &Asked<'_>, bytes: &[u8], summed: bool) -> Result<Found, String> {
    let parts = json::parts(asked.pointer)?;
    let mut found = Found::default();
    let step =
        Step { parts: &parts, words: asked.words, summed, strict: true, starred: false, found: &mut found };
    json::through(asked.path, bytes, step)?;
    match found.reached {
        true => Ok(found),
        false => Err(format!("{} has nothing at {}", asked.path, asked.pointer)),
    }
}

/// One JSON document a line: lines without what the pointer names do not count, but some line must have it.
pub(super) fn lines(asked: &Asked<'_>, bytes: &[u8], summed: bool) -> Result<Found, String> {
    let parts = json::parts(asked.pointer)?;
    let mut found = Found::default();
    let mut read = 0u64;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if line.trim_ascii().is_empty() {
            continue;
        }
        read += 1;
        let place = format!("line {number} of {}", asked.path);
        let step = Step {
            parts: &parts,
            words: asked.words,
            summed,
            strict: false,
            starred: false,
            found: &mut found,
        };
        json::through(&place, line, step)?;
    }
    match (read, found.reached) {
        (0, _) => Err(format!("{} is empty: the tool wrote no line", asked.path)),
        (_, false) => Err(format!("no line of {} has anything at {}", asked.path, asked.pointer)),
        (_, true) => Ok(found),
    }
}

/// The rest of a pointer against one value of the document.
struct Step<'a> {
    parts: &'a [String],
    words: &'a [&'a str],
    summed: bool,
    /// Whether an item may not lack what is asked for.
    strict: bool,
    /// A `*` was passed.
    starred: bool,
    found: &'a mut Found,
}

impl Step<'_> {
    fn next(&mut self, starred: bool) -> Step<'_> {
        Step {
            parts: &self.parts[1..],
            words: self.words,
            summed: self.summed,
            strict: self.strict,
            starred: self.starred || starred,
            found: self.found,
        }
    }

    fn take<E: Error>(&mut self, value: &Json) -> Result<(), E> {
        self.found.reached = true;
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        if !self.words.is_empty() && !self.words.contains(&text.as_str()) {
            return Ok(());
        }
        self.found.count += 1;
        if self.summed {
            let number =
                value.as_f64().ok_or_else(|| E::custom(format!("`{}` is not a number", short(&text))))?;
            self.found.sum += number;
        }
        Ok(())
    }

    /// A value that cannot hold what the pointer still names.
    fn lacks<E: Error>(&self) -> Result<(), E> {
        match (self.strict && self.starred, self.parts.first()) {
            (true, Some(part)) => Err(E::custom(format!("an item has no `{part}`"))),
            _ => Ok(()),
        }
    }

    /// Whether a `*` here tells that the report has what is asked for: of lines, only where nothing follows it.
    fn is_there(&self) -> bool {
        self.strict || self.parts.len() == 1
    }

    fn star(&self) -> bool {
        self.parts.first().is_some_and(|part| part == "*")
    }
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(mut self, from: D) -> Result<(), D::Error> {
        if self.parts.is_empty() {
            let value = from.deserialize_any(Leaf)?;
            return self.take(&value);
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let star = self.star();
        self.found.reached |= star && self.is_there();
        let mut seen = false;
        while let Some(key) = map.next_key::<String>()? {
            if star {
                map.next_value_seed(self.next(true))?;
            } else if key != self.parts[0] {
                map.next_value::<IgnoredAny>()?;
            } else if std::mem::replace(&mut seen, true) {
                return Err(A::Error::custom(format!("`{key}` stands twice in one object")));
            } else {
                map.next_value_seed(self.next(false))?;
            }
        }
        if star || seen { Ok(()) } else { self.lacks() }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let star = self.star();
        self.found.reached |= star && self.is_there();
        let wanted = self.parts[0].parse::<usize>().ok();
        let (mut index, mut seen) = (0, star);
        loop {
            let more = match star || wanted == Some(index) {
                true => seq.next_element_seed(self.next(star))?.is_some(),
                false => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                return if seen { Ok(()) } else { self.lacks() };
            }
            seen |= wanted == Some(index);
            index += 1;
        }
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.lacks()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.lacks()
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.lacks()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.lacks()
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        self.lacks()
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.lacks()
    }
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked<'a>(pointer: &'a str, words: &'a [&'a str]) -> Asked<'a> {
        Asked { path: "r.json", pointer, words }
    }

    fn count(text: &str, pointer: &str, words: &[&str]) -> Result<i64, String> {
        items(&asked(pointer, words), text.as_bytes(), false).map(|found| found.count)
    }

    fn sum(text: &str, pointer: &str, ty: &Type) -> Result<Value, String> {
        let asked = asked(pointer, &[]);
        items(&asked, text.as_bytes(), true)?.sum(&asked, ty)
    }

    #[test]
    fn values_are_counted_by_their_word() {
        let bandit = r#"{"errors":[],"results":[{"issue_severity":"HIGH","line":1},{"issue_severity":"LOW","line":2}]}"#;
        assert_eq!(count(bandit, "/results/*/issue_severity", &["HIGH"]), Ok(1));
        assert_eq!(count(bandit, "/results/*/issue_severity", &["HIGH", "LOW"]), Ok(2));
        assert_eq!(count(bandit, "/results/*", &[]), Ok(2));
        assert_eq!(count(bandit, "/results/*/line", &["2"]), Ok(1));
        assert_eq!(count(bandit, "/errors/*", &[]), Ok(0));
        assert_eq!(count(r#"{"a":{"x":{"n":1},"y":{"n":2}}}"#, "/a/*/n", &[]), Ok(2));
        assert_eq!(count(r#"{"a":[[1,2],[3]]}"#, "/a/*/*", &[]), Ok(3));
    }

    #[test]
    fn numbers_are_added_up() {
        let eslint = r#"[{"errorCount":2,"messages":[]},{"errorCount":0,"messages":[]}]"#;
        assert_eq!(sum(eslint, "/*/errorCount", &Type::Int), Ok(Value::Int(2)));
        assert_eq!(sum("[0.5,1]", "/*", &Type::Float), Ok(Value::Float(1.5)));
        assert!(sum("[0.5]", "/*", &Type::Int).unwrap_err().contains("not an int"));
        assert!(
            sum(r#"[{"errorCount":"two"}]"#, "/*/errorCount", &Type::Int)
                .unwrap_err()
                .contains("not a number")
        );
    }

    #[test]
    fn what_is_not_there_is_never_none_found() {
        for (text, pointer) in [
            ("{}", "/results/*"),
            (r#"{"results":null}"#, "/results/*"),
            (r#"{"results":"none"}"#, "/results/*/x"),
            ("[]", "/results/*"),
            (r#"{"results":[]"#, "/results/*"),
            ("", "/*"),
            (r#"[{"severity":"HIGH"}]"#, "/*/issue_severity"),
            (r#"[1]"#, "/*/issue_severity"),
            (r#"[[]]"#, "/*/0"),
            ("[]", "results"),
        ] {
            assert!(count(text, pointer, &["HIGH"]).is_err(), "{text} {pointer}");
        }
    }

    #[test]
    fn each_line_is_a_document_of_its_own() {
        let deny = "{\"type\":\"diagnostic\",\"fields\":{\"severity\":\"error\"}}\n{\"type\":\"summary\",\"fields\":{\"bans\":{\"errors\":1},\"licenses\":{\"errors\":2}}}\n";
        let of = |pointer, words: &[&str]| lines(&asked(pointer, words), deny.as_bytes(), true);
        let asking = asked("/fields/*/errors", &[]);
        assert_eq!(
            of("/fields/*/errors", &[]).and_then(|found| found.sum(&asking, &Type::Int)),
            Ok(Value::Int(3))
        );
        let severities = lines(&asked("/fields/severity", &["error"]), deny.as_bytes(), false);
        assert_eq!(severities.map(|found| found.count), Ok(1));
        assert!(of("/fields/none", &[]).is_err());
        let log = "{\"type\":\"log\",\"fields\":{\"message\":\"no network\"}}\n";
        assert!(lines(&asked("/fields/*/errors", &[]), log.as_bytes(), true).is_err());
        for bad in ["", "\n\n", "{\"a\":1}\n{\"a\":", "no JSON"] {
            assert!(lines(&asked("/a", &[]), bad.as_bytes(), false).is_err(), "{bad}");
        }
    }
}
