//! The original's `quality_gates` of one lane. Reads no file.

use crate::base::suggest::{did_you_mean, nearest};
use crate::load::yaml::{Pair, Value, is_null};

use super::account::Fate;
use super::gates::{COVERAGE, Gates, Tool};
use super::reader::{Map, Reader, number, scalar};

const KEYS: [&str; 9] = [
    "enabled",
    "ruff",
    "mypy",
    "pytest",
    "bandit",
    "coverage_threshold",
    "required_passes",
    "strict",
    "skip",
];

impl Reader {
    pub(super) fn gates(&mut self, lane: &Map<'_>, kept: &mut Vec<String>) -> Gates {
        let none: &[Pair] = &[];
        let pair = lane.get("quality_gates");
        let (at, pairs) = match pair.map(|pair| (pair.at, &pair.value)) {
            Some((at, node)) if is_null(node) => (at, none),
            Some((at, node)) => match &node.value {
                Value::Map(pairs) => (at, pairs.as_slice()),
                _ => {
                    let what = "`quality_gates` is a map of `enabled`, tools and thresholds";
                    self.refuse(&lane.key("quality_gates"), at, what);
                    return Gates::none();
                }
            },
            None => (lane.at, none),
        };
        let map = Map { path: lane.key("quality_gates"), at, pairs };
        self.known_keys(&map, &KEYS);
        let enabled = map.get("enabled").map(|pair| (pair, self.truth(&map, pair)));
        if let Some((pair, Some(false))) = enabled {
            self.all_off(&map, pair, kept);
            return Gates::none();
        }
        if let Some((pair, Some(true))) = enabled {
            self.imported(&map.key("enabled"), pair.at, "the gates are on");
        }
        self.held(&map, pair.is_some())
    }

    /// Gates that are off keep their settings as comments.
    fn all_off(&mut self, map: &Map<'_>, enabled: &Pair, kept: &mut Vec<String>) {
        self.imported(&map.path, map.at, "no gate is included");
        self.imported(&map.key("enabled"), enabled.at, "no gate is included");
        for pair in map.pairs.iter().filter(|pair| KEYS[1..].contains(&pair.key.as_str())) {
            let text = shown(pair);
            self.note(&map.key(&pair.key), pair.at, Fate::Comment, "`enabled: false` switches all gates off");
            kept.push(format!("quality_gates.{}: {text} (all gates are off)", pair.key));
        }
    }

    fn held(&mut self, map: &Map<'_>, given: bool) -> Gates {
        let required = self.required(map);
        let mut gates = Gates { coverage: self.coverage(map), strict: self.strict(map), ..Gates::none() };
        for tool in Tool::ALL {
            let pair = map.get(tool.word());
            let on = pair.map_or(Some(true), |pair| self.truth(map, pair)).unwrap_or(false);
            let must =
                required.as_ref().map_or(Tool::REQUIRED.contains(&tool), |named| named.contains(&tool));
            let what = match (on, must) {
                (true, true) => format!("as the gate `{}`", tool.gate()),
                (true, false) => {
                    format!("as the stage `{}`, which only warns: not in required_passes", tool.advice())
                }
                (false, _) => "off: nothing is included".to_owned(),
            };
            if !on && must && required.is_some() {
                let at = pair.map_or(map.at, |pair| pair.at);
                let what = format!("`{}` is switched off, and required_passes demands it", tool.word());
                self.refuse(&map.key(tool.word()), at, what);
            }
            if let Some(pair) = pair {
                self.imported(&map.key(tool.word()), pair.at, what);
            }
            match (on, must) {
                (true, true) => gates.required.push(tool),
                (true, false) => gates.advised.push(tool),
                (false, _) => {}
            }
        }
        self.skip(map, &mut gates);
        self.defaults(map, given, &gates);
        gates
    }

    fn defaults(&mut self, map: &Map<'_>, given: bool, gates: &Gates) {
        let word = |tools: &[Tool]| tools.iter().map(|tool| tool.word()).collect::<Vec<_>>().join(", ");
        let least =
            gates.coverage.map_or("any coverage".to_owned(), |least| format!("coverage at least {least} %"));
        let (required, advised) = (word(&gates.required), word(&gates.advised));
        let either = |text: String| if text.is_empty() { "none".to_owned() } else { text };
        let summary = format!("must pass: {}; only warn: {}; {least}", either(required), either(advised));
        let what = if given { summary } else { format!("not given, so as the original had it: {summary}") };
        self.imported(&map.path, map.at, what);
    }

    fn coverage(&mut self, map: &Map<'_>) -> Option<f64> {
        let Some(pair) = map.get("coverage_threshold") else { return Some(Gates::LEAST) };
        let key = map.key("coverage_threshold");
        match number(&pair.value) {
            Some(least) if (0.0..=100.0).contains(&least) && least > 0.0 => {
                let what = format!("as `override gate.{COVERAGE} {{ require lines >= {least}% }}`");
                self.imported(&key, pair.at, what);
                Some(least)
            }
            Some(0.0) => {
                self.imported(&key, pair.at, "any coverage will do, so no gate judges it");
                None
            }
            _ => {
                let text = scalar(&pair.value).unwrap_or_default();
                let what = format!("coverage_threshold is a percentage from 0 to 100, not `{text}`");
                self.refuse(&key, pair.value.at, what);
                None
            }
        }
    }

    fn strict(&mut self, map: &Map<'_>) -> bool {
        let Some(pair) = map.get("strict") else { return false };
        let strict = self.truth(map, pair);
        let what =
            if strict == Some(true) { "as `gates strict`" } else { "the gates judge as they do by default" };
        if strict.is_some() {
            self.imported(&map.key("strict"), pair.at, what);
        }
        strict.unwrap_or(false)
    }

    fn required(&mut self, map: &Map<'_>) -> Option<Vec<Tool>> {
        let pair = map.get("required_passes")?;
        let tools = self.tools(map, pair, &[]);
        let tools: Vec<Tool> = tools.iter().filter_map(|word| Tool::of(word)).collect();
        let words: Vec<&str> = tools.iter().map(|tool| tool.word()).collect();
        let what = match words.as_slice() {
            [] => "no gate must pass: what is on only warns".to_owned(),
            words => format!("{} must pass; what else is on only warns", words.join(", ")),
        };
        self.imported(&map.key("required_passes"), pair.at, what);
        Some(tools)
    }

    fn skip(&mut self, map: &Map<'_>, gates: &mut Gates) {
        let Some(pair) = map.get("skip") else { return };
        let words = self.tools(map, pair, &[COVERAGE]);
        for word in &words {
            match Tool::of(word) {
                Some(tool) if gates.required.contains(&tool) => gates.skipped.push(tool.gate()),
                Some(tool) => gates.advised.retain(|advised| *advised != tool),
                None if gates.coverage.is_some() => gates.skipped.push(COVERAGE),
                None => {}
            }
        }
        let what = match words.as_slice() {
            [] => "no gate is skipped".to_owned(),
            words => format!("as `gates {{ skip … }}`, with the reason, of {}", words.join(", ")),
        };
        self.imported(&map.key("skip"), pair.at, what);
    }

    /// The tools of a list, `more` words included; others are refused, with the nearest.
    fn tools(&mut self, map: &Map<'_>, pair: &Pair, more: &[&'static str]) -> Vec<String> {
        let known: Vec<&str> = Tool::ALL.iter().map(|tool| tool.word()).chain(more.iter().copied()).collect();
        let mut found: Vec<String> = Vec::new();
        for (word, at) in self.texts(map, pair) {
            if known.contains(&word.as_str()) {
                if !found.contains(&word) {
                    found.push(word);
                }
                continue;
            }
            let near = did_you_mean(&nearest(&word, known.iter().copied()));
            let help = near.unwrap_or_else(|| format!("the tools are {}", known.join(", ")));
            self.refuse(&map.key(&pair.key), at, format!("`{word}` in {} is no tool; {help}", pair.key));
        }
        found
    }
}

/// A short value as it was written, near enough for a comment.
pub(super) fn shown(pair: &Pair) -> String {
    match &pair.value.value {
        Value::Scalar { text, .. } => text.clone(),
        Value::List(items) => {
            let texts: Vec<String> =
                items.iter().map(|item| scalar(item).unwrap_or_else(|| "…".into())).collect();
            format!("[{}]", texts.join(", "))
        }
        Value::Map(pairs) => {
            let keys: Vec<String> = pairs
                .iter()
                .map(|pair| format!("{}: {}", pair.key, scalar(&pair.value).unwrap_or_else(|| "…".into())))
                .collect();
            format!("{{{}}}", keys.join(", "))
        }
    }
}
