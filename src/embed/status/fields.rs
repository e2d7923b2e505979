//! Members of a JSON object, taken by their names and turned into what they must be; what is of no use where it stands is
//! kept for `other`. Knows no shape.

use serde_json::{Map, Value};

use super::finding::{Class, Finding, Severity};
use super::time;

/// An object, its place in the file, and where to tell what is found.
pub(super) struct Fields<'f> {
    pub map: Map<String, Value>,
    pub place: String,
    pub findings: &'f mut Vec<Finding>,
    /// What was taken and could not be used.
    refused: Vec<(String, Value)>,
}

impl<'f> Fields<'f> {
    pub fn new(map: Map<String, Value>, place: &str, findings: &'f mut Vec<Finding>) -> Fields<'f> {
        Fields { map, place: place.to_owned(), findings, refused: Vec::new() }
    }

    pub fn at(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }

    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// The first of these members that is there and not null. `a.b` is the member `b` of the object `a`.
    pub fn take<'n>(&mut self, names: &[&'n str]) -> Option<(&'n str, Value)> {
        names.iter().find_map(|name| Some((*name, self.take_one(name).filter(|value| !value.is_null())?)))
    }

    fn take_one(&mut self, name: &str) -> Option<Value> {
        let Some((outer, inner)) = name.split_once('.') else { return self.map.shift_remove(name) };
        let Some(Value::Object(map)) = self.map.get_mut(outer) else { return None };
        let taken = map.shift_remove(inner);
        if map.is_empty() {
            self.map.shift_remove(outer);
        }
        taken
    }

    /// Keeps what cannot be used, and says so.
    pub fn refuse(&mut self, class: Class, name: &str, what: impl Into<String>, value: Value) {
        let place = self.at(name);
        let did = "kept it in `other`";
        self.findings.push(Finding::mended(class, Severity::Error, &place, what, did));
        self.refused.push((name.to_owned(), value));
    }

    /// Keeps a value without a word.
    pub fn keep(&mut self, name: &str, value: Value) {
        self.refused.push((name.to_owned(), value));
    }

    fn mended(&mut self, name: &str, what: String, did: String) {
        let place = self.at(name);
        self.findings.push(Finding::mended(Class::InvalidType, Severity::Error, &place, what, did));
    }

    pub fn text(&mut self, names: &[&str]) -> Option<String> {
        let (name, value) = self.take(names)?;
        match value {
            Value::String(text) => Some(text),
            Value::Number(_) | Value::Bool(_) => {
                self.mended(name, format!("{value} is no text"), format!("read it as \"{value}\""));
                Some(value.to_string())
            }
            value => {
                self.refuse(Class::InvalidType, name, format!("{} is no text", kind(&value)), value);
                None
            }
        }
    }

    /// A text that names something, which an empty one does not.
    pub fn name(&mut self, names: &[&str]) -> Option<String> {
        self.text(names).filter(|name| !name.trim().is_empty())
    }

    pub fn whole(&mut self, names: &[&str]) -> Option<i64> {
        let (name, value) = self.take(names)?;
        if let Some(number) = value.as_i64() {
            return Some(number);
        }
        match whole_in(&value) {
            Some(number) => {
                self.mended(name, format!("{value} is no whole number"), format!("read it as {number}"));
                Some(number)
            }
            None => {
                self.refuse(Class::InvalidType, name, format!("{} is no whole number", kind(&value)), value);
                None
            }
        }
    }

    pub fn number(&mut self, names: &[&str]) -> Option<f64> {
        let (name, value) = self.take(names)?;
        if let Some(number) = value.as_f64() {
            return Some(number);
        }
        match value.as_str().and_then(|text| text.trim().parse::<f64>().ok()).filter(|n| n.is_finite()) {
            Some(number) => {
                self.mended(name, format!("{value} is no number"), format!("read it as {number}"));
                Some(number)
            }
            None => {
                self.refuse(Class::InvalidType, name, format!("{} is no number", kind(&value)), value);
                None
            }
        }
    }

    pub fn flag(&mut self, names: &[&str]) -> Option<bool> {
        let (name, value) = self.take(names)?;
        if let Value::Bool(flag) = value {
            return Some(flag);
        }
        let flag = match value.as_str().map(|text| text.trim().to_lowercase()).as_deref() {
            Some("true" | "yes") => Some(true),
            Some("false" | "no") => Some(false),
            _ => None,
        };
        match flag {
            Some(flag) => {
                self.mended(name, format!("{value} is not true or false"), format!("read it as {flag}"))
            }
            None => {
                let what = format!("{} is not true or false", kind(&value));
                self.refuse(Class::InvalidType, name, what, value);
            }
        }
        flag
    }

    /// A moment as it is written, or made from seconds since 1970.
    pub fn time(&mut self, names: &[&str]) -> Option<String> {
        let (name, value) = self.take(names)?;
        let read = match &value {
            Value::String(text) => time::parse(text).map(|_| text.clone()),
            Value::Number(number) => number.as_f64().and_then(time::of_epoch),
            _ => None,
        };
        if read.is_none() {
            self.refuse(Class::InvalidTime, name, format!("{value} is no date and time"), value);
        }
        read
    }

    /// The items of a list; a single value counts as one.
    pub fn list(&mut self, names: &[&str]) -> Vec<Value> {
        match self.take(names) {
            None => Vec::new(),
            Some((_, Value::Array(items))) => items,
            Some((name, value @ Value::Object(_))) => {
                self.refuse(Class::InvalidType, name, "an object is no list", value);
                Vec::new()
            }
            Some((name, value)) => {
                self.mended(name, format!("{value} is no list"), format!("read it as [{value}]"));
                vec![value]
            }
        }
    }

    /// What nobody took, and what was of no use.
    pub fn rest(self) -> Map<String, Value> {
        let mut rest = self.map;
        rest.retain(|_, value| !value.is_null());
        for (name, value) in self.refused {
            insert(&mut rest, &name, value);
        }
        rest
    }
}

/// Puts a value under a name, or beside what has it already.
pub(super) fn insert(map: &mut Map<String, Value>, name: &str, value: Value) {
    match map.get(name) {
        None => {
            map.insert(name.to_owned(), value);
        }
        Some(there) if *there == value => {}
        Some(_) => {
            let free = (2u32..).map(|n| format!("{name}_{n}")).find(|name| !map.contains_key(name));
            map.insert(free.unwrap_or_default(), value);
        }
    }
}

/// A whole number that is written as text or with a point.
pub(super) fn whole_in(value: &Value) -> Option<i64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => {
            let number = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9e15)?;
            Some(number as i64)
        }
        _ => None,
    }
}

pub(super) fn kind(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        value => value.to_string(),
    }
}
