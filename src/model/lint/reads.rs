//! Files that a stage reads before the stage that writes them has run, and files that it reads beside its `inputs`.
//! Knows only paths that stand whole in the text.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::base::{Span, Value};
use crate::diag::{Diagnostic, codes};
use crate::expr::{Expr, Kind, facts, pattern};
use crate::model::visit::expressions;
use crate::model::{Action, Model, ResolvedLane, Stage, constant};

use super::Context;
use super::likeness::{normal, place};
use super::reach::Reach;
use super::writes::Write;

/// Endings of programs that stand in the project as text.
const SOURCES: &[&str] =
    &[".sh", ".bash", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".lua", ".php", ".awk", ".jinja"];

/// One path that a stage reads.
struct Read<'m> {
    path: Cow<'m, str>,
    span: Span,
    /// It cannot work without: a reader or an input, not a question whether the file is there.
    sure: bool,
}

/// E402: a file is read that another stage of the lane writes, and nothing makes the one wait for the other.
pub(super) fn before_written(
    context: &Context<'_>,
    lane: &ResolvedLane,
    writes: &[Write],
    reach: &mut Reach<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut written: HashMap<&str, Vec<&Write>> = HashMap::new();
    for write in writes.iter().filter(|write| write.place.whole) {
        written.entry(&write.place.text).or_default().push(write);
    }
    for (index, stage) in lane.stages.iter().enumerate() {
        for read in reads(context.model, stage) {
            let Some(writers) = written.get(&*read.path) else { continue };
            if let Some(write) = too_early(reach, index as u32, writers, read.sure) {
                found.push(early_read(lane, stage, &read, write));
            }
        }
    }
}

/// The stage that writes it, unless some writer surely comes first.
fn too_early<'w>(reach: &mut Reach<'_>, reader: u32, writers: &[&'w Write], sure: bool) -> Option<&'w Write> {
    for write in writers {
        if write.stage == reader || reach.waits(reader, write.stage) {
            return None;
        }
        // Asking whether a file is there before it is made can be the point.
        if !sure && reach.waits(write.stage, reader) {
            return None;
        }
    }
    writers.first().copied()
}

fn early_read(lane: &ResolvedLane, stage: &Stage, read: &Read<'_>, write: &Write) -> Diagnostic {
    let writer = &lane.stages[write.stage as usize].name;
    let message = format!(
        "`{}` reads `{}` before `{writer}` has surely written it: in lane `{}` nothing makes it wait",
        stage.name, read.path, lane.name
    );
    Diagnostic::new(&codes::E402, read.span, message)
        .label("read here")
        .related(write.span, format!("`{writer}` writes it"))
        .help(format!("write `needs {writer}` in `{}`", stage.name))
}

/// The paths a stage reads, as far as the text names them.
fn reads<'m>(model: &'m Model, stage: &'m Stage) -> Vec<Read<'m>> {
    let mut found = Vec::new();
    let mut add = |expr: &'m Expr, sure| {
        let path = whole_path(model, expr).filter(|path| !path.is_empty());
        found.extend(path.map(|path| Read { path, span: expr.span, sure }));
    };
    stage.inputs.iter().for_each(|input| add(input, true));
    for action in &stage.actions {
        match action {
            Action::Exec { argv, .. } if stage.cwd.is_none() => {
                argv.iter().filter(|operand| is_text(operand)).for_each(|operand| add(operand, false));
            }
            Action::Render { render, .. } => add(&render.template, true),
            _ => {}
        }
    }
    for expr in expressions(stage) {
        expr.walk(&mut |part| {
            let Kind::Fact { name, arguments, .. } = &part.kind else { return };
            let Some(path) = arguments.first() else { return };
            match facts::find(name).map(|row| row.phase) {
                Some(facts::Phase::Reader) => add(path, true),
                Some(facts::Phase::Judge) if name.starts_with("file.") => add(path, false),
                _ => {}
            }
        });
    }
    found
}

/// A path of which nothing is left open.
fn whole_path<'m>(model: &'m Model, expr: &'m Expr) -> Option<Cow<'m, str>> {
    match normal(model, expr) {
        Some(path) => Some(Cow::Borrowed(path)),
        None => place(model, expr).filter(|place| place.whole).map(|place| Cow::Owned(place.text)),
    }
}

/// A string written out: what a process gets from a path of the language is absolute, and its stage is needed.
fn is_text(operand: &Expr) -> bool {
    matches!(&operand.kind, Kind::Value(Value::String(text)) if text.contains(['/', '.']))
}

/// I408: the program of a stage with `inputs` is a file of the project that they leave out.
pub(super) fn undeclared(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for stage in context.model.stages.iter().filter(|stage| context.asked(stage.module)) {
        if stage.inputs.is_empty() || stage.cwd.is_some() {
            continue;
        }
        let programs = programs(stage);
        if programs.is_empty() {
            continue;
        }
        let Some(globs) = globs(context.model, stage) else { continue };
        for (file, span) in programs {
            if globs.iter().any(|glob| glob.is_match(&file)) {
                continue;
            }
            let message = format!("`{}` runs `{file}`, which its `inputs` leave out", stage.name);
            found.push(
                Diagnostic::new(&codes::I408, span, message)
                    .related(stage.inputs[0].span, "the inputs")
                    .help("add it: when only this file changes, an earlier result is still reused"),
            );
        }
    }
}

/// None when one of them is known only when it runs.
fn globs(model: &Model, stage: &Stage) -> Option<Vec<globset::GlobMatcher>> {
    let of = |input: &Expr| match constant(model, input)? {
        Value::String(glob) | Value::Path(glob) => pattern::glob(glob.trim_start_matches("./")).ok(),
        _ => None,
    };
    stage.inputs.iter().map(of).collect()
}

/// Files of the project that a stage's own command lines name as programs, scripts or templates.
fn programs(stage: &Stage) -> Vec<(String, Span)> {
    let mut named: Vec<&Expr> = Vec::new();
    for action in &stage.actions {
        match action {
            Action::Exec { argv, .. } => named.extend(argv.iter().take(2)),
            Action::Render { render, .. } => named.push(&render.template),
            Action::Script { .. } | Action::Call { .. } => {}
        }
    }
    let file = |expr: &&'_ Expr| match &expr.kind {
        Kind::Value(Value::String(path) | Value::Path(path)) => {
            let path = path.trim_start_matches("./");
            let inside = !path.starts_with(['/', '-', '~']) && !path.contains([' ', ':', '*']);
            let source = SOURCES.iter().any(|ending| path.ends_with(ending) && path.len() > ending.len());
            (inside && source).then_some(path.to_owned())
        }
        _ => None,
    };
    named.into_iter().filter_map(|expr| Some((file(&expr)?, expr.span))).collect()
}
