//! Params, lets and secrets of one run: given, by default, or worked out once. Says which are missing or refused; reads
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::{Span, Type, Value, suggest};
use crate::diag::{Code, Diagnostic, codes};
use crate::expr::eval::{Stop, eval};
use crate::expr::facts::{Fact, FactKey, FactValues};
use crate::expr::needs::located;
use crate::expr::{Expr, parse, pattern};
use crate::model::{Global, GlobalKind, LaneParam, Model};

use super::given::{Given, Known, pinned};
use super::reach::{Reach, Standing, global_expr, reach, reads_source, sources};

/// What the run's globals are.
#[derive(Debug, Default)]
pub(super) struct Globals {
    pub(super) values: BTreeMap<u32, Value>,
    pub(super) params: BTreeMap<String, Value>,
    /// Secrets, and what is built from one, each after what it depends on.
    pub(super) secrets: Vec<u32>,
    /// The facts that may be seen and stored.
    pub(super) facts: FactValues,
    /// Known only while the run goes: params that a call gives, and lets made of them, each after what it reads.
    pub(super) later: Vec<u32>,
}

/// What a call gives for a param.
#[derive(Clone, Debug)]
pub(super) enum Set {
    Known(Value),
    /// Read while the run goes, in the plan's own terms.
    Later(Expr),
}

/// For which lane globals are worked out, and what its call gives.
pub(super) struct For<'a> {
    pub(super) lane: &'a [LaneParam],
    pub(super) set: &'a BTreeMap<u32, Set>,
    /// The run's own lane, as opposed to one that is called.
    pub(super) outermost: bool,
    pub(super) standing: &'a Standing,
}

struct Work<'a> {
    model: &'a Model,
    given: &'a Given<'a>,
    whose: &'a For<'a>,
    globals: Globals,
    lost: BTreeSet<u32>,
    found: Vec<Diagnostic>,
}

/// Works out everything reached. `exprs` are the expressions that read it.
pub(super) fn globals(
    model: &Model,
    given: &Given<'_>,
    reached: &Reach,
    exprs: &[&Expr],
    whose: &For<'_>,
) -> Result<Globals, Vec<Diagnostic>> {
    let sources = sources(model, &reached.globals);
    let hidden = |id: &String| sources.iter().any(|name| *id == format!("env({name:?})"));
    let facts: FactValues = given
        .facts
        .iter()
        .filter(|(id, _)| !hidden(id))
        .map(|(id, fact)| (id.clone(), fact.clone()))
        .collect();
    let globals = Globals { facts, ..Globals::default() };
    let mut work = Work { model, given, whose, globals, lost: BTreeSet::new(), found: Vec::new() };
    for index in &reached.globals {
        work.global(*index);
    }
    if whose.outermost {
        work.unread(&reached.globals);
    }
    let counts = |index: &&u32| !is_secret(model, **index) && !whose.set.contains_key(index);
    let defined = reached.globals.iter().filter(counts);
    let defined = defined.filter_map(|index| global_expr(model, *index));
    work.check_facts(exprs.iter().copied().chain(defined), &sources);
    if work.found.is_empty() { Ok(work.globals) } else { Err(work.found) }
}

fn is_secret(model: &Model, index: u32) -> bool {
    model
        .globals
        .get(index as usize)
        .is_some_and(|global| global.secret || matches!(global.kind, GlobalKind::Secret(_)))
}

impl Work<'_> {
    fn global(&mut self, index: u32) {
        let model = self.model;
        let Some(global) = model.globals.get(index as usize) else {
            return;
        };
        let given = self.given.params.get(&index);
        let value = match &global.kind {
            GlobalKind::Param { pattern, .. } if given.is_some() => given.and_then(|value| {
                self.matching(global, value.clone(), pattern.as_deref(), "the value given")
            }),
            GlobalKind::Param { pattern, .. } if let Some(set) = self.whose.set.get(&index) => match set {
                Set::Known(value) => {
                    self.matching(global, value.clone(), pattern.as_deref(), "the value the call gives")
                }
                Set::Later(_) => return self.globals.later.push(index),
            },
            // A name means the params of that name in all files of the lane.
            GlobalKind::Param { default, pattern } => match (self.typed(global), default) {
                (Some(text), _) => self.parsed(global, &text, pattern.as_deref()),
                (None, Some(_)) if global.secret => return self.globals.secrets.push(index),
                (None, Some(default)) => self.default(global, default, pattern.as_deref()),
                (None, None) if global.ty.is_optional() => Some(Value::Absent),
                (None, None) => self.missing(global, pattern.as_deref()),
            },
            GlobalKind::Secret(_) => return self.globals.secrets.push(index),
            GlobalKind::Let(_) if global.secret => return self.globals.secrets.push(index),
            GlobalKind::Let(expr) if self.reads_later(expr) => return self.globals.later.push(index),
            GlobalKind::Let(expr) => self.value(expr),
        };
        match value {
            Some(value) => {
                let shown = self.whose.outermost || global.lane.is_none();
                let given = self.whose.set.contains_key(&index);
                if matches!(global.kind, GlobalKind::Param { .. }) && !global.secret && shown && !given {
                    self.globals.params.insert(global.name.clone(), value.clone());
                }
                let stood_for = self.whose.standing.alias.iter().filter(|(_, new)| **new == index);
                for (old, _) in stood_for {
                    self.globals.values.insert(*old, value.clone());
                }
                self.globals.values.insert(index, value);
            }
            None => {
                self.lost.insert(index);
            }
        }
    }

    /// What was typed for a param; the own params of a called lane are set by its call alone.
    fn typed(&self, global: &Global) -> Option<String> {
        let settable = self.whose.outermost || global.lane.is_none();
        self.given.set.get(&global.name).filter(|_| settable).cloned()
    }

    fn reads_later(&self, expr: &Expr) -> bool {
        let later = &self.globals.later;
        !later.is_empty()
            && reach(self.model, &[expr], self.whose.standing).globals.iter().any(|read| later.contains(read))
    }

    /// What is given must fit its parameter even where this lane does not read it.
    fn unread(&mut self, reached: &[u32]) {
        let model = self.model;
        for (index, global) in (0u32..).zip(&model.globals) {
            let GlobalKind::Param { pattern, .. } = &global.kind else { continue };
            let Some(text) = self.given.set.get(&global.name) else { continue };
            if !settable(global, index, self.whose.lane) || self.whose.standing.alias.contains_key(&index) {
                continue;
            }
            // A param of that name that is read has the say; another file's may be of another type.
            let read = reached.iter().filter_map(|index| model.globals.get(*index as usize));
            let read = read.filter(|other| matches!(other.kind, GlobalKind::Param { .. }));
            if !reached.contains(&index) && !read.into_iter().any(|other| other.name == global.name) {
                self.parsed(global, text, pattern.as_deref());
            }
        }
    }

    fn parsed(&mut self, global: &Global, text: &str, pattern: Option<&str>) -> Option<Value> {
        match parse::value(text, &global.ty) {
            Ok(value) => self.matching(global, value, pattern, "the value given"),
            Err(why) => {
                let message = format!("`{text}` is no value for `{}`: {why}", global.name);
                self.found.push(parameter(global, message, pattern));
                None
            }
        }
    }

    fn default(&mut self, global: &Global, default: &Expr, pattern: Option<&str>) -> Option<Value> {
        let value = self.value(default)?;
        self.matching(global, value, pattern, "its default")
    }

    fn matching(
        &mut self,
        global: &Global,
        value: Value,
        pattern: Option<&str>,
        what: &str,
    ) -> Option<Value> {
        let Some(text) = pattern else {
            return Some(value);
        };
        let fits = match pattern::whole(text) {
            Ok(regex) => texts(&value).iter().all(|text| regex.is_match(text)),
            Err(_) => false,
        };
        if fits {
            return Some(value);
        }
        let message = format!("{what}, `{value}`, does not fit the pattern of `{}`", global.name);
        self.found.push(parameter(global, message, pattern));
        None
    }

    fn missing(&mut self, global: &Global, pattern: Option<&str>) -> Option<Value> {
        let message = format!("`{}` has no value: it has no default and none was given", global.name);
        self.found.push(parameter(global, message, pattern));
        None
    }

    fn value(&mut self, expr: &Expr) -> Option<Value> {
        let scope = Known {
            functions: &self.model.functions,
            globals: &self.globals.values,
            facts: &self.globals.facts,
            matrix: &[],
        };
        let stop = match eval(expr, &scope) {
            Ok(value) => return Some(value),
            Err(stop) => stop,
        };
        // A fact that failed, or a value that was lost, is reported where it is.
        let failed = |key: &FactKey| !matches!(self.globals.facts.get(&key.id()), Some(Fact::Read(_)));
        let told = !self.lost.is_empty() || located(expr, &scope).iter().any(|(key, _)| failed(key));
        if !told {
            self.found.push(no_value(expr.span, &stop));
        }
        None
    }

    /// Every fact of run start that is read must be there.
    fn check_facts<'e>(&mut self, exprs: impl Iterator<Item = &'e Expr>, sources: &BTreeSet<String>) {
        let mut told: BTreeSet<String> = BTreeSet::new();
        for expr in exprs {
            let scope = Known {
                functions: &self.model.functions,
                globals: &self.globals.values,
                facts: &self.globals.facts,
                matrix: &[],
            };
            for (key, span) in located(expr, &scope).into_iter().filter(|(key, _)| pinned(key)) {
                let found = match self.globals.facts.get(&key.id()) {
                    Some(Fact::Read(_)) => continue,
                    Some(Fact::Failed(why)) => unreadable(&key, span, why),
                    None if reads_source(&key, sources) => secret_source(&key, span),
                    None => not_constant(&key, span),
                };
                // Without git all of git's facts fail for the same reason.
                let group = if found.code.id == codes::E955.id { "git".to_owned() } else { key.id() };
                if told.insert(group) {
                    self.found.push(found);
                }
            }
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Absent => Vec::new(),
        Value::List(items) => items.iter().map(Value::to_string).collect(),
        other => vec![other.to_string()],
    }
}

fn parameter(global: &Global, message: String, pattern: Option<&str>) -> Diagnostic {
    let what = match (pattern, &global.ty) {
        (Some(pattern), _) => format!("; the whole value must match \"{pattern}\""),
        (None, Type::String) => String::new(),
        (None, ty) => format!("; it is {ty}"),
    };
    let docs = global.docs.as_deref().and_then(|docs| docs.lines().next());
    let docs = docs.map(|line| format!(" ({line})")).unwrap_or_default();
    Diagnostic::new(&codes::E953, global.span, message)
        .help(format!("give it with `--set {}=…`{what}{docs}", global.name))
}

fn unreadable(key: &FactKey, span: Span, why: &str) -> Diagnostic {
    let git = key.name.starts_with("git.");
    let code: &'static Code = if git { &codes::E955 } else { &codes::E956 };
    let found = Diagnostic::new(code, span, format!("`{}` cannot be read: {why}", key.id()));
    match git {
        true => found.help("run it in a git repository with a commit, or use a lane that does not read git"),
        false => found,
    }
}

fn secret_source(key: &FactKey, span: Span) -> Diagnostic {
    Diagnostic::new(&codes::E506, span, format!("`{}` is read as a secret and is never stored", key.id()))
        .help("use the secret by its name, in `env`")
}

fn not_constant(key: &FactKey, span: Span) -> Diagnostic {
    Diagnostic::new(&codes::E956, span, format!("`{}` was not read at run start", key.id())).help(
        "arguments of what is read at run start must not depend on parameters, the matrix or other facts",
    )
}

/// E956: an expression that has no value before the run.
pub(super) fn no_value(span: Span, stop: &Stop) -> Diagnostic {
    match stop {
        Stop::Failed { span, message } => {
            Diagnostic::new(&codes::E956, *span, format!("this value cannot be worked out: {message}"))
        }
        Stop::Needs(keys) => {
            let names: Vec<String> = keys.iter().map(|key| format!("`{}`", key.id())).collect();
            let message =
                format!("this value is needed before the run, and {} is not known yet", names.join(", "));
            Diagnostic::new(&codes::E956, span, message)
        }
    }
}

/// Whether `--set` may give it: a param of a file, or of the run's own lane.
fn settable(global: &Global, index: u32, lane: &[LaneParam]) -> bool {
    let own = || lane.iter().any(|param| param.global == index || param.shadows.contains(&index));
    matches!(global.kind, GlobalKind::Param { .. }) && (global.lane.is_none() || own())
}

/// `--set` of names that no param has.
pub(super) fn unknown_names(
    model: &Model,
    span: Span,
    given: &Given<'_>,
    lane: &[LaneParam],
) -> Vec<Diagnostic> {
    let globals = (0..).zip(&model.globals);
    let params: Vec<&Global> =
        globals.filter(|(index, global)| settable(global, *index, lane)).map(|(_, global)| global).collect();
    let known = |name: &str| params.iter().any(|global| global.name == name);
    let lost = given.set.keys().filter(|name| !known(name));
    lost.map(|name| {
        let near = suggest::nearest(name, params.iter().map(|global| global.name.as_str()));
        let meant = params.iter().find(|global| near.first() == Some(&global.name.as_str()));
        let names: Vec<&str> = params.iter().map(|global| global.name.as_str()).collect();
        let all = match names.is_empty() {
            true => "there are no parameters".to_owned(),
            false => format!("the parameters are {}", names.join(", ")),
        };
        let place = meant.map_or(span, |global| global.span);
        Diagnostic::new(&codes::E953, place, format!("there is no parameter `{name}`"))
            .help(suggest::did_you_mean(&near).unwrap_or(all))
    })
    .collect()
}
