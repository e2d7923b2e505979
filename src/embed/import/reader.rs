//! The tree of an original lane file to lanes as plain data, with an account of every key. Reads no file.

use crate::base::clock::format_duration;
use crate::base::suggest::{did_you_mean, nearest};
use crate::load::yaml::{At, Comment, Document, Node, Pair, Value, is_null};

use super::account::{Entry, Fate};
use super::definition::{BUILT_IN, Definition, STAGES, TIMEOUT};
use super::words;

/// What a person decides about an import.
#[derive(Clone, Copy, Debug, Default)]
pub struct Choices {
    /// A lane may take the name `docs`, `standard` or `heavy`.
    pub replace_built_in: bool,
}

const KEYS: [&str; 10] = [
    "name",
    "description",
    "stages",
    "quality_gates",
    "parallel",
    "timeout",
    "metadata",
    "notifications",
    "requires_approval",
    "reviewers",
];

/// The lanes that can be imported, and what became of every key.
pub(super) fn read(document: &Document, choices: Choices) -> (Vec<Definition>, Vec<Entry>) {
    let mut reader = Reader { account: Vec::new(), choices, names: Vec::new() };
    let lanes = document.root.as_ref().map(|root| reader.file(root, &document.comments));
    reader.account.sort_by_key(|entry| (entry.line, entry.column));
    (lanes.unwrap_or_default(), reader.account)
}

pub(super) struct Reader {
    account: Vec<Entry>,
    choices: Choices,
    names: Vec<String>,
}

/// One map of the file: where its keys are found, and how they are called in the account.
pub(super) struct Map<'a> {
    pub path: String,
    pub at: At,
    pub pairs: &'a [Pair],
}

impl<'a> Map<'a> {
    pub fn get(&self, key: &str) -> Option<&'a Pair> {
        self.pairs.iter().find(|pair| pair.key == key)
    }

    pub fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

impl Reader {
    pub(super) fn note(&mut self, key: &str, at: At, fate: Fate, what: impl Into<String>) {
        self.account.push(Entry::new(key, at, fate, what));
    }

    pub(super) fn imported(&mut self, key: &str, at: At, what: impl Into<String>) {
        self.note(key, at, Fate::Imported, what);
    }

    pub(super) fn refuse(&mut self, key: &str, at: At, what: impl Into<String>) {
        self.note(key, at, Fate::Refused, what);
    }

    fn refusals(&self) -> usize {
        self.account.iter().filter(|entry| entry.fate == Fate::Refused).count()
    }

    /// Refuses what none of `known` is, with the nearest of them.
    pub(super) fn known_keys(&mut self, map: &Map<'_>, known: &[&'static str]) {
        for pair in map.pairs.iter().filter(|pair| !known.contains(&pair.key.as_str())) {
            let near = did_you_mean(&nearest(&pair.key, known.iter().copied()));
            let help = near.unwrap_or_else(|| format!("the keys here are {}", known.join(", ")));
            self.refuse(
                &map.key(&pair.key),
                pair.at,
                format!("`{}` is not a key of a lane file; {help}", pair.key),
            );
        }
    }

    fn file(&mut self, root: &Node, comments: &[Comment]) -> Vec<Definition> {
        let Value::Map(pairs) = &root.value else {
            self.refuse("(file)", root.at, "a lane file is a map of lanes: `NAME:`, and its keys below");
            return Vec::new();
        };
        let wrapped = pairs.iter().find(|pair| pair.key == "lanes" && !is_lane(&pair.value));
        let Some(wrapped) = wrapped else { return self.lanes("", pairs, comments) };
        for pair in pairs.iter().filter(|pair| pair.key != "lanes") {
            self.refuse(&pair.key, pair.at, "beside `lanes:` a lane file holds nothing");
        }
        match &wrapped.value.value {
            Value::Map(pairs) => {
                self.imported("lanes", wrapped.at, format!("{} below it", counted(pairs.len(), "lane")));
                self.lanes("lanes.", pairs, comments)
            }
            _ if is_null(&wrapped.value) => {
                self.imported("lanes", wrapped.at, "no lane below it");
                Vec::new()
            }
            _ => {
                self.refuse("lanes", wrapped.at, "`lanes:` holds a map of lanes");
                Vec::new()
            }
        }
    }

    fn lanes(&mut self, prefix: &str, pairs: &[Pair], comments: &[Comment]) -> Vec<Definition> {
        let mut found = Vec::new();
        let mut from = 0;
        for (index, pair) in pairs.iter().enumerate() {
            let last =
                if index + 1 == pairs.len() { usize::MAX } else { last_line(&pair.value).max(pair.at.line) };
            let text = |comment: &Comment| words::comment(&comment.text);
            let between = |low: usize, high: usize| {
                let inside = comments.iter().filter(move |found| (low..=high).contains(&found.at.line));
                inside.map(text).filter(|text| !text.is_empty()).collect::<Vec<_>>()
            };
            let (above, kept) = (between(from, pair.at.line.saturating_sub(1)), between(pair.at.line, last));
            found.extend(self.lane(prefix, pair).map(|lane| Definition {
                above,
                kept: lane.kept.iter().cloned().chain(kept).collect(),
                ..lane
            }));
            from = last.saturating_add(1);
        }
        found
    }

    fn lane(&mut self, prefix: &str, pair: &Pair) -> Option<Definition> {
        let before = self.refusals();
        let path = format!("{prefix}{}", pair.key);
        let Value::Map(pairs) = &pair.value.value else {
            self.refuse(&path, pair.at, "a lane is a map with `description`, `stages` and the rest below it");
            return None;
        };
        let map = Map { path, at: pair.at, pairs };
        self.known_keys(&map, &KEYS);
        let name = self.name(&map, &pair.key);
        let stages = self.stages(&map);
        let mut kept = Vec::new();
        let lane = Definition {
            name: name.unwrap_or_default(),
            about: self.about(&map),
            reviewers: self.reviewers(&map, &stages, &mut kept),
            gates: self.gates(&map, &mut kept),
            parallel: self.parallel(&map),
            timeout: self.timeout(&map),
            notify: self.notify(&map),
            meta: self.meta(&map, &mut kept),
            stages,
            above: Vec::new(),
            kept,
        };
        if self.refusals() > before {
            self.refuse(
                &map.path,
                map.at,
                format!("lane `{}` was left out for what is refused in it", pair.key),
            );
            return None;
        }
        self.imported(&map.path, map.at, format!("as `lane {}`{}", lane.name, self.beside(&lane.name)));
        self.names.push(lane.name.clone());
        Some(lane)
    }

    /// A built-in lane of the same name stays reachable under its long one.
    fn beside(&self, name: &str) -> String {
        let text =
            crate::load::std_modules().iter().find(|(module, _)| *module == "lanes").map(|(_, text)| *text);
        let there = text.is_some_and(|text| text.contains(&format!("\nlane {name} {{")));
        if there { format!(", which goes before the built-in `std.lanes.{name}`") } else { String::new() }
    }

    fn name(&mut self, map: &Map<'_>, key: &str) -> Option<String> {
        let given = map.get("name");
        let (at, path) = given.map_or((map.at, map.path.clone()), |pair| (pair.at, map.key("name")));
        let text = given.map_or(Some(key.to_owned()), |pair| scalar(&pair.value));
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            self.refuse(&path, at, "a lane's name cannot be empty");
            return None;
        };
        let Some(name) = words::name(&text, '-') else {
            self.refuse(&path, at, "a name holds letters and digits, 60 at most");
            return None;
        };
        if self.names.contains(&name) {
            self.refuse(&path, at, format!("a lane before it is called `{name}` already"));
            return None;
        }
        if BUILT_IN.contains(&name.as_str()) && !self.choices.replace_built_in {
            let why = format!("`{name}` is a built-in lane; give this one another name, or say --override");
            self.refuse(&path, at, why);
            return None;
        }
        if given.is_some() {
            self.imported(&path, at, format!("the lane's name, `{name}`"));
        }
        Some(name)
    }

    fn about(&mut self, map: &Map<'_>) -> Option<String> {
        let pair = map.get("description")?;
        let text = scalar(&pair.value).filter(|text| !text.trim().is_empty());
        match &text {
            Some(_) => self.imported(&map.key("description"), pair.at, "as `about`"),
            None => self.refuse(&map.key("description"), pair.at, "a description is some words"),
        }
        text
    }

    fn stages(&mut self, map: &Map<'_>) -> Vec<u8> {
        let key = map.key("stages");
        let Some(pair) = map.get("stages") else {
            self.refuse(&key, map.at, "a lane names its stages: `stages: [0, 8, 9]`");
            return Vec::new();
        };
        let Value::List(items) = &pair.value.value else {
            self.refuse(&key, pair.at, "`stages` is a list of numbers: `stages: [0, 8, 9]`");
            return Vec::new();
        };
        let mut stages: Vec<u8> = Vec::new();
        for item in items {
            let number =
                whole(item).and_then(|number| u8::try_from(number).ok()).filter(|number| *number < 13);
            match number {
                Some(number) if stages.contains(&number) => {
                    self.refuse(&key, item.at, format!("stage {number} stands in the list already"));
                }
                Some(number) => stages.push(number),
                None => {
                    let text = scalar(item).unwrap_or_default();
                    self.refuse(
                        &key,
                        item.at,
                        format!("`{text}` is no stage: they are numbered from 0 to 12"),
                    );
                }
            }
        }
        if items.is_empty() {
            self.refuse(&key, pair.at, "a lane without stages does nothing");
        }
        let names: Vec<&str> = stages.iter().map(|stage| STAGES[usize::from(*stage)]).collect();
        self.imported(&key, pair.at, format!("as `include` of {}, all of std.lanes", names.join(", ")));
        stages
    }

    fn parallel(&mut self, map: &Map<'_>) -> bool {
        match map.get("parallel") {
            None => {
                self.imported(
                    &map.key("parallel"),
                    map.at,
                    "not given: one stage at a time, as the original had it",
                );
                false
            }
            Some(pair) => {
                let (on, key) = (self.truth(map, pair), map.key("parallel"));
                let what = if on == Some(true) { "as `parallel auto`" } else { "as `parallel off`" };
                if on.is_some() {
                    self.imported(&key, pair.at, what);
                }
                on.unwrap_or(false)
            }
        }
    }

    fn timeout(&mut self, map: &Map<'_>) -> i64 {
        let key = map.key("timeout");
        let Some(pair) = map.get("timeout") else {
            self.imported(&key, map.at, "not given: an hour, as the original had it");
            return TIMEOUT;
        };
        let seconds = number(&pair.value).filter(|seconds| *seconds >= 0.001 && *seconds <= 31_536_000.0);
        let Some(seconds) = seconds else {
            let text = scalar(&pair.value).unwrap_or_default();
            self.refuse(
                &key,
                pair.at,
                format!("`{text}` is no timeout: a number of seconds above 0, at most a year"),
            );
            return TIMEOUT;
        };
        let ms = (seconds * 1000.0).round() as i64;
        self.imported(&key, pair.at, format!("as `timeout {}`", format_duration(ms)));
        ms
    }

    /// A truth value, in any of the ways the original's reader took; refused otherwise.
    pub(super) fn truth(&mut self, map: &Map<'_>, pair: &Pair) -> Option<bool> {
        let plain = matches!(pair.value.value, Value::Scalar { plain: true, .. });
        let word = scalar(&pair.value).filter(|_| plain).unwrap_or_default().to_ascii_lowercase();
        let truth = match word.as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => None,
        };
        if truth.is_none() {
            self.refuse(&map.key(&pair.key), pair.value.at, format!("`{}` is true or false", pair.key));
        }
        truth
    }

    /// The words of a list; a single word is a list of one.
    pub(super) fn texts(&mut self, map: &Map<'_>, pair: &Pair) -> Vec<(String, At)> {
        let one = std::slice::from_ref(&pair.value);
        let items = match &pair.value.value {
            Value::List(items) => items.as_slice(),
            _ if is_null(&pair.value) => &[],
            _ => one,
        };
        let mut texts = Vec::new();
        for item in items {
            match scalar(item).filter(|text| !text.trim().is_empty()) {
                Some(text) => texts.push((text, item.at)),
                None => {
                    self.refuse(&map.key(&pair.key), item.at, format!("`{}` is a list of words", pair.key))
                }
            }
        }
        texts
    }
}

/// A map with `stages` is a lane, even one that is called `lanes`.
fn is_lane(node: &Node) -> bool {
    matches!(&node.value, Value::Map(pairs) if pairs.iter().any(|pair| pair.key == "stages" && matches!(pair.value.value, Value::List(_))))
}

/// The text of a value that is no list or map and not nothing.
pub(super) fn scalar(node: &Node) -> Option<String> {
    match &node.value {
        Value::Scalar { text, .. } if !is_null(node) => Some(text.clone()),
        _ => None,
    }
}

pub(super) fn whole(node: &Node) -> Option<i64> {
    match &node.value {
        Value::Scalar { text, plain: true } => text.parse().ok(),
        _ => None,
    }
}

pub(super) fn number(node: &Node) -> Option<f64> {
    let Value::Scalar { text, plain: true } = &node.value else { return None };
    // `nan` and `inf` would be read as numbers too.
    let digits = text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit() || c == '.');
    text.parse().ok().filter(|number: &f64| digits && number.is_finite())
}

/// The last line that anything below the node stands in.
fn last_line(node: &Node) -> usize {
    let mut open = vec![node];
    let mut last = node.at.line;
    while let Some(node) = open.pop() {
        last = last.max(node.at.line);
        match &node.value {
            Value::Scalar { .. } => {}
            Value::List(items) => open.extend(items),
            Value::Map(pairs) => {
                last = pairs.iter().map(|pair| pair.at.line).fold(last, usize::max);
                open.extend(pairs.iter().map(|pair| &pair.value));
            }
        }
    }
    last
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
