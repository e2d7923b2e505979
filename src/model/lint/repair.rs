//! Repair rules: that they end, that each can act, that what they do is safe. Knows nothing of a run.
//!
//! That repairs end: a rule acts at most `limit` times for one stage of a run (once where it does not say), so for
//! every stage at most the sum of the limits of all rules, and a run has finitely many stages. What can still go wrong
//! is a circle of rules that undo each other's work: it spends every limit and mends nothing. [`circles`] reports those
//! whose bound nobody wrote down.

use std::collections::{HashMap, HashSet};

use crate::base::{Span, Value};
use crate::diag::codes::Code;
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind};
use crate::model::resolve::graph;
use crate::model::shell::Command;
use crate::model::{Action, AfterRepair, Check, ModuleId, Repair, Risk, constant};

use super::Context;
use super::never::Bounds;
use super::shell::Script;
use crate::syntax::ast::Statement;
use crate::syntax::spacing;

pub(super) fn rules(context: &Context<'_>, scripts: &[Script<'_>], found: &mut Vec<Diagnostic>) {
    let own = |repair: &&Repair| context.asked(repair.module);
    let mut by_place: HashMap<Span, Vec<&Script<'_>>> = HashMap::new();
    for script in scripts {
        by_place.entry(script.span).or_default().push(script);
    }
    let rules = context.model.repairs.iter();
    // The model's rules are numbered as their definitions are.
    for (rule, item) in rules.clone().zip(&context.declared.repairs).filter(|(rule, _)| own(rule)) {
        found.extend(without_limit(item.statement, rule));
    }
    let deeds: Vec<Deed<'_>> = rules.filter(own).map(|rule| Deed::new(&by_place, rule)).collect();
    let mut files: HashMap<ModuleId, Vec<usize>> = HashMap::new();
    for (index, deed) in deeds.iter().enumerate() {
        files.entry(deed.rule.module).or_default().push(index);
        found.extend(never_matches(context, deed.rule));
        found.extend(destructive(deed));
    }
    for rules in files.values() {
        shadowed(context, &deeds, rules, found);
        circles(context, &deeds, rules, found);
    }
}

/// A rule, and what its `do` does.
struct Deed<'a> {
    rule: &'a Repair,
    /// The most harmful command, in words.
    harm: Option<&'static str>,
    /// What it removes, stops or makes, without folders.
    touches: Vec<String>,
    effect: Effect,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Effect {
    Removes,
    Makes,
    Unknown,
}

/// Programs that take something away, and those that bring it.
const REMOVES: &[&str] = &["rm", "rmdir", "unlink", "kill", "pkill", "killall", "dropdb", "truncate"];
const MAKES: &[&str] = &["touch", "mkdir", "cp", "ln", "createdb", "install"];

impl<'a> Deed<'a> {
    fn new(scripts: &HashMap<Span, Vec<&Script<'_>>>, rule: &'a Repair) -> Self {
        let mut deed = Deed { rule, harm: None, touches: Vec::new(), effect: Effect::Unknown };
        let mut effects = HashSet::new();
        for action in &rule.actions {
            let (Action::Script { span, .. } | Action::Exec { span, .. }) = action else { continue };
            for script in scripts.get(span).into_iter().flatten() {
                for command in script.commands() {
                    deed.note(command, &mut effects);
                }
            }
        }
        deed.effect = match (effects.len(), effects.into_iter().next()) {
            (1, Some(effect)) => effect,
            _ => Effect::Unknown,
        };
        deed
    }

    fn note(&mut self, command: &Command, effects: &mut HashSet<Effect>) {
        let Some((program, arguments)) = command.program() else { return };
        let texts: Vec<&str> = arguments.iter().map(|word| word.text.as_str()).collect();
        self.harm = self.harm.or(harm(program, &texts));
        let verb = texts.first().copied().unwrap_or_default();
        effects.insert(match program {
            _ if REMOVES.contains(&program) || matches!(verb, "stop" | "down" | "delete" | "remove") => {
                Effect::Removes
            }
            _ if MAKES.contains(&program) || matches!(verb, "start" | "up" | "create" | "add") => {
                Effect::Makes
            }
            _ => Effect::Unknown,
        });
        let operand = |text: &&&str| !text.starts_with('-') && text.len() > 2;
        let verbs = ["stop", "start", "down", "delete", "remove", "create", "add"];
        let names = texts.iter().filter(operand).filter(|text| !verbs.contains(text));
        self.touches.extend(
            names.map(|text| text.rsplit('/').next().unwrap_or(text).trim_matches(['.', '-']).to_owned()),
        );
    }
}

/// What cannot be taken back, in words.
pub(super) fn harm(program: &str, arguments: &[&str]) -> Option<&'static str> {
    let has = |word: &str| arguments.contains(&word);
    let flag = |letter: char| {
        arguments.iter().any(|word| word.starts_with('-') && !word.starts_with("--") && word.contains(letter))
    };
    match program {
        "rm" if flag('r') || flag('R') || has("--recursive") => {
            Some("removes a folder with all that is in it")
        }
        "rm" if arguments.iter().any(|word| word.contains(['*', '?'])) => {
            Some("removes every file that matches")
        }
        "git" if has("reset") && has("--hard") => Some("throws uncommitted work away"),
        "git" if has("clean") && (flag('f') || has("--force")) => Some("removes untracked files"),
        "git" if has("push") && (has("--force") || flag('f')) => Some("overwrites a branch of others"),
        "kill" if has("-9") || has("-KILL") => Some("kills a process without letting it finish"),
        "pkill" | "killall" => Some("kills every process of a name"),
        "docker" | "podman" if has("prune") => Some("removes what other projects may use"),
        "kubectl" | "helm" if has("delete") || has("uninstall") => Some("removes what runs in a cluster"),
        "terraform" | "tofu" if has("destroy") => Some("destroys infrastructure"),
        "dropdb" | "mkfs" | "shred" | "dd" => Some("destroys data"),
        _ => None,
    }
}

fn without_limit(statement: &Statement, rule: &Repair) -> Option<Diagnostic> {
    if rule.limit.is_some() || rule.then == AfterRepair::Stop {
        return None;
    }
    let block = statement.block.as_ref().filter(|block| !block.statements.is_empty())?;
    let last = block.statements.last()?;
    Some(
        Diagnostic::new(
            &codes::I707,
            rule.span,
            format!("how often \"{}\" may be tried is not said", rule.name),
        )
        .help("once for each stage of a run, unless you say more: `limit 1`")
        .fix(true, last.span.at_end(), "; limit 1"),
    )
}

fn destructive(deed: &Deed<'_>) -> Vec<Diagnostic> {
    let (rule, Some(harm)) = (deed.rule, deed.harm) else { return Vec::new() };
    let mut found = Vec::new();
    if rule.risk == Risk::Low {
        found.push(
            Diagnostic::new(
                &codes::W704,
                rule.span,
                format!("\"{}\" calls itself low risk, and {harm} without asking", rule.name),
            )
            .help("remove `risk low`: then somebody is asked first"),
        );
    }
    if rule.verify.is_none() {
        found.push(
            Diagnostic::new(
                &codes::W708,
                rule.span,
                format!("\"{}\" {harm}, and nothing verifies that this is the time for it", rule.name),
            )
            .help("say what must hold first: `verify not process.running(\"…\") and file.age(\"…\") > 5m`"),
        );
    }
    found
}

fn never_matches(context: &Context<'_>, rule: &Repair) -> Option<Diagnostic> {
    let never = never_holds(context, rule.when.as_ref()?)?;
    Some(never.finding(
        &codes::W702,
        &format!("\"{}\" never acts", rule.name),
        "mend the condition, or remove the rule",
    ))
}

/// Why a condition on a failure holds for none.
pub(super) struct Never {
    span: Span,
    why: String,
    other: Option<Span>,
}

impl Never {
    pub(super) fn finding(self, code: &'static Code, what: &str, help: &str) -> Diagnostic {
        let finding = Diagnostic::new(code, self.span, format!("{what}: {}", self.why)).help(help);
        match self.other {
            Some(other) => finding.related(other, "the condition it contradicts"),
            None => finding,
        }
    }
}

pub(super) fn never_holds(context: &Context<'_>, when: &Check) -> Option<Never> {
    if let Some(Value::Bool(false)) = constant(context.model, &when.expr) {
        return Some(Never { span: when.expr.span, why: "its condition is never true".into(), other: None });
    }
    let never = Bounds::new(context.model, Vec::new()).add(&when.expr)?;
    Some(Never { span: never.span, why: never.message, other: never.other })
}

/// An earlier rule takes every failure that a later one is for. Conditions are compared by their conjuncts, so one
/// pass over the file is enough.
fn shadowed(context: &Context<'_>, deeds: &[Deed<'_>], rules: &[usize], found: &mut Vec<Diagnostic>) {
    let mut earlier: Vec<(&Repair, HashSet<String>)> = Vec::new();
    for index in rules {
        let rule = deeds[*index].rule;
        let Some(when) = &rule.when else { continue };
        let own = conjuncts(context, when);
        let broader = earlier.iter().find(|(_, parts)| parts.iter().all(|part| implied(part, &own)));
        if let Some((before, _)) = broader {
            found.push(
                Diagnostic::new(
                    &codes::W701,
                    rule.span,
                    format!(
                        "\"{}\" comes too late: \"{}\" takes every failure it is for",
                        rule.name, before.name
                    ),
                )
                .related(before.span, "this one matches first")
                .help("put the narrower rule first, or narrow the other one"),
            );
        } else if rule.verify.is_none() && earlier.len() < 200 {
            // One that may refuse to act leaves the failure to those behind it.
            earlier.push((rule, own));
        }
    }
}

/// The parts joined by `and`, as they are written.
pub(super) fn conjuncts(context: &Context<'_>, check: &Check) -> HashSet<String> {
    let text = |expr: &Expr| spacing::one_line(context.declared.sources.text(expr.span));
    match &check.expr.kind {
        Kind::And(parts) => parts.iter().map(text).collect(),
        _ => HashSet::from([text(&check.expr)]),
    }
}

/// Whether a condition follows from conditions that all hold.
pub(super) fn implied(part: &str, held: &HashSet<String>) -> bool {
    if part == "true" || part == "exit != 0" || held.contains(part) {
        return true;
    }
    // A longer plain text contains a shorter one.
    let pattern = |text: &str| -> Option<(String, String)> {
        let (subject, pattern) = text.split_once(" matches ")?;
        let inner = pattern.strip_prefix('"')?.strip_suffix('"')?;
        let plain = inner.chars().all(|c| c.is_alphanumeric() || " _-:/'".contains(c));
        plain.then(|| (subject.to_owned(), inner.to_owned()))
    };
    let Some((subject, short)) = pattern(part) else { return false };
    held.iter()
        .filter_map(|text| pattern(text))
        .any(|(other, long)| other == subject && long.contains(&short))
}

/// E703: rules that bring about each other's failure, by what one touches and the other looks at.
fn circles(context: &Context<'_>, deeds: &[Deed<'_>], rules: &[usize], found: &mut Vec<Diagnostic>) {
    let mut readers: HashMap<String, Vec<usize>> = HashMap::new();
    for index in rules {
        for word in looked_at(deeds[*index].rule) {
            readers.entry(word).or_default().push(*index);
        }
    }
    let place: HashMap<usize, usize> = rules.iter().enumerate().map(|(at, index)| (*index, at)).collect();
    let mut targets: Vec<Vec<usize>> = vec![Vec::new(); rules.len()];
    for index in rules.iter().filter(|index| deeds[**index].rule.then == AfterRepair::RetryStage) {
        for other in deeds[*index].touches.iter().filter_map(|name| readers.get(name)).flatten() {
            let (one, two) = (deeds[*index].effect, deeds[*other].effect);
            // Two rules that both remove the same thing do not undo each other.
            if other != index && (one != two || one == Effect::Unknown) {
                targets[place[index]].push(place[other]);
            }
        }
    }
    for circle in graph::circles(&targets) {
        let mut circle: Vec<usize> = circle.into_iter().map(|at| rules[at]).collect();
        let bounded = |index: &usize| {
            let limit = deeds[*index].rule.limit.as_ref();
            limit.is_some_and(|limit| constant(context.model, limit).is_some())
        };
        if circle.iter().all(bounded) {
            continue;
        }
        circle.sort_unstable();
        found.push(circle_found(deeds, &circle));
    }
}

fn circle_found(deeds: &[Deed<'_>], circle: &[usize]) -> Diagnostic {
    let rules: Vec<&Repair> = circle.iter().map(|index| deeds[*index].rule).collect();
    let names: Vec<String> = rules.iter().map(|rule| format!("\"{}\"", rule.name)).collect();
    let message =
        format!("{} undo each other's work, and no limit is written for all of them", names.join(" and "));
    let finding = Diagnostic::new(&codes::E703, rules[0].span, message);
    rules[1..].iter().fold(finding, |finding, rule| finding.related(rule.span, "what this does brings the other back")).help(
        "let one of them end with `then stop`, or give each a `limit`: then they act at most that often for a stage",
    )
}

/// Names and files in the texts that decide whether the rule acts.
fn looked_at(rule: &Repair) -> HashSet<String> {
    let mut words = HashSet::new();
    for check in [&rule.when, &rule.verify].into_iter().flatten() {
        check.expr.walk(&mut |expr| {
            if let Kind::Value(Value::String(text) | Value::Path(text)) = &expr.kind {
                let plain = text.replace('\\', "");
                let pieces = plain.split(|c: char| !(c.is_alphanumeric() || "._-".contains(c)));
                let trimmed = pieces.map(|word| word.trim_matches(['.', '-']).to_owned());
                words.extend(trimmed.filter(|word| word.len() > 2));
            }
        });
    }
    words
}
