//! SARIF: results by level. Suppressed results and those of an earlier baseline do not count. Results are counted as
//! they are read, so that a report of any size costs no memory. Knows no threshold.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::json;

/// Runs of one log, rules of one run, suppressions of one result.
const MOST: usize = 100_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) errors: i64,
    pub(super) warnings: i64,
}

pub(super) fn read(path: &str, bytes: &[u8]) -> Result<Found, String> {
    let log: Log = json::through(path, bytes, PhantomData)?;
    let List(runs) = log.runs.ok_or_else(|| format!("{path} is not SARIF: it has no `runs`"))?;
    if runs.is_empty() {
        return Err(format!("{path} holds no run: the tool did not work"));
    }
    let mut found = Found::default();
    for run in runs {
        if run.invocations.is_some_and(|List(all)| all.iter().any(|one| one.successful == Some(false))) {
            return Err(format!("{path}: the tool says that it did not finish"));
        }
        // By the format's own rule a run without this list has not looked for anything.
        let results = run.results.ok_or_else(|| format!("{path}: a run has no `results`"))?;
        let rules = run.tool.and_then(|tool| tool.driver?.rules);
        let rules = rules.map(|List(rules)| rules).unwrap_or_default();
        let by_id: HashMap<&str, &Rule> =
            rules.iter().rev().filter_map(|rule| Some((rule.id.as_deref()?, rule))).collect();
        found.add(Level::Error, results.errors);
        found.add(Level::Warning, results.warnings);
        for (meant, count) in &results.unsaid {
            let index = meant.index.and_then(|index| rules.get(usize::try_from(index).ok()?));
            let rule = index.or_else(|| by_id.get(meant.id.as_deref()?).copied());
            found.add(rule.and_then(Rule::level).unwrap_or(Level::Warning), *count);
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, level: Level, count: i64) {
        match level {
            Level::Error => self.errors += count,
            Level::Warning => self.warnings += count,
            Level::Less => {}
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Error,
    Warning,
    /// `note`, `none`.
    Less,
}

impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)?.as_str() {
            "error" => Ok(Level::Error),
            "warning" => Ok(Level::Warning),
            "note" | "none" => Ok(Level::Less),
            other => Err(D::Error::custom(format!("`{other}` is no SARIF level"))),
        }
    }
}

#[derive(serde::Deserialize)]
struct Log {
    runs: Option<List<Run>>,
}

#[derive(serde::Deserialize)]
struct Run {
    tool: Option<Tool>,
    invocations: Option<List<Invocation>>,
    results: Option<Results>,
}

#[derive(serde::Deserialize)]
struct Tool {
    driver: Option<Driver>,
}

#[derive(serde::Deserialize)]
struct Driver {
    rules: Option<List<Rule>>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: Option<String>,
    default_configuration: Option<Configuration>,
}

impl Rule {
    fn level(&self) -> Option<Level> {
        self.default_configuration.as_ref()?.level
    }
}

#[derive(serde::Deserialize)]
struct Configuration {
    level: Option<Level>,
}

#[derive(serde::Deserialize)]
struct Invocation {
    #[serde(rename = "executionSuccessful")]
    successful: Option<bool>,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct One {
    level: Option<Level>,
    kind: Option<String>,
    rule_id: Option<String>,
    rule_index: Option<i64>,
    rule: Option<RuleRef>,
    baseline_state: Option<String>,
    suppressions: Option<List<Suppression>>,
}

#[derive(serde::Deserialize)]
struct RuleRef {
    id: Option<String>,
    index: Option<i64>,
}

#[derive(serde::Deserialize)]
struct Suppression {
    status: Option<String>,
}

impl One {
    fn counts(&self) -> bool {
        let accepted = |one: &Suppression| matches!(one.status.as_deref(), None | Some("accepted"));
        let suppressed = self.suppressions.as_ref().is_some_and(|List(all)| all.iter().any(accepted));
        let gone = self.baseline_state.as_deref() == Some("absent");
        let fails = self.kind.as_deref().is_none_or(|kind| kind == "fail");
        !suppressed && !gone && fails
    }

    fn meant(self) -> Meant {
        let (id, index) = self.rule.map_or((None, None), |rule| (rule.id, rule.index));
        Meant { id: self.rule_id.or(id), index: self.rule_index.or(index) }
    }
}

/// The rule of a result that does not say its level.
#[derive(PartialEq, Eq, Hash)]
struct Meant {
    id: Option<String>,
    index: Option<i64>,
}

/// Results, counted.
#[derive(Default)]
struct Results {
    errors: i64,
    warnings: i64,
    unsaid: HashMap<Meant, i64>,
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Counting)
    }
}

struct Counting;

impl<'de> Visitor<'de> for Counting {
    type Value = Results;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Results, A::Error> {
        let mut results = Results::default();
        while let Some(one) = seq.next_element::<One>()? {
            match (one.counts(), one.level) {
                (false, _) | (_, Some(Level::Less)) => {}
                (true, Some(Level::Error)) => results.errors += 1,
                (true, Some(Level::Warning)) => results.warnings += 1,
                (true, None) => *results.unsaid.entry(one.meant()).or_default() += 1,
            }
            if results.unsaid.len() > MOST {
                return Err(A::Error::custom(format!("results of more than {MOST} rules")));
            }
        }
        Ok(results)
    }
}

/// A list that is kept, and so may not be of any length.
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(Bounded(PhantomData))
    }
}

struct Bounded<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Bounded<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut items = Vec::new();
        while items.len() < MOST {
            match seq.next_element()? {
                Some(item) => items.push(item),
                None => return Ok(List(items)),
            }
        }
        match seq.next_element::<IgnoredAny>()? {
            None => Ok(List(items)),
            Some(_) => Err(A::Error::custom(format!("a list of more than {MOST}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_from_the_result_then_its_rule_then_are_warnings() {
        let text = br#"{"version":"2.1.0","runs":[{"results":[
            {"ruleId":"A"},{"ruleIndex":0},{"ruleId":"B"},{"ruleId":"A","level":"note"},{"level":"error"},
            {"level":"error","suppressions":[{"kind":"inSource"}]},{"level":"error","kind":"pass"},
            {"level":"error","baselineState":"absent"},{"rule":{"id":"A"}},{"ruleId":"gone","ruleIndex":-1},
            {"level":"error","suppressions":[{"status":"rejected"}]}],
            "tool":{"driver":{"rules":[
            {"id":"A","defaultConfiguration":{"level":"error"}},{"id":"B"}]}}}]}"#;
        assert_eq!(read("s", text), Ok(Found { errors: 5, warnings: 2 }));
    }

    #[test]
    fn a_tool_that_did_not_work_does_not_pass() {
        for text in [
            r#"{}"#,
            r#"[]"#,
            r#"{"runs":null}"#,
            r#"{"runs":[]}"#,
            r#"{"runs":[{"tool":{}}]}"#,
            r#"{"runs":[{"results":null}]}"#,
            r#"{"runs":[{"results":{}}]}"#,
            r#"{"runs":[{"results":[{"level":"fatal"}]}]}"#,
            r#"{"runs":[{"results":[],"invocations":[{"executionSuccessful":false}]}]}"#,
            r#"{"runs":[{"results":[]}]"#,
        ] {
            assert!(read("s", text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(read("s", br#"{"runs":[{"results":[]}]}"#), Ok(Found::default()));
    }
}
