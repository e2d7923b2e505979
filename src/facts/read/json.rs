//! The value at a JSON pointer. Knows no report format.

use serde_json::Value as Json;

use super::typed;
use crate::base::{Type, Value};

pub(super) fn read(path: &str, bytes: &[u8], pointer: &str, ty: &Type) -> Result<Value, String> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(format!("the JSON pointer {pointer:?} must start with `/`"));
    }
    let json = parse(path, bytes)?;
    match json.pointer(pointer) {
        Some(found) => typed::from_json(found, ty).map_err(|e| format!("{path} at {pointer}: {e}")),
        None if ty.is_optional() => Ok(Value::Absent),
        None => Err(format!("{path} has nothing at {pointer}{}", nearest(&json, pointer))),
    }
}

/// The document; a byte-order mark before it does no harm.
pub(super) fn parse(path: &str, bytes: &[u8]) -> Result<Json, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bytes).map_err(|e| {
        let place = format!("{path}:{}:{}", e.line(), e.column());
        if e.is_eof() { format!("{place}: the JSON ends too early") } else { format!("{place}: not JSON") }
    })
}

/// How far the pointer reaches, and what stands there.
fn nearest(json: &Json, pointer: &str) -> String {
    let ends = pointer.match_indices('/').map(|(at, _)| at).collect::<Vec<_>>();
    let reached = ends.iter().rev().map(|end| &pointer[..*end]).find(|part| json.pointer(part).is_some());
    let Some((part, Json::Object(object))) = reached.and_then(|part| Some((part, json.pointer(part)?)))
    else {
        return String::new();
    };
    let keys: Vec<&str> = object.keys().take(8).map(String::as_str).collect();
    let place = if part.is_empty() { "it" } else { part };
    format!("; {place} holds {}", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_find_values_and_say_where_they_end() {
        let bytes = br#"{"data":[{"totals":{"lines":{"percent":81.25}}}]}"#;
        let read = |pointer: &str, ty: &Type| read("c.json", bytes, pointer, ty);
        assert_eq!(read("/data/0/totals/lines/percent", &Type::Percent), Ok(Value::Percent(81.25)));
        assert_eq!(read("/data/0/none", &Type::Int.optional()), Ok(Value::Absent));
        assert_eq!(
            read("/data/0/total", &Type::Int).unwrap_err(),
            "c.json has nothing at /data/0/total; /data/0 holds totals"
        );
        assert!(read("data", &Type::Int).unwrap_err().contains("must start with"));
    }

    #[test]
    fn torn_json_is_said_to_be_torn() {
        assert_eq!(
            read("c.json", b"{\"a\":", "/a", &Type::Int).unwrap_err(),
            "c.json:1:5: the JSON ends too early"
        );
        assert!(read("c.json", b"", "/a", &Type::Int).is_err());
        let deep = "[".repeat(100_000);
        assert!(read("c.json", deep.as_bytes(), "/a", &Type::Int).is_err());
    }
}
