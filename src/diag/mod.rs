//! Diagnostics: what is wrong, where, why, and what to do. Owned by the stage that finds them; rendered
//! by its submodules. Does not know how a problem is found.

pub mod codes;
pub mod fix;
mod github;
mod human;
mod json;
pub mod page;
mod sarif;
mod short;

use std::collections::HashSet;
use std::fmt;

use crate::base::{FileId, SourceMap, Span};

pub use codes::Code;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Info,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        })
    }
}

/// A second place that matters: "opened here", "first defined here".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    pub span: Span,
    pub message: String,
}

/// One replacement of text; an empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// Edits that mend the problem. `safe` ones keep the meaning and are applied by `--fix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    pub edits: Vec<Edit>,
    pub safe: bool,
}

/// One finding. `label` stands at the caret, `help` says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static Code,
    pub severity: Severity,
    pub message: String,
    pub span: Span,
    pub label: Option<String>,
    pub help: Option<String>,
    pub related: Vec<Related>,
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding with the code's own severity.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            severity: code.severity,
            message: message.into(),
            span,
            label: None,
            help: None,
            related: Vec::new(),
            fix: None,
        }
    }

    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Like [`Diagnostic::help`], when there is something to say.
    pub fn help_if(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    pub fn related(mut self, span: Span, message: impl Into<String>) -> Self {
        self.related.push(Related { span, message: message.into() });
        self
    }

    /// Replaces `span` by `text` when fixed.
    pub fn fix(mut self, safe: bool, span: Span, text: impl Into<String>) -> Self {
        let edit = Edit { span, text: text.into() };
        match &mut self.fix {
            Some(fix) => fix.edits.push(edit),
            None => self.fix = Some(Fix { edits: vec![edit], safe }),
        }
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// How findings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// With source lines, carets and help.
    Human,
    /// One line each.
    Short,
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Workflow commands of GitHub Actions.
    Github,
}

/// The findings in one text, in the order given. `color` and `width` concern [`Format::Human`] alone; it and
/// `Short` are empty when there is nothing to say.
pub fn render(
    format: Format,
    sources: &SourceMap,
    diagnostics: &[Diagnostic],
    color: bool,
    width: usize,
) -> String {
    match format {
        Format::Human => human::render(sources, diagnostics, color, width),
        Format::Short => short::render(sources, diagnostics),
        Format::Json => json::render(sources, diagnostics),
        Format::Sarif => sarif::render(sources, diagnostics),
        Format::Github => github::render(sources, diagnostics),
    }
}

/// `3 errors, 1 warning in 2 files`.
pub fn summary(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| diagnostics.iter().filter(|found| found.severity == severity).count();
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let parts: Vec<String> =
        [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "note")]
            .into_iter()
            .map(|(severity, word)| (count(severity), word))
            .filter(|(n, _)| *n > 0)
            .map(|(n, word)| plural(n, word))
            .collect();
    let mut files: Vec<FileId> = diagnostics.iter().map(|found| found.span.file).collect();
    files.sort();
    files.dedup();
    match parts.is_empty() {
        true => "nothing to report".to_owned(),
        false => format!("{} in {}", parts.join(", "), plural(files.len(), "file")),
    }
}

/// Findings of several stages as one list, in order; what only repeats another at its place is left out: an odd
/// definition that is also wrong, a foreign spelling that is also an unknown name, an odd meaning of what is not
/// understood in part.
pub fn merge(mut all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let is_final = |found: &&Diagnostic| found.is_error() && !found.code.allowable;
    let errors: HashSet<Span> = all.iter().filter(is_final).map(|found| found.span).collect();
    let unknown: Vec<Span> = match all.iter().any(is_spelling) {
        true => all
            .iter()
            .filter(|found| matches!(found.code.id, "E102" | "E122"))
            .map(|found| found.span)
            .collect(),
        false => Vec::new(),
    };
    let mut wrong: Vec<(FileId, u32)> = all
        .iter()
        .filter(|found| !found.code.allowable)
        .map(|found| (found.span.file, found.span.start))
        .collect();
    wrong.sort_unstable();
    let holds_an_error = |span: Span| {
        let first = wrong.partition_point(|place| *place < (span.file, span.start));
        wrong.get(first).is_some_and(|(file, start)| *file == span.file && *start < span.end)
    };
    all.retain(|found| match found.severity {
        _ if found.code.allowable && holds_an_error(found.span) => false,
        Severity::Error if is_spelling(found) => !unknown.iter().any(|span| span.covers(found.span)),
        Severity::Error => true,
        Severity::Warning | Severity::Info => !errors.contains(&found.span),
    });
    sort(&mut all);
    all
}

/// Whether a name was only written the wrong way: it is known which one it is.
pub fn is_spelling(found: &Diagnostic) -> bool {
    found.code.id == "E011" && found.message.ends_with("in lower case")
}

/// By place, then severity, then code: the order every output format uses.
pub fn sort(diagnostics: &mut [Diagnostic]) {
    diagnostics.sort_by(|a, b| {
        (a.span.file, a.span.start, a.severity, a.code.id).cmp(&(
            b.span.file,
            b.span.start,
            b.severity,
            b.code.id,
        ))
    });
}
