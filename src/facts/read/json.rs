//! The value at a JSON pointer. The document is read through once and only that value is kept, so that a large or
//! hostile one costs no memory. Knows no report format.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::typed;
use crate::base::{Type, Value};

/// Items of a list that becomes a value.
const MOST_ITEMS: usize = 100_000;
/// Keys that are told where a pointer ends.
const TOLD: usize = 8;

pub(super) fn read(path: &str, bytes: &[u8], pointer: &str, ty: &Type) -> Result<Value, String> {
    let parts = parts(pointer)?;
    let mut search = Search::default();
    through(path, bytes, Step { parts: &parts, at: 0, search: &mut search })?;
    match search.found {
        Some(found) => typed::from_json(&found, ty).map_err(|e| format!("{path} at {pointer}: {e}")),
        None if ty.is_optional() => Ok(Value::Absent),
        None => Err(format!("{path} has nothing at {pointer}{}", search.nearest(&parts))),
    }
}

/// The keys and indexes on the way.
pub(super) fn parts(pointer: &str) -> Result<Vec<String>, String> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(format!("the JSON pointer {pointer:?} must start with `/`"));
    }
    Ok(pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect())
}

/// Reads the whole document by `seed`; what is not JSON to its end is an error with its place.
pub(super) fn through<'de, S>(path: &str, bytes: &'de [u8], seed: S) -> Result<S::Value, String>
where
    S: DeserializeSeed<'de>,
{
    // A byte-order mark before it does no harm.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if std::str::from_utf8(bytes).is_err() {
        return Err(format!("{path} is not UTF-8 text, so not JSON"));
    }
    let mut document = serde_json::Deserializer::from_slice(bytes);
    let read = seed.deserialize(&mut document);
    read.and_then(|value| document.end().map(|()| value)).map_err(|e| {
        let place = format!("{path}:{}:{}", e.line(), e.column());
        match e.classify() {
            serde_json::error::Category::Eof => format!("{place}: the JSON ends too early"),
            serde_json::error::Category::Data => {
                let text = e.to_string();
                format!("{place}: {}", text.split(" at line ").next().unwrap_or(&text))
            }
            _ => format!("{place}: not JSON"),
        }
    })
}

/// What was found, and how far the pointer reached.
#[derive(Default)]
struct Search {
    found: Option<Json>,
    reached: usize,
    keys: Vec<String>,
}

impl Search {
    fn nearest(&self, parts: &[String]) -> String {
        if self.keys.is_empty() {
            return String::new();
        }
        let reached: String = parts[..self.reached].iter().map(|part| format!("/{part}")).collect();
        let place = if reached.is_empty() { "it" } else { &reached };
        format!("; {place} holds {}", self.keys.join(", "))
    }
}

/// One part of the pointer against one value of the document.
struct Step<'a> {
    parts: &'a [String],
    at: usize,
    search: &'a mut Search,
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        if self.at == self.parts.len() {
            self.search.found = Some(from.deserialize_any(Leaf)?);
            return Ok(());
        }
        if self.at > self.search.reached {
            self.search.reached = self.at;
            self.search.keys.clear();
        }
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Step { parts, at, search } = self;
        let mut seen = false;
        while let Some(key) = map.next_key::<String>()? {
            if key != parts[at] {
                if at == search.reached && search.keys.len() < TOLD {
                    search.keys.push(key);
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if std::mem::replace(&mut seen, true) {
                return Err(serde::de::Error::custom(format!("`{key}` stands twice in one object")));
            }
            map.next_value_seed(Step { parts, at: at + 1, search })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Step { parts, at, search } = self;
        let part = &parts[at];
        let plain = part == "0" || !part.starts_with(['0', '+']);
        let wanted = part.parse::<usize>().ok().filter(|_| plain);
        let mut index = 0;
        loop {
            let more = match wanted == Some(index) {
                true => seq.next_element_seed(Step { parts, at: at + 1, search })?.is_some(),
                false => seq.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                return Ok(());
            }
            index += 1;
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The value at the pointer: single values and lists of them. Of an object only that it is one.
pub(super) struct Leaf;

impl<'de> DeserializeSeed<'de> for Leaf {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Json, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Leaf {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Json::Object(serde_json::Map::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let (mut items, mut size) = (Vec::new(), 0);
        while let Some(item) = seq.next_element_seed(Leaf)? {
            size += item.as_str().map_or(0, str::len);
            if items.len() >= MOST_ITEMS || size > typed::LONGEST {
                return Err(serde::de::Error::custom("the list is longer than a value may be"));
            }
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Json, E> {
        Ok(yes.into())
    }

    fn visit_i64<E>(self, n: i64) -> Result<Json, E> {
        Ok(n.into())
    }

    fn visit_u64<E>(self, n: u64) -> Result<Json, E> {
        Ok(n.into())
    }

    fn visit_f64<E>(self, n: f64) -> Result<Json, E> {
        Ok(n.into())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Json, E> {
        if text.len() > typed::LONGEST {
            return Err(E::custom("the text is longer than a value may be (1 MiB)"));
        }
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_find_values_and_say_where_they_end() {
        let bytes = br#"{"data":[{"totals":{"lines":{"percent":81.25}}}],"a/b":{"~":[1,2]}}"#;
        let read = |pointer: &str, ty: &Type| read("c.json", bytes, pointer, ty);
        assert_eq!(read("/data/0/totals/lines/percent", &Type::Percent), Ok(Value::Percent(81.25)));
        assert_eq!(read("/data/0/none", &Type::Int.optional()), Ok(Value::Absent));
        assert_eq!(read("/a~1b/~0/1", &Type::Int), Ok(Value::Int(2)));
        assert_eq!(read("/a~1b/~0", &Type::Int.list()), Ok(Value::List(vec![Value::Int(1), Value::Int(2)])));
        assert_eq!(
            read("/data/0/total", &Type::Int).unwrap_err(),
            "c.json has nothing at /data/0/total; /data/0 holds totals"
        );
        for pointer in ["/data/1", "/data/00", "/data/-", "/data/0/totals/lines/percent/x", "/a~1b/~0/+1"] {
            assert!(read(pointer, &Type::Int).unwrap_err().contains("has nothing at"), "{pointer}");
        }
        assert!(read("/data", &Type::Int).unwrap_err().contains("a list is not an int"));
        assert!(read("", &Type::Int).unwrap_err().contains("an object is not an int"));
        assert!(read("data", &Type::Int).unwrap_err().contains("must start with"));
    }

    #[test]
    fn torn_json_is_said_to_be_torn() {
        let read = |bytes: &[u8]| read("c.json", bytes, "/a", &Type::Int).unwrap_err();
        assert_eq!(read(b"{\"a\":"), "c.json:1:5: the JSON ends too early");
        assert_eq!(read(b"{\"a\":1} x"), "c.json:1:9: not JSON");
        // What comes after the value counts too: half a report is none.
        assert_eq!(read(b"{\"a\":1,\"b\":["), "c.json:1:12: the JSON ends too early");
        assert!(read(b"").contains("too early") && read(b"\xff{}").contains("not UTF-8"));
        assert!(read(b"{\"a\":1,\"a\":2}").contains("`a` stands twice"));
    }

    #[test]
    fn hostile_json_costs_neither_stack_nor_memory() {
        let deep = "[".repeat(1_000_000);
        assert!(read("c", deep.as_bytes(), "/a", &Type::Int).is_err());
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(read("c", deep.as_bytes(), "/a", &Type::Int).is_err());
        let pointer = "/0".repeat(1000);
        let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
        assert!(read("c", deep.as_bytes(), &pointer, &Type::Int).is_err());
        let long = format!("{{\"a\":[{}1]}}", "1,".repeat(200_000));
        assert!(read("c", long.as_bytes(), "/a", &Type::Int.list()).unwrap_err().contains("longer"));
    }
}
