//! Scripts: every `run` and every command line of `exec`, read once for all lints of this folder and of security.
//! Runs nothing.

mod inject;
mod portable;
mod quoting;
mod status;
mod syntax;
mod variables;

use std::collections::HashSet;

use crate::base::{Span, Type, Value};
use crate::diag::Diagnostic;
use crate::expr::{Expr, Kind as ExprKind};
use crate::model::shell::{self, Command, Facts, Fault, Places, Word};
use crate::model::{Action, GlobalKind, Model, ModuleId, Stage, Tool, constant};

use super::Context;

/// A lint of scripts.
pub(super) type Lint = fn(&Context<'_>, &[Script<'_>], &mut Vec<Diagnostic>);

/// The lints of this folder.
pub(super) const LINTS: &[Lint] = &[
    syntax::refused,
    variables::unbound,
    variables::unused,
    quoting::unquoted,
    portable::bashisms,
    portable::not_strict,
    status::masked,
    inject::injected,
];

/// What reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bash,
    Sh,
    /// Some other interpreter.
    Other,
    /// An `exec`: one command, its words the operands.
    Exec,
}

/// Whose it is.
#[derive(Clone, Copy)]
pub(super) enum Owner<'a> {
    Stage(&'a Stage),
    Tool(&'a Tool),
    /// A lane's `finally`, a repair.
    Loose,
}

/// When it is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Action,
    Undo,
    Finally,
}

pub(super) struct Script<'a> {
    pub kind: Kind,
    pub interpreter: &'a str,
    pub text: &'a str,
    pub places: Places,
    pub facts: Option<Facts>,
    pub fault: Option<Fault>,
    pub owner: Owner<'a>,
    pub part: Part,
    pub env: &'a [(String, Expr)],
    /// The whole action.
    pub span: Span,
}

impl Script<'_> {
    /// Whether a shell of ours reads it.
    pub fn is_shell(&self) -> bool {
        matches!(self.kind, Kind::Bash | Kind::Sh)
    }

    /// Of one of its commands; an `exec` is one as a whole.
    pub fn place_of(&self, command: &Command) -> Span {
        match self.kind {
            Kind::Exec => self.span,
            _ => self.places.span(&command.at),
        }
    }

    pub fn commands(&self) -> &[Command] {
        self.facts.as_ref().map_or(&[], |facts| &facts.commands)
    }
}

/// Every script of the files that are the user's, each once.
pub(super) fn scripts<'a>(context: &Context<'a>) -> Vec<Script<'a>> {
    let mut all = Gather { context, seen: HashSet::new(), found: Vec::new() };
    for stage in &context.model.stages {
        all.stage(stage);
    }
    for tool in &context.model.tools {
        all.actions(tool.module, &tool.actions, Owner::Tool(tool), Part::Action, &tool.env);
    }
    for lane in context.resolved.values() {
        // Those that the lane overrides; the rest was seen.
        lane.stages.iter().for_each(|stage| all.stage(stage));
        let module = context.model.lanes[lane.id as usize].module;
        all.actions(module, &lane.finally, Owner::Loose, Part::Finally, &[]);
    }
    for repair in &context.model.repairs {
        all.actions(repair.module, &repair.actions, Owner::Loose, Part::Action, &[]);
    }
    all.found
}

struct Gather<'c, 'a> {
    context: &'c Context<'a>,
    seen: HashSet<Span>,
    found: Vec<Script<'a>>,
}

impl<'a> Gather<'_, 'a> {
    fn stage(&mut self, stage: &'a Stage) {
        let owner = Owner::Stage(stage);
        self.actions(stage.module, &stage.actions, owner, Part::Action, &stage.env);
        self.actions(stage.module, &stage.undo, owner, Part::Undo, &stage.env);
        self.actions(stage.module, &stage.finally, owner, Part::Finally, &stage.env);
    }

    fn actions(
        &mut self,
        module: ModuleId,
        actions: &'a [Action],
        owner: Owner<'a>,
        part: Part,
        env: &'a [(String, Expr)],
    ) {
        let unit = &self.context.declared.units[module as usize];
        if unit.std && !unit.given {
            return;
        }
        for action in actions {
            let (Action::Script { span, .. } | Action::Exec { span, .. }) = action else { continue };
            if !self.seen.insert(*span) {
                continue;
            }
            let base = |kind, interpreter, text, places| Script {
                kind,
                interpreter,
                text,
                places,
                facts: None,
                fault: None,
                owner,
                part,
                env,
                span: *span,
            };
            match action {
                Action::Script { interpreter, text, lines, .. } => {
                    let places = match lines.is_empty() {
                        true => Places::of_string(*span, self.context.declared.sources.text(*span)),
                        false => Places::of_lines(*span, text, lines),
                    };
                    self.found.push(read(base(kind_of(interpreter), interpreter, text, places)));
                }
                Action::Exec { argv, .. } => {
                    let mut script = base(Kind::Exec, "exec", "", Places::of_string(*span, ""));
                    script.facts = Some(self.command(argv));
                    self.found.push(script);
                    self.found.extend(
                        self.inline(argv)
                            .map(|(word, text, places)| read(base(kind_of(word), word, text, places))),
                    );
                }
                _ => {}
            }
        }
    }

    /// An `exec` as the one command it is.
    fn command(&self, argv: &[Expr]) -> Facts {
        let word = |expr: &Expr| match constant(self.context.model, expr) {
            Some(Value::String(text) | Value::Path(text)) => {
                Word { text: text.clone(), fixed: true, ..Word::default() }
            }
            _ => Word { text: known_text(self.context.model, expr), ..Word::default() },
        };
        let command = Command { words: argv.iter().map(word).collect(), ..Command::default() };
        Facts { commands: vec![command], ..Facts::default() }
    }

    /// `exec "sh", "-c", "…"`: the script in it.
    fn inline(&self, argv: &'a [Expr]) -> Option<(&'a str, &'a str, Places)> {
        let text = |expr: &'a Expr| match constant(self.context.model, expr) {
            Some(Value::String(text) | Value::Path(text)) => Some(text.as_str()),
            _ => None,
        };
        let program = text(argv.first()?)?.rsplit('/').next().unwrap_or_default();
        if kind_of(program) == Kind::Other {
            return None;
        }
        let flag = argv.iter().position(|expr| {
            text(expr)
                .is_some_and(|flag| flag.starts_with('-') && !flag.starts_with("--") && flag.ends_with('c'))
        })?;
        let script = argv.get(flag + 1)?;
        let places = Places::of_string(script.span, self.context.declared.sources.text(script.span));
        Some((program, text(script)?, places))
    }
}

fn read(script: Script<'_>) -> Script<'_> {
    if !script.is_shell() {
        return script;
    }
    let shell::Reading { fault, facts } = shell::read(script.text);
    Script { fault, facts, ..script }
}

fn kind_of(interpreter: &str) -> Kind {
    let mut words = interpreter.split_whitespace();
    match words.next().unwrap_or("bash").rsplit('/').next().unwrap_or_default() {
        "bash" => Kind::Bash,
        "sh" | "dash" => Kind::Sh,
        _ => Kind::Other,
    }
}

/// What is known of a value's text, `$` for the rest.
pub(super) fn known_text(model: &Model, expr: &Expr) -> String {
    match (constant(model, expr), &expr.kind) {
        (Some(value), _) => value.to_string(),
        (None, ExprKind::Format(parts)) => parts.iter().map(|part| known_text(model, part)).collect(),
        _ => "$".to_owned(),
    }
}

/// Whether a value can hold neither spaces nor anything that a shell gives a meaning.
pub(super) fn is_plain(model: &Model, expr: &Expr) -> bool {
    if let Some(value) = constant(model, expr) {
        return match value {
            Value::String(text) | Value::Path(text) => is_plain_text(text),
            _ => true,
        };
    }
    match &expr.kind {
        ExprKind::Format(parts) => parts.iter().all(|part| is_plain(model, part)),
        ExprKind::Global(index) => model.globals.get(*index as usize).is_some_and(|global| {
            let fixed = match global.ty.required() {
                Type::String | Type::Path | Type::List(_) | Type::Unknown => false,
                Type::Enum(words) => words.iter().all(|word| is_plain_text(word)),
                _ => true,
            };
            fixed || matches!(&global.kind, GlobalKind::Let(inner) if matches!(inner.kind, ExprKind::Format(_)) && is_plain_once(model, inner))
        }),
        ExprKind::Fact { ty, name, .. } => {
            !matches!(ty.required(), Type::String | Type::Path | Type::List(_) | Type::Unknown)
                || matches!(name.as_str(), "git.sha" | "git.short_sha" | "os" | "arch")
        }
        ExprKind::And(_) | ExprKind::Or(_) | ExprKind::Not(_) | ExprKind::Compare { .. } => true,
        ExprKind::If(parts) => is_plain(model, &parts.1) && is_plain(model, &parts.2),
        _ => false,
    }
}

/// As `is_plain` for the pieces of a let's f-string, without following further lets.
fn is_plain_once(model: &Model, expr: &Expr) -> bool {
    let ExprKind::Format(parts) = &expr.kind else { return false };
    parts.iter().all(|part| match &part.kind {
        ExprKind::Global(_) => constant(model, part).is_some_and(|value| match value {
            Value::String(text) | Value::Path(text) => is_plain_text(text),
            _ => true,
        }),
        _ => is_plain(model, part),
    })
}

/// Letters, digits and signs without a meaning for a shell.
pub(super) fn is_plain_text(text: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "_-./:@%+=,".contains(c);
    !text.is_empty() && text.chars().all(plain)
}
