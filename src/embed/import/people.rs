//! Whom a lane of the original tells and asks, and what it says of itself. Reads no file.

use crate::load::yaml::{Pair, Value, is_null};

use super::account::Fate;
use super::definition::{Meta, Notify, approved};
use super::quality::shown;
use super::reader::{Map, Reader, number, scalar, whole};
use super::words;

/// What the original called the moments, and what `notify … on` does.
const EVENTS: [(&str, &str); 5] = [
    ("on_start", "start"),
    ("on_success", "success"),
    ("on_failure", "failure"),
    ("on_complete", "finish"),
    ("on_approval", "approval"),
];

/// Why `notify` is not written as a statement: a run would be refused with E950.
const NOT_YET: &str = "kept as a comment: `notify` cannot be run in this version";

impl Reader {
    pub(super) fn notify(&mut self, lane: &Map<'_>) -> Notify {
        let mut notify = Notify::default();
        let Some(pair) = lane.get("notifications") else { return notify };
        let Value::Map(pairs) = &pair.value.value else {
            let what = "`notifications` is a map: `on_failure: true`, `recipients: [a@example.org]`";
            self.refuse(&lane.key("notifications"), pair.at, what);
            return notify;
        };
        let map = Map { path: lane.key("notifications"), at: pair.at, pairs };
        let known: Vec<&'static str> = EVENTS.iter().map(|(key, _)| *key).chain(["recipients"]).collect();
        self.known_keys(&map, &known);
        for (key, event) in EVENTS {
            let Some(pair) = map.get(key) else { continue };
            match self.truth(&map, pair) {
                Some(true) => {
                    notify.events.push(event);
                    self.note(
                        &map.key(key),
                        pair.at,
                        Fate::Comment,
                        format!("`notify … on {event}`, {NOT_YET}"),
                    );
                }
                Some(false) => self.imported(&map.key(key), pair.at, format!("nobody is told of {event}")),
                None => {}
            }
        }
        if let Some(pair) = map.get("recipients") {
            notify.recipients = self.texts(&map, pair).into_iter().map(|(text, _)| text).collect();
            let what = format!("`notify email(…)`, {NOT_YET}");
            self.note(&map.key("recipients"), pair.at, Fate::Comment, what);
        }
        let fate = if notify.events.is_empty() { Fate::Imported } else { Fate::Comment };
        let what = if notify.events.is_empty() { "nobody is told of anything" } else { NOT_YET };
        self.note(&map.path, map.at, fate, what);
        notify
    }

    pub(super) fn reviewers(&mut self, lane: &Map<'_>, stages: &[u8], kept: &mut Vec<String>) -> Vec<String> {
        let asked = lane.get("requires_approval").map(|pair| (pair, self.truth(lane, pair)));
        let named = lane.get("reviewers").map(|pair| (pair, self.texts(lane, pair)));
        let mut groups: Vec<String> = Vec::new();
        for (text, _) in named.iter().flat_map(|(_, texts)| texts) {
            if !groups.contains(text) {
                groups.push(text.clone());
            }
        }
        let before = approved(stages).unwrap_or("git");
        match asked {
            Some((pair, Some(true))) => {
                let lone = groups.is_empty();
                let what = format!("as `approve 1 from … before std.lanes.{before}`");
                let group = if lone { ": nobody is named, so from the group \"reviewers\"" } else { "" };
                self.imported(&lane.key("requires_approval"), pair.at, format!("{what}{group}"));
                if lone {
                    groups.push("reviewers".to_owned());
                }
                if let Some((pair, _)) = named {
                    let what = "one person of each group must agree; .wfl/project.wfl says who they are";
                    self.imported(&lane.key("reviewers"), pair.at, what);
                }
                return groups;
            }
            Some((pair, Some(false))) => {
                self.imported(&lane.key("requires_approval"), pair.at, "nobody is asked");
            }
            Some((_, None)) | None => {}
        }
        if let Some((pair, _)) = named {
            self.note(&lane.key("reviewers"), pair.at, Fate::Comment, "the lane requires no approval");
            kept.push(format!("reviewers: {} (the lane requires no approval)", shown(pair)));
        }
        Vec::new()
    }

    pub(super) fn meta(&mut self, lane: &Map<'_>, kept: &mut Vec<String>) -> Vec<(String, Meta)> {
        let mut meta = Vec::new();
        let Some(pair) = lane.get("metadata") else { return meta };
        let Value::Map(pairs) = &pair.value.value else {
            match is_null(&pair.value) {
                true => self.imported(&lane.key("metadata"), pair.at, "it holds nothing"),
                false => {
                    self.refuse(&lane.key("metadata"), pair.at, "`metadata` is a map of your own fields")
                }
            }
            return meta;
        };
        self.imported(&lane.key("metadata"), pair.at, "as `meta`");
        self.fields(&Map { path: lane.key("metadata"), at: pair.at, pairs }, "", &mut meta, kept);
        meta
    }

    /// Fields of maps within the map get joined names; the depth of the tree is bounded by its reader.
    fn fields(
        &mut self,
        map: &Map<'_>,
        prefix: &str,
        meta: &mut Vec<(String, Meta)>,
        kept: &mut Vec<String>,
    ) {
        for pair in map.pairs {
            let key = map.key(&pair.key);
            let full = format!("{prefix}{}", pair.key);
            if let Value::Map(pairs) = &pair.value.value {
                self.imported(
                    &key,
                    pair.at,
                    format!("as fields that begin with `{}_`", words::name(&full, '_').unwrap_or_default()),
                );
                let inner = Map { path: key, at: pair.at, pairs };
                self.fields(&inner, &format!("{full}_"), meta, kept);
                continue;
            }
            let name = words::name(&full, '_').filter(|name| meta.iter().all(|(known, _)| known != name));
            match (name, plain(pair)) {
                (Some(name), Some(value)) => {
                    self.imported(&key, pair.at, format!("as `{name}` in `meta`"));
                    meta.push((name, value));
                }
                (name, _) => {
                    let why =
                        if name.is_none() { "its name cannot be one here" } else { "it is no plain value" };
                    self.note(&key, pair.at, Fate::Comment, format!("kept as a comment: {why}"));
                    kept.push(format!("metadata.{full}: {}", shown(pair)));
                }
            }
        }
    }
}

/// A value that `meta` may hold.
fn plain(pair: &Pair) -> Option<Meta> {
    match &pair.value.value {
        Value::List(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            texts.filter(|texts| !texts.is_empty()).map(Meta::Texts)
        }
        Value::Map(_) => None,
        Value::Scalar { text, plain } => match text.as_str() {
            _ if is_null(&pair.value) => None,
            "true" | "True" if *plain => Some(Meta::Bool(true)),
            "false" | "False" if *plain => Some(Meta::Bool(false)),
            text => {
                let int = whole(&pair.value).map(Meta::Int);
                let float = number(&pair.value).filter(|_| !text.contains(['e', 'E'])).map(Meta::Float);
                int.or(float).or_else(|| Some(Meta::Text(text.to_owned())))
            }
        },
    }
}
