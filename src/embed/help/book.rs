//! Rules of `help` statements, ready to be tried on a failure. Knows no run and no log.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use regex::Regex;

use crate::base::Value;
use crate::expr::facts::{Fact, FactKey};
use crate::expr::{Expr, Function, Kind, Scope, eval, pattern};
use crate::load::{self, Loaded, Memory, Request};
use crate::model::{self, Help, Model, constant};
use crate::observe::help::Advice;

use super::fill::{self, Groups};
use super::text::Text;

/// Where texts from memory lie while they are loaded.
const ROOT: &str = "/definition";

/// What is known of a failure.
pub(super) struct Seen {
    pub exit: Option<i32>,
    pub timed_out: bool,
    /// In the order in which they are searched.
    pub texts: Vec<Text>,
}

#[derive(Default)]
pub(super) struct Book {
    model: Model,
    rules: Vec<Rule>,
}

struct Rule {
    title: String,
    cause: String,
    attempt: String,
    place: String,
    when: Expr,
    patterns: Vec<Regex>,
    /// It only holds where one of the patterns is found.
    textual: bool,
}

/// A rule's match: in which text it was, and where.
struct Hit<'t> {
    text: &'t Text,
    at: Option<usize>,
    groups: Groups,
}

impl Book {
    /// Of the library; read once, when the first failure is shown.
    pub fn library() -> &'static Book {
        static LIBRARY: OnceLock<Book> = OnceLock::new();
        LIBRARY.get_or_init(|| {
            let request = Request { root: ROOT.into(), cwd: ROOT.into(), paths: Vec::new() };
            Book::of(&load::load_with(&request, &Memory::default(), &["help"]), true)
        })
    }

    /// Of the files that a run was made from, as they were then.
    pub fn of_definition(files: &BTreeMap<String, String>) -> Book {
        let own = files.iter().filter(|(name, _)| !name.starts_with("std."));
        let mut says = own.clone().flat_map(|(_, text)| text.lines());
        if !says.any(|line| line.trim_start().starts_with("help")) {
            return Book::default();
        }
        let path = |name: &str| PathBuf::from(ROOT).join(name);
        let memory = own
            .clone()
            .fold(Memory::default(), |memory, (name, text)| memory.with(path(name), text.as_str()));
        let paths = own.map(|(name, _)| path(name)).collect();
        Book::of(&load::load(&Request { root: ROOT.into(), cwd: ROOT.into(), paths }, &memory), false)
    }

    fn of(loaded: &Loaded, std: bool) -> Book {
        let model = model::check(&loaded.sources, &loaded.units).model;
        let wanted =
            |help: &&Help| model.modules.get(help.module as usize).is_some_and(|module| module.std == std);
        let place = |help: &Help| {
            let place = loaded.sources.place(help.span);
            place.rsplit_once(':').map_or(place.clone(), |(line, _)| line.to_string())
        };
        let rules = model.helps.iter().filter(wanted).filter_map(|help| Rule::new(&model, help, place(help)));
        let rules = rules.collect();
        Book { model, rules }
    }

    /// Adds what fits to `found` until that holds `most`. Of rules that point to one line the first is enough.
    pub fn search(&self, seen: &Seen, found: &mut Vec<Advice>, most: usize) {
        for rule in &self.rules {
            if found.len() >= most {
                return;
            }
            let Some(advice) = self.try_on(rule, seen) else { continue };
            let same = |other: &Advice| {
                (other.line.is_some() && other.line == advice.line) || other.cause == advice.cause
            };
            if !found.iter().any(same) {
                found.push(advice);
            }
        }
    }

    fn try_on(&self, rule: &Rule, seen: &Seen) -> Option<Advice> {
        let hit = match rule.textual {
            true => seen
                .texts
                .iter()
                .find_map(|text| rule.found_in(text).filter(|_| self.holds(rule, seen, text)))?,
            false => self.judged(rule, seen)?,
        };
        let (line, log_line) = match hit.at.map(|at| hit.text.line_at(at)) {
            Some((line, number)) => (Some(line.trim().to_string()), number),
            None => (None, None),
        };
        Some(Advice {
            title: rule.title.clone(),
            cause: fill::words(&rule.cause, &hit.groups),
            attempt: fill::command(&rule.attempt, &hit.groups),
            line,
            log_line,
            stream: hit.text.stream,
            from: rule.place.clone(),
        })
    }

    /// A rule that may hold without any text, by the exit code for instance.
    fn judged<'t>(&self, rule: &Rule, seen: &'t Seen) -> Option<Hit<'t>> {
        let text = seen.texts.iter().find(|text| self.holds(rule, seen, text))?;
        Some(rule.found_in(text).unwrap_or(Hit { text, at: None, groups: Groups::new() }))
    }

    fn holds(&self, rule: &Rule, seen: &Seen, text: &Text) -> bool {
        let scope = Failure { model: &self.model, seen, text };
        eval(&rule.when, &scope) == Ok(Value::Bool(true))
    }
}

impl Rule {
    fn new(model: &Model, help: &Help, place: String) -> Option<Rule> {
        let patterns = help.patterns(model).into_iter().filter_map(|(text, _)| pattern::regex(text).ok());
        Some(Rule {
            title: help.name.clone(),
            cause: help.cause.as_ref()?.text.clone(),
            attempt: help.attempt.as_ref()?.text.clone(),
            place,
            when: help.when.as_ref()?.expr.clone(),
            patterns: patterns.collect(),
            textual: help.needs_text(model),
        })
    }

    fn found_in<'t>(&self, text: &'t Text) -> Option<Hit<'t>> {
        let mut hit: Option<Hit<'t>> = None;
        for regex in &self.patterns {
            let Some(captures) = regex.captures(&text.text) else { continue };
            let whole = captures.get(0)?;
            // A match may begin with the end of the line before.
            let blank = whole.as_str().len() - whole.as_str().trim_start().len();
            let at = whole.start() + blank;
            let hit = hit.get_or_insert(Hit { text, at: Some(at), groups: Groups::new() });
            for name in regex.capture_names().flatten() {
                if let Some(group) = captures.name(name).filter(|group| !group.as_str().trim().is_empty()) {
                    hit.groups.entry(name.to_string()).or_insert_with(|| group.as_str().to_string());
                }
            }
        }
        hit
    }
}

/// What the condition of a rule can see.
struct Failure<'a> {
    model: &'a Model,
    seen: &'a Seen,
    text: &'a Text,
}

impl Scope for Failure<'_> {
    fn global(&self, index: u32) -> Option<Value> {
        let expr = Expr { kind: Kind::Global(index), span: Default::default() };
        constant(self.model, &expr).cloned()
    }

    fn function(&self, index: u32) -> Option<&Function> {
        self.model.functions.get(index as usize)
    }

    fn fact(&self, key: &FactKey) -> Option<Fact> {
        Some(match key.name.as_str() {
            // What never started has none, and may still have words that explain it.
            "exit" => Fact::Read(Value::Int(self.seen.exit.unwrap_or(-1).into())),
            "stderr" => Fact::Read(Value::String(self.text.text.clone())),
            "timed-out" => Fact::Read(Value::Bool(self.seen.timed_out)),
            _ => Fact::Failed("it is not known any more".into()),
        })
    }
}
