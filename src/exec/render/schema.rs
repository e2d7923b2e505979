//! Judges a rendered file by a JSON Schema. Fetches nothing: a schema is one file, and references stay inside it.

use std::error::Error;

use jsonschema::{PatternOptions, Retrieve, Uri, Validator};
use serde_json::Value as Json;

/// Findings told of one file.
const TOLD: usize = 5;
/// Longest text of one finding, in characters: it may quote the file.
const SHOWN: usize = 200;

/// Where a schema without an `$id` of its own is taken to lie.
const HERE: &str = "wfl:/";
const LEADS_OUT: &str = "a `$ref` to";

pub(super) struct Schema {
    name: String,
    validator: Validator,
}

impl Schema {
    pub(super) fn read(name: &str, text: &str) -> Result<Schema, String> {
        let json: Json = serde_json::from_str(text)
            .map_err(|e| format!("the schema {name}:{}:{} is not JSON", e.line(), e.column()))?;
        let validator = jsonschema::options()
            // Linear time: a schema's pattern must not hang the run.
            .with_pattern_options(PatternOptions::regex())
            .with_base_uri(HERE)
            .with_retriever(Stays)
            .build(&json)
            .map_err(|e| format!("the schema {name} cannot be used: {}", said(&e.to_string())))?;
        Ok(Schema { name: name.to_owned(), validator })
    }

    /// The error names each place in the file as a JSON pointer.
    pub(super) fn judge(&self, file: &str, text: &[u8]) -> Result<(), String> {
        let json: Json = serde_json::from_slice(text).map_err(|e| {
            format!("{file}:{}:{} is not JSON, which its schema {} is for", e.line(), e.column(), self.name)
        })?;
        let mut found = self.validator.iter_errors(&json).map(|error| {
            let place = error.instance_path().to_string();
            let place = if place.is_empty() { "at its top".to_owned() } else { format!("at {place}") };
            format!("{place}: {}", shortened(&error.to_string()))
        });
        let told: Vec<String> = found.by_ref().take(TOLD).collect();
        match (told.is_empty(), found.next()) {
            (true, _) => Ok(()),
            (_, None) => Err(format!("{file} does not fit {}: {}", self.name, told.join("; "))),
            (_, Some(_)) => Err(format!("{file} does not fit {}: {}; and more", self.name, told.join("; "))),
        }
    }
}

/// What is wrong with the schema; of a reference, in our own words.
fn said(error: &str) -> String {
    match error.find(LEADS_OUT) {
        Some(at) => error[at..].to_owned(),
        None => shortened(error),
    }
}

fn shortened(text: &str) -> String {
    let text = text.replace('\n', " ");
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Answers every reference that leads out of the schema's own file.
struct Stays;

impl Retrieve for Stays {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn Error + Send + Sync>> {
        let uri = uri.as_str();
        let uri = uri.strip_prefix(HERE).unwrap_or(uri);
        Err(format!(
            "{LEADS_OUT} {uri} leads out of the file, and nothing is fetched; put what it names under `$defs`"
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = r##"{"type":"object","required":["name"],"additionalProperties":false,
        "properties":{"name":{"type":"string","pattern":"^[a-z]+$"},"replicas":{"$ref":"#/$defs/count"}},
        "$defs":{"count":{"type":"integer","minimum":1}}}"##;

    fn judge(text: &str) -> Result<(), String> {
        Schema::read("s.json", SCHEMA).unwrap().judge("out.json", text.as_bytes())
    }

    #[test]
    fn findings_name_their_place() {
        assert_eq!(judge(r#"{"name":"app","replicas":2}"#), Ok(()));
        let error = judge(r#"{"name":"app","replicas":"2"}"#).unwrap_err();
        assert!(error.contains("at /replicas: ") && error.contains("integer"), "{error}");
        let error = judge("{}").unwrap_err();
        assert!(error.contains("at its top: ") && error.contains("name"), "{error}");
        assert!(
            judge("name: app").unwrap_err().contains("out.json:1:2 is not JSON"),
            "{:?}",
            judge("name: app")
        );
    }

    #[test]
    fn references_out_of_the_file_are_refused_and_nothing_is_fetched() {
        for uri in ["https://example.org/x.json", "file:///etc/passwd", "other.json"] {
            let text = format!("{{\"$ref\":\"{uri}\"}}");
            let error = Schema::read("s.json", &text).err().unwrap_or_default();
            assert!(error.contains("nothing is fetched"), "{uri}: {error}");
        }
        assert!(Schema::read("s.json", "{").is_err());
        assert!(Schema::read("s.json", r#"{"type":"strin"}"#).is_err());
        let draft = r#"{"$schema":"http://json-schema.org/draft-07/schema#","type":"integer"}"#;
        assert!(Schema::read("s.json", draft).is_ok());
    }
}
