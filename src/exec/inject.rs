//! Failures that a user wants to see: `WFL_INJECT=stage:class:count`, several with commas between. An attempt that is
//! to fail is not executed. Knows the stages' keys; does not read the environment.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::base::suggest;
use crate::event::{AttemptStatus, FailureClass, NodeIndex, Outcome, Usage};
use crate::port::AttemptSpec;

/// The variable that holds them.
pub const VARIABLE: &str = "WFL_INJECT";

/// What may stand for the class, and what it means.
const KINDS: &[(&str, Injected)] = &[
    ("exit", Injected::of(FailureClass::Exit, Some(1), None)),
    ("signal", Injected::of(FailureClass::Signal, Some(128 + 11), Some(11))),
    ("timeout", Injected::of(FailureClass::Timeout, Some(128 + 15), Some(15))),
    ("out-of-memory", Injected::of(FailureClass::OutOfMemory, Some(128 + 9), Some(9))),
    ("not-started", Injected::of(FailureClass::NotStarted, None, None)),
    ("output-missing", Injected::of(FailureClass::OutputMissing, Some(0), None)),
    // The two that programs speak of: "try again later" of sysexits.h, and what no try can mend.
    ("transient", Injected::of(FailureClass::Exit, Some(75), None)),
    ("permanent", Injected::of(FailureClass::NotStarted, None, None)),
];
/// `exit-28`: that exit code.
const EXIT: &str = "exit-";

/// How one attempt is to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Injected {
    class: FailureClass,
    exit: Option<i32>,
    signal: Option<i32>,
}

/// What is still to be injected.
#[derive(Debug, Default)]
pub struct Injections(Mutex<Left>);

#[derive(Debug, Default)]
struct Left {
    rules: Vec<Rule>,
    /// Attempts that were asked about: the `finally` of a stage comes under the number of its last attempt.
    seen: BTreeSet<(NodeIndex, u32)>,
}

#[derive(Debug)]
struct Rule {
    /// A stage's name or key, or `*`.
    stage: String,
    injected: Injected,
    count: u32,
}

impl Injections {
    /// Reads the variable's text; `stages` are the keys of the run. An error names what is wrong and what is meant.
    pub fn parse(text: &str, stages: &[&str]) -> Result<Self, String> {
        let rules = split(text).into_iter().filter(|part| !part.trim().is_empty());
        let rules = rules.map(|part| rule(part.trim(), stages)).collect::<Result<Vec<_>, _>>()?;
        Ok(Injections(Mutex::new(Left { rules, seen: BTreeSet::new() })))
    }

    /// How this attempt is to fail, if it is; counts it.
    pub(super) fn take(&self, spec: &AttemptSpec) -> Option<Injected> {
        let mut left = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        // The `finally` of the lane has no number.
        let asked = left.rules.is_empty() || spec.attempt == 0;
        if asked || !left.seen.insert((spec.node, spec.attempt)) {
            return None;
        }
        let rule = left.rules.iter_mut().find(|rule| rule.count > 0 && names(&rule.stage, &spec.key))?;
        rule.count -= 1;
        Some(rule.injected)
    }
}

impl Injected {
    const fn of(class: FailureClass, exit: Option<i32>, signal: Option<i32>) -> Self {
        Injected { class, exit, signal }
    }

    /// For log and record.
    pub(super) fn words(&self) -> String {
        let exit = self.exit.filter(|_| self.class == FailureClass::Exit);
        let exit = exit.map(|exit| format!(", exit {exit}")).unwrap_or_default();
        format!("failure injected by {VARIABLE}: {}{exit}", self.class.word())
    }

    pub(super) fn outcome(&self) -> Outcome {
        let timed_out = self.class == FailureClass::Timeout;
        Outcome {
            status: if timed_out { AttemptStatus::TimedOut } else { AttemptStatus::Failed },
            exit: self.exit,
            signal: self.signal,
            duration_ms: 0,
            error: Some(self.words()),
            stderr: String::new(),
            stdout: String::new(),
            usage: Usage::default(),
            log_cut: false,
            class: Some(self.class),
            injected: true,
        }
    }
}

/// At commas outside brackets: the key of a matrix stage may hold some.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut parts) = (0_u32, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

fn rule(text: &str, stages: &[&str]) -> Result<Rule, String> {
    let mut parts = text.rsplitn(3, ':');
    let (Some(count), Some(class), Some(stage)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(format!("`{text}` is not STAGE:CLASS:COUNT"));
    };
    let number = count.parse().ok().filter(|count| *count > 0);
    let count = number.ok_or_else(|| format!("`{text}`: the count `{count}` is no number from 1"))?;
    if stage != "*" && !stages.iter().any(|key| names(stage, key)) {
        let known: Vec<String> = stages.iter().map(|key| base(key)).collect();
        let meant = meant(stage, known.iter().map(String::as_str));
        return Err(format!("`{text}`: the run has no stage `{stage}`{meant}"));
    }
    Ok(Rule { stage: stage.to_owned(), injected: kind(text, class)?, count })
}

fn kind(text: &str, class: &str) -> Result<Injected, String> {
    if let Some(code) = class.strip_prefix(EXIT) {
        let code = code.parse().ok().filter(|code| (1..=255).contains(code));
        let code = code.ok_or_else(|| format!("`{text}`: an exit code is a number from 1 to 255"))?;
        return Ok(Injected::of(FailureClass::Exit, Some(code), None));
    }
    let known = KINDS.iter().find(|(name, _)| *name == class);
    known.map(|(_, injected)| *injected).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        format!(
            "`{text}`: `{class}` is no class of failure{}; there are {}, {EXIT}N",
            meant(class, names.iter().copied()),
            names.join(", ")
        )
    })
}

fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let near = suggest::nearest(word, known);
    suggest::did_you_mean(&near).map(|question| format!(", {question}")).unwrap_or_default()
}

/// A key is named by itself, or by its stage: `unit` names `unit[shard=2]`.
fn names(stage: &str, key: &str) -> bool {
    stage == "*" || stage == key || stage == base(key)
}

/// The key without the values of a matrix.
fn base(key: &str) -> String {
    let mut depth = 0_u32;
    let outside = |c: &char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    key.chars().filter(outside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAGES: &[&str] = &["build", "unit[shard=1,os=a]", "unit[shard=2,os=a]", "probe[x=1]/smoke"];

    fn wrong(text: &str) -> String {
        Injections::parse(text, STAGES).unwrap_err()
    }

    #[test]
    fn stages_are_named_by_key_name_or_star() {
        for text in [
            "build:exit:1",
            "unit:timeout:2",
            "unit[shard=1,os=a]:exit-28:1, build:signal:1",
            "*:transient:9",
        ] {
            Injections::parse(text, STAGES).unwrap();
        }
        Injections::parse("probe/smoke:exit:1", STAGES).unwrap();
        Injections::parse("", STAGES).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_meant() {
        assert_eq!(
            wrong("biuld:exit:1"),
            "`biuld:exit:1`: the run has no stage `biuld`, did you mean `build`?"
        );
        assert!(wrong("build:exti:1").contains("`exti` is no class of failure, did you mean `exit`?"));
        assert!(wrong("build:lost:1").contains("there are exit, signal, timeout"));
        assert!(wrong("build:exit:0").contains("no number from 1"));
        assert!(wrong("build:exit-0:1").contains("from 1 to 255"));
        assert!(wrong("build:exit").contains("STAGE:CLASS:COUNT"));
    }
}
